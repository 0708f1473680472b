"""Questions that a queue asks beside the verdict. What is answered is kept as scores, so that filters find it."""

ERROR_TYPE = "error_type"
STRATEGY = "recovery_strategy"
STRATEGIES = {
    "clarify": "Ask the user",
    "retry": "Try again",
    "fallback": "Another way",
    "graceful_fail": "Say that it failed",
}
