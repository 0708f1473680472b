"""tau-bench result files: a list of {task_id, reward, info, traj, trial}, one per attempt at a task.

Source: github.com/sierra-research/tau-bench, `EnvRunResult` (tau_bench/types.py). `traj` holds OpenAI chat messages.
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import as_finite, content_id
from curation.ingest.openai_messages import read_messages
from curation.ingest.parsed import ParsedScore, ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.messages.clean import Notes
from curation.messages.form import text_of

NAME = "tau_bench"
LABEL = "tau-bench trajectories"
GROUP = "Trajectories"
_KEYS = {"task_id", "reward", "info", "traj", "trial"}


def detect(sample: list[Any]) -> bool:
    """Whether the first record has a trajectory and a task id."""
    return any(isinstance(item, dict) and isinstance(item.get("traj"), list) and "task_id" in item for item in sample)


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per attempt; its id is the file's name, the task and the trial."""
    for item in source.records():
        if isinstance(item, Rejected):
            yield item
            continue
        where, record = item
        try:
            yield where, _read(record, source.name)
        except Unreadable as error:
            yield Rejected(where, str(error))


def _read(record: Any, file: str) -> ParsedTrace:
    if not isinstance(record, dict):
        raise Unreadable("is not an object with traj, task_id, reward and trial")
    if record.get("task_id") in (None, "") or isinstance(record["task_id"], (dict, list)):
        raise Unreadable("task_id is missing")
    notes = Notes()
    messages = read_messages(record.get("traj"), notes, field="traj")
    if not messages:
        raise Unreadable("traj is empty")
    for message in messages:
        # the environment answers a failed call with a text that begins like this
        if message["role"] == "tool" and text_of(message).startswith("Error"):
            message["is_error"] = True
    task, trial = as_text(record["task_id"]), as_text(record.get("trial", 0))
    notes.add("the schemas of the tools are not part of this format")
    for key in record.keys() - _KEYS:
        notes.add(f"the field {key[:40]!r} was not taken over")
    info = record["info"] if isinstance(record.get("info"), dict) else {}
    origin = f"tau-bench/{file}" if file else content_id("tau-bench", record)
    return ParsedTrace(
        external_id=f"{origin}/{task}/{trial}",
        document={
            "conversations": [{"id": "main", "name": "", "kind": "main", "messages": messages, "tools": []}],
        },
        name=f"task {task}, trial {trial}",
        task_id=task,
        user_id=_inner_text(info, "task", "user_id"),
        agent=_inner_text(info, "agent") or _inner_text(info, "agent_strategy"),
        model=_inner_text(info, "model"),
        environment=_inner_text(info, "env"),
        metadata={"trial": record.get("trial"), "info": record.get("info")},
        scores=_reward(record.get("reward"), notes),
        import_notes=notes.lines(),
        source={"format": NAME},
    )


def _reward(value: Any, notes: Notes) -> list[ParsedScore]:
    reward = as_finite(value)
    if reward is None:
        notes.add("the reward is no number; the trace has no score")
        return []
    return [ParsedScore(name="reward", number=reward, low=0.0, high=1.0, passed=reward >= 1, author="tau-bench")]


def _inner_text(info: dict[str, Any], *path: str) -> str:
    value: Any = info
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
