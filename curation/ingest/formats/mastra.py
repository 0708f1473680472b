"""Mastra's spans over OpenTelemetry: mastra.span.type, with input and output as mastra.TYPE.input and .output.

Source: @mastra/core 1.71.0, @mastra/otel-exporter 1.4.0, and bodies they sent. One agent_run holds a model_generation, that a
model_step for each request, that a model_inference (tokens, model) and model_chunks; tool_call spans stand under the step.
A step's own input is lossy ("[tool: get_weather]" in the place of calls and results), so what a step was given is put
together from the generation's input, the outputs of the steps before it and the results of the tools they called.
"""

from typing import Any

from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.formats import otel_genai
from curation.ingest.openai_messages import arguments_text, whole_number
from curation.ingest.reading import Reading, ToolRun, as_call, finish_reason, maybe_json
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_chat import read_chat, thought_text
from curation.messages.clean import Notes
from curation.messages.form import Message, Tool, ToolCall, text_of

NAME = "mastra"
LABEL = "Mastra spans"
_TYPE = "mastra.span.type"
_GENERATIONS = {"model_generation", "llm_generation"}
_AGENTS = {"agent_run", "workflow_run"}
_TOOLS = {"tool_call", "mcp_tool_call", "client_tool_call", "provider_tool_call"}
_LOSSY = ("[tool: ", "[tool-result: ")


def detect(span: PlainSpan) -> bool:
    """Whether a span is one of Mastra's."""
    return _TYPE in span["attributes"]


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says by itself; `join` puts the steps of a generation together."""
    attributes = span["attributes"]
    kind = _kind(span)
    reading = Reading(kind="other", format=NAME, agent=as_text(attributes.get("gen_ai.agent.name") or ""))
    if kind == "model_step":
        answer = _answer(attributes, kind, notes)
        reading.kind = "llm"
        reading.call = as_call(span, inputs=_given(attributes, kind, notes), outputs=[answer] if answer else [])
    elif kind in _GENERATIONS:
        reading.kind, reading.call = "llm", _generation(span, kind, notes)
    elif kind == "model_inference":
        reading.call = otel_genai.read_call(span, notes)
    elif kind in _TOOLS:
        arguments, result = f"mastra.{kind}.input", f"mastra.{kind}.output"
        reading.kind, reading.tool = "tool", otel_genai.read_tool(span, notes, arguments=arguments, result=result)
    elif kind in _AGENTS:
        reading.kind = "agent"
        answer = _answer(attributes, kind, notes)
        rules = otel_genai.instructions(attributes, notes)
        reading.call = as_call(
            span, inputs=[*rules, *_given(attributes, kind, notes)], outputs=[answer] if answer else []
        )
    return reading


def join(spans: list[PlainSpan], known: dict[str, Reading], notes: Notes) -> None:
    """Give each step what it was given and what its inference counted; generations with steps stand back for them."""
    by_kind: dict[str, list[PlainSpan]] = {}
    for span in spans:
        by_kind.setdefault(_kind(span), []).append(span)
    steps: dict[str, list[PlainSpan]] = {}
    for span in sorted(by_kind.get("model_step", []), key=_step_order):
        steps.setdefault(span["parent"], []).append(span)
    inferences = {span["parent"]: known[span["span"]].call for span in by_kind.get("model_inference", [])}
    for span in by_kind.get("model_inference", []):
        if span["parent"] not in known:  # its step has not come: it is all there is of the call
            known[span["span"]].kind = "llm"
        else:
            known[span["span"]].call = None
    generations = {span["span"]: span for kind in _GENERATIONS for span in by_kind.get(kind, [])}
    results = {run.call_id: run for reading in known.values() if (run := reading.tool) is not None and run.call_id}
    tools, parents = _tools(spans), {span["span"]: span for span in spans}
    for parent, of_one in steps.items():
        whole, start = None, _input_of(of_one[0], known)
        if parent in generations:
            whole, known[parent].call = known[parent].call, None
            known[parent].kind = "agent"
            start = _given(generations[parent]["attributes"], _kind(generations[parent]), Notes()) or start
        _put_together(of_one, known, start, results, notes)
        for span in of_one:
            call = known[span["span"]].call
            if call is not None:
                _count(call, inferences.get(span["span"]))
                call.tools = tools.get(_agent_of(span, parents), [])
        last = known[of_one[-1]["span"]].call
        if whole is not None and last is not None and not any(_usage_of(span, known) for span in of_one):
            last.usage, last.model = whole.usage, last.model or whole.model
    if tools:
        notes.add("Mastra sends the names of tools without their schemas")


def _put_together(
    steps: list[PlainSpan], known: dict[str, Reading], start: list[Message], results: dict[str, ToolRun], notes: Notes
) -> None:
    if _is_lossy(start):
        notes.add("Mastra shortens calls and results in a step's input, and the steps before it have not come")
    elif _step_order(steps[0])[0] > 0:
        notes.add("the first steps of a generation have not come; what they said is missing")
    so_far = list(start)
    for span in steps:
        call = known[span["span"]].call
        if call is None:
            continue
        call.inputs = list(so_far)
        for answer in call.outputs[:1]:
            so_far.append(answer)
            for asked in answer.get("tool_calls", []):
                run = results.get(asked["id"])
                if run is not None and run.parts is not None:
                    message: Message = {
                        "role": "tool",
                        "parts": run.parts,
                        "tool_call_id": asked["id"],
                        "name": run.name,
                    }
                    so_far.append(message)


def _kind(span: PlainSpan) -> str:
    return as_text(span["attributes"].get(_TYPE) or "")


def _input_of(span: PlainSpan, known: dict[str, Reading]) -> list[Message]:
    call = known[span["span"]].call
    return call.inputs if call is not None else []


def _count(call: ModelCall, inference: ModelCall | None) -> None:
    if inference is not None:
        call.usage, call.model = inference.usage, inference.model
        call.finish_reason, call.response_id = inference.finish_reason, inference.response_id
        call.agent = inference.agent
        if inference.latency_ms is not None:  # the step's own time holds that of its tools
            call.latency_ms, call.started_at = inference.latency_ms, inference.started_at
        call.error = call.error or inference.error


def _usage_of(span: PlainSpan, known: dict[str, Reading]) -> bool:
    call = known[span["span"]].call
    return call is not None and bool(call.usage)


def _step_order(span: PlainSpan) -> tuple[int, int, str]:
    index = whole_number(span["attributes"].get("mastra.model_step.step_index"))
    return index if index is not None else 0, span["start"], span["span"]


def _is_lossy(messages: list[Message]) -> bool:
    return any(text_of(message).startswith(_LOSSY) for message in messages if message["role"] in ("assistant", "tool"))


def _tools(spans: list[PlainSpan]) -> dict[str, list[Tool]]:
    """What each agent's span offers, by the span: names, with the descriptions that the runs of the tools tell."""
    about = {
        as_text(span["attributes"].get("gen_ai.tool.name")): as_text(span["attributes"]["gen_ai.tool.description"])
        for span in spans
        if span["attributes"].get("gen_ai.tool.description")
    }
    found: dict[str, list[Tool]] = {}
    for span in spans:
        names = maybe_json(span["attributes"].get("gen_ai.tool.definitions"))
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            found[span["span"]] = [
                {"name": name, "description": about.get(name, ""), "parameters": ""} for name in names
            ]
    return found


