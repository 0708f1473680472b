"""Where the chosen rows go: groups, splits and folds; what is held out is kept out; replayed rows come beside them."""

from collections.abc import Sequence

import orjson

from curation.datasets import held_out, reasons, splits
from curation.datasets.example import example_of
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import facets, near, replay_buffer, signatures
from curation.datasets.selecting.candidates import Candidate
from curation.datasets.selecting.plan import Plan, Row
from curation.datasets.selecting.signatures import Signature
from curation.models import Dataset
from workspace.models import Project

CLUSTERED = 0.8  # estimated Jaccard similarity from which two rows are of one cluster, where the recipe says none


def place(plan: Plan, recipe: Recipe, project: Project, dataset: Dataset | None, *, guard: bool = True) -> None:
    """Give every row its group, split and fold, and take the first `limit` rows. With `guard` rows that are held out, or
    nearly equal to a held-out one, leave, and the next ones take their places, so that the limit is reached where it can
    be. Then replayed rows are added."""
    about = facets.topics(project, [row.trace_id for row in plan.rows])
    for row in plan.rows:
        row.topic = about.get(row.trace_id, "")
    _mark(plan, recipe)
    _group(plan, recipe)
    waiting = plan.rows
    shut_out: set[int] = set()
    while True:
        free = [row for row in waiting if id(row) not in shut_out]
        plan.rows = free if recipe.limit is None else free[: recipe.limit]
        _split(plan.rows, recipe, project, dataset)
        gone = _guard(plan, recipe, project, dataset) if guard else set()
        shut_out |= gone
        if not gone or len(free) <= len(plan.rows):
            break
    rest = {id(row) for row in plan.rows} | shut_out
    for row in waiting:
        if id(row) not in rest:
            plan.drop(row, reasons.OVER_LIMIT)
    plan.rows = [row for row in plan.rows if id(row) not in shut_out]
    _replay(plan, recipe, project)


def _mark(plan: Plan, recipe: Recipe) -> None:
    """Where rows come from: an upload that the recipe names; a model, where whoever sent a trace says so in its metadata
    (synthetic: true). Such rows are only learned from."""
    said = [row for row in plan.rows if row.origin == "trace"]
    made_up = facets.synthetic([trace for row in said for trace in row.traces])
    for row in said:
        if not made_up.isdisjoint(row.traces):
            row.origin = "generated"
        elif recipe.upload:
            row.origin = "uploaded"


def _group(plan: Plan, recipe: Recipe) -> None:
    """Groups by the recipe; near-duplicates (cluster), and rows that the task wants together, are joined. The earliest
    trace gives a joined group its name."""
    by_id: dict[int, Candidate] = {one.id: one for one in plan.candidates}
    ordered = sorted(plan.rows, key=lambda row: (row.trace_id, row.part))
    for row in ordered:
        one = by_id[row.trace_id]
        row.group = splits.group_of(
            recipe.group_by, task_id=one.task_id, session_id=one.session_id, user_id=one.user_id,
            external_id=one.external_id,
        )  # fmt: skip
    alike: list[tuple[int, int]] = []
    if recipe.group_by == "cluster":
        found = near.pairs([row.signature.minhash for row in ordered], threshold=_threshold(recipe))
        alike = [(first, second) for first, second, _ in found]
    first_of: dict[str, int] = {}
    for index, row in enumerate(ordered):
        # two rows that show one trace, as the better or the worse side of a pair, belong together as well
        for name in filter(None, (row.together, *(f"shown:{trace}" for trace in row.traces if row.kind == "pair"))):
            alike.append((first_of.setdefault(name, index), index))
    if alike:
        for row, group in zip(ordered, splits.clustered([row.group for row in ordered], alike), strict=True):
            row.group = group


def _threshold(recipe: Recipe) -> float:
    """A recipe that takes near copies once says what is near; rows under that are different, and may be in two splits."""
    return recipe.near_threshold if recipe.dedupe == "near" else CLUSTERED


