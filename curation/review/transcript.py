"""A trace as a reviewer reads it: blocks for the conversation, rows for the outline beside it.

A call and its result are one card, calls of one turn are bracketed, the same call with the same result again is stacked.
Reading only sorts: a block is drawn when the part it is in comes on a page, so a run of thousands of steps costs little.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from curation.messages.form import (
    Conversation,
    Document,
    Message,
    final_answer,
    main_conversation,
    text_of,
)
from curation.messages.measure import MeasuredStep, results_of, steps_of, told_once
from curation.review import chosen, renderers
from curation.review.blocks import Block, attachment, errors, result_text, thought
from curation.review.chosen import Wish
from curation.review.folds import EMPTY, WIDE, folded
from curation.review.offered import Offer, offer
from curation.review.outline import Segment, cost_strip, strip
from curation.review.parts import Part, cut, every
from curation.review.shown import markdown, one_line, shown
from workspace import formats

USER_LINES = 40
TOGETHER = 40  # calls of one turn, or steps of a sub-agent, in one block; more make further ones
LONG_ANSWER = 100_000  # characters beyond which an answer is shown plain and folded, like any other text
# what is plainly meant as Markdown: fences, headings, lists, tables, strong words; the rest reads better as it came
FORMATTED = re.compile(r"^(?:```|#{1,6} |[-*] |\d+\. |\|.*\|)|\*\*[^\s*]", re.MULTILINE)
SYSTEM_LINES = 300  # behind the fold that every system prompt begins in
ROLES = {
    "system": ("sys", "System"),
    "developer": ("sys", "Developer"),
    "user": ("user", "User"),
    "assistant": ("bot", "Assistant"),
}


@dataclass(slots=True)
class Transcript:
    """All of a trace, in parts. `opening` draws what a page shows at first, `blocks` everything."""

    parts: list[Part]
    steps: int
    tools: int
    errors: int
    total_ms: int | None
    strip: list[Segment]
    cost_strip: list[Segment]
    total_cost: Decimal | None
    answer: Block | None
    offer: Offer
    names: dict[str, str]  # step key to what the page calls the step

    @property
    def blocks(self) -> list[Block]:
        """Every block, drawn."""
        return [block for part in self.parts for block in part.draw().blocks]

    @property
    def is_long(self) -> bool:
        """Whether it comes in more than one part."""
        return len(self.parts) > 1

    def opening(self, also: int = 0) -> list[Part]:
        """Draw the first part, the last, the one with the answer and part `also`; returns all parts."""
        for part in self.parts:
            if part.number in (0, also, len(self.parts) - 1) or any(one is self.answer for one in part.blocks):
                part.draw()
        return self.parts


def read(
    document: Document, *, verdicts: Mapping[str, str] | None = None, wishes: Mapping[str, Wish] | None = None
) -> Transcript:
    """Turn a document into blocks. `verdicts`: step key to good, bad or neutral, as the reader judged them; `wishes`: tool
    to how its calls are drawn, where a project said so."""
    reader = _Reader(document, verdicts or {}, wishes or {})
    blocks = reader.read()
    for number, block in enumerate((one for one in every(blocks) if one.id != "answer"), start=1):
        block.id = f"b{number}"
    steps = reader.once
    times = [step.latency_ms for step in steps if step.latency_ms is not None]
    calls = [step for step in steps if step.kind == "tool" and step.call is not None]
    return Transcript(
        parts=cut(blocks),
        steps=len(calls) + sum(step.kind == "assistant" for step in steps),
        tools=len(calls),
        errors=sum(step.is_error for step in steps),
        total_ms=sum(times) if times else None,
        strip=strip(steps),
        cost_strip=cost_strip(steps),
        total_cost=reader.money or None,
        answer=reader.answer,
        offer=offer(document, steps),
        names=reader.names,
    )


class _Reader:
    """Walks a document once."""

    def __init__(self, document: Document, verdicts: Mapping[str, str], wishes: Mapping[str, Wish]) -> None:
        self.document = document
        self.verdicts = verdicts
        self.wishes = wishes
        self.steps = steps_of(document)
        self.by_place = {(s.conversation, s.message, s.call): s for s in self.steps}
        self.once = told_once(document, self.steps)  # what two conversations tell is counted once
        self.total = sum(step.latency_ms or 0 for step in self.once)
        self.money = sum((step.cost_usd or Decimal(0) for step in self.once), Decimal(0))
        self.calls = 0
        self.names: dict[str, str] = {}
        self.answer: Block | None = None

    def read(self) -> list[Block]:
        conversations = self.document["conversations"]
        main = main_conversation(self.document)
        blocks: list[Block] = []
        agents: list[Block] = []
        for number, conversation in enumerate(conversations):
            if conversation is main:
                blocks = _stacked(list(self._blocks(number, conversation, final_answer(conversation["messages"]))))
            else:
                agents += self._agents(number, conversation)
        # sub-agents worked before the answer was given: their cards stand in front of it where it is the end
        if agents and blocks and blocks[-1].kind == "answer":
            return [*blocks[:-1], *agents, blocks[-1]]
        return [*blocks, *agents]

    def _agents(self, number: int, conversation: Conversation) -> Iterator[Block]:
        """A sub-agent as one card, a very long one as several."""
        inside = _stacked(list(self._blocks(number, conversation, None)))
        own = [step for step in self.once if step.conversation == number]
        tokens = [step.tokens for step in own if step.tokens is not None]
        spent = [step.latency_ms for step in own if step.latency_ms is not None]
        turns = [step for step in self.steps if step.conversation == number and step.kind == "assistant"]
        told = bool(turns) and not any(step.kind == "assistant" for step in own)
        name = conversation["name"] or f"Conversation {number + 1}"
        total = sum(block.count for block in inside)
        done = 0
        for start in range(0, max(1, len(inside)), TOGETHER):
            some = inside[start : start + TOGETHER]
            steps = sum(block.count for block in some)
            note = f"{total:,} step{'s' if total != 1 else ''}"
            if len(inside) > TOGETHER:
                note = f"steps {done + 1:,} to {done + steps:,} of {total:,}"
            if told:
                note += ", told above too: here under its own system prompt"
            done += steps
            first = start == 0
            ms = sum(spent) if spent and first else None
            yield Block(
                kind="agent", id="", place=str(number), label=name, tool=shown(name), inside=some, ms=ms, heat=self._heat(ms), count=steps,
                failed=any(errors(block) for block in some), note=note,
                raw=f"{formats.short(sum(tokens))} tokens" if tokens and first else "",
            )  # fmt: skip

    def _blocks(self, number: int, conversation: Conversation, answer: int | None) -> Iterator[Block]:
        answers, orphans = results_of(conversation)
        turn = 0
        for index, message in enumerate(conversation["messages"]):
            step = self.by_place.get((number, index, None))
            if message["role"] == "tool":
                if index in orphans:
                    yield self._orphan(number, index, message, step)
                continue
            if message["role"] == "assistant":
                turn += 1
            said = self._said(number, index, message, step, turn)
            yield said if index != answer else self._as_answer(said, conversation)
            calls = [
                self._call(number, index, at, message, conversation["messages"], answers.get((index, at)))
                for at in range(len(message.get("tool_calls", [])))
            ]
            if len(calls) > 1:
                yield from self._parallel(calls)
            else:
                yield from calls

    def _said(self, number: int, index: int, message: Message, step: MeasuredStep | None, turn: int) -> Block:
        role, label = ROLES[message["role"]]
        text = text_of(message)
        reasoning = message.get("reasoning", [])
        empty = not text and not reasoning and all(part["type"] == "text" for part in message["parts"])
        ms = step.latency_ms if step else None
        note = message.get("name", "") or ""
        finish = message.get("finish_reason", "")
        if finish in ("length", "max_tokens", "content_filter"):
            stopped = "its length limit" if finish != "content_filter" else "a content filter"
            note = f"{note} stopped by {stopped}".strip()
        if step:
            self.names[step.key] = f"{label} {turn}" if role == "bot" else label
        return Block(
            kind="said", id="", key=step.key if step and role == "bot" else "",
            verdict=self.verdicts.get(step.key, "") if step else "", ms=ms, heat=self._heat(ms),
            failed=bool(message.get("is_error")), role=role, label=label, number=turn if role == "bot" else 0,
            raw=text, place=f"{number}/{index}", thinks=bool(reasoning), anchor=step.key if step else "",
            cost=step.cost_usd if step else None, cost_heat=self._cost_heat(step),
            texts=(text, *(one.get("text", "") for one in reasoning)), draw=partial(_draw_said, message=message, note=note),
            # a turn that only calls tools says nothing: its number stays in the outline, its cards speak for it
            state="silent" if empty and not message.get("is_error") else "",
        )  # fmt: skip

    def _as_answer(self, said: Block, conversation: Conversation) -> Block:
        said.kind, said.id, said.label = "answer", "answer", "Final answer"
        said.draw = partial(_draw_answer, draw_said=said.draw, conversation=conversation)
        self.answer = said
        if said.anchor:
            self.names[said.anchor] = said.label
        return said

    def _call(
        self, number: int, index: int, at: int, message: Message, messages: list[Message], result: int | None
    ) -> Block:
        call = message["tool_calls"][at]
        step = self.by_place[(number, index, at)]
        answered = messages[result] if result is not None else None
        self.calls += 1
        text = result_text(answered) if answered is not None else None
        name = call["name"] or "unnamed tool"
        self.names[step.key] = f"{self.calls} {name}"
        return Block(
            kind="call", id="", key=step.key, verdict=self.verdicts.get(step.key, ""), ms=step.latency_ms,
            cost=step.cost_usd, cost_heat=self._cost_heat(step), anchor=step.key,
            heat=self._heat(step.latency_ms), failed=step.is_error, number=self.calls, name=name, call_id=call["id"],
            place=f"{number}/{index}?call={at}", state="waiting" if answered is None else "",
            texts=(name, call["arguments"]) if text is None else (name, call["arguments"], text),
            draw=partial(
                _draw_call, tool=call["name"], arguments=call["arguments"], result=text, answered=answered,
                wish=self.wishes.get(call["name"]),
            ),
        )  # fmt: skip

    def _orphan(self, number: int, index: int, message: Message, step: MeasuredStep | None) -> Block:
        self.calls += 1
        text = result_text(message)
        name = message.get("name", "") or "result"
        if step:
            self.names[step.key] = f"{self.calls} {name}"
        return Block(
            kind="call", id="", key=step.key if step else "", anchor=step.key if step else "", ms=message.get("latency_ms"),
            verdict=self.verdicts.get(step.key, "") if step else "", heat=self._heat(message.get("latency_ms")),
            failed=bool(message.get("is_error")), number=self.calls, name=name, place=f"{number}/{index}",
            call_id=message.get("tool_call_id", ""), state="orphan", texts=(name, text),
            draw=partial(
                _draw_call, tool="", arguments="", result=text, answered=message, wish=self.wishes.get(name),
            ),
        )  # fmt: skip

    def _parallel(self, calls: list[Block]) -> Iterator[Block]:
        times = [call.ms for call in calls if call.ms is not None]
        # calls of one turn run side by side: together they took as long as the longest
        note = f"{len(calls):,} calls at once" + (
            f", {formats.duration(max(times))} together" if len(times) == len(calls) else ""
        )
        inside = _stacked(calls)
        for start in range(0, len(inside), TOGETHER):
            some = inside[start : start + TOGETHER]
            said = f"{note}: {start + 1:,} to {start + len(some):,}" if len(inside) > TOGETHER else note
            yield Block(kind="parallel", id="", inside=some, note=said, count=sum(one.count for one in some))

    def _heat(self, ms: int | None) -> str:
        """Heat by the share of the whole run's time; short steps stay cool however short the run."""
        if ms is None or ms < 200 or not self.total:
            return ""
        return _warmth(ms / self.total)

    def _cost_heat(self, step: MeasuredStep | None) -> str:
        """Heat by the share of what the whole run cost."""
        return _warmth(float(step.cost_usd / self.money)) if step and step.cost_usd and self.money else ""


