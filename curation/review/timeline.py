"""The timeline of a run: a row for each model turn and call, with a bar where its time lies."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.safestring import SafeString

from curation.messages.form import Document, final_answer, main_conversation
from curation.messages.measure import MeasuredStep, steps_of
from curation.models import Trace, TraceRevision
from curation.review import documents, transcript
from curation.review.blocks import Block
from curation.review.clock import Timed, clock
from curation.review.renderers import icon_of
from curation.review.scale import Scale, Stretch, Tick, gaps_in, joined
from curation.review.shown import shown
from workspace import formats
from workspace.models import Project

PAGE = 500  # rows drawn at once, unless all are asked for


@dataclass(slots=True)
class Bar:
    """A stretch of time in a row: `start` and `ms` in milliseconds (`ms` None: nobody said how long), `x` and `width` in
    percent of the axis. kind: assistant, tool, failed, user, agent."""

    kind: str
    start: float
    ms: float | None
    is_estimated: bool
    x: float = 0
    width: float = 0


@dataclass(slots=True)
class Row:
    """One line. kind: assistant, answer, tool, user, agent. `id` is that of the step in the run; `depth` is 1 for calls, one
    more inside a sub-agent."""

    kind: str
    id: str
    icon: str
    what: SafeString
    depth: int
    bars: list[Bar] = field(default_factory=list)
    ms: float | None = None
    cost: Decimal | None = None
    is_failed: bool = False
    note: str = ""
    is_current: bool = False

    @property
    def start(self) -> float | None:
        """When it began; None where no time came with it."""
        return min((bar.start for bar in self.bars), default=None)

    @property
    def is_estimated(self) -> bool:
        """Whether its start was put where the step before it ends."""
        return bool(self.bars) and self.bars[0].is_estimated


@dataclass(frozen=True, slots=True)
class Look:
    """What a reader chose: only turns, stretches without work left out, all rows at once or those from number `since`
    (counted from 1); `at` is the id of the step they come from."""

    only_turns: bool = False
    without_gaps: bool = False
    every: bool = False
    since: int = 1
    at: str = ""

    @property
    def every_step(self) -> bool:
        """Whether calls have rows of their own."""
        return not self.only_turns

    @property
    def with_gaps(self) -> bool:
        """Whether all time is on the axis."""
        return not self.without_gaps


@dataclass(slots=True)
class Timeline:
    """The page. Times in milliseconds, None where they are not known; sums and `gaps` are those of the whole run, `left_out`
    are gaps that the axis of these rows does without."""

    trace: Trace
    look: Look
    rows: list[Row]
    first: int = 1  # number of the first row in `rows`
    total: int = 0
    ticks: list[Tick] = field(default_factory=list)
    gaps: list[Stretch] = field(default_factory=list)
    left_out: list[Stretch] = field(default_factory=list)
    wall_ms: float | None = None
    model_ms: int | None = None
    tool_ms: int | None = None
    idle_ms: float | None = None
    longest: Row | None = None
    steps: int = 0
    timeless: int = 0  # steps that came without any time,
    guessed: int = 0  # without a start,
    endless: int = 0  # and without a length

    @property
    def gap_words(self) -> str:
        """What can be left out of the whole run."""
        return _in_words(self.gaps)

    @property
    def left_out_words(self) -> str:
        """What is left out of these rows."""
        return _in_words(self.left_out)

    @property
    def model_share(self) -> float | None:
        """The model's part of all the time that steps took, calls side by side each for itself."""
        spent = (self.model_ms or 0) + (self.tool_ms or 0)
        return (self.model_ms or 0) / spent if spent else None

    @property
    def last(self) -> int:
        """The number of the last row in `rows`."""
        return self.first + len(self.rows) - 1

    @property
    def before(self) -> int | None:
        """Where the rows before these begin."""
        return max(1, self.first - PAGE) if self.first > 1 else None

    @property
    def after(self) -> int | None:
        """Where the rows behind these begin."""
        return self.last + 1 if self.last < self.total else None

    @property
    def kinds(self) -> set[str]:
        """What the legend must explain."""
        bars = [bar for row in self.rows for bar in row.bars]
        marks = {"guess" for bar in bars if bar.is_estimated} | {
            "point" for bar in bars if bar.ms is None and bar.kind != "user"
        }
        return {bar.kind for bar in bars} | marks


def _in_words(gaps: list[Stretch]) -> str:
    total = formats.duration(sum(to - since for since, to in gaps))
    return f"{len(gaps):,} stretch{'' if len(gaps) == 1 else 'es'} without work, {total} in all"


def of_trace(*, project: Project, trace_uid: uuid.UUID, look: Look) -> Timeline:
    """The timeline of a trace's current revision. Raises Trace.DoesNotExist."""
    trace = Trace.objects.defer("metadata").get(project=project, uid=trace_uid)
    try:
        _, document = documents.of_revision(project=project, trace_uid=trace_uid)
    except TraceRevision.DoesNotExist:
        document = {"conversations": []}
    return read(document, trace=trace, look=look)


