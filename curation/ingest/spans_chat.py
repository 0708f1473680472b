"""Messages in spans, in whichever spelling an SDK writes them: GenAI parts, OpenAI's chat, Anthropic's blocks, the Vercel AI
SDK's parts, LangChain's types.

All of them are lists of {role, content or parts}; they differ in how parts name themselves and where results of tools
stand. A result always becomes a tool message of its own, before the rest of the message it came in.
"""

from typing import Any, cast

from curation.ingest.content import as_text, read_parts
from curation.ingest.openai_messages import arguments_text, dumps, read_tool_calls
from curation.ingest.parsed import Unreadable
from curation.ingest.reading import finish_reason, maybe_json
from curation.messages.clean import Notes
from curation.messages.form import Message, Part, Reasoning, RoleName, ToolCall

_ROLES = {
    "model": "assistant", "ai": "assistant", "human": "user", "function": "tool", "AIMessage": "assistant",
    "HumanMessage": "user", "SystemMessage": "system", "ToolMessage": "tool", "chatbot": "assistant",
}  # fmt: skip
_KNOWN = ("system", "developer", "user", "assistant", "tool")
_TEXT = {"text", "input_text", "output_text", "summary_text"}
_REASONING = {"reasoning", "thinking", "redacted_thinking", "redacted-reasoning"}
_CALLS = {"tool_call", "tool-call", "tool_use", "server_tool_call", "server_tool_use", "function_call"}
_RESULTS = {"tool_call_response", "tool-result", "tool_result", "server_tool_call_response", "function_call_output"}
_FILES = {"blob", "uri", "file", "image", "media", "document"}


def read_chat(value: Any, notes: Notes, *, role: RoleName) -> list[Message]:
    """What was said, out of JSON text or a value: a list of messages, {messages: [...]}, one message, or plain text, which
    is one message of `role`."""
    found = maybe_json(value) if isinstance(value, str) and value[:1] in "[{" else value
    if found in (None, "", [], {}):
        if found is None and isinstance(value, str) and value:
            return [_plain(value, role)]
        return []
    whole = value if isinstance(value, str) else as_text(found)  # words that are JSON stay as they were written
    if isinstance(found, dict):
        return _read_object(found, notes, role, whole)
    if isinstance(found, list):
        if any(isinstance(item, dict) and _role_of(item) for item in found):
            return [message for item in found for message in read_said(item, notes)]
        if all(isinstance(item, dict) and isinstance(item.get("type"), str) for item in found):
            return read_said({"role": role, "content": found}, notes)
        if all(isinstance(item, list) for item in found):  # a batch of prompts: LangChain's habit
            return [message for item in found[:1] for message in read_chat(item, notes, role=role)]
    return [_plain(whole, role)]


def read_said(item: Any, notes: Notes) -> list[Message]:
    """One message. Results of tools inside it become tool messages, before the rest of it; none where its role is not
    known, which is noted."""
    role = _role_of(item) if isinstance(item, dict) else ""
    if role not in _KNOWN:
        notes.add("a message without a known role was left out")
        return []
    item = item["kwargs"] if isinstance(item.get("kwargs"), dict) and "content" in item["kwargs"] else item
    message: Message = {"role": cast(RoleName, role), "parts": []}
    results: list[Message] = []
    given = item.get("parts") or item.get("content")
    if isinstance(given, list):
        for part in given:
            _take_part(part, message, results, notes)
    elif given is not None and given != "":
        message["parts"] += read_parts(given, notes)
    _take_rest(item, message, notes)
    if results and not message["parts"] and role in ("tool", "user"):
        return results
    if role == "tool":
        message["tool_call_id"] = as_text(item.get("tool_call_id") or item.get("toolCallId") or item.get("id") or "")
        if item.get("status") == "error" or item.get("is_error") is True:
            message["is_error"] = True
    return [*results, message]


def result_parts(answer: Any) -> list[Part]:
    """What a tool answered: text as it is, lists of text blocks as texts, anything else as JSON text."""
    if answer is None or answer == "":
        return []
    if isinstance(answer, str):
        return [{"type": "text", "text": answer}]
    if isinstance(answer, list) and answer and all(_is_block(item) for item in answer):
        return [part for item in answer if (part := _block(item)) is not None]
    return [{"type": "text", "text": dumps(answer)}]


