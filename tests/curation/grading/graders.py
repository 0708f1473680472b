"""Graders, connections and scripted judges for these tests."""

import json
from typing import Any

from curation.models import Batch, Grader, GraderVersion, Trial
from curation.scoring import batches, keep, trial
from tests.flows.fake_openai import chat
from workspace.access import SYSTEM
from workspace.connections import secrets
from workspace.models import Connection, Project

KEY = "sk-very-secret-0123456789"
GOAL = {"accuracy": "It says where the order is.", "rules": "Never invent a date."}
LATE: dict[str, Any] = {
    "type": "string_check", "name": "late", "input": "{{ sample.output_text }}", "reference": "morning",
    "operation": "like",
}  # fmt: skip
JUDGE: dict[str, Any] = {
    "type": "score_model", "name": "helpful", "model": "judge-1", "range": [0, 1], "pass_threshold": 0.7,
    "input": [{"role": "user", "content": "Grade this answer to {{ item.last_user_message }}: {{ sample.output_text }}"}],
}  # fmt: skip
TWO: dict[str, Any] = {
    "type": "multi", "name": "both", "calculate_output": "(a + b) / 2",
    "graders": {"a": {**JUDGE, "name": "a"}, "b": {**JUDGE, "name": "b", "model": "judge-2"}},
}  # fmt: skip
PRICES = {"*": {"input": 1, "output": 10}}


def connect(project: Project, url: str = "http://127.0.0.1:9/v1", **fields: Any) -> Connection:
    values = {
        "name": "Judges", "default_model": "other-1", "allow_private_host": True, "prices": PRICES, "max_concurrency": 1,
        **fields,
    }  # fmt: skip
    return Connection.objects.create(project=project, base_url=url, key_encrypted=secrets.encrypt(KEY), **values)


def code(
    project: Project, definition: dict[str, Any] = LATE, *, name: str = "Late", confirmed: bool = True
) -> GraderVersion:
    version = keep.create(project=project, name=name, definition=definition, goal=GOAL, actor=SYSTEM)
    if confirmed:
        keep.confirm(version=version, actor=SYSTEM, tried={})
    return version


def judge(
    connection: Connection, definition: dict[str, Any] = JUDGE, *, name: str = "Helpful", confirmed: bool = True
) -> GraderVersion:
    version = keep.create(
        project=connection.project, name=name, definition=definition, goal=GOAL, connection=connection, actor=SYSTEM
    )
    if confirmed:
        keep.confirm(version=version, actor=SYSTEM, tried={})
    return version


def verdict(asked: dict[str, Any], result: float = 0.8, reason: str = "It says so.") -> tuple[int, dict[str, Any]]:
    """A judge that always says the same, in the form it was asked for."""
    return 200, chat(asked, json.dumps({"reason": reason, "result": result}))


def of(version: GraderVersion) -> Grader:
    return version.grader


def tried(version: GraderVersion, *, n: int = 5, seed: int = 1, query: str = "", key: str = "k") -> Trial:
    """A trial for the price that it says, begun and not worked off."""
    _, told = trial.priced(version=version, query=query, seed=seed, n=n)
    return trial.start(version=version, query=query, seed=seed, n=n, actor=SYSTEM, confirmed=told.text, key=key)


def worked(version: GraderVersion, **how: Any) -> trial.Summary:
    """What a trial found."""
    made = tried(version, **how)
    while not trial.work(made.pk, 60):
        pass
    return trial.read(trial.find(version, made.uid))


def resume(batch: Batch, **how: bool) -> int:
    """Go on with a batch for the price that it says."""
    told = batches.price_of_rest(batch, **how)
    return batches.resume(batch, SYSTEM, confirmed=told.text, **how)
