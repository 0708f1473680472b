"""Acting on many traces: which ones, and the acts. Every act is one transaction with one audit row, over at most MOST
traces, and carries one moment that undoing goes by."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Func, TextField, Value
from django.utils import timezone

from curation import filters
from curation.dirty import mark_traces
from curation.models import Trace
from curation.models.traces import TraceQuerySet
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

MOST = 10_000
MOST_TAG = 100


class TooMany(ValueError):
    """More traces match than one act may touch."""


@dataclass(frozen=True, slots=True)
class Done:
    """How many traces were changed, how many were so already, and the moment of the act."""

    changed: int
    already: int
    at: datetime


def pick(
    *,
    project: Project,
    uids: Sequence[uuid.UUID] = (),
    query: filters.Query | None = None,
    until: datetime | None = None,
) -> TraceQuerySet:
    """The traces with these outside ids; or, with `query`, all that match and came in until `until` (what the
    person saw). Raises TooMany above MOST; nothing is ever cut off silently."""
    traces = Trace.objects.filter(project=project)
    if query is None:
        found = traces.filter(uid__in=uids)
    else:
        found = filters.apply(traces, query, now=until)
        found = found.filter(received_at__lte=until) if until else found
    if found.order_by().values("pk")[: MOST + 1].count() > MOST:
        raise TooMany(f"More than {MOST:,} traces match, and one act changes at most {MOST:,}. Narrow the filter.")
    return found


def archive(*, project: Project, actor: Actor, traces: TraceQuerySet, said: str) -> Done:
    """Hide `traces` from lists, queues and datasets. `said` is how they were chosen, for the audit log."""
    at = timezone.now()
    with transaction.atomic():
        keys = _locked(traces)
        changed = Trace.objects.filter(pk__in=keys, archived_at=None).update(archived_at=at)
        mark_traces(ids=keys)
        audit.record(
            project=project, actor=actor, action="traces.archived", traces=changed, chosen=said, at=at.isoformat()
        )
    return Done(changed, len(keys) - changed, at)


def restore(*, project: Project, actor: Actor, traces: TraceQuerySet, said: str) -> Done:
    """Show archived `traces` again."""
    at = timezone.now()
    with transaction.atomic():
        keys = _locked(traces)
        changed = Trace.objects.filter(pk__in=keys).exclude(archived_at=None).update(archived_at=None)
        mark_traces(ids=keys)
        audit.record(
            project=project, actor=actor, action="traces.restored", traces=changed, chosen=said, at=at.isoformat()
        )
    return Done(changed, len(keys) - changed, at)


def undo_archive(*, project: Project, actor: Actor, at: datetime) -> int:
    """Show again what was archived at that moment. Returns how many; a second call finds none."""
    with transaction.atomic():
        keys = _locked(Trace.objects.filter(project=project, archived_at=at))
        changed = Trace.objects.filter(pk__in=keys).update(archived_at=None)
        mark_traces(ids=keys)
        audit.record(project=project, actor=actor, action="traces.archive_undone", traces=changed, at=at.isoformat())
    return changed


def add_tag(*, project: Project, actor: Actor, traces: TraceQuerySet, tag: str, said: str) -> Done:
    """Put `tag` on `traces`. Raises ValueError for a tag that is empty or too long."""
    tag = " ".join(tag.split())
    if not tag or len(tag) > MOST_TAG or "\0" in tag:
        raise ValueError(f"A tag has 1 to {MOST_TAG} characters.")
    at = timezone.now()
    with transaction.atomic():
        keys = _locked(traces)
        longer = Func(F("tags"), Value(tag, output_field=TextField()), function="array_append")
        changed = Trace.objects.filter(pk__in=keys).exclude(tags__contains=[tag]).update(tags=longer)
        audit.record(
            project=project,
            actor=actor,
            action="traces.tagged",
            traces=changed,
            tag=tag,
            chosen=said,
            at=at.isoformat(),
        )
    return Done(changed, len(keys) - changed, at)


def remove_tag(*, project: Project, actor: Actor, traces: TraceQuerySet, tag: str, said: str) -> Done:
    """Take `tag` off `traces`."""
    at = timezone.now()
    with transaction.atomic():
        keys = _locked(traces)
        shorter = Func(F("tags"), Value(tag, output_field=TextField()), function="array_remove")
        changed = Trace.objects.filter(pk__in=keys, tags__contains=[tag]).update(tags=shorter)
        audit.record(
            project=project,
            actor=actor,
            action="traces.untagged",
            traces=changed,
            tag=tag,
            chosen=said,
            at=at.isoformat(),
        )
    return Done(changed, len(keys) - changed, at)


def _locked(traces: TraceQuerySet) -> list[int]:
    """The ids, locked in one order so that two acts cannot wait for each other."""
    return list(traces.order_by("pk").select_for_update().values_list("pk", flat=True))
