"""Making a suite: scenarios from the rows of a dataset version that no model was trained on."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max

from curation.datasets.example import Example, has_content
from curation.datasets.read import example_of_row
from curation.messages.form import Message, text_of
from curation.models import DatasetRow, DatasetVersion
from curation.scoring import graders as grading
from evaluation.models import Scenario, Suite
from evaluation.suites import choose
from workspace import audit, lineage
from workspace.access import Actor

TURNS = ("last", "each")
HELD_OUT = ("test", "validation")


class CannotBuild(ValueError):
    """No suite can be made of this; the text says why and what helps. `where` names the argument at fault."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(reason)
        self.where = where


@dataclass(frozen=True, slots=True)
class Question:
    """A scenario before it is stored."""

    row: DatasetRow
    messages: list[Message]
    tools: list[Any]
    reference: Message

    @property
    def title(self) -> str:
        """The last thing a user said before the answer."""
        for message in reversed(self.messages):
            if message["role"] == "user" and (text := " ".join(text_of(message).split())):
                return text[:300]
        return ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A suite before it is stored. `judges`: the ids of the grader versions that ask a model, by their names."""

    version: DatasetVersion
    split: str
    turns: str
    questions: list[Question]
    rows: int
    in_split: int
    left_out: dict[str, int]
    definitions: list[dict[str, Any]]
    judges: dict[str, str]
    content: str

    def known(self) -> Suite | None:
        """The suite with the same rows, turns and graders, where there is one."""
        return Suite.objects.filter(
            project=self.version.dataset.project, dataset_version=self.version, content_hash=self.content
        ).first()


def make_suite(
    *,
    version: DatasetVersion,
    actor: Actor,
    split: str = "",
    turns: str = "last",
    most: int | None = None,
    graders: Sequence[grading.Definition] | None = None,
) -> Suite:
    """`plan`, and `make` of it."""
    return make(plan(version=version, split=split, turns=turns, most=most, graders=graders), actor=actor)


def plan(
    *,
    version: DatasetVersion,
    split: str = "",
    turns: str = "last",
    most: int | None = None,
    graders: Sequence[grading.Definition] | None = None,
    judges: Mapping[str, str] | None = None,
) -> Plan:
    """The suite of a version's held-out rows: `split` test or validation (by default the first of them that has rows),
    one scenario per row (`turns` last: the final answer) or per answer (each). `most` takes that many rows, picked by
    their content hash. `graders` default to what the references call for; those that ask a model stand in `judges` with
    the version that says whom. Nothing is stored.

    Raises CannotBuild (train rows, nothing held out, no row with an answer) and curation.scoring.graders.BadDefinition.
    """
    if turns not in TURNS:
        raise CannotBuild("turns", f"{turns!r} is not one of {', '.join(TURNS)}.")
    if most is not None and most < 1:
        raise CannotBuild("most", "At least one row is needed.")
    chosen = _split(version, split)
    rows, in_split = _rows(version, chosen, most)
    questions, left_out = _questions(rows, turns)
    if not questions:
        reasons = "; ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise CannotBuild(
            "dataset", f"No row of the {chosen} split of {version} holds a question and an answer: {reasons}."
        )
    definitions = [dict(definition) for definition in graders or choose.default_graders(questions)]
    asking = dict(judges or {})
    grading.check_all(definitions, judges=True)
    for index, one in enumerate(definitions):
        if grading.needs_model(one) and one["name"] not in asking:
            said = f"{one['type']} asks a model. Save it as a grader of this project, confirm it, and name it here."
            raise grading.BadDefinition(f"graders[{index}]", said)
    return Plan(
        version=version,
        split=chosen,
        turns=turns,
        questions=questions,
        rows=len(rows),
        in_split=in_split,
        left_out=dict(left_out),
        definitions=definitions,
        judges=asking,
        content=_content_hash(questions, definitions, turns, asking),
    )


def make(plan: Plan, *, actor: Actor) -> Suite:
    """Store it; the same rows, turns and graders give the suite that exists already."""
    project = plan.version.dataset.project
    with transaction.atomic():
        # one at a time per version: the second of two equal requests finds the first one's suite
        DatasetVersion.objects.select_for_update().get(pk=plan.version.pk)
        known = plan.known()
        if known is not None:
            return known
        name = f"{plan.version} {plan.split}"
        newest = Suite.objects.filter(project=project, name=name).aggregate(newest=Max("number"))["newest"] or 0
        suite = Suite.objects.create(
            project=project,
            name=name,
            number=newest + 1,
            dataset_version=plan.version,
            split=plan.split,
            turns=plan.turns,
            graders=plan.definitions,
            judges=plan.judges,
            counts={
                "in_split": plan.in_split,
                "rows": plan.rows,
                "scenarios": len(plan.questions),
                "left_out": plan.left_out,
            },
            content_hash=plan.content,
        )
        Scenario.objects.bulk_create(
            (
                Scenario(
                    suite=suite,
                    position=position,
                    row=question.row,
                    messages=question.messages,
                    tools=question.tools,
                    reference=question.reference,
                    title=question.title,
                )
                for position, question in enumerate(plan.questions, start=1)
            ),
            batch_size=500,
        )
        lineage.link(
            project=project,
            source=lineage.Node("dataset_version", str(plan.version.uid)),
            target=lineage.Node("suite", str(suite.uid)),
        )
        audit.record(
            project=project,
            actor=actor,
            action="suite.made",
            target=f"suite:{suite.uid}",
            name=str(suite),
            scenarios=len(plan.questions),
            content_hash=plan.content,
        )
    return suite


def _split(version: DatasetVersion, split: str) -> str:
    if split and split not in HELD_OUT:
        reason = "its models were trained on it" if split == "train" else "there is no such split"
        raise CannotBuild("split", f"The {split} split is no test: {reason}. Use test or validation.")
    for name in [split] if split else HELD_OUT:
        if version.counts.get(name) or version.rows.filter(split=name).exists():
            return name
    part = f"The {split} split of {version}" if split else str(version)
    raise CannotBuild(
        "dataset", f"{part} holds no row back, so nothing is left to test on. Freeze it with a test share."
    )


def _rows(version: DatasetVersion, split: str, most: int | None) -> tuple[list[DatasetRow], int]:
    """(rows in order, number of rows in the split)."""
    found = DatasetRow.objects.filter(version=version, split=split)
    total = found.count()
    if most is not None and most < total:
        # the digest is random with respect to everything but the content: a fair pick that is the same every time
        found = found.filter(pk__in=list(found.order_by("digest", "position").values_list("pk", flat=True)[:most]))
    return list(found.select_related("revision", "correction").order_by("position")), total


def _questions(rows: list[DatasetRow], turns: str) -> tuple[list[Question], Counter[str]]:
    questions: list[Question] = []
    left_out: Counter[str] = Counter()
    for row in rows:
        example = _conversation(example_of_row(row))
        places = _answers(example)
        if not places:
            left_out["without an answer to a question"] += 1
            continue
        questions += [
            Question(row, example.messages[:place], example.tools, example.messages[place])
            for place in (places if turns == "each" else places[-1:])
        ]
    return questions, left_out


def _conversation(example: Example) -> Example:
    """A row with what it holds as the wanted answer at its end; of one that is not wanted (KTO) only the request."""
    if example.kind == "chat" or example.label is False:
        return example
    return Example(messages=[*example.messages, *example.chosen], tools=example.tools)


def _answers(example: Example) -> list[int]:
    """Places of assistant messages that say something, are not marked as bad (weight 0) and answer somebody."""
    asked = False
    places = []
    for place, message in enumerate(example.messages):
        if message["role"] in ("user", "tool"):
            asked = True
        elif asked and example.trained[place] and has_content(message):
            places.append(place)
    return places


def _content_hash(
    questions: list[Question], definitions: list[dict[str, Any]], turns: str, judges: Mapping[str, str]
) -> str:
    """SHA-256 over turns, grader versions (of judges, whom they ask) and every scenario in order."""
    graded = [turns, [grading.digest(one) for one in definitions], *([sorted(judges.items())] if judges else [])]
    total = hashlib.sha256(json.dumps(graded).encode())
    for question in questions:
        parts = [question.row.digest, question.messages, question.tools, question.reference]
        total.update(json.dumps(parts, sort_keys=True).encode())
        total.update(b"\n")
    return total.hexdigest()
