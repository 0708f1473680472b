"""Charts: what came in, how long it took, what it cost and what people said of it, over time."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from curation.browse import rollups, series
from curation.browse.measures import BY_KEY, MEASURES, Measure, drawn
from curation.browse.series import Series, Sums
from workspace import charts as drawing
from workspace.access import enter
from workspace.models import Role

MOST_LINES = 5
MOST_ROWS = 200
FEW = 14  # so many days or weeks are named one by one under the chart
# name -> length, units that make a readable number of points
PERIODS: dict[str, tuple[str, timedelta | None, tuple[series.Unit, ...]]] = {
    "24h": ("24 hours", timedelta(hours=24), ("hour",)),
    "7d": ("7 days", timedelta(days=7), ("day", "hour")),
    "30d": ("30 days", timedelta(days=30), ("day", "week")),
    "90d": ("90 days", timedelta(days=90), ("day", "week")),
    "1y": ("1 year", timedelta(days=365), ("week", "day")),
    "all": ("All", None, ("week", "day")),
}
UNITS: dict[str, str] = {"hour": "Hour", "day": "Day", "week": "Week"}
SPLITS = (("", "Together"), ("agent", "By agent"), ("model", "By model"))
LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
MOST_HOURS = timedelta(days=14)
SLOW_SUMS = timedelta(minutes=1)
DAY = timedelta(days=1)
_NOTHING = Sums()


class Refused(ValueError):
    """Something in the address that cannot be drawn, in words; `field` is where it was said."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `start` is None for all; `days` are the two dates where they were given."""

    measure: Measure
    period: str
    start: datetime | None
    end: datetime
    unit: series.Unit
    units: tuple[series.Unit, ...]
    split: series.Split
    agent: str
    model: str
    days: tuple[str, str]


@require_GET
def charts(request: HttpRequest, slug: str) -> HttpResponse:
    """`?measure=` volume ..., `?range=` 24h ... all or `?from=`&`?to=` dates, `?by=` hour, day or week, `?split=` agent or
    model, `?agent=`, `?model=`; `?format=csv` for all measures as a table."""
    entry = enter(request, slug, Role.REVIEWER)
    now = timezone.now()
    try:
        asked = _read(request, now)
    except Refused as problem:
        form = _form(_read(request, now, dated=False), series.names(project=entry.project))
        return render(request, "curation/charts.html", {**form, "refused": problem}, status=422)
    found = series.read(
        project=entry.project,
        unit=asked.unit,
        start=asked.start,
        end=asked.end,
        split=asked.split,
        agents=[asked.agent] if asked.agent else [],
        models=[asked.model] if asked.model else [],
    )
    times = _times(asked, found)
    if request.GET.get("format") == "csv":
        return _csv(found, times, asked, f"{entry.project.slug}-{asked.period or 'dates'}-by-{asked.unit}.csv")
    lines, others = series.fold(found, most=MOST_LINES)
    every = _together(found)
    whole = series.total(every.values())
    lag = rollups.lag(project=entry.project)
    names = series.names(project=entry.project)
    rows, rows_in_all = _rows(asked, lines, times)
    unfinished = len(times) > 2 and times[-1] + LENGTHS[asked.unit] > now
    context: dict[str, Any] = {
        **_form(asked, names),
        "tiles": [_tile(measure, whole, every, times[:-1] if unfinished else times) for measure in MEASURES],
        "figure": _figure(asked.measure, lines, times, asked.unit) if every else None,
        "rows": rows,
        "year": times[0].year if times and times[0].year == times[-1].year else None,
        "total": rows_in_all,
        "others": others,
        "base": asked.measure.base(whole),
        "traces": whole.traces,
        "anything": bool(every) or names != ([], []),
        "behind": lag.since if lag.since and now - lag.since > SLOW_SUMS else None,
        "waiting": lag.waiting,
        "unfinished": unfinished,
        "error": rollups.ERROR,
    }
    return render(request, "curation/charts.html", context)


def _form(asked: Asked, names: tuple[list[str], list[str]]) -> dict[str, Any]:
    return {
        "asked": asked,
        "periods": [(key, label) for key, (label, _, _) in PERIODS.items()],
        "units": [(unit, UNITS[unit]) for unit in asked.units],
        "splits": SPLITS,
        "names": names,
    }


