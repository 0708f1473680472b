"""The form of a grader: it knows every key of the engine, and gives back the definition that it was filled from."""

from typing import Any

import pytest
from django.http import QueryDict

from curation.scoring.graders import definitions, fields
from curation.views import grader_form, grader_kinds

# what only experts set is edited as JSON
ONLY_AS_JSON = {("python", "image_tag"), ("python", "engine")}
MESSAGES = [{"role": "system", "content": "Judge."}, {"role": "user", "content": "{{ sample.output_text }}"}]
EXAMPLES: list[dict[str, Any]] = [
    {"type": "string_check", "input": "{{ sample.output_text }}", "reference": "yes\nno", "operation": "ilike"},
    {"type": "text_similarity", "input": "a", "reference": "b", "evaluation_metric": "rouge_l", "pass_threshold": 0.5},
    {"type": "score_model", "model": "gpt", "input": MESSAGES, "range": [1, 5], "sampling_params": {"seed": 7}},
    {"type": "label_model", "model": "gpt", "input": MESSAGES[1:], "labels": ["good", "bad"], "passing_labels": ["good"]},
    {"type": "python", "source": "def grade(sample, item):\n    return 1.0\n", "binary": True},
    {"type": "exact_match", "normalise": ["case", "space"]},
    {"type": "exact_match"},
    {"type": "similarity", "metric": "chrf", "pass_threshold": 1},
    {"type": "json_schema", "target": "answer", "schema": {"type": "object"}},
    {"type": "tool_call", "arguments": "names_only", "partial": True, "ignore": ["id"], "pass_threshold": 0.25},
    {"type": "tool_called", "names": ["get_order"], "match": "any", "min_times": 1, "max_times": 3},
    {"type": "tool_arguments", "tool": "get_order", "schema": True},
    {"type": "no_error"},
    {"type": "limits", "latency_ms": 30000, "cost_usd": 0.05},
    {"type": "regex", "pattern": "(?i)refund", "expect": "no_match", "ignore_case": True},
    {
        "type": "multi", "graders": {"a": {"type": "no_error", "name": "a"}}, "calculate_output": "0.5 * a",
        "pass_threshold": 0.2,
    },
]  # fmt: skip


def _form(values: dict[str, str], kind: str) -> QueryDict:
    given = QueryDict(mutable=True)
    several = {f"f_{one.key}" for one in grader_kinds.fields(kind) if one.kind == "several"}
    for name, text in values.items():
        given.setlist(name, text.split("\n") if name in several else [text.replace("\n", "\r\n")])
    return given


@pytest.mark.parametrize("definition", EXAMPLES, ids=lambda one: one["type"])
def test_what_is_filled_in_comes_back(definition: dict[str, Any]) -> None:
    whole = {"name": "x", **definition}
    values = grader_form.written(whole)
    assert values is not None
    found = grader_form.read(whole["type"], "x", _form(values, whole["type"]))
    assert (found.definition, found.errors) == (whole, {})


def test_every_type_and_key_of_the_engine_has_its_field() -> None:
    assert {one["type"] for one in EXAMPLES} == set(definitions.ENGINES)
    for kind, keys in fields.TYPES.items():
        known = {one.key: one for one in grader_kinds.fields(kind)}
        missing = {*keys.required, *keys.optional} - known.keys() - {key for one, key in ONLY_AS_JSON if one == kind}
        assert not missing, (kind, missing)
        assert known.keys() <= {*keys.required, *keys.optional}, kind
        assert {key for key, one in known.items() if one.required} == set(keys.required), kind
        assert grader_kinds.KINDS[kind].sentence.endswith(".")
    assert sum(len(kinds) for _, kinds in grader_kinds.kinds()) == len(definitions.ENGINES)


def test_what_a_form_cannot_show_stays_json() -> None:
    assert grader_form.written({"type": "exact_match", "name": "x", "odd": 1}) is None
    several = [*MESSAGES, {"role": "assistant", "content": "No."}]
    assert grader_form.written({"type": "score_model", "name": "x", "model": "m", "input": several}) is None
    assert grader_form.written({"type": "python", "name": "x", "source": "x", "engine": "monty"}) is None
    assert grader_form.written({"type": "tool_call", "name": "x", "partial": False}) is None


def test_errors_stand_at_their_field() -> None:
    found = grader_form.read(
        "score_model", "x", {"f_range__low": "1", "f_pass_threshold": "much", "f_sampling_params": "{"}
    )
    assert set(found.errors) == {"input", "model", "range", "pass_threshold", "sampling_params"}
    assert "line 1" in found.errors["sampling_params"] and "Both ends" in found.errors["range"]
    assert grader_form.read("limits", "x", {"f_steps": "inf"}).errors == {"steps": "'inf' is not a number."}
    assert grader_form.read_json("[1]", "x").errors["json"].startswith("An object")
    assert "NaN" in grader_form.read_json('{"a": NaN}', "x").errors["json"]
    assert grader_form.read_json('{"type": "no_error"}', "x").definition == {"name": "x", "type": "no_error"}
    assert grader_form.place("grader.input[0].content") == "input" and grader_form.place("grader") == ""


def test_a_starting_text_holds_only_the_authors_words() -> None:
    offered = grader_form.words_of(
        {"accuracy": "Dates are right. ", "tone": "", "completeness": "", "rules": "No refunds."}
    )
    assert "- Accuracy: Dates are right.\n- Rules to follow: No refunds." in offered["f_input__system"]
    assert "Tone" not in offered["f_input__system"] and "{{ sample.output_text }}" in offered["f_input__user"]


def test_what_is_usual_is_said() -> None:
    usual = {
        kind: one.options[0][1]
        for kind in ("tool_called", "tool_call", "tool_arguments")
        for one in grader_kinds.fields(kind)
        if one.key == "scope"
    }
    run, last = "as usual: the whole run", "as usual: the last answer"
    assert usual == {"tool_called": run, "tool_call": last, "tool_arguments": run}