def _agent_of(span: PlainSpan, parents: dict[str, PlainSpan]) -> str:
    """The agent's span around one, at most 20 levels up."""
    here: PlainSpan | None = span
    for _ in range(20):
        if here is None or _kind(here) in _AGENTS:
            break
        here = parents.get(here["parent"])
    return here["span"] if here is not None else ""


def _generation(span: PlainSpan, kind: str, notes: Notes) -> ModelCall:
    """A whole generation: its calls of tools came before its text."""
    answer = _answer(span["attributes"], kind, notes)
    inputs = _given(span["attributes"], kind, notes)
    outputs: list[Message] = []
    if answer is not None:
        calls = answer.pop("tool_calls", [])
        if calls:
            inputs = [*inputs, {"role": "assistant", "parts": [], "tool_calls": calls}]
        outputs = [answer]
    return otel_genai.read_call(span, notes, inputs=inputs, outputs=outputs, tools=[])


def _given(attributes: dict[str, Any], kind: str, notes: Notes) -> list[Message]:
    given = attributes.get(f"mastra.{kind}.input", attributes.get("gen_ai.prompt"))
    return read_chat(given, notes, role="user")


def _answer(attributes: dict[str, Any], kind: str, notes: Notes) -> Message | None:
    """{"text", "toolCalls", "reasoning", "object"} as one message; None where nothing was answered."""
    given = attributes.get(f"mastra.{kind}.output", attributes.get("gen_ai.completion"))
    found = maybe_json(given)
    if not isinstance(found, dict):
        found = {"text": given} if isinstance(given, str) else {}
    message: Message = {"role": "assistant", "parts": []}
    text = found.get("text") or found.get("object")
    if text:
        message["parts"].append({"type": "text", "text": as_text(text)})
    thought = found.get("reasoningText") or found.get("reasoning")
    if thought:
        message["reasoning"] = [{"text": thought_text(thought)}]
    calls: list[ToolCall] = []
    asked = found.get("toolCalls")
    for call in asked if isinstance(asked, list) else []:
        inner = call.get("payload", call) if isinstance(call, dict) else None
        if isinstance(inner, dict):
            given_arguments = inner["args"] if "args" in inner else inner.get("input")
            calls.append(
                {
                    "id": as_text(inner.get("toolCallId") or ""),
                    "name": as_text(inner.get("toolName") or ""),
                    "arguments": arguments_text(given_arguments, notes),
                }
            )
    if calls:
        message["tool_calls"] = calls
    if found.get("finishReason"):
        message["finish_reason"] = finish_reason(found["finishReason"])
    return message if message["parts"] or calls or message.get("reasoning") else None
