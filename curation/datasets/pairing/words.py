"""Why two answers are no pair: the codes that are counted, with their words."""

from collections.abc import Mapping

SKIPS: dict[str, str] = {
    "single_candidate": "only one answer to the request",
    "single_attempt": "only one attempt at the task",
    "none_passed": "no attempt or candidate passed",
    "none_failed": "no attempt failed",
    "below_min_score": "no candidate reaches the least score",
    "similar_scores": "scores too close together",
    "not_scored": "without the grades that the choice needs",
    "not_scaled": "a grade without a declared range cannot be weighed",
    "empty_messages": "an answer that says nothing",
    "unfinished": "a candidate that was not generated to its end",
    "masked": "the better answer is masked, so it is not learned",
    "cut": "the step that somebody put right is cut",
    "only_system_shared": "only the system prompt is shared",
    "nothing_shared": "nothing is shared",
    "no_request": "nothing was asked before the answers part",
    "parted_at_user": "what the user said differs first",
    "parted_at_tool": "what a tool returned differs first",
    "one_ended": "one is the beginning of the other",
    "identical": "both say the same",
    "near_identical": "both say nearly the same",
    "different_prompts": "the candidates were asked different things",
    "tie": "a tie",
    "both_bad": "both are bad",
    "conflict": "people disagree which is better",
    "unsure": "judged unsure",
    "stale": "changed since it was said",
    "outside": "one side is outside of the filter",
    "over_most": "more pairs of the case than are taken",
    "not_tried": "combinations of large cases that were not looked at",
    "gone": "content that is not there any more",
}


def told(skips: Mapping[str, int], most: int = 6) -> str:
    """The largest counts in words."""
    first = sorted(skips.items(), key=lambda item: (-item[1], item[0]))[:most]
    return ", ".join(f"{count:,} × {SKIPS.get(code, code)}" for code, count in first)


def explain(counts: Mapping[str, object]) -> str:
    """Why no pair came out, and what to do (requirement 000-36). `counts` is what a version keeps under "pairs"."""
    text = (
        "No pair could be made. A pair needs two answers to the same request, one of them better: generate two or more "
        "candidates for each trace (candidates per case above 1), or supply several answers that were scored: attempts at "
        "the same task, edited answers, or preferences."
    )
    skips: Mapping[str, int] = counts.get("skipped") or {}  # type: ignore[assignment]
    return f"{text} What was found: {told(skips)}." if skips else f"{text} No trace of the filter has any of these."
