"""Rows of a replay buffer beside the new ones of the train split, as far as they would be taken today."""

from collections import Counter
from collections.abc import Iterator, Sequence

import orjson

from curation.datasets import held_out, reasons, splits, tasks
from curation.datasets.example import example_of
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import making, near, replay_buffer, signatures
from curation.datasets.selecting.candidates import Candidate
from curation.datasets.selecting.plan import Plan, Row
from curation.datasets.selecting.replay_buffer import Kept
from curation.datasets.selecting.signatures import Signature
from curation.review import step_uses
from workspace.models import Project

WITHDRAWN, STEPS, COPY = "withdrawn", "step_uses", "copy"
WORDS = {
    WITHDRAWN: "whose judgment or correction was withdrawn",
    STEPS: "with steps that are masked or cut by now",
    COPY: "that say the same as another row, or nearly so,",
} | {
    one.code: one.words
    for one in (reasons.STALE, reasons.UNJUDGED, reasons.UNSURE, reasons.UNACCEPTABLE, reasons.PERSONAL)
}


def add(plan: Plan, recipe: Recipe, project: Project) -> None:
    """Give the plan its replayed rows. They are learned from, with their group's fold; nothing held out comes back, and
    nothing that would not be taken today: plan.notes["replay"]["left"] counts these by reason (WORDS)."""
    if recipe.replay is None:
        return
    new = sum(row.split == splits.TRAIN for row in plan.rows)
    shown = {trace for row in plan.rows for trace in row.traces}
    wanted = replay_buffer.wanted(new, recipe.replay.ratio)
    drawn = (
        replay_buffer.drawn(project=project, chosen=recipe.replay, apart_from=shown, seed=recipe.seed) if wanted else []
    )
    left: Counter[str] = Counter()
    kept = list(_as_used(_as_judged(drawn, recipe, left), recipe, left))
    rows = _once(list(_without_personal(_rows(kept, recipe, _joined(plan, recipe)), recipe, left)), plan, recipe, left)
    # what is validated on is learned from no more than what is tested on
    elsewhere = [row for row in plan.rows if row.split != splits.TRAIN]
    groups = {row.group for row in elsewhere}
    asked = [
        *(held_out.Row(-1 - index, *_shown(row), row.split, row.says, row.words) for index, row in enumerate(rows)),
        *(held_out.Row(index, *_shown(row), held_out.TEST, row.says, row.words) for index, row in enumerate(elsewhere)),
    ]
    stopped = held_out.conflicts(
        project=project, rows=asked, scope="project", threshold=_threshold(recipe), minhashes=plan.minhashes
    )
    free = [row for index, row in enumerate(rows) if -1 - index not in stopped and row.group not in groups]
    plan.replayed = free[:wanted]
    plan.notes["replay"] = {
        "buffer": recipe.replay.buffer, "ratio": recipe.replay.ratio, "new": new, "wanted": wanted,
        "replayed": len(plan.replayed), "held_out": len(rows) - len(free), "left": dict(left.most_common()),
    }  # fmt: skip


def _shown(row: Row) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    return row.traces, row.revisions, row.group


def _threshold(recipe: Recipe) -> float:
    return held_out.threshold_of(recipe.dedupe, recipe.near_threshold)


def why_not(one: Kept, recipe: Recipe) -> str:
    """What is known of a row's trace by now that keeps it out (a code of WORDS), or ""."""
    if one.withdrawn:
        return WITHDRAWN
    if one.stale:
        return reasons.STALE.code
    if one.verdict == "unsure":
        return reasons.UNSURE.code
    if one.verdict == "acceptable" or (one.verdict or "unjudged") in recipe.judgments:
        return ""
    if one.correction is not None and (recipe.corrections == "rescue" or tasks.find(recipe.task).DECIDES):
        return ""
    return reasons.UNACCEPTABLE.code if one.verdict else reasons.UNJUDGED.code


def _as_judged(drawn: Sequence[Kept], recipe: Recipe, left: Counter[str]) -> list[Kept]:
    kept = []
    for one in drawn:
        if why := why_not(one, recipe):
            left[why] += 1
        else:
            kept.append(one)
    return kept


