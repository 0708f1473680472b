"""The demo project: made, repaired, and deleted without a row or a file left."""

import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from config import demo
from config.erase import erase_project, paths_to_project
from curation.demo.load import load
from curation.models import Correction, Feedback, GraderVersion, Judgment, QueueItem, Score, Trace, TraceRevision
from evaluation.models import Suite
from evaluation.runs.request import CannotAsk, request_run
from tests import make
from training.artifacts import bases
from training.models import ModelVersion
from workspace.models import Membership, Project, User


def rows_by_table() -> dict[str, int]:
    """Rows of every table of ours."""
    counts = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(("workspace_", "curation_", "training_", "evaluation_")):
                cursor.execute(f'SELECT count(*) FROM "{table}"')
                counts[table] = cursor.fetchone()[0]
    return counts


@pytest.fixture
def demo_project(db: None) -> Project:
    return demo.create()[0]


def test_it_is_stored_whole_with_times_of_then_and_quickly(db: None) -> None:
    start = time.monotonic()
    project, made = demo.create()
    assert made and time.monotonic() - start < 60  # 2 s alone on the machine; tests share it
    traces = Trace.objects.filter(project=project)
    assert 290 <= traces.count() <= 310
    assert project.is_demo
    assert not traces.exclude(tags__contains=["demo"]).exists()
    assert traces.filter(received_at__gt=timezone.now()).count() == 0
    assert traces.order_by("-steps").values_list("steps", flat=True)[0] > 1800
    judged = Judgment.objects.filter(project=project)
    assert judged.filter(created_at__lt=timezone.now() - timezone.timedelta(days=30)).count() > 50
    assert judged.values("user").distinct().count() == 3
    assert traces.exclude(verdict="").count() == judged.values("trace").distinct().count()
    assert Correction.objects.filter(
        project=project, created_at__lt=timezone.now() - timezone.timedelta(days=5)
    ).exists()
    assert Feedback.objects.filter(project=project).count() > 20
    assert Score.objects.filter(project=project, name="helpfulness").count() > 150
    waiting = traces.filter(verdict="").count()
    assert QueueItem.objects.filter(queue__project=project, status="open").count() == waiting >= 40


def test_it_has_a_grader_that_somebody_tried_and_confirmed(demo_project: Project) -> None:
    version = GraderVersion.objects.get(grader__project=demo_project)
    assert version.confirmed_by and version.tried["n"] == 5
    scores = Score.objects.filter(project=demo_project, grader_version=str(version))
    assert scores.count() > 280 and {True, False} == set(scores.values_list("passed", flat=True))


def test_its_model_versions_say_that_they_are_simulated_and_cannot_be_used(demo_project: Project) -> None:
    models = ModelVersion.objects.filter(project=demo_project)
    assert models.count() == 8 and all(model.is_simulated for model in models)
    for model in models:
        with pytest.raises(bases.UnusableBase):
            bases.check(model)
        with pytest.raises(CannotAsk, match="made up for the demo"):
            request_run(suite=Suite(project=demo_project), model=model, settings={})


def test_nobody_can_sign_in_as_a_reviewer_of_the_demo(demo_project: Project) -> None:
    for member in Membership.objects.filter(project=demo_project).select_related("user"):
        assert member.user.email.endswith(".invalid") and not member.user.has_usable_password()


def test_creating_it_again_changes_nothing_and_lets_a_member_in(demo_project: Project, alice: User) -> None:
    before = rows_by_table()
    project, made = demo.create(member=alice)
    assert (project, made) == (demo_project, False)
    assert rows_by_table() == {**before, "workspace_membership": before["workspace_membership"] + 1}


