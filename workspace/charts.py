"""Drawings: sparklines as SVG made here, and the frame of the figures that Plotly draws in the browser."""

import math
from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT, PAD = 64.0, 24.0, 2.0


def sparkline(values: Sequence[float | None], *, label: str = "") -> SafeString:
    """An SVG line over `values`, scaled to their own range. None and NaN are gaps; under two points it is empty."""
    known = [float(v) for v in values if v is not None and math.isfinite(v)]
    if len(known) < 2:
        return SafeString("")
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = WIDTH / (len(values) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            runs.append([])
        else:
            runs[-1].append((index * step, HEIGHT - PAD - (float(value) - low) / span * (HEIGHT - 2 * PAD)))
    runs = [run for run in runs if run]
    lines = format_html_join("", '<path d="{}"/>', ((_path(run),) for run in runs if len(run) > 1))
    last = runs[-1][-1]
    speak = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="spark" viewBox="0 0 64 24" {}>{}<circle cx="{}" cy="{}" r="2"/></svg>',
        speak, lines, f"{last[0]:.1f}", f"{last[1]:.1f}",
    )  # fmt: skip


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def figure(traces: list[dict[str, Any]], *, x_title: str = "", y_title: str = "", **layout: Any) -> dict[str, Any]:
    """A Plotly figure as plain JSON: `traces` as Plotly takes them, titles of the axes, more layout by keyword.

    Colours, fonts and margins are left to static/js/charts.js, which reads them from the page's tokens. A trace may name
    its colour as {"line": {"color": "series-1"}}: any token name is replaced in the browser.
    """
    base: dict[str, Any] = {"xaxis": {"title": {"text": x_title}}, "yaxis": {"title": {"text": y_title}}}
    for key, value in layout.items():
        base[key] = {**base[key], **value} if isinstance(base.get(key), dict) and isinstance(value, dict) else value
    return {"data": traces, "layout": base}
