"""Rows of earlier datasets that are mixed into later ones, so that a model does not forget: a uniform sample of all rows
that passed (reservoir, Algorithm R of Vitter 1985), kept in the database.

The ratio is the share of the result: with 0.25 a batch of 100 holds 25 replayed rows beside 75 new ones, and 300 new rows
get 100. Which row gives way is decided by a keyed hash of how many have passed, so the same stream leaves the same buffer.
Where the capacity changes, the rows of all versions since the buffer was cleared pass once more.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from curation.datasets.recipe_parts import Replay
from curation.models import DatasetVersion, ReplayBuffer, ReplayBufferRow
from workspace import audit
from workspace.access import Actor
from workspace.models import Project
from workspace.paging import Page, paginate

CAPACITY = 2_048
# rows of frozen versions that learn plainly and stand for themselves; whatever passed with an earlier version passes once
_PASSES = """
    {0}.split = 'train' AND {0}.kind = 'chat' AND {0}.content IS NULL AND {0}.edits = '{{}}' AND {0}.origin = 'trace'
"""
_EARLIER = f"""
    FROM curation_datasetrow e
    JOIN curation_datasetversion v ON v.id = e.version_id
    JOIN curation_dataset d ON d.id = v.dataset_id
    WHERE {_PASSES.format("e")} AND d.project_id = %(project)s AND v.id < %(version)s
      AND v.recipe #>> '{{replay,buffer}}' = %(buffer)s
      AND (%(since)s::timestamptz IS NULL OR v.created_at >= %(since)s)
"""
_PASSING = f"""
    SELECT r.trace_id, r.revision_id, r.conversation, r.judgment_id, r.correction_id, %(name)s
    FROM curation_datasetrow r
    WHERE r.version_id = %(version)s AND {_PASSES.format("r")}
      AND NOT EXISTS (SELECT {_EARLIER} AND e.revision_id = r.revision_id AND e.conversation = r.conversation)
    ORDER BY r.position
"""  # noqa: S608 (made of the constants above)
_PASSED = f"""
    SELECT trace_id, revision_id, conversation, judgment_id, correction_id, name FROM (
        SELECT DISTINCT ON (e.revision_id, e.conversation) e.*, d.name || '@' || v.number AS name {_EARLIER}
        ORDER BY e.revision_id, e.conversation, e.version_id, e.position) passed
    ORDER BY version_id, position