def thought_text(content: Any) -> str:
    """Reasoning as text; a list of summaries, or such a list written as JSON, becomes their texts."""
    if isinstance(content, str) and content[:2] == "[{":
        found = maybe_json(content)
        content = found if isinstance(found, list) else content
    if isinstance(content, list) and content and all(isinstance(item, dict) and "text" in item for item in content):
        return "\n".join(as_text(item["text"]) for item in content)
    return as_text(content or "")


def _plain(text: str, role: RoleName) -> Message:
    return {"role": role, "parts": [{"type": "text", "text": text}]}


def _read_object(found: dict[str, Any], notes: Notes, role: RoleName, whole: str) -> list[Message]:
    for key in ("messages", "input", "prompt") if role != "assistant" else ("messages",):
        if isinstance(found.get(key), (list, dict)) or (key != "input" and isinstance(found.get(key), str)):
            if _role_of(found):
                break
            rules = next((found[name] for name in ("system", "instructions") if found.get(name)), None)
            start: list[Message] = []
            if rules:
                start = read_chat(rules, notes, role="system")
            return [*start, *read_chat(found[key], notes, role=role)]
    if isinstance(found.get("choices"), list):
        return read_choices(found["choices"], notes)
    if _role_of(found):
        return read_said(found, notes)
    if isinstance(found.get("message"), dict) and found["message"].keys() & {"role", "content", "tool_calls"}:
        return read_chat(found["message"], notes, role=role)
    if isinstance(found.get("content"), (str, list)) and found["content"]:
        return read_said({**found, "role": role}, notes)
    if list(found) == ["output"] and found["output"]:
        return read_chat(found["output"], notes, role=role)
    return [_plain(whole, role)]


def read_choices(choices: list[Any], notes: Notes) -> list[Message]:
    """The answers of a chat completion, one message each."""
    found: list[Message] = []
    for choice in choices:
        inner = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(inner, dict):
            text = choice.get("text") if isinstance(choice, dict) else None
            inner = {"role": "assistant", "content": text} if isinstance(text, str) else None
        if inner is None:
            notes.add("a choice without a message was left out")
            continue
        reason = choice.get("finish_reason")
        found += read_said({"role": "assistant", **inner, **({"finish_reason": reason} if reason else {})}, notes)
    return found


def _role_of(item: dict[str, Any]) -> str:
    role = item.get("role")
    if not isinstance(role, str):
        kind = item.get("type")
        role = kind if isinstance(kind, str) and (kind in _ROLES or kind in _KNOWN) else None
        kinds = item.get("id")  # LangChain's serialised form: {"lc": 1, "id": [..., "AIMessage"], "kwargs": {...}}
        if role is None and item.get("lc") and isinstance(kinds, list) and kinds and isinstance(kinds[-1], str):
            role = kinds[-1]
    return _ROLES.get(role, role) if isinstance(role, str) else ""


def _take_rest(item: dict[str, Any], message: Message, notes: Notes) -> None:
    """What stands beside the content: OpenAI's tool calls, refusals and reasoning, the name, why it ended."""
    if item.get("tool_calls") or item.get("function_call"):
        try:
            calls = read_tool_calls(_flat(item), notes)
        except Unreadable as error:
            notes.add(f"tool calls were left out: {error}")
            calls = []
        if calls and message["role"] == "assistant" and not message.get("tool_calls"):
            message["tool_calls"] = calls
    if item.get("refusal"):
        message["parts"].append({"type": "refusal", "text": as_text(item["refusal"])})
    thought = item.get("reasoning_content") or item.get("reasoning")
    if thought and not message.get("reasoning"):
        message["reasoning"] = [{"text": thought_text(thought)}]
    if item.get("name"):
        message["name"] = as_text(item["name"])
    if item.get("finish_reason"):
        message["finish_reason"] = finish_reason(item["finish_reason"])


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    """LangChain calls their arguments `args`."""
    calls = item.get("tool_calls")
    if not isinstance(calls, list):
        return item
    return {
        **item,
        "tool_calls": [
            {**call, "arguments": call["args"]} if isinstance(call, dict) and "args" in call else call for call in calls
        ],
    }