def _warmth(share: float) -> str:
    return "h4" if share >= 0.2 else "h3" if share >= 0.1 else "h2" if share >= 0.05 else "h1"


def _draw_said(block: Block, *, message: Message, note: str) -> None:
    text = block.raw
    if text:
        lines = SYSTEM_LINES if block.role == "sys" else USER_LINES
        block.text = folded("plain", text, shown, lines=lines)
        if block.role == "bot" and len(text) <= WIDE and FORMATTED.search(text):
            block.rendered = markdown(text)
    block.gist = one_line(text, 160 if block.role == "sys" else 60)
    block.thoughts = [
        thought(one, f"{block.place}?thought={at}") for at, one in enumerate(message.get("reasoning", []))
    ]
    block.attachments = [attachment(part) for part in message["parts"] if part["type"] != "text"]
    block.note = shown(note)


def _draw_answer(block: Block, *, draw_said: Callable[[Block], None] | None, conversation: Conversation) -> None:
    if draw_said is not None:
        draw_said(block)
    # a very long answer is no prose: it is shown like any other long text
    block.rendered = markdown(block.raw) if len(block.raw) <= LONG_ANSWER else EMPTY
    for other in map(text_of, conversation.get("candidates", [])):
        left = len(other) - LONG_ANSWER
        told = f"\n\n*{left:,} more characters are not shown here; an export has them.*" if left > 0 else ""
        block.others.append(markdown(other[:LONG_ANSWER] + told))


