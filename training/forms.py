"""What is typed on the page of a new run."""

import uuid
from pathlib import Path
from typing import Any

from django import forms

from curation.models import DatasetVersion
from training.artifacts import bases
from training.models import ModelVersion
from training.recipes import sft
from workspace.access import Actor
from workspace.models import Project

KINDS = (
    ("tiny", "Tiny random model"),
    ("folder", "Folder on this machine"),
    ("hub", "Hub id"),
    ("model", "A model of this project"),
)


class RunForm(forms.Form):
    """Dataset, base, name, and every setting of the recipe; empty settings take the default of the base."""

    dataset = forms.ChoiceField(label="Dataset version")
    base_kind = forms.ChoiceField(label="Base", choices=KINDS, initial="tiny")
    folder = forms.CharField(required=False, max_length=500, label="Folder")
    hub = forms.CharField(required=False, max_length=200, label="Hub id")
    model = forms.ChoiceField(required=False, label="Model")
    name = forms.CharField(required=False, max_length=120, label="Name", help_text="Empty: named after the dataset.")
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *arguments: Any, project: Project, actor: Actor, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.project, self.actor = project, actor
        versions = (
            DatasetVersion.objects.filter(dataset__project=project)
            .select_related("dataset")
            .order_by("-created_at", "-id")
        )
        self._choose("dataset", [(str(v.uid), _version_label(v)) for v in versions[:200]])
        models = ModelVersion.objects.filter(project=project, source=ModelVersion.Source.RUN, is_simulated=False)
        self._choose("model", [("", "Choose one"), *((str(m.uid), str(m)) for m in models.order_by("-id")[:200])])
        self.fields["key"].initial = uuid.uuid4().hex
        for setting in sft.SETTINGS:
            self.fields[f"set-{setting.name}"] = _field(setting, self.source)

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def source(self) -> str:
        """The source whose defaults apply to what is chosen now."""
        kind = self.data.get("base_kind") or self.initial.get("base_kind") or "tiny"
        if kind == "model" and self.data.get("model"):
            return _root_source(self.project, str(self.data["model"]))
        return str(kind)

    def model_folders(self) -> list[Path] | None:
        """Where a folder may lie; None for anywhere outside the data folder."""
        return bases.folders_for(self.actor)

    def settings(self) -> dict[str, Any]:
        """The settings that were given."""
        return {
            name.removeprefix("set-"): value
            for name, value in self.data.items()
            if name.startswith("set-") and value not in ("", None)
        }

    def main_settings(self) -> list[Any]:
        """Fields that everybody looks at."""
        return [self[f"set-{s.name}"] for s in sft.SETTINGS if s.group == "main"]

    def more_settings(self) -> list[Any]:
        """The others."""
        return [self[f"set-{s.name}"] for s in sft.SETTINGS if s.group != "main"]

    def chosen_version(self) -> DatasetVersion | None:
        """The dataset version that is chosen now."""
        field = self.fields["dataset"]
        assert isinstance(field, forms.ChoiceField)
        choices = [str(value) for value, _ in field.choices]  # type: ignore[misc, union-attr]
        wanted = str(self.data.get("dataset") or self.initial.get("dataset") or "") or next(iter(choices), "")
        if wanted not in choices:
            return None
        return DatasetVersion.objects.select_related("dataset").filter(uid=wanted).first()

    def chosen_base(self) -> ModelVersion:
        """The base that is chosen, registered where it was not. Raises bases.UnusableBase."""
        kind = self.cleaned_data["base_kind"]
        text = {"tiny": "tiny"}.get(kind) or self.cleaned_data.get(kind) or ""
        if kind == "folder":
            return bases.register_folder(self.project, text, actor=self.actor)
        if kind == "hub":
            return bases.register_hub(self.project, text)
        return bases.find(self.project, text, actor=self.actor)


def _version_label(version: DatasetVersion) -> str:
    counts = version.counts
    train, held = counts.get("train"), counts.get("validation")
    rows = f", {train:,} train" if isinstance(train, int) else ""
    return f"{version}{rows}" + (f", {held:,} validation" if isinstance(held, int) else "")


def _root_source(project: Project, uid: str) -> str:
    try:
        model = ModelVersion.objects.select_related("base").filter(project=project, uid=uuid.UUID(uid)).first()
    except ValueError:
        return "folder"
    for _ in range(20):
        if model is None or model.source != ModelVersion.Source.RUN:
            break
        model = model.base
    return model.source if model else "folder"


def _field(setting: sft.Setting, source: str) -> forms.Field:
    default = setting.default_for(source)
    if setting.kind == "choice":
        return forms.ChoiceField(
            label=setting.label, help_text=setting.help, choices=setting.choices, initial=default, required=False
        )
    if setting.kind == "yesno":
        return forms.BooleanField(label=setting.label, help_text=setting.help, required=False, initial=default)
    shown = "no limit" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
    attributes = {"step": "any" if setting.kind == "number" else "1", "placeholder": shown, "inputmode": "decimal"}
    return forms.CharField(
        label=setting.label,
        help_text=f"{setting.help} Default {shown}.",
        required=False,
        widget=forms.NumberInput(attrs=attributes),
    )
