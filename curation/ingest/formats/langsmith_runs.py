"""LangSmith's runs: what its SDK posts when a run begins and patches when it ends.

Source: langsmith 0.14.17 (client.py, _internal/_operations.py, run_trees.py, wrappers) and captured bodies; messages of
LangChain as langchain-core serialises them ({"lc", "id": [..., "AIMessage"], "kwargs"}). A run is kept as a span whose
attributes hold the two parts apart, so that they complete each other in whatever order they come.
"""

from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import read_time
from curation.ingest.formats.openai_agents_spans import nanoseconds
from curation.ingest.formats.openai_items import read_items
from curation.ingest.openai_messages import dumps, read_messages, read_tools, whole_number
from curation.ingest.parsed import Unreadable
from curation.ingest.reading import Reading, ToolRun, as_call, error_of, finish_reason, latency_ms
from curation.ingest.spans import PlainSpan
from curation.messages.clean import Notes
from curation.messages.form import Message, Tool, Usage

NAME = "langsmith"
LABEL = "LangSmith runs"
POST, PATCH = "langsmith.post", "langsmith.patch"
_ROLES = {"human": "user", "ai": "assistant", "system": "system", "developer": "developer", "tool": "tool",
          "function": "tool", "chat": "user"}  # fmt: skip
_CLASSES = {"HumanMessage": "human", "AIMessage": "ai", "SystemMessage": "system", "ToolMessage": "tool",
            "FunctionMessage": "function", "ChatMessage": "chat"}  # fmt: skip
_OWN = ("LANGSMITH_", "LANGCHAIN_", "ls_", "revision_id")
_SESSION = ("session_id", "thread_id", "conversation_id")


def as_span(trace: str, key: str, post: dict[str, Any], patch: dict[str, Any]) -> PlainSpan:
    """A run as a span. Texts, times and the error come from both parts, the later part first."""
    run = merged(post, patch)
    error = run.get("error")
    return {
        "trace": trace,
        "span": key,
        "parent": as_text(run.get("parent_run_id") or ""),
        "name": as_text(run.get("name") or ""),
        "kind": 0,
        "start": nanoseconds(run.get("start_time")),
        "end": nanoseconds(run.get("end_time")),
        "status": {"code": 2 if error else 1 if run.get("end_time") else 0, "message": as_text(error or "")},
        "attributes": {POST: post, PATCH: patch},
        "events": [],
        "scope": {"name": "langsmith", "version": "", "schema_url": ""},
        "resource": {},
    }


