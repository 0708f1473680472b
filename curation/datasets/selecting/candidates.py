"""What a selection reads of traces before their content: narrow columns, judgments, corrections and scores, as tuples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection

from curation.datasets.recipe import Recipe
from curation.datasets.splits import sample_key
from curation.models.traces import TraceQuerySet
from curation.scoring import counting
from curation.scoring.counting import Value

_JUDGMENTS = """
    SELECT id, trace_id, revision_id, coalesce(user_id::text, author), verdict, author, adjudicated
    FROM curation_judgment WHERE trace_id = ANY(%s::bigint[]) AND withdrawn_at IS NULL ORDER BY id DESC
"""
_CORRECTIONS = """
    SELECT id, trace_id, revision_id, conversation, author FROM curation_correction
    WHERE trace_id = ANY(%s::bigint[]) AND withdrawn_at IS NULL ORDER BY trace_id, id DESC
"""
_RATINGS = """
    SELECT trace_id, avg(rating)::float FROM curation_feedback
    WHERE trace_id = ANY(%s::bigint[]) AND rating IS NOT NULL GROUP BY trace_id
"""


class Word(NamedTuple):
    """A judgment that counts."""

    id: int
    trace: int
    revision: int
    person: str
    verdict: str
    author: str
    adjudicated: bool


class Edit(NamedTuple):
    """A correction, without its messages."""

    id: int
    trace: int
    revision: int
    conversation: int
    author: str


class Generated(NamedTuple):
    """The generated answer that takes the place of the stored one: its batch item, composite and grades by score."""

    item: int
    composite: float | None
    grades: Mapping[str, Value]


@dataclass(slots=True)
class Candidate:
    """The narrow columns of a trace that decide about it, and what was found of it since."""

    id: int
    external_id: str
    archived: bool
    is_replay: bool
    verdict: str
    stale: bool
    revision_id: int | None
    task_id: str
    session_id: str
    user_id: str
    fingerprint: str
    agent: str
    model: str
    environment: str
    word: Word | None = None
    correction: Edit | None = None
    composite: float | None = None
    generated: Generated | None = None


def in_order(traces: TraceQuerySet, recipe: Recipe, most: int | None) -> list[Candidate]:
    """The traces, at most `most`, in the order of the recipe ("composite" comes later: until then newest first). One
    statement."""
    up = recipe.order == "oldest"
    narrow = traces.order_by(*(("received_at", "id") if up else ("-received_at", "-id"))).values_list(
        "id", "external_id", "archived_at", "is_replay", "verdict", "verdict_stale", "revision_id", "task_id", "session_id",
        "user_id", "input_fingerprint", "agent", "model", "environment",
    )  # fmt: skip
    if recipe.order == "sample":
        ordered: Iterable[Any] = sorted(narrow, key=lambda row: sample_key(row[1], recipe.seed))
    else:
        ordered = narrow.iterator(chunk_size=5_000)
    return [Candidate(row[0], row[1], row[2] is not None, *row[3:]) for row in islice(ordered, most)]


def add_words(found: Sequence[Candidate]) -> None:
    """Give each judged trace the judgment that a row rests on: of the words that count (each person's newest on the
    standing revision, and adjudicated ones) those that say what the trace's effective judgment says; an adjudicated one
    before others, then the newest. One statement.

    Where nobody judged the newest revision and the verdict still is not stale, only times or costs came later: then
    the words about the newest revision that was judged count, as they do for the verdict.
    """
    standing = {one.id: one for one in found if one.verdict}
    said: dict[int, tuple[Any, ...]] = {}
    several: dict[int, list[tuple[Any, ...]]] = {}
    for row in _rows(_JUDGMENTS, list(standing)):
        first = said.setdefault(row[1], row)
        if first is not row:
            several.setdefault(row[1], [first]).append(row)
    for trace, row in said.items():
        one = standing[trace]
        if trace not in several:  # most
            word = Word._make(row)
            one.word = word if word.verdict == one.verdict else None
            continue
        words = [Word._make(row) for row in several[trace]]
        known = {word.revision for word in words}
        seen = one.revision_id if one.revision_id in known else max(known)
        heard: set[str] = set()
        for word in words:
            if word.revision != seen or (word.person in heard and not word.adjudicated):
                continue
            heard.add(word.person)
            if word.verdict == one.verdict and (one.word is None or (word.adjudicated and not one.word.adjudicated)):
                one.word = word


def add_corrections(found: Sequence[Candidate]) -> None:
    """Give each trace the newest correction of the revision that stands, or of the judged one, which says the same. One
    statement."""
    by_id = {one.id: one for one in found}
    for row in _rows(_CORRECTIONS, list(by_id)):
        edit = Edit(*row)
        one = by_id[edit.trace]
        judged = one.word.revision if one.word else None
        if one.correction is None and edit.revision in (one.revision_id, judged):
            one.correction = edit


def scores_of(found: Sequence[Candidate], names: Iterable[str]) -> dict[int, dict[str, Value]]:
    """Trace -> name -> the score that counts; what is missing is missing. One statement."""
    return counting.of_traces([one.id for one in found], names)


def ratings_of(found: Sequence[Candidate]) -> dict[int, float]:
    """Trace -> mean rating of its feedback, 1 to 5. One statement."""
    return dict(_rows(_RATINGS, [one.id for one in found]))


def array(ids: Iterable[int]) -> str:
    """Ids as the text of a bigint[]: of a hundred thousand that is ten times as fast as an array of parameters."""
    return "{" + ",".join(map(str, ids)) + "}"


def _rows(sql: str, ids: Sequence[int], *arguments: Any) -> Iterator[tuple[Any, ...]]:
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(sql, [array(ids), *arguments])
        while some := cursor.fetchmany(10_000):
            yield from some
