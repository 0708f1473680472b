"""The last look before a row leaves: what it finds, and what it leaves in its place."""

import json
import sys
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.datasets.example import Example
from curation.messages.form import Message
from curation.privacy import gate, names

CARD = "4111 1111 1111 1111"


def row(*texts: str, arguments: str = "{}", **more: Any) -> dict[str, Any]:
    messages: list[Message] = [{"role": "user", "parts": [{"type": "text", "text": text}]} for text in texts]
    call: Message = {
        "role": "assistant",
        "parts": [],
        "tool_calls": [{"id": "call_1", "name": "f", "arguments": arguments}],
    }
    return {**Example(messages=[*messages, call], tools=[]).plain(), **more}


def test_the_same_value_is_the_same_pseudonym_and_kinds_do_not_collide() -> None:
    said = row(
        f"I am Ann.Lee@mail.example.com, card {CARD}",
        "write to ann.lee@mail.example.com or bo@mail.example.com",
        arguments=json.dumps({"email": "ann.lee@mail.example.com", "card": CARD.replace(" ", "")}),
    )
    changed, counts = gate.replace_in(said)
    assert [one["parts"][0]["text"] for one in changed["messages"][:2]] == [
        "I am <EMAIL_1>, card <CARD_1>",
        "write to <EMAIL_1> or <EMAIL_2>",
    ]
    assert json.loads(changed["messages"][2]["tool_calls"][0]["arguments"]) == {
        "email": "<EMAIL_1>",
        "card": "<CARD_1>",
    }
    assert counts == {"email": 4, "card": 2} == gate.find_in(said)
    assert gate.find_in(changed) == {}
    assert "Ann.Lee" in said["messages"][0]["parts"][0]["text"], "the row that was given stays as it was"


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        ('{"note": "line\\nann@mail.example.com", "n": 1.50}', '{"note": "line\\n<EMAIL_1>", "n": 1.50}'),
        (
            '{"card": 4111111111111111, "big": 12345678901234567890}',
            '{"card": "<CARD_1>", "big": 12345678901234567890}',
        ),
        ('{"password": "hunter2", "passwords": 3}', '{"password": "<SECRET_1>", "passwords": 3}'),
        ('{"order_id": "4111111111111111"}', '{"order_id": "4111111111111111"}'),
        ('{"inner": "{\\"to\\": \\"ann@mail.example.com\\"}"}', '{"inner": "{\\"to\\": \\"<EMAIL_1>\\"}"}'),
        ('{"ann@mail.example.com": true}', '{"<EMAIL_1>": true}'),
        ('{"m": "\\u0061nn@mail.example.com"}', '{"m": "<EMAIL_1>"}'),
        ("not json ann@mail.example.com", "not json <EMAIL_1>"),
    ],
)
def test_arguments_stay_what_they_were_but_for_the_value(arguments: str, after: str) -> None:
    changed, _ = gate.replace_in(row(arguments=arguments))
    assert changed["messages"][0]["tool_calls"][0]["arguments"] == after


def test_every_place_of_a_row_is_looked_at() -> None:
    mail = "x{}@mail.example.com".format
    said = Example(
        messages=[
            {
                "role": "user",
                "parts": [
                    {"type": "json", "value": {"a": [mail(1)]}},
                    {"type": "image", "url": f"https://h/{mail(2)}"},
                ],
            },
            {"role": "assistant", "parts": [], "reasoning": [{"type": "text", "text": mail(3)}]},  # type: ignore[list-item]
        ],
        tools=[{"name": "f", "description": mail(4), "parameters": json.dumps({"default": mail(5)})}],
        kind="pair",
        chosen=[{"role": "assistant", "parts": [{"type": "text", "text": mail(6)}]}],
        rejected=[{"role": "assistant", "parts": [{"type": "text", "text": mail(7)}]}],
        item={"reference_text": mail(8), "metadata": {"who": mail(9)}},
    ).plain()
    changed, counts = gate.replace_in(said)
    assert counts == {"email": 9}
    assert "@" not in json.dumps(changed)


def test_a_number_that_stands_in_the_row_is_not_given_out_again() -> None:
    changed, _ = gate.replace_in(row("<EMAIL_1> told ann@mail.example.com"))
    assert changed["messages"][0]["parts"][0]["text"] == "<EMAIL_1> told <EMAIL_2>"


def test_names_are_found_where_a_detector_is_plugged_in(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gate.find_in(row("Ann Lee called")) == {}
    plugged = types.ModuleType("a_detector")
    plugged.find = lambda text: [(at, at + 7)] if (at := text.find("Ann Lee")) >= 0 else []  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_detector", plugged)
    settings.WHETSTONE_NAMES = "a_detector:find"
    changed, counts = gate.replace_in(row("Ann Lee called", arguments='{"who": "Ann Lee"}'))
    assert counts == {"name": 2}
    assert changed["messages"][0]["parts"][0]["text"] == "<NAME_1> called"
    assert "name" in names.kinds()
    settings.WHETSTONE_NAMES = "a_detector:nothing"
    with pytest.raises(names.NoDetector, match="a_detector:nothing"):
        gate.find_in(row("x"))


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.sampled_from([CARD, "a@mail.example.com"])
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=4), st.booleans())
def test_json_stays_json_of_the_same_shape(value: dict[str, Any], ascii_only: bool) -> None:
    changed, counts = gate.replace_in(row(arguments=json.dumps(value, ensure_ascii=ascii_only)))
    after = json.loads(changed["messages"][0]["tool_calls"][0]["arguments"])
    assert type(after) is dict and len(after) <= len(value)
    if not counts:
        assert after == value
