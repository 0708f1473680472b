"""The conversation that an annotation task shows, out of whatever fields its project gave it."""

from typing import Any

from curation.ingest.content import as_text
from curation.ingest.parsed import Unreadable
from curation.ingest.reading import maybe_json
from curation.ingest.turns import read_said
from curation.messages.clean import Notes
from curation.messages.form import Message, message

SAID = ("messages", "conversation", "conversations", "chat", "dialogue", "dialog", "history")
ASKED = ("prompt", "question", "instruction", "query", "request", "input")
ANSWERED = ("response", "completion", "answer", "output", "reply", "generation")
PAIRS = (
    ("response_a", "response_b"), ("answer_a", "answer_b"), ("output_a", "output_b"), ("response1", "response2"),
    ("response_1", "response_2"), ("answer1", "answer2"), ("answer_1", "answer_2"), ("left", "right"),
    ("chosen", "rejected"), ("text1", "text2"),
)  # fmt: skip
IDS = ("external_id", "trace_id")
FIELDS = {*SAID, *ASKED, *ANSWERED, *IDS, "system", "system_prompt", "context", "tools", "text",
          *(name for pair in PAIRS for name in pair)}  # fmt: skip
_SPEAKER = ("role", "from", "author", "speaker", "name")
_ROLES = {"human": "user", "customer": "user", "ai": "assistant", "bot": "assistant", "agent": "assistant",
          "model": "assistant", "gpt": "assistant"}  # fmt: skip


def read_shown(fields: dict[str, Any], notes: Notes) -> tuple[list[Message], Message | None]:
    """The messages, and the second answer where the task compares two. ([], None) where no field is known."""
    messages: list[Message] = []
    system = fields.get("system") or fields.get("system_prompt")
    said = next((found for name in SAID if isinstance(found := maybe_list(fields.get(name)), list)), None)
    if said is not None:
        messages = _said(said, notes, system)
    elif system:
        messages = [message("system", as_text(system))]
    asked = [fields[name] for name in ASKED if fields.get(name) not in (None, "")]
    if asked and said is None:
        chat = maybe_list(asked[0])
        words = "\n".join(as_text(one) for one in [*asked, fields.get("context")] if one not in (None, ""))
        messages += _said(chat, notes, None) if isinstance(chat, list) else [message("user", words)]
    pair = next(((left, right) for left, right in PAIRS if fields.get(left) and fields.get(right)), None)
    if pair is not None:
        return [*messages, message("assistant", as_text(fields[pair[0]]))], message(
            "assistant", as_text(fields[pair[1]])
        )
    answered = [fields[name] for name in ANSWERED if fields.get(name) not in (None, "")]
    if answered:
        messages.append(message("assistant", as_text(answered[0])))
    if not messages and fields.get("text") not in (None, ""):
        notes.add("the task has one text and no conversation; it was read as an answer")
        messages = [message("assistant", as_text(fields["text"]))]
    return messages, None


def maybe_list(value: Any) -> Any:
    """The list behind JSON text, or the value as it is."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        found = maybe_json(value)
        return found if isinstance(found, list) else value
    return value


def _said(values: list[Any], notes: Notes, system: Any) -> list[Message]:
    """Chat messages, turns, or lines of a dialogue such as {"author", "text"}. Raises Unreadable."""
    plain = []
    for number, value in enumerate(values):
        if (
            not isinstance(value, dict)
            or ("role" in value and "content" in value)
            or ("from" in value and "value" in value)
        ):
            plain.append(value)
            continue
        speaker = next((value[key] for key in _SPEAKER if isinstance(value.get(key), str)), None)
        if speaker is None:
            raise Unreadable(f"message {number} of the task names nobody who says it")
        role = speaker.strip().lower()
        text = next((value[key] for key in ("text", "content", "value", "message") if key in value), None)
        plain.append({"role": _ROLES.get(role, role), "content": text})
    return read_said(plain, notes, field="the conversation", system=system)
