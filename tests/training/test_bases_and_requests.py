"""What a run may start from, and what is refused before it costs anything."""

import json
import struct
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import make
from training.artifacts import bases
from training.launch import cancel, request, start
from training.models import ModelVersion
from training.models.runs import RunStatus
from training.progress import follow
from workspace import tokens
from workspace.access import SYSTEM, Actor
from workspace.models import AuditEntry, Project, Role, User

pytestmark = pytest.mark.django_db


def model_folder(path: Path) -> Path:
    """A folder that looks like a model."""
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    header = json.dumps({"w": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}).encode()
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    return path


find = partial(bases.find, actor=SYSTEM)


def test_a_base_is_registered_once(project: Project, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "bases" / "base")
    first = find(project, str(folder))
    assert find(project, str(folder)) == first
    assert find(project, "tiny") == bases.ensure_tiny(project) == find(project, "whetstone-tiny-random")
    hub = find(project, "owner/name")
    assert (hub.source, find(project, str(hub.uid))) == ("hub", hub)
    other = model_folder(tmp_path / "bases" / "other")
    other.rename(tmp_path / "deeper").rename(other)
    assert bases.for_worker(first)["reference"] == str(folder.resolve())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/nowhere/at/all", "There is no folder"),
        ("../base", "neither tiny"),
        ("no such model", "neither tiny"),
        ("a/b/c", "neither tiny"),
        ("support@²", "neither tiny"),
    ],
)
def test_what_is_no_base_is_refused(project: Project, text: str, reason: str) -> None:
    with pytest.raises(bases.UnusableBase, match=reason):
        find(project, text)


def test_an_adapter_folder_and_pickled_weights_are_refused(project: Project, tmp_path: Path) -> None:
    adapter = tmp_path / "bases" / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(bases.UnusableBase, match="an adapter, not a whole model"):
        bases.register_folder(project, str(adapter), actor=Actor())
    pickled = tmp_path / "bases" / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(bases.UnusableBase, match=r"no \.safetensors"):
        bases.register_folder(project, str(pickled), actor=Actor())


