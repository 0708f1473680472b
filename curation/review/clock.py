"""When each step of a run began and how long it took, in milliseconds since the run began.

Messages and results of tools say when they began where spans brought it. A start that is not known is put behind the
step before it and marked as estimated; calls of one turn begin side by side where their turn ends.
"""

from dataclasses import dataclass
from datetime import datetime

from curation.ingest.fields import read_time
from curation.messages.form import Conversation, Document, final_answer, main_conversation
from curation.messages.measure import MeasuredStep, told_once


@dataclass(slots=True)
class Timed:
    """A step with its time. `start` is None where nothing is known of it, `ms` where it does not say how long it took."""

    step: MeasuredStep
    start: float | None
    ms: int | None
    is_estimated: bool = False


def clock(document: Document, steps: list[MeasuredStep]) -> list[Timed]:
    """The steps with their times in reading order: the main conversation, the others in front of its final answer. A
    step that an earlier conversation told already (a sub-agent's shared history) is left out."""
    told = told_once(document, steps)
    known = _known(document, told)
    by_conversation: dict[int, list[MeasuredStep]] = {}
    for step in told:
        by_conversation.setdefault(step.conversation, []).append(step)
    main = main_conversation(document)
    number = next((at for at, one in enumerate(document["conversations"]) if one is main), -1)
    own = by_conversation.pop(number, [])
    cut = _last_answer(main, own)
    timed, end = _in_turn(own[:cut], known, 0.0)
    for inside in by_conversation.values():
        first = min((known[step.position] for step in inside if step.position in known), default=None)
        placed, over = _in_turn(inside, known, end if first is None else first)
        timed += placed
        end = over if first is None else end  # one that says its times moves nobody else
    return timed + _in_turn(own[cut:], known, end)[0]


def _known(document: Document, steps: list[MeasuredStep]) -> dict[int, float]:
    """Starts that came, by the step's position, in milliseconds since the first of them."""
    found: dict[int, datetime] = {}
    for step in steps:
        messages = document["conversations"][step.conversation]["messages"]
        place = step.message if step.call is None else step.result
        at = read_time(messages[place].get("started_at")) if place is not None else None
        if at is not None:
            found[step.position] = at
    origin = min(found.values(), default=None)
    return {position: (at - origin).total_seconds() * 1000 for position, at in found.items()} if origin else {}


def _last_answer(main: Conversation, steps: list[MeasuredStep]) -> int:
    """Where the final answer stands in the steps of the main conversation, if it ends them; else behind them all."""
    answer = final_answer(main["messages"])
    ends = steps and answer is not None and (steps[-1].message, steps[-1].call) == (answer, None)
    return len(steps) - 1 if ends else len(steps)


def _in_turn(steps: list[MeasuredStep], known: dict[int, float], begin: float) -> tuple[list[Timed], float]:
    """The steps of one conversation from `begin` on, and where they end."""
    timed = []
    here = end = begin
    for step in steps:
        if step.call is None:
            here = end
        ms = step.latency_ms if step.latency_ms is not None and step.latency_ms >= 0 else None
        start = known.get(step.position)
        if start is None and ms is None:
            timed.append(Timed(step, None, None))
            continue
        at = here if start is None else start
        over = at + (ms or 0)
        if step.call is None:
            here = end = over
        else:
            end = max(end, over)
        timed.append(Timed(step, at, ms, is_estimated=start is None))
    return timed, end
