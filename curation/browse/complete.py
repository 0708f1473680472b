"""What may come next in a filter that is being typed: names of fields, and values that traces have, with how often.

Agents and models are counted from the sums by day; everything else over the newest RECENT traces, a bounded walk of one
index whatever the project's size.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Func, Sum, TextField, Value

from curation.filters.registry import FIELDS, STEP_FIELDS, Field, Kind
from curation.filters.scan import quote
from curation.filters.text import write_value
from curation.models import Comment, Feedback, Judgment, PersonalData, ReviewQueue, Rollup, Score, Topic, Trace
from curation.models.traces import TraceQuerySet
from workspace.models import Project

RECENT = 2_000
MOST = 9
MOST_KEYS = 60
MOST_KNOWN = 200
_OPERATORS = (">=", "<=", ":", ">", "<", "=")
Values = list[tuple[str, int | None]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to show, what it means, how many traces have it (None: not counted), and the whole filter with it filled in
    (`at` is where the cursor goes)."""

    label: str
    help: str
    count: int | None
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Place:
    """The word before the cursor: where it starts and ends in the text, and which fields can stand there."""

    text: str
    start: int
    at: int
    fields: Mapping[str, Field]

    @property
    def word(self) -> str:
        return self.text[self.start : self.at]

    def filled(self, put: str, label: str, meaning: str, after: str = "", count: int | None = None) -> Suggestion:
        tail = self.text[self.at :].lstrip() if after else self.text[self.at :]
        text = self.text[: self.start] + put + after + tail
        return Suggestion(label, meaning, count, text, self.start + len(put) + len(after))


def suggest(*, project: Project, text: str, at: int) -> list[Suggestion]:
    """At most MOST ways to go on at character `at` of `text`. No more than two database queries."""
    at = max(0, min(at, len(text)))
    start = _word_start(text, at)
    if start is None:
        return []
    place = _Place(text, start, at, STEP_FIELDS if _in_step(text[:start]) else FIELDS)
    name, op, typed = _split(place.word)
    if not op:
        return [*_names(place, project)][:MOST]
    field = place.fields.get(name.partition(".")[0].lower())
    if field is None:
        return []
    head, _, last = typed.rpartition(",")
    begun = last.lstrip('"')
    keep = f"{name}{op}{head + ',' if head else ''}"
    return [
        place.filled(keep + write_value(value), write_value(value), "", _after(text, at), count)
        for value, count in _values(project, field, name.partition(".")[2], begun)
        if value.lower().startswith(begun.lower())
    ][:MOST]


def _after(text: str, at: int) -> str:
    """What follows a value: a blank, but nothing before the end of a step."""
    return "" if text[at:].lstrip().startswith(")") else " "


def column_keys(*, project: Project) -> list[str]:
    """score.NAME and meta.KEY for what recent traces have, the most frequent first. Two database queries."""
    found = []
    for name in ("score", "meta"):
        found += [f"{name}.{key}" for key, _ in _keys(project, FIELDS[name])[:MOST_KEYS]]
    return found


def known(*, project: Project, field: Field, key: str = "") -> list[str]:
    """Values that traces have of a field, the most frequent first; `key` is the name behind score. or meta."""
    if field.name in ("agent", "model"):
        return [
            value for value, _ in _summed(project, field.name, "", most=MOST_KNOWN) or _values(project, field, key, "")
        ]
    return [value for value, _ in _values(project, field, key, "")]


def known_keys(*, project: Project, field: Field) -> list[str]:
    """Names behind score. or meta. that traces have, the most frequent first."""
    return [key for key, _ in _keys(project, field)]


def _names(place: _Place, project: Project) -> Iterable[Suggestion]:
    lowered = place.word.lower()
    if lowered and "then".startswith(lowered) and place.text[: place.start].rstrip().endswith(")"):
        yield place.filled("then step(", "then step(", "Another step, somewhere behind.")
    if lowered and "step(".startswith(lowered) and place.fields is FIELDS:
        yield place.filled("step(", "step(", "A step of the trace: its tool, kind, error, latency, …")
    for field in place.fields.values():
        if field.keyed and (lowered.startswith(f"{field.name}.") or lowered == field.name):
            begun = lowered.partition(".")[2].lstrip('"')
            for key, count in _keys(project, field):
                if key.lower().startswith(begun):
                    named = f"{field.name}.{key if key.isidentifier() else quote(key)}"
                    sign = ":" if field.kind is Kind.META else ""
                    yield place.filled(named + sign, named, field.help, count=count)
        elif field.name.startswith(lowered) and field.kind is not Kind.FREE:
            sign = "." if field.keyed else ">" if field.numeric else ":"
            yield place.filled(field.name + sign, field.name + sign, field.help)


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


