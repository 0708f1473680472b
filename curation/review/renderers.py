"""How the arguments and the result of a tool call are drawn: edits as a diff, shells as a terminal, files with line
numbers, JSON as facts, a table or a tree, everything else as it came.

A view never loses anything: what does not fit is folded and the fold says how much it holds; the plain text of a call is
always one click away.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from curation.messages.clean import read_inside
from curation.review import ansi, edits
from curation.review.folds import EMPTY, WIDE, View, folded
from curation.review.mail import mail
from curation.review.shown import markdown, one_line, shown
from curation.review.tree import small_enough, tree

LINES = 14  # of a result before the fold
ERROR_LINES = 30  # errors are shown open, up to the size of a screen
FLAT_VALUE = 120
TABLE_COLUMNS = 8
TABLE_ROWS = 10

COMMAND_KEYS = ("command", "cmd", "script", "code", "shell_command")
SHELL = {
    "bash",
    "shell",
    "terminal",
    "exec",
    "execute",
    "command",
    "cmd",
    "sh",
    "console",
    "powershell",
    "python",
    "run",
}
READ = {"read", "cat", "view", "open", "load"}
EDIT = {"edit", "write", "patch", "replace", "create", "update", "apply", "insert", "str"}
SEARCH = {"search", "find", "grep", "glob", "list", "ls", "query", "lookup", "get", "fetch"}
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
NUMBERED = re.compile(r"^\s*(\d+)(?:\t|→|: |\| ?)(.*)$")
GREPPED = re.compile(r"^([^\s:][^:\n]{0,200}):(\d+)[:-](.*)$")
STARTS = ("offset", "start_line", "line_start", "from_line", "start")


@dataclass(slots=True)
class Drawn:
    """A call and its result, drawn."""

    icon: str
    gist: SafeString = EMPTY
    args: list[View] = field(default_factory=list)
    result: list[View] = field(default_factory=list)
    marks: list[tuple[str, str, str]] = field(default_factory=list)  # kind, sign, word
    instead: str = ""  # why this is not the view that the project chose


def draw(name: str, arguments: str, result: str | None, *, failed: bool) -> Drawn:
    """Choose the view of a call by its name and the shape of its arguments. `result` is None where none came."""
    words = {word.lower() for word in WORDS.findall(name)}
    parsed = parsed_json(arguments)
    asked = parsed if isinstance(parsed, dict) else {}
    drawn = Drawn(icon=_icon(words))
    path = next((asked[key] for key in edits.PATH_KEYS if isinstance(asked.get(key), str)), "")
    changes = edits.edits(asked) if asked else None
    command = next((asked[key] for key in COMMAND_KEYS if isinstance(asked.get(key), str)), "")
    if changes is not None:
        drawn.icon, drawn.gist = "edit", one_line(path, 90)
        view, added, removed = changes
        drawn.args.append(view)
        drawn.marks.append(
            ("", "", " ".join(filter(None, [f"+{added}" if added else "", f"−{removed}" if removed else ""])) or "±0")
        )
        drawn.result = result_views(result, failed=failed, words=words, path="")
    elif asked and (letter := mail(asked)):
        drawn.icon, drawn.gist = "answer", one_line(str(asked.get("subject", "")), 90)
        drawn.args.append(letter)
        drawn.result = result_views(result, failed=failed, words=words, path="")
    elif command and words & SHELL:
        drawn.icon = "term"
        others = {key: value for key, value in asked.items() if asked[key] is not command}
        if others:
            drawn.args.append(fields(others))
        drawn.result = terminal(command, result, failed, drawn.marks)
    else:
        if arguments.strip() not in ("", "{}"):
            drawn.args.append(
                fields(parsed) if parsed is not NOT_JSON else plain(arguments, LINES, "not JSON, as it came")
            )
        drawn.result = result_views(result, failed=failed, words=words, path=path, first=first_line(asked))
    return drawn


NOT_JSON = object()


def parsed_json(text: str) -> Any:
    """The value of a JSON text, safe to show; NOT_JSON where it is none."""
    try:
        return read_inside(text)
    except ValueError:
        return NOT_JSON


def icon_of(name: str) -> str:
    """The icon of a tool's call, by the words of its name."""
    return _icon({word.lower() for word in WORDS.findall(name)})


