"""Where the chosen rows go: groups, splits and folds; what is held out is kept out; replayed rows come beside them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from curation.datasets import held_out, reasons, splits
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import facets, near, replaying
from curation.datasets.selecting.candidates import Candidate
from curation.datasets.selecting.plan import Plan, Row
from curation.models import Dataset
from workspace.models import Project

AHEAD = 1_000  # further rows that are compared with what is held out together with those that fill a place


@dataclass(frozen=True, slots=True)
class Keeper:
    """What is held out: by the dataset itself, whose traces go to test again (None: there is no dataset yet), and by all
    that counts, from which `guard` keeps rows apart (None: nothing is kept apart)."""

    held: held_out.Held | None
    guard: held_out.Guard | None


def keeper(plan: Plan, recipe: Recipe, project: Project, dataset: Dataset | None, *, guard: bool = True) -> Keeper:
    """For one selection; with `guard` rows are kept apart from what is held out."""
    held = held_out.held(project=project, dataset=dataset) if dataset is not None else None
    keeps = held_out.Guard(
        project=project, dataset=dataset, scope=recipe.held_out, threshold=_threshold(recipe),
        minhashes=plan.minhashes,
    ) if guard else None  # fmt: skip
    return Keeper(held, keeps)


def keep_out(plan: Plan, recipe: Recipe, project: Project, dataset: Dataset | None, keeper: Keeper) -> None:
    """Where the recipe asks for a number of rows, those that other datasets hold out leave first: they would take the places
    of others. What the dataset itself holds out is found by `place`, as in its first version, which knew nothing of it: the
    same recipe gives the same rows."""
    numbers = (recipe.balance, recipe.coreset, recipe.mix, recipe.max_examples)
    if recipe.held_out != "project" or not any(one is not None for one in numbers):
        return
    if keeper.guard is None or not keeper.guard.holds:
        return
    others = keeper.guard if dataset is None else held_out.Guard(
        project=project, other_than=dataset, threshold=_threshold(recipe), minhashes=plan.minhashes
    )  # fmt: skip
    if not others.holds:
        return
    by_id = {one.id: one for one in plan.candidates}
    groups = [_group_of(by_id[row.trace_id], recipe) for row in plan.rows]
    asked = [_shown(index, row, group) for index, (row, group) in enumerate(zip(plan.rows, groups, strict=True))]
    found = others.known(asked)
    tested = set(keeper.held.groups) if keeper.held is not None else set()
    if keeper.held is not None and keeper.held.places:
        tested |= {group for row, group in zip(plan.rows, groups, strict=True) if row.trace_id in keeper.held}
    gone = {
        id(row): found[index] for index, row in enumerate(plan.rows)
        if index in found and not _may_be_tested(row, groups[index], recipe, tested)
    }  # fmt: skip
    _tell(plan, [row for row in plan.rows if id(row) in gone], gone)
    plan.rows = [row for row in plan.rows if id(row) not in gone]


def _may_be_tested(row: Row, group: str, recipe: Recipe, tested: set[str]) -> bool:
    """Whether a row may come into the test split, as far as can be said before all rows are known; `tested` are the groups
    that the dataset holds out."""
    if recipe.group_by == "cluster" or row.together or row.kind == "pair":  # its group may be joined with another
        return bool(recipe.test or tested)
    if group in tested or not recipe.test:
        return group in tested
    return bool(recipe.stratify) or splits.split_of(group, recipe) == splits.TEST


def place(plan: Plan, recipe: Recipe, project: Project, keeper: Keeper) -> None:
    """Give every row its group, split and fold, and take the first `limit` rows. With a guard rows that are held out, or
    nearly equal to a held-out one, leave, and the next ones take their places, so that the limit is reached where it can
    be. Then replayed rows are added."""
    about = facets.topics(project, [row.trace_id for row in plan.rows])
    for row in plan.rows:
        row.topic = about.get(row.trace_id, "")
    _mark(plan, recipe)
    _group(plan, recipe)
    waiting = plan.rows
    taken = len(waiting) if recipe.limit is None else recipe.limit
    plan.rows = waiting[:taken]
    shut_out: dict[int, held_out.Conflict | None] = {}
    while True:
        _split(plan.rows, recipe, keeper.held)
        ahead = waiting[taken : taken + AHEAD] if shut_out else []
        gone = _guard(plan.rows, keeper.guard, ahead) if keeper.guard is not None else {}
        if not gone:
            break
        shut_out |= gone
        plan.rows = [row for row in plan.rows if id(row) not in gone]
        more = waiting[taken : taken + len(gone)]
        taken += len(more)
        plan.rows += more
        if not more:
            break
    _tell(plan, [row for row in waiting[:taken] if id(row) in shut_out], shut_out)
    for row in waiting[taken:]:
        plan.drop(row, reasons.OVER_LIMIT)
    _count_mix_again(plan)
    replaying.add(plan, recipe, project)


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
    ordered = sorted(plan.rows, key=attrgetter("part"))
    ordered.sort(key=attrgetter("trace_id"))
    for row in ordered:
        row.group = _group_of(by_id[row.trace_id], recipe)
    alike: list[tuple[int, int]] = []
    if recipe.group_by == "cluster":
        found = near.pairs([row.signature.minhash for row in ordered], threshold=_threshold(recipe))
        alike = [(first, second) for first, second, _ in found]
        said: dict[bytes, int] = {}  # rows that are too short for shingles are alike where they are equal
        alike += [(said.setdefault(row.signature.sameness, index), index) for index, row in enumerate(ordered)]
    first_of: dict[str, int] = {}
    for index, row in enumerate(ordered):
        # two rows that show one trace, as the better or the worse side of a pair, belong together as well
        shown = [f"shown:{trace}" for trace in row.traces] if row.kind == "pair" else []
        for name in [row.together, *shown] if row.together else shown:
            alike.append((first_of.setdefault(name, index), index))
    if alike:
        for row, group in zip(ordered, splits.clustered([row.group for row in ordered], alike), strict=True):
            row.group = group


def _group_of(one: Candidate, recipe: Recipe) -> str:
    return splits.group_of(
        recipe.group_by, task_id=one.task_id, session_id=one.session_id, user_id=one.user_id,
        external_id=one.external_id,
    )  # fmt: skip


def _threshold(recipe: Recipe) -> float:
    """Rows that are so near are of one cluster, and never learned from where one of them is held out."""
    return held_out.threshold_of(recipe.dedupe, recipe.near_threshold)


def _split(rows: Sequence[Row], recipe: Recipe, held: held_out.Held | None) -> None:
    members = [splits.Member(row.trace_id, row.group, row.topic, row.origin == "generated") for row in rows]
    places = splits.assign(members, recipe, held=held or (), held_groups=held.groups if held is not None else ())
    for row, found in zip(rows, places, strict=True):
        row.split, row.fold = found.split, found.fold


def _guard(rows: Sequence[Row], keeper: held_out.Guard, ahead: Sequence[Row]) -> dict[int, held_out.Conflict | None]:
    """The rows (by id()) that must not be there: of the train and validation splits those that conflict with something
    held out, and, with None, generated ones that have no place. `ahead` are rows that may take their places."""
    gone: dict[int, held_out.Conflict | None] = {id(row): None for row in rows if not row.split}
    asked = [_shown(id(row), row, row.group) for row in rows if row.split]
    found = keeper.conflicts(asked, ahead=(_shown(id(row), row, row.group) for row in ahead))
    return gone | {id(row): found[id(row)] for row in rows if id(row) in found}


def _shown(key: int, row: Row, group: str) -> held_out.Row:
    if row.content is None and row.correction_id is None:  # of most; properties would cost as much as all else here
        traces, revisions = (row.trace_id,), (row.revision_id,)
        says = (row.signature.digest, row.signature.sameness)
        return held_out.Row(key, traces, revisions, group, row.split, says)
    return held_out.Row(key, row.traces, row.revisions, group, row.split, row.says, row.words)


def _tell(plan: Plan, rows: Sequence[Row], why: Mapping[int, held_out.Conflict | None]) -> None:
    """Say of rows that are held out why they leave."""
    names = _names({conflict.other for conflict in why.values() if conflict is not None})
    for row in rows:
        conflict = why[id(row)]
        if conflict is None:
            plan.drop(row, reasons.HELD, "generated, while its group is tested on")
            continue
        facts = {"gate": conflict.code, "value": conflict.similarity, "other": conflict.other,
                 "version": conflict.version, "row": conflict.position}  # fmt: skip
        name = "" if conflict.other == conflict.trace else names.get(conflict.other, "")
        plan.drop(row, reasons.BY_CODE[conflict.code], conflict.told(name), facts)


def _count_mix_again(plan: Plan) -> None:
    """A mix is as short as it is when what is held out has left."""
    if (mix := plan.notes.get("mix")) is None:
        return
    there = Counter(plan.mixed[row.trace_id] for row in plan.rows)
    wanted = mix["take"] | {one["value"]: one["wanted"] for one in mix["short"]}
    mix["take"] = {value: there[value] for value in mix["take"]}
    mix["short"] = [
        {"value": value, "wanted": number, "missing": number - there[value]}
        for value, number in sorted(wanted.items()) if there[value] < number
    ]  # fmt: skip


def _names(traces: set[int]) -> dict[int, str]:
    from curation.models import Trace

    return dict(Trace.objects.filter(id__in=traces).values_list("id", "external_id"))
