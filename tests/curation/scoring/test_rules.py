"""Rules over what happened in a run: kept, broken, or not measured."""

import json
import time
from typing import Any

import pytest

from curation.scoring import graders
from curation.scoring.graders import BadDefinition, Grade


def calls(*made: tuple[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": "c",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for name, given in made
    ]


SEARCH, BOOK = ("search", {"q": "flights"}), ("book", {"flight": "HAT1"})
SAMPLE = {"output_text": "Booked.", "output_tools": []}


def graded(definition: dict[str, Any], item: dict[str, Any], sample: dict[str, Any] | None = None) -> Grade:
    return graders.grade({"name": "g", **definition}, sample or SAMPLE, item)


@pytest.mark.parametrize(
    ("definition", "made", "passed"),
    [
        ({"names": ["search", "book"]}, [SEARCH, BOOK], True),
        ({"names": ["search", "book"]}, [SEARCH], False),
        ({"names": ["search", "book"], "match": "any"}, [SEARCH], True),
        ({"names": ["search", "book"], "match": "any"}, [], False),
        ({"names": ["escalate"], "match": "none"}, [SEARCH, BOOK], True),
        ({"names": ["escalate", "book"], "match": "none"}, [SEARCH, BOOK], False),
        ({"names": ["search"], "min_times": 2}, [SEARCH, BOOK, SEARCH], True),
        ({"names": ["search"], "min_times": 2}, [SEARCH], False),
        ({"names": ["search"], "max_times": 1}, [SEARCH, SEARCH], False),
        ({"names": ["search", "book"], "match": "any", "max_times": 2}, [SEARCH, SEARCH, BOOK], False),
        ({"names": ["search", "search"], "max_times": 1}, [SEARCH], True),
    ],
)
def test_tool_called(definition: dict[str, Any], made: list[Any], passed: bool) -> None:
    grade = graded({"type": "tool_called", **definition}, {"tool_calls": calls(*made)})
    assert (grade.value, grade.passed) == (float(passed), passed)
    assert passed or grade.reason


def test_calls_of_the_answer_alone_and_of_a_run_nobody_knows() -> None:
    rule = {"type": "tool_called", "names": ["book"]}
    assert graded(rule, {}).reason == "The tool calls of the run are not known."
    assert graded(rule, {}).value is None
    only = {**rule, "scope": "answer"}
    assert graded(only, {}, {"output_text": "", "output_tools": calls(BOOK)}).passed is True
    assert graded(only, {"tool_calls": calls(BOOK)}).passed is False


@pytest.mark.parametrize(
    ("made", "value"),
    [
        ([("book", {"flight": "HAT1"})], 1.0),
        ([("book", {"flight": "hat1"})], 0.0),
        ([("book", {"flight": "HAT1"}), ("book", {})], 0.0),
        ([("book", "{not json")], 0.0),
        ([("book", "")], 0.0),
        ([SEARCH], None),
        ([], None),
    ],
)
def test_tool_arguments(made: list[Any], value: float | None) -> None:
    schema = {
        "type": "object", "required": ["flight"], "properties": {"flight": {"type": "string", "pattern": "^[A-Z]+[0-9]+$"}},
    }  # fmt: skip
    grade = graded({"type": "tool_arguments", "tool": "book", "schema": schema}, {"tool_calls": calls(*made)})
    assert (grade.value, grade.error) == (value, "")
    assert value == 1.0 or grade.reason


def test_no_error() -> None:
    assert graded({"type": "no_error"}, {"errors": 0}).passed is True
    assert graded({"type": "no_error"}, {"errors": 2}) == Grade(0.0, False, reason="2 failed in the run.")
    for unknown in ({}, {"errors": None}, {"errors": "none"}, {"errors": False}):
        assert graded({"type": "no_error"}, unknown).value is None


@pytest.mark.parametrize(
    ("item", "passed", "says"),
    [
        ({"latency_ms": 900, "cost_usd": 0.01, "tool_calls": calls(SEARCH)}, True, ""),
        ({"latency_ms": 1000, "cost_usd": 0.02, "tool_calls": calls(SEARCH, BOOK)}, True, ""),
        ({"latency_ms": 1001, "cost_usd": 0.01, "tool_calls": []}, False, "latency_ms is 1001"),
        ({"latency_ms": 900, "cost_usd": 0.01, "tool_calls": calls(SEARCH, SEARCH, BOOK)}, False, "tool_calls is 3"),
        ({"latency_ms": 900, "tool_calls": []}, None, "Not measured: cost_usd."),
        ({"latency_ms": None, "cost_usd": None}, None, "Not measured: latency_ms, cost_usd, tool_calls."),
        ({"latency_ms": 2000}, False, "latency_ms is 2000"),  # broken, whatever the others are
        ({"latency_ms": float("nan"), "cost_usd": 0.0, "tool_calls": []}, None, "Not measured: latency_ms."),
    ],
)
def test_limits_that_were_not_measured_are_not_kept(item: dict[str, Any], passed: bool | None, says: str) -> None:
    grade = graded({"type": "limits", "latency_ms": 1000, "cost_usd": 0.02, "tool_calls": 2}, item)
    assert (grade.passed, grade.error) == (passed, "")
    assert says in grade.reason


@pytest.mark.parametrize(
    ("definition", "text", "passed"),
    [
        ({"pattern": r"\b\d{4}-\d{2}-\d{2}\b"}, "on 2026-01-02.", True),
        ({"pattern": "sorry", "expect": "no_match"}, "I am sorry", False),
        ({"pattern": "SORRY", "expect": "no_match", "ignore_case": True}, "I am sorry", False),
        ({"pattern": "^a.c$"}, "abc", True),
        ({"pattern": r"^\p{Lu}"}, "Ärger", True),
        ({"pattern": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"}, "no id", False),
        ({"pattern": "x"}, "\ud800x", True),
    ],
)
def test_expressions(definition: dict[str, Any], text: str, passed: bool) -> None:
    grade = graded({"type": "regex", **definition}, {}, {"output_text": text, "output_tools": []})
    assert grade.passed is passed


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*a){12}$", r"^(\w+\s?)*$", r"(a?){30}a{30}$"])
def test_no_expression_takes_for_ever(pattern: str) -> None:
    sample = {"output_text": "a" * 50_000 + "!", "output_tools": []}
    began = time.monotonic()
    assert graded({"type": "regex", "pattern": pattern}, {}, sample).passed is False
    assert time.monotonic() - began < 3
    long = graded({"type": "regex", "pattern": pattern}, {}, {"output_text": "a" * 100_001, "output_tools": []})
    assert (long.value, "100,001 characters" in long.error) == (None, True)


def test_an_expression_over_any_text() -> None:
    rule = {"type": "regex", "pattern": "refund", "input": "{{ item.last_user_message }}"}
    assert graded(rule, {"last_user_message": "a refund, please"}).passed is True
    assert graded(rule, {"last_user_message": None}).error == "Nothing stands under item.last_user_message."


def test_expected_calls_written_into_the_definition() -> None:
    rule = {"type": "tool_call", "expected": [{"name": "book", "arguments": {"flight": "HAT1"}}], "scope": "run"}
    assert graded(rule, {"tool_calls": calls(("book", '{ "flight":"HAT1" }'))}).passed is True
    assert graded(rule, {"tool_calls": calls(("book", {"flight": "HAT2"}))}).passed is False
    assert graded(rule, {"tool_calls": calls(SEARCH, BOOK)}).passed is False
    assert graded({**rule, "partial": True}, {"tool_calls": calls(SEARCH, BOOK)}).value == 0.5
    assert graded(rule, {}).value is None
    no_reference = graded({"type": "tool_call"}, {"reference_tools": None})
    assert (no_reference.value, no_reference.reason) == (None, "No reference is known.")


def test_a_schemas_own_slow_expression_ends_soon() -> None:
    schema = {"type": "string", "pattern": "^(a+)+$"}
    answer = {"output_text": json.dumps("a" * 50_000 + "!"), "output_tools": []}
    began = time.monotonic()
    assert graded({"type": "json_schema", "target": "answer", "schema": schema}, {}, answer).passed is False
    assert time.monotonic() - began < 2
    ahead = graded({"type": "json_schema", "target": "answer", "schema": {"pattern": "(?=a)b"}}, {}, answer)
    assert (ahead.value, "look-around" in ahead.error) == (None, True)


@pytest.mark.parametrize(
    ("text", "valid"),
    [('{"a_1": 1}', True), ('{"a_1": "x"}', False), ('{"b": 1}', False), ('{"known": "x", "a_2": 2}', True)],
)
def test_properties_by_expression(text: str, valid: bool) -> None:
    schema = {
        "properties": {"known": {}}, "patternProperties": {"^a_": {"type": "integer"}}, "additionalProperties": False,
    }  # fmt: skip
    answer = {"output_text": text, "output_tools": []}
    assert graded({"type": "json_schema", "target": "answer", "schema": schema}, {}, answer).passed is valid


@pytest.mark.parametrize(
    ("definition", "where", "says"),
    [
        ({"type": "tool_called", "names": []}, "grader.names", "at least one"),
        (
            {"type": "tool_called", "names": ["a"], "match": "none", "max_times": 1},
            "grader.max_times",
            "nothing to count",
        ),
        ({"type": "tool_called", "names": ["a"], "min_times": 3, "max_times": 2}, "grader.max_times", "below"),
        ({"type": "tool_called", "names": ["a"], "min_times": 0}, "grader.min_times", "whole number"),
        ({"type": "tool_arguments", "tool": "a"}, "grader.schema", "needs it"),
        ({"type": "limits"}, "grader", "at least one limit"),
        ({"type": "limits", "latency_ms": -1}, "grader.latency_ms", "from 0"),
        ({"type": "limits", "latency_ms": True}, "grader.latency_ms", "from 0"),
        ({"type": "regex", "pattern": "("}, "grader.pattern", "unclosed group"),
        ({"type": "regex", "pattern": r"(?<=a)b"}, "grader.pattern", "look-around"),
        ({"type": "regex", "pattern": r"(a)\1"}, "grader.pattern", "backreferences"),
        ({"type": "regex", "pattern": "(a{1000}){1000}"}, "grader.pattern", "1,000,000 characters"),
        ({"type": "regex", "pattern": "a" * 1001}, "grader.pattern", "1,001 characters"),
        ({"type": "tool_call", "expected": [{"arguments": {}}]}, "grader.expected", "no name"),
        ({"type": "tool_call", "expected": [{"name": "a", "arguments": "{"}]}, "grader.expected[0].arguments", "JSON"),
    ],
)
def test_a_rule_that_cannot_be_applied_is_refused(definition: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(BadDefinition) as caught:
        graders.check({"name": "g", **definition})
    assert (caught.value.where, says in caught.value.reason) == (where, True), caught.value.reason


def test_a_run_that_never_came_to_an_answer_is_graded_by_what_happened_in_it() -> None:
    item = {"errors": 1, "latency_ms": 5, "tool_calls": calls(SEARCH)}

    def without(definition: dict[str, Any]) -> Grade:
        return graders.grade({"name": "g", **definition}, None, item)

    assert without({"type": "no_error"}).passed is False
    assert without({"type": "limits", "latency_ms": 10}).passed is True
    assert without({"type": "tool_called", "names": ["search"]}).passed is True
    for needs_an_answer in (
        {"type": "tool_called", "names": ["search"], "scope": "answer"},
        {"type": "regex", "pattern": "x", "expect": "no_match"},
    ):
        assert without(needs_an_answer) == Grade(None, None, error="There is no answer to grade.")


def test_every_rule_is_binary() -> None:
    for kind in ("tool_called", "tool_arguments", "no_error", "limits", "regex"):
        assert graders.is_binary({"type": kind})
