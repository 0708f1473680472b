"""Values for the third corpus: addresses, card numbers, accounts, IP addresses and telephone numbers, all made up.

From public descriptions: RFC 5321, 5322, 6531 and 3492 (addresses), ISO/IEC 7812 and the issuers' number ranges (cards),
ISO 13616 with the registered structures (accounts), RFC 791, 4291 and 5952 (IP), E.164, RFC 3966 and the national
numbering plans (telephone). A maker gives the text to write and the form in words; all of the text is the value.
"""

import ipaddress
import random
import string
from collections.abc import Callable
from urllib.parse import quote

Maker = Callable[[random.Random], tuple[str, str, str]]  # the text, the value in it, the form

GIVEN = (
    *(
        "Wiebke",
        "Lucinda",
        "Baptiste",
        "Noelia",
        "Grzegorz",
        "Marijke",
        "Fiorella",
        "Emre",
        "Deepika",
        "Haruka",
        "Xiulan",
    ),
    *("Tobias", "Imogen", "Thibault", "Anselmo", "Zofia", "Joost", "Gualtiero", "Sibel", "Rohan", "Takumi", "Ikenna"),
    *("Saoirse", "Vaclav", "Ilse", "Mirela", "Oskar", "Paloma", "Quentin", "Renske", "Solveig", "Tadeusz", "Ursula"),
)
FAMILY = (
    *(
        "Hagedorn",
        "Pemberton",
        "Lachapelle",
        "Quintanilla",
        "Wisniewski",
        "Verhoeven",
        "Bellandi",
        "Yildirim",
        "Krishnan",
    ),
    *(
        "Morimoto",
        "Zhao",
        "Adeyemi",
        "Fitzgerald",
        "Novotny",
        "Halvorsen",
        "Lindqvist",
        "Teixeira",
        "Papadakis",
        "Stoica",
    ),
    *("Brandsma", "Castellanos", "Drummond", "Eberhardt", "Farkas", "Gallagher", "Ibarra", "Jankowski", "Kaltenbach"),
)
NAMES: tuple[str, ...] = (
    "birkenhof-praxis",
    "tallowfield",
    "quibblewick",
    "veldkamp-transport",
    "ostsee-optik",
    "marlothcapital",
)
NAMES += (
    "lumbrera-viajes",
    "papeterie-dutilleul",
    "zenkoji-denki",
    "corvane",
    "hexley-dental",
    "pixelschmiede-nord",
    "5seasons",
)
NAMES += (
    "grupo-altavela",
    "kestrelmoor",
    "studio-brambilla",
    "yeniliman",
    "trzynastka",
    "thornquay",
    "sundarkart",
    "x7labs",
)
ENDS: tuple[str, ...] = (
    "com",
    "de",
    "fr",
    "es",
    "it",
    "pl",
    "nl",
    "pt",
    "com.tr",
    "in",
    "co.jp",
    "com.cn",
    "co.uk",
    "com.br",
    "at",
    "ch",
    "org",
)
ENDS += (
    "io",
    "eu",
    "net",
    "info",
    "health",
    "travel",
    "shop",
    "online",
    "agency",
    "technology",
    "gov.pl",
    "ac.uk",
    "edu",
    "cat",
)


def _domain(rng: random.Random) -> str:
    return f"{rng.choice(NAMES)}.{rng.choice(ENDS)}"


def _pair(rng: random.Random) -> tuple[str, str]:
    return rng.choice(GIVEN).lower(), rng.choice(FAMILY).lower()


def _email(form: str, shape: str) -> Maker:
    """A shape with {g}iven and {f}amily name, their initials {a} and {b}, a number {n} and a {d}omain."""

    def make(rng: random.Random) -> tuple[str, str, str]:
        given, family = _pair(rng)
        parts = {"g": given, "f": family, "a": given[0], "b": family[0], "n": rng.randint(2, 9_999), "d": _domain(rng)}
        text = shape.format(**parts, G=given.title(), F=family.title(), D=parts["d"].upper())  # type: ignore[attr-defined]
        return text, text, form

    return make


