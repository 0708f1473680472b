"""Where the words stand in a trace: a line of text around the first place, with the words marked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import F, Func, IntegerField

from curation.messages.form import Document
from curation.models import Trace, TraceRevision
from curation.search.index import texts_of
from curation.search.words import LONGEST, cut_words, fold

BEFORE, BEHIND = 50, 150
# bytes of a stored document above which the list does not read it (a page shows fifty)
MOST_BYTES = 200_000
MOST_FOLDED = 200_000
_BLANKS = re.compile(r"\s+")
_LABELS = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool result"}


@dataclass(frozen=True, slots=True)
class Snippet:
    """`pieces` are (text, whether it is a hit), in order; `where` is who said it. Both are empty for a trace too long to
    be read for a list (`too_long`)."""

    pieces: tuple[tuple[str, bool], ...] = ()
    where: str = ""
    too_long: bool = False


def find(*, traces: Sequence[Trace], typed: Sequence[str]) -> dict[int, Snippet]:
    """Trace id -> where something of `typed` stands first. Traces where nothing stands in what was said (the words are in
    an id or a name) are missing. One query, none without words."""
    patterns = [pattern for one in typed if (pattern := _pattern(one))]
    revisions = [trace.revision_id for trace in traces if trace.revision_id]
    if not patterns or not revisions:
        return {}
    stored = Func(F("document"), function="pg_column_size", output_field=IntegerField())
    sizes = TraceRevision.objects.filter(pk__in=revisions).annotate(stored=stored)
    found = {
        trace: Snippet(too_long=True) for trace in sizes.filter(stored__gt=MOST_BYTES).values_list("trace", flat=True)
    }
    for trace, document in sizes.filter(stored__lte=MOST_BYTES).values_list("trace", "document"):
        if snippet := look(document, patterns):
            found[trace] = snippet
    return found


def look(document: Document, patterns: Sequence[re.Pattern[str]]) -> Snippet | None:
    """The first text of `document` with a hit, cut around it."""
    for where, text in _texts(document):
        for pattern in patterns:
            if place := _search(pattern, text):
                return Snippet(_pieces(text, place, patterns), where)
    return None


def _texts(document: Document) -> Iterator[tuple[str, str]]:
    for conversation in document["conversations"]:
        for message in conversation["messages"]:
            for text in texts_of(message):
                yield _LABELS.get(message["role"], message["role"]), text


@lru_cache(maxsize=256)
def _pattern(typed: str) -> re.Pattern[str] | None:
    """What was typed as an expression on folded text: its words in order with anything but words between them."""
    found = cut_words(typed)
    if not found:
        return None
    words = [re.escape(word) + (r"[^\W_]*" if len(word) == LONGEST else "") for word in found]
    end = r"[^\W_]*" if typed.rstrip().endswith("*") else r"(?![^\W_])"
    # signs of scripts without blanks follow each other directly
    alone = not any(word.isascii() for word in found)
    return re.compile(
        ("" if alone else r"(?<![^\W_])") + (r"[\W_]*" if alone else r"[\W_]+").join(words) + ("" if alone else end)
    )


def _folded(text: str) -> tuple[str, list[int] | None]:
    """The text as it is searched, and for each of its characters the place in `text` (None: the same)."""
    if text.isascii():
        return text.lower(), None
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text[:MOST_FOLDED]):
        small = fold(letter)
        letters.append(small)
        places += [place] * len(small)
    return "".join(letters), places


def _search(pattern: re.Pattern[str], text: str) -> tuple[int, int] | None:
    folded, places = _folded(text)
    hit = pattern.search(folded)
    if hit is None or hit.end() == hit.start():
        return None
    return (hit.start(), hit.end()) if places is None else (places[hit.start()], places[hit.end() - 1] + 1)


def _pieces(text: str, place: tuple[int, int], patterns: Sequence[re.Pattern[str]]) -> tuple[tuple[str, bool], ...]:
    first, last = max(0, place[0] - BEFORE), min(len(text), max(place[1], place[0] + BEHIND))
    if first:  # begin with a whole word
        first = min(place[0], next((at + 1 for at in range(first, place[0]) if text[at].isspace()), first))
    part = text[first:last]
    folded, places = _folded(part)
    hits = [
        (hit.start(), hit.end()) if places is None else (places[hit.start()], places[hit.end() - 1] + 1)
        for pattern in patterns
        for hit in pattern.finditer(folded)
        if hit.end() > hit.start()
    ]
    pieces: list[tuple[str, bool]] = [("…", False)] if first else []
    at = 0
    for start, end in sorted(hits):
        if start < at:
            continue
        pieces += [(part[at:start], False), (part[start:end], True)]
        at = end
    pieces += [(part[at:], False), ("…" if last < len(text) else "", False)]
    return tuple((_BLANKS.sub(" ", piece), hit) for piece, hit in pieces if piece)
