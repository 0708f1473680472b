"""Judges: what they are asked, and what their answers are worth."""

import json
from typing import Any

import pytest

from curation.scoring import graders
from curation.scoring.graders import BadDefinition, Grade, judge

SCORE: dict[str, Any] = {
    "type": "score_model",
    "name": "helpful",
    "model": "judge-1",
    "input": [
        {"role": "system", "content": "Grade how helpful the answer is."},
        {"role": "user", "content": "Asked: {{ item.last_user_message }}\nAnswer: {{sample.output_text}}"},
    ],
    "range": [1, 5],
    "pass_threshold": 4,
}
LABEL: dict[str, Any] = {
    "type": "label_model",
    "name": "tone",
    "model": "judge-1",
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "{{ sample.output_text }}"}]}],
    "labels": ["polite", "rude"],
    "passing_labels": ["polite"],
}
SAMPLE = {"output_text": "Paris.", "output_tools": []}
ITEM = {"last_user_message": "Capital of France?"}


def answered(definition: dict[str, Any], text: str) -> Grade:
    return graders.grade(definition, SAMPLE, ITEM, ask=lambda request: judge.JudgeAnswer(text))


def test_what_a_judge_is_asked() -> None:
    request = judge.request_of(SCORE, SAMPLE, ITEM)
    assert (request.model, request.temperature, request.max_tokens, request.seed) == ("judge-1", 0.0, 256, None)
    system, user = request.messages
    assert system["role"] == "system" and system["content"].startswith("Grade how helpful the answer is.")
    assert "a number from 1 to 5" in system["content"]
    assert user == {"role": "user", "content": "Asked: Capital of France?\nAnswer: Paris."}
    schema = request.response_format["json_schema"]
    assert request.response_format["type"] == "json_schema" and schema["strict"] is True
    assert list(schema["schema"]["properties"]) == ["reason", "result"]  # it thinks before it judges
    assert schema["schema"]["additionalProperties"] is False
    labels = judge.request_of(LABEL, SAMPLE, ITEM)
    assert [message["role"] for message in labels.messages] == ["system", "user"]
    assert labels.response_format["json_schema"]["schema"]["properties"]["label"]["enum"] == ["polite", "rude"]


def test_sampling_parameters_in_openais_names() -> None:
    given = {"temperature": 0.7, "max_completions_tokens": 900, "seed": 3, "top_p": 0.9}
    request = judge.request_of({**SCORE, "sampling_params": given}, SAMPLE, ITEM)
    assert (request.temperature, request.max_tokens, request.seed, request.top_p) == (0.7, 900, 3, 0.9)
    thinking = judge.request_of({**SCORE, "sampling_params": {"reasoning_effort": "low"}}, SAMPLE, ITEM)
    assert (thinking.reasoning_effort, thinking.temperature) == ("low", None)
    assert judge.request_of({**SCORE, "sampling_params": {"temperature": None}}, SAMPLE, ITEM).temperature == 0.0


def test_what_is_put_into_a_prompt_makes_no_new_hole() -> None:
    sample = {"output_text": "{{ item.reference_text }} {{sample.output_text}}", "output_tools": []}
    request = judge.request_of(SCORE, sample, {**ITEM, "reference_text": "the secret reference"})
    assert "the secret reference" not in str(request.messages)
    assert request.messages[1]["content"].endswith("Answer: {{ item.reference_text }} {{sample.output_text}}")


def test_a_hole_that_nothing_stands_under_costs_no_call() -> None:
    def ask(request: judge.JudgeRequest) -> judge.JudgeAnswer:
        raise AssertionError("nobody may be asked")

    grade = graders.grade(SCORE, SAMPLE, {"last_user_message": None}, ask=ask)
    assert (grade.value, grade.error) == (None, "Nothing stands under item.last_user_message.")


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ('{"reason": "Right.", "result": 4.5}', 4.5, "Right."),
        ('{"steps": [{"description": "Read", "conclusion": "fine"}], "result": 4}', 4.0, "Read: fine"),
        ('{"result": 9, "reason": "Great"}', 5.0, "9 was clipped to 5. Great"),
        ('{"result": -1e3, "reason": ""}', 1.0, "-1000 was clipped to 1."),
    ],
)
def test_a_judges_number(text: str, value: float, reason: str) -> None:
    grade = answered(SCORE, text)
    assert (grade.value, grade.reason, grade.passed, grade.error) == (value, reason, value >= 4, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "I would say 4 of 5.",
        '```json\n{"result": 4}\n```',
        '{"reason": "cut off by the limit of tok',
        '{"result": "4"}',
        '{"result": true}',
        '{"result": null}',
        '{"score": 4}',
        '{"result": NaN}',
        '{"result": Infinity}',
        '{"result": 1e999}',
        '{"result": 1, "result": 5}',
        '[{"result": 4}]',
    ],
)
def test_an_answer_that_is_not_the_json_asked_for_is_an_error_and_never_a_zero(text: str) -> None:
    grade = answered(SCORE, text)
    assert (grade.value, grade.passed, grade.reason) == (None, None, "")
    assert grade.error