def _read(request: HttpRequest, now: datetime, *, dated: bool = True) -> Asked:
    """What the address asks for; without `dated` its dates are kept as they were typed and not looked at."""
    measure = BY_KEY.get(request.GET.get("measure", "volume"))
    split = request.GET.get("split", "")
    if measure is None or split not in {key for key, _ in SPLITS}:
        raise Http404("There is no such chart.")
    days = (request.GET.get("from", ""), request.GET.get("to", ""))
    period = "" if any(days) else request.GET.get("range", "30d")
    if not dated:
        start, end, units = None, now, PERIODS["30d"][2]
    elif period:
        if period not in PERIODS:
            raise Http404("There is no such period.")
        _, length, units = PERIODS[period]
        start, end = (None if length is None else _floor(now - length, units[0])), now
    else:
        last = _day(days[1], "to")
        start, end = _day(days[0], "from") or datetime(1970, 1, 1, tzinfo=UTC), last + DAY if last else now
        if start >= end:
            raise Refused(f"This is after the last day, {days[1] or 'today'}.", field="from")
        units = ("hour", "day") if end - start <= timedelta(days=2) else ("day", "week")
        if timedelta(days=2) < end - start <= MOST_HOURS:
            units = ("day", "hour")
    unit = request.GET.get("by", units[0])
    if unit not in UNITS:
        raise Http404("There is no such unit.")
    chosen: series.Unit = unit if unit in units else units[0]
    texts = {name: request.GET.get(name, "").replace("\0", "") for name in ("agent", "model")}
    return Asked(measure, period, start, end, chosen, units, split, texts["agent"], texts["model"], days)  # type: ignore[arg-type]


def _floor(at: datetime, unit: str) -> datetime:
    at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return at if unit == "hour" else at.replace(hour=0)


def _day(text: str, name: str) -> datetime | None:
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Refused(f"“{text}” is not a date; write it like 2026-11-01.", field=name) from None
    if not 1970 <= day.year <= 2200:
        raise Refused(f"“{text}” is not between 1970 and 2200.", field=name)
    return day


def _times(asked: Asked, found: list[Series]) -> list[datetime]:
    """The buckets from the first that holds a trace: before it nothing is known."""
    first = min((at for one in found for at in one.points), default=None)
    if first is None:
        return []
    last = max(at for one in found for at in one.points)
    start = first if asked.start is None else max(asked.start, first)
    whole = series.buckets(
        start=start, end=asked.end if asked.period != "all" else last + timedelta(seconds=1), unit=asked.unit
    )
    # a sender's clock may be decades off: then only what there is is drawn
    return whole if len(whole) <= 1_000 else sorted({at for one in found for at in one.points})


def _together(found: list[Series]) -> dict[datetime, Sums]:
    points: dict[datetime, Sums] = {}
    for one in found:
        for at, sums in one.points.items():
            points.setdefault(at, Sums()).add(sums)
    return points


def _tile(measure: Measure, whole: Sums, every: dict[datetime, Sums], times: list[datetime]) -> dict[str, Any]:
    first = measure.lines[0]
    written = [line.write(line.value(whole)) for line in measure.lines] if whole.traces else ["–"] * len(measure.lines)
    return {
        "measure": measure,
        "value": written[0],
        "more": [(line.name, text) for line, text in zip(measure.lines[1:], written[1:], strict=True)],
        "first": first.name,
        "spark": [first.value(every.get(at, _NOTHING)) for at in times],
        "counted": measure.counted(whole),
    }


def _name(text: str) -> str:
    return text or "not said"


