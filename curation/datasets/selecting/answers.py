"""Answers of a generation batch in the place of the stored ones: a recipe with use_original_outputs false."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.datasets import reasons
from curation.datasets.recipe import RecipeError
from curation.datasets.selecting import comparing
from curation.datasets.selecting.gates import NotScaled, Value
from curation.datasets.tasks import Left
from curation.ingest.openai_messages import read_message
from curation.messages.clean import Notes
from curation.messages.form import Document, main_conversation
from curation.models import Batch, BatchItem
from curation.scoring import wire
from workspace.models import Project


@dataclass(frozen=True, slots=True)
class Answers:
    """The answer that was chosen for each trace: (item, revision that it answers, message as it came)."""

    chosen: Mapping[int, tuple[int, int, Any]]

    def put(self, trace: int, revision: int, document: Document) -> tuple[Document, Left | None]:
        """The document with the main conversation up to its last answer and the generated one after it; or why there is
        none. Raises what reading a broken answer raises."""
        if trace not in self.chosen:
            return document, Left(reasons.NO_GENERATED, "the batch has no answer to it")
        _, answered, said = self.chosen[trace]
        if answered != revision:
            return document, Left(reasons.NO_GENERATED, "the answer is to an earlier revision")
        found = wire.opening(document)
        main = main_conversation(document)
        mended = {**main, "messages": [*found.messages, read_message(said, Notes())]}
        placed = [mended if one is main else one for one in document["conversations"]]
        return {**document, "conversations": placed}, None  # type: ignore[typeddict-item]

    def items(self, trace: int) -> tuple[int, ...]:
        """The item behind the answer."""
        return (self.chosen[trace][0],)


def batch_of(project: Project, uid: str) -> Batch:
    """The batch that a recipe names. Raises RecipeError where the project has no such batch."""
    found = Batch.objects.filter(project=project, uid=uid, kind=Batch.Kind.GENERATE).first()
    if found is None:
        raise RecipeError([("answers_from", "there is no such generation batch in this project")])
    return found


def of(batch: Batch, traces: Sequence[int]) -> Answers:
    """For each trace its best answer by the grades of the batch: see comparing.best. Answers that were cut short are none.
    Two queries. Raises RecipeError where grades cannot be weighed against each other."""
    items = BatchItem.objects.filter(batch=batch, trace_id__in=traces, status=BatchItem.Status.DONE)
    ranges = comparing.ranges_of(batch)
    found: dict[int, list[tuple[int, int, Any, dict[str, Value]]]] = {}
    rows = items.order_by("trace_id", "ordinal").values_list("id", "trace_id", "revision_id", "answer", "grades")
    for item, trace, revision, answer, grades in rows:
        if answer and not comparing.is_cut_short(answer):
            held = comparing.values(grades, ranges)
            found.setdefault(trace, []).append((item, revision, answer["message"], held))
    return Answers({trace: _best(candidates)[:3] for trace, candidates in found.items()})


def _best(
    candidates: list[tuple[int, int, Any, dict[str, Value]]],
) -> tuple[int, int, Any, dict[str, Value]]:
    try:
        return candidates[comparing.best([held for *_, held in candidates])]
    except NotScaled as error:
        raise RecipeError([("answers_from", str(error))]) from None
