"""What a blind queue hides is not told by the pages of datasets either, until one has answered."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from curation.datasets import build
from curation.datasets.recipe import Recipe
from curation.models import DatasetVersion, StepUse, Trace
from curation.review import corrections, queues
from tests import make
from workspace.access import Actor
from workspace.models import Project, Role, User

As = Callable[[User], Client]
HERE = "/p/acme/datasets/support"


@pytest.fixture
def waiting(project: Project, rita: User, alice: User) -> Trace:
    """One that Alice corrected waits blindly for Rita, another of hers waits nowhere; both are in two versions, of which the
    later has a correction that the first had not."""
    actor = Actor(user=alice)
    traces = [
        make.trace(project, external_id=name, said=make.short_document(f"The {name} order"))
        for name in ("secret", "open")
    ]
    for trace in traces:
        make.judgment(trace, alice)
    build.freeze(project=project, name="support", query_text="", actor=actor, recipe=Recipe())
    for trace in traces:
        corrections.correct(project=project, actor=actor, trace_uid=trace.uid, text="A better answer")
    build.freeze(project=project, name="support", query_text="", actor=actor, recipe=Recipe())
    queues.create(project=project, actor=actor, name="Second look", query="id:secret", is_blind=True)
    return Trace.objects.get(external_id="secret")


def row_of(page: str, trace: Trace) -> str:
    """The line of a table that names the trace."""
    return next(line for line in page.split("<tr")[1:] if f"/traces/{trace.uid}/" in line).split("</tr>")[0]


def test_what_it_becomes_is_shown_once_one_has_judged(waiting: Trace, rita: User, alice: User, as_user: As) -> None:
    address = f"/p/acme/traces/{waiting.uid}/becomes/"
    for headers in ({}, {"HX-Request": "true"}):
        page = as_user(rita).get(address, headers=headers).content.decode()
        assert "Hidden while you judge" in page and "Alice" not in page and "A better answer" not in page
        assert "A better answer" in as_user(alice).get(address, headers={}).content.decode()
    assert as_user(rita).get(f"{address}?line=openai-sft").status_code == 403
    assert as_user(rita).post(f"{address}step/", {"step": "x", "use": "mask"}).status_code == 403
    assert not StepUse.objects.exists()
    make.judgment(waiting, rita, "acceptable")
    page = as_user(rita).get(address).content.decode()
    assert "Hidden while you judge" not in page and "A better answer" in page


def test_decisions_rows_and_differences_withhold_it(waiting: Trace, rita: User, alice: User, as_user: As) -> None:
    reasons = DatasetVersion.objects.get(number=2).counts["by_reason"]
    (code,) = reasons
    opened = Trace.objects.get(external_id="open")
    for path, tells in (
        ("/2/decisions/", "answer"), ("/2/", "Alice"), ("/diff/?a=1&b=2&show=changed", "corrected by"),
    ):  # fmt: skip
        theirs, mine = (as_user(user).get(f"{HERE}{path}").content.decode() for user in (alice, rita))
        assert tells in row_of(theirs, waiting) and tells in row_of(mine, opened), path
        assert tells not in row_of(mine, waiting) and "once you have judged" in row_of(mine, waiting), path
    for path in (f"/2/decisions/?reason={code}", "/diff/?a=1&b=2&show=changed&why=correction"):
        theirs, mine = (as_user(user).get(f"{HERE}{path}").content.decode() for user in (alice, rita))
        assert str(waiting.uid) in theirs and str(opened.uid) in mine and str(waiting.uid) not in mine, path
    for position in (1, 2):
        page = as_user(rita).get(f"{HERE}/2/rows/{position}/").content.decode()
        assert ("Alice" in page.split("<main")[1]) == (str(waiting.uid) not in page)


def test_over_the_api(waiting: Trace, rita: User, alice: User, as_user: As, api: Callable[..., Client]) -> None:
    asked = {"a": 1, "b": 2, "show": "changed"}
    items = as_user(rita).get("/api/projects/acme/datasets/support/diff/rows", asked).json()["items"]
    assert {one["external_id"]: one["changes"] for one in items}["secret"] == []
    here = "/api/projects/acme/datasets/support/versions/2"
    rested = ("judgment", "judged_by", "correction")

    def rests_on(client: Client) -> dict[str, list[str | None]]:
        rows = client.get(f"{here}/rows").json()["items"]
        return {one["external_id"]: [one[name] for name in rested] for one in rows}

    everything = rests_on(api(Role.ENGINEER))
    assert all(all(one) for one in everything.values()) and everything["secret"][1] == str(alice)
    assert rests_on(as_user(rita)) == {"secret": [None, None, None], "open": everything["open"]}
    assert as_user(rita).get(f"{here}/manifest").status_code == 403
    body = json.dumps({"reason": "duplicate"})
    for role, status in ((Role.REVIEWER, 403), (Role.ENGINEER, 200)):
        answer = api(role).post("/api/projects/acme/datasets/preview/left", body, content_type="application/json")
        assert answer.status_code == status
