"""Shares of topics in a mix: by the names that pages show, by slugs, and what is said of a name that no topic has."""

import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from curation.datasets import build, recipe, topics
from curation.models import DatasetVersion
from tests.curation.datasets import rows
from tests.curation.datasets.test_selection import said
from workspace.access import Actor
from workspace.models import Project, Role, User

pytestmark = pytest.mark.django_db
MISSING = "there is no topic 'Returns' in this project; there are code, shop, where-is-it"


@pytest.fixture(autouse=True)
def spread(project: Project, rita: User) -> None:
    """Three topics; six traces about two of them."""
    for name in ("Shop", "Code", "Where is it"):
        topics.create(project=project, actor=Actor(), name=name, query=f"agent:{name.split()[0].lower()}")
    for number in range(6):
        rows.trace(project, said(number), judged="acceptable", by=rita, agent="shop" if number < 4 else "code")


def freeze(project: Project, **weights: float) -> DatasetVersion:
    given = {"mix": {"weights": weights}}
    return build.freeze(project=project, name="x", query_text="", actor=Actor(), recipe=recipe.parse(given))


def test_names_as_they_are_shown_and_slugs_mean_the_topic(project: Project) -> None:
    version = freeze(project, SHOP=0.5, code=0.5)
    assert version.counts["mix"]["take"] == {"code": 2, "shop": 3}
    assert version.recipe["mix"]["weights"] == {"code": 0.5, "shop": 0.5}, "kept as slugs, which renaming leaves alone"
    assert freeze(project, **{"where is it": 1, "Shop": 1}).counts["mix"]["there"]["where-is-it"] == 0


def test_a_topic_that_is_not_there_or_named_twice_is_an_error_of_its_share(project: Project) -> None:
    with pytest.raises(recipe.RecipeError) as raised:
        freeze(project, Returns=0.35, shop=1, Shop=2)
    assert raised.value.problems == [
        ("mix.weights.Returns", MISSING),
        ("mix.weights.shop", "'Shop' and 'shop' are the same topic"),
    ]
    for name in ("Orders", "orders"):
        topics.create(project=project, actor=Actor(), name=name, parent="shop" if name == "Orders" else "code")
    assert freeze(project, orders=1, shop=1).recipe["mix"]["weights"] == {"orders": 1, "shop": 1}, "a slug goes first"
    topics.create(project=project, actor=Actor(), name="Two Words", parent="shop")
    topics.create(project=project, actor=Actor(), name="two words", parent="code")
    with pytest.raises(recipe.RecipeError, match="several topics are called 'TWO WORDS': two-words, two-words-2"):
        freeze(project, **{"TWO WORDS": 1})


def test_the_page_and_the_api_say_so_at_the_field(
    alice: User, as_user: Callable[[User], Client], api: Callable[..., Client]
) -> None:
    typed = {"q": "", "mix_strategy": "weighted", "mix_weights": "Returns 0.35\nShop 2", "act": "preview"}
    page = as_user(alice).post("/p/acme/datasets/new/", typed, headers={"hx-request": "true"})
    assert page.status_code == 422 and MISSING in html.unescape(page.content.decode())
    right = {**typed, "mix_weights": "Shop 1\nCode 1"}
    assert as_user(alice).post("/p/acme/datasets/new/", right, headers={"hx-request": "true"}).status_code == 200

    def asked(**weights: float) -> Any:
        body = {"name": "x", "recipe": {"mix": {"weights": weights}}}
        path = "/api/projects/acme/datasets/preview"
        return api(Role.ENGINEER).post(path, json.dumps(body), content_type="application/json")

    (told,) = asked(Returns=1).json()["error"]["details"]
    assert (told["where"], told["reason"]) == ("recipe.mix.weights.Returns", MISSING)
    assert asked(Shop=1, Code=1).json()["counts"]["mix"]["take"] == {"code": 2, "shop": 3}
