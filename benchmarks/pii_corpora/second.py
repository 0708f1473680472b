"""A corpus by a second author for the detector of personal data: clean traces, and traces with planted values.

It was written without sight of the detector, of its tests and of the other corpora, from public descriptions of the
formats alone (RFC 5321/5322/6531, ISO/IEC 7812, ISO 13616, RFC 791/4291/5952, E.164 and national habits, the providers'
documentation of their keys). After its first look the detector was mended with it in sight, so it is fitted from then on
(docs/benchmarks.md has both figures).

What counts as clean: private, loopback and unspecified addresses and network blocks (they name no person), versions of
four parts, public keys and certificates, masked or referenced secrets, and digits of every sort that are no card, phone
or account. Numbers are random; whether one happens to pass a check sum is neither sought nor avoided.
The clean scenes and the templates' fields are in second_scenes.
"""

import base64
import ipaddress
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.pii_corpora.public import Planted, PlantedTrace
from benchmarks.pii_corpora.second_scenes import call, fill, some, turns

Make = Callable[[random.Random], str]


def _card(prefixes: str, length: int, grouping: str = "") -> Make:
    """A card number of `length` digits with a right Luhn digit; `grouping` as `4 4 4 4`, its second sign parts them."""

    def make(rng: random.Random) -> str:
        digits = rng.choice(prefixes.split("|"))
        digits += some(rng, "d", length - 1 - len(digits))
        total = sum(sum(divmod(int(one) * (2 - place % 2), 10)) for place, one in enumerate(reversed(digits)))
        digits += str(-total % 10)
        return _grouped(digits, [int(one) for one in grouping[::2]], grouping[1]) if grouping else digits

    return make


def _grouped(text: str, sizes: list[int], between: str) -> str:
    places = [sum(sizes[:index]) for index in range(len(sizes))]
    return between.join(text[place : place + size] for place, size in zip(places, sizes, strict=True))


IBANS = {
    "DE": "{d18}",
    "GB": "{A4}{d14}",
    "FR": "{d10}{C11}{d2}",
    "NL": "{A4}{d10}",
    "ES": "{d20}",
    "IT": "{A1}{d10}{C12}",
    "CH": "{d5}{C12}",
    "AT": "{d16}",
    "BE": "{d12}",
    "PL": "{d24}",
    "SE": "{d20}",
    "NO": "{d11}",
    "PT": "{d21}",
    "IE": "{A4}{d14}",
    "FI": "{d14}",
    "DK": "{d14}",
    "LU": "{d3}{C13}",
    "CZ": "{d20}",
    "GR": "{d7}{C16}",
    "HU": "{d24}",
    "RO": "{A4}{C16}",
    "HR": "{d17}",
    "LT": "{d16}",
    "MT": "{A4}{d5}{C18}",
    "TR": "{d6}{C16}",
    "SA": "{d2}{C18}",
    "AE": "{d19}",
}


def _iban(rng: random.Random) -> str:
    country = rng.choice(sorted(IBANS))
    account = fill(rng, IBANS[country])
    return f"{country}{98 - int(''.join(str(int(sign, 36)) for sign in account + country + '00')) % 97:02d}{account}"


def _iban_parted(between: str) -> Make:
    return lambda rng: re.sub(r"(.{4})(?=.)", rf"\1{between}", _iban(rng))


def _v4(rng: random.Random) -> str:
    """A public address."""
    while True:
        address = ipaddress.IPv4Address(rng.getrandbits(32))
        if address.is_global and not address.is_multicast:
            return str(address)


def _v6(rng: random.Random, zeros: int = 2) -> ipaddress.IPv6Address:
    """A global unicast address of the registries' blocks with `zeros` groups of zeros before the last."""
    groups = [rng.choice(["2a01", "2a02", "2a03", "2600", "2607", "2408", "2804"])]
    groups += [f"{rng.randrange(1, 65536):x}" for _ in range(6 - zeros)] + ["0"] * zeros + [some(rng, "x", 4)]
    return ipaddress.IPv6Address(":".join(groups))


def _jwt(rng: random.Random) -> str:
    claims = {"sub": str(rng.getrandbits(40)), "iat": rng.randrange(17 * 10**8, 18 * 10**8), "scope": "read write"}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), some(rng, "u", 43)])


