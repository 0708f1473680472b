"""A third corpus for the detector of personal data: unseen, by a third author who knew neither the detector nor its tests.

It was written from public descriptions of the formats alone (third_values.py and third_keys.py name
them) and put into scenes as agents meet them: what people say in a dozen languages, arguments of calls, and results as
JSON, CSV, YAML, XML, HTML, tables, logs, dumps, mails, contacts and chats, escaped where such text is escaped. People,
companies and domains are made up, and the values are drawn at random.

Planted: addresses, card numbers, accounts, globally routable IP addresses, telephone numbers, and secrets (a webhook's or
a database URL's secret part is the value, of a PEM block all of it). A value stands as the trace writes it: escaped where
the text around it is.

Clean is what holds none of these: ids, hashes, times, sums, versions of three and four parts, private, loopback,
link-local and documentation addresses, masked numbers, placeholders, references to secrets that stand elsewhere, public
keys and certificates. Digits of an id may pass a checksum by chance and only by chance.
"""

import html
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.pii_corpora import third_keys as keys
from benchmarks.pii_corpora import third_values as values
from benchmarks.pii_corpora.public import Planted, PlantedTrace
from benchmarks.pii_corpora.third_clean import CALM
from benchmarks.pii_corpora.third_clean_ops import QUIET
from benchmarks.pii_corpora.third_scenes import PEOPLE
from benchmarks.pii_corpora.third_scenes_ops import MACHINES
from benchmarks.pii_corpora.third_values import Maker


def _scenes(*texts: str) -> tuple[str, ...]:
    return tuple(scene.strip("\n") for text in texts for scene in text.split("\n===\n"))


CLEAN_SCENES = _scenes(CALM, QUIET)
PLANTED_SCENES = _scenes(PEOPLE, MACHINES)
SYSTEMS = (
    "You are the help desk of {company}. Be brief and polite.",
    "You are a careful engineer. Run one command at a time and explain what you saw.",
    "Du bist der Kundendienst von {company}. Antworte in der Sprache des Kunden.",
    "Tu es l'agent du service client de {company}. Aujourd'hui : {iso}.",
    "Eres un agente de viajes. Usa las herramientas; no inventes precios.",
    "# Rules\n1. Look up before you answer.\n2. Sums in EUR with two decimals.\n3. Refunds over 500.00 need a person.",
    "Você atende clientes da {company}. Confirme sempre o número do pedido.",
    "Tools: find_order, create_refund, send_sms. Current time: {iso}T08:30:00Z. Locale: en-GB.",
    "Jesteś konsultantem firmy {company}. Odpowiadaj krótko.",
    "You review logs and configuration. Report what is wrong, with the line.",
)
ENDS = (
    ("user", "thanks!"),
    ("user", "Perfekt, danke. Das war alles."),
    ("user", "Merci, bonne journée"),
    ("assistant", "Is there anything else I can do?"),
    ("assistant", "Done. It took {n} steps; the reference is {ref}."),
    ("user", "and how long will it take? 2-3 days or 10-14?"),
    ("assistant", "Ich habe den Vorgang {ref} geschlossen."),
    ("user", "gracias, ¿algo más que deba hacer?"),
)
CITIES = (
    "Utrecht",
    "Graz",
    "Lyon",
    "Sevilla",
    "Gdynia",
    "Bologna",
    "İzmir",
    "Pune",
    "Osaka",
    "Leeds",
    "Porto",
    "Malmö",
)
STREETS = ("Lindenweg {}", "{} Harbour Row", "{} rue des Tanneurs", "Calle del Olmo {}", "ul. Polna {}", "Via Roma {}")
DATES = ("{d:02d}.{m:02d}.{y}", "{d:02d}/{m:02d}/{y}", "{d} March {y}", "{y}-{m:02d}-{d:02d}", "March {d}", "{d}. März")
HELLO = ("Hi,", "Hello!", "Good morning,", "hey", "To whom it may concern,", "", "Hi there -", "URGENT:", "Hallo,")
TRACKS = ("1Z{A6}{d10}", "JJD0{d17}", "00{d18}", "RR{d9}DE", "3S{A4}{d9}", "{d4} {d4} {d4}", "TBA{d12}", "CP{d9}FR")


def _check13(body: str) -> str:
    return body + str(-sum(int(d) * (1, 3)[at % 2] for at, d in enumerate(body)) % 10)


def _isbn(rng: random.Random) -> str:
    digits = _check13(f"978{rng.randint(10**8, 10**9 - 1)}")
    return rng.choice((digits, f"{digits[:3]}-{digits[3]}-{digits[4:8]}-{digits[8:12]}-{digits[12]}"))


def _date(rng: random.Random) -> str:
    return rng.choice(DATES).format(d=rng.randint(1, 28), m=rng.randint(1, 12), y=rng.choice((2024, 2025, 2026)))