def _draw_call(
    block: Block, *, tool: str, arguments: str, result: str | None, answered: Message | None, wish: Wish | None
) -> None:
    block.tool = shown(block.name)
    if wish is None:
        block.drawn = renderers.draw(tool, arguments, result, failed=block.failed)
    else:
        block.drawn = chosen.draw(tool, arguments, result, failed=block.failed, wish=wish)
    if answered is not None:
        block.attachments = [attachment(part) for part in answered["parts"] if part["type"] not in ("text", "json")]


def _stacked(blocks: list[Block]) -> list[Block]:
    """The same call with the same result right behind itself becomes one card that says how often. Silent turns between
    them do not part them."""
    out: list[Block] = []
    for block in blocks:
        if block.kind == "said" and block.state == "silent":
            out.append(block)
            continue
        last = next((one for one in reversed(out) if not (one.kind == "said" and one.state == "silent")), None)
        if (
            block.kind == "call"
            and last is not None
            and last.kind == "call"
            and block.state != "orphan"
            and (last.state, last.texts) == (block.state, block.texts)
            and not block.verdict
        ):
            last.same += 1
            last.count += 1
            last.ms = None if last.ms is None or block.ms is None else last.ms + block.ms
            while out[-1] is not last:
                last.count += out.pop().count
            continue
        out.append(block)
    return out
