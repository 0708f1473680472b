"""The form follows the kind of row: what the kind does not read goes away, and what it cannot do without is asked for."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from workspace.models import Project, User

pytestmark = pytest.mark.django_db
NEW = "/p/acme/datasets/new/"
SignedIn = Callable[[User], Client]
BOXES = re.compile(r'<input type="checkbox" name="judgments"')
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