def _private(rng: random.Random) -> str:
    last = f"{rng.randint(0, 255)}.{rng.randint(2, 254)}"
    return rng.choice((f"10.{rng.randint(0, 255)}.{last}", f"192.168.{last}", f"172.{rng.randint(16, 31)}.{last}"))


def _numbers(rng: random.Random, *bounds: tuple[int, int]) -> str:
    return ".".join(str(rng.randint(*bound)) for bound in bounds)


FILLERS: dict[str, Callable[[random.Random], str]] = {
    "hi": lambda rng: rng.choice(HELLO),
    "name": lambda rng: f"{rng.choice(values.GIVEN)} {rng.choice(values.FAMILY)}",
    "first": lambda rng: rng.choice(values.GIVEN),
    "family": lambda rng: rng.choice(values.FAMILY),
    "company": lambda rng: (
        rng.choice(values.NAMES).replace("-", " ").title() + rng.choice((" GmbH", " Ltd", " Oy", " BV", ""))
    ),
    "city": lambda rng: rng.choice(CITIES),
    "street": lambda rng: rng.choice(STREETS).format(rng.randint(1, 180)),
    "date": _date,
    "iso": lambda rng: f"202{rng.randint(3, 6)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
    "epoch": lambda rng: str(rng.randint(16 * 10**8, 18 * 10**8)),
    "epochms": lambda rng: str(rng.randint(16 * 10**11, 18 * 10**11)),
    "money": lambda rng: f"{rng.choice((rng.randint(1, 99), rng.randint(100, 9_999)))}.{rng.randint(0, 99):02d}",
    "uuid": lambda rng: keys.filled(rng, "{x8}-{x4}-4{x3}-" + rng.choice("89ab") + "{x3}-{x12}"),
    "track": lambda rng: keys.filled(rng, rng.choice(TRACKS)),
    "privip": _private,
    "docip": lambda rng: f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randint(1, 254)}",
    "mac": lambda rng: keys.filled(rng, rng.choice(("02:{x2}:{x2}:{x2}:{x2}:{x2}", "0a-{x2}-{x2}-{x2}-{x2}-{x2}"))),
    "lat": lambda rng: f"{rng.uniform(-60, 60):.6f}",
    "lon": lambda rng: f"{rng.uniform(-179, 179):.6f}",
    "ean": lambda rng: _check13(f"4{rng.randint(10**10, 10**11 - 1)}"),
    "isbn": _isbn,
    "vin": lambda rng: "W" + "".join(rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=10)) + keys.filled(rng, "{d6}"),
    "ver": lambda rng: _numbers(rng, (0, 30), (0, 40), (0, 90)),
    "ver4": lambda rng: _numbers(rng, (1, 40), (0, 30), (0, 255), (0, 99)),
    "dna": lambda rng: "".join(rng.choices("ACGT", k=60)),
}


def _of(*makers: Maker) -> tuple[Maker, ...]:
    return makers


def _link_digits(rng: random.Random) -> tuple[str, str, str]:
    text, _, form = rng.choice(values.WORLD_PHONES)(rng)
    digits = "".join(c for c in text.replace("(0)", "") if c.isdigit())
    return digits, digits, f"{form}, digits of a wa.me link"


SLOTS: dict[str, tuple[str, tuple[Maker, ...]]] = {
    "email": ("email", tuple(m for m in values.PLAIN_EMAILS if not m(random.Random(0))[0].startswith('"'))),
    "anyemail": (
        "email",
        tuple(m for m in values.PLAIN_EMAILS if m(random.Random(0))[0].startswith('"')) + values.EMAILS[:1],
    ),
    "asciiemail": (
        "email",
        tuple(m for m in values.PLAIN_EMAILS if (t := m(random.Random(0))[0]).isascii() and t[0] != '"'),
    ),
    "urlemail": ("email", values.EMAILS[-1:]),
    "card": ("card", values.CARD_MAKERS),
    "iban": ("iban", values.IBAN_MAKERS),
    "ip": ("ip", values.IPS),
    "bareip": ("ip", values.BARE_IPS),
    "ip4": ("ip", _of(values.ip_four)),
    "ip6": ("ip", _of(values.ip_six, values.ip_short)),
    "phone": ("phone", values.PHONE_MAKERS),
    "phone+": ("phone", values.WORLD_PHONES),
    "tellink": ("phone", _of(values.phone_link)),
    "wa": ("phone", _of(_link_digits)),
    "token": ("key", keys.TOKENS),
    "awsid": ("key", keys.TOKENS[:2]),
    "pw": ("key", _of(keys.password)),
    "secret": ("key", _of(keys.secret)),
    "env": ("key", keys.ENV),
    "code": ("key", keys.CODE),
    "yaml": ("key", keys.YAML),
    "pair": ("key", keys.PAIRS),
    "cmd": ("key", keys.COMMANDS),
    "conn": ("key", keys.CONNECTIONS),
    "hook": ("key", keys.HOOKS),
    "jwt": ("key", _of(keys.jwt)),
    "basic": ("key", _of(keys.basic)),
    "pem": ("key", _of(keys.pem)),
}
SLOT = re.compile("⟦([^⟧]+)⟧")
RANGE = re.compile(r"(\d+)-(\d+)")


