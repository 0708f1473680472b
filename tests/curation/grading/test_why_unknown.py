"""A price that nobody knows says why: a model without a price, or prompts that could not be made."""

import pytest

from curation.scoring import pricing, trial
from curation.scoring.refused import Refused
from tests import make
from tests.curation.grading import graders
from workspace.models import Project

REFERENCE = graders.JUDGE | {"input": [{"role": "user", "content": "{{ item.reference_text }}"}]}


def test_prompts_that_could_not_be_made_are_not_told_as_a_missing_price(project: Project) -> None:
    version = graders.judge(graders.connect(project), REFERENCE)
    told = trial.price(version=version, traces=[make.trace(project) for _ in range(3)])
    assert told.usd is None and "no price" not in told.why_unknown
    assert told.why_unknown == (
        "None of the 3 prompts looked at could be filled: {{ item.reference_text }} has no value there."
    )
    version.connection.budget_usd = 5
    version.connection.save()
    told = trial.price(version=version, traces=[make.trace(project)])
    with pytest.raises(Refused, match="could be filled"):
        pricing.affordable(told)


def test_a_model_without_a_price_is_named(project: Project) -> None:
    version = graders.judge(graders.connect(project, prices={"other-1": {"input": 1, "output": 1}}))
    told = trial.price(version=version, traces=[make.trace(project)])
    assert told.usd is None and told.why_unknown == "Judges has no price for judge-1."
    known = graders.judge(graders.connect(project, name="Known"), name="Known")
    assert trial.price(version=known, traces=[make.trace(project)]).why_unknown == ""
