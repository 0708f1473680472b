"""Training runs, what happened in them, and the models that came out."""

from training.models.processes import WorkerProcess
from training.models.registry import ModelVersion
from training.models.runs import Checkpoint, Metric, RunAttempt, RunEvent, TrainingRun

__all__ = [
    "Checkpoint",
    "Metric",
    "ModelVersion",
    "RunAttempt",
    "RunEvent",
    "TrainingRun",
    "WorkerProcess",
]
