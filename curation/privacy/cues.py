"""What stands beside a number: words that say what it is, and the headings of the column that it stands in."""

import re
import string
from bisect import bisect_left
from collections.abc import Iterator

NEAR = 64  # characters looked at on either side
# a letter, digit or _ of a script that parts its words by blanks: not Chinese, Japanese, Korean
LETTER = r"[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_JOINT = re.compile(r"(?<=[a-z])(?=[A-Z])|_|(?<=[A-Za-z])-(?=[A-Za-z])")
_SMALL = {ord(one): one.lower() for one in string.ascii_uppercase}
_INSERTED = re.compile(r"\(([^()\n']{3,1000})\)\s{1,8}(?i:values)(?=\s{0,20}\()")
_ROW = re.compile(r"\s{0,20},?\s{0,20}\(([^()]{1,2000})\)")
_MOST_CELLS = 64
_HEADING = 2_000

# a reference of something else stands right before it, perhaps behind one of its kind ("codes: 1234 5678 / 1234 ...")
_OTHERS = (
    r"(?<!area )(?<!country )(?<!dial )(?<!dialling )codes?|barcodes?|ref|refs|references?|r[ée]f[ée]rences?|referenz|ids?|uuid|guid"
    r"|terminals?|orders?|tracking|snowflakes?|invoices?|tickets?|(?<!in )cases?|skus?|articles?|artikel|items?"
    r"|products?|serials?|batch|lots?|jobs?|bookings?|reservations?|confirmation|policy|contracts?|claims?|quotes?|parts?"
    r"|parcels?|shipments?|consignment|scans?|waybill|awb|imei|ean|upc|gtin|isbn|issn|models?|assets?|devices?|stations?"
    r"|transactions?|txn|traces?|requests?|req|sessions?|builds?|rows?|offset|seed|hash|ledger|customers?|members?"
    r"|bestellung|rechnungs?|auftrags?|kunden|vorgangs?|sendungs?|bestell|commande|facture|pedido|factura|ordine|fattura"
)
_OTHER = re.compile(
    rf"(?:(?<![A-Za-z])(?i:{_OTHERS})(?i:[_ ]?(?:no|nr|num|numbers?|nummern?|id|ids|code|key|ref))?"
    r"|(?<=[a-z])(?:Refs?|Ids?|ID|Codes?|Order|Number|No)|[_-](?i:ids?|ref|code|no|nr))"
    r"\\?[\"'.]?\s{0,3}[:=#(\[]?\s{0,3}\\?[\"']?"
    r"(?i:(?:is|are|was|stays?|nr|no|number|the|of)[.:]?\s{1,2}){0,2}#?(?:RF\d\d[ -])?(?:\d[\d -]{3,24}(?:[/,;]|and|or)?\s{0,2}){0,2}$"
)


def in_small_letters(text: str) -> str:
    """The text in small letters, every letter in its place."""
    small = text.lower()
    return small if len(small) == len(text) else text.translate(_SMALL)  # a few outside ASCII change their length


def in_words(text: str) -> str:
    """The text with the words of its names apart: `cardNumber` and `card_number` as `card Number` and `card number`."""
    return _JOINT.sub(" ", text)


def is_other(before: str) -> bool:
    """Whether the words right before a number say that it is a code, a reference or an id."""
    return _OTHER.search(before[-NEAR:]) is not None


def cells(text: str, heading: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The cells of columns whose heading matches as a whole, in tables of lines parted by , ; | or tabs.

    `heading` begins with the sign before it, a line's end included: so it is sought quickly. A table ends at the first line
    with another number of cells. Every line is read once: linear.
    """
    if "VALUES" in text or "values" in text:
        yield from _of_statements(text, heading)
    done = 0
    for start, behind in _headings(text, heading):
        if start < done:
            continue
        begin = text.rfind("\n", max(0, start - _HEADING), behind) + 1
        end = text.find("\n", behind, behind + _HEADING)
        if end < 0 or start - begin >= _HEADING:
            continue
        line = text[begin:end]
        parted = max(",;|\t", key=line.count)
        titles = line.split(parted)
        wanted = [number for number, title in enumerate(titles) if heading.search(f",{title.strip()},")]
        if not 2 <= len(titles) <= _MOST_CELLS or not wanted:
            continue
        while end >= 0 and end + 1 < len(text):
            begin, end = end + 1, text.find("\n", end + 1)
            row = text[begin : end if end >= 0 else len(text)].split(parted)
            if len(row) != len(titles):
                break
            done = begin
            at = begin
            for number, cell in enumerate(row):
                if number in wanted:
                    yield at, at + len(cell)
                at += len(cell) + 1


def _of_statements(text: str, heading: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The cells of such columns in what a statement of SQL inserts; values with brackets in them end it."""
    for begin in _INSERTED.finditer(text):
        titles = begin[1].split(",")
        wanted = [number for number, title in enumerate(titles) if heading.search(",{},".format(title.strip(' \n"`')))]
        row = _ROW.match(text, begin.end()) if wanted else None
        while row:
            at, values = row.start(1), row[1].split(",")
            for number, value in enumerate(values if len(values) == len(titles) else ()):
                if number in wanted:
                    yield at, at + len(value)
                at += len(value) + 1
            row = _ROW.match(text, row.end())


def _headings(text: str, heading: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    if heading.match("\n" + text[:NEAR]):
        yield 0, 0
    yield from (match.span() for match in heading.finditer(text))


def inside(places: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether start..end lies in one of these places, which are in order."""
    at = bisect_left(places, (start + 1, 0)) - 1
    return at >= 0 and places[at][0] <= start and end <= places[at][1]
