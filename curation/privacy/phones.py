"""Telephone numbers: international ones by the numbering plans, national ones where something speaks of a telephone.

Sources: ITU-T E.164 and E.123, RFC 3966 (tel:), the plans of the library phonenumbers, and how people write at home.
"""

import re
from collections.abc import Iterator

from curation.privacy.cues import NEAR, cells, in_small_letters, is_other

_EXTENSION = r"(?:,?[ ]?(?i:ext\.?|extension|durchwahl|poste|x)[ ]?\d{1,6}(?!\w))?"
_INTERNATIONAL = re.compile(
    r"(?:(?<![\w.+:/#-])|(?<=[\"A-Za-z]:))(?:"
    r"(?:\+|00(?=[1-9]\d{0,2}[ .(-]))\d{1,3}[ .\u00a0-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .\u00a0/-]?\d){5,12}"
    r"|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"  # North America
    rf")(?!\w|[.:/-]\d){_EXTENSION}"
)
# the number in the address of a telephone or a messenger
_LINK = re.compile(
    r"(?i)(?:(?<![a-z])(?:tel|callto|smsto|sms):|wa\.me/|whatsapp\.com/send/?\?phone=|signal\.me/#p/)"
    r"((?:\+|%2B)?\(?\d(?:[-.()]{0,2}\d){6,14})(?!\w)"
)
_NATIONAL = re.compile(rf"(?<![\w.+/#-])\(?\d(?:[ ./()\u00a0-]{{0,2}}\d){{6,12}}(?!\w|[.:/-]\d){_EXTENSION}")
# of the text in small letters: several times faster than a pattern that passes over case
_SPEAKS = re.compile(
    r"(?=[acdfhlmnprstw])(?:phone|telefon|t[ée]l[ée]phone|tel[ée]fono|rufnummer|whatsapp|m[óo]vil|celular|portable|handy|mobil|appele[rz]|llamar|msisdn|anrufen"
    r"|(?<![a-z])(?:tel|cell|call(?:s|ed|ing)?|ring|fax|sms|dial|text (?:me|us|him|her|them))(?![a-z])"
    r"|(?<=[yterswd][ _])(?:number|nummer|num[ée]ro|n[úu]mero)(?![a-z]))"
)
_WHOSE = re.compile(
    r"(?i)(?<![a-z])(?:my|best|his|her|their|your|our|contact|new|old|home|work|direct|daytime|evening|following|the)[ _]$"
)
_ADJACENT = re.compile(
    r"(?i)^\w{0,16}[^\w\d(]{0,8}(?:(?:is|number|no|nr|on|me|back|us|him|her|them|under|now|to|at|my|it)[^\w(]{1,3}){0,4}$"
)
_TO = re.compile(r"(?i)[\"'](?:to|from|recipient|sender|contact|caller|callee)\\?[\"']\s?:\s?\\?[\"']")
_BEHIND = re.compile(
    r"(?i),? (?:is|as|was) (?:(?:my|the|our|his|her|their|your|a|new) ){1,2}(?:\w{1,12} )?(?:number|phone|mobile|cell|telephone)(?! of)"
    r"|(?<=\d) \((?:mobile|cell|phone|home|work|office|mobil|handy)\)"
)
_PHONE_COLUMN = re.compile(
    r"(?im)(?:^|[,;\t|])[ \"]{0,3}(?:\w{0,16}[_ ])?(?:phone|mobile|tel|telefon|telephone|cell|fax|whatsapp|handy|msisdn|mobil)"
    r"(?:[_ ]?(?:no|nr|num|number))?[ \"]{0,3}(?=[,;\t|]|$)"
)
# digits of national numbers, the trunk prefix included: leading 0 (most of Europe, Japan, Australia), North America, plans
# of 9 digits (Spain, Poland, Portugal), of 10 (India, Italy) and 8 (Denmark, Norway, Singapore), Brazil, China, Russia
_PLAN = re.compile(r"0[1-9]\d{7,10}|1?[2-9]\d{9}|[2-9]\d{7,8}|[1-9][1-9]9\d{8}|1[3-9]\d{9}|8\d{10}")
_GROUPS = re.compile(r"(?:[18][ .-])?\(?\d{2,5}\)?(?:[ ./\u00a0-]{1,2}\d{2,8}){1,5}")
_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ](?:0?[1-9]|1[0-2])[-./ ](?:[0-2]?\d|3[01])(?!\d)|(?:[0-2]?\d|3[01])[-./](?:0?[1-9]|1[0-2])[-./](?:19|20)\d\d"
)
_FOUR = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|(?:19|20)\d{6}")
_REACH, _LONG = 28, 32


