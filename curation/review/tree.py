"""JSON as a tree of lists that fold."""

from collections import deque
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from curation.review.shown import shown

MOST_NODES = 400
LINES = 18  # shown at first; what is deeper or behind begins folded and says how much it holds
Path = tuple[int, ...]


def small_enough(value: Any) -> bool:
    """Whether a tree of this value stays readable and quick to draw."""
    left = MOST_NODES
    waiting = [(value, 0)]
    while waiting:
        node, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > 20:
            return False
        if isinstance(node, str) and len(node) > 4_000:
            return False
        waiting += [(one, depth + 1) for _, one in _items(node)]
    return True


def tree(value: Any) -> SafeString:
    """Nested lists. Containers are open as long as all that shows has at most 18 lines, the outer ones first; the others
    are folded. Ask `small_enough` first."""
    children = _items(value)
    if not children:
        return format_html("<ul><li>{}</li></ul>", mark_safe(_leaf(value)))  # noqa: S308 (escaped in _leaf)
    shown_first, rest = (children, []) if len(children) <= LINES else (children[: LINES - 4], children[LINES - 4 :])
    unfolded = _unfolded(shown_first)
    html = _list(shown_first, (), unfolded)
    if rest:
        what = f"{len(rest):,} more {_word(value, len(rest))}"
        inner = _list(rest, (-1,), frozenset())
        html += f"<details class='fold'><summary>{what}</summary>{inner}</details>"
    return mark_safe(html)  # noqa: S308 (leaves and names are escaped)


def _items(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), one) for key, one in value.items()]
    if isinstance(value, list):
        return [(str(index), one) for index, one in enumerate(value)]
    return []


def _unfolded(children: list[tuple[str, Any]]) -> frozenset[Path]:
    """Which containers begin open: breadth first, while there is room."""
    room = LINES - len(children)
    found: set[Path] = set()
    waiting: deque[tuple[Path, Any]] = deque(((index,), one) for index, (_, one) in enumerate(children))
    while waiting:
        path, node = waiting.popleft()
        items = _items(node)
        if items and len(items) <= room:
            room -= len(items)
            found.add(path)
            waiting += [((*path, index), one) for index, (_, one) in enumerate(items)]
    return frozenset(found)


def _list(items: list[tuple[str, Any]], at: Path, unfolded: frozenset[Path]) -> str:
    return f"<ul>{''.join(_node(name, one, (*at, index), unfolded) for index, (name, one) in enumerate(items))}</ul>"


def _node(name: str, value: Any, path: Path, unfolded: frozenset[Path]) -> str:
    label = f"<b>{shown(name)}</b> "
    items = _items(value)
    if not items:
        return f"<li>{label}{_leaf(value)}</li>"
    count = f"{len(items):,} {_word(value, len(items))}"
    is_open = " open" if path in unfolded else ""
    return (
        f"<li><details class='fold'{is_open}><summary>{label}<span class='soft'>{count}</span></summary>"
        f"{_list(items, path, unfolded)}</details></li>"
    )


def _word(container: Any, count: int) -> str:
    return ("key" if isinstance(container, dict) else "item") + ("" if count == 1 else "s")


def _leaf(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"<span class='soft'>{'{}' if isinstance(value, dict) else '[]'}</span>"
    if isinstance(value, str):
        return f"<span class='text'>{shown(value)}</span>" if value else "<span class='soft'>empty text</span>"
    word = (
        "null" if value is None else {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    )
    return f"<span class='word'>{shown(word)}</span>"
