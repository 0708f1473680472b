"""Several graders in one, and the formula that puts them together."""

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.scoring import graders
from curation.scoring.graders import BadDefinition, formula, judge

EXACT = {
    "type": "string_check",
    "name": "exact",
    "input": "{{ sample.output_text }}",
    "reference": "Paris",
    "operation": "ilike",
}
SHORT = {"type": "regex", "name": "short", "pattern": r"^.{1,20}$"}
JUDGED = {
    "type": "score_model",
    "name": "judged",
    "model": "m",
    "input": [{"role": "user", "content": "{{sample.output_text}}"}],
}
MISSING = {"type": "limits", "name": "fast", "latency_ms": 10}
SAMPLE = {"output_text": "Paris, of course", "output_tools": []}


def multi(output: str, **parts: Any) -> dict[str, Any]:
    return {"type": "multi", "name": "all", "graders": parts, "calculate_output": output}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 / 4 / 2", 1),
        ("7 - 2 - 1", 4),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("2 ^ -1", 0.5),
        ("--a", 0.25),
        ("0.6 * a + .4*b", 0.55),
        ("max(a, b, 0) - min(a, b)", 0.75),
        ("abs(a - b) + floor(1.7) + ceil(1.2)", 3.75),
        ("sqrt(16) + exp(0) + log(1)", 5),
        ("1e-2 + 1.5E1", 15.01),
        ("a+b", 1.25),
    ],
)
def test_formulas(text: str, value: float) -> None:
    assert formula.value(formula.parse(text), {"a": 0.25, "b": 1.0}) == pytest.approx(value)


_LEAVES = st.sampled_from(["a", "b", "0.5", "2.0", "3e0"])
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "^"]), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("-{}".format),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda three: "{}({}, {})".format(*three)),
        inner.map("abs({})".format),
    ),
    max_leaves=12,
)