def _percent(rng: random.Random) -> tuple[str, str, str]:
    given, family = _pair(rng)
    text = quote(f"{given}.{family}@{_domain(rng)}", safe="")
    return text, text, "percent-encoded"


EMAILS: tuple[Maker, ...] = (
    _email("given and family name", "{g}.{f}@{d}"),
    _email("given and family name", "{g}_{f}@{d}"),
    _email("initial and name", "{a}{f}@{d}"),
    _email("initial and name", "{a}.{f}@{d}"),
    _email("name and number", "{f}{n}@{d}"),
    _email("name and number", "{g}-{n}@{d}"),
    _email("with a tag", "{g}+rechnung{n}@{d}"),
    _email("with a tag", "{g}.{f}+shop@{d}"),
    _email("in a subdomain", "{g}.{f}@mail.{d}"),
    _email("in a subdomain", "{a}{b}@stud.fb{n}.{d}"),
    _email("capitals", "{G}.{F}@{D}"),
    _email("capitals", "{G}{F}@{d}"),
    _email("apostrophe", "{a}.o'{f}@{d}"),
    _email("rare characters of RFC 5322", "{g}&{f}={n}@{d}"),
    _email("rare characters of RFC 5322", "{g}/{f}%{n}@{d}"),
    _email("quoted local part", '"{g} {f}"@{d}'),
    _email("international domain", "{g}.{f}@bäckerei-grünau.de"),
    _email("international domain", "{g}@łódzki-rower.pl"),
    _email("international local part", "{g}.müßig@{d}"),
    _email("international local part", "josé.{f}@{d}"),
    _email("international throughout", "山田.{g}@旅行案内所.jp"),
    _email("punycode", "{g}.{f}@xn--bckerei-grnau-cfb1u.de"),
    _email("a role's address", "rechnungen@{d}"),
    _email("a role's address", "support.{n}@{d}"),
    _email("one character", "{a}@{d}"),
    _email("only digits", "1{n}7@{d}"),
    _percent,
)
PLAIN_EMAILS = tuple(maker for maker in EMAILS if maker is not _percent)


# Cards: network, first digits, length, groups as on the card

CARDS: tuple[tuple[str, tuple[str, ...], int, tuple[int, ...]], ...] = (
    ("Visa", ("4",), 16, (4, 4, 4, 4)),
    ("Visa", ("4",), 16, (4, 4, 4, 4)),
    ("Mastercard", ("51", "52", "53", "54", "55"), 16, (4, 4, 4, 4)),
    ("Mastercard 2-series", ("2221", "2345", "2500", "2699", "2719"), 16, (4, 4, 4, 4)),
    ("American Express", ("34", "37"), 15, (4, 6, 5)),
    ("Diners Club", ("36", "38", "301", "305", "309"), 14, (4, 6, 4)),
    ("Discover", ("6011", "644", "649", "65"), 16, (4, 4, 4, 4)),
    ("JCB", ("3528", "3540", "3566", "3589"), 16, (4, 4, 4, 4)),
    ("UnionPay", ("622126", "6225", "6283"), 16, (4, 4, 4, 4)),
    ("UnionPay, 19 digits", ("622202", "621700"), 19, (4, 4, 4, 4, 3)),
    ("Maestro", ("5018", "5020", "6304", "6759", "6761"), 16, (4, 4, 4, 4)),
    ("Maestro, 18 digits", ("6759", "5038"), 18, (4, 4, 4, 4, 2)),
    ("Mir", ("2200", "2202", "2204"), 16, (4, 4, 4, 4)),
    ("RuPay", ("6070", "6521", "5085"), 16, (4, 4, 4, 4)),
    ("Elo", ("636368", "504175", "509000"), 16, (4, 4, 4, 4)),
    ("Troy", ("9792",), 16, (4, 4, 4, 4)),
    ("Visa, 19 digits", ("4",), 19, (4, 4, 4, 4, 3)),
)


