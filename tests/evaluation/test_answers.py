"""Storing answers one by one, as a connection gives them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaluation.models import Answer
from evaluation.runs import answers
from evaluation.runs.request import read_settings, request_run
from tests import make
from workspace.models import Project

pytestmark = pytest.mark.django_db


def test_one_answer_is_stored_without_reading_all_others(project: Project) -> None:
    suite = make.suite(project, scenarios=4)
    run = request_run(suite=suite, model=make.model(project), settings=read_settings({}))
    said = [answers.Said(one, make.message("assistant", "Yes.")) for one in suite.scenarios.order_by("position")]
    assert answers.store(run=run, said=said[:3]) == 3
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert answers.store(run=run, said=said[3:]) == 1
    read = [one["sql"] for one in asked if one["sql"].startswith('SELECT "evaluation_answer"')]
    assert len(read) == 2 and all(f'"scenario_id" IN ({said[3].scenario.pk})' in sql for sql in read), read
    assert answers.store(run=run, said=iter([*said, *said])) == 0 and Answer.objects.filter(run=run).count() == 4
