"""Telephone numbers: international ones by the numbering plans, national ones where something speaks of a telephone.

Sources: ITU-T E.164 and E.123, RFC 3966 (tel:), the plans of the library phonenumbers, and how people write at home.
"""

import re
from bisect import bisect_right, insort
from collections.abc import Iterator

from curation.privacy.cues import LETTER, NEAR, cells, in_small_letters, in_words, is_other

_EXTENSION = r"(?:,?[ ]?(?i:ext\.?|extension|durchwahl|poste|x)[ ]?\d{1,6}(?!\w))?"
_ENOUGH = re.compile(r"\d(?:[ ./()\u00a0-]{0,3}\d){6}")
_ABROAD = r"\d{1,3}[ .\u00a0-]?(?:\(\d{1,4}\)[ .\u00a0-]?)?\d(?:[ .\u00a0/-]?\d){5,12}"
_INTERNATIONAL = re.compile(
    rf"[+(0-9](?:(?<![.+:/#-].)(?<!{LETTER}.)|(?<=[\"A-Za-z]:.))(?:"
    rf"(?<=\+){_ABROAD}|(?<=0)0(?=[1-9]\d{{0,2}}[ .(\u00a0-]){_ABROAD}"
    r"|(?:(?<=1)[ .-](?:\(\d{3}\) ?|\d{3}[ .-])|(?<=\()\d{3}\) ?|(?<=[2-9])\d\d[ .-])\d{3}[ .-]\d{4}"  # North America
    rf")(?!{LETTER}|[.:/-]\d){_EXTENSION}"
)
# the number in the address of a telephone or a messenger
_LINK = re.compile(
    r"(?i)(?:(?<![a-z])(?:tel|callto|smsto|sms):|wa\.me/|whatsapp\.com/send/?\?phone=|signal\.me/#p/)"
    r"((?:\+|%2B)?\(?\d(?:[-.()]{0,2}\d){6,14})(?!\w)"
)
_LINKS = ("tel:", "callto:", "smsto:", "sms:", "wa.me/", "whatsapp.com/", "signal.me/")
_NATIONAL = re.compile(
    rf"[(0-9](?<![.+/#-].)(?<!{LETTER}.)(?:(?<=\()\d)?(?:[ ./()\u00a0-]{{0,3}}\d){{6,12}}(?!{LETTER}|[.:/-]\d){_EXTENSION}"
)
# of the text in small letters
_SPEAKS = re.compile(
    r"(?:phone|telefon|t[ée]l[ée]phone|tel[ée]fono|rufnummer|r[üu]ckruf|r[üu]ckfragen|erreich(?:en|bar)|whats ?app|telegram|m[óo]v[ie]l"
    r"|celular|cellulare|portable|handy|mobil|gsm|appele[rz]|joignable|joindre"
    r"|llamar|ll[áa]m[ea](?:me|nos)|ligar|msisdn|call-?back"
    r"|bel(?:len)? (?:me|mij|naar)|ringa|zadzwo[nń]|puhelin|电话|手机|電話|手機|携帯|전화|휴대폰|핸드폰|연락처|телефон"
    r"|τηλ|κινητ|טלפון|נייד|هاتف|جوال|موبايل|โทร|điện thoại|फ़ोन|मोबाइल|natel|[☎✆📞📱📲]"
    r"|(?<![a-z])(?:reachable|t[ée]l|tlf|cell|call(?:s|ed|ing)?|ring|fax|sms|dial|reach (?:me|us)|text (?:me|us|him|her|them)|(?:an)?rufen?"
    r"|chiam(?:i|ami|are)|contact[ ]?(?:number|num|no|nr))(?![a-z])"
    r"|(?<=[yterswd][ ])(?P<whose>number|nummer|num[ée]ro|n[úu]mero)(?![a-z]))"
)
# the letter that stands for one in a signature
_LETTER_OF_A_LINE = re.compile(r"(?:^|[\n|•·])[ ]?[MTPFCHW](?P<sign>[.:]{0,2})[ ]{1,2}$")
_WHOSE = re.compile(
    r"(?i)(?<![a-z])(?:my|best|his|her|their|your|our|contact|new|old|home|work|direct|daytime|evening|following|the)[ ]$"
)
_ADJACENT = re.compile(
    r"(?i)^\w{0,16}(?:[ ](?:no|nr|num|number|nummer))?[^\w\d(]{0,8}(?:(?:is|number|no|nr|on|me|back|us|him|her|them|under|now|to|at|my|it"
    r"|es|el|al|est|le|au|ist|lautet|unter|mich|uns|zur[üu]ck|sie|è|il|é|o|op|jest|pod)[^\w(]{1,3}){0,4}$"
)
_TO = re.compile(
    r"(?i)[\"'](?:to|from|recipient|sender|contact|contatto|kontakt|contacto|caller|callee)\\?[\"']\s?:\s?\\?[\"']$"
)
_A_MESSAGE = re.compile(r"^\\?[\"'],\s?\\?[\"'](?:body|text|message|content|sms)\\?[\"']")
# another number right before it
_ALSO = re.compile(
    r"(?i)^(?:\s\(\w{1,10}\))?\s?(?:[,/;]|or|and|oder|und|ou|et|o|y)?\s?(?:that is|alternatively|else|or|oder)?\s$"
)
_BEHIND = re.compile(
    r"(?i) ?(?:numaras|nolu telefon|(?:に|へ)お?電話|的(?:短信|手机|电话))"
    r"|,? (?:is|as|was) (?:(?:my|the|our|his|her|their|your|a|new) ){1,2}(?:\w{1,12} )?(?:number|phone|mobile|cell|telephone)(?! of)"
    r"|(?<=\d) \((?:mobile|cell|phone|home|work|office|mobil|handy)\)"
)
# an address of mail right before or behind it, perhaps with a word or two between
_ADDRESS_BEFORE = re.compile(r"@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}[>\")]?\s?[\s,;|·•–-]?\s?$")
_ADDRESS_BEHIND = re.compile(r"\s?[\s,;|·•–/-]?\s?(?:[^\W\d]{1,12}[:.]?[ ]){0,2}[\w.+'-]{1,64}@[\w-]{1,63}\.")
_FOUR_GROUPS = re.compile(r"\d{2,3}([ .\u00a0])\d{2,3}(?:\1\d{2,3}){2,3}")
_SENDER = re.compile(r"\d\d\][ ](?:~[ ])?$")  # of a message in an exported chat: `[03.02.26, 18:35:10] `
_SPLIT = re.compile(
    r"(?i)country_?code\\?[\"']\s?:\s?\\?[\"']?\+?(\d{1,3})\\?[\"']?,\s{0,16}\\?[\"'](?:address|(?:national_?|subscriber_?)?number|phone)"
    r"\\?[\"']\s?:\s?\\?[\"']?$"
)
_CALLS_COLUMN = re.compile(
    r"(?im)[\n,;\t|][ \"]{0,3}(?:src|dst|ani|dnis|caller|callee|call(?:ing|ed)_?(?:party|number))[ \"]{0,3}(?=[,;\t|]|$)"
)
_OF_CALLS = ("disposition", "billsec", "call_duration", "calldate")  # columns of a list of calls
_PHONE_COLUMN = re.compile(
    r"(?im)[\n,;\t|][ \"]{0,3}(?:\w{0,16}(?:[_ ]|(?-i:(?<=[a-z])(?=[A-Z]))))?(?:phone"
    r"|mobile|tel|telefon[eo]?|t[ée]l[ée]phone|tel[ée]fono|telefoon|cell|cellulare"
    r"|celular|m[óo]vil|fax|whatsapp|handy|msisdn|mobil|电话|手机|電話)"
    r"(?:[_ ]?(?:no|nr|num|number))?[ \"]{0,3}(?=[,;\t|]|$)"
)
# digits of national numbers, the trunk prefix included: leading 0 (most of Europe, Japan, Australia), North America, plans
# of 9 digits (Spain, Poland, Portugal), of 10 (India, Italy) and 8 (Denmark, Norway, Singapore), Brazil, China, Russia
_PLAN = re.compile(r"0[1-9]\d{7,10}|1?[2-9]\d{9}|[1-9]\d{7,8}|[1-9][1-9]9\d{8}|1[3-9]\d{9}|8\d{10}")
_TWO_AND_EIGHT = re.compile(r"\(?1[1-9]\)?[ ]?\d{4}[ -]\d{4}")  # Buenos Aires, São Paulo
_GROUPS = re.compile(r"(?:[18][ .-])?\(?\d{2,5}\)?(?:[ ./\u00a0-]{1,3}\d{2,8}){1,5}")
_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ](?:0?[1-9]|1[0-2])[-./ ](?:[0-2]?\d|3[01])(?!\d)|(?:[0-2]?\d|3[01])[-./](?:0?[1-9]|1[0-2])[-./](?:19|20)\d\d"
)
_FOUR = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|(?:19|20)\d{6}|0\.\d+")  # an address, a day, a fraction
_REACH, _LONGEST_WORD = 28, 12
_LINE = _REACH + _LONGEST_WORD + 16
_CELL_BEGINS, _CELL_ENDS = re.compile(r"[\"'|;,>`(\t]\s?$"), re.compile(r"\s?[\"'\\|;,<`)\t]")


