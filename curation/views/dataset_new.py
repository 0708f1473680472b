"""Making a dataset: the form of its recipe, what it would give, and the traces that would leave at each step."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Value
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from curation import filters
from curation.datasets import build, freezing, read, reasons, recipe, recipe_parts, tasks
from curation.models import Batch, Dataset, DatasetVersion, RawRecord, ReplayBuffer
from curation.scoring import keep
from curation.views import recipe_form
from curation.views.datasets import bars_of, outside_of, parts_of
from curation.views.freezings import to_what_came
from curation.views.selection_shown import tables_of
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer, wants_fragment

FIRST_QUERY = "judged:acceptable"
MOST_LISTED = 50
# the folded panels: their fields, and the word that says that one is set
PANELS: dict[str, dict[str, str]] = {
    "good": {
        "gates": "gates", "weights": "weights", "min_score": "least score", "measures": "measures",
        "min_quality": "least quality", "min_confidence": "least confidence",
    },
    "which": {
        "dedupe": "copies", "near_threshold": "copies", "outliers": "outliers", "personal": "personal data",
        "balance_field": "balance", "balance_most": "", "coreset_strategy": "coreset", "coreset_size": "",
        "coreset_loss_ratio": "", "coreset_loss": "", "max_examples": "best rows", "limit": "at most", "order": "order",
    },
    "mixed": {
        "mix_strategy": "mix", "mix_by": "", "mix_weights": "", "mix_least": "", "replay_buffer": "replay",
        "replay_ratio": "", "replay_capacity": "",
    },
    "source": {"upload": "an upload", "until": "until a day", "answers_from": "generated answers", "bad_steps": "bad steps"},
}  # fmt: skip
# the labels of fields that are called otherwise than in the recipe
WORDS = {
    "q": "Filter", "task": "What a row is", "near_threshold": "Nearly the same from", "coreset_loss": "Score that holds the loss",
    "coreset_size": "Rows of the coreset", "coreset_loss_ratio": "Part by loss", "coreset_strategy": "Coreset",
    "limit": "At most", "until": "Received before", "upload": "Only an upload", "answers_from": "Answers",
    "max_examples": "Best rows at most", "min_score": "Least weighted score", "min_quality": "Least quality",
    "min_confidence": "Least confidence", "balance_field": "Balance by", "balance_most": "At most of each", "mix_strategy": "Mix",
    "mix_weights": "Shares", "mix_least": "Named below", "replay_buffer": "Replay buffer", "order": "Which come first",
    "replay_ratio": "Share of replayed rows", "replay_capacity": "Rows in the buffer", "group_by": "Never split",
    "dedupe": "Copies", "stratify": "Same shares for each", "held_out": "Kept out of training",
}  # fmt: skip
PAGE = "curation/dataset_new.html"
PREVIEW = "curation/_dataset_preview.html"


@require_http_methods(["GET", "POST"])
def dataset_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; posted with act=preview it counts, else it freezes. Its state is the address: every field may stand there."""
    entry = enter(request, slug, Role.ENGINEER)
    if request.method == "GET" and "count" not in request.GET:
        return answer(request, PAGE, _form(entry, _start(entry, request.GET)))
    given = request.POST if request.method == "POST" else request.GET
    previewing = given.get("act") == "preview" or request.method == "GET"
    values = _typed(given)
    # counted without a script: the whole form is the address
    if previewing and request.method == "POST" and not wants_fragment(request):
        return redirect(f"{reverse('curation:dataset-new', args=[slug])}?{recipe_form.address(values)}&count=1")
    chosen, errors = _read(values)
    context = _form(entry, values, errors)
    suggestion = ""
    if chosen is not None:
        try:
            if previewing:
                seen = build.preview(project=entry.project, query_text=values["q"], recipe=chosen, name=values["name"])
                context |= {"preview": seen, "bars": _bars(seen.counts, slug, values), "parts": parts_of(seen.counts)}
                context["tables"] = tables_of(seen.counts)
            else:
                came = freezing.ask(
                    project=entry.project, name=values["name"], query_text=values["q"], actor=entry.actor, recipe=chosen,
                    description=values["description"],
                )  # fmt: skip
                return to_what_came(request, entry, came)
        except filters.FilterError as error:
            errors["q"], suggestion = str(error), error.suggestion
        except build.BadName as error:
            errors["name"] = str(error)
        except recipe.RecipeError as error:
            errors |= {recipe_form.field_of(path): reason for path, reason in error.problems}
        except build.NothingToFreeze as error:
            errors["q"] = str(error)
    context |= {"errors": errors, "suggestion": suggestion, **_panels(values, errors)}
    context["wrong"] = [(_words(field), reason) for field, reason in errors.items()]
    context["other_task"] = wants_fragment(request) and request.POST.get("task_shown") != values["task"]
    response = answer(request, PAGE, context, fragment=PREVIEW, status=422 if errors else 200)
    if wants_fragment(request):
        response["HX-Replace-Url"] = f"{reverse('curation:dataset-new', args=[slug])}?{recipe_form.address(values)}"
    return response


