"""OpenAI chat: records {"messages": [...], "tools"?, ...}, and log lines {"request": ..., "response": ...}.

Source: OpenAI API reference, "Create chat completion" and "Create a model response"; fine-tuning files use the former.
Log lines of one file are put together: a request that repeats an earlier request and its answer goes on with it.
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.calls import Chains, ModelCall, as_conversation
from curation.ingest.content import as_text
from curation.ingest.fields import content_id, fill, given_id, read_time
from curation.ingest.formats.openai_items import read_items
from curation.ingest.openai_messages import read_messages, read_tools, read_usage
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.messages.clean import Notes
from curation.messages.form import Message

NAME = "openai_chat"
LABEL = "OpenAI chat messages, and request/response logs"
_TAKEN = {"messages", "tools", "functions", "parallel_tool_calls"}


def detect(sample: list[Any]) -> bool:
    """Whether records have messages or are request/response pairs, or the file is one list of chat messages."""
    if any(isinstance(item, dict) and (isinstance(item.get("messages"), list) or _is_log(item)) for item in sample):
        return True
    return _is_message_list(sample) or any(_is_message_list(item) for item in sample)


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per record; log lines that belong together are one trace, given out at the end."""
    log = _Log()
    if source.shape == "array" and _is_message_list(source.sample):
        yield from _read_one_list(source)
        return
    for item in source.records():
        if isinstance(item, Rejected):
            yield item
            continue
        where, record = item
        try:
            if isinstance(record, dict) and _is_log(record):
                log.add(where, record)
            else:
                yield where, read_record({"messages": record} if isinstance(record, list) else record)
        except Unreadable as error:
            yield Rejected(where, str(error))
    yield from log.traces()


def read_record(record: Any) -> ParsedTrace:
    """One record with messages. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or "messages" not in record:
        raise Unreadable("is not an object with messages")
    notes = Notes()
    messages = read_messages(record["messages"], notes)
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


class _Log:
    """Request/response pairs of one file, chained into conversations."""

    def __init__(self) -> None:
        self._notes = Notes()
        self._chains = Chains(self._notes)
        self._records: dict[str, tuple[str, str, dict[str, Any]]] = {}

    def add(self, where: str, record: dict[str, Any]) -> None:
        """Take one pair. Raises Unreadable."""
        key = f"r{len(self._records)}"
        call = read_call(record, key, len(self._records), self._notes)
        plain = {name: value for name, value in record.items() if name not in ("request", "response")}
        for name in ("metadata", "user"):
            if record["request"].get(name):
                plain.setdefault(name, record["request"][name])
        created = record["response"].get("created") or record["response"].get("created_at")
        if created:
            plain.setdefault("created_at", created)
        self._records[key] = (where, given_id(record) or content_id("log", record), plain)
        self._chains.add(call)

    def traces(self) -> Iterator[tuple[str, ParsedTrace]]:
        """One trace per chain, named by its first pair."""
        for chain in self._chains.finish():
            where, external_id, plain = self._records[chain.calls[0].key]
            notes = Notes()
            notes.extend(self._notes)
            for message in chain.messages:
                message.pop("span_id", None)  # the number of a pair means nothing outside this file
            trace = ParsedTrace(
                external_id=external_id,
                document={"conversations": [as_conversation(chain, main=True)]},
                status="error" if chain.calls[-1].error else "unset",
                source={"format": NAME},
            )
            fill(trace, plain, notes, taken={"path", "status_code", "method", "headers"})
            trace.model = chain.calls[-1].model
            trace.import_notes = notes.lines()
            yield where, trace


def read_call(record: dict[str, Any], key: str, start: int, notes: Notes) -> ModelCall:
    """One pair of chat completions or Responses. Raises Unreadable with the reason."""
    request, response = record["request"], record["response"]
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


def _is_log(record: dict[str, Any]) -> bool:
    return isinstance(record.get("request"), dict) and isinstance(record.get("response"), dict)


def _is_message_list(value: Any) -> bool:
    """Chat messages by themselves, told from Responses items by tool messages or tool_calls."""
    if not isinstance(value, list) or not value:
        return False
    if not all(isinstance(item, dict) and "role" in item and "type" not in item for item in value):
        return False
    return any("tool_calls" in item or item["role"] == "tool" for item in value)
