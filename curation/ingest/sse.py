"""Streams of server-sent events as logs hold them, put together to the response they streamed.

Source: OpenAI API reference, "Streaming" (chat.completion.chunk: deltas by choice and tool call index; Responses: the
event response.completed holds all) and Anthropic, "Streaming messages" (content blocks by index).
"""

from typing import Any

from curation.ingest.parsed import Unreadable
from curation.ingest.text import parse
from curation.messages.clean import Notes

_WHOLE = {"response.completed", "response.incomplete", "response.failed"}
_JOINED = ("content", "refusal", "reasoning_content", "reasoning")
CUT_OFF = "a stream ended before its end was said; what had come was taken"


def read_events(text: str) -> list[Any] | None:
    """The JSON of every `data:` line; None where the text is no stream of events."""
    if not text.lstrip().startswith(("data:", "event:", ":")):
        return None
    events = []
    for line in text.splitlines():
        if line.startswith("data:") and (data := line[5:].strip()) and data != "[DONE]":
            try:
                events.append(parse(data))
            except Unreadable:
                return None
    return events


def joined_openai(events: list[Any], notes: Notes) -> dict[str, Any]:
    """A chat completion or a response out of the events that streamed it. Raises Unreadable."""
    whole = [
        event["response"] for event in events if _type(event) in _WHOLE and isinstance(event.get("response"), dict)
    ]
    if whole:
        return dict(whole[-1])
    failed = [event for event in events if isinstance(event, dict) and event.get("error")]
    chunks = [event for event in events if isinstance(event, dict) and isinstance(event.get("choices"), list)]
    if not chunks:
        if failed:
            return {"error": failed[-1]["error"]}
        raise Unreadable("response is a list that is no stream of chunks")
    found: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for key in ("id", "model", "created", "usage", "service_tier"):
            if chunk.get(key):
                found[key] = chunk[key]
        for choice in chunk["choices"]:
            if isinstance(choice, dict):
                _take_choice(choice, choices)
    if any(not choice.get("finish_reason") for choice in choices.values()):
        notes.add(CUT_OFF)
    found["choices"] = [_closed(choices[number]) for number in sorted(choices)]
    return found


def _take_choice(choice: dict[str, Any], choices: dict[int, dict[str, Any]]) -> None:
    number = _index(choice)
    kept = choices.setdefault(number, {"index": number, "message": {"role": "assistant", "content": None}, "calls": {}})
    if choice.get("finish_reason"):
        kept["finish_reason"] = choice["finish_reason"]
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return
    message = kept["message"]
    for key in _JOINED:
        if isinstance(delta.get(key), str):
            message[key] = (message.get(key) or "") + delta[key]
    pieces = delta.get("tool_calls")
    for piece in pieces if isinstance(pieces, list) else []:
        if isinstance(piece, dict):
            _take_call(piece, kept["calls"])


def _take_call(piece: dict[str, Any], calls: dict[int, dict[str, Any]]) -> None:
    """The id and the name come once, the arguments in pieces."""
    call = calls.setdefault(_index(piece), {"type": "function", "function": {"name": "", "arguments": ""}})
    if isinstance(piece.get("id"), str) and piece["id"]:
        call["id"] = piece["id"]
    inner = piece.get("function")
    if isinstance(inner, dict):
        for key in ("name", "arguments"):
            if isinstance(inner.get(key), str):
                call["function"][key] += inner[key]


def _closed(choice: dict[str, Any]) -> dict[str, Any]:
    calls = choice.pop("calls")
    if calls:
        choice["message"]["tool_calls"] = [calls[number] for number in sorted(calls)]
    return choice


def joined_anthropic(events: list[Any], notes: Notes) -> dict[str, Any]:
    """A message out of the events that streamed it. Raises Unreadable."""
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    ended = False
    for event in events:
        kind = _type(event)
        if kind == "message_start" and isinstance(event.get("message"), dict):
            message = dict(event["message"])
        elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            blocks[_index(event)] = dict(event["content_block"])
        elif kind == "content_block_delta" and isinstance(event.get("delta"), dict):
            _take_delta(blocks.setdefault(_index(event), {"type": "text"}), event["delta"])
        elif kind == "message_delta":
            delta, usage = event.get("delta"), event.get("usage")
            message.update(delta if isinstance(delta, dict) else {})
            before = message.get("usage")
            message["usage"] = {
                **(before if isinstance(before, dict) else {}), **(usage if isinstance(usage, dict) else {}),
            }  # fmt: skip
        elif kind == "message_stop":
            ended = True
        elif kind == "error":
            return {"error": event.get("error") or "the stream failed"}
    if not message and not blocks:
        raise Unreadable("response is a list that is no stream of events")
    if not ended:
        notes.add(CUT_OFF)
    message["content"] = [_block(blocks[number]) for number in sorted(blocks)]
    return message


def _take_delta(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("text", "thinking", "signature", "partial_json"):
        if isinstance(delta.get(key), str):
            before = block.get(key)
            block[key] = (before if isinstance(before, str) else "") + delta[key]


def _block(block: dict[str, Any]) -> dict[str, Any]:
    written = block.pop("partial_json", "")
    if written:
        block["input"] = written
    return block


def _type(event: Any) -> str:
    kind = event.get("type") if isinstance(event, dict) else ""
    return kind if isinstance(kind, str) else ""


def _index(piece: dict[str, Any]) -> int:
    number = piece.get("index")
    return number if isinstance(number, int) else 0
