"""ATIF, Harbor's Agent Trajectory Interchange Format: {"schema_version": "ATIF-v1.x", "agent", "steps", ...}.

Source: Harbor, RFC 0001 "Agent Trajectory Format" (v1.4), and the models of NVIDIA's NeMo Agent Toolkit 1.7 for v1.5 to
v1.7 (trajectory_id, content parts, is_copied_context, llm_call_count, subagent_trajectories). Later 1.x are read the same
way and say so in the notes. A step of the agent is an assistant message, each result it observed a tool message.
"""

import re
from collections.abc import Iterator
from typing import Any

from curation.ingest.content import as_text, read_parts
from curation.ingest.fields import as_finite, content_id, read_dollars, read_time
from curation.ingest.openai_messages import arguments_text, read_tools, tie_results, whole_number
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.ingest.walk import each_record
from curation.messages.clean import Notes
from curation.messages.form import Conversation, Message, Part, ToolCall, Usage

NAME = "atif"
LABEL = "ATIF trajectories (Harbor)"
GROUP = "Trajectories"
_VERSION = re.compile(r"ATIF-v(\d+)\.(\d+)")
_KNOWN = (1, 7)
MOST_LEVELS = 20


def detect(sample: list[Any]) -> bool:
    """Whether records name this format as their schema."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a trajectory of this format."""
    return isinstance(value, dict) and str(value.get("schema_version")).startswith("ATIF-") and "steps" in value


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per trajectory; those of sub-agents that stand inside are conversations of it."""
    return each_record(source, read_record)


def read_record(record: Any) -> ParsedTrace:
    """One trajectory. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or not is_record(record):
        raise Unreadable("is not an object with schema_version ATIF-... and steps")
    notes = Notes()
    _check_version(as_text(record["schema_version"]), notes)
    main = _conversation(record, notes, "main")
    if not main["messages"]:
        raise Unreadable("steps is empty")
    agent = _object(record, "agent")
    metrics = _object(record, "final_metrics")
    key = as_text(record.get("trajectory_id") or record.get("session_id") or "")
    metadata = {name: record[name] for name in ("notes", "extra", "continued_trajectory_ref") if record.get(name)}
    metadata |= {f"agent.{name}": agent[name] for name in ("version", "extra") if agent.get(name)}
    trace = ParsedTrace(
        external_id=key or content_id("atif", record),
        document={"conversations": [main, *_sub_agents(record, notes, 0)]},
        session_id=as_text(record.get("session_id") or ""),
        agent=as_text(agent.get("name") or ""),
        model=as_text(agent.get("model_name") or ""),
        started_at=next((at for step in record["steps"] if isinstance(step, dict) and (at := read_time(step.get("timestamp")))), None),
        input_tokens=whole_number(metrics.get("total_prompt_tokens")),
        output_tokens=whole_number(metrics.get("total_completion_tokens")),
        cost_usd=read_dollars(metrics.get("total_cost_usd")),
        metadata=metadata,
        source={"format": NAME, "version": as_text(record["schema_version"])},
    )  # fmt: skip
    if not agent.get("tool_definitions"):
        notes.add("the schemas of the tools did not come with it")
    trace.import_notes = notes.lines()
    return trace


def _check_version(text: str, notes: Notes) -> None:
    found = _VERSION.fullmatch(text)
    if found is None or int(found[1]) != 1:
        raise Unreadable(f"schema_version {text[:40]!r} is not known; ATIF-v1.0 to v1.{_KNOWN[1]} are")
    if int(found[2]) > _KNOWN[1]:
        notes.add(f"{text[:20]} was read as v1.{_KNOWN[1]}: what is new in it was not taken over")


def _sub_agents(record: dict[str, Any], notes: Notes, level: int) -> list[Conversation]:
    given = record.get("subagent_trajectories")
    found: list[Conversation] = []
    for number, inner in enumerate(given if isinstance(given, list) else []):
        if not isinstance(inner, dict) or not isinstance(inner.get("steps"), list) or level >= MOST_LEVELS:
            notes.add("a sub-agent's trajectory could not be read and was left out")
            continue
        name = as_text(inner.get("trajectory_id") or inner.get("session_id") or f"sub-agent {level}.{number}")
        conversation = _conversation(inner, notes, name)
        if conversation["messages"]:
            found.append(conversation)
        found += _sub_agents(inner, notes, level + 1)
    return found