def merged(post: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """One run of both parts: what the patch says replaces what the post said; what it leaves empty does not."""
    run = {**post, **{name: value for name, value in patch.items() if value not in (None, "", [], {})}}
    if isinstance(post.get("extra"), dict) and isinstance(patch.get("extra"), dict):
        run["extra"] = {**post["extra"], **patch["extra"], "metadata": {**_metadata(post), **_metadata(patch)}}
    return run


def detect(span: PlainSpan) -> bool:
    """Whether a span is a run."""
    return POST in span["attributes"]


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a run says. The outermost run is read as the agent; so a trace without model calls still shows what went in
    and what came out."""
    run = merged(span["attributes"][POST], span["attributes"].get(PATCH) or {})
    metadata = _metadata(run)
    reading = Reading(
        kind="other",
        format=NAME,
        session_id=as_text(next((metadata[key] for key in _SESSION if metadata.get(key)), "")),
        user_id=as_text(metadata.get("user_id") or ""),
        tags=[as_text(tag) for tag in run["tags"]] if isinstance(run.get("tags"), list) else [],
    )
    if not span["parent"]:
        reading.metadata = {key: value for key, value in metadata.items() if not key.startswith(_OWN)}
        if run.get("session_name"):
            reading.metadata["langsmith.project"] = run["session_name"]
    attached = run.get("attachments")
    if isinstance(attached, (dict, list)) and attached:
        notes.add("an attachment of a run was not taken over", len(attached))
    kind = run.get("run_type")
    if kind == "llm":
        reading.kind, reading.call = "llm", _call(span, run, notes)
    elif kind == "tool":
        reading.kind, reading.tool = "tool", _tool(span, run)
    elif not span["parent"]:
        reading.kind, reading.call = "agent", _whole(span, run)
        reading.agent = as_text(run.get("name") or "")
    return reading


def _metadata(run: dict[str, Any]) -> dict[str, Any]:
    extra = run.get("extra")
    found = extra.get("metadata") if isinstance(extra, dict) else None
    return found if isinstance(found, dict) else {}


def _inside(run: dict[str, Any], name: str) -> dict[str, Any]:
    found = run.get(name)
    return found if isinstance(found, dict) else {}


def _call(span: PlainSpan, run: dict[str, Any], notes: Notes) -> Any:
    inputs, outputs = _inside(run, "inputs"), _inside(run, "outputs")
    if not run.get("end_time"):
        notes.add("a model call has begun and not ended yet, as far as was sent")
    said, raw = _answers(outputs, notes)
    metadata = _metadata(run)
    model = outputs.get("model") or metadata.get("ls_model_name") or inputs.get("model")
    model = model or _inside(raw, "response_metadata").get("model_name")
    reason = _inside(raw, "response_metadata").get("finish_reason")
    return as_call(
        span,
        inputs=_asked(inputs, notes),
        outputs=said,
        tools=_tools(run, inputs, notes),
        model=as_text(model or ""),
        response_id=as_text(outputs.get("id") or ""),
        previous_id=as_text(inputs.get("previous_response_id") or ""),
        usage=_usage(run, outputs, raw),
        cost_usd=as_text(run.get("total_cost") or ""),
        finish_reason=finish_reason(reason),
    )


def _asked(inputs: dict[str, Any], notes: Notes) -> list[Message]:
    """Messages as dicts of OpenAI's, of LangChain's (also one list in a list), items of Responses, or prompts as text."""
    given = inputs.get("messages")
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    if isinstance(given, list):
        system = inputs.get("system")
        before = [{"role": "system", "content": system}] if isinstance(system, str) and system else []
        return _messages([*before, *given], notes)
    asked = inputs.get("input")
    try:
        if isinstance(asked, list):
            return read_items(asked, notes, instructions=inputs.get("instructions"))
    except Unreadable as error:
        notes.add(f"the input of a model call could not be read: {error}")
        return []
    prompts = inputs.get("prompts") or inputs.get("prompt") or asked
    texts = prompts if isinstance(prompts, list) else [prompts]
    return [{"role": "user", "parts": [{"type": "text", "text": text}]} for text in texts if isinstance(text, str)]


def _answers(outputs: dict[str, Any], notes: Notes) -> tuple[list[Message], dict[str, Any]]:
    """The assistant messages of a model call (one per choice), and what LangChain's message carried beside its words."""
    if isinstance(outputs.get("choices"), list):
        said = []
        for choice in outputs["choices"]:
            for message in _messages([_inside(choice, "message")] if isinstance(choice, dict) else [], notes):
                if choice.get("finish_reason"):
                    message["finish_reason"] = finish_reason(choice["finish_reason"])
                said.append(message)
        return said, {}
    if isinstance(outputs.get("generations"), list):
        first = outputs["generations"][0] if outputs["generations"] else []
        made = [one for one in (first if isinstance(first, list) else outputs["generations"]) if isinstance(one, dict)]
        given = [one.get("message") or {"role": "assistant", "content": one.get("text") or ""} for one in made]
        raw = _plain(given[0])[1] if given else {}
        return [message for message in _messages(given, notes) if message["role"] == "assistant"], raw
    if isinstance(outputs.get("output"), list):
        try:
            said = read_items(outputs["output"], notes)
        except Unreadable as error:
            notes.add(f"the output of a model call could not be read: {error}")
            return [], {}
        return [message for message in said if message["role"] == "assistant"][:1], {}
    given = outputs.get("messages") or [outputs.get("message") or outputs.get("output") or outputs]
    given = [{"role": "assistant", "content": one} if isinstance(one, str) else one for one in given]
    known = [one for one in given if isinstance(one, dict) and (one.get("role") or one.get("lc") or one.get("type"))]
    raw = _plain(known[0])[1] if known else {}
    return [message for message in _messages(known, notes) if message["role"] == "assistant"], raw


def _messages(given: list[Any], notes: Notes) -> list[Message]:
    try:
        return read_messages([_plain(message)[0] for message in given], notes)
    except Unreadable as error:
        notes.add(f"the messages of a model call could not be read: {error}")
        return []


def _plain(message: Any) -> tuple[Any, dict[str, Any]]:
    """A message as chat completions write it, and what LangChain's form of it carried; others stay as they are."""
    if not isinstance(message, dict):
        return message, {}
    kind, raw = message.get("type"), message
    kind = kind if isinstance(kind, str) else None
    if isinstance(message.get("kwargs"), dict) and isinstance(message.get("id"), list):
        raw = message["kwargs"]
        name = as_text(message["id"][-1]) if message["id"] else ""
        kind = _CLASSES.get(name.removesuffix("Chunk"), raw.get("type"))
    elif message.get("role") or kind not in _ROLES:
        return message, message
    elif isinstance(message.get("data"), dict):
        raw = message["data"]
    more = raw.get("additional_kwargs")
    more = more if isinstance(more, dict) else {}
    plain: dict[str, Any] = {
        "role": raw.get("role") or _ROLES.get(as_text(kind), "user"),
        "content": _without_calls(raw.get("content")),
    }
    calls = raw.get("tool_calls") or more.get("tool_calls")
    if isinstance(calls, list) and calls:
        plain["tool_calls"] = [_tool_call(call) for call in calls]
    for name in ("tool_call_id", "name", "refusal"):
        if raw.get(name) or more.get(name):
            plain[name] = raw.get(name) or more[name]
    if raw.get("status") == "error":
        plain["is_error"] = True
    if more.get("reasoning_content"):
        plain["reasoning_content"] = more["reasoning_content"]
    return plain, raw


def _without_calls(content: Any) -> Any:
    """LangChain repeats calls of some providers as parts of the content; they stand in tool_calls as well."""
    if not isinstance(content, list):
        return content
    return [part for part in content if not (isinstance(part, dict) and part.get("type") in ("tool_use", "tool_call"))]


def _tool_call(call: Any) -> Any:
    if isinstance(call, dict) and "args" in call:
        return {"id": call.get("id"), "function": {"name": call.get("name"), "arguments": call["args"]}}
    return call


def _tools(run: dict[str, Any], inputs: dict[str, Any], notes: Notes) -> list[Tool]:
    extra = _inside(run, "extra")
    given = inputs.get("tools") or _inside(extra, "invocation_params").get("tools")
    return read_tools(given or _inside(_metadata(run), "ls_invocation_params").get("tools"), notes)


def _usage(run: dict[str, Any], outputs: dict[str, Any], raw: dict[str, Any]) -> Usage:
    """Tokens as usage_metadata (LangSmith's own form), else as the run's own columns."""
    found = next(
        (holder["usage_metadata"] for holder in (outputs, raw, _metadata(run)) if isinstance(holder.get("usage_metadata"), dict)),
        {"input_tokens": run.get("prompt_tokens"), "output_tokens": run.get("completion_tokens")},
    )  # fmt: skip
    inside, outside = _inside(found, "input_token_details"), _inside(found, "output_token_details")
    counts = {
        "input": found.get("input_tokens"),
        "output": found.get("output_tokens"),
        "cache_read": inside.get("cache_read"),
        "cache_write": inside.get("cache_creation"),
        "reasoning": outside.get("reasoning"),
    }
    usage: Usage = {}
    for key, value in counts.items():
        if (count := whole_number(value)) is not None:
            usage[key] = count  # type: ignore[literal-required]
    return usage


def _tool(span: PlainSpan, run: dict[str, Any]) -> ToolRun:
    inputs, outputs, error = run.get("inputs"), run.get("outputs"), error_of(span)
    given = inputs.get("input") if isinstance(inputs, dict) and list(inputs) == ["input"] else inputs
    text = _result(outputs) if outputs not in (None, {}, "") else error
    called = outputs.get("output") if isinstance(outputs, dict) else None
    call = _plain(called)[0] if isinstance(called, dict) else {}
    return ToolRun(
        key=span["span"],
        name=as_text(run.get("name") or ""),
        call_id=as_text(call.get("tool_call_id") or ""),
        arguments=given if isinstance(given, str) else dumps(given) if given is not None else None,
        parts=[{"type": "text", "text": text}] if text else None,
        is_error=bool(error),
        latency_ms=latency_ms(span),
        start=span["start"],
    )


def _result(outputs: Any) -> str:
    """What a tool gave back: behind the key output where that is all, and the words of LangChain's tool message."""
    if isinstance(outputs, dict) and list(outputs) == ["output"]:
        outputs = outputs["output"]
    plain = _plain(outputs)[0]
    if isinstance(plain, dict) and plain.get("role") == "tool":
        return as_text(plain.get("content") or "")
    return as_text(outputs)


def _whole(span: PlainSpan, run: dict[str, Any]) -> Any:
    """What went into the outermost run and what came out, as one question and one answer."""
    asked, answered = run.get("inputs"), run.get("outputs")
    inputs, outputs = _only_text(asked), _only_text(answered)
    at = read_time(run.get("end_time"))
    return as_call(
        span,
        inputs=[{"role": "user", "parts": [{"type": "text", "text": inputs}]}] if inputs else [],
        outputs=[{"role": "assistant", "parts": [{"type": "text", "text": outputs}]}] if outputs and at else [],
    )


def _only_text(value: Any) -> str:
    """The text where that is all there is, else everything as JSON."""
    if value in (None, {}, "", []):
        return ""
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), str):
        return str(next(iter(value.values())))
    return as_text(value)
