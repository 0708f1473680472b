"""Numbers that name an account: cards and bank accounts, by form, check digits and the words beside them."""

import re
from collections.abc import Iterator
from itertools import chain

from curation.privacy.cues import NEAR, cells, in_words, inside, is_other

_SPACE = "[ \u00a0\u2009\u202f-]"
# groups as they are printed on cards, one kind of separator throughout; or no separator at all
_CARD = re.compile(
    r"(?<![A-Za-z0-9+])(?<!\d\.)(?<!\d{4}[ -])(?:"
    rf"\d{{4}}({_SPACE}|\.)\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{1,3}})?"
    rf"|3\d{{3}}({_SPACE})\d{{6}}\2\d{{4,5}}"
    # as a form of the web sends blanks; and as UnionPay prints nineteen digits
    r"|(?<==)(?:\d{4}\+\d{4}\+\d{4}\+\d{4}|3\d{3}\+\d{6}\+\d{4,5})"
    rf"|62\d{{4}}{_SPACE}\d{{13}}"
    rf"|\d{{12,19}})(?![A-Za-z0-9]|[.-]\d|{_SPACE}\d{{4}}(?!\d))"
)
# who gives cards out, by first digits and length: Visa, Mastercard, American Express, Discover, JCB, Diners, UnionPay,
# Mir, Troy, Maestro, RuPay, Elo, Hipercard. Of 12 to 15 digits, where article numbers (GTIN) live, only the two networks that use them
_ISSUED = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-59]|[689]\d)\d{11}|62\d{14,17}|220[0-4]\d{12}"
    r"|9792\d{12}|(?:508[5-9]\d\d|60698[5-9]|60699\d|607[0-8]\d\d|60790\d|6079[1-7]\d|60798[0-4]|60800[1-9]|6080[1-9]\d|608[1-4]\d\d"
    r"|608500|81(?:7[2-9]|[89]\d)\d\d|820[01]\d\d|504175|506699|5067\d\d|509\d{3}|627780|636(?:297|368)|606282)\d{10}|(?:50(?:18|20|38)|5893|6304|67(?:59|6[1-3]))(?:\d{12}|\d{14}|\d{15})"
)
_OLD = re.compile(r"4\d{12}|(?:50(?:18|20|38)|5893|6304|67(?:59|6[1-3]))\d{8,11}")  # only where a card is spoken of
_CARDS = (
    r"card|\bpan\b|(?:^|[^a-z])cc(?:$|[^a-z])|karte|carte|carta\b|tarjeta|cart[aã]o|\bkort|kaart|\bkart(?:[aeęyąuıioą]|ou|en)?\b|kártya"
    r"|карт|カード|卡号|信用卡|银行卡|카드|visa|master\s?card|maestro|amex|american express|diners|unionpay|\bjcb\b|rupay|\belo\b|\btroy\b"
)
_OF_A_CARD = re.compile(
    rf"(?i){_CARDS}|primary account n|charg|\bpay|\bpaid\b|refund|debit|credit|zahl|abgebucht|erstatt|pago|paiement|rembours|cvv|cvc|expir"
)
_BEHIND_A_CARD = re.compile(
    rf"(?i)\bexp|cvv|cvc|valid (?:thru|until)|g[üu]ltig|valable|v[áa]lid|platn|ważn|geldig|有効期限|有效期|{_CARDS}"
)
_THE_NUMBER = re.compile(
    r"(?i)(?:^|[^a-z])(?:number|nummer|num[ée]ro|n[úu]mero)\W{1,6}(?:(?:is|lautet|ist|est|es)\W)?$"
)
_OF_ONESELF = re.compile(r"(?i)(?<![a-z])(?:my|mine|me|meine?|mir|mi|mon|moi)(?![a-z])[^\n]{0,16}$")  # "mine is ..."
# words of a sentence between one card and the next
_SENTENCE = re.compile(r"(?i)[a-z]{2}[^\n\"|;{}<>=]{0,78}\s$")
# nothing but the number, as an answer to a question for it
_ALONE = re.compile(r"(?i)^\W{0,3}(?:(?:content|text|message|input|output|answer|reply|body)\W{2,4})?$")
_NO_MORE = re.compile(r"^\W{0,3}$")
_CARD_COLUMN = re.compile(
    r"(?im)[\n,;\t|][ \"]{0,3}(?:\w{0,16}(?:[_ ]|(?-i:(?<=[a-z])(?=[A-Z]))))?(?:card|pan|cc|karte|kreditkarte|creditcard|carte|tarjeta"
    r"|kartennummer)(?:[_ ]?(?:no|nr|num|number|#))?[ \"]{0,3}(?=[,;\t|]|$)"
)
_LABEL = re.compile(r"([A-Za-z][\w.-]{0,40})(?:\\?[\"'])?\s{0,2}[:=#]\s{0,2}(?:\\?[\"'])?$")
_OTHER_LABEL = re.compile(
    r"(?i)(?:id|ids|uuid|hash|digest|time|timestamp|created|updated|date|tracking|order|sku|ean|gtin|isbn|imei|serial|ledger"
    r"|offset|cursor|seq|sequence|lsn|seed|nonce|version|_at|_ts|_[nmu]s|bytes|size|count|total|amount)$"
)

