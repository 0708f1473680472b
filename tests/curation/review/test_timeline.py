"""Each step stands where its time lies: known starts as they came, others behind the step before, and said to be so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from curation.messages.form import Document, Message, message
from curation.models import QueueItem, ReviewQueue, Trace
from curation.review import timeline, transcript
from curation.review.parts import every
from curation.review.scale import Scale, gaps_in, joined
from curation.review.timeline import Look
from tests import make
from tests.curation.review import documents
from tests.make import call, document, tool_result
from workspace.models import Project, User

BEGAN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


def read(said: Document, **look: Any) -> timeline.Timeline:
    return timeline.read(said, trace=Trace(external_id="t"), look=Look(**look))


def timed() -> Document:
    """A turn with two calls side by side, one of them a sub-agent at work; a wait of a minute for the user; an answer."""
    said = document(
        message("user", "Look around.", started_at=at(0)),
        message("assistant", "", started_at=at(0), latency_ms=2_000, cost_usd="0.01",
                tool_calls=[call("explore", "{}", "c1"), call("search", "{}", "c2")]),
        tool_result("found", "c1", started_at=at(2), latency_ms=6_000),
        tool_result("no such file", "c2", started_at=at(2.5), latency_ms=500, is_error=True),
        message("assistant", "Which one?", started_at=at(8), latency_ms=1_000),
        message("user", "The first.", started_at=at(69)),
        message("assistant", "Done.", started_at=at(69), latency_ms=1_000),
    )  # fmt: skip
    inside: list[Message] = [
        message("user", "Find it."),
        message("assistant", "", started_at=at(3), latency_ms=1_000, tool_calls=[call("grep", "{}", "s1")]),
        tool_result("x", "s1", started_at=at(4), latency_ms=3_000),
    ]
    said["conversations"].append({"id": "sub", "name": "explore", "kind": "sub_agent", "tools": [], "messages": inside})
    return said


def test_a_run_whose_starts_are_known() -> None:
    found = read(timed())
    lines = [(row.what, row.depth, row.start, row.ms, row.is_failed) for row in found.rows]
    assert lines == [
        ("User", 0, 0, None, False),
        ("Turn 1", 0, 0, 2_000, False),
        ("1 explore", 1, 2_000, 6_000, False),
        ("2 search", 1, 2_500, 500, True),
        ("explore", 0, 3_000, 4_000, False),  # the sub-agent, behind what began before it, from its start to its end
        ("Turn 1", 1, 3_000, 1_000, False),
        ("3 grep", 2, 4_000, 3_000, False),
        ("Turn 2", 0, 8_000, 1_000, False),
        ("User", 0, 69_000, None, False),
        ("Final answer", 0, 69_000, 1_000, False),
    ]
    assert (found.wall_ms, found.model_ms, found.tool_ms, found.idle_ms) == (70_000, 5_000, 9_500, 60_000)
    assert (found.longest and found.longest.what, found.steps, found.guessed, found.timeless) == ("1 explore", 7, 0, 0)
    explore, search = found.rows[2].bars[0], found.rows[3].bars[0]
    assert explore.x < search.x < search.x + search.width < explore.x + explore.width, "side by side in time"
    assert found.kinds == {"assistant", "tool", "failed", "user", "agent"}  # what the legend explains


def test_every_row_leads_to_its_step_in_the_run() -> None:
    for said in (timed(), documents.rich(), documents.long(400)):
        run = transcript.read(said)
        ids = {block.id: block for part in run.parts for block in every(part.blocks)}
        for row in read(said, every=True).rows:
            block = ids[row.id]
            if row.kind == "tool":
                # a call stacked on the same one before it leads to that one's card
                assert row.what.split(" ", 1)[1] == block.name
            assert (row.kind == "agent") == (block.kind == "agent")


def test_starts_that_nobody_said_stand_behind_the_step_before() -> None:
    found = read(documents.rich())
    assert {row.is_estimated for row in found.rows if row.bars} == {True}
    turn, first, second = (row for row in found.rows[:3])
    assert (turn.start, turn.ms, first.start, second.start) == (0, 4_100, 4_100, 4_100)
    assert found.rows[3].start == 4_100 + 212, "a turn begins where the longest of the calls before it ends"
    assert found.idle_ms is None and found.guessed and "guess" in found.kinds
    waiting = next(row for row in found.rows if "notify" in row.what)
    assert (waiting.start, waiting.ms, waiting.bars) == (None, None, []), "no result came: no time is made up"
    answer = found.rows[-1]
    agents = [row for row in found.rows if row.kind == "agent"]
    assert [row.what for row in agents] == ["changelog-writer"] and answer.what == "Final answer"
    assert answer.start == agents[0].start + agents[0].ms  # type: ignore[operator]


def test_nothing_has_a_time() -> None:
    found = read(document(message("user", "Hi"), message("assistant", "Hello")))
    assert (found.wall_ms, found.model_ms, found.idle_ms, found.longest, found.steps) == (None, None, None, None, 1)
    assert [row.what for row in found.rows] == ["Final answer"] and not found.ticks
    assert read({"conversations": []}).rows == []


def test_gaps_are_left_out_only_when_asked_for() -> None:
    whole, short = read(timed()), read(timed(), without_gaps=True)
    assert whole.gaps == short.gaps == short.left_out == [(9_000, 69_000)] and not whole.left_out
    assert whole.rows[-1].bars[0].x == pytest.approx(69 / 70 * 100, abs=0.01)
    assert short.rows[-1].bars[0].x < 92 and short.rows[-1].bars[0].width > 8
    assert [tick.label for tick in short.ticks if tick.is_gap] == ["+60 s"]
    assert "1 stretch without work, 60.0 s in all" in short.left_out_words


def test_turns_alone() -> None:
    found = read(timed(), only_turns=True)
    assert [(row.what, row.note, row.ms, len(row.bars)) for row in found.rows if row.kind == "assistant"] == [
        ("Turn 1", "2 calls", 8_000, 3), ("Turn 1", "1 call", 4_000, 2), ("Turn 2", "", 1_000, 1),
    ]  # fmt: skip
    assert found.rows[1].is_failed and len(found.rows) == 7


def test_a_long_run_comes_in_pages_that_leave_nothing_out() -> None:
    said = documents.long(3000)
    pages = [read(said)]
    while pages[-1].after:
        pages.append(read(said, since=pages[-1].after))
    assert [len(page.rows) for page in pages] == [500] * 6 + [1]
    names = [row.what for page in pages for row in page.rows]
    assert names == [row.what for row in read(said, every=True).rows] and len(names) == 3_001
    assert pages[0].wall_ms == pages[3].wall_ms == 1500 * 42
    assert pages[3].rows[0].bars[0].x == 0 and pages[3].ticks[0].label != "0", "an axis of its own, in the run's time"
    there = read(said, at=pages[3].rows[77].id)
    assert (there.first, there.rows[77].is_current) == (1501, True)


def test_a_history_that_two_agents_share_is_told_once() -> None:
    said = timed()
    shared = {**said["conversations"][0]["messages"][1], "span_id": "a"}
    said["conversations"][0]["messages"][1] = shared  # type: ignore[assignment]
    said["conversations"][1]["messages"].insert(1, shared)  # type: ignore[arg-type]
    found = read(said)
    assert found.model_ms == 5_000
    agent = next(row for row in found.rows if row.kind == "agent")
    assert agent.note == "3 of its steps stand above"


@pytest.mark.parametrize("length", [1, 7, 450, 1_499, 61_000, 3_599_000, 86_400_000, 10**12])
def test_ticks_are_round_few_and_in_order(length: float) -> None:
    ticks = Scale(0, length, []).ticks()
    assert 1 <= len(ticks) <= 9 and ticks[0].label == "0"
    assert [tick.x for tick in ticks] == sorted({tick.x for tick in ticks}) and ticks[-1].x <= 100
    assert len({tick.label for tick in ticks}) == len(ticks)
    rooms = [tick.room for tick in ticks]
    assert all(before[1] < after[0] for before, after in pairwise(rooms)) and rooms[-1][1] <= 101


def test_gaps_between_stretches_that_overlap() -> None:
    busy = joined([(0, 100), (50, 60), (100, 120), (10_000, 10_100)])
    assert busy == [(0, 120), (10_000, 10_100)]
    assert gaps_in(busy) == [(120, 10_000)]
    assert gaps_in([]) == [] and gaps_in([(0, 1)]) == []
    scale = Scale(0, 10_100, gaps_in(busy))
    assert scale.x(0) == 0 and scale.x(10_100) == 100 and scale.x(120) < scale.x(10_000) < 60


@pytest.mark.django_db
def test_the_page_and_the_tab(project: Project, rita: User, as_user: Callable[[User], Client]) -> None:
    client = as_user(rita)
    trace = make.trace(project, said=timed(), name="Look around")
    here = f"/p/acme/traces/{trace.uid}/"
    page = client.get(f"{here}timeline/?at=b4").content.decode()
    assert f'href="{here}#answer"' in page and "34 % of what steps took" in page and 'aria-current="step"' in page
    assert "✕ failed" in page and page.count('<svg class="lane"') == 10
    tab = client.get(f"{here}timeline/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in tab and 'href="#answer"' in tab and 'href="?gaps=out&amp;tab=timeline#form"' in tab
    assert "1 stretch without work, 60.0 s in all" in client.get(f"{here}timeline/?gaps=out").content.decode()
    bench = client.get(f"{here}?tab=timeline&gaps=out").content.decode()
    assert f'hx-get="{here}timeline/?tab=timeline&amp;gaps=out" hx-trigger="load"' in bench
    assert client.get(f"{here}timeline/?from=999&rows=nonsense").status_code == 200


@pytest.mark.django_db
def test_who_judges_blindly_sees_it_too(project: Project, rita: User, as_user: Callable[[User], Client]) -> None:
    trace = make.trace(project, said=timed())
    queue = ReviewQueue.objects.create(project=project, name="Blind", slug="blind", is_blind=True)
    QueueItem.objects.create(queue=queue, trace=trace)
    page = as_user(rita).get(f"/p/acme/traces/{trace.uid}/").content.decode()
    assert 'id="tab-becomes"' not in page and 'id="tab-timeline"' in page


@pytest.mark.django_db
def test_the_page_says_what_to_send(project: Project, rita: User, as_user: Callable[[User], Client]) -> None:
    said = document(message("user", "Hi"), message("assistant", "Hello"))
    trace = make.trace(project, said=said, latency_ms=None)
    for headers in ({}, {"HX-Request": "true"}):
        page = as_user(rita).get(f"/p/acme/traces/{trace.uid}/timeline/", headers=headers).content.decode()
        assert "No step of this run says when it began" in page and "OpenTelemetry" in page and "<ol" not in page
