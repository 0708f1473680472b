"""What takes rows out again: personal data, copies, outliers, balance, coreset, mix and the most that are wanted. Each step
keeps the order of the rows and says of every row that it takes out why."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from curation.datasets import reasons
from curation.datasets.recipe import Recipe, RecipeError
from curation.datasets.selecting import coreset, facets, mix, near, outliers
from curation.datasets.selecting.plan import Plan, Row
from curation.datasets.selecting.prints import DIMENSIONS
from curation.datasets.splits import sample_key
from workspace.models import Project

if TYPE_CHECKING:
    import numpy as np


def thin(plan: Plan, recipe: Recipe, project: Project) -> None:
    """All steps up to the most that are wanted (max_examples), in their order. Raises RecipeError where the coreset needs
    losses that are missing."""
    _personal(plan, recipe)
    _copies(plan, recipe)
    _near(plan, recipe)
    _outliers(plan, recipe)
    _balance(plan, recipe, project)
    _coreset(plan, recipe)
    _mix(plan, recipe, project)
    _best(plan, recipe)


def _keep(plan: Plan, keep: Callable[[int, Row], bool]) -> None:
    """Take the rows out that `keep` has dropped."""
    plan.rows = [row for index, row in enumerate(plan.rows) if keep(index, row)]


def _personal(plan: Plan, recipe: Recipe) -> None:
    if recipe.personal != "exclude":
        return

    def keep(_: int, row: Row) -> bool:
        pieces = row.signature.personal
        if pieces:
            plan.drop(row, reasons.PERSONAL, f"{pieces:,} found", {"gate": "personal", "value": pieces})
        return not pieces

    _keep(plan, keep)


def _copies(plan: Plan, recipe: Recipe) -> None:
    if recipe.dedupe == "none":
        return
    seen: dict[bytes, Row] = {}

    def keep(_: int, row: Row) -> bool:
        first = seen.setdefault(row.signature.sameness, row)
        if first is row:
            return True
        facts = {"gate": "same", "other": first.trace_id}
        plan.drop(row, reasons.DUPLICATE, f"says the same as {first.external_id}", facts)
        return False

    _keep(plan, keep)


def _near(plan: Plan, recipe: Recipe) -> None:
    if recipe.dedupe != "near":
        return
    rows = plan.rows
    like = near.kept([row.signature.minhash for row in rows], threshold=recipe.near_threshold)

    def keep(index: int, row: Row) -> bool:
        found = like[index]
        if found is None:
            return True
        other, similarity = rows[found.row], min(found.similarity, near.ALMOST)
        facts = {"gate": "near", "operator": "lt", "threshold": recipe.near_threshold, "value": round(similarity, 4),
                 "other": other.trace_id}  # fmt: skip
        plan.drop(row, reasons.NEAR, f"{near.told(similarity)} the same as {other.external_id}", facts)
        return False

    _keep(plan, keep)


def _outliers(plan: Plan, recipe: Recipe) -> None:
    if not recipe.outliers:
        return
    if recipe.outliers == "length":
        far, reason = outliers.by_length([row.tokens for row in plan.rows]), reasons.LENGTH
    else:
        far, reason = outliers.by_content(vectors_of(plan.rows)), reasons.UNLIKE

    def keep(index: int, row: Row) -> bool:
        if index not in far:
            return True
        facts = {"gate": recipe.outliers, "operator": "abs_lte", "threshold": outliers.LIMIT, "value": far[index]}
        plan.drop(row, reason, f"{row.tokens:,} tokens, modified z-score {far[index]:g}", facts)
        return False

    _keep(plan, keep)


def _balance(plan: Plan, recipe: Recipe, project: Project) -> None:
    if recipe.balance is None:
        return
    values = _values(plan, recipe.balance.field, project)
    most = mix.most_of(values, recipe.balance.most)
    kept: dict[str, int] = {}
    chosen = set()
    for index in _best_first(plan.rows):
        if kept.get(values[index], 0) < most:
            kept[values[index]] = kept.get(values[index], 0) + 1
            chosen.add(index)
    plan.notes["balance"] = {"field": recipe.balance.field, "most": most, "kept": dict(sorted(kept.items()))}
    _only(plan, chosen, reasons.OVER_BALANCE, lambda index: f"{_named(values[index])} has {most:,} already")


def _coreset(plan: Plan, recipe: Recipe) -> None:
    wanted = recipe.coreset
    if wanted is None or not plan.rows:
        return
    rows = plan.rows
    try:
        chosen = coreset.select(
            strategy=wanted.strategy,
            size=wanted.size,
            seed=recipe.seed,
            keys=[f"{row.external_id} {row.part}" for row in rows],
            losses=[row.loss for row in rows],
            vectors=vectors_of(rows),
            loss_ratio=wanted.loss_ratio,
            loss_name=wanted.loss,
        )
    except coreset.LossesMissing as error:
        raise RecipeError([("coreset.strategy", str(error))]) from None
    kept = set(chosen.rows)
    base = coreset.draw([f"{row.external_id} {row.part}" for row in rows], len(kept), recipe.seed)
    plan.notes["coreset"] = chosen.summary.plain() | {
        "tokens": {"selected": _mean([rows[i].tokens for i in kept]), "random": _mean([rows[i].tokens for i in base])}
    }
    _only(plan, kept, reasons.NOT_CORESET, lambda _: f"{wanted.strategy}, {len(kept):,} of {len(rows):,}")


def _mix(plan: Plan, recipe: Recipe, project: Project) -> None:
    wanted = recipe.mix
    if wanted is None:
        return
    values = _values(plan, wanted.by, project)
    size = min((most for most in (recipe.max_examples, recipe.limit) if most is not None), default=None)
    found = mix.shares(values, dict(wanted.weights), least=wanted.least, size=size)
    left = dict(found.take)
    chosen = set()
    for index in _best_first(plan.rows):
        if left.get(values[index], 0) > 0:
            left[values[index]] -= 1
            chosen.add(index)
    plan.mixed = {row.trace_id: value for row, value in zip(plan.rows, values, strict=True)}
    plan.notes["mix"] = {"strategy": wanted.strategy, "by": wanted.by, **found.plain()}

    def told(index: int) -> str:
        name = values[index]
        return (
            f"{_named(name)} has its {found.take[name]:,} rows"
            if name in found.take
            else f"{_named(name)} has no weight"
        )

    _only(plan, chosen, reasons.NOT_MIXED, told)
    if wanted.strategy == "curriculum":
        plan.rows.sort(key=lambda row: (row.tokens, row.external_id, row.part))
    else:
        plan.rows.sort(key=lambda row: (sample_key(row.external_id, recipe.seed), row.part))


def _best(plan: Plan, recipe: Recipe) -> None:
    if recipe.max_examples is None or len(plan.rows) <= recipe.max_examples:
        return
    chosen = set(_best_first(plan.rows)[: recipe.max_examples])
    _only(plan, chosen, reasons.NOT_BEST, lambda _: f"{recipe.max_examples:,} are taken")


def vectors_of(rows: Sequence[Row]) -> "np.ndarray[Any, Any]":
    """float32 (rows, dimensions) without what all rows share: the mean is taken off, and each is made of length 1 again.
    A row without words stays 0."""
    import numpy as np

    empty = bytes(2 * DIMENSIONS)
    data = b"".join(row.signature.vector or empty for row in rows)
    found = np.frombuffer(data, dtype="<f2").reshape(len(rows), DIMENSIONS).astype(np.float32)
    known = found.any(axis=1)
    if known.sum() > 1:
        found[known] -= found[known].mean(axis=0, dtype=np.float64).astype(np.float32)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    result: np.ndarray[Any, Any] = np.round(found / np.where(length == 0, 1, length), 5)
    return result


def _best_first(rows: Sequence[Row]) -> list[int]:
    """Indexes: the best composite first where there are some, else as they stand."""
    scores = [float("-inf") if row.composite is None else row.composite for row in rows]
    return sorted(range(len(rows)), key=lambda index: -scores[index])


def _values(plan: Plan, field: str, project: Project) -> list[str]:
    shown = {row.trace_id for row in plan.rows}
    found = facets.values(project, [one for one in plan.candidates if one.id in shown], field)
    return [found.get(row.trace_id, facets.NONE) for row in plan.rows]


def _only(plan: Plan, chosen: set[int], reason: reasons.Reason, told: Callable[[int], str]) -> None:
    for index, row in enumerate(plan.rows):
        if index not in chosen:
            plan.drop(row, reason, told(index))
    _keep(plan, lambda index, _: index in chosen)


def _named(value: str) -> str:
    return repr(value) if value else "no value"


def _mean(values: Iterable[int]) -> float | None:
    found = list(values)
    return round(sum(found) / len(found), 1) if found else None
