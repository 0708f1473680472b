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
class ParsedTrace:
    """One trace in the internal form. None and "" mean unknown."""

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
    import_notes: list[str] = field(default_factory=list)
    source: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Rejected:
    """One piece of input that could not be read: where it stood and why, for the person who sent it."""

    where: str
    reason: str


class Unreadable(ValueError):
    """A record that no trace can be made of; the text is the reason, for the person who sent it."""
