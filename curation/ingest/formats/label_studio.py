"""Label Studio exports: tasks {"id", "data", "annotations": [{"result": [...]}]} (JSON), or one object per annotation
(JSON-MIN).

Source: Label Studio, "Label Studio JSON format of annotated tasks" (guide/task_format, tags Choices, Rating, TextArea,
Pairwise). What annotations become stands in `curation.ingest.annotations`.
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.annotated import FIELDS, IDS, PAIRS, read_shown
from curation.ingest.annotations import Annotation, take_annotation, verdict_of
from curation.ingest.content import as_text
from curation.ingest.fields import as_finite, content_id, read_time
from curation.ingest.openai_messages import read_tools
from curation.ingest.parsed import ParsedPreference, ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.ingest.walk import each_record
from curation.messages.clean import Notes

NAME = "label_studio"
LABEL = "Label Studio annotations"
GROUP = "Annotations"
_MIN = {"annotation_id", "annotator", "lead_time"}
_MIN_OWN = {"id", "created_at", "updated_at", "annotation_id", "annotator", "lead_time"}


def detect(sample: list[Any]) -> bool:
    """Whether records are tasks with annotations."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a task, or an annotation of the short export."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("data"), dict) and isinstance(value.get("annotations", value.get("completions")), list):
        return True
    return value.keys() >= _MIN


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per task (of the short export: per annotation; those of one task are one trace)."""
    return each_record(source, lambda record: read_record(record, source.verdicts))


def read_record(record: Any, verdicts: Any) -> ParsedTrace:
    """One task. `verdicts` names the meaning of labels. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or not is_record(record):
        raise Unreadable("is no task with data and annotations")
    notes = Notes()
    if isinstance(record.get("data"), dict):
        fields, annotations = record["data"], _annotations(record, notes)
    else:
        fields, annotations = _short(record, verdicts)
    messages, second = read_shown(fields, notes)
    given = next((as_text(fields[name]) for name in IDS if fields.get(name)), "")
    if not messages and not given:
        raise Unreadable(f"the task has no conversation that is known; its fields: {_names(fields)}")
    shown = {name: value for name, value in fields.items() if name in FIELDS}
    trace = ParsedTrace(
        external_id=given or content_id("label-studio", shown),
        document={
            "conversations": [
                {"id": "main", "name": "", "kind": "main", "messages": messages,
                 "tools": read_tools(fields.get("tools"), notes)}
            ],
        },
        metadata={name: value for name, value in fields.items() if name not in FIELDS},
        source={"format": NAME},
        keeps_content=bool(given),
    )  # fmt: skip
    if second is not None:
        trace.document["conversations"][0]["candidates"] = [second]
    if isinstance(record.get("predictions"), list) and record["predictions"]:
        notes.add("predictions of models were not taken over", len(record["predictions"]))
    for annotation, result in annotations:
        for item in result:
            _take_result(item, annotation, trace, notes)
        take_annotation(trace, annotation, verdicts, notes)
    trace.import_notes = notes.lines()
    return trace


def _annotations(record: dict[str, Any], notes: Notes) -> list[tuple[Annotation, list[Any]]]:
    found = []
    for given in record.get("annotations", record.get("completions")) or []:
        if not isinstance(given, dict):
            notes.add("an annotation that is no object was left out")
        elif given.get("was_cancelled") is True:
            notes.add("a skipped task counts as no annotation")
        else:
            annotation = Annotation(
                author=_author(given.get("completed_by")),
                id=as_text(given.get("id") or given.get("unique_id") or ""),
                at=read_time(given.get("updated_at") or given.get("created_at")),
            )
            result = given.get("result")
            found.append((annotation, result if isinstance(result, list) else []))
    return found


def _author(given: Any) -> str:
    """The annotator's e-mail address or name; a bare number where the export says no more."""
    if isinstance(given, dict):
        name = " ".join(as_text(given[key]) for key in ("first_name", "last_name") if given.get(key))
        return as_text(given.get("email") or name or given.get("username") or f"annotator {given.get('id')}")
    return f"annotator {as_text(given)}" if given not in (None, "") else "unknown annotator"


def _take_result(item: Any, annotation: Annotation, trace: ParsedTrace, notes: Notes) -> None:
    """One answer: the value under the name of its control's kind."""
    value = item.get("value") if isinstance(item, dict) else None
    if not isinstance(value, dict):
        notes.add("an answer without a value was left out")
        return
    question = as_text(item.get("from_name") or item.get("type") or "answer")
    kind = item.get("type")
    if isinstance(value.get("choices"), list):
        annotation.labels.setdefault(question, []).extend(as_text(one) for one in value["choices"])
    elif (rating := as_finite(value.get("rating", value.get("number")))) is not None:
        annotation.ratings[question] = rating
    elif kind == "textarea" or "text" in value:
        texts = value.get("text")
        words = "\n".join(as_text(one) for one in (texts if isinstance(texts, list) else [texts]) if one)
        if words:
            annotation.texts[question] = "\n".join(filter(None, [annotation.texts.get(question, ""), words]))
    elif kind == "pairwise" and value.get("selected") in ("left", "right"):
        if trace.document["conversations"][0].get("candidates"):
            trace.preferences.append(
                ParsedPreference(choice=value["selected"], author=annotation.author, external_id=annotation.id)
            )
        else:
            names = ", ".join(f"{left} and {right}" for left, right in PAIRS[:3])
            notes.add(f"a comparison was left out: no two answers are in the task (as {names}, ...)")
    else:
        notes.add(f"an answer of kind {as_text(kind)[:40]!r} was left out")


def _short(record: dict[str, Any], verdicts: Any) -> tuple[dict[str, Any], list[tuple[Annotation, list[Any]]]]:
    """Fields and the one annotation of a JSON-MIN object, where data and answers stand side by side: an answer is what
    has the form of one."""
    fields: dict[str, Any] = {}
    result: list[dict[str, Any]] = []
    for name, value in record.items():
        if name in _MIN_OWN:
            continue
        given: dict[str, Any] | None = None
        if name not in FIELDS:
            if isinstance(value, dict) and isinstance(value.get("choices"), list):
                given = {"choices": value["choices"]}
            elif isinstance(value, list) and value and isinstance(value[0], dict) and "rating" in value[0]:
                given = {"rating": value[0]["rating"]}
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                given = {"rating": value}
            elif isinstance(value, str) and verdict_of(value, name, verdicts):
                given = {"choices": [value]}
            elif isinstance(value, str):
                given = {"text": value}
        if given is None:
            fields[name] = value
        else:
            result.append({"from_name": name, "value": given})
    annotation = Annotation(
        author=_author(record["annotator"]),
        id=as_text(record["annotation_id"] or ""),
        at=read_time(record.get("updated_at") or record.get("created_at")),
    )
    return fields, [(annotation, result)]


def _names(fields: dict[str, Any]) -> str:
    return ", ".join(str(name)[:30] for name in list(fields)[:10]) or "none"
