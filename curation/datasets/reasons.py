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

# of tasks other than chat: what a task takes or cannot use
TAKEN = Reason("taken", True, "", "fit the task")
PAIRED = Reason("paired", True, "", "in a pair, with the better answer")
PAIRED_WORSE = Reason("paired_worse", True, "", "in a pair, with the worse answer")
UNSCORED = Reason("not_scored", False, "Measured as the task needs", "without the score that the task needs")
WRONG_TOOLS = Reason("wrong_tools", False, "Called the right tools", "with the wrong tools called")
LOW_QUALITY = Reason("low_quality", False, "Good enough for the task", "below the quality that the task takes")
NO_RESULTS = Reason("no_tool_results", False, "Called tools", "without any tool result")
NOT_ANSWERED = Reason("recovery_not_said", False, "Somebody said how to recover", "without a word on how to recover")
NOT_CORRECTED = Reason("not_corrected", False, "Edited by somebody", "without an edited answer")
OTHER_MODEL = Reason("other_model", False, "Made by the teacher", "made by another model")
NOT_PASSED = Reason("not_passed", False, "Passed the measure", "without passing the measure")
LOW_REWARD = Reason("low_reward", False, "Enough reward", "with too little reward")
TOO_SHORT = Reason("too_few_steps", False, "Enough steps", "with too few steps")
TOO_LONG = Reason("too_many_steps", False, "Not too many steps", "with too many steps")
FEW_TOOLS = Reason("few_tools", False, "Used tools", "with too few tool calls")
SHUT_OUT = Reason("excluded_action", False, "Without excluded tools", "with a call of an excluded tool")
NO_REFERENCE = Reason("no_reference", False, "Say what is right", "without what the graders need")
NO_LABEL = Reason("no_label", False, "Judged by somebody", "without a judgment that says wanted or not")
MASKED = Reason("target_masked", False, "Have a target that is learned", "with a masked step as the target")
UNPAIRED = Reason("no_pair", False, "Make a pair", "without a partner for a pair")
OF_TASKS = (UNSCORED, WRONG_TOOLS, LOW_QUALITY, NO_RESULTS, NOT_ANSWERED, NOT_CORRECTED, OTHER_MODEL, NOT_PASSED, LOW_REWARD,
            TOO_SHORT, TOO_LONG, FEW_TOOLS, SHUT_OUT, NO_REFERENCE, NO_LABEL, MASKED, UNPAIRED)  # fmt: skip

ANSWERED = Reason("taken_generated", True, "", "taken with a generated answer")

# what a recipe asks beside the judgments
MEASURE = Reason("measure", False, "Measured as the recipe asks", "left out by a measure of the recipe")
QUALITY = Reason("under_quality", False, "Of enough quality", "below the least quality, or of unknown quality")
CONFIDENCE = Reason(
    "under_confidence", False, "Validated with enough confidence", "below the least confidence, or not validated"
)
GATE = Reason("gate", False, "Pass every gate", "stopped by a gate")
NO_SCORE = Reason("score_missing", False, "Have the required scores", "without a score that the recipe requires")
MIN_SCORE = Reason("under_min_score", False, "Reach the least weighted score", "below the least weighted score")
NO_GENERATED = Reason("no_generated_answer", False, "Have a generated answer", "without a generated answer")
FAILED = Reason("failed", False, "Could be read", "with a check that raised an error")
LATER = Reason(
    "not_looked_at",
    False,
    "Looked at",
    "with text that is still being read in the background; freezing reads it at once",
)
PERSONAL = Reason("personal_data", False, "Without personal data", "with personal data")
NEAR = Reason("near_duplicate", False, "Say something different", "nearly equal to another row")
LENGTH = Reason("unusual_length", False, "Of usual length", "much longer or shorter than the others")
UNLIKE = Reason("unlike_others", False, "Like some others", "unlike all others")
OVER_BALANCE = Reason("over_balance", False, "Within the balance", "beyond what balance leaves to one value")
NOT_CORESET = Reason("not_in_coreset", False, "In the coreset", "left out by the coreset")
NOT_MIXED = Reason("not_in_mix", False, "In the mix", "over their share of the mix, or not in it")
NOT_BEST = Reason("not_among_best", False, "Among the best", "beyond the most that is taken")
HELD = Reason("held_out", False, "Not held out", "held out for tests, in this version or an earlier one")
NEAR_HELD = Reason("near_held_out", False, "Not like a held-out one", "nearly equal to a held-out trace")

OUT = (ARCHIVED, REPLAY, UNJUDGED, JUDGED, STALE, UNSURE, UNACCEPTABLE, NOT_WANTED, MEASURE, QUALITY, CONFIDENCE, GATE,
       NO_SCORE, MIN_SCORE, EMPTY, NO_GENERATED, CONTENT_OFF, NO_USER, NO_ANSWER, *OF_TASKS, FAILED, LATER, PERSONAL,
       DUPLICATE, NEAR, LENGTH, UNLIKE, OVER_BALANCE, NOT_CORESET, NOT_MIXED, NOT_BEST, OVER_LIMIT, HELD,
       NEAR_HELD)  # fmt: skip
IN = (ACCEPTED, CORRECTED, TAKEN_REJECTED, TAKEN_UNJUDGED, ANSWERED, TAKEN, PAIRED, PAIRED_WORSE)
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
