"""The columns of the trace list: which there are, which are shown, what stands in their cells, and which order them.

The box to tick and the request are always there. The others are named by a key; `score.NAME` and `meta.KEY` are made as
they are asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Coalesce

from curation.models import Trace
from curation.models.traces import TraceQuerySet

MOST = 24
MOST_KEY = 120
NO_ORDER = "The list cannot be sorted by this: only the newest, figures and scores have an order."


class UnknownColumn(ValueError):
    """A col= that names no column."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind` says how a cell is drawn (curation/views/trace_rows.py), `from_width` from which width
    of the window on it is shown while nobody has chosen columns, `sorts` whether a click on its head sorts."""

    key: str
    label: str
    kind: str
    attribute: str = ""
    number: bool = False
    sorts: bool = False
    from_width: str = "wide-only"

    @property
    def score(self) -> str:
        """The name of the score it shows, "" where it shows something else."""
        return self.key.removeprefix("score.") if self.key.startswith("score.") else ""

    @property
    def meta(self) -> str:
        """The key of the metadata it shows, "" where it shows something else."""
        return self.key.removeprefix("meta.") if self.key.startswith("meta.") else ""

    @property
    def is_on_card(self) -> bool:
        """Whether a window too narrow for columns shows it, too."""
        return self.key in ON_CARD

    def value(self, trace: Trace) -> Any:
        """What stands in the cell; None or "" where it is not known."""
        return getattr(trace, self.attribute) if self.attribute else None


_ALL = (
    Column("judgment", "Judgment", "verdict"),
    Column("tags", "Tags", "tags", "tags", from_width="roomy-only"),
    Column("agent", "Agent", "name", "agent", sorts=True),
    Column("model", "Model", "name", "model", from_width="vast-only"),
    Column("env", "Environment", "name", "environment"),
    Column("status", "Status", "name", "status"),
    Column("tools", "Tools", "list", "tools"),
    Column("session", "Session", "name", "session_id"),
    Column("user", "User", "name", "user_id"),
    Column("task", "Task", "name", "task_id"),
    Column("id", "Id", "name", "external_id"),
    Column("format", "Format", "name", "source_format"),
    Column("turns", "Turns", "whole", "turns", number=True),
    Column("steps", "Steps", "whole", "steps", number=True, sorts=True),
    Column("calls", "Calls", "whole", "tool_calls", number=True),
    Column("errors", "Errors", "errors", "errors", number=True, sorts=True),
    Column("tokens", "Tokens", "tokens", number=True, sorts=True),
    Column("cost", "Cost", "money", "cost_usd", number=True, sorts=True),
    Column("time", "Time", "time", "latency_ms", number=True, sorts=True),
    Column("started", "Started", "ago", "started_at", number=True),
    Column("seen", "Seen", "ago", "received_at", number=True, sorts=True),
)
COLUMNS: dict[str, Column] = {column.key: column for column in _ALL}
# what a phone shows under each request while nobody has chosen
ON_CARD = ("judgment", "agent", "errors", "time", "seen")
# scores that the page or the filter has stand before the first figure
DEFAULT = ("judgment", "tags", "agent", "model", "steps", "errors", "tokens", "cost", "time", "seen")
SCORES_BEFORE = "steps"


def read_columns(keys: Sequence[str], *, chosen: bool = True) -> list[Column]:
    """The columns with these keys, each once; none asked for gives none. Who has chosen them sees them all, whatever the
    width; otherwise each keeps the width from which it is shown. Raises UnknownColumn."""
    if len(keys) > MOST:
        raise UnknownColumn(f"A list has at most {MOST} columns; these are {len(keys)}.")
    found = [column(key) for key in dict.fromkeys(keys)]
    return [replace(one, from_width="wide-only") for one in found] if chosen else found


def column(key: str) -> Column:
    """The column behind a key. Raises UnknownColumn."""
    if key in COLUMNS:
        return COLUMNS[key]
    kind, _, name = key.partition(".")
    if kind not in ("score", "meta") or not name.strip() or len(key) > MOST_KEY or "\0" in key:
        raise UnknownColumn(f"There is no column “{key}”: use {', '.join(COLUMNS)}, score.NAME or meta.KEY.")
    return _score_column(name) if kind == "score" else Column(key, name, "name")


def _score_column(name: str) -> Column:
    return Column(f"score.{name}", name, "score", number=True, sorts=True)


def default_columns(scores: Iterable[str]) -> list[Column]:
    """What is shown while nobody has chosen: with these scores among the figures."""
    at = DEFAULT.index(SCORES_BEFORE)
    usual = [COLUMNS[key] for key in DEFAULT]
    return [*usual[:at], *(_score_column(name) for name in scores), *usual[at:]]


def with_metadata(traces: TraceQuerySet, columns: Iterable[Column]) -> TraceQuerySet:
    """The traces without their metadata, but for the keys that these columns show: as attributes meta_0, meta_1, …"""
    found: dict[str, Any] = {}
    for number, name in enumerate(one.meta for one in columns if one.meta):
        whole: Any = _text("metadata", [name])
        path = name.split(".")
        nested = len(path) > 1 and all(path)
        found[f"meta_{number}"] = Coalesce(whole, _text("metadata", path)) if nested else whole
    return traces.defer("metadata").annotate(**found)


def _text(column: str, path: list[str]) -> Func:
    """The value as text; a list or an object as JSON."""
    places = [Value(name) for name in path]
    return Func(F(column), *places, function="jsonb_extract_path_text", output_field=TextField())
