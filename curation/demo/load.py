"""Stores the generated traces in a project, with judgments, corrections and feedback as if they had been given then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from curation import effective
from curation.datasets import topics
from curation.demo.generate import generate
from curation.demo.outcome import DemoTrace
from curation.ingest import store
from curation.models import Correction, Feedback, Grader, Judgment, Score, Trace
from curation.review import corrections, judgments, queues
from curation.scoring import batches, keep, trial
from workspace.access import SYSTEM, Actor
from workspace.models import Project, User
from workspace.uuid7 import uuid7

REVIEWERS = 3
# name, rule, and the topic that it stands below
TOPICS = (
    ("Shop", "agent:fernhill-support", ""),
    ("Refunds", "agent:fernhill-support tool:refund_order", "shop"),
    ("Returns", "agent:fernhill-support tool:create_return_label,create_replacement", "shop"),
    ("Parcels", "agent:fernhill-support tool:track_parcel", "shop"),
    ("Code", "agent:patchwork", ""),
)
GRADER = {"type": "no_error", "name": "Nothing failed"}
GOAL = {"rules": "No call of a tool fails on the way to the answer."}


@dataclass(slots=True)
class Loaded:
    """How many rows of each kind the project holds because of the demo."""

    traces: int = 0
    judgments: int = 0
    corrections: int = 0
    feedback: int = 0


def load(*, project: Project, reviewers: Sequence[User], now: datetime, seed: int = 11) -> Loaded:
    """Store all generated traces in `project`. The same `now` again adds nothing, so what is missing is repaired.

    Raises ValueError where the project is not marked as demo or there are not three reviewers.
    """
    if not project.is_demo:
        raise ValueError(f"The project {project.slug} holds real data; generated traces go into a demo project only.")
    if len(reviewers) != REVIEWERS:
        raise ValueError(f"The demo has {REVIEWERS} reviewers; got {len(reviewers)}.")
    loaded = Loaded()
    with transaction.atomic():
        for row in generate(now=now, seed=seed):
            store.store_trace(project=project, parsed=row.trace, received_at=row.received_at)
            trace = Trace.objects.only("uid", "revision_id").get(project=project, external_id=row.trace.external_id)
            Score.objects.filter(trace=trace).update(created_at=row.received_at)
            loaded.traces += 1
            loaded.judgments += _judge(project, trace, row, reviewers)
            loaded.corrections += _correct(project, trace, row, reviewers)
            loaded.feedback += _comment(project, trace, row)
        queues.default_queue(project=project)
        _topics(project)
    _grader(project, Actor(user=reviewers[0]))
    return loaded


def _grader(project: Project, actor: Actor) -> None:
    """One that asks nobody, tried, confirmed and run over all traces, so that its agreement with the reviewers can be seen;
    nothing where somebody made graders already."""
    if Grader.objects.filter(project=project).exists():
        return
    version = keep.create(project=project, name=GRADER["name"], definition=GRADER, goal=GOAL, actor=actor)
    tried = trial.start(version=version, query="", seed=0, n=5, actor=actor, key="demo")
    trial.work(tried.pk, 60)
    keep.confirm(version=version, actor=actor, tried=trial.read(tried).plain())
    batch = batches.start(project=project, version=version, query="", actor=actor, key="demo")
    batches.work(batch.pk, 60)


def _topics(project: Project) -> None:
    """What the traces are about, by rules; nothing where somebody made topics already."""
    if topics.of_project(project):
        return
    for name, query, parent in TOPICS:
        topics.create(project=project, actor=SYSTEM, name=name, query=query, parent=parent)


def _judge(project: Project, trace: Trace, row: DemoTrace, reviewers: Sequence[User]) -> int:
    for number, opinion in enumerate(row.opinions):
        user = reviewers[opinion.reviewer]
        judgments.check(verdict=opinion.verdict, rating=opinion.rating, note=opinion.note)
        # the layer below judgments.record, which dates a judgment to this moment
        effective.record(
            effective.Words(
                uid=uuid7(),
                project=project.pk,
                trace=trace.pk,
                revision=trace.revision_id or 0,
                user=user.pk,
                token=None,
                author=Actor(user=user).label,
                verdict=opinion.verdict,
                rating=opinion.rating,
                note=opinion.note,
                adjudicated=False,
                key=f"demo:{row.trace.external_id}:{number}",
                at=opinion.at,
                seconds=opinion.seconds,
            )
        )
    return Judgment.objects.filter(trace=trace).count() if row.opinions else 0


def _correct(project: Project, trace: Trace, row: DemoTrace, reviewers: Sequence[User]) -> int:
    if not row.corrected:
        return 0
    made = corrections.correct(
        project=project, actor=Actor(user=reviewers[row.corrected_by]), trace_uid=trace.uid, text=row.corrected
    )
    if made is None:
        return 0
    # judged in the same sitting
    Correction.objects.filter(pk=made.pk).update(created_at=row.opinions[-1].at + timedelta(seconds=1))
    return 1


def _comment(project: Project, trace: Trace, row: DemoTrace) -> int:
    for said in row.feedback:
        known = Feedback.objects.filter(trace=trace, author=said.author, rating=said.rating, comments=said.comments)
        if known.exists():
            continue
        made = Feedback.objects.create(
            project=project,
            trace=trace,
            author=said.author,
            rating=said.rating,
            aspects=said.aspects,
            comments=said.comments,
            suggested_response=said.suggested_response,
        )
        Feedback.objects.filter(pk=made.pk).update(created_at=said.at)
    return len(row.feedback)
