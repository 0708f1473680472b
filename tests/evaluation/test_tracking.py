"""Scores over time: from finished runs and from what people judged; what was not measured is no point."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from scipy import stats as scipy_stats

from curation.messages.form import message
from curation.models import Trace
from evaluation.models import AnswerScore, EvaluationRun
from evaluation.tracking import points
from tests import make
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


def test_a_point_for_each_finished_run_with_its_interval(project: Project) -> None:
    suite = make.suite(project, scenarios=20)
    make.answered(suite, make.model(project, "support"), lambda n: n <= 10)
    make.answered(suite, make.model(project, "support"), lambda n: None if n <= 2 else n <= 17)
    make.answered(make.suite(project), make.model(project, "other"), lambda n: True)
    found = points.measured(suite=suite, days=90)
    assert [(point.label, point.score, point.n) for point in found] == [
        ("support@1", 0.5, 20),
        ("support@2", 15 / 18, 18),
    ]
    assert found[0].low == pytest.approx(0.299, abs=1e-3)
    assert list(points.series(found)) == ["support"]


def test_old_runs_and_runs_without_a_grade_are_no_points(project: Project) -> None:
    suite = make.suite(project)
    run = make.answered(suite, make.model(project), lambda n: True)
    EvaluationRun.objects.filter(pk=run.pk).update(ended_at=timezone.now() - timedelta(days=40))
    assert points.measured(suite=suite, days=30) == []
    assert len(points.measured(suite=suite, days=90)) == 1
    make.answered(suite, make.model(project), lambda n: None)
    assert len(points.measured(suite=suite, days=90)) == 1


def test_answers_of_one_conversation_are_one_value_of_the_interval(project: Project) -> None:
    def said(number: int) -> Any:
        question, answer = message("user", f"Order {number}?"), message("assistant", "It left the depot this morning.")
        return make.document(*(question, answer) * 4)

    suite = make.suite(project, scenarios=6, turns="each", said=said)
    assert suite.counts["scenarios"] == 24
    rows = dict(suite.scenarios.values_list("position", "row__position"))
    least = min(rows.values())
    make.answered(suite, make.model(project), lambda n: (rows[n] - least) % 2 == 0)
    (found,) = points.measured(suite=suite, days=90)
    values = AnswerScore.objects.filter(grader=suite.graders[0]["name"]).values_list("answer__scenario__row", "value")
    each: dict[Any, list[float]] = {}
    for row, value in values:
        each.setdefault(row, []).append(value)
    means = [float(np.mean(one)) for one in each.values()]
    # 6 conversations, not 24 answers: their interval is the one of 6 means
    expected = scipy_stats.t.interval(0.95, 5, np.mean(means), scipy_stats.sem(means))
    assert found.n == 6
    assert (found.low, found.high) == pytest.approx((max(0, expected[0]), min(1, expected[1])))


def test_the_newest_lines_are_drawn_however_few_answers_they_have(
    project: Project, alice: User, as_user: Callable[[User], Client]
) -> None:
    suite = make.suite(project, scenarios=4)
    now = timezone.now()
    for age in range(1, 7):
        run = make.answered(suite, make.model(project, f"version-{age}"), lambda n: True)
        EvaluationRun.objects.filter(pk=run.pk).update(ended_at=now - timedelta(days=age))
    make.answered(suite, make.model(project, "current"), lambda n: True if n == 1 else None)
    page = as_user(alice).get("/p/acme/over-time/?measure=suite")
    drawn = [line["name"] for line in page.context["figure"]["data"]]
    assert drawn == ["current", "version-1", "version-2", "version-3", "version-4"]
    assert page.context["not_drawn"] == ["version-5", "version-6"]
    assert "Drawn are the five models with the newest points; 2 older ones are" in page.content.decode()


def test_judged_traces_count_per_model_and_period(project: Project, rita: User) -> None:
    now = timezone.now()
    for number in range(8):
        trace = make.trace(project, received_at=now - timedelta(hours=number / 100), model="support-2")
        make.judgment(trace, rita, ["acceptable", "acceptable", "acceptable", "unacceptable", "unsure"][number % 5])
    make.trace(project, model="support-2")
    stale = make.trace(project, model="support-2")
    make.judgment(stale, rita, "unacceptable")
    Trace.objects.filter(pk=stale.pk).update(verdict_stale=True)
    found = points.judged(project=project, days=90)
    assert sum(point.n for point in found) == 7  # unsure, unjudged and outrun ones do not count
    assert sum(point.n * point.score for point in found) == pytest.approx(6)
    assert {point.series for point in found} == {"support-2"}


def test_the_page_shows_numbers_beside_the_chart_and_gives_csv(
    project: Project, alice: User, rita: User, as_user: Callable[[User], Client]
) -> None:
    suite = make.suite(project, scenarios=4)
    for right in (2, 4):
        make.answered(suite, make.model(project, "=cmd|' /C calc'!A0"), lambda n, right=right: n <= right)
    trace = make.trace(project, model="<b>bold</b>")
    make.judgment(trace, rita)
    client = as_user(alice)
    page = client.get("/p/acme/over-time/").content.decode()
    assert "100.0 %" in page
    assert "+50.0" in page
    text = client.get("/p/acme/over-time/?format=csv").content.decode()
    assert text.startswith("model,version,at,score,low,high,n,demo")
    assert "'=cmd" in text  # no spreadsheet runs it
    judged = client.get("/p/acme/over-time/?measure=judged").content.decode()
    assert "<b>bold</b>" not in judged


@pytest.mark.parametrize(
    "query", ["days=7", "days=x", "measure=luck", "suite=1", "suite=00000000-0000-0000-0000-000000000000"]
)
def test_addresses_that_mean_nothing_are_not_found(
    project: Project, alice: User, as_user: Callable[[User], Client], query: str
) -> None:
    make.answered(make.suite(project), make.model(project), lambda n: True)
    assert as_user(alice).get(f"/p/acme/over-time/?{query}").status_code == 404


def test_simulated_points_are_marked_as_demo(project: Project, alice: User, as_user: Callable[[User], Client]) -> None:
    suite = make.suite(project)
    run = make.answered(suite, make.model(project), lambda n: True)
    EvaluationRun.objects.filter(pk=run.pk).update(is_simulated=True)
    found: Any = points.measured(suite=suite, days=30)
    assert found[0].simulated
    assert "demo" in as_user(alice).get("/p/acme/over-time/?measure=suite").content.decode()
