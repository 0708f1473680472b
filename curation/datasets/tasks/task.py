"""What a task is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curation.datasets.example import Kind
from curation.datasets.tasks.form import Context, Gathered, Left, Made, Summary
from curation.datasets.tasks.options import Option
from workspace.models import Project

if TYPE_CHECKING:
    from curation.datasets.recipe import Recipe

Make = Callable[[Context], list[Made] | Left]
# (name of the option, what is wrong) of checked options that do not fit each other
Together = Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]]
# project, ids of the traces in the order of the recipe, recipe, checked options
Gather = Callable[[Project, Sequence[int], "Recipe", Mapping[str, Any]], Gathered]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. KIND is what its rows are; `kind(options)` where an option changes that. NEEDS: what `known` reads beside
    the columns ("scores", "feedback"). DECIDES: the task looks at verdicts by itself, so the recipe's judgments stop no
    trace (archived and empty ones and replays stay out all the same). TOGETHER says which options do not
    fit each other. SUMMARY counts over all rows where the task has something to warn of; EXPLAIN says of Gathered.counts why
    there is no row. Exactly one of MAKE and GATHER is there."""

    NAME: str
    LABEL: str
    HELP: str
    KIND: Kind = "chat"
    OPTIONS: tuple[Option, ...] = ()
    NEEDS: frozenset[str] = frozenset()
    DECIDES: bool = False
    MAKE: Make | None = None
    GATHER: Gather | None = None
    TOGETHER: Together = lambda _: ()
    KIND_OF: Callable[[Mapping[str, Any]], Kind] | None = None
    SUMMARY: Callable[[], Summary] = Summary
    EXPLAIN: Callable[[Mapping[str, Any]], str] | None = None

    def kind(self, options: Mapping[str, Any]) -> Kind:
        """The kind of the rows under these options."""
        return self.KIND if self.KIND_OF is None else self.KIND_OF(options)

    def make(self, context: Context) -> list[Made] | Left:
        """The rows of one conversation, or why there is none."""
        assert self.MAKE is not None, f"{self.NAME} gathers"
        return self.MAKE(context)

    def gather(
        self, *, project: Project, traces: Sequence[int], recipe: "Recipe", options: Mapping[str, Any]
    ) -> Gathered:
        """The rows that several traces make together. Call it in the transaction of the freeze."""
        assert self.GATHER is not None, f"{self.NAME} makes"
        return self.GATHER(project, traces, recipe, options)
