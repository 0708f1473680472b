"""A comparison graded by the project's own graders: the very code, and the version, that scores traces."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from curation.scoring import graders as grading
from curation.scoring import keep
from evaluation.models import AnswerScore, Comparison
from tests import make
from tests.evaluation.test_doors import dataset, post, sides  # noqa: F401  (fixtures)
from workspace.access import SYSTEM
from workspace.models import Project, Role

pytestmark = pytest.mark.django_db
GOAL = {"rules": "Look the order up before answering."}
LOOKED_UP = {"type": "tool_called", "name": "any name", "names": ["get_order"], "scope": "answer"}


def test_a_confirmed_grader_grades_a_comparison(
    api: Callable[..., Client],
    project: Project,
    dataset: str,  # noqa: F811
    sides: Any,  # noqa: F811
) -> None:
    version = keep.create(project=project, name="Looked up", definition=LOOKED_UP, goal=GOAL, actor=SYSTEM)
    client, wish = api(Role.ENGINEER), {"dataset": dataset, "candidate": "support"}
    refused = post(client, **wish, graders=["looked_up"])
    assert refused.status_code == 422 and "confirmed" in refused.json()["error"]["message"]
    keep.confirm(version=version, actor=SYSTEM, tried={})
    made = post(client, **wish, graders=["looked_up"])
    assert made.status_code == 201, made.content
    suite = Comparison.objects.get(uid=made.json()["id"]).suite
    assert [one["name"] for one in suite.graders] == ["looked_up"]
    make.answered(suite, sides[0], lambda position: position % 2 == 0)
    scores = AnswerScore.objects.filter(grader="looked_up")
    assert {score.version for score in scores} == {grading.digest(suite.graders[0])}
    assert all(score.value is not None for score in scores)
