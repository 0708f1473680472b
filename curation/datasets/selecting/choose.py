"""Which traces become rows: every trace that the filter matches gets one decision with one reason.

The order: narrow columns and judgments, scores, content, then, where a number of rows is asked for, what other datasets hold
out, then what takes rows out again, then splits and what else is held out.
"""

import gc
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from curation.datasets import reasons, tasks
from curation.datasets.reasons import Reason
from curation.datasets.recipe import Recipe, RecipeError
from curation.datasets.selecting import answers, candidates, facets, gates, making, placing, thin
from curation.datasets.selecting.candidates import Candidate
from curation.datasets.selecting.plan import Plan
from curation.models import Batch, Dataset
from curation.models.traces import TraceQuerySet
from workspace.models import Project

_COLLECTIONS = gc.get_threshold()
_RARE = (2_000_000, 20, 50)
_lock = threading.Lock()
_choosing = 0  # how many selections are under way in this process


def choose(
    traces: TraceQuerySet,
    recipe: Recipe,
    *,
    project: Project,
    dataset: Dataset | None = None,
    most: int | None = None,
    replays: bool = False,
    guard: bool = True,
    seconds: float | None = None,
    heard: Callable[[], None] | None = None,
) -> Plan:
    """Decide about every trace of `traces` (at most `most`, in the order of the recipe). Replays stay out unless
    `replays` says that they were asked for. `guard` keeps out what is held out in `dataset`, or in the project. With
    `seconds` text is read for so long at most, and what was not reached is told as LATER. `heard` is called between the
    steps, and ends it where it raises.

    Call it in a transaction with a snapshot. Documents are read only where there is no signature, or where a task needs
    them, in chunks. Raises RecipeError where data and recipe do not fit (a number without range, losses that are missing).
    """
    with rare_collections():
        return _choose(traces, recipe, project, dataset, most, replays, guard, seconds, heard or _nothing)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Python looks for cycles after every 700 new objects, and at times through all of them; of a hundred thousand
    candidates, which hold none, that takes as long as the choosing itself. Meanwhile it looks more rarely. Whoever drops
    the plan before this ends spares the look at the end as well."""
    global _choosing
    with _lock:
        _choosing += 1
        gc.set_threshold(*_RARE)
    try:
        yield
    finally:
        with _lock:
            _choosing -= 1
            if not _choosing:
                gc.set_threshold(*_COLLECTIONS)


def _choose(
    traces: TraceQuerySet,
    recipe: Recipe,
    project: Project,
    dataset: Dataset | None,
    most: int | None,
    replays: bool,
    guard: bool,
    seconds: float | None,
    heard: Callable[[], None],
) -> Plan:
    plan = Plan(candidates=candidates.in_order(traces, recipe, most))
    batch = answers.batch_of(project, recipe.answers_from) if recipe.answers_from else None
    heard()
    left = _judged(plan, recipe, replays)
    heard()
    if batch is not None and tasks.find(recipe.task).GATHER is None:
        left = _answered(plan, recipe, left, batch)
    else:
        left = _scored(plan, recipe, left)
    if recipe.order == "composite":
        left.sort(key=lambda one: -1.0 if one.composite is None else -one.composite)
        left.sort(key=lambda one: one.composite is None)
    wanted = making.Wanted(
        project,
        recipe,
        minhash=recipe.dedupe == "near" or recipe.group_by == "cluster" or (guard and _compares_most(recipe)),
        vector=recipe.coreset is not None or recipe.outliers == "content",
        batch=batch,
        seconds=seconds,
    )
    heard()
    making.make(left, plan, wanted)
    heard()
    keeper = placing.keeper(plan, recipe, project, dataset, guard=guard)
    placing.keep_out(plan, recipe, project, dataset, keeper)
    heard()
    _add_losses(plan, recipe)
    thin.thin(plan, recipe, project)
    heard()
    placing.place(plan, recipe, project, keeper)
    return plan


def _compares_most(recipe: Recipe) -> bool:
    """Whether nearly all rows will be compared with test rows: then their minhashes come with the rest of the signatures,
    in one statement. Where few rows stay, those of the few are read later."""
    return recipe.test > 0 and recipe.coreset is None and recipe.max_examples is None and recipe.limit is None


def _nothing() -> None:
    """Nobody asks."""


def _judged(plan: Plan, recipe: Recipe, replays: bool) -> list[Candidate]:
    """Those whose narrow columns, judgments and corrections let them through."""
    decides = tasks.find(recipe.task).DECIDES
    through = []
    for one in plan.candidates:
        if (stop := _narrow(one, recipe, replays, decides)) is None:
            through.append(one)
        else:
            plan.leave(one.id, stop)
    candidates.add_words(through)
    if recipe.corrections != "ignore" and recipe.use_original_outputs:
        candidates.add_corrections(through)
    left = []
    for one in through:
        stopped = None if decides else _by_judgment(one, recipe)
        if stopped is None:
            left.append(one)
        else:
            plan.leave(one.id, *stopped)
    return left


def _narrow(one: Candidate, recipe: Recipe, replays: bool, decides: bool) -> Reason | None:
    """What the narrow columns alone stop."""
    if one.archived:
        return reasons.ARCHIVED
    if one.is_replay and not replays:
        return reasons.REPLAY
    if decides:
        return reasons.EMPTY if one.revision_id is None else None
    if not one.verdict:
        stop = None if "unjudged" in recipe.judgments else reasons.UNJUDGED
    elif recipe.judgments == ("unjudged",):
        stop = reasons.JUDGED
    elif one.stale:
        stop = reasons.STALE
    else:
        stop = reasons.UNSURE if one.verdict == "unsure" else None
    return reasons.EMPTY if stop is None and one.revision_id is None else stop


def _by_judgment(one: Candidate, recipe: Recipe) -> tuple[Reason, str] | None:
    """What the judgment stops, once the narrow columns are passed."""
    if not one.verdict:
        return None
    if one.word is None:
        return reasons.STALE, "no judgment stands on the newest revision"
    if one.verdict in recipe.judgments or (one.correction and recipe.corrections == "rescue"):
        return None
    reason = reasons.UNACCEPTABLE if one.verdict == "unacceptable" else reasons.NOT_WANTED
    return reason, f"by {one.word.author}"


def _scored(plan: Plan, recipe: Recipe, found: Sequence[Candidate]) -> list[Candidate]:
    """Those that measures, limits, gates and the least composite let through, with their composites."""
    if recipe.answers_from and tasks.find(recipe.task).GATHER is not None:
        # gates and weights are about the generated candidates there, and the task applies them to each
        recipe = replace(recipe, gates=(), weights=(), required=(), min_score=None)
    names = gates.names_of(recipe)
    if not names:
        return list(found)
    scores = candidates.scores_of(found, names)
    ratings = candidates.ratings_of(found) if recipe.min_quality is not None else {}
    left = []
    for one in found:
        try:
            outcome = gates.stopped(recipe, scores.get(one.id, {}), ratings.get(one.id))
        except gates.NotScaled as error:
            told = f"{error.reason} (trace {one.external_id})"
            raise RecipeError([(f"weights.{error.name}", told)]) from None
        if isinstance(outcome, gates.Stop):
            plan.leave(one.id, outcome.reason, outcome.detail, outcome.facts)
        else:
            one.composite = outcome
            left.append(one)
    return left


def _answered(plan: Plan, recipe: Recipe, found: Sequence[Candidate], batch: Batch) -> list[Candidate]:
    """Those to which the batch has an answer that its own grades let through, with its composite."""
    left = []
    for one, outcome in answers.choose(batch, found, recipe):
        if isinstance(outcome, candidates.Generated):
            one.generated, one.composite, one.word = outcome, outcome.composite, None
            left.append(one)
        else:
            plan.leave(one.id, outcome.reason, outcome.detail, outcome.facts)
    return left


def _add_losses(plan: Plan, recipe: Recipe) -> None:
    """The losses that a coreset goes by; only of the traces that are left."""
    wanted = recipe.coreset
    if wanted is None or not wanted.needs_losses:
        return
    shown = {row.trace_id for row in plan.rows}
    stored = [one for one in plan.candidates if one.id in shown and one.generated is None]
    scores = candidates.scores_of(stored, [wanted.loss])
    for row in plan.rows:
        row.loss = gates.raw(scores.get(row.trace_id, {}).get(wanted.loss))


def unknown_scores(recipe: Recipe, known: Iterable[str], there: Iterable[str]) -> list[tuple[str, str]]:
    """The scores that a recipe names and nobody knows, as problems of its fields (requirement 000-16); `there` are those
    that it may name instead."""
    names = set(known)
    task = tasks.find(recipe.task)
    asked = dict(recipe.scores)
    for option in task.OPTIONS:
        value = recipe.task_options.get(option.name)
        if option.score and isinstance(value, str) and value:
            asked.setdefault(value, f"task_options.{option.name}")
    offered = facets.some_of(there)
    return [
        (field, f"there is no score {name!r} in this project; there are {offered}")
        for name, field in asked.items() if name not in names
    ]  # fmt: skip