# ISO 13616-1, the registry of IBAN: what follows country and check digits. n digits, a letters, c both
_STRUCTURES = {
    "AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n", "BG": "4a6n8c",
    "BH": "4a14c", "BI": "23n", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c", "CR": "18n", "CY": "8n16c", "CZ": "20n",
    "DE": "18n", "DJ": "23n", "DK": "14n", "DO": "4c20n", "EE": "16n", "EG": "25n", "ES": "20n", "FI": "14n",
    "FK": "2a12n", "FO": "14n", "FR": "10n11c2n", "GB": "4a14n", "GE": "2a16n", "GI": "4a15c", "GL": "14n",
    "GR": "7n16c", "GT": "24c", "HN": "4a20n", "HR": "17n", "HU": "24n", "IE": "4a14n", "IL": "19n", "IQ": "4a15n",
    "IS": "22n", "IT": "1a10n12c", "JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c", "LC": "4a24c",
    "LI": "5n12c", "LT": "16n", "LU": "3n13c", "LV": "4a13c", "LY": "21n", "MC": "10n11c2n", "MD": "20c", "ME": "18n",
    "MK": "3n10c2n", "MN": "16n", "MR": "23n", "MT": "4a5n18c", "MU": "4a19n3a", "NI": "4a20n", "NL": "4a10n",
    "NO": "11n", "OM": "3n16c", "PK": "4a16c", "PL": "24n", "PS": "4a21c", "PT": "21n", "QA": "4a21c", "RO": "4a16c",
    "RS": "18n", "RU": "14n15c", "SA": "2n18c", "SC": "4a20n3a", "SD": "14n", "SE": "20n", "SI": "15n", "SK": "20n",
    "SM": "1a10n12c", "SO": "19n", "ST": "21n", "SV": "4a20n", "TL": "19n", "TN": "20n", "TR": "6n16c", "UA": "6n19c",
    "VA": "18n", "VG": "4a16n", "XK": "16n", "YE": "4a4n18c",
}  # fmt: skip
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_BODIES = {
    country: re.compile(re.sub(r"(\d+)([nac])", lambda m: f"{_CLASSES[m[2]]}{{{m[1]}}}", structure))
    for country, structure in _STRUCTURES.items()
}
_LENGTHS = {
    country: 4 + sum(int(number) for number in re.findall(r"\d+", structure))
    for country, structure in _STRUCTURES.items()
}
_ACCOUNT = r"([A-Za-z]{2})[0-9]{2}(?=[ \u00a0\u202f-]?[A-Za-z0-9]{3,4})"
_IBAN = re.compile(rf"(?<![A-Za-z0-9]){_ACCOUNT}")
_IN_A_FIELD = re.compile(rf"(?<=\?\d\d){_ACCOUNT}")  # of field 86 of a statement of account (SWIFT MT940)
_NEXT = re.compile(r"[ \u00a0\u202f-]?[A-Za-z0-9]")


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Payment cards: a range that a network gives out, printed as cards are, with the right check digit.

    In groups it is one unless a word before it says otherwise; without groups, only where something speaks of a card.
    """
    column: list[tuple[int, int]] | None = None
    last = -NEAR
    for match in _CARD.finditer(text):
        said = match.group()
        digits = re.sub(r"\D", "", said)
        if not luhn(digits) or not (_ISSUED.fullmatch(digits) or (said == digits and _OLD.fullmatch(digits))):
            continue
        start, end = match.span()
        before = text[max(0, start - NEAR) : start]
        if said != digits:
            if "+" in said and not _OF_A_CARD.search(in_words(before)):
                continue  # a sum
            if not _is_other(before) or before.endswith("-"):
                last = end
                yield start, end
            continue
        if column is None:
            column = sorted(cells(text, _CARD_COLUMN))
        if inside(column, start, end) or (
            not _is_other(before)
            and (
                _is_spoken_of(before, text[end : end + 24])
                or _is_own(digits, before)
                or _stands_alone(text, start, end)
                or (start - last < NEAR and _SENTENCE.search(text, last, start))
            )
        ):
            last = end
            yield start, end


def _is_other(before: str) -> bool:
    label = _LABEL.search(before)
    if label is not None and _OF_A_CARD.search(in_words(label[1])):
        return label[1].lower().endswith(("id", "ids", "uuid", "hash")) and "card" not in label[1].lower()
    return (label is not None and _OTHER_LABEL.search(label[1]) is not None) or is_other(before)


def _is_spoken_of(before: str, behind: str) -> bool:
    said = _OF_A_CARD.search(in_words(before)) or _THE_NUMBER.search(before) or _BEHIND_A_CARD.search(behind)
    return said is not None


def _is_own(digits: str, before: str) -> bool:
    return _ISSUED.fullmatch(digits) is not None and _OF_ONESELF.search(before) is not None


def _stands_alone(text: str, start: int, end: int) -> bool:
    return len(text) - (end - start) <= NEAR and bool(_ALONE.search(text[:start]) and _NO_MORE.search(text[end:]))


def luhn(digits: str) -> bool:
    """Whether a string of digits has a right check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Bank accounts: length and structure of the country's IBAN, and the check digits (ISO 7064, mod 97-10)."""
    for match in chain(_IBAN.finditer(text), _IN_A_FIELD.finditer(text) if "?" in text else ()):
        country = match[1].upper()
        if country not in _BODIES:
            continue
        plain, at = match.group().upper(), match.end()
        while len(plain) < _LENGTHS[country] and (one := _NEXT.match(text, at)):
            plain += one.group()[-1].upper()
            at = one.end()
        if len(plain) < _LENGTHS[country] or text[at : at + 1].isalnum() or not _BODIES[country].fullmatch(plain[4:]):
            continue
        if int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1:
            yield match.start(), at
