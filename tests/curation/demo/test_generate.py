"""The demo's traces: repeatable, well-formed, believable in their figures, and no two alike."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from curation.demo.generate import generate
from curation.demo.outcome import DemoTrace
from curation.messages.form import text_of
from curation.messages.measure import measure, steps_of
from curation.review.clock import clock

NOW = datetime(2026, 3, 18, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def rows() -> list[DemoTrace]:
    return generate(now=NOW)


def words(row: DemoTrace) -> str:
    return "\n".join(text_of(message) for message in row.trace.document["conversations"][0]["messages"])


def test_the_same_seed_and_moment_give_the_same_traces(rows: list[DemoTrace]) -> None:
    assert generate(now=NOW) == rows
    assert generate(now=NOW, seed=12) != rows


def test_there_are_about_three_hundred_of_two_agents_over_ninety_days(rows: list[DemoTrace]) -> None:
    assert 290 <= len(rows) <= 310
    assert {row.trace.agent for row in rows} == {"fernhill-support", "patchwork"}
    assert len({row.trace.model for row in rows}) == 8
    assert len({row.trace.external_id for row in rows}) == len(rows)
    assert rows[0].received_at < NOW - timedelta(days=80)
    assert all("demo" in row.trace.tags and row.trace.metadata["demo"] is True for row in rows)


def test_a_second_agent_works_inside_the_call_that_asked_for_it(rows: list[DemoTrace]) -> None:
    seen = 0
    for document in (row.trace.document for row in rows if len(row.trace.document["conversations"]) > 1):
        timed = clock(document, steps_of(document))
        call = next(one for one in timed if one.step.tool == "explore")
        inside = [one for one in timed if one.step.conversation == 1]
        assert call.start is not None and call.ms is not None
        for one in inside:
            if one.start is not None:
                assert call.start <= one.start and one.start + (one.ms or 0) <= call.start + call.ms
                seen += 1
    assert seen


def test_nothing_is_dated_in_the_future(rows: list[DemoTrace]) -> None:
    for row in rows:
        told = [
            row.received_at,
            row.trace.started_at,
            *(one.at for one in row.opinions),
            *(one.at for one in row.feedback),
        ]
        assert all(at is not None and at <= NOW for at in told)
        starts = [m["started_at"] for m in row.trace.document["conversations"][0]["messages"] if "started_at" in m]
        assert starts == sorted(starts)


def test_no_two_conversations_are_alike(rows: list[DemoTrace]) -> None:
    assert len({words(row) for row in rows}) == len(rows)
    answers = defaultdict(set)
    for row in rows:
        for message in row.trace.document["conversations"][0]["messages"]:
            if message["role"] == "user" and row.trace.agent == "fernhill-support":
                answers[text_of(message)].add(row.trace.external_id)
    openings = [text for text, seen in answers.items() if len(seen) > 1 and len(text) > 60]
    assert openings == []


def test_texts_are_filled_in(rows: list[DemoTrace]) -> None:
    for row in rows:
        if row.trace.agent == "fernhill-support":
            said = [text_of(m) for m in row.trace.document["conversations"][0]["messages"] if m["role"] != "tool"]
            for text in [*said, row.note, row.corrected, *(one.note for one in row.opinions)]:
                assert "{" not in text, text
        for text in (row.note, row.corrected):
            assert "lorem" not in text.lower()


def test_every_result_answers_a_call_and_arguments_fit_the_schema(rows: list[DemoTrace]) -> None:
    for row in rows:
        for conversation in row.trace.document["conversations"]:
            schemas = {tool["name"]: json.loads(tool["parameters"]) for tool in conversation["tools"]}
            open_calls: set[str] = set()
            for message in conversation["messages"]:
                for call in message.get("tool_calls", []):
                    arguments = json.loads(call["arguments"])
                    assert (
                        set(schemas[call["name"]]["required"])
                        <= set(arguments)
                        <= set(schemas[call["name"]]["properties"])
                    )
                    open_calls.add(call["id"])
                if message["role"] == "tool":
                    open_calls.remove(message["tool_call_id"])
            assert not open_calls


def test_every_kind_of_trouble_is_there(rows: list[DemoTrace]) -> None:
    lengths = sorted(measure(row.trace.document).steps for row in rows)
    assert lengths[-1] > 1800 and 250 < lengths[-2] < 600
    main = [row.trace.document["conversations"][0]["messages"] for row in rows]
    assert sum(any(m.get("is_error") for m in messages) for messages in main) > 40
    assert sum(any(len(m.get("tool_calls", [])) > 1 for m in messages) for messages in main) > 60
    assert sum(any(m.get("reasoning") for m in messages) for messages in main) > 60
    assert sum(len(row.trace.document["conversations"]) > 1 for row in rows) >= 6
    assert sum(bool(row.corrected) for row in rows) >= 12
    assert sum(len(row.feedback) for row in rows) >= 25
    assert sum(not row.opinions for row in rows) >= 40
    assert sum(len(row.opinions) > 1 for row in rows) >= 20
    sessions, tasks = defaultdict(int), defaultdict(set)
    for row in rows:
        sessions[row.trace.session_id] += 1
        tasks[row.trace.task_id].add(row.trace.model)
    assert sum(count > 1 for count in sessions.values()) >= 10
    assert sum(len(models) > 1 for task, models in tasks.items() if task) >= 15


def test_versions_rise_dip_and_rise(rows: list[DemoTrace]) -> None:
    for agent in ("fernhill-support-v", "patchwork-v"):
        share = []
        for number in "1234":
            of_version = [row.good for row in rows if row.trace.model == agent + number]
            assert len(of_version) >= 15
            share.append(sum(of_version) / len(of_version))
        assert share[0] < share[1] > share[2] < share[3] and share[3] == max(share), share
