"""What runs start from: the tiny random model, a folder, a hub id, a model trained here."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from training.models import ModelVersion
from workspace.access import Actor
from workspace.models import Project

TINY = "whetstone-tiny-random"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}\Z")


class UnusableBase(ValueError):
    """Something that no run can start from; the text says what is missing."""


def ensure_tiny(project: Project) -> ModelVersion:
    """The project's row for the tiny random model, which every worker builds by itself."""
    return _once(project, name=TINY, source=ModelVersion.Source.TINY, reference=TINY)


def folders_for(actor: Actor) -> list[Path] | None:
    """Where this actor may take models from. None means anywhere outside the data folder: for superusers, and for the
    command line, whose user has the machine anyway."""
    anywhere = actor.user.is_superuser if actor.user is not None else actor.token is None
    return None if anywhere else [Path(folder).resolve() for folder in settings.MODEL_FOLDERS]


def _allowed(path: str, *, actor: Actor) -> Path:
    """The folder behind `path`, links followed. Raises UnusableBase.

    What lies outside the actor's folders is answered alike whether it is there or not, so nobody can feel around on the
    machine; and runs and models in the data folder belong to projects, so they are reached by their rows only.
    """
    roots, data, shared = folders_for(actor), settings.DATA_DIR.resolve(), (settings.DATA_DIR / "bases").resolve()
    where = "outside Whetstone's own data" if roots is None else f"in {' or '.join(map(str, roots)) or 'no folder'}"
    refusal = UnusableBase(
        f"{path!r} cannot be used: a folder must lie {where}. An administrator of the server can add one."
    )
    if not path.startswith(("/", "~")):
        raise UnusableBase(f"{path!r} is no full path; write it from the root, such as /models/name.")
    try:
        folder = Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):  # no such user behind ~, links in a circle, a zero byte
        raise refusal from None
    inside = roots is None or any(folder.is_relative_to(root) for root in roots)
    if not inside or (folder.is_relative_to(data) and not folder.is_relative_to(shared)):
        raise refusal
    return folder


def register_folder(project: Project, path: str, *, actor: Actor) -> ModelVersion:
    """The row for a model in a folder of this machine. Raises UnusableBase where it is none, or not for this actor.

    A folder with an adapter only (no config.json) is refused: its base would be unknown.
    """
    folder = _allowed(path, actor=actor)
    if not folder.is_dir():
        raise UnusableBase(f"There is no folder {folder} on the machine where Whetstone runs.")
    if not (folder / "config.json").is_file():
        what = "an adapter, not a whole model" if (folder / "adapter_config.json").exists() else "no config.json"
        raise UnusableBase(f"{folder} holds {what}. Choose the folder that `save_pretrained` wrote.")
    if not any(folder.glob("*.safetensors")):
        raise UnusableBase(f"{folder} holds no .safetensors weights (pickled weights are not loaded).")
    return _once(project, name=folder.name[:120], source=ModelVersion.Source.FOLDER, reference=str(folder))


def register_hub(project: Project, hub_id: str) -> ModelVersion:
    """The row for a model of the Hugging Face hub; it is fetched when a run starts."""
    if not HUB_ID.match(hub_id):
        raise UnusableBase(f"{hub_id!r} is no hub id: it looks like owner/name.")
    return _once(project, name=hub_id[:120], source=ModelVersion.Source.HUB, reference=hub_id)


def find(project: Project, text: str, *, actor: Actor) -> ModelVersion:
    """A base by what people write: tiny, a full path, owner/name, a model's id, or NAME or NAME@NUMBER of a model here.

    Raises UnusableBase.
    """
    text = text.strip()
    if text in ("tiny", TINY):
        return ensure_tiny(project)
    if text.startswith(("/", "~")):
        return register_folder(project, text, actor=actor)
    known = ModelVersion.objects.filter(project=project)
    try:
        found = known.filter(uid=UUID(text)).first()
    except ValueError:
        name, _, number = text.rpartition("@")
        found = known.filter(name=name, number=int(number)).first() if name and number.isdecimal() else None
        found = found or known.filter(name=text).order_by("-number").first()
    if found is not None:
        check(found)
        return found
    if HUB_ID.match(text):
        return register_hub(project, text)
    raise UnusableBase(f"{text!r} is neither tiny, a full path, a hub id (owner/name) nor a model of this project.")


def check(model: ModelVersion) -> None:
    """Raise UnusableBase where no local worker can load this model."""
    if model.source == ModelVersion.Source.CONNECTION:
        raise UnusableBase(f"{model} answers over a connection; its weights are not here, so it cannot be trained.")
    if model.is_simulated:
        raise UnusableBase(f"{model} was made up for the demo and has no weights.")


def _once(project: Project, *, name: str, source: str, reference: str) -> ModelVersion:
    """The newest version of that name with this reference; a new number where the name stands for something else."""
    known = ModelVersion.objects.filter(project=project, source=source, reference=reference).order_by("-number").first()
    if known is not None:
        return known
    for _ in range(5):
        newest = ModelVersion.objects.filter(project=project, name=name).order_by("-number").first()
        try:
            with transaction.atomic():
                return ModelVersion.objects.create(
                    project=project,
                    name=name,
                    number=newest.number + 1 if newest else 1,
                    source=source,
                    reference=reference,
                )
        except IntegrityError:  # somebody registers the same at this moment
            known = ModelVersion.objects.filter(project=project, source=source, reference=reference).first()
            if known is not None:
                return known
    raise UnusableBase(f"{name} is being registered by others; try again.")


def folder_of(model: ModelVersion) -> Path:
    """Where a trained model's files lie."""
    return settings.MODELS_DIR / model.reference


def for_worker(model: ModelVersion) -> dict[str, Any]:
    """`base` of a worker's job.json (training.workers.bases): what to load, and which adapter to put on it.

    An adapter made on an adapter continues it, so only the newest one is loaded, on the model below them all. Raises
    UnusableBase.
    """
    check(model)
    root, adapter = model, None
    while root.source == ModelVersion.Source.RUN:
        if not root.is_adapter:
            return {"source": "folder", "reference": str(folder_of(root)), "adapter": adapter, "model": str(model.uid)}
        adapter = adapter or str(folder_of(root))
        if root.base is None:
            raise UnusableBase(f"{root} is an adapter whose base is gone.")
        root = root.base
    if adapter is not None and not Path(adapter).is_dir():
        raise UnusableBase(f"The files of {model} are not on this machine.")
    digest = str(model.facts.get("base_digest", "")) if root.source == ModelVersion.Source.TINY else ""
    return {
        "source": root.source,
        "reference": root.reference,
        "adapter": adapter,
        "digest": digest,
        "model": str(model.uid),
    }


def template_folders(project: Project) -> list[tuple[str, Path]]:
    """(name, folder) of the project's models whose files lie on this machine: their chat templates can be chosen where a row
    is shown as training sees it (setting TOKENIZER_SOURCES)."""
    wanted = [ModelVersion.Source.FOLDER, ModelVersion.Source.RUN]
    rows = ModelVersion.objects.filter(project=project, source__in=wanted, is_simulated=False).order_by(
        "name", "-number"
    )
    return [
        (str(row), Path(row.reference) if row.source == ModelVersion.Source.FOLDER else folder_of(row))
        for row in rows[:200]
    ]