def _pem(kind: str) -> Make:
    body = "\n".join(["MII{c61}", *["{c64}"] * 7, "{c30}=="])
    return lambda rng: f"-----BEGIN {kind}PRIVATE KEY-----\n{fill(rng, body)}\n-----END {kind}PRIVATE KEY-----"


# where a value stands: (place, template); `¤` is the value. Places: user, assistant, result, arguments
MAIL = [
    ("user", "You can reach me at ¤, thanks."),
    ("user", "The account runs under ¤ I think"),
    ("user", "(¤)"),
    ("result", '{"customer_id": {n8}, "email": "¤", "created": "{iso}", "orders": {n2}}'),
    ("result", "commit {x40}\nAuthor: J. Berg <¤>\nDate:   {iso}\n\n    Fix rounding ({n3})"),
    ("result", "id,login,plan\n{n6},¤,pro\n{n6},,free"),
    ("result", "{log} INFO auth login ok user=¤ req={x16}"),
    ("arguments", '{"to": "¤", "template": "reminder-{n2}"}'),
    ("assistant", "I have sent the confirmation to ¤."),
]
CARD = [
    ("user", "Please use my card ¤, exp 0{n1}/2{d1}."),
    ("user", "I was charged twice on ¤ for order {n9}."),
    ("result", '{"txn": "{uuid}", "pan": "¤", "amount": {price}}'),
    ("arguments", '{"card_number": "¤", "amount": {price}}'),
    ("result", "{log} ERROR gateway declined pan=¤ code={d2} ref={n12}"),
    ("result", "date;card;amount\n{day};¤;{price}"),
    ("assistant", "So the refund of {price} goes back to ¤, right?"),
]
IBAN = [
    ("user", "Please refund to ¤."),
    ("user", "My new account: ¤ (valid from {day})"),
    ("result", '{"mandate": "M-{n8}", "iban": "¤", "status": "active"}'),
    ("arguments", '{"account": "¤", "amount": {price}}'),
    ("result", "date;beneficiary;amount\n{day};¤;-{price}"),
    ("assistant", "The payout of {price} EUR will go to ¤ by {day}."),
]
ADDRESS = [
    ("result", '¤ - - [{day}:{clock} +0000] "GET /cart/{n6} HTTP/1.1" 200 {n5} "-" "Mozilla/5.0"'),
    ("result", "{log} sshd[{n5}]: Failed password for root from ¤ port {one:3|4|5}{d4} ssh2"),
    ("user", "My IP is ¤, am I blocked?"),
    ("result", '{"session": "{uuid}", "ip": "¤", "ts": {ms}}'),
    ("result", "X-Forwarded-For: ¤\nX-Request-Id: {uuid}"),
    ("arguments", '{"command": "whois ¤"}'),
    ("assistant", "Most of the {n4} requests came from ¤."),
]
PORT = [
    ("result", "{log} conn #{n5} accepted from ¤:{one:3|4|5}{d4}"),
    ("result", '{"peer": "¤:{one:3|4|5}{d4}", "bytes": {n6}}'),
]
PORT6 = [
    ("result", "{log} conn #{n5} accepted from [¤]:{one:3|4|5}{d4}"),
    ("arguments", '{"url": "http://[¤]:8080/health"}'),
]
PHONE = [
    ("user", "Please call me back on ¤ after 5."),
    ("user", "Best number is ¤"),
    ("user", "tel ¤, order {n8}"),
    ("result", '{"customer_id": {n8}, "phone": "¤", "since": "{day}"}'),
    ("arguments", '{"to": "¤", "body": "Code {n6}"}'),
    ("result", "id;mobile;zip\n{n6};¤;{d5}"),
    ("assistant", "I noted ¤ as the number for the driver."),
    ("user", "Can the courier ring ¤? The bell is broken."),
]
TOKEN = [
    ("user", "It works with ¤ on my machine"),
    ("result", "export API_KEY=¤"),
    ("result", '{"name": "ci", "token": "¤"}'),
    ("arguments", '{"command": "curl -H \'Authorization: Bearer ¤\' https://api.internal/v1/jobs"}'),
    ("result", "client = Client('¤')  # TODO move"),
    ("assistant", "I found ¤ in line {n3}; rotate it, please."),
]
PEM = [
    ("result", "$ cat deploy.pem\n¤\n$ ls -l\n-rw------- 1 app app {n4}"),
    ("user", "This is the key:\n¤\nDoes it look right?"),
]
HEX_PASS, MIXED_PASS, WORD_PASS = "{x20}", "{b6}{one:!|$|*|.|-}{b9}", "{one:Sommer|Banana|Tiger|Gandalf}{n4}{one:!|#|}"
NAME, HOME = (
    "{one:anna|jonas|mireille|paolo|kasia|dmitri|aiko|ines}",
    "{one:gmail.com|web.de|orange.fr|outlook.com|wp.pl}",
)
FIRM = "{one:nordlicht-moebel.de|bluepeak.io|tavira-foods.pt|kestrel-labs.co.uk|hanamori.co.jp|varga.museum}"

