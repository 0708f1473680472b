"""Generated answers in the place of the stored ones: what is measured and judged is about the generated one."""

from typing import Any

import pytest

from curation.datasets.recipe import RecipeError
from curation.messages.form import message, text_of
from curation.models import Batch, BatchItem, Trace
from curation.review import step_uses
from tests import make
from tests.curation.datasets import rows
from tests.curation.datasets.test_selection import freeze, reasons_of, said, score
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(project: Project, rita: User) -> list[Trace]:
    """Three traces, each judged acceptable and measured at 0.9."""
    made = [
        rows.trace(project, said(number), judged="acceptable", by=rita, external_id=f"t{number}") for number in range(3)
    ]
    for one in made:
        score(one, "quality", 0.9, revision=one.revision)
    return made


def a_batch(project: Project, *answers: tuple[Trace, str, Any]) -> Batch:
    batch = Batch.objects.create(project=project, kind="generate", status="done", author="tests")
    for ordinal, (trace, text, value) in enumerate(answers):
        BatchItem.objects.create(
            batch=batch, trace=trace, revision=trace.revision, ordinal=ordinal, status="done",
            answer={"message": {"role": "assistant", "content": text}, "finish_reason": "stop", "model": "m2"},
            grades={} if value is None else {"quality@3": {"value": value, "passed": value > 0.5}},
        )  # fmt: skip
    return batch


def taken(project: Project, batch: Batch, **given: Any) -> Any:
    return freeze(project, use_original_outputs=False, answers_from=str(batch.uid), test=0, validation=0, **given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"gates": [{"score": "quality", "operator": "gte", "threshold": 0.5}]}, "gate"),
        ({"weights": {"quality": 1}, "min_score": 0.5}, "under_min_score"),
        ({"measures": [{"score": "quality", "passed": True}]}, "measure"),
    ],
)
def test_the_stored_answers_score_lets_no_generated_one_in(
    project: Project, judged: list[Trace], given: dict[str, Any], why: str
) -> None:
    batch = a_batch(project, (judged[0], "bad", 0.1), (judged[1], "good", 0.8), (judged[2], "ungraded", None))
    version = taken(project, batch, **given)
    assert reasons_of(version) == {"t0": why, "t1": "taken_generated", "t2": why}
    row = version.rows.get()
    assert row.judgment_id is None, "nobody judged this answer"
    assert row.composite == (0.8 if "weights" in given else None)


def test_of_several_one_that_passes_is_taken_and_required_grades_must_be_there(
    project: Project, judged: list[Trace]
) -> None:
    batch = a_batch(project, (judged[0], "fails", 0.9), (judged[0], "passes", 0.7), (judged[1], "ungraded", None))
    version = taken(
        project, batch, gates=[{"score": "quality", "operator": "lt", "threshold": 0.8}], required=["quality"]
    )
    assert reasons_of(version) == {"t0": "taken_generated", "t1": "gate", "t2": "no_generated_answer"}
    assert version.rows.get().content["messages"][-1]["parts"][0]["text"] == "passes"


def test_tasks_see_the_grades_and_the_model_of_the_generated_answer(project: Project, judged: list[Trace]) -> None:
    batch = a_batch(project, (judged[0], "bad", 0.1), (judged[1], "good", 0.8))
    given = {"task": "distillation", "task_options": {"measure": "quality", "least": 0.5, "teachers": ["m2"]}}
    assert reasons_of(taken(project, batch, **given)) == {
        "t0": "not_passed", "t1": "taken_generated", "t2": "no_generated_answer",
    }  # fmt: skip
    labels = taken(project, a_batch(project, (judged[0], "x", 1)), name="labels", task="chat")
    assert labels.rows.get().judgment_id is None


def grade(value: float | bool | None, **more: float) -> dict[str, Any]:
    return {"value": value, **more}


