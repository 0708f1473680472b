"""The validator: each rule with a row that breaks it and nothing else."""

from typing import Any

import pytest

from curation.datasets.example import Example
from curation.datasets.exporting import formats, validate
from curation.datasets.recipe import Recipe
from curation.datasets.splits import group_of, split_of
from curation.messages.form import Message, Tool, message
from tests.make import call, tool_result

USER, ANSWER = message("user", "Where is my order, please?"), message("assistant", "On its way.")
TOOL: Tool = {"name": "look", "description": "", "parameters": '{"type": "object"}'}


def calling(arguments: str = "{}", name: str = "look", key: str = "call_1") -> Message:
    return message("assistant", "", tool_calls=[call(name, arguments, key)])


CASES: list[tuple[str, str, str, list[Message], list[Tool]]] = [
    ("error", "no_messages", "messages", [], []),
    ("error", "unknown_role", "messages[0].role", [{"role": "robot", "parts": []}, USER, ANSWER], []),  # type: ignore[typeddict-item]
    ("error", "no_user_message", "messages", [message("system", "x"), ANSWER], []),
    ("error", "empty_user_message", "messages[0].content", [message("user", "  \n"), ANSWER], []),
    ("error", "no_assistant_message", "messages", [USER], []),
    ("error", "nothing_trained", "messages", [USER, message("assistant", "No.", weight=0)], []),
    ("error", "empty_assistant_message", "messages[1].content", [USER, message("assistant")], []),
    ("error", "orphan_tool_result", "messages[1].tool_call_id", [USER, tool_result("x", "c9"), ANSWER], []),
    (
        "error",
        "missing_tool_call_id",
        "messages[2].tool_call_id",
        [USER, calling(), message("tool", "x"), tool_result("y"), ANSWER],
        [TOOL],
    ),
    (
        "error",
        "late_tool_result",
        "messages[3].tool_call_id",
        [USER, calling(), tool_result("x"), tool_result("y"), ANSWER],
        [TOOL],
    ),
    ("error", "unanswered_call", "messages[1].tool_calls[0]", [USER, calling(), ANSWER], [TOOL]),
    ("error", "missing_call_id", "messages[1].tool_calls[0].id", [USER, calling(key="")], [TOOL]),
    (
        "error",
        "repeated_call_id",
        "messages[1].tool_calls[1].id",
        [USER, message("assistant", "", tool_calls=[call("look"), call("look")]), tool_result("x"), ANSWER],
        [TOOL],
    ),
    (
        "warning",
        "reused_call_id",
        "messages[3].tool_calls[0].id",
        [USER, calling(), tool_result("x"), calling(), tool_result("y"), ANSWER],
        [TOOL],
    ),
    ("error", "missing_tool_name", "messages[1].tool_calls[0].function.name", [USER, calling(name="")], [TOOL]),
    (
        "error",
        "arguments_not_json",
        "messages[1].tool_calls[0].function.arguments",
        [USER, calling('{"a": NaN}')],
        [TOOL],
    ),
    (
        "error",
        "arguments_not_json",
        "messages[1].tool_calls[0].function.arguments",
        [USER, calling('{"a": 1, "a": 2}')],
        [TOOL],
    ),
    (
        "error",
        "arguments_not_json",
        "messages[1].tool_calls[0].function.arguments",
        [USER, calling("[" * 100_000)],
        [TOOL],
    ),
    ("error", "arguments_not_json", "messages[1].tool_calls[0].function.arguments", [USER, calling("")], [TOOL]),
    (
        "error",
        "lone_surrogate",
        "messages[1].tool_calls[0].function.arguments",
        [USER, calling(r'{"\udc00": ["\ud83d\ude00"]}')],
        [TOOL],
    ),
    (
        "error",
        "number_too_large",
        "messages[1].tool_calls[0].function.arguments",
        [USER, calling('{"a": [-1E+0999]}')],
        [TOOL],
    ),
    (
        "error",
        "nested_too_deeply",
        "messages[1].tool_calls[0].function.arguments",
        [USER, calling('{"a": ' + "[" * 200 + "]" * 200 + "}")],
        [TOOL],
    ),
    (
        "error",
        "lone_surrogate",
        "tools[0].function.parameters",
        [USER, ANSWER],
        [{**TOOL, "parameters": r'{"title": "\ud83d"}'}],
    ),
    ("error", "arguments_not_object", "messages[1].tool_calls[0].function.arguments", [USER, calling("[1]")], [TOOL]),
    (
        "error",
        "calls_of_others",
        "messages[0].tool_calls",
        [message("user", "Where is it now?", tool_calls=[call("look")]), tool_result("x"), ANSWER],
        [TOOL],
    ),
    ("error", "schema_not_json", "tools[0].function.parameters", [USER, ANSWER], [{**TOOL, "parameters": "{"}]),
    ("error", "schema_not_object", "tools[0].function.parameters", [USER, ANSWER], [{**TOOL, "parameters": "true"}]),
    ("warning", "undeclared_tool", "messages[1].tool_calls[0].function.name", [USER, calling()], []),
    ("warning", "repeated_tool", "tools[0].function.name", [USER, ANSWER], [TOOL, TOOL]),
    ("warning", "short_user_message", "messages[0].content", [message("user", "hi"), ANSWER], []),
    ("warning", "ends_without_answer", "messages[2]", [USER, ANSWER, USER], []),
    ("warning", "consecutive_assistants", "messages[2]", [USER, ANSWER, ANSWER], []),
    ("warning", "consecutive_users", "messages[1]", [USER, USER, ANSWER], []),
    ("warning", "system_not_first", "messages[1]", [USER, message("system", "x"), ANSWER], []),
    ("warning", "long_row", "messages", [message("user", "x" * 40_000), ANSWER], []),
    ("warning", "reasoning_left_out", "messages", [USER, message("assistant", "Yes.", reasoning=[{"text": "hm"}])], []),
]


