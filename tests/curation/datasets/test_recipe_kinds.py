"""The form follows the kind of row: what the kind does not read goes away, and what it cannot do without is asked for."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from curation.datasets import recipe
from workspace.models import Project, Role, User

pytestmark = pytest.mark.django_db
NEW = "/p/acme/datasets/new/"
SignedIn = Callable[[User], Client]
BOXES = re.compile(r'<input type="checkbox" name="judgments"')
NEEDED = "name a teacher, or a measure that its runs passed"
CHOICE = '<select id="corrections"'


def shown(client: Client, **typed: Any) -> str:
    """What comes back for the form as it is counted while somebody types."""
    given = {"q": "judged:acceptable", "judgments": ["acceptable"], "task_shown": "chat", "act": "preview", **typed}
    return html.unescape(client.post(NEW, given, headers={"hx-request": "true"}).content.decode())


@pytest.mark.parametrize(
    ("task", "boxes", "choice", "query"),
    [
        ("chat", 3, True, "judged:acceptable"),
        ("distillation", 3, True, "judged:acceptable"),
        ("labels", 0, True, ""),
        ("corrections", 0, True, ""),
        ("error_recovery", 0, True, ""),
        ("pairs", 0, False, ""),
    ],
)
def test_what_a_kind_of_row_does_not_read_is_not_asked(
    project: Project, alice: User, as_user: SignedIn, task: str, boxes: int, choice: bool, query: str
) -> None:
    page = as_user(alice).get(NEW, {"task": task}).content.decode()
    assert len(BOXES.findall(page)) == boxes and (CHOICE in page) is choice
    assert ("look at verdicts by themselves" in page) is (not boxes)
    assert f'id="q" name="q" value="{query}"' in page


def test_the_default_filter_goes_with_the_kind_of_row_and_one_that_was_typed_stays(
    project: Project, alice: User, as_user: SignedIn
) -> None:
    client = as_user(alice)
    page = shown(client, task="pairs")
    assert 'id="q" name="q" value=""' in page and not BOXES.search(page) and CHOICE not in page
    assert page.count('hx-swap-oob="true"') == 4, "the filter, the judgments, the corrections and the options"
    back = shown(client, task="chat", task_shown="pairs", q="", judgments=["acceptable", "unjudged"])
    assert 'id="q" name="q" value="judged:acceptable"' in back and CHOICE in back
    assert 'value="unjudged" checked' in back, "what was ticked comes back"
    typed = shown(client, task="pairs", q="agent:support")
    assert 'id="q" name="q" value="agent:support"' in typed
    assert "hx-swap-oob" not in shown(client, task="pairs", task_shown="pairs")
    answer = client.post(NEW, {"q": "judged:acceptable", "task": "pairs", "task_shown": "chat", "act": "preview"})
    assert "q=&" in answer["Location"], "without a script, too"


def test_runs_of_a_stronger_model_need_a_teacher_or_a_measure(
    project: Project, alice: User, as_user: SignedIn, api: Callable[..., Client]
) -> None:
    page = shown(as_user(alice), task="distillation")
    assert "This cannot be frozen" in page and page.count(NEEDED) == 1, "beside the form, and not where it would stay"
    whole = as_user(alice).post(NEW, {"q": "", "task": "distillation", "act": "freeze", "name": "x"}).content.decode()
    assert NEEDED in whole.split('id="task-options"')[1].split("<datalist")[0], "at the field"
    assert NEEDED not in as_user(alice).get(NEW, {"task": "distillation"}).content.decode(), "nobody typed yet"
    assert NEEDED not in shown(as_user(alice), task="distillation", option_teachers="big")
    body = {"name": "x", "recipe": {"task": "distillation", "task_options": {"teachers": []}}}
    answer = api(Role.ENGINEER).post("/api/projects/acme/datasets/preview", body, content_type="application/json")
    (told,) = answer.json()["error"]["details"]
    assert (told["where"], told["reason"]) == ("recipe.task_options.teachers", NEEDED)


@pytest.mark.parametrize(
    "given",
    [
        {"task_options": {"teachers": ["big"]}},
        {"task_options": {"measure": "reward"}},
        {"measures": [{"score": "reward"}]},
        {"gates": [{"score": "reward", "threshold": 0.9}]},
        {"weights": {"reward": 1}, "min_score": 0.9},
        {"answers_from": "0199aaaa-0000-7000-8000-000000000001", "use_original_outputs": False},
    ],
)
def test_each_of_these_says_what_a_stronger_model_is(given: dict[str, Any]) -> None:
    assert recipe.parse({"task": "distillation", **given}).task == "distillation"


def test_what_stands_grey_in_a_field_is_what_is_used(project: Project, alice: User, as_user: SignedIn) -> None:
    page = html.unescape(as_user(alice).get(NEW).content.decode())
    grey = dict(re.findall(r'<(?:input|textarea) id="(\w+)"[^>]*? placeholder="([^"]*)"', page))
    held = recipe.parse(
        {"coreset": {"strategy": "hybrid"}, "replay": {"buffer": "old"}, "mix": {"strategy": "balanced"}}
    ).plain()
    for part in ("coreset", "mix", "replay"):
        used = {f"{part}_{name}": str(value) for name, value in held[part].items()}
        used = {
            field: value for field, value in used.items() if field in grey.keys() - {"replay_buffer", "mix_weights"}
        }
        assert used and used == {field: grey[field] for field in used}
    words = {"min_score": "none", "min_quality": "none", "min_confidence": "none", "balance_field": "nothing"}
    assert {name: grey[name] for name in words} == words
    assert all(grey[name].startswith("such as ") for name in ("gates", "weights", "measures", "mix_weights"))
    for explained in ("coreset_strategy", "coreset_loss_ratio", "mix_least"):
        assert f'id="{explained}-help"' in page
