"""Made-up people, companies, addresses, numbers and accounts of the fifth corpus."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

import ipaddress
import random
import re
import string
import unicodedata
from typing import NamedTuple

B62 = string.ascii_letters + string.digits


def chars(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))


# People and companies

NAMES = {
    "us": ("Dana Trey Marlene Curtis Joanna Wes", "Brannock Pelley Ostrander Quimby Haverty Stroud", "com"),
    "gb": ("Imogen Alasdair Priya Callum Nerys", "Thackray Pendlebury Ashworth O'Dowd Wainscott", "co.uk"),
    "de": ("Jörg Annegret Björn Heike Matthias", "Grünhagen Wollschläger Kettner Überall Reinsch", "de"),
    "at": ("Leopold Zita Gernot", "Hinterbichler Zauner Oberlechner", "at"),
    "ch": ("Urs Ladina Reto", "Zurbriggen Ammann Caflisch", "ch"),
    "fr": ("Hélène Thibault Maëlle Rémi Océane", "Lachassagne Vermeersch Beauchêne Guérin", "fr"),
    "es": ("Íñigo Marisol Nuria Joaquín", "Echevarría Pujades Montalbán Quiñones", "es"),
    "it": ("Ginevra Fabrizio Ludovica Ettore", "Bellandi Scaramuzza Zanardelli Frattini", "it"),
    "nl": ("Sjoerd Marijke Bram Fenna", "Hoekstra Verschuren Terpstra Kuiper", "nl"),
    "be": ("Joke Wouter Lieselot", "Vandewalle Claessens Goossens", "be"),
    "pl": ("Zbigniew Małgorzata Łukasz Kinga", "Wiśniowiecki Gąsior Zawadzka Pękała", "pl"),
    "cz": ("Vlasta Ondřej Zdeňka", "Hruška Vaňková Dvorský", "cz"),
    "se": ("Åsa Göran Linnéa", "Hallqvist Öberg Stenmark", "se"),
    "dk": ("Kirsten Søren Bodil", "Thorup Kjærgaard Brandt", "dk"),
    "no": ("Ragnhild Torbjørn", "Haugland Nesbø", "no"),
    "fi": ("Aino Veikko", "Mäkelä Rautio", "fi"),
    "pt": ("Inês Gonçalo", "Carvalhal Sequeira", "pt"),
    "gr": ("Eleni Stavros", "Papadakou Mavridis", "gr"),
    "ie": ("Saoirse Cormac", "Geraghty MacEneaney", "ie"),
    "tr": ("Elif Kerem", "Yıldırım Özkan", "com.tr"),
    "br": ("Thaís João Vinícius Larissa", "Albuquerque Siqueira Figueiredo", "com.br"),
    "mx": ("Ximena Rogelio", "Villaseñor Zepeda", "mx"),
    "ar": ("Agustina Facundo", "Bianciotti Etchegaray", "com.ar"),
    "in": ("Aparna Vikram Sneha", "Deshmukh Raghunathan Chatterjee", "in"),
    "jp": ("Haruka Daisuke", "Kobayakawa Shimazaki", "co.jp"),
    "kr": ("Minseo Jiho", "Namgung Hwangbo", "co.kr"),
    "cn": ("Xiaowen Jianhui", "Ouyang Shangguan", "com.cn"),
    "sg": ("Weiling Hafiz", "Koh Rahmat", "sg"),
    "au": ("Keira Lachlan", "Wetherill Dunstan", "com.au"),
    "za": ("Lerato Pieter", "Mokoena Oosthuizen", "co.za"),
    "ng": ("Chidinma Tunde", "Ogunleye Nwachukwu", "ng"),
    "il": ("Noa Eitan", "Shalev Ben-Ari", "co.il"),
    "ae": ("Khalid Mariam", "Al-Suwaidi Haddadin", "ae"),
}
STEMS = [
    "lindholt",
    "varkesta",
    "oremund",
    "tessaly",
    "brackwin",
    "quorvane",
    "pellimar",
    "sundrift",
    "kavelo",
    "morrowick",
    "zephyrin",
    "ostrava9",
    "feldhorn",
    "ardenko",
    "miravolt",
    "castlebeck",
    "nolvane",
    "trellisco",
    "yarrowby",
    "dunvegan7",
    "hexaloom",
    "ravensill",
    "bluequarry",
    "graniteer",
    "solpath",
]
TRADES = [
    "logistics",
    "energy",
    "labs",
    "health",
    "retail",
    "travel",
    "hosting",
    "insurance",
    "motors",
    "foods",
    "media",
    "bank",
    "legal",
    "studio",
]


class Person(NamedTuple):
    locale: str
    first: str
    last: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


def person(rng: random.Random, locale: str | None = None) -> Person:
    locale = locale or rng.choice([*NAMES, "us", "us", "us", "gb", "gb", "de", "de", "fr"])
    first, last, _ = NAMES[locale]
    return Person(locale, rng.choice(first.split()), rng.choice(last.split()))


def company(rng: random.Random, tld: str = "") -> tuple[str, str]:
    """A name and its domain."""
    stem, trade = rng.choice(STEMS), rng.choice(TRADES)
    tld = tld or rng.choice(("com", "com", "com", "io", "net", "org", "eu", "dev", "co", "app"))
    return f"{stem.title()} {trade.title()}", f"{rng.choice((stem, stem + trade, stem + '-' + trade))}.{tld}"


def plain(text: str) -> str:
    text = text.translate(str.maketrans({"ö": "oe", "ü": "ue", "Ü": "Ue", "ä": "ae", "ø": "o", "ł": "l", "Ł": "L"}))
    text = text.replace("æ", "ae").replace("ı", "i")
    return re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", text).lower())


def email(rng: random.Random, who: Person) -> str:
    first, last = plain(who.first), plain(who.last)
    tld = NAMES[who.locale][2] if rng.random() < 0.6 else ""
    domain = company(rng, tld)[1]
    year = rng.randint(60, 99)
    local = rng.choice(
        (
            f"{first}.{last}",
            f"{first}.{last}",
            f"{first[0]}.{last}",
            f"{first[0]}{last}",
            f"{first}{year}",
            f"{first}_{last}",
            f"{first}-{last}{rng.randint(1, 99)}",
            f"{last}.{first}",
            f"{first}+{rng.choice(('orders', 'test', 'news', 'ci'))}",
            f"{first}",
            f"{last}{rng.randint(100, 9999)}",
            f"{rng.choice(('billing', 'hr', 'accounts', 'it-ops'))}.{last}",
        )
    )
    if rng.random() < 0.12:
        domain = f"{rng.choice(('mail', 'eu', 'corp', 'students', 'mx'))}.{domain}"
    address = f"{local}@{domain}"
    chance = rng.random()
    if chance < 0.04:
        return address.upper()
    return f"{first.title()}.{last.title()}@{domain}" if chance < 0.10 else address


# Numbers: A is an area code of North America, X an exchange, # a digit, N two to nine

AREAS = [
    "212",
    "305",
    "312",
    "404",
    "415",
    "503",
    "512",
    "617",
    "702",
    "713",
    "206",
    "303",
    "416",
    "604",
    "646",
    "718",
    "818",
    "919",
    "972",
    "214",
]
PHONES = {
    "us": "(A) X-####|A-X-####|+1 A-X-####|+1 (A) X-####|1-A-X-####|A.X.####|+1 A X ####|(A)X-####|A-555-01##",
    "gb": "07{4|5|7|8|9}N# ######|+44 7{4|5|7|8}N# ######|020 7N## ####|+44 (0)20 7N## ####|0161 4## ####|+44 20 7N## ####",
    "de": "+49 17{0|1|2|3|5|6} #######|0151 1#######|030 / {3|4|6|8}#######|+49 (0)30 {3|4|6|8}#######|089 {3|5|7}#####|0171-#######|+49 160 #######",
    "at": "+43 664 #######|0664 / #######|+43 1 5######",
    "ch": "+41 79 N## ## ##|079 N## ## ##|044 N## ## ##|+41 (0)44 N## ## ##",
    "fr": "+33 6 1# ## ## ##|06 2# ## ## ##|01 4# ## ## ##|06.3#.##.##.##|+33 (0)6 1# ## ## ##|0033 6 5# ## ## ##",
    "es": "+34 6N# ### ###|6N# ## ## ##|91N ## ## ##|+34 91N ### ###",
    "it": "+39 3{2|3|4}# ### ####|3{3|4}# #######|+39 06 {3|5|6}### ####|06 {3|5|6}#######",
    "nl": "+31 6 {1|2|3|4|5}#######|06-{1|2|3|4|5}#######|020-{4|6}######|+31 (0)20 {4|6}## ####",
    "be": "+32 47N ## ## ##|047N/##.##.##|+32 2 {5|6}## ## ##",
    "pl": "+48 60# ### ###|60# ### ###|+48 22 {5|6}## ## ##|50#-###-###",
    "cz": "+420 60{2|3|5|6|7|8} ### ###|777 ### ###|+420 777 ### ###",
    "se": "+46 70 N## ## ##|070-N## ## ##|+46 (0)70-N## ## ##",
    "dk": "+45 {28|26|31|40|51} ## ## ##|+45 30 ## ## ##",
    "no": "+47 91# ## ###|+47 4{1|5}# ## ###",
    "fi": "+358 40 N## ####|040 N## ####",
    "pt": "+351 91N ### ###|91N ### ###",
    "gr": "+30 694 N## ####|694 N## ####",
    "ie": "+353 87 N## ####|087 N## ####",
    "tr": "+90 532 N## ## ##|0532 N## ## ##|0 (532) N## ## ##",
    "br": "+55 (11) 9{6|7|8}###-####|(21) 9{7|8|9}###-####|+55 11 9{6|7|8}###-####|(11) 3{2|3}##-####",
    "mx": "+52 55 {2|3|4|8}### ####|55 {2|3|4|8}### ####",
    "ar": "+54 9 11 {4|5|6}###-####|11 {4|5|6}###-####|+54 11 4###-####",
    "in": "+91 98### #####|098### #####|+91-99###-#####|9{6|7}########",
    "jp": "090-N###-####|+81 90-N###-####|03-{3|5}###-####|080-N###-####",
    "kr": "010-{2|3|4|5}###-####|+82 10-{2|3|4|5}###-####|02-{5|7}##-####",
    "cn": "+86 138 #### ####|138########|+86-139-####-####|186 #### ####",
    "sg": "+65 9{1|2|3|6}## ####|9{1|2|3|6}## ####|+65 6{2|3|7}## ####",
    "au": "+61 4{1|2}# ### ###|04{1|2}# ### ###|(02) 9{2|3}## ####|+61 2 9{2|3}## ####",
    "za": "+27 82 N## ####|082 N## ####",
    "ng": "+234 803 N## ####|0803 N## ####",
    "il": "+972 54-N##-####|054-N##-####",
    "ae": "+971 50 N## ####|050 N## ####",
}
COUNTRIES = [*PHONES, *["us"] * 12, *["gb"] * 4, *["de"] * 4, *["fr"] * 2, "es", "it", "nl", "br", "in"]


def _fill(rng: random.Random, pattern: str) -> str:
    pattern = re.sub(r"\{([^}]*)\}", lambda m: rng.choice(m[1].split("|")), pattern)
    pattern = pattern.replace("A", rng.choice(AREAS)).replace("X", f"{rng.choice('2346789')}{rng.choice('02345678')}#")
    pattern = pattern.replace("N", "\x00")
    return re.sub(r"[#\x00]", lambda m: rng.choice("0123456789" if m[0] == "#" else "23456789"), pattern)


def phone(rng: random.Random, country: str | None = None) -> str:
    country = country if country in PHONES else rng.choice(COUNTRIES)
    patterns = re.split(r"\|(?![^{]*\})", PHONES[country])
    number = _fill(rng, rng.choice(patterns))
    return number.replace(" ", "\u00a0") if rng.random() < 0.03 else number


def e164(rng: random.Random, country: str | None = None) -> str:
    country = country if country in PHONES else rng.choice(COUNTRIES)
    patterns = [one for one in re.split(r"\|(?![^{]*\})", PHONES[country]) if one.startswith("+")]
    return "+" + re.sub(r"\D", "", _fill(rng, rng.choice(patterns)).replace("(0)", ""))


# Cards: prefix, length, groups, weight

CARDS = (
    ("visa", ("4",), 16, (4, 4, 4, 4), 40),
    ("mastercard", ("51", "52", "53", "54", "55"), 16, (4, 4, 4, 4), 24),
    ("mastercard 2", ("2221", "2345", "2512", "2699", "2720"), 16, (4, 4, 4, 4), 6),
    ("amex", ("34", "37"), 15, (4, 6, 5), 12),
    ("discover", ("6011", "644", "649", "65"), 16, (4, 4, 4, 4), 4),
    ("diners", ("36", "38", "300", "305"), 14, (4, 6, 4), 2),
    ("jcb", ("3528", "3540", "3566", "3589"), 16, (4, 4, 4, 4), 3),
    ("unionpay", ("6221", "6225", "6250", "6282"), 16, (4, 4, 4, 4), 2),
    ("unionpay 19", ("6217", "6228"), 19, (6, 13), 1),
    ("maestro", ("6759", "6304", "5018"), 16, (4, 4, 4, 4), 2),
    ("mir", ("2200", "2202", "2204"), 16, (4, 4, 4, 4), 1),
    ("elo", ("506699", "509000", "636368"), 16, (4, 4, 4, 4), 1),
)


def luhn(number: str) -> bool:
    turned = [int(digit) for digit in reversed(number)]
    return sum(turned[::2] + [sum(divmod(2 * digit, 10)) for digit in turned[1::2]]) % 10 == 0


def card(rng: random.Random, writing: str = "any") -> str:
    _, prefixes, length, groups, _ = rng.choices(CARDS, [one[-1] for one in CARDS])[0]
    prefix = rng.choice(prefixes)
    body = prefix + chars(rng, "0123456789", length - len(prefix) - 1)
    number = next(body + digit for digit in "0123456789" if luhn(body + digit))
    if writing == "any":
        writing = rng.choice((" ", " ", "", "", "-", "\u00a0" if rng.random() < 0.2 else " "))
    parts, at = [], 0
    for size in groups:
        parts.append(number[at : at + size])
        at += size
    return writing.join(parts)


# Accounts: n a digit, a a capital, c either; a bank's letters stand as they are

IBANS = {
    "de": "n18", "at": "n16", "ch": "n5c12", "fr": "n10c11n2", "es": "n20", "it": "a1n10c12", "nl": "=INGB,RABO,ABNA,TRIO n10",
    "be": "n12", "pl": "n24", "pt": "n21", "gb": "=NWBK,BARC,LOYD,MIDL n14", "ie": "=AIBK,BOFI n14", "se": "n20", "no": "n11",
    "dk": "n14", "fi": "n14", "cz": "n20", "sk": "n20", "hu": "n24", "ro": "=BTRL,RNCB n16", "bg": "=UNCR,STSA n14", "gr": "n23",
    "lu": "n16", "lt": "n16", "lv": "=HABA,UNLA n13", "ee": "n16", "hr": "n17", "si": "n15", "mt": "=VALL,MMEB n5c18",
    "cy": "n24", "tr": "n22", "sa": "n20", "ae": "n19", "il": "n19", "br": "n23a1n1", "ua": "n25", "is": "n22", "rs": "n18",
}  # fmt: skip
LENGTHS = {
    "de": 22, "at": 20, "ch": 21, "fr": 27, "es": 24, "it": 27, "nl": 18, "be": 16, "pl": 28, "pt": 25, "gb": 22, "ie": 22,
    "se": 24, "no": 15, "dk": 18, "fi": 18, "cz": 24, "sk": 24, "hu": 28, "ro": 24, "bg": 22, "gr": 27, "lu": 20, "lt": 20,
    "lv": 21, "ee": 20, "hr": 21, "si": 19, "mt": 31, "cy": 28, "tr": 26, "sa": 24, "ae": 23, "il": 23, "br": 29, "ua": 29,
    "is": 26, "rs": 22,
}  # fmt: skip
BANKING = [*IBANS, *["de"] * 12, *["nl", "fr", "gb", "es", "it", "at", "ch", "be"] * 3]


def mod97(number: str) -> int:
    moved = number[4:] + number[:4]
    return int("".join(str(int(one, 36)) for one in moved)) % 97


def iban(rng: random.Random, country: str | None = None, writing: str = "any") -> str:
    country = country if country in IBANS else rng.choice(BANKING)
    body, shape = "", IBANS[country]
    if shape.startswith("="):
        banks, shape = shape[1:].split(" ")
        body = rng.choice(banks.split(","))
    for sort, size in re.findall(r"([nac])(\d+)", shape):
        alphabet = {"n": string.digits, "a": string.ascii_uppercase, "c": string.digits * 3 + string.ascii_uppercase}[
            sort
        ]
        body += chars(rng, alphabet, int(size))
    code = country.upper()
    whole = f"{code}{98 - mod97(f'{code}00{body}'):02d}{body}"
    if writing == "any":
        writing = rng.choice(("compact", "four", "four", "compact", "lower" if rng.random() < 0.15 else "four"))
    if writing == "four":
        sign = "\u00a0" if rng.random() < 0.06 else " "
        return sign.join(whole[at : at + 4] for at in range(0, len(whole), 4))
    return whole.lower() if writing == "lower" else whole


# Addresses of machines


def ip4(rng: random.Random) -> str:
    while True:
        first = rng.choice(
            (3, 5, 13, 18, 20, 31, 34, 35, 37, 44, 45, 46, 51, 52, 54, 62, 77, 78, 80, 81, 84, 85, 86, 88, 89, 91)
        )
        first = rng.choice(
            (first, rng.randint(93, 126), rng.randint(128, 168), rng.randint(176, 191), rng.randint(193, 222))
        )
        found = f"{first}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
        if ipaddress.ip_address(found).is_global:
            return found


def ip6(rng: random.Random) -> str:
    prefix = rng.choice(
        (
            "2a00",
            "2a01",
            "2a02",
            "2a03",
            "2a0b",
            "2600",
            "2601",
            "2603",
            "2607",
            "2401",
            "2409",
            "240e",
            "2804",
            "2806",
            "2c0f",
        )
    )
    parts = [prefix, *(f"{rng.randint(0x10, 0xFFFF):x}" for _ in range(7))]
    style = rng.random()
    if style < 0.4:
        return f"{':'.join(parts[: rng.randint(3, 4)])}::{rng.choice((parts[5], '1', '2', ':'.join(parts[6:])))}"
    if style < 0.5:
        return ":".join(parts).upper()
    return ":".join(parts)
