"""Made-up values for the fourth corpus: people, addresses, numbers of cards, banks and phones, addresses of hosts."""

import ipaddress
import random
from dataclasses import dataclass

NAMES = {
    "US": (
        "Olivia Marcus Denise Tyler Joanna Caleb Brooke Andre",
        "Whitlock Hargrove Benton Kessler Lindqvist Mayfield Otero",
    ),
    "GB": (
        "Imogen Callum Harriet Rhys Fiona Alistair Poppy Owen",
        "Thackeray Ashdown Pembridge Holloway Kirkbride Rowntree",
    ),
    "DE": (
        "Annika Jörg Sabine Lukas Heike Florian Katrin Matthias",
        "Brandstätter Vogelsang Krüger Hofreiter Lindemann Pohlmann",
    ),
    "FR": (
        "Élodie Thierry Camille Bastien Margaux Yannick Solène",
        "Delacourt Fontanel Marchais Rousselin Tessier Gauthereau",
    ),
    "ES": (
        "Lucía Álvaro Marta Rubén Inés Gonzalo Nuria Sergio",
        "Carrasco Villaverde Montalvo Peñalver Ibarra Quesada",
    ),
    "IT": (
        "Chiara Davide Federica Matteo Giulia Lorenzo Elisa",
        "Bellandi Ferraris Moretti Santangelo Tedeschi Vianello",
    ),
    "BR": (
        "Larissa Thiago Beatriz Rafael Camila Bruno Fernanda",
        "Albuquerque Cavalcanti Siqueira Nogueira Teixeira Moura",
    ),
    "IN": (
        "Ananya Rohit Kavita Sandeep Priya Arjun Meera Vikram",
        "Deshpande Kulkarni Raghavan Chatterjee Iyengar Bhandari",
    ),
    "AU": (
        "Matilda Lachlan Bronwyn Declan Tahlia Hamish Keira",
        "Fairweather Muldoon Garland Pickering Strachan Doyle",
    ),
    "JP": ("Haruka Kenji Misaki Takumi Yuko Daichi Aoi Ren", "Nakahara Fujimori Okabe Shimizu Tachibana Kurosawa"),
    "NL": ("Sanne Joris Femke Bram Lotte Maarten", "Verhoeven Dijkstra Kuipers Hoogland Vermeulen"),
    "PL": ("Agnieszka Tomasz Magdalena Piotr Justyna", "Wojnarowska Zielak Kaczmarek Lisowska Majewski"),
    "SE": ("Elin Oskar Linnea Viktor Saga", "Bergqvist Sandström Hallberg Nyström Ekdahl"),
    "CH": ("Reto Ursina Beat Nadja Silvan", "Aeschbacher Zurbriggen Caflisch Bühlmann"),
    "AT": ("Leopold Theresa Johannes Magdalena", "Oberhuber Steindl Achleitner Gruber"),
    "BE": ("Wout Amélie Pieter Noor Maxime", "Claessens Vandamme Lemmens Dubuisson"),
    "PT": ("Inês Duarte Mafalda Tiago Leonor", "Figueiredo Sequeira Brandão Saldanha"),
}
TLDS = {
    "US": "com com com io net org", "GB": "co.uk co.uk com org.uk", "DE": "de de de com", "FR": "fr fr com",
    "ES": "es es com", "IT": "it it com", "BR": "com.br com.br", "IN": "in co.in com", "AU": "com.au com.au net.au",
    "JP": "co.jp jp", "NL": "nl", "PL": "pl com.pl", "SE": "se", "CH": "ch", "AT": "at", "BE": "be", "PT": "pt",
}  # fmt: skip
LEFT = (
    "alder bright copper delta ember fern granite harbor iron juniper kestrel linden maple north "
    "orchard pine quarry river"
)
COUNTRIES = "US US US GB GB DE DE FR ES IT BR IN AU JP NL PL SE CH AT BE PT"
BANKS = "DE DE DE DE GB GB FR FR NL NL ES IT PL CH BE AT PT SE"
RIGHT = "bridge crest dale field forge gate haven labs lane logistics mill point ridge stone systems trade ware works"
PROVIDERS = ("mailhaven", "postwing", "inboxly", "quickpost", "letterbird", "webpostal")
_FOLD = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "É": "E", "á": "a", "í": "i", "ú": "u",
    "ñ": "n", "Á": "A", "ê": "e", "ã": "a",
})  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist, from a country."""

    first: str
    last: str
    country: str

    @property
    def name(self) -> str:
        """The name as it is written in a sentence."""
        return f"{self.first} {self.last}"


def person(chance: random.Random, country: str = "") -> Person:
    """Somebody, of the country asked for or of one of the common ones."""
    country = country or chance.choice(COUNTRIES.split())
    first, last = NAMES[country]
    return Person(chance.choice(first.split()), chance.choice(last.split()), country)


def digits(chance: random.Random, count: int) -> str:
    """So many digits, the first not a nought."""
    return chance.choice("123456789") + "".join(chance.choices("0123456789", k=count - 1)) if count else ""


def domain(chance: random.Random, country: str = "US") -> str:
    """A made-up domain of a company."""
    left, right = chance.choice(LEFT.split()), chance.choice(RIGHT.split())
    return f"{left}{chance.choice(('', '', '-'))}{right}.{chance.choice(TLDS[country].split())}"


def email(chance: random.Random, who: Person, form: str = "") -> tuple[str, str]:
    """The form and the address: most are plain."""
    form = (
        form
        or chance.choices(
            ("plain", "private", "plus tag", "subdomain", "role", "capitals"), weights=(52, 24, 9, 8, 5, 2)
        )[0]
    )
    first, last = (part.translate(_FOLD).lower() for part in (who.first, who.last))
    local = chance.choice((f"{first}.{last}", f"{first}.{last}", f"{first[0]}{last}", f"{first}", f"{first[0]}.{last}"))
    at = domain(chance, who.country)
    if form == "private":
        year = chance.randrange(60, 100)
        local = chance.choice(
            (f"{first}.{last}{year}", f"{first}{last}", f"{first}_{last}", f"{last}.{first}", f"{first}{year}")
        )
        at = f"{chance.choice(PROVIDERS)}.{chance.choice(TLDS[who.country].split())}"
    elif form == "plus tag":
        local += "+" + chance.choice(
            ("billing", "shop", "newsletter", "test", "invoices", "travel", str(chance.randrange(9, 99)))
        )
    elif form == "subdomain":
        at = f"{chance.choice(('mail', 'eu', 'corp', 'support', 'students', 'hq'))}.{at}"
    elif form == "role":
        local = chance.choice(
            ("info", "sales", "support", "accounts", "office", "hr", "billing", "kontakt", "buchhaltung")
        )
    elif form == "capitals":
        return form, f"{who.first}.{who.last}".translate(_FOLD) + f"@{at}"
    return form, f"{local}@{at}"


def luhn(number: str) -> int:
    """The sum that has to be a multiple of ten."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10


