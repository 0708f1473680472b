"""A real process with the tiny random model answers a suite, and a comparison of it comes to its conclusion."""

import pytest

from evaluation.compare import drive, request
from evaluation.compare.decide import Rules
from evaluation.runs.request import read_settings
from tests import make
from training.artifacts import bases
from workspace.access import SYSTEM
from workspace.models import Project

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_tiny_model_at_two_temperatures(project: Project) -> None:
    pytest.importorskip("torch")
    suite = make.suite(project, scenarios=3)
    comparison = request.request_comparison(
        suite=suite,
        baseline=bases.ensure_tiny(project),
        candidate=bases.ensure_tiny(project),
        settings=read_settings({"max_new_tokens": 8}),
        candidate_settings=read_settings({"max_new_tokens": 8, "temperature": 0.7}),
        rules=Rules(),
        actor=SYSTEM,
    )
    told: list[str] = []
    comparison = drive.work_until_settled(comparison, tell=told.append, timeout=120)
    assert (comparison.status, comparison.outcome) == ("done", "INCONCLUSIVE")
    assert "0 of 3 answered" in told[0]
    for run in (comparison.baseline, comparison.candidate):
        assert run.answers.count() == 3
        assert not run.answers.filter(message__isnull=True).exists()
        assert all(answer.latency_ms and answer.output_tokens for answer in run.answers.all())
    # it knows nothing: measured as wrong, not as missing
    assert comparison.result["metrics"][0]["candidate"] == 0.0
