"""Why a trace is in or out of a version: the codes, in the order in which they are tried, and their words."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A code as it is stored. `step` is what the traces that pass are ("judged"), `words` what those it stops are."""

    code: str
    included: bool
    step: str
    words: str


ACCEPTED = Reason("accepted", True, "", "judged acceptable")
CORRECTED = Reason("corrected", True, "", "taken with the corrected answer")
TAKEN_REJECTED = Reason("taken_unacceptable", True, "", "judged unacceptable, taken because the recipe asks for it")
TAKEN_UNJUDGED = Reason("taken_unjudged", True, "", "not judged, taken because the recipe asks for it")

ARCHIVED = Reason("archived", False, "Not archived", "archived")
REPLAY = Reason("replay", False, "Not made by a replay", "replays, which the filter does not ask for")
EMPTY = Reason("empty", False, "Have messages", "without any message")
CONTENT_OFF = Reason("content_off", False, "Content was recorded", "sent without content (capture was off)")
UNJUDGED = Reason("unjudged", False, "Judged", "not judged yet")
JUDGED = Reason("already_judged", False, "Not judged yet", "judged, while the recipe asks for unjudged ones")
STALE = Reason("stale", False, "Unchanged since judged", "changed after they were judged")
UNSURE = Reason("unsure", False, "Judged with certainty", "judged unsure")
UNACCEPTABLE = Reason("unacceptable", False, "Judged acceptable", "judged unacceptable")
NOT_WANTED = Reason(
    "not_wanted", False, "Judged as the recipe asks", "judged acceptable, while the recipe asks for others"
)
NO_USER = Reason("no_user_message", False, "Somebody asks something", "without a user message")
NO_ANSWER = Reason("no_assistant_message", False, "Have an answer", "without an answer")
DUPLICATE = Reason("duplicate", False, "Say something new", "equal to another row")
OVER_LIMIT = Reason("over_limit", False, "Within the limit", "over the limit")

OUT = (ARCHIVED, REPLAY, UNJUDGED, JUDGED, STALE, UNSURE, UNACCEPTABLE, NOT_WANTED, EMPTY, CONTENT_OFF, NO_USER, NO_ANSWER,
       DUPLICATE, OVER_LIMIT)  # fmt: skip
IN = (ACCEPTED, CORRECTED, TAKEN_REJECTED, TAKEN_UNJUDGED)
BY_CODE = {reason.code: reason for reason in (*IN, *OUT)}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the waterfall: `kept` traces are left after `dropped` went for `reason` (None: the start)."""

    label: str
    kept: int
    dropped: int = 0
    words: str = ""
    reason: str = ""
    outside: bool = False


def waterfall(counts: Mapping[str, object]) -> list[Step]:
    """How many traces of the project became rows, step by step; steps that dropped nothing are left out.

    `counts` is DatasetVersion.counts."""
    by_reason: Mapping[str, int] = counts["by_reason"]  # type: ignore[assignment]
    kept = int(counts["looked_at"])  # type: ignore[call-overload]
    total = int(counts.get("in_project", kept))  # type: ignore[call-overload]
    steps = [Step("In the project", total)]
    if total > kept:
        steps.append(Step("Match the filter", kept, total - kept, "outside the filter", outside=True))
    elif total < kept:
        steps = [Step("Match the filter", kept)]  # the filter asks for archived ones too
    for reason in OUT:
        if dropped := by_reason.get(reason.code, 0):
            kept -= dropped
            steps.append(Step(reason.step, kept, dropped, reason.words, reason.code))
    return steps
