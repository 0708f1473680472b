"""Generated candidates: the best against the worst of what a batch generated for one trace.

The rules of requirements 000-25 and 000-31: two candidates or more, one that passes the gates, one that reaches the
least score; scores closer than a least difference are no pair.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

from curation.datasets.example import edited, has_content
from curation.datasets.pairing.found import Found, Row, Side, Skip, chunks, documents, having, main_of
from curation.datasets.pairing.parting import answer, says
from curation.datasets.pairing.uses import Uses
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import comparing, gates
from curation.datasets.selecting.gates import NotScaled
from curation.ingest.openai_messages import read_message, read_messages
from curation.ingest.parsed import Unreadable
from curation.messages.clean import Notes
from curation.messages.form import Document, Message
from curation.models import Batch, BatchItem
from curation.review.step_uses import Edits

_NOTHING: Document = {"conversations": []}


@dataclass(slots=True)
class Candidate:
    """One generated answer with its weighted score, 0 to 1, and whether it passes the gates."""

    item: BatchItem
    said: Message
    score: float
    passes: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """How candidates are ranked and paired. `rejected`: worst, or median for three candidates or more; `least` difference
    of two scores, which are never equal; at most `most` pairs of a trace; `ranges` of what each grader version gives
    (None: none declared)."""

    recipe: Recipe
    rejected: str = "worst"
    least: float = 0.05
    most: int = 1
    ranges: comparing.Ranges = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the candidates answer: the document, and how its steps are used, by conversation."""

    document: Document
    edits: dict[int, Edits]


def pairs(rows: dict[int, Row], *, batch: str, rules: Rules, uses: Uses) -> Iterator[Found | Skip]:
    """Pairs of the candidates that the batch (its outside id) generated for each trace."""
    rules = replace(rules, ranges=comparing.ranges_of(Batch.objects.filter(uid=batch).first()))
    of_batch = BatchItem.objects.filter(batch__uid=batch, batch__kind="generate")
    for some in chunks(having(rows, of_batch, "trace_id")):
        items: dict[int, list[BatchItem]] = defaultdict(list)
        for item in of_batch.filter(trace_id__in=some).order_by("trace_id", "ordinal"):
            items[item.trace_id].append(item)
        texts = documents({of_trace[0].revision_id for of_trace in items.values()})
        held = {trace: texts.get(of_trace[0].revision_id, _NOTHING) for trace, of_trace in items.items()}
        edits = uses.of(held)
        for trace in some:
            if trace in items:
                yield from _of_trace(rows[trace], items[trace], _Asked(held[trace], edits.get(trace, {})), rules)


def _of_trace(row: Row, items: list[BatchItem], of: _Asked, rules: Rules) -> Iterator[Found | Skip]:
    here, recipe = (row.id,), rules.recipe
    if any(item.revision_id != row.revision for item in items):
        yield Skip("stale", here, "it changed after the candidates were generated")
        return
    done, skips = _read(items)
    for code, times in skips.items():
        yield Skip(code, here, times=times)
    if len(done) < 2:
        yield Skip("single_candidate", here, f"{len(done)} of {len(items)} candidates can be compared")
        return
    if any(_asked(item.prompt) != _asked(done[0][0].prompt) for item, _ in done):
        yield Skip("different_prompts", here)
        return
    try:
        scored = _scored(done, rules)
    except NotScaled as error:
        yield Skip("not_scaled", here, str(error))
        return
    if missing := len(done) - len(scored):
        yield Skip("not_scored", here, times=missing)
    if len(scored) < 2:
        yield Skip("single_candidate", here, "with the grades that the choice needs")
        return
    if not any(one.passes for one in scored):
        yield Skip("none_passed", here)
        return
    if recipe.min_score is not None and max(one.score for one in scored if one.passes) < recipe.min_score:
        yield Skip("below_min_score", here)
        return
    yield from _chosen(row, scored, of, rules)


