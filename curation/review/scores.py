"""Measured values that programs and people send for a trace."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from curation import known_scores as known
from curation.models import Grader, Score, Trace
from curation.models.scores import COUNTS_FIRST, OWN_PREFIX, OWN_SOURCES
from curation.review.invalid import Invalid, check_text
from workspace import audit
from workspace.access import Actor
from workspace.models import Project, Role

REASON_LIMIT = 20_000
Outcome = str  # created, changed, unchanged


@dataclass(frozen=True, slots=True)
class Value:
    """A score as it was sent, checked: exactly one of number, boolean and category. `source` "" is filled by `check`."""

    name: str
    number: float | None = None
    boolean: bool | None = None
    category: str = ""
    low: float | None = None
    high: float | None = None
    passed: bool | None = None
    reason: str = ""
    source: str = ""
    grader_version: str = ""
    external_id: str = ""


_COMPARED = ("number", "boolean", "category", "low", "high", "passed", "reason", "grader_version", "author")


def effective(traces: Iterable[Trace]) -> dict[int, dict[str, Score]]:
    """Trace id -> name -> the score that is shown: a person's before any other, then a grader's own, then the newest,
    whatever it is about. One query. What something is decided by is `curation.scoring.counting`."""
    rows = (
        Score.objects.filter(trace_id__in=[trace.pk for trace in traces])
        .defer("reason")
        .order_by("trace_id", "name", *COUNTS_FIRST)
        .distinct("trace_id", "name")
    )
    found: dict[int, dict[str, Score]] = {}
    for score in rows:
        found.setdefault(score.trace_id, {})[score.name] = score
    return found


def check(value: Value, *, actor: Actor) -> Value:
    """The value as it is stored: with its source, known names in their own spelling and with their range.

    `source` is by default human for a person and imported for a token; human outranks every other source, so a token
    needs the role engineer to say it. Raises Invalid naming the field.
    """
    source = value.source or (Score.Source.HUMAN if actor.user is not None else Score.Source.IMPORTED)
    value = replace(value, name=known.canonical(value.name), source=str(source))
    _check(value)
    if source == Score.Source.HUMAN and actor.token is not None and not Role(actor.token.role).covers(Role.ENGINEER):
        raise Invalid("source", "human needs a token of the role engineer or admin; this one is a reviewer's")
    if reason := known.refuse(value.name, number=value.number, boolean=value.boolean):
        raise Invalid(*reason)
    meant = known.KNOWN.get(value.name)
    return replace(value, low=meant.low, high=meant.high) if meant else value


def aside(*, project: Project, value: Value) -> str:
    """What its sender should know of a checked value: that a grader of the project has that name, so that theirs is shown
    and decides nothing (curation.scoring.counting); "" where it counts. One query."""
    if value.source == Score.Source.HUMAN or not Grader.objects.filter(project=project, slug=value.name).exists():
        return ""
    return (
        f"{value.name} is a grader of this project: this score is kept and shown as yours, but only what the grader "
        "or a person said counts in gates, composites and agreement. Send it under another name if it should count."
    )


def add(*, trace: Trace, actor: Actor, author: str = "", value: Value) -> tuple[Score, Outcome]:
    """Store one checked value for the trace's current revision; see `check`.

    With an `external_id` a value takes the place of the one that was sent under it before, as a new row: the newest row is
    the last word. Without one it is added, except where the author's newest value of that name is the same already, and
    about the same revision. Returns the score and created, changed or unchanged.
    """
    values: dict[str, Any] = {name: getattr(value, name) for name in _COMPARED if name != "author"}
    values |= {"author": (author or actor.label)[:200], "revision_id": trace.revision_id}
    with transaction.atomic():
        Trace.objects.select_for_update(of=("self",)).only("pk").get(pk=trace.pk)  # the same sent twice at once waits
        same = Score.objects.filter(trace=trace, name=value.name, source=value.source, external_id=value.external_id)
        if not value.external_id:
            same = same.filter(author=values["author"])
        before = same.order_by("-id").first()
        if before is not None and all(getattr(before, name) == given for name, given in values.items()):
            return before, "unchanged"
        outcome = "created"
        if before is not None and value.external_id:
            before.delete()
            outcome = "changed"
        score = Score.objects.create(
            project_id=trace.project_id, trace=trace, name=value.name, source=value.source,
            external_id=value.external_id, **values,
        )  # fmt: skip
        audit.record(
            project=trace.project,
            actor=actor,
            action="score.added",
            target=f"trace:{trace.uid}",
            name=value.name,
            source=value.source,
        )
    return score, outcome


def _check(value: Value) -> None:
    if not value.name:
        raise Invalid("name", "must have 1 to 100 characters")
    limits = (("name", 100), ("category", 100), ("reason", REASON_LIMIT), ("grader_version", 100), ("external_id", 200))
    for label, most in limits:
        check_text(label, getattr(value, label), most=most)
    given = [
        label
        for label, found in (("number", value.number), ("boolean", value.boolean), ("category", value.category or None))
        if found is not None
    ]
    if len(given) != 1:
        raise Invalid(
            "value", f"needs exactly one of number, boolean and category; got {' and '.join(given) or 'none'}"
        )
    if value.source not in Score.Source.values:
        raise Invalid("source", f"must be one of {', '.join(Score.Source.values)}; got {value.source[:40]!r}")
    if value.source in OWN_SOURCES and value.external_id.startswith(OWN_PREFIX):
        raise Invalid(
            "external_id", f"must not begin with {OWN_PREFIX!r}: so begin those of this project's own graders"
        )
    for label in ("number", "low", "high"):
        found = getattr(value, label)
        if found is not None and not math.isfinite(found):
            raise Invalid(label, "must be a finite number")
    low, high, number = value.low, value.high, value.number
    if low is not None and high is not None and low >= high:
        raise Invalid("low", f"must be below high; got {low:g} and {high:g}")
    if number is not None and ((low is not None and number < low) or (high is not None and number > high)):
        raise Invalid("number", f"is outside of its declared range; got {number:g}")
