"""A conversation in the form of chat completions, and what is sent of it to get another answer."""

import json
from dataclasses import dataclass
from typing import Any

from curation.messages.clean import Notes, mend_inside
from curation.messages.form import Conversation, Document, Message, Part, Tool, main_conversation
from curation.scoring.refused import Refused

_PLAIN = ("text", "refusal", "json")


@dataclass(frozen=True, slots=True)
class Opening:
    """What was said before the last answer, in the internal form, and that answer (None: it ends without one)."""

    conversation: Conversation
    messages: list[Message]
    tools: list[Tool]
    original: Message | None

    def sent(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Messages and tools as they are sent. Raises Refused for what a chat connection does not take."""
        return messages_of(self.messages), [tool_of(one) for one in self.tools]


def opening(document: Document) -> Opening:
    """The whole main conversation up to the answer that it ends with: system, questions, answers, calls and their
    results; all of it where it ends without one. Raises Refused where nobody asked anything."""
    conversation = main_conversation(document)
    messages = conversation["messages"]
    answered = bool(messages) and messages[-1]["role"] == "assistant"
    before = messages[:-1] if answered else messages
    if not any(one["role"] == "user" for one in before):
        raise Refused("trace", "Nobody asked anything before its last answer, so there is nothing to send.")
    return Opening(conversation, before, conversation.get("tools") or [], messages[-1] if answered else None)


def messages_of(messages: list[Message]) -> list[dict[str, Any]]:
    """Raises Refused naming the message that cannot be sent. `developer` is sent as `system`, which every endpoint
    knows; what was thought is not sent."""
    return [_message(one, f"messages[{index}]") for index, one in enumerate(messages)]


def tool_of(tool: Tool) -> dict[str, Any]:
    """A tool as it is offered. Raises Refused where its schema is no JSON object."""
    function: dict[str, Any] = {"name": tool["name"]}
    if tool.get("description"):
        function["description"] = tool["description"]
    if tool.get("parameters", "").strip():
        try:
            schema = json.loads(mend_inside(tool["parameters"], Notes()))
        except (ValueError, RecursionError):
            schema = None
        if not isinstance(schema, dict):
            raise Refused("trace", f"The schema of the tool {tool['name'][:80]!r} is no JSON object.")
        function["parameters"] = schema
    return {"type": "function", "function": function}


def _message(one: Message, where: str) -> dict[str, Any]:
    role = "system" if one["role"] == "developer" else one["role"]
    said: dict[str, Any] = {"role": role, "content": _content(one, where)}
    if role == "tool":
        if not one.get("tool_call_id"):
            raise Refused("trace", f"{where}: the result of a tool names no call.")
        said["tool_call_id"] = one["tool_call_id"]
    elif one.get("name"):
        said["name"] = one["name"]
    if calls := one.get("tool_calls"):
        said["content"] = said["content"] or None
        said["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls
        ]
    return said


def _content(one: Message, where: str) -> Any:
    parts = one["parts"]
    if all(part["type"] in _PLAIN for part in parts):
        return "\n".join(_text(part) for part in parts)
    written: list[dict[str, Any]] = []
    for part in parts:
        if part["type"] in _PLAIN:
            written.append({"type": "text", "text": _text(part)})
        elif part["type"] == "image" and part.get("url") and one["role"] == "user":
            written.append({"type": "image_url", "image_url": {"url": part["url"]}})
        else:
            raise Refused("trace", f"{where}: a part of type {part['type']} cannot be sent over a chat connection.")
    return written


def _text(part: Part) -> str:
    return json.dumps(part.get("value"), ensure_ascii=False) if part["type"] == "json" else part.get("text", "")
