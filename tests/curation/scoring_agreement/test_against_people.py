"""What counts as a pair of a score and a judgment, and what lists and charts count."""

from typing import Any

import pytest

from curation.models import Batch, BatchItem, Feedback, Grader, GraderVersion, Score, Trace
from curation.scoring import against_people, read
from curation.scoring.graders import definitions
from tests import make
from workspace.models import Project, User

DEFINITION = {"type": "exact_match", "name": "polite"}


def a_version(project: Project, slug: str = "polite", *, confirmed: bool = True, **fields: Any) -> GraderVersion:
    definition = fields.pop("definition", DEFINITION)
    fields.setdefault("digest", definitions.digest(definition))
    grader, _ = Grader.objects.get_or_create(project=project, slug=slug, defaults={"name": slug.title()})
    return GraderVersion.objects.create(
        grader=grader, number=grader.versions.count() + 1, definition=definition, goal={"tone": "Friendly."}, author="Alice", **fields,
        **({"confirmed_by": "Alice", "confirmed_at": "2026-01-01T00:00Z"} if confirmed else {}),
    )  # fmt: skip


def a_score(
    trace: Trace, version: GraderVersion, passed: bool | None, number: float | None = None, **fields: Any
) -> Score:
    revision = fields.pop("revision", trace.revision)
    value = fields or {"number": float(bool(passed)) if number is None else number, "low": 0.0, "high": 1.0}
    return Score.objects.create(
        project=trace.project, trace=trace, revision=revision, name=version.grader.slug, passed=passed, source="judge",
        author=f"{version.grader.slug}@{version.number}", grader_version=f"{version.grader.slug}@{version.number}",
        external_id=f"grader:{version.uid}:{revision.pk}", reason="Because.", **value,
    )  # fmt: skip


def test_pairs_are_of_what_stands(project: Project, rita: User) -> None:
    version, other = a_version(project), a_version(project)
    said = {
        "acceptable": (True, True, False),
        "unacceptable": (True, False, False),
        "unsure": (True,),
        "": (False, True),
    }
    for verdict, passes in said.items():
        for passed in passes:
            trace = make.trace(project)
            a_score(trace, version, passed)
            if verdict:
                make.judgment(trace, rita, verdict=verdict)
    trace = make.trace(project)  # of another version: nobody's pair here
    a_score(trace, other, False)
    make.judgment(trace, rita, verdict="acceptable")
    stale = make.trace(project)  # judged, then changed: the score is new, the word is old
    make.judgment(stale, rita, verdict="acceptable")
    changed = make.trace(project, external_id=stale.external_id, said=make.short_document(answer="Something else."))
    assert changed.verdict_stale
    a_score(changed, version, True)
    old = make.trace(project)  # scored, then changed, then judged: the score is old
    before = old.revision
    fresh = make.trace(project, external_id=old.external_id, said=make.short_document(answer="All new."))
    a_score(fresh, version, True, revision=before)
    make.judgment(fresh, rita, verdict="unacceptable")
    none = make.trace(project)  # the grader says no pass
    a_score(none, version, None, 0.4)
    make.judgment(none, rita, verdict="acceptable")

    found = against_people.report(version)
    matrix = found.matrix
    assert (matrix.both_yes, matrix.only_grader, matrix.only_people, matrix.both_no) == (2, 1, 1, 2)
    assert (found.scored, found.unsure, found.undecided) == (11, 1, 1)
    assert found.agreement is not None and found.agreement.raw.n == 6
    assert found.agreement.raw.value == pytest.approx(4 / 6)
    assert found.calibrated.rate.n == 7 and found.calibrated.people.value == pytest.approx(4 / 7)
    assert found.calibrated.naive is not None and found.calibrated.naive.n == 10
    assert found.tone == "" and "6 of 50" in found.words
    (wrong,) = against_people.apart(version, by="grader")
    assert wrong.verdict == "unacceptable" and wrong.reason == "Because."
    assert [one.verdict for one in against_people.apart(version, by="people")] == ["acceptable"]
    assert against_people.apart(version, by="people", before=1) == []


