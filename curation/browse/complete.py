"""What may come next in a filter that is being typed: names of fields, and values that recent traces have."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Func, TextField, Value

from curation.filters.scan import quote
from curation.filters.registry import FIELDS, Field, Kind
from curation.filters.text import write_value
from curation.models import Score, Trace
from curation.models.traces import TraceQuerySet
from workspace.models import Project

# how far back values are looked for: a bounded walk of one index, whatever the project's size
RECENT = 2_000
MOST = 9
_OPERATORS = (">=", "<=", ":", ">", "<", "=")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to show, what it means, and the whole filter with it filled in (`at` is where the cursor goes)."""

    label: str
    help: str
    text: str
    at: int


def suggest(*, project: Project, text: str, at: int) -> list[Suggestion]:
    """At most MOST ways to go on at character `at` of `text`. No more than one database query."""
    at = max(0, min(at, len(text)))
    start = _word_start(text, at)
    if start is None:
        return []
    word = text[start:at]
    name, op, typed = _split(word)
    if not op:
        return [*_names(text, start, at, word, project)][:MOST]
    field = FIELDS.get(name.partition(".")[0].lower())
    if field is None:
        return []
    head, _, last = typed.rpartition(",")
    begun = last.lstrip('"').lower()
    keep = f"{name}{op}{head + ',' if head else ''}"
    found = (value for value in _values(project, field, name.partition(".")[2]) if value.lower().startswith(begun))
    return [_filled(text, start, at, keep + write_value(value), write_value(value), "", " ") for value in found][:MOST]


def _names(text: str, start: int, at: int, word: str, project: Project) -> Iterable[Suggestion]:
    lowered = word.lower()
    for field in FIELDS.values():
        if field.keyed and (lowered.startswith(f"{field.name}.") or lowered == field.name):
            begun = lowered.partition(".")[2].lstrip('"')
            for key in _keys(project, field):
                if key.lower().startswith(begun):
                    named = f"{field.name}.{key if key.isidentifier() else quote(key)}"
                    yield _filled(
                        text, start, at, named + (":" if field.kind is Kind.META else ""), named, field.help, ""
                    )
        elif field.name.startswith(lowered) and field.kind is not Kind.FREE:
            sign = "." if field.keyed else ">" if field.numeric else ":"
            yield _filled(text, start, at, field.name + sign, field.name + sign, field.help, "")


def _filled(text: str, start: int, at: int, put: str, label: str, meaning: str, after: str) -> Suggestion:
    tail = text[at:].lstrip() if after else text[at:]
    return Suggestion(label, meaning, text[:start] + put + after + tail, start + len(put) + len(after))


def _word_start(text: str, at: int) -> int | None:
    """Where the word before `at` begins, its minus left out; None inside a quoted text that is no value."""
    start, inside = 0, False
    for index, letter in enumerate(text[:at]):
        if letter == '"' and (index == 0 or text[index - 1] != "\\"):
            inside = not inside
        elif not inside and (letter.isspace() or letter in "()"):
            start = index + 1
    while start < at and text[start] == "-":
        start += 1
    return None if text[start:at].startswith('"') else start


def _split(word: str) -> tuple[str, str, str]:
    places = [(word.index(op), -len(op), op) for op in _OPERATORS if op in word]
    if not places:
        return word, "", ""
    place, _, op = min(places)
    return word[:place], op, word[place + len(op) :]


def _recent(project: Project) -> TraceQuerySet:
    return Trace.objects.filter(
        pk__in=Trace.objects.filter(project=project).order_by("-received_at", "-id").values("pk")[:RECENT]
    )


def _values(project: Project, field: Field, key: str) -> list[str]:
    """Known values of a field, the most frequent first."""
    if field.completion == "choices":
        return list(field.choices)
    if field.kind is Kind.TIME:
        return ["24h", "7d", "30d", "today", "yesterday"]
    if field.completion == "scores":
        rows = Score.objects.filter(trace__in=_recent(project).values("pk"), name=key).exclude(category="")
        return _often(rows.values_list("category"))
    if field.completion == "metadata" and key:
        value = Func(F("metadata"), Value(key), function="jsonb_extract_path_text", output_field=TextField())
        return _often(_recent(project).filter(metadata__has_key=key).annotate(value=value).values_list("value"))
    if field.completion == "column":
        return _often(_recent(project).exclude(**{field.column: ""}).values_list(field.column))
    if field.completion == "array":
        member = Func(F(field.column), function="unnest", output_field=TextField())
        return _often(_recent(project).annotate(value=member).values_list("value"))
    return []


def _keys(project: Project, field: Field) -> list[str]:
    """Known names behind score. and meta., the most frequent first."""
    if field.kind is Kind.SCORE:
        return _often(Score.objects.filter(trace__in=_recent(project).values("pk")).values_list("name"))
    key = Func(F("metadata"), function="jsonb_object_keys", output_field=TextField())
    return _often(_recent(project).annotate(value=key).values_list("value"))


def _often(values: Any) -> list[str]:
    """The values of a one-column query, the most frequent first; at most 200."""
    counted = values.annotate(times=Count("pk")).order_by("-times")[:200]
    return [str(value) for value, _ in counted if value is not None]
