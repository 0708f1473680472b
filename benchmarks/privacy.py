"""How fast personal data is found, replaced, and looked for in stored traces.

    python -m benchmarks.privacy [--quick]

Traces of about 4 kB with an address, a phone number or a card in one of three, and long ids in all of them. The rate of
the search that runs after intake is for one process; recall and false alarms are for this text, whose author also wrote
the patterns, so they are an upper bound.
"""

import argparse
import os
import random
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
os.environ.setdefault("WHETSTONE_TEST_DB", "whetstone_benchmark_privacy")

import django

django.setup()

import orjson  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from benchmarks.report import Bar, Figure, Spread, report  # noqa: E402
from curation.ingest import store  # noqa: E402
from curation.ingest.parsed import ParsedTrace  # noqa: E402
from curation.messages.form import Document, message  # noqa: E402
from curation.models import PersonalData  # noqa: E402
from curation.privacy import scan  # noqa: E402
from curation.privacy.patterns import KINDS, find, luhn  # noqa: E402
from curation.privacy.redact import Redactor  # noqa: E402
from workspace.models import Project  # noqa: E402

WORDS = ["order", "parcel", "refund", "depot", "invoice", "status", "arrived", "please", "check", "address", "Monday",
         "customer", "within", "under", "again"]  # fmt: skip
ROUNDS = 5


def main() -> int:
    """Fill a database of its own, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="600 traces instead of 6,000")
    options = parser.parse_args()
    count = 600 if options.quick else 6_000
    made = [text_of(number) for number in range(count)]
    texts = [text for text, _ in made]
    size = sum(len(text.encode()) for text in texts) / 1e6
    redactor = Redactor(project_id=1, kinds=frozenset(KINDS))
    finding = [size / seconds(lambda: [find(text) for text in texts]) for _ in range(ROUNDS)]
    bodies = [orjson.dumps({"messages": [{"role": "user", "content": text}]}) for text in texts]
    replacing = [
        size / seconds(lambda: [redactor.body(body, content_type="application/json") for body in bodies])
        for _ in range(ROUNDS)
    ]
    hidden = sum(1 for _, value in made if value)
    hits = sum(1 for text, value in made if value and any(text[f.start : f.end] == value for f in find(text)))
    alarms = sum(1 for text, value in made for f in find(text) if text[f.start : f.end] != value)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        project = Project.objects.create(name="Benchmark", slug="benchmark")
        for start in range(0, count, 100):
            batch = [
                ParsedTrace(external_id=f"t{number}", document=document(text))
                for number, text in enumerate(texts[start : start + 100], start)
            ]
            store.store_traces(project=project, parsed=batch)
        took = seconds(lambda: scan.sweep(seconds=600))
        found = PersonalData.objects.values("revision").distinct().count()
    finally:
        teardown_databases(databases, verbosity=0)
    return report(
        "privacy",
        [
            Figure("find", Spread.of(finding), "MB/s", note="patterns alone, one process"),
            Figure("replace", Spread.of(replacing), "MB/s", note="received JSON bodies"),
            Figure("sweep", count / took, "traces/s", note=f"{count:,} stored traces of 4 kB, {found:,} with something"),
            Figure("recall", hits / hidden, "", note=f"{hidden:,} hidden values"),
            Figure("false_alarms", alarms / count * 1000, "per 1,000 traces", note="mostly long ids that pass as cards"),
        ],
        [Bar("recall", hits / hidden, at_least=0.95)],
    )  # fmt: skip


def seconds(work: object) -> float:
    """How long one call of `work` takes."""
    begun = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - begun


def text_of(number: int) -> tuple[str, str]:
    """About 4 kB of text, and the personal value hidden in it ("" in two of three)."""
    pick = random.Random(number)
    lines = [" ".join(pick.choices(WORDS, k=12)) for _ in range(44)]
    for _ in range(4):
        at = pick.randrange(len(lines))
        lines[at] += f" id {pick.randrange(10**15, 10**16)} span {pick.randrange(16**16):016x}"
    value = "" if number % 3 else VALUES[number // 3 % len(VALUES)](pick)
    if value:
        lines[pick.randrange(len(lines))] += f" reach me: {value} thanks"
    return "\n".join(lines), value


def card(pick: random.Random) -> str:
    """A number with the form and the check digit of a card."""
    start = "4" + "".join(str(pick.randrange(10)) for _ in range(14))
    return next(start + str(last) for last in range(10) if luhn(start + str(last)))


VALUES = (
    lambda pick: f"{pick.choice(WORDS)}.{pick.randrange(999)}@mail{pick.randrange(99)}.example",
    lambda pick: f"+49 30 {pick.randrange(10**6, 10**7)}",
    lambda pick: f"(212) {pick.randrange(200, 999)}-{pick.randrange(10**4):04d}",
    card,
    lambda pick: f"81.2.{pick.randrange(255)}.{pick.randrange(255)}",
    lambda pick: "sk-" + "".join(pick.choices("abcdefghijkABCDEFGH0123456789", k=40)),
)


def document(text: str) -> Document:
    """A question of this text and a short answer."""
    said = [message("user", text), message("assistant", "It is on its way.")]
    return {"conversations": [{"id": "main", "name": "", "kind": "main", "messages": said, "tools": []}]}


if __name__ == "__main__":
    sys.exit(main())