def _take_part(part: Any, message: Message, results: list[Message], notes: Notes) -> None:
    if isinstance(part, str):
        message["parts"].append({"type": "text", "text": part})
        return
    if not isinstance(part, dict):
        notes.add("a part of a message that is no object was left out")
        return
    kind = part.get("type")
    kind = kind if isinstance(kind, str) else None
    if kind in _TEXT or (kind is None and isinstance(part.get("text"), str)):
        text = next((part[key] for key in ("content", "text", "value") if part.get(key)), None)
        if text:
            message["parts"].append({"type": "text", "text": as_text(text)})
    elif kind in _REASONING:
        message.setdefault("reasoning", []).append(_thought(part))
    elif kind in _CALLS and message["role"] == "assistant":
        message.setdefault("tool_calls", []).append(_call(part, notes))
    elif kind in _RESULTS:
        results.append(_result(part))
    elif kind in _FILES:
        message["parts"].append(_file(part))
    elif kind == "compaction":
        notes.add("the provider put a summary in the place of older messages (compaction)")
        message["parts"].append({"type": "text", "text": as_text(part.get("content") or "")})
    else:
        message["parts"] += read_parts([part], notes)


def _thought(part: dict[str, Any]) -> Reasoning:
    content = next((part[key] for key in ("content", "text", "thinking", "summary") if part.get(key)), "")
    thought: Reasoning = {"text": thought_text(content)}
    if part.get("id"):
        thought["id"] = as_text(part["id"])
    signature = part.get("signature") or part.get("encrypted_content") or part.get("data")
    if signature:
        thought["signature"] = as_text(signature)
        if not thought["text"]:
            thought["redacted"] = True
    return thought


def _call(part: dict[str, Any], notes: Notes) -> ToolCall:
    given = next((part[key] for key in ("arguments", "args", "input") if part.get(key) is not None), None)
    inner = part.get("server_tool_call")
    if given is None and isinstance(inner, dict):
        given = inner
    call: ToolCall = {
        "id": as_text(part.get("call_id") or part.get("id") or part.get("toolCallId") or ""),
        "name": as_text(part.get("name") or part.get("toolName") or ""),
        "arguments": arguments_text(given, notes),
    }
    if part.get("type") in ("server_tool_call", "server_tool_use"):
        call["type"] = "server"
    return call


def _result(part: dict[str, Any]) -> Message:
    keys = ("response", "result", "output", "content", "server_tool_call_response")
    answer = next((part[key] for key in keys if key in part), None)
    is_error = part.get("is_error") is True or part.get("isError") is True
    if isinstance(answer, dict) and set(answer) <= {"type", "value", "reason"} and "type" in answer:
        is_error = is_error or str(answer["type"]).startswith("error") or answer["type"] == "execution-denied"
        answer = answer.get("value", answer.get("reason"))
    ids = ("id", "tool_use_id", "toolCallId", "call_id")
    result: Message = {
        "role": "tool",
        "parts": result_parts(answer),
        "tool_call_id": as_text(next((part[key] for key in ids if part.get(key)), "")),
    }
    if part.get("toolName"):
        result["name"] = as_text(part["toolName"])
    if is_error:
        result["is_error"] = True
    return result


def _file(part: dict[str, Any]) -> Part:
    """An image or file: GenAI's blob, uri and file, Anthropic's source, the Vercel AI SDK's image and data."""
    source = part["source"] if isinstance(part.get("source"), dict) else part
    media = source.get("mime_type") or source.get("media_type") or part.get("mediaType") or part.get("mimeType")
    media = as_text(media or "")
    kind = str(part.get("modality") or part["type"])
    modality = kind if kind in ("image", "audio") else "image" if media.startswith("image/") else "file"
    address = next((source[key] for key in ("uri", "url") if isinstance(source.get(key), str)), "")
    data = next((source[key] for key in ("content", "data", "image") if isinstance(source.get(key), str)), "")
    if not address and data.startswith(("data:", "http://", "https://")):
        address, data = data, ""
    if not address and not data:
        return {"type": "file", "value": {key: part[key] for key in part if key != "type"}}
    known = media or "application/octet-stream"
    return {"type": modality, "url": address or f"data:{known};base64,{data}", "media_type": known}


def _is_block(item: Any) -> bool:
    return (
        isinstance(item, dict) and isinstance(item.get("type"), str) and item["type"] in (*_TEXT, "image", "document")
    )


def _block(item: dict[str, Any]) -> Part | None:
    if item["type"] in _TEXT:
        text = item.get("text") or item.get("content")
        return {"type": "text", "text": as_text(text)} if text else None
    return _file(item)