"""  # noqa: S608 (made of the constants above)
_TAKE = """
    SELECT b.slot, b.trace_id, b.revision_id, b.conversation, b.judgment_id, b.correction_id, b.came_with,
           t.external_id, t.task_id, t.session_id, t.user_id, t.input_fingerprint, coalesce(j.author, ''), c.messages::text,
           t.verdict,
           t.verdict_stale OR NOT coalesce(
               b.revision_id = t.revision_id OR nullif(seen.said_digest, '') = standing.said_digest, false),
           coalesce(j.withdrawn_at, c.withdrawn_at) IS NOT NULL
    FROM curation_replaybufferrow b JOIN curation_trace t ON t.id = b.trace_id
    JOIN curation_tracerevision seen ON seen.id = b.revision_id
    LEFT JOIN curation_tracerevision standing ON standing.id = t.revision_id
    LEFT JOIN curation_judgment j ON j.id = b.judgment_id
    LEFT JOIN curation_correction c ON c.id = b.correction_id
    WHERE b.buffer_id = %s AND t.erased_at IS NULL AND t.archived_at IS NULL ORDER BY b.slot
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that lies in a buffer. `came_with` is the version that it was a row of; `messages` are a correction's, as JSON
    text, None where there is none. `verdict` is the trace's as it is now; `stale`: the trace changed since it was judged,
    or says something else than the row; `withdrawn`: the judgment or the correction behind the row was."""

    slot: int
    trace: int
    revision: int
    conversation: int
    judgment: int | None
    correction: int | None
    came_with: str
    external_id: str
    task_id: str
    session_id: str
    user_id: str
    fingerprint: str
    author: str
    messages: str | None
    verdict: str
    stale: bool
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Look:
    """A buffer as it is shown. `filled` of `capacity` places hold a row, `seen` rows have passed since it was cleared."""

    buffer: ReplayBuffer
    filled: int
    by_version: dict[str, int]

    @property
    def seen(self) -> int:
        """Rows that have passed."""
        return self.buffer.seen

    @property
    def cleared_at(self) -> datetime | None:
        """When it was emptied last."""
        return self.buffer.cleared_at


def wanted(new: int, ratio: float) -> int:
    """How many replayed rows beside `new` ones make `ratio` of the result, to the nearest: 75 at 0.25 gives 25."""
    return round(new * ratio / (1 - ratio))


def slot_for(passed: int, capacity: int, seed: int) -> int | None:
    """Where the row that is the `passed`-th to pass (from 1) goes; None: nowhere. The first `capacity` fill the places;
    each later one takes a place at random with the chance capacity / passed."""
    if passed <= capacity:
        return passed - 1
    key = b"reservoir" + seed.to_bytes(8, "big")
    digest = hashlib.blake2b(passed.to_bytes(8, "big"), key=key, digest_size=16).digest()
    place = int.from_bytes(digest, "big") % passed
    return place if place < capacity else None


def drawn(*, project: Project, chosen: Replay, apart_from: Collection[int], seed: int) -> list[Kept]:
    """What lies in a buffer in the order in which the seed draws it, without the traces `apart_from`. Nothing where there
    is no such buffer yet."""
    buffer = ReplayBuffer.objects.filter(project=project, name=chosen.buffer).first()
    if buffer is None or not chosen.ratio:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [buffer.pk])
        rows = [Kept(*row) for row in cursor.fetchall()]
    free = [row for row in rows if row.trace not in apart_from]
    key = b"replay" + seed.to_bytes(8, "big")

    def place(row: Kept) -> bytes:
        told = f"{row.external_id} {row.conversation}".encode("utf-8", "replace")
        return hashlib.blake2b(told, key=key, digest_size=16).digest()

    return sorted(free, key=place)


def take_in(*, version: DatasetVersion, project: Project, chosen: Replay) -> int:
    """Let the new rows of the train split pass through the buffer, which is made where it does not exist. Rows with
    content or edits of their own, and rows that passed with an earlier version, do not. Returns how many passed. Call it in
    the transaction that froze the version."""
    ReplayBuffer.objects.get_or_create(
        project=project, name=chosen.buffer, defaults={"capacity": chosen.capacity, "seed": version.seed}
    )
    buffer = ReplayBuffer.objects.select_for_update().get(project=project, name=chosen.buffer)
    arguments = {
        "version": version.pk, "project": project.pk, "buffer": buffer.name, "since": buffer.cleared_at,
        "name": str(version),
    }  # fmt: skip
    if buffer.capacity != chosen.capacity:
        # all that passed before passes once more: the same sample as if it had had this capacity from its beginning
        ReplayBufferRow.objects.filter(buffer=buffer).delete()
        buffer.capacity, buffer.seen = chosen.capacity, 0
        _pass_through(buffer, _PASSED, arguments)
    passed = _pass_through(buffer, _PASSING, arguments)
    buffer.save(update_fields=["seen", "capacity"])
    return passed


def look(*, project: Project) -> list[Look]:
    """The buffers of a project by name, with how full they are and what their rows came with. Two queries."""
    buffers = list(ReplayBuffer.objects.filter(project=project).exclude(name__startswith="~").order_by("name"))
    counts: dict[int, dict[str, int]] = {buffer.pk: {} for buffer in buffers}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT buffer_id, came_with, count(*) FROM curation_replaybufferrow WHERE buffer_id = ANY(%s)"
            " GROUP BY 1, 2 ORDER BY 1, 2",
            [list(counts)],
        )
        for buffer, came_with, count in cursor.fetchall():
            counts[buffer][came_with] = count
    return [Look(buffer, sum(counts[buffer.pk].values()), counts[buffer.pk]) for buffer in buffers]


def rows(*, buffer: ReplayBuffer, cursor: str = "", size: int = 50) -> Page[ReplayBufferRow]:
    """A page of what lies in a buffer, by place."""
    found = ReplayBufferRow.objects.filter(buffer=buffer).select_related("trace").defer("trace__metadata")
    return paginate(found, order=["slot"], cursor=cursor, size=size)


def clear(*, project: Project, name: str, actor: Actor) -> int:
    """Empty a buffer; it begins anew, and what lay in it is set aside for `restore` until it is cleared again. Returns how
    many rows lay in it. Raises ReplayBuffer.DoesNotExist."""
    with transaction.atomic():
        buffer = ReplayBuffer.objects.select_for_update().get(project=project, name=name)
        held = ReplayBufferRow.objects.filter(buffer=buffer).count()
        ReplayBuffer.objects.filter(project=project, name=_aside(name)).delete()
        ReplayBuffer.objects.filter(pk=buffer.pk).update(name=_aside(name))
        ReplayBuffer.objects.create(
            project=project, name=name, capacity=buffer.capacity, seed=buffer.seed, cleared_at=timezone.now()
        )
        audit.record(
            project=project, actor=actor, action="replay_buffer.cleared", target=f"replay_buffer:{name}", rows=held
        )
    return held


def restore(*, project: Project, name: str, actor: Actor) -> int | None:
    """Take back a clearing. Returns how many rows lie in the buffer again; None where nothing is set aside, or rows have
    passed since, which would then be lost. Raises ReplayBuffer.DoesNotExist."""
    with transaction.atomic():
        fresh = ReplayBuffer.objects.select_for_update().get(project=project, name=name)
        aside = ReplayBuffer.objects.filter(project=project, name=_aside(name)).first()
        if aside is None or fresh.seen:
            return None
        fresh.delete()
        ReplayBuffer.objects.filter(pk=aside.pk).update(name=name)
        held = ReplayBufferRow.objects.filter(buffer=aside).count()
        audit.record(
            project=project, actor=actor, action="replay_buffer.restored", target=f"replay_buffer:{name}", rows=held
        )
    return held


def set_aside(*, buffer: ReplayBuffer) -> int:
    """How many rows `restore` would bring back now."""
    if buffer.seen:
        return 0
    return ReplayBufferRow.objects.filter(buffer__project=buffer.project_id, buffer__name=_aside(buffer.name)).count()


def _aside(name: str) -> str:
    """The name that a cleared buffer is kept under: no recipe can ask for it."""
    return f"~{name[:79]}"


def _pass_through(buffer: ReplayBuffer, sql: str, arguments: dict[str, Any]) -> int:
    """Let what the statement finds pass, in order. Returns how many did; whoever calls saves the buffer."""
    passed = buffer.seen
    places: dict[int, tuple[Any, ...]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        for row in cursor:
            buffer.seen += 1
            slot = slot_for(buffer.seen, buffer.capacity, buffer.seed)
            if slot is not None:
                places[slot] = row
    ReplayBufferRow.objects.bulk_create(
        (
            ReplayBufferRow(
                buffer=buffer, slot=slot, trace_id=row[0], revision_id=row[1], conversation=row[2], judgment_id=row[3],
                correction_id=row[4], came_with=row[5][:100],
            )
            for slot, row in sorted(places.items())
        ),
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["buffer", "slot"],
        update_fields=["trace", "revision", "conversation", "judgment", "correction", "came_with"],
    )  # fmt: skip
    return buffer.seen - passed
