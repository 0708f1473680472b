"""Argilla exports: records with fields and responses, as `dataset.records.to_json()` and `to_list()` write them, flat
(`to_list(flatten=True)`, `to_datasets()`), and records of version 1.

Source: Argilla 2, reference "rg.Record" and "dataset.records" (to_dict, to_list, to_json); Argilla 1, FeedbackRecord. What
responses become stands in `curation.ingest.annotations`.
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.annotated import FIELDS, IDS, read_shown
from curation.ingest.annotations import Annotation, take_annotation, verdict_of
from curation.ingest.content import as_text
from curation.ingest.fields import as_finite, content_id, read_time
from curation.ingest.openai_messages import read_tools
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.reading import maybe_json
from curation.ingest.text import Source
from curation.ingest.walk import each_record
from curation.messages.clean import Notes

NAME = "argilla"
LABEL = "Argilla records with responses"
GROUP = "Annotations"
_FLAT = ".responses"
_OWN = {"id", "_server_id", "external_id", "status", "metadata", "vectors", "inserted_at", "updated_at"}
_ASKS_FOR_WORDS = ("comment", "note", "reason", "explan", "rationale", "correction", "corrected", "rewrit", "improved",
                   "better", "ideal", "feedback")  # fmt: skip
Answer = tuple[str, str, str, Any]  # person, question, status, value


def detect(sample: list[Any]) -> bool:
    """Whether records have fields and responses."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a record of Argilla."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("fields"), dict) and ("responses" in value or "suggestions" in value):
        return True
    return any(isinstance(key, str) and key.endswith(_FLAT) for key in value)


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per record."""
    return each_record(source, lambda record: read_record(record, source.verdicts))


def read_record(record: Any, verdicts: Any) -> ParsedTrace:
    """One record. `verdicts` names the meaning of labels. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or not is_record(record):
        raise Unreadable("is no record with fields and responses")
    notes = Notes()
    if isinstance(record.get("fields"), dict):
        fields, answers = record["fields"], list(_answers(record.get("responses")))
        suggested = record.get("suggestions")
    else:
        fields, answers = _flat(record)
        suggested = any(".suggestion" in key and value is not None for key, value in record.items())
    metadata = maybe_json(record.get("metadata"))
    metadata = metadata if isinstance(metadata, dict) else {}
    messages, second = read_shown(fields, notes)
    given = next((as_text(metadata[name]) for name in IDS if metadata.get(name)), "")
    if not messages and not given:
        names = ", ".join(str(name)[:30] for name in list(fields)[:10]) or "none"
        raise Unreadable(f"the record has no conversation that is known; its fields: {names}")
    trace = ParsedTrace(
        external_id=given or content_id("argilla", {name: one for name, one in fields.items() if name in FIELDS}),
        document={
            "conversations": [
                {"id": "main", "name": "", "kind": "main", "messages": messages,
                 "tools": read_tools(fields.get("tools"), notes)}
            ],
        },
        metadata={**metadata, **{name: one for name, one in fields.items() if name not in FIELDS}},
        source={"format": NAME},
        keeps_content=bool(given),
    )  # fmt: skip
    if second is not None:
        trace.document["conversations"][0]["candidates"] = [second]
    if suggested:
        notes.add("suggestions of models were not taken over")
    key = as_text(record.get("_server_id") or record.get("id") or record.get("external_id") or "")
    at = read_time(record.get("updated_at"))
    for annotation in _by_person(answers, key, at, verdicts, notes):
        take_annotation(trace, annotation, verdicts, notes)
    trace.import_notes = notes.lines()
    return trace


def _answers(given: Any) -> Iterator[Answer]:
    """{question: [{value, user_id, status}]} of version 2, or [{user_id, status, values: {question: {value}}}] of 1."""
    if isinstance(given, dict):
        for question, values in given.items():
            for one in values if isinstance(values, list) else [values]:
                if isinstance(one, dict) and "value" in one:
                    yield _person(one), question, as_text(one.get("status") or "submitted"), one["value"]
    elif isinstance(given, list):
        for one in given:
            values = one.get("values") if isinstance(one, dict) else None
            for question, value in values.items() if isinstance(values, dict) else ():
                inner = value["value"] if isinstance(value, dict) and "value" in value else value
                yield _person(one), question, as_text(one.get("status") or "submitted"), inner


def _flat(record: dict[str, Any]) -> tuple[dict[str, Any], list[Answer]]:
    """Fields, and answers out of the columns Q.responses, Q.responses.users and Q.responses.status."""
    answers: list[Answer] = []
    questions = {key.removesuffix(_FLAT) for key in record if key.endswith(_FLAT)}
    for question in sorted(questions):
        values = record[f"{question}{_FLAT}"]
        people, statuses = record.get(f"{question}{_FLAT}.users"), record.get(f"{question}{_FLAT}.status")
        for number, value in enumerate(values if isinstance(values, list) else []):
            person = _at(people, number)
            status = as_text(_at(statuses, number) or "submitted")
            answers.append((as_text(person or "unknown annotator"), question, status, value))
    taken = tuple(f"{question}." for question in questions)
    fields = {
        key: value for key, value in record.items() if key not in _OWN and not (taken and key.startswith(taken))
        and ".suggestion" not in key
    }  # fmt: skip
    return fields, answers


def _at(values: Any, number: int) -> Any:
    return values[number] if isinstance(values, list) and number < len(values) else None


def _person(given: dict[str, Any]) -> str:
    user = given["user"] if isinstance(given.get("user"), dict) else {}
    return as_text(given.get("username") or user.get("username") or given.get("user_id") or "unknown annotator")


def _by_person(answers: list[Answer], key: str, at: Any, verdicts: Any, notes: Notes) -> list[Annotation]:
    """One annotation per person, of what they submitted."""
    people: dict[str, Annotation] = {}
    for person, question, status, value in answers:
        if value is None:
            continue
        if status.rpartition(".")[2].lower() != "submitted":
            notes.add(f"a response that is {status[:20]} was left out")
            continue
        annotation = people.setdefault(person, Annotation(author=person, id=key and f"{key}/{person}", at=at))
        _take(annotation, question, value, verdicts, notes)
    return list(people.values())


def _take(annotation: Annotation, question: str, value: Any, verdicts: Any, notes: Notes) -> None:
    """Labels and texts both come as text. What stands for a verdict is a label; else it is a text where the question's
    name asks for words, or where it is too long for a label (40 characters, three blanks)."""
    if isinstance(value, bool):
        annotation.labels[question] = [str(value)]
    elif (rating := as_finite(value)) is not None:
        annotation.ratings[question] = rating
    elif isinstance(value, str):
        asks = any(word in question.lower() for word in _ASKS_FOR_WORDS)
        if not verdict_of(value, question, verdicts) and (asks or len(value) > 40 or value.count(" ") > 2):
            annotation.texts[question] = value
        else:
            annotation.labels[question] = [value]
    elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        annotation.labels[question] = list(value)
    else:
        notes.add("a ranking or spans in a text were left out")
