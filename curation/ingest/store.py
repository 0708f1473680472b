"""Store traces: the same again changes nothing, changed content makes a new revision.

Many traces go in with a handful of statements; new ones are copied in. Two workers with the same trace are kept apart by
the unique id and the row lock; rows are taken in the order of their ids, so that batches do not wait for each other in a
circle.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal

import orjson
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from curation import effective
from curation.dirty import mark_hours
from curation.ingest.copying import copy_in
from curation.ingest.parsed import ParsedTrace
from curation.ingest.prepare import Prepared, prepare
from curation.models import FollowUp, Grader, RawRecord, Score, Span, Step, Trace, TraceRevision
from workspace.models import Project
from workspace.uuid7 import uuid7

Outcome = Literal["created", "updated", "unchanged"]
_STEP_COLUMNS = (
    "revision_id", "position", "conversation", "message", "key", "kind", "tool", "is_error", "latency_ms", "tokens",
    "cost_usd",
)  # fmt: skip
_step_values = attrgetter(*_STEP_COLUMNS[1:])
_REVISION_COLUMNS = (
    "id", "trace_id", "number", "digest", "said_digest", "document", "import_notes", "source", "raw_id", "created_at",
)  # fmt: skip
_MOST_TRIES = 5
_STATE = ("id", "external_id", "received_at", "revision_id", "verdict", "verdict_stale", "tags", "erased_at")


@dataclass(slots=True, frozen=True)
class Origin:
    """Where one trace comes from: the record that completed it as it is now, and the first of those it is made of, whose
    time of arrival a new trace keeps."""

    raw: RawRecord | None
    first: RawRecord | None


def store_trace(
    *, project: Project, parsed: ParsedTrace, raw: RawRecord | None = None, received_at: datetime | None = None
) -> Outcome:
    """Store one trace; see `store_traces`."""
    return store_traces(project=project, parsed=[parsed], raw=raw, received_at=received_at)[0]


def store_traces(
    *,
    project: Project,
    parsed: Sequence[ParsedTrace],
    raw: RawRecord | None = None,
    received_at: datetime | None = None,
    origins: Sequence[Origin] = (),
) -> list[Outcome]:
    """Store traces in one transaction; one outcome for each, in their order.

    `received_at` (now by default) is kept for new traces; `origins`, one for each trace, says so where they came in
    different records. For a trace that exists, unknown values never replace known ones, tags are only added, and a judged
    trace whose words changed is marked stale, until it says again what was judged. Raises django.db.DataError where
    PostgreSQL refuses a value (more than 255 MB of text).
    """
    at = received_at or timezone.now()
    prepared = [prepare(trace) for trace in parsed]
    _note_graders(prepared, project)
    for number, item in enumerate(prepared):
        origin = origins[number] if origins else Origin(raw, None)
        item.raw_id = origin.raw.pk if origin.raw else None
        item.received_at = origin.first.received_at if origin.first else at
    outcomes: dict[int, Outcome] = {}
    with transaction.atomic():
        for numbers in _rounds(prepared):
            batch = sorted(numbers, key=lambda number: prepared[number].external_id)
            found = _store([prepared[number] for number in batch], project)
            outcomes.update(zip(batch, found, strict=True))
    return [outcomes[number] for number in range(len(prepared))]


def _note_graders(prepared: Sequence[Prepared], project: Project) -> None:
    """Note on traces that bring scores under the name of a grader of the project: they decide nothing (scoring.counting)."""
    names = {score.name for item in prepared for score in item.scores}
    if not names:
        return
    taken = set(Grader.objects.filter(project=project, slug__in=names).values_list("slug", flat=True))
    for item in prepared:
        for name in sorted(taken & {score.name for score in item.scores}):
            item.notes.append(
                f"score {name} is shown as imported and decides nothing: a grader of this project has that name"
            )


def _rounds(prepared: Sequence[Prepared]) -> Iterator[list[int]]:
    """Indexes in groups where no id comes twice, so that a later line of a file goes on top of an earlier one."""
    waiting = list(range(len(prepared)))
    while waiting:
        seen: set[str] = set()
        now: list[int] = []
        later: list[int] = []
        for number in waiting:
            (later if prepared[number].external_id in seen else now).append(number)
            seen.add(prepared[number].external_id)
        yield now
        waiting = later


def _store(every: Sequence[Prepared], project: Project) -> list[Outcome]:
    rows, made = _take(every, project)
    # a tombstone stays one: what comes again of a person who was forgotten is not stored
    batch = [item for item in every if not rows[item.external_id].get("erased_at")]
    if len(batch) < len(every):
        forget_late(project=project, names=[item.external_id for item in every])
    old = [item for item in batch if item.external_id not in made]
    digests = _current_digests(rows[item.external_id] for item in old)
    fresh = [item for item in old if digests.get(rows[item.external_id]["id"]) != item.digest]
    changed = _judged_and_changed(fresh, rows)
    revisions = {**made, **_insert_revisions(fresh, rows)}
    outcomes: dict[str, Outcome] = dict.fromkeys(made, "created")
    touched = [rows[name]["started_at"] or rows[name]["received_at"] for name in made]
    for item in old:
        row = rows[item.external_id]
        changes = _column_changes(item, row)
        if item.external_id in revisions:
            changes["revision_id"] = revisions[item.external_id]
        if changes:
            Trace.objects.filter(pk=row["id"]).update(**changes)
            # a trace that moved to another hour leaves its old one, too
            touched += [
                at or row["received_at"] for at in (row["started_at"], changes.get("started_at", row["started_at"]))
            ]
        if item.external_id in changed:
            effective.settle(row["id"])
        outcomes[item.external_id] = "updated" if changes else "unchanged"
    for trace_id in _insert_scores(batch, rows, revisions, project):
        for item in batch:
            if rows[item.external_id]["id"] == trace_id and outcomes[item.external_id] == "unchanged":
                outcomes[item.external_id] = "updated"
    mark_hours(project_id=project.pk, moments=touched)
    _leave_for_later(project, {rows[name]["id"]: pk for name, pk in revisions.items()})
    return [outcomes.get(item.external_id, "unchanged") for item in every]


def forget_late(*, project: Project, names: Sequence[str]) -> None:
    """Delete the spans of those of these traces that are tombstones: they came after their person was forgotten."""
    gone = Trace.objects.filter(project=project, external_id__in=names, erased_at__isnull=False)
    Span.objects.filter(project=project, trace_key__in=gone.values("external_id")).delete()


def _take(batch: Sequence[Prepared], project: Project) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """Lock the rows of those that exist and insert those that do not: {external id: its row}, {external id: revision} of
    the new ones. Where somebody else inserts one of them at this moment, look again."""
    for _ in range(_MOST_TRIES - 1):
        rows = _lock(batch, project)
        new = [item for item in batch if item.external_id not in rows]
        if not new:
            return rows, {}
        try:
            with transaction.atomic():
                inserted = _insert_new(new, project)
        except IntegrityError:
            continue
        return {**rows, **inserted}, {name: row["revision_id"] for name, row in inserted.items()}
    raise IntegrityError(f"{len(batch)} traces were inserted and deleted by others again and again")


def _insert_new(new: Sequence[Prepared], project: Project) -> dict[str, dict[str, Any]]:
    """Copy new traces in, each with its first revision and its steps. The revision's id is known before, so that the
    trace names it at once (the foreign keys are checked at the commit). Raises IntegrityError where one exists by now."""
    ids = _ids(len(new))
    names = list(new[0].columns)
    columns = (
        "id",
        "uid",
        "project_id",
        "external_id",
        "received_at",
        "tags",
        "revision_id",
        "verdict",
        "verdict_stale",
    )
    rows: dict[str, dict[str, Any]] = {}
    written = []
    for item, (trace_id, revision_id) in zip(new, ids, strict=True):
        state = (trace_id, uuid7(), project.pk, item.external_id, item.received_at, item.tags, revision_id, "", False)
        written.append((*state, *{**item.columns, "metadata": _json(item.columns["metadata"])}.values()))
        rows[item.external_id] = {**dict(zip(columns, state, strict=True)), **item.columns}
    copy_in(model=Trace, columns=[*columns, *names], rows=written)
    _copy_revisions([(revision_id, trace_id, 1, item) for item, (trace_id, revision_id) in zip(new, ids, strict=True)])
    return rows


def _ids(count: int) -> list[tuple[int, int]]:
    """Ids for traces and revisions that are written in a moment."""
    tables = (Trace._meta.db_table, TraceRevision._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id'), pg_get_serial_sequence(%s, 'id')", tables)
        sequences = cursor.fetchone()  # by name: looked up for each row they took as long as the rows' own insert
        cursor.execute(
            "SELECT nextval(%s::regclass), nextval(%s::regclass) FROM generate_series(1, %s)", [*sequences, count]
        )
        return list(cursor.fetchall())


def _copy_revisions(wanted: Sequence[tuple[int, int, int, Prepared]]) -> None:
    """Revisions with their steps: (id, trace, number, what it says)."""
    now = timezone.now()
    revisions = (
        (
            pk, trace_id, number, item.digest, item.said_digest, item.document.decode(), _json(item.notes),
            _json(item.source), item.raw_id, now,
        )
        for pk, trace_id, number, item in wanted
    )  # fmt: skip
    copy_in(model=TraceRevision, columns=_REVISION_COLUMNS, rows=revisions)
    steps = ((pk, *_step_values(step)) for pk, _, _, item in wanted for step in item.steps)
    copy_in(model=Step, columns=_STEP_COLUMNS, rows=steps)


def _lock(batch: Sequence[Prepared], project: Project) -> dict[str, dict[str, Any]]:
    names = _there([item.external_id for item in batch], project)
    if not names:  # most come for the first time
        return {}
    fields = [*batch[0].columns, *_STATE]
    found = (
        Trace.objects.select_for_update()
        .filter(project=project, external_id__in=names)
        .order_by("external_id")
        .values(*fields)
    )
    return {row["external_id"]: row for row in found}


def _there(names: list[str], project: Project) -> list[str]:
    """Those of the names that are traces already; one array is read much quicker than a list of parameters."""
    sql = f"SELECT external_id FROM {Trace._meta.db_table} WHERE project_id = %s AND external_id = ANY(%s)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [project.pk, names])
        return [name for (name,) in cursor.fetchall()]


def _current_digests(rows: Iterable[dict[str, Any]]) -> dict[int, str]:
    current = [row["revision_id"] for row in rows if row["revision_id"]]
    if not current:
        return {}
    return dict(TraceRevision.objects.filter(pk__in=current).values_list("trace_id", "digest"))


def _judged_and_changed(fresh: Sequence[Prepared], rows: dict[str, dict[str, Any]]) -> set[str]:
    """Judged traces whose words changed (not only times or costs): what counts for them has to be looked at again."""
    judged = [
        (item, rows[item.external_id]["revision_id"])
        for item in fresh
        if rows[item.external_id]["verdict"] and rows[item.external_id]["revision_id"]
    ]
    current = [revision for _, revision in judged]
    before = dict(TraceRevision.objects.filter(pk__in=current).values_list("pk", "said_digest")) if current else {}
    return {item.external_id for item, revision in judged if before[revision] != item.said_digest}


def _insert_revisions(fresh: Sequence[Prepared], rows: dict[str, dict[str, Any]]) -> dict[str, int]:
    """A further revision with its steps for each; content that an earlier one had becomes that revision again."""
    if not fresh:
        return {}
    traces = {rows[item.external_id]["id"]: item for item in fresh}
    numbers: dict[int, int] = {}
    found: dict[str, int] = {}
    for pk, trace_id, number, digest in (
        TraceRevision.objects.filter(trace__in=list(traces))
        .order_by("number")
        .values_list("pk", "trace_id", "number", "digest")
    ):
        numbers[trace_id] = number
        if traces[trace_id].digest == digest:
            found[traces[trace_id].external_id] = pk
    wanted = [(trace_id, item) for trace_id, item in traces.items() if item.external_id not in found]
    if wanted:
        made = [
            (pk, trace_id, numbers.get(trace_id, 0) + 1, item)
            for (_, pk), (trace_id, item) in zip(_ids(len(wanted)), wanted, strict=True)
        ]
        _copy_revisions(made)
        found.update({item.external_id: pk for pk, _, _, item in made})
    return found


def _leave_for_later(project: Project, revisions: dict[int, int]) -> None:
    """Note what has to be done for these revisions, {trace: revision}, and need not hold up their arrival."""
    if not revisions:
        return
    sql = (
        f"INSERT INTO {FollowUp._meta.db_table} (project_id, trace_id, revision_id, kind, attempts, created_at) "  # noqa: S608
        "SELECT %s, trace, revision, kind, 0, now() "
        "FROM unnest(%s::bigint[], %s::bigint[]) AS stored(trace, revision) CROSS JOIN unnest(%s::text[]) AS kind"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [project.pk, list(revisions), list(revisions.values()), FollowUp.Kind.values])


def _column_changes(item: Prepared, row: dict[str, Any]) -> dict[str, Any]:
    """Columns that say something new."""
    changes: dict[str, Any] = {}
    for name, value in item.columns.items():
        unknown = (
            value is None
            or value == ""
            or (name == "status" and value == Trace.Status.UNSET)
            or (name == "metadata" and not value)  # no tools is known: the words have no calls
        )
        if not unknown and row[name] != value:
            changes[name] = value
    added = [tag for tag in item.tags if tag not in row["tags"]]
    if added:
        changes["tags"] = [*row["tags"], *added]
    return changes


def _insert_scores(
    batch: Sequence[Prepared], rows: dict[str, dict[str, Any]], revisions: dict[str, int], project: Project
) -> set[int]:
    """Insert or change imported scores; returns the ids of traces where one is new or different. Another value is the last
    word from now on (the highest id); the same one that came again with another revision keeps its place."""
    values: dict[tuple[Any, ...], list[Any]] = {}
    now = timezone.now()
    for item in batch:
        row = rows[item.external_id]
        revision = revisions.get(item.external_id, row["revision_id"])
        for score in item.scores:
            values[row["id"], score.name, score.external_id] = [
                project.pk, row["id"], revision, score.name, score.number, score.low, score.high, score.boolean,
                score.category, score.passed, score.reason, Score.Source.IMPORTED, score.author, "",
                score.external_id, now,
            ]  # fmt: skip
    if not values:
        return set()
    said = "number, low, high, boolean, category, passed, reason, author"
    kept = ", ".join(f"old.{name}" for name in said.split(", "))
    given = ", ".join(f"excluded.{name}" for name in said.split(", "))
    row_sql = (
        "(%s, %s, %s, %s, %s::float8, %s::float8, %s::float8, %s::boolean, %s, %s::boolean, %s, %s, %s, %s, %s, %s)"
    )
    sql = (
        f"INSERT INTO {Score._meta.db_table} AS old "  # noqa: S608
        "(project_id, trace_id, revision_id, name, number, low, high, boolean, category, passed, reason, source, "
        "author, grader_version, external_id, created_at) "
        f"VALUES {', '.join([row_sql] * len(values))} "
        "ON CONFLICT (trace_id, name, source, external_id) WHERE NOT (external_id = '') "
        f"DO UPDATE SET ({said}, revision_id) = ({given}, excluded.revision_id), "
        f"id = CASE WHEN ({kept}) IS DISTINCT FROM ({given}) THEN excluded.id ELSE old.id END, "
        f"created_at = CASE WHEN ({kept}) IS DISTINCT FROM ({given}) THEN excluded.created_at ELSE old.created_at END "
        f"WHERE ({kept}, old.revision_id) IS DISTINCT FROM ({given}, excluded.revision_id) RETURNING old.trace_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for row_values in values.values() for value in row_values])
        return {found for (found,) in cursor.fetchall()}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
