"""Numbers and times as people read them. None becomes an en dash: a missing value is never shown as 0."""

import math
from datetime import timedelta
from decimal import Decimal

Number = int | float | Decimal


def whole(value: Number | None) -> str:
    """12345 -> 12,345"""
    return "–" if value is None or value == "" else f"{value:,.0f}"


def short(value: Number | None) -> str:
    """18437 -> 18.4k, 2300000 -> 2.3M; up to 9,999 as it is."""
    if value is None or value == "":
        return "–"
    number = float(value)
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= limit:
            return f"{number / (limit if unit != 'k' else 1e3):.1f}{unit}"
    return f"{number:,.0f}"


def duration(milliseconds: Number | None) -> str:
    """212 -> 212 ms, 36900 -> 36.9 s, 754000 -> 12 min 34 s, 9000000 -> 2 h 30 min"""
    if milliseconds is None or milliseconds == "":
        return "–"
    ms = float(milliseconds)
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def money(usd: Number | None) -> str:
    """0.0412 -> $0.041, 12 -> $12.00, 0 -> $0; below a cent with two digits that count."""
    if usd is None or usd == "":
        return "–"
    value = float(usd)
    if value == 0:
        return "$0"
    if abs(value) < 0.01:
        digits = min(12, 1 - math.floor(math.log10(abs(value))))  # never 3e-05
        return f"${value:.{digits}f}".rstrip("0") if round(value, digits) else f"under ${10**-digits:.{digits}f}"
    return f"${value:,.3f}" if abs(value) < 1 else f"${value:,.2f}"


def size(count: Number | None) -> str:
    """Bytes: 678000 -> 678 kB (powers of 1000)"""
    if count is None or count == "":
        return "–"
    number = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}" if unit in ("B", "kB") else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def percent(share: Number | None, digits: int = 1) -> str:
    """0.714 -> 71.4 %"""
    return "–" if share is None or share == "" else f"{float(share) * 100:.{digits}f} %"


def decimal(value: Number | None, digits: int = 2) -> str:
    """0.8213 -> 0.82"""
    return "–" if value is None or value == "" else f"{float(value):.{digits}f}"


def ago(passed: timedelta) -> str:
    """How long ago, in the largest whole unit: 3 s, 14 min, 5 h, 12 d, 8 mo, 2 y; "just now" below 2 s, "in ..." ahead."""
    seconds = passed.total_seconds()
    if seconds < -2:
        return f"in {ago(-passed)}"
    if seconds < 2:
        return "just now"
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (30 * 86400, 86400, "d"),
                              (365 * 86400, 30 * 86400, "mo")):  # fmt: skip
        if seconds < limit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds // (365 * 86400))} y"
