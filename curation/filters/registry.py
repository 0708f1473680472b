"""The fields a filter may name: one list for parsing, compiling, completing, chips and the documentation."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from curation.filters import values
from curation.filters.tree import COMPARISONS, EQUAL, HAS, IS, RANGE


class Kind(StrEnum):
    """What the values of a field are."""

    FREE = "free"
    TEXT = "text"
    LIST = "list"
    CHOICE = "choice"
    COUNT = "count"
    MONEY = "money"
    DURATION = "duration"
    TIME = "time"
    SCORE = "score"
    META = "meta"
    LIKE = "like"  # the id of a trace, to be compared with
    RELATED = "related"  # names in rows of another table: authors, queues, kinds


@dataclass(frozen=True, slots=True)
class Field:
    """One field: how it is called, what it means, what it may hold, and where its known values come from."""

    name: str
    label: str
    help: str
    kind: Kind
    examples: tuple[str, ...]
    column: str = ""
    choices: tuple[str, ...] = ()
    completion: str = ""  # "column", "array", "choices", "scores", "metadata", "related" or "" (nothing to offer)
    more: str = ""  # what the documentation adds to `help`

    @property
    def keyed(self) -> bool:
        """Whether a name follows the field (score.helpful, meta.tier)."""
        return self.kind in (Kind.SCORE, Kind.META)

    @property
    def numeric(self) -> bool:
        """Whether larger and smaller make sense."""
        return self.kind in _NUMERIC

    @property
    def operators(self) -> tuple[str, ...]:
        """What may stand between the field and its values, HAS (`field:*`) included."""
        match self.kind:
            case Kind.COUNT | Kind.MONEY | Kind.DURATION:
                return (EQUAL, *COMPARISONS, RANGE, HAS)
            case Kind.SCORE:
                return (IS, *COMPARISONS, RANGE, HAS)
            case Kind.TEXT | Kind.LIST | Kind.META | Kind.RELATED:
                return (IS, HAS)
            case _:
                return (IS,)


_NUMERIC: dict[Kind, Callable[[str], Any]] = {
    Kind.COUNT: values.read_count,
    Kind.MONEY: values.read_money,
    Kind.DURATION: values.read_duration,
    Kind.SCORE: values.read_number,
}
_YES_NO = {"true": "yes", "false": "no", "1": "yes", "0": "no"}
# any fixed time does to check that a time can be read
_SOME_DAY = datetime.fromisoformat("2026-01-01T00:00:00+00:00")

YES_NO = ("yes", "no")
_ALL = (
    Field("agent", "Agent", "Name of the agent.", Kind.TEXT, ("agent:support-bot",), "agent", completion="column"),
    Field("model", "Model", "Model that answered.", Kind.TEXT, ("model:gpt-5-mini",), "model", completion="column"),
    Field("env", "Environment", "Environment it ran in.", Kind.TEXT, ("env:prod",), "environment", completion="column"),
    Field(
        "status", "Status", "What the sender said: ok, error or unset.", Kind.CHOICE, ("status:error",), "status",
        choices=("ok", "error", "unset"), completion="choices",
    ),
    Field(
        "judged", "Judged", "Whether and how people judged it.", Kind.CHOICE, ("judged:no", "judged:acceptable"),
        choices=("yes", "no", "acceptable", "unacceptable", "unsure", "stale"), completion="choices",
        more="yes, no, acceptable, unacceptable, unsure, stale. A judgment of an older revision is stale: it waits for "
        "a new one like `no`.",
    ),
    Field(
        "score", "Score", "Newest value of a score; a person's comes first, then a grader's own.", Kind.SCORE,
        ("score.helpful>=0.8", "score.safe:yes", "score.reward:0.4..0.9"), completion="scores",
        more="Numbers, yes or no, a category, passed or failed.",
    ),
    Field(
        "rating", "Rating", "Rating of 1 to 5 in some feedback.", Kind.COUNT, ("rating<=2", "rating:*"),
        more="One feedback that fits is enough.",
    ),
    Field("tool", "Tool", "A tool that was called.", Kind.LIST, ("tool:search_orders",), "tools", completion="array"),
    Field(
        "error", "Error", "A tool or model call failed.", Kind.CHOICE, ("error:yes",), choices=YES_NO,
        completion="choices",
    ),
    Field("errors", "Errors", "Number of failed calls.", Kind.COUNT, ("errors>2",), "errors"),
    Field("tag", "Tag", "A tag of the trace.", Kind.LIST, ("tag:vip", "-tag:smoke"), "tags", completion="array"),
    Field(
        "meta", "Metadata", "A value the sender attached.", Kind.META, ("meta.tier:gold",), "metadata",
        completion="metadata", more="`meta.customer.tier` reaches into an object.",
    ),
    Field("session", "Session", "Session the trace belongs to.", Kind.TEXT, ("session:s-1042",), "session_id"),
    Field("user", "User", "User of the agent, as the sender named them.", Kind.TEXT, ("user:u-7",), "user_id"),
    Field("task", "Task", "Task the agent worked on.", Kind.TEXT, ("task:retail-17",), "task_id"),
    Field(
        "since", "Since", "Received at or after.", Kind.TIME, ("since:7d", "since:2026-11-01"), "received_at",
        more="`7d`, `24h`, `today`, `2026-11-01`, `2026-11-01T09:30` (UTC).",
    ),
    Field("until", "Until", "Received before; a date includes that day.", Kind.TIME, ("until:24h",), "received_at"),
    Field(
        "latency", "Latency", "Time from start to end.", Kind.DURATION, ("latency>15s",), "latency_ms",
        more="With its unit: `900ms`, `15s`, `2m`.",
    ),
    Field("cost", "Cost", "Cost in US dollars.", Kind.MONEY, ("cost>0.05",), "cost_usd"),
    Field("tokens", "Tokens", "Tokens in and out together.", Kind.COUNT, ("tokens>20k",)),
    Field("steps", "Steps", "Assistant messages and tool calls.", Kind.COUNT, ("steps>10",), "steps"),
    Field("turns", "Turns", "Messages of the user.", Kind.COUNT, ("turns>=3",), "turns"),
    Field("calls", "Tool calls", "Number of tool calls.", Kind.COUNT, ("calls>=5",), "tool_calls"),
    Field(
        "comment", "Comment", "Comments on it: by whom, open or resolved.", Kind.RELATED,
        ("comment:*", "comment:open", 'comment:"Rita Reviewer"'), completion="related",
    ),
    Field(
        "reviewer", "Reviewer", "Who judged it.", Kind.RELATED, ('reviewer:"Rita Reviewer"',), completion="related",
    ),
    Field("feedback", "Feedback", "Feedback of users: from whom.", Kind.RELATED, ("feedback:*",), completion="related"),
    Field(
        "queue", "Queue", "A review queue that it waits in or was judged in.", Kind.RELATED, ("queue:picked", "-queue:*"),
        completion="related",
    ),
    Field(
        "flagged", "Flagged", "A reviewer flagged it in a queue.", Kind.CHOICE, ("flagged:yes",), choices=YES_NO,
        completion="choices",
    ),
    Field(
        "corrected", "Corrected", "Somebody wrote a better answer.", Kind.CHOICE, ("corrected:yes",), choices=YES_NO,
        completion="choices",
    ),
    Field(
        "personal", "Personal data", "Kinds of personal data found in it and not dismissed.", Kind.RELATED,
        ("personal:*", "personal:email"), completion="related",
    ),
    Field(
        "topic", "Topic", "What it is about: a topic of the project, with all topics below it.", Kind.RELATED,
        ("topic:refunds", "-topic:*"), completion="related",
        more="Given by hand, else by a clustering, else by the first rule that matches.",
    ),
    Field(
        "format", "Format", "Format the trace came in.", Kind.TEXT, ("format:openai_chat",), "source_format",
        completion="column",
    ),
    Field("id", "Id", "Id of the trace, ours or the sender's.", Kind.TEXT, ("id:req-20311",)),
    Field(
        "archived", "Archived", "Archived traces are left out unless the filter names this.", Kind.CHOICE,
        ("archived:yes", "archived:yes,no"), choices=YES_NO, completion="choices",
    ),
    Field(
        "empty", "Empty", "Traces in which nothing was said are left out unless the filter names this.", Kind.CHOICE,
        ("empty:yes", "empty:yes,no"), choices=YES_NO, completion="choices",
    ),
    Field(
        "replay", "Replay", "Replays, made here by sending a part of another trace again, are left out unless the filter names this.",
        Kind.CHOICE, ("replay:yes", "replay:yes,no"), choices=YES_NO, completion="choices",
    ),
    Field(
        "similar", "Similar to", "Traces that say much the same as this one.", Kind.LIKE,
        ("similar:01947b1e-7c2a-7d3e-9f10-5b0c2d4e6f80",),
        more="The trace itself and the 100 nearest of those that share a rare word with it.",
    ),
    Field(
        "text", "Text", "Words without a field: in anything that was said, called or returned, and in ids and names.",
        Kind.FREE, ("refund", '"cancel my order"', "ord_81234", "refun*"),
        more="Small or large, with or without accents; quotes for words in this order, a star for words that begin so.",
    ),
)  # fmt: skip
_ALL_OF_STEPS = (
    Field("tool", "", "The tool it called.", Kind.TEXT, ("step(tool:search)",), "tool", completion="step"),
    Field(
        "kind", "", "What it is: system, user, assistant (a message), or tool (a call with its result).", Kind.CHOICE,
        ("step(kind:user)",), "kind", choices=("system", "user", "assistant", "tool"), completion="choices",
    ),
    Field("error", "", "It failed.", Kind.CHOICE, ("step(error:yes)",), choices=YES_NO, completion="choices"),
    Field("latency", "", "How long it took.", Kind.DURATION, ("step(latency>10s)",), "latency_ms"),
    Field("tokens", "", "Tokens in and out together.", Kind.COUNT, ("step(tokens>20k)",), "tokens"),
    Field("cost", "", "Cost in US dollars.", Kind.MONEY, ("step(cost>0.01)",), "cost_usd"),
    Field(
        "count", "", "How many such steps there are, instead of at least one.", Kind.COUNT,
        ("step(tool:search count>3)",),
    ),
)  # fmt: skip
STEP_FIELDS: dict[str, Field] = {field.name: field for field in _ALL_OF_STEPS}
FIELDS: dict[str, Field] = {field.name: field for field in _ALL}


def normalise(field: Field, value: str) -> str:
    """`value` as it is kept in the tree: choices in lower case, true and false as yes and no."""
    if field.kind is not Kind.CHOICE:
        return value
    lowered = value.lower()
    return _YES_NO.get(lowered, lowered) if "yes" in field.choices else lowered


def check(field: Field, op: str, value: str) -> None:
    """Raise ValueError, in words that follow the value, where `field` cannot hold `value`."""
    if field.kind is Kind.CHOICE:
        if value not in field.choices:
            raise ValueError(f"is not one of {', '.join(field.choices)}")
    elif field.kind is Kind.TIME:
        values.read_moment(value, now=_SOME_DAY)
    elif field.kind is Kind.LIKE:
        _check_id(value)
    elif field.numeric and op != IS:
        read(field, value)
    elif not value.strip():
        raise ValueError("is empty")


def _check_id(value: str) -> None:
    try:
        uuid.UUID(value)
    except ValueError:
        raise ValueError("is not the id of a trace; it stands in the address of its page") from None


def read(field: Field, value: str) -> Any:
    """The number behind `value` of a numeric field. Raises ValueError."""
    return _NUMERIC[field.kind](value)
