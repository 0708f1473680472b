"""Personal data in a row that is about to be written: finding it, and putting pseudonyms in its place.

A row is what `Example.plain` gives: messages, tools, chosen, rejected, label, item. The same value has the same pseudonym
throughout one row (<EMAIL_1>, <EMAIL_2>), and no row's numbers say anything of another's. Names of people are not found.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from curation.privacy.patterns import find

# digits in an id are not a card or a phone; what has a form of its own still counts
_ID = re.compile(r"(?i)(?:^|[._-]|[a-z](?=I))(?:id|ids|uuid|hash|digest|fingerprint|sha256|signature)$")
_IN_IDS = frozenset({"email", "iban", "secret"})
_NOT_SAID = frozenset({"role", "type", "media_type", "finish_reason", "span_id", "started_at", "model", "usage"})
# values that are JSON text themselves
_JSON_TEXT = frozenset({"arguments", "parameters"})
_Text = Callable[[str, frozenset[str] | None], str]


def find_in(row: Mapping[str, Any]) -> Counter[str]:
    """Pieces of personal data per kind (keys of patterns.KINDS) in all that the row would say."""
    counts: Counter[str] = Counter()

    def look(text: str, kinds: frozenset[str] | None) -> str:
        counts.update(one.kind for one in find(text, kinds))
        return text

    _walk(dict(row), "", look)
    return counts


def replace_in(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with pseudonyms in the place of personal data. JSON inside stays JSON."""
    names: dict[tuple[str, str], str] = {}
    numbers: Counter[str] = Counter()

    def name(kind: str, value: str) -> str:
        plain = value.lower() if kind == "email" else re.sub(r"[\s()./-]", "", value)
        if (kind, plain) not in names:
            numbers[kind] += 1
            names[kind, plain] = f"<{kind.upper()}_{numbers[kind]}>"
        return names[kind, plain]

    def put(text: str, kinds: frozenset[str] | None) -> str:
        pieces: list[str] = []
        at = 0
        for one in find(text, kinds):
            pieces += (text[at : one.start], name(one.kind, text[one.start : one.end]))
            at = one.end
        return "".join((*pieces, text[at:])) if pieces else text

    changed: dict[str, Any] = _walk(dict(row), "", put)
    return changed


def _walk(value: Any, key: str, text: _Text) -> Any:
    if isinstance(value, str):
        return _json_text(value, text) if key in _JSON_TEXT else text(value, _IN_IDS if _ID.search(key) else None)
    if isinstance(value, dict):
        return {name: item if name in _NOT_SAID else _walk(item, str(name), text) for name, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, key, text) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and len(digits := str(value)) >= 12:
        said = text(digits, _IN_IDS if _ID.search(key) else None)
        return value if said == digits else said
    return value


def _json_text(said: str, text: _Text) -> str:
    """JSON text with its values walked; text that is no JSON as it is."""
    if not said or said == "{}":
        return said
    try:
        value = orjson.loads(said) if len(said) < 18 or not re.search(r"\d{18}", said) else json.loads(said)
    except (ValueError, RecursionError):
        return text(said, None)
    changed = _walk(value, "", text)
    return said if changed == value else json.dumps(changed, ensure_ascii=False)
