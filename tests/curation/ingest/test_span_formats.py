"""What the SDKs' own bodies must say once they are traces: every message, call, result, count and note."""

import itertools
import json
import random
from typing import Any

import pytest
from django.conf import settings

from curation.ingest.assemble import SPAN_FORMATS, assemble
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
from curation.ingest.parsed import ParsedTrace
from curation.ingest.spans import PlainSpan
from curation.messages.form import text_of
from curation.messages.measure import measure
from tests.curation.ingest.test_spans import ASK, assembled, chat, payload, said, span

ZURICH, TOKYO = '{"city": "Zürich", "unit": "c"}', '{"city": "東京", "unit": "c"}'
ANSWER = "Zürich: 7 °C, 東京: 19 °C ☀️. <b>Not html</b> & `code`."
RULES, QUESTION = "You are a weather agent. Be short.", "Weather in Zürich and 東京? 🌦️"
CALLS = [("call_fake_1", "get_weather", ZURICH), ("call_fake_2", "get_weather", TOKYO)]
BOTH = [
    ("developer", RULES),
    ("user", QUESTION),
    ("assistant", "", *CALLS),
    ("tool", '{"temp": 7}', "call_fake_1"),
    ("tool", '{"temp": 19}', "call_fake_2"),
    ("assistant", ANSWER),
]


def told(trace: ParsedTrace, number: int = 0) -> list[Any]:
    """(role, text, and the calls, or the id of the call that a result answers) of each message."""
    found = []
    for message in trace.document["conversations"][number]["messages"]:
        calls = [(c["id"], c["name"], c["arguments"]) for c in message.get("tool_calls", [])]
        answers = [message["tool_call_id"]] if "tool_call_id" in message else []
        found.append((message["role"], text_of(message), *calls, *answers))
    return found


def traces(name: str) -> list[ParsedTrace]:
    spans = payload(name)["spans"]
    ids = list(dict.fromkeys(span["trace"] for span in spans))
    found = [assemble(span for span in spans if span["trace"] == key) for key in ids]
    return [trace for trace in found if trace is not None]


def usage(trace: ParsedTrace) -> tuple[int | None, int | None]:
    """Tokens in and out; the columns and the document must agree."""
    found = measure(trace.document)
    assert (found.input_tokens, found.output_tokens) == (trace.input_tokens, trace.output_tokens)
    return trace.input_tokens, trace.output_tokens


def test_openllmetry_in_its_old_flat_form() -> None:
    trace = assembled("otlp_traces__openllmetry_openai_0.44.3_legacy_flat.pb")
    assert told(trace) == BOTH
    assert usage(trace) == (309, 91)
    first = trace.document["conversations"][0]["messages"][2]
    assert (first["usage"], first["finish_reason"]) == ({"input": 57, "output": 17, "cache_read": 16}, "tool_calls")
    assert json.loads(trace.document["conversations"][0]["tools"][0]["parameters"])["required"] == ["city"]
    assert told(trace, 1) == [("user", ""), ("assistant", ANSWER)]  # the image was never sent
    assert len(trace.document["conversations"][1]["candidates"]) == 1
    assert told(trace, 3)[2] == ("assistant", "", ("fc_fake_1", "get_weather", '{"city":"Zürich"}'))
    assert trace.document["conversations"][4]["messages"][1]["is_error"] is True
    assert trace.import_notes == ["OpenLLMetry sent a message of the user without its content (it drops images)"]
    assert (trace.session_id, trace.user_id, trace.environment) == ("sess-1", "user-42", "test")


def test_openllmetry_today_beside_the_sdks_own_spans() -> None:
    openai, anthropic = traces("otlp_traces__openllmetry_openai_anthropic_0.62.4.pb")
    assert [m[0] for m in told(openai)] == ["system", "user", "assistant", "tool", "tool", "assistant"]
    assert usage(openai) == (57 * 3 + 81 * 2, 17 * 3 + 23 * 2)
    responses = openai.document["conversations"][2]["messages"]
    assert responses[2]["reasoning"] == [{"text": "I think."}]  # it came as JSON inside the text
    assert responses[3]["tool_call_id"] == responses[2]["tool_calls"][0]["id"] == "fc_1"  # sent as call_r1
    assert openai.import_notes == [
        "OpenLLMetry sent an answer without what was asked (it drops input that holds an image)",
        "a result was matched to its call by their order (the sender gave them different ids)",
    ]
    assert usage(anthropic) == (114, 18)  # the SDK reports each call a second time
    assert anthropic.import_notes == ["a model call was reported by two spans and counted once (2 times)"]
    assert told(anthropic) == [
        ("system", "Be short."),
        ("user", "Weather in Zürich?"),
        ("assistant", "Looking.", ("toolu_1", "get_weather", '{"city": "Zürich"}')),
        ("tool", '{"temp": 7}', "toolu_1"),
        ("assistant", "7 °C"),
    ]