def _icon(words: set[str]) -> str:
    for kinds, icon in ((SHELL, "term"), (READ, "file"), (EDIT, "edit"), (SEARCH, "search")):
        if words & kinds:
            return icon
    return "gear"


def plain(text: str, lines: int, note: str = "") -> View:
    return folded("plain", text, shown, lines=lines, note=note)


# --- arguments


def fields(value: Any) -> View:
    if isinstance(value, dict) and all(scalar(one) for one in value.values()):
        texts = {key: text_of_value(one) for key, one in value.items()}
        flat = all(len(one) <= FLAT_VALUE and "\n" not in one for one in texts.values())
        if flat:
            return View(
                "flat", format_html_join("", "<dt>{}</dt><dd>{}</dd>", ((shown(k), shown(v)) for k, v in texts.items()))
            )
        if sum(map(len, texts.values())) <= WIDE:
            return View(
                "facts",
                format_html_join("", "<dt>{}</dt><dd>{}</dd>", ((shown(k), shown(v)) for k, v in texts.items())),
            )
    return json_view(value)


def json_view(value: Any) -> View:
    if small_enough(value):
        return View("tree", tree(value))
    return plain(json.dumps(value, indent=2, ensure_ascii=False), LINES)


def scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def text_of_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# --- results


def result_views(
    result: str | None, *, failed: bool, words: set[str], path: str, first: int | None = None
) -> list[View]:
    if result is None:
        return []
    lines = ERROR_LINES if failed else LINES
    parsed = parsed_json(result) if result.lstrip()[:1] in ("{", "[") else NOT_JSON
    if isinstance(parsed, list | dict) and (views := rows_of(parsed)):
        return views
    if isinstance(parsed, dict) and (letter := mail(parsed)):
        return [letter]
    if (
        isinstance(parsed, dict)
        and parsed
        and len(parsed) <= 12
        and all(scalar(v) and len(text_of_value(v)) <= FLAT_VALUE for v in parsed.values())
    ):
        return [
            View(
                "facts",
                format_html_join(
                    "", "<dt>{}</dt><dd>{}</dd>", ((shown(k), shown(text_of_value(v))) for k, v in parsed.items())
                ),
            )
        ]
    if isinstance(parsed, dict | list) and parsed:
        return [json_view(parsed)]
    if path and words & READ and "\n" in result.strip() and not failed:
        if path.lower().endswith((".md", ".markdown")) and len(result) <= WIDE:
            return [View("md", markdown(result))]
        numbers = iter(range(first, first + result.count("\n") + 1)) if first is not None else None
        return [folded("code", result.rstrip("\n"), lambda text: numbered(text, numbers), lines=lines)]
    found = result.rstrip("\n").split("\n")
    if words & SEARCH and not failed and sum(bool(GREPPED.match(line)) for line in found) * 5 >= len(found) * 4:
        return [folded("code", result.rstrip("\n"), _grepped, lines=lines)]
    return [plain(result, lines)]


def first_line(asked: dict[str, Any]) -> int | None:
    """The number of the first line that was asked for, where the call says it."""
    span = asked.get("view_range")
    given = span[0] if isinstance(span, list) and span else next((asked[key] for key in STARTS if key in asked), None)
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else None


def rows_of(value: list[Any] | dict[str, Any]) -> list[View]:
    """Rows as a table: a list of objects, {"columns": [...], "rows": [[...]]}, or one such list among plain facts."""
    if isinstance(value, list):
        columns = _columns(value)
        return [table(value, columns)] if columns else []
    names, rows = value.get("columns"), value.get("rows")
    if isinstance(names, list) and isinstance(rows, list) and all(isinstance(one, str) for one in names):
        if set(value) == {"columns", "rows"} and all(isinstance(r, list) and len(r) == len(names) for r in rows):
            joined = [dict(zip(names, row, strict=True)) for row in rows]
            columns = _columns(joined) if len(set(names)) == len(names) else []
            return [table(joined, columns)] if columns else []
        return []
    lists = [key for key, one in value.items() if isinstance(one, list) and _columns(one)]
    facts = {key: one for key, one in value.items() if key not in lists}
    if len(lists) != 1 or not all(scalar(one) and len(text_of_value(one)) <= FLAT_VALUE for one in facts.values()):
        return []
    return [*([fields(facts)] if facts else []), table(value[lists[0]], _columns(value[lists[0]]))]


