"""The rows of the trace list as HTML, written here and not in a template: a page has fifty rows of a dozen cells, and
looking every value up in a template took longer than everything else about the page together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from curation.browse.rows import Cell, Listing, Row, ShownScore
from curation.models import Trace
from curation.search.snippets import Snippet
from workspace import formats
from workspace.templatetags import ui

_ANY = UUID(int=0)
_SOFT_DASH = '<span class="soft">–</span>'
TAGS_SHOWN = 2
_IDS = ("id", "session", "user", "task")  # where they are cut, their end is what tells one from the next
HIDDEN = "Waits for you in a blind queue: what others said is shown once you have judged"


@dataclass(slots=True)
class _Sheet:
    """What the rows of one page share: the address of a trace in two halves, and marks made already."""

    before: str
    after: str
    snippets: Mapping[int, Snippet] | None
    judgments: dict[tuple[str, bool], str] = field(default_factory=dict)

    def judgment(self, row: Row) -> str:
        if row.blind:
            return f'<span title="{HIDDEN}">{ui.mark("", "◌", "Hidden")}</span>'
        key = (row.trace.verdict, row.trace.verdict_stale)
        if key not in self.judgments:
            self.judgments[key] = ui.verdict(*key)
        return self.judgments[key]


def draw(*, slug: str, listing: Listing, snippets: Mapping[int, Snippet] | None = None) -> SafeString:
    """All rows of a page. `snippets` (trace id -> where the words stand) while words are searched for."""
    before, _, after = reverse("curation:trace", args=[slug, _ANY]).rpartition(str(_ANY))
    sheet = _Sheet(escape(before), escape(after), snippets)
    return SafeString("".join(_row(sheet, row) for row in listing.rows))


def _row(sheet: _Sheet, row: Row) -> str:
    trace, title, lead = row.trace, str(row.trace), row.lead
    judgment, seen = sheet.judgment(row), ui.age(trace.received_at)
    marks = "".join(
        f" {ui.mark(kind, sign, word)}"
        for there, kind, sign, word in (
            (trace.archived_at, "", "▫", "Archived"),
            (trace.is_empty, "", "∅", "Empty"),
            (trace.is_replay, "info", "↻", "Replay"),
        )
        if there
    )
    errors = f'<span class="errs">{trace.errors} error{"" if trace.errors == 1 else "s"}</span>' if trace.errors else ""
    time = f'<span class="ms h{row.heat}">{formats.duration(trace.latency_ms)}</span>'
    leading = f'<td class="wide-only" data-told>{judgment}</td>' * len(lead)
    cells = "".join(_cell(cell, judgment, seen, time, row.blind) for cell in row.cells[len(lead) :])
    return (
        f'\n<tr id="t-{trace.uid}" data-row><td class="check"><input type="checkbox" name="trace" value="{trace.uid}"'
        f' aria-label="Select: {_cut(title, 80)}"></td>\n{leading}'
        f'<td class="grow"><a href="{sheet.before}{trace.uid}{sheet.after}" title="{escape(title)}">{_cut(title, 160)}</a>'
        f'{marks}{_snippet(sheet, trace)}\n  <span class="under">{judgment}<span class="clip">{_text(trace.agent)}</span>'
        f'{errors}{time}<span class="push">{seen}</span></span></td>\n{cells}</tr>'
    )


def _cell(cell: Cell, judgment: str, seen: str, time: str, blind: bool) -> str:
    column, value = cell.column, cell.value
    width = column.from_width
    if column.kind == "name":
        text = ui.both_ends(str(value)) if value and column.key in _IDS else _text(value)
        return f'<td class="soft name {width}" title="{"" if value is None else escape(str(value))}">{text}</td>'
    if column.kind == "time":
        return f'<td class="num {width}">{time}</td>'
    if column.kind == "ago":
        ago = seen if column.attribute == "received_at" else _ago(value)
        return f'<td class="num soft {width}">{ago}</td>'
    if blind and column.score:
        return f'<td class="num soft {width}" title="{HIDDEN}">◌<span class="sr">hidden</span></td>'
    if column.kind == "verdict":
        return f'<td class="{width}" data-told>{judgment}</td>'
    classes, write = _KINDS[column.kind]
    told = " data-told" if column.score else ""
    return (
        f'<td class="{classes} {width}"{told}{_whole_list(value) if column.kind == "list" else ""}>{write(value)}</td>'
    )


def _text(value: Any) -> str:
    return "–" if value is None or value == "" else escape(str(value))


def _cut(text: str, most: int) -> str:
    """`text` with at most `most` characters, the last of them an ellipsis where it was cut; escaped."""
    if not text.isascii():  # marks that combine with a letter do not count
        return escape(Truncator(text).chars(most))
    return escape(text if len(text) <= most else f"{text[: most - 1]}…")


def _ago(moment: datetime | None) -> str:
    return ui.age(moment) if moment else "–"


def _errors(count: int | None) -> str:
    return f'<span class="errs">{count}</span>' if count else '<span class="soft">0</span>'


def _tags(tags: list[str]) -> str:
    shown = "".join(f'<span class="mark">{_cut(tag, 16)}</span>' for tag in tags[:TAGS_SHOWN])
    if len(tags) > TAGS_SHOWN:
        shown += f'<span class="soft"{_whole_list(tags)}>+{len(tags) - TAGS_SHOWN}</span>'
    return shown


def _whole_list(values: list[str]) -> str:
    return f' title="{escape(", ".join(values))}"'


def _score(shown: ShownScore | None) -> str:
    if shown is None:
        return _SOFT_DASH
    score = shown.score
    if score.number is not None:
        fails = ' class="fails"' if shown.tone == "bad" else ""
        meter = (
            f'<span class="meter {shown.tone}" data-var-v="{shown.width}"></span>' if shown.share is not None else ""
        )
        return f"<span{fails}>{formats.decimal(score.number)}</span>{meter}"
    if score.boolean is not None:
        return ui.mark(shown.tone, "✓", "yes") if score.boolean else ui.mark(shown.tone, "✕", "no")
    return _cut(score.category, 20)


def _snippet(sheet: _Sheet, trace: Trace) -> str:
    """Where the words that were searched for stand; nothing where they stand in an id or a name."""
    snippet = sheet.snippets.get(trace.pk) if sheet.snippets else None
    if snippet is None:
        return ""
    if snippet.too_long:
        return '\n<span class="hit-line">in a long trace: open it and search in it</span>'
    pieces = "".join(f"<mark>{escape(text)}</mark>" if hit else escape(text) for text, hit in snippet.pieces)
    return f'\n<span class="hit-line"><span class="soft">{escape(snippet.where)}:</span> {pieces}</span>'


# kind of a column -> classes of its cells, and what writes them
_KINDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "whole": ("num", formats.whole),
    "score": ("num score", _score),
    "errors": ("num", _errors),
    "tokens": ("num soft", formats.short),
    "money": ("num soft", formats.money),
    "tags": ("tags", _tags),
    "list": ("soft name", lambda values: _text(", ".join(values))),
}
