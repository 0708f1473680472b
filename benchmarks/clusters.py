"""How long it takes to ask for topics by clustering, to work them out behind, to look at them, and to accept them.

    python -m benchmarks.clusters [--quick]

One project of 50,000 traces that have their signatures, each about one of 30 subjects: 24 words, two thirds of them of its
subject. Two topics are rules, so that what moves is counted. All traces are clustered into 8 and into 40. The requests are asked in
this process, middleware, access check, queries and templates included; the work is what the worker does, with its progress.
"""

import argparse
import os
import random
import sys
import time
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
os.environ.setdefault("WHETSTONE_TEST_DB", "whetstone_benchmark_clusters")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.report import Bar, Figure, Spread, report  # noqa: E402
from curation import tasks  # noqa: E402
from curation.datasets import topic_proposals, topics  # noqa: E402
from curation.datasets.selecting import prints  # noqa: E402
from curation.ingest.copying import copy_in  # noqa: E402
from curation.models import Clustering, RevisionSignature, Trace, TraceRevision, TraceTopic  # noqa: E402
from workspace.access import SYSTEM  # noqa: E402
from workspace.models import Membership, Project, User  # noqa: E402
from workspace.uuid7 import uuid7  # noqa: E402

FORM = "/p/benchmark/topics/clusters/"
SUBJECTS, WORDS, OWN = 30, 24, 16
BATCH = 5_000
ROUNDS = 3


def main() -> int:
    """Fill a database of its own, ask, work, look, accept, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 traces instead of 50,000")
    traces = 10_000 if parser.parse_args().quick else 50_000
    databases = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        client = fill(traces)
        tasks.propose_topics.apply_async = lambda *_, **options: None  # the work is done here, and timed
        client.get(FORM)  # templates and addresses are read once a process
        few = [proposed(client, 8) for _ in range(ROUNDS)]
        many = [proposed(client, 40) for _ in range(ROUNDS)]
        accepting = accept(client)
        given = TraceTopic.objects.count()
    finally:
        connection.close()
        teardown_databases(databases, verbosity=0)
    request, page = (Spread.of([one[place] for one in few + many]) for place in (0, 2))
    return report(
        "clusters",
        [
            Figure("traces", traces, "traces"),
            Figure("request_seconds", request, "s", note="asking, answered before anything is read"),
            Figure("work_8_seconds", Spread.of([one[1] for one in few]), "s", note="8 clusters: the worker, behind"),
            Figure("work_40_seconds", Spread.of([one[1] for one in many]), "s", note="40 clusters"),
            Figure("page_seconds", page, "s", note="the page of what was found"),
            Figure("accept_seconds", accepting, "s", note="all 40 accepted in one request"),
            Figure("given", given, "traces"),
        ],
        [
            Bar("request_seconds", request.high, at_most=1.0),
            Bar("page_seconds", page.high, at_most=1.0),
            Bar("given", given, at_least=traces),
        ],
    )


def proposed(client: Client, number: int) -> tuple[float, float, float]:
    """Seconds of the request, of the work, and of the page."""
    begun = time.perf_counter()
    answer = client.post(FORM, {"query": "", "number": number, "seed": 0})
    asking = time.perf_counter() - begun
    asked = Clustering.objects.get(status="waiting")
    begun = time.perf_counter()
    topic_proposals.work(asked.pk)
    working = time.perf_counter() - begun
    begun = time.perf_counter()
    shown = client.get(answer["Location"])
    looking = time.perf_counter() - begun
    if f"of {Trace.objects.count():,} traces".encode() not in shown.content:
        raise RuntimeError("not every trace is in a cluster")
    return asking, working, looking


def accept(client: Client) -> float:
    """Seconds until every cluster of the last proposal is a topic."""
    asked = Clustering.objects.get(status="done")
    ticked = range(asked.number)
    form: dict[str, Any] = {"act": "accept", "cluster": list(ticked)} | {f"name_{n}": f"Topic {n}" for n in ticked}
    begun = time.perf_counter()
    answer = client.post(f"{FORM}{asked.uid}/", form)
    if answer.status_code != 302:
        raise RuntimeError("the clusters were not accepted")
    return time.perf_counter() - begun


def fill(traces: int) -> Client:
    """That many traces with their signatures, and somebody who may cluster them."""
    settings.ALLOWED_HOSTS = ["testserver"]
    project = Project.objects.create(slug="benchmark", name="Benchmark")
    user = User.objects.create_user("bench@example.com", None, name="Bench")
    Membership.objects.create(project=project, user=user, role="engineer")
    chance = random.Random(7)
    known = ["".join(chance.choices("bcdfglmnprstaeiou", k=7)) for _ in range(3_000)]
    own = [chance.sample(known, 60) for _ in range(SUBJECTS)]
    with transaction.atomic():
        for start in range(1, traces + 1, BATCH):
            numbers = range(start, min(start + BATCH, traces + 1))
            texts = [
                " ".join(chance.choices(own[n % SUBJECTS], k=OWN) + chance.choices(known, k=WORDS - OWN))
                for n in numbers
            ]
            _copy(project, numbers, texts)
    topics.create(project=project, actor=SYSTEM, name="First", query="agent:agent-1")
    topics.create(project=project, actor=SYSTEM, name="Second", query="session:s17")
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    client = Client()
    client.force_login(user)
    return client


def _copy(project: Project, numbers: range, texts: list[str]) -> None:
    now = timezone.now()
    copy_in(
        model=Trace,
        columns=("id", "uid", "project_id", "external_id", "name", "session_id", "user_id", "task_id", "environment", "agent",
                 "model", "status", "received_at", "turns", "steps", "tool_calls", "errors", "tools", "tags", "metadata",
                 "preview", "input_fingerprint", "source_format", "revision_id", "verdict", "verdict_stale"),
        rows=((n, uuid7(), project.pk, f"t{n}", "", f"s{n // 3}", "", "", "", f"agent-{n % 5}", "", "unset", now, 1, 1, 0, 0,
               [], [], "{}", text, f"{n:032x}", "", n, "", False) for n, text in zip(numbers, texts, strict=True)),
    )  # fmt: skip
    copy_in(
        model=TraceRevision,
        columns=(
            "id",
            "trace_id",
            "number",
            "digest",
            "said_digest",
            "document",
            "import_notes",
            "source",
            "created_at",
        ),
        rows=((n, n, 1, str(n), "", "{}", "[]", "{}", now) for n in numbers),
    )
    found = prints.vectors([prints.words_in([text]) for text in texts])
    RevisionSignature.objects.bulk_create(
        RevisionSignature(revision_id=n, project=project, rules=0, vector=vector.tobytes())
        for n, vector in zip(numbers, found, strict=True)
    )


if __name__ == "__main__":
    sys.exit(main())
