"""Put a trace together from all spans and events of it that have come so far.

Spans come in any order, children before parents, roots last or never; so nothing here asks for a root, and late spans
only make the picture fuller. Usage is summed over the innermost model calls, each response once: SDKs report one call
several times (their own span beside an instrumentation's) and agents repeat the sums of their calls.
"""

from collections.abc import Callable, Iterable
from typing import Any

from curation.ingest.calls import Chain, Chains, ModelCall, as_conversation, longest_first
from curation.ingest.fields import read_dollars
from curation.ingest.formats import (
    langfuse_spans,
    langsmith_runs,
    mastra,
    mlflow_spans,
    openai_agents_spans,
    openinference,
    openllmetry,
    otel_genai,
    pydantic_ai,
    vercel,
)
from curation.ingest.parsed import ParsedScore, ParsedTrace
from curation.ingest.reading import Reading, ToolRun
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_events import with_events
from curation.ingest.spans_labels import describe
from curation.ingest.spans_logs import PlainLog
from curation.ingest.spans_silence import how_to_speak
from curation.ingest.tool_runs import attach, without_content
from curation.messages.clean import Notes
from curation.messages.form import Conversation

# (detect, read_span) of each convention; a span that carries several is read by the first. Those that write gen_ai.*
# beside attributes of their own come before the convention itself
SPAN_FORMATS: tuple[tuple[Callable[[PlainSpan], bool], Callable[[PlainSpan, Notes], Reading]], ...] = (
    (openinference.detect, openinference.read_span),
    (langfuse_spans.detect, langfuse_spans.read_span),
    (mastra.detect, mastra.read_span),
    (mlflow_spans.detect, mlflow_spans.read_span),
    (vercel.detect, vercel.read_span),
    (pydantic_ai.detect, pydantic_ai.read_span),
    (openllmetry.detect, openllmetry.read_span),
    (otel_genai.detect, otel_genai.read_span),
    (openai_agents_spans.detect, openai_agents_spans.read_span),
    (langsmith_runs.detect, langsmith_runs.read_span),
)
# formats whose spans tell only together what was said
JOINS: dict[str, Callable[[list[PlainSpan], dict[str, Reading], Notes], None]] = {mastra.NAME: mastra.join}
MOST_LEVELS = 200


def assemble(rows: Iterable[PlainSpan | PlainLog]) -> ParsedTrace | None:
    """One trace out of the spans and events of one trace id, each once and in any order; None where nothing tells of a
    model, tool or agent."""
    ordered, scores = _in_order(rows)
    notes = Notes()
    readings = [(span, _read(span, notes)) for span in ordered]
    known = {span["span"]: reading for span, reading in readings if reading is not None}
    if not any(reading.kind != "other" for reading in known.values()):
        return None
    for name in {reading.format for reading in known.values()} & JOINS.keys():
        JOINS[name]([span for span in ordered if _is_of(span, known, name)], known, notes)
    calls = _innermost(ordered, known, notes)
    parents = {span["span"]: span["parent"] for span in ordered}
    for call in calls:
        call.agent = call.agent or _agent_above(call.key, parents, known)
    runs = sorted((r.tool for r in known.values() if r.tool is not None), key=lambda run: run.start)
    chains = _chains(calls, notes)
    conversations = [as_conversation(chain, main=number == 0) for number, chain in enumerate(chains)]
    if not conversations:
        conversations = [_bare(calls, runs)]
        notes.add(how_to_speak(ordered, known))
    else:
        conversations = attach(conversations, runs, notes)
        silent = sum(not call.has_content for call in calls)
        if silent:
            notes.add("a model call came without its messages", silent)
    trace = ParsedTrace(external_id=ordered[0]["trace"], document={"conversations": conversations}, scores=scores)
    describe(trace, ordered, known)
    _count(trace, calls, chains)
    trace.import_notes = notes.lines()
    return trace


def _in_order(rows: Iterable[PlainSpan | PlainLog]) -> tuple[list[PlainSpan], list[ParsedScore]]:
    spans: list[PlainSpan] = []
    logs: list[PlainLog] = []
    has_events = False
    for row in rows:
        if "log" in row:
            logs.append(row)  # type: ignore[arg-type]
        else:
            spans.append(row)
            has_events = has_events or bool(row["events"])
    scores: list[ParsedScore] = []
    if logs or has_events:
        spans, scores = with_events(sorted(spans, key=_by_start), logs)
    return sorted(spans, key=_by_start), scores


def _by_start(span: PlainSpan) -> tuple[int, str]:
    return span["start"], span["span"]


def _read(span: PlainSpan, notes: Notes) -> Reading | None:
    for detect, read_span in SPAN_FORMATS:
        if detect(span):
            return read_span(span, notes)
    return None


def _is_of(span: PlainSpan, known: dict[str, Reading], name: str) -> bool:
    return span["span"] in known and known[span["span"]].format == name


def _innermost(spans: list[PlainSpan], known: dict[str, Reading], notes: Notes) -> list[ModelCall]:
    """The model calls, each once, oldest first. A call around other calls is left out, unless it alone knows what was
    said: then the silent ones inside it give only their usage. What a tool did by itself is not inside the call that
    asked for it."""
    parents = {span["span"]: span["parent"] for span in spans}
    calls = [known[span["span"]].call for span in spans if span["span"] in known]
    llm = {call.key: call for call in calls if call is not None and known[call.key].kind == "llm"}
    around: dict[str, list[str]] = {}
    for key in llm:
        for above in _above(key, parents):
            reading = known.get(above)
            if reading is not None and reading.kind == "tool":
                break
            if reading is not None and reading.call is not None:
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
    """Several spans of one response (the same id; where both tell words, the same at one time) are one call: the one that
    says most."""
    kept: dict[str, ModelCall] = {}
    for call in calls:
        twin = kept.get(call.response_id) if call.response_id else None
        if twin is None:
            kept[call.response_id or call.key] = call
        elif not (call.has_content and twin.has_content) or (_overlap(twin, call) and _says(twin) == _says(call)):
            notes.add("a model call was reported by two spans and counted once")
            better, other = (call, twin) if _weight(call) > _weight(twin) else (twin, call)
            better.usage = better.usage or other.usage
            better.tools = better.tools or other.tools
            kept[call.response_id] = better
        else:
            kept[call.key] = call  # ids that repeat for different answers, or later, cannot be trusted
    return sorted(kept.values(), key=lambda call: (call.start, call.key))


def _overlap(one: ModelCall, other: ModelCall) -> bool:
    """Whether two calls ran at the same time; where a length is not known they may have."""
    first, second = (one, other) if one.start <= other.start else (other, one)
    if first.latency_ms is None or second.latency_ms is None:
        return True
    return second.start <= first.start + (first.latency_ms + 1) * 1_000_000


def _says(call: ModelCall) -> list[Any]:
    return [[message["parts"], [tool["name"] for tool in message.get("tool_calls", [])]] for message in call.outputs]


def _weight(call: ModelCall) -> tuple[int, int, int]:
    return len(call.inputs) + len(call.outputs), len(call.usage), len(call.tools)


def _chains(calls: list[ModelCall], notes: Notes) -> list[Chain]:
    told = [call for call in calls if call.has_content]
    if len(told) == 1:  # nothing to join it to
        return [Chain(told, [*told[0].inputs, told[0].answer()])]
    chains = Chains(notes)
    for call in told:
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
