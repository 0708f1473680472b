"""How fast a frozen version is written as JSONL, beside the barest script that could do it.

    python -m benchmarks.export [--quick]

The bare script reads the same rows by a server-side cursor of psycopg, parses each document with orjson, builds the
same OpenAI chat lines for this one shape of document, and knows nothing of corrections, splits, other kinds of
content or line separators. Both run in one process against one server, in alternating pairs.
"""

import argparse
import os
import random
import sys
import time
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
os.environ.setdefault("WHETSTONE_TEST_DB", "whetstone_benchmark_export")

import django

django.setup()

import orjson  # noqa: E402
import psycopg  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.report import Bar, Figure, Spread, alternate, report  # noqa: E402
from curation.datasets import build, export, stored  # noqa: E402
from curation.messages.form import message  # noqa: E402
from curation.models import DatasetVersion, Judgment, Trace, TraceRevision  # noqa: E402
from workspace.access import Actor  # noqa: E402
from workspace.models import Project  # noqa: E402

WORDS = [
    "order",
    "refund",
    "parcel",
    "address",
    "invoice",
    "please",
    "check",
    "status",
    "arrived",
    "Monday",
    "depot",
    "customer",
]
TOOL = {
    "name": "get_order",
    "description": "Look an order up",
    "parameters": '{"type": "object", "properties": {"id": {"type": "string"}}}',
}
BATCH = 1_000


def main() -> int:
    """Fill a database of its own, freeze, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3,000 rows instead of 20,000")
    options = parser.parse_args()
    rows, pairs = (3_000, 5) if options.quick else (20_000, 7)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        version, freezing = fill(rows)
        size = sum(map(len, export.write_jsonl(version, "openai-sft")))  # also warms both
        bare(version)
        ours, script, ratios = alternate(
            lambda: rows / ours_seconds(version), lambda: rows / bare_seconds(version), pairs=pairs
        )
        trl = [rows / ours_seconds(version, "trl-sft") for _ in range(3)]
    finally:
        teardown_databases(databases, verbosity=0)
    ratio = Spread.of(ratios)
    return report(
        "export",
        [
            Figure("rows", rows, "rows", note=f"{size / rows:,.0f} bytes a line"),
            Figure("rows_per_second", Spread.of(ours), "rows/s", note="openai-sft"),
            Figure("trl_rows_per_second", Spread.of(trl), "rows/s", note="trl-sft"),
            Figure("bare_rows_per_second", Spread.of(script), "rows/s", note="server cursor, orjson"),
            Figure("ratio_to_bare_script", ratio, "", note="of each pair"),
            Figure("megabytes_per_second", round(size / rows * Spread.of(ours).median / 1e6, 1), "MB/s"),
            Figure(
                "freeze_rows_per_second", round(rows / freezing), "rows/s", note="decide, check for two formats, write"
            ),
        ],
        [Bar("ratio_to_bare_script", ratio.median, at_least=0.5)],
    )


def fill(rows: int) -> tuple[DatasetVersion, float]:
    """That many judged traces and the version frozen from them, with the seconds that freezing took."""
    chance = random.Random(7)
    project = Project.objects.create(slug="benchmark", name="Benchmark")
    for start in range(0, rows, BATCH):
        numbers = range(start, min(start + BATCH, rows))
        traces = Trace.objects.bulk_create(
            Trace(
                project=project, external_id=f"t{n}", session_id=f"s{n // 3}", received_at=timezone.now(), verdict="acceptable",
                input_fingerprint=f"{n:032x}",
            )
            for n in numbers
        )  # fmt: skip
        revisions = TraceRevision.objects.bulk_create(
            TraceRevision(trace=trace, number=1, digest=trace.external_id, document=document(n, chance))
            for n, trace in zip(numbers, traces, strict=True)
        )
        for trace, revision in zip(traces, revisions, strict=True):
            trace.revision = revision
        Trace.objects.bulk_update(traces, ["revision"])
        Judgment.objects.bulk_create(
            Judgment(project=project, trace=trace, revision=trace.revision, author="Rita", verdict="acceptable")
            for trace in traces
        )
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    begun = time.perf_counter()
    version = build.freeze(project=project, name="benchmark", query_text="", actor=Actor())
    return version, time.perf_counter() - begun


def document(number: int, chance: random.Random) -> Any:
    """System, three turns with a tool call each, about 3 kB."""
    said = [message("system", " ".join(chance.choices(WORDS, k=60)))]
    for turn in range(3):
        call = {"id": f"c{turn}", "name": "get_order", "arguments": f'{{"id": "{number}-{turn}"}}'}
        said.append(message("user", f"{number}: " + " ".join(chance.choices(WORDS, k=25))))
        said.append(message("assistant", "", tool_calls=[call], latency_ms=400, usage={"input": 900, "output": 30}))
        said.append(
            message("tool", '{"status": "' + " ".join(chance.choices(WORDS, k=30)) + '"}', tool_call_id=f"c{turn}")
        )
        said.append(message("assistant", " ".join(chance.choices(WORDS, k=40)), latency_ms=700))
    return {"conversations": [{"id": "main", "name": "", "kind": "main", "messages": said, "tools": [TOOL]}]}


def ours_seconds(version: DatasetVersion, name: str = "openai-sft") -> float:
    """Seconds for a whole export, nothing kept."""
    begun = time.perf_counter()
    for _ in export.write_jsonl(version, name):
        pass
    return time.perf_counter() - begun


def bare_seconds(version: DatasetVersion) -> float:
    """Seconds of the bare script for the same rows."""
    begun = time.perf_counter()
    bare(version)
    return time.perf_counter() - begun


def bare(version: DatasetVersion) -> int:
    """The script: returns the bytes it made."""
    parameters = connection.get_connection_params()
    known = {key: parameters[key] for key in ("dbname", "host", "port", "user", "password") if parameters.get(key)}
    made = 0
    with psycopg.connect(**known) as plain, plain.cursor("bare") as cursor:
        cursor.itersize = stored.FETCH
        cursor.execute(
            "select v.document::text from curation_datasetrow r join curation_tracerevision v on v.id = r.revision_id "
            "where r.version_id = %s order by r.position",
            [version.pk],
        )
        for (text,) in cursor:
            talk = orjson.loads(text)["conversations"][0]
            line = {
                "messages": [_message(one) for one in talk["messages"]],
                "tools": [_tool(one) for one in talk["tools"]],
            }
            made += len(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return made


def _message(one: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"role": one["role"], "content": "\n".join(part["text"] for part in one["parts"])}
    if "tool_call_id" in one:
        made["tool_call_id"] = one["tool_call_id"]
    if "tool_calls" in one:
        made["tool_calls"] = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
            for c in one["tool_calls"]
        ]
    return made


def _tool(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": one["name"],
            "description": one["description"],
            "parameters": orjson.loads(one["parameters"]),
        },
    }


if __name__ == "__main__":
    sys.exit(main())