MAILS = {
    "plain": NAME + "{d4}@" + HOME,
    "dots": NAME + ".{one:berg|rossi|nowak|lund}{d2}@" + FIRM,
    "plus tag": NAME + "{d3}+shop@" + HOME,
    "subdomain": NAME + "{d2}@mail.{one:eu|hr}." + FIRM,
    "apostrophe": NAME + ".o'brien{d2}@" + FIRM,
    "capitals": "{A1}.BERG{d3}@GMAIL.COM",
    "international": "{one:jörg|zoë|андрей|josé}{d3}@{one:müller-bau.de|почта.рф}",
    "punycode": NAME + "{d3}@xn--mller-bau-q9a.de",
    "signs": NAME + "_{one:x-y|a.b}{d3}~k@" + FIRM,
}
PHONES = {
    "E.164": "+{one:49151|49176|336|346|4366|9198}{n8}",
    "E.164 US": "+1{one:212|415|312|617}{p7}",
    "E.164 UK": "+4474{one:1|6|8}{d7}",
    "with 00": "00{one:49 170|43 664|41 79} {n7}",
    "US brackets": "({one:212|415|312|617|305|503}) {p3}-{d4}",
    "US dashes": "{one:212|415|312|617|305|503}-{p3}-{d4}",
    "US dots": "{one:212|415|312|617}.{p3}.{d4}",
    "US country": "+1 {one:212|415|312|617|305} {p3} {d4}",
    "US ten": "{one:212|415|312}{p7}",
    "US extension": "+1-{one:212|415|617}-{p3}-{d4} ext. {n3}",
    "UK mobile": "07{one:411|482|712|747|890} {d6}",
    "UK London": "020 7{d3} {d4}",
    "UK zero": "+44 (0)20 7{d3} {d4}",
    "DE mobile": "0151 {n8}",
    "DE mobile slash": "0170/{n7}",
    "DE area": "030 {n4} {d4}",
    "DE zero": "+49 (0) 89 {n6}{d2}",
    "DE dash": "0176-{n8}",
    "FR pairs": "06 {d2} {d2} {d2} {d2}",
    "FR dots": "07.{n2}.{d2}.{d2}.{d2}",
    "FR country": "+33 6 {d2} {d2} {d2} {d2}",
    "ES": "6{n2} {d2} {d2} {d2}",
    "IT": "347 {n3} {d4}",
    "NL": "06-{one:1|2|4|5}{d7}",
    "CH": "079 {n3} {d2} {d2}",
    "AT": "0664 {n7}",
    "SE": "070-{n3} {d2} {d2}",
    "PL": "{one:501|603|692} {d3} {d3}",
    "JP": "090-{n4}-{d4}",
    "IN": "+91 98{d3} {d5}",
    "BR": "(11) 9{n4}-{d4}",
    "AU": "04{one:12|23|38} {d3} {d3}",
    "CN": "+86 138 {d4} {d4}",
    "IE": "+353 87 {n3} {d4}",
    "PT": "+351 91{d1} {d3} {d3}",
    "DK": "+45 2{d1} {d2} {d2} {d2}",
    "TR": "+90 532 {n3} {d2} {d2}",
    "BE": "0475 {d2} {d2} {d2}",
}
KEYS = {
    "OpenAI": "sk-{b20}T3BlbkFJ{b20}",
    "OpenAI project": "sk-proj-{u74}T3BlbkFJ{u73}A",
    "Anthropic": "sk-ant-api03-{u93}AA",
    "AWS id": "AKIA{q16}",
    "AWS temporary id": "ASIA{q16}",
    "GitHub": "{one:ghp|gho|ghs}_{b36}",
    "GitHub fine": "github_pat_{b22}_{b59}",
    "GitLab": "glpat-{u19}x",
    "Stripe": "{one:sk|rk}_live_{b24}",
    "Stripe long": "sk_live_51{b97}",
    "Stripe hook": "whsec_{b32}",
    "Google": "AIza{u34}k",
    "Google client": "GOCSPX-{u27}w",
    "Slack": "{one:xoxb|xoxp}-{n12}-{n12}-{b24}",
    "Slack app": "xapp-1-A{C10}-{n13}-{x64}",
    "Hugging Face": "hf_{l34}",
    "npm": "npm_{b36}",
    "PyPI": "pypi-AgEIcHlwaS5vcmc{u150}Q",
    "SendGrid": "SG.{u22}.{u42}s",
    "Twilio": "SK{x32}",
}
NEARBY: dict[str, tuple[str, list[tuple[str, str]]]] = {  # secrets that are one only by what stands before them
    "AWS secret": ("{c40}", [("result", "[default]\naws_secret_access_key = ¤\nregion = eu-central-1")]),
    "Twilio secret": ("{x32}", [("result", "TWILIO_AUTH_TOKEN=¤"), ("result", '{"twilio_auth_token": "¤"}')]),
    "Bearer": ("{u39}e", [("arguments", '{"command": "curl -H \'Authorization: Bearer ¤\' https://api.internal/v1"}')]),
    "Slack hook": (
        "https://hooks.slack.com/services/T{C8}/B{C10}/{b24}",
        [("user", "Post it to ¤ please"), ("result", "url: ¤")],
    ),
    "in PostgreSQL URL": ("{b14}", [("result", "DATABASE_URL=postgresql://app:¤@db.internal:5432/shop")]),
    "in MySQL URL, encoded": ("{b6}%21{b6}", [("user", "We use mysql+pymysql://root:¤@10.{o}.{o}.{o}/crm there")]),
    "in Redis URL": (HEX_PASS, [("result", '{"broker": "redis://:¤@cache.internal:6379/1"}')]),
    "in MongoDB URL": (MIXED_PASS, [("arguments", '{"uri": "mongodb+srv://svc:¤@cluster0.{a5}.mongodb.net/x"}')]),
    "in ADO string": (MIXED_PASS, [("result", "Server=tcp:sql.internal,1433;User Id=app;Password=¤;Encrypt=true")]),
    "in JDBC URL": ("{b12}", [("result", "jdbc:postgresql://db.internal/shop?user=app&password=¤&ssl=true")]),
    "in environment": (
        MIXED_PASS,
        [("result", "DB_HOST=db\nDB_PASSWORD=¤\nDB_PORT=5432"), ("user", "SMTP_PASSWORD=¤ fails")],
    ),
    "in YAML": (WORD_PASS, [("result", "smtp:\n  user: mailer\n  password: ¤\n  port: 587")]),
    "in JSON": (
        WORD_PASS,
        [("result", '{"host": "ftp.internal", "password": "¤"}'), ("arguments", '{"password": "¤"}')],
    ),
    "in INI": ("{b40}", [("result", "[app]\nsecret_key = ¤\ndebug = false"), ("result", "api_key: '¤'")]),
}

