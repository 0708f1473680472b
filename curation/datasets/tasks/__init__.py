"""Task recipes: what a row teaches. One module each; to add one: a module with a `TASK`, listed here.

A task either makes rows of one conversation at a time (`make`), or gathers several traces into rows (`gather`, such as
pairs). Whoever freezes calls `find`, then `check` for the options, `known` for the traces of a chunk, and one of the two.
"""

from collections.abc import Mapping
from typing import Any

from curation.datasets.tasks import (
    chat,
    corrections,
    distillation,
    error_recovery,
    labels,
    pairs,
    prompts,
    summariser,
    tool_selection,
    trajectories,
)
from curation.datasets.tasks.form import Context, Gathered, Known, Left, Made, Summary
from curation.datasets.tasks.known import known
from curation.datasets.tasks.options import Option, OptionsError
from curation.datasets.tasks.options import check as _check
from curation.datasets.tasks.task import Task

__all__ = [
    "TASKS",
    "Context",
    "Gathered",
    "Known",
    "Left",
    "Made",
    "Option",
    "OptionsError",
    "Summary",
    "Task",
    "UnknownTask",
    "check",
    "find",
    "known",
]

_ALL = (
    chat.TASK,
    tool_selection.TASK,
    summariser.TASK,
    error_recovery.TASK,
    corrections.TASK,
    distillation.TASK,
    trajectories.TASK,
    pairs.TASK,
    labels.TASK,
    prompts.TASK,
)
TASKS: dict[str, Task] = {task.NAME: task for task in _ALL}


class UnknownTask(ValueError):
    """A task that does not exist."""


def find(name: str) -> Task:
    """The task `name`. Raises UnknownTask, which lists those there are."""
    try:
        return TASKS[name]
    except KeyError:
        raise UnknownTask(f"There is no task {name!r}; there are {', '.join(TASKS)}.") from None


def check(task: Task, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a task, with what is given. Raises OptionsError naming every wrong option, and those that do not fit
    each other."""
    values = _check(task.OPTIONS, given)
    if problems := task.TOGETHER(values):
        raise OptionsError(list(problems))
    return values
