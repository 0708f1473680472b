"""Recipes: every wrong field is named at once, what is stored reads again, and old ones mean what they meant."""

import pytest

from curation.datasets import recipe
from curation.datasets.recipe import Recipe, RecipeError


def problems(**given: object) -> dict[str, str]:
    with pytest.raises(RecipeError) as raised:
        recipe.parse(given)
    return dict(raised.value.problems)


def test_what_is_stored_reads_again() -> None:
    whole = recipe.parse(
        {
            "until": "2026-05-01T12:00:00+02:00",
            "measures": [{"score": "safe", "passed": False}],
            "min_quality": 4.0,
            "min_confidence": 0.9,
            "gates": [
                {"score": "toxicity", "operator": "lte", "threshold": 0.1},
                {"score": "helpful", "threshold": 0.5},
            ],
            "weights": {"relevancy": 0.5, "helpful": 0.5},
            "required": ["helpful"],
            "min_score": 0.7,
            "dedupe": "near",
            "balance": {"field": "environment"},
            "coreset": {"strategy": "hybrid", "size": 200},
            "replay": {"buffer": "old-rows"},
            "max_examples": 100,
            "order": "composite",
            "folds": 5,
        }
    )
    assert recipe.parse(whole.plain()) == whole
    assert whole.gates[1].operator == "gte"
    assert whole.balance is not None and (whole.balance.field, whole.balance.most) == ("env", None)
    assert whole.coreset is not None and (whole.coreset.loss_ratio, whole.coreset.loss) == (0.6, "loss")
    assert whole.replay is not None and (whole.replay.ratio, whole.replay.capacity) == (0.25, 2048)
    assert set(whole.scores) == {"safe", "toxicity", "helpful", "relevancy", "loss"}


def test_recipes_of_the_first_versions_mean_what_they_meant() -> None:
    old = {"judgments": ["acceptable"], "corrections": "use", "validation": 0.1, "test": 0.1, "group_by": "task", "seed": 3,
           "limit": None, "order": "newest", "dedupe": True, "train": 0.8}  # fmt: skip
    assert recipe.parse(old) == Recipe(seed=3)
    assert recipe.parse({**old, "dedupe": False}).dedupe == "none"
    assert recipe.rerun({**old, "as_of": "2026-05-01T12:00:00+00:00"}).until == "2026-05-01T12:00:00+00:00"


def test_every_wrong_field_is_named() -> None:
    told = problems(
        gates=[{"score": "", "operator": "over", "threshold": "high"}, 3, {"score": "x"}],
        measures=[{"passed": 1}],
        weights={"a": 0, "b": "much"},
        min_quality=6,
        coreset={"strategy": "best", "sizes": 3},
        mix={"by": "topic"},
        balance={"field": "colour"},
        replay={"buffer": "No Name", "ratio": 1},
        folds=1,
        until="yesterday",
        upload="x",
        use_original_outputs="no",
        moon=1,
    )
    assert set(told) == {
        "gates[0].score", "gates[0].operator", "gates[0].threshold", "gates[1]", "gates[2].threshold", "measures[0].passed",
        "weights.a", "weights.b", "min_quality", "coreset.strategy", "coreset.sizes", "mix.weights", "balance.field",
        "replay.buffer", "replay.ratio", "folds", "until", "upload", "use_original_outputs", "moon",
    }  # fmt: skip
    assert told["balance.field"] == "must be one of agent, model, env, topic or meta.KEY"


def test_fields_that_do_not_fit_each_other() -> None:
    assert "needs weights" in problems(min_score=0.5)["min_score"]
    assert "needs weights" in problems(order="composite")["order"]
    assert "must name the generation batch" in problems(use_original_outputs=False)["answers_from"]
    assert "stored answers are used" in problems(answers_from="0199aaaa-0000-7000-8000-000000000001")["answers_from"]
    assert (
        "a mix sets the shares"
        in problems(balance={"field": "agent"}, mix={"strategy": "balanced", "by": "agent"})["balance"]
    )
    assert "no such option for this task" in problems(task_options={"moon": 1})["task_options.moon"]
