"""JSON as a tree of lists that fold."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from curation.review.shown import shown

MOST_NODES = 300
OPEN_DEPTH = 2
OPEN_ITEMS = 12


def small_enough(value: Any) -> bool:
    """Whether a tree of this value stays readable and quick to draw."""
    left = MOST_NODES
    waiting = [(value, 0)]
    while waiting:
        node, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > 20:
            return False
        if isinstance(node, dict):
            waiting += [(one, depth + 1) for one in node.values()]
        elif isinstance(node, list):
            waiting += [(one, depth + 1) for one in node]
        elif isinstance(node, str) and len(node) > 4_000:
            return False
    return True


def tree(value: Any) -> SafeString:
    """Nested lists; objects and arrays below the second level, and long ones, begin folded and say how much they hold.
    Ask `small_enough` first."""
    return format_html("<ul>{}</ul>", mark_safe("".join(_children(value, 0))))  # noqa: S308 (leaves are escaped)


def _children(value: Any, depth: int) -> list[str]:
    if isinstance(value, dict):
        return [_node(str(key), one, depth) for key, one in value.items()]
    if isinstance(value, list):
        return [_node(str(index), one, depth) for index, one in enumerate(value)]
    return [f"<li>{_leaf(value)}</li>"]


def _node(name: str, value: Any, depth: int) -> str:
    label = f"<b>{shown(name)}</b> "
    if not isinstance(value, dict | list):
        return f"<li>{label}{_leaf(value)}</li>"
    if not value:
        return f"<li>{label}<span class='soft'>{'{}' if isinstance(value, dict) else '[]'}</span></li>"
    what = "key" if isinstance(value, dict) else "item"
    count = f"{len(value):,} {what}{'s' if len(value) != 1 else ''}"
    unfolded = " open" if depth < OPEN_DEPTH and len(value) <= OPEN_ITEMS else ""
    inner = "".join(_children(value, depth + 1))
    return (
        f"<li><details class='fold'{unfolded}><summary>{label}<span class='soft'>{count}</span></summary>"
        f"<ul>{inner}</ul></details></li>"
    )


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        return f"<span class='text'>{shown(value)}</span>" if value else "<span class='soft'>empty text</span>"
    word = {None: "null", True: "true", False: "false"}.get(value) if value is None or isinstance(value, bool) else None
    return f"<span class='word'>{word if word is not None else shown(repr(value))}</span>"
