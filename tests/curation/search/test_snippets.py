"""The line under a hit: where the words stand, with the words marked."""

import pytest

from curation import filters
from curation.messages.form import message
from curation.search import snippets
from tests import make
from workspace.models import Project

pytestmark = pytest.mark.django_db


def shown(project: Project, text: str, *typed: str) -> str:
    trace = make.trace(project, said=make.document(message("user", "Hello."), message("assistant", text)))
    found = snippets.find(traces=[trace], typed=typed).get(trace.pk)
    return "none" if found is None else "".join(f"[{piece}]" if hit else piece for piece, hit in found.pieces)


def test_all_hits_in_the_line_are_marked(project: Project) -> None:
    text = "So the Refund\nof ord_1234 (a refund!) went out; refunds differ."
    assert (
        shown(project, text, "refund", "ord_1234")
        == "So the [Refund] of [ord_1234] (a [refund]!) went out; refunds differ."
    )
    assert shown(project, text, "refun*") == "So the [Refund] of ord_1234 (a [refund]!) went out; [refunds] differ."
    assert (
        shown(project, "Naïve Straße in Liège, 返品したい", "naive", "strasse", "返品")
        == "[Naïve] [Straße] in Liège, [返品]したい"
    )
    assert shown(project, "see src/app.py", "app.py") == "see src/[app.py]"
    assert shown(project, text, "zebra") == "none"


def test_a_long_text_is_cut_around_the_hit(project: Project) -> None:
    line = shown(project, "lorem " * 500 + "needle " + "ipsum " * 500, "needle")
    assert line.startswith("…lorem") and line.endswith("…") and "[needle]" in line and len(line) < 260


def test_a_huge_trace_is_not_read_for_a_list(project: Project) -> None:
    from random import Random

    chance = Random(1)
    noise = " ".join(str(chance.getrandbits(64)) for _ in range(40_000))
    trace = make.trace(project, said=make.short_document(answer=noise))
    assert snippets.find(traces=[trace], typed=["needle"])[trace.pk].too_long


def test_only_words_that_must_be_there_are_looked_for() -> None:
    query = filters.parse('refund (late OR "not yet") -test agent:a')
    assert query.searched() == ["refund", "late", "not yet"]
