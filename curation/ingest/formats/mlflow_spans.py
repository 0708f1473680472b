"""MLflow's spans over OpenTelemetry: mlflow.spanType, mlflow.spanInputs and their kin, each value JSON text of its own.

Source: mlflow-tracing 3.17.2 (mlflow/tracing/constant.py) and a body it sent; "\\"TOOL\\"" is the text TOOL. The root span is
lost by some releases, and with it the names of session and user.
"""

from typing import Any, cast

from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.fields import read_dollars
from curation.ingest.openai_messages import arguments_text, read_tools, read_usage, whole_number
from curation.ingest.reading import Reading, ToolRun, as_call, error_of, latency_ms, leave_out, maybe_json
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_chat import read_chat, result_parts
from curation.messages.clean import Notes
from curation.messages.form import Part, Usage

NAME = "mlflow_spans"
LABEL = "MLflow spans"
_TYPE, _INPUTS, _OUTPUTS = "mlflow.spanType", "mlflow.spanInputs", "mlflow.spanOutputs"
_LLM = {"LLM", "CHAT_MODEL"}
_AGENTS = {"AGENT", "CHAIN", "WORKFLOW"}


def detect(span: PlainSpan) -> bool:
    """Whether a span is one of MLflow's."""
    return _TYPE in span["attributes"] or _INPUTS in span["attributes"]


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says."""
    attributes = span["attributes"]
    kind = as_text(value_of(attributes, _TYPE) or "").upper()
    reading = Reading(
        kind="other",
        format=NAME,
        session_id=as_text(value_of(attributes, "mlflow.trace.session") or ""),
        user_id=as_text(value_of(attributes, "mlflow.trace.user") or ""),
    )
    if kind in _LLM:
        reading.kind, reading.call = "llm", _call(span, notes)
    elif kind == "TOOL":
        reading.kind, reading.tool = "tool", _tool(span, notes)
    elif kind in _AGENTS:
        reading.kind = "agent"
        reading.agent = (
            as_text(value_of(attributes, "mlflow.spanFunctionName") or span["name"]) if kind == "AGENT" else ""
        )
        if _INPUTS in attributes and _OUTPUTS in attributes:
            reading.call = _outside(span, notes)
    else:
        leave_out(kind, notes)
    tags = "mlflow.traceTag."
    reading.metadata = {key.removeprefix(tags): value_of(attributes, key) for key in attributes if key.startswith(tags)}
    return reading


def value_of(attributes: dict[str, Any], key: str) -> Any:
    """The value behind one JSON text; text that is no JSON stays as it is."""
    value = attributes.get(key)
    found = maybe_json(value)
    return value if found is None else found


def _call(span: PlainSpan, notes: Notes) -> ModelCall:
    attributes = span["attributes"]
    asked, answered = value_of(attributes, _INPUTS), value_of(attributes, _OUTPUTS)
    tools = value_of(attributes, "mlflow.chat.tools") or (asked.get("tools") if isinstance(asked, dict) else None)
    answers = answered if isinstance(answered, dict) else {}
    outputs = read_chat(answers.get("output") or answered, notes, role="assistant")
    cost = value_of(attributes, "mlflow.llm.cost")
    total = cost.get("total_cost") if isinstance(cost, dict) else None
    return as_call(
        span,
        inputs=read_chat(asked, notes, role="user"),
        outputs=[message for message in outputs if message["role"] == "assistant"],
        tools=read_tools(tools, notes),
        model=as_text(answers.get("model") or value_of(attributes, "mlflow.llm.model") or _asked_model(asked)),
        response_id=as_text(answers.get("id") or ""),
        usage=_usage(value_of(attributes, "mlflow.chat.tokenUsage"), answers.get("usage")),
        cost_usd=str(total) if total is not None and read_dollars(total) is not None else "",
    )


def _asked_model(asked: Any) -> str:
    return as_text(asked.get("model") or "") if isinstance(asked, dict) else ""


def _usage(counted: Any, answered: Any) -> Usage:
    """MLflow's counts (which have no details), and the details of the provider's."""
    found: dict[str, int] = dict(cast(dict[str, int], read_usage(answered)))
    if isinstance(counted, dict):
        found.update(cast(dict[str, int], read_usage(counted)))
        for key, name in (("cache_read", "cache_read_input_tokens"), ("cache_write", "cache_creation_input_tokens")):
            if (count := whole_number(counted.get(name))) is not None:
                found[key] = count
    return cast(Usage, found)


def _tool(span: PlainSpan, notes: Notes) -> ToolRun:
    attributes = span["attributes"]
    given, answer = value_of(attributes, _INPUTS), value_of(attributes, _OUTPUTS)
    error = error_of(span)
    parts: list[Part] | None = result_parts(answer) if answer is not None else None
    return ToolRun(
        key=span["span"],
        name=as_text(value_of(attributes, "mlflow.spanFunctionName") or span["name"]),
        call_id="",
        arguments=arguments_text(given, notes) if given is not None else None,
        parts=parts if parts is not None or not error else [{"type": "text", "text": error}],
        is_error=bool(error),
        latency_ms=latency_ms(span),
        start=span["start"],
    )


def _outside(span: PlainSpan, notes: Notes) -> ModelCall:
    """An agent or chain seen from outside; the only argument of a function is what was asked."""
    given = value_of(span["attributes"], _INPUTS)
    if isinstance(given, dict) and len(given) == 1 and not given.keys() & {"messages", "input", "prompt"}:
        given = next(iter(given.values()))
    answers = read_chat(value_of(span["attributes"], _OUTPUTS), notes, role="assistant")
    return as_call(
        span,
        inputs=read_chat(given, notes, role="user"),
        outputs=[message for message in answers if message["role"] == "assistant"],
    )
