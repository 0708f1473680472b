"""tau-bench results: hand-made ones, and 100 real ones where WHETSTONE_SAMPLES names their folder."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.curation.ingest.reading import lines, messages, one, read


def attempt(**fields: Any) -> dict[str, Any]:
    said = [
        {"role": "system", "content": "policy"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "ho"},
    ]
    return {"task_id": 3, "trial": 1, "reward": 1.0, "info": {"task": {"user_id": "mia"}}, "traj": said, **fields}


def test_task_reward_and_id() -> None:
    traces, _ = read(json.dumps([attempt(), attempt(trial=2, reward=0)]).encode(), name="airline")
    assert [t.external_id for t in traces] == ["tau-bench/airline/3/1", "tau-bench/airline/3/2"]
    assert [(s.name, s.number, s.low, s.high, s.passed) for t in traces for s in t.scores] == [
        ("reward", 1.0, 0.0, 1.0, True),
        ("reward", 0.0, 0.0, 1.0, False),
    ]
    assert (traces[0].task_id, traces[0].user_id) == ("3", "mia")


@pytest.mark.parametrize("reward", [None, "good", True, float("nan"), 10**400])
def test_a_reward_that_is_no_number_is_no_score(reward: Any) -> None:
    trace = one(attempt(reward=reward))
    assert trace.scores == []
    assert "the reward is no number; the trace has no score" in trace.import_notes


def test_rejections() -> None:
    bad = [attempt(task_id=None), attempt(traj=[]), attempt(traj="x"), attempt(traj=[{"role": "x"}]), 5]
    traces, rejected = read(lines(attempt(), *bad))
    assert len(traces) == 1
    assert [r.where for r in rejected] == [f"line {n}" for n in range(2, 7)]


def test_failed_calls_are_errors() -> None:
    said = [{"role": "user", "content": "x"},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "Error: no such user"}]  # fmt: skip
    assert messages(one(attempt(traj=said)))[2]["is_error"] is True


def test_100_real_trajectories() -> None:
    folder = os.environ.get("WHETSTONE_SAMPLES")
    if not folder:
        pytest.skip("WHETSTONE_SAMPLES names no folder with tau-bench results")
    found = sorted(Path(folder).glob("tau-bench/*.json"))
    assert found
    traces, rejected = read(found[0].read_bytes(), name=found[0].stem)
    assert (len(traces), rejected) == (100, [])
    assert sum(bool(s.passed) for t in traces for s in t.scores) == 31
    assert len({t.task_id for t in traces}) == 25
    assert len({t.external_id for t in traces}) == 100
    assert sum(len(messages(t)) for t in traces) == 2962
