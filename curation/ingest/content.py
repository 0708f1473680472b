"""Content of one message: text, or parts of many kinds, into parts of the internal form."""

import json
from typing import Any

from curation.messages.clean import Notes
from curation.messages.form import Part

_TEXT = {"text", "input_text", "output_text", "summary_text"}


def read_parts(content: Any, notes: Notes) -> list[Part]:
    """Text, null, or a list of parts as OpenAI's chat completions and Responses write them. What is no known kind of
    part stays as a json part."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return [part for item in content if (part := _read_part(item, notes)) is not None]
    return [{"type": "json", "value": content}]


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _read_part(item: Any, notes: Notes) -> Part | None:
    if isinstance(item, str):
        return {"type": "text", "text": item}
    if not isinstance(item, dict):
        notes.add("a part of a message that is neither text nor an object was kept as JSON")
        return {"type": "json", "value": item}
    kind = item.get("type")
    kind = kind if isinstance(kind, str) else None
    if kind in _TEXT and isinstance(item.get("text"), str):
        return {"type": "text", "text": item["text"]} if item["text"] else None
    if kind == "text" and isinstance(item.get("value"), str):
        return {"type": "text", "text": item["value"]} if item["value"] else None
    if kind == "refusal" and isinstance(item.get("refusal"), str):
        return {"type": "refusal", "text": item["refusal"]}
    if kind in ("image_url", "input_image"):
        address = item.get("image_url")
        if isinstance(address, dict):
            address = address.get("url")
        if isinstance(address, str):
            return {"type": "image", "url": address}
    if kind == "input_audio" and isinstance(item.get("input_audio"), dict):
        audio = item["input_audio"]
        if isinstance(audio.get("data"), str):
            media = f"audio/{audio.get('format') or 'wav'}"
            return {
                "type": "audio",
                "url": f"data:{media};base64,{audio['data']}",
                "media_type": media,
            }
    if kind in ("file", "input_file"):
        return {
            "type": "file",
            "value": item.get("file", {key: item[key] for key in item if key != "type"}),
        }
    notes.add(f"a part of kind {str(kind)[:40]!r} was kept as JSON")
    return {"type": "json", "value": item}
