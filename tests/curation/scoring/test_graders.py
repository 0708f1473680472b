"""Graders against tables of right, wrong, unmeasurable and hostile answers."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from curation.messages.form import Message, message
from curation.scoring import graders
from curation.scoring.graders import BadDefinition, Grade, similarity


def call(name: str, arguments: Any) -> dict[str, str]:
    return {"id": "c", "name": name, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}


def saying(text: str = "", *calls: dict[str, str]) -> Message:
    return message("assistant", text, **({"tool_calls": list(calls)} if calls else {}))


def graded(definition: dict[str, Any], answer: Message | None, reference: Message, tools: Any = ()) -> Grade:
    sample = None if answer is None else graders.sample_of(answer)
    return graders.grade({"name": "g", **definition}, sample, graders.item_of(reference=reference, tools=list(tools)))


# --- tool calls

BOOK = call("book", {"flight": "HAT1", "seats": 2})


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ([BOOK], [BOOK], 1.0),
        ([call("book", '{ "seats":2.0, "flight":"HAT1" }')], [BOOK], 1.0),  # JSON, not text
        ([call("book", {"flight": "HAT1", "seats": 3})], [BOOK], 0.0),
        ([call("book", {"flight": "HAT1", "seats": "2"})], [BOOK], 0.0),  # "2" is not 2
        ([call("book", {"flight": "HAT1"})], [BOOK], 0.0),
        ([call("book", {"flight": "HAT1", "seats": 2, "more": None})], [BOOK], 0.0),
        ([call("cancel", {"flight": "HAT1", "seats": 2})], [BOOK], 0.0),
        ([BOOK, BOOK], [BOOK], 0.0),  # once too often
        ([BOOK], [BOOK, BOOK], 0.0),
        ([call("a", {}), call("b", {})], [call("b", {}), call("a", {})], 1.0),  # parallel calls have no order
        ([call("f", {"x": True})], [call("f", {"x": 1})], 0.0),  # Python would say they are equal
        ([call("f", {"x": [1, 2]})], [call("f", {"x": [2, 1]})], 0.0),
        ([call("f", {"x": {"a": 1, "b": 2}})], [call("f", {"x": {"b": 2, "a": 1}})], 1.0),
        ([call("f", "")], [call("f", "{}")], 1.0),
        ([call("f", "{not json")], [call("f", "{}")], 0.0),
        ([call("f", '{"a": 1, "a": 2}')], [call("f", {"a": 2})], 0.0),  # readers differ on it
        ([call("f", '{"a": NaN}')], [call("f", {"a": 0})], 0.0),
        ([call("f", '{"a": ' + "[" * 100_000)], [call("f", {})], 0.0),
        ([call("f", '{"n": 9007199254740993}')], [call("f", '{"n": 9007199254740992}')], 0.0),  # equal as floats
        ([call("f", '{"n": 1e999999999999999999999}')], [call("f", {"n": 1})], 0.0),
        ([call("f", '{"s": "\\ud800"}')], [call("f", '{"s": "\\ud800"}')], 1.0),
        ([], [BOOK], 0.0),
    ],
)
def test_a_tool_call_is_right_only_by_name_and_arguments(answer: Any, reference: Any, value: float) -> None:
    grade = graded({"type": "tool_call"}, saying("", *answer), saying("", *reference))
    assert (grade.value, grade.passed, grade.error) == (value, value == 1.0, "")
    assert value == 1.0 or grade.reason


def test_saying_the_words_of_a_call_is_no_call() -> None:
    # the trap of an earlier system: any word of the expected text was enough
    answer = saying("I will book flight HAT1 with seats 2: book(flight=HAT1, seats=2)")
    assert graded({"type": "tool_call"}, answer, saying("", BOOK)).value == 0.0


def test_a_reference_without_calls_is_not_measured_rather_than_right() -> None:
    grade = graded({"type": "tool_call"}, saying("Hello"), saying("Hello"))
    assert (grade.value, grade.passed, grade.error) == (None, None, "")
    assert "no tool" in grade.reason


def test_a_reference_that_is_broken_measures_nothing() -> None:
    grade = graded({"type": "tool_call"}, saying("", BOOK), saying("", call("book", "{")))
    assert grade.value is None
    assert grade.error


def test_partial_credit_is_off_unless_asked_for() -> None:
    answer, reference = saying("", call("a", {}), call("x", {})), saying("", call("a", {}), call("b", {}))
    assert graded({"type": "tool_call"}, answer, reference).value == 0.0
    assert graded({"type": "tool_call", "partial": True}, answer, reference).value == 0.5
    many = saying("", call("a", {}), *[call(f"x{i}", {}) for i in range(9)])
    assert graded({"type": "tool_call", "partial": True}, many, saying("", call("a", {}))).value == 0.1


def test_options_of_tool_call() -> None:
    other = saying("", call("book", {"flight": "X"}))
    assert graded({"type": "tool_call", "arguments": "names_only"}, other, saying("", BOOK)).value == 1.0
    near = saying("", call("book", {"flight": "HAT1", "seats": 9}))
    assert graded({"type": "tool_call", "ignore": ["seats"]}, near, saying("", BOOK)).value == 1.0
    swapped = saying("", call("b", {}), call("a", {}))
    assert (
        graded({"type": "tool_call", "order": "same"}, swapped, saying("", call("a", {}), call("b", {}))).value == 0.0
    )


# --- text


@pytest.mark.parametrize(
    ("normalise", "answer", "reference", "value"),
    [
        (None, "  Yes \n", "yes", 1.0),
        (None, "Yes.", "yes", 0.0),
        (["case", "space", "punctuation"], "Yes.", "yes", 1.0),
        (["case", "space", "articles"], "The cat", "cat", 1.0),
        (["numbers"], "1,234,567", "1234567", 1.0),
        (["numbers"], "1,23", "123", 0.0),
        ([], "yes", "Yes", 0.0),
        ([], "e\u0301", "\u00e9", 1.0),  # the same letter written twice
        (["case"], "STRASSE", "straße", 1.0),
        (None, "", "yes", 0.0),
    ],
)
def test_exact_match(normalise: list[str] | None, answer: str, reference: str, value: float) -> None:
    definition: dict[str, Any] = {"type": "exact_match"} | ({} if normalise is None else {"normalise": normalise})
    assert graded(definition, saying(answer), saying(reference)).value == value


@pytest.mark.parametrize("kind", [{"type": "exact_match"}, {"type": "similarity", "metric": "chrf"}])
def test_without_a_reference_text_nothing_is_measured(kind: dict[str, Any]) -> None:
    assert graded(kind, saying("Hello"), saying("", BOOK)) == Grade(None, None, reason="The reference has no text.")


def test_similarity_passes_at_its_threshold_only_where_one_is_set() -> None:
    definition = {"type": "similarity", "metric": "rouge_l"}
    assert graded(definition, saying("a b"), saying("a b")).passed is None
    assert graded({**definition, "pass_threshold": 0.6}, saying("a b"), saying("a c")).passed is False


def test_openai_shapes() -> None:
    check = {"type": "string_check", "input": "{{ sample.output_text }}", "reference": "{{item.reference_text}}"}
    assert graded({**check, "operation": "eq"}, saying("Yes"), saying("Yes")).value == 1.0
    assert graded({**check, "operation": "ne"}, saying("Yes"), saying("Yes")).value == 0.0
    assert graded({**check, "operation": "like"}, saying("Yes, sir"), saying("Yes")).value == 1.0
    assert graded({**check, "operation": "ilike"}, saying("YES, sir"), saying("yes")).value == 1.0
    tool = {**check, "input": "{{ sample.output_tools[0].function.name }}", "reference": "book", "operation": "eq"}
    assert graded(tool, saying("", BOOK), saying("")).value == 1.0
    missing = graded(tool, saying("no call"), saying(""))
    assert (missing.value, "output_tools[0]" in missing.error) == (None, True)
    alike = {"type": "text_similarity", "input": "{{ sample.output_text }}", "reference": "a b"}
    assert graded({**alike, "evaluation_metric": "rouge_1", "pass_threshold": 0.5}, saying("a b"), saying("")).passed
    short = graded({**alike, "evaluation_metric": "rouge_3", "pass_threshold": 0.5}, saying("c d"), saying(""))
    assert (short.value, short.passed) == (0.0, False)


def test_a_hole_in_an_answer_stays_text() -> None:
    check = {"type": "string_check", "input": "{{ sample.output_text }}", "reference": "secret", "operation": "eq"}
    assert graded(check, saying("{{ item.reference_text }}"), saying("secret")).value == 0.0


# --- JSON schema


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
OFFERED = {"name": "f", "description": "", "parameters": json.dumps(SCHEMA)}


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a": 1}', 1.0), ('{"a": 1.0}', 1.0), ('{"a": "1"}', 0.0), ("{}", 0.0), ("a: 1", 0.0), ('{"a": 1} thanks', 0.0)],
)
def test_answers_and_arguments_against_a_schema(text: str, value: float) -> None:
    assert (
        graded({"type": "json_schema", "target": "answer", "schema": SCHEMA}, saying(text), saying("")).value == value
    )
    arguments = graded(
        {"type": "json_schema", "target": "tool_arguments"}, saying("", call("f", text)), saying(""), [OFFERED]
    )
    assert arguments.value == value


def test_a_tool_that_was_not_offered_is_wrong_and_none_at_all_is_unmeasured() -> None:
    definition = {"type": "json_schema", "target": "tool_arguments"}
    assert graded(definition, saying("", call("g", {})), saying(""), [OFFERED]).value == 0.0
    assert graded(definition, saying("hi"), saying("hi"), [OFFERED]).value is None
    assert graded(definition, saying("hi"), saying("", call("f", {"a": 1})), [OFFERED]).value == 0.0


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "https://attacker.example/schema.json"}, None),
        ({"$ref": "file:///etc/passwd"}, None),
        ({"$ref": "#"}, None),
        ({"type": "nonsense"}, None),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}, 1.0),  # not run
        ({"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, 1.0),
        (
            {
                "$ref": "#/$defs/l0",
                "$defs": {f"l{i}": {"allOf": [{"$ref": f"#/$defs/l{i + 1}"}] * 4} for i in range(30)} | {"l30": {}},
            },
            None,
        ),
    ],
)
def test_hostile_schemas_of_tools_end_soon_and_are_not_the_answers_fault(schema: Any, value: float | None) -> None:
    tool = {"name": "f", "description": "", "parameters": json.dumps(schema)}
    answer = saying("", call("f", {"a": "a" * 40 + "!", "a" * 40 + "!": 1}))
    began = time.monotonic()
    grade = graded({"type": "json_schema", "target": "tool_arguments"}, answer, saying(""), [tool])
    assert time.monotonic() - began < 3
    assert grade.value == value
    assert (grade.error != "") == (value is None)


# --- what no grader may do


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "exact_match"},
        {"type": "tool_call"},
        {"type": "similarity", "metric": "token_f1"},
        {"type": "json_schema", "target": "tool_arguments"},
    ],
)
def test_no_answer_is_missing_and_never_zero(definition: dict[str, Any]) -> None:
    grade = graded(definition, None, saying("x", BOOK))
    assert (grade.value, grade.passed) == (None, None)
    assert grade.error


def test_a_text_without_end_is_refused_and_not_zero() -> None:
    with pytest.raises(similarity.TooLong):  # a letter that is two in its composed form
        similarity.measure(similarity.fuzzy_match, "\u0958" * 60_000, "a")
    grade = graded({"type": "similarity", "metric": "rouge_l"}, saying("a " * 60_000), saying("a"))
    assert (grade.value, "120,000 characters" in grade.error) == (None, True)


def test_the_longest_texts_are_compared_in_seconds() -> None:
    began = time.monotonic()
    similarity.measure(similarity.fuzzy_match, "ab" * 50_000, "ba" * 50_000)
    assert time.monotonic() - began < 10


def test_values_that_are_no_sample_end_in_an_error() -> None:
    item = graders.item_of(reference=saying("", BOOK), tools=[])
    for sample in (
        {},
        {"output_text": 5, "output_tools": None},
        {"output_text": "", "output_tools": [{"function": 1}]},
    ):
        grade = graders.grade({"type": "tool_call", "name": "g"}, sample, item)
        assert (grade.value, grade.error != "") == (None, True)


@pytest.mark.parametrize(
    ("definition", "where", "says"),
    [
        ({"type": "vibes", "name": "g"}, "grader.type", "Known types"),
        ({"type": ["tool_call"], "name": "g"}, "grader.type", "Known types"),
        ({"type": "score_model", "name": "g"}, "grader.model", "needs it"),
        ({"type": "python", "name": "g", "source": " "}, "grader.source", "def grade"),
        ({"type": "endpoint", "name": "g"}, "grader.type", "never published"),
        ("tool_call", "grader", "object"),
        ({"type": "tool_call"}, "grader.name", "name"),
        ({"type": "tool_call", "name": "x" * 101}, "grader.name", "100"),
        ({"type": "tool_call", "name": "g", "partial": "yes"}, "grader.partial", "neither"),
        ({"type": "tool_call", "name": "g", "parial": True}, "grader.parial", "no such key"),
        ({"type": "tool_call", "name": "g", "pass_threshold": 0.5}, "grader.pass_threshold", "right or wrong"),
        ({"type": "exact_match", "name": "g", "normalise": ["caps"]}, "grader.normalise", "caps"),
        ({"type": "exact_match", "name": "g", "normalise": "case"}, "grader.normalise", "list"),
        ({"type": "similarity", "name": "g"}, "grader.metric", "needs it"),
        ({"type": "similarity", "name": "g", "metric": "cosine"}, "grader.metric", "not one of"),
        (
            {"type": "similarity", "name": "g", "metric": "chrf", "pass_threshold": True},
            "grader.pass_threshold",
            "0 to 1",
        ),
        ({"type": "json_schema", "name": "g", "target": "answer"}, "grader.schema", "needs a schema"),
        (
            {"type": "json_schema", "name": "g", "target": "answer", "schema": {"type": "x"}},
            "grader.schema",
            "not a JSON schema",
        ),
        (
            {"type": "string_check", "name": "g", "input": "{{ os.environ }}", "reference": "", "operation": "eq"},
            "grader.input",
            "not a path",
        ),
        (
            {"type": "text_similarity", "name": "g", "input": "", "reference": "", "evaluation_metric": "cosine"},
            "grader.evaluation_metric",
            "embedding",
        ),
    ],
)
def test_a_definition_that_cannot_be_run_is_refused_before_anything_runs(
    definition: Any, where: str, says: str
) -> None:
    with pytest.raises(BadDefinition) as caught:
        graders.check(definition)
    assert caught.value.where == where
    assert says in caught.value.reason


def test_a_list_of_graders_has_no_name_twice_and_is_never_empty() -> None:
    one = {"type": "tool_call", "name": "g"}
    graders.check_all([one, {**one, "name": "h"}])
    for bad in ([], {}, "tool_call", [one, one]):
        with pytest.raises(BadDefinition):
            graders.check_all(bad)


def test_the_version_follows_the_content_and_not_the_order_of_keys() -> None:
    assert graders.digest({"type": "tool_call", "name": "g"}) == graders.digest({"name": "g", "type": "tool_call"})
    assert graders.digest({"type": "tool_call", "name": "g"}) != graders.digest(
        {"type": "tool_call", "name": "g", "partial": True}
    )


def test_the_package_needs_no_django() -> None:
    code = "import sys, curation.scoring.graders; sys.exit('django' in sys.modules or 'torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