def test_openinference_of_anthropic() -> None:
    trace = assembled("otlp_traces__openinference_anthropic_3.1.0.pb")
    assert told(trace)[2:4] == [
        ("assistant", "Looking.", ("toolu_1", "get_weather", '{"city": "Zürich"}')),  # said twice, taken once
        ("tool", '{"temp": 7}', "toolu_1"),  # came as a list of blocks in JSON
    ]
    asking = trace.document["conversations"][0]["messages"][2]
    assert asking["reasoning"] == [{"text": "hmm look", "signature": "sig"}]
    assert asking["usage"] == {"input": 57, "output": 9, "cache_read": 5, "cache_write": 12}
    assert usage(trace) == (114, 18)
    assert trace.import_notes == []


def test_langfuse() -> None:
    agent, wrapped = traces("otlp_traces__langfuse_5.0.4.pb.gzip")
    assert told(agent) == [
        ("system", "Be short"),
        ("user", "Weather in Zürich?"),
        ("assistant", "", ("call_1", "get_weather", '{"city":"Zürich"}')),
        ("tool", '{"temp": 7, "city": "Zürich"}', "call_1"),  # only the tool's span tells it
    ]
    assert told(agent, 1) == [("user", "Weather in Zürich?"), ("assistant", "7 °C")]
    assert (agent.session_id, agent.user_id, agent.tags) == ("sess-1", "user-42", ["prod", "weather"])
    assert (agent.metadata["exp"], agent.name, agent.agent) == ("A", "agent", "agent")
    assert (usage(agent), str(agent.cost_usd)) == ((57, 17), "0.000030")
    assert agent.document["conversations"][0]["messages"][2]["usage"]["cache_read"] == 16
    assert agent.import_notes == ["the sender warned about 'llm-2': slow"]
    assert told(wrapped) == [("user", "hi"), ("assistant", ANSWER)]
    assert wrapped.document["conversations"][0]["messages"][1]["usage"]["reasoning"] == 5
    assert wrapped.model == "gpt-4o-mini-2026-01-01"


@pytest.mark.parametrize("kind", ["pb", "json"])
def test_mastra_whose_steps_are_lossy(kind: str) -> None:
    trace = assembled(f"otlp_traces__mastra_otel_exporter_1.4.0.{kind}")
    results = [f'{{"temp":7,"got":{{"city":"{city}","unit":"c"}}}}' for city in ("Zürich", "東京")]
    assert told(trace) == [
        ("system", "Answer weather questions."),
        ("user", "Weather in Zürich and 東京?"),
        ("assistant", "", *CALLS),
        ("tool", results[0], "call_fake_1"),
        ("tool", results[1], "call_fake_2"),
        ("assistant", ANSWER),
    ]
    assert len(trace.document["conversations"]) == 1
    assert usage(trace) == (114, 34)
    asking, result = trace.document["conversations"][0]["messages"][2:4]
    assert asking["usage"] == {"input": 57, "output": 17, "cache_read": 16, "reasoning": 5}
    assert (asking["finish_reason"], asking["model"]) == ("tool_calls", "gpt-4o-mini-2026-01-01")
    # without its tools: 706 ms; in the JSON body of another run about as long
    assert asking["latency_ms"] < 600
    assert result["latency_ms"] > 20
    assert trace.document["conversations"][0]["tools"][0]["description"] == "Weather in a city"
    assert (trace.session_id, trace.user_id, trace.tags, trace.agent) == ("sess-1", "user-42", ["prod"], "weather")
    assert set(trace.metadata) == {"runId", "service.name", "service.version"}
    assert trace.import_notes == ["Mastra sends the names of tools without their schemas"]