@given(text=_TREES)
def test_formulas_mean_what_python_means_by_them(text: str) -> None:
    parts = {"a": 0.25, "b": 1.5}
    try:
        wanted = eval(text.replace("^", "**"), {"__builtins__": {}, "min": min, "max": max, "abs": abs}, parts)
        wanted = wanted if isinstance(wanted, int | float) and math.isfinite(wanted) else None
    except (ZeroDivisionError, OverflowError, TypeError):
        wanted = None
    try:
        found = formula.value(formula.parse(text), parts)
    except formula.NoValue:
        assert wanted is None or "j" in str(wanted)
    else:
        assert wanted is not None and found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "", "a b", "a +", "* a", "(a", "a)", "1 2", "a ** b", "a.b", "a[0]", "a; b", "a == b", "a if b else c", "'a'",
        "lambda: 1", "__import__('os')", "open(a)", "min(a)", "sqrt(a, b)", "log()", "1e999", "a % b", "a // b", "é",
        "(" * 60 + "a" + ")" * 60, "-" * 60 + "a", "a+" * 1500 + "a",
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(formula.BadFormula):
        formula.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "1 / a", "b / (a - a)", "log(a)", "log(a - 1)", "sqrt(a - 1)", "(a - 1) ^ 0.5", "a ^ (0 - 1)", "exp(1000)",
        "9 ^ 9 ^ 9", "1e300 * 1e300", "1e308 + 1e308", "((a - 1) ^ 0.5) ^ 2", "abs((a - 8) ^ 0.5)",
    ],
)  # fmt: skip
def test_a_formula_without_a_value_is_an_error_and_never_zero(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(formula.NoValue):
        formula.value(formula.parse(text), {"a": 0.0, "b": 1.0})
    assert time.monotonic() - began < 1


def test_parts_are_put_together_and_shown() -> None:
    grade = graders.grade({**multi("0.6 * exact + 0.4 * short", exact=EXACT, short=SHORT)}, SAMPLE, {})
    assert grade.value == pytest.approx(1.0)
    assert {name: part.value for name, part in grade.parts.items()} == {"exact": 1.0, "short": 1.0}
    assert grade.passed is None and "exact 1, short 1" in grade.reason
    wrong = {"output_text": "Lyon", "output_tools": []}
    bound = {**multi("(0.7 * exact + 0.7 * exact + 0.7 * exact) / 3", exact=EXACT), "pass_threshold": 0.7}
    at = graders.grade(bound, SAMPLE, {})
    assert (at.value, at.passed) == (0.7, True), "not the last bit less"
    strict = {**multi("0.6 * exact + 0.4 * short", exact=EXACT, short=SHORT), "pass_threshold": 0.5}
    assert graders.grade(strict, wrong, {}).passed is False


def test_a_missing_part_makes_the_whole_missing_and_says_why() -> None:
    grade = graders.grade(multi("max(exact, fast)", exact=EXACT, fast=MISSING), SAMPLE, {})
    assert (grade.value, grade.passed, grade.error) == (None, None, "")
    assert grade.reason == "fast: Not measured: latency_ms."
    zero = graders.grade(multi("1 / (exact - 1)", exact=EXACT), SAMPLE, {})
    assert (zero.value, zero.error) == (None, "The formula has no value: it divides by zero (exact = 1).")
    assert zero.parts["exact"].value == 1.0


def test_judges_are_asked_last_and_not_where_the_whole_is_missing_anyway() -> None:
    asked = []

    def ask(request: judge.JudgeRequest) -> judge.JudgeAnswer:
        asked.append(request)
        return judge.JudgeAnswer('{"reason": "", "result": 0.5}')

    lost = multi("judged * fast", judged=JUDGED, fast=MISSING)
    assert graders.needs_model(lost)
    assert graders.grade(lost, SAMPLE, {}, ask=ask).value is None
    assert not asked
    fine = multi("judged * exact", judged=JUDGED, exact=EXACT)
    assert graders.grade(fine, SAMPLE, {}, ask=ask).value == 0.5
    assert len(asked) == 1
    assert graders.grade(fine, SAMPLE, {}).error == "judged: It asks a model, and here none is asked."


def test_a_declared_range_clips_and_says_so() -> None:
    grade = graders.grade({**multi("exact + short", exact=EXACT, short=SHORT), "range": [0, 1]}, SAMPLE, {})
    assert grade.value == 1.0
    assert grade.reason.startswith("2 was clipped to 1.")


def test_what_is_binary_is_known() -> None:
    assert graders.is_binary(multi("exact * short", exact=EXACT, short=SHORT))
    assert graders.is_binary(multi("min(exact, max(short, 0))", exact=EXACT, short=SHORT))
    assert not graders.is_binary(multi("0.5 * exact", exact=EXACT))
    assert not graders.is_binary(multi("exact + short", exact=EXACT, short=SHORT))
    assert not graders.is_binary(multi("exact * judged", exact=EXACT, judged=JUDGED))


@pytest.mark.parametrize(
    ("definition", "where", "says"),
    [
        (multi("a"), "grader.graders", "named graders"),
        ({**multi("a"), "graders": [EXACT]}, "grader.graders", "named graders"),
        (multi("a", a=multi("b", b=EXACT)), "grader.graders.a.type", "cannot stand in a multi"),
        (multi("a", a={"type": "string_check", "name": "x"}), "grader.graders.a.input", "needs it"),
        (multi("a + b", a=EXACT), "grader.calculate_output", "b is not a part"),
        (multi("a", a=EXACT, b=SHORT), "grader.calculate_output", "b is not used"),
        (multi("a +", a=EXACT), "grader.calculate_output", "ends"),
        (multi("min", min=EXACT), "grader.graders.min", "no function"),
        (multi("a", **{"a b": EXACT}), "grader.graders.a b", "letters"),
        ({**multi("a", a=EXACT), "range": [0, 1], "pass_threshold": 2}, "grader.pass_threshold", "0 to 1"),
    ],
)
def test_a_multi_that_cannot_be_run_is_refused(definition: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(BadDefinition) as caught:
        graders.check(definition)
    assert (caught.value.where, says in caught.value.reason) == (where, True), caught.value.reason


def test_a_part_without_a_name_has_that_of_its_key() -> None:
    bare = {key: value for key, value in EXACT.items() if key != "name"}
    definition = multi("a", a=bare)
    graders.check(definition)
    assert graders.grade(definition, SAMPLE, {}).value == graders.grade(multi("a", a=EXACT), SAMPLE, {}).value
    with pytest.raises(BadDefinition, match=r"graders\.a\.name: a name of 1 to 100"):
        graders.check(multi("a", a={**bare, "name": ""}))


def test_the_version_of_a_multi_follows_its_parts() -> None:
    one, other = multi("a", a=EXACT), multi("a", a={**EXACT, "reference": "Lyon"})
    assert graders.digest(one) != graders.digest(other)


@pytest.mark.parametrize("kind", ["python", "monty"])
def test_python_as_a_part_and_alone(kind: str) -> None:
    from curation.scoring.graders import sandbox

    if reason := sandbox.refusal(kind):
        pytest.skip(reason)
    source = "def grade(sample, item):\n    return len(sample['output_text']) / item['longest']"
    code = {"type": "python", "name": "long", "source": source, "engine": kind, "image_tag": "2025-05-08"}
    assert graders.grade(code, SAMPLE, {"longest": 32}).value == 0.5
    clipped = graders.grade({**code, "range": [0, 1], "pass_threshold": 1}, SAMPLE, {"longest": 1})
    assert (clipped.value, clipped.passed, clipped.reason) == (1.0, True, "16 was clipped to 1.")
    raised = graders.grade(code, SAMPLE, {})
    assert raised.value is None and "KeyError" in raised.error and "line 2" in raised.error
    whole = multi("0.5 * exact + 0.5 * long", exact=EXACT, long=code)
    assert graders.grade(whole, SAMPLE, {"longest": 16}).value == 1.0
    failed = graders.grade(whole, SAMPLE, {})
    assert failed.value is None and failed.error.startswith("long: KeyError")
    binary = {**code, "binary": True}
    assert graders.is_binary(binary) and not graders.is_binary(code)
    assert graders.grade(binary, SAMPLE, {"longest": 16}).passed is True
    assert "neither 0 nor 1" in graders.grade(binary, SAMPLE, {"longest": 32}).error
    assert graders.range_of(code) is None and graders.range_of(binary) == (0.0, 1.0)
    with pytest.raises(BadDefinition, match="line 1"):
        graders.check({**code, "source": "def grade(sample item): return 1"})
    with pytest.raises(BadDefinition, match="no function grade"):
        graders.check({**code, "source": "def score(sample, item): return 1"})
    with pytest.raises(BadDefinition, match="256,000"):
        graders.check({**code, "source": "#" * 256_000})


def test_the_engine_is_part_of_the_version() -> None:
    source = "def grade(sample, item): return 1.0"
    python = {"type": "python", "name": "g", "source": source}
    assert graders.digest(python) != graders.digest({**python, "engine": "monty"})


def test_a_formula_may_be_as_long_as_it_is_allowed_to_be() -> None:
    longest = "+".join(["a"] * (formula.MOST_CHARACTERS // 2))
    node = formula.parse(longest)
    assert formula.names(node) == {"a"} and formula.value(node, {"a": 0.5}) == 500
    assert not formula.keeps_binary(node, {"a"}) and formula.keeps_binary(formula.parse("*".join(["a"] * 990)), {"a"})
    assert graders.grade(multi(longest, a=EXACT), SAMPLE, {}).error == ""
