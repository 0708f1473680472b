"""Measured values that programs and people send for a trace."""

import math
from typing import Any

from django.db import transaction

from curation.models import Score, Trace
from curation.review.invalid import Invalid
from workspace import audit
from workspace.access import Actor
from workspace.models import Role


def add(
    *,
    trace: Trace,
    actor: Actor,
    name: str,
    number: float | None = None,
    boolean: bool | None = None,
    category: str = "",
    low: float | None = None,
    high: float | None = None,
    passed: bool | None = None,
    reason: str = "",
    source: str = "",
    grader_version: str = "",
    external_id: str = "",
) -> tuple[Score, bool]:
    """Store one value of the trace's current revision: exactly one of `number`, `boolean` and `category`.

    With an `external_id` the same value sent again replaces itself. `source` is by default human for a person and
    imported for a token; human outranks every other source, so a token needs the role engineer to say it. Returns the
    score and whether it is new. Raises Invalid for what cannot be stored.
    """
    source = source or (Score.Source.HUMAN if actor.user is not None else Score.Source.IMPORTED)
    _check(name, number, boolean, category, low, high, source)
    _check_human(source, actor)
    values: dict[str, Any] = {
        "number": number, "boolean": boolean, "category": category, "low": low, "high": high, "passed": passed,
        "reason": reason, "author": actor.label[:200], "grader_version": grader_version, "revision_id": trace.revision_id,
    }  # fmt: skip
    with transaction.atomic():
        if external_id:
            score, made = Score.objects.update_or_create(
                trace=trace, name=name, source=source, external_id=external_id,
                defaults=values, create_defaults={**values, "project_id": trace.project_id},
            )  # fmt: skip
        else:
            score = Score.objects.create(project_id=trace.project_id, trace=trace, name=name, source=source, **values)
            made = True
        audit.record(
            project=trace.project,
            actor=actor,
            action="score.added",
            target=f"trace:{trace.uid}",
            name=name,
            source=source,
        )
    return score, made


def _check_human(source: str, actor: Actor) -> None:
    if source == Score.Source.HUMAN and actor.token is not None and not Role(actor.token.role).covers(Role.ENGINEER):
        raise Invalid("source", "human needs a token of the role engineer or admin; this one is a reviewer's")


def _check(
    name: str,
    number: float | None,
    boolean: bool | None,
    category: str,
    low: float | None,
    high: float | None,
    source: str,
) -> None:
    if not name or len(name) > 100:
        raise Invalid("name", "must have 1 to 100 characters")
    given = [
        label
        for label, value in (("number", number), ("boolean", boolean), ("category", category or None))
        if value is not None
    ]
    if len(given) != 1:
        raise Invalid(
            "value", f"needs exactly one of number, boolean and category; got {' and '.join(given) or 'none'}"
        )
    if source not in Score.Source.values:
        raise Invalid("source", f"must be one of {', '.join(Score.Source.values)}; got {source[:40]!r}")
    for label, value in (("number", number), ("low", low), ("high", high)):
        if value is not None and not math.isfinite(value):
            raise Invalid(label, "must be a finite number")
    if low is not None and high is not None and low >= high:
        raise Invalid("low", f"must be below high; got {low:g} and {high:g}")
    if number is not None and ((low is not None and number < low) or (high is not None and number > high)):
        raise Invalid("number", f"is outside of its declared range; got {number:g}")
