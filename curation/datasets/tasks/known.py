"""What is known of the traces of a chunk, in one query for each kind of thing that a task needs."""

from collections.abc import Iterable

from curation.datasets.tasks.form import Known
from curation.datasets.tasks.task import Task
from curation.models import Feedback, Trace
from curation.scoring import counting


def known(task: Task, traces: Iterable[int]) -> dict[int, Known]:
    """Trace id -> what the task may use of it. At most three queries."""
    ids = list(traces)
    rows = Trace.objects.filter(id__in=ids).values_list(
        "id", "external_id", "revision_id", "verdict", "verdict_stale", "task_id", "session_id", "user_id", "agent",
        "model", "status", "steps", "tool_calls", "errors", "tools", "input_fingerprint",
    )  # fmt: skip
    found = {row[0]: Known(*row) for row in rows}
    if "scores" in task.NEEDS:
        for trace, scores in counting.of_traces(ids).items():
            found[trace].scores = scores
    if "feedback" in task.NEEDS:
        for one in Feedback.objects.filter(trace_id__in=ids).order_by("id"):
            found[one.trace_id].feedback.append(one)
    return found
