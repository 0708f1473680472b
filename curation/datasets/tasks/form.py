"""What a task is given of a trace, and what it makes of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from curation.datasets.example import Example, edited
from curation.datasets.reasons import Reason
from curation.messages.form import Document, Message
from curation.models import Correction, Feedback, Judgment
from curation.scoring.counting import Value


@dataclass(slots=True)
class Known:
    """The columns of a trace that tasks use, and what its task NEEDS beside them. `scores`: by name, the one that counts."""

    id: int
    external_id: str
    revision_id: int | None
    verdict: str
    stale: bool
    task_id: str
    session_id: str
    user_id: str
    agent: str
    model: str
    status: str
    steps: int
    tool_calls: int
    errors: int
    tools: list[str]
    fingerprint: str
    scores: dict[str, Value] = field(default_factory=dict)
    feedback: list[Feedback] = field(default_factory=list)


@dataclass(slots=True)
class Context:
    """One conversation of one revision, with what people said of it. `options` as `tasks.check` gave them. `correction` is
    the one that the recipe lets in. `edits` as DatasetRow.edits, of the messages as they were said; `edits_after` are those
    of the correction's messages, where what was written anew has none."""

    known: Known
    document: Document
    conversation: int
    options: Mapping[str, Any]
    judgment: Judgment | None = None
    correction: Correction | None = None
    edits: Mapping[str, str] = field(default_factory=dict)
    edits_after: Mapping[str, str] = field(default_factory=dict)

    def said(self) -> list[Message]:
        """The messages as they were said, with the uses of steps carried out."""
        return edited(self.document["conversations"][self.conversation]["messages"], self.edits)

    def corrected(self) -> list[Message]:
        """The messages as the correction has them, with the uses of steps carried out. Only where there is one."""
        assert self.correction is not None
        return edited(self.correction.messages, self.edits_after)


@dataclass(frozen=True, slots=True)
class Left:
    """No row, and why. `detail` tells of this trace; `facts` as DatasetDecision.facts."""

    reason: Reason
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Made:
    """One row. With `content_is_pinned` the words are those of the pinned conversation (corrected, edited), so that the
    row stores no content of its own; otherwise `example.plain()` is stored.

    `part` numbers the rows of one (revision, conversation) from 0. `trace_id` to `correction_id` are filled by tasks that
    gather, and left empty by those that make: there the row is of the context's trace. `other_*`: whose answer is the
    rejected one. `together`: rows that share it must be in one split, whatever their traces' groups are.
    """

    example: Example
    reason: Reason
    detail: str = ""
    part: int = 0
    content_is_pinned: bool = False
    trace_id: int = 0
    revision_id: int = 0
    conversation: int = 0
    judgment_id: int | None = None
    correction_id: int | None = None
    other_trace_id: int | None = None
    other_revision_id: int | None = None
    preference_id: int | None = None
    batch_items: tuple[int, ...] = ()
    origin: str = "trace"
    together: str = ""
    composite: float | None = None
    author: str = ""


class Summary:
    """What a task counts over all its rows, and what it warns of."""

    def add(self, example: Example) -> None:
        """Count a row."""

    def counts(self) -> dict[str, Any]:
        """What the version keeps under "task"."""
        return {}

    def warnings(self) -> list[tuple[str, str]]:
        """(code, text) of what an engineer should know before training."""
        return []


@dataclass(slots=True)
class Gathered:
    """What a task made that looks at several traces at once. Take `made` to its end first: then `left` says for every
    trace that is in no row why (traces of rows are not in it; `other` names those that gave a rejected answer only),
    `skips` counts what became no row by reason, and `counts` is what the version keeps under "pairs"."""

    made: Iterator[Made]
    skips: Counter[str] = field(default_factory=Counter)
    left: dict[int, Left] = field(default_factory=dict)
    other: set[int] = field(default_factory=set)
    counts: dict[str, Any] = field(default_factory=dict)