def _plain(text: str) -> str:
    """Names come from traces: Plotly would read tags in them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _figure(measure: Measure, lines: list[Series], times: list[datetime], unit: series.Unit) -> dict[str, Any]:
    traces, moments = [], [at.isoformat() for at in times]
    for number, one in enumerate(lines):
        for place, line in enumerate(measure.lines):
            colour = f"series-{number % 5 + 1}" if len(lines) > 1 or len(measure.lines) == 1 else f"series-{place + 1}"
            if number >= MOST_LINES:
                colour = "ink-faint"
            label = " ".join(
                filter(
                    None,
                    [
                        _plain(_name(one.name)) if len(lines) > 1 else "",
                        line.name if len(measure.lines) > 1 or len(lines) == 1 else "",
                    ],
                )
            )
            sums = [one.points.get(at, _NOTHING) for at in times]
            values = [line.value(one) for one in sums]
            shape: dict[str, Any] = (
                {"type": "bar", "marker": {"color": colour, "opacity": 0.55 if place else 1}}
                if measure.bars
                else {
                    "type": "scatter", "mode": "lines+markers" if len(times) <= 60 else "lines", "connectgaps": False,
                    "line": {"color": colour, "width": 2, "dash": "dot" if place else "solid"}, "marker": {"color": colour, "size": 5},
                }
            )  # fmt: skip
            traces.append(
                {
                    "name": label,
                    "x": moments,
                    # a bar or a point stands in the middle of the hour, day or week that it sums
                    "xperiod": LENGTHS[unit] // timedelta(milliseconds=1),
                    "xperiod0": moments[0],
                    "y": [drawn(measure, value) for value in values],
                    "text": [
                        f"{line.write(value)}, {measure.base(one):,} {measure.base_label}"
                        for one, value in zip(sums, values, strict=True)
                    ],
                    "hovertemplate": "%{text}<extra>" + label + "</extra>",
                    "textposition": "none",
                    **shape,
                }
            )
    for trace in traces:
        if trace["type"] == "scatter":
            del trace["textposition"]
    return drawing.figure(
        traces, y_title=measure.axis, barmode="stack", bargap=0.15, xaxis=_time_axis(times, unit),
        yaxis={"rangemode": "tozero"}, showlegend=len(traces) > 1,
    )  # fmt: skip


def _time_axis(times: list[datetime], unit: series.Unit) -> dict[str, Any]:
    """From the beginning of the first bucket to the end of the last. A few days or weeks have a tick each, at whose middle
    stands which one it is: left to itself Plotly would write hours there."""
    said = {"hour": "%-d %b %Y, %H:%M", "day": "%a %-d %b %Y", "week": "Week from %-d %b %Y"}[unit]
    begin, long = times[0].isoformat(), LENGTHS[unit] // timedelta(milliseconds=1)
    axis: dict[str, Any] = {
        "type": "date", "range": [begin, (times[-1] + LENGTHS[unit]).isoformat()], "hoverformat": said,
        "tickformatstops": [
            {"dtickrange": [None, 86_399_999], "value": "%H:%M\n%-d %b"}, {"dtickrange": [86_400_000, None], "value": "%-d %b\n%Y"},
        ],
    }  # fmt: skip
    if unit != "hour" and len(times) <= FEW:
        axis |= {"tick0": begin, "dtick": long, "ticklabelmode": "period"}
    return axis


def _rows(asked: Asked, lines: list[Series], times: list[datetime]) -> tuple[list[dict[str, Any]], int]:
    """Newest first: a row for each bucket, and of a split for each series in it that has traces. The MOST_ROWS newest, and
    how many there are."""
    every = [(at, one) for at in reversed(times) for one in lines if len(lines) == 1 or at in one.points]
    rows = []
    for at, one in every[:MOST_ROWS]:
        sums = one.points.get(at, _NOTHING)
        rows.append(
            {
                "at": at,
                "name": _name(one.name) if asked.split else "",
                "values": [line.write(line.value(sums)) for line in asked.measure.lines],
                "base": asked.measure.base(sums),
            }
        )
    return rows, len(every)


_COLUMNS = (
    "from", "series", "traces", "with_errors", "judged", "accepted", "rejected", "latency_p50_ms", "latency_p95_ms", "timed",
    "cost_usd", "costed", "input_tokens", "output_tokens",
)  # fmt: skip


def _csv(found: list[Series], times: list[datetime], asked: Asked, filename: str) -> HttpResponse:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(_COLUMNS)
    for at in times:
        for one in found:
            sums = one.points.get(at)
            if sums is None:
                continue
            middle, slow = sums.latency(0.5), sums.latency(0.95)
            writer.writerow(
                [
                    at.isoformat(), _cell(_name(one.name) if asked.split else "all"), sums.traces, sums.errors, sums.judged,
                    sums.acceptable, sums.unacceptable, *("" if ms is None else f"{ms:.1f}" for ms in (middle, slow)),
                    sums.timed, *("" if value is None else value for value in (sums.cost_usd,)), sums.costed,
                    *("" if value is None else value for value in (sums.input_tokens, sums.output_tokens)),
                ]
            )  # fmt: skip
    return HttpResponse(
        sink.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
