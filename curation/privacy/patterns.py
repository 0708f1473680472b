"""Finding personal data and secrets in text, by their form and their check digits.

Each kind has a pattern that is quick to try and a check that is strict. Names of people are not found: nothing without a
language model finds them reliably (curation.privacy.names takes a detector for them). Sources: RFC 5321 and 5322
(e-mail), ISO/IEC 7812 (Luhn, and the ranges of the card networks), ISO 13616 (IBAN: the registry, mod 97), the U.S. Social
Security Administration's rules on numbers never given out, the key forms that the providers publish for secret
scanning, and the numbering plans of the library phonenumbers.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple

from curation.privacy.addresses import emails, internet
from curation.privacy.escapes import Plain
from curation.privacy.keys import keys
from curation.privacy.numbers import cards, ibans, luhn
from curation.privacy.passwords import is_named
from curation.privacy.phones import phones
from curation.privacy.placeholders import is_a_value

__all__ = ["KINDS", "Found", "find", "find_value", "luhn"]

RULES = 6  # raise it when other things are found than before: what was counted with earlier ones is counted anew
KINDS: dict[str, str] = {
    "email": "email addresses",
    "phone": "phone numbers",
    "card": "payment card numbers",
    "iban": "bank accounts (IBAN)",
    "ip": "IP addresses",
    "ssn": "US social security numbers",
    "secret": "passwords and keys",
}


class Found(NamedTuple):
    """Where something stands in a text, in characters, and its kind (a key of KINDS)."""

    start: int
    end: int
    kind: str


_LONGEST_KEY = 48
_SSN = re.compile(r"[0-8](?<![\w-].)\d\d(?<!000)(?<!666)-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")


def find(text: str, kinds: frozenset[str] | None = None) -> list[Found]:
    """What stands in `text`, in order, never overlapping; of two that overlap the stricter kind wins.

    `kinds` limits the search to these keys of KINDS. Linear in the length of the text.
    """
    plain = Plain(text)
    taken: list[Found] = []  # in order
    for kind, search in _SEARCHES:
        if kinds is not None and kind not in kinds:
            continue
        for start, end in search(plain.text):
            at = bisect_left(taken, (start, end, ""))
            if (not at or taken[at - 1].end <= start) and (at == len(taken) or end <= taken[at].start):
                taken.insert(at, Found(start, end, kind))
    if plain.text is not text:
        return [Found(plain.before(start), plain.before(end), kind) for start, end, kind in taken]
    return taken


def find_value(key: str, text: str, kinds: frozenset[str] | None = None) -> list[Found]:
    """The same for the text of a field called `key`: what stands in a field called password is one, whatever its form."""
    if (kinds is None or "secret" in kinds) and key and is_a_value(text) and is_named(key, text):
        return [Found(0, len(text), "secret")]
    if not key:
        return find(text, kinds)
    before = f'"{key[-_LONGEST_KEY:]}": "'  # as JSON has it: the field is a word that says what the text is
    return [
        Found(start - len(before), end - len(before), kind)
        for start, end, kind in find(f'{before}{text}"', kinds)
        if len(before) <= start and end <= len(before) + len(text)
    ]


def _ssns(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _SSN.finditer(text))


# the strictest first: what they take, the later ones leave alone
_SEARCHES: tuple[tuple[str, Callable[[str], Iterator[tuple[int, int]]]], ...] = (
    ("secret", keys),
    ("email", emails),
    ("iban", ibans),
    ("card", cards),
    ("ip", internet),
    ("ssn", _ssns),
    ("phone", phones),
)
