"""How the steps of a run are used, carried into pairs: what was cut is in no prompt and no answer, and what is masked is
never the better answer. It may be the worse one: a bad step that somebody put right is the best pair there is."""

from collections.abc import Mapping
from dataclasses import dataclass

from curation.datasets.pairing.found import Row, having
from curation.messages.form import Document, Message
from curation.models import StepUse, StepVerdict
from curation.review import step_uses
from curation.review.step_uses import Edits


@dataclass(frozen=True, slots=True)
class Uses:
    """`traces` are those of a selection that may have edits at all; `bad_steps` as in the recipe."""

    bad_steps: str
    traces: frozenset[int]

    def of(self, texts: Mapping[int, Document]) -> dict[int, dict[int, Edits]]:
        """{trace: {conversation: edits}} of the documents that are taken, by trace. At most two queries, none where
        nobody said anything."""
        wanted = {trace: text for trace, text in texts.items() if trace in self.traces}
        return step_uses.edits_of(wanted, bad_steps=self.bad_steps) if wanted else {}


def uses_among(rows: dict[int, Row], bad_steps: str) -> Uses:
    """The uses of a selection: one or two queries for 10,000 traces."""
    found = set(having(rows, StepUse.objects.all(), "trace_id"))
    if bad_steps == "mask":
        found |= set(having(rows, StepVerdict.objects.filter(value="bad"), "trace_id"))
    return Uses(bad_steps, frozenset(found))


def is_cut(edits: Mapping[str, str], at: int) -> bool:
    """Whether a message, or one of its calls, is cut."""
    return any(use == "cut" and place.partition(".")[0] == str(at) for place, use in edits.items())


def is_masked(message: Message) -> bool:
    """Whether nothing of the message is learned."""
    return message.get("weight") == 0
