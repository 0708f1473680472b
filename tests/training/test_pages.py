"""Pages of training over made-up rows: every state of a run, forms, what is new, downloads."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests import make
from training import rundir
from training.artifacts import bases
from training.launch import request as launch
from training.launchers import local
from training.models import Metric, ModelVersion, RunAttempt, RunEvent, TrainingRun
from training.models.runs import RunStatus
from training.progress import curves
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def visitor(as_user: Callable[[User], Client], alice: User) -> Client:
    return as_user(alice)


def attempt_of(run: TrainingRun, tmp_path: Path, number: int = 1, losses: dict[int, float] | None = None) -> RunAttempt:
    """An attempt with a console and a loss curve."""
    folder = tmp_path / str(run.uid) / str(number)
    folder.mkdir(parents=True)
    (folder / rundir.CONSOLE).write_text("12:00:01 training\n12:00:02 step 1  loss 2.5\n")
    attempt = RunAttempt.objects.create(
        run=run, number=number, folder=str(folder), status="running", **local.claim_fields()
    )
    values = losses or {1: 2.5, 2: 2.0, 3: 1.5}
    Metric.objects.bulk_create(Metric(attempt=attempt, name="loss", step=s, value=v) for s, v in values.items())
    return attempt


@pytest.mark.parametrize("status", ["queued", "starting", "running", "stopping", "succeeded", "failed", "cancelled"])
def test_a_run_in_every_state_has_a_page(project: Project, visitor: Client, tmp_path: Path, status: str) -> None:
    run = make.run(project, status=status, step=3, total_steps=9, status_reason="Out of memory: 9 GB")
    attempt = attempt_of(run, tmp_path)
    RunAttempt.objects.filter(pk=attempt.pk).update(error_class="oom" if status == "failed" else "")
    for number, name in enumerate(("load", "check", "train"), start=1):
        RunEvent.objects.create(attempt=attempt, seq=number, kind="stage", payload={"name": name}, at=timezone.now())
    address = f"/p/acme/runs/{run.uid}/"
    page = visitor.get(address)
    assert page.status_code == 200
    text = page.content.decode()
    assert ("run-poll" in text) is (status not in RunStatus.final())
    assert "step 3 of 9" in text
    part = visitor.get(address, headers=HTMX)
    assert part.status_code == (286 if status in RunStatus.final() else 200)
    assert part.content.count(b'hx-swap-oob="morph"') >= 8
    if status == "failed":
        assert "Lower the batch size" in text
        assert "Out of memory: 9 GB" in text


def test_nothing_yet_is_said_where_nothing_is(project: Project, visitor: Client) -> None:
    assert b"No run yet" in visitor.get("/p/acme/runs/").content
    assert b"No model yet" in visitor.get("/p/acme/models/").content
    assert b"nothing to train on yet" in visitor.get("/p/acme/runs/new/").content


def test_chart_and_log_give_only_what_is_new(project: Project, visitor: Client, tmp_path: Path) -> None:
    run = make.run(project, status="running", step=3, total_steps=9)
    attempt = attempt_of(run, tmp_path)
    address = f"/p/acme/runs/{run.uid}/chart.json"
    first = visitor.get(f"{address}?after=0&attempt=1&log=0").json()
    assert first["loss"] == [[1, 2.5], [2, 2.0], [3, 1.5]]
    assert first["log"]["text"].endswith("loss 2.5\n")
    again = visitor.get(f"{address}?after={first['after']}&attempt=1&log={first['log']['offset']}").json()
    assert (again["loss"], again["log"]["text"], again["reset"]) == ([], "", False)
    Metric.objects.create(attempt=attempt, name="eval_loss", step=3, value=1.7)
    newer = visitor.get(f"{address}?after={first['after']}&attempt=1&log=0").json()
    assert newer["validation"] == [[3, 1.7]]
    attempt_of(run, tmp_path, number=2, losses={3: 1.4, 4: 1.2})
    reset = visitor.get(f"{address}?after={newer['after']}&attempt=1&log=0").json()
    assert reset["reset"]
    assert reset["figure"]["data"][0]["y"] == [2.5, 2.0, 1.4, 1.2]
    assert visitor.get(f"{address}?after=x&attempt=-1&log=99999999999999999999").status_code == 200


def test_a_resumed_curve_goes_back_and_is_thinned(project: Project, tmp_path: Path) -> None:
    run = make.run(project, status="running")
    attempt_of(run, tmp_path, 1, dict.fromkeys(range(1, 21), 5.0))
    attempt_of(run, tmp_path, 2, dict.fromkeys(range(11, 16), 4.0))
    found = curves.points(run, "loss")
    assert found == [(s, 5.0) for s in range(1, 11)] + [(s, 4.0) for s in range(11, 16)]
    long = [(s, float(s)) for s in range(1, 10_001)]
    assert len(curves.thin(long)) <= 1001
    assert curves.thin(long)[-1] == long[-1]
    assert curves.smooth([2.0, None, 2.0]) == [2.0, None, 2.0]


def form(version: Any, **changes: str) -> dict[str, str]:
    return {
        "dataset": str(version.uid),
        "base_kind": "tiny",
        "confirm": "1",
        "key": "once",
        "set-epochs": "2",
        **changes,
    }


def test_the_form_starts_one_run_however_often_it_is_sent(project: Project, visitor: Client) -> None:
    version = make.dataset_version(project)
    answers = [visitor.post("/p/acme/runs/new/", form(version)) for _ in range(2)]
    run = TrainingRun.objects.get()
    assert [answer["Location"] for answer in answers] == [f"/p/acme/runs/{run.uid}/"] * 2
    assert run.settings["epochs"] == 2
    assert (run.author, run.base.source) == ("Alice Engineer", "tiny")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"confirm": ""}, "Say that it may start"),
        ({"set-batch_size": "none"}, "is no number"),
        ({"base_kind": "folder", "folder": "/nowhere"}, "a folder must lie in"),
        ({"base_kind": "hub", "hub": "one two"}, "is no hub id"),
        ({"dataset": "0190a000-0000-7000-8000-000000000000"}, "Select a valid choice"),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(
    project: Project, visitor: Client, changes: dict[str, str], said: str
) -> None:
    version = make.dataset_version(project)
    answer = visitor.post("/p/acme/runs/new/", form(version, **{"set-lora_r": "24", **changes}))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert b'value="24"' in answer.content
    assert not TrainingRun.objects.exists()


def test_the_form_says_where_a_folder_may_lie(project: Project, visitor: Client, settings: Any) -> None:
    make.dataset_version(project)
    page = visitor.get("/p/acme/runs/new/").content.decode()
    assert f"It lies in <code>{settings.MODEL_FOLDERS[0]}</code>." in page


def test_the_estimate_follows_the_choices(project: Project, visitor: Client) -> None:
    version = make.dataset_version(project, train=24)
    asked = {"dataset": str(version.uid), "base_kind": "tiny", "set-epochs": "10"}
    assert b"60 steps" in visitor.get("/p/acme/runs/new/", asked, headers=HTMX).content
    hub = visitor.get("/p/acme/runs/new/", {**asked, "base_kind": "hub"}, headers=HTMX).content.decode()
    assert 'placeholder="0.0002"' in hub


def trained(project: Project, settings: Any) -> ModelVersion:
    """A trained model with two files."""
    base = bases.ensure_tiny(project)
    run = make.run(project, base=base, status="succeeded", step=9, total_steps=9)
    folder = settings.MODELS_DIR / f"run-{run.uid}"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(os_bytes())
    (folder / "adapter_config.json").write_text("{}")
    return ModelVersion.objects.create(
        project=project, name=run.name, source="run", reference=folder.name, base=base, run=run, is_adapter=True,
        digest=rundir.digest(folder), bytes=rundir.folder_bytes(folder), facts={"final_loss": 0.5},
    )  # fmt: skip


def os_bytes() -> bytes:
    return bytes(range(256)) * 3000


def test_a_model_is_downloaded_whole_with_its_card(project: Project, visitor: Client, settings: Any) -> None:
    model = trained(project, settings)
    page = visitor.get(f"/p/acme/models/{model.uid}/").content.decode()
    assert model.run is not None
    assert str(model.run.dataset_version) in page
    for form_ in ("zip", "tar"):
        answer = visitor.get(f"/p/acme/models/{model.uid}/download/?format={form_}")
        block = b"".join(answer.streaming_content)
        if form_ == "zip":
            with zipfile.ZipFile(io.BytesIO(block)) as made:
                assert made.testzip() is None
                files = {name.split("/", 1)[1]: made.read(name) for name in made.namelist()}
        else:
            with tarfile.open(fileobj=io.BytesIO(block)) as made_tar:
                files = {m.name.split("/", 1)[1]: made_tar.extractfile(m).read() for m in made_tar}  # type: ignore[union-attr]
        assert files["adapter_model.safetensors"] == os_bytes()
        card = json.loads(files["model-card.json"])
        assert card["digest"] == model.digest
        assert card["dataset"]["content_hash"] == model.run.dataset_version.content_hash
        assert "random" in card["note"]
        assert str(settings.DATA_DIR) not in json.dumps(card)
    base = bases.ensure_tiny(project)
    assert visitor.get(f"/p/acme/models/{base.uid}/download/").status_code == 404
    assert visitor.get("/p/acme/models/").content.count(b"trained here") >= 1


def test_cancel_and_resume_by_page(project: Project, visitor: Client) -> None:
    run = make.run(project)
    answer = visitor.post(f"/p/acme/runs/{run.uid}/cancel/", headers=HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/p/acme/runs/{run.uid}/")
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    visitor.post(f"/p/acme/runs/{run.uid}/resume/")
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED  # no checkpoint


def test_a_reviewer_looks_and_does_not_touch(project: Project, rita: User, as_user: Callable[[User], Client]) -> None:
    run = make.run(project)
    client = as_user(rita)
    page = client.get(f"/p/acme/runs/{run.uid}/")
    assert page.status_code == 200
    assert b"cancel/" not in page.content
    assert client.post(f"/p/acme/runs/{run.uid}/cancel/").status_code == 403
    assert client.get("/p/acme/runs/new/").status_code == 403


def test_rows_that_look_too_long_are_said_before_the_start(project: Project, visitor: Client) -> None:
    version = make.dataset_version(project, length={"median": 900, "p95": 6000, "most": 9000})
    asked = {"dataset": str(version.uid), "base_kind": "tiny"}
    said = visitor.get("/p/acme/runs/new/", asked, headers=HTMX).content.decode()
    assert "At least 2 of 20 rows are longer than 4,096 tokens" in said
    said = visitor.get("/p/acme/runs/new/", {**asked, "set-max_length": "9000"}, headers=HTMX).content.decode()
    assert "longer than" not in said
    said = visitor.get("/p/acme/runs/new/", {**asked, "set-max_length": "8000"}, headers=HTMX).content.decode()
    assert "1 of 20 rows is longer than 8,000 tokens" in said


def test_without_the_packages_the_page_says_what_to_run(
    project: Project, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make.dataset_version(project)
    page = visitor.get("/p/acme/runs/new/", {"dataset": str(version.uid)}).content.decode()
    assert "make train" not in page and "Start training" in page
    monkeypatch.setattr("training.launch.request.missing_packages", lambda: ["torch", "trl"])
    page = visitor.get("/p/acme/runs/new/", {"dataset": str(version.uid)}).content.decode()
    assert ">make train</pre>" in page and "Queue the run" in page and "Start training" not in page
    make.run(project, version=version, status_reason=launch.waiting_reason())
    assert "waits for make train" in visitor.get("/p/acme/runs/").content.decode()