def _as_used(kept: Sequence[Kept], recipe: Recipe, left: Counter[str]) -> Iterator[Kept]:
    """Rows learn plainly: those whose steps are used otherwise by now stay out."""
    used = making.with_uses([one.trace for one in kept], bad=recipe.bad_steps == "mask")
    read = signatures.documents([one.revision for one in kept if one.trace in used])
    held = {one.trace: read[one.revision] for one in kept if one.trace in used}
    edits = step_uses.edits_of(held, bad_steps=recipe.bad_steps)
    for one in kept:
        here = edits.get(one.trace, {}).get(one.conversation, {})
        if here and one.messages is not None:
            before = held[one.trace]["conversations"][one.conversation]["messages"]
            here = step_uses.moved(here, before, orjson.loads(one.messages))
        if here:
            left[STEPS] += 1
        else:
            yield one


def _without_personal(rows: Sequence[Row], recipe: Recipe, left: Counter[str]) -> Iterator[Row]:
    for row in rows:
        if recipe.personal == "exclude" and row.signature.personal:
            left[reasons.PERSONAL.code] += 1
        else:
            yield row


def _once(rows: Sequence[Row], plan: Plan, recipe: Recipe, left: Counter[str]) -> list[Row]:
    """Rows that say what no row that is learned says; where the recipe takes equal or near copies once, they are taken once
    here, too. With groups of near-duplicates a row joins the group of the new rows that it is like, and stays out where that are
    several."""
    learned = [row for row in plan.rows if row.split == splits.TRAIN] if rows else []
    said = {one for row in learned for one in row.says}
    kept = []
    for row in rows:
        if said.isdisjoint(row.says):
            kept.append(row)
            if recipe.dedupe != "none":
                said.update(row.says)
    if kept and recipe.dedupe == "near":
        alike = _alike(kept, learned, recipe.near_threshold)
        kept = [row for index, row in enumerate(kept) if not alike[index]]
        like = near.kept([row.signature.minhash for row in kept], threshold=recipe.near_threshold)
        kept = [row for row, other in zip(kept, like, strict=True) if other is None]
    if kept and recipe.group_by == "cluster":
        kept = _clustered(kept, plan, recipe)
    if len(kept) < len(rows):
        left[COPY] += len(rows) - len(kept)
    return kept


def _clustered(rows: Sequence[Row], plan: Plan, recipe: Recipe) -> list[Row]:
    """Rows in the group, and so the fold, of the new rows that they are like."""
    known = {row.group for row in plan.rows}
    kept = []
    for row, groups in zip(rows, _alike(rows, plan.rows, _threshold(recipe)), strict=True):
        groups |= {row.group} & known
        if len(groups) < 2:
            row.group = groups.pop() if groups else row.group
            row.fold = splits.fold_of(row.group, recipe)
            kept.append(row)
    return kept


def _alike(rows: Sequence[Row], new: Sequence[Row], threshold: float) -> list[set[str]]:
    """For each row the groups of the new rows that it is nearly the same as."""
    found: list[set[str]] = [set() for _ in rows]
    mine, theirs = ([row.signature.minhash for row in some] for some in (rows, new))
    for first, second, _ in near.pairs_between(mine, theirs, threshold=threshold):
        found[first].add(new[second].group)
    return found


def _joined(plan: Plan, recipe: Recipe) -> dict[str, str]:
    """What became of the groups of new rows, where near-duplicates or pairs joined some."""
    by_id = {one.id: one for one in plan.candidates}
    return {_group(by_id[row.trace_id], recipe): row.group for row in plan.rows if row.trace_id in by_id}


def _group(one: Candidate | Kept, recipe: Recipe) -> str:
    return splits.group_of(
        recipe.group_by, task_id=one.task_id, session_id=one.session_id, user_id=one.user_id,
        external_id=one.external_id,
    )  # fmt: skip


def _rows(kept: Sequence[Kept], recipe: Recipe, joined: dict[str, str]) -> list[Row]:
    compared = recipe.dedupe == "near" or recipe.group_by == "cluster"
    known = signatures.read([one.revision for one in kept], minhash=compared)
    missing = [one for one in kept if one.messages is not None or one.revision not in known]
    documents = signatures.documents([one.revision for one in missing])
    made: dict[int, Signature] = {}
    for one in missing:
        conversation = documents[one.revision]["conversations"][one.conversation]
        mended = None if one.messages is None else orjson.loads(one.messages)
        made[one.slot] = signatures.of_examples([example_of(conversation, mended)])[0]
    rows = []
    for one in kept:
        group = joined.get(name := _group(one, recipe), name)
        rows.append(
            Row(
                one.trace, one.external_id, one.revision, one.conversation, one.judgment, one.author, one.correction,
                one.fingerprint, made.get(one.slot) or known[one.revision], origin="replayed", split=splits.TRAIN,
                group=group, fold=splits.fold_of(group, recipe),
            )
        )  # fmt: skip
    return rows