def test_mastra_in_pieces() -> None:
    """Whatever has come, nothing is counted twice and a lossy step is not taken for what was said without a word."""
    spans = payload("otlp_traces__mastra_otel_exporter_1.4.0.pb")["spans"]
    kinds = {one["span"]: one["attributes"]["mastra.span.type"] for one in spans}

    def without(*left: str) -> ParsedTrace:
        trace = assemble([one for one in spans if kinds[one["span"]] not in left])
        assert trace is not None
        return trace

    assert told(without("model_generation", "agent_run")) == told(without())
    alone = without("model_step", "model_inference", "model_chunk")  # the generation tells the whole
    assert told(alone) == told(without())
    second = [one for one in spans if one["attributes"].get("mastra.model_step.step_index") == 1]
    lossy = assemble(second)
    assert lossy is not None
    assert "Mastra shortens calls and results in a step's input, and the steps before it have not come" in (
        lossy.import_notes
    )
    assert usage(without("model_step")) == (114, 34)


def test_vercel_of_all_ages() -> None:
    asked = (
        "assistant",
        "Looking.",
        ("c1", "get_weather", '{"city": "Zürich"}'),
        ("c2", "get_weather", '{"city": "Bern"}'),
    )
    for name, failure in (("4.3.19", "no data"), ("7.0.173", "Error: no data"), ("7.0.173__legacy", "Error: no data")):
        trace = assembled(f"otlp_traces__vercel_ai_{name}.json")
        found = told(trace)
        calls = [(call[0], call[1], json.dumps(json.loads(call[2]), ensure_ascii=False)) for call in found[2][2:]]
        assert found[:2] == [("system", "Be short."), ("user", "Weather in Zürich?")]
        assert (*found[2][:2], *calls) == asked
        assert [found[3][2:], found[4][1:]] == [("c1",), (failure, "c2")]
        assert json.loads(found[3][1]) == {"temp": 7}
        assert found[5] == ("assistant", "7 °C")
        main = trace.document["conversations"][0]
        assert main["messages"][2]["reasoning"] == [{"text": "hmm"}]
        assert main["messages"][4].get("is_error", False) is (failure != "no data")
        assert json.loads(main["tools"][0]["parameters"])["required"] == ["city"]
        assert usage(trace) == (117, 26)  # the outer span has the sum, or the last, again
        assert (trace.agent, len(trace.document["conversations"])) == ("weather-fn", 1)
        assert trace.import_notes == []
    old = assembled("otlp_traces__vercel_ai_4.3.19.json")
    assert (old.session_id, old.user_id, old.tags) == ("sess-1", "user-42", ["prod"])


def test_mlflow_that_lost_its_root() -> None:
    trace = assembled("otlp_traces__mlflow_3.17.2__root_lost.pb")
    assert told(trace) == [
        ("system", "Be short."),
        ("user", "Weather in Zürich?"),
        (
            "assistant",
            "",
            ("call_1", "get_weather", '{"city": "Zürich"}'),
            ("call_2", "get_weather", '{"city": "Bern"}'),
        ),
        ("tool", '{"temp": 7}', "call_1"),
        ("tool", "no data", "call_2"),
        ("assistant", "Zürich: 7 °C"),
    ]
    assert trace.document["conversations"][0]["messages"][4]["is_error"] is True
    assert usage(trace) == (114, 34)
    assert trace.document["conversations"][0]["messages"][2]["usage"]["cache_read"] == 16
    assert trace.document["conversations"][0]["tools"][0]["name"] == "get_weather"


@pytest.mark.parametrize("kind", ["2", "6"])
def test_pydantic_ai(kind: str) -> None:
    trace = assembled(f"otlp_traces__pydantic_ai_2.68.0__format_{kind}.pb")
    assert told(trace) == [
        ("system", "Be short."),
        ("user", "Weather in Zürich and Bern?"),
        (
            "assistant",
            "One moment.",
            ("c1", "get_weather", '{"city": "Zürich"}'),
            ("c2", "get_weather", '{"city": "Bern"}'),
        ),
        ("tool", '{"temp": 7}', "c1"),
        ("tool", "no data", "c2"),
        ("assistant", "Zürich 7 °C, Bern unknown"),
    ]
    assert trace.document["conversations"][0]["messages"][2]["reasoning"] == [{"text": "let me look"}]
    assert usage(trace) == (115, 37)
    assert (trace.agent, trace.import_notes) == ("weather", [])
    assert trace.session_id.startswith("01a1fc3c")
    spans = payload(f"otlp_traces__pydantic_ai_2.68.0__format_{kind}.pb")["spans"]
    for one in spans:
        if one["attributes"]["gen_ai.operation.name"] == "chat":
            one["attributes"] = {
                k: v for k, v in one["attributes"].items() if "messages" not in k and "system_" not in k
            }
    agent = assemble(spans)  # only the agent knows what was said
    assert agent is not None
    assert told(agent) == told(trace)
    assert usage(agent) == (115, 37)


