"""A model that takes a moment for each judgment, so that a process can be killed meanwhile."""

import threading
import time
from collections import Counter
from typing import Any

from tests.curation.grading.graders import verdict


class SlowJudge:
    """Counts how often each question was put to it, how many it answered, and how many it had `most` at once. It says
    `result`."""

    def __init__(self, result: float = 4) -> None:
        self.result = result
        self.asked: Counter[str] = Counter()
        self.answered = 0
        self.most = 0
        self.lock = threading.Lock()

    def __call__(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.asked[asked["messages"][-1]["content"]] += 1
            self.most = max(self.most, sum(self.asked.values()) - self.answered)
        time.sleep(0.15)
        with self.lock:
            self.answered += 1
        return verdict(asked, self.result)