@pytest.mark.parametrize(
    ("level", "code", "path", "messages", "tools"), CASES, ids=[f"{c[1]}-{n}" for n, c in enumerate(CASES)]
)
def test_each_rule(level: str, code: str, path: str, messages: list[Message], tools: list[Tool]) -> None:
    found = validate.common(Example(messages=messages, tools=tools))
    assert (level, code, path) in [(one.level, one.code, one.path) for one in found]
    if level == "error":
        expected = {code, *({"no_assistant_message"} if code == "no_messages" else ())}
        assert {one.code for one in found if one.level == "error"} <= expected
    assert all(one.reason and len(one.reason) < 400 for one in found)


def test_a_sound_row_has_no_findings() -> None:
    messages = [
        message("system", "Help."),
        USER,
        calling(),
        tool_result("ok"),
        ANSWER,
        message("user", "Thank you very much."),
        calling(key="b"),
    ]
    for name in ("openai-sft", "trl-sft", "trl-prompt-completion-turns", "chatml", "sharegpt"):
        assert validate.check(Example(messages=messages, tools=[TOOL]), formats.find(name)) == []


@pytest.mark.parametrize(
    ("name", "code", "messages", "tools"),
    [
        ("openai-sft", "tool_name_not_taken", [USER, calling(name="look up")], []),
        ("openai-sft", "tool_name_not_taken", [USER, ANSWER], [{**TOOL, "name": "x" * 65}]),
        ("openai-sft", "name_not_taken", [message("user", "Where is my order?", name="Jo Doe"), ANSWER], []),
        ("openai-sft", "weight_not_taken", [USER, message("assistant", "x", weight=0.5)], []),
        ("openai-sft", "weight_not_taken", [message("user", "Where is my order?", weight=1), ANSWER], []),
        ("openai-sft", "content_not_taken", [{"role": "user", "parts": [{"type": "audio", "url": "x"}]}, ANSWER], []),
        ("openai-sft", "image_not_of_user", [USER, {"role": "assistant", "parts": [{"type": "image"}]}], []),
        ("openai-sft", "image_without_address", [{"role": "user", "parts": [{"type": "image"}]}, ANSWER], []),
        ("openai-sft", "too_long", [message("user", "x" * 300_000), ANSWER], []),
        ("openai-sft", "number_too_large", [USER, ANSWER], [{**TOOL, "parameters": f'{{"maximum": {2**64}}}'}]),
        ("openai-sft", "number_too_large", [USER, ANSWER], [{**TOOL, "parameters": f'{{"minimum": {-(2**63) - 1}}}'}]),
        ("chatml", "mark_in_content", [USER, calling(name="<|im_end|>")], [TOOL]),
        ("openai-sft", "many_tools", [USER, ANSWER], [{**TOOL, "name": f"look_{n}"} for n in range(129)]),
        ("trl-sft", "content_not_text", [{"role": "user", "parts": [{"type": "image", "url": "x"}]}, ANSWER], []),
        ("trl-sft", "number_too_large", [USER, calling('{"n": 123456789012345678901}')], [TOOL]),
        ("trl-sft", "decimals_rounded", [USER, calling('{"lat": 40.71277612345678}')], [TOOL]),
        ("trl-sft", "decimals_rounded", [USER, calling('{"n": 1e-12}')], [TOOL]),
        ("trl-sft", "weight_not_kept", [USER, message("assistant", "a", weight=0), USER, ANSWER], []),
    ],
)  # fmt: skip
def test_rules_of_formats(name: str, code: str, messages: list[Any], tools: list[Any]) -> None:
    assert code in [one.code for one in validate.check(Example(messages=messages, tools=tools), formats.find(name))]


