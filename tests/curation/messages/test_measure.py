"""Steps, counts and usage of documents with every kind of irregular tool traffic."""

from decimal import Decimal

from curation.messages.form import Conversation, Document, Message, message
from curation.messages.measure import fingerprint, measure, preview, steps_of
from tests.make import call, tool_result


def conversation(*messages: Message, kind: str = "main") -> Conversation:
    return {"id": kind, "name": "", "kind": kind, "messages": list(messages), "tools": []}  # type: ignore[typeddict-item]


def document(*conversations: Conversation) -> Document:
    return {"conversations": list(conversations)}


def test_a_call_and_its_result_are_one_step() -> None:
    steps = steps_of(
        document(
            conversation(
                message("system", "Be kind."),
                message("user", "Where is it?"),
                message(
                    "assistant",
                    "",
                    tool_calls=[call("find", id="c1"), call("ask", id="c2")],
                    usage={"input": 5, "output": 2},
                ),
                tool_result("boom", "c2", is_error=True, latency_ms=7),
                tool_result("there", "c1"),
                message("assistant", "There."),
            )
        )
    )
    assert [(s.position, s.key, s.kind, s.tool, s.message, s.call, s.result) for s in steps] == [
        (0, "c0m0", "system", "", 0, None, None),
        (1, "c0m1", "user", "", 1, None, None),
        (2, "c0m2", "assistant", "", 2, None, None),
        (3, "c1", "tool", "find", 2, 0, 4),
        (4, "c2", "tool", "ask", 2, 1, 3),
        (5, "c0m5", "assistant", "", 5, None, None),
    ]
    assert (steps[4].is_error, steps[4].latency_ms, steps[2].tokens) == (True, 7, 7)


def test_ids_used_again_get_numbers_and_the_newest_question_gets_the_answer() -> None:
    said = conversation(
        message("user", "go"),
        message("assistant", "", tool_calls=[call("a", id="x")]),  # never answered
        message("user", "again"),
        message("assistant", "", tool_calls=[call("b", id="x"), call("c", id="x")]),
        tool_result("for b", "x"),
        tool_result("for c", "x"),
        tool_result("for nobody", "x"),
        tool_result("for nobody", "y"),
    )
    tools = [step for step in steps_of(document(said)) if step.kind == "tool"]
    assert [(s.key, s.tool, s.result) for s in tools] == [
        ("x", "a", 6), ("x#2", "b", 4), ("x#3", "c", 5), ("y", "", 7),
    ]  # fmt: skip


def test_keys_are_unique_whatever_the_ids() -> None:
    names = ["c0m0", "c0m0#2", "c0m0", "k" * 500, "k" * 500, "", ""]
    said = conversation(message("assistant", "", tool_calls=[call("t", id=name) for name in names]))
    keys = [step.key for step in steps_of(document(said))]
    assert len(set(keys)) == len(keys) == 8
    assert max(len(key) for key in keys) <= 200


def test_counts_and_money_and_missing_stays_missing() -> None:
    empty = measure(document(conversation(message("user", "hi"), message("assistant", "ho"))))
    assert (empty.input_tokens, empty.output_tokens, empty.cost_usd, empty.latency_ms) == (None, None, None, None)
    said = conversation(
        message("user", "hi"),
        message("assistant", "a", usage={"input": 3}, cost_usd="0.5", latency_ms=10),
        message("assistant", "b", usage={"input": 4, "output": 1}, cost_usd="0.25", is_error=True),
    )
    found = measure(document(said))
    assert (found.turns, found.steps, found.tool_calls, found.errors) == (1, 2, 0, 1)
    assert (found.input_tokens, found.output_tokens, found.cost_usd, found.latency_ms) == (7, 1, Decimal("0.75"), 10)


def test_history_that_two_conversations_share_counts_once() -> None:
    shared = message("assistant", "", tool_calls=[call("go", id="h")], usage={"input": 9, "output": 9}, span_id="s1")
    main = conversation(
        message("user", "q"), shared, tool_result("ok", "h"), message("assistant", "done", span_id="s2")
    )
    other = conversation(message("user", "q"), shared, kind="sub_agent")
    found = measure(document(main, other))
    assert (found.steps, found.tool_calls, found.input_tokens) == (3, 1, 9)
    assert len(found.rows) == 4 + 3  # both are shown


def test_preview_and_fingerprint() -> None:
    long = conversation(message("system", "s"), message("user", "  Where\n is " + "x" * 400))
    assert preview(long).startswith("Where is xxx")
    assert len(preview(long)) == 300
    one = conversation(message("system", "one"), message("user", "Where  is it?"), message("assistant", "a"))
    two = conversation(message("system", "two"), message("user", "Where is it? "), message("assistant", "b"))
    assert fingerprint(one) == fingerprint(two) != ""
    assert fingerprint(conversation(message("assistant", "hello"))) == ""
    image: Message = {"role": "user", "parts": [{"type": "image", "url": "data:x"}]}
    assert preview(conversation(image)) == "[image]"