def test_labels_pass_or_fail() -> None:
    polite = answered(LABEL, '{"reason": "Kind words.", "label": "polite"}')
    assert (polite.value, polite.passed, polite.label, polite.reason) == (1.0, True, "polite", "polite: Kind words.")
    assert answered(LABEL, '{"label": "rude"}') == Grade(0.0, False, reason="rude", label="rude")
    for other in ("Polite", "", "neutral"):
        assert answered(LABEL, json.dumps({"label": other})).value is None
    assert answered(LABEL, '{"label": ["polite"]}').value is None
    assert graders.is_binary(LABEL) and not graders.is_binary(SCORE)


def test_without_anybody_to_ask_there_is_no_grade() -> None:
    assert graders.needs_model(SCORE) and graders.needs_model(LABEL)
    grade = graders.grade(SCORE, SAMPLE, ITEM)
    assert (grade.value, "none is asked" in grade.error) == (None, True)


def test_what_asking_raises() -> None:
    class Cancelled(Exception):
        pass

    def refuses(request: judge.JudgeRequest) -> judge.JudgeAnswer:
        raise judge.NotAsked("The endpoint is overloaded.")

    def stops(request: judge.JudgeRequest) -> judge.JudgeAnswer:
        raise Cancelled

    assert graders.grade(SCORE, SAMPLE, ITEM, ask=refuses) == Grade(None, None, error="The endpoint is overloaded.")
    with pytest.raises(Cancelled):
        graders.grade(SCORE, SAMPLE, ITEM, ask=stops)


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"model": ""}, "grader.model", "a text"),
        ({"input": "Grade it"}, "grader.input", "list of messages"),
        ({"input": []}, "grader.input", "list of messages"),
        ({"input": [{"role": "tool", "content": "x"}]}, "grader.input", "message 0, role"),
        ({"input": [{"role": "user", "content": "{{ sample }}"}]}, "grader.input", "not a path"),
        ({"input": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]}, "grader.input", "parts of text"),
        ({"range": [1]}, "grader.range", "two numbers"),
        ({"range": [5, 1]}, "grader.range", "below"),
        ({"range": [0, float("inf")]}, "grader.range", "two numbers"),
        ({"pass_threshold": 0.5}, "grader.pass_threshold", "from 1 to 5"),
        ({"sampling_params": {"temprature": 0}}, "grader.sampling_params", "temprature"),
        ({"sampling_params": {"temperature": 3}}, "grader.sampling_params", "0 to 2"),
        (
            {"sampling_params": {"max_completions_tokens": 1, "max_completion_tokens": 2}},
            "grader.sampling_params",
            "same",
        ),
        ({"labels": ["a"]}, "grader.labels", "no such key"),
    ],
)
def test_a_judge_that_could_not_be_asked_is_refused(change: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(BadDefinition) as caught:
        graders.check({**SCORE, **change})
    assert caught.value.where == where
    assert says in caught.value.reason


def test_labels_are_checked_together() -> None:
    for change, where in (
        ({"passing_labels": ["kind"]}, "grader.passing_labels"),
        ({"labels": ["polite"]}, "grader.labels"),
        ({"labels": ["polite", "polite"]}, "grader.labels"),
        ({"passing_labels": []}, "grader.passing_labels"),
    ):
        with pytest.raises(BadDefinition) as caught:
            graders.check({**LABEL, **change})
        assert caught.value.where == where


def test_lists_of_graders_take_judges_only_where_somebody_asks_them() -> None:
    graders.check_all([SCORE, LABEL], judges=True)
    with pytest.raises(BadDefinition, match="here none is asked"):
        graders.check_all([SCORE])
