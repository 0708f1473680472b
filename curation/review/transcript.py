"""A trace as a reviewer reads it: blocks for the conversation, rows for the outline beside it.

A call and its result are one card, calls of one turn are bracketed, the same call with the same result again is stacked.
Long runs come in parts; every part says how many steps it leaves out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from curation.messages.form import (
    Conversation,
    Document,
    Message,
    final_answer,
    main_conversation,
    text_of,
)
from curation.messages.measure import MeasuredStep, results_of, steps_of
from curation.review import renderers
from curation.review.blocks import Block, attachment, errors, result_text, thought
from curation.review.folds import folded
from curation.review.outline import Row, Segment, rows, strip
from curation.review.shown import markdown, one_line, shown
from workspace import formats

PART = 80  # blocks drawn at once at the beginning, and by each "show more"
TAIL = 12  # blocks always drawn at the end, the answer among them
USER_LINES = 40
SYSTEM_LINES = 300  # behind the fold that every system prompt begins in
ROLES = {
    "system": ("sys", "System"),
    "developer": ("sys", "Developer"),
    "user": ("user", "User"),
    "assistant": ("bot", "Assistant"),
}


@dataclass(slots=True)
class Slice:
    """A stretch of blocks with its outline rows."""

    blocks: list[Block]
    rows: list[Row]


@dataclass(slots=True)
class Gap:
    """Blocks that are not drawn yet: from `start` to `stop`, standing for `steps` steps, `errors` of them failed."""

    start: int
    stop: int
    steps: int
    errors: int


@dataclass(slots=True)
class Transcript:
    """All blocks of a trace; `part` cuts what is drawn."""

    blocks: list[Block]
    steps: int
    tools: int
    errors: int
    total_ms: int | None
    strip: list[Segment]
    answer: Block | None

    def opening(self, upto: int = 0) -> tuple[Slice, Gap | None, Slice]:
        """What a page shows at first: the beginning (at least up to block `upto`), the gap, the end."""
        start = max(PART, upto)
        stop = len(self.blocks) - TAIL
        if start >= stop:
            return self._slice(self.blocks), None, Slice([], [])
        return self._slice(self.blocks[:start]), self._gap(start, stop), self._slice(self.blocks[stop:])

    def more(self, start: int) -> tuple[Slice, Gap | None]:
        """The next part of the gap that begins at block `start`, and the gap that is left."""
        stop = len(self.blocks) - TAIL
        end = min(start + PART, stop)
        return self._slice(self.blocks[start:end]), self._gap(end, stop) if end < stop else None

    def _slice(self, blocks: list[Block]) -> Slice:
        return Slice(blocks, [row for block in blocks for row in rows(block)])

    def _gap(self, start: int, stop: int) -> Gap:
        hidden = self.blocks[start:stop]
        return Gap(start, stop, sum(block.count for block in hidden), sum(errors(block) for block in hidden))


def read(document: Document, *, verdicts: Mapping[str, str] | None = None) -> Transcript:
    """Turn a document into blocks. `verdicts`: step key to good, bad or neutral, as the reader judged them."""
    reader = _Reader(document, verdicts or {})
    blocks = reader.read()
    steps = reader.steps
    times = [step.latency_ms for step in steps if step.latency_ms is not None]
    calls = [step for step in steps if step.kind == "tool" and step.call is not None]
    return Transcript(
        blocks=blocks,
        steps=len(calls) + sum(step.kind == "assistant" for step in steps),
        tools=len(calls),
        errors=sum(step.is_error for step in steps),
        total_ms=sum(times) if times else None,
        strip=strip(steps),
        answer=reader.answer,
    )


class _Reader:
    """Walks a document once."""

    def __init__(self, document: Document, verdicts: Mapping[str, str]) -> None:
        self.document = document
        self.verdicts = verdicts
        self.steps = steps_of(document)
        self.by_place = {(s.conversation, s.message, s.call): s for s in self.steps}
        self.total = sum(step.latency_ms or 0 for step in self.steps)
        self.calls = 0
        self.ids = 0
        self.answer: Block | None = None

    def read(self) -> list[Block]:
        conversations = self.document["conversations"]
        main = main_conversation(self.document)
        blocks: list[Block] = []
        agents: list[Block] = []
        for number, conversation in enumerate(conversations):
            if conversation is main:
                blocks = list(self._conversation(number, conversation, answer=final_answer(conversation["messages"])))
            else:
                agents.append(self._agent(number, conversation))
        # sub-agents worked before the answer was given: their cards stand in front of it where it is the end
        if agents and blocks and blocks[-1].kind == "answer":
            return [*blocks[:-1], *agents, blocks[-1]]
        return [*blocks, *agents]

    def _agent(self, number: int, conversation: Conversation) -> Block:
        inside = _stacked(list(self._conversation(number, conversation, answer=None)))
        spent = [s.latency_ms for s in self.steps if s.conversation == number and s.latency_ms is not None]
        tokens = [s.tokens for s in self.steps if s.conversation == number and s.tokens is not None]
        steps = sum(block.count for block in inside)
        ms = sum(spent) if spent else None
        return Block(
            kind="agent", id=self._id(), label=conversation["name"] or f"Conversation {number + 1}",
            tool=shown(conversation["name"] or f"Conversation {number + 1}"), inside=inside, ms=ms,
            heat=self._heat(ms), count=steps, failed=any(errors(block) for block in inside),
            note=f"{steps:,} step{'s' if steps != 1 else ''}", raw=f"{formats.short(sum(tokens))} tokens" if tokens else "",
        )  # fmt: skip

    def _conversation(self, number: int, conversation: Conversation, *, answer: int | None) -> Iterator[Block]:
        return iter(_stacked(list(self._blocks(number, conversation, answer))))

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
            if index == answer:
                yield self._as_answer(said, message, conversation)
            elif said is not None:
                yield said
            calls = [
                self._call(number, index, at, message, conversation["messages"], answers.get((index, at)))
                for at in range(len(message.get("tool_calls", [])))
            ]
            if len(calls) > 1:
                yield self._parallel(calls)
            else:
                yield from calls

    def _said(self, number: int, index: int, message: Message, step: MeasuredStep | None, turn: int) -> Block | None:
        role, label = ROLES[message["role"]]
        text = text_of(message)
        thoughts = [thought(one) for one in message.get("reasoning", [])]
        attachments = [attachment(part) for part in message["parts"] if part["type"] != "text"]
        empty = not text and not thoughts and not attachments
        ms = step.latency_ms if step else None
        view = None
        if text:
            view = folded("plain", text, shown, lines=SYSTEM_LINES if role == "sys" else USER_LINES)
        note = message.get("name", "") or ""
        finish = message.get("finish_reason", "")
        if finish in ("length", "max_tokens", "content_filter"):
            note = (
                f"{note} stopped by {'its length limit' if finish != 'content_filter' else 'a content filter'}".strip()
            )
        return Block(
            kind="said", id=self._id(), key=step.key if step and role == "bot" else "",
            verdict=self.verdicts.get(step.key, "") if step else "", ms=ms, heat=self._heat(ms),
            failed=bool(message.get("is_error")), role=role, label=label, number=turn if role == "bot" else 0, text=view,
            gist=one_line(text, 160 if role == "sys" else 60), thoughts=thoughts,
            attachments=attachments, note=shown(note), raw=text, place=f"{number}/{index}",
            # a turn that only calls tools says nothing: its number stays in the outline, its cards speak for it
            state="silent" if empty and not message.get("is_error") else "",
        )  # fmt: skip

    def _as_answer(self, said: Block | None, message: Message, conversation: Conversation) -> Block:
        assert said is not None  # every message makes a block
        said.kind, said.id, said.label = "answer", "answer", "Final answer"
        said.rendered = markdown(said.raw)
        said.others = [markdown(text_of(one)) for one in conversation.get("candidates", [])]
        self.answer = said
        return said

    def _call(
        self, number: int, index: int, at: int, message: Message, messages: list[Message], result: int | None
    ) -> Block:
        call = message["tool_calls"][at]
        step = self.by_place[(number, index, at)]
        answered = messages[result] if result is not None else None
        self.calls += 1
        text = result_text(answered) if answered is not None else None
        attachments = (
            [attachment(part) for part in answered["parts"] if part["type"] not in ("text", "json")] if answered else []
        )
        return Block(
            kind="call", id=self._id(), key=step.key, verdict=self.verdicts.get(step.key, ""), ms=step.latency_ms,
            heat=self._heat(step.latency_ms), failed=step.is_error, number=self.calls, tool=shown(call["name"] or "unnamed tool"),
            name=call["name"] or "unnamed tool",
            drawn=renderers.draw(call["name"], call["arguments"], text, failed=step.is_error), call_id=call["id"],
            place=f"{number}/{index}?call={at}", state="waiting" if answered is None else "", attachments=attachments,
            raw=f"{call['name']}\0{call['arguments']}\0{text}",
        )  # fmt: skip

    def _orphan(self, number: int, index: int, message: Message, step: MeasuredStep | None) -> Block:
        self.calls += 1
        text = result_text(message)
        return Block(
            kind="call", id=self._id(), key=step.key if step else "", ms=message.get("latency_ms"),
            verdict=self.verdicts.get(step.key, "") if step else "", heat=self._heat(message.get("latency_ms")),
            failed=bool(message.get("is_error")), number=self.calls, tool=shown(message.get("name", "") or "result"),
            name=message.get("name", "") or "result",
            drawn=renderers.draw("", "", text, failed=bool(message.get("is_error"))), place=f"{number}/{index}",
            call_id=message.get("tool_call_id", ""), state="orphan", raw=f"\0orphan{index}",
            attachments=[attachment(part) for part in message["parts"] if part["type"] not in ("text", "json")],
        )  # fmt: skip

    def _parallel(self, calls: list[Block]) -> Block:
        times = [call.ms for call in calls if call.ms is not None]
        # calls of one turn run side by side: together they took as long as the longest
        note = f"{len(calls)} calls at once" + (
            f", {formats.duration(max(times))} together" if len(times) == len(calls) else ""
        )
        inside = _stacked(calls)
        return Block(kind="parallel", id=self._id(), inside=inside, note=note, count=len(calls))

    def _id(self) -> str:
        self.ids += 1
        return f"b{self.ids}"

    def _heat(self, ms: int | None) -> str:
        """Heat by the share of the whole run's time; short steps stay cool however short the run."""
        if ms is None or ms < 200 or not self.total:
            return ""
        share = ms / self.total
        return "h4" if share >= 0.2 else "h3" if share >= 0.1 else "h2" if share >= 0.05 else "h1"


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
            and last.raw == block.raw
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
