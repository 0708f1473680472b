"""LangSmith exports: runs as its API and SDK give them, one per row, nested (`child_runs`), or a body of /runs/batch.

Source: langsmith 0.14.17 (schemas.py: Run, Feedback) and bodies it sent. Runs are read as those of the SDK's wire are.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import as_finite
from curation.ingest.formats.langsmith_runs import as_span
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.span_files import Gathered, Rows, read_spans, typed_score
from curation.ingest.text import Source

NAME = "langsmith"
LABEL = "LangSmith runs"
GROUP = "Exports of tracing tools"
MOST_LEVELS = 200


def detect(sample: list[Any]) -> bool:
    """Whether records are runs, or bodies of runs."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a run, or holds runs."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("run_type"), str) and "id" in value:
        return True
    return any(isinstance(run, dict) and "run_type" in run for run in _inner(value))


def _inner(value: dict[str, Any]) -> list[Any]:
    lists = [value[key] for key in ("post", "patch", "runs") if isinstance(value.get(key), list)]
    return [run for runs in lists for run in runs]


def _listed(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    runs = value.get(key)
    return [run for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per trace id."""
    return read_spans(source, NAME, _take)


def _take(record: Any, gathered: Gathered) -> Iterable[str]:
    if not isinstance(record, dict):
        raise Unreadable("is no run")
    if "run_type" not in record and any(key in record for key in ("post", "patch", "runs")):
        patches = {as_text(run["id"]): run for run in _listed(record, "patch") if run.get("id")}
        posts = [run for key in ("post", "runs") for run in _listed(record, key)]
        for run in posts:
            _add(run, patches.pop(as_text(run.get("id")), {}), gathered, "", 0)
        for run in patches.values():
            _add(run, {}, gathered, "", 0)
        return []
    trace = _add(record, {}, gathered, "", 0)
    return [trace] if record.get("child_runs") and not record.get("parent_run_id") else []


def _add(run: dict[str, Any], patch: dict[str, Any], gathered: Gathered, parent: str, level: int) -> str:
    """Take a run and the runs inside it; returns its trace."""
    if level >= MOST_LEVELS:
        raise Unreadable(f"runs are nested deeper than {MOST_LEVELS} levels")
    key = as_text(run.get("id") or "")
    trace = as_text(run.get("trace_id") or patch.get("trace_id") or (parent.partition("/")[0] if parent else key))
    bare = {name: value for name, value in run.items() if name != "child_runs"}
    if parent:
        bare.setdefault("parent_run_id", parent.rpartition("/")[2])
    rows = gathered.add(as_span(trace, key, bare, patch))
    _take_words(run, rows)
    inner = run.get("child_runs")
    for child in inner if isinstance(inner, list) else []:
        if isinstance(child, dict):
            _add({"trace_id": trace, **child}, {}, gathered, f"{trace}/{key}", level + 1)
    return trace


def _take_words(run: dict[str, Any], rows: Rows) -> None:
    """Feedback, one by one where it came so, else its averages."""
    given = run.get("feedback")
    for one in given if isinstance(given, list) else []:
        if not isinstance(one, dict):
            continue
        value = one.get("score") if one.get("score") is not None else one.get("value")
        score = typed_score(
            one.get("key"), value, reason=as_text(one.get("comment") or ""), author="langsmith",
            external_id=as_text(one.get("id") or ""),
        )  # fmt: skip
        if score is None:
            rows.notes.add("feedback without a key or a value was left out")
        else:
            rows.scores.append(score)
    stats = run.get("feedback_stats")
    for key, found in stats.items() if isinstance(stats, dict) and not given else ():
        average = as_finite(found.get("avg")) if isinstance(found, dict) else None
        if average is not None:
            rows.notes.add("feedback came as averages only")
            if score := typed_score(key, average, author="langsmith", external_id=f"average/{as_text(run.get('id'))}"):
                rows.scores.append(score)