def card(chance: random.Random, style: str = "") -> tuple[str, str]:
    """The form and the number of a card: groups, together or (rarely) hyphens."""
    brand = chance.choices(("Visa", "Mastercard", "Amex"), weights=(50, 35, 15))[0]
    style = style or chance.choices(("groups", "together", "hyphens"), weights=(50, 42, 8))[0]
    start, size = {"Visa": ("4", 16), "Mastercard": (str(chance.choice((51, 52, 53, 54, 55, 2223, 2512))), 16)}.get(
        brand, (chance.choice(("34", "37")), 15)
    )
    body = start + "".join(chance.choices("0123456789", k=size - len(start) - 1))
    number = body + str((10 - luhn(body + "0")) % 10)
    if style == "together":
        return f"{brand} together", number
    gaps = (4, 10) if brand == "Amex" else (4, 8, 12)
    parts = [number[a:b] for a, b in zip((0, *gaps), (*gaps, size), strict=True)]
    return f"{brand} {style}", (" " if style == "groups" else "-").join(parts)


_IBANS = {  # A is a letter, 9 a digit
    "DE": "9" * 18, "GB": "AAAA" + "9" * 14, "FR": "9" * 23, "NL": "AAAA" + "9" * 10, "ES": "9" * 20, "IT": "A" + "9" * 22,
    "PL": "9" * 24, "CH": "9" * 17, "BE": "9" * 12, "AT": "9" * 16, "PT": "9" * 21, "SE": "9" * 20,
}  # fmt: skip


def mod97(value: str) -> int:
    """The remainder of an IBAN without spaces: 1 where it is right."""
    return int("".join(str(int(sign, 36)) for sign in value[4:] + value[:4])) % 97


def iban(chance: random.Random, country: str = "", style: str = "") -> tuple[str, str]:
    """The form and the number of an account."""
    country = country if country in _IBANS else chance.choice(BANKS.split())
    style = style or chance.choices(("groups", "together"), weights=(55, 45))[0]
    body = "".join(chance.choice("ABDEGHIKLNRSTW" if sign == "A" else "0123456789") for sign in _IBANS[country])
    value = f"{country}{98 - mod97(f'{country}00{body}'):02d}{body}"
    return f"{country} {style}", " ".join(
        value[i : i + 4] for i in range(0, len(value), 4)
    ) if style == "groups" else value


_MANY_HOSTS = (
    (31, 32),
    (45, 46),
    (62, 63),
    (78, 95),
    (109, 110),
    (134, 142),
    (151, 152),
    (176, 179),
    (185, 186),
    (193, 196),
    (212, 218),
)


