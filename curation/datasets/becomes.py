"""What a trace would become if it were frozen now: its line in every format, what of it is learned, where it is already."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from curation.datasets import read, validate
from curation.datasets.build import snapshot
from curation.datasets.choose import choose
from curation.datasets.example import Example, example_of, main_index
from curation.datasets.export import line_of
from curation.datasets.findings import Finding
from curation.datasets.formats import FORMATS, Format
from curation.datasets.reasons import Reason
from curation.datasets.recipe import Recipe
from curation.messages.form import Document, Message, text_of
from curation.models import Correction, DatasetRow, Trace
from workspace.models import Project

VERSIONS = 20  # whose descent is looked up; the newest ones


@dataclass(slots=True)
class Line:
    """The line of one format. `raw` is None where the format cannot take the row; `findings` say why, errors first."""

    format: Format
    raw: str | None
    pretty: str
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """What keeps the row out of this format."""
        return [one for one in self.findings if one.level == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """What is worth knowing."""
        return [one for one in self.findings if one.level == "warning"]


@dataclass(slots=True)
class Turn:
    """One message of the row: whether its words are learned, and about how many tokens it has."""

    role: str
    text: str
    calls: list[tuple[str, str]]
    learned: bool
    tokens: int


@dataclass(slots=True)
class Place:
    """A frozen version that holds the trace, with the runs and models that learned from it (None: not looked up)."""

    row: DatasetRow
    descent: read.Descent | None


@dataclass(slots=True)
class Becoming:
    """The answer. `reason` says whether the trace would be in, `detail` who decided; `example` is None where it holds no
    conversation. `places` is newest first, `more_places` how many further versions hold it."""

    trace: Trace
    reason: Reason
    detail: str
    split: str
    example: Example | None = None
    correction: Correction | None = None
    lines: list[Line] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    more_places: int = 0

    @property
    def learned(self) -> int:
        """How many messages are learned."""
        return sum(turn.learned for turn in self.turns)


def become(*, project: Project, trace_uid: uuid.UUID) -> Becoming:
    """What freezing this trace alone with the usual recipe would give. A trace that would be left out is shown all the
    same, as far as it holds anything. Raises Trace.DoesNotExist."""
    with snapshot():
        trace = Trace.objects.select_related("revision").defer("metadata").get(project=project, uid=trace_uid)
        one = Trace.objects.filter(pk=trace.pk)
        plan = choose(one, Recipe(), project=project, guard=False)
        _, reason, detail, _ = plan.decisions[0]
        found = Becoming(trace, reason, detail, plan.rows[0].split if plan.rows else "")
        found.correction = _correction(trace, plan.rows[0].correction_id if plan.rows else None)
        found.example = _example(trace, found.correction)
        if found.example is not None:
            found.lines = lines(found.example)
            found.turns = _turns(found.example)
        _add_places(found, project)
    return found


def lines(example: Example) -> list[Line]:
    """The line of every format."""
    made = []
    common = validate.common(example)
    for chosen in FORMATS.values():
        findings = validate.check(example, chosen, common)
        if any(one.level == "error" for one in findings):
            made.append(Line(chosen, None, "", findings))
            continue
        written: dict[str, Any] = chosen.write(example)
        raw = line_of(written).decode().rstrip("\n")
        made.append(Line(chosen, raw, json.dumps(written, indent=2, ensure_ascii=False), findings))
    return made


def _correction(trace: Trace, chosen: int | None) -> Correction | None:
    """The correction that the row would take; for a trace that is left out, the newest of what it says now."""
    if chosen is not None:
        return Correction.objects.get(pk=chosen)
    standing = Correction.objects.filter(trace=trace, revision=trace.revision_id, withdrawn_at=None)
    return standing.order_by("-id").first()


def _example(trace: Trace, correction: Correction | None) -> Example | None:
    document: Document = trace.revision.document if trace.revision is not None else {"conversations": []}
    place = main_index(document) if correction is None else correction.conversation
    if place >= len(document["conversations"]):
        return None
    return example_of(document["conversations"][place], None if correction is None else correction.messages)


def _turns(example: Example) -> list[Turn]:
    rows = zip(example.messages, example.trained, example.tokens, strict=True)
    return [Turn(one["role"], _words(one), _calls(one), learned, tokens) for one, learned, tokens in rows]


def _calls(message: Message) -> list[tuple[str, str]]:
    return [(call["name"], call["arguments"]) for call in message.get("tool_calls", [])]


def _words(message: Message) -> str:
    others = [f"[{part['type']}]" for part in message["parts"] if part["type"] not in ("text", "refusal")]
    return "\n".join([*filter(None, [text_of(message)]), *others])


def _add_places(found: Becoming, project: Project) -> None:
    rows = DatasetRow.objects.filter(trace=found.trace, version__dataset__project=project).order_by("-version_id")
    newest = list(rows.select_related("version__dataset__project")[: VERSIONS + 1])
    found.places = [Place(row, read.descent(row.version)) for row in newest[:VERSIONS]]
    if len(newest) > VERSIONS:
        found.more_places = rows.count() - VERSIONS
