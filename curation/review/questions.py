"""Questions that a queue asks beside the verdict. What is answered is kept as scores of the person, so that filters find
it (score.recovery_strategy:retry), and goes with the judgment that it came with."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from curation.models import ReviewQueue, Score, Trace
from curation.review import scores
from curation.review.invalid import Invalid, check_text
from workspace.access import Actor
from workspace.models import Project

ERROR_TYPE = "error_type"
STRATEGY = "recovery_strategy"
RECOVERY = "error_recovery"
STRATEGIES = {
    "clarify": "Ask the user",
    "retry": "Try again",
    "fallback": "Another way",
    "graceful_fail": "Say that it failed",
}
# what errors are often called; a reviewer may write another word
ERRORS = (
    "timeout", "rate_limit", "not_found", "invalid_arguments", "permission", "wrong_tool", "missing_information",
    "tool_failure",
)  # fmt: skip
SETS = {"": "None", RECOVERY: "Error recovery: what failed, and how to recover"}
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody answered; "" where they did not."""

    error_type: str = ""
    strategy: str = ""

    def __bool__(self) -> bool:
        return bool(self.error_type or self.strategy)


def read(given: Mapping[str, str]) -> Answers:
    """Answers from a form. Raises Invalid naming the field."""
    kind, strategy = " ".join(given.get(ERROR_TYPE, "").split()), given.get(STRATEGY, "")
    check_text(ERROR_TYPE, kind, most=LONGEST)
    if strategy and strategy not in STRATEGIES:
        raise Invalid(STRATEGY, f"must be one of {', '.join(STRATEGIES)}; got {strategy[:40]!r}")
    return Answers(kind, strategy)


def check_set(name: str) -> None:
    """Raise Invalid for a set of questions that does not exist."""
    if name not in SETS:
        raise Invalid("questions", f"must be one of {', '.join(one or 'empty' for one in SETS)}; got {name[:40]!r}")


def keep(*, project: Project, actor: Actor, judgment: uuid.UUID, trace: uuid.UUID, answers: Answers) -> None:
    """Store the answers that came with a judgment (its outside id); the same again changes nothing."""
    said = {ERROR_TYPE: answers.error_type, STRATEGY: answers.strategy}
    with transaction.atomic():
        found = Trace.objects.select_related("project").defer("metadata").get(project=project, uid=trace)
        for name, category in said.items():
            if category:
                value = scores.Value(name=name, category=category, source="human", external_id=_id(judgment))
                scores.add(trace=found, actor=actor, value=value)


def drop(*, trace: int, judgment: uuid.UUID) -> int:
    """Take away the answers that came with a judgment. Returns how many there were."""
    return Score.objects.filter(trace=trace, source="human", external_id=_id(judgment)).delete()[0]


def asked_in(queue: ReviewQueue | None) -> bool:
    """Whether the questions of error recovery stand on the page of a queue's item."""
    return queue is not None and queue.questions == RECOVERY


def _id(judgment: uuid.UUID) -> str:
    return f"judgment:{judgment}"
