"""Datasets: the list, one version, its rows, its decisions, its checks and its downloads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from curation import filters
from curation.datasets import folds, freezing, leaks, read, reasons, recipe
from curation.datasets.exporting import export, formats, personal, stored
from curation.models import DatasetRow, DatasetVersion
from curation.review import blind
from curation.views.rendered import rendered
from curation.views.selection_shown import tables_of
from workspace.access import Entry, enter, reader_of
from workspace.models import Role
from workspace.pages import answer, wants_fragment

ROWS_SIZE = 20
DECISIONS_SIZE = 50
MOST_FINDINGS = 50
MOST_CHECKED = 2_000
SPLITS = (("train", "Train", "f1"), ("validation", "Validation", "f2"), ("test", "Test", "f3"))


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the waterfall: parts of 100 that stay and that go, with the page of what went."""

    step: reasons.Step
    kept: float
    cut: float
    url: str


@dataclass(frozen=True, slots=True)
class Part:
    """One split: its rows and groups, where it begins and how wide it is, in parts of 100."""

    name: str
    label: str
    kind: str
    rows: int
    groups: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Exported:
    """One format with what the validator says of the version; `rows` None: not checked yet. `parts` are the splits of which
    some row fits."""

    format: Any
    rows: int | None
    invalid: int
    warned: int
    parts: list[Part]


@require_GET
def datasets(request: HttpRequest, slug: str) -> HttpResponse:
    """All datasets by name."""
    entry = enter(request, slug, Role.REVIEWER)
    page, listed = read.datasets(entry.project, cursor=request.GET.get("cursor", ""))
    shown = [(one, _parts(one.newest)) for one in listed]
    may_engineer = entry.may(Role.ENGINEER)
    under_way = freezing.recent(entry.project) if may_engineer else []
    context = {"page": page, "shown": shown, "may_engineer": may_engineer, "freezings": under_way}
    return render(request, "curation/datasets.html", context)


