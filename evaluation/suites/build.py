"""Making a suite: scenarios from the rows of a dataset version that no model was trained on."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
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


def make_suite(
    *,
    version: DatasetVersion,
    actor: Actor,
    split: str = "",
    turns: str = "last",
    most: int | None = None,
    graders: Sequence[grading.Definition] | None = None,
) -> Suite:
    """The suite of a version's held-out rows: `split` test or validation (by default the first of them that has rows),
    one scenario per row (`turns` last: the final answer) or per answer (each). `most` takes that many rows, picked by
    their content hash. `graders` default to what the references call for.

    The same rows, turns and graders give the suite that exists already. Raises CannotBuild (train rows, nothing held
    out, no row with an answer) and curation.scoring.graders.BadDefinition.
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
    grading.check_all(definitions)
    content = _content_hash(questions, definitions, turns)
    project = version.dataset.project
    with transaction.atomic():
        # one at a time per version: the second of two equal requests finds the first one's suite
        DatasetVersion.objects.select_for_update().get(pk=version.pk)
        known = Suite.objects.filter(project=project, dataset_version=version, content_hash=content).first()
        if known is not None:
            return known
        name = f"{version} {chosen}"
        newest = Suite.objects.filter(project=project, name=name).aggregate(newest=Max("number"))["newest"] or 0
        suite = Suite.objects.create(
            project=project,
            name=name,
            number=newest + 1,
            dataset_version=version,
            split=chosen,
            turns=turns,
            graders=definitions,
            counts={"in_split": in_split, "rows": len(rows), "scenarios": len(questions), "left_out": dict(left_out)},
            content_hash=content,
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
                for position, question in enumerate(questions, start=1)
            ),
            batch_size=500,
        )
        lineage.link(
            project=project,
            source=lineage.Node("dataset_version", str(version.uid)),
            target=lineage.Node("suite", str(suite.uid)),
        )
        audit.record(
            project=project,
            actor=actor,
            action="suite.made",
            target=f"suite:{suite.uid}",
            name=str(suite),
            scenarios=len(questions),
            content_hash=content,
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


def _content_hash(questions: list[Question], definitions: list[dict[str, Any]], turns: str) -> str:
    """SHA-256 over turns, grader versions and every scenario in order."""
    total = hashlib.sha256(json.dumps([turns, [grading.digest(one) for one in definitions]]).encode())
    for question in questions:
        parts = [question.row.digest, question.messages, question.tools, question.reference]
        total.update(json.dumps(parts, sort_keys=True).encode())
        total.update(b"\n")
    return total.hexdigest()
