"""A small project with one of everything, and the address of every page that can be opened in it."""

from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone

from curation.datasets import build as build_dataset
from curation.datasets import topics
from curation.datasets.recipe import Recipe
from curation.models import Batch, BatchItem, Clustering, Freezing, GraderVersion, Pair, Score, Trace, Trial, TrialItem
from curation.pairs import queues as pair_queues
from curation.review import queues
from curation.scoring import keep
from evaluation.compare import request as comparisons
from evaluation.compare.decide import Rules
from evaluation.judging.agree import Agreed
from evaluation.models import AnswerScore, Comparison, JudgeCall
from evaluation.runs.request import read_settings
from evaluation.suites import build as suites
from tests import make
from training.models import Checkpoint, Metric, RunAttempt, RunEvent
from workspace import lineage
from workspace.access import SYSTEM, Actor
from workspace.lineage import Node
from workspace.models import Connection, Project, User


def build(project: Project, reviewer: User, *, size: int = 5) -> dict[str, str]:
    """Fill the project; `size` is the number of rows in each list. Returns {page name: address}."""
    traces = [make.trace(project, session_id=f"s{n}", tags=["one", "two"]) for n in range(size)]
    for number, trace in enumerate(traces[: size // 2]):
        make.judgment(trace, reviewer, verdict=("acceptable", "unacceptable", "unsure")[number % 3])
    queue = queues.default_queue(project=project)
    version = build_dataset.freeze(
        project=project,
        name="support",
        query_text="",
        actor=SYSTEM,
        recipe=Recipe(judgments=("acceptable", "unjudged")),
    )
    run = _run(project, version, size)
    tuned = make.model(project, "tuned", base=run.base, run=run)
    lineage.link(project=project, source=Node("dataset_version", str(version.uid)), target=Node("run", str(run.uid)))
    lineage.link(project=project, source=Node("run", str(run.uid)), target=Node("model", str(tuned.uid)))
    comparison = _comparison(project, size)
    for number in range(size):
        make.model(project, f"model-{number}")
        make.run(project, version=version, status="failed", status_reason="It ran out of memory.")
    for number in range(size):
        frozen = Freezing.objects.create(
            project=project,
            name=f"set-{number}",
            author="world",
            status="working",
            stage="writing",
            done=4_000,
            total=9_000,
        )
    item = queues.lease_next(queue=queue, user=reviewer)
    pair = _pair(project, traces, reviewer)
    names: dict[str, list[Any]] = {
        "curation:traces": [], "curation:trace-figures": [], "curation:upload": [], "curation:review": [],
        "curation:mentions": [], "curation:datasets": [], "curation:validate": [], "curation:replay-buffers": [],
        "curation:charts": [], "curation:freezing": [frozen.uid],
        "curation:dataset-new": [], "training:runs": [], "training:run-new": [], "training:models": [],
        "evaluation:comparisons": [], "evaluation:comparison-new": [], "evaluation:over-time": [], "workspace:settings": [],
        "workspace:audit": [],
        "curation:trace": [traces[0].uid], "curation:dataset-version": [version.dataset.name, version.number],
        "curation:dataset-row": [version.dataset.name, version.number, 1],
        "curation:dataset-held-out": [version.dataset.name, version.number],
        "curation:review-item": [queue.slug, item or ""], "curation:queue": [queue.slug],
        "training:run": [run.uid], "training:model": [tuned.uid], "evaluation:comparison": [comparison.uid],
    }  # fmt: skip
    names["curation:pairs"], names["curation:pair"] = [], ["duels", pair.uid]
    names["curation:tool-views"] = []
    names |= _graders(project, traces)
    names |= _topics(project, traces)
    names["curation:trace-becomes"] = names["curation:trace-timeline"] = [traces[0].uid]
    addresses = {name: reverse(name, args=[project.slug, *arguments]) for name, arguments in names.items()}
    replay = make.replay(traces[0], reviewer)
    diff, again = (
        reverse("curation:trace-diff", args=[project.slug]),
        reverse("curation:replay", args=[project.slug, replay.uid]),
    )
    begin = reverse("curation:trace-replay", args=[project.slug, traces[0].uid])
    addresses |= _trials(addresses["curation:grader-version"], traces)
    addresses |= _clusterings(project, traces)
    return addresses | {
        "curation:trace-diff": f"{diff}?left={traces[0].uid}&right={traces[1].uid}",
        "curation:trace-replay": f"{begin}?step={replay.step_key}",
        "curation:replay": again,
    }


def _pair(project: Project, traces: list[Trace], actor: User) -> Pair:
    """A queue with one pair of two of these."""
    wanted = pair_queues.Wanted("Duels", criteria=("Fixes the cause",), instructions="Longer is no better")
    queue, _ = pair_queues.create(project=project, actor=Actor(user=actor), wanted=wanted)
    return Pair.objects.create(
        queue=queue, left_trace=traces[0], right_trace=traces[1], is_flipped=True, reason=pair_queues.SAME_TASK
    )


def _graders(project: Project, traces: list[Trace]) -> dict[str, list[Any]]:
    """A grader used and changed since, with a score, a batch and a row of it for each trace; another one as a draft."""
    definition = {"type": "regex", "name": "Polite", "pattern": "thanks"}
    goal = {"tone": "Friendly."}
    used = keep.create(project=project, name="Polite", definition=definition, goal=goal, actor=SYSTEM)
    keep.confirm(version=used, actor=SYSTEM, tried={"n": 5, "mean": 0.4, "half_width": 0.3, "rows": []})
    keep.change(grader=used.grader, definition=definition | {"pattern": "please"}, goal=goal, actor=SYSTEM)
    for trace in traces:
        keep.create(project=project, name=f"Says {trace.pk}", definition=definition, goal=goal, actor=SYSTEM)
    batch = Batch.objects.create(
        project=project, kind="grade", grader_version=used, status="done", total=len(traces), author="world"
    )
    for number, trace in enumerate(traces):
        BatchItem.objects.create(batch=batch, trace=trace, revision=trace.revision, status="done")
        Score.objects.create(
            project=project, trace=trace, revision=trace.revision, name="polite", number=number % 2, low=0, high=1,
            passed=number % 2 == 1, source="code", author="polite@1", grader_version="polite@1",
            external_id=f"grader:{used.uid}:{trace.revision_id}", reason="It says so.",
        )  # fmt: skip
    return {
        "curation:graders": [], "curation:grader-new": [], "curation:batches": [], "curation:candidates-new": [],
        "curation:grader": ["polite"], "curation:grader-change": ["polite"],
        "curation:grader-version": ["polite", 1], "curation:batch": [batch.uid],
    }  # fmt: skip


def _trials(page: str, traces: list[Trace]) -> dict[str, str]:
    """A trial in each state that a page can have: one that runs, and one that was cancelled with an answer unknown."""
    version = GraderVersion.objects.get(grader__project=traces[0].project, grader__slug="polite", number=1)
    found = {}
    for status, states in (("running", ("done", "asking")), ("cancelled", ("done", "done", "unknown"))):
        rest = "waiting" if status == "running" else "cancelled"
        samples = traces[:20]
        trial = Trial.objects.create(
            project=version.grader.project, version=version, seed=1, query="agent:support", total=len(samples), status=status,
            author="world", idempotency_key=status,
        )  # fmt: skip
        for place, trace in enumerate(samples):
            one = states[place] if place < len(states) else rest
            TrialItem.objects.create(
                trial=trial, ordinal=place, trace=trace, revision=trace.revision, status=one,
                score=place / 2 if one == "done" else None, reason="It says so." if one == "done" else "",
                error="It was not asked." if one == "cancelled" else "", ms=1_200 if one == "done" else None,
            )  # fmt: skip
        found[f"curation:grader-version {status}"] = f"{page}?trial={trial.uid}"
    return found


def _topics(project: Project, traces: list[Trace]) -> dict[str, list[Any]]:
    """A topic by rule for each trace, the first with one given by hand, and one below it."""
    for trace in traces:
        topics.create(
            project=project,
            actor=SYSTEM,
            name=f"Topic {trace.pk}",
            query=f"id:{trace.external_id}",
            slug=f"t{trace.pk}",
        )
    topics.create(project=project, actor=SYSTEM, name="Below", parent=f"t{traces[0].pk}", query="tag:none")
    topics.create(project=project, actor=SYSTEM, name="Orders", query="tag:one")
    topics.give(trace=traces[0], slug="orders", actor=SYSTEM)
    return {
        "curation:topics": [], "curation:topic": ["orders"], "curation:topic-clusters": [],
        "curation:dataset-diff": ["support"],
    }  # fmt: skip


def _clusterings(project: Project, traces: list[Trace]) -> dict[str, str]:
    """Clusters in each state that a page can have: failed, replaced, kept, and being worked out."""
    known = topics.of_project(project)
    cluster = {
        "name": "Refund card", "words": ["refund", "card"], "size": len(traces), "examples": [str(traces[0].uid)],
        "before": [[topic.pk, how, 3] for topic, how in zip(known, ("rule", "hand", "cluster"), strict=False)],
    }  # fmt: skip
    told = {"clusters": [cluster] * 3, "matching": 90_000, "without": 40, "digest": "", "tree": ""}
    found = {}
    for status in ("failed", "replaced", "done", "working"):
        made = Clustering.objects.create(
            project=project, query="-topic:*", number=3, until=0, status=status, stage="naming", done=20_000, total=50_000,
            author="world", error="2 traces are too few for 3 clusters." if status == "failed" else "",
            found=told if status == "done" else None,
        )  # fmt: skip
        address = reverse("curation:clustering", args=[project.slug, made.uid])
        found["curation:clustering" if status == "done" else f"curation:clustering {status}"] = address
    return found


def _run(project: Project, version: Any, size: int) -> Any:
    run = make.run(project, version=version, status="succeeded", step=size, total_steps=size, ended_at=timezone.now())
    attempt = RunAttempt.objects.create(
        run=run, number=1, status="exited", folder="", exit_code=0, ended_at=timezone.now()
    )
    Metric.objects.bulk_create(
        Metric(attempt=attempt, name=name, step=step, value=3 / step)
        for name in ("loss", "eval_loss")
        for step in range(1, size + 1)
    )
    now = timezone.now()
    RunEvent.objects.bulk_create(
        RunEvent(attempt=attempt, seq=seq, kind="warning", payload={"message": "one row is long"}, at=now)
        for seq in range(size)
    )
    Checkpoint.objects.create(attempt=attempt, step=size, path="checkpoint", created_at=now)
    return run


def _comparison(project: Project, size: int) -> Comparison:
    version = make.dataset_version(
        project, train=1, validation=0, test=max(size, 4), name="asked", said=make.tool_document
    )
    suite = suites.make(_judged(project, version), actor=SYSTEM)
    base, candidate = make.model(project, "before"), make.model(project, "after")
    make.answered(suite, base, lambda position: position % 2 == 0)
    make.answered(suite, candidate, lambda position: position % 4 != 1)
    found = comparisons.request_comparison(
        suite=suite, baseline=base, candidate=candidate, settings=read_settings({}), rules=Rules(),
        agreed=Agreed(Decimal(1)), actor=SYSTEM,
    )  # fmt: skip
    comparisons.settle(found)
    # what a judge would have said: some of it cannot be read
    asked = JudgeCall.objects.filter(answer__run__suite=suite)
    asked.update(status="done", cost_usd=Decimal("0.0001"), prompt={"model": "judge-1"})
    asked.filter(pk__in=asked.order_by("-pk").values("pk")[:2]).update(
        status="failed", error="The judge's answer is not JSON: I like it."
    )
    AnswerScore.objects.bulk_create(
        AnswerScore(answer_id=call.answer_id, grader="kind", version="v", value=0.5, reason="It says so.")
        for call in asked.filter(status="done")
    )
    comparisons.settle(found)
    found.refresh_from_db()
    return found


def _judged(project: Project, version: Any) -> suites.Plan:
    """A suite that a model judges, too."""
    line = Connection.objects.create(project=project, name="Judges", base_url="https://judges.example/v1")
    definition = {
        "type": "score_model", "name": "kind", "model": "judge-1",
        "input": [{"role": "user", "content": "How kind is {{ sample.output_text }}?"}],
    }  # fmt: skip
    judge = keep.create(
        project=project, name="Kind", definition=definition, goal={"tone": "Kind."}, connection=line, actor=SYSTEM
    )
    keep.confirm(version=judge, actor=SYSTEM, tried={})
    calls = {"type": "tool_call", "name": "tool calls", "arguments": "equal"}
    return suites.plan(version=version, graders=[calls, definition], judges={"kind": str(judge.uid)})