def test_pydantic_ai_in_its_first_format() -> None:
    events = [
        {"event.name": "gen_ai.system.message", "role": "system", "content": "Be short."},
        {"event.name": "gen_ai.user.message", "role": "user", "content": [{"kind": "text", "text": "Hi"}, "there"]},
        {"event.name": "gen_ai.choice", "index": 0, "message": {
            "role": "assistant",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}],
        }},
    ]  # fmt: skip
    one = span(1, scope={"name": "pydantic-ai"}, attributes={"gen_ai.request.model": "m", "events": json.dumps(events)})
    trace = assemble([one])
    assert trace is not None
    assert told(trace) == [
        ("system", "Be short."),
        ("user", "Hi\nthere"),
        ("assistant", "", ("c1", "look", '{"q":1}')),
    ]
    dump = [
        {"kind": "request", "parts": [
            {"part_kind": "system-prompt", "content": "Be short."}, {"part_kind": "user-prompt", "content": "Hi"}]},
        {"kind": "response", "parts": [
            {"part_kind": "thinking", "content": "hm"},
            {"part_kind": "tool-call", "tool_name": "look", "tool_call_id": "c1", "args": '{"q":1}'}]},
        {"kind": "request", "parts": [
            {"part_kind": "retry-prompt", "tool_name": "look", "tool_call_id": "c1", "content": "wrong"}]},
        {"kind": "response", "parts": [{"part_kind": "text", "content": "Hello"}]},
    ]  # fmt: skip
    trace = assemble([span(1, attributes={"agent_name": "a", "all_messages": json.dumps(dump)})])
    assert trace is not None
    assert told(trace)[2:] == [
        ("assistant", "", ("c1", "look", '{"q":1}')),
        ("tool", "wrong", "c1"),
        ("assistant", "Hello"),
    ]
    assert trace.document["conversations"][0]["messages"][3]["is_error"] is True


@pytest.mark.parametrize(
    ("attributes", "setting"),
    [
        ({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "x"}, "CAPTURE_MESSAGE_CONTENT=SPAN_ONLY"),
        ({"gen_ai.operation.name": "chat", "gen_ai.system": "x"}, "CAPTURE_MESSAGE_CONTENT=true"),
        ({"openinference.span.kind": "LLM", "input.value": "__REDACTED__"}, "OPENINFERENCE_HIDE_INPUTS=false"),
        ({"gen_ai.is_streaming": False, "gen_ai.request.model": "m"}, "TRACELOOP_TRACE_CONTENT=true"),
        ({"ai.operationId": "ai.generateText.doGenerate"}, "recordInputs: true"),
        ({"model_request_parameters": "{}", "gen_ai.operation.name": "chat"}, "include_content=True"),
        ({"langfuse.observation.type": "generation"}, "capture_input=False"),
        ({"mastra.span.type": "model_step"}, "hideInput"),
        ({"mlflow.spanType": '"LLM"'}, "span.set_inputs"),
    ],
)
def test_where_content_is_off_it_says_what_to_set(attributes: dict[str, Any], setting: str) -> None:
    trace = assemble([span(1, attributes=attributes)])
    assert trace is not None
    assert trace.import_notes[-1].startswith("content capture was off")
    assert setting in trace.import_notes[-1]
    assert [m["role"] for m in trace.document["conversations"][0]["messages"]] == ["assistant"]


def test_what_a_tool_does_by_itself_is_not_inside_the_call_that_asked() -> None:
    """A sub-agent runs inside a tool, and some SDKs hang the tool under the call that asked for it."""
    call = said("assistant", {"type": "tool_call", "id": "c1", "name": "research", "arguments": {"q": 1}})
    asking = chat(1, [ASK], [call])
    run = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "research", "gen_ai.tool.call.id": "c1"}
    subs = [
        chat(n, [said("system", f"You are {n}"), said("user", "Find.")], [said("assistant", "x")], parent=2)
        for n in (3, 4)
    ]
    last = chat(
        9,
        [ASK, call, said("tool", {"type": "tool_call_response", "id": "c1", "response": "x"})],
        [said("assistant", "Done.")],
    )
    trace = assemble([asking, span(2, parent=1, attributes=run), *subs, last])
    assert trace is not None
    kinds = [(c["kind"], len(c["messages"])) for c in trace.document["conversations"]]
    assert kinds == [("main", 4), ("sub_agent", 3), ("sub_agent", 3)]
    assert usage(trace) == (40, 4)


