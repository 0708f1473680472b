"""Graders as rows: versions that never change, confirmed by a person before anything uses them."""

import difflib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify

from curation.known_scores import KNOWN, canonical
from curation.models import Grader, GraderVersion, Score, Trace
from curation.scoring.graders import definitions, templates
from curation.scoring.refused import NotConfirmed, Refused
from workspace import audit
from workspace.access import Actor
from workspace.models import Connection, Project

__all__ = ["NotConfirmed", "Refused"]

NOT_CONFIRMED = "not confirmed"
GOALS = ("accuracy", "tone", "completeness", "rules")
MOST_GOAL = 4_000
MOST_SLUG = 60
RESERVED = ("new", "batches")
LONG_TEXT = 80
CHOOSE = "It asks a model to judge: choose the connection that it asks through."


def create(
    *, project: Project, name: str, slug: str = "", definition: Mapping[str, Any], goal: Mapping[str, str],
    connection: Connection | None = None, actor: Actor,
) -> GraderVersion:  # fmt: skip
    """A new grader with its first version, not confirmed. Its slug (made of the name where none is given) is the name of
    the scores it will give. `goal` is what its author says a good answer is (GOALS).

    Raises BadDefinition, Refused: no name, no goal, a name or slug that is taken, also by scores from elsewhere.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 120 or "\0" in name:
        raise Refused("name", "A name of 1 to 120 characters is needed.")
    wanted = slug.strip() or slugify(name).replace("-", "_")[:MOST_SLUG]
    if not wanted:
        raise Refused("slug", "The name has no Latin letter and no digit that it could be made of: write one here.")
    _check_slug(project, wanted)
    plain, said = checked(definition), _goal(goal)
    _check_connection(project, plain, connection)
    try:
        with transaction.atomic():
            grader = Grader.objects.create(project=project, slug=wanted, name=name)
            version = _add(grader, 1, plain, said, connection, actor)
            audit.record(
                project=project, actor=actor, action="grader.created", target=f"grader:{grader.uid}", name=name,
                slug=wanted, type=plain["type"],
            )  # fmt: skip
    except IntegrityError:
        raise Refused("slug", _taken(wanted)) from None
    return version


def change(
    *, grader: Grader, definition: Mapping[str, Any], goal: Mapping[str, str], connection: Connection | None = None,
    actor: Actor,
) -> GraderVersion:  # fmt: skip
    """The next version, not confirmed; the newest one where nothing differs from it. Earlier versions stay as they are.
    Raises BadDefinition, Refused."""
    if grader.archived_at is not None:
        raise Refused("grader", f"{grader.name} is archived: bring it back first.")
    plain, said = checked(definition), _goal(goal)
    _check_connection(grader.project, plain, connection)
    with transaction.atomic():
        Grader.objects.select_for_update(of=("self",)).get(pk=grader.pk)  # two changes at once: one after the other
        newest = grader.versions.order_by("-number").first()
        same = newest is not None and (
            newest.definition == plain and newest.goal == said
            and newest.connection_id == (connection.pk if connection else None)
            and newest.digest == definitions.digest(plain)
        )  # fmt: skip
        if newest is not None and same:
            return newest
        number = newest.number + 1 if newest is not None else 1
        version = _add(grader, number, plain, said, connection, actor)
        audit.record(
            project=grader.project, actor=actor, action="grader.changed", target=f"grader:{grader.uid}", version=number,
            type=plain["type"],
        )  # fmt: skip
    return version


def confirm(*, version: GraderVersion, actor: Actor, tried: Mapping[str, Any]) -> None:
    """A person says that this version is to be used. `tried` is the sample run that they saw (trial.Summary.plain), {}
    where they saw none; of traces that were forgotten since, it keeps the score and no reason. Where it asks a model and the
    version in use did not, arriving traces are no longer scored until somebody agrees to the price (arrivals.follow).
    Confirming twice changes nothing. Raises Refused where it could not run."""
    grader = version.grader
    if grader.archived_at is not None:
        raise Refused("grader", f"{grader.name} is archived: bring it back first.")
    definitions.check(version.definition)
    if definitions.needs_model(version.definition) and version.connection_id is None:
        raise Refused("connection", "It asks a model to judge, so it needs a connection.")
    with transaction.atomic():
        shown = _without_the_forgotten(grader.project, tried)
        used = current(grader)
        done = GraderVersion.objects.filter(pk=version.pk, confirmed_at=None).update(
            confirmed_by=actor.label[:200], confirmed_at=timezone.now(), tried=shown
        )
        if done and asks_model(version) and (used is None or not asks_model(used)):
            # what cost nothing so far must not begin to cost unasked
            Grader.objects.filter(pk=grader.pk).update(scores_new=False)
        if done:
            audit.record(
                project=grader.project, actor=actor, action="grader.confirmed", target=f"grader:{grader.uid}",
                version=version.number, digest=version.digest, samples=tried.get("n", 0), mean=tried.get("mean"),
            )  # fmt: skip
    version.refresh_from_db(fields=["confirmed_by", "confirmed_at", "tried"])


def current(grader: Grader) -> GraderVersion | None:
    """The newest confirmed version; None where nobody confirmed one."""
    return (
        grader.versions.select_related("grader__project", "connection")
        .exclude(confirmed_at=None)
        .order_by("-number")
        .first()
    )


def asks_model(version: GraderVersion) -> bool:
    """Whether grading with it asks a model."""
    return definitions.needs_model(version.definition)


def usable(version: GraderVersion) -> None:
    """Raise NotConfirmed, or Refused for an archived grader and for one whose engine is another by now. Ask this before a
    version scores, gates or rewards."""
    if version.confirmed_at is None:
        raise NotConfirmed(str(version))
    if version.grader.archived_at is not None:
        raise Refused("grader", f"{version.grader.name} is archived.")
    if version.digest != definitions.digest(version.definition):
        raise Refused(
            "grader",
            f"{version} was confirmed with an earlier engine, and would score otherwise now: save it as a new version, "
            "try that and confirm it.",
        )


def named(*, project: Project, label: str) -> GraderVersion:
    """The version "slug@number", or the newest confirmed one of "slug", if it may be used. Raises Refused, NotConfirmed."""
    slug, _, number = label.partition("@")
    grader = Grader.objects.select_related("project").filter(project=project, slug=slug).first()
    if grader is None:
        raise Refused("grader", f"There is no grader {slug!r} in this project.")
    if number:
        if not number.isascii() or not number.isdigit():
            raise Refused("grader", f"{label!r} names no version: slug@number is needed.")
        version = grader.versions.select_related("grader__project", "connection").filter(number=int(number[:9])).first()
        if version is None:
            raise Refused("grader", f"{slug} has no version {number}.")
    else:
        version = current(grader)
        if version is None:
            raise NotConfirmed(slug)
    usable(version)
    return version


def offered(project: Project) -> list[GraderVersion]:
    """The newest confirmed version of each grader that is not archived, by slug: those that may be used. One query."""
    versions = GraderVersion.objects.filter(grader__project=project, grader__archived_at=None)
    newest = versions.exclude(confirmed_at=None).order_by("grader", "-number").distinct("grader")
    found = newest.select_related("grader", "connection")
    return sorted(
        (one for one in found if one.digest == definitions.digest(one.definition)), key=lambda one: one.grader.slug
    )


def scorers(project: Project) -> dict[str, str]:
    """Every score name that the project knows, sorted: slugs of graders and names of stored scores, with what it is."""
    found = dict.fromkeys(
        Score.objects.filter(project=project).values_list("name", flat=True).distinct(), "scores that were sent"
    )
    for grader in Grader.objects.filter(project=project).annotate(confirmed=Max("versions__confirmed_at")):
        state = "archived" if grader.archived_at else "" if grader.confirmed else NOT_CONFIRMED
        found[grader.slug] = f"grader “{grader.name}”" + (f", {state}" if state else "")
    return dict(sorted(found.items()))


def with_scores(known: Mapping[str, str]) -> dict[str, str]:
    """Of the names that `scorers` gave those that traces may have: a draft never scored."""
    return {name: about for name, about in known.items() if not about.endswith(NOT_CONFIRMED)}


def archive(*, grader: Grader, actor: Actor) -> None:
    """Put a grader aside: it scores nothing any more. Its scores and its name stay."""
    _set_archived(grader, actor, "grader.archived", archived=True)


def restore(*, grader: Grader, actor: Actor) -> None:
    """Bring an archived grader back; arriving traces are scored again only where somebody says so."""
    _set_archived(grader, actor, "grader.restored", archived=False)


def changes(old: GraderVersion, new: GraderVersion) -> list[str]:
    """What differs between two versions, one line each: `path: before → after`; of long texts the lines that differ."""
    lines = [*_differences("", old.definition, new.definition), *_differences("goal", old.goal, new.goal)]
    before, after = (str(one.connection) if one.connection else "none" for one in (old, new))
    if before != after:
        lines.append(f"connection: {before} → {after}")
    if not lines and old.digest != new.digest:
        lines.append("the definition is the same; the engine that runs it was changed")
    return lines


def _set_archived(grader: Grader, actor: Actor, action: str, *, archived: bool) -> None:
    with transaction.atomic():
        done = Grader.objects.filter(pk=grader.pk, archived_at__isnull=archived).update(
            archived_at=timezone.now() if archived else None, scores_new=False
        )
        if done:
            audit.record(project=grader.project, actor=actor, action=action, target=f"grader:{grader.uid}")
    grader.refresh_from_db()


def _without_the_forgotten(project: Project, tried: Mapping[str, Any]) -> dict[str, Any]:
    """A trial without the reasons for traces that are not there any more, or emptied: they may quote them. Holds the rows
    of the others until the transaction ends, so that forgetting one of them comes after and finds this trial. Rows that
    name no trace lose their reasons too."""
    rows = tried.get("rows")
    if not isinstance(rows, list):
        return {key: value for key, value in tried.items() if key != "rows"}
    listed = [dict(row) for row in rows if isinstance(row, dict)]
    named = [uid for row in listed if (uid := _uid(row.get("trace"))) is not None]
    there = Trace.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
    kept = {
        str(uid) for uid in there.filter(project=project, uid__in=named, erased_at=None).values_list("uid", flat=True)
    }
    for row in listed:
        if str(_uid(row.get("trace"))) not in kept:
            row |= {"reason": "", "error": ""}
    return {**tried, "rows": listed}


def _uid(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def _add(
    grader: Grader, number: int, definition: dict[str, Any], goal: dict[str, str], connection: Connection | None,
    actor: Actor,
) -> GraderVersion:  # fmt: skip
    return GraderVersion.objects.create(
        grader=grader, number=number, definition=definition, digest=definitions.digest(definition), goal=goal,
        connection=connection, user=actor.user, author=actor.label[:200],
    )  # fmt: skip


def checked(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition as it is kept. Raises BadDefinition for what could not be run, or would fail for every trace."""
    definitions.check(definition)
    _check_variables(definition, "grader")
    try:
        plain: dict[str, Any] = json.loads(json.dumps(definition, allow_nan=False))
    except ValueError as error:
        raise definitions.BadDefinition("grader", f"it is no JSON: {error}.") from None
    return plain


