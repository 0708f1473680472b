"""Words of others: scores and feedback that name their trace by our id, its sender's id, or a session.

A word often comes before its trace does: an SDK sends its scores at once and its spans in batches. Then it is kept, and
given to the trace when that has come.
"""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Literal

from django.db import connection, transaction
from django.utils import timezone

from curation.ingest.prepare import stored_id
from curation.messages.clean import Notes
from curation.models import Feedback, Score, Trace, WaitingWord
from curation.privacy import rules
from curation.review import feedback, naming, scores
from curation.review.feedback import Opinion
from curation.review.invalid import Invalid, check_text
from curation.review.scores import Value
from workspace.access import SYSTEM, Actor
from workspace.models import Project

log = logging.getLogger(__name__)
Outcome = Literal["created", "changed", "unchanged", "waiting"]
WAIT_DAYS = 30
SWEEP_SECONDS = 5.0
PASSING_SECONDS = 2.0
_passed = -PASSING_SECONDS
_BATCH = 500


@dataclass(frozen=True, slots=True)
class About:
    """What a word is about: a trace by our id or its sender's, or a session (its newest trace). Exactly one is set."""

    trace: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a word; `trace` and `row` are None while it waits. `note` is what its sender should know."""

    outcome: Outcome
    trace: Trace | None = None
    row: Score | Feedback | None = None
    note: str = ""


def say_score(*, project: Project, actor: Actor, about: About, value: Value) -> Said:
    """Store a score, or keep it until its trace comes. Raises Invalid naming the field."""
    value = replace(value, reason=_redacted(project, value.reason), category=_redacted(project, value.category))
    checked = scores.check(value, actor=actor)
    note = scores.aside(project=project, value=checked)
    trace = _find(project, about)
    if trace is None:
        same = (checked.name, checked.source, checked.external_id) if checked.external_id else None
        return replace(_wait(project, actor, WaitingWord.Kind.SCORE, about, asdict(checked), same), note=note)
    row, outcome = scores.add(trace=trace, actor=actor, value=checked)
    return Said(outcome, trace, row, note)  # type: ignore[arg-type]


def say_feedback(*, project: Project, actor: Actor, about: About, opinion: Opinion) -> Said:
    """Store feedback, or keep it until its trace comes. Raises Invalid naming the field."""
    feedback.check(opinion)
    opinion = replace(
        opinion,
        comments=_redacted(project, opinion.comments),
        suggested_response=_redacted(project, opinion.suggested_response),
        author=_redacted(project, opinion.author),
    )
    trace = _find(project, about)
    if trace is None:
        return _wait(project, actor, WaitingWord.Kind.FEEDBACK, about, asdict(opinion), None)
    row, outcome = feedback.add(trace=trace, actor=actor, opinion=opinion)
    return Said(outcome, trace, row)  # type: ignore[arg-type]


def deliver(*, seconds: float = SWEEP_SECONDS) -> int:
    """Give words that wait to traces that have come by now; returns how many. Costs one look where none waits."""
    if not WaitingWord.objects.exists():
        return 0
    end, count = monotonic() + seconds, 0
    while pairs := _arrived():
        given = sum(_give(word_id, trace_id) for word_id, trace_id in pairs)
        count += given
        if not given or monotonic() > end:  # somebody else is at them, or there are many: the next sweep goes on
            break
    return count


def deliver_in_passing() -> int:
    """As `deliver`, for those who come by often: at most every two seconds in each process. The sweep does the rest."""
    global _passed  # one moment per process
    if monotonic() - _passed < PASSING_SECONDS:
        return 0
    _passed = monotonic()
    return deliver(seconds=PASSING_SECONDS)


def drop_old(*, days: int = WAIT_DAYS) -> int:
    """Delete words whose trace has not come for `days` days; returns how many."""
    count, _ = WaitingWord.objects.filter(created_at__lt=timezone.now() - timedelta(days=days)).delete()
    if count:
        log.warning(
            "%s scores or feedbacks waited for %s days for a trace that did not come; they are gone.", count, days
        )
    return count


def _find(project: Project, about: About) -> Trace | None:
    if bool(about.trace) == bool(about.session):
        raise Invalid("trace", "or session must be given, and only one of them")
    for label in ("trace", "session"):
        check_text(label, getattr(about, label), most=2_000)
    try:
        if about.trace:
            found = naming.find_trace(project=project, name=_id(about.trace) if len(about.trace) > 40 else about.trace)
        else:
            newest = Trace.objects.filter(project=project, session_id=_id(about.session)).order_by(
                "-received_at", "-id"
            )
            found = newest.defer("metadata")[:1].get()
    except Trace.DoesNotExist:
        return None
    found.project = project  # saves loading it again
    return found


def _redacted(project: Project, text: str) -> str:
    """The text without personal data, where the project wants it replaced before anything is stored."""
    redactor = rules.redactor(project.pk) if text else None
    return redactor.text(text) if redactor else text


def _id(text: str) -> str:
    """An id as the table of traces holds it: long ones end in a checksum."""
    return stored_id(text, Notes())


def _wait(
    project: Project, actor: Actor, kind: WaitingWord.Kind, about: About, payload: dict[str, Any], same: Any
) -> Said:
    """Keep a word. What tells it from others is its sender's id where it has one (then the newer word replaces the
    older), else all of it."""
    payload = {**payload, "author": payload.get("author") or actor.label}
    text = json.dumps([kind, about.trace, about.session, same or payload], sort_keys=True)
    found, is_new = WaitingWord.objects.get_or_create(
        project=project,
        key=hashlib.sha256(text.encode()).hexdigest(),
        defaults={
            "kind": kind,
            "external_id": _id(about.trace) if about.trace else "",
            "session_id": _id(about.session) if about.session else "",
            "payload": payload,
        },
    )
    if not is_new and found.payload != payload:
        there = WaitingWord.objects.filter(pk=found.pk).update(payload=payload)
        if not there:  # the older one was given to the trace in this moment
            return _wait(project, actor, kind, about, payload, same)
    return Said("waiting")


def _arrived() -> list[tuple[int, int]]:
    """(word, trace) of words whose trace is there: the one with the id, or the newest of the session."""
    word, trace = WaitingWord._meta.db_table, Trace._meta.db_table
    sql = (
        f"SELECT w.id, t.id FROM {word} AS w JOIN {trace} AS t "  # noqa: S608
        "ON t.project_id = w.project_id AND t.external_id = w.external_id WHERE w.external_id <> '' "
        f"UNION ALL SELECT w.id, t.id FROM {word} AS w CROSS JOIN LATERAL (SELECT id FROM {trace} AS s "
        "WHERE s.project_id = w.project_id AND s.session_id = w.session_id ORDER BY s.received_at DESC, s.id DESC LIMIT 1"
        ") AS t WHERE w.session_id <> '' ORDER BY 1 LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [_BATCH])
        return [(word_id, trace_id) for word_id, trace_id in cursor.fetchall()]


def _give(word_id: int, trace_id: int) -> int:
    """Make a word a row of its trace and take it off the list, in one transaction; 0 where somebody else did."""
    with transaction.atomic():
        word = WaitingWord.objects.select_for_update(skip_locked=True).filter(pk=word_id).first()
        trace = Trace.objects.select_related("project").defer("metadata").filter(pk=trace_id).first()
        if word is None or trace is None:
            return 0
        payload = dict(word.payload)
        author = payload.pop("author", "")
        if word.kind == WaitingWord.Kind.SCORE:
            value = Value(**payload)
            if not _is_overtaken(trace, value, word.created_at):
                scores.add(trace=trace, actor=SYSTEM, author=author, value=value)
        else:
            feedback.add(trace=trace, actor=SYSTEM, author=author, opinion=Opinion(**payload))
        word.delete()
    return 1


def _is_overtaken(trace: Trace, value: Value, at: datetime) -> bool:
    """Whether the trace has got a newer value under the same id of its sender, which came when the trace was there."""
    same = Score.objects.filter(trace=trace, name=value.name, source=value.source, external_id=value.external_id)
    return bool(value.external_id) and same.filter(created_at__gt=at).exists()
