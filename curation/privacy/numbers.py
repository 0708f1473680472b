"""Numbers that name a person or an account: cards, bank accounts, telephone numbers, by form and check digits."""

import re
from collections.abc import Iterator

_SPACE = "[ \u00a0\u2009\u202f-]"
# groups as they are printed on cards, one kind of separator throughout; or no separator at all
_CARD = re.compile(
    r"(?<![A-Za-z0-9+])(?<!\d\.)(?<!\d{4}[ -])(?:"
    rf"\d{{4}}({_SPACE}|\.)\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{1,3}})?"
    rf"|3\d{{3}}({_SPACE})\d{{6}}\2\d{{4,5}}"
    rf"|\d{{12,19}})(?![A-Za-z0-9]|[.-]\d|{_SPACE}\d{{4}}(?!\d))"
)
# who gives cards out, by first digits and length: Visa, Mastercard, American Express, Discover, JCB, Diners, UnionPay,
# Mir, Troy, Maestro. Of 12 to 15 digits, where article numbers (GTIN) live, only the two networks that use them
_ISSUED = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-59]|[689]\d)\d{11}|62\d{14,17}|220[0-4]\d{12}"
    r"|9792\d{12}|(?:50(?:18|20|38)|5893|6304|67(?:59|6[1-3]))(?:\d{12}|\d{14}|\d{15})"
)
_OLD = re.compile(r"4\d{12}|(?:50(?:18|20|38)|5893|6304|67(?:59|6[1-3]))\d{8,11}")  # only where a card is spoken of
_OF_A_CARD = re.compile(r"(?i)card|\bpan\b|(?:^|[^a-z])cc(?:$|[^a-z])|karte|carte|tarjeta|visa|maestro|amex|charge")
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
_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})[0-9]{2}(?=[ \u00a0\u202f-]?[A-Za-z0-9]{3,4})")
_NEXT = re.compile(r"[ \u00a0\u202f-]?[A-Za-z0-9]")

_PHONE = re.compile(
    r"(?<![\w.+:/#-])(?:\+\d{1,3}[ .\u00a0-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .\u00a0/-]?\d){5,12}"  # international
    r"|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"  # North America
    r"|\(?0\d(?:\)?[ ./-]?\d){7,11})(?![\w]|[.:/-]\d)"  # national, with a leading 0: only where a phone is spoken of
)
_OF_A_PHONE = re.compile(
    r"(?i)(?:phone|tel|telefon|mobile|mobil|cell|handy|call|fax|whatsapp|sms|ring|rufnummer|t[ée]l[ée]phone|anrufen)"
    r"[^\n]{0,24}$"
)
_LONGEST_LABEL = 64


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Payment cards: a range that a network gives out, printed as cards are, with the right check digit."""
    for match in _CARD.finditer(text):
        said = match.group()
        digits = re.sub(r"\D", "", said)
        before = text[max(0, match.start() - _LONGEST_LABEL) : match.start()]
        if not luhn(digits):
            continue
        if _ISSUED.fullmatch(digits):
            if said != digits or not _is_other(before):
                yield match.span()
        elif said == digits and _OLD.fullmatch(digits) and _OF_A_CARD.search(before):
            yield match.span()


def _is_other(before: str) -> bool:
    label = _LABEL.search(before)
    return label is not None and not _OF_A_CARD.search(label[1]) and _OTHER_LABEL.search(label[1]) is not None


def luhn(digits: str) -> bool:
    """Whether a string of digits has a right check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Bank accounts: length and structure of the country's IBAN, and the check digits (ISO 7064, mod 97-10)."""
    for match in _IBAN.finditer(text):
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


def phones(text: str) -> Iterator[tuple[int, int]]:
    """Telephone numbers by the numbering plans of the library phonenumbers.

    Who writes a plus and groups means a phone number; digits behind a plus alone must be given out; three groups of
    digits must be a North American number that is; a leading 0 counts only behind a word for a phone.
    """
    for match in _PHONE.finditer(text):
        said = match.group()
        if said[0] != "+" and said.lstrip("(")[0] == "0":
            if _OF_A_PHONE.search(text[max(0, match.start() - _LONGEST_LABEL) : match.start()]):
                yield match.span()
        elif _is_a_phone(said, text, match.start()):
            yield match.span()


def _is_a_phone(said: str, text: str, start: int) -> bool:
    import phonenumbers

    try:
        number = phonenumbers.parse(said, None if said[0] == "+" else "US")
    except phonenumbers.NumberParseException:
        return False
    if said[0] != "+":
        return phonenumbers.is_valid_number(number)
    if not said[1:].isdigit():
        return phonenumbers.is_possible_number(number)
    if text[start - 1 : start] in ("", "\n") and "@@ -" in text:
        return False  # an added line of a diff
    return len(said) > 9 and phonenumbers.is_valid_number(number)
