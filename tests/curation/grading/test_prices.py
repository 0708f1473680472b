"""Prices are told before anything is asked, and one of the same traces is the same wherever it is told."""

import random

import pytest
from django.utils import timezone

from curation.messages.form import message
from curation.models import Trace
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


def test_a_sample_has_its_margin(project: Project) -> None:
    """A few long traces among many short ones: what is told is no less than what all of them cost, nine times of ten."""
    version = graders.judge(graders.connect(project))
    sizes = [4_000 if place % 5 == 0 else 200 + 7 * place for place in range(120)]
    for size in sizes:
        make.trace(project, said=make.document(message("user", "Where?"), message("assistant", "There. " * size)))
    traces, chance = list(Trace.objects.order_by("pk")), random.Random(7)
    whole = pricing.of_grading(version=version, traces=traces, calls_for=120, until=timezone.now())
    drawn = [chance.sample(traces, 40) for _ in range(40)]
    told = [pricing.of_grading(version=version, traces=some, calls_for=120, until=whole.until) for some in drawn]
    assert sum(one.input >= whole.input for one in told) >= 36
    assert {(one.calls, one.output) for one in told} == {(whole.calls, whole.output)}, "of what is known there is none"
    by_hand = pricing._margin([10, 20, 30], 3, 12)  # sd 10; 2 x 10 x sqrt((1 - 3/12) / 3) = 10, of a mean of 20
    assert by_hand == pytest.approx(0.5) and pricing._margin([10, 20], 2, 2) == 0 == pricing._margin([9], 1, 50)
