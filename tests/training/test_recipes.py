"""Settings: defaults, limits, and the length of a run."""

import pytest

from training.recipes import sft


def test_defaults_depend_on_the_base() -> None:
    assert sft.check({}, source="hub")["learning_rate"] == 2e-4
    assert sft.check({}, source="tiny")["learning_rate"] == 1e-2
    assert set(sft.check({}, source="tiny")) == set(sft.BY_NAME)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("epochs", "many", "no number"),
        ("epochs", "nan", "no finite number"),
        ("batch_size", "2.5", "no whole number"),
        ("batch_size", "0", "below 1"),
        ("lora_r", 10_000, "above 512"),
        ("schedule", "zigzag", "none of cosine"),
        ("use_dora", "perhaps", "neither true nor false"),
        ("learning_rate", True, "is no number"),
        ("learnig_rate", 1, "no such setting"),
    ],
)
def test_errors_name_the_setting(name: str, value: object, reason: str) -> None:
    with pytest.raises(sft.InvalidSettings) as error:
        sft.check({name: value, "seed": "7"}, source="tiny")
    assert list(error.value.errors) == [name]
    assert reason in error.value.errors[name]


def test_text_and_json_give_the_same() -> None:
    text = sft.check({"epochs": " 2 ", "use_dora": "on", "max_steps": ""}, source="hub")
    assert text == sft.check({"epochs": 2, "use_dora": True}, source="hub")
    assert text["max_steps"] is None


@pytest.mark.parametrize(
    ("rows", "batch", "accumulate", "epochs", "total"), [(24, 4, 1, 3, 18), (10, 4, 1, 1, 3), (9, 2, 4, 1, 2), (3, 8, 1, 2, 2)]
)  # fmt: skip
def test_steps_are_counted_as_the_trainer_counts(
    rows: int, batch: int, accumulate: int, epochs: int, total: int
) -> None:
    settings = sft.check({"batch_size": batch, "accumulate": accumulate, "epochs": epochs}, source="tiny")
    assert sft.estimate(settings, rows=rows).total == total


def test_too_few_steps_are_said() -> None:
    found = sft.estimate(sft.check({"batch_size": 8}, source="tiny"), rows=3)
    assert any("one step" in note for note in found.notes)
    assert any("too few" in note for note in found.notes)