Form = tuple[str, str, Make, list[tuple[str, str]]]  # kind, form, maker of the value, where it may stand


def _of(template: str) -> Make:
    return lambda rng: fill(rng, template)


FORMS: list[Form] = [
    *(("email", form, _of(template), MAIL) for form, template in MAILS.items()),
    ("email", "quoted", _of('"anna {one:berg|rossi|lund}{d2}"@' + FIRM), [("user", "It was sent from ¤ yesterday.")]),
    (
        "email",
        "in a URL",
        _of(NAME + "{d4}%40" + HOME),
        [("arguments", '{"url": "https://shop.internal/users?email=¤&page=2"}')],
    ),
    ("email", "mailto", _of(NAME + "{d4}@" + FIRM), [("result", '<a href="mailto:¤?subject=Order%20{n6}">write</a>')]),
    ("card", "Visa", _card("4", 16), CARD),
    ("card", "Visa spaces", _card("4", 16, "4 4 4 4"), CARD),
    ("card", "Mastercard dashes", _card("51|52|53|54|55", 16, "4-4-4-4"), CARD),
    ("card", "Visa 13", _card("4", 13), CARD),
    ("card", "Mastercard 2", _card("2221|2300|2512|2719", 16), CARD),
    ("card", "Amex", _card("34|37", 15), CARD),
    ("card", "Amex spaces", _card("34|37", 15, "4 6 5"), CARD),
    ("card", "Discover", _card("6011|644|65", 16), CARD),
    ("card", "JCB spaces", _card("3528|3566|3589", 16, "4 4 4 4"), CARD),
    ("card", "Diners", _card("36|300|305", 14, "4 6 4"), CARD),
    ("card", "UnionPay", _card("622126|6250|6282", 16), CARD),
    ("card", "UnionPay 19", _card("6222", 19), CARD),
    ("card", "Maestro", _card("5018|5893|6304|6759", 16, "4 4 4 4"), CARD),
    ("card", "number in JSON", _card("4|53", 16), [("result", '{"id": {n6}, "card": ¤, "cvc_ok": true}')]),
    ("iban", "compact", _iban, IBAN),
    ("iban", "spaces", _iban_parted(" "), IBAN),
    ("iban", "hard spaces", _iban_parted("\xa0"), IBAN),
    ("iban", "small letters", lambda rng: _iban(rng).lower(), IBAN),
    ("iban", "dashes", _iban_parted("-"), IBAN),
    ("ip", "v4", _v4, ADDRESS),
    ("ip", "v4 with port", _v4, PORT),
    ("ip", "v6 short", lambda rng: str(_v6(rng)), ADDRESS),
    ("ip", "v6 whole", lambda rng: _v6(rng, 0).exploded, ADDRESS),
    ("ip", "v6 capitals", lambda rng: str(_v6(rng, 3)).upper(), ADDRESS),
    ("ip", "v6 brackets", lambda rng: str(_v6(rng, 4)), PORT6),
    ("ip", "v4 in v6", lambda rng: f"::ffff:{_v4(rng)}", ADDRESS),
    *(("key", form, _of(template), TOKEN) for form, template in KEYS.items()),
    ("key", "JWT", _jwt, TOKEN),
    *(("key", f"PEM {one or 'PKCS 8'}".strip(), _pem(one), PEM) for one in ("", "RSA ", "EC ", "OPENSSH ")),
    *(("key", form, _of(template), places) for form, (template, places) in NEARBY.items()),
    *(("phone", form, _of(template), PHONE) for form, template in PHONES.items()),
    ("phone", "link", _of("+49176{n8}"), [("result", '<a href="tel:¤">call</a>')]),
    ("phone", "WhatsApp", _of("49176{n8}"), [("user", "or via https://wa.me/¤")]),
]


