"""Cases of our own beside benchmarks.pii_corpora.public: what a detector like ours gets wrong first.

Written by the authors of the patterns, so a full mark here says less than one there.
"""

# ruff: noqa: E501 (a line of the corpus is one thing to read)

import json
import random
import string
from collections.abc import Iterator

from benchmarks.pii_corpora import public
from benchmarks.pii_corpora.public import Planted, PlantedTrace
from benchmarks.pii_corpora.public_clean import clean_turns

ALNUM = string.ascii_letters + string.digits


def _text(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "text": text}]}


def _call(arguments: str) -> dict[str, object]:
    return {"role": "assistant", "parts": [], "tool_calls": [{"id": "c", "name": "f", "arguments": arguments}]}


def planted(count: int, seed: int = 1) -> Iterator[PlantedTrace]:
    """Values in awkward places: escapes, encodings, words that stick to them, other separators."""
    for number in range(count):
        rng = random.Random(f"own {seed} {number}")
        message, value = _awkward(rng, number)
        yield PlantedTrace([*clean_turns(rng), message], [value])


def _awkward(rng: random.Random, number: int) -> tuple[dict[str, object], Planted]:
    mail = public.email_plain(rng)[1]
    card = public._card("visa", "bare")(rng)[1]
    spaced = public._card("mastercard", "spaces")(rng)[1]
    iban = public._iban("print")(rng)[1]
    four, six = public.ip_four(rng)[1], public.ip_six_short(rng)[1]
    secret = "".join(rng.choice(ALNUM) for _ in range(24)) + "7x"
    cases: list[tuple[str, str, str, dict[str, object]]] = [
        ("email", "behind an escaped line break", mail, _call(json.dumps({"note": f"first line\n{mail}"}))),
        ("email", "in JSON inside JSON", mail, _call(json.dumps({"body": json.dumps({"a": f"x\n{mail}\n"})}))),
        (
            "email",
            "percent-encoded",
            mail.replace("@", "%40"),
            _text("tool", f"GET /users?email={mail.replace('@', '%40')}&page=2"),
        ),
        (
            "email",
            "apostrophe",
            f"sean.o'brien@{mail.split('@')[1]}",
            _text("user", f"write to sean.o'brien@{mail.split('@')[1]}, please"),
        ),
        ("email", "in Markdown", mail, _text("assistant", f"[{mail}](mailto:{mail}) and **{mail}**")),
        ("email", "in XML", mail, _text("tool", f"<to>{mail}</to><cc/>")),
        ("card", "a JSON number", card, _call(f'{{"card_number": {card}, "cvc": 123}}')),
        ("card", "behind a letter and hyphen", card, _text("user", f"Card-{card}")),
        (
            "card",
            "no-break spaces",
            spaced.replace(" ", "\u00a0"),
            _text("user", f"it is {spaced}".replace(spaced, spaced.replace(" ", "\u00a0"))),
        ),
        ("card", "dots", spaced.replace(" ", "."), _text("user", f"charge {spaced.replace(' ', '.')} now")),
        ("card", "in a table", spaced, _text("tool", f"| name | card |\n| x | {spaced} |")),
        ("card", "behind an escaped line break", card, _call(json.dumps({"note": f"pay with\n{card}"}))),
        ("iban", "followed by a BIC", iban, _text("user", f"{iban} BIC DEUTDEFF")),
        ("iban", "small letters", iban.lower(), _text("user", f"my account {iban.lower()}")),
        ("iban", "hyphens", iban.replace(" ", "-"), _text("tool", f"iban={iban.replace(' ', '-')};")),
        ("iban", "behind an underscore", iban.replace(" ", ""), _text("tool", f"acct_{iban.replace(' ', '')}")),
        ("ip", "behind another host", four, _text("tool", f"GET https://ipinfo.io/{four} 200")),
        ("ip", "a network", four, _text("tool", f"allow {four}/32;")),
        ("ip", "mapped into IPv6", four, _text("tool", f"peer ::ffff:{four} accepted")),
        ("ip", "at the end of a sentence", six, _text("user", f"it came from {six}.")),
        ("ip", "login", four, _text("tool", f"ssh deploy@{four} -p 22")),
        ("key", "YAML", secret, _text("tool", f"db:\n  host: local\n  password: {secret}\n")),
        ("key", "a field called password", secret, _call(json.dumps({"user": "svc", "password": secret}))),
        (
            "key",
            "an argument of a command",
            secret,
            _text("tool", f"curl -H 'X: 1' --data client_secret={secret}&grant=1 https://h/"),
        ),
        ("key", "camel case", secret, _text("assistant", f'const cfg = {{ apiKey: "{secret}" }};')),
        ("key", "environment", secret, _text("tool", f"export DB_PASSWORD='{secret}'")),
        ("key", "in JSON inside JSON", secret, _call(json.dumps({"body": json.dumps({"accessToken": secret})}))),
        (
            "key",
            "a private key on one line",
            "MIIEvQIBADANBgkqhkiG9w0BAQ" + secret,
            _call(
                json.dumps(
                    {
                        "pem": f"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ{secret}\n-----END PRIVATE KEY-----\n"
                    }
                )
            ),
        ),
    ]
    kind, form, value, message = cases[number % len(cases)]
    return message, Planted(kind, form, value)


