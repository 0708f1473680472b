"""Trajectories: records {"task_id", "instruction", "steps": [{"thought", "action", "action_input", "observation",
"reward"}], "success", "total_reward"}.

A thought is what the model reasoned, an action with its input is a tool call, an observation is its result: a message of
role tool, never the model's own words (training on those would teach it to invent results). A last action named finish,
final_answer, answer or respond that nothing was observed of is the final answer.
"""

import json
from collections.abc import Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import as_finite, content_id, fill, given_id
from curation.ingest.openai_messages import read_tools, tie_results
from curation.ingest.parsed import ParsedScore, ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source, parse
from curation.ingest.walk import each_record
from curation.messages.clean import Notes
from curation.messages.form import Message, message, text_of

NAME = "trajectory"
LABEL = "Trajectories of thoughts, actions and observations"
GROUP = "Trajectories"
AUTHOR = "trajectory"
FINAL = {"finish", "final_answer", "final answer", "answer", "respond", "response", "submit"}
_TAKEN = {"instruction", "steps", "success", "total_reward", "tools", "system", "system_prompt", "final_answer"}
_STEP = {"thought", "action", "action_input", "observation", "reward", "step", "step_id", "is_error"}
_WORDS = ("input", "answer", "response", "text", "output", "content", "final_answer", "result")


def detect(sample: list[Any]) -> bool:
    """Whether records have an instruction and steps."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a record of this format."""
    if not isinstance(value, dict) or not isinstance(value.get("steps"), list) or "schema_version" in value:
        return False
    return "instruction" in value or ("task_id" in value and "success" in value)


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per trajectory."""
    return each_record(source, read_record)


def read_record(record: Any) -> ParsedTrace:
    """One trajectory. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or not isinstance(record.get("steps"), list):
        raise Unreadable("is not an object with instruction and steps")
    if record.get("instruction") in (None, ""):
        raise Unreadable("instruction is missing")
    notes = Notes()
    system = record.get("system") or record.get("system_prompt")
    messages = [message("system", as_text(system))] if system else []
    messages.append(message("user", as_text(record["instruction"])))
    for number, step in enumerate(record["steps"]):
        is_last = number == len(record["steps"]) - 1
        messages += _step(step, number, notes, is_last=is_last)
    if record.get("final_answer"):
        messages.append(message("assistant", as_text(record["final_answer"])))
    tie_results(messages, notes)
    trace = ParsedTrace(
        external_id=given_id(record) or content_id("trajectory", record),
        document={
            "conversations": [
                {"id": "main", "name": "", "kind": "main", "messages": messages,
                 "tools": read_tools(record.get("tools"), notes)}
            ],
        },
        source={"format": NAME},
    )  # fmt: skip
    fill(trace, record, notes, taken=_TAKEN)
    if not record.get("tools"):
        notes.add("the schemas of the tools did not come with it")
    rewards = [step.get("reward") for step in record["steps"] if isinstance(step, dict)]
    if any(reward is not None for reward in rewards):
        trace.metadata = {**trace.metadata, "step_rewards": rewards}
    trace.scores += _scores(record, notes)
    trace.import_notes = notes.lines()
    return trace


def _step(step: Any, number: int, notes: Notes, *, is_last: bool) -> list[Message]:
    if not isinstance(step, dict):
        raise Unreadable(f"steps[{number}]: is no object")
    for key in step.keys() - _STEP:
        if step[key] not in (None, "", [], {}):
            notes.add(f"the key {key[:40]!r} of a step was not taken over")
    said: Message = {"role": "assistant", "parts": []}
    if step.get("thought"):
        said["reasoning"] = [{"text": as_text(step["thought"])}]
    action, seen = step.get("action"), step.get("observation")
    if action in (None, ""):
        if said.get("reasoning") is None and seen in (None, ""):
            notes.add("a step without thought, action and observation was skipped")
            return []
        if seen in (None, ""):
            return [said]
        return [said, message("user", as_text(seen))] if said.get("reasoning") else [message("user", as_text(seen))]
    if isinstance(action, dict):
        name, given = as_text(action.get("name") or ""), action.get("arguments", action.get("input"))
        given = step.get("action_input", given)
    else:
        name, given = as_text(action), step.get("action_input")
    if is_last and name.strip().lower() in FINAL and seen in (None, ""):
        said["parts"] = [{"type": "text", "text": text}] if (text := _final_text(given)) else []
        return [said]
    said["tool_calls"] = [{"id": "", "name": name, "arguments": _arguments(given, notes)}]
    if seen is None:
        return [said]
    result = message("tool", as_text(seen), tool_call_id="", name=name)
    if step.get("is_error") is True or text_of(result).startswith(("Error", "error:")):
        result["is_error"] = True
    return [said, result]


def _arguments(given: Any, notes: Notes) -> str:
    """A JSON object; a bare text is written as {"input": text}, as agents that take one text call their tools."""
    if given in (None, ""):
        return "{}"
    if isinstance(given, str):
        try:
            if isinstance(parse(given), dict):
                return given
        except Unreadable:
            pass
    if isinstance(given, dict):
        return json.dumps(given, ensure_ascii=False)
    notes.add('an action_input that is no object was written as {"input": ...}')
    return json.dumps({"input": given}, ensure_ascii=False)


def _final_text(given: Any) -> str:
    if isinstance(given, dict):
        words = [given[key] for key in _WORDS if isinstance(given.get(key), str)]
        if len(words) == 1 and len(given) == 1:
            return str(words[0])
    return "" if given is None else as_text(given)


def _scores(record: dict[str, Any], notes: Notes) -> list[ParsedScore]:
    scores = []
    success = record.get("success")
    if isinstance(success, bool):
        scores.append(ParsedScore(name="success", boolean=success, passed=success, author=AUTHOR))
    elif success is not None:
        notes.add("success is neither true nor false and was left out")
    reward = as_finite(record.get("total_reward"))
    if reward is not None:
        scores.append(ParsedScore(name="total_reward", number=reward, author=AUTHOR))
    elif record.get("total_reward") is not None:
        notes.add("total_reward is no finite number and was left out")
    return scores