def read(document: Document, *, trace: Trace, look: Look) -> Timeline:
    """Lay the steps of a document out in time."""
    steps = steps_of(document)
    timed = clock(document, steps)
    rows = list(_ordered(_Rows(document, steps, timed).read()))
    if look.only_turns:
        rows = _turns(rows)
    found = Timeline(trace, look, rows, total=len(rows))
    _sum_up(found, timed)
    current = [number for number, row in enumerate(rows, start=1) if look.at and row.id == look.at]
    for number in current:
        rows[number - 1].is_current = True
    if not look.every:
        since = (current[0] - 1) // PAGE * PAGE + 1 if current else look.since
        found.first = min(max(1, since), max(1, len(rows)))
        found.rows = rows[found.first - 1 : found.first - 1 + PAGE]
    _place(found)
    return found


class _Rows:
    """Makes the rows of each conversation."""

    def __init__(self, document: Document, steps: list[MeasuredStep], timed: list[Timed]) -> None:
        self.document = document
        self.timed = timed
        main = main_conversation(document)
        self.main = next((at for at, one in enumerate(document["conversations"]) if one is main), 0)
        self.answer = final_answer(main["messages"])
        self.ids, self.agents = _ids(transcript.read(document), steps)
        self.names = _names(steps)
        self.all = [0] * len(document["conversations"])
        for step in steps:
            self.all[step.conversation] += 1

    def read(self) -> dict[int, list[Row]]:
        """Rows by conversation, the main one under -1 and first; a sub-agent's begin with one for itself."""
        found: dict[int, list[Row]] = {-1: []}
        told = [0] * len(self.all)
        for one in self.timed:
            told[one.step.conversation] += 1
        for one in self.timed:
            step = one.step
            is_main = step.conversation == self.main
            rows = found.setdefault(-1 if is_main else step.conversation, [])
            if step.kind in ("assistant", "tool") or (one.start is not None and not one.is_estimated):
                rows.append(self._row(one, 0 if is_main else 1))
        for number, conversation in enumerate(self.document["conversations"]):
            if number == self.main or not self.all[number]:
                continue
            name = conversation["name"] or f"Conversation {number + 1}"
            shared = self.all[number] - told[number]
            note = f"{shared:,} of its steps stand above" if shared else ""
            head = Row("agent", self.agents.get(number, ""), "fork", shown(name), 0, note=note)
            inside = found.get(number, [])
            _span(head, inside)
            found[number] = [head, *inside]
        return found

    def _row(self, one: Timed, depth: int) -> Row:
        step = one.step
        is_answer = step.conversation == self.main and step.call is None and step.message == self.answer
        number = self.names.get(step.position, 0)
        icon, name = {
            "assistant": ("answer", "Final answer") if is_answer else ("bot", f"Turn {number}"),
            "tool": (icon_of(step.tool), f"{number} {step.tool or 'unnamed tool'}"),
            "user": ("user", "User"),
            "system": ("gear", "System prompt"),
        }[step.kind]
        kind = "failed" if step.is_error else "user" if step.kind == "system" else step.kind
        bars = [Bar(kind, one.start, one.ms, one.is_estimated)] if one.start is not None else []
        return Row(
            "answer" if is_answer else "user" if step.kind == "system" else step.kind, self.ids.get(step.position, ""), icon,
            shown(name), depth + (step.kind == "tool"), bars, ms=one.ms, cost=step.cost_usd, is_failed=step.is_error,
        )  # fmt: skip


def _ids(run: transcript.Transcript, steps: list[MeasuredStep]) -> tuple[dict[int, str], dict[int, str]]:
    """The ids that steps have in the run, by position, and those of sub-agents' cards, by conversation. A call that is
    stacked on the same one before it has that one's."""
    blocks: dict[str, str] = {}
    cards: dict[str, str] = {}

    def walk(some: list[Block], card: str) -> None:
        for block in some:
            if block.anchor:
                blocks[block.anchor] = block.id
                cards[block.anchor] = card
            walk(block.inside, block.id if block.kind == "agent" else card)

    for part in run.parts:
        walk(part.blocks, "")
    ids: dict[int, str] = {}
    agents: dict[int, str] = {}
    before = (-1, "")
    for step in steps:
        here = blocks.get(step.key) or (before[1] if before[0] == step.conversation else "")
        before = (step.conversation, here)
        ids[step.position] = here
        if card := cards.get(step.key):
            agents.setdefault(step.conversation, card)
    return ids, agents


