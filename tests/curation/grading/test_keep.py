"""Graders as rows: versions never change, and nothing uses one that nobody confirmed."""

import pytest

from curation.datasets import build, recipe
from curation.forget.person import Subject, forget
from curation.messages.form import message
from curation.models import DatasetRow, Grader, Score
from curation.scoring import arrivals, batches, generation, keep, run, trial
from curation.scoring.graders import BadDefinition, definitions
from curation.scoring.refused import NotConfirmed, Refused
from tests import make
from tests.curation.grading import graders
from tests.curation.grading.graders import GOAL, JUDGE, LATE
from workspace.access import SYSTEM, Actor
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db


def test_a_version_is_made_changed_and_confirmed_with_who_and_when(project: Project, alice: User) -> None:
    actor = Actor(user=alice)
    first = keep.create(project=project, name="Late  orders", definition=LATE, goal=GOAL, actor=actor)
    assert (first.grader.slug, first.grader.name, str(first)) == ("late_orders", "Late orders", "late_orders@1")
    assert keep.current(first.grader) is None and first.author == "Alice Engineer" and first.goal == GOAL
    same = keep.change(grader=first.grader, definition=dict(LATE), goal=GOAL, actor=actor)
    assert same.pk == first.pk, "nothing differs, so there is no new version"
    keep.confirm(version=first, actor=actor, tried={"n": 5, "mean": 0.6})
    assert first.confirmed_by == "Alice Engineer" and first.confirmed_at and first.tried["mean"] == 0.6
    second = keep.change(grader=first.grader, definition={**LATE, "operation": "ilike"}, goal=GOAL, actor=actor)
    assert second.number == 2 and keep.current(first.grader) == first, "a newer one is not used before it is confirmed"
    first.refresh_from_db()
    assert first.definition == LATE and first.digest != second.digest
    keep.confirm(version=second, actor=actor, tried={})
    keep.confirm(version=second, actor=SYSTEM, tried={})
    assert second.confirmed_by == "Alice Engineer", "the first word stands"
    assert keep.current(first.grader) == second
    told = AuditEntry.objects.filter(project=project, user=alice).values_list("action", flat=True).order_by("id")
    assert list(told) == ["grader.created", "grader.confirmed", "grader.changed", "grader.confirmed"]


def test_nothing_uses_what_nobody_confirmed(project: Project) -> None:
    make.trace(project)
    version = graders.code(project, confirmed=False)
    line = graders.connect(project)
    with pytest.raises(NotConfirmed, match="was not confirmed"):
        batches.price(project=project, version=version, query="")
    with pytest.raises(NotConfirmed):
        batches.start(project=project, version=version, query="", actor=SYSTEM, confirmed="", key="k")
    with pytest.raises(NotConfirmed):
        arrivals.follow(grader=version.grader, scores_new=True, query="", rate=1.0, actor=SYSTEM)
    with pytest.raises(NotConfirmed):
        generation.check(project=project, connection=line, graders=[version])
    with pytest.raises(NotConfirmed):
        keep.named(project=project, label="late")
    gated = recipe.parse({"gates": [{"score": "late", "operator": "gte", "threshold": 0.5}]})
    with pytest.raises(recipe.RecipeError, match="nobody has confirmed the grader 'late'"):
        build.check(project, gated)
    Grader.objects.update(scores_new=True)
    assert arrivals.sweep() == [] and not Score.objects.exists()
    # trying it is what comes before, and keeps no score
    tried = graders.worked(version)
    assert tried.mean == 1.0 and not Score.objects.exists()