def test_one_that_is_half_there_is_finished(demo_project: Project) -> None:
    before = rows_by_table()
    for trace in Trace.objects.filter(project=demo_project).order_by("id")[:20]:
        trace.delete()
    Judgment.objects.filter(project=demo_project).filter(pk__gt=Judgment.objects.order_by("-pk")[10].pk).delete()
    with connection.cursor() as cursor:  # the mark that it was complete
        cursor.execute("SET LOCAL whetstone.erasing = 'on'")
        cursor.execute("DELETE FROM workspace_auditentry WHERE action = %s", [demo.DONE])
        cursor.execute("SET LOCAL whetstone.erasing = 'off'")
    _, made = demo.create()
    assert made
    after = rows_by_table()
    for table in (
        "curation_trace",
        "curation_judgment",
        "curation_correction",
        "curation_feedback",
        "training_modelversion",
    ):
        assert after[table] == before[table], table


def test_generated_traces_never_go_into_a_real_project(project: Project, alice: User, rita: User, ada: User) -> None:
    with pytest.raises(ValueError, match="real data"):
        load(project=project, reviewers=[alice, rita, ada], now=timezone.now())
    Project.objects.create(slug="demo", name="My own demo")
    with pytest.raises(demo.NotTheDemo):
        demo.create()


def test_deleting_it_leaves_no_row_and_no_file(project: Project, rita: User) -> None:
    make.judgment(make.trace(project), rita)
    before = rows_by_table()
    there, _ = demo.create()
    bases.ensure_tiny(there)
    model = make.model(there, "tuned", source="run", reference="tuned-1")
    folder = bases.folder_of(model)
    folder.mkdir(parents=True)
    (folder / "weights").write_text("x")
    counts = demo.delete(project=there)
    assert counts["curation.Trace"] >= 290
    after = rows_by_table()
    # the audit log keeps that it was deleted
    assert after == {**before, "workspace_auditentry": before["workspace_auditentry"] + 1}
    assert not folder.exists() and Path(folder.parent).exists()


def test_a_folder_of_the_user_is_never_deleted(demo_project: Project, tmp_path: Path) -> None:
    ModelVersion.objects.create(project=demo_project, name="own", source="folder", reference=str(tmp_path))
    demo.delete(project=demo_project)
    assert tmp_path.is_dir()


def test_every_table_leads_to_its_project() -> None:
    from django.apps import apps

    ways = paths_to_project()
    ours = {
        model
        for model in apps.get_models()
        if model._meta.app_label in ("workspace", "curation", "training", "evaluation")
    }
    without = {model._meta.label for model in ours - set(ways)}
    assert without == {"workspace.Project", "workspace.User", "workspace.Heartbeat"}


def test_a_real_project_is_not_deleted_as_a_demo(project: Project) -> None:
    with pytest.raises(demo.NotTheDemo):
        demo.delete(project=project)
    trace = make.trace(project)
    erase_project(project=project)
    assert not TraceRevision.objects.filter(trace_id=trace.pk).exists()


def test_the_button_is_for_admins_of_the_demo(demo_project: Project, alice: User, ada: User, as_user: object) -> None:
    Membership.objects.create(project=demo_project, user=ada, role="admin")
    Membership.objects.create(project=demo_project, user=alice, role="engineer")
    address = f"/p/{demo_project.slug}/demo/delete/"
    client: Client = as_user(alice)  # type: ignore[operator]
    assert client.post(address).status_code == 403
    client = as_user(ada)  # type: ignore[operator]
    assert client.get(address).status_code == 405
    assert b"Delete the demo project" in client.get(f"/p/{demo_project.slug}/settings/").content
    assert client.post(address, follow=True).status_code == 200
    assert not Project.objects.filter(slug="demo").exists()
    assert client.post("/p/acme/demo/delete/").status_code == 302
    assert Project.objects.filter(slug="acme").exists()


def test_the_command_says_what_it_did(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("demo", "--create")
    assert "ready" in capsys.readouterr().out
    call_command("demo", "--create")
    assert "already there" in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"no account nobody@example\.com"):
        call_command("demo", "--create", "--member", "nobody@example.com")
    call_command("demo", "--delete")
    assert "is deleted" in capsys.readouterr().out
    call_command("demo", "--delete")
    assert "no demo project" in capsys.readouterr().out
