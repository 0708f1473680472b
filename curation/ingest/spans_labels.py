"""What spans say about their trace as a whole: names, times, session, user, tags, metadata, and who sent them.

Each SDK has keys of its own for the same things, and many put them on every span, also on those of other
instrumentations; so they are looked for everywhere. A session or user that is named as such counts before the id of a
conversation, which some SDKs make up for each run.
"""

from typing import Any

from curation.ingest.content import as_text
from curation.ingest.parsed import ParsedTrace
from curation.ingest.reading import Reading, latency_ms, maybe_json, started_at
from curation.ingest.spans import PlainSpan

_PREFIXES = (
    "langfuse.trace.metadata.",
    "traceloop.association.properties.",
    "ai.telemetry.metadata.",
    "mastra.metadata.",
)
_SESSION = {
    "session.id", "langfuse.session.id", "traceloop.association.properties.session_id", "mastra.metadata.sessionId",
    "traceloop.association.properties.thread_id", "ai.telemetry.metadata.sessionId", "mastra.metadata.threadId",
    "ai.telemetry.metadata.session_id", "ai.telemetry.metadata.threadId", "langfuse.trace.metadata.langfuse_session_id",
}  # fmt: skip
_USER = {
    "user.id", "enduser.id", "langfuse.user.id", "traceloop.association.properties.user_id", "mastra.metadata.userId",
    "ai.telemetry.metadata.userId", "ai.telemetry.metadata.user_id", "mastra.metadata.resourceId",
    "langfuse.trace.metadata.langfuse_user_id",
}  # fmt: skip
_TAGS = {"langfuse.trace.tags", "mastra.tags", "ai.telemetry.metadata.tags", "langfuse.trace.metadata.langfuse_tags"}
_ENVIRONMENT = ("deployment.environment.name", "deployment.environment", "langfuse.environment")
# of one step, not of the trace
_NOT_KEPT = {f"mastra.metadata.{key}" for key in ("headers", "body", "modelMetadata", "toolCallId", "toolName")}
_ASIDE = _SESSION | _USER | _TAGS | _NOT_KEPT
_UNNAMED = "unknown_service"  # what SDKs write where nobody named the service


def describe(trace: ParsedTrace, spans: list[PlainSpan], known: dict[str, Reading]) -> None:
    """Fill in names, times and labels. The root is the span without a parent among those that came; of several the
    first."""
    here = {span["span"] for span in spans}
    roots = [span for span in spans if span["parent"] not in here]
    tops = [span for span in roots if not span["parent"]] or roots or spans
    root = next((span for span in tops if span["end"]), tops[0])  # a call that only an event tells of has no end
    whole = bool(root["span"]) and not root["parent"]
    resource = root["resource"]
    trace.name = root["name"]
    trace.started_at = next((at for span in spans if (at := started_at(span))), None)
    trace.latency_ms = latency_ms(root) if whole and root["end"] else _spread(spans)
    for span in spans:
        _take(trace, span)
    for reading in known.values():
        trace.session_id = trace.session_id or reading.session_id
        trace.user_id = trace.user_id or reading.user_id
        trace.tags += [tag for tag in reading.tags if tag not in trace.tags]
        trace.metadata.update(reading.metadata)
        trace.scores += reading.scores
    service = as_text(resource.get("service.name") or "")
    service = "" if service.startswith(_UNNAMED) else service
    trace.agent = next((r.agent for r in known.values() if r.agent), "") or service
    for key in _ENVIRONMENT:
        trace.environment = trace.environment or as_text(resource.get(key) or root["attributes"].get(key) or "")
    task = trace.metadata.get("task_id")
    if isinstance(task, (str, int)) and not isinstance(task, bool):
        trace.task_id = str(task)
    for key in ("service.name", "service.version", "service.namespace"):
        if resource.get(key) and not as_text(resource[key]).startswith(_UNNAMED):
            trace.metadata[key] = resource[key]
    code = root["status"].get("code") if whole else 0
    trace.status = "error" if code == 2 else "ok" if code == 1 else "unset"
    first = next(span for span in spans if span["span"] in known)
    trace.source = {
        "format": known[first["span"]].format,
        "sdk": as_text(resource.get("telemetry.sdk.language") or ""),
        "version": as_text(resource.get("telemetry.sdk.version") or ""),
        "scope": " ".join(filter(None, [first["scope"].get("name"), first["scope"].get("version")])),
    }


def _take(trace: ParsedTrace, span: PlainSpan) -> None:
    for key, value in span["attributes"].items():
        if key in _ASIDE:
            _take_known(trace, key, value)
        elif key.startswith(_PREFIXES):
            prefix = next(prefix for prefix in _PREFIXES if key.startswith(prefix))
            found = maybe_json(value)
            trace.metadata.setdefault(key[len(prefix) :], value if found is None else found)
        elif key == "langfuse.trace.name" and value:
            trace.name = as_text(value)
        elif key in ("langfuse.version", "langfuse.release") and value:
            trace.metadata.setdefault(key.partition(".")[2], value)


def _take_known(trace: ParsedTrace, key: str, value: Any) -> None:
    if key in _SESSION:
        trace.session_id = trace.session_id or as_text(value or "")
    elif key in _USER:
        trace.user_id = trace.user_id or as_text(value or "")
    elif key in _TAGS:
        tags = maybe_json(value)
        for tag in tags if isinstance(tags, list) else [value]:
            if tag and as_text(tag) not in trace.tags:
                trace.tags.append(as_text(tag))


def _spread(spans: list[PlainSpan]) -> int | None:
    starts = [span["start"] for span in spans if span["start"]]
    ends = [span["end"] for span in spans if span["end"]]
    return (max(ends) - min(starts)) // 1_000_000 if starts and ends and max(ends) >= min(starts) else None
