"""How fast a frozen version is written as JSONL, beside the barest script that could do it, and in how much memory.

    python -m benchmarks.export [--quick]

The bare script reads the same rows by a server-side cursor of psycopg, parses each document with orjson, builds the
same OpenAI chat lines for this one shape of document, and knows nothing of corrections, splits, other kinds of
content, personal data, held-out rows or line separators. Each export runs in a process of its own against one server, in
alternating pairs; seconds count from the request to the last byte, gates included, and memory is the most that the
process ever held (VmHWM), interpreter and Django included.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
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
from curation.datasets import build  # noqa: E402
from curation.datasets.exporting import export, stored  # noqa: E402
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
    parser.add_argument("--quick", action="store_true", help="3,000 rows instead of 100,000")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--database", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options.child, options.database)
    rows, pairs = (3_000, 3) if options.quick else (100_000, 3)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        version, freezing = fill(rows)
        connection.close()
        figures, bars = measure(version, rows, pairs)
    finally:
        teardown_databases(databases, verbosity=0)
    frozen = Figure("freeze_rows_per_second", round(rows / freezing), "rows/s", note="signatures, decide, check, write")
    return report("export", [*figures, frozen], bars)


def measure(version: DatasetVersion, rows: int, pairs: int) -> tuple[list[Figure], list[Bar]]:
    """Pairs of exports in processes of their own, and one of each further format."""
    runs: dict[str, list[dict[str, float]]] = {"openai-sft": [], "bare": []}

    def rate(what: str) -> float:
        runs[what].append(run(what, version))
        return rows / runs[what][-1]["seconds"]

    ours, script, ratios = alternate(lambda: rate("openai-sft"), lambda: rate("bare"), pairs=pairs)
    times = Spread.of([1 / ratio for ratio in ratios])
    size = runs["openai-sft"][-1]["bytes"]
    peak = max(one["peak_mb"] for one in runs["openai-sft"])
    others = {name: run(name, version) for name in ("trl-sft", "chatml", "openai-sft-again")}
    figures = [
        Figure("rows", rows, "rows", note=f"{size / rows:,.0f} bytes a line"),
        Figure("rows_per_second", Spread.of(ours), "rows/s", note="openai-sft, gates included"),
        Figure("bare_rows_per_second", Spread.of(script), "rows/s", note="server cursor, orjson"),
        Figure("times_the_bare_script", times, "x", note="of each pair"),
        Figure(
            "gates_seconds",
            round(runs["openai-sft"][-1]["gates"], 2),
            "s",
            note="held-out rows and personal data, cold",
        ),
        Figure("gates_seconds_again", round(others["openai-sft-again"]["gates"], 3), "s", note="the same, asked again"),
        Figure("peak_memory", round(peak, 1), "MB", note="the whole process"),
        Figure(
            "bare_peak_memory", round(max(one["peak_mb"] for one in runs["bare"]), 1), "MB", note="Django loaded, too"
        ),
        Figure("trl_rows_per_second", round(rows / others["trl-sft"]["seconds"]), "rows/s", note="trl-sft"),
        Figure("chatml_rows_per_second", round(rows / others["chatml"]["seconds"]), "rows/s", note="chatml"),
        Figure("megabytes_per_second", round(size / rows * Spread.of(ours).median / 1e6, 1), "MB/s"),
    ]
    bars = [Bar("times_the_bare_script", times.median, at_most=1.5), Bar("peak_memory", peak, at_most=150.0)]
    return figures, bars


def run(what: str, version: DatasetVersion) -> dict[str, float]:
    """One export in a process of its own: seconds, seconds of the gates, bytes and the most memory in MB."""
    database = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "benchmarks.export", "--child", f"{what}:{version.pk}", "--database", database]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child(what: str, database: str) -> int:
    """In the process of its own: one export, nothing kept."""
    name, _, pk = what.partition(":")
    connection.settings_dict["NAME"] = database
    version = DatasetVersion.objects.select_related("dataset__project").get(pk=pk)
    again = name.endswith("-again")
    if again:
        export.plan(version, name.removesuffix("-again"))
    begun = time.perf_counter()
    gates = 0.0
    if name == "bare":
        size = bare(version)
    else:
        pieces = export.write_jsonl(version, name.removesuffix("-again"))
        gates = time.perf_counter() - begun
        size = sum(map(len, pieces))
    seconds = time.perf_counter() - begun
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    told = {"seconds": seconds, "gates": gates, "bytes": size, "peak_mb": int(peak.split()[1]) / 1024}
    print(json.dumps(told))
    return 0


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
    """System, three turns with a tool call each, about 4 kB."""
    said = [message("system", " ".join(chance.choices(WORDS, k=45)))]
    for turn in range(3):
        call = {"id": f"c{turn}", "name": "get_order", "arguments": f'{{"id": "{number}-{turn}"}}'}
        said.append(message("user", f"{number}: " + " ".join(chance.choices(WORDS, k=45))))
        said.append(message("assistant", "", tool_calls=[call], latency_ms=400, usage={"input": 900, "output": 30}))
        said.append(
            message("tool", '{"status": "' + " ".join(chance.choices(WORDS, k=40)) + '"}', tool_call_id=f"c{turn}")
        )
        said.append(message("assistant", " ".join(chance.choices(WORDS, k=45)), latency_ms=700))
    return {"conversations": [{"id": "main", "name": "", "kind": "main", "messages": said, "tools": [TOOL]}]}


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
