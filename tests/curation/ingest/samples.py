"""One small file of every format, written by hand after its documentation; genuine bodies lie in tests/fixtures."""
# ruff: noqa: E501  (a sample is one line, as in a file)

import json
from typing import Any

from tests.curation.ingest.reading import PAYLOADS, lines

ASK = {"role": "user", "content": "Weather in Zürich?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Zürich"}'}}
TURNS = [
    {"from": "human", "value": "Weather in Zürich?"},
    {"from": "function_call", "value": '{"name": "get_weather", "arguments": {"city": "Zürich"}}'},
    {"from": "observation", "value": "7 °C"},
    {"from": "gpt", "value": "It is 7 °C."},
]
TASK = {
    "id": 5,
    "data": {"messages": [ASK, {"role": "assistant", "content": "7 °C."}], "team": "red"},
    "annotations": [
        {"id": 31, "completed_by": {"id": 2, "email": "ann@example.com"}, "updated_at": "2026-01-02T03:04:05Z",
         "result": [
             {"from_name": "verdict", "to_name": "chat", "type": "choices", "value": {"choices": ["Good"]}},
             {"from_name": "stars", "to_name": "chat", "type": "rating", "value": {"rating": 4}},
             {"from_name": "comment", "to_name": "chat", "type": "textarea", "value": {"text": ["Short and right."]}},
             {"from_name": "correction", "to_name": "chat", "type": "textarea", "value": {"text": ["7 °C, dry."]}},
         ]},
        {"id": 32, "completed_by": 7, "was_cancelled": True, "result": []},
    ],
    "predictions": [],
}  # fmt: skip
RECORD = {
    "id": "r1",
    "fields": {"prompt": "Weather in Zürich?", "response": "7 °C."},
    "metadata": {"team": "red"},
    "suggestions": {},
    "responses": {
        "verdict": [{"value": "bad", "user_id": "u-1", "status": "submitted"},
                    {"value": "good", "user_id": "u-2", "status": "draft"}],
        "explanation": [{"value": "It is 9 °C there.", "user_id": "u-1", "status": "submitted"}],
    },
}  # fmt: skip
LANGFUSE = {
    "id": "lf-1", "timestamp": "2026-01-02T03:04:05Z", "name": "weather", "input": {"q": "Weather?"}, "output": "7 °C.",
    "sessionId": "s-1", "userId": "u-1", "tags": ["prod"], "metadata": {"k": 1}, "latency": 1.5, "environment": "default",
    "observations": [
        {"id": "o1", "traceId": "lf-1", "parentObservationId": None, "type": "GENERATION", "name": "llm", "model": "m-1",
         "startTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:04:06Z", "level": "DEFAULT",
         "input": [ASK], "output": {"role": "assistant", "content": None, "tool_calls": [CALL]},
         "usageDetails": {"input": 10, "output": 4, "total": 14}, "costDetails": {"total": 0.002}},
        {"id": "o2", "traceId": "lf-1", "parentObservationId": "o1", "type": "TOOL", "name": "get_weather",
         "startTime": "2026-01-02T03:04:06Z", "endTime": "2026-01-02T03:04:07Z", "input": {"city": "Zürich"},
         "output": "7 °C"},
    ],
    "scores": [{"id": "sc1", "name": "helpful", "value": 1, "dataType": "BOOLEAN", "comment": "yes", "source": "ANNOTATION"},
               {"id": "sc2", "name": "tone", "value": None, "stringValue": "dry", "dataType": "CATEGORICAL"}],
}  # fmt: skip
PHOENIX = [
    {"name": "agent", "context.span_id": "aa00000000000001", "context.trace_id": "t-px", "parent_id": None,
     "span_kind": "AGENT", "start_time": "2026-01-02T03:04:05Z", "end_time": "2026-01-02T03:04:08Z", "status_code": "OK",
     "attributes.session.id": "s-1", "attributes.input.value": "Weather?", "attributes.output.value": "7 °C."},
    {"name": "llm", "context.span_id": "aa00000000000002", "context.trace_id": "t-px", "parent_id": "aa00000000000001",
     "span_kind": "LLM", "start_time": "2026-01-02T03:04:06Z", "end_time": "2026-01-02T03:04:07Z", "status_code": "OK",
     "attributes.llm.model_name": "m-1", "attributes.llm.token_count.prompt": 10, "attributes.llm.token_count.completion": 4,
     "attributes.llm.input_messages": [{"message.role": "user", "message.content": "Weather in Zürich?"}],
     "attributes.llm.output_messages": [{"message": {"role": "assistant", "content": "7 °C."}}],
     "attributes.llm.tools": [{"tool.json_schema": "{\"type\": \"function\", \"function\": {\"name\": \"get_weather\"}}"}],
     "annotations": [{"name": "correct", "annotator_kind": "HUMAN", "result": {"label": "yes", "score": 1.0}}]},
]  # fmt: skip
MLFLOW = {
    "info": {
        "trace_id": "tr-0af7651916cd43dd8448eb211c80319c", "request_time": "2026-01-02T03:04:05Z",
        "execution_duration": "1.5s", "state": "OK", "trace_metadata": {"mlflow.trace.session": "s-1", "mlflow.trace.user": "u-1"},
        "tags": {"mlflow.traceName": "weather", "team": "red"},
        "assessments": [{"assessment_name": "quality", "assessment_id": "a-1", "source": {"source_type": "HUMAN", "source_id": "ann"},
                         "feedback": {"value": True}, "rationale": "fine"}],
    },
    "data": {"spans": [
        {"trace_id": "CvdlGRbNQ92ESOshHIAxnA==", "span_id": "8Gf2MfRfRgo=", "parent_span_id": None, "name": "agent",
         "start_time_unix_nano": 1767323045000000000, "end_time_unix_nano": 1767323046500000000,
         "status": {"code": "STATUS_CODE_OK", "message": ""}, "events": [],
         "attributes": {"mlflow.spanType": "\"AGENT\"", "mlflow.spanInputs": "{\"question\": \"Weather?\"}"}},
        {"trace_id": "CvdlGRbNQ92ESOshHIAxnA==", "span_id": "8Gf2MfRfRgs=", "parent_span_id": "8Gf2MfRfRgo=", "name": "chat",
         "start_time_unix_nano": 1767323045100000000, "end_time_unix_nano": 1767323046000000000,
         "status": {"code": "STATUS_CODE_OK"}, "events": [],
         "attributes": {"mlflow.spanType": "\"CHAT_MODEL\"", "mlflow.chat.tokenUsage": "{\"input_tokens\": 10, \"output_tokens\": 4}",
                        "mlflow.spanInputs": json.dumps({"messages": [ASK]}),
                        "mlflow.spanOutputs": json.dumps({"choices": [{"message": {"role": "assistant", "content": "7 °C."}}]})}},
    ]},
}  # fmt: skip
ATIF = {
    "schema_version": "ATIF-v1.7", "session_id": "at-1", "trajectory_id": "at-1/main",
    "agent": {"name": "terminus", "version": "2", "model_name": "m-1",
              "tool_definitions": [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]},
    "steps": [
        {"step_id": 1, "source": "user", "message": "Weather in Zürich?", "timestamp": "2026-01-02T03:04:05Z"},
        {"step_id": 2, "source": "agent", "message": "", "reasoning_content": "Look it up.",
         "tool_calls": [{"tool_call_id": "c1", "function_name": "get_weather", "arguments": {"city": "Zürich"}}],
         "observation": {"results": [{"source_call_id": "c1", "content": "7 °C"}]},
         "metrics": {"prompt_tokens": 10, "completion_tokens": 4, "cached_tokens": 2, "cost_usd": 0.002}},
        {"step_id": 3, "source": "agent", "message": "It is 7 °C."},
    ],
    "subagent_trajectories": [{"schema_version": "ATIF-v1.7", "trajectory_id": "sub", "agent": {"name": "helper"}, "steps": [
        {"step_id": 1, "source": "agent", "message": "I helped."}]}],
    "final_metrics": {"total_prompt_tokens": 10, "total_completion_tokens": 4, "total_cost_usd": 0.002, "total_steps": 3},
}  # fmt: skip
TRAJECTORY = {
    "task_id": "t-9", "instruction": "Weather in Zürich?", "success": True, "total_reward": 5.5,
    "steps": [
        {"thought": "Look it up.", "action": "get_weather", "action_input": {"city": "Zürich"}, "observation": "7 °C", "reward": 1.5},
        {"thought": "Done.", "action": "finish", "action_input": {"answer": "It is 7 °C."}, "observation": None, "reward": 4.0},
    ],
}  # fmt: skip
CHUNKS = [
    {"id": "x", "object": "chat.completion.chunk", "model": "m-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "It is "}}]},
    {"id": "x", "choices": [{"index": 1, "delta": {"content": "Cold"}, "finish_reason": "stop"}]},
    {"id": "x", "choices": [{"index": 0, "delta": {"content": "7 °C.", "tool_calls": [
        {"index": 0, "id": "c1", "function": {"name": "note", "arguments": "{\"a\""}}]}}]},
    {"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}, "finish_reason": "tool_calls"}]},
    {"id": "x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
]  # fmt: skip
STREAM = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in CHUNKS) + "data: [DONE]\n\n"


def payload(name: str) -> bytes:
    """A genuine body."""
    return (PAYLOADS / name).read_bytes()


def _session() -> bytes:
    return payload("openai_agents_0.24.0__sqlite_session.sqlite3")


# name of the sample: (format, bytes, traces in it)
SAMPLES: dict[str, tuple[str, bytes, int]] = {
    "chat": ("openai_chat", lines({"messages": [ASK, {"role": "assistant", "content": "7 °C."}]}), 1),
    "hf with tools": ("openai_chat", lines({"messages": [ASK, {"role": "assistant", "content": None, "tool_calls": [CALL]}],
                                            "tools": json.dumps([{"name": "get_weather", "parameters": {}}])}), 1),
    "chat log": ("openai_chat", payload("openai_request_response_log__openai_3.52.0.jsonl"), 4),
    "streamed log": ("openai_chat", lines({"request": {"messages": [ASK]}, "response": STREAM}), 1),
    "one list of messages": ("openai_chat", json.dumps([ASK, {"role": "assistant", "content": None, "tool_calls": [CALL]}]).encode(), 1),
    "items": ("openai_items", payload("openai_agents_0.24.0__session_items__responses.json"), 1),
    "sqlite sessions": ("openai_items", _session(), 1),
    "anthropic log": ("anthropic", payload("anthropic_request_response_log__anthropic_2.11.0.jsonl"), 1),
    "anthropic record": ("anthropic", lines({"system": "Be short.", "messages": [ASK, {"role": "assistant", "content": [
        {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {"city": "Zürich"}}]}]}), 1),
    "sharegpt": ("sharegpt", lines({"conversations": TURNS, "tools": "[]"}), 1),
    "alpaca": ("alpaca", lines({"instruction": "Weather?", "input": "Zürich", "output": "7 °C."}), 1),
    "dpo": ("dpo", lines({"prompt": "Weather?", "chosen": "7 °C.", "rejected": "Cold."}), 1),
    "dpo of openai": ("dpo", lines({"input": {"messages": [ASK], "tools": []},
                                    "preferred_output": [{"role": "assistant", "content": "7 °C."}],
                                    "non_preferred_output": [{"role": "assistant", "content": "Cold."}]}), 1),
    "dpo in turns": ("dpo", lines({"conversations": TURNS[:1], "chosen": {"from": "gpt", "value": "7 °C."},
                                   "rejected": {"from": "gpt", "value": "Cold."}}), 1),
    "dpo of hh": ("dpo", lines({"chosen": "\n\nHuman: Weather?\n\nAssistant: 7 °C.", "rejected": "\n\nHuman: Weather?\n\nAssistant: Cold."}), 1),
    "kto": ("kto", lines({"prompt": "Weather?", "completion": "7 °C.", "label": True}), 1),
    "kto of messages": ("kto", lines({"messages": [ASK, {"role": "assistant", "content": "7 °C."}], "label": False}), 1),
    "trajectory": ("trajectory", lines(TRAJECTORY), 1),
    "atif": ("atif", json.dumps(ATIF, indent=1).encode(), 1),
    "tau-bench": ("tau_bench", json.dumps([{"task_id": 1, "trial": 0, "reward": 1.0, "info": {}, "traj": [ASK]}]).encode(), 1),
    "langfuse trace": ("langfuse", json.dumps(LANGFUSE).encode(), 1),
    "langfuse observations": ("langfuse", lines(*({**one, "sessionId": "s-1"} for one in LANGFUSE["observations"])), 1),
    "langfuse page": ("langfuse", json.dumps({"data": [LANGFUSE], "meta": {"page": 1}}).encode(), 1),
    "langsmith body": ("langsmith", payload("langsmith_0.14.17__runs_batch__post.json"), 2),
    "langsmith runs": ("langsmith", lines(*json.loads(payload("langsmith_0.14.17__runs_batch__post.json"))["post"]), 2),
    "phoenix": ("phoenix", lines(*PHOENIX), 1),
    "mlflow": ("mlflow", lines(MLFLOW), 1),
    "mastra": ("mastra", payload("mastra_core_1.71.0__exporter_events.json"), 1),
    "agents traces": ("openai_agents", payload("openai_agents_0.24.0__trace_ingest__chat_completions.json"), 1),
    "otlp": ("otlp_json", payload("otlp_traces__genai_openai_1.3b0__span_and_event.json"), 1),
    "label studio": ("label_studio", json.dumps([TASK]).encode(), 1),
    "label studio, short": ("label_studio", json.dumps([{"id": 5, "prompt": "Weather?", "response": "7 °C.", "verdict": "good",
                                                          "stars": [{"rating": 4}], "annotator": 2, "annotation_id": 31, "lead_time": 3.1}]).encode(), 1),
    "argilla": ("argilla", json.dumps([RECORD]).encode(), 1),
    "argilla, flat": ("argilla", lines({"prompt": "Weather?", "response": "7 °C.", "verdict.responses": ["good"],
                                        "verdict.responses.users": ["u-1"], "verdict.responses.status": ["submitted"]}), 1),
}  # fmt: skip


def records_of(name: str) -> list[Any]:
    """The records of a sample that is JSON."""
    data = SAMPLES[name][1]
    if data.startswith(b"SQLite"):
        return []
    try:
        found = json.loads(data)
    except ValueError:
        found = [json.loads(line) for line in data.decode().split("\n") if line.strip()]
    return found if isinstance(found, list) else [found]
