"""Put a trace together from all spans of it that have come so far.

Spans come in any order, children before parents, roots last or never; so nothing here asks for a root, and late spans
only make the picture fuller. Usage is summed over the innermost model calls, each response once: SDKs report one call
several times (their own span beside an instrumentation's) and agents repeat the sums of their calls.
"""

from collections.abc import Callable, Iterable
from typing import Any

from curation.ingest.calls import Chain, Chains, ModelCall, as_conversation, longest_first
from curation.ingest.content import as_text
from curation.ingest.fields import read_dollars
from curation.ingest.formats import langsmith_runs, openai_agents_spans, openinference, otel_genai
from curation.ingest.parsed import ParsedTrace
from curation.ingest.reading import Reading, ToolRun, latency_ms, started_at
from curation.ingest.spans import PlainSpan
from curation.ingest.tool_runs import attach, without_content
from curation.messages.clean import Notes
from curation.messages.form import Conversation

# (detect, read_span) of each convention; a span that carries both is read by the first
SPAN_FORMATS: tuple[tuple[Callable[[PlainSpan], bool], Callable[[PlainSpan, Notes], Reading]], ...] = (
    (openinference.detect, openinference.read_span),
    (otel_genai.detect, otel_genai.read_span),
    (openai_agents_spans.detect, openai_agents_spans.read_span),
    (langsmith_runs.detect, langsmith_runs.read_span),
)
MOST_LEVELS = 200
NO_CONTENT = (
    "content capture was off: the spans came without messages. Set "
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY and "
    "OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental where the agent runs "
    "(OpenInference: OPENINFERENCE_HIDE_INPUTS=false and OPENINFERENCE_HIDE_OUTPUTS=false)"
)


def assemble(spans: Iterable[PlainSpan]) -> ParsedTrace | None:
    """One trace out of the spans of one trace id, each once and in any order; None where no span tells of a model, tool
    or agent."""
    ordered = sorted(spans, key=lambda span: (span["start"], span["span"]))
    notes = Notes()
    readings = [(span, _read(span, notes)) for span in ordered]
    known = {span["span"]: reading for span, reading in readings if reading is not None}
    if not any(reading.kind != "other" for reading in known.values()):
        return None
    calls = _innermost(ordered, known, notes)
    parents = {span["span"]: span["parent"] for span in ordered}
    for call in calls:
        call.agent = call.agent or _agent_above(call.key, parents, known)
    runs = sorted((r.tool for r in known.values() if r.tool is not None), key=lambda run: run.start)
    chains = _chains(calls, notes)
    conversations = [as_conversation(chain, main=number == 0) for number, chain in enumerate(chains)]
    if not conversations:
        conversations = [_bare(calls, runs)]
        notes.add(NO_CONTENT)
    else:
        conversations = attach(conversations, runs, notes)
        silent = sum(not call.has_content for call in calls)
        if silent:
            notes.add("a model call came without its messages", silent)
    trace = ParsedTrace(external_id=ordered[0]["trace"], document={"conversations": conversations})
    _describe(trace, ordered, known)
    _count(trace, calls, chains)
    trace.import_notes = notes.lines()
    return trace


def _read(span: PlainSpan, notes: Notes) -> Reading | None:
    for detect, read_span in SPAN_FORMATS:
        if detect(span):
            return read_span(span, notes)
    return None


def _innermost(spans: list[PlainSpan], known: dict[str, Reading], notes: Notes) -> list[ModelCall]:
    """The model calls, each once, oldest first. A call around other calls is left out, unless it alone knows what was
    said: then the silent ones inside it give only their usage."""
    parents = {span["span"]: span["parent"] for span in spans}
    calls = [known[span["span"]].call for span in spans if span["span"] in known]
    llm = {call.key: call for call in calls if call is not None and known[call.key].kind == "llm"}
    around: dict[str, list[str]] = {}
    for key in llm:
        for above in _above(key, parents):
            if above in known and known[above].call is not None:
                around.setdefault(above, []).append(key)
    gone: set[str] = set()
    chosen: list[ModelCall] = []
    for call in calls:
        if call is None or call.key in gone:
            continue
        inner = [key for key in around.get(call.key, []) if key not in gone]
        if not inner:
            if call.key in llm or (call.has_content and not llm):
                chosen.append(call)
        elif call.has_content and not any(llm[key].has_content for key in inner):
            gone.update(inner)
            call.usage = _summed([llm[key] for key in inner]) or call.usage
            chosen.append(call)
    return _once_per_response(chosen, notes)


def _above(key: str, parents: dict[str, str]) -> list[str]:
    """The spans around one, nearest first, at most 200; a circle of parents ends the walk."""
    found: list[str] = []
    seen = {key}
    here = parents.get(key, "")
    while here and here not in seen and len(found) < MOST_LEVELS:
        found.append(here)
        seen.add(here)
        here = parents.get(here, "")
    return found


