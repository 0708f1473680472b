"""How the calls of a tool are drawn where a project said so, instead of by the tool's name and what it gave back.

A view that cannot draw a call gives way to the automatic one and says why. As there, nothing of a call is lost: what a
view has no place for stands beside it, and the plain text is one key away.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from curation.review import edits, renderers
from curation.review.folds import View, folded
from curation.review.mail import BODIES, HEADS, mail
from curation.review.renderers import COMMAND_KEYS, ERROR_LINES, FLAT_VALUE, LINES, NOT_JSON, Drawn
from curation.review.shown import markdown, one_line, shown

COLUMNS = 20  # of a table that was asked for
CELL = 500  # characters
MARKDOWN = 20_000
SEPARATORS = ("\t", ";", "|", ",")
CHANGED = re.compile(r"^(?:@@ -\d|diff --git |--- )", re.MULTILINE)


class CannotDraw(ValueError):
    """Why a view cannot draw a call, in words."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a project chose for a tool: one of VIEWS, or "" for the automatic one, and the argument that is the headline of
    the card, "" for none."""

    view: str = ""
    headline: str = ""


@dataclass(slots=True)
class Call:
    """What there is to draw. `asked` are the arguments where they are a JSON object; `answer` is the result where it is
    JSON, else NOT_JSON."""

    arguments: str
    result: str | None
    failed: bool
    parsed: Any = NOT_JSON
    asked: dict[str, Any] = field(default_factory=dict)
    answer: Any = NOT_JSON

    def __post_init__(self) -> None:
        self.parsed = renderers.parsed_json(self.arguments)
        self.asked = self.parsed if isinstance(self.parsed, dict) else {}
        self.answer = renderers.parsed_json(self.result) if self.result is not None else NOT_JSON

    @property
    def lines(self) -> int:
        return ERROR_LINES if self.failed else LINES


def draw(name: str, arguments: str, result: str | None, *, failed: bool, wish: Wish) -> Drawn:
    """The call as `wish` says; where that cannot be, as renderers.draw has it, with the reason in `instead`."""
    drawn = renderers.draw(name, arguments, result, failed=failed)
    call = Call(arguments, result, failed)
    if wish.view:
        try:
            VIEWS[wish.view][1](call, drawn)
        except CannotDraw as why:
            drawn.instead = f"Drawn automatically, not as {VIEWS[wish.view][0]}: {why}."
    if wish.headline in call.asked:
        drawn.gist = one_line(_cell(call.asked[wish.headline]), 90)
    return drawn


def kind_of(drawn: Drawn) -> str:
    """The name of the view that a call was drawn with: of a change, a mail or a terminal wherever it stands, else of what
    came back, else of what was asked."""
    args, result = ({view.kind for view in some} for some in (drawn.args, drawn.result))
    for kinds, view in (({"diff"}, "diff"), ({"mail"}, "mail"), ({"prompt", "term"}, "terminal")):
        if kinds & (args | result):
            return VIEWS[view][0]
    for kinds, view in (({"table"}, "table"), ({"code"}, "code"), ({"md"}, "markdown"), ({"plain"}, "plain")):
        if kinds & result:
            return VIEWS[view][0]
    return VIEWS["json" if {"tree", "facts", "flat"} & (result or args) else "plain"][0]


def _asked(call: Call) -> list[View]:
    """The arguments as they are drawn by default."""
    if call.arguments.strip() in ("", "{}"):
        return []
    if call.parsed is NOT_JSON:
        return [renderers.plain(call.arguments, LINES, "not JSON, as it came")]
    return [renderers.fields(call.parsed)]


def _diff(call: Call, drawn: Drawn) -> None:
    if edits.edits(call.asked) is not None and any(view.kind == "diff" for view in drawn.args):
        return
    rest, text, note = _body(call) if call.result is not None else ([], "", "")
    if not CHANGED.search(text):
        raise CannotDraw("neither the arguments nor the result hold a change")
    view, added, removed = edits.patch(text)
    drawn.args, drawn.result = _asked(call), [*rest, replace(view, note=note)]
    drawn.marks = [("", "", f"+{added} −{removed}")]


def _terminal(call: Call, drawn: Drawn) -> None:
    command = next((call.asked[key] for key in COMMAND_KEYS if isinstance(call.asked.get(key), str)), "")
    if not command and call.result is None:
        raise CannotDraw("there is neither a command nor a result")
    others = {key: value for key, value in call.asked.items() if not command or value is not command}
    args = ([renderers.fields(others)] if others else []) if call.asked else _asked(call)
    marks: list[tuple[str, str, str]] = []
    drawn.args, drawn.result, drawn.marks = args, renderers.terminal(command, call.result, call.failed, marks), marks
    drawn.icon = "term"


def _code(call: Call, drawn: Drawn) -> None:
    rest, text, note = _body(call)
    first = renderers.first_line(call.asked)
    numbers = iter(range(first, first + text.count("\n") + 1)) if first is not None else None
    view = folded(
        "code", text.rstrip("\n"), lambda some: renderers.numbered(some, numbers), lines=call.lines, note=note
    )
    drawn.args, drawn.result, drawn.marks = _asked(call), [*rest, view], []


def _markdown(call: Call, drawn: Drawn) -> None:
    rest, text, note = _body(call)
    if len(text) > MARKDOWN:
        raise CannotDraw(f"the text has {len(text):,} characters, Markdown is drawn up to {MARKDOWN:,}")
    drawn.args, drawn.result, drawn.marks = _asked(call), [*rest, View("md", markdown(text), note=note)], []


def _body(call: Call) -> tuple[list[View], str, str]:
    """The text of a result: all of it, or the one long text in a JSON object; what stands beside it as views, and the name
    of the field it stands in, as a note."""
    if call.result is None:
        raise CannotDraw("no result came")
    if isinstance(call.answer, str):
        return [], call.answer, ""
    if not isinstance(call.answer, dict | list):
        return [], call.result, ""
    found = call.answer if isinstance(call.answer, dict) else {}
    texts = [key for key, one in found.items() if isinstance(one, str) and ("\n" in one or len(one) > FLAT_VALUE)]
    if len(found) == 1 and not texts:
        texts = [key for key, one in found.items() if isinstance(one, str)]
    if len(texts) != 1:
        raise CannotDraw("the result is structured and holds no single text")
    others = {key: one for key, one in found.items() if key != texts[0]}
    return ([renderers.fields(others)] if others else []), found[texts[0]], f"This stands in the field {texts[0][:80]}."


def _table(call: Call, drawn: Drawn) -> None:
    if call.result is None:
        raise CannotDraw("no result came")
    others: dict[str, Any] = {}
    if call.answer is NOT_JSON:
        rows = _separated(call.result)
    else:
        rows, others = _objects(call.answer)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not 0 < len(columns) <= COLUMNS:
        raise CannotDraw(f"it would have {len(columns)} columns; 1 to {COLUMNS} can be shown")
    if any(len(_cell(value)) > CELL for row in rows for value in row.values()):
        raise CannotDraw(f"a value has more than {CELL} characters")
    # a field that a row does not have stays empty; null is what was sent as null
    full = [{one: _plain_or_number(row.get(one, "")) for one in columns} for row in rows]
    beside = [renderers.fields(others)] if others else []
    drawn.args, drawn.result, drawn.marks = _asked(call), [*beside, renderers.table(full, columns)], []


def _objects(value: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows, and what stands beside them."""
    if isinstance(value, dict):
        names, rows = value.get("columns"), value.get("rows")
        if (
            isinstance(names, list)
            and isinstance(rows, list)
            and rows
            and len({str(one) for one in names}) == len(names)
        ):
            if any(not isinstance(row, list) or len(row) != len(names) for row in rows):
                raise CannotDraw("a row has not as many values as there are columns")
            others = {key: one for key, one in value.items() if key not in ("columns", "rows")}
            return [{str(name): one for name, one in zip(names, row, strict=True)} for row in rows], others
        lists = [key for key, one in value.items() if _are_objects(one)]
        if len(lists) == 1:
            return value[lists[0]], {key: one for key, one in value.items() if key != lists[0]}
        return [value], {}
    if _are_objects(value):
        return value, {}
    raise CannotDraw("the result is no list of objects")


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _separated(text: str) -> list[dict[str, Any]]:
    """Rows of text with one separator, the first line naming the columns."""
    for separator in SEPARATORS:
        try:
            lines = [row for row in csv.reader(io.StringIO(text.strip("\n")), delimiter=separator, strict=True) if row]
        except csv.Error:
            continue
        width = len(lines[0]) if lines else 0
        if width > 1 and len(lines) > 1 and all(len(row) == width for row in lines) and len(set(lines[0])) == width:
            return [dict(zip(lines[0], row, strict=True)) for row in lines[1:]]
    raise CannotDraw("the result is neither JSON nor rows of separated values")


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain_or_number(value: Any) -> Any:
    return value if renderers.scalar(value) else _cell(value)


