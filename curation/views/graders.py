"""Graders: the list, the editor, and the page of one with its versions, its agreement with people and its uses."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from curation.models import Grader, GraderVersion
from curation.scoring import keep, read
from curation.scoring.graders import definitions
from curation.scoring.refused import Refused
from curation.views import grader_form, grader_kinds
from workspace.access import Entry, enter
from workspace.models import Connection, Role
from workspace.pages import answer


@require_GET
def graders(request: HttpRequest, slug: str) -> HttpResponse:
    """All graders by name; `aside=1`: those that were put aside."""
    entry = enter(request, slug, Role.REVIEWER)
    aside = request.GET.get("aside") == "1"
    page, listed = read.graders(entry.project, aside=aside, cursor=request.GET.get("cursor", ""))
    context = {
        "page": page,
        "listed": listed,
        "may_engineer": entry.may(Role.ENGINEER),
        "kinds": grader_kinds.KINDS,
        "aside": aside,
    }
    context["others"] = read.has_graders(entry.project, aside=not aside)
    return render(request, "curation/graders.html", context)


@require_http_methods(["GET", "POST"])
def grader_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The editor of a new grader; posted with act=save it is kept as a draft, any other act shows the form again."""
    entry = enter(request, slug, Role.ENGINEER)
    if request.method == "GET":
        return _editor(request, entry, None, QueryDict(mutable=True))
    return _posted(request, entry, None)