def _plant(rng: random.Random, messages: list[dict[str, Any]], form: Form) -> Planted:
    """Write a value of `form` into a message, or into a call of its own with its result."""
    kind, name, make, places = form
    value = make(rng)
    place, template = rng.choice(places)
    before, after = (
        (fill(rng, half) for half in template.split("¤", 1))
        if "¤@" not in template
        else (fill(rng, template[: template.index("¤@")]), "@" + fill(rng, template[template.index("¤@") + 3 :]))
    )
    text = before + value + after
    if place in ("user", "assistant"):
        said = rng.choice([message for message in messages if message["role"] == place and message["parts"]])["parts"][
            0
        ]
        said["text"] = f"{said['text']} {text}" if rng.random() < 0.6 else f"{text} {said['text']}"
        return Planted(kind, name, value)
    arguments, result = (text, "ok") if place == "arguments" else (fill(rng, '{"ref": "{n7}", "limit": 20}'), text)
    users = [index for index, message in enumerate(messages) if message["role"] == "user"]
    at = rng.choice(users) + 1
    messages[at:at] = call(rng, rng.choice(["lookup", "fetch", "run", "query"]), arguments, result)
    return Planted(kind, name, value)


def clean(count: int, seed: int = 1) -> Iterator[PlantedTrace]:
    """Traces without personal data."""
    for number in range(count):
        yield PlantedTrace(turns(random.Random(f"second clean {seed} {number}")), [])


def planted(count: int, seed: int = 1) -> Iterator[PlantedTrace]:
    """Traces with one to three values each, `value` being the text exactly as it stands there. The forms come from a
    shuffled deck, so each comes up equally often. Names and such beside the planted values are no kind looked for."""
    deck: list[Form] = []
    shuffler = random.Random(f"second deck {seed}")
    for number in range(count):
        rng = random.Random(f"second planted {seed} {number}")
        messages, values = turns(rng), []
        for _ in range(rng.choice([1, 1, 2, 3])):
            if not deck:
                deck = shuffler.sample(FORMS, len(FORMS))
            values.append(_plant(rng, messages, deck.pop()))
        yield PlantedTrace(messages, values)
