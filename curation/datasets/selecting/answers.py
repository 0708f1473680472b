"""Answers of a generation batch in the place of the stored ones: a recipe with use_original_outputs false.

What was measured and judged of a trace is about its stored answer. So gates, measures, weights and limits go by the grades of
the generated one: a grade that is missing passes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models.fields.json import KeyTextTransform, KeyTransform

from curation.datasets import reasons
from curation.datasets.recipe import Recipe, RecipeError
from curation.datasets.selecting import comparing, gates
from curation.datasets.selecting.candidates import Candidate, Generated
from curation.datasets.selecting.gates import NotScaled, Value
from curation.datasets.tasks import Left
from curation.ingest.openai_messages import read_message
from curation.messages.clean import Notes
from curation.messages.form import Document, main_conversation
from curation.models import Batch, BatchItem
from curation.scoring import wire
from workspace.models import Project


class _Item(NamedTuple):
    """A candidate and its grades by score."""

    id: int
    held: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers that were chosen: item -> what came, as it came."""

    said: Mapping[int, Any]

    def put(self, item: int, document: Document) -> Document:
        """The document with the main conversation up to its last answer and the generated one after it. Raises what reading
        a broken answer raises."""
        found = wire.opening(document)
        main = main_conversation(document)
        mended = {**main, "messages": [*found.messages, read_message(self.said[item]["message"], Notes())]}
        placed = [mended if one is main else one for one in document["conversations"]]
        return {**document, "conversations": placed}  # type: ignore[typeddict-item]

    def model(self, item: int) -> str:
        """The model that says that it answered; "" where it does not say."""
        return str(self.said[item].get("model") or "")


def batch_of(project: Project, uid: str) -> Batch:
    """The batch that a recipe names. Raises RecipeError where the project has no such batch."""
    found = Batch.objects.filter(project=project, uid=uid, kind=Batch.Kind.GENERATE).first()
    if found is None:
        raise RecipeError([("answers_from", "there is no such generation batch in this project")])
    return found


def read(items: Iterable[int]) -> Answers:
    """What the items say. One query."""
    return Answers(dict(BatchItem.objects.filter(pk__in=list(items)).values_list("pk", "answer")))


def choose(
    batch: Batch, found: Sequence[Candidate], recipe: Recipe
) -> Iterator[tuple[Candidate, Generated | Left | gates.Stop]]:
    """For each trace its best answer that its grades let through (comparing.best), what stopped it, or why there is none.
    Answers that were cut short, or that are to an earlier revision, are none. Two queries.

    Raises RecipeError for a grade that cannot be weighed against others."""
    usable, why = _read(batch, {one.id: one.revision_id for one in found})
    for one in found:
        try:
            picked = _pick(usable[one.id], recipe) if one.id in usable else None
        except NotScaled as error:
            field = f"weights.{error.name}" if error.name in dict(recipe.weights) else "answers_from"
            told = f"{error.name}: {error.reason} (trace {one.external_id})"
            raise RecipeError([(field, told)]) from None
        yield one, picked or Left(reasons.NO_GENERATED, why.get(one.id, "the batch has no answer to it"))


def _read(batch: Batch, revisions: Mapping[int, int | None]) -> tuple[dict[int, list[_Item]], dict[int, str]]:
    """Per trace the answers that can be taken, in order, and why one cannot."""
    ranges = comparing.ranges_of(batch)
    usable: dict[int, list[_Item]] = {}
    why: dict[int, str] = {}
    items = BatchItem.objects.filter(batch=batch, status=BatchItem.Status.DONE, answer__isnull=False)
    rows = items.order_by("trace_id", "ordinal").values_list(
        "id", "trace_id", "revision_id", "grades", KeyTextTransform("finish_reason", "answer"),
        KeyTextTransform("finish_reason", KeyTransform("message", "answer")),
    )  # fmt: skip
    for item, trace, revision, grades, *finish in rows.iterator(chunk_size=5_000):
        if trace not in revisions:
            continue
        if revision != revisions[trace]:
            why.setdefault(trace, "the answer is to an earlier revision")
        elif any(reason in comparing.CUT_SHORT for reason in finish):
            why[trace] = "the answer was cut short"
        else:
            usable.setdefault(trace, []).append(_Item(item, comparing.values(grades, ranges)))
    return usable, why


def _pick(items: Sequence[_Item], recipe: Recipe) -> Generated | gates.Stop:
    """The best of the answers to one trace that pass; where none does, what stopped the best."""
    outcomes = [gates.stopped(recipe, item.held, None) for item in items]
    passing = [at for at, outcome in enumerate(outcomes) if not isinstance(outcome, gates.Stop)] or range(len(items))
    held = [items[at].held for at in passing]
    at = passing[comparing.best(held, recipe.weights)]
    outcome = outcomes[at]
    return outcome if isinstance(outcome, gates.Stop) else Generated(items[at].id, outcome, items[at].held)
