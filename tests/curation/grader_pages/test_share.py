"""The share of arriving traces is typed in %, and one of nothing is refused."""

from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from curation.models import Grader
from curation.scoring import arrivals
from curation.scoring.refused import Refused
from tests.curation.grading import graders
from workspace.access import SYSTEM
from workspace.models import Project, User

SignedIn = Callable[[User], Client]


@pytest.mark.parametrize("share", ["250", "-1", "some", "nan"])
def test_what_is_no_share_is_named_as_it_was_typed(
    project: Project, alice: User, as_user: SignedIn, share: str
) -> None:
    graders.code(project)
    form = {"act": "arrivals", "scores_new": "1", "rate": share}
    answer = as_user(alice).post("/p/acme/graders/late/", form)
    assert answer.status_code == 422 and f"'{share}' is not a share from 0 to 100 %" in unescape(
        answer.content.decode()
    )
    assert not Grader.objects.get().scores_new


def test_a_share_of_nothing_is_not_switched_on(project: Project, alice: User, as_user: SignedIn) -> None:
    version = graders.code(project)
    form = {"act": "arrivals", "scores_new": "1", "rate": "0"}
    answer = as_user(alice).post("/p/acme/graders/late/", form)
    assert answer.status_code == 422 and "scores nothing" in answer.content.decode()
    with pytest.raises(Refused, match="scores nothing"):
        arrivals.follow(grader=version.grader, scores_new=True, query="", rate=0, actor=SYSTEM)
    assert not Grader.objects.get().scores_new


def test_a_small_share_is_shown_as_it_is_kept(project: Project, alice: User, as_user: SignedIn) -> None:
    graders.code(project)
    client = as_user(alice)
    client.post("/p/acme/graders/late/", {"act": "arrivals", "scores_new": "1", "rate": "0.5 %"})
    assert Grader.objects.get().rate == 0.005
    assert 'name="rate" inputmode="decimal" value="0.5"' in client.get("/p/acme/graders/late/").content.decode()
