"""How sure a trial is: a share for what passes or fails, a mean for numbers, and nothing claimed where nothing differs."""

from typing import Any

import pytest

from curation.scoring import trial
from tests import make
from tests.curation.grading import graders
from workspace.models import Project

CODE = {"type": "python", "name": "own", "range": [0, 10]}


def _tried(project: Project, definition: dict[str, Any], n: int = 5) -> trial.Trial:
    traces = [make.trace(project, said=make.short_document(answer="This morning.")) for _ in range(n)]
    return trial.run(version=graders.code(project, definition, confirmed=False), traces=traces)


def test_five_of_five_passed_is_not_certain(project: Project) -> None:
    told = _tried(project, graders.LATE)
    assert (told.mean, told.half_width, told.interval) == (1.0, None, "wilson")
    assert told.low == pytest.approx(0.5655, abs=1e-4) and told.high == pytest.approx(1.0)
    assert told.plain()["low"] == told.low
    one = trial.run(version=graders.code(project, name="Again"), traces=[told.rows[0].trace])
    assert one.low == pytest.approx(0.2065, abs=1e-4)


@pytest.mark.parametrize("value", ["7.5", "1.0"])
def test_numbers_that_are_all_alike_have_no_interval(project: Project, value: str) -> None:
    told = _tried(project, CODE | {"source": f"def grade(sample, item):\n    return {value}\n"}, n=2)
    assert (told.mean, told.half_width, told.low, told.high, told.interval) == (float(value), None, None, None, "")


def test_numbers_that_differ_have_students(project: Project) -> None:
    made = [make.trace(project, said=make.short_document(answer="a" * count)) for count in (2, 5, 9)]
    source = "def grade(sample, item):\n    return float(len(sample['output_text']))\n"
    told = trial.run(version=graders.code(project, CODE | {"source": source}), traces=made)
    assert told.interval == "student" and told.half_width is not None and told.mean == pytest.approx(16 / 3)
    assert told.low == pytest.approx(16 / 3 - told.half_width) and told.half_width == pytest.approx(8.7235, abs=1e-3)
