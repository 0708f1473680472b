"""The score that counts: of what the trace says now, by the version in use, a person's before any other."""

from typing import Any

import pytest
from django.utils import timezone

from curation import filters
from curation.datasets import build, tasks
from curation.datasets.pairing import from_attempts
from curation.datasets.pairing.found import Row
from curation.ingest.parsed import ParsedScore
from curation.models import Grader, GraderVersion, Score, Trace, TraceRevision
from curation.review import scores
from curation.scoring import against_people, counting, read
from tests import make
from tests.curation.datasets import rows
from tests.curation.datasets.test_selection import freeze, reasons_of, said
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


def score(trace: Trace, value: float, *, name: str = "quality", revision: Any = "now", **fields: Any) -> Score:
    return Score.objects.create(
        project=trace.project, trace=trace, revision=trace.revision if revision == "now" else revision, name=name,
        number=value, low=0, high=1, source=fields.pop("source", "code"), **fields,
    )  # fmt: skip


def version(project: Project, number: int, *, slug: str = "late", confirmed: bool = True) -> GraderVersion:
    grader, _ = Grader.objects.get_or_create(project=project, slug=slug, name=slug)
    given = {"confirmed_at": timezone.now(), "confirmed_by": "rita"} if confirmed else {}
    return GraderVersion.objects.create(
        grader=grader, number=number, definition={}, digest=str(number), author="x", **given
    )


def by(one: GraderVersion, trace: Trace, value: float) -> Score:
    external = f"grader:{one.uid}:{trace.revision_id}"
    return score(trace, value, name=one.grader.slug, grader_version=str(one), external_id=external, source="judge")


def value(trace: Trace, name: str = "quality") -> float | None:
    return counting.raw(counting.of_traces([trace.pk], [name]).get(trace.pk, {}).get(name))


def test_a_score_of_an_earlier_revision_passes_no_gate(project: Project, rita: User) -> None:
    trace = rows.trace(project, said(1), judged="acceptable", by=rita, external_id="t")
    given = {"gates": [{"score": "quality", "operator": "gte", "threshold": 0.5}], "test": 0, "validation": 0}
    score(trace, 0.9)
    other = rows.trace(project, said(2), judged="acceptable", by=rita, external_id="other")
    score(other, 0.9)
    rows.revise(trace, said(3))
    rows.judge(trace, rita)
    made = freeze(project, **given)
    assert reasons_of(made) == {"t": "gate", "other": "accepted"}
    assert made.decisions.get(trace=trace).facts["value"] is None, "not measured"
    score(trace, 0.8)
    assert reasons_of(freeze(project, **given)) == {"t": "accepted", "other": "accepted"}


def test_the_same_words_in_another_revision_and_scores_of_no_revision_count(project: Project) -> None:
    trace = rows.trace(project, said(1))
    score(trace, 0.9)
    TraceRevision.objects.filter(trace=trace).update(said_digest="same")
    rows.revise(trace, said(9))
    assert value(trace) is None, "nobody knows whether it says the same"
    TraceRevision.objects.filter(trace=trace).update(said_digest="same")
    assert value(trace) == 0.9
    rows.revise(trace, said(2))
    score(trace, 0.4, revision=None)
    assert value(trace) == 0.4


def test_of_a_grader_the_version_in_use_counts_and_a_person_before_it(project: Project, rita: User) -> None:
    trace = rows.trace(project, said(1), judged="acceptable", by=rita, external_id="t")
    first, second = version(project, 1), version(project, 2)
    by(first, trace, 0.9)
    gate = {"gates": [{"score": "late", "threshold": 0.5}], "test": 0, "validation": 0}
    assert value(trace, "late") is None
    by(second, trace, 0.6)
    version(project, 3, confirmed=False)
    assert value(trace, "late") == 0.6, "what nobody confirmed is not in use"
    assert reasons_of(freeze(project, **gate))["t"] == "accepted"
    version(project, 4)
    assert value(trace, "late") is None
    score(trace, 0.2, name="late", source="human")
    assert value(trace, "late") == 0.2
    by(version(project, 5), trace, 0.7)
    assert value(trace, "late") == 0.2, "a person's word comes first"


@pytest.mark.parametrize("source", ["imported", "judge", "code", "worker"])
def test_what_programs_send_under_the_name_of_a_grader_decides_nothing(
    project: Project, rita: User, source: str
) -> None:
    one = version(project, 1)
    trace = rows.trace(project, said(1), judged="acceptable", by=rita, external_id="t")
    gate = {"gates": [{"score": "late", "threshold": 0.5}], "test": 0, "validation": 0}
    sent = {"name": "late", "source": source, "grader_version": str(one), "author": "token ci"}
    score(trace, 0.9, external_id="e1", **sent)
    assert value(trace, "late") is None, "the grader has not scored it"
    by(one, trace, 0.1)
    score(trace, 0.9, external_id="e2", **sent)
    assert value(trace, "late") == 0.1
    assert scores.effective([trace])[trace.pk]["late"].number == 0.1, "what is shown first is the grader's own"
    assert not filters.apply(Trace.objects.all(), filters.parse("score.late>0.5")).exists()
    with pytest.raises(build.NothingToFreeze):
        freeze(project, **gate)
    found = against_people.report(one)
    assert (found.scored, found.matrix.only_people + found.undecided) == (1, 1)
    assert read.spread(one).count == 1


