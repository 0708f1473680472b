"""Which traces become rows: every trace that the filter matches gets one decision with one reason."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast

from curation.datasets import reasons
from curation.datasets.example import Example, example_of, has_content, main_index
from curation.datasets.formats import FORMATS
from curation.datasets.reasons import Reason
from curation.datasets.recipe import Recipe
from curation.datasets.splits import group_of, sample_key, split_of
from curation.datasets.validate import Tally, check, common
from curation.messages.form import Document
from curation.models import Correction, Judgment, TraceRevision
from curation.models.traces import TraceQuerySet

CHUNK = 200


@dataclass(slots=True)
class Candidate:
    """The narrow columns of a trace that decide about it."""

    id: int
    external_id: str
    archived: bool
    is_replay: bool
    verdict: str
    stale: bool
    revision_id: int | None
    task_id: str
    session_id: str
    user_id: str
    fingerprint: str


@dataclass(slots=True)
class Chosen:
    """A row to be: what it pins, where it goes, what it weighs (tokens are estimates)."""

    trace_id: int
    revision_id: int
    conversation: int
    judgment_id: int | None
    author: str
    correction_id: int | None
    split: str
    group: str
    digest: str
    fingerprint: str
    tokens: int
    trained_tokens: int


@dataclass(slots=True)
class Plan:
    """What a freeze would write: rows in order, a decision (trace, reason, detail) for every trace looked at, and one
    tally per format. `replays`: whether they are taken."""

    replays: bool = False
    rows: list[Chosen] = field(default_factory=list)
    decisions: list[tuple[int, Reason, str]] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in FORMATS})

    def by_reason(self) -> dict[str, int]:
        """Traces per reason code."""
        return dict(Counter(reason.code for _, reason, _ in self.decisions))


def choose(traces: TraceQuerySet, recipe: Recipe, *, most: int | None = None, replays: bool = False) -> Plan:
    """Decide about every trace of `traces` (at most `most`, in the order of the recipe). Replays stay out unless
    `replays` says that they were asked for.

    Call it in a transaction with a snapshot. Documents are read in chunks, and only of traces that their judgments let
    through, so memory grows with the rows' digests alone.
    """
    plan = Plan(replays=replays)
    seen: dict[bytes, str] = {}
    waiting = islice(_in_order(traces, recipe), most)
    while chunk := list(islice(waiting, CHUNK)):
        _decide(chunk, recipe, plan, seen)
    return plan


def _in_order(traces: TraceQuerySet, recipe: Recipe) -> Iterator[Candidate]:
    up = recipe.order == "oldest"
    ordering = ("received_at", "id") if up else ("-received_at", "-id")
    narrow = traces.order_by(*ordering).values_list(
        "id", "external_id", "archived_at", "is_replay", "verdict", "verdict_stale", "revision_id",
        "task_id", "session_id", "user_id", "input_fingerprint",
    )  # fmt: skip
    found = (Candidate(row[0], row[1], row[2] is not None, *row[3:]) for row in narrow.iterator(chunk_size=2_000))
    if recipe.order != "sample":
        return found
    return iter(sorted(found, key=lambda one: sample_key(one.external_id, recipe.seed)))


def _decide(chunk: list[Candidate], recipe: Recipe, plan: Plan, seen: dict[bytes, str]) -> None:
    through = [one for one in chunk if _gate(one, recipe, plan.replays) is None]
    judgments = _judgments(through)
    corrections = {} if recipe.corrections == "ignore" else _corrections(through, judgments)
    full = recipe.limit is not None and len(plan.rows) >= recipe.limit
    documents = {} if full else _documents(through)
    for one in chunk:
        reason = _gate(one, recipe, plan.replays)
        detail = ""
        if reason is None:
            correction = corrections.get(one.id)
            reason, detail = _judged(one, recipe, judgments.get(one.id), correction)
            if reason.included:
                reason, detail = _take(one, reason, recipe, plan, seen, judgments.get(one.id), correction, documents)
        plan.decisions.append((one.id, reason, detail[:300]))


def _gate(one: Candidate, recipe: Recipe, replays: bool) -> Reason | None:
    """What the narrow columns alone stop."""
    if one.archived:
        return reasons.ARCHIVED
    if one.is_replay and not replays:
        return reasons.REPLAY
    if not one.verdict:
        return None if "unjudged" in recipe.judgments else reasons.UNJUDGED
    if recipe.judgments == ("unjudged",):
        return reasons.JUDGED
    if one.stale:
        return reasons.STALE
    if one.verdict == "unsure":
        return reasons.UNSURE
    return None


def _judged(
    one: Candidate, recipe: Recipe, judgment: Judgment | None, correction: Correction | None
) -> tuple[Reason, str]:
    """What the judgment says, once the gates are passed."""
    if one.revision_id is None:
        return reasons.EMPTY, ""
    if not one.verdict:
        return (reasons.CORRECTED if correction else reasons.TAKEN_UNJUDGED), ""
    if judgment is None:
        return reasons.STALE, "no judgment stands on the newest revision"
    if correction and (one.verdict in recipe.judgments or recipe.corrections == "rescue"):
        return reasons.CORRECTED, f"by {correction.author}"
    if one.verdict not in recipe.judgments:
        return (reasons.UNACCEPTABLE if one.verdict == "unacceptable" else reasons.NOT_WANTED), f"by {judgment.author}"
    return (reasons.ACCEPTED if one.verdict == "acceptable" else reasons.TAKEN_REJECTED), f"by {judgment.author}"


def _take(
    one: Candidate,
    reason: Reason,
    recipe: Recipe,
    plan: Plan,
    seen: dict[bytes, str],
    judgment: Judgment | None,
    correction: Correction | None,
    documents: dict[int, Document],
) -> tuple[Reason, str]:
    """Look at the content; add the row, or say what stops it."""
    if recipe.limit is not None and len(plan.rows) >= recipe.limit:
        return reasons.OVER_LIMIT, ""
    assert one.revision_id is not None  # _judged stops traces without one
    document = documents[one.revision_id]
    if not document.get("conversations"):
        return reasons.EMPTY, ""
    place = main_index(document) if correction is None else correction.conversation
    if place >= len(document["conversations"]):
        return reasons.STALE, f"the correction is about conversation {place}, which this revision has not"
    row = example_of(document["conversations"][place], None if correction is None else correction.messages)
    if stopped := _stopped(row):
        return stopped, ""
    if recipe.dedupe != "none":
        first = seen.setdefault(row.sameness(), one.external_id)
        if first != one.external_id:
            return reasons.DUPLICATE, f"says the same as {first}"
    _add(plan, one, row, recipe, judgment, correction, place)
    author = correction.author if correction else judgment.author if judgment else ""
    return reason, f"by {author}" if author else ""


def _stopped(row: Example) -> Reason | None:
    messages = row.messages
    if not messages:
        return reasons.EMPTY
    if not any(has_content(message) for message in messages):
        return reasons.CONTENT_OFF
    if not any(message["role"] == "user" and has_content(message) for message in messages):
        return reasons.NO_USER
    learned = (message for message, trained in zip(messages, row.trained, strict=True) if trained)
    return None if any(has_content(message) for message in learned) else reasons.NO_ANSWER


def _add(
    plan: Plan,
    one: Candidate,
    row: Example,
    recipe: Recipe,
    judgment: Judgment | None,
    correction: Correction | None,
    place: int,
) -> None:
    group = group_of(
        recipe.group_by,
        task_id=one.task_id,
        session_id=one.session_id,
        user_id=one.user_id,
        external_id=one.external_id,
    )
    split = split_of(group, recipe)
    found = common(row)
    for name, chosen in FORMATS.items():
        plan.tallies[name].add(split, check(row, chosen, found))
    plan.rows.append(
        Chosen(
            trace_id=one.id,
            revision_id=one.revision_id or 0,
            conversation=place,
            judgment_id=judgment.pk if judgment else None,
            author=judgment.author if judgment else "",
            correction_id=correction.pk if correction else None,
            split=split,
            group=group,
            digest=row.digest(),
            fingerprint=one.fingerprint,
            tokens=row.total_tokens,
            trained_tokens=row.trained_tokens,
        )
    )


def _judgments(candidates: Iterable[Candidate]) -> dict[int, Judgment]:
    """The judgment that a row rests on: of the words that count (each person's newest on the standing revision, and
    adjudicated ones) those that say what the trace's effective judgment says; an adjudicated one before others, then
    the newest.

    Where nobody judged the newest revision and the verdict still is not stale, only times or costs came later: then
    the words about the newest revision that was judged count, as they do for the verdict.
    """
    standing = {one.id: one for one in candidates if one.verdict}
    rows = Judgment.objects.filter(trace_id__in=standing, withdrawn_at=None)
    rows = rows.only("id", "trace_id", "revision_id", "user_id", "verdict", "author", "adjudicated").order_by("-id")
    said: dict[int, list[Judgment]] = {}
    for row in rows:
        said.setdefault(row.trace_id, []).append(row)
    found: dict[int, Judgment] = {}
    for trace, words in said.items():
        newest = standing[trace].revision_id
        known = {row.revision_id for row in words}
        seen = newest if newest in known else max(known)
        heard: set[str] = set()
        for row in words:
            person = str(row.user_id or row.author)
            if row.revision_id != seen or (person in heard and not row.adjudicated):
                continue
            heard.add(person)
            earlier = found.get(trace)
            if row.verdict == standing[trace].verdict and (
                earlier is None or (row.adjudicated and not earlier.adjudicated)
            ):
                found[trace] = row
    return found


def _corrections(candidates: Iterable[Candidate], judgments: dict[int, Judgment]) -> dict[int, Correction]:
    """The newest correction of the revision that stands, or of the judged one, which says the same."""
    revisions = {one.id: {one.revision_id} for one in candidates}
    for trace, judgment in judgments.items():
        revisions[trace].add(judgment.revision_id)
    found: dict[int, Correction] = {}
    for row in Correction.objects.filter(trace_id__in=revisions, withdrawn_at=None).order_by("trace_id", "-id"):
        if row.revision_id in revisions[row.trace_id]:
            found.setdefault(row.trace_id, row)
    return found


def _documents(candidates: Iterable[Candidate]) -> dict[int, Document]:
    wanted = [one.revision_id for one in candidates if one.revision_id is not None]
    rows = TraceRevision.objects.filter(id__in=wanted).annotate(text=Cast("document", TextField()))
    return {pk: orjson.loads(text) for pk, text in rows.values_list("id", "text")}