def _json(call: Call, drawn: Drawn) -> None:
    if call.result is not None and call.answer is NOT_JSON:
        raise CannotDraw("the result is no JSON")
    if call.result is None and call.parsed is NOT_JSON:
        raise CannotDraw("the arguments are no JSON")
    args = [renderers.json_view(call.parsed)] if call.asked else _asked(call)
    drawn.args, drawn.marks = args, []
    drawn.result = [renderers.json_view(call.answer)] if call.result is not None else []


def _mail(call: Call, drawn: Drawn) -> None:
    if (written := _letter(call.asked)) is not None:
        drawn.args, drawn.icon = written, "answer"
        drawn.gist = one_line(str(call.asked.get("subject", "")), 90)
        return
    letters = call.answer if _are_objects(call.answer) else [call.answer]
    drawings = [_letter(one) for one in letters if isinstance(one, dict)]
    read = [view for one in drawings if one is not None for view in one]
    if not drawings or None in drawings:
        raise CannotDraw("neither the arguments nor the result are a mail with a subject, an address and words")
    drawn.args, drawn.result, drawn.marks = _asked(call), read, []


def _letter(value: dict[str, Any]) -> list[View] | None:
    """A mail, and its other fields in front of it."""
    known = {key: one for key, one in value.items() if key.lower() in (*HEADS, *BODIES)}
    letter = mail(known)
    others = {key: one for key, one in value.items() if key not in known}
    return None if letter is None else [*([renderers.fields(others)] if others else []), letter]


def _as_it_came(call: Call, drawn: Drawn) -> None:
    bare = call.arguments.strip() in ("", "{}")
    drawn.args = [] if bare else [folded("plain", call.arguments, shown, lines=LINES)]
    drawn.result = [] if call.result is None else [folded("plain", call.result, shown, lines=call.lines)]
    drawn.marks = []


VIEWS: Mapping[str, tuple[str, Callable[[Call, Drawn], None]]] = {
    "diff": ("Diff", _diff),
    "terminal": ("Terminal", _terminal),
    "code": ("Code", _code),
    "table": ("Table", _table),
    "json": ("JSON", _json),
    "mail": ("Mail", _mail),
    "markdown": ("Markdown", _markdown),
    "plain": ("Plain text", _as_it_came),
}
