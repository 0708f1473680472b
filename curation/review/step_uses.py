"""How each step of a run is used in training: kept, masked (read, not learned) or cut (left out).

Uses belong to what was last looked at: saying one on a newer revision carries the earlier ones over, since keys of steps
are stable while a run grows.
"""

import difflib
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson
from django.db import transaction

from curation.messages.form import Document, Message
from curation.messages.measure import MeasuredStep, steps_of
from curation.models import StepUse, StepVerdict, Trace, TraceRevision
from curation.review.invalid import Invalid
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

KEEP = "keep"
USES = (KEEP, *StepUse.Use.values)
Edits = dict[str, str]  # as DatasetRow.edits: "3" or "3.0" (a call of message 3) -> mask or cut


@dataclass(frozen=True, slots=True)
class Said:
    """What stands now, and what stood before: saying `before` again is the undo."""

    key: str
    use: str
    before: str


@dataclass(slots=True)
class Uses:
    """Of one trace: who said what of which step (by key), and what becomes of each conversation's messages."""

    by_key: dict[str, StepUse] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    edits: dict[int, Edits] = field(default_factory=dict)


def say(
    *, project: Project, actor: Actor, trace_uid: uuid.UUID, step_key: str, use: str, revision: int | None = None
) -> Said:
    """Say how a step is used; "keep" takes an earlier word back.

    A door sends what shall stand afterwards, so a doubled request changes nothing. `revision` is the number of the one
    that was looked at; what is said of an older one than stands now is refused. Raises Trace.DoesNotExist for a trace
    that is not in the project, Invalid for a use that the step cannot have.
    """
    if use not in USES:
        raise Invalid("use", f"must be one of {', '.join(USES)}; got {use[:40]!r}")
    with transaction.atomic():
        trace = Trace.objects.select_for_update().only("id", "revision").get(project=project, uid=trace_uid)
        stands = TraceRevision.objects.filter(trace=trace, pk=trace.revision_id or 0).first()
        if stands is None:
            raise Invalid("step", "this trace has no content")
        if revision is not None and revision != stands.number:
            raise Invalid("revision", f"{revision} is not the newest: the trace came anew, look at it again")
        steps = {step.key: step for step in steps_of(stands.document)}
        _check(steps.get(step_key), step_key, use)
        _carry_over(trace.pk, stands.pk, set(steps))
        earlier = StepUse.objects.filter(revision=stands, step_key=step_key).first()
        before = earlier.use if earlier else KEEP
        if before == use:
            return Said(step_key, use, before)
        if use == KEEP:
            StepUse.objects.filter(revision=stands, step_key=step_key).delete()
        else:
            StepUse.objects.update_or_create(
                revision=stands, step_key=step_key,
                defaults={
                    "use": use, "project": project, "trace": trace, "user": actor.user, "author": actor.label[:200],
                },
            )  # fmt: skip
        audit.record(
            project=project, actor=actor, action="step.used", target=f"trace:{trace_uid}",
            step=step_key, use=use, before=before,
        )  # fmt: skip
    return Said(step_key, use, before)


def of_trace(*, trace_id: int, document: Document, bad_steps: str = KEEP) -> Uses:
    """The uses of one trace, for its page."""
    return of_traces({trace_id: document}, bad_steps=bad_steps)[trace_id]


def of_traces(documents: Mapping[int, Document], *, bad_steps: str = KEEP) -> dict[int, Uses]:
    """The uses of many traces at once (trace id -> document of the revision that is taken): two queries.

    With `bad_steps` "mask" (the recipe's word) a step that more people judged bad than good is masked, unless somebody
    said how it is used.
    """
    if bad_steps not in (KEEP, "mask"):
        raise ValueError(f"bad_steps must be keep or mask; got {bad_steps!r}")
    found = {trace: Uses() for trace in documents}
    for row in StepUse.objects.filter(trace__in=documents).order_by("revision_id"):
        found[row.trace_id].by_key[row.step_key] = row
    if bad_steps == "mask":
        for trace, keys in _bad(documents).items():
            found[trace].bad = keys
    for trace, uses in found.items():
        if uses.by_key or uses.bad:
            uses.edits = _edits(steps_of(documents[trace]), uses)
    return found