def phones(text: str) -> Iterator[tuple[int, int]]:
    """Telephone numbers.

    Who writes a plus and groups means one; digits behind a plus alone must be given out, and so must 00 and three groups
    of digits as in North America, which no word for a reference may precede. Other national numbers count near a word for a
    telephone, in the column of a table or the field of a message that holds them.
    """
    if not _ENOUGH.search(text):
        return
    small = in_small_letters(text)
    if any(link in small for link in _LINKS):
        yield from (match.span(1) for match in _LINK.finditer(text))
    ends: list[int] = []
    has_addresses = "@" in text
    for match in _INTERNATIONAL.finditer(text):
        if _is_given_out(match.group(), text, match.start(), match.end(), ends):
            insort(ends, match.end())
            yield match.span()
    for number in _NATIONAL.finditer(text):
        if (
            _is_spoken_of(number, text)
            or _has_its_place(number, text)
            or _follows(number, text, ends)
            or (has_addresses and _is_beside_an_address(number, text))
        ):
            insort(ends, number.end())
            yield number.span()
    for start, end in cells(text, _PHONE_COLUMN) if "\n" in text else ():
        if (cell := _NATIONAL.search(text, start, end)) and _is_national(cell.group(), ""):
            yield cell.span()
    for start, end in cells(text, _CALLS_COLUMN) if any(title in small for title in _OF_CALLS) else ():
        if (cell := _NATIONAL.search(text, start, end)) and _is_national(cell.group(), " "):
            yield cell.span()


