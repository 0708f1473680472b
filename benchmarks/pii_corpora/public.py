"""Agent traces with and without personal data, made from the public descriptions of the formats alone.

Two kinds of trace, both made anew from a seed:

- clean: what agents read and write all day and that names nobody: order numbers, tracking numbers, article codes,
  timestamps, hashes, UUIDs, coordinates, versions, prices, base64, long digit ids, logs, code, diffs, tables. Whatever a
  detector finds in one of them is a false positive.
- planted: a clean trace into which values were written whose place is known.

Sources, and nothing else (no detector's patterns): addresses RFC 5321, 5322 and 6532; cards ISO/IEC 7812-1 (check digit by
Luhn, annex B) with the issuer ranges that the networks publish; IBAN ISO 13616-1 with the lengths and structures of the
registry and check digits by ISO 7064 mod 97-10; addresses of the internet RFC 791, 4291, 5952 and 3986 3.2.2, taken from
ranges that are globally routed; telephone numbers ITU-T E.164 and E.123 and national writing; keys as their providers
document or announce them (prefix, alphabet, length), JSON Web Tokens RFC 7519, keys in textual form RFC 7468,
passwords in URIs RFC 3986 3.2.1, and credentials in headers RFC 6750 and 7617.

Networks that name nobody count as clean: loopback, unspecified, masks, private (RFC 1918) and documentation ranges.
"""

import base64
import json
import random
import string
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.pii_corpora.public_clean import clean_turns

KINDS = ("email", "card", "iban", "ip", "key", "phone")
ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
HEX = "0123456789abcdef"

Maker = Callable[[random.Random], tuple[str, str]]


@dataclass(frozen=True)
class Planted:
    """A value that a detector has to find: its kind, its form in words, and the text as it stands in the trace."""

    kind: str
    form: str
    value: str


@dataclass(frozen=True)
class PlantedTrace:
    """Messages in the internal form, and what was written into them (nothing in a clean trace)."""

    messages: list[dict[str, Any]]
    planted: list[Planted]


def clean(count: int, seed: int = 1) -> Iterator[PlantedTrace]:
    """Traces that name nobody."""
    for number in range(count):
        yield PlantedTrace(clean_turns(random.Random(f"clean {seed} {number}")), [])


def planted(count: int, seed: int = 1) -> Iterator[PlantedTrace]:
    """Traces with one to three values each; over many of them every form of every kind comes up equally often."""
    # Every kind as often as every other, every form of a kind as often as its siblings.
    turn = dict.fromkeys(MAKERS, 0)
    names = list(MAKERS)
    place = 0
    for number in range(count):
        rng = random.Random(f"planted {seed} {number}")
        messages = clean_turns(rng)
        values = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            kind = names[place % len(names)]
            makers = MAKERS[kind]
            form, value = makers[turn[kind] % len(makers)](rng)
            place, turn[kind] = place + 1, turn[kind] + 1
            values.append(Planted(kind, form, value))
            messages.append(carrier(rng, kind, value))
        yield PlantedTrace(messages, values)