def test_what_cannot_be_a_grader_is_refused_with_the_field(project: Project, charlie: User) -> None:
    line = graders.connect(project)
    theirs = graders.connect(Project.objects.get(slug="other"))
    Score.objects.create(
        project=project, trace=make.trace(project), name="tone", number=1, source="imported"
    )  # fmt: skip
    graders.code(project)

    def refused(**given: object) -> str:
        values = {"name": "Newer", "definition": LATE, "goal": GOAL, "actor": SYSTEM, **given}
        with pytest.raises(Refused) as caught:
            keep.create(project=project, **values)  # type: ignore[arg-type]
        return f"{caught.value.field}: {caught.value.reason}"

    assert refused(name=" ").startswith("name:")
    assert "rules to follow" in refused(goal={}) and "Unknown: beauty" in refused(goal={"beauty": "x"})
    assert "gives scores named late" in refused(slug="late")
    assert "came from elsewhere" in refused(slug="tone")
    assert "meaning of its own" in refused(name="Response quality")
    assert refused(slug="Tone!").startswith("slug:")
    assert "choose the connection" in refused(definition=JUDGE)
    assert "of this project" in refused(definition=JUDGE, connection=theirs)
    assert "takes no connection" in refused(connection=line)
    with pytest.raises(BadDefinition, match="operation"):
        keep.create(project=project, name="N", definition={**LATE, "operation": "x"}, goal=GOAL, actor=SYSTEM)
    assert Grader.objects.count() == 1


def test_the_difference_of_two_versions_in_lines(project: Project) -> None:
    line = graders.connect(project)
    long = "Grade the answer.\nBe strict about dates that nobody gave, and about names of other customers.\n{{ sample.output_text }}"
    first = graders.judge(line, {**JUDGE, "input": [{"role": "user", "content": long}]})
    changed = {**JUDGE, "range": [0, 5], "input": [{"role": "user", "content": long.replace("strict", "kind")}]}
    del changed["pass_threshold"]
    second = keep.change(
        grader=first.grader, definition=changed, goal={"tone": "Friendly."}, connection=line, actor=SYSTEM
    )
    assert keep.changes(first, second) == [
        "range[1]: 1 → 5",
        "pass_threshold: 0.7 was taken out",
        "input[0].content: − Be strict about dates that nobody gave, and about names of other customers.",
        "input[0].content: + Be kind about dates that nobody gave, and about names of other customers.",
        "goal.accuracy: It says where the order is. was taken out",
        "goal.rules: Never invent a date. was taken out",
        "goal.tone: Friendly. was added",
    ]
    assert keep.changes(second, second) == []


def test_an_archived_grader_scores_nothing_and_keeps_its_name(project: Project) -> None:
    version = graders.code(project)
    keep.archive(grader=version.grader, actor=SYSTEM)
    with pytest.raises(Refused, match="archived"):
        keep.usable(version)
    with pytest.raises(Refused, match="archived"):
        keep.change(grader=version.grader, definition=LATE, goal=GOAL, actor=SYSTEM)
    with pytest.raises(Refused, match="gives scores named late"):
        graders.code(project)
    assert keep.scorers(project)["late"] == "grader “Late”, archived"
    keep.restore(grader=version.grader, actor=SYSTEM)
    assert keep.named(project=project, label="late") == version == keep.named(project=project, label="late@1")
    with pytest.raises(Refused, match="no version 9"):
        keep.named(project=project, label="late@9")


def test_every_score_name_that_is_known(project: Project) -> None:
    graders.code(project, confirmed=False)
    for name in ("tone", "loss", "tone"):
        Score.objects.create(project=project, trace=make.trace(project), name=name, number=1, source="imported")
    assert keep.scorers(project) == {
        "late": "grader “Late”, not confirmed", "loss": "scores that were sent", "tone": "scores that were sent"
    }  # fmt: skip
    assert list(keep.with_scores(keep.scorers(project))) == ["loss", "tone"], "a draft never scored"
    wrong = recipe.parse({"gates": [{"score": "none", "operator": "gte", "threshold": 0.5}]})
    with pytest.raises(recipe.RecipeError, match=r"there are loss, tone$"):
        build.check(project, wrong)
    for number in range(10):
        Score.objects.create(project=project, trace=make.trace(project), name=f"s{number}", number=1, source="imported")
    with pytest.raises(recipe.RecipeError, match=r"there are loss, s0, .*, s6, and 4 more$"):
        build.check(project, wrong)


