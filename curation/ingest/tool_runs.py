"""Tool spans beside what the model was told: times and failures of calls, results that no later call repeated."""

from collections import Counter
from typing import Any

from curation.ingest.calls import ModelCall, same_arguments
from curation.ingest.reading import ToolRun, moment
from curation.messages.clean import Notes
from curation.messages.form import Conversation, Message
from curation.messages.measure import results_of

Place = tuple[int, int]
_NAMED = 5


def attach(conversations: list[Conversation], runs: list[ToolRun], notes: Notes) -> list[Conversation]:
    """Conversations with the runs on the results of their calls. A run belongs to the call with its id, else to the
    first free call of the same name and arguments, else of the same name. Results that came in no message are added
    behind the message that asked. Runs of no call are counted."""
    if not runs:
        return conversations
    matched: set[str] = set()
    found = []
    for conversation in conversations:
        pairs = _match(conversation, runs)
        matched.update(run.key for run in pairs.values())
        found.append(_with_runs(conversation, pairs))
    ids = {call["id"] for told in found for message in told["messages"] for call in message.get("tool_calls", [])}
    unmatched = [run for run in runs if run.key not in matched]
    if twins := sum(bool(run.call_id) and run.call_id in ids for run in unmatched):
        notes.add("the run of a tool was reported by two spans and taken once", twins)
    left = Counter(run.name[:60] for run in unmatched if not run.call_id or run.call_id not in ids)
    for name, count in sorted(left.items())[:_NAMED]:
        notes.add(f"a tool span belongs to no call: {name}", count)
    if len(left) > _NAMED:
        notes.add("further tool spans belong to no call", sum(count for _, count in sorted(left.items())[_NAMED:]))
    return found


def without_content(calls: list[ModelCall], runs: list[ToolRun]) -> list[Message]:
    """Model calls and tool runs in the order they began; a run is a call of the model call before it."""
    messages: list[Message] = []
    asking: Message | None = None
    events: list[tuple[int, int, Any]] = [(call.start, 0, call) for call in calls]
    events += [(run.start, 1, run) for run in runs]
    for _, _, event in sorted(events, key=lambda entry: entry[:2]):
        if isinstance(event, ModelCall):
            asking = event.answer()
            messages.append(asking)
            continue
        if asking is None:
            asking = {"role": "assistant", "parts": []}
            messages.append(asking)
        key = event.call_id or event.key
        asking.setdefault("tool_calls", []).append(
            {"id": key, "name": event.name, "arguments": event.arguments or "{}"}
        )
        messages.append(_result(event, key))
    return messages


def _match(conversation: Conversation, runs: list[ToolRun]) -> dict[Place, ToolRun]:
    free: dict[Place, tuple[str, str, str]] = {}
    for index, message in enumerate(conversation["messages"]):
        for number, call in enumerate(message.get("tool_calls", [])):
            free[index, number] = (call["id"], call["name"], same_arguments(call["arguments"]))
    by_id: dict[str, list[Place]] = {}
    by_call: dict[tuple[str, str], list[Place]] = {}
    by_name: dict[str, list[Place]] = {}
    for place, (call_id, name, arguments) in free.items():
        by_id.setdefault(call_id, []).append(place)
        by_call.setdefault((name, arguments), []).append(place)
        by_name.setdefault(name, []).append(place)
    pairs: dict[Place, ToolRun] = {}
    for run in sorted(runs, key=lambda run: not run.call_id):  # those with ids first, they are sure
        if run.call_id:
            candidates = by_id.get(run.call_id, [])
        else:
            exact = by_call.get((run.name, same_arguments(run.arguments)), []) if run.arguments is not None else []
            candidates = exact or by_name.get(run.name, [])
        free_place = next((candidate for candidate in candidates if candidate not in pairs), None)
        if free_place is not None:
            pairs[free_place] = run
    return pairs


def _with_runs(conversation: Conversation, pairs: dict[Place, ToolRun]) -> Conversation:
    if not pairs:
        return conversation
    answers, _ = results_of(conversation)
    messages = list(conversation["messages"])
    added: dict[int, list[Message]] = {}
    for (index, number), run in pairs.items():
        at = answers.get((index, number))
        call = messages[index]["tool_calls"][number]
        if at is None:
            added.setdefault(index, []).append(_result(run, call["id"]))
        else:
            messages[at] = {**_result(run, call["id"]), **messages[at]}
            if run.is_error:
                messages[at]["is_error"] = True
    rebuilt: list[Message] = []
    waiting: list[Message] = []
    for index, message in enumerate(messages):
        if waiting and message["role"] != "tool":
            rebuilt += waiting
            waiting = []
        rebuilt.append(message)
        waiting += added.get(index, [])
    rebuilt += waiting
    return {**conversation, "messages": rebuilt}


def _result(run: ToolRun, call_id: str) -> Message:
    message: Message = {
        "role": "tool",
        "parts": run.parts or [],
        "tool_call_id": call_id,
        "name": run.name,
        "span_id": run.key,
    }
    if (at := moment(run.start)) is not None:
        message["started_at"] = at.isoformat()
    if run.latency_ms is not None:
        message["latency_ms"] = run.latency_ms
    if run.is_error:
        message["is_error"] = True
    return message
