"""One grader on one trace: what every use of graders on traces calls."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from curation.messages.form import Conversation, Document, Message, main_conversation
from curation.models import Correction, GraderVersion, Trace
from curation.scoring import asking
from curation.scoring.graders import trace_inputs
from curation.scoring.graders.grades import Grade
from curation.scoring.graders.grading import grade
from workspace.connections.client import ConnectionFailed

Number = TypeVar("Number", int, Decimal)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A grade and what it took. `prompt` and `answer` are what was sent to a model and what came (lists where several
    were asked), None where none was. Costs and tokens are None where unknown; `known_usd` is what is known of the cost all the
    same. `failure`: the connection gave no answer, so there is no grade, and `grade.error` says why."""

    grade: Grade
    prompt: Any = None
    answer: Any = None
    cost_usd: Decimal | None = None
    known_usd: Decimal = Decimal(0)
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: int = 0
    failure: ConnectionFailed | None = None


def facts_of(trace: Trace, references: Mapping[int, Message] | None = None) -> dict[str, Any]:
    """What graders may know of a trace besides its words; None stands for what was not reported. `references` are those
    of `references_of`, where somebody asks for many traces."""
    known = references_of([trace]) if references is None else references
    return {
        "latency_ms": trace.latency_ms, "cost_usd": trace.cost_usd, "steps": trace.steps, "errors": trace.errors,
        "input_tokens": trace.input_tokens, "output_tokens": trace.output_tokens, "metadata": trace.metadata,
        "reference": known.get(trace.pk),
    }  # fmt: skip


def references_of(traces: Sequence[Trace]) -> dict[int, Message]:
    """The answer that should have been given, by trace: that of the newest correction of its newest revision. One query."""
    newest = {one.pk: one.revision_id for one in traces}
    rows = Correction.objects.filter(trace__in=newest, withdrawn_at=None).order_by("id")
    found: dict[int, Message] = {}
    for trace, revision, messages in rows.values_list("trace_id", "revision_id", "messages"):
        answers = [one for one in messages if one["role"] == "assistant"]
        if revision == newest[trace] and answers:
            found[trace] = answers[-1]
    return found


def grade_trace(
    *, version: GraderVersion, trace: Trace, document: Document, ask: asking.Ask | None,
    references: Mapping[int, Message] | None = None,
) -> Outcome:  # fmt: skip
    """Grade the main conversation of `document`; calls of its sub-agents are calls of the run. `ask` answers requests to
    a model: an `asking.Asker`, None where the definition needs none. A grade that could not be made has value None and an
    error, never 0."""
    facts = facts_of(trace, references) | {"tool_calls": trace_inputs.calls_of_run(document)}
    return grade_conversation(
        definition=version.definition, conversation=main_conversation(document), facts=facts, ask=ask
    )


def grade_conversation(
    *, definition: dict[str, Any], conversation: Conversation, facts: dict[str, Any], ask: asking.Ask | None
) -> Outcome:
    """The same for a conversation that is no trace (a candidate)."""
    begun = time.monotonic()
    try:
        sample, item = trace_inputs.inputs_of(conversation, facts)
    except Exception as error:  # what a stranger sent must not end the batch
        return Outcome(Grade(None, None, error=f"The trace cannot be read: {type(error).__name__}: {str(error)[:200]}"))
    try:
        made = grade(definition, sample, item, ask=ask)
    except ConnectionFailed as error:
        made = Grade(None, None, error=str(error))
    elapsed = round((time.monotonic() - begun) * 1000)
    if not isinstance(ask, asking.Asker):
        return Outcome(made, latency_ms=elapsed)
    took = paid(ask)
    took["latency_ms"] = took["latency_ms"] or elapsed
    return Outcome(made, ask.prompts, ask.answers, **took, known_usd=known_usd(ask), failure=ask.failure)


def paid(ask: asking.Asker) -> dict[str, Any]:
    """What its questions took so far: cost, tokens (None where one is unknown) and time; nothing for what was known."""
    said = ask.said
    return {
        "cost_usd": total([one.cost_usd for one in said]), "input_tokens": total([one.input_tokens for one in said]),
        "output_tokens": total([one.output_tokens for one in said]), "latency_ms": sum(one.latency_ms for one in said),
    }  # fmt: skip


def known_usd(ask: asking.Asker) -> Decimal:
    """What its questions cost so far at least: those of unknown cost are left out, and take nothing off the others."""
    return sum((one.cost_usd for one in ask.said if one.cost_usd is not None), Decimal(0))


def total(values: list[Number | None]) -> Number | None:
    """The sum; None where there are none or one of them is unknown."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known and len(known) == len(values) else None
