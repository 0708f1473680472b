"""What each task makes of a trace, and why it makes nothing of others."""

import json
from typing import Any

import pytest

from curation.datasets import tasks
from curation.datasets.tasks.labels import Balance
from curation.messages.form import message, text_of
from curation.models import Feedback
from tests import make
from tests.curation.datasets_rows.contexts import context, left, made, score

RIGHT = score("correct_tool_selection", boolean=True)
TWO_TURNS = make.document(
    message("user", "Where is order 1?"),
    message("assistant", "", tool_calls=[make.call("get_order"), make.call("get_user", id="call_2")],
            reasoning=[{"text": "Both are needed."}]),
    make.tool_result("late"),
    make.tool_result("Mia", "call_2"),
    message("assistant", "It is late."),
    message("user", "Thanks. Shorter?"),
    message("assistant", "Late."),
    tools=[make.ORDER_TOOL],
)  # fmt: skip
EMPTY: list[Any] = [
    make.document(),
    {"conversations": [{"id": "m", "name": "", "kind": "main", "messages": [], "tools": []}]},
    make.document(message("user", "")),
    make.document(message("user", "hi"), message("assistant", "")),
    make.document(message("assistant", "Unasked.")),
]


def test_tools_and_reasoning_of_the_first_request() -> None:
    (row,) = made("tool_selection", TWO_TURNS, scores=(RIGHT,))
    system, user, answer = row.example.messages
    assert "get_order: Look an order up" in text_of(system)
    assert text_of(user) == "Query: Where is order 1?"
    assert json.loads(text_of(answer)) == {"tools": ["get_order", "get_user"], "reasoning": "Both are needed."}
    assert not row.content_is_pinned


def test_one_row_for_each_request_keeps_what_was_said_before() -> None:
    rows = made("tool_selection", TWO_TURNS, scores=(RIGHT,), options={"turns": "each"})
    assert [row.part for row in rows] == [0, 1]
    asked = text_of(rows[1].example.messages[1])
    assert asked == "Conversation so far:\nUser: Where is order 1?\nAssistant: It is late.\n\nQuery: Thanks. Shorter?"
    assert json.loads(text_of(rows[1].example.messages[2]))["tools"] == []
    assert len(made("tool_selection", TWO_TURNS, scores=(RIGHT,), options={"turns": "each", "needs_tools": True})) == 1


def test_only_where_the_choice_of_tools_was_said_to_be_right() -> None:
    assert left("tool_selection").reason.code == "not_scored"
    wrong = left("tool_selection", scores=(score("correct_tool_selection", boolean=False),))
    assert (wrong.reason.code, wrong.detail) == ("wrong_tools", "correct_tool_selection is false")


def test_the_writer_gets_the_query_and_all_results() -> None:
    said = make.document(
        message("user", "Where is order 1?"),
        message("assistant", "", tool_calls=[make.call("get_order", '{"id": 1}'), make.call("get_user", id="b")]),
        make.tool_result("Mia", "b"),
        make.tool_result("no such order", is_error=True),
        message("assistant", "There is no order 1, Mia."),
    )
    (row,) = made("summariser", said, scores=(score("response_quality", 4.0),))
    assert text_of(row.example.messages[1]) == (
        'Query: Where is order 1?\n\nAnalysis:\nget_user({}) -> Mia\nget_order({"id": 1}) (failed) -> no such order'
    )
    assert text_of(row.example.messages[2]) == "There is no order 1, Mia."


def test_quality_decides_and_low_answers_are_kept_apart() -> None:
    assert left("summariser", scores=(score("response_quality", 3.99),)).reason.code == "low_quality"
    assert left("summariser").reason.code == "not_scored"
    low = {"scores": (score("response_quality", 2.9),)}
    assert left("summariser", **low).facts["value"] == 2.9
    (row,) = made("summariser", options={"low": "labels"}, **low)
    assert (row.example.kind, row.example.label) == ("label", False)
    between = {"scores": (score("response_quality", 3.0),), "options": {"low": "labels"}}
    assert left("summariser", **between).reason.code == "low_quality"
    rated = Feedback(rating=4), Feedback(rating=5)
    assert made("summariser", feedback=rated)[0].detail == "mean rating of the feedback 4.5"
    assert left("summariser", TWO_TURNS, feedback=rated).reason.code == "no_tool_results"