@require_GET
def dataset_left(request: HttpRequest, slug: str) -> HttpResponse:
    """The traces that would leave at one step (`reason`) of the recipe in the address, each with why."""
    entry = enter(request, slug, Role.ENGINEER)
    values = _typed(request.GET)
    chosen, errors = _read(values)
    code = request.GET.get("reason", "")
    if chosen is None:
        raise Http404("; ".join(errors.values()))
    try:
        left = build.left(
            project=entry.project, query_text=values["q"], recipe=chosen, reason=code, cursor=request.GET.get("cursor", ""),
            name=values["name"], size=MOST_LISTED,
        )  # fmt: skip
    except (filters.FilterError, recipe.RecipeError, KeyError) as error:
        raise Http404(str(error)) from None
    others = read.others(entry.project, [(trace.pk, decision.facts) for trace, decision in left.rows])
    context = {
        "left": left, "listed": [(trace, decision, others.get(trace.pk)) for trace, decision in left.rows],
        "has_others": bool(others), "reason": reasons.BY_CODE[code], "query": values["q"],
        "back": f"{reverse('curation:dataset-new', args=[slug])}?{recipe_form.address(values)}",
    }  # fmt: skip
    return answer(request, "curation/dataset_left.html", context)


def _read(values: dict[str, Any]) -> tuple[recipe.Recipe | None, dict[str, str]]:
    """The recipe that the fields mean, or what is wrong: field -> reason."""
    given, errors = recipe_form.plain(values)
    try:
        chosen = recipe.parse(given)
    except recipe.RecipeError as error:
        for path, reason in error.problems:
            errors.setdefault(recipe_form.field_of(path), reason)
        return None, errors
    return (None if errors else chosen), errors


def _typed(given: QueryDict) -> dict[str, Any]:
    """The fields as they were typed; those that were not sent as in a new recipe."""
    start = recipe_form.shown(recipe.Recipe())
    typed = recipe_form.typed(given)
    if "q" in given and _is_form(given):
        start["judgments"] = typed.get("judgments", [])  # all boxes cleared: then none is sent
    known = tasks.TASKS.get(typed.get("task", start["task"]))
    names = {option.name for option in known.OPTIONS} if known else set()
    # what stood there for another task is left behind
    typed["options"] = {name: value for name, value in typed["options"].items() if name in names}
    rest = {name: given.get(name, "").strip() for name in ("name", "q", "description")}
    before = tasks.TASKS.get(given.get("task_shown", ""))
    if given.get("act") == "preview" and before is not None and rest["q"] == _first_query(before):
        rest["q"] = _first_query(known)  # nobody typed one: it goes with the kind of row
    return start | typed | rest


def _unread(task: tasks.Task | None) -> set[str]:
    """The fields for which rows of this kind have no use."""
    found = {"judgments"} if task is not None and task.DECIDES else set()
    return found | ({"corrections"} if task is not None and task.GATHER is not None else set())


def _first_query(task: tasks.Task | None) -> str:
    """The filter of a new recipe: everything, where rows are made of rejected traces as well."""
    return "" if "judgments" in _unread(task) else FIRST_QUERY


def _is_form(given: QueryDict) -> bool:
    """Whether it is the whole form, in which what is missing was cleared, and not a link with some of its fields."""
    return "act" in given


