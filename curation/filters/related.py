"""Conditions on what other tables say of a trace: comments, judgments, feedback, queues, personal data."""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q

from curation.filters.tree import HAS, Term
from curation.models import Comment, Correction, Feedback, Judgment, PersonalData, QueueItem


def related(term: Term) -> Q:
    """Some row of the table behind `term.field` fits one of its values."""
    rows, one = _TABLES[term.field]
    found = rows()
    if term.op != HAS:
        found = found.filter(Q(*(one(value) for value in term.values), _connector=Q.OR))
    return _some(found)


def rated(compare: Callable[[str], Q]) -> Q:
    """Some feedback has a rating that fits."""
    return _some(Feedback.objects.filter(compare("rating"), rating__isnull=False))


def corrected() -> Q:
    """Somebody wrote a better answer, and did not take it back."""
    return _some(Correction.objects.filter(withdrawn_at=None))


def flagged() -> Q:
    """A reviewer flagged it in some queue."""
    return _some(QueueItem.objects.filter(status=QueueItem.Status.FLAGGED))


def _some(rows: Any) -> Q:
    return Q(Exists(rows.filter(trace=OuterRef("pk"))))


def _author(value: str) -> Q:
    return Q(author__iexact=value)


def _comment(value: str) -> Q:
    if value in ("open", "resolved"):
        return Q(resolved_at__isnull=value == "open")
    return _author(value)


def _in_queues() -> Any:
    """Items that wait, are flagged or were judged; what was taken out again is in no queue."""
    return QueueItem.objects.filter(status__in=["open", "flagged", "done"], queue__deleted_at=None)


_TABLES: dict[str, tuple[Callable[[], Any], Callable[[str], Q]]] = {
    "comment": (lambda: Comment.objects.filter(withdrawn_at=None), _comment),
    "reviewer": (lambda: Judgment.objects.filter(withdrawn_at=None), _author),
    "feedback": (lambda: Feedback.objects.all(), _author),
    "queue": (_in_queues, lambda slug: Q(queue__slug=slug)),
    "personal": (lambda: PersonalData.objects.filter(dismissed_at=None), lambda kind: Q(kind=kind)),
}
