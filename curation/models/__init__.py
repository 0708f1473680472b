"""Traces, what people and graders say of them, and the datasets made from them."""

from curation.models.datasets import Dataset, DatasetDecision, DatasetRow, DatasetVersion
from curation.models.inbox import RawRecord, Span
from curation.models.judgments import Correction, Feedback, Judgment, StepVerdict, Verdict
from curation.models.queues import QueueItem, ReviewQueue
from curation.models.scores import Score
from curation.models.traces import Step, Trace, TraceRevision

__all__ = [
    "Correction",
    "Dataset",
    "DatasetDecision",
    "DatasetRow",
    "DatasetVersion",
    "Feedback",
    "Judgment",
    "QueueItem",
    "RawRecord",
    "ReviewQueue",
    "Score",
    "Span",
    "Step",
    "StepVerdict",
    "Trace",
    "TraceRevision",
    "Verdict",
]
