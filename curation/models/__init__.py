"""Traces, what people and graders say of them, and the datasets made from them."""

from curation.models.batches import Batch, BatchItem
from curation.models.comments import Comment, Mention
from curation.models.datasets import Dataset, DatasetDecision, DatasetRow, DatasetVersion
from curation.models.follow_ups import FollowUp, WaitingWord
from curation.models.freezings import Freezing
from curation.models.graders import Grader, GraderVersion
from curation.models.inbox import RawRecord, Span
from curation.models.judgments import Correction, Feedback, Judgment, StepVerdict, Verdict
from curation.models.pairs import Pair, PairQueue
from curation.models.personal_data import Erasure, IntakeRules, PersonalData
from curation.models.preferences import Preference
from curation.models.queues import QueueItem, ReviewQueue
from curation.models.replays import Replay
from curation.models.rollups import DirtyHour, Rollup
from curation.models.scores import Score
from curation.models.search import TraceText
from curation.models.selection import ReplayBuffer, ReplayBufferRow, RevisionSignature, StepUse
from curation.models.topics import Clustering, Topic, TraceTopic
from curation.models.traces import Step, Trace, TraceRevision
from curation.models.trials import Trial, TrialItem
from curation.models.views import BulkAct, BulkChange, SavedView

__all__ = [
    "Batch",
    "BatchItem",
    "BulkAct",
    "BulkChange",
    "Clustering",
    "Comment",
    "Correction",
    "Dataset",
    "DatasetDecision",
    "DatasetRow",
    "DatasetVersion",
    "DirtyHour",
    "Erasure",
    "Feedback",
    "FollowUp",
    "Freezing",
    "Grader",
    "GraderVersion",
    "IntakeRules",
    "Judgment",
    "Mention",
    "Pair",
    "PairQueue",
    "PersonalData",
    "Preference",
    "QueueItem",
    "RawRecord",
    "Replay",
    "ReplayBuffer",
    "ReplayBufferRow",
    "ReviewQueue",
    "RevisionSignature",
    "Rollup",
    "SavedView",
    "Score",
    "Span",
    "Step",
    "StepUse",
    "StepVerdict",
    "Topic",
    "Trace",
    "TraceRevision",
    "TraceText",
    "TraceTopic",
    "Trial",
    "TrialItem",
    "Verdict",
    "WaitingWord",
]