def test_the_name_of_another_projects_grader_is_free_and_so_is_an_id_that_looks_like_a_graders(
    project: Project, charlie: User
) -> None:
    version(Project.objects.get(slug="other"), 1)
    trace = rows.trace(project, said(1))
    score(trace, 0.9, name="late", source="imported", external_id="grader:of-the-sender")
    assert value(trace, "late") == 0.9


def test_imported_under_the_name_of_a_grader_is_noted(project: Project) -> None:
    version(project, 1)
    sent = [ParsedScore(name="late", number=1, external_id="1"), ParsedScore(name="tone", number=1, external_id="2")]
    trace = make.trace(project, scores=sent)
    assert trace.revision is not None
    (note,) = trace.revision.import_notes
    assert note.startswith("score late ") and "a grader of this project has that name" in note
    assert (value(trace, "late"), value(trace, "tone")) == (None, 1)


def test_tasks_and_attempts_go_by_the_same_score(project: Project) -> None:
    trace = rows.trace(project, said(1))
    score(trace, 0.9, name="reward", passed=True)
    row = Row(trace.pk, "t", trace.revision_id or 0, "", False, "case", "")
    assert from_attempts._outcomes({trace.pk: row}, "reward") == {trace.pk: True}
    assert tasks.known(tasks.find("trajectories"), [trace.pk])[trace.pk].scores["reward"].number == 0.9
    rows.revise(trace, said(2))
    assert from_attempts._outcomes({trace.pk: row}, "reward") == {}
    assert tasks.known(tasks.find("trajectories"), [trace.pk])[trace.pk].scores == {}


def test_many_traces_are_one_statement(project: Project, django_assert_num_queries: Any) -> None:
    traces = [rows.trace(project, said(number)) for number in range(3)]
    for one in traces:
        score(one, 0.5)
        rows.revise(one, said(one.pk + 100))
    with django_assert_num_queries(1):
        assert counting.of_traces([one.pk for one in traces], ["quality", "other"]) == {}


def test_a_value_sent_again_for_a_changed_trace_is_about_what_it_says_now(project: Project, rita: User) -> None:
    actor = Actor(user=rita)
    trace = rows.trace(project, said(1))
    for sent in ("", "e1"):
        given = scores.check(scores.Value(name=f"n{sent}", number=0.5, external_id=sent), actor=actor)
        assert scores.add(trace=trace, actor=actor, value=given)[1] == "created"
        assert scores.add(trace=trace, actor=actor, value=given)[1] == "unchanged"
        rows.revise(trace, said(2 + len(sent)))
        assert value(trace, f"n{sent}") is None
        assert scores.add(trace=trace, actor=actor, value=given)[1] == ("changed" if sent else "created")
        assert value(trace, f"n{sent}") == 0.5


def test_the_last_word_counts_whatever_id_it_was_sent_under(project: Project, rita: User) -> None:
    actor = Actor()
    trace = rows.trace(project, said(1), judged="acceptable", by=rita, external_id="t")

    def say(number: float, external_id: str) -> None:
        given = scores.Value(name="q", number=number, low=0, high=1, external_id=external_id)
        scores.add(trace=trace, actor=actor, value=scores.check(given, actor=actor))

    say(0.9, "a")
    say(0.8, "b")
    say(0.9, "a")
    assert value(trace, "q") == 0.8, "the same again is no new word"
    before = trace.scores.get(external_id="a").created_at
    say(0.1, "a")
    assert value(trace, "q") == 0.1 and trace.scores.count() == 2
    assert trace.scores.get(external_id="a").created_at > before
    assert not filters.apply(Trace.objects.all(), filters.parse("score.q>0.5")).exists()
    with pytest.raises(build.NothingToFreeze):
        freeze(project, gates=[{"score": "q", "threshold": 0.5}], test=0, validation=0)


def test_the_last_word_of_several_imports_counts(project: Project) -> None:
    def come(number: float, external_id: str, answer: str = "One.") -> Trace:
        sent = ParsedScore(name="q", number=number, external_id=external_id)
        return make.trace(project, external_id="t", said=make.short_document(answer=answer), scores=[sent])

    come(0.9, "a")
    come(0.8, "b")
    assert value(come(0.1, "a"), "q") == 0.1
    assert value(come(0.8, "b"), "q") == 0.1, "the same again is no new word"
    come(0.8, "b", "Two.")
    trace = come(0.1, "a", "Two.")
    assert value(trace, "q") == 0.1
    come(0.1, "a", "Three.")
    assert value(come(0.8, "b", "Three."), "q") == 0.1, "nor is the same with another revision"


def test_a_value_imported_again_with_a_changed_trace_counts(project: Project) -> None:
    for answer in ("One.", "Two."):
        reward = ParsedScore(name="reward", number=0.5, external_id="1")
        trace = make.trace(project, external_id="t", said=make.short_document(answer=answer), scores=[reward])
        assert value(trace, "reward") == 0.5
    assert trace.revisions.count() == 2 and trace.scores.count() == 1
