"""Generated answers in the place of the stored ones: what is measured and judged is about the generated one."""

from typing import Any

import pytest

from curation.models import Batch, BatchItem, Trace
from tests.curation.datasets import rows
from tests.curation.datasets.test_selection import freeze, reasons_of, said, score
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