def test_openai_is_offered_128_tools() -> None:
    chosen = formats.find("openai-sft")
    offered: list[Tool] = [{**TOOL, "name": f"look_{n}"} for n in range(128)]
    assert validate.check(Example(messages=[USER, calling(name="look_1")], tools=offered), chosen) == []
    told = validate.check(Example(messages=[USER, ANSWER], tools=[*offered, TOOL]), chosen)
    assert [(one.level, one.path) for one in told] == [("warning", "tools")]
    ended = validate.check(Example(messages=[USER, ANSWER, USER], tools=[]), chosen)
    assert [(one.level, one.code) for one in ended] == [("warning", "ends_without_answer")], "real runs end so"


def test_large_whole_numbers_that_fit_are_left_alone() -> None:
    row = Example(messages=[USER, calling('{"n": -9223372036854775808, "m": 9223372036854775807}')], tools=[TOOL])
    chosen = formats.find("trl-sft")
    assert validate.check(row, chosen) == []
    assert chosen.write(row)["messages"][1]["tool_calls"][0]["function"]["arguments"]["m"] == 2**63 - 1


def test_splits_have_the_asked_size_and_depend_on_nothing_else() -> None:
    chosen = Recipe(validation=0.1, test=0.2, seed=3)
    splits = [split_of(f"session:{number}", chosen) for number in range(20_000)]
    assert abs(splits.count("test") / 20_000 - 0.2) < 0.01
    assert abs(splits.count("validation") / 20_000 - 0.1) < 0.01
    grown = Recipe(validation=0.3, test=0.2, seed=3)
    assert all(split_of(f"session:{n}", grown) == "test" for n, split in enumerate(splits[:500]) if split == "test")
    # fixed once: a change here would move groups of every dataset that exists
    others = {n: split for n in range(24) if (split := split_of(f"task:{n}", Recipe())) != "train"}
    assert others == {3: "validation", 9: "test", 18: "validation"}


def test_long_ids_make_groups_that_fit() -> None:
    ids = {"session_id": "", "user_id": "", "external_id": "x"}
    one = group_of("task", task_id="t" * 199 + "a", **ids)
    other = group_of("task", task_id="t" * 199 + "b", **ids)
    assert one != other and len(one) <= 200


def test_a_reused_id_keeps_the_name_of_the_call_it_answers() -> None:
    """Real agents do this: tau-bench trajectories take up the ids of calls that were answered long before."""
    messages = [USER, calling(name="look"), tool_result("x"), calling(name="find"), tool_result("y"), ANSWER]
    row = Example(messages=messages, tools=[])
    assert not [one for one in validate.check(row, formats.find("trl-sft")) if one.level == "error"]
    written = formats.find("trl-sft").write(row)["messages"]
    assert [one["name"] for one in written if one["role"] == "tool"] == ["look", "find"]