def test_folders_outside_the_model_folders_answer_alike_whether_they_are_there(
    project: Project, alice: User, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, settings: Any
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    there, allowed = model_folder(elsewhere / "model"), model_folder(tmp_path / "bases" / "model")
    (tmp_path / "bases" / "link").symlink_to(there)
    (tmp_path / "bases" / "circle").symlink_to(tmp_path / "bases" / "circle")
    trained = model_folder(settings.MODELS_DIR / "run-x")
    token, _ = tokens.issue(project=project, name="t", role=Role.ADMIN, actor=Actor(user=alice))
    outside = [
        str(there), str(elsewhere / "nothing"), str(tmp_path / "bases" / "link"), str(trained), "/etc/passwd",
        f"{allowed}/../../models/run-x", "~root", "~nobody-of-that-name", "/a\0b", str(tmp_path / "bases" / "circle"),
    ]  # fmt: skip
    for actor in (Actor(user=alice), Actor(token=token)):
        said = set()
        for path in outside:
            with pytest.raises(bases.UnusableBase) as error:
                bases.find(project, path, actor=actor)
            said.add(str(error.value).removeprefix(repr(path)))
        assert len(said) == 1, said
        assert bases.find(project, str(allowed), actor=actor).reference == str(allowed)
    with pytest.raises(bases.UnusableBase, match="There is no folder"):
        bases.find(project, str(tmp_path / "bases" / "none"), actor=Actor(user=alice))
    settings.MODEL_FOLDERS = []
    with pytest.raises(bases.UnusableBase, match="must lie in no folder"):
        bases.find(project, str(allowed), actor=Actor(user=alice))
    settings.MODEL_FOLDERS = [tmp_path, elsewhere]  # a folder around the data folder does not open it
    assert bases.find(project, str(there), actor=Actor(user=alice)).reference == str(there)
    with pytest.raises(bases.UnusableBase, match="must lie in"):
        bases.find(project, str(trained), actor=Actor(user=alice))


def test_a_superuser_takes_any_folder_but_those_of_projects(
    project: Project, ada: User, tmp_path_factory: pytest.TempPathFactory, settings: Any
) -> None:
    ada.is_superuser = True
    there, trained = model_folder(tmp_path_factory.mktemp("x") / "model"), model_folder(settings.MODELS_DIR / "run-x")
    for actor in (Actor(user=ada), SYSTEM):
        assert bases.find(project, str(there), actor=actor).reference == str(there)
        with pytest.raises(bases.UnusableBase, match="outside Whetstone's own data"):
            bases.find(project, str(trained), actor=actor)


def test_a_number_that_is_none_finds_no_version(project: Project) -> None:
    version = make.dataset_version(project)
    assert follow.find_version(project, f"{version.dataset.name}@{version.number}") == version
    assert follow.find_version(project, f"{version.dataset.name}@²") is None


def test_an_adapter_on_an_adapter_is_loaded_on_the_model_below(project: Project, settings: Any) -> None:
    tiny = bases.ensure_tiny(project)
    first = _trained(project, tiny)
    second = _trained(project, first)
    found = bases.for_worker(second)
    assert (found["source"], found["adapter"]) == ("tiny", str(settings.MODELS_DIR / second.reference))


def _trained(project: Project, base: ModelVersion) -> ModelVersion:
    run = make.run(project, base=base, status=RunStatus.SUCCEEDED)
    model = ModelVersion.objects.create(
        project=project, name=run.name, source="run", run=run, base=base, is_adapter=True, reference=f"run-{run.uid}"
    )
    bases.folder_of(model).mkdir(parents=True)
    return model


def test_no_rows_no_run(project: Project, alice: User) -> None:
    empty = make.dataset_version(project, train=0, validation=3)
    with pytest.raises(request.Refused, match="no rows in its train split") as error:
        request.request(
            project=project,
            actor=Actor(user=alice),
            dataset_version=empty,
            base=bases.ensure_tiny(project),
            settings={},
        )
    assert error.value.where == "dataset"


def test_a_simulated_model_is_no_base(project: Project) -> None:
    made_up = ModelVersion.objects.create(project=project, name="v1", source="run", is_simulated=True)
    with pytest.raises(request.Refused, match="made up for the demo"):
        request.request(
            project=project, actor=Actor(), dataset_version=make.dataset_version(project), base=made_up, settings={}
        )


def test_without_torch_a_run_waits_and_says_the_command(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "NEEDED", ("torch_that_is_not_here",))
    run = request.request(
        project=project, actor=Actor(), dataset_version=make.dataset_version(project), base=bases.ensure_tiny(project),
        settings={},
    )  # fmt: skip
    assert run.status == RunStatus.QUEUED
    assert "make train" in run.status_reason
    assert start.start_next() is None
    run.refresh_from_db()
    assert (run.status, run.attempts.count()) == (RunStatus.QUEUED, 0)
    monkeypatch.undo()
    attempt = start.claim()
    assert attempt is not None
    assert attempt.run == run


def test_only_one_run_at_a_time_and_in_order(project: Project) -> None:
    first, second = make.run(project), make.run(project)
    attempt = start.claim()
    assert attempt is not None
    assert attempt.run == first
    assert start.claim() is None
    cancel.cancel(run=second, actor=Actor())
    second.refresh_from_db()
    assert second.status == RunStatus.CANCELLED
    assert AuditEntry.objects.filter(action="run.cancelled").count() == 1


def test_what_is_over_cannot_be_cancelled_or_resumed_without_a_checkpoint(project: Project) -> None:
    over = make.run(project, status=RunStatus.SUCCEEDED)
    with pytest.raises(cancel.NotPossible, match="is over already"):
        cancel.cancel(run=over, actor=Actor())
    failed = make.run(project, status=RunStatus.FAILED)
    with pytest.raises(cancel.NotPossible, match="no checkpoint"):
        cancel.resume(run=failed, actor=Actor())


def test_the_worker_gets_no_secrets(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from training.launchers import local
    from training.models import RunAttempt

    seen: dict[str, Any] = {}

    class Popen:
        pid = 1

        def __init__(self, command: list[str], **options: Any) -> None:
            seen.update(options, command=command)

    monkeypatch.setattr(local.subprocess, "Popen", Popen)
    for name in ("SECRET_KEY", "DATABASE_URL", "BROKER_URL", "OPENAI_API_KEY", "HF_TOKEN", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "hush")
    attempt = RunAttempt.objects.create(
        run=make.run(project), number=1, folder=str(tmp_path / "1"), **local.claim_fields()
    )
    local.begin(attempt, what="train", job={"base": {"source": "tiny"}})
    assert "hush" not in seen["env"].values()
    assert seen["start_new_session"] is True
    assert json.loads((tmp_path / "1" / "job.json").read_text())["what"] == "train"