def test_numbers_beside_ratings(project: Project, rita: User) -> None:
    version = a_version(project)
    for number in range(6):
        trace = make.trace(project)
        a_score(trace, version, None, number / 5)
        make.judgment(trace, rita, verdict="acceptable", rating=max(1, number))
        Feedback.objects.create(project=project, trace=trace, author="user", rating=5 - max(0, number - 1))
        Score.objects.create(project=project, trace=trace, name="response_quality", number=number / 2, source="human")
        Score.objects.create(project=project, trace=trace, name="user_satisfaction", number=1, source="code")
    found = against_people.report(version)
    assert found.agreement is None and found.calibrated.naive is None
    scales = {scale.source: scale.found for scale in found.scales}
    assert set(scales) == {"judgment", "feedback", "response_quality"}
    assert scales["response_quality"].value == 1 and scales["response_quality"].n == 6
    assert scales["feedback"].value is not None and scales["feedback"].value < -0.9


def test_ratings_of_what_a_trace_said_before_are_no_pairs(project: Project, rita: User) -> None:
    version = a_version(project)
    for number in range(6):
        trace = make.trace(project)
        make.judgment(trace, rita, rating=1 + number % 5)
        for name, revision in (("response_quality", trace.revision), ("user_satisfaction", None)):
            Score.objects.create(
                project=project, trace=trace, revision=revision, name=name, number=number / 2, source="human"
            )
        a_score(trace, version, None, number / 5)
        changed = make.trace(project, external_id=trace.external_id, said=make.short_document(answer=f"New {number}."))
        a_score(changed, version, None, number / 5)
    scales = {scale.source: scale.found for scale in against_people.report(version).scales}
    assert set(scales) == {"user_satisfaction"}, "what names no revision may be about this one"
    make.judgment(changed, rita, rating=3)
    assert {scale.source: scale.found.n for scale in against_people.report(version).scales}["judgment"] == 1


def test_nothing_scored(project: Project) -> None:
    found = against_people.report(a_version(project))
    assert (found.scored, found.agreement, found.calibrated.rate.value, found.scales) == (0, None, None, ())
    assert read.spread(a_version(project)).bins == ()


def test_the_list_and_the_bars(project: Project, rita: User) -> None:
    version = a_version(project)
    a_version(project, confirmed=False)
    draft = a_version(project, "draft", confirmed=False)
    for number in (0.0, 0.04, 0.5, 1.0, 1.0):
        trace = make.trace(project)
        a_score(trace, version, number > 0.4, number)
        make.judgment(trace, rita)
    _, listed = read.graders(project)
    assert [(one.grader.slug, one.newest.number, one.used and one.used.number, one.scored) for one in listed] == [
        ("draft", 1, None, 0), ("polite", 2, 1, 5),
    ]  # fmt: skip
    assert listed[1].agreement is not None and listed[1].agreement.raw.value == pytest.approx(0.6)
    bars = read.spread(version)
    assert [one.count for one in bars.bins] == [2] + [0] * 9 + [1] + [0] * 8 + [2]
    assert (bars.count, bars.passed, bars.decided, bars.is_number) == (5, 3, 5, True)
    assert bars.mean == pytest.approx(0.508) and bars.bins[-1].height == 100
    for label in ("good", "good", "bad"):
        a_score(make.trace(project), draft, label == "good", category=label)
    assert [(one.label, one.count) for one in read.spread(draft).bins] == [("good", 2), ("bad", 1)]


def test_how_far_a_batch_is(project: Project) -> None:
    version = a_version(project)
    batch = Batch.objects.create(
        project=project, kind="grade", grader_version=version, status="running", total=5, reused=3, author="Alice"
    )
    for status, cost in (("done", "0.01"), ("done", None), ("failed", "0.02"), ("unknown", None), ("waiting", None)):
        trace = make.trace(project)
        BatchItem.objects.create(
            batch=batch, trace=trace, revision=trace.revision, status=status, cost_usd=cost,
            asked_at=None if status == "waiting" else "2026-01-01T00:00Z",
        )  # fmt: skip
    found = read.progress(batch)
    assert (found.settled, found.total, found.share, found.unpriced) == (4, 5, 80.0, 0), "it asks nobody"
    assert found.counts["done"] == 2 and found.counts["reused"] == 3 and f"{found.cost_usd:.2f}" == "0.03"
    trace = batch.items.get(status="failed").trace
    a_score(trace, version, True, 0.9)
    page = read.items(batch, status="failed")
    assert [(one.score_number, one.score_passed) for one in page.rows] == [(0.9, True)]  # type: ignore[attr-defined]
    assert len(read.batches(project, found=version.grader).rows) == 1