def test_recovery_needs_a_strategy_and_a_right_answer() -> None:
    said = (score("recovery_strategy", category="retry"), score("error_type", category="timeout"))
    assert left("error_recovery").reason.code == "recovery_not_said"
    assert left("error_recovery", scores=(score("recovery_strategy", category="shrug"),)).detail.endswith("'shrug'")
    assert left("error_recovery", scores=said, verdict="unacceptable").reason.code == "recovery_not_said"
    assert left("error_recovery", scores=said, verdict="unsure").reason.code == "unsure"
    (row,) = made("error_recovery", scores=said, verdict="unacceptable", corrected="Let me try again.")
    assert row.example.item == {
        "query": "Where is order 1017?", "errorType": "timeout", "correctResponse": "Let me try again.",
        "incorrectResponse": "It left the depot this morning.", "recoveryStrategy": "retry",
    }  # fmt: skip
    told = json.loads(text_of(row.example.messages[-1]))
    assert told == {"error_type": "timeout", "recovery_strategy": "retry", "response": "Let me try again."}
    suggested = Feedback(suggested_response="Ask them.")
    assert made("error_recovery", scores=said, feedback=(suggested,))[0].example.item["correctResponse"] == "Ask them."


def test_only_the_edited_answer_is_learned() -> None:
    (row,) = made("corrections", verdict="unacceptable", corrected="It is late. Sorry.")
    assert row.example.trained == [False, False, False, False, True]
    assert text_of(row.example.messages[-1]) == "It is late. Sorry."
    (whole,) = made("corrections", corrected="It is late.", options={"learn": "all"})
    assert whole.content_is_pinned
    assert left("corrections").reason.code == "not_corrected"
    assert left("corrections", corrected="It left the depot this morning.").detail == "the edited answer says the same"


def test_runs_of_the_teacher_that_passed() -> None:
    options = {"teachers": "big-1, big-2", "measure": "reward"}
    assert made("distillation", scores=(score("reward", 1, passed=True),), options=options)[0].content_is_pinned
    assert left("distillation", model="small", options=options).reason.code == "other_model"
    assert left("distillation", options=options).detail == "reward is missing"
    assert left("distillation", scores=(score("reward", 1),), options=options).detail == (
        "reward is neither passed nor failed"
    )
    assert left("distillation", scores=(score("reward", 0, passed=False),), options=options).reason.code == "not_passed"
    (bare,) = made("distillation", options={"include_system": False, "include_tool_calls": False})
    assert [one["role"] for one in bare.example.messages] == ["user", "assistant"]
    assert bare.example.tools == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"max_steps": 1}, "too_many_steps"),
        ({"min_steps": 3}, "too_few_steps"),
        ({"min_tool_usage": 2}, "few_tools"),
        ({"exclude_actions": ["get_order"]}, "excluded_action"),
        ({"min_reward": 0.95}, "low_reward"),
    ],
)
def test_filters_of_runs(options: dict[str, Any], code: str) -> None:
    assert left("trajectories", scores=(score("reward", 0.9, passed=True),), options=options).reason.code == code


def test_runs_need_their_reward_and_success() -> None:
    assert left("trajectories").reason.code == "not_scored"
    assert left("trajectories", scores=(score("reward", 0.9),)).reason.code == "not_scored"
    failed = (score("reward", 0.9, passed=True), score("success", boolean=False))
    assert left("trajectories", scores=failed).reason.code == "not_passed"
    free = {"min_reward": "", "require_success": False, "min_tool_usage": 0}
    assert made("trajectories", options=free)[0].content_is_pinned


