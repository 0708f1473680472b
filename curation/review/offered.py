"""The tools that a run could call, with how often it called each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from curation.messages.form import Document
from curation.messages.measure import MeasuredStep
from curation.review.shown import one_line, shown

MOST_UNUSED = 200
DESCRIPTION_LENGTH = 160


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool. `calls` is how often it was called, `is_offered` whether the sender had said that it is there."""

    name: SafeString
    description: SafeString
    calls: int
    is_offered: bool


@dataclass(slots=True)
class Offer:
    """What was called, most often first, and what was not, as offered. `left_out` counts unused tools beyond 200, which
    are not listed. `is_known` is False where the sender told of no tools at all."""

    used: list[Tool] = field(default_factory=list)
    unused: list[Tool] = field(default_factory=list)
    left_out: int = 0
    is_known: bool = False

    @property
    def total(self) -> int:
        """How many tools were offered or called."""
        return len(self.used) + self.waiting

    @property
    def waiting(self) -> int:
        """How many were offered and never called."""
        return len(self.unused) + self.left_out


def offer(document: Document, steps: Sequence[MeasuredStep]) -> Offer:
    """The tools of all conversations of a document by name, with the calls among `steps`; a tool that two conversations
    offer is one."""
    told = {tool["name"]: tool["description"] for talk in document["conversations"] for tool in talk["tools"]}
    calls = Counter(step.tool for step in steps if step.kind == "tool" and step.call is not None)
    used = [_tool(name, told.get(name), number) for name, number in calls.most_common()]
    idle = [name for name in told if name not in calls]
    unused = [_tool(name, told[name], 0) for name in idle[:MOST_UNUSED]]
    return Offer(used, unused, len(idle) - len(unused), bool(told))


def _tool(name: str, description: str | None, calls: int) -> Tool:
    return Tool(shown(name), one_line(description or "", DESCRIPTION_LENGTH), calls, description is not None)
