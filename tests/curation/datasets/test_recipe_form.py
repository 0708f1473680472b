"""What is typed into a recipe's lists: a line that cannot be read is named, with its text and what is wrong."""

import pytest

from curation.views import recipe_form


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("gates", "safe >= 0.5\n\nhelpful > 0,3", "line 3 is 'helpful > 0,3'; '0,3' is not a number: write 0.3"),
        ("gates", "helpful > half", "line 1 is 'helpful > half'; 'half' is not a number"),
        ("gates", "helpful > nan", "line 1 is 'helpful > nan'; 'nan' is not a number"),
        ("gates", "helpful", "line 1 is 'helpful'; each line is NAME >= NUMBER (or >, <=, <, =)"),
        (
            "weights",
            "safe 1\nhelpful 0,5 required",
            "line 2 is 'helpful 0,5 required'; '0,5' is not a number: write 0.5",
        ),
        ("mix_weights", "refunds 35%", "line 1 is 'refunds 35%'; '35%' is not a number"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(field: str, text: str, told: str) -> None:
    _, wrong = recipe_form.plain({field: text, "mix_strategy": "balanced", "options": {}})
    assert wrong == {field: told}


def test_lines_that_can_be_read_become_the_recipe() -> None:
    made, wrong = recipe_form.plain({"gates": "a >= 0.5\nb=1e-1", "weights": "a 2 required", "options": {}})
    assert wrong == {} and [gate["threshold"] for gate in made["gates"]] == [0.5, 0.1]
    assert made["weights"] == {"a": 2.0} and made["required"] == ["a"]