def _columns(rows: list[Any]) -> list[str]:
    """The columns of a list of flat, alike objects; none where it is something else."""
    if len(rows) < 2 or not all(isinstance(row, dict) for row in rows):
        return []
    columns = list(rows[0])
    alike = 0 < len(columns) <= TABLE_COLUMNS and all(
        list(row) == columns and all(scalar(v) and len(text_of_value(v)) <= 80 for v in row.values()) for row in rows
    )
    return columns if alike else []


def table(rows: list[dict[str, Any]], columns: list[str]) -> View:
    head = format_html(
        "<thead><tr>{}</tr></thead>",
        format_html_join("", '<th scope="col">{}</th>', ((shown(one),) for one in columns)),
    )

    def body(some: list[dict[str, Any]]) -> SafeString:
        lines = (
            (
                format_html_join(
                    "", "<td{}>{}</td>", ((_number(row[one]), shown(text_of_value(row[one]))) for one in columns)
                ),
            )
            for row in some
        )
        return format_html("{}<tbody>{}</tbody>", head, format_html_join("", "<tr>{}</tr>", lines))

    first, rest = (rows, []) if len(rows) <= TABLE_ROWS + 2 else (rows[:TABLE_ROWS], rows[TABLE_ROWS:])
    far = len(rest) > 300
    more = f"{len(rest):,} more rows" if rest else ""
    return View("table", body(first), body(rest) if rest and not far else EMPTY, more, far)


def _number(value: Any) -> SafeString:
    return mark_safe(' class="num"') if isinstance(value, int | float) and not isinstance(value, bool) else EMPTY


def _grepped(text: str) -> SafeString:
    """Lines that a search found, with the file and the line's number beside each."""
    pairs = ((GREPPED.match(line), line) for line in text.split("\n"))
    rows = ((f"{match[1]}:{match[2]}", shown(match[3])) if match else ("", shown(line)) for match, line in pairs)
    return format_html_join("", "<span><i>{}</i><code>{}</code></span>", ((shown(no), line) for no, line in rows))


def numbered(text: str, numbers: Iterator[int] | None = None) -> SafeString:
    """Lines of a file. Numbers are shown where the tool gave them or the call says where it begins, never invented."""
    pairs = [NUMBERED.match(line) for line in text.split("\n")]
    if all(pairs[: max(1, len(pairs) - 1)]):
        rows = [
            (match[1], match[2]) if match else ("", line) for match, line in zip(pairs, text.split("\n"), strict=True)
        ]
    else:
        rows = [(str(next(numbers, "")) if numbers else "", line) for line in text.split("\n")]
    return format_html_join("", "<span><i>{}</i><code>{}</code></span>", ((no, shown(line)) for no, line in rows))


def terminal(command: str, result: str | None, failed: bool, marks: list[tuple[str, str, str]]) -> list[View]:
    """A command and what it wrote; how it ended goes into `marks`. Without a command only what was written."""
    prompt = View("prompt", shown(command.rstrip()))
    if len(command) > WIDE or command.count("\n") > 40:
        prompt = folded("prompt", command.rstrip(), shown, lines=20)
    before = [prompt] if command else []
    if result is None:
        return before
    parsed = parsed_json(result) if result.lstrip()[:1] == "{" else None
    text, code = result, None
    if isinstance(parsed, dict):
        code = next(
            (parsed[key] for key in ("exit_code", "returncode", "exitCode") if isinstance(parsed.get(key), int)), None
        )
        streams = [
            parsed[key] for key in ("stdout", "output", "stderr") if isinstance(parsed.get(key), str) and parsed[key]
        ]
        known = {"exit_code", "returncode", "exitCode", "stdout", "output", "stderr"}
        # other keys would be lost in a terminal: then the whole JSON is shown
        if streams and set(parsed) <= known:
            text = "\n".join(one.rstrip("\n") for one in streams)
    if code is not None and not isinstance(code, bool):
        marks.append(("bad", "✕", f"exit {code}") if code else ("good", "✓", "exit 0"))
    note = "Control codes but colours are left out here; the plain text has them." if ansi.others(text) else ""
    if not ansi.bare(text).strip():
        return [*before, View("quiet", SafeString("No output"))]
    return [
        *before,
        folded("term", text.rstrip("\n"), ansi.coloured, lines=ERROR_LINES if failed else LINES, tail=True, note=note),
    ]