def _in_step(before: str) -> bool:
    """Whether the parenthesis of a step is open at the end of `before`."""
    inside, step = False, False
    for index, letter in enumerate(before):
        if letter == '"' and (index == 0 or before[index - 1] != "\\"):
            inside = not inside
        elif not inside and letter in "()":
            step = letter == "(" and before[:index].lower().endswith("step")
    return step


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


def _values(project: Project, field: Field, key: str, begun: str) -> Values:
    """Known values of a field, the most frequent first; `begun` is what was typed of one."""
    if field.completion == "choices":
        return [(choice, None) for choice in field.choices]
    if field.kind is Kind.TIME:
        return [(text, None) for text in ("24h", "7d", "30d", "today", "yesterday")]
    if field.completion == "scores":
        rows = Score.objects.filter(trace__in=_recent(project).values("pk"), name=key).exclude(category="")
        return _often(rows.values_list("category"))
    if field.completion == "metadata" and key:
        value = Func(F("metadata"), Value(key), function="jsonb_extract_path_text", output_field=TextField())
        return _often(_recent(project).filter(metadata__has_key=key).annotate(value=value).values_list("value"))
    if field.name in ("agent", "model") and (summed := _summed(project, field.name, begun)):
        return summed
    if field.completion == "column":
        return _often(_recent(project).exclude(**{field.column: ""}).values_list(field.column))
    if field.completion in ("array", "step"):
        member = Func(F("tags" if field.column == "tags" else "tools"), function="unnest", output_field=TextField())
        return _often(_recent(project).annotate(value=member).values_list("value"))
    return _related(project, field.name) if field.completion == "related" else []


def _summed(project: Project, column: str, begun: str, most: int = MOST) -> Values:
    """Agents or models with the number of all their traces, by the sums by day; none while there are no sums."""
    rows = Rollup.objects.filter(project=project, is_day=True, **{f"{column}__istartswith": begun}).exclude(
        **{column: ""}
    )
    return [*rows.values_list(column).annotate(times=Sum("traces")).order_by("-times", column)[:most]]


def _related(project: Project, name: str) -> Values:
    """Queues, topics, kinds of personal data, and people, counted over the newest rows that name them."""
    if name == "queue":
        slugs = ReviewQueue.objects.listed().filter(project=project).values_list("slug", flat=True)
        return [(slug, None) for slug in slugs]
    if name == "topic":
        known = Topic.objects.filter(project=project).order_by("slug").values_list("slug", flat=True)
        return [(slug, None) for slug in known]
    if name == "personal":
        newest = PersonalData.objects.filter(project=project, dismissed_at=None).order_by("-pk")[:RECENT]
        return _often(PersonalData.objects.filter(pk__in=newest.values("pk")).values_list("kind"))
    table: Any = {"comment": Comment, "reviewer": Judgment, "feedback": Feedback}[name]
    newest = table.objects.filter(project=project).order_by("-pk")[:RECENT]
    people = _often(table.objects.filter(pk__in=newest.values("pk")).values_list("author"))
    return [("open", None), ("resolved", None), *people] if name == "comment" else people


def _keys(project: Project, field: Field) -> Values:
    """Known names behind score. and meta., the most frequent first."""
    if field.kind is Kind.SCORE:
        return _often(Score.objects.filter(trace__in=_recent(project).values("pk")).values_list("name"))
    key = Func(F("metadata"), function="jsonb_object_keys", output_field=TextField())
    return _often(_recent(project).annotate(value=key).values_list("value"))


def _often(values: Any) -> Values:
    """The values of a one-column query, the most frequent first; at most MOST_KNOWN."""
    counted = values.annotate(times=Count("pk")).order_by("-times")[:MOST_KNOWN]
    return [(str(value), times) for value, times in counted if value is not None]