class Writer:
    """Fills scenes. Forms are dealt like cards from a pack, so that each comes before any comes again."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.packs: dict[str, list[Any]] = {}
        self.planted: list[Planted] = []

    def deal(self, pack: str, of: tuple[Any, ...]) -> Any:
        if not self.packs.get(pack):
            self.packs[pack] = self.rng.sample(of, len(of))
        return self.packs[pack].pop()

    def slot(self, name: str, escape: Callable[[str], str]) -> str:
        rng = self.rng
        if name[0] == "=":
            return keys.filled(rng, name[1:])
        if name[0] == "~":
            return rng.choice(name[1:].split("|"))
        if bounds := RANGE.fullmatch(name):
            return str(rng.randint(int(bounds[1]), int(bounds[2])))
        if name in FILLERS:
            return escape(FILLERS[name](rng))
        if name.startswith("phone:"):
            makers = tuple(maker for country in name[6:].split("/") for maker in values.PHONES[country])
            kind = "phone"
        else:
            kind, makers = SLOTS[name]
        text, value, form = self.deal(name, makers)(rng)
        self.planted.append(Planted(kind, form, escape(value)))
        # a line that assigns within JSON is JSON already
        return text.replace(value, escape(value)) if name == "pair" else escape(text)

    def body(self, text: str, mode: str) -> str:
        ascii_only = SLOT.sub("", text).isascii() and self.rng.random() < 0.5

        def in_json(value: str) -> str:
            return json.dumps(value, ensure_ascii=ascii_only)[1:-1]

        escapes: dict[str, Callable[[str], str]] = {"json": in_json, "html": html.escape}
        escape = escapes.get(mode, str)
        before = len(self.planted)
        text = SLOT.sub(lambda found: self.slot(found[1], escape), text)
        if mode == "wrap":
            head, tail = self.rng.choice(
                (('{"stdout": ', ', "exit_code": 0}'), ('{"content": [{"type": "text", "text": ', "}]}"))
            )
            text = head + json.dumps(text, ensure_ascii=ascii_only) + tail
            self.planted[before:] = [Planted(p.kind, p.form, in_json(p.value)) for p in self.planted[before:]]
        return text

    def scene(self, scene: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        for section in scene.split("§")[1:]:
            head, _, text = section.partition("\n")
            role, _, more = head.partition(" ")
            if role == "call":
                call_id = f"call_{self.rng.getrandbits(48):012x}"
                call = {"id": call_id, "name": more, "arguments": self.body(text.strip("\n"), "json")}
                if not messages or messages[-1]["role"] != "assistant":
                    messages.append({"role": "assistant", "parts": []})
                messages[-1].setdefault("tool_calls", []).append(call)
                continue
            message = {"role": role, "parts": [{"type": "text", "text": self.body(text.strip("\n"), more)}]}
            if role == "tool":
                calls = messages[-1].get("tool_calls", []) if messages else []
                message["tool_call_id"] = calls[-1]["id"] if calls else f"call_{self.rng.getrandbits(48):012x}"
            messages.append(message)
        return messages

    def trace(self, scene: str, aside: str | None) -> PlantedTrace:
        self.planted = []
        messages = self.scene(scene)
        if aside is not None:
            more = [m for m in self.scene(aside) if m["role"] != "system"]
            messages = (
                messages + more if self.rng.random() < 0.6 or messages[0]["role"] == "system" else more + messages
            )
        known = {name: FILLERS[name](self.rng) for name in ("company", "iso")}
        if messages[0]["role"] != "system" and self.rng.random() < 0.5:
            text = self.rng.choice(SYSTEMS).format(**known)
            messages.insert(0, {"role": "system", "parts": [{"type": "text", "text": text}]})
        if self.rng.random() < 0.4:
            role, text = self.rng.choice(ENDS)
            text = text.format(
                n=self.rng.randint(2, 30), ref="".join(self.rng.choices(string.ascii_uppercase + "123456789", k=8))
            )
            messages.append({"role": role, "parts": [{"type": "text", "text": text}]})
        return PlantedTrace(messages, self.planted)


def clean(count: int, seed: int = 31) -> Iterator[PlantedTrace]:
    """Traces without anything to find."""
    writer = Writer(seed)
    for _ in range(count):
        aside = writer.deal("asides", CLEAN_SCENES) if writer.rng.random() < 0.5 else None
        yield writer.trace(writer.deal("scenes", CLEAN_SCENES), aside)


def planted(count: int, seed: int = 32) -> Iterator[PlantedTrace]:
    """Traces that each hold one value or more."""
    writer = Writer(seed)
    for _ in range(count):
        aside = writer.deal("asides", CLEAN_SCENES) if writer.rng.random() < 0.3 else None
        yield writer.trace(writer.deal("scenes", PLANTED_SCENES), aside)
