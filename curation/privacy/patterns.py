"""Finding personal data and secrets in text, by their form and their check digits.

Each kind has a pattern that is quick to try and a check that is strict. Names of people are not found: nothing without a
language model finds them reliably. Sources: RFC 5321 (lengths of addresses), ISO/IEC 7812 (Luhn, and the ranges of the
card networks), ISO 13616 (IBAN, mod 97), the U.S. Social Security Administration's rules on numbers never given out, and
the key forms that the providers publish for secret scanning. Phone numbers are checked against the numbering plans of
the library phonenumbers.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import phonenumbers

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


_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\w.+-])[2-6](?:[ -]?\d){12,18}(?![\w]|[.-]\d)")
# who gives cards out, by first digits and length: Visa, Mastercard, American Express, Discover, JCB, Diners, UnionPay
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}"
)
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]{0,40}:[0-9A-Fa-f:]{0,40}:)[0-9A-Fa-f:]{6,39}(?![\w:])")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_PHONE = re.compile(
    r"(?<![\w.+:/#-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){5,12}"  # international
    r"|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4})(?![\w]|[.:/-]\d)"  # North America
)
_SECRET = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic, OpenRouter
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}"  # Stripe
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}"  # Amazon
    r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}"  # GitHub, GitLab
    r"|xox[abeprs]-[\w-]{10,}|AIza[\w-]{35}|ya29\.[\w-]{20,}"  # Slack, Google
    r"|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"  # JSON web tokens
    r")(?![A-Za-z0-9])"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]{0,8000}-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
_ASSIGNED = re.compile(
    r"(?i)(?<![a-z])(?:password|passwd|pwd|api[_-]?key|secret|auth[_-]?token)[\"']?\s{0,3}[:=]\s{0,3}[\"']?([^\s\"',;{}]{6,128})"
)


def find(text: str, kinds: frozenset[str] | None = None) -> list[Found]:
    """What stands in `text`, in order, never overlapping; of two that overlap the stricter kind wins.

    `kinds` limits the search to these keys of KINDS. Linear in the length of the text.
    """
    taken: list[Found] = []
    for kind, search in _SEARCHES:
        if kinds is not None and kind not in kinds:
            continue
        for start, end in search(text):
            if not any(start < other.end and other.start < end for other in taken):
                taken.append(Found(start, end, kind))
    return sorted(taken)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if ".." not in match.group() and not match.group().startswith("."):
                yield match.span()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        plain = match.group().replace(" ", "")
        if 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1:
            yield match.span()


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _ISSUED.fullmatch(digits) and luhn(digits):
            yield match.span()


def luhn(digits: str) -> bool:
    """Whether a string of digits has a right check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for pattern, needed in ((_IPV4, "."), (_IPV6, ":")):
        if needed not in text:
            continue
        for match in pattern.finditer(text):
            try:
                address = ipaddress.ip_address(match.group().rstrip(":") if needed == ":" else match.group())
            except ValueError:
                continue
            # loopback, private and documentation ranges say nothing of a person
            if address.is_global:
                yield match.start(), match.start() + len(match.group().rstrip(":"))


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(text):
        said = match.group()
        try:
            number = phonenumbers.parse(said, None if said.startswith("+") else "US")
        except phonenumbers.NumberParseException:
            continue
        # who writes a plus means a phone number; three groups of digits may be anything
        if phonenumbers.is_possible_number(number) if said.startswith("+") else phonenumbers.is_valid_number(number):
            yield match.span()


def _secrets(text: str) -> Iterator[tuple[int, int]]:
    yield from (match.span() for match in _SECRET.finditer(text))
    yield from (match.span(1) for match in _ASSIGNED.finditer(text) if not _is_a_placeholder(match.group(1)))


def _is_a_placeholder(value: str) -> bool:
    lowered = value.lower()
    return (
        set(lowered) <= set("*x.•-_")
        or lowered.startswith(("<", "$", "%", "os.", "env", "none", "null", "true", "false", "your", "example"))
        or lowered in ("string", "required", "optional", "password", "secret")
    )


def _plain(pattern: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    return lambda text: (match.span() for match in pattern.finditer(text))


# the strictest first: what they take, the later ones leave alone
_SEARCHES: tuple[tuple[str, Callable[[str], Iterator[tuple[int, int]]]], ...] = (
    ("secret", _secrets),
    ("email", _emails),
    ("iban", _ibans),
    ("card", _cards),
    ("ip", _addresses),
    ("ssn", _plain(_SSN)),
    ("phone", _phones),
)
