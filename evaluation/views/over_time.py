"""Over time: one chart of score per model version, its table, and both as CSV."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from evaluation.models import Suite
from evaluation.tracking import points
from evaluation.tracking.points import PERIODS, Point
from evaluation.views.forest import signed
from workspace import charts
from workspace.access import Entry, enter
from workspace.models import Role

SUITE, JUDGED = "suite", "judged"
MOST_LINES = 5
MOST_ROWS = 200


@require_GET
def over_time(request: HttpRequest, slug: str) -> HttpResponse:
    """`?measure=` suite or judged, `?days=` 30, 90 or 365, `?suite=` an id, `?model=` one line; `?format=csv`."""
    entry = enter(request, slug, Role.REVIEWER)
    days = request.GET.get("days", "90")
    if days not in {str(period) for period in PERIODS}:
        raise Http404("There is no such period.")
    suites = list(points.suites(entry.project)[:50])
    measure = _measure(entry, request.GET.get("measure", ""), suites, int(days))
    suite = _suite(suites, request.GET.get("suite", "")) if measure == SUITE else None
    found = _points(entry, measure, suite, int(days))
    lines = points.series(found)
    names = list(lines)
    only = request.GET.get("model", "")
    if only:
        lines = {name: line for name, line in lines.items() if name == only}
    drawn = dict(list(lines.items())[:MOST_LINES])
    rows = sorted((point for line in lines.values() for point in line), key=lambda point: point.at, reverse=True)
    if request.GET.get("format") == "csv":
        return _csv(rows, f"over-time-{entry.project.slug}-{measure}-{days}d.csv")
    context: dict[str, Any] = {
        "measure": measure,
        "measures": ((SUITE, "On a suite"), (JUDGED, "Judged traces")),
        "days": days,
        "periods": ((30, "30 days"), (90, "90 days"), (365, "1 year")),
        "suites": suites,
        "suite": suite,
        "names": names,
        "only": only,
        "rows": _with_change(rows)[:MOST_ROWS],
        "total": len(rows),
        "not_drawn": list(lines)[MOST_LINES:],
        "figure": _figure(drawn, measure) if rows else None,
        "title": _title(measure, suite),
        "by_day": int(days) <= points.DAYS_BY_DAY,
        "newest": [(line[-1], line[-2] if len(line) > 1 else None, [p.score for p in line]) for line in drawn.values()],
    }
    return render(request, "evaluation/over_time.html", context)


def _measure(entry: Entry, wanted: str, suites: list[Suite], days: int) -> str:
    """What was asked for; else suites once two versions were measured on one, else what people judged."""
    if wanted in (SUITE, JUDGED):
        return wanted
    if wanted:
        raise Http404("There is no such measure.")
    if any(getattr(suite, "models", 0) > 1 for suite in suites):
        return SUITE
    return JUDGED if not suites or points.judged(project=entry.project, days=days) else SUITE


def _suite(suites: list[Suite], wanted: str) -> Suite | None:
    if not wanted:
        # the newest that tells two versions apart says more than the newest of all
        return next((suite for suite in suites if getattr(suite, "models", 0) > 1), suites[0] if suites else None)
    try:
        uid = UUID(wanted)
    except ValueError:
        raise Http404("There is no such suite.") from None
    for suite in suites:
        if suite.uid == uid:
            return suite
    raise Http404("There is no such suite.")


def _points(entry: Entry, measure: str, suite: Suite | None, days: int) -> list[Point]:
    if measure == JUDGED:
        return points.judged(project=entry.project, days=days)
    return points.measured(suite=suite, days=days) if suite is not None else []


def _title(measure: str, suite: Suite | None) -> str:
    if measure == JUDGED or suite is None:
        return "Accepted, % of judged traces"
    return f"{suite.graders[0]['name'].capitalize()} on {suite}, %"


def _figure(lines: dict[str, list[Point]], measure: str) -> dict[str, Any]:
    traces = []
    for number, (name, line) in enumerate(lines.items(), start=1):
        colour = f"series-{number}"
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": _plain(name),
                "x": [point.at.isoformat() for point in line],
                "y": [round(100 * point.score, 2) for point in line],
                "customdata": [[_plain(point.label), point.n, point.interval] for point in line],
                "error_y": {
                    # many lines of many points: their bars would hide each other; the table has them all
                    "visible": measure == SUITE or len(lines) == 1,
                    "type": "data",
                    "symmetric": False,
                    "array": [round(100 * ((point.high or point.score) - point.score), 2) for point in line],
                    "arrayminus": [
                        round(100 * (point.score - (point.score if point.low is None else point.low)), 2)
                        for point in line
                    ],
                    "thickness": 1,
                    "width": 3,
                    "color": colour,
                },
                "line": {"color": colour, "width": 2},
                "marker": {"color": colour, "size": 7},
                "hovertemplate": "%{customdata[0]}: <b>%{y:.1f} %</b><br>95 % interval %{customdata[2]}, "
                "n = %{customdata[1]}<extra></extra>",
            }
        )
    word = "accepted" if measure == JUDGED else "score"
    return charts.figure(
        traces,
        y_title=f"{word}, %",
        yaxis={"rangemode": "tozero" if _low(lines) < 40 else "normal", "ticksuffix": ""},
        xaxis={"type": "date", "range": _range(lines)},
        hovermode="closest",
        showlegend=len(lines) > 1,
    )


def _range(lines: dict[str, list[Point]]) -> list[str]:
    """From the first point, a week ago at the latest, to now: points of one hour must not look like a history."""
    now = timezone.now()
    first = min(min(point.at for line in lines.values() for point in line), now - timedelta(days=7))
    margin = (now - first) / 40
    return [(first - margin).isoformat(), (now + margin).isoformat()]


def _low(lines: dict[str, list[Point]]) -> float:
    return min(100 * (point.score if point.low is None else point.low) for line in lines.values() for point in line)


def _plain(text: str) -> str:
    """Names come from traces: Plotly would read tags in them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _with_change(rows: list[Point]) -> list[tuple[Point, str]]:
    """Newest first, each with the change in points since the point before it on its line."""
    before: dict[str, float] = {}
    told: list[tuple[Point, str]] = []
    for point in reversed(rows):
        last = before.get(point.series)
        told.append((point, signed(None if last is None else 100 * (point.score - last))))
        before[point.series] = point.score
    told.reverse()
    return told


def _csv(rows: list[Point], filename: str) -> HttpResponse:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(["model", "version", "at", "score", "low", "high", "n", "demo"])
    for point in rows:
        numbers = ["" if value is None else f"{value:.6f}" for value in (point.score, point.low, point.high)]
        writer.writerow(
            [_cell(point.series), _cell(point.label), point.at.isoformat(), *numbers, point.n, int(point.simulated)]
        )
    return HttpResponse(
        sink.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
