"""How long it takes to see what a recipe would give, before and after the signatures of the texts are there, and to freeze.

    python -m benchmarks.preview [--quick]

One project, every trace judged, three scores and a document of about 2 kB each. The plain recipe looks at judgments alone;
the full one has gates, a composite, near-duplicates, a balance and a coreset. Only the first preview reads documents.
"""

import argparse
import os
import random
import sys
import time
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
os.environ.setdefault("WHETSTONE_TEST_DB", "whetstone_benchmark_preview")

import django

django.setup()

import orjson  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.report import Bar, Figure, report  # noqa: E402
from curation.datasets import build, recipe  # noqa: E402
from curation.datasets.selecting import candidates, choose, signatures  # noqa: E402
from curation.ingest.copying import copy_in  # noqa: E402
from curation.messages.form import message  # noqa: E402
from curation.models import Judgment, Score, Trace, TraceRevision  # noqa: E402
from workspace.access import Actor  # noqa: E402
from workspace.models import Project  # noqa: E402
from workspace.uuid7 import uuid7  # noqa: E402

FULL = {
    "gates": [{"score": "safety", "operator": "gte", "threshold": 0.2}],
    "weights": {"quality": 2, "tone": 1},
    "min_score": 0.2,
    "dedupe": "near",
    "balance": {"field": "agent"},
    "coreset": {"strategy": "diversity", "size": 1000},
}
BATCH = 5_000


def main() -> int:
    """Fill a database of its own, look, freeze, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="6,000 traces instead of 100,000")
    traces = 6_000 if parser.parse_args().quick else 100_000
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        project = fill(traces)
        narrow = min(seconds(lambda: columns(project)) for _ in range(3))
        first = seconds(lambda: look(project, {}))
        second = min(seconds(lambda: look(project, {})) for _ in range(3))
        full = min(seconds(lambda: look(project, FULL)) for _ in range(2))
        page = seconds(lambda: left(project))
        frozen = seconds(lambda: freeze(project, {}))
    finally:
        teardown_databases(databases, verbosity=0)
    return report(
        "preview",
        [
            Figure("traces", traces, "traces"),
            Figure("sql_seconds", narrow, "s", note="columns, judgments, corrections, scores"),
            Figure("first_seconds", first, "s", note=f"signatures worked out, {first / traces * 1000:.2f} ms each"),
            Figure("second_seconds", second, "s", note="the same recipe again"),
            Figure("full_seconds", full, "s", note="gates, composite, near-duplicates, balance, coreset of 1,000"),
            Figure("left_seconds", page, "s", note="a page of what left at one step"),
            Figure("freeze_seconds", frozen, "s", note="decide, place, write rows and decisions"),
        ],
        [
            Bar("sql_seconds", narrow, at_most=2.0),
            Bar("second_seconds", second, at_most=2.0),
            Bar("second_to_first", second / first, at_most=0.2),
        ],
    )


def seconds(act: Any) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def columns(project: Project) -> None:
    """What the SQL steps read."""
    with choose.rare_collections():
        found = candidates.in_order(Trace.objects.filter(project=project), recipe.Recipe(), None)
        candidates.add_words(found)
        candidates.add_corrections(found)
        candidates.scores_of(found, ["safety", "quality", "tone"])


def look(project: Project, given: dict[str, Any]) -> build.Preview:
    """A preview without a bound on its time."""
    return build.preview(project=project, query_text="", recipe=recipe.parse(given), seconds=None)


def left(project: Project) -> None:
    """The page behind one step."""
    build.left(project=project, query_text="", recipe=recipe.parse(FULL), reason="gate")


def freeze(project: Project, given: dict[str, Any]) -> None:
    """A version."""
    build.freeze(project=project, name="benchmark", query_text="", actor=Actor(), recipe=recipe.parse(given))


def fill(traces: int) -> Project:
    """That many judged and scored traces, without signatures."""
    chance = random.Random(7)
    words = [
        f"{chance.choice('bcdfglmnprst')}{chance.choice('aeiou')}{chance.choice('nrstlk')}{n}" for n in range(3_000)
    ]
    project = Project.objects.create(slug="benchmark", name="Benchmark")
    earlier = ""
    with transaction.atomic():
        for start in range(1, traces + 1, BATCH):
            numbers = range(start, min(start + BATCH, traces + 1))
            now = timezone.now()
            texts = []
            for n in numbers:
                text = earlier if n % 20 == 0 else orjson.dumps(document(n, chance, words)).decode()
                texts.append(text)
                earlier = text
            copy_in(
                model=Trace,
                columns=_TRACE,
                rows=(_trace(project, n, now) for n in numbers),
            )
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
                rows=((n, n, 1, str(n), "", text, "[]", "{}", now) for n, text in zip(numbers, texts, strict=True)),
            )
            copy_in(
                model=Judgment,
                columns=("uid", "project_id", "trace_id", "revision_id", "author", "verdict", "note", "adjudicated",
                         "idempotency_key", "created_at"),
                rows=((uuid7(), project.pk, n, n, "Rita", "acceptable", "", False, "", now) for n in numbers),
            )  # fmt: skip
            copy_in(
                model=Score,
                columns=("project_id", "trace_id", "revision_id", "name", "number", "category", "reason", "source", "author",
                         "grader_version", "external_id", "created_at"),
                rows=((project.pk, n, n, name, chance.random(), "", "", "code", "", "", "", now)
                      for n in numbers for name in ("quality", "safety", "tone")),
            )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    signatures.rules()
    return project


_TRACE = ("id", "uid", "project_id", "external_id", "name", "session_id", "user_id", "task_id", "environment", "agent", "model",
          "status", "received_at", "turns", "steps", "tool_calls", "errors", "tools", "tags", "metadata", "preview",
          "input_fingerprint", "source_format", "revision_id", "verdict", "verdict_stale")  # fmt: skip


def _trace(project: Project, n: int, now: Any) -> tuple[Any, ...]:
    return (n, uuid7(), project.pk, f"t{n}", "", f"s{n // 3}", "", "", "", f"agent-{n % 5}", "", "unset", now, 1, 1, 0, 0, [], [],
            "{}", "", f"{n:032x}", "", n, "acceptable", False)  # fmt: skip


def document(number: int, chance: random.Random, words: list[str]) -> Any:
    """Two questions and answers, one tool call; about 2 kB."""
    call = {"id": "c0", "name": "get_order", "arguments": f'{{"id": "{number}"}}'}
    said = [
        message("system", "You help customers of a shop."),
        message("user", " ".join(chance.choices(words, k=40))),
        message("assistant", "", tool_calls=[call], latency_ms=400),
        message("tool", '{"status": "' + " ".join(chance.choices(words, k=30)) + '"}', tool_call_id="c0"),
        message("assistant", " ".join(chance.choices(words, k=60)), latency_ms=700),
        message("user", " ".join(chance.choices(words, k=25))),
        message("assistant", " ".join(chance.choices(words, k=60)), latency_ms=700),
    ]
    return {"conversations": [{"id": "main", "name": "", "kind": "main", "messages": said, "tools": []}]}


if __name__ == "__main__":
    sys.exit(main())
