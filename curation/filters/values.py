"""Reading the values of a filter: numbers, money, durations and times. Readers raise ValueError in plain words."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,12})?(?:e-?\d{1,2})?", re.ASCII | re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)", re.ASCII)
_AGO = re.compile(r"(\d{1,5})(m|h|d|w)", re.ASCII)
_COUNT = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([km]?)", re.ASCII | re.IGNORECASE)
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


def read_number(text: str) -> float:
    """A plain number such as 0.8 or -3."""
    if not _NUMBER.fullmatch(text) or abs(number := float(text)) > 1e15:
        raise ValueError("is not a number; write it like 0.8")
    return float(text) if number else 0.0


def read_money(text: str) -> Decimal:
    """US dollars, such as 0.05 or $0.05."""
    text = text.removeprefix("$")
    if not _NUMBER.fullmatch(text) or abs(Decimal(text)) > 10**12:
        raise ValueError("is not an amount in dollars; write it like 0.05")
    return Decimal(text)


def read_count(text: str) -> int:
    """A whole number; k and m stand for thousands and millions (12k)."""
    found = _COUNT.fullmatch(text)
    if not found:
        raise ValueError("is not a whole number; write it like 12 or 12k")
    value = Decimal(found[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2].lower()]
    if value != int(value) or value > 10**15:
        raise ValueError("is not a whole number; write it like 12 or 12k")
    return int(value)


def read_duration(text: str) -> float:
    """A length of time with its unit (900ms, 15s, 2m, 1h), in milliseconds."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError("needs a unit; write it like 900ms, 15s or 2m")
    return float(found[1]) * _MILLISECONDS[found[2]]


def is_relative(text: str) -> bool:
    """Whether a time means something else tomorrow (7d, today)."""
    return bool(_AGO.fullmatch(text)) or text in ("now", "today", "yesterday")


def read_moment(text: str, *, now: datetime, whole_day: bool = False) -> datetime:
    """A time: 7d (ago), today, 2026-11-01 (UTC), or ISO 8601. With `whole_day` a date means its end."""
    now = now.astimezone(UTC).replace(microsecond=0)
    if found := _AGO.fullmatch(text):
        return _sane(now - int(found[1]) * _SPANS[found[2]])
    if text == "now":
        return now
    day = _day(text, now)
    if day is not None:
        start = _sane(datetime.combine(day, time.min, UTC))
        return start + timedelta(days=1) if whole_day else start
    try:
        moment = datetime.fromisoformat(text)
        return _sane(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError("is not a time; write it like 7d, 24h, 2026-11-01 or 2026-11-01T09:30") from None


def write_moment(text: str, *, now: datetime) -> str:
    """The same time as `text` in words that mean the same for ever: 7d becomes 2026-11-14T09:30:00Z."""
    if not is_relative(text):
        return text
    now = now.astimezone(UTC).replace(microsecond=0)
    if text in ("today", "yesterday"):
        return str(_day(text, now))
    return read_moment(text, now=now).isoformat().replace("+00:00", "Z")


def _day(text: str, now: datetime) -> date | None:
    if text == "today":
        return now.date()
    if text == "yesterday":
        return now.date() - timedelta(days=1)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ValueError("is not a day of the calendar; write it like 2026-11-01") from None
    return None


def _sane(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"is not a time between {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment
