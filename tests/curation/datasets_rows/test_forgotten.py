"""Forgetting a person whose words are in rows of other traces: nothing of them is left, and the rows keep their place."""

from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from curation.datasets import build, read
from curation.datasets.exporting import export
from curation.datasets.recipe import parse
from curation.forget import retention
from curation.forget.person import Subject, forget, holdings
from curation.messages.form import message
from curation.models import DatasetRow, DatasetVersion, IntakeRules, Preference, Trace
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
WORDS = "I am Ann of 7 Mill Lane"


def freeze(project: Project, **given: Any) -> DatasetVersion:
    return build.freeze(project=project, name="pairs", query_text="", actor=Actor(), recipe=parse(given))


@pytest.fixture
def frozen(project: Project, rita: User) -> DatasetVersion:
    """A pair whose worse answer is of Ann's trace; only her answer names her."""
    good, bad = (make.document(message("user", "Hello"), message("assistant", text)) for text in ("Hi.", WORDS))
    rows.trace(project, good, judged="acceptable", by=rita, external_id="good", user_id="u-1")
    rows.trace(project, bad, judged="unacceptable", by=rita, external_id="bad", user_id="u-7")
    return freeze(project, task="pairs", group_by="user")


def everything() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(r::text, ' ') FROM curation_datasetrow r")
        return str(cursor.fetchone()[0])


def test_the_worse_side_of_a_pair_is_forgotten_too(
    project: Project, alice: User, frozen: DatasetVersion, as_user: Any
) -> None:
    row = DatasetRow.objects.get()
    assert row.other_trace is not None and row.other_trace.external_id == "bad" and WORDS in everything()
    found = holdings(project=project, subject=Subject(user_id="u-7"))
    assert found.frozen == {row.other_trace_id}
    assert found.versions == [frozen]
    erasure = forget(project=project, actor=Actor(user=alice), subject=Subject(user_id="u-7"))
    assert (erasure.counts["tombstones"], erasure.counts["dataset rows"]) == (1, 1)
    assert "Mill Lane" not in everything()
    assert list(export.read_rows(frozen)) == [] and read.changed(frozen).erased == 1
    client: Client = as_user(alice)
    for address in ("/p/acme/datasets/pairs/1/", "/p/acme/datasets/pairs/1/rows/1/"):
        assert client.get(address).status_code == 200, address


def test_a_group_named_after_a_person_loses_the_name(project: Project, frozen: DatasetVersion) -> None:
    assert DatasetRow.objects.get().split_group == "user:u-1"
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-1"))
    row = DatasetRow.objects.get()
    assert (row.split_group, row.content["chosen"]) == (f"erased:{row.trace_id}", [])


def test_words_that_only_a_row_has_are_found(project: Project, rita: User) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    options = {"min_reward": "", "require_success": False, "system_prompt": "Forward to 0170 1234567."}
    freeze(project, task="trajectories", task_options=options)
    forget(project=project, actor=Actor(), subject=Subject(texts=("0170 1234567",)))
    assert "1234567" not in everything()
    assert Trace.objects.get().erased_at


def test_a_preference_that_goes_leaves_the_row(project: Project, rita: User, frozen: DatasetVersion) -> None:
    good, bad = Trace.objects.get(external_id="good"), Trace.objects.get(external_id="bad")
    Preference.objects.create(
        project=project, left_trace=good, left_revision=good.revision, right_trace=bad, right_revision=bad.revision,
        choice="left", user=rita, author="rita",
    )  # fmt: skip
    version = freeze(project, task="pairs", task_options={"sources": ["preferences"]})
    assert DatasetRow.objects.get(version=version).preference_id is not None
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-7"))
    row = DatasetRow.objects.get(version=version)
    assert (row.preference_id, row.content["rejected"]) == (None, [])


def test_nothing_else_of_a_frozen_row_can_be_changed(project: Project, frozen: DatasetVersion) -> None:
    for change in ({"content": {"messages": []}}, {"split": "test"}, {"split_group": "x"}, {"digest": "0" * 64}):
        with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
            DatasetRow.objects.update(**change)


def test_old_traces_in_pairs_are_kept_by_both_sides(project: Project, frozen: DatasetVersion) -> None:
    Trace.objects.update(received_at=timezone.now() - timedelta(days=90))
    IntakeRules.objects.update_or_create(project=project, defaults={"keep_days": 30})
    assert retention.apply(project=project, end=monotonic() + 9) == 0
    assert Trace.objects.count() == 2
