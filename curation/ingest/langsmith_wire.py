"""LangSmith's bodies, {"post": [...], "patch": [...]} or multipart, into parts of runs; and runs kept until they are whole.

Source: langsmith 0.14.17 (client.py, _internal/_operations.py, _internal/_multipart.py). A multipart body has a part
`post.<run id>` (or patch.) for the run without its bulky fields, one `post.<run id>.<field>` for each of those,
`feedback.<id>` and `attachment.<run id>.<name>`. A run comes as a post when it begins and a patch when it ends, in any order
and in different bodies.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from curation.ingest.formats.langsmith_runs import PATCH, POST, as_span
from curation.ingest.formats.openai_agents_spans import is_key
from curation.ingest.outcome import Outcome
from curation.ingest.parsed import Unreadable
from curation.ingest.span_store import lock_traces, store_spans
from curation.ingest.spans import PlainSpan
from curation.ingest.text import decode, parse
from curation.ingest.wire import check_json
from curation.messages.clean import Notes, clean
from curation.models import RawRecord, Span
from workspace.models import Project

MOST_PARTS = 50_000
FIELDS = ("inputs", "outputs", "events", "extra", "error", "serialized")
_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'name="([^"\r\n]{1,500})"')


@dataclass(slots=True)
class Batch:
    """What one body held: runs as (post or patch, run), words on runs, and why parts were left out."""

    runs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


def boundary_of(content_type: str) -> str:
    """The boundary in a content type. Raises Unreadable where there is none."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Unreadable("the content type multipart/form-data names no boundary")
    return found[1]


def decode_body(body: bytes, content_type: str = "application/json") -> Batch:
    """The parts of one body. Raises Unreadable where it is neither JSON with post and patch nor multipart."""
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return _checked(_multipart(body, boundary_of(content_type)))
    check_json(body)
    found = parse(decode(body.removeprefix(b"\xef\xbb\xbf")))
    if not isinstance(found, dict):
        raise Unreadable("the body is no object with lists post and patch")
    batch = Batch()
    for how in ("post", "patch"):
        runs = [] if found.get(how) is None else found[how]
        if not isinstance(runs, list):
            raise Unreadable(f"{how} is no list")
        for number, run in enumerate(runs):
            if isinstance(run, dict):
                batch.runs.append((how, run))
            else:
                batch.rejected.append(f"{how}[{number}]: is no object")
    return _checked(batch)


def as_json(batch: Batch) -> bytes:
    """The runs of a batch as one JSON body, however they came."""
    parts = {how: [run for named, run in batch.runs if named == how] for how in ("post", "patch")}
    return json.dumps(parts).encode()


def store_runs(*, project: Project, batch: Batch, raw: RawRecord) -> Outcome:
    """Complete the runs that are kept with those of a batch and put their traces together again. Call it inside a
    transaction; traces are locked first, so two workers with parts of one run take turns."""
    wanted: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for how, run in batch.runs:
        place = (str(run["trace_id"]), str(run["id"]))
        parts = wanted.setdefault(place, {})
        parts[how] = {**parts.get(how, {}), **clean(run, Notes())}
    lock_traces(project, {trace for trace, _ in wanted})
    kept = {
        (span.trace_key, span.span_key): span
        for span in Span.objects.filter(
            project=project, trace_key__in={trace for trace, _ in wanted}, span_key__in={key for _, key in wanted}
        )
    }
    spans: list[PlainSpan] = []
    for (trace, key), given in wanted.items():
        old = kept.get((trace, key))
        before: dict[str, Any] = json.loads(old.payload)["attributes"] if old is not None else {}
        is_late = old is not None and old.raw_id is not None and old.raw_id > raw.pk
        both: dict[str, dict[str, Any]] = {}
        for name, how in ((POST, "post"), (PATCH, "patch")):
            known, new = before.get(name) or {}, given.get(how, {})
            both[name] = {**new, **known} if is_late else {**known, **new}
        spans.append(as_span(trace, key, both[POST], both[PATCH]))
    outcome = store_spans(project=project, spans=spans, raw=raw, is_merged=True)
    for reason in batch.rejected:
        outcome.reject("a run", reason)
    return outcome


def _multipart(body: bytes, boundary: str) -> Batch:
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Unreadable("the multipart body is cut off, or its boundary is not the one in the content type")
    if len(pieces) > MOST_PARTS:
        raise Unreadable(f"more than {MOST_PARTS:,} parts in one request; send smaller batches")
    batch = Batch()
    parts: list[tuple[str, bytes]] = []
    for number, piece in enumerate(pieces[1:-1], 1):
        head, found, content = piece.partition(b"\r\n\r\n")
        named = _NAME.search(head)
        if not found or named is None:
            batch.rejected.append(f"part {number}: has no name")
            continue
        parts.append((named[1].decode("utf-8", "replace"), content))
    check_json(b",".join(content for name, content in parts if not name.startswith("attachment.")))
    runs: dict[tuple[str, str], dict[str, Any]] = {}
    for name, content in sorted(parts, key=lambda part: part[0].count(".")):  # the run itself before its fields
        try:
            _take_part(name, content, runs, batch)
        except Unreadable as error:
            batch.rejected.append(f"part {name[:80]}: {error}")
    batch.runs = [(how, run) for (how, _), run in runs.items()]
    return batch


def _take_part(name: str, content: bytes, runs: dict[tuple[str, str], dict[str, Any]], batch: Batch) -> None:
    how, _, rest = name.partition(".")
    key, _, part = rest.partition(".")
    if how == "attachment":
        owner = runs.get(("post", key)) or runs.get(("patch", key))
        if owner is None:
            raise Unreadable("its run is not in this body")
        owner.setdefault("attachments", {})[part] = len(content)
        return
    if how not in ("post", "patch", "feedback"):
        raise Unreadable("its name begins with none of post, patch, feedback and attachment")
    value = parse(decode(content))
    if not part:
        if not isinstance(value, dict):
            raise Unreadable("is no object")
        if how == "feedback":
            batch.feedback.append({"id": key, **value})
        else:
            runs[how, key] = {**value, "id": value.get("id") or key}
    elif part in FIELDS and how != "feedback":
        if (how, key) not in runs:
            raise Unreadable("its run is not in this body")
        runs[how, key][part] = value
    else:
        raise Unreadable(f"{part[:40]!r} is no field of a run")


def _checked(batch: Batch) -> Batch:
    """Runs whose ids are there; one that does not say to which trace it belongs cannot be put anywhere."""
    kept = []
    for how, run in batch.runs:
        run = {**run, "trace_id": run.get("trace_id") or _trace_of(run, how)}
        bad = next((name for name in ("id", "trace_id") if not _is_id(run.get(name))), "")
        if bad:
            batch.rejected.append(f"{how} of run {str(run.get('id'))[:60]!r}: its {bad} is missing or no short text")
        else:
            kept.append((how, run))
    batch.runs = kept
    return batch


def _trace_of(run: dict[str, Any], how: str) -> Any:
    """The trace of a run that does not name it: the first id in its dotted order, or itself where it has no parent."""
    order = run.get("dotted_order")
    if isinstance(order, str) and "Z" in order:
        return order.partition(".")[0].partition("Z")[2]
    return run.get("id") if how == "post" and not run.get("parent_run_id") else None


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and is_key(value)
