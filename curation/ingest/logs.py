"""Request/response logs: one call per line, as a proxy writes them; calls of one file are put together to conversations."""

from collections.abc import Callable, Iterator
from typing import Any

from curation.ingest.calls import Chains, ModelCall, as_conversation
from curation.ingest.content import as_text
from curation.ingest.fields import content_id, fill, given_id
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.sse import read_events
from curation.ingest.text import Source, parse
from curation.messages.clean import Notes

ReadCall = Callable[[dict[str, Any], Any, str, int, Notes], ModelCall]
_TAKEN = {"path", "url", "status_code", "method", "headers", "request", "response", "duration_ms"}


def bodies(record: Any) -> tuple[dict[str, Any], Any] | None:
    """(request, response) of a log line, the bodies inside them where they have headers too; None where it is no log
    line. A response may be an object, or the list of events of a stream."""
    if not isinstance(record, dict) or "request" not in record or "response" not in record:
        return None
    request, response = _body(record["request"]), _body(record["response"])
    if not isinstance(request, dict) or not isinstance(response, (dict, list)):
        return None
    return request, response


def _body(value: Any) -> Any:
    """A body: as it is, under `body`, as JSON text, or as the text of a stream of events."""
    if isinstance(value, dict) and "body" in value:
        value = value["body"]
    if isinstance(value, str):
        if (events := read_events(value)) is not None:
            return events
        try:
            return parse(value)
        except Unreadable:
            return None
    return value


class CallLog:
    """The calls of one file. `read_call` reads one: (request, response, key, number, notes)."""

    def __init__(self, name: str, read_call: ReadCall) -> None:
        self._name = name
        self._read = read_call
        self._notes = Notes()
        self._chains = Chains(self._notes)
        self._records: dict[str, tuple[str, str, dict[str, Any]]] = {}

    def add(self, where: str, record: dict[str, Any]) -> None:
        """Take one line. Raises Unreadable."""
        pair = bodies(record)
        if pair is None:
            raise Unreadable("has no request and response that can be read")
        request, response = pair
        key = f"r{len(self._records)}"
        call = self._read(request, response, key, len(self._records), self._notes)
        plain = {name: value for name, value in record.items() if name not in ("request", "response")}
        for name in ("metadata", "user"):
            if request.get(name):
                plain.setdefault(name, request[name])
        if isinstance(plain.get("metadata"), dict) and isinstance(plain["metadata"].get("user_id"), str):
            plain.setdefault("user", plain["metadata"]["user_id"])
        created = response.get("created") or response.get("created_at") if isinstance(response, dict) else None
        if created:
            plain.setdefault("created_at", created)
        if call.latency_ms is None and isinstance(record.get("duration_ms"), int):
            call.latency_ms = max(0, record["duration_ms"])
        self._records[key] = (where, given_id(record) or content_id("log", record), plain)
        self._chains.add(call)

    def traces(self) -> Iterator[tuple[str, ParsedTrace]]:
        """One trace per chain, named by its first call."""
        for chain in self._chains.finish():
            where, external_id, plain = self._records[chain.calls[0].key]
            notes = Notes()
            notes.extend(self._notes)
            for message in chain.messages:
                message.pop("span_id", None)  # the number of a call means nothing outside this file
            trace = ParsedTrace(
                external_id=external_id,
                document={"conversations": [as_conversation(chain, main=True)]},
                status="error" if chain.calls[-1].error else "unset",
                source={"format": self._name},
            )
            fill(trace, plain, notes, taken=_TAKEN)
            trace.model = as_text(chain.calls[-1].model)
            trace.import_notes = notes.lines()
            yield where, trace


def read_log(
    source: Source, log: CallLog, read_record: Callable[[Any], ParsedTrace]
) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """Traces of a file of log lines, of records, or of both: records at once, the log's at the end."""
    for item in source.records():
        if isinstance(item, Rejected):
            yield item
            continue
        where, record = item
        try:
            if isinstance(record, dict) and "request" in record and "response" in record:
                log.add(where, record)
            else:
                yield where, read_record(record)
        except Unreadable as error:
            yield Rejected(where, str(error))
    yield from log.traces()