@pytest.mark.parametrize(
    ("first", "second", "best"),
    [
        ({"a@1": grade(1.0)}, {"a@1": grade(0.9), "b@1": grade(0.8)}, "second"),
        (
            {"a@1": grade(1.0), "b@1": {"value": None, "error": "it broke"}},
            {"a@1": grade(0.9), "b@1": grade(0.1)},
            "second",
        ),
        (
            {"a@1": grade(10, low=0, high=100), "b@1": grade(0.1)},
            {"a@1": grade(2, low=0, high=100), "b@1": grade(0.9)},
            "second",
        ),
        ({"a@1": grade(3)}, {"a@1": grade(9)}, "second"),
        ({"a@1": grade(0.9)}, {"b@1": grade(1.0)}, "first"),
        ({"a@1": grade(True)}, {"a@1": grade(True)}, "first"),
    ],
)
def test_generated_answers_are_compared_by_the_same_grades_on_one_scale(
    project: Project, judged: list[Trace], first: dict[str, Any], second: dict[str, Any], best: str
) -> None:
    batch = Batch.objects.create(project=project, kind="generate", status="done", author="tests")
    for ordinal, (text, grades) in enumerate((("first", first), ("second", second))):
        BatchItem.objects.create(
            batch=batch, trace=judged[0], revision=judged[0].revision, ordinal=ordinal, status="done",
            answer={"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}, grades=grades,
        )  # fmt: skip
    version = taken(project, batch)
    assert text_of(version.rows.get().content["messages"][-1]) == best


def test_uses_of_steps_in_front_of_a_generated_answer_are_kept(
    project: Project, judged: list[Trace], rita: User
) -> None:
    look = message("assistant", "", tool_calls=[make.call("look", id="c")])
    talk = [message("user", "Where is it?"), message("assistant", "Which?"), message("user", "The first."), look,
            make.tool_result("SECRET", "c"), message("assistant", "There.")]  # fmt: skip
    trace = rows.trace(project, make.document(*talk), judged="acceptable", by=rita)
    for key, how in (("c", "cut"), ("c0m1", "mask"), ("c0m5", "mask")):
        step_uses.say(project=project, actor=Actor(user=rita), trace_uid=trace.uid, step_key=key, use=how)
    batch = Batch.objects.create(project=project, kind="generate", status="done", author="tests")
    BatchItem.objects.create(
        batch=batch, trace=trace, revision=trace.revision, ordinal=0, status="done",
        answer={"message": {"role": "assistant", "content": "The generated answer."}},
    )  # fmt: skip
    version = taken(project, batch)
    written = version.rows.get().content["messages"]
    assert [text_of(one) for one in written] == ["Where is it?", "Which?", "The first.", "The generated answer."]
    assert [one.get("weight") for one in written] == [None, 0, None, None], "the last mask was on the stored answer"


def test_generated_answers_that_cannot_be_compared_or_were_cut_short(project: Project, judged: list[Trace]) -> None:
    batch = Batch.objects.create(project=project, kind="generate", status="done", author="tests")
    for ordinal, (trace, value, why) in enumerate(
        [(judged[0], 0.9, "length"), (judged[0], 0.1, "stop"), (judged[1], 4, "stop"), (judged[1], 5, "stop")]
    ):
        BatchItem.objects.create(
            batch=batch, trace=trace, revision=trace.revision, ordinal=ordinal, status="done",
            answer={"message": {"role": "assistant", "content": why}, "finish_reason": why},
            grades={"a@1": grade(value), "b@1": grade(0.5)},
        )  # fmt: skip
    with pytest.raises(RecipeError, match="no declared range"):
        taken(project, batch)
    batch.items.filter(trace=judged[1]).delete()
    version = taken(project, batch)
    assert text_of(version.rows.get().content["messages"][-1]) == "stop"


def test_answers_of_a_generation_batch_take_the_place_of_the_stored_ones(project: Project, judged: list[Trace]) -> None:
    batch = Batch.objects.create(project=project, kind="generate", status="done", author="tests")
    for ordinal, (text, grade) in enumerate([("A poor answer.", 0.2), ("The generated answer.", 0.9)]):
        BatchItem.objects.create(
            batch=batch, trace=judged[0], revision=judged[0].revision, ordinal=ordinal, status="done",
            answer={"message": {"role": "assistant", "content": text}}, grades={"g@1": {"value": grade}},
        )  # fmt: skip
    version = taken(project, batch)
    assert version.counts["by_reason"] == {"no_generated_answer": 2, "taken_generated": 1}
    row = version.rows.get()
    assert row.origin == "generated" and row.content["messages"][-1]["parts"][0]["text"] == "The generated answer."
    assert row.content["messages"][0] == judged[0].revision.document["conversations"][0]["messages"][0]  # type: ignore[union-attr]
    assert len(row.batch_items) == 1
    with pytest.raises(RecipeError, match="no such generation batch"):
        freeze(project, use_original_outputs=False, answers_from="0199aaaa-0000-7000-8000-000000000001")


def test_an_empty_split_of_generated_rows_says_that_they_are_only_trained_on(
    project: Project, judged: list[Trace], rita: User
) -> None:
    def told(**given: Any) -> list[str]:
        return [
            one["text"]
            for one in freeze(project, validation=0, test=0.5, **given).counts["warnings"]
            if one["code"] == "empty_test"
        ]

    for one in judged:
        one.metadata = {"synthetic": True}
        one.save(update_fields=["metadata"])
    assert told() == ["The test split is empty: every row is generated, and such rows are only trained on."]
    rows.trace(project, said(8), judged="acceptable", by=rita, external_id="real-1")
    seed = next(seed for seed in range(20) if told(seed=seed))
    assert told(seed=seed) == [
        "The test split is empty: too few groups for a share of 50% of the 1 row not generated; "
        "generated ones are only trained on."
    ]
