"""The pages of a batch and of a trial while they run: rows follow, and calls under way are followed to their end."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from curation.models import Batch, BatchItem
from tests import make
from tests.curation.grading import graders
from workspace import leases
from workspace.models import Project, User

SignedIn = Callable[[User], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(project: Project) -> Batch:
    version = graders.judge(graders.connect(project))
    made = Batch.objects.create(
        project=project, kind="grade", grader_version=version, connection=version.connection, status="running", total=4,
        lease_owner=leases.owner(), lease_until=timezone.now() + leases.LASTS,
    )  # fmt: skip
    for _ in range(4):
        trace = make.trace(project)
        BatchItem.objects.create(batch=made, trace=trace, revision=trace.revision, status="waiting")
    return made


def fragment(client: Client, batch: Batch, query: str = "", rows: tuple[str, ...] = ()) -> Any:
    return client.get(
        f"/p/acme/graders/batches/{batch.uid}/{query}", {"row": rows} if rows else {}, headers={"HX-Request": "true"}
    )


def rows_of(page: str) -> tuple[str, ...]:
    return tuple(re.findall(r'name="row" value="([\w-]+)"', page))


def test_rows_stand_as_they_do(project: Project, batch: Batch, alice: User, as_user: SignedIn) -> None:
    client = as_user(alice)
    seen = rows_of(client.get(f"/p/acme/graders/batches/{batch.uid}/").content.decode())
    assert len(seen) == 4 and all(one.endswith("-waiting") for one in seen)
    assert rows_of(fragment(client, batch, rows=seen).content.decode()) == ()
    first = batch.items.earliest("id")
    BatchItem.objects.filter(pk=first.pk).update(status="done", cost_usd="0.01")
    came = fragment(client, batch, rows=(*seen, "odd", "9" * 30 + "-done")).content.decode()
    assert rows_of(came) == (f"{first.pk}-done",)
    assert f'<summary id="row-{first.pk}"' in came and 'hx-swap-oob="true"' in came and "$0.010" in came
    part = client.get(
        f"/p/acme/graders/batches/{batch.uid}/?status=done&row={seen[-1]}", headers={"HX-Request": "true"}
    ).content.decode()
    assert 'hx-swap-oob="beforeend:#call-rows"' in part and f"{first.pk}-done" in rows_of(part), (
        "the part it belongs to"
    )


def test_calls_under_way_are_followed_after_a_cancel(
    project: Project, batch: Batch, alice: User, as_user: SignedIn
) -> None:
    client, address = as_user(alice), f"/p/acme/graders/batches/{batch.uid}/"
    first = batch.items.earliest("id")
    BatchItem.objects.filter(pk=first.pk).update(status="asking")
    client.post(address, {"act": "cancel"})
    page = client.get(address).content.decode()
    assert "<dt>Waiting</dt><dd>3</dd>" in page and "1 being asked" in page, "as the tabs count them"
    assert "1 call under way still comes" in page and "every 2s" in page and "Resume" not in page
    assert "HX-Trigger" not in fragment(client, batch).headers
    BatchItem.objects.filter(pk=first.pk).update(status="done")
    came = fragment(client, batch)
    text = came.content.decode()
    assert came.headers["HX-Trigger"] == "batch-ended" and "every 2s" not in text and "3 were not asked" in text
    BatchItem.objects.filter(pk=first.pk).update(status="asking")
    Batch.objects.update(lease_until=timezone.now())  # nobody is at it any more
    page = client.get(address).content.decode()
    assert "every 2s" not in page and "Resume" in page


def test_a_cancelled_trial_does_not_count_what_was_not_asked(project: Project, alice: User, as_user: SignedIn) -> None:
    for _ in range(4):
        make.trace(project)
    version = graders.judge(graders.connect(project))
    made = graders.tried(version, n=4)
    for ordinal, status in enumerate(("done", "asking", "cancelled", "cancelled")):
        made.items.filter(ordinal=ordinal).update(status=status)
    type(made).objects.update(status="cancelled")
    page = as_user(alice).get(f"/p/acme/graders/helpful/1/?trial={made.uid}").content.decode()
    assert '<p class="bignum num">1 of 4</p>' in page and "still comes, 2 were not asked." in page