def _split(rows: Sequence[Row], recipe: Recipe, project: Project, dataset: Dataset | None) -> None:
    held = held_out.held(project=project, dataset=dataset) if dataset is not None else None
    members = [splits.Member(row.trace_id, row.group, row.topic, row.origin == "generated") for row in rows]
    places = splits.assign(members, recipe, held=held or (), held_groups=held.groups if held is not None else ())
    for row, found in zip(rows, places, strict=True):
        row.split, row.fold = found.split, found.fold


def _guard(plan: Plan, recipe: Recipe, project: Project, dataset: Dataset | None) -> set[int]:
    """The rows (by id()) that must not be there: of the train and validation splits those that conflict with something
    held out, and generated ones that have no place. Says of each why."""
    gone = set()
    for row in plan.rows:
        if not row.split:
            plan.drop(row, reasons.HELD, "generated, while its group is tested on")
            gone.add(id(row))
    asked = [
        held_out.Row(index, row.traces, row.revisions, row.group, row.split)
        for index, row in enumerate(plan.rows) if row.split
    ]  # fmt: skip
    found = held_out.conflicts(
        project=project, rows=asked, dataset=dataset, scope=recipe.held_out, threshold=_threshold(recipe)
    )
    names = _names({conflict.other for conflict in found.values()})
    for index, conflict in found.items():
        row = plan.rows[int(str(index))]
        facts = {"gate": conflict.code, "value": conflict.similarity, "other": conflict.other,
                 "version": conflict.version, "row": conflict.position}  # fmt: skip
        plan.drop(row, reasons.BY_CODE[conflict.code], conflict.told(names.get(conflict.other, "")), facts)
        gone.add(id(row))
    return gone


def _names(traces: set[int]) -> dict[int, str]:
    from curation.models import Trace

    return dict(Trace.objects.filter(id__in=traces).values_list("id", "external_id"))


def _replay(plan: Plan, recipe: Recipe, project: Project) -> None:
    """Rows of the buffer beside the new ones of the train split. They are learned from; nothing held out comes back."""
    if recipe.replay is None:
        return
    new = sum(row.split == splits.TRAIN for row in plan.rows)
    shown = {trace for row in plan.rows for trace in row.traces}
    wanted = replay_buffer.wanted(new, recipe.replay.ratio)
    kept = (
        replay_buffer.drawn(project=project, chosen=recipe.replay, apart_from=shown, seed=recipe.seed) if wanted else []
    )
    rows = _replayed(kept, recipe)
    groups = {row.group for row in plan.rows if row.split != splits.TRAIN}
    asked = [
        held_out.Row(-1 - index, row.traces, row.revisions, row.group, row.split) for index, row in enumerate(rows)
    ]
    tested = [held_out.Row(index, row.traces, row.revisions, row.group, row.split) for index, row in enumerate(plan.rows)
              if row.split == splits.TEST]  # fmt: skip
    stopped = held_out.conflicts(project=project, rows=[*asked, *tested], scope="project")
    free = [row for index, row in enumerate(rows) if -1 - index not in stopped and row.group not in groups]
    plan.replayed = free[:wanted]
    plan.notes["replay"] = {
        "buffer": recipe.replay.buffer, "ratio": recipe.replay.ratio, "new": new, "wanted": wanted,
        "replayed": len(plan.replayed), "held_out": len(rows) - len(free),
    }  # fmt: skip


def _replayed(kept: Sequence[replay_buffer.Kept], recipe: Recipe) -> list[Row]:
    known = signatures.read([one.revision for one in kept])
    missing = [one for one in kept if one.messages is not None or one.revision not in known]
    documents = signatures.documents([one.revision for one in missing])
    made: dict[int, Signature] = {}
    for one in missing:
        conversation = documents[one.revision]["conversations"][one.conversation]
        mended = None if one.messages is None else orjson.loads(one.messages)
        made[one.slot] = signatures.of_examples([example_of(conversation, mended)])[0]
    return [
        Row(
            one.trace, one.external_id, one.revision, one.conversation, one.judgment, one.author, one.correction,
            one.fingerprint, made.get(one.slot) or known[one.revision], origin="replayed", split=splits.TRAIN,
            group=splits.group_of(
                recipe.group_by, task_id=one.task_id, session_id=one.session_id, user_id=one.user_id,
                external_id=one.external_id,
            ),
        )
        for one in kept
    ]  # fmt: skip
