"""Tags and filters of every template (builtins: no {% load %} needed). A value that is missing prints an en dash."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString

from workspace import charts, formats
from workspace.static_files import SHEETS

register = template.Library()

TAIL = 12

register.filter("whole", formats.whole)
register.filter("short", formats.short)
register.filter("duration", formats.duration)
register.filter("money", formats.money)
register.filter("size", formats.size)
register.filter("percent", formats.percent)
register.filter("decimal", formats.decimal)


@register.filter
def dash(value: Any) -> Any:
    """The value, or an en dash where it is None or empty text (0 stays 0)."""
    return "–" if value is None or value == "" else value


@register.filter
def entries(mapping: Any) -> list[tuple[str, Any]]:
    """Keys and values of a mapping that somebody else filled: in a template `.items` would be its key of that name."""
    return list(mapping.items()) if isinstance(mapping, dict) else []


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """mapping[key], or None."""
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of static/icons.svg, drawn in the colour of the text and silent to screen readers."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#i-{}"/></svg>', static("icons.svg"), name)


@register.simple_tag
def both_ends(text: str) -> SafeString:
    """A name or an id that keeps its end where there is too little room, for the end is what tells one from the next; the
    whole of it is the title."""
    if len(text) <= TAIL:
        return format_html("<span>{}</span>", text)
    return format_html(
        '<span class="ends" title="{}"><span>{}</span><span>{}</span></span>', text, text[:-TAIL], text[-TAIL:]
    )


@register.simple_tag
def styles(kind: str) -> SafeString:
    """The style sheets of a kind of page (workspace.static_files.SHEETS): one file where they were joined, else each."""
    if getattr(staticfiles_storage, "joins_sheets", False):
        names: tuple[str, ...] = (f"all-{kind}",)
    else:
        names = SHEETS[kind]
    links = ((static(f"css/{name}.css"),) for name in names)
    return format_html_join("\n  ", '<link rel="stylesheet" href="{}">', links)


@register.simple_tag
def ago(moment: datetime | None) -> SafeString:
    """A relative time such as "14 min ago", with the exact one as its title."""
    return _time(moment, " ago")


def age(moment: datetime | None) -> SafeString:
    """The same without the word, for columns whose head says it."""
    return _time(moment, "")


def _time(moment: datetime | None, word: str) -> SafeString:
    if moment is None:
        return SafeString("–")
    passed = timezone.now() - moment
    text = formats.ago(passed)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}{}</time>',
        moment.isoformat(timespec="seconds"),
        moment.astimezone(timezone.get_default_timezone()).strftime("%-d %b %Y, %H:%M:%S"),
        text,
        word if text[:1].isdecimal() else "",
    )


VERDICTS = {
    "acceptable": ("good", "✓", "Accepted"),
    "unacceptable": ("bad", "✕", "Rejected"),
    "unsure": ("warn", "?", "Unsure"),
    "": ("", "○", "Unjudged"),
}


@register.simple_tag
def verdict(value: str, stale: bool = False) -> SafeString:
    """The mark of an effective judgment: sign, word and colour together."""
    kind, sign, word = VERDICTS.get(value or "", ("", "○", value))
    if stale:
        return format_html(
            '<span class="mark warn" title="The trace changed after it was judged"><span aria-hidden="true">↻</span>{}, changed</span>',
            word,
        )
    return mark(kind, sign, word)


@register.simple_tag
def mark(kind: str, sign: str, word: Any) -> SafeString:
    """A small word with a meaning. kind: good, bad, warn, info or "" for neutral."""
    return format_html('<span class="mark {}"><span aria-hidden="true">{}</span>{}</span>', kind, sign, word)


@register.simple_tag
def spark(values: Sequence[float | None], label: str = "") -> SafeString:
    """A sparkline: the shape only, no axis. Gaps (None) stay gaps; fewer than two points draw nothing."""
    return charts.sparkline(values, label=label)


@register.inclusion_tag("parts/plot.html", takes_context=True)
def plot(context: template.Context, figure: dict[str, Any], title: str = "", name: str = "plot") -> dict[str, Any]:
    """A Plotly figure (a dict with data and layout) that static/js/charts.js draws in the colours of the theme."""
    return {
        "name": name,
        "title": title,
        "data": json_script(figure, f"{name}-figure"),
        "request": context.get("request"),
    }


@register.simple_tag(takes_context=True)
def url_with(context: template.Context, **changes: Any) -> str:
    """This page's query string with some keys changed; None or "" drops the key. Begins with "?"."""
    params = context["request"].GET.copy()
    for key, value in changes.items():
        if value is None or value == "":
            params.pop(key, None)
        else:
            params[key] = str(value)
    return "?" + params.urlencode()


@register.filter
def as_query(mapping: dict[str, Any]) -> str:
    """A mapping as a query string."""
    return urlencode(mapping)


@register.filter
def pretty_json(value: Any) -> str:
    """JSON with two blanks of indent, Unicode as it is."""
    return json.dumps(
        value, indent=2, ensure_ascii=False, default=lambda v: str(v) if isinstance(v, Decimal) else repr(v)
    )


@register.filter
def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()