def luhn_sum(digits: str) -> int:
    """0 where the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    doubled = (int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10


def _card(network: str, firsts: tuple[str, ...], length: int, groups: tuple[int, ...], gap: str) -> Maker:
    def make(rng: random.Random) -> tuple[str, str, str]:
        first = rng.choice(firsts)
        body = first + "".join(rng.choices(string.digits, k=length - 1 - len(first)))
        digits = next(body + d for d in string.digits if luhn_sum(body + d) == 0)
        pieces, at = [], 0
        for size in groups:
            pieces.append(digits[at : at + size])
            at += size
        text = gap.join(pieces)
        written = {"": "together", " ": "spaces", "-": "hyphens", "\u00a0": "no-break spaces"}[gap]
        return text, text, f"{network}, {written}"

    return make


CARD_MAKERS = tuple(
    _card(*card, gap) for card in CARDS for gap in ("", " ", "-", "", " ", "\u00a0")[: 5 if card[0] != "Visa" else 6]
)


# Accounts: country and the rest's structure (n digits, a capitals, c both), as registered for ISO 13616

IBAN_ENTRIES = (
    "DE18n GB4a14n FR10n11c2n ES20n IT1a10n12c NL4a10n BE12n AT16n CH5n12c PL24n PT21n SE20n NO11n DK14n FI14n IE4a14n LU3n13c "
    "CZ20n SK20n HU24n RO4a16c BG4a6n8c GR7n16c HR17n SI15n LT16n LV4a13c EE16n CY8n16c MT4a5n18c TR6n16c SA2n18c AE19n IL19n "
    "QA4a21c KW4a22c BR23n1a1c UA6n19c GE2a16n PK4a16c MC10n11c2n LI5n12c IS22n RS18n JO4a4n18c KZ3n13c"
)
IBANS = tuple(IBAN_ENTRIES.split(" "))
CAPITALS_DIGITS = string.ascii_uppercase + string.digits


def iban_rest(text: str) -> int:
    """1 for a right account number (ISO 13616-1, 5.2)."""
    plain = "".join(c for c in text if c.isalnum()).upper()
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97


def _iban(entry: str, writing: str) -> Maker:
    def make(rng: random.Random) -> tuple[str, str, str]:
        country, body, count = entry[:2], "", ""
        for c in entry[2:]:
            if c.isdigit():
                count += c
                continue
            signs = {
                "n": string.digits,
                "a": string.ascii_uppercase,
                "c": CAPITALS_DIGITS if rng.random() < 0.4 else string.digits,
            }[c]
            body += "".join(rng.choices(signs, k=int(count)))
            count = ""
        check = 98 - iban_rest(f"{country}00{body}")
        text = f"{country}{check:02d}{body}"
        if writing in ("groups", "no-break groups", "hyphens"):
            gap = {"groups": " ", "no-break groups": "\u00a0", "hyphens": "-"}[writing]
            text = gap.join(text[at : at + 4] for at in range(0, len(text), 4))
        return (
            text.lower() if writing == "lower case" else text,
            text.lower() if writing == "lower case" else text,
            f"{country}, {writing}",
        )

    return make


WRITINGS = (
    "together",
    "groups",
    "together",
    "groups",
    "no-break groups",
    "together",
    "groups",
    "lower case",
    "together",
    "hyphens",
)
IBAN_MAKERS = tuple(
    _iban(entry, WRITINGS[(at + turn * 3) % len(WRITINGS)]) for turn in range(3) for at, entry in enumerate(IBANS)
)


# IP addresses, all of them globally routable


def _four(rng: random.Random) -> str:
    while True:
        octets = [
            rng.choice(
                (23, 31, 46, 62, 77, 81, 85, 91, 93, 109, 151, 176, 178, 188, 195, 212, 217, 102, 186, 201, 122, 59)
            )
        ]
        octets += [rng.randint(0, 255), rng.randint(0, 255), rng.randint(1, 254)]
        text = ".".join(map(str, octets))
        if ipaddress.ip_address(text).is_global:
            return text


def _six(rng: random.Random) -> ipaddress.IPv6Address:
    top = rng.choice((0x2A02, 0x2A01, 0x2600, 0x2401, 0x2804, 0x2003, 0x2607, 0x2C0F, 0x2A00))
    groups = [top, *(rng.randint(0x100, 0xFFFF) for _ in range(7))]
    return ipaddress.IPv6Address(":".join(f"{g:x}" for g in groups))


def _short_six(rng: random.Random) -> str:
    groups = str(_six(rng)).split(":")
    return ":".join(groups[: rng.randint(3, 4)]) + "::" + ":".join([f"{rng.randint(1, 0xFFF):x}"] * rng.randint(1, 2))


def ip_four(rng: random.Random) -> tuple[str, str, str]:
    text = _four(rng)
    return text, text, "IPv4"


def ip_port(rng: random.Random) -> tuple[str, str, str]:
    value = _four(rng)
    return f"{value}:{rng.randint(1024, 65535)}", value, "IPv4 before a port"


def ip_length(rng: random.Random) -> tuple[str, str, str]:
    value = _four(rng)
    return f"{value}/32", value, "IPv4 before a prefix length"


def ip_six(rng: random.Random) -> tuple[str, str, str]:
    text = str(_six(rng))
    return text, text, "IPv6, eight groups"


def ip_short(rng: random.Random) -> tuple[str, str, str]:
    text = _short_six(rng)
    return text, text, "IPv6, shortened"


def ip_capitals(rng: random.Random) -> tuple[str, str, str]:
    text = rng.choice((str(_six(rng)), _short_six(rng))).upper()
    return text, text, "IPv6, capitals"


def ip_zeros(rng: random.Random) -> tuple[str, str, str]:
    text = ipaddress.IPv6Address(_short_six(rng)).exploded
    return text, text, "IPv6, leading zeros"


def ip_bracket(rng: random.Random) -> tuple[str, str, str]:
    value = _short_six(rng)
    return f"[{value}]:{rng.randint(1024, 65535)}", value, "IPv6 in brackets before a port"


def ip_mapped(rng: random.Random) -> tuple[str, str, str]:
    value = _four(rng)
    return f"::ffff:{value}", value, "IPv4-mapped IPv6"


IPS: tuple[Maker, ...] = (
    ip_four,
    ip_four,
    ip_six,
    ip_four,
    ip_short,
    ip_four,
    ip_port,
    ip_capitals,
    ip_zeros,
    ip_mapped,
    ip_four,
)
IPS += (ip_length, ip_short, ip_bracket)
BARE_IPS: tuple[Maker, ...] = (ip_four, ip_four, ip_four, ip_six, ip_short, ip_capitals, ip_zeros)


# Telephone numbers: # any digit, N 2 to 9 (the area codes and mobile ranges are the plans' own)

WORLD = {
    "US": "+1 (312) N## ####;+1 415-N##-####;+1206N######;+1 512.N##.####;(404) N##-####;303-N##-####;702.N##.####;1-877-N##-####",
    "CA": "+1 604 N## ####;(514) N##-####;416-N##-####",
    "GB": "+44 20 7### ####;+44 7911 ######;+447700######;+44 (0)161 4## ####;020 7### ####;07### ######;0117 9## ####;0044 131 4######",
    "DE": "+49 30 ########;+49 (0)89 N######-0;+49171#######;0049 151 ########;030 / N#######;0171 / N######;0221-N######;040 N## ## ##",
    "FR": "+33 6 ## ## ## ##;+33 (0)1 4# ## ## ##;+337########;06 ## ## ## ##;01.42.##.##.##;0033 4 72 ## ## ##",
    "ES": "+34 6## ## ## ##;+34 91 N## ## ##;+346########;6## ### ###;93 N## ## ##",
    "IT": "+39 347 ### ####;+39 02 ########;+39 06 N### ####;333 #######;02 N### ####",
    "PT": "+351 91# ### ###;+351 21# ### ###;96# ### ###",
    "PL": "+48 60# ### ###;+48 22 N## ## ##;50# ### ###;(12) N## ## ##;+4879#######",
    "NL": "+31 6 ########;+31 (0)20 N## ####;06-########;020-N## ####;+316########",
    "BE": "+32 47# ## ## ##;+32 2 N## ## ##;0478 ## ## ##",
    "AT": "+43 664 #######;+43 1 N######;0664 / N######;0650 #######",
    "CH": "+41 44 N## ## ##;+41 79 N## ## ##;079 N## ## ##",
    "SE": "+46 70 ### ## ##;070-### ## ##;+46 8 N## ### ##",
    "NO": "+47 9## ## ###;+47 22 ## ## ##",
    "DK": "+45 N# ## ## ##;+45N#######",
    "FI": "+358 40 #######;+358 9 N### ####",
    "IE": "+353 87 ### ####;087 ### ####;+353 1 N## ####",
    "TR": "+90 532 ### ## ##;0 (212) N## ## ##;0542 ### ## ##;+90553#######",
    "IN": "+91 98### #####;+91-99########;98########;+91 22 N### ####",
    "JP": "+81 90-####-####;03-N###-####;080-####-####;+81 3 N### ####",
    "CN": "+86 138 #### ####;136########;010-N#######;+86 21 N### ####",
    "KR": "+82 10-N###-####;010-N###-####",
    "BR": "+55 11 9####-####;(21) 9####-####;+55 (31) 3###-####",
    "MX": "+52 55 N### ####;55 N### ####",
    "AR": "+54 9 11 N###-####;011 4###-####",
    "AU": "+61 4## ### ###;04## ### ###;(02) 9### ####;+61 3 9### ####",
    "NZ": "+64 21 ### ####;021 ### ####",
    "ZA": "+27 82 ### ####;082 ### ####",
    "NG": "+234 803 ### ####;0803 ### ####",
    "GR": "+30 69# ### ####;210 N## ####",
    "CZ": "+420 60# ### ###;+420 2## ### ###",
    "UA": "+380 67 ### ## ##;+380 (44) N## ## ##",
    "IL": "+972 54-###-####;052-###-####",
    "AE": "+971 50 ### ####;+971 4 N## ####",
    "SG": "+65 9### ####;+65 6### ####",
    "RO": "+40 72# ### ###;072# ### ###",
    "HU": "+36 30 ### ####;06 30 ### ####",
}


def _phone(country: str, shape: str) -> Maker:
    writing = "international" if shape.startswith(("+", "00")) else "national"

    def make(rng: random.Random) -> tuple[str, str, str]:
        text = "".join(
            {"#": str(rng.randint(0, 9)), "N": str(rng.choice((2, 3, 4, 6, 7, 8, 9)))}.get(c, c) for c in shape
        )
        return text, text, f"{country}, {writing}"

    return make


PHONES = {country: tuple(_phone(country, shape) for shape in shapes.split(";")) for country, shapes in WORLD.items()}
PHONE_MAKERS = tuple(maker for makers in PHONES.values() for maker in makers)
WORLD_PHONES = tuple(_phone(c, shape) for c, shapes in WORLD.items() for shape in shapes.split(";") if shape[0] == "+")


def phone_link(rng: random.Random) -> tuple[str, str, str]:
    written = rng.choice(WORLD_PHONES)(rng)[0].replace("(0)", "")
    value = "+" + "-".join("".join(c if c.isdigit() else " " for c in written).split())
    return f"tel:{value}", value, "RFC 3966 link"
