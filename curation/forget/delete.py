"""Deleting traces for good, and emptying those that a frozen dataset still names."""

from collections import Counter
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from curation import dirty
from curation.datasets import topic_proposals
from curation.models import (
    BatchItem,
    Comment,
    Correction,
    DatasetRow,
    Feedback,
    FollowUp,
    GraderVersion,
    Judgment,
    Pair,
    PersonalData,
    Preference,
    QueueItem,
    RawRecord,
    Replay,
    RevisionSignature,
    Score,
    Span,
    Step,
    StepUse,
    StepVerdict,
    Trace,
    TraceRevision,
    TraceText,
    Trial,
)
from workspace.models import Project

BATCH = 500


NO_WORDS: dict[str, object] = {"messages": [], "tools": [], "chosen": [], "rejected": [], "label": None, "item": {}}


def in_datasets(ids: Sequence[int]) -> set[int]:
    """Which of these traces a frozen dataset holds, be it as the worse side of a pair."""
    held = DatasetRow.objects.filter(trace__in=ids).values_list("trace_id", flat=True)
    return set(held.union(DatasetRow.objects.filter(other_trace__in=ids).values_list("other_trace_id", flat=True)))


def delete_traces(*, project: Project, ids: Sequence[int]) -> Counter[str]:
    """Delete traces that no dataset holds, with their spans and all that was said of them. Call it in a transaction.

    Returns rows deleted, by what they are. Received bodies stay: see `empty_bodies`.
    """
    dirty.mark_traces(ids=ids)
    counts: Counter[str] = Counter()
    externals = list(Trace.objects.filter(pk__in=ids, project=project).values_list("external_id", flat=True))
    counts["spans"] += Span.objects.filter(project=project, trace_key__in=externals).delete()[0]
    # steps are many and nothing hangs on them: one statement instead of reading them first
    Trace.objects.filter(pk__in=ids, project=project).update(revision=None)
    _forget_trials(project, ids)
    topic_proposals.forget(project=project, ids=ids)
    counts["steps"] += Step.objects.filter(revision__trace__in=ids).delete()[0]
    counts["revisions"] += TraceRevision.objects.filter(trace__in=ids).count()
    counts["traces"] += Trace.objects.filter(pk__in=ids, project=project).delete()[1].get("curation.Trace", 0)
    return counts


def bury_traces(*, project: Project, ids: Sequence[int]) -> Counter[str]:
    """Empty traces that a dataset holds: the rows stay as tombstones, so that a version still says what it had, and
    nothing of what was said is left. Call it in a transaction. Returns how much was emptied or deleted."""
    dirty.mark_traces(ids=ids)
    counts: Counter[str] = Counter()
    externals = list(Trace.objects.filter(pk__in=ids, project=project).values_list("external_id", flat=True))
    counts["spans"] += Span.objects.filter(project=project, trace_key__in=externals).delete()[0]
    # FollowUp before TraceText: whoever is indexing a trace right now holds its row, and what they write must go too
    # a replay holds the conversation while it waits, and when it failed; an item of a batch what was asked and answered
    for model in (
        Step,
        FollowUp,
        TraceText,
        PersonalData,
        Feedback,
        Comment,
        StepVerdict,
        StepUse,
        QueueItem,
        Replay,
        BatchItem,
    ):
        way = "revision__trace__in" if model is Step else "trace__in"
        counts[str(model._meta.verbose_name_plural)] += model._default_manager.filter(**{way: ids}).delete()[0]
    Preference.objects.filter(left_trace__in=ids).delete()
    Preference.objects.filter(right_trace__in=ids).delete()
    counts["pairs"] += Pair.objects.filter(Q(left_trace__in=ids) | Q(right_trace__in=ids)).delete()[0]
    Judgment.objects.filter(trace__in=ids).update(note="")
    Correction.objects.filter(trace__in=ids).update(messages=[])
    Score.objects.filter(trace__in=ids).update(reason="")
    counts["revisions"] += _empty_revisions(ids)
    # whoever has a text could tell by its signature that it was this one; after the revisions, since who works one out
    # right now holds theirs
    RevisionSignature.objects.filter(revision__trace__in=ids).delete()
    now = timezone.now()
    counts["tombstones"] += Trace.objects.filter(pk__in=ids, project=project).update(
        name="", session_id="", user_id="", preview="", metadata={}, tags=[], tools=[], input_fingerprint="",
        is_empty=True, archived_at=now, erased_at=now,
    )  # fmt: skip
    _forget_trials(project, ids)
    topic_proposals.forget(project=project, ids=ids)
    # the database lets a frozen row be emptied only once a trace of it is a tombstone
    counts["dataset rows"] += _empty_rows(ids)
    return counts


def _empty_rows(ids: Sequence[int]) -> int:
    """Rows that show one of these traces, as either side of a pair: they keep their place and say nothing any more. Groups
    that were named after a user or a session lose that name."""
    rows = DatasetRow.objects.filter(Q(trace__in=ids) | Q(other_trace__in=ids))
    emptied = rows.exclude(content=None).update(content=NO_WORDS)
    named = Q(split_group__startswith="user:") | Q(split_group__startswith="session:")
    rows.filter(named).update(split_group=Concat(Value("erased:"), Cast("trace_id", TextField())))
    return emptied


def _forget_trials(project: Project, ids: Sequence[int]) -> None:
    """What a grader said of these traces when it was tried: its reasons may quote them. Scores that somebody saw when they
    confirmed a version stay with it; the trials themselves go whole. Call it once the rows of the traces are changed: who
    starts or confirms a trial right now holds them (see scoring.trial and scoring.keep.confirm)."""
    uids = {str(uid) for uid in Trace.objects.filter(pk__in=ids, project=project).values_list("uid", flat=True)}
    for version in GraderVersion.objects.filter(grader__project=project, tried__has_key="rows").only("tried"):
        rows = version.tried["rows"] if isinstance(version.tried["rows"], list) else []
        mine = [one for one in rows if isinstance(one, dict) and one.get("trace") in uids]
        if mine:
            for one in mine:
                one |= {"reason": "", "error": ""}
            version.save(update_fields=["tried"])
    Trial.objects.filter(project=project, items__trace__in=ids).delete()


def _empty_revisions(ids: Sequence[int]) -> int:
    """As many conversations as before, with nothing in them: dataset rows name a conversation by its place."""
    table = TraceRevision._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {table} SET
                document = jsonb_build_object('erased', true, 'conversations', (
                    SELECT coalesce(jsonb_agg('{{"id": "erased", "name": "", "kind": "main", "messages": [],
                                              "tools": []}}'::jsonb), '[]')
                    FROM jsonb_array_elements(document -> 'conversations')
                )),
                digest = 'erased ' || id, said_digest = '', import_notes = '[]', source = '{{}}', raw_id = NULL
            WHERE trace_id = ANY(%s)
            """,  # noqa: S608
            [list(ids)],
        )
        return int(cursor.rowcount)


def empty_bodies(*, project: Project, ids: Sequence[int]) -> int:
    """Empty received bodies; their rows stay, so that the same bytes sent again are known and not taken in again.

    Returns how many. A body that was not worked off is closed with a sentence.
    """
    found = RawRecord.objects.filter(project=project, pk__in=ids)
    with transaction.atomic():
        found.filter(status=RawRecord.Status.PENDING).update(
            status=RawRecord.Status.DONE, error="Erased at a person's request before it was worked off."
        )
        return found.update(body=b"", packing="", size=0, outcome={})