def _chosen(row: Row, scored: list[Candidate], of: _Asked, rules: Rules) -> Iterator[Found | Skip]:
    """Best against worst, then the next ones inwards: each candidate is in one pair at most."""
    here, recipe = (row.id,), rules.recipe
    ranked = sorted(scored, key=lambda one: (-one.score, one.item.ordinal))
    better = [one for one in ranked if one.passes and (recipe.min_score is None or one.score >= recipe.min_score)]
    worse = ranked[::-1]
    if rules.rejected == "median" and len(ranked) >= 3:
        worse = ranked[len(ranked) // 2 :]
    used: set[int] = set()
    made: list[Found] = []
    for best in better:
        worst = next((one for one in worse if one.item.pk not in used and one is not best), None)
        if best.item.pk in used or worst is None or worst.score > best.score:
            break
        if len(made) == rules.most:
            yield Skip("over_most", here)
            break
        apart = gates.apart(best.score, worst.score)
        if apart <= 0 or apart < rules.least:
            if not made:
                detail = f"{best.score:.3f} and {worst.score:.3f}"
                asked = f"at least {rules.least:g} apart are asked for" if apart > 0 else "equal scores prefer neither"
                yield Skip("similar_scores", here, f"{detail}, {asked}")
            break
        used |= {best.item.pk, worst.item.pk}
        found = _found(row, best, worst, of)
        if isinstance(found, Skip):
            yield found
            break
        made.append(found)
    yield from made


def _found(row: Row, best: Candidate, worst: Candidate, of: _Asked) -> Found | Skip:
    prompt, revision = best.item.prompt, best.item.revision_id
    held = main_of(of.document)
    if held is None:
        return Skip("gone", (row.id,))
    try:
        asked = read_messages(_asked(prompt), Notes())
    except Unreadable:
        return Skip("gone", (row.id,))
    if used := of.edits.get(held[0]):
        before = held[1]["messages"][: len(asked)]
        if [_role(one) for one in asked] != [_role(one) for one in before]:
            return Skip(
                "different_prompts", (row.id,), "what was asked is not what the trace holds, whose steps are cut"
            )
        asked = edited(asked, {place: use for place, use in used.items() if int(place.split(".")[0]) < len(asked)})
        if not any(one["role"] == "user" and has_content(one) for one in asked):
            return Skip("no_request", (row.id,))
    return Found(
        source="generated",
        prompt=asked,
        tools=held[1].get("tools") or [],
        chosen=answer(best.said),
        rejected=answer(worst.said),
        side=Side(row.id, revision),
        conversation=held[0],
        detail=f"scores {best.score:.3f} and {worst.score:.3f}",
        items=(best.item.pk, worst.item.pk),
        together=row.case,
        composite=best.score,
    )


def _role(one: Message) -> str:
    """Endpoints are sent `developer` as `system`."""
    return "system" if one["role"] == "developer" else one["role"]


def _read(items: list[BatchItem]) -> tuple[list[tuple[BatchItem, Message]], dict[str, int]]:
    """Candidates that said something, and how many did not and why."""
    found: list[tuple[BatchItem, Message]] = []
    skips: dict[str, int] = defaultdict(int)
    for item in items:
        if item.status != BatchItem.Status.DONE or comparing.is_cut_short(item.answer):
            skips["unfinished"] += 1
            continue
        said = answer_of(item.answer)
        if said is None or not has_content(said) or not says(said):
            skips["empty_messages"] += 1
            continue
        found.append((item, said))
    return found, skips


def answer_of(raw: Any) -> Message | None:
    """The assistant message of a stored answer: a chat completion, or its message alone; None where there is none."""
    if isinstance(raw, dict) and isinstance(raw.get("choices"), list):
        first = raw["choices"][0] if raw["choices"] else None
        raw = first.get("message") if isinstance(first, dict) else None
    elif isinstance(raw, dict) and isinstance(raw.get("message"), dict):
        raw = raw["message"]
    if not isinstance(raw, dict):
        return None
    if "parts" in raw:
        return cast(Message, {**raw, "role": "assistant"})
    try:
        said = read_message({"role": "assistant", **raw}, Notes())
    except Unreadable:
        return None
    return said if said["role"] == "assistant" else None


def _asked(prompt: Any) -> Any:
    """The messages of what was sent; temperature and seed stand beside them and differ."""
    return prompt.get("messages") if isinstance(prompt, dict) else prompt


def _scored(done: list[tuple[BatchItem, Message]], rules: Rules) -> list[Candidate]:
    """Weighted by the recipe; without weights every grade counts the same. A candidate that lacks a grade which another one
    has, or one of the required ones, is left out. Raises NotScaled."""
    recipe = rules.recipe
    held = [comparing.values(item.grades, rules.ranges) for item, _ in done]
    only_gates = replace(recipe, measures=(), min_quality=None, min_confidence=None, min_score=None, required=())
    found = []
    for (item, said), grades, score in zip(done, held, comparing.scores(held, recipe.weights), strict=True):
        if score is None or any(gates.raw(grades.get(name)) is None for name in recipe.required):
            continue
        passes = not isinstance(gates.stopped(only_gates, grades, None), gates.Stop)
        found.append(Candidate(item, said, score, passes))
    return found