def test_what_tools_returned_is_never_learned() -> None:
    passed = (score("reward", 1, passed=True),)
    for observations in (True, False):
        options = {"include_observation": observations, "include_thought": True, "system_prompt": "Act."}
        (row,) = made("trajectories", TWO_TURNS, scores=passed, options=options)
        learned = zip(row.example.messages, row.example.trained, strict=True)
        assert all(one["role"] == "assistant" for one, trained in learned if trained)
        texts = [text_of(one) for one in row.example.messages]
        assert texts[0] == "Act."
        assert texts[2] == "<think>\nBoth are needed.\n</think>\n"
        assert texts[3] == ("late" if observations else "(left out)")
        assert [one.get("tool_call_id") for one in row.example.messages[3:5]] == ["call_1", "call_2"]


def test_prompts_carry_what_graders_need() -> None:
    (row,) = made("prompts", TWO_TURNS, task_id="7")
    assert [one["role"] for one in row.example.messages][-1] == "user"
    assert row.example.item == {"trace": "t-1", "task_id": "7", "reference_text": "Late.", "reference_tools": []}
    (whole,) = made("prompts", options={"until": "answer"})
    assert whole.example.messages[-1]["role"] == "tool"
    assert left("prompts", verdict="unacceptable").reason.code == "no_reference"
    assert made("prompts", verdict="unacceptable", corrected="Late!")[0].example.item["reference_text"] == "Late!"
    assert left("prompts", options={"reference": "feedback"}).reason.code == "no_reference"
    assert "reference_text" not in made("prompts", verdict="", options={"reference": "none"})[0].example.item


def test_labels_from_single_judgments() -> None:
    (row,) = made("labels")
    assert (row.example.label, row.example.messages[-1]["role"], len(row.example.chosen)) == (True, "tool", 1)
    assert made("labels", verdict="unacceptable")[0].example.label is False
    rows = made("labels", corrected="It is late.")
    assert [(one.part, one.example.label) for one in rows] == [(0, False), (1, True)]
    assert left("labels", verdict="").reason.code == "no_label"
    assert left("labels", verdict="unsure").reason.code == "unsure"
    assert left("labels", stale=True).reason.code == "stale"


STRATEGY = score("recovery_strategy", category="retry")


@pytest.mark.parametrize(
    ("task", "edits", "given"),
    [
        ("tool_selection", {"1": "mask"}, {"scores": (RIGHT,)}),
        ("tool_selection", {"1": "mask"}, {"scores": (RIGHT,), "options": {"needs_tools": True, "turns": "each"}}),
        ("summariser", {"4": "mask"}, {"scores": (score("response_quality", 4.5),)}),
        ("error_recovery", {"4": "mask"}, {"scores": (STRATEGY,)}),
        ("prompts", {"4": "mask"}, {}),
        ("prompts", {"1": "mask"}, {}),
        ("labels", {"4": "mask"}, {}),
        ("labels", {"4": "mask"}, {"corrected": "It is late.", "options": {"corrections": "ignore"}}),
    ],
)
def test_a_masked_step_is_no_target(task: str, edits: dict[str, str], given: dict[str, Any]) -> None:
    """What is masked is context only: no task makes an answer or a reference of it."""
    said = make.document(*TWO_TURNS["conversations"][0]["messages"][:5], tools=[make.ORDER_TOOL])
    assert made(task, said, **given)
    assert left(task, said, edits=edits, **given).reason.code == "target_masked"


def test_what_was_written_anew_keeps_no_mask_and_what_was_said_keeps_its_own() -> None:
    unwanted, wanted = made("labels", corrected="It is late.", edits={"4": "mask"})
    assert (unwanted.example.label, wanted.example.label) == (False, True), "an unwanted answer may be a masked one"
    assert text_of(wanted.example.chosen[0]) == "It is late."
    (row,) = made("error_recovery", scores=(STRATEGY,), corrected="Let me try again.", edits={"4": "mask"})
    assert row.example.item["correctResponse"] == "Let me try again."