def _is_spoken_of(number: re.Match[str], text: str) -> bool:
    """Whether a word for a telephone stands before it in its line, or the letter for one in a signature."""
    start, said = number.start(), number.group()
    letter = _LETTER_OF_A_LINE.search(text, max(0, start - 8), start) if text[start - 1 : start] == " " else None
    if letter and (letter["sign"] or not said.isdigit()):
        return _is_national(said, "") or (said.isdigit() and len(said) == 10 and _is_valid(said))
    return any(_is_national(said, between) for between in _between(text, start))


def _between(text: str, start: int) -> Iterator[str]:
    """What stands between a word for a telephone and the number, for each such word before it in its line."""
    line = in_words(text[max(0, start - _LINE) : start].rpartition("\n")[2])
    for word in _SPEAKS.finditer(in_small_letters(line), max(0, len(line) - _REACH - _LONGEST_WORD)):
        if len(line) - word.end() > _REACH:
            continue
        if word["whose"] is None or _WHOSE.search(line[max(0, word.start() - 16) : word.start()]):
            yield line[word.end() :]


def _is_other(text: str, start: int) -> bool:
    """Whether the words right before it say that it is something else, and no `phoneNumber`."""
    return is_other(text[max(0, start - NEAR) : start]) and all(is_other(between) for between in _between(text, start))


