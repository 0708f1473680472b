"""OpenAI chat: records {"messages": [...], "tools"?, ...}, and log lines {"request": ..., "response": ...}.

Source: OpenAI API reference, "Create chat completion" and "Create a model response"; fine-tuning files use the former, and
so do data sets with a column `messages` (huggingface/trl, "Dataset formats"). Log lines of one file are put together: a
request that repeats an earlier request and its answer goes on with it.
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.fields import content_id, fill, given_id, read_time
from curation.ingest.formats import anthropic, kto
from curation.ingest.formats.openai_items import read_items
from curation.ingest.logs import CallLog, bodies, read_log
from curation.ingest.openai_messages import read_messages, read_tools, read_usage
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.sse import joined_openai
from curation.ingest.text import Source
from curation.ingest.turns import read_said
from curation.messages.clean import Notes
from curation.messages.form import Message

NAME = "openai_chat"
LABEL = "OpenAI chat messages, data sets with messages, request/response logs"
GROUP = "Chat and logs"
_TAKEN = {"messages", "tools", "functions", "parallel_tool_calls", "system"}


def detect(sample: list[Any]) -> bool:
    """Whether records have messages or are request/response pairs, or the file is one list of chat messages."""
    return any(is_record(item) or _is_message_list(item) for item in sample) or _is_message_list(sample)


def is_record(value: Any) -> bool:
    """Whether one value has messages or is a call, and neither a label nor the marks of another format."""
    if not isinstance(value, dict) or anthropic.is_record(value) or kto.is_record(value):
        return False
    if isinstance(value.get("messages"), list):
        return value.keys().isdisjoint({"chosen", "rejected", "conversations", "agent_id", "run_type"})
    pair = bodies(value)
    return pair is not None and _is_call(*pair)


def _is_call(request: dict[str, Any], response: Any) -> bool:
    if isinstance(response, list):
        return any(isinstance(one, dict) and ("choices" in one or "response" in one) for one in response)
    return not request.keys().isdisjoint({"messages", "input"}) and (
        not response.keys().isdisjoint({"choices", "output", "error"}) or "messages" in request
    )


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per record; log lines that belong together are one trace, given out at the end."""
    if source.shape == "array" and _is_message_list(source.sample):
        return _read_one_list(source)
    return read_log(source, CallLog(NAME, read_call), _read_either)


def _read_either(record: Any) -> ParsedTrace:
    return read_record({"messages": record} if isinstance(record, list) else record)


def read_record(record: Any) -> ParsedTrace:
    """One record with messages. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or "messages" not in record:
        raise Unreadable("is not an object with messages")
    notes = Notes()
    messages = read_said(record["messages"], notes, field="messages", system=record.get("system"))
    if not messages:
        raise Unreadable("messages is empty")
    tools = read_tools(record.get("tools") or record.get("functions"), notes)
    trace = ParsedTrace(
        external_id=given_id(record) or content_id("chat", record),
        document={
            "conversations": [{"id": "main", "name": "", "kind": "main", "messages": messages, "tools": tools}],
        },
        source={"format": NAME},
    )
    fill(trace, record, notes, taken=_TAKEN)
    trace.import_notes = notes.lines()
    return trace


def _read_one_list(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    messages = [item[1] for item in source.records() if not isinstance(item, Rejected)]
    try:
        yield "the file", read_record({"messages": messages})
    except Unreadable as error:
        yield Rejected("the file", str(error))


def read_call(request: dict[str, Any], response: Any, key: str, start: int, notes: Notes) -> ModelCall:
    """One call of chat completions or Responses, streamed or not. Raises Unreadable with the reason."""
    if isinstance(response, list):
        response = joined_openai(response, notes)
    call = ModelCall(
        key=key,
        inputs=_inputs(request, notes),
        outputs=[],
        start=start,
        tools=read_tools(request.get("tools") or request.get("functions"), notes),
        model=as_text(response.get("model") or request.get("model") or ""),
        response_id=as_text(response.get("id") or ""),
        previous_id=as_text(request.get("previous_response_id") or ""),
        usage=read_usage(response.get("usage")),
    )
    created = read_time(response.get("created") or response.get("created_at"))
    call.started_at = created.isoformat() if created else ""
    if response.get("error"):
        error = response["error"]
        call.error = as_text(error.get("message") or error if isinstance(error, dict) else error)
    elif isinstance(response.get("choices"), list):
        call.outputs = _choices(response["choices"], notes)
    elif isinstance(response.get("output"), list):
        said = read_items(response["output"], notes)
        call.outputs = [message for message in said if message["role"] == "assistant"][:1]
    if not call.outputs and not call.error:
        raise Unreadable("response has neither choices, output nor error")
    return call


def _inputs(request: dict[str, Any], notes: Notes) -> list[Message]:
    if "messages" in request:
        return read_messages(request["messages"], notes, field="request.messages")
    given = request.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise Unreadable("request has neither messages nor input")
    return read_items(given, notes, instructions=request.get("instructions"))


def _choices(choices: list[Any], notes: Notes) -> list[Message]:
    outputs = []
    for number, choice in enumerate(choices):
        if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
            raise Unreadable(f"response.choices[{number}] has no message")
        said = {"role": "assistant", **choice["message"]}
        message = read_messages([said], notes, field=f"response.choices[{number}].message")[0]
        if isinstance(choice.get("finish_reason"), str):
            message["finish_reason"] = choice["finish_reason"]
        outputs.append(message)
    return outputs


def _is_message_list(value: Any) -> bool:
    """Chat messages by themselves, told from Responses items by tool messages or tool_calls."""
    if not isinstance(value, list) or not value:
        return False
    if not all(isinstance(item, dict) and "role" in item and "type" not in item for item in value):
        return False
    return any("tool_calls" in item or item["role"] == "tool" for item in value)