def _names(steps: list[MeasuredStep]) -> dict[int, int]:
    """The numbers that turns and calls have in the run: turns in their conversation, calls in all of it."""
    found: dict[int, int] = {}
    turns: dict[int, int] = {}
    calls = 0
    for step in steps:
        if step.kind == "assistant":
            found[step.position] = turns[step.conversation] = turns.get(step.conversation, 0) + 1
        elif step.kind == "tool":
            calls += 1
            found[step.position] = calls
    return found


def _span(head: Row, inside: list[Row]) -> None:
    """Give a sub-agent's row a bar from its first start to its last end, and what it cost."""
    bars = [bar for row in inside for bar in row.bars if bar.kind != "user"]  # a message takes no time
    costs = [row.cost for row in inside if row.cost is not None]
    head.cost = sum(costs, Decimal(0)) if costs else None
    head.is_failed = any(row.is_failed for row in inside)
    if bars:
        begin = min(bar.start for bar in bars)
        # where a step does not say how long it took, the whole has no known end
        head.ms = max(bar.start + bar.ms for bar in bars) if _timed(bars) else None  # type: ignore[operator]
        head.ms = None if head.ms is None else head.ms - begin
        head.bars = [Bar("agent", begin, head.ms, any(bar.is_estimated for bar in bars))]


def _timed(bars: list[Bar]) -> bool:
    return all(bar.ms is not None for bar in bars)


def _ordered(found: dict[int, list[Row]]) -> Iterator[Row]:
    """Each sub-agent behind the last row of the main conversation that began before it."""
    main = found.pop(-1)
    waiting = sorted(found.values(), key=lambda rows: (rows[0].start is None, rows[0].start or 0))
    for at, row in enumerate(main):
        start = row.start
        ends = at == len(main) - 1 and row.kind == "answer"
        while waiting and ((start is not None and (waiting[0][0].start or 0) < start) or ends):
            yield from waiting.pop(0)
        yield row
    for rows in waiting:
        yield from rows


def _turns(rows: list[Row]) -> list[Row]:
    """Calls drawn in the rows of their turns."""
    kept: list[Row] = []
    turns: dict[int, Row] = {}  # by depth
    calls: dict[int, int] = {}
    for row in rows:
        turn = turns.get(row.depth - 1) if row.kind == "tool" else None
        if turn is None:
            kept.append(row)
            turns = {**turns, row.depth: row} if row.kind == "assistant" else {0: turns[0]} if 0 in turns else {}
            continue
        count = calls[id(turn)] = calls.get(id(turn), 0) + 1
        turn.note = f"{count:,} call{'s' if count > 1 else ''}"
        turn.bars += row.bars
        turn.is_failed = turn.is_failed or row.is_failed
        turn.ms = _whole(turn.bars)
    return kept


def _whole(bars: list[Bar]) -> float | None:
    """From the first start to the last end; None where one of them is not known."""
    if not bars or not _timed(bars):
        return None
    return max(bar.start + (bar.ms or 0) for bar in bars) - min(bar.start for bar in bars)


def _sum_up(found: Timeline, timed: list[Timed]) -> None:
    """Sums over the model's turns and the calls."""
    work = [one for one in timed if one.step.kind in ("assistant", "tool")]
    found.steps = len(work)
    found.timeless = sum(one.start is None for one in work)
    found.guessed = sum(one.is_estimated for one in work)
    found.endless = sum(one.start is not None and one.ms is None for one in work)
    for kind, name in (("assistant", "model_ms"), ("tool", "tool_ms")):
        times = [one.ms for one in work if one.step.kind == kind and one.ms is not None]
        setattr(found, name, sum(times) if times else None)
    busy = joined(_stretches(found.rows))
    if busy:
        found.gaps = gaps_in(busy)
        found.wall_ms = busy[-1][1] - busy[0][0]
        if not found.timeless + found.guessed + found.endless:
            found.idle_ms = found.wall_ms - sum(to - since for since, to in busy)
    rows = [row for row in found.rows if row.kind != "agent" and row.ms is not None]
    found.longest = max(rows, key=lambda row: row.ms or 0, default=None)


def _stretches(rows: list[Row]) -> list[Stretch]:
    """What steps took, as stretches; a sub-agent's own bar spans its pauses and says nothing of work."""
    return [(bar.start, bar.start + (bar.ms or 0)) for row in rows for bar in row.bars if bar.kind != "agent"]


def _place(found: Timeline) -> None:
    """Say where each bar stands on an axis as long as the rows that are shown."""
    busy = joined(_stretches(found.rows))
    if not busy:
        return
    found.left_out = gaps_in(busy) if found.look.without_gaps else []
    scale = Scale(busy[0][0], busy[-1][1], found.left_out)
    for row in found.rows:
        for bar in row.bars:
            bar.x = scale.x(bar.start)
            bar.width = round(scale.x(bar.start + (bar.ms or 0)) - bar.x, 3)
    found.ticks = scale.ticks()