def _has_its_place(number: re.Match[str], text: str) -> bool:
    """Whether a later word calls it a number, or it stands in a field for whom a message goes to."""
    (start, end), said = number.span(), number.group()
    before = text[max(0, start - NEAR) : start]
    if _BEHIND.match(text, end) or (text[end : end + 2] == ": " and _SENDER.search(before)):
        return not is_other(before) and _is_national(said, "")
    if said.isdigit() and (country := _SPLIT.search(text, max(0, start - 2 * NEAR), start)):
        return _is_valid(f"+{country[1]}{said}")
    if text[end : end + 1] not in ('"', "'", "\\") or not _TO.search(before[-24:]):
        return False
    if said.isdigit() and said[0] != "0":
        return len(said) == 10 and bool(_A_MESSAGE.match(text[end : end + 24])) and _is_valid(said)
    return _is_national(said, "")


def _follows(number: re.Match[str], text: str, ends: list[int]) -> bool:
    """Whether it stands right behind another one, as a second way to call."""
    at = bisect_right(ends, number.start())
    return at > 0 and bool(
        number.start() - ends[at - 1] < _REACH
        and not (number.group().isdigit() and number.group()[0] != "0")
        and _ALSO.match(text[ends[at - 1] : number.start()])
        and _is_national(number.group(), "")
    )


def _is_beside_an_address(number: re.Match[str], text: str) -> bool:
    """Whether it is written in groups, as telephone numbers are at home, right beside an address of mail."""
    (start, end), said = number.span(), number.group()
    if said.isdigit() or not (said[0] == "0" or said[:2] == "(0" or _FOUR_GROUPS.fullmatch(said)):
        return False
    before = text[max(0, start - NEAR) : start]
    beside = ("@" in before and _ADDRESS_BEFORE.search(before)) or _ADDRESS_BEHIND.match(text, end)
    return bool(beside) and _is_national(said, "") and not is_other(before)


def _is_national(said: str, between: str) -> bool:
    said = re.sub(r"(?i)[, ]*(?:ext|durchwahl|poste|x).*$", "", said)
    digits = re.sub(r"\D", "", said)
    if _DATE.match(said) or _FOUR.fullmatch(said) or is_other(between):
        return False
    if not _PLAN.fullmatch(digits):
        if said == digits:  # with the code of its country, without a plus
            return len(said) >= 11 and bool(_ADJACENT.search(between)) and _is_valid(f"+{said}")
        return _TWO_AND_EIGHT.fullmatch(said) is not None
    if said[0] == "0" or said[:2] == "(0":
        return True
    return _ADJACENT.search(between) is not None if said == digits else _GROUPS.fullmatch(said) is not None


def _is_given_out(said: str, text: str, start: int, end: int, ends: list[int]) -> bool:
    import phonenumbers

    said = re.sub(r"(?i)[, ]*(?:ext|durchwahl|poste|x).*$", "", said)
    abroad = said[0] == "+" or said[:2] == "00"
    plain = "+" + said[2:] if said[:2] == "00" else said
    if said[0] != "+" and _is_other(text, start):
        return False
    if not abroad and " " in said and re.search(r"\d $", text[max(0, start - 2) : start]):
        return False  # the end of a longer number in groups
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
    if len(said) <= 9:
        return False
    if phonenumbers.is_valid_number(number):
        return True
    placed = _CELL_BEGINS.search(text[max(0, start - 2) : start]) and _CELL_ENDS.match(text, end)
    if number.country_code == 1:
        return False  # North America's plan is known to the last block
    said_so = placed or any(True for _ in _between(text, start)) or (ends and _ALSO.match(text[ends[-1] : start]))
    return phonenumbers.is_possible_number(number) and bool(said_so)


def _is_valid(said: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(said, "US"))
    except phonenumbers.NumberParseException:
        return False
