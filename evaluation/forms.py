"""What people choose when they compare two models."""

from typing import Any

from django import forms

from curation.models import GraderVersion
from curation.scoring import keep
from evaluation.compare import sides
from evaluation.compare.ask import Wish
from evaluation.judging.price import models_of
from evaluation.runs.request import DEFAULTS
from evaluation.tracking import points
from training.models import ModelVersion
from workspace.models import Connection, Project

SUITE = "suite:"


class ComparisonForm(forms.Form):
    """Candidate, baseline, what they are asked, and the limits that the candidate must keep."""

    candidate = forms.ChoiceField(help_text="The model that may take over.")
    baseline = forms.ChoiceField(
        help_text="The model that it would replace. Only what was tuned here has one that it was tuned from."
    )
    questions = forms.ChoiceField(label="Asked", help_text="Only rows that were held back from training.")
    turns = forms.ChoiceField(
        label="Answers per conversation",
        choices=[("last", "The final answer"), ("each", "Every answer, tool calls among them")],
        help_text="Answers of one conversation count as one in the statistics.",
    )
    most = forms.IntegerField(
        label="At most, conversations", required=False, min_value=1, help_text="Empty: all. Fewer end sooner."
    )
    graders = forms.MultipleChoiceField(
        label="Graded by",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Confirmed graders of this project; none: chosen by what the references hold. A suite that was "
        "asked before keeps its own. You see the price of those that ask a model before anything is asked.",
    )
    max_new_tokens = forms.IntegerField(label="Longest answer, tokens", min_value=1, max_value=32_768)
    temperature = forms.FloatField(min_value=0, max_value=2, help_text="0 gives the same answer each time.")
    candidate_temperature = forms.FloatField(
        label="Candidate's temperature",
        required=False,
        min_value=0,
        max_value=2,
        help_text="To compare one model with itself at two temperatures.",
    )
    accuracy = forms.FloatField(
        label="Quality, at least % of baseline", required=False, min_value=1, max_value=99.9, initial=95
    )
    latency = forms.FloatField(
        label="Latency, at most %", required=False, min_value=100.1, max_value=9_000, initial=110
    )
    cost = forms.FloatField(label="Cost, at most %", required=False, min_value=100.1, max_value=9_000, initial=120)
    name = forms.CharField(max_length=200, required=False)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = list(sides.askable(project)[:200])
        hosted = [
            (f"{sides.CONNECTION}{connection.name}", f"{connection.name}: {connection.default_model}")
            for connection in Connection.objects.filter(project=project).exclude(default_model="").order_by("name")
        ]
        known = [(str(model.uid), _label(model)) for model in models]
        self._offer("candidate", [*known, *hosted])
        tuned = {str(model.uid) for model in models if model.base_id}
        base = [(sides.BASE, "What the candidate was tuned from")] if tuned else []
        self._offer("baseline", [*base, *known, *hosted])
        # what was not tuned here has no base: then another model stands there
        first = self.initial.get("candidate") or next((key for key, _ in [*known, *hosted]), "")
        if first not in tuned:
            self.fields["baseline"].initial = next((key for key, _ in [*known, *hosted] if key != first), None)
        versions = [(str(version), f"{version}: {_held(version.counts)}") for version in sides.testable(project)[:100]]
        suites = [
            (f"{SUITE}{suite.uid}", f"{suite}, {suite.counts.get('scenarios', 0)} scenarios asked before")
            for suite in points.suites(project)[:50]
        ]
        answered = [("Suites that models have answered", suites)] if suites else []
        self._offer("questions", [("Held-out rows of a dataset", versions), *answered])
        self._offer("graders", [(one.grader.slug, _grader(one)) for one in keep.offered(project)])
        self.fields["max_new_tokens"].initial = DEFAULTS["max_new_tokens"]
        self.fields["temperature"].initial = DEFAULTS["temperature"]
        self.is_possible = bool(versions or suites) and bool(known or hosted)
        self.has_questions = bool(versions or suites)
        # models made up for a demo stand in the list of models, so a page that offers none has to say why
        self.labels = 0 if known else ModelVersion.objects.filter(project=project, is_simulated=True).count()

    def _offer(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # of several values, too
        field.choices = choices

    def wish(self) -> Wish:
        """What was chosen, for evaluation.compare.ask."""
        chosen = self.cleaned_data
        asked = chosen["questions"]
        suite = asked.removeprefix(SUITE) if asked.startswith(SUITE) else ""
        warm = chosen["candidate_temperature"]
        return Wish(
            candidate=chosen["candidate"],
            baseline=chosen["baseline"],
            dataset="" if suite else asked,
            suite=suite,
            turns=chosen["turns"],
            most=chosen["most"],
            settings={"max_new_tokens": chosen["max_new_tokens"], "temperature": chosen["temperature"]},
            candidate_settings=None if warm is None else {"temperature": warm},
            rules={
                name: None if chosen[name] is None else round(chosen[name] / 100, 6)
                for name in ("accuracy", "latency", "cost")
            },
            graders=None if suite else chosen["graders"] or None,
            name=chosen["name"],
        )


def _grader(version: GraderVersion) -> str:
    """Its name, and whom it asks: that costs money."""
    if not keep.asks_model(version):
        return version.grader.slug
    models = ", ".join(models_of(version))
    through = version.connection.name if version.connection else "a connection that was removed"
    return f"{version.grader.slug}: asks {models} through {through}, priced before it starts"


def _label(model: ModelVersion) -> str:
    if model.base is not None:
        return f"{model} (tuned from {model.base})"
    return f"{model} ({model.get_source_display()})"


def _held(counts: dict[str, Any]) -> str:
    split = "test" if counts.get("test") else "validation"
    return f"{counts.get(split, 0):,} {split} rows"
