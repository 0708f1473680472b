"""The outline beside a conversation: a row for each turn, call and answer, and a strip of where the time went."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.safestring import SafeString

from curation.messages.measure import MeasuredStep
from curation.review.blocks import Block
from curation.review.shown import shown

MOST_SEGMENTS = 120


@dataclass(slots=True)
class Row:
    """One line of the outline."""

    href: str
    icon: str
    what: SafeString
    depth: int = 0
    turn: bool = False
    mono: bool = False
    failed: bool = False
    parallel: bool = False
    ms: int | None = None
    heat: str = ""
    cost: Decimal | None = None
    cost_heat: str = ""
    extra: str = ""
    key: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the strip that shows where the time went, in thousandths of the whole."""

    x: float
    width: float
    kind: str


def rows(block: Block, depth: int = 0, parallel: bool = False) -> Iterator[Row]:
    """The outline rows of one block; calls stand one level below their turn."""
    match block.kind:
        case "said" | "answer":
            yield from _said_rows(block, depth)
        case "call":
            name = SafeString(f"{block.number} {block.tool}" + (f" ×{block.same}" if block.same > 1 else ""))
            icon = block.drawn.icon if block.drawn else "gear"
            yield Row(
                f"#{block.id}", icon, name, depth + 1, mono=True, failed=block.failed, parallel=parallel, ms=block.ms,
                heat=block.heat, key=block.key, verdict=block.words, cost=block.cost, cost_heat=block.cost_heat,
            )  # fmt: skip
        case "parallel":
            for one in block.inside:
                yield from rows(one, depth, parallel=True)
        case "agent":
            yield Row(
                f"#{block.id}",
                "fork",
                shown(block.label),
                depth,
                turn=True,
                failed=block.failed,
                ms=block.ms,
                heat=block.heat,
                cost=block.cost,
                cost_heat=block.cost_heat,
                extra=block.note,
            )
            for one in block.inside:
                yield from rows(one, depth + 1)


def _said_rows(block: Block, depth: int) -> Iterator[Row]:
    if block.kind == "answer":
        yield from (Row(f"#{block.id}", "think", SafeString("Thought"), depth + 1) for one in block.thoughts[:1])
        yield Row(
            f"#{block.id}",
            "answer",
            SafeString("Final answer"),
            depth,
            turn=True,
            ms=block.ms,
            heat=block.heat,
            cost=block.cost,
            cost_heat=block.cost_heat,
            key=block.key,
            verdict=block.words,
        )
        return
    if block.role == "bot":
        # the time of a turn belongs to its thinking where it thought
        yield Row(
            f"#{block.id}",
            "bot",
            SafeString(f"Turn {block.number}"),
            depth,
            turn=True,
            failed=block.failed,
            ms=block.ms,
            heat=block.heat,
            cost=block.cost,
            cost_heat=block.cost_heat,
            key=block.key,
            verdict=block.words,
        )
        if block.thoughts:
            yield Row(f"#{block.id}", "think", SafeString("Thought"), depth + 1)
        return
    icon = "user" if block.role == "user" else "gear"
    what = (
        SafeString(f"User · {block.gist}")
        if block.role == "user" and block.gist
        else SafeString(f"{block.label} prompt" if block.role == "sys" else block.label)
    )
    yield Row(f"#{block.id}", icon, what, depth)


def cost_strip(steps: list[MeasuredStep]) -> list[Segment]:
    """Where the money went, as `strip` shows time."""
    return _segments(
        [(int(step.cost_usd * 1_000_000), "failed" if step.is_error else step.kind) for step in steps if step.cost_usd]
    )


def strip(steps: list[MeasuredStep]) -> list[Segment]:
    """Where the time went, step by step; thin neighbours of one kind are drawn as one."""
    return _segments([(step.latency_ms, "failed" if step.is_error else step.kind) for step in steps if step.latency_ms])


def _segments(timed: list[tuple[int, str]]) -> list[Segment]:
    total = sum(ms for ms, _ in timed)
    if len(timed) < 2 or not total:
        return []
    joined: list[tuple[int, str]] = []
    for ms, kind in timed:
        if joined and joined[-1][1] == kind and min(ms, joined[-1][0]) * 150 < total:
            joined[-1] = (joined[-1][0] + ms, kind)
        else:
            joined.append((ms, kind))
    if len(joined) > MOST_SEGMENTS:
        joined = _sampled(joined, total)
    segments, x = [], 0.0
    for ms, kind in joined:
        width = ms / total * 1000
        segments.append(Segment(round(x, 1), round(max(width - 1.5, 1.5), 1), kind))
        x += width
    return segments


def _sampled(pieces: list[tuple[int, str]], total: int) -> list[tuple[int, str]]:
    """The same in equal stretches of time: each takes the kind that failed in it, else the one that took longest."""
    width = total / MOST_SEGMENTS
    spent: list[dict[str, float]] = [{} for _ in range(MOST_SEGMENTS)]
    at = 0.0
    for ms, kind in pieces:
        end = at + ms
        while at < end - 1e-6:
            slot = min(MOST_SEGMENTS - 1, int(at / width))
            step = min(end, (slot + 1) * width) - at
            if step <= 0:
                break
            spent[slot][kind] = spent[slot].get(kind, 0) + step
            at += step
        at = end
    kinds = ["failed" if "failed" in one else max(one, key=lambda kind: one[kind], default="tool") for one in spent]
    out: list[tuple[int, str]] = []
    for kind in kinds:
        if out and out[-1][1] == kind:
            out[-1] = (out[-1][0] + round(width), kind)
        else:
            out.append((round(width), kind))
    return out
