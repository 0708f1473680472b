"""Suites: only held-out rows, fixed for good, the same content is the same suite."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import DatabaseError

from curation.messages.form import message
from curation.models import Correction, Dataset, DatasetRow, DatasetVersion
from curation.scoring.graders import BadDefinition
from evaluation.models import Scenario, Suite
from evaluation.suites import build
from evaluation.suites.build import CannotBuild
from tests import make
from workspace import lineage
from workspace.access import SYSTEM
from workspace.models import AuditEntry, Project

pytestmark = pytest.mark.django_db


def test_a_suite_is_made_of_the_test_split_and_never_of_train_rows(project: Project) -> None:
    version = make.dataset_version(project, train=5, validation=2, test=3)
    suite = build.make_suite(version=version, actor=SYSTEM)
    rows = [scenario.row for scenario in suite.scenarios.select_related("row").order_by("position")]
    assert (suite.split, {row.split for row in rows if row}) == ("test", {"test"})
    assert suite.counts == {"in_split": 3, "rows": 3, "scenarios": 3, "left_out": {}}
    assert build.make_suite(version=version, actor=SYSTEM, split="validation").split == "validation"
    with pytest.raises(CannotBuild, match="trained on it"):
        build.make_suite(version=version, actor=SYSTEM, split="train")
    with pytest.raises(CannotBuild, match="no such split"):
        build.make_suite(version=version, actor=SYSTEM, split="everything")


def test_validation_stands_in_where_there_is_no_test_split_and_nothing_for_nothing(project: Project) -> None:
    assert (
        build.make_suite(version=make.dataset_version(project, train=2, validation=2), actor=SYSTEM).split
        == "validation"
    )
    with pytest.raises(CannotBuild, match="holds no row back"):
        build.make_suite(version=make.dataset_version(project, train=2, validation=0), actor=SYSTEM)


def test_a_scenario_holds_everything_before_the_answer_and_the_answer_as_reference(project: Project) -> None:
    suite = make.suite(project, scenarios=1, said=lambda number: make.short_document())
    scenario = suite.scenarios.get()
    assert [entry["role"] for entry in scenario.messages] == ["system", "user", "assistant", "tool"]
    assert scenario.reference["parts"][0]["text"] == "It left the depot this morning."
    assert (scenario.title, scenario.tools[0]["name"]) == ("Where is order 1017?", "get_order")


def test_each_answer_can_be_a_scenario_of_its_own(project: Project) -> None:
    suite = make.suite(project, scenarios=2, said=lambda number: make.short_document(f"Order {number}?"), turns="each")
    assert suite.counts["scenarios"] == 4
    first = suite.scenarios.order_by("position").first()
    assert first is not None
    assert first.reference["tool_calls"][0]["name"] == "get_order"


def test_a_corrected_answer_is_the_reference(project: Project) -> None:
    trace = make.trace(project)
    better = [message("user", "Hi"), message("assistant", "Corrected.")]
    correction = Correction.objects.create(
        project=project, trace=trace, revision=trace.revision, author="Rita", messages=better
    )
    dataset = Dataset.objects.create(project=project, name="corrected")
    version = DatasetVersion.objects.create(
        dataset=dataset, number=1, content_hash="0" * 64, counts={"rows": 1, "test": 1}
    )
    DatasetRow.objects.create(
        version=version,
        position=1,
        trace=trace,
        revision=trace.revision,
        correction=correction,
        split="test",
        digest="1",
    )
    scenario = build.make_suite(version=version, actor=SYSTEM).scenarios.get()
    assert scenario.reference["parts"][0]["text"] == "Corrected."


def test_rows_without_a_question_or_answer_are_left_out_and_counted(project: Project) -> None:
    def said(number: int) -> Any:
        if number == 2:
            return make.document(message("user", "Anybody there?"))
        if number == 3:
            return make.document(message("assistant", "Welcome!"))
        return make.tool_document(number)

    suite = make.suite(project, scenarios=4, said=said)
    assert suite.counts["left_out"] == {"without an answer to a question": 2}
    assert suite.counts["scenarios"] == 2
    with pytest.raises(CannotBuild, match="2 without an answer"):
        make.suite(project, scenarios=2, said=lambda number: make.document(message("user", "Hm?")))


def test_a_limited_suite_says_how_many_it_took_and_takes_the_same_again(project: Project) -> None:
    version = make.dataset_version(project, train=1, validation=0, test=20, said=make.tool_document)
    suite = build.make_suite(version=version, actor=SYSTEM, most=5)
    assert (suite.counts["in_split"], suite.counts["rows"], suite.scenarios.count()) == (20, 5, 5)
    assert build.make_suite(version=version, actor=SYSTEM, most=5) == suite
    assert [scenario.row.position for scenario in suite.scenarios.order_by("position") if scenario.row] != [
        2,
        3,
        4,
        5,
        6,
    ]


def test_the_same_content_is_the_same_suite_and_other_graders_are_another(project: Project) -> None:
    version = make.dataset_version(project, train=1, validation=0, test=3, said=make.tool_document)
    suite = build.make_suite(version=version, actor=SYSTEM)
    assert build.make_suite(version=version, actor=SYSTEM) == suite
    other = build.make_suite(version=version, actor=SYSTEM, graders=[{"type": "tool_call", "name": "only"}])
    assert (other.name, other.number, suite.number) == (suite.name, 2, 1)
    assert other.content_hash != suite.content_hash
    assert AuditEntry.objects.filter(action="suite.made").count() == 2


def test_a_suite_cannot_be_changed_even_by_a_query(project: Project) -> None:
    suite = make.suite(project)
    for change in (
        lambda: Suite.objects.filter(pk=suite.pk).update(graders=[]),
        lambda: Scenario.objects.filter(suite=suite).update(reference={}),
    ):
        with pytest.raises((IntegrityError, DatabaseError), match="cannot be changed"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (lambda number: make.tool_document(number), ["tool calls", "arguments valid"]),
        (lambda number: make.short_document(), ["similarity"]),
        (
            lambda number: make.document(message("user", "Spam?"), message("assistant", "spam")),
            ["exact match", "similarity"],
        ),
        (
            lambda number: make.tool_document(number) if number % 3 else make.short_document(),
            ["tool calls", "arguments valid", "similarity"],
        ),
    ],
)
def test_graders_follow_from_what_references_hold(project: Project, answer: Any, names: list[str]) -> None:
    suite = make.suite(project, scenarios=6, said=answer)
    assert [definition["name"] for definition in suite.graders] == names


def test_a_grader_that_cannot_run_stops_the_suite_before_it_exists(project: Project) -> None:
    version = make.dataset_version(project, train=1, validation=0, test=1)
    with pytest.raises(BadDefinition):
        build.make_suite(version=version, actor=SYSTEM, graders=[{"type": "vibes", "name": "x"}])
    assert not Suite.objects.exists()


def test_lineage_leads_from_the_dataset_to_the_suite(project: Project) -> None:
    suite = make.suite(project)
    assert suite.dataset_version is not None
    source = lineage.Node("dataset_version", str(suite.dataset_version.uid))
    assert lineage.Node("suite", str(suite.uid)) in lineage.descendants(project=project, source=source)
