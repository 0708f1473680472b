"""What labels of annotations mean, as people write it down: "helpful = acceptable", one per line."""

from collections.abc import Iterable

from curation.ingest.parsed import Unreadable
from curation.models import Verdict

MOST_LABELS = 200


def read_labels(lines: Iterable[str]) -> dict[str, str]:
    """{label or "question/label": verdict} out of lines "LABEL=VERDICT"; empty lines are skipped. A label may hold "=":
    the last one divides. Raises Unreadable naming the line."""
    found: dict[str, str] = {}
    for line in lines:
        if not line.strip():
            continue
        label, sign, verdict = line.rpartition("=")
        label, verdict = label.strip(), verdict.strip().lower()
        if not sign or not label or verdict not in Verdict.values:
            raise Unreadable(f"{line.strip()[:80]!r} is not LABEL=VERDICT, with one of {', '.join(Verdict.values)}")
        found[label] = verdict
    if len(found) > MOST_LABELS:
        raise Unreadable(f"{len(found)} labels are too many: {MOST_LABELS} can be given")
    return found