def clean(count: int, seed: int = 1) -> Iterator[PlantedTrace]:
    """What comes close: ids with a right check digit, versions that are addresses, code that speaks of passwords."""
    for number in range(count):
        rng = random.Random(f"own clean {seed} {number}")
        yield PlantedTrace([*clean_turns(rng), _text("tool", _near(rng, number))], [])


def _near(rng: random.Random, number: int) -> str:
    card = public._card("visa", "bare")(rng)[1]
    cases = [
        json.dumps({"order_id": card, "trackingId": card[::-1], "created_at_us": 1_767_225_600_000_000 + number}),
        f"order_id={card} shipment_id: {card}",
        f'"version": "8.{rng.randrange(9)}.4.{rng.randrange(9)}", appVersion=12.4.1.{rng.randrange(200)}, driver 31.0.15.{rng.randrange(255)}',
        f"Windows 10.0.{rng.randrange(255)}.1 build 6.1.{rng.randrange(200)}.2; Firefox/128.0.2.{rng.randrange(99)}",
        "def login(user, password=None): return check(password=hash_password(password), token=self.token)",
        "The password: field is required. Forgot your password? password=changed_by_admin api_key: str = Field(...)",
        "secret: projects/12/secrets/db/versions/3, arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
        "password: ${DB_PASSWORD} token: {{ secrets.TOKEN }} api_key: <your-api-key> secret=%(secret)s password: ********",
        "sk-learn-compatible-estimators-for-tables, task-1234567890-retry-queue-of-worker, desk-0011223344556677889900",
        f"DE12 is a road, FR76 a code, GB29 {rng.randrange(1000, 9999)} {rng.randrange(1000, 9999)} a lot",
        f"4{''.join(rng.choice(string.digits) for _ in range(12))} EAN, 0.4111111111111111, 4111-1111-1111-1112, 40{rng.randrange(10**9)}",
        f"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-1{rng.randrange(10**9)}\n+1{rng.randrange(10**9)}\n+49{rng.randrange(10**8)}\n",
        "git@github.com:acme/app.git ssh://git@host/x img@2x.png pkg@1.2.3 @app.route user@localhost a@b",
        f"span ::1 fe80::1 00:1a:{rng.randrange(10, 99)}:ff:00:11 12:30:45 std::vector<int> 2024::x",
        f"range {rng.randrange(100, 999)}-{rng.randrange(100, 999)}-{rng.randrange(10, 99)}, {rng.randrange(100)}.{rng.randrange(100, 999)}.{rng.randrange(100, 999)} rows, 2024-2025-2026",
    ]  # fmt: skip
    return cases[number % len(cases)]
