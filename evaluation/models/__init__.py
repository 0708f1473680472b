"""Suites of scenarios, models' answers to them, and comparisons."""

from evaluation.models.comparisons import Comparison
from evaluation.models.judging import JudgeCall, Judging
from evaluation.models.runs import Answer, AnswerScore, EvaluationAttempt, EvaluationRun
from evaluation.models.suites import Scenario, Suite

__all__ = [
    "Answer",
    "AnswerScore",
    "Comparison",
    "EvaluationAttempt",
    "EvaluationRun",
    "JudgeCall",
    "Judging",
    "Scenario",
    "Suite",
]
