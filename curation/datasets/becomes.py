"""What a trace would become if it were frozen now: its line in every format, what of it is learned, where it is already."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db.models import Q

from curation.datasets import read
from curation.datasets.build import snapshot
from curation.datasets.example import Example, example_of, kept, main_index
from curation.datasets.exporting import validate
from curation.datasets.exporting.export import line_of
from curation.datasets.exporting.findings import Finding, error
from curation.datasets.exporting.formats import FORMATS, Format
from curation.datasets.reasons import Reason
from curation.datasets.recipe import Recipe
from curation.datasets.selecting.choose import choose
from curation.messages.form import Document, Message, text_of
from curation.messages.measure import MeasuredStep, steps_of
from curation.models import Correction, DatasetRow, Trace
from curation.review import step_uses
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
class Used:
    """A step of the conversation and how training uses it. `number` counts from 1, `words` are its first ones, `can` are
    the uses that it can have, `author` who said so ("" for keep). `goes_along`: a call whose message is cut. `message` and
    `result`: which message of the row it is (a call: is in), and which answers it, counted from 1; None where there is none."""

    number: int
    key: str
    kind: str
    words: str
    use: str
    author: str
    can: tuple[str, ...]
    is_call: bool
    goes_along: bool = False
    message: int | None = None
    result: int | None = None


@dataclass(slots=True)
class Place:
    """A frozen version that holds the trace, with the runs and models that learned from it (None: not looked up)."""

    row: DatasetRow
    descent: read.Descent | None


@dataclass(slots=True)
class Stepped:
    """The row of a trace and how its steps are used. `example` is None where the trace holds no conversation."""

    trace: Trace
    example: Example | None = None
    correction: Correction | None = None
    steps: list[Used] = field(default_factory=list)

    @property
    def changed_steps(self) -> int:
        """How many steps are masked or cut."""
        return sum(step.use != step_uses.KEEP for step in self.steps)


@dataclass(slots=True)
class Becoming(Stepped):
    """The answer. `reason` says whether the trace would be in, `detail` who decided. `places` is newest first,
    `more_places` how many further versions hold it."""

    reason: Reason = field(kw_only=True)
    detail: str = field(kw_only=True)
    split: str = field(kw_only=True)
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
        found = Becoming(trace, reason=reason, detail=detail, split=plan.rows[0].split if plan.rows else "")
        found.correction = _correction(trace, plan.rows[0].correction_id if plan.rows else None)
        _add_example(found)
        if found.example is not None:
            found.lines = lines(found.example)
            found.turns = _turns(found.example)
        _add_places(found, project)
    return found


def stepped(*, project: Project, trace_uid: uuid.UUID) -> Stepped:
    """Only the steps and their uses, without looking at selection and formats: quick, also for thousands of steps. Raises
    Trace.DoesNotExist."""
    with snapshot():
        trace = Trace.objects.select_related("revision").defer("metadata").get(project=project, uid=trace_uid)
        found = Stepped(trace)
        found.correction = _correction(trace, None)
        _add_example(found)
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
        try:
            written: dict[str, Any] = chosen.write(example)
            raw = line_of(written).decode().rstrip("\n")
            pretty = orjson.dumps(written, option=orjson.OPT_INDENT_2).decode()
        except Exception as wrong:  # as in an export, where such a row is left out
            told = error("cannot_be_written", "", f"the row cannot be written: {type(wrong).__name__}")
            made.append(Line(chosen, None, "", [told, *findings]))
            continue
        made.append(Line(chosen, raw, pretty, findings))
    return made


def _correction(trace: Trace, chosen: int | None) -> Correction | None:
    """The correction that the row would take; for a trace that is left out, the newest of what it says now."""
    if chosen is not None:
        return Correction.objects.get(pk=chosen)
    standing = Correction.objects.filter(trace=trace, revision=trace.revision_id, withdrawn_at=None)
    return standing.order_by("-id").first()


def _add_example(found: Stepped) -> None:
    """The row with the correction and the uses of its steps; both without a recipe, since the usual one takes them."""
    trace, correction = found.trace, found.correction
    document: Document = trace.revision.document if trace.revision is not None else {"conversations": []}
    place = main_index(document) if correction is None else correction.conversation
    if place >= len(document["conversations"]):
        return
    conversation = document["conversations"][place]
    uses = step_uses.of_trace(trace_id=trace.pk, document=document)
    edits = uses.edits.get(place, {})
    if correction is not None:
        edits = step_uses.moved(edits, conversation["messages"], correction.messages)
    row = example_of(conversation, None if correction is None else correction.messages)
    left = kept(row.messages, edits)
    found.example = Example(messages=[message for _, message in left], tools=row.tools)
    steps = [step for step in steps_of(document) if step.conversation == place]
    found.steps = [_used(number, step, uses, conversation["messages"]) for number, step in enumerate(steps, start=1)]
    cut = {
        step.message for step, used in zip(steps, found.steps, strict=True) if used.use == "cut" and not used.is_call
    }
    at = {index: number for number, (index, _) in enumerate(left, start=1)}
    numbers = {
        was: at[now]
        for was, now in step_uses.places_after(conversation["messages"], row.messages).items() if now in at
    }  # fmt: skip
    for step, used in zip(steps, found.steps, strict=True):
        used.goes_along = used.is_call and step.message in cut
        if not (used.is_call and used.use == "cut"):
            used.message = numbers.get(step.message)
            used.result = None if step.result is None else numbers.get(step.result)


def _used(number: int, step: MeasuredStep, uses: step_uses.Uses, messages: list[Message]) -> Used:
    said = uses.by_key.get(step.key)
    message = messages[step.message]
    words = text_of(message)
    if step.call is not None:
        words = message["tool_calls"][step.call]["arguments"]
    kind = step.tool or "tool" if step.kind == "tool" else step.kind
    return Used(
        number=number,
        key=step.key,
        kind=kind,
        words=" ".join(words[:400].split()),
        use=said.use if said else step_uses.KEEP,
        author=said.author if said else "",
        can=step_uses.can_be(step),
        is_call=step.call is not None,
    )


def _turns(example: Example) -> list[Turn]:
    rows = zip(example.messages, example.trained, example.tokens, strict=True)
    return [Turn(one["role"], _words(one), _calls(one), learned, tokens) for one, learned, tokens in rows]


def _calls(message: Message) -> list[tuple[str, str]]:
    return [(call["name"], call["arguments"]) for call in message.get("tool_calls", [])]


def _words(message: Message) -> str:
    others = [f"[{part['type']}]" for part in message["parts"] if part["type"] not in ("text", "refusal")]
    return "\n".join([*filter(None, [text_of(message)]), *others])


def _add_places(found: Becoming, project: Project) -> None:
    shows = Q(trace=found.trace) | Q(other_trace=found.trace)
    rows = DatasetRow.objects.filter(shows, version__dataset__project=project).order_by("-version_id")
    newest = list(rows.select_related("version__dataset__project")[: VERSIONS + 1])
    found.places = [Place(row, read.descent(row.version)) for row in newest[:VERSIONS]]
    if len(newest) > VERSIONS:
        found.more_places = rows.count() - VERSIONS
