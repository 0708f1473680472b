"""From text to the words that are searched, and from what a person types to a question to the index.

Words are cut here and not by PostgreSQL's parser, so that the same rule holds on every server: a word is a run of letters
and digits, small, without accents (NFKD without its marks); a sign of a script that writes no blanks is a word of its
own; at most 64 characters of a run count. Identifiers and paths fall into their runs (`ord_1234` is "ord" and "1234",
`src/app.py` is "src", "app" and "py") and are asked for as a phrase, so any part of them finds them. There are no stop
words and no word stems: traces hold many languages and more code than prose.

A tsvector takes less than 1 MB, 16,383 positions, and 256 of them a word. What goes beyond: new words above MOST_BYTES
are left out and the index row says so (`cut`); positions start again at 1, so a phrase far down is still found; and a
pair of neighbours whose words have used up their positions is kept as a word of its own (`ord_1234`).
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 64
MOST_BYTES = 900_000
MOST_WORDS = 1_000_000
MOST_POSITION = 16_383
MOST_POSITIONS = 256
# Thai, Lao, Myanmar, Khmer; kana; Chinese characters: written without blanks
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")
_JOINED = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Words:
    """What goes into the index: a tsvector in its text form, and whether something was left out."""

    vector: str
    cut: bool


def fold(text: str) -> str:
    """`text` in small letters and without accents."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def cut_words(text: str) -> list[str]:
    """The words of `text` in their order, each at most LONGEST characters."""
    return [word[:LONGEST] for word in _WORD.findall(fold(text))]


def gather(texts: Iterable[str]) -> Words:
    """The index entry of these texts. A phrase never reaches from one text into the next."""
    positions: dict[str, list[int]] = {}
    size, at, seen, left_out = 0, 0, 0, False
    for text in texts:
        before = ""
        for word in cut_words(text):
            seen += 1
            if seen > MOST_WORDS:
                return Words(_written(positions), True)
            at += 1
            for entry, position in _entries(positions, before, word, at):
                known = positions.get(entry)
                if known is None:
                    cost = len(entry.encode()) + 4
                    if size + cost > MOST_BYTES:
                        left_out = True
                        continue
                    size += cost
                    known = positions[entry] = []
                if position and len(known) < MOST_POSITIONS and size + 2 <= MOST_BYTES:
                    known.append(position)
                    size += 2
            before = word
        at += 2
    return Words(_written(positions), left_out)


def _entries(positions: dict[str, list[int]], before: str, word: str, at: int) -> Iterator[tuple[str, int]]:
    yield word, (at - 1) % MOST_POSITION + 1
    # looked up before the word itself is added: lists are full here where a later phrase would miss this place
    if before and (len(positions.get(word, ())) >= MOST_POSITIONS or len(positions.get(before, ())) >= MOST_POSITIONS):
        yield f"{before}_{word}", 0


def _written(positions: dict[str, list[int]]) -> str:
    return " ".join(
        f"'{word}':{','.join(map(str, found))}" if found else f"'{word}'" for word, found in positions.items()
    )


def asked(typed: str) -> str:
    """The tsquery, in its text form, for what was typed as one condition: its words in this order, one behind the
    other. A star at the end takes every word that begins like the last one. "" where there is no word in it."""
    found = cut_words(typed)
    if not found:
        return ""
    begun = ":*" if typed.rstrip().endswith("*") else ""
    if len(found) == 1:
        return f"'{found[0]}'{begun}"
    phrase = " <-> ".join(f"'{word}'" for word in found) + begun
    pairs = " & ".join(f"'{left}_{right}'" for left, right in itertools.pairwise(found)) + begun
    return f"(({phrase}) | ({pairs}))"


def asked_all(conditions: Iterable[tuple[str, ...]]) -> str:
    """The tsquery for several conditions that must all hold; each is a tuple of alternatives. "" where some condition
    holds no word: the index cannot answer it."""
    parts = []
    for alternatives in conditions:
        queries = [asked(typed) for typed in alternatives]
        if not all(queries):
            return ""
        parts.append(queries[0] if len(queries) == 1 else f"({' | '.join(queries)})")
    return " & ".join(parts)