def _check_variables(definition: Mapping[str, Any], where: str) -> None:
    """Raise BadDefinition for a variable that no trace has: each grade would fail for it, after it was confirmed."""
    for key in ("input", "reference"):
        for template in _texts(definition.get(key)):
            if reason := templates.unknown(template):
                raise definitions.BadDefinition(f"{where}.{key}", reason)
    if definition["type"] == "multi":
        for name, part in definition["graders"].items():
            _check_variables(part, f"{where}.graders.{name}")


def _texts(value: Any) -> Iterator[str]:
    """Every text with holes: a template, or the contents of messages and their parts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(value.get("content", value.get("text")))
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)


def _goal(goal: Mapping[str, str]) -> dict[str, str]:
    unknown = [key for key in goal if key not in GOALS]
    if unknown:
        raise Refused("goal", f"Unknown: {', '.join(map(str, unknown))}. Known: {', '.join(GOALS)}.")
    said = {key: str(goal[key]).strip() for key in GOALS if str(goal.get(key) or "").strip()}
    if not said:
        raise Refused("goal", "Say first what a good answer is: its accuracy, tone, completeness, or rules to follow.")
    for key, text in said.items():
        if len(text) > MOST_GOAL or "\0" in text:
            raise Refused("goal", f"{key} has at most {MOST_GOAL:,} characters.")
    return said


def _check_slug(project: Project, slug: str) -> None:
    if not 1 <= len(slug) <= MOST_SLUG or slug != slugify(slug):
        raise Refused("slug", f"{slug[:80]!r}: small letters, digits, - and _ are needed, at most {MOST_SLUG}.")
    if slug in RESERVED:
        raise Refused("slug", f"{slug} is the address of another page: choose another name for its scores.")
    if canonical(slug) in KNOWN:
        raise Refused("slug", f"{slug} is a score with a meaning of its own: {KNOWN[canonical(slug)].meaning}")
    if Grader.objects.filter(project=project, slug=slug).exists():
        raise Refused("slug", _taken(slug))
    if Score.objects.filter(project=project, name=slug).exists():
        raise Refused(
            "slug", f"Scores with the name {slug} came from elsewhere already, and would be mixed with these."
        )


def _taken(slug: str) -> str:
    return f"Another grader of this project gives scores named {slug}: write another name here."


def _check_connection(project: Project, definition: Mapping[str, Any], connection: Connection | None) -> None:
    if connection is not None and connection.project_id != project.pk:
        raise Refused("connection", "Choose a connection of this project.")
    if connection is None and definitions.needs_model(definition):
        raise Refused("connection", CHOOSE)
    if connection is not None and not definitions.needs_model(definition):
        raise Refused("connection", "It asks no model, so it takes no connection.")


def _differences(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            here = f"{path}.{key}" if path else key
            if key not in new:
                yield f"{here}: {_short(old[key])} was taken out"
            elif key not in old:
                yield f"{here}: {_short(new[key])} was added"
            else:
                yield from _differences(here, old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}[{index}]", before, after)
    elif isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > LONG_TEXT:
        for line in difflib.ndiff(old.splitlines(), new.splitlines()):
            if line[0] in "+-":
                yield f"{path}: {'−' if line[0] == '-' else '+'} {line[2:]}"
    else:
        yield f"{path}: {_short(old)} → {_short(new)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"