@require_http_methods(["GET", "POST"])
def grader_change(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """The editor on a version (`version`, else the newest); saved, it is the next version, a draft."""
    entry = enter(request, slug, Role.ENGINEER)
    found = grader_at(entry, name)
    if request.method == "POST":
        return _posted(request, entry, found)
    version = version_at(found, request.GET.get("version", ""))
    return _editor(request, entry, found, _filled(version))


def grader_at(entry: Entry, name: str) -> Grader:
    """The grader of this project with this slug, or 404."""
    try:
        return read.grader(entry.project, name)
    except Grader.DoesNotExist:
        raise Http404("There is no such grader in this project.") from None


def version_at(found: Grader, number: str | int) -> GraderVersion:
    """One version by number, the newest for "", or 404."""
    known = found.versions.select_related("grader__project", "connection").order_by("-number")
    if str(number):
        known = known.filter(number=int(number)) if str(number).isascii() and str(number).isdigit() else known.none()
    version = known.first()
    if version is None:
        raise Http404("This grader has no such version.")
    return version


def _filled(version: GraderVersion) -> QueryDict:
    """A version as a posted form: as fields where a form can show all of it, else as JSON."""
    given = QueryDict(mutable=True)
    given["name"] = version.grader.name
    given["type"] = str(version.definition.get("type"))
    given["connection"] = str(version.connection.uid) if version.connection else ""
    for key, text in version.goal.items():
        given[f"goal_{key}"] = text
    values = grader_form.written(version.definition)
    if values is None:
        given["mode"], given["definition"] = "json", grader_form.pretty(version.definition)
    _fill(given, str(version.definition.get("type")), values or {})
    return given


def _fill(given: QueryDict, kind: str, values: dict[str, str]) -> None:
    """Put the fields of a type into a posted form; ticked boxes are several values under one name."""
    several = {f"f_{one.key}" for one in grader_kinds.fields(kind) if one.kind == "several"}
    for name, text in values.items():
        given.setlist(name, text.split("\n") if name in several else [text])


def _posted(request: HttpRequest, entry: Entry, found: Grader | None) -> HttpResponse:
    given = request.POST.copy()
    act = given.get("act", "save")
    name = (found.name if found else " ".join(given.get("name", "").split()))[:100]
    as_json = given.get("mode") == "json"
    _with_model(entry, given)
    wanted = (
        grader_form.read_json(given.get("definition", ""), name)
        if as_json
        else grader_form.read(given.get("type", ""), name, given)
    )
    if act == "offer":
        for field, text in grader_form.words_of(_goal(given)).items():
            given[field] = given.get(field, "").strip() or text  # what somebody wrote is never replaced
    elif act == "part":
        return _with_part(request, entry, found, given)
    elif act == "json":
        given["mode"], given["definition"] = "json", grader_form.pretty(wanted.definition)
    elif act == "form":
        return _as_form(request, entry, found, given, wanted)
    if act != "save":
        return _editor(request, entry, found, given)
    return _save(request, entry, found, given, wanted)


def _with_model(entry: Entry, given: QueryDict) -> None:
    """Where no model is named, that of the chosen connection; after another was chosen (act=connection) its own takes the
    place of one that only stood there as the default of the one before."""
    lines = {str(line.uid): line for line in Connection.objects.filter(project=entry.project)}
    chosen = lines.pop(given.get("connection", ""), None)
    if chosen is None or not chosen.default_model or "f_model" not in given:
        return
    typed = given.get("f_model", "").strip()
    defaults = {line.default_model for line in lines.values()} - set(_models(chosen))
    if not typed or (given.get("act") == "connection" and typed in defaults):
        given["f_model"] = chosen.default_model


def _models(line: Connection) -> list[str]:
    """The models that a connection names: its default first, then those of its price table."""
    names = dict.fromkeys((line.default_model, *sorted(line.prices)))
    return [name for name in names if name not in ("", "*")]


def _with_part(request: HttpRequest, entry: Entry, found: Grader | None, given: QueryDict) -> HttpResponse:
    """A combination with a confirmed grader of the project put into it, as it is now."""
    version = next((one for one in _parts(entry, found) if one.grader.slug == given.get("part")), None)
    if version is None:
        return _editor(request, entry, found, given, {"graders": "Choose the grader that is to be put in."}, status=422)
    try:
        added = grader_form.with_part(
            given.get("f_graders", ""), given.get("f_calculate_output", ""), version.grader.slug, version.definition
        )
    except ValueError as error:
        return _editor(request, entry, found, given, {"graders": str(error)}, status=422)
    for field, text in added.items():
        given[field] = text
    if version.connection is not None and not given.get("connection"):
        given["connection"] = str(version.connection.uid)
    return _editor(request, entry, found, given)


def _parts(entry: Entry, found: Grader | None) -> list[GraderVersion]:
    """What can be put into a combination: the confirmed version of each other grader in use that is none itself."""
    known = GraderVersion.objects.filter(
        grader__project=entry.project, grader__archived_at=None, confirmed_at__isnull=False
    ).select_related("grader", "connection")
    newest = {one.grader_id: one for one in known.order_by("number")}
    mine = found.pk if found else None
    chosen = [one for key, one in newest.items() if key != mine and one.definition.get("type") != "multi"]
    return sorted(chosen, key=lambda one: one.grader.name)


def _as_form(
    request: HttpRequest, entry: Entry, found: Grader | None, given: QueryDict, wanted: grader_form.Read
) -> HttpResponse:
    """From JSON back to fields, where they can show all of it."""
    values = None if wanted.errors else grader_form.written(wanted.definition)
    if values is None:
        reason = wanted.errors.get("json") or "The form has no fields for a part of this: it stays JSON."
        return _editor(request, entry, found, given, {"json": reason}, status=422)
    kind = str(wanted.definition.get("type"))
    given["mode"], given["type"] = "form", kind
    for name in grader_form.names(kind):
        given.pop(name, None)  # what stood there before it was edited as JSON
    _fill(given, kind, values)
    return _editor(request, entry, found, given)


def _save(
    request: HttpRequest, entry: Entry, found: Grader | None, given: QueryDict, wanted: grader_form.Read
) -> HttpResponse:
    errors = dict(wanted.errors)
    as_json = given.get("mode") == "json"
    if not as_json and given.get("type") not in definitions.ENGINES:
        errors["type"] = "Choose how it is measured."
    goal = _goal(given)
    if not any(goal.values()):
        errors["goal"] = "Say first what a good answer is: one of these four is enough."
    if found is None and not given.get("name", "").strip():
        errors["name"] = "A name is needed."
    errors = _unfit(given, wanted, is_named="name" not in errors) | errors
    if errors:
        return _editor(request, entry, found, given, errors, status=422)
    try:
        connection = _connection(entry, given) if _asks(wanted.definition) else None
        if found is None:
            version = keep.create(
                project=entry.project, name=given.get("name", ""), slug=given.get("slug", ""), definition=wanted.definition,
                goal=goal, connection=connection, actor=entry.actor,
            )  # fmt: skip
        else:
            version = keep.change(
                grader=found, definition=wanted.definition, goal=goal, connection=connection, actor=entry.actor
            )
    except Refused as error:
        return _editor(request, entry, found, given, {error.field: error.reason}, status=422)
    if version.confirmed_at is None:
        messages.success(request, f"{version} is kept as a draft. Try it before it is used.")
    else:
        messages.info(request, f"Nothing differs from {version}, so there is no new version.")
    return redirect("curation:grader-version", entry.project.slug, version.grader.slug, version.number)


def _unfit(given: QueryDict, wanted: grader_form.Read, *, is_named: bool) -> dict[str, str]:
    """What a definition that could be read lacks, so that all mistakes are told at once; where the grader has no name yet,
    that is told apart."""
    found: dict[str, str] = {}
    as_json = given.get("mode") == "json"
    if not wanted.errors and (as_json or given.get("type") in definitions.ENGINES):
        try:
            keep.checked(wanted.definition if is_named else {**wanted.definition, "name": "a grader"})
        except definitions.BadDefinition as error:
            field = "json" if as_json else _field(given.get("type", ""), error.where)
            part = error.where.partition(".graders.")[2] if field == "graders" else ""
            found[field] = str(error) if as_json else f"{part}: {error.reason}" if part else error.reason
    if not given.get("connection") and _asks(wanted.definition):
        found["connection"] = keep.CHOOSE
    return found


def _field(kind: str, where: str) -> str:
    """The field of the form that an error is shown at; "definition" for one about none of them."""
    key = grader_form.place(where)
    if key in ("name", "type"):
        return key
    known = {one.key for one in grader_kinds.fields(kind)}
    return key if key in known else "*" if "*" in known else "definition"


def _goal(given: QueryDict) -> dict[str, str]:
    return {key: given.get(f"goal_{key}", "").replace("\r\n", "\n").strip() for key, _, _ in grader_kinds.GOALS}


def _asks(definition: dict[str, Any]) -> bool:
    """Whether a definition that was not checked yet asks a model; what cannot be told is refused later, with a reason."""
    try:
        return definitions.needs_model(definition)
    except Exception:  # not a definition yet: keep.create says what is wrong with it
        return False


def _connection(entry: Entry, given: QueryDict) -> Connection | None:
    chosen = given.get("connection", "")
    if not chosen:
        return None
    try:
        return Connection.objects.get(project=entry.project, uid=uuid.UUID(chosen))
    except (ValueError, Connection.DoesNotExist):
        raise Refused("connection", "Choose a connection of this project.") from None


def _editor(
    request: HttpRequest, entry: Entry, found: Grader | None, given: QueryDict, errors: dict[str, str] | None = None,
    *, status: int = 200,
) -> HttpResponse:  # fmt: skip
    errors = errors or {}
    kind = given.get("type", "")
    known = grader_kinds.KINDS.get(kind)
    wrong = grader_form.wrong(kind if kind in definitions.ENGINES else "", errors)
    shown = grader_form.shown(kind, given, errors) if kind in definitions.ENGINES else []
    connections = list(Connection.objects.filter(project=entry.project).order_by("name"))
    line = next((one for one in connections if str(one.uid) == given.get("connection")), None)
    models = _models(line) if line else sorted({name for one in connections for name in _models(one)})
    context = {
        "found": found, "given": given, "errors": errors, "mode": given.get("mode", "form"), "kind": kind,
        "goals": [
            (key, label, hint, given.get(f"goal_{key}", "")) for key, label, hint in grader_kinds.GOALS
        ],
        "groups": grader_kinds.kinds(), "shown": shown, "variables": grader_kinds.VARIABLES,
        "takes_variables": any(one.field.kind in ("template", "messages") for one in shown),
        "is_judge": any(one.field.kind == "messages" for one in shown),
        "asks": bool(known and known.asks) or kind == "multi" or given.get("mode") == "json",
        "connections": connections, "models": models,
        "default_model": line.default_model if line else "",
        "aside": grader_form.aside("" if given.get("mode") == "json" else kind, given),
        "wrong": wrong, "focus": next((one.id for one in wrong if one.id), ""),
        "insertable": _parts(entry, found) if kind == "multi" else [],
        "general": [text for key, text in errors.items() if key in ("grader", "definition")],
    }  # fmt: skip
    return answer(request, "curation/grader_edit.html", context, fragment="curation/_grader_fields.html", status=status)
