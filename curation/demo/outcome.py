"""What the generator knows of a trace besides the trace: the truth, and what people would say."""

from dataclasses import dataclass, field
from datetime import datetime

from curation.ingest.parsed import ParsedTrace


@dataclass(slots=True)
class Opinion:
    """One reviewer's judgment. `reviewer` is an index into the three demo reviewers."""

    reviewer: int
    verdict: str
    at: datetime
    seconds: float
    rating: int | None = None
    note: str = ""


@dataclass(slots=True)
class Comment:
    """What a user of the agent said afterwards."""

    author: str
    at: datetime
    rating: int
    comments: str = ""
    aspects: dict[str, int] = field(default_factory=dict)
    suggested_response: str = ""


@dataclass(slots=True)
class DemoTrace:
    """One generated trace with everything said of it. `corrected` replaces the final answer, written by a reviewer."""

    trace: ParsedTrace
    received_at: datetime
    good: bool
    note: str
    opinions: list[Opinion] = field(default_factory=list)
    feedback: list[Comment] = field(default_factory=list)
    corrected: str = ""
    corrected_by: int = 0
