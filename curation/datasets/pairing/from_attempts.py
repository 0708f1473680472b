"""Attempts at the same task: the next message of one that passed against that of one that failed, where they part."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from curation.datasets.example import edited
from curation.datasets.pairing.found import Found, Row, Side, Skip, chunks, documents, main_of
from curation.datasets.pairing.parting import NoParting, answer, part
from curation.datasets.pairing.uses import Uses, is_masked
from curation.messages.form import Conversation, Document
from curation.scoring import counting

MOST_TRIED = 100  # combinations of one case that are compared


@dataclass(slots=True)
class Tally:
    """What was looked at."""

    cases: int = 0
    combinations: int = 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """How pairs of a case are made."""

    most: int
    tally: Tally
    uses: Uses


@dataclass(frozen=True, slots=True)
class _Way:
    shared: int
    better: Row
    worse: Row
    place: int
    main: Conversation
    other: Conversation


def pairs(rows: dict[int, Row], *, measure: str, most: int, tally: Tally, uses: Uses) -> Iterator[Found | Skip]:
    """At most `most` pairs of each case: attempts with one task id, else with one request. An attempt passed or failed as
    people judged it (changed and unsure ones count as neither), else as the score `measure` says. Of a case those that
    share most come first."""
    outcomes = _outcomes(rows, measure)
    for name, case in _cases(rows):
        tally.cases += 1
        here = tuple(row.id for row in case)
        if len(case) < 2:
            yield Skip("single_attempt", here)
            continue
        passed = [row for row in case if outcomes.get(row.id) is True]
        failed = [row for row in case if outcomes.get(row.id) is False]
        if not passed or not failed:
            yield Skip("none_failed" if passed else "none_passed", here)
            continue
        yield from _of_case(name, passed, failed, _Asked(most, tally, uses))


def _of_case(name: str, passed: list[Row], failed: list[Row], asked: _Asked) -> Iterator[Found | Skip]:
    tried = [(one, other) for one in passed for other in failed]
    if len(tried) > MOST_TRIED:
        yield Skip("not_tried", tuple(r.id for r in (*passed, *failed)), times=len(tried) - MOST_TRIED)
    ways: list[_Way] = []
    texts = documents({row.revision for pair in tried[:MOST_TRIED] for row in pair})
    held = _talks(passed + failed, texts, asked.uses)
    for one, other in tried[:MOST_TRIED]:
        asked.tally.combinations += 1
        mine, beside = held.get(one.id), held.get(other.id)
        if mine is None or beside is None:
            yield Skip("gone", (one.id, other.id))
            continue
        where = part(mine[1]["messages"], beside[1]["messages"])
        if isinstance(where, NoParting):
            yield Skip(where.code, (one.id, other.id), where.detail)
        elif is_masked(mine[1]["messages"][where.shared]):
            yield Skip("masked", (one.id, other.id), f"after {where.shared} messages")
        else:
            ways.append(_Way(where.shared, one, other, mine[0], mine[1], beside[1]))
    ways.sort(key=lambda way: -way.shared)  # stable: of equal ones in the order of the recipe
    for way in ways[asked.most :]:
        yield Skip("over_most", (way.better.id, way.worse.id))
    for way in ways[: asked.most]:
        yield Found(
            source="attempts",
            prompt=way.main["messages"][: way.shared],
            tools=way.main.get("tools") or [],
            chosen=answer(way.main["messages"][way.shared]),
            rejected=answer(way.other["messages"][way.shared]),
            side=Side(way.better.id, way.better.revision),
            other=Side(way.worse.id, way.worse.revision),
            conversation=way.place,
            detail=f"passed, where {way.worse.external_id} failed; they part after {way.shared} messages",
            together=name,
        )


def _talks(case: list[Row], texts: dict[int, Document], uses: Uses) -> dict[int, tuple[int, Conversation]]:
    """Trace -> its main conversation with the uses of its steps carried out, and its place."""
    known = {row.id: texts[row.revision] for row in case if row.revision in texts}
    edits = uses.of(known)
    found: dict[int, tuple[int, Conversation]] = {}
    for trace, document in known.items():
        if (main := main_of(document)) is not None:
            used = edits.get(trace, {}).get(main[0], {})
            found[trace] = main[0], {**main[1], "messages": edited(main[1]["messages"], used)}
    return found


def _cases(rows: dict[int, Row]) -> Iterator[tuple[str, list[Row]]]:
    """Attempts that belong together, under the name that keeps them in one split."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows.values():
        found[row.case].append(row)
    yield from found.items()


def _outcomes(rows: dict[int, Row], measure: str) -> dict[int, bool]:
    """Trace -> passed or failed; those that nobody can tell are left out."""
    found = {
        row.id: row.verdict == "acceptable"
        for row in rows.values()
        if row.verdict in ("acceptable", "unacceptable") and not row.stale
    }
    silent = [row.id for row in rows.values() if not row.verdict]
    if not measure:
        return found
    for some in chunks(silent, 2_000):
        for trace, scores in counting.of_traces(some, [measure]).items():
            said = counting.has_passed(scores[measure])
            if said is not None:
                found[trace] = said
    return found
