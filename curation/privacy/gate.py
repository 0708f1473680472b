"""The last look for personal data before a row leaves: how much of it there is, or the row with pseudonyms in its place.

A row is what Example.plain gives. Looked at are all texts: parts, reasoning, arguments of calls, tools, and what graders
may use (item). Text that is JSON is read as such: what stands in a field called password is one whatever it looks like,
digits of an id are no card, and what is replaced leaves valid JSON behind.
"""

import json
import re
from collections import Counter
from typing import Any

from django.conf import settings

from curation.privacy.names import find_all
from curation.privacy.patterns import RULES
from curation.privacy.redact import IN_IDS, is_an_id

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*')
_LONGEST_NUMBER = 19
_DEEP = 8


def generation() -> str:
    """What findings depend on beside the row: raised with the patterns, and another for each detector of names."""
    return f"{RULES} {settings.WHETSTONE_NAMES}".strip()


def find_in(plain: dict[str, Any]) -> Counter[str]:
    """{kind: how often}, over all texts of a row. Nothing found: an empty Counter."""
    return replace_in(plain)[1]


def replace_in(plain: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
    """A copy of the row with pseudonyms, and {kind: how often something was replaced}.

    The same value is the same pseudonym in the whole row (<EMAIL_1>, numbered by first appearance); different values, and
    values of different kinds, are never the same one. A number in the text that is one already is not given out again.
    """
    names = Pseudonyms()
    names.reserve(plain)
    return names.row(plain), names.counts


class Pseudonyms:
    """The pseudonyms of one row. `counts` says how often each kind was replaced."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._given: dict[tuple[str, str], str] = {}
        self._last: Counter[str] = Counter()
        self._taken: set[str] = set()

    def reserve(self, plain: Any) -> None:
        """Take note of pseudonyms that stand in the row already."""
        self._taken.update(re.findall(r"<[A-Z]+_\d+>", json.dumps(plain, ensure_ascii=False, default=str)))

    def row(self, plain: dict[str, Any]) -> dict[str, Any]:
        """The row with pseudonyms in all its texts. The structure, ids and roles of messages stay as they are."""
        changed = dict(plain)
        for name in ("messages", "chosen", "rejected"):
            if plain.get(name):
                changed[name] = [self._message(message) for message in plain[name]]
        if plain.get("tools"):
            changed["tools"] = [
                {
                    key: self.text(value) if isinstance(value, str) and key != "name" else value
                    for key, value in tool.items()
                }
                for tool in plain["tools"]
            ]
        if plain.get("item"):
            changed["item"] = self.value(plain["item"])
        return changed

    def text(self, text: str, *, key: str = "", deep: int = 0) -> str:
        """A text with pseudonyms. `key` is the field that it stands in."""
        if deep < _DEEP and _is_json(text):
            return self._json(text, deep)
        found = find_all(key, text, IN_IDS if is_an_id(key) else None)
        pieces: list[str] = []
        at = 0
        for one in found:
            pieces += (text[at : one.start], self._name(one.kind, text[one.start : one.end]))
            at = one.end
        return "".join((*pieces, text[at:])) if found else text

    def value(self, value: Any, *, key: str = "") -> Any:
        """Any JSON value with pseudonyms in its texts, keys and numbers; a number that is replaced becomes a text."""
        if isinstance(value, str):
            return self.text(value, key=key)
        if isinstance(value, dict):
            return {self.text(name, key="id"): self.value(item, key=name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, key=key) for item in value]
        if isinstance(value, int) and not isinstance(value, bool):
            return self._number(str(value), key) or value
        return value

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        changed = dict(message)
        changed["parts"] = [self._part(part) for part in message.get("parts", [])]
        if calls := message.get("tool_calls"):
            changed["tool_calls"] = [{**call, "arguments": self.text(call["arguments"])} for call in calls]
        if thoughts := message.get("reasoning"):
            changed["reasoning"] = [{**one, "text": self.text(one.get("text", ""))} for one in thoughts]
        return changed

    def _part(self, part: dict[str, Any]) -> dict[str, Any]:
        changed = dict(part)
        for name in ("text", "url"):
            if isinstance(part.get(name), str) and not part[name].startswith("data:"):
                changed[name] = self.text(part[name])
        if "value" in part:
            changed["value"] = self.value(part["value"])
        return changed

    def _json(self, text: str, deep: int) -> str:
        """JSON with pseudonyms in its texts and numbers; everything else, blanks too, stays as it is."""
        pieces: list[str] = []
        at, key = 0, ""
        for token in _TOKEN.finditer(text):
            said = token.group()
            is_key = said[0] == '"' and text[token.end() : token.end() + 8].lstrip()[:1] == ":"
            changed = self._token(said, "id" if is_key else key, deep)
            if is_key:
                key = json.loads(said)
            if changed != said:
                pieces += (text[at : token.start()], changed)
                at = token.end()
        return "".join((*pieces, text[at:]))

    def _token(self, said: str, key: str, deep: int) -> str:
        if said[0] != '"':
            changed = self._number(said, key)
            return said if changed is None else f'"{changed}"'
        plain = json.loads(said)
        written = self.text(plain, key=key, deep=deep + 1)
        return said if written == plain else json.dumps(written, ensure_ascii="\\u" in said)

    def _number(self, digits: str, key: str) -> str | None:
        """The pseudonym of a number that is a card or a phone; others are quantities."""
        if not digits.isdigit() or not 10 <= len(digits) <= _LONGEST_NUMBER or is_an_id(key):
            return None
        found = [one for one in find_all("", f"{key}: {digits}") if one.kind in ("card", "phone")]
        if not found or found[0].end - found[0].start != len(digits):
            return None
        return self._name(found[0].kind, digits)

    def _name(self, kind: str, value: str) -> str:
        self.counts[kind] += 1
        same = (kind, _same(kind, value))
        while same not in self._given:
            self._last[kind] += 1
            name = f"<{kind.upper()}_{self._last[kind]}>"
            if name not in self._taken:
                self._given[same] = name
        return self._given[same]


def _same(kind: str, value: str) -> str:
    """What is equal for two ways of writing the same value."""
    if kind in ("email", "name"):
        return value.replace("%40", "@").casefold()
    if kind in ("card", "phone", "ssn"):
        return re.sub(r"[^\d+]", "", value)
    if kind == "iban":
        return re.sub(r"[^A-Za-z0-9]", "", value).upper()
    return value.lower() if kind == "ip" else value


def _is_json(text: str) -> bool:
    stripped = text.strip()
    if len(stripped) < 2 or (stripped[0], stripped[-1]) not in (("{", "}"), ("[", "]"), ('"', '"')):
        return False
    try:
        json.loads(stripped)
    except (ValueError, RecursionError):
        return False
    return True
