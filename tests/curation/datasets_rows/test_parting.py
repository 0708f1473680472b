"""Where two runs part, and whether a pair can be made there."""

import pytest

from curation.datasets.pairing.parting import NoParting, Parting, likeness, part
from curation.messages.form import Message, message
from tests import make

SYSTEM = message("system", "Be kind.")
ASK = message("user", "Where is order 1?")


def called(*names: str, ids: str = "a") -> Message:
    return message(
        "assistant", "", tool_calls=[make.call(name, '{"x": 1}', f"{ids}{n}") for n, name in enumerate(names)]
    )


def result(text: str, id: str) -> Message:
    return make.tool_result(text, id)


def test_ids_and_the_order_of_parallel_results_do_not_part_two_runs() -> None:
    one = [SYSTEM, ASK, called("f", "g"), result("1", "a0"), result("2", "a1"), message("assistant", "Good.")]
    spaced = message("assistant", "", tool_calls=[make.call("f", '{ "x":1}', "b0"), make.call("g", '{"x": 1}', "b1")])
    other = [SYSTEM, ASK, spaced, result("2", "b1"), result("1", "b0"), message("assistant", "Bad.")]
    assert part(one, other) == Parting(5)


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ([SYSTEM, ASK], [SYSTEM, message("user", "Hello")], "only_system_shared"),
        ([ASK], [message("user", "Hello")], "nothing_shared"),
        ([SYSTEM, message("assistant", "Hi"), ASK], [SYSTEM, message("assistant", "Hi"), SYSTEM], "no_request"),
        ([ASK, message("assistant", "A"), ASK], [ASK, message("assistant", "A"), SYSTEM], "parted_at_user"),
        ([ASK, called("f"), result("1", "a0")], [ASK, called("f"), result("2", "a0")], "parted_at_tool"),
        ([ASK, called("f")], [ASK, called("f"), result("2", "a0")], "one_ended"),
        ([ASK, called("f")], [ASK, called("f", ids="z")], "identical"),
        ([ASK, message("assistant", "")], [ASK, called("f")], "empty_messages"),
        ([], [], "identical"),
        ([], [ASK], "one_ended"),
    ],
)
def test_why_there_is_no_pair(one: list[Message], other: list[Message], code: str) -> None:
    found, turned = part(one, other), part(other, one)
    assert isinstance(found, NoParting)
    assert isinstance(turned, NoParting)
    assert (found.code, turned.code) == (code, code)


def test_a_failed_result_is_another_result() -> None:
    failed = make.tool_result("1", "a0", is_error=True)
    found = part([ASK, called("f"), result("1", "a0")], [ASK, called("f"), failed])
    assert isinstance(found, NoParting)
    assert found.code == "parted_at_tool"


def test_a_call_against_words_is_a_pair() -> None:
    assert part([ASK, called("f")], [ASK, message("assistant", "I cannot.")]) == Parting(1)


def test_likeness() -> None:
    assert likeness("It  is late", "it is LATE") == 1.0
    assert likeness("", "") == 1.0
    assert likeness("yes", "no") == 0.0
    text = " ".join(str(n) for n in range(200))
    assert 0.98 < likeness(text, text + " more") < 1.0