def _conversation(record: dict[str, Any], notes: Notes, key: str) -> Conversation:
    agent = _object(record, "agent")
    steps = record.get("steps")
    if not isinstance(steps, list):
        raise Unreadable("steps is not a list")
    messages: list[Message] = []
    for number, step in enumerate(steps):
        if not isinstance(step, dict):
            raise Unreadable(f"steps[{number}]: is no object")
        messages += _step(step, number, as_text(agent.get("model_name") or ""), notes)
    tie_results(messages, notes)
    return {
        "id": key,
        "name": as_text(agent.get("name") or ""),
        "kind": "main" if key == "main" else "sub_agent",
        "messages": messages,
        "tools": read_tools(agent.get("tool_definitions"), notes),
    }


def _step(step: dict[str, Any], number: int, model: str, notes: Notes) -> list[Message]:
    source = step.get("source")
    parts = _parts(step.get("message"), notes)
    if source in ("system", "user"):
        seen = [part for result in _results(step) for part in _parts(result.get("content"), notes)]
        return [{"role": source, "parts": [*parts, *seen]}] if parts or seen else []
    if source != "agent":
        raise Unreadable(f"steps[{number}]: source {str(source)[:40]!r} is none of system, user, agent")
    said: Message = {"role": "assistant", "parts": parts}
    if step.get("reasoning_content"):
        said["reasoning"] = [{"text": as_text(step["reasoning_content"])}]
    calls = _calls(step, number, notes)
    if calls:
        said["tool_calls"] = calls
    _measure(step, said, model, notes)
    return [said, *_observed(step, calls, notes)]


def _calls(step: dict[str, Any], number: int, notes: Notes) -> list[ToolCall]:
    given = step.get("tool_calls") or []
    if not isinstance(given, list) or not all(isinstance(call, dict) for call in given):
        raise Unreadable(f"steps[{number}]: tool_calls is no list of objects")
    return [
        {
            "id": as_text(call.get("tool_call_id") or ""),
            "name": as_text(call.get("function_name") or ""),
            "arguments": arguments_text(call.get("arguments"), notes),
        }
        for call in given
    ]


def _observed(step: dict[str, Any], calls: list[ToolCall], notes: Notes) -> list[Message]:
    """A tool message for each result; what was observed without a call is what the agent was told next."""
    messages: list[Message] = []
    for result in _results(step):
        parts = _parts(result.get("content"), notes)
        if result.get("subagent_trajectory_ref"):
            notes.add("a result refers to a sub-agent's trajectory; the reference was not taken over")
        if calls:
            key = as_text(result.get("source_call_id") or "")
            messages.append({"role": "tool", "parts": parts, "tool_call_id": key})
        elif parts:
            notes.add("an observation without a tool call was read as the next words of the user")
            messages.append({"role": "user", "parts": parts})
    return messages


def _results(step: dict[str, Any]) -> list[dict[str, Any]]:
    results = _object(step, "observation").get("results")
    return [result for result in results if isinstance(result, dict)] if isinstance(results, list) else []


def _measure(step: dict[str, Any], said: Message, model: str, notes: Notes) -> None:
    """Tokens, cost and time of the model call; steps that were copied from elsewhere, or needed no model, have none."""
    at = read_time(step.get("timestamp"))
    if at:
        said["started_at"] = at.isoformat()
    if step.get("is_copied_context") is True or step.get("llm_call_count") == 0:
        return
    if step.get("model_name") or model:
        said["model"] = as_text(step.get("model_name") or model)
    metrics = _object(step, "metrics")
    names = {"input": "prompt_tokens", "output": "completion_tokens", "cache_read": "cached_tokens"}
    usage: Usage = {}
    for key, name in names.items():
        if (count := whole_number(metrics.get(name))) is not None:
            usage[key] = count  # type: ignore[literal-required]
    if usage:
        said["usage"] = usage
    cost = as_finite(metrics.get("cost_usd"))
    if cost is not None and cost >= 0:
        said["cost_usd"] = str(cost)
    if metrics.keys() & {"logprobs", "prompt_token_ids", "completion_token_ids"}:
        notes.add("token ids and log probabilities of a step were not taken over")


def _parts(content: Any, notes: Notes) -> list[Part]:
    """Text, or parts {type: text | image, source: {media_type, path}}; a path beside the file cannot be followed."""
    if not isinstance(content, list):
        return read_parts(content, notes)
    found: list[Part] = []
    for part in content:
        source = part.get("source") if isinstance(part, dict) and part.get("type") == "image" else None
        if not isinstance(source, dict):
            found += read_parts([part], notes)
            continue
        path = as_text(source.get("path") or source.get("url") or "")
        if path.startswith(("data:", "http://", "https://")):
            found.append({"type": "image", "url": path})
        else:
            notes.add("an image lies in a file beside the trajectory; only its name was taken over")
            found.append({"type": "file", "value": source})
    return found


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}
