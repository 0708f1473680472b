"""Whatever comes in can be stored afterwards, and every change is told."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.messages.clean import TOO_DEEP, Notes, clean, mend_inside, read_inside

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(ANYTHING)
def test_the_result_is_json_for_every_parser(value: object) -> None:
    notes = Notes()
    text = orjson.dumps(clean(value, notes))
    assert b"\\u0000" not in text
    assert json.loads(text) == orjson.loads(text)


@given(ANYTHING)
def test_nothing_changes_silently(value: object) -> None:
    notes = Notes()
    cleaned = clean(value, notes)
    same = json.dumps(cleaned, sort_keys=True, default=str) == json.dumps(value, sort_keys=True, default=str)
    assert same or notes


@given(ANYTHING)
def test_cleaning_twice_changes_nothing_more(value: object) -> None:
    once = clean(value, Notes())
    notes = Notes()
    assert clean(once, notes) == once
    assert not notes


def test_what_is_replaced_by_what() -> None:
    notes = Notes()
    given_value = {
        "a\0": "x\0y",
        "b": "\ud800",
        "c": [float("nan"), float("inf"), -float("inf")],
        "d": 2**64,
        "e": 2**63 - 1,
    }
    assert clean(given_value, notes) == {
        "a\ufffd": "x\ufffdy",
        "b": "\ufffd",
        "c": ["NaN", "Infinity", "-Infinity"],
        "d": "18446744073709551616",
        "e": 2**63 - 1,
    }
    assert notes.lines() == [
        "NUL characters were replaced by � (2 times)",
        "broken Unicode characters (lone surrogates) were replaced by �",
        "NaN or Infinity became text (3 times)",
        "integers beyond 64 bits became text",
    ]


def test_surrogate_pairs_written_apart_are_one_character() -> None:
    assert clean("\ud83c\udf26", Notes()) == "🌦"


def test_deep_nesting_ends_at_200_levels() -> None:
    value: object = 1
    for _ in range(900):
        value = [value]
    notes = Notes()
    cleaned = clean(value, notes)
    depth = 0
    while isinstance(cleaned, list):
        cleaned, depth = cleaned[0], depth + 1
    assert (depth, cleaned) == (200, TOO_DEEP)
    assert notes.lines() == ["values nested deeper than 200 levels were left out"]


def test_keys_that_become_equal_are_counted() -> None:
    notes = Notes()
    assert clean({"a\0": 1, "a\ufffd": 2}, notes) == {"a\ufffd": 2}
    assert "keys became equal by cleaning; the last value was kept" in notes.lines()


@given(ANYTHING)
def test_json_inside_text_is_read_clean_and_mended_where_it_stands(value: object) -> None:
    text = json.dumps(value)
    assert orjson.dumps(read_inside(text)) == orjson.dumps(clean(json.loads(text), Notes()))
    mended = mend_inside(text, Notes())
    json.dumps(json.loads(mended), ensure_ascii=False).encode()
    assert clean(json.loads(mended), Notes()) == read_inside(text)
    assert mend_inside(mended, notes := Notes()) == mended and not notes


def test_only_halves_of_characters_change_inside_text() -> None:
    text = r' {"b":1.50, "a": "\\ud83d \ud83d \uD83D\uDE00\ude00 \u0000 é"}'
    assert mend_inside(text, notes := Notes()) == r' {"b":1.50, "a": "\\ud83d \ufffd \uD83D\uDE00\ufffd \u0000 é"}'
    assert notes.lines() == ["broken Unicode characters (lone surrogates) were replaced by � (2 times)"]
    assert mend_inside(r'{"a": "\ud83d', Notes()) == r'{"a": "\ud83d', "no JSON, so it is a text of its own"
    for wrong in ("", "{", "[" * 100_000):
        with pytest.raises(ValueError, match=r".+"):
            read_inside(wrong)


def test_a_number_of_20000_digits() -> None:
    assert clean(10**20000, Notes()).startswith("0x")