def phones(text: str) -> Iterator[tuple[int, int]]:
    """Telephone numbers.

    Who writes a plus and groups means one; digits behind a plus alone must be given out, and so must 00 and three groups
    of digits as in North America, which no word for a reference may precede. Other national numbers count near a word for a
    telephone, in the column of a table or the field of a message that holds them.
    """
    yield from (match.span(1) for match in _LINK.finditer(text))
    for match in _INTERNATIONAL.finditer(text):
        if _is_given_out(match.group(), text, match.start()):
            yield match.span()
    seen = -1
    for word in _SPEAKS.finditer(in_small_letters(text)):
        at = word.end()
        if word.group()[0] == "n" and not _WHOSE.search(text[max(0, word.start() - 16) : word.start()]):
            continue
        while number := _NATIONAL.search(text, at, word.end() + _REACH + _LONG):
            start = number.start()
            if start - word.end() > _REACH or "\n" in text[word.end() : start]:
                break
            number = _NATIONAL.match(text, start) or number
            at = number.end()
            if start > seen and _is_national(number.group(), text[word.end() : start]):
                seen = start
                yield number.span()
    for start, end in cells(text, _PHONE_COLUMN):
        if (number := _NATIONAL.search(text, start, end)) and _is_national(number.group(), ""):
            yield number.span()
    yield from _by_their_place(text)


def _by_their_place(text: str) -> Iterator[tuple[int, int]]:
    """Numbers that a later word calls one, and those in a field for whom a message goes to."""
    for word in _BEHIND.finditer(text):
        begin = max(0, word.start() - _LONG)
        for number in _NATIONAL.finditer(text, begin, word.start()):
            before = text[max(0, number.start() - NEAR) : number.start()]
            if number.end() == word.start() and not is_other(before) and _is_national(number.group(), ""):
                yield number.span()
    for field in _TO.finditer(text):
        number_there = _NATIONAL.match(text, field.end())
        if number_there and text[number_there.end() : number_there.end() + 1] in ('"', "'", "\\"):
            said = number_there.group()
            if (said[0] == "0" or not said.isdigit()) and _is_national(said, ""):
                yield number_there.span()


def _is_national(said: str, between: str) -> bool:
    said = re.sub(r"(?i)[, ]*(?:ext|durchwahl|poste|x).*$", "", said)
    digits = re.sub(r"\D", "", said)
    if not _PLAN.fullmatch(digits) or _DATE.match(said) or _FOUR.fullmatch(said) or is_other(between):
        return False
    if said[0] == "0" or said[:2] == "(0":
        return True
    return _ADJACENT.search(between) is not None if said == digits else _GROUPS.fullmatch(said) is not None


def _is_given_out(said: str, text: str, start: int) -> bool:
    import phonenumbers

    said = re.sub(r"(?i)[, ]*(?:ext|durchwahl|poste|x).*$", "", said)
    abroad = said[0] == "+" or said[:2] == "00"
    plain = "+" + said[2:] if said[:2] == "00" else said
    if said[0] != "+" and is_other(text[max(0, start - NEAR) : start]):
        return False
    try:
        number = phonenumbers.parse(plain, None if abroad else "US")
    except phonenumbers.NumberParseException:
        return False
    if said[0] != "+":
        return phonenumbers.is_valid_number(number)
    if not said[1:].isdigit():
        return phonenumbers.is_possible_number(number)
    if text[start - 1 : start] in ("", "\n") and "@@ -" in text:
        return False  # an added line of a diff
    return len(said) > 9 and phonenumbers.is_valid_number(number)