def edits_of(documents: Mapping[int, Document], *, bad_steps: str = KEEP) -> dict[int, dict[int, Edits]]:
    """{trace id: {conversation: edits as DatasetRow pins them}} of the traces that have any."""
    found = of_traces(documents, bad_steps=bad_steps)
    return {trace: uses.edits for trace, uses in found.items() if uses.edits}


def moved(edits: Edits, before: list[Message], after: list[Message]) -> Edits:
    """The edits of a conversation that a person corrected, at the places that its messages have now. What was written
    anew keeps no mask and is not cut: the correction is the newer word on it."""
    if not edits or before == after:
        return edits
    places = places_after(before, after)
    changed: Edits = {}
    for place, use in edits.items():
        at, dot, call = place.partition(".")
        if int(at) in places:
            changed[f"{places[int(at)]}{dot}{call}"] = use
    return changed


def places_after(before: list[Message], after: list[Message]) -> dict[int, int]:
    """Where each message stands after a correction; what was written anew stands nowhere before."""
    if before == after:
        return {index: index for index in range(len(before))}
    one, two = ([orjson.dumps(_core(message)) for message in messages] for messages in (before, after))
    places: dict[int, int] = {}
    for block in difflib.SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks():
        places |= {block.a + step: block.b + step for step in range(block.size)}
    return places


def can_be(step: MeasuredStep) -> tuple[str, ...]:
    """The uses that a step can have: only what the assistant says is learned, so only that can be masked."""
    return USES if step.kind == "assistant" or step.call is not None else (KEEP, "cut")


def _check(step: MeasuredStep | None, key: str, use: str) -> None:
    if step is None:
        raise Invalid("step", f"{key[:60]!r} is not a step of this trace")
    if use not in can_be(step):
        raise Invalid("use", f"a {step.kind} message is never learned, so it can be kept or cut, not masked")


def _carry_over(trace: int, revision: int, keys: set[str]) -> None:
    """Earlier revisions' uses become those of the revision that stands; of steps that it has not, they go."""
    older = StepUse.objects.filter(trace=trace).exclude(revision=revision)
    newest: dict[str, StepUse] = {row.step_key: row for row in older.order_by("revision_id")}
    standing = set(StepUse.objects.filter(revision=revision).values_list("step_key", flat=True))
    kept = [row.pk for key, row in newest.items() if key in keys - standing]
    older.exclude(pk__in=kept).delete()
    StepUse.objects.filter(pk__in=kept).update(revision_id=revision)


def _bad(documents: Iterable[int]) -> dict[int, set[str]]:
    words: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    rows = StepVerdict.objects.filter(trace__in=documents).order_by("trace", "-revision")
    newest: dict[int, int] = {}
    for trace, revision, key, value in rows.values_list("trace_id", "revision_id", "step_key", "value"):
        if newest.setdefault(trace, revision) == revision:
            words[trace][key][value] += 1
    return {trace: {key for key, said in keys.items() if said["bad"] > said["good"]} for trace, keys in words.items()}


def _edits(steps: list[MeasuredStep], uses: Uses) -> dict[int, Edits]:
    edits: dict[int, Edits] = {}
    for step in steps:
        row = uses.by_key.get(step.key)
        use = row.use if row else "mask" if step.key in uses.bad and "mask" in can_be(step) else ""
        if not use:
            continue
        said = edits.setdefault(step.conversation, {})
        if step.call is not None and use == "cut":
            said[f"{step.message}.{step.call}"] = use
        elif said.get(str(step.message)) != "cut":  # a masked call masks the message that asks for it
            said[str(step.message)] = use
    return edits


def _core(message: Message) -> dict[str, object]:
    keys = ("role", "parts", "tool_calls", "tool_call_id")
    return {key: message[key] for key in keys if key in message}  # type: ignore[literal-required]
