"""What a reader makes of one trace, before it is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from curation.messages.form import Document


@dataclass(slots=True)
class ParsedScore:
    """A score that came with a trace: exactly one of number, boolean, category."""

    name: str
    number: float | None = None
    low: float | None = None
    high: float | None = None
    boolean: bool | None = None
    category: str = ""
    passed: bool | None = None
    reason: str = ""
    author: str = ""
    external_id: str = ""


@dataclass(slots=True)
class ParsedJudgment:
    """A word on the whole trace that came with it: acceptable, unacceptable or unsure. `external_id` tells two words of
    one author apart (the annotation's id)."""

    verdict: str
    author: str
    note: str = ""
    rating: int | None = None
    at: datetime | None = None
    external_id: str = ""


@dataclass(slots=True)
class ParsedPreference:
    """Which of two endings of the main conversation is better; 0 is the one it has, n its n-th candidate. The right side
    may be another trace of the same import: `other` is its external id."""

    choice: str
    author: str
    left: int = 0
    right: int = 1
    other: str = ""
    strength: str = ""
    note: str = ""
    external_id: str = ""


@dataclass(slots=True)
class ParsedCorrection:
    """What the final answer of the main conversation should have been."""

    text: str
    author: str


@dataclass(slots=True)
class ParsedTrace:
    """One trace in the internal form. None and "" mean unknown. `unknown_labels` are labels of annotations that stand for
    no verdict as far as the reader knows. `keeps_content`: where the trace is there already, only the words are added to
    it (it was shown to annotators and comes back); without messages it must be there.
    """

    external_id: str
    document: Document
    name: str = ""
    session_id: str = ""
    user_id: str = ""
    task_id: str = ""
    environment: str = ""
    agent: str = ""
    model: str = ""
    status: str = "unset"
    started_at: datetime | None = None
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    scores: list[ParsedScore] = field(default_factory=list)
    judgments: list[ParsedJudgment] = field(default_factory=list)
    preferences: list[ParsedPreference] = field(default_factory=list)
    corrections: list[ParsedCorrection] = field(default_factory=list)
    unknown_labels: list[str] = field(default_factory=list)
    keeps_content: bool = False
    import_notes: list[str] = field(default_factory=list)
    source: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Rejected:
    """One piece of input that could not be read: where it stood and why, for the person who sent it."""

    where: str
    reason: str


class Unreadable(ValueError):
    """A record that no trace can be made of; the text is the reason, for the person who sent it."""
