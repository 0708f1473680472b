"""What a tool call wants to change in a file, as a diff."""

import re
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from curation.review import diff
from curation.review.folds import EMPTY, View
from curation.review.shown import shown

OLD_NEW = (
    ("old_string", "new_string"),
    ("old_str", "new_str"),
    ("old_text", "new_text"),
    ("old", "new"),
    ("search", "replace"),
    ("before", "after"),
)
PATH_KEYS = ("path", "file_path", "filepath", "file", "filename", "target_file")
PATCH_KEYS = ("patch", "diff")
WRITE_KEYS = ("content", "contents", "file_text", "text")
HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def edits(asked: dict[str, Any]) -> tuple[View, int, int] | None:
    """A diff of what an edit replaces, a patch, or a written file; None where the arguments are no edit."""
    pairs: list[tuple[str, str]] = []
    written = next((asked[key] for key in PATCH_KEYS if isinstance(asked.get(key), str) and "\n" in asked[key]), None)
    if written is not None and re.search(r"^[+-]", written, re.MULTILINE):
        return patch(written)
    changes = asked["edits"] if isinstance(asked.get("edits"), list) else [asked]
    for change in changes:
        pair = _old_new(change) if isinstance(change, dict) else None
        if pair is None:
            break
        pairs.append(pair)
    else:
        if pairs:
            rows: list[_Line] = []
            for number, (old, new) in enumerate(pairs):
                if number:
                    rows.append(_Line("hunk", "", "", shown(f"edit {number + 1}")))
                rows += _pair_lines(old, new)
            return _diff_view(rows)
    has_path = any(isinstance(asked.get(key), str) for key in PATH_KEYS)
    written = next((asked[key] for key in WRITE_KEYS if isinstance(asked.get(key), str)), None)
    if has_path and written is not None:
        return _diff_view(
            [_Line("add", str(number), "+", shown(line)) for number, line in enumerate(written.split("\n"), 1)]
        )
    return None


def patch(text: str) -> tuple[View, int, int]:
    """A diff of a patch, and how many lines it adds and takes away."""
    return _diff_view(_patch_lines(text))


def _old_new(change: dict[str, Any]) -> tuple[str, str] | None:
    for old, new in OLD_NEW:
        if isinstance(change.get(old), str) and isinstance(change.get(new), str):
            return change[old], change[new]
    return None


@dataclass(frozen=True, slots=True)
class _Line:
    kind: str  # "", add, del, hunk
    number: str
    sign: str
    html: SafeString


def _pair_lines(old: str, new: str) -> list[_Line]:
    rows: list[_Line] = []
    for tag, before, after in diff.line_groups(old, new):
        if tag == "same":
            rows += [_Line("", "", "", shown(line)) for line in before]
        elif len(before) == len(after) <= 30:
            both = [diff.words(a, b) for a, b in zip(before, after, strict=True)]
            rows += [_Line("del", "", "−", _marked(one, "ins")) for one in both]
            rows += [_Line("add", "", "+", _marked(one, "del")) for one in both]
        else:
            rows += [_Line("del", "", "−", shown(line)) for line in before]
            rows += [_Line("add", "", "+", shown(line)) for line in after]
    return rows


def _marked(one: diff.Diff, without: str) -> SafeString:
    kept = [piece for piece in one.pieces if piece.kind != without]
    changed = sum(len(piece.text) for piece in kept if piece.kind != "same")
    if changed * 2 > sum(len(piece.text) for piece in kept):  # mostly rewritten: marks would only be noise
        return shown("".join(piece.text for piece in kept))
    return mark_safe("".join(shown(p.text) if p.kind == "same" else f"<mark>{shown(p.text)}</mark>" for p in kept))  # noqa: S308


def _patch_lines(patch: str) -> list[_Line]:
    rows: list[_Line] = []
    old = new = 0
    for line in patch.rstrip("\n").split("\n"):
        if match := HUNK.match(line):
            old, new = int(match[1]), int(match[2])
            rows.append(_Line("hunk", "", "", shown(line)))
        elif line.startswith(("+++", "---", "***", "diff ", "index ")):
            rows.append(_Line("hunk", "", "", shown(line)))
        elif line.startswith("+"):
            rows.append(_Line("add", str(new) if new else "", "+", shown(line[1:])))
            new += bool(new)
        elif line.startswith("-"):
            rows.append(_Line("del", str(old) if old else "", "−", shown(line[1:])))
            old += bool(old)
        else:
            rows.append(_Line("", str(new) if new else "", "", shown(line.removeprefix(" "))))
            old, new = old + bool(old), new + bool(new)
    return rows


def _diff_view(rows: list[_Line]) -> tuple[View, int, int]:
    first, rest = (rows, []) if len(rows) <= 24 else (rows[:20], rows[20:])

    def lines(some: list[_Line]) -> SafeString:
        return format_html_join(
            "",
            '<span class="{}"><i>{}</i><b>{}</b><code>{}</code></span>',
            ((r.kind, r.number, r.sign, r.html) for r in some),
        )

    far = len(rest) > 1500
    view = View(
        "diff", lines(first), lines(rest) if rest and not far else EMPTY,
        f"{len(rest):,} more lines" if rest else "", far,
    )  # fmt: skip
    return view, sum(row.kind == "add" for row in rows), sum(row.kind == "del" for row in rows)