def _summed(calls: list[ModelCall]) -> Any:
    total: dict[str, int] = {}
    for call in calls:
        for key, count in call.usage.items():
            total[key] = total.get(key, 0) + int(str(count))
    return total


def _once_per_response(calls: list[ModelCall], notes: Notes) -> list[ModelCall]:
    """Several spans of one response (the same id, at overlapping times) are one call: the one that says most."""
    kept: dict[str, ModelCall] = {}
    for call in calls:
        twin = kept.get(call.response_id) if call.response_id else None
        if twin is None:
            kept[call.response_id or call.key] = call
        elif _says(twin) == _says(call) or not (call.has_content and twin.has_content):
            notes.add("a model call was reported by two spans and counted once")
            better, other = (call, twin) if _weight(call) > _weight(twin) else (twin, call)
            better.usage = better.usage or other.usage
            better.tools = better.tools or other.tools
            kept[call.response_id] = better
        else:
            kept[call.key] = call  # ids that repeat for different answers cannot be trusted
    return sorted(kept.values(), key=lambda call: (call.start, call.key))


def _says(call: ModelCall) -> list[Any]:
    return [[message["parts"], [tool["name"] for tool in message.get("tool_calls", [])]] for message in call.outputs]


def _weight(call: ModelCall) -> tuple[int, int, int]:
    return len(call.inputs) + len(call.outputs), len(call.usage), len(call.tools)


def _chains(calls: list[ModelCall], notes: Notes) -> list[Chain]:
    chains = Chains(notes)
    for call in calls:
        if call.has_content:
            chains.add(call)
    return longest_first(chains.finish())


def _bare(calls: list[ModelCall], runs: list[ToolRun]) -> Conversation:
    """What is left where nothing that was said came: calls and tool runs in their order, with times and tokens."""
    return {
        "id": "main",
        "name": next((call.agent for call in calls if call.agent), ""),
        "kind": "main",
        "messages": without_content(calls, runs),
        "tools": [],
    }


def _agent_above(key: str, parents: dict[str, str], known: dict[str, Reading]) -> str:
    return next((known[above].agent for above in _above(key, parents) if above in known and known[above].agent), "")


def _describe(trace: ParsedTrace, spans: list[PlainSpan], known: dict[str, Reading]) -> None:
    """Names, times and labels. The root is the span without a parent among those that came; of several the first."""
    here = {span["span"] for span in spans}
    roots = [span for span in spans if span["parent"] not in here]
    root = next((span for span in roots if not span["parent"]), roots[0] if roots else spans[0])
    whole = bool(root["span"]) and not root["parent"]
    resource = root["resource"]
    trace.name = root["name"]
    trace.started_at = next((at for span in spans if (at := started_at(span))), None)
    trace.latency_ms = latency_ms(root) if whole and root["end"] else _spread(spans)
    trace.session_id = _first(spans, known, "session_id", "session.id")
    trace.user_id = _first(spans, known, "user_id", "user.id")
    service = as_text(resource.get("service.name") or "")
    trace.agent = next((r.agent for r in known.values() if r.agent), "") or service
    for key in ("deployment.environment.name", "deployment.environment"):
        trace.environment = trace.environment or as_text(resource.get(key) or "")
    for reading in known.values():
        trace.tags += [tag for tag in reading.tags if tag not in trace.tags]
        trace.metadata.update(reading.metadata)
    for key in ("service.name", "service.version", "service.namespace"):
        if resource.get(key):
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


def _spread(spans: list[PlainSpan]) -> int | None:
    starts = [span["start"] for span in spans if span["start"]]
    ends = [span["end"] for span in spans if span["end"]]
    return (max(ends) - min(starts)) // 1_000_000 if starts and ends and max(ends) >= min(starts) else None


def _first(spans: list[PlainSpan], known: dict[str, Reading], field: str, attribute: str) -> str:
    for span in spans:
        reading = known.get(span["span"])
        value = (getattr(reading, field) if reading else "") or span["attributes"].get(attribute)
        if value:
            return as_text(value)
    return ""


def _count(trace: ParsedTrace, calls: list[ModelCall], chains: list[Chain]) -> None:
    """Tokens and dollars over all calls; the model and the outcome of the main chain's last call."""
    for side, field in (("input", "input_tokens"), ("output", "output_tokens")):
        counts = [int(str(call.usage[side])) for call in calls if side in call.usage]  # type: ignore[literal-required]
        setattr(trace, field, sum(counts) if counts else None)
    costs = [cost for call in calls if (cost := read_dollars(call.cost_usd)) is not None and call.cost_usd]
    trace.cost_usd = sum(costs[1:], costs[0]) if costs else None
    last = chains[0].calls[-1] if chains else calls[-1] if calls else None
    if last is not None:
        trace.model = last.model
        if last.error:
            trace.status = "error"
