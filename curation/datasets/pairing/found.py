"""What the sources of pairs give: a pair, or why there is none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from curation.messages.form import Conversation, Document, Message, Tool, main_conversation
from curation.models import Trace, TraceRevision

Source = Literal["corrections", "preferences", "attempts", "generated"]
CHUNK = 100


@dataclass(slots=True)
class Side:
    """Whose conversation an answer is of."""

    trace: int
    revision: int


@dataclass(slots=True)
class Found:
    """A pair: the prompt, the better and the worse answer, and all that it rests on. `on_purpose`: a person wrote the
    better answer from the worse one, so that likeness says nothing against it."""

    source: Source
    prompt: list[Message]
    tools: list[Tool]
    chosen: Message
    rejected: Message
    side: Side
    other: Side | None = None
    conversation: int = 0
    detail: str = ""
    author: str = ""
    judgment: int | None = None
    correction: int | None = None
    preference: int | None = None
    items: tuple[int, ...] = ()
    together: str = ""  # Row.case of the better side
    composite: float | None = None
    on_purpose: bool = False


@dataclass(slots=True)
class Skip:
    """No pair: a code of words.SKIPS, the traces that it is about, and how many times."""

    code: str
    traces: tuple[int, ...] = ()
    detail: str = ""
    times: int = 1


@dataclass(slots=True)
class Row:
    """The columns of a trace that sources use."""

    id: int
    external_id: str
    revision: int
    verdict: str
    stale: bool
    task_id: str
    fingerprint: str
    same: set[int] = field(default_factory=set)  # revisions that say the same as the newest

    @property
    def case(self) -> str:
        """What all attempts at the same thing share; rows of one case belong in one split."""
        if self.task_id:
            return f"task:{self.task_id}"
        return f"input:{self.fingerprint}" if self.fingerprint else f"trace:{self.external_id}"


def rows_of(ids: Iterable[int]) -> dict[int, Row]:
    """Trace id -> its row, in the order given; traces without content are left out. Few queries of 2,000 each."""
    wanted = list(ids)
    found: dict[int, Row] = {}
    for start in range(0, len(wanted), 2_000):
        some = wanted[start : start + 2_000]
        columns = Trace.objects.filter(id__in=some, revision__isnull=False, erased_at=None).values_list(
            "id", "external_id", "revision_id", "verdict", "verdict_stale", "task_id", "input_fingerprint"
        )
        rows = {row[0]: Row(*row) for row in columns}
        found |= {one: rows[one] for one in some if one in rows}
    return found


def same_words(rows: Iterable[Row], revisions: Iterable[int]) -> None:
    """Fill `same` of the rows: which of these revisions say the same as the trace's newest one."""
    by_trace = {row.id: row for row in rows}
    wanted = set(revisions) | {row.revision for row in by_trace.values()}
    said = {
        pk: (trace, digest)
        for pk, trace, digest in TraceRevision.objects.filter(id__in=wanted).values_list(
            "id", "trace_id", "said_digest"
        )
    }
    for row in by_trace.values():
        row.same.add(row.revision)
        newest = said.get(row.revision, (row.id, ""))[1]
        if newest:
            row.same |= {pk for pk, (trace, digest) in said.items() if trace == row.id and digest == newest}


def documents(revisions: Iterable[int]) -> dict[int, Document]:
    """Revision id -> document. One query."""
    rows = TraceRevision.objects.filter(id__in=list(revisions)).annotate(text=Cast("document", TextField()))
    return {pk: orjson.loads(text) for pk, text in rows.values_list("id", "text")}


def main_of(document: Document) -> tuple[int, Conversation] | None:
    """The main conversation and its place; None where the document has none."""
    if not document.get("conversations"):
        return None
    main = main_conversation(document)
    return next(at for at, one in enumerate(document["conversations"]) if one is main), main


def having(rows: dict[int, Row], said: "QuerySet[Any]", *columns: str) -> list[int]:
    """Those of the traces that `said` names in one of its columns, in their order. One query for 10,000 of them."""
    named: set[int] = set()
    for some in chunks(list(rows), 10_000):
        for column in columns:
            named |= set(said.filter(**{f"{column}__in": some}).values_list(column, flat=True))
    return [trace for trace in rows if trace in named]


def chunks(values: list[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """Neighbours together."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