def _start(entry: Entry, given: QueryDict) -> dict[str, Any]:
    """What stands in the form at first: what the address says, or what another version was made with (?from=name@3)."""
    name, _, number = given.get("from", "").partition("@")
    if not name:
        values = _typed(given)
        return values | {"q": given.get("q", _first_query(tasks.TASKS.get(values["task"])))}
    try:
        found = read.version(entry.project, name, int(number) if number.isdecimal() else None)
    except DatasetVersion.DoesNotExist:
        raise Http404("There is no such dataset version in this project.") from None
    return recipe_form.shown(recipe.stored(found.recipe)) | {"name": name, "q": found.query, "description": ""}


def _words(field: str) -> str:
    """A field of the form as a person reads it: coreset_size is "Coreset size"."""
    return WORDS.get(field) or field.removeprefix("option_").replace("_", " ").capitalize()


def _bars(counts: dict[str, Any], slug: str, values: dict[str, Any]) -> list[Any]:
    """The waterfall, each step with the page of the traces that leave there."""
    where = reverse("curation:dataset-left", args=[slug])
    address = recipe_form.address(values)
    outside = "" if values.get("upload") or values.get("until") else outside_of(slug, values["q"])
    return bars_of(counts, url=lambda code: f"{where}?{address}&{urlencode({'reason': code})}", outside=outside)


def _form(entry: Entry, values: dict[str, Any], errors: dict[str, str] | None = None) -> dict[str, Any]:
    project = entry.project
    # both lists of names by one query
    datasets = Dataset.objects.filter(project=project).annotate(kind=Value("dataset")).values_list("kind", "name")
    buffers = ReplayBuffer.objects.filter(project=project).annotate(kind=Value("buffer")).values_list("kind", "name")
    names = list(datasets.union(buffers, all=True).order_by("kind", "name"))
    return {
        "values": values,
        "errors": {} if errors is None else errors,
        "choices": {
            "task": recipe.TASKS.items(), "judgments": recipe.JUDGMENTS.items(), "corrections": recipe.CORRECTIONS.items(),
            "bad_steps": recipe.BAD_STEPS.items(), "dedupe": recipe.DEDUPES.items(), "outliers": recipe.OUTLIERS.items(),
            "personal": recipe.PERSONAL.items(), "group_by": recipe.GROUPS.items(), "order": recipe.ORDERS.items(),
            "held_out": recipe.HELD_OUT.items(), "coreset": recipe_parts.STRATEGIES.items(),
            "mix": recipe_parts.MIXES.items(),
        },
        "fields": {"balance": recipe_parts.FIELDS, "mix": recipe_parts.MIX_FIELDS},
        "task_fields": _task_fields(values),
        "unread": _unread(tasks.TASKS.get(values["task"])),
        "scorers": list(keep.with_scores(keep.scorers(project)).items()),
        "known": [name for kind, name in names if kind == "dataset"],
        "uploads": RawRecord.objects.filter(project=project, user__isnull=False).order_by("-id").only("uid", "source")[:50],
        "generations": Batch.objects.filter(project=project, kind=Batch.Kind.GENERATE).order_by("-id")[:50],
        **_panels(values, errors or {}),
        "buffers": [name for kind, name in names if kind == "buffer" and not name.startswith("~")],
    }  # fmt: skip


def _panels(values: dict[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """For each folded panel what of it was set, in words; and those that stand open: with something set, or wrong."""
    usual = recipe_form.shown(recipe.Recipe())
    told, opened = {}, []
    for panel, names in PANELS.items():
        changed = [words for name, words in names.items() if recipe_form.differs(values.get(name), usual.get(name))]
        told[panel] = ", ".join(dict.fromkeys(filter(None, changed)))
        if changed or any(name in errors for name in names):
            opened.append(panel)
    return {"told": told, "opened": opened}


def _task_fields(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of the chosen task, each with what stands in it."""
    found = []
    for option in tasks.TASKS[values["task"]].OPTIONS if values["task"] in tasks.TASKS else ():
        value = values["options"].get(option.name, option.default)
        text = ", ".join(value) if isinstance(value, list | tuple) else "" if value is None else value
        if isinstance(value, bool):
            text = "true" if value else "false"
        choices = (("true", "Yes"), ("false", "No")) if option.kind == "flag" else (option.choices or {}).items()
        found.append(
            {"option": option, "name": f"option_{option.name}", "value": value, "text": text, "choices": choices}
        )
    return found