def test_other_masked_steps_stop_nothing() -> None:
    rows = made("tool_selection", TWO_TURNS, scores=(RIGHT,), options={"turns": "each"}, edits={"1": "mask"})
    assert [json.loads(text_of(one.example.messages[-1]))["tools"] for one in rows] == [[]]
    assert made("summariser", scores=(score("response_quality", 4.5),), edits={"2": "mask"})
    assert made("prompts", options={"reference": "none"}, edits={"2": "mask"})
    suggested = Feedback(suggested_response="Ask them.")
    (row,) = made("error_recovery", scores=(STRATEGY,), feedback=(suggested,), edits={"4": "mask"})
    assert row.example.item["correctResponse"] == "Ask them."


def test_both_classes_are_counted_and_imbalance_is_told() -> None:
    balance = Balance()
    assert balance.warnings() == []
    wanted, other = made("labels")[0], made("labels", verdict="unacceptable")[0]
    for _ in range(8):
        balance.add(wanted.example)
    assert balance.warnings()[0][0] == "one_class"
    balance.add(other.example)
    balance.add(other.example)
    assert balance.counts() == {"desirable": 8, "undesirable": 2}
    assert balance.warnings() == [
        ("imbalance", "4.0 times as many wanted answers as unwanted ones: weight the unwanted ones by about 4.0.")
    ]


@pytest.mark.parametrize("name", [name for name, task in tasks.TASKS.items() if task.MAKE is not None])
@pytest.mark.parametrize("number", range(len(EMPTY)))
def test_nothing_is_made_of_nothing(name: str, number: int) -> None:
    everything = (RIGHT, score("response_quality", 5), score("reward", 1, passed=True),
                  score("recovery_strategy", category="retry"))  # fmt: skip
    said = EMPTY[number]
    options = {"reference": "none"} if name == "prompts" else {}
    found = tasks.find(name).make(context(name, said, scores=everything, options=options))
    if number == 4 and name in ("chat", "distillation", "trajectories", "tool_selection"):
        assert isinstance(found, tasks.Left)
        return
    assert isinstance(found, tasks.Left), (name, number)


def test_options_are_checked_by_name() -> None:
    task = tasks.find("trajectories")
    with pytest.raises(tasks.OptionsError) as raised:
        tasks.check(task, {"min_reward": "high", "max_steps": 1.5, "include_thought": "maybe", "nonsense": 1})
    assert dict(raised.value.problems) == {
        "nonsense": "there is no such option for this task",
        "min_reward": "must be a number",
        "max_steps": "must be a whole number from 1 to 100,000",
        "include_thought": "must be true or false",
    }
    assert tasks.check(task, {"min_reward": ""})["min_reward"] is None
    with pytest.raises(tasks.UnknownTask, match="There is no task 'x'; there are chat"):
        tasks.find("x")


@pytest.mark.parametrize(
    ("name", "options", "wrong"),
    [
        ("summariser", {"low": "labels", "low_below": 4.5}, "low_below"),
        ("summariser", {"low": "labels", "min_quality": 2}, "low_below"),
        ("trajectories", {"min_steps": 5, "max_steps": 4}, "max_steps"),
    ],
)
def test_options_are_checked_together(name: str, options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(tasks.OptionsError) as raised:
        tasks.check(tasks.find(name), options)
    assert [option for option, _ in raised.value.problems] == [wrong]


def test_an_answer_is_of_low_quality_only_where_such_are_kept_apart() -> None:
    known: dict[str, Any] = {"scores": (score("response_quality", 2.5),), "options": {"min_quality": 2}}
    (row,) = made("summariser", **known)
    assert row.example.kind == "chat" and "low" not in row.detail
    assert left("summariser", edits={"4": "mask"}, **known).reason.code == "target_masked"
    (edge,) = made("summariser", scores=(score("response_quality", 4.0),), options={"low": "labels", "low_below": 4})
    assert edge.example.label is True


@pytest.mark.parametrize("task", tasks.TASKS.values(), ids=lambda task: task.NAME)
def test_every_default_passes_its_own_check(task: tasks.Task) -> None:
    usual = tasks.check(task, {})
    assert tasks.check(task, usual) == usual
    assert (task.MAKE is None) != (task.GATHER is None)
