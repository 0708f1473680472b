"""Old traces go, by age and by count; what a dataset froze stays."""

from datetime import timedelta
from time import monotonic

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from curation.datasets import build
from curation.datasets.recipe import Recipe
from curation.forget import retention
from curation.ingest import inbox
from curation.models import DirtyHour, FollowUp, RawRecord, Span, Step, Trace
from curation.privacy.rules import Rules, change
from tests import make
from workspace.access import Actor
from workspace.models import AuditEntry, Project, User


def keep(project: Project, **limits: int) -> None:
    change(project=project, actor=Actor(), rules=Rules(**limits))


@pytest.mark.django_db
def test_by_age_all_but_what_a_dataset_holds(project: Project, rita: User) -> None:
    now = timezone.now()
    for days in (400, 200, 91, 89, 1):
        make.trace(project, external_id=f"d{days}", received_at=now - timedelta(days=days))
    make.judgment(Trace.objects.get(external_id="d200"), rita)
    build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe())
    old = inbox.keep(project=project, actor=Actor(), body=b"old", source="x")
    RawRecord.objects.filter(pk=old.pk).update(received_at=now - timedelta(days=100), status="done")
    waits = inbox.keep(project=project, actor=Actor(), body=b"waits", source="x")
    RawRecord.objects.filter(pk=waits.pk).update(received_at=now - timedelta(days=100))
    Span.objects.create(project=project, trace_key="d400", span_key="1", payload={}, digest="d")
    assert retention.sweep() == 0, "without rules nothing is deleted"
    keep(project, keep_days=90)
    found = retention.due(project=project)
    assert (found.traces, found.held) == (2, 1)
    DirtyHour.objects.all().delete()
    assert retention.sweep() == 2
    assert set(Trace.objects.values_list("external_id", flat=True)) == {"d200", "d89", "d1"}
    assert list(RawRecord.objects.values_list("pk", flat=True)) == [waits.pk]
    assert not Span.objects.exists() and DirtyHour.objects.count() == 2
    assert Step.objects.filter(revision__trace__external_id="d1").exists()
    assert not FollowUp.objects.exclude(trace__external_id__in=("d200", "d89", "d1")).exists()
    assert AuditEntry.objects.filter(action="traces.retention").count() == 1
    assert retention.sweep() == 0
    assert AuditEntry.objects.filter(action="traces.retention").count() == 1


@pytest.mark.django_db
def test_by_count_the_oldest_go_and_other_projects_stay(project: Project, charlie: User) -> None:
    now = timezone.now()
    for number in range(7):
        make.row(project, external_id=f"n{number}", received_at=now - timedelta(minutes=number))
    make.row(Project.objects.get(slug="other"), received_at=now - timedelta(days=9))
    keep(project, keep_most=5)
    assert retention.due(project=project).traces == 2
    assert retention.apply(project=project, end=monotonic() + 9) == 2
    assert set(Trace.objects.filter(project=project).values_list("external_id", flat=True)) == {
        f"n{n}" for n in range(5)
    }
    keep(project, keep_most=50)
    assert retention.apply(project=project, end=monotonic() + 9) == 0


@pytest.mark.django_db
def test_one_project_in_trouble_does_not_keep_the_data_of_the_others(
    project: Project, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, old = Project.objects.get(slug="other"), timezone.now() - timedelta(days=9)
    for one in (project, other):
        make.row(one, received_at=old)
        keep(one, keep_days=5)
    real = retention.apply

    def apply(*, project: Project, end: float) -> int:
        if project.slug == "acme":
            raise ValueError("trouble")
        return real(project=project, end=end)

    monkeypatch.setattr(retention, "apply", apply)
    assert retention.sweep() == 1
    assert [trace.project.slug for trace in Trace.objects.all()] == ["acme"]


@pytest.mark.django_db
def test_bodies_go_without_being_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be as many gigabytes as traces, and come in batches."""
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        inbox.keep(project=project, actor=Actor(), body=b"%d" % number, source="x")
    RawRecord.objects.update(received_at=timezone.now() - timedelta(days=100), status="done")
    keep(project, keep_days=90)
    with CaptureQueriesContext(connection) as queries:
        retention.apply(project=project, end=monotonic() + 9)
    assert not RawRecord.objects.exists()
    assert AuditEntry.objects.get(action="traces.retention").detail["counts"] == {"received bodies": 5}
    assert not [query for query in queries if '"body"' in query["sql"]]