@require_GET
def dataset(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """To the newest version."""
    entry = enter(request, slug, Role.REVIEWER)
    return redirect("curation:dataset-version", slug, name, _find(entry, name).number)


@require_GET
def dataset_version(request: HttpRequest, slug: str, name: str, number: int) -> HttpResponse:
    """One version: where it came from, how it was chosen, how it is split, what it exports, its rows."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, name, number)
    split = request.GET.get("split", "")
    changed_by = request.GET.get("changed", "")
    if split not in ("", "train", "validation", "test") or changed_by not in (
        "",
        "judgments",
        "corrections",
        "traces",
        "erased",
    ):
        raise Http404("There is no such part of the version.")
    page = read.rows(found, split=split, changed=changed_by, cursor=request.GET.get("cursor", ""), size=ROWS_SIZE)
    hidden = blind.hidden_of(traces=[row.trace for row in page.rows], user=reader_of(entry))
    context = _about(entry, found) | {"page": page, "split": split, "changed_by": changed_by, "hidden": hidden}
    if not wants_fragment(request):
        decided = reverse("curation:dataset-decisions", args=[slug, name, number])
        context |= {
            "bars": bars_of(found.counts, url=lambda code: f"{decided}?reason={code}", outside=_outside(slug, found)),
            "tables": tables_of(found.counts),
            "exports": _exports(found),
            "held_out": len(leaks.of(version=found)) if found.counts["rows"] <= MOST_CHECKED else leaks.known(found),
            "personal": personal.look(found) if found.counts["rows"] <= MOST_CHECKED else personal.known(found),
            "changed": read.changed(found),
            "spread": folds.spreads(found),
            "descent": _descent(slug, read.descent(found)),
            "versions": read.numbers(found),
            "shown": _row(found, int(page.rows[0].position)) if page.rows else None,
            "train_url": _train_url(slug, found) if entry.may(Role.ENGINEER) else "",
        }
    return answer(request, "curation/dataset_version.html", context, fragment="curation/_dataset_rows.html")


@require_GET
def dataset_held_out(request: HttpRequest, slug: str, name: str, number: int) -> HttpResponse:
    """How many rows of a version are held out elsewhere; its page asks for it once it is there, where it has many rows."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, name, number)
    context = {"version": found, "held_out": len(leaks.of(version=found)), "looked": True}
    return render(request, "curation/_dataset_held_out.html", context)


@require_GET
def dataset_row(request: HttpRequest, slug: str, name: str, number: int, position: int) -> HttpResponse:
    """One row: its messages, with what is trained marked."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, name, number)
    shown = _row(found, position)
    hidden = blind.hidden_of(traces=[shown.row.trace], user=reader_of(entry))
    context = _about(entry, found) | {"shown": shown, "hidden": hidden}
    if not wants_fragment(request):
        context["verdicts"] = read.verdicts(shown.example)
        context["panel"] = rendered(entry.project, request.GET, shown.example) if shown.example.messages else None
    return answer(request, "curation/dataset_row.html", context, fragment="curation/_dataset_row.html")


@require_GET
def dataset_decisions(request: HttpRequest, slug: str, name: str, number: int) -> HttpResponse:
    """Why each trace is in or out, all or those with one reason."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, name, number)
    code = request.GET.get("reason", "")
    if code and code not in reasons.BY_CODE:
        raise Http404("There is no such reason.")
    reader, cursor = reader_of(entry), request.GET.get("cursor", "")
    page = read.decisions(found, reason=code, cursor=cursor, size=DECISIONS_SIZE, reader=reader)
    hidden = blind.hidden_of(traces=[one.trace for one in page.rows], user=reader)
    others = read.others(entry.project, [(one.trace_id, one.facts) for one in page.rows if one.trace_id not in hidden])
    counted = [(reasons.BY_CODE[key], count) for key, count in found.counts["by_reason"].items()]
    context = _about(entry, found) | {
        "page": page,
        "listed": [(one, reasons.BY_CODE[one.reason], others.get(one.trace_id)) for one in page.rows],
        "has_others": bool(others),
        "hidden": hidden,
        "code": code,
        "reason": reasons.BY_CODE.get(code),
        "counted": sorted(counted, key=lambda pair: -pair[1]),
    }
    return answer(request, "curation/dataset_decisions.html", context, fragment="curation/_dataset_decisions.html")


@require_GET
def dataset_checks(request: HttpRequest, slug: str, name: str, number: int) -> HttpResponse:
    """What the validator says, row by row, for one format."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, name, number)
    chosen = _format(request.GET.get("format", ""))
    context = _about(entry, found) | {
        "format": chosen,
        "checked": export.checked(found, chosen),
        "findings": list(export.findings(found, chosen, most=MOST_FINDINGS)),
        "most": MOST_FINDINGS,
    }
    return answer(request, "curation/dataset_checks.html", context, fragment="curation/_dataset_checks.html")


def _find(entry: Entry, name: str, number: int | None = None) -> DatasetVersion:
    try:
        return read.version(entry.project, name, number)
    except DatasetVersion.DoesNotExist:
        raise Http404("There is no such dataset version in this project.") from None


def _format(name: str) -> formats.Format:
    try:
        return formats.find(name or "openai-sft")
    except formats.UnknownFormat as error:
        raise Http404(str(error)) from None


def _row(found: DatasetVersion, position: int) -> read.ShownRow:
    try:
        return read.row(found, position)
    except DatasetRow.DoesNotExist:
        raise Http404(f"This version has no row {position}.") from None


def _about(entry: Entry, found: DatasetVersion) -> dict[str, Any]:
    return {
        "version": found,
        "counts": found.counts,
        "came": _came(found.counts),
        "parts": _parts(found),
        "group_label": recipe.GROUPS[found.recipe["group_by"]],
        "may_engineer": entry.may(Role.ENGINEER),
    }


def _came(counts: dict[str, Any]) -> dict[str, Any]:
    """What the rows rest on: how many were judged and corrected, by how many people, and why their traces were taken."""
    taken = [
        (reasons.BY_CODE[code].words, count)
        for code, count in counts["by_reason"].items()
        if reasons.BY_CODE[code].included
    ]
    corrected = counts.get("corrected", counts["by_reason"].get(reasons.CORRECTED.code, 0))
    return {"taken": sorted(taken, key=lambda pair: -pair[1]), "corrected": corrected}


def _outside(slug: str, found: DatasetVersion) -> str:
    """The list of the traces that had come and that the filter left out; what an upload or a moment of the recipe left out
    is no filter, so there is no such list then."""
    if found.recipe.get("upload") or found.recipe.get("until"):
        return ""
    return outside_of(slug, found.resolved_query, until=str(found.recipe.get("as_of", "")))


def outside_of(slug: str, query_text: str, *, until: str = "") -> str:
    """The address of the list of what a filter leaves out, "" where it leaves nothing out."""
    left = filters.parse(query_text).opposite(until=until)
    return f"{reverse('curation:traces', args=[slug])}?{urlencode({'q': left})}" if left else ""


def bars_of(counts: dict[str, Any], *, url: Callable[[str], str], outside: str = "") -> list[Bar]:
    """The waterfall of DatasetVersion.counts; `url` gives the page of what went for a reason (its code), `outside` is that
    of what the filter left out."""
    steps = reasons.waterfall(counts)
    most = max(1, *(step.kept + step.dropped for step in steps))
    return [
        Bar(
            step,
            round(100 * step.kept / most, 2),
            round(100 * step.dropped / most, 2),
            url(step.reason) if step.reason else outside if step.outside else "",
        )
        for step in steps
    ]


def _parts(found: DatasetVersion | None) -> list[Part]:
    return [] if found is None else parts_of(found.counts)


def parts_of(counts: dict[str, Any]) -> list[Part]:
    """The splits of DatasetVersion.counts, as parts of one bar."""
    parts: list[Part] = []
    start = 0.0
    for name, label, kind in SPLITS:
        width = 100 * counts[name] / max(1, counts["rows"])
        parts.append(Part(name, label, kind, counts[name], counts["groups"][name], round(start, 2), round(width, 2)))
        start += width
    return parts


def _exports(found: DatasetVersion) -> list[Exported]:
    """Every format that takes rows of the version. Where nothing is known and there are many rows, they are not read for
    this page: the link to the checks does that."""
    have, listed, parts = set(stored.kinds(found)), [], [part for part in _parts(found) if part.rows]
    total = int(found.counts["rows"])
    for chosen in formats.FORMATS.values():
        if not have & set(chosen.KINDS):
            continue
        checked = export.checked(found, chosen) if total <= MOST_CHECKED else export.known(found, chosen)
        if checked is None:
            listed.append(Exported(chosen, None, 0, 0, parts))
            continue
        invalid, warned = sum(checked["invalid"].values()), sum(checked["warned"].values())
        fits = [part for part in parts if part.rows > checked["invalid"].get(part.name, 0)]
        listed.append(Exported(chosen, total - invalid, invalid, warned, fits))
    return listed


def _descent(slug: str, came: read.Descent) -> list[dict[str, Any]]:
    """The last two places of the strip: how many, and the address of the newest where there is a page for it."""
    kinds = (
        ("Runs", "run", came.runs, "training:run", "training:runs"),
        ("Models", "model", came.models, "training:model", "training:models"),
    )
    return [
        {
            "kind": kind,
            "word": word,
            "count": len(ids),
            "url": _address(one, slug, ids[-1]) if ids else _address(many, slug),
        }
        for kind, word, ids, one, many in kinds
    ]


def _address(name: str, *arguments: Any) -> str:
    """The address of a page of a higher floor, "" where that floor has none."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def _train_url(slug: str, found: DatasetVersion) -> str:
    address = _address("training:run-new", slug)
    return f"{address}?dataset={found}" if address else ""