def texts(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Every text of a trace that a detector has to read: parts and arguments of calls."""
    for message in messages:
        for part in message["parts"]:
            yield part["text"]
        for call in message.get("tool_calls", []):
            yield call["arguments"]


# Where a value stands: said by a user, in a result, in arguments, a log, a URL, a table, code.

SAID = {
    "email": ("You can reach me at {}.", "My mail is {}, thanks", "mailto:{}", "From: Support <{}>", "cc {};", "({})"),
    "card": ("Please charge {} instead.", "card {} exp 04/29", "The number is {}.", "Zahlung mit Karte {}"),
    "iban": ("Refund to {} please.", "IBAN: {}", "My account is {}.", "Konto {}, danke"),
    "ip": ("I connect from {}.", "blocked address {} again", "The host {} is down", "ping {}"),
    "key": ("Use {} for the call.", "here is my key: {}", "It says {} is invalid", "token {}"),
    "phone": ("Call me on {}.", "Tel. {}", "my phone number is {}", "Phone: {} (mobile)"),
}
FIELD = {
    "email": "email",
    "card": "card_number",
    "iban": "account",
    "ip": "client_ip",
    "key": "credential",
    "phone": "phone",
}


def carrier(rng: random.Random, kind: str, value: str) -> dict[str, Any]:
    """A message that holds the value in one of the places where such a value is met."""
    plain = "\n" not in value and '"' not in value and "\\" not in value
    where = rng.choice(("said", "json", "arguments", "log", "csv", "code") if plain else ("said",))
    if where == "said":
        return _message("user", rng.choice(SAID[kind]).format(value))
    if where == "json":
        body = {"id": rng.randrange(10**6), FIELD[kind]: value, "active": True, "score": round(rng.random(), 4)}
        return _message("tool", json.dumps(body, indent=rng.choice((None, 2))), tool_call_id="call_x")
    if where == "arguments":
        arguments = json.dumps({"order_id": f"W{rng.randrange(10**6, 10**7)}", FIELD[kind]: value})
        call = {"id": "call_y", "name": "update_record", "arguments": arguments}
        return {**_message("assistant", ""), "tool_calls": [call]}
    if where == "log":
        return _message(
            "tool", f"2026-02-11T09:14:{rng.randrange(60):02d}.412Z INFO api {FIELD[kind]}={value} status=200"
        )
    if where == "csv":
        return _message("tool", f"id,{FIELD[kind]},total\n{rng.randrange(9999)},{value},{rng.randrange(9999) / 100}\n")
    return _message("assistant", f"```python\n{FIELD[kind]} = '{value}'\nclient.send({FIELD[kind]})\n```")


def _message(role: str, text: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "text": text}], **more}


# Addresses (RFC 5321 4.1.2, 5322 3.4.1; labels RFC 1035; internationalised RFC 6532, 5891)

FIRST = ("maria", "tom", "li", "aisha", "jon", "sven", "olga", "pierre", "kenji", "ana")
LAST = ("kowalski", "garcia", "oneill", "schmidt", "tanaka", "okafor", "rossi", "dubois", "nielsen", "haddad")
DOMAINS = ("northwindmail", "brightpost", "alpenweb", "quickinbox", "harbourline", "tidepool-media", "mx4u")
TLDS = ("com", "net", "org", "de", "io", "co.uk", "com.br", "dev", "photography", "museum", "co")


def _name(rng: random.Random) -> tuple[str, str]:
    return rng.choice(FIRST), rng.choice(LAST)


def _domain(rng: random.Random) -> str:
    return f"{rng.choice(DOMAINS)}.{rng.choice(TLDS)}"


def email_plain(rng: random.Random) -> tuple[str, str]:
    first, last = _name(rng)
    return "dotted", f"{first}.{last}@{_domain(rng)}"


def email_tag(rng: random.Random) -> tuple[str, str]:
    first, last = _name(rng)
    return "plus tag", f"{first}_{last}+orders{rng.randrange(100)}@{_domain(rng)}"


def email_sub(rng: random.Random) -> tuple[str, str]:
    first, _ = _name(rng)
    return "subdomains", f"{first}{rng.randrange(1950, 2010)}@mail.eu-1.{_domain(rng)}"


def email_capitals(rng: random.Random) -> tuple[str, str]:
    first, last = _name(rng)
    return "capitals", f"{first.title()}.{last.upper()}@{_domain(rng).upper()}"


def email_apostrophe(rng: random.Random) -> tuple[str, str]:
    first, _ = _name(rng)
    return "hyphen and digits", f"{first}-{rng.randrange(10)}.o-neill@{_domain(rng)}"


def email_short(rng: random.Random) -> tuple[str, str]:
    return "one letter", f"{rng.choice(string.ascii_lowercase)}@{_domain(rng)}"


def email_punycode(rng: random.Random) -> tuple[str, str]:
    return "punycode", f"{rng.choice(FIRST)}@xn--mller-kva.{rng.choice(('de', 'com', 'xn--p1ai'))}"


# Cards (ISO/IEC 7812-1)

CARDS = {
    "visa": (("4",), 16),
    "visa 19": (("4",), 19),
    "mastercard": (("51", "52", "53", "54", "55", "2221", "2500", "2720"), 16),
    "amex": (("34", "37"), 15),
    "discover": (("6011", "644", "649", "65"), 16),
    "diners": (("300", "305", "36", "38"), 14),
    "jcb": (("3528", "3589"), 16),
    "unionpay": (("62",), 16),
    "maestro": (("5018", "5020", "6304", "6759"), 16),
}


def luhn_digit(body: str) -> str:
    """The check digit that makes the sum of annex B a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def _card(network: str, writing: str) -> Maker:
    starts, length = CARDS[network]

    def make(rng: random.Random) -> tuple[str, str]:
        start = rng.choice(starts)
        body = start + "".join(rng.choice(string.digits) for _ in range(length - 1 - len(start)))
        digits = body + luhn_digit(body)
        parts = {15: (4, 6, 5), 14: (4, 6, 4)}.get(length, (4,) * (length // 4) + ((length % 4,) if length % 4 else ()))
        groups, at = [], 0
        for size in parts:
            groups.append(digits[at : at + size])
            at += size
        return f"{network} {writing}", {"bare": digits, "spaces": " ".join(groups), "hyphens": "-".join(groups)}[
            writing
        ]

    return make


# IBAN (ISO 13616-1; n digits, a capitals, c both)

IBANS = {
    "DE": "18n", "FR": "10n11c2n", "GB": "4a14n", "NL": "4a10n", "ES": "20n", "IT": "1a10n12c", "BE": "12n", "AT": "16n",
    "CH": "5n12c", "PL": "24n", "SE": "20n", "NO": "11n", "DK": "14n", "FI": "14n", "IE": "4a14n", "PT": "21n",
    "LU": "3n13c", "CZ": "20n", "GR": "7n16c", "TR": "5n1n16c", "MT": "4a5n18c", "SA": "2n18c", "AE": "19n", "BR": "23n1a1c",
}  # fmt: skip


def _letters(code: str) -> str:
    return "".join(str(int(letter, 36)) for letter in code)


def _iban_body(rng: random.Random, structure: str) -> str:
    body, number = "", ""
    for letter in structure:
        if letter.isdigit():
            number += letter
            continue
        alphabet = {"n": string.digits, "a": string.ascii_uppercase, "c": string.digits + string.ascii_uppercase}[
            letter
        ]
        body += "".join(rng.choice(alphabet) for _ in range(int(number)))
        number = ""
    return body


def _iban(writing: str) -> Maker:
    def make(rng: random.Random) -> tuple[str, str]:
        country = rng.choice(list(IBANS))
        body = _iban_body(rng, IBANS[country])
        check = 98 - int(_letters(body + country + "00")) % 97
        whole = f"{country}{check:02d}{body}"
        if writing == "print":
            whole = " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))
        return f"IBAN, {writing} form", whole

    return make


# Addresses of the internet: ranges that are routed


def _octets(rng: random.Random) -> str:
    first = rng.choice((5, 8, 23, 37, 46, 52, 62, 77, 81, 84, 91, 93, 104, 109, 134, 151, 176, 185, 193, 195, 212, 217))
    return f"{first}.{rng.randrange(1, 255)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _groups(rng: random.Random, count: int) -> list[str]:
    return [f"{rng.randrange(0x10, 0xFFFF):x}" for _ in range(count)]


def _six(rng: random.Random) -> str:
    return rng.choice(("2a02", "2600", "2a00", "2401", "2804", "2001:4860"))


def ip_four(rng: random.Random) -> tuple[str, str]:
    return "IPv4", _octets(rng)


def ip_port(rng: random.Random) -> tuple[str, str]:
    return "IPv4 with port", f"{_octets(rng)}:{rng.randrange(1024, 65535)}"


def ip_url(rng: random.Random) -> tuple[str, str]:
    return "IPv4 in a URL", f"http://{_octets(rng)}/status"


def ip_six(rng: random.Random) -> tuple[str, str]:
    start = _six(rng).split(":")
    return "IPv6 in full", ":".join(start + _groups(rng, 8 - len(start)))


def ip_six_short(rng: random.Random) -> tuple[str, str]:
    return "IPv6 compressed", f"{_six(rng)}:{':'.join(_groups(rng, 2))}::{':'.join(_groups(rng, rng.choice((1, 2))))}"


def ip_six_capitals(rng: random.Random) -> tuple[str, str]:
    start = _six(rng).split(":")
    return "IPv6 with leading zeros", ":".join(f"{int(one, 16):04X}" for one in start + _groups(rng, 8 - len(start)))


def ip_six_url(rng: random.Random) -> tuple[str, str]:
    return "IPv6 in a URL", f"https://[{_six(rng)}:{':'.join(_groups(rng, 1))}::1]:8443/"


# Keys as their providers document them


def _chars(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def _key(form: str, prefix: str, alphabet: str, length: int, suffix: str = "") -> Maker:
    def make(rng: random.Random) -> tuple[str, str]:
        return form, prefix + _chars(rng, alphabet, length) + suffix

    return make


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def key_jwt(rng: random.Random) -> tuple[str, str]:
    claims = {"sub": str(uuid.UUID(int=rng.getrandbits(128))), "iat": 1767225600 + rng.randrange(10**6), "admin": False}
    return "JSON Web Token", f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}.{_chars(rng, URLSAFE, 43)}"


def key_pem(rng: random.Random) -> tuple[str, str]:
    label = rng.choice(
        ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
    )
    body = "\n".join(_chars(rng, ALNUM + "+/", 64) for _ in range(6))
    return f"PEM {label.lower()}", f"-----BEGIN {label}-----\n{body}\n-----END {label}-----"


def key_uri(rng: random.Random) -> tuple[str, str]:
    scheme = rng.choice(("postgres", "postgresql", "mysql", "mongodb+srv", "redis", "amqp", "https"))
    return "password in a URI", f"{scheme}://svc_app:{_chars(rng, ALNUM, 14)}@db-{rng.randrange(9)}.internal:5432/main"


def key_assigned(rng: random.Random) -> tuple[str, str]:
    name = rng.choice(("api_key", "API_KEY", "client_secret", "secret_key", "access_token", "password", "DB_PASSWORD"))
    return "assigned", f"{name}={_chars(rng, ALNUM, 24)}"


def key_aws_secret(rng: random.Random) -> tuple[str, str]:
    return "AWS secret access key", f"aws_secret_access_key = {_chars(rng, ALNUM + '+/', 40)}"


def key_bearer(rng: random.Random) -> tuple[str, str]:
    return "bearer header", f"Authorization: Bearer {_chars(rng, URLSAFE, 40)}"


def key_basic(rng: random.Random) -> tuple[str, str]:
    secret = base64.b64encode(f"svc-user:{_chars(rng, ALNUM, 16)}".encode()).decode()
    return "basic header", f"Authorization: Basic {secret}"


def key_azure(rng: random.Random) -> tuple[str, str]:
    account = f"DefaultEndpointsProtocol=https;AccountName=store{rng.randrange(99)};"
    return "Azure storage", f"{account}AccountKey={_chars(rng, ALNUM + '+/', 86)}==;EndpointSuffix=core.windows.net"


def key_slack_hook(rng: random.Random) -> tuple[str, str]:
    upper = string.ascii_uppercase + string.digits
    return (
        "Slack webhook",
        f"https://hooks.slack.com/services/T{_chars(rng, upper, 10)}/B{_chars(rng, upper, 10)}/{_chars(rng, ALNUM, 24)}",
    )


def key_telegram(rng: random.Random) -> tuple[str, str]:
    return "Telegram bot", f"{rng.randrange(10**8, 10**10)}:AA{_chars(rng, URLSAFE, 33)}"


def key_openai_old(rng: random.Random) -> tuple[str, str]:
    return "OpenAI, first form", f"sk-{_chars(rng, ALNUM, 20)}T3BlbkFJ{_chars(rng, ALNUM, 20)}"


def key_openai_project(rng: random.Random) -> tuple[str, str]:
    return "OpenAI project", f"sk-proj-{_chars(rng, URLSAFE, 74)}T3BlbkFJ{_chars(rng, URLSAFE, 73)}A"


def key_sendgrid(rng: random.Random) -> tuple[str, str]:
    return "SendGrid", f"SG.{_chars(rng, URLSAFE, 22)}.{_chars(rng, URLSAFE, 42)}A"


def key_slack_bot(rng: random.Random) -> tuple[str, str]:
    numbers = f"{rng.randrange(10**11, 10**12)}-{rng.randrange(10**12, 10**13)}"
    return "Slack bot", f"xoxb-{numbers}-{_chars(rng, ALNUM, 24)}"


UPPER32 = string.ascii_uppercase + "234567"
KEYS: list[Maker] = [
    _key("AWS access key id", "AKIA", UPPER32, 16),
    _key("AWS temporary key id", "ASIA", UPPER32, 16),
    key_aws_secret,
    _key("GitHub classic", "ghp_", ALNUM, 36),
    _key("GitHub OAuth", "gho_", ALNUM, 36),
    _key("GitHub server", "ghs_", ALNUM, 36),
    lambda rng: ("GitHub fine-grained", f"github_pat_{_chars(rng, ALNUM, 22)}_{_chars(rng, ALNUM, 59)}"),
    _key("GitLab", "glpat-", URLSAFE, 19, "k"),
    key_slack_bot,
    key_slack_hook,
    _key("Stripe secret", "sk_live_", ALNUM, 24),
    _key("Stripe test", "sk_test_", ALNUM, 99),
    _key("Stripe restricted", "rk_live_", ALNUM, 24),
    _key("Stripe webhook", "whsec_", ALNUM, 32),
    key_openai_old,
    key_openai_project,
    _key("Anthropic", "sk-ant-api03-", URLSAFE, 93, "AA"),
    _key("OpenRouter", "sk-or-v1-", HEX, 64),
    _key("Google API", "AIza", URLSAFE, 34, "w"),
    _key("Google OAuth client", "GOCSPX-", URLSAFE, 27, "x"),
    key_sendgrid,
    _key("Twilio API key", "SK", HEX, 32),
    _key("npm", "npm_", ALNUM, 36),
    _key("PyPI", "pypi-AgEIcHlwaS5vcmc", URLSAFE, 119, "A"),
    _key("Hugging Face", "hf_", string.ascii_letters, 34),
    _key("DigitalOcean", "dop_v1_", HEX, 64),
    _key("Shopify", "shpat_", HEX, 32),
    _key("Databricks", "dapi", HEX, 32),
    _key("Linear", "lin_api_", ALNUM, 40),
    _key("Notion", "secret_", ALNUM, 43),
    _key("Vault", "hvs.", URLSAFE, 94, "Q"),
    _key("Groq", "gsk_", ALNUM, 52),
    _key("Replicate", "r8_", ALNUM, 37),
    _key("xAI", "xai-", ALNUM, 80),
    _key("Mailgun", "key-", HEX, 32),
    _key("age", "AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    key_telegram,
    key_azure,
    key_jwt,
    key_pem,
    key_uri,
    key_assigned,
    key_bearer,
    key_basic,
]


# Telephone numbers (E.164; writing after E.123 and as people write at home)


def _phone(form: str, pattern: str) -> Maker:
    """X any digit, N a digit from 2 to 9."""

    def make(rng: random.Random) -> tuple[str, str]:
        digits = {"X": string.digits, "N": "23456789"}
        return form, "".join(rng.choice(digits[sign]) if sign in digits else sign for sign in pattern)

    return make


PHONES: list[Maker] = [
    _phone("E.164 US", "+1212NXXXXXX"),
    _phone("US international", "+1 415-NXX-XXXX"),
    _phone("US national", "(312) NXX-XXXX"),
    _phone("US hyphens", "646-NXX-XXXX"),
    _phone("US dots", "503.NXX.XXXX"),
    _phone("UK", "+44 20 7946 0XXX"),
    _phone("UK mobile", "+44 7700 900XXX"),
    _phone("Germany", "+49 30 NXXXXXXX"),
    _phone("Germany mobile", "+49 151 NXXXXXXX"),
    _phone("Germany national", "030 NXXX XXXX"),
    _phone("France", "+33 1 42 NX XX XX"),
    _phone("France national", "06 12 NX XX XX"),
    _phone("India", "+91 98NXX XXXXX"),
    _phone("Brazil", "+55 11 9NXXX-XXXX"),
    _phone("Japan", "+81 3-NXXX-XXXX"),
    _phone("Australia", "+61 4NX XXX XXX"),
]

MAKERS: dict[str, list[Maker]] = {
    "email": [email_plain, email_tag, email_sub, email_capitals, email_apostrophe, email_short, email_punycode],
    "card": [
        _card(network, writing)
        for network in CARDS
        for writing in (("bare",) if network in ("visa 19", "maestro") else ("bare", "spaces", "hyphens"))
    ],
    "iban": [_iban("electronic"), _iban("print")],
    "ip": [ip_four, ip_port, ip_url, ip_six, ip_six_short, ip_six_capitals, ip_six_url],
    "key": KEYS,
    "phone": PHONES,
}
