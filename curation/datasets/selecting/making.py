"""From traces that passed to rows: by their signatures where a row is the conversation as it was said, else by the task."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Any

from django.db import connection

from curation.datasets import reasons, tasks
from curation.datasets.example import main_index
from curation.datasets.reasons import Reason
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import answers, signatures
from curation.datasets.selecting.candidates import Candidate, Generated, array
from curation.datasets.selecting.plan import Plan, Row, packed
from curation.datasets.selecting.signatures import Signature
from curation.models import Batch, Correction, Judgment
from curation.review import step_uses
from workspace.models import Project

CHUNK = 200
_BY_VERDICT = {"acceptable": reasons.ACCEPTED, "unacceptable": reasons.TAKEN_REJECTED}
# traces whose steps may be used otherwise than as they are
_USED = "SELECT DISTINCT trace_id FROM curation_stepuse WHERE trace_id = ANY(%s::bigint[])"
_BAD = "SELECT DISTINCT trace_id FROM curation_stepverdict WHERE trace_id = ANY(%s::bigint[]) AND value = 'bad'"


@dataclass(slots=True)
class Wanted:
    """What is asked of the making: whether rows need their MinHash and vector; `batch`, whose answers take the place of the
    stored ones; `seconds` bounds the time (None: no bound), and what is not reached then leaves as LATER."""

    project: Project
    recipe: Recipe
    minhash: bool
    vector: bool
    batch: Batch | None = None
    seconds: float | None = None


def make(found: Sequence[Candidate], plan: Plan, wanted: Wanted) -> None:
    """Add the rows of `found`, in order, to the plan; say of the others why they make none. Raises tasks.OptionsError."""
    recipe = wanted.recipe
    task = tasks.find(recipe.task)
    options = tasks.check(task, recipe.task_options)
    if task.GATHER is not None:
        _gather(found, plan, wanted, options)
        return
    places: dict[int, list[Row]] = {}
    by_task = list(found)
    if recipe.task == "chat" and wanted.batch is None:
        used = with_uses([one.id for one in found], bad=recipe.bad_steps == "mask")
        by_task = [one for one in found if one.correction is not None or one.id in used]
        plainly = [one for one in found if one.correction is None and one.id not in used]
        _from_signatures(plainly, plan, wanted, places)
    end = None if wanted.seconds is None else monotonic() + wanted.seconds
    waiting = iter(by_task)
    while chunk := list(islice(waiting, CHUNK)):
        if end is not None and monotonic() > end:
            for one in (*chunk, *waiting):
                plan.leave(one.id, reasons.LATER)
            break
        _by_task(chunk, plan, wanted, options, places)
    for one in found:
        plan.rows += places.get(one.id, ())


def with_uses(traces: Sequence[int], *, bad: bool) -> set[int]:
    """Traces that may have edits: somebody said how a step is used or, with `bad`, judged one bad."""
    found: set[int] = set()
    with connection.cursor() as cursor:
        for sql in (_USED, _BAD) if bad else (_USED,):
            cursor.execute(sql, [array(traces)])
            found |= {row[0] for row in cursor.fetchall()}
    return found


def _from_signatures(found: Sequence[Candidate], plan: Plan, wanted: Wanted, places: dict[int, list[Row]]) -> None:
    revisions = [one.revision_id for one in found if one.revision_id is not None]
    known = signatures.read(revisions, minhash=wanted.minhash, vector=wanted.vector)
    missing = [revision for revision in revisions if revision not in known]
    for part in signatures.fill(missing, seconds=wanted.seconds):
        known |= part
    if wanted.minhash:
        plan.minhashes = {revision: signature.minhash for revision, signature in known.items()}
    for one in found:
        assert one.revision_id is not None  # the gates stop traces without one
        signature = known.get(one.revision_id)
        if signature is None:
            plan.leave(one.id, reasons.LATER)
        elif signature.stopped:
            detail = signature.findings if signature.stopped == reasons.FAILED.code else ""
            plan.leave(one.id, reasons.BY_CODE[signature.stopped], detail)
        else:
            author = one.word.author if one.word else ""
            plan.taken[one.id] = (_reason(one), f"by {author}" if author else "")
            places[one.id] = [
                Row(one.id, one.external_id, one.revision_id, signature.conversation, one.word.id if one.word else None,
                    author, None, one.fingerprint, signature, composite=one.composite)
            ]  # fmt: skip


def _reason(one: Candidate) -> Reason:
    return _BY_VERDICT.get(one.verdict, reasons.TAKEN_UNJUDGED)


def _by_task(
    chunk: Sequence[Candidate],
    plan: Plan,
    wanted: Wanted,
    options: Mapping[str, Any],
    places: dict[int, list[Row]],
) -> None:
    """The rows of some traces by the task, or by the answers of a batch. What raises is told of its trace alone."""
    task = tasks.find(wanted.recipe.task)
    documents = signatures.documents([one.revision_id for one in chunk if one.revision_id])
    edits = step_uses.edits_of(
        {one.id: documents[one.revision_id] for one in chunk if one.revision_id}, bad_steps=wanted.recipe.bad_steps
    )
    known = tasks.known(task, [one.id for one in chunk])
    given = answers.read([one.generated.item for one in chunk if one.generated is not None])
    for one in chunk:
        if one.generated is not None:
            _about_generated(known[one.id], one.generated, given)
    judgments = Judgment.objects.in_bulk([one.word.id for one in chunk if one.word])
    corrections = Correction.objects.in_bulk([one.correction.id for one in chunk if one.correction])
    made: list[tuple[Candidate, tasks.Made, dict[str, str], int]] = []
    for one in chunk:
        assert one.revision_id is not None
        correction = corrections.get(one.correction.id) if one.correction else None
        document = documents[one.revision_id]
        try:
            place = main_index(document) if correction is None else correction.conversation
            if place >= len(document["conversations"]):
                told = f"the correction is about conversation {place}, which this revision has not"
                plan.leave(one.id, *((reasons.STALE, told) if correction else (reasons.EMPTY, "")))
                continue
            used = edits.get(one.id, {}).get(place, {})
            stored = document["conversations"][place]["messages"]
            after = {} if correction is None else step_uses.moved(used, stored, correction.messages)
            if one.generated is not None:  # what was said of the stored answer is not said of the generated one
                document = given.put(one.generated.item, document)
                used = step_uses.moved(used, stored, document["conversations"][place]["messages"])
            context = tasks.Context(
                known[one.id], document, place, options,
                judgments.get(one.word.id) if one.word else None, correction, used, after,
            )  # fmt: skip
            result = task.make(context)
        except Exception as error:  # a check that raises is told of its trace, and the others go on
            plan.leave(one.id, reasons.FAILED, f"{type(error).__name__}: {error}")
            continue
        if isinstance(result, tasks.Left):
            plan.leave(one.id, result.reason, result.detail, result.facts)
            continue
        for row in result:
            if one.generated is not None:
                row.content_is_pinned, row.origin, row.reason = False, "generated", reasons.ANSWERED
                row.batch_items = (one.generated.item,)
            row.correction_id = context.correction.pk if context.correction is not None else None
            made.append((one, row, used if correction is None else after, place))
    _add(made, plan, wanted, places)


def _about_generated(known: tasks.Known, generated: Generated, given: answers.Answers) -> None:
    """Take from what is known of a trace what is about its stored answer: verdict, scores and ratings; the grades and the
    model of the generated one take their place."""
    known.verdict, known.stale, known.scores = "", False, dict(generated.grades)
    known.model = given.model(generated.item)
    for one in known.feedback:
        one.rating = None


def _add(
    made: Sequence[tuple[Candidate, "tasks.Made", dict[str, str], int]],
    plan: Plan,
    wanted: Wanted,
    places: dict[int, list[Row]],
) -> None:
    """Work out the signatures of what was made, and put the rows where they belong."""
    for (one, row, used, place), signature in zip(made, _signed([row for _, row, _, _ in made]), strict=True):
        if isinstance(signature, str):
            plan.leave(one.id, reasons.FAILED, signature)
            continue
        if not wanted.vector:
            signature.vector = b""
        trace = row.trace_id or one.id
        plan.taken[trace] = (row.reason, row.detail)
        if row.other_trace_id is not None:
            plan.taken.setdefault(row.other_trace_id, (reasons.PAIRED_WORSE, ""))
        places.setdefault(one.id, []).append(
            Row(
                trace_id=trace,
                external_id=one.external_id,
                revision_id=row.revision_id or one.revision_id or 0,
                conversation=row.conversation if row.trace_id else place,
                judgment_id=row.judgment_id or (one.word.id if one.word and not row.trace_id else None),
                author=row.author,
                correction_id=row.correction_id,
                fingerprint=one.fingerprint,
                signature=signature,
                part=row.part,
                kind=row.example.kind,
                content=None if row.content_is_pinned else packed(row.example.plain()),
                edits=used if row.content_is_pinned else {},
                other_trace=row.other_trace_id,
                other_revision=row.other_revision_id,
                preference_id=row.preference_id,
                batch_items=tuple(row.batch_items),
                origin=row.origin,
                together=row.together,
                composite=row.composite if row.composite is not None else one.composite,
            )
        )


def _signed(made: "Sequence[tasks.Made]") -> Iterator[Signature | str]:
    """The signature of each row; where it cannot be worked out, what was raised."""
    try:
        yield from signatures.of_examples([row.example for row in made])
    except Exception:
        for row in made:
            try:
                yield signatures.of_examples([row.example])[0]
            except Exception as error:  # told of its trace
                yield f"{type(error).__name__}: {error}"


def _gather(found: Sequence[Candidate], plan: Plan, wanted: Wanted, options: Mapping[str, Any]) -> None:
    """The rows that traces make together. They come in the order in which the task gives them."""
    by_id = {one.id: one for one in found}
    task = tasks.find(wanted.recipe.task)
    gathered = task.gather(project=wanted.project, traces=list(by_id), recipe=wanted.recipe, options=options)
    waiting = iter(gathered.made)
    while chunk := list(islice(waiting, CHUNK)):
        places: dict[int, list[Row]] = {}
        _add([(by_id[row.trace_id], row, {}, 0) for row in chunk], plan, wanted, places)
        plan.rows += [row for rows in places.values() for row in rows]
    for trace, left in gathered.left.items():
        plan.leave(trace, left.reason, left.detail, left.facts)
    for one in found:
        plan.leave(one.id, reasons.UNPAIRED)
    plan.notes["skips"] = dict(gathered.skips.most_common())
    plan.notes["pairs"] = dict(gathered.counts)
