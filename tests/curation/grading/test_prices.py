"""Prices are told before anything is asked, and one of the same traces is the same wherever it is told."""

import pytest

from curation.messages.form import message
from curation.scoring import batches, pricing
from tests import make
from tests.curation.grading import graders
from tests.curation.grading.test_batches import begin
from workspace.models import Project

pytestmark = pytest.mark.django_db


def test_the_same_traces_have_one_price(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "LOOKED_AT", 3)
    version = graders.judge(graders.connect(project))
    for place in range(12):  # each answer longer than the one before
        make.trace(project, said=make.document(message("user", "Where?"), message("assistant", "There. " * 20 * place)))
    told = batches.price(project=project, version=version, query="")
    rest = batches.price_of_rest(begin(project, version))
    assert told.looked_at == rest.looked_at == 3
    assert (told.input, told.output, told.text) == (rest.input, rest.output, rest.text)