def ip(chance: random.Random, version: int = 0) -> tuple[str, str]:
    """The form and a public address of a host."""
    version = version or chance.choices((4, 6), weights=(85, 15))[0]
    while True:
        if version == 4:
            low, high = chance.choice(_MANY_HOSTS)
            first = chance.randrange(low, high)
            value = f"{first}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        else:
            start = chance.choice(
                ("2a01:4f8", "2a02:8108", "2600:1700", "2a00:23c6", "2804:14c", "2405:201", "2a01:cb00")
            )
            tail = [f"{chance.randrange(1, 0xFFFF):x}" for _ in range(chance.choice((1, 2, 6, 6)))]
            value = ":".join((start, *tail)) if len(tail) == 6 else f"{start}:{tail[0]}::{tail[-1]}"
        if ipaddress.ip_address(value).is_global:
            return f"IPv{version}", value


# of every country: how it is dialled from abroad, and how at home; # is a digit, % one from 2 to 9
PHONES = {
    "US": (
        "+1 {a}-%##-####|+1{a}%######|+1 ({a}) %##-####|+1 {a} %## ####",
        "({a}) %##-####|{a}-%##-####|{a}.%##.####|{a}%######",
    ),
    "GB": (
        "+44 7{m}## ######|+447{m}########|+44 20 7### ####|+44 161 8## ####",
        "07{m}## ######|020 7### ####|07{m}########|0161 8## ####",
    ),
    "DE": (
        "+49 {m} %#######|+49{m}%#######|+49 30 %#######|+49 {m} %## ## ###",
        "0{m} %#######|0{m}/%#######|030 %#######|089/%######|0{m}-%#######",
    ),
    "FR": (
        "+33 6 {m} ## ## ##|+336{m}######|+33 1 4# ## ## ##",
        "06 {m} ## ## ##|06.{m}.##.##.##|01 4# ## ## ##|06{m}######",
    ),
    "ES": ("+34 6%# ### ###|+346%#######|+34 91 %## ## ##", "6%# ### ###|91 %## ## ##|6%# ## ## ##|6%#######"),
    "IT": ("+39 {m} ### ####|+39{m}#######|+39 02 %### ####", "{m} ### ####|{m} #######|02 %### ####|{m}#######"),
    "BR": (
        "+55 {m} 9%###-####|+55{m}9%#######|+55 ({m}) 9%###-####",
        "({m}) 9%###-####|{m} 9%###-####|({m}) 3%##-####",
    ),
    "IN": ("+91 9%### #####|+919%########|+91-9%########", "9%### #####|9%########|09%########"),
    "AU": ("+61 4{m} ### ###|+614{m}######|+61 2 9### ####", "04{m} ### ###|(02) 9%## ####|04{m}######"),
    "JP": ("+81 90-%###-####|+81 80-%###-####|+8190%#######", "090-%###-####|080-%###-####|03-3%##-####|090%#######"),
    "NL": ("+31 6 {m}# ## ## ##|+316{m}#######", "06 {m}#######|06-{m}#######"),
    "PL": ("+48 60% ### ###|+4860%######", "60% ### ###"),
    "SE": ("+46 70 %## ## ##|+4670%######", "070-%## ## ##"),
    "CH": ("+41 79 %## ## ##|+4179%######", "079 %## ## ##"),
    "AT": ("+43 664 %######|+43664%######", "0664 %######|0664/%######"),
    "BE": ("+32 47% ## ## ##|+3247%######", "047% ## ## ##|047%/## ## ##"),
    "PT": ("+351 91% ### ###|+35191%######", "91% ### ###"),
}
_CODES = {
    "US": "212 303 312 404 415 503 512 617 702 713 718 805 832 917 206 214", "GB": "4 5 7 8 9", "NL": "1 2 3 4 5 8",
    "DE": "151 152 157 160 170 171 172 173 175 176 178", "IT": "320 328 333 338 339 347 348 349 340 345",
    "FR": "12 20 30 51 62 71 82", "AU": "11 12 21 22 31 32", "BR": "11 21 31 41 51 61 71 81",
}  # fmt: skip


def phone(chance: random.Random, country: str, style: str) -> tuple[str, str]:
    """The form and a number, international or as it is dialled at home."""
    shape = chance.choice(PHONES[country][style == "national"].split("|"))
    codes = _CODES.get(country, "0").split()
    shape = shape.replace("{a}", chance.choice(codes)).replace("{m}", chance.choice(codes))
    value = "".join(
        chance.choice("0123456789") if sign == "#" else chance.choice("23456789") if sign == "%" else sign
        for sign in shape
    )
    return f"{country} {style}", value
