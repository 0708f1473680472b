"""The model that judges in tests: scripted, and counted."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from curation.scoring import calling
from tests.flows.fake_openai import chat, fake_openai


class Judge:
    """Gives 4 of 1 to 5; 2 to who does not know. `broken`: what it is asked where it fails, and how."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.broken: Callable[[str], tuple[int, dict[str, Any]] | None] = lambda text: None

    def __call__(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        text = asked["messages"][-1]["content"]
        self.asked[text] += 1
        assert asked["temperature"] == 0
        told = {"reason": "It says so.", "result": 2 if "not know" in text else 4}
        return self.broken(text) or (200, chat(asked, json.dumps(told)))


def nonsense(text: str) -> tuple[int, dict[str, Any]]:
    """An answer that is no judgment."""
    return 200, chat({"model": "judge-1"}, "I like it.")


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Failures are tried again at once."""
    monkeypatch.setattr(calling, "PAUSE", 0.0)
    return Judge()


@pytest.fixture
def url(judge: Judge) -> Iterator[str]:
    """Where it is asked."""
    with fake_openai(judge) as address:
        yield address
