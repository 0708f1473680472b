"""What to set where an agent runs, so that its spans bring what was said: most SDKs send no content unless told to."""

from curation.ingest.formats import (
    langfuse_spans,
    mastra,
    mlflow_spans,
    openinference,
    openllmetry,
    otel_genai,
    pydantic_ai,
    vercel,
)
from curation.ingest.reading import Reading
from curation.ingest.spans import PlainSpan

_START = "content capture was off: the spans came without messages. "
NO_CONTENT = (
    f"{_START}Set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY and "
    "OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental where the agent runs "
    "(with EVENT_ONLY the messages come as logs: send those to /v1/logs)"
)
_OLD = (
    f"{_START}Set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true where the agent runs and send its logs to "
    "/v1/logs: conventions up to 1.30 carry messages in log records"
)
_BY_FORMAT = {
    openinference.NAME: f"{_START}Set OPENINFERENCE_HIDE_INPUTS=false and OPENINFERENCE_HIDE_OUTPUTS=false where the agent runs",
    openllmetry.NAME: f"{_START}Set TRACELOOP_TRACE_CONTENT=true where the agent runs",
    vercel.NAME: f"{_START}Set recordInputs: true and recordOutputs: true in experimental_telemetry (version 7: telemetry)",
    pydantic_ai.NAME: f"{_START}Set InstrumentationSettings(include_content=True) where the agent is instrumented",
    langfuse_spans.NAME: f"{_START}Leave out capture_input=False and capture_output=False of @observe",
    mastra.NAME: f"{_START}Leave out hideInput and hideOutput in Mastra's observability settings",
    mlflow_spans.NAME: f"{_START}MLflow's spans had no inputs and outputs: call span.set_inputs and span.set_outputs",
}


def how_to_speak(spans: list[PlainSpan], known: dict[str, Reading]) -> str:
    """The sentence for the senders of these spans, by the first that is a model call or a tool."""
    for span in spans:
        reading = known.get(span["span"])
        if reading is None or reading.kind == "other":
            continue
        if reading.format in _BY_FORMAT:
            return _BY_FORMAT[reading.format]
        if reading.format == otel_genai.NAME and reading.kind == "llm":
            is_old = "gen_ai.system" in span["attributes"] and "gen_ai.provider.name" not in span["attributes"]
            return _OLD if is_old else NO_CONTENT
    return NO_CONTENT
