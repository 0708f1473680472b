"""Reading the lines of somebody's file strictly: nothing is mended, and what is not as the format says is a finding.

(The readers of intake are patient and mend; a file that will be paid for wants the opposite.)
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from curation.datasets.exporting.findings import Finding, error, warning
from curation.messages.form import Message, Part, Tool, ToolCall

_KEYS = {
    "role",
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "refusal",
    "weight",
    "function_call",
    "reasoning_content",
}
_FUNCTION_CALL = "function_call"


class Reader:
    """Reads the pieces of one record; what is wrong gathers in `found`. `arguments`: whether arguments of tool calls are
    JSON text (OpenAI) or objects (chat templates). `parts`: whether content may be a list of parts."""

    def __init__(self, *, arguments: Literal["text", "object"], parts: bool) -> None:
        self.arguments, self.parts = arguments, parts
        self.found: list[Finding] = []

    def wrong(self, code: str, path: str, reason: str) -> None:
        """Note an error."""
        self.found.append(error(code, path, reason))

    def keys(self, record: Mapping[str, Any], known: set[str]) -> None:
        """Remark keys of the record that the format does not know."""
        for key in [key for key in record if key not in known][:8]:
            self.found.append(
                warning("unknown_key", str(key)[:60], "this key is not part of the format; services may refuse it")
            )

    def messages(self, value: Any, path: str) -> list[Message]:
        """A list of chat messages; those without any shape are left out, with an error."""
        if value is None:
            self.wrong("missing_messages", path, f"{path} is missing")
            return []
        if not isinstance(value, list):
            self.wrong("not_a_list", path, f"{path} is {kind_of(value)}, not a list of messages")
            return []
        read = [self._message(one, f"{path}[{index}]") for index, one in enumerate(value)]
        return [one for one in read if one is not None]

    def _message(self, value: Any, path: str) -> Message | None:
        if not isinstance(value, dict):
            self.wrong("not_an_object", path, f"the message is {kind_of(value)}, not an object")
            return None
        role = value.get("role")
        if not isinstance(role, str):
            self.wrong("missing_role", f"{path}.role", "the message has no role")
            return None
        for key in [key for key in value if key not in _KEYS][:8]:
            self._odd_key(f"{path}.{str(key)[:60]}")
        message: Message = {"role": cast(Any, role), "parts": self._content(value, path)}
        if role == "function":  # the old name for a tool's result
            message["role"] = "tool"
            message["tool_call_id"] = _FUNCTION_CALL
            self.found.append(warning("deprecated", f"{path}.role", "function is the old way; write tool"))
        if isinstance(value.get("refusal"), str) and value["refusal"]:
            message["parts"].append({"type": "refusal", "text": value["refusal"]})
        for key in ("name", "tool_call_id"):
            if value.get(key) is not None:
                self._text(message, key, value[key], path)
        if "weight" in value and value["weight"] is not None:
            if isinstance(value["weight"], bool) or not isinstance(value["weight"], (int, float)):
                self.wrong(
                    "weight_not_taken", f"{path}.weight", f"the weight is {kind_of(value['weight'])}, not 0 or 1"
                )
            elif self.arguments == "text" or value["weight"] != 1:  # trl_sft.first says 1 of an answer like any other
                message["weight"] = value["weight"]
        if calls := self._calls(value, path):
            message["tool_calls"] = calls
        if isinstance(value.get("reasoning_content"), str) and value["reasoning_content"]:
            message["reasoning"] = [{"text": value["reasoning_content"]}]
        return message

    def _odd_key(self, path: str) -> None:
        reason = "this key is no part of a chat message"
        if self.arguments == "text":
            self.wrong("unknown_key", path, f"{reason}, and OpenAI refuses it")
        else:
            self.found.append(warning("unknown_key", path, reason))

    def _text(self, message: Message, key: str, value: Any, path: str) -> None:
        if isinstance(value, str):
            cast(dict[str, Any], message)[key] = value
        else:
            self.wrong("not_text", f"{path}.{key}", f"{key} is {kind_of(value)}, not text")

    def _content(self, value: dict[str, Any], path: str) -> list[Part]:
        content = value.get("content")
        if isinstance(content, str):
            return [{"type": "text", "text": content}] if content else []
        if content is None:
            if "content" not in value and not (
                value.get("tool_calls") or value.get("function_call") or value.get("refusal")
            ):
                self.wrong("missing_content", f"{path}.content", "the message has no content")
            return []
        if not isinstance(content, list):
            self.wrong("content_not_text", f"{path}.content", f"the content is {kind_of(content)}, not text")
            return []
        if not self.parts:
            reason = "the content is a list of parts; templates of text models print nothing for it, or fail"
            self.wrong("content_not_text", f"{path}.content", reason)
        return [self._part(one, f"{path}.content[{index}]") for index, one in enumerate(content)]

    def _part(self, value: Any, path: str) -> Part:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind == "text" and isinstance(value.get("text"), str):
            return {"type": "text", "text": value["text"]}
        if kind == "refusal" and isinstance(value.get("refusal"), str):
            return {"type": "refusal", "text": value["refusal"]}
        if kind == "image_url":
            image = value.get("image_url")
            url = image.get("url") if isinstance(image, dict) else None
            if not isinstance(url, str):
                self.wrong("image_without_address", path, "an image is {type: image_url, image_url: {url}}")
            elif not url.startswith(("http://", "https://", "data:")):
                self.wrong("image_without_address", path, "the address is neither http(s) nor a data URL")
            return {"type": "image", "url": url if isinstance(url, str) else ""}
        if not isinstance(kind, str) or kind in ("text", "refusal"):
            self.wrong("part_not_known", path, "a part is an object with a type and its content")
            return {"type": "text", "text": ""}
        return {"type": kind[:40], "value": value}

    def _calls(self, value: dict[str, Any], path: str) -> list[ToolCall]:
        old = value.get("function_call")
        if old is not None:
            self.found.append(warning("deprecated", f"{path}.function_call", "the old way to call; write tool_calls"))
            value = {**value, "tool_calls": [{"id": _FUNCTION_CALL, "type": "function", "function": old}]}
        given = value.get("tool_calls")
        if given is None:
            return []
        if not isinstance(given, list):
            self.wrong("not_a_list", f"{path}.tool_calls", f"tool_calls is {kind_of(given)}, not a list")
            return []
        read = [self._call(one, f"{path}.tool_calls[{index}]") for index, one in enumerate(given)]
        return [one for one in read if one is not None]

    def _call(self, value: Any, path: str) -> ToolCall | None:
        function = value.get("function") if isinstance(value, dict) else None
        if not isinstance(function, dict):
            self.wrong("not_an_object", f"{path}.function", "a tool call is {id, type, function: {name, arguments}}")
            return None
        if value.get("type", "function") != "function":
            self.wrong("tool_type", f"{path}.type", f"{str(value['type'])[:40]!r} is not function")
        name, call_id = function.get("name"), value.get("id")
        return {
            "id": call_id if isinstance(call_id, str) else "",
            "name": name if isinstance(name, str) else "",
            "arguments": self._arguments(function.get("arguments"), f"{path}.function.arguments"),
        }

    def _arguments(self, value: Any, path: str) -> str:
        if isinstance(value, str):
            if self.arguments == "object":
                reason = (
                    "arguments are text; templates such as those of Qwen 2.5 and Llama 3 print it as JSON a second time"
                )
                self.found.append(warning("arguments_are_text", path, reason))
            return value
        if value is None:
            self.wrong("arguments_not_json", path, "the call has no arguments; write {} where there are none")
            return "{}"
        if self.arguments == "text":
            self.wrong(
                "arguments_not_text", path, f"the arguments are {kind_of(value)}; this format wants them as JSON text"
            )
        return json.dumps(value, ensure_ascii=False)

    def tools(self, value: Any, path: str = "tools", *, as_text: bool = False) -> list[Tool]:
        """The tools that were offered: a list, or the JSON text of one where the format writes them so."""
        if value in (None, "", []):
            return []
        if isinstance(value, str) and as_text:
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as wrong:
                self.wrong("tools_not_json", path, f"the tools are text, but not valid JSON: {wrong}")
                return []
            if value is None:
                return []
        elif as_text and isinstance(value, list):
            reason = (
                "tools are objects; tables merge the keys of their schemas and fill them with nulls. Write JSON text"
            )
            self.found.append(warning("tools_are_objects", path, reason))
        if not isinstance(value, list):
            self.wrong("not_a_list", path, f"tools is {kind_of(value)}, not a list")
            return []
        read = [self._tool(one, f"{path}[{index}]") for index, one in enumerate(value)]
        return [one for one in read if one is not None]

    def _tool(self, value: Any, path: str) -> Tool | None:
        function = value.get("function") if isinstance(value, dict) else None
        if isinstance(value, dict) and function is None and "name" in value and self.arguments == "object":
            function = value  # templates take the bare function too
        if not isinstance(function, dict):
            self.wrong("not_an_object", path, "a tool is {type: function, function: {name, description, parameters}}")
            return None
        name, said, schema = function.get("name"), function.get("description"), function.get("parameters")
        if schema is not None and not isinstance(schema, dict):
            self.wrong(
                "schema_not_object", f"{path}.function.parameters", f"the schema is {kind_of(schema)}, not an object"
            )
            schema = None
        return {
            "name": name if isinstance(name, str) else "",
            "description": said if isinstance(said, str) else "",
            "parameters": "" if schema is None else json.dumps(schema, ensure_ascii=False),
        }


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), type(value).__name__)
