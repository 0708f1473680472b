"""What a freeze would write: rows in order, a decision for every trace looked at, and what was counted on the way."""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from curation.datasets.exporting.formats import FORMATS
from curation.datasets.exporting.validate import Tally
from curation.datasets.reasons import Reason
from curation.datasets.selecting.candidates import Candidate
from curation.datasets.selecting.signatures import Signature


class Decision(NamedTuple):
    """Why one trace is in or out. `facts` as on DatasetDecision."""

    trace: int
    reason: Reason
    detail: str
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Row:
    """A row to be: what it pins, where it goes, what it weighs (tokens are estimates). `content` is what it says, packed,
    where that is not the pinned conversation; `together` names rows that must be in one split."""

    trace_id: int
    external_id: str
    revision_id: int
    conversation: int
    judgment_id: int | None
    author: str
    correction_id: int | None
    fingerprint: str
    signature: Signature
    part: int = 0
    kind: str = "chat"
    content: bytes | None = None
    edits: dict[str, str] = field(default_factory=dict)
    other_trace: int | None = None
    other_revision: int | None = None
    preference_id: int | None = None
    batch_items: tuple[int, ...] = ()
    origin: str = "trace"
    together: str = ""
    composite: float | None = None
    loss: float | None = None
    topic: str = ""
    group: str = ""
    split: str = ""
    fold: int | None = None

    @property
    def digest(self) -> str:
        """Of all that any format writes."""
        return self.signature.digest

    @property
    def tokens(self) -> int:
        """Of messages and tools."""
        return self.signature.tokens

    @property
    def trained_tokens(self) -> int:
        """Of what is learned."""
        return self.signature.trained_tokens

    @property
    def traces(self) -> tuple[int, ...]:
        """All traces that it shows."""
        return (self.trace_id,) if self.other_trace is None else (self.trace_id, self.other_trace)

    @property
    def revisions(self) -> tuple[int, ...]:
        """All revisions that it shows."""
        return (self.revision_id,) if self.other_revision is None else (self.revision_id, self.other_revision)

    @property
    def says(self) -> tuple[str | bytes, ...]:
        """What rows that say the same have in common (held_out.Row.says)."""
        return (self.signature.digest, self.signature.sameness)

    @property
    def words(self) -> bytes:
        """The MinHash of its own words, where a person or a model said what no revision says (held_out.Row.words)."""
        said = self.correction_id is not None or self.preference_id is not None or bool(self.batch_items)
        made = self.origin == "generated" and self.content is not None
        return self.signature.minhash if said or made else b""

    def unpacked(self) -> dict[str, Any] | None:
        """What it says, where that is not the pinned conversation."""
        return None if self.content is None else dict(orjson.loads(zlib.decompress(self.content)))


def packed(content: dict[str, Any]) -> bytes:
    """A row's content as it is kept until it is written."""
    return zlib.compress(orjson.dumps(content), 1)


@dataclass(slots=True)
class Plan:
    """The rows so far, and why traces left. While rows leave, `left` says why for each trace they show; a trace that
    another row still shows is in all the same. `minhashes`: of revisions, as far as they were read; `mixed`: by trace, the
    value that the mix went by."""

    candidates: list[Candidate] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    taken: dict[int, tuple[Reason, str]] = field(default_factory=dict)
    left: dict[int, tuple[Reason, str, Mapping[str, Any]]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    replayed: list[Row] = field(default_factory=list)
    minhashes: dict[int, bytes] = field(default_factory=dict)
    mixed: dict[int, str] = field(default_factory=dict)

    def leave(self, trace: int, reason: Reason, detail: str = "", facts: Mapping[str, Any] | None = None) -> None:
        """Say why a trace is in no row; the first word stands."""
        self.left.setdefault(trace, (reason, detail, facts or {}))

    def drop(self, row: Row, reason: Reason, detail: str = "", facts: Mapping[str, Any] | None = None) -> None:
        """Say why a row is taken out; whoever calls takes it out."""
        for trace in row.traces:
            self.leave(trace, reason, detail, facts)

    @property
    def every_row(self) -> list[Row]:
        """New rows, then those from a replay buffer."""
        return [*self.rows, *self.replayed]

    @property
    def decisions(self) -> list[Decision]:
        """One for every trace looked at, in the order of the recipe."""
        shown = {trace for row in self.rows for trace in row.traces}
        found = []
        for one in self.candidates:
            if one.id in shown:
                reason, detail = self.taken[one.id]
                found.append(Decision(one.id, reason, detail[:300], {}))
            else:
                reason, detail, facts = self.left[one.id]
                found.append(Decision(one.id, reason, detail[:300], facts))
        return found

    @property
    def reasons(self) -> Iterator[Reason]:
        """Of each decision, in the same order, without making them."""
        shown = {trace for row in self.rows for trace in row.traces}
        return (self.taken[one.id][0] if one.id in shown else self.left[one.id][0] for one in self.candidates)

    def tallies(self) -> dict[str, Tally]:
        """What the validator says of the rows, per format."""
        return tallied((row.split, row.signature.findings) for row in self.every_row)


def tallied(rows: Iterable[tuple[str, str]]) -> dict[str, Tally]:
    """Tallies per format of (split, Signature.findings): equal ones are counted together."""
    tallies = {name: Tally() for name in FORMATS}
    for (split, text), count in Counter(rows).items():
        told = orjson.loads(text)
        common = told.get("", [])
        for name, tally in tallies.items():
            found = told.get(name, common)
            bad = {code for level, code in found if level == "error"}
            warned = {code for level, code in found if level == "warning"}
            tally.rows += count
            tally.invalid[split] += count if bad else 0
            tally.warned[split] += count if warned else 0
            tally.errors.update(dict.fromkeys(bad, count))
            tally.warnings.update(dict.fromkeys(warned, count))
    return tallies
