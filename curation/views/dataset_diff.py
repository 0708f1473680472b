"""Two versions of a dataset beside each other: what came, went and changed, and why."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from curation.datasets import compare, read
from curation.datasets.compare import CAME, CHANGED, WENT
from curation.models import DatasetVersion
from workspace.access import Entry, enter, reader_of
from workspace.models import Role
from workspace.pages import answer

SIZE = 50
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the chart: rows, and where its bar begins and how wide it is, in parts of 100."""

    label: str
    rows: int
    start: float
    width: float
    kind: str
    show: str = ""
    why: str = ""
    part: bool = False


@require_GET
def dataset_diff(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """From version ?a= (the one before) to ?b= (the newest)."""
    entry = enter(request, slug, Role.REVIEWER)
    newer = _find(entry, name, request.GET.get("b", ""))
    older = _find(entry, name, request.GET.get("a", "") or str(max(1, newer.number - 1)))
    counts = compare.counts(older, newer)
    show = request.GET.get("show") or next((one for one in (CAME, WENT, CHANGED) if counts.of(one)), CAME)
    why = request.GET.get("why", "")
    if show not in compare.SHOWN or (why and why not in compare.codes(show)):
        raise Http404("There is no such part of the difference.")
    page, shown = compare.listed(
        older, newer, show=show, why=why, cursor=request.GET.get("cursor", ""), size=SIZE, reader=reader_of(entry)
    )
    context: dict[str, Any] = {
        "older": older, "newer": newer, "counts": counts, "page": page, "shown": shown, "show": show, "why": why,
        "why_words": compare.words_of(why) if why else "",
        "tabs": [(one, label, counts.of(one)) for one, label in compare.SHOWN.items()],
        "reasons": _reasons(counts, show),
        "bars": _bars(counts), "recipes": compare.recipes(older, newer), "numbers": range(int(newer.of), 0, -1),  # type: ignore[attr-defined]
        "splits": [(one, older.counts.get(one, 0), newer.counts.get(one, 0)) for one in SPLITS],
        "moves": sorted(counts.moves.items(), key=lambda one: -one[1]),
    }  # fmt: skip
    return answer(request, "curation/dataset_diff.html", context, fragment="curation/_dataset_diff_rows.html")


def _find(entry: Entry, name: str, number: str) -> DatasetVersion:
    if number and not number.isdecimal():
        raise Http404("A version is a number.")
    try:
        return read.version(entry.project, name, int(number) if number else None)
    except DatasetVersion.DoesNotExist:
        raise Http404("There is no such dataset version in this project.") from None


def _reasons(counts: compare.Counts, show: str) -> list[tuple[str, str, int]]:
    """Code, words and rows of what a list can be narrowed to, most first."""
    found = counts.by_change if show == CHANGED else counts.why[show]
    return [(code, compare.words_of(code), number) for code, number in found.most_common() if number]


def _bars(counts: compare.Counts) -> list[Bar]:
    """From the older version over what went and came to the newer one; the parts of each step below it."""
    most = max(1, counts.before, counts.after)

    def bar(label: str, rows: int, start: int, kind: str, show: str = "", why: str = "") -> Bar:
        return Bar(label, rows, round(100 * start / most, 2), round(100 * rows / most, 2), kind, show, why, bool(show))

    bars = [bar("Older version", counts.before, 0, "bar")]
    at = counts.before
    for code, words, number in _reasons(counts, WENT):
        at -= number
        bars.append(bar(f"Out: {words}", number, at, "lost", WENT, code))
    stayed = at
    for code, words, number in _reasons(counts, CAME):
        bars.append(bar(f"In: {words}", number, at, "gained", CAME, code))
        at += number
    bars.append(bar("Newer version", counts.after, 0, "bar"))
    if counts.changed:
        bars.append(bar("of which changed", counts.changed, stayed - counts.changed, "turned", CHANGED))
    return bars