def test_a_response_id_that_comes_again_later_is_another_call() -> None:
    same = {"attributes": {"gen_ai.response.id": "cached"}}
    trace = assemble(
        [chat(1, [ASK], [said("assistant", "x")], **same), chat(50, [ASK], [said("assistant", "x")], **same)]
    )
    assert trace is not None
    assert usage(trace) == (20, 2)


def test_messages_stored_elsewhere_are_not_fetched() -> None:
    trace = assemble(
        [span(1, attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages.ref": "https://x/y"})]
    )
    assert trace is not None
    assert "messages are stored elsewhere (gen_ai.*.messages.ref) and were not fetched" in trace.import_notes


def test_words_on_openinference_spans_are_scores() -> None:
    attributes = {
        "openinference.span.kind": "LLM",
        "annotations.0.annotation.name": "quality",
        "annotations.0.annotation.score": 0.5,
        "annotations.0.annotation.label": "fair",
        "annotations.0.annotation.explanation": "short",
        "annotations.0.annotation.annotator_kind": "HUMAN",
        "trace.evaluations.0.evaluation.name": "tone",
        "trace.evaluations.0.evaluation.label": "kind",
        "evaluations.1.evaluation.name": "empty",
    }
    trace = assemble([span(1, attributes=attributes)])
    assert trace is not None
    assert [(s.name, s.number, s.category, s.reason, s.author) for s in trace.scores] == [
        ("quality", 0.5, "", "fair: short", "HUMAN"),
        ("tone", None, "kind", "", ""),
    ]


def test_images_and_files_in_every_spelling() -> None:
    parts = [
        {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "aGk="},
        {"type": "uri", "modality": "image", "uri": "https://x/y.png"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "image", "image": "data:image/png;base64,aGk="},
        {"type": "file", "file_id": "f-1"},
        {"type": "compaction", "content": "Earlier: hello"},
        {"type": "hologram", "x": 1},
    ]
    trace = assemble([chat(1, [said("user", *parts)], [said("assistant", "ok")])])
    assert trace is not None
    found = trace.document["conversations"][0]["messages"][0]["parts"]
    assert [part["type"] for part in found] == ["image"] * 5 + ["file", "text", "json"]
    assert {part["url"] for part in found[:5]} == {"data:image/png;base64,aGk=", "https://x/y.png"}
    assert trace.import_notes == [
        "the provider put a summary in the place of older messages (compaction)",
        "a part of kind 'hologram' was kept as JSON",
    ]


NAMES = [
    "otlp_traces__langfuse_5.0.4.pb.gzip", "otlp_traces__mastra_otel_exporter_1.4.0.pb",
    "otlp_traces__vercel_ai_7.0.173__legacy.json", "otlp_traces__openllmetry_openai_anthropic_0.62.4.pb",
    "otlp_traces__pydantic_ai_2.68.0__format_6.pb", "otlp_traces__openllmetry_openai_0.44.3_legacy_flat.pb",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_order_says_the_same_and_any_part_is_a_trace_or_none(name: str) -> None:
    whole = payload(name)["spans"]
    for _, group in itertools.groupby(sorted(whole, key=lambda one: one["trace"]), key=lambda one: one["trace"]):
        spans: list[PlainSpan] = list(group)
        expected = assemble(spans)
        random.Random(7).shuffle(spans)
        assert assemble(spans) == expected
        for count in range(1, len(spans)):
            part = assemble(spans[:count])
            assert part is None or usage(part) is not None


def test_strange_calls_and_results() -> None:
    """Ids that answer nothing, twice or later again; arguments that are no JSON; words in roles nobody knows; counts that
    are none."""

    def result(key: str, answer: str) -> Any:
        return said("tool", {"type": "tool_call_response", "id": key, "response": answer})

    def asks(key: str, arguments: Any) -> Any:
        return said("assistant", {"type": "tool_call", "id": key, "name": "look", "arguments": arguments})

    given = [
        said("assistant", "Hello first."), ASK, ASK, asks("c1", "not json"), result("c1", "a"), result("c1", "b"),
        asks("c1", None), result("c1", "c"), asks("c2", [1]), result("nobody", "d"), said("wizard", "?"),
        {"role": "user", "parts": None}, {"role": "assistant", "parts": []}, asks("c3", ""),
    ]  # fmt: skip
    counts = {"gen_ai.usage.input_tokens": -5, "gen_ai.usage.output_tokens": 1.5}
    trace = assemble([chat(1, given, [said("assistant", "End.")], attributes=counts)])
    assert trace is not None
    assert [m[:2] for m in told(trace)][:3] == [("assistant", "Hello first."), ("user", "Where?"), ("user", "Where?")]
    calls = [call[2] for message in told(trace) for call in message[2:] if isinstance(call, tuple)]
    assert calls == ["not json", "{}", "[1]", "{}"]
    steps = measure(trace.document)
    assert (steps.tool_calls, len({step.key for step in steps.rows})) == (4, len(steps.rows))
    assert usage(trace) == (None, None)  # unknown, and not 0
    assert trace.import_notes[0] == "a message without a known role was left out"
    assert "empty tool arguments were read as {}" in trace.import_notes


@pytest.mark.parametrize(
    "attributes",
    [
        {"openinference.span.kind": "RETRIEVER", "retrieval.documents.0.document.content": "x"},
        {"langfuse.observation.type": "retriever"},
        {"mlflow.spanType": '"RETRIEVER"'},
    ],
)
def test_what_is_no_part_of_the_conversation_is_noted(attributes: dict[str, Any]) -> None:
    trace = assemble([chat(1, [ASK], [said("assistant", "x")]), span(2, attributes=attributes)])
    assert trace is not None
    assert trace.import_notes == ["a span of kind retriever is not part of the conversation"]


def test_older_and_neighbouring_spellings() -> None:
    asked = json.dumps({"messages": [{"role": "user", "content": "Hi"}]})
    langchain = json.dumps({"messages": [[{"lc": 1, "id": ["x", "HumanMessage"], "kwargs": {"content": "Hi"}}]]})
    answered = json.dumps({"choices": [{"message": {"role": "assistant", "content": "Hello"}}]})
    wrapped = json.dumps({"args": [], "kwargs": {"messages": [{"role": "user", "content": "Hi"}], "model": "m"}})
    for attributes in (
        {"gen_ai.operation.name": "chat", "gen_ai.prompt": asked, "gen_ai.completion": answered},
        {"gen_ai.operation.name": "chat", "gen_ai.prompt": langchain, "gen_ai.completion": "Hello"},
        {"gen_ai.request.model": "m", "request_data": asked, "response_data": '{"message": {"role": "assistant", "content": "Hello"}}'},
        {"langfuse.observation.type": "generation", "langfuse.observation.input": wrapped, "langfuse.observation.output": "Hello"},
        {"openinference.span.kind": "LLM", "input.value": asked, "output.value": answered},
        {"mlflow.spanType": '"LLM"', "mlflow.spanInputs": asked, "mlflow.spanOutputs": '"Hello"'},
    ):  # fmt: skip
        trace = assemble([span(1, attributes=attributes)])
        assert trace is not None
        assert told(trace) == [("user", "Hi"), ("assistant", "Hello")]


@pytest.mark.parametrize(
    "answer", ['{"answer":"42"}', '{"text": "x"}', "[1,2]", '{"result": [1]}', '"quoted"', "{broken"]
)
def test_an_answer_that_is_json_stays_as_it_was_written(answer: str) -> None:
    attributes = {"langfuse.observation.type": "generation", "langfuse.observation.input": "Hi"}
    trace = assemble([span(1, attributes={**attributes, "langfuse.observation.output": answer})])
    assert trace is not None
    assert told(trace) == [("user", "Hi"), ("assistant", answer)]


def test_every_format_of_spans_has_its_section_in_the_docs() -> None:
    text = (settings.BASE_DIR / "docs" / "formats.md").read_text()
    for module in (langfuse_spans, mastra, mlflow_spans, openinference, openllmetry, otel_genai, pydantic_ai, vercel):
        assert (module.detect, module.read_span) in SPAN_FORMATS
        assert f"### `{module.NAME}`" in text