def test_a_trial_is_drawn_by_its_seed_and_says_how_sure_it_is(project: Project) -> None:
    for number in range(12):
        make.trace(project, said=make.short_document(answer="This morning." if number % 3 else "No idea."))
    version = graders.code(project, confirmed=False)
    first = trial.pick(project=project, query="", seed=7)
    assert len(first) == 5 and first == trial.pick(project=project, query="", seed=7)
    assert {one.pk for one in first} != {one.pk for one in trial.pick(project=project, query="", seed=8)}
    told = graders.worked(version, seed=7)
    scores = [one.score for one in told.items if one.score is not None]
    assert [one.trace for one in told.items] == first
    assert told.n == 5 and told.mean == sum(scores) / 5 and told.plain()["rows"][0]["trace"] == str(first[0].uid)
    assert trial.half_width([0.85, 0.92, 0.45, 0.78, 0.88]) == pytest.approx(2.776 * 0.1893 / 5**0.5, abs=1e-3)
    assert trial.half_width([1.0]) is None
    nobody = run.grade_trace(
        version=version, trace=first[0], document=make.document(make.message("user", "Hello?")), ask=None
    )
    assert nobody.grade.value is None and nobody.grade.error, "an answer that is missing is no 0"


def test_an_engine_that_changed_makes_a_new_version(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version = graders.code(project)
    monkeypatch.setitem(definitions.ENGINES, "string_check", definitions.ENGINES["string_check"] + 1)
    with pytest.raises(Refused, match="earlier engine"):
        keep.usable(version)
    second = keep.change(grader=version.grader, definition=LATE, goal=GOAL, actor=SYSTEM)
    assert second.number == 2 and keep.changes(version, second) == [
        "the definition is the same; the engine that runs it was changed"
    ]
    keep.confirm(version=second, actor=SYSTEM, tried={})
    keep.usable(second)


def test_a_trial_of_a_trace_that_was_forgotten_since_keeps_no_reason(project: Project, alice: User) -> None:
    traces = [make.trace(project, user_id=f"u-{place}") for place in range(3)]
    version = graders.code(project, confirmed=False)
    rows = [{"trace": str(one.uid), "score": 1.0, "reason": f"quotes {one.user_id}", "error": ""} for one in traces]
    rows.append({"trace": "?", "score": 0.0, "reason": "quotes nobody knows whom"})
    make.judgment(traces[0], alice)
    build.freeze(project=project, name="d", query_text="", recipe=recipe.Recipe(), actor=SYSTEM)
    frozen = DatasetRow.objects.get().trace
    for user in ("u-0", "u-1"):
        forget(project=project, actor=SYSTEM, subject=Subject(user_id=user))
    keep.confirm(version=version, actor=SYSTEM, tried={"n": 4, "mean": 0.75, "rows": rows})
    version.refresh_from_db()
    assert frozen == traces[0]
    assert [row["reason"] for row in version.tried["rows"]] == ["", "", "quotes u-2", ""]
    assert [row["score"] for row in version.tried["rows"]] == [1.0, 1.0, 1.0, 0.0]


def test_a_rule_over_the_run_sees_what_a_sub_agent_called(project: Project) -> None:
    said = make.short_document()
    deed = message("assistant", "", tool_calls=[make.call("delete_all", id="call_9")])
    said["conversations"].append(
        {
            "id": "sub",
            "name": "helper",
            "kind": "sub_agent",
            "messages": [message("user", "Clean up."), deed],
            "tools": [],
        }
    )
    trace = make.trace(project, said=said)
    never = {"type": "tool_called", "name": "never", "names": ["delete_all"], "match": "none"}
    few = {"type": "limits", "name": "few", "tool_calls": 1}
    for name, definition in (("Never deletes", never), ("Few calls", few)):
        version = keep.create(project=project, name=name, definition=definition, goal=GOAL, actor=SYSTEM)
        assert trace.revision is not None
        done = run.grade_trace(version=version, trace=trace, document=trace.revision.document, ask=None)
        assert done.grade.passed is False, done.grade
