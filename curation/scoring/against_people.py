"""What a version of a grader said beside what people said: the pairs, read from the database, and the figures of them.

A pair is a trace with an effective judgment (adjudicated, else the majority, else the newest word) that still stands, and
the newest score of this version of what the trace says now. Unsure is no label: it is counted apart. Ratings stand beside
the grader's numbers where they are about what the trace says now as well; feedback names no revision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from curation.known_scores import KNOWN
from curation.models import GraderVersion
from curation.scoring import agreement
from curation.scoring.agreement import Agreement, Calibrated, Estimate, Matrix, Rest
from curation.scoring.counting import OWN, SAYS_NOW, says_now

DISAGREEMENTS = ("grader", "people")

# the newest score of each version on each trace, of what the trace says now (another revision with the same words counts)
_TOLD = f"""
    told AS (
        SELECT DISTINCT ON (score.trace_id, score.grader_version)
            score.id, score.trace_id, score.grader_version, score.passed, score.reason, score.number, score.category,
            CASE WHEN score.passed IS NOT NULL THEN score.passed::int::float
                 WHEN score.boolean IS NOT NULL THEN score.boolean::int::float
                 WHEN score.number IS NOT NULL AND coalesce(score.high, 1) > coalesce(score.low, 0)
                 THEN least(1, greatest(0, (score.number - coalesce(score.low, 0))
                                           / (coalesce(score.high, 1) - coalesce(score.low, 0))))
            END AS share,
            CASE WHEN trace.verdict_stale OR trace.verdict = '' THEN '' ELSE trace.verdict END AS verdict
        FROM curation_score score
        JOIN curation_trace trace ON trace.id = score.trace_id
        WHERE score.project_id = %(project)s AND score.name = ANY(%(names)s) AND score.grader_version = ANY(%(versions)s)
            AND {OWN} AND trace.erased_at IS NULL
            AND {SAYS_NOW}
        ORDER BY score.trace_id, score.grader_version, score.id DESC
    )
"""  # noqa: S608
_COUNTED = f"""
    WITH {_TOLD}
    SELECT grader_version, verdict, passed, count(*) FROM told GROUP BY 1, 2, 3
"""  # noqa: S608
_LABELLED = f"""
    WITH {_TOLD}
    SELECT verdict = 'acceptable', share FROM told
    WHERE verdict IN ('acceptable', 'unacceptable') AND share IS NOT NULL ORDER BY trace_id
"""  # noqa: S608
_REST = f"""
    WITH {_TOLD}
    SELECT count(*), avg(share), coalesce(var_samp(share), 0) FROM told
    WHERE verdict NOT IN ('acceptable', 'unacceptable') AND share IS NOT NULL
"""  # noqa: S608
_RATED = f"""
    WITH {_TOLD},
    rated AS (
        SELECT 'judgment' AS source, trace_id, avg(rating)::float AS value FROM (
            SELECT DISTINCT ON (judgment.trace_id, coalesce(judgment.user_id::text, judgment.author))
                judgment.trace_id, judgment.rating
            FROM curation_judgment judgment JOIN told ON told.trace_id = judgment.trace_id
            JOIN curation_trace trace ON trace.id = judgment.trace_id
            WHERE judgment.withdrawn_at IS NULL AND judgment.rating IS NOT NULL AND {says_now("judgment")}
            ORDER BY judgment.trace_id, coalesce(judgment.user_id::text, judgment.author), judgment.id DESC
        ) newest GROUP BY trace_id
        UNION ALL
        SELECT 'feedback', feedback.trace_id, avg(feedback.rating)::float
        FROM curation_feedback feedback JOIN told ON told.trace_id = feedback.trace_id
        WHERE feedback.rating IS NOT NULL GROUP BY feedback.trace_id
        UNION ALL
        SELECT * FROM (
            SELECT DISTINCT ON (score.trace_id, score.name) score.name, score.trace_id, score.number
            FROM curation_score score JOIN told ON told.trace_id = score.trace_id
            JOIN curation_trace trace ON trace.id = score.trace_id
            WHERE score.name = ANY(%(known)s) AND score.source IN ('human', 'imported') AND score.number IS NOT NULL
                AND (score.revision_id IS NULL OR {SAYS_NOW})
            ORDER BY score.trace_id, score.name, (score.source = 'human') DESC, score.id DESC
        ) known
    )
    SELECT rated.source, told.number, rated.value FROM rated JOIN told USING (trace_id)
    WHERE told.number IS NOT NULL ORDER BY rated.source, trace_id
"""  # noqa: S608
_APART = f"""
    WITH {_TOLD}
    SELECT trace.uid, trace.preview, trace.external_id, told.verdict, told.number, told.category, told.reason, told.trace_id
    FROM told JOIN curation_trace trace ON trace.id = told.trace_id
    WHERE told.passed = %(passed)s AND told.verdict = %(verdict)s AND (%(before)s = 0 OR told.trace_id < %(before)s)
    ORDER BY told.trace_id DESC LIMIT %(most)s
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Scale:
    """How the grader's numbers and somebody's ratings rise together: whose they are, and Spearman's correlation."""

    source: str
    label: str
    found: Estimate


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known of a version against people. `scored` traces have a score of it, `unsure` of them an unsure
    judgment, `undecided` are judged while the grader says no pass; `agreement` is None where it never says one."""

    scored: int
    unsure: int
    undecided: int
    matrix: Matrix
    agreement: Agreement | None
    tone: str
    words: str
    calibrated: Calibrated
    scales: tuple[Scale, ...]


@dataclass(frozen=True, slots=True)
class Apart:
    """A trace on which people and the grader disagree."""

    trace_uid: Any
    preview: str
    verdict: str
    value: float | str | None
    reason: str
    place: int


def label(version: GraderVersion) -> str:
    """How a version is named on its scores: slug@number."""
    return f"{version.grader.slug}@{version.number}"


def report(version: GraderVersion) -> Report:
    """Every figure of one version (its grader must be loaded), in four queries."""
    given = _given([version])
    counts = {(verdict, passed): count for _, verdict, passed, count in _rows(_COUNTED, given)}
    matrix, undecided = _matrix(counts), sum(counts.get((verdict, None), 0) for verdict in _LABELS)
    scored = sum(counts.values())
    passes = sum(count for (_, passed), count in counts.items() if passed)
    decided = scored - sum(count for (_, passed), count in counts.items() if passed is None)
    labelled = _rows(_LABELLED, given)
    ((rest, average, variance),) = _rows(_REST, given)
    found = agreement.agreement(matrix) if decided else None
    tone, words = agreement.in_words(found, matrix) if found else ("", "")
    calibrated = agreement.calibrated(
        [yes for yes, _ in labelled], [share for _, share in labelled], Rest(rest, average or 0.0, variance),
        passes=(passes, decided) if decided else None,
    )  # fmt: skip
    unsure = sum(count for (verdict, _), count in counts.items() if verdict == "unsure")
    scales = _scales(_rows(_RATED, given | {"known": [name for name, one in KNOWN.items() if one.kind == "number"]}))
    return Report(scored, unsure, undecided, matrix, found, tone, words, calibrated, scales)


def brief(versions: Sequence[GraderVersion]) -> dict[str, tuple[int, Agreement | None]]:
    """For lists: label of each version to (traces scored, agreement with people or None where none is judged). One query."""
    if not versions:
        return {}
    counts: dict[str, dict[tuple[str, bool | None], int]] = {label(version): {} for version in versions}
    for version, verdict, passed, count in _rows(_COUNTED, _given(versions)):
        counts[version][verdict, passed] = count
    matrices = {version: _matrix(found) for version, found in counts.items()}
    return {
        version: (sum(found.values()), agreement.agreement(matrices[version]) if matrices[version].n else None)
        for version, found in counts.items()
    }


def apart(version: GraderVersion, *, by: str, before: int = 0, most: int = 20) -> list[Apart]:
    """Traces on which they disagree, newest first: `by` "grader": it passed what people rejected; "people": they accepted
    what it failed. `before` is the place of the last one seen; one more than `most` says that there are more."""
    wrong = {"passed": by == "grader", "verdict": "unacceptable" if by == "grader" else "acceptable"}
    rows = _rows(_APART, _given([version]) | wrong | {"before": before, "most": most + 1})
    return [
        Apart(uid, preview or external, verdict, category or number, reason, place)
        for uid, preview, external, verdict, number, category, reason, place in rows
    ]


_LABELS = ("acceptable", "unacceptable")
_SOURCES = {"judgment": "reviewers’ ratings", "feedback": "users’ ratings"}


def _matrix(counts: dict[tuple[str, bool | None], int]) -> Matrix:
    cells = [(verdict, passed) for verdict, passed in zip(_LABELS * 2, (True, True, False, False), strict=True)]
    both_yes, only_grader, only_people, both_no = (counts.get(cell, 0) for cell in cells)
    return Matrix(both_yes, only_grader, only_people, both_no)


def _scales(rows: list[Any]) -> tuple[Scale, ...]:
    sides: dict[str, tuple[list[float], list[float]]] = {}
    for source, number, value in rows:
        ours, theirs = sides.setdefault(source, ([], []))
        ours.append(number)
        theirs.append(value)
    return tuple(
        Scale(source, _SOURCES.get(source, f"score.{source}"), agreement.spearman(ours, theirs))
        for source, (ours, theirs) in sides.items()
    )


def _given(versions: Sequence[GraderVersion]) -> dict[str, Any]:
    return {
        "project": versions[0].grader.project_id,
        "names": [version.grader.slug for version in versions],
        "versions": [label(version) for version in versions],
    }


def _rows(statement: str, given: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return list(cursor.fetchall())
