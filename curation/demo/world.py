"""The people, goods and places of the online shop Fernhill Outdoor. None of them exists."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST = """Amelia Noah Priya Lukas Freya Mateo Chiara Owen Yuki Samuel Ines Dario Hannah Kofi Leila Tobias Maeve Arjun
Sofia Emil Zainab Callum Nadia Pieter Ruth Omar Elena Jonas Grace Mikael Tamsin Rafael Bianca Hugo Wanjiku Felix Asha
Conor Lotte Idris Marta Sven Paloma Theo Nkechi Anders Clara Bilal Siobhan Viktor Dana Ravi Ellen Marek Joana Gareth
Mina Stefan Aoife Luca Helga Ivo Carmen Niall Petra Jamal Ursula Kenji Beatriz Alan Rosalind Piotr Shirin Dominic Edith
Francis Gudrun Hector Imogen Jerome Katja Lorenzo Miriam Nils Olive Pascal Quentin Renata Silas Thora Usha Vera Walter
Xenia Yannick Zora Abel Brigid Casper Delphine"""
LAST = """Whitcombe Okafor Raman Brandt Sorensen Vargas Moretti Pryce Tanaka Adeyemi Costa Ferrari Fischer Mensah Haddad
Keller Doyle Mehta Lindgren Bakker Hussain Fraser Petrova Visser Goldberg Aziz Popescu Weber Thornton Virtanen Penrose
Duarte Rossi Laurent Kamau Novak Iyer Gallagher Jansen Bello Kowalska Eriksson Ibarra Marchetti Eze Dahl Hoffmann Khan
Byrne Horvat Shapiro Nair Lund Zielinski Pinto Griffiths Park Ilic Brennan Conti Bauer Draganov Ortega Murphy Vogel
Baptiste Stein Mori Almeida Hargreaves Winslow Wojcik Farahani Leclerc Ashdown Poole Thorsen Salazar Finch Roux Meyer
Greco Stern Berg Fairweather Girard Rahman Silva Marlowe Gustafsson Pillai Kovac Lang Dubois Nyberg Castellano Obi
Hennessy Holm Arnaud"""
PLACES = [
    ("Sheffield", "Ecclesall Road", "S11 8PR"),
    ("Bristol", "North Street", "BS3 1EN"),
    ("Leeds", "Harrogate Road", "LS7 4LZ"),
    ("Galway", "Salthill Lane", "H91 W2C8"),
    ("Cardiff", "Cathedral Road", "CF11 9LJ"),
    ("Utrecht", "Biltstraat", "3572 BC"),
    ("Ghent", "Coupure Links", "9000"),
    ("Freiburg", "Habsburgerstrasse", "79104"),
    ("Aarhus", "Jaegergaardsgade", "8000"),
    ("Porto", "Rua do Almada", "4050-032"),
    ("Graz", "Zinzendorfgasse", "8010"),
    ("Bergen", "Nygardsgaten", "5008"),
    ("Lyon", "Rue de la Charite", "69002"),
    ("Turin", "Via Madama Cristina", "10126"),
    ("Malmo", "Bergsgatan", "214 22"),
    ("Inverness", "Culduthel Road", "IV2 4AE"),
    ("Bath", "Wellsway", "BA2 3AQ"),
    ("Zurich", "Josefstrasse", "8005"),
    ("Norwich", "Unthank Road", "NR2 2RW"),
    ("Krakow", "Ulica Dluga", "31-146"),
]
COURIERS = ["ParcelWing", "NordPost", "SwiftVan", "GreenMile", "DPX Express"]
CARRIER_SPOTS = [
    "Lyndale hub",
    "Dortmund sorting centre",
    "Rungis depot",
    "Coventry depot",
    "Venlo hub",
    "Malpensa gate",
]

# name, stock code, price, sizes (none where there is only one)
GOODS: list[tuple[str, str, float, list[str]]] = [
    ("Kestrel 2 tent", "TNT-KES2", 249.00, []),
    ("Heron 4 family tent", "TNT-HER4", 459.00, []),
    ("Bramble sleeping bag", "BAG-BRM0", 129.50, ["regular", "long"]),
    ("Frostline down bag", "BAG-FRO9", 289.00, ["regular", "long"]),
    ("Tarn rain jacket", "JKT-TARN", 139.00, ["S", "M", "L", "XL"]),
    ("Skua storm shell", "JKT-SKUA", 229.00, ["S", "M", "L", "XL"]),
    ("Moss fleece", "FLC-MOSS", 64.00, ["S", "M", "L", "XL"]),
    ("Coll merino base layer", "MER-COLL", 58.00, ["S", "M", "L"]),
    ("Ridgeway boots", "BTS-RIDG", 164.95, ["39", "40", "41", "42", "43", "44"]),
    ("Fell runner shoes", "SHO-FELL", 118.00, ["38", "39", "40", "42", "44"]),
    ("Pebble trail sandals", "SHO-PEBB", 72.00, ["37", "39", "41", "43"]),
    ("Otter 35 l dry bag", "DRY-OTT3", 34.90, []),
    ("Badger 65 l backpack", "PCK-BAD6", 189.00, []),
    ("Wren 22 l daypack", "PCK-WRN2", 79.00, []),
    ("Ember gas stove", "STV-EMBR", 49.00, []),
    ("Hearth wood stove", "STV-HRTH", 92.00, []),
    ("Copper pot set", "POT-COP3", 68.50, []),
    ("Larkspur head torch", "LMP-LARK", 39.00, []),
    ("Glowworm camp lantern", "LMP-GLOW", 27.50, []),
    ("Cairn trekking poles", "POL-CAIR", 84.00, []),
    ("Linnet inflatable mat", "MAT-LINN", 98.00, ["regular", "wide"]),
    ("Foam sit mat", "MAT-FOAM", 11.90, []),
    ("Brook water filter", "FLT-BROK", 44.90, []),
    ("Tern insulated bottle", "BTL-TERN", 26.00, []),
    ("Harrier GPS watch", "WCH-HARR", 319.00, []),
    ("Compass No. 4", "NAV-CMP4", 32.00, []),
    ("Thistle climbing harness", "CLB-THIS", 74.00, ["S", "M", "L"]),
    ("Granite 60 m rope", "CLB-GR60", 159.00, []),
    ("Plover kids jacket", "KID-PLOV", 69.00, ["104", "116", "128", "140"]),
    ("Sorrel hiking trousers", "TRS-SORR", 89.00, ["30", "32", "34", "36"]),
    ("Sedge gaiters", "GTR-SEDG", 38.00, ["S/M", "L/XL"]),
    ("Heather wool hat", "HAT-HEAT", 24.00, []),
    ("Juniper mittens", "GLV-JUNI", 42.00, ["S", "M", "L"]),
    ("Alder camp chair", "CHR-ALDR", 59.00, []),
    ("Rowan hammock", "HMK-ROWN", 66.00, []),
    ("Puffin baby carrier", "CAR-PUFF", 174.00, []),
]


@dataclass(frozen=True, slots=True)
class Case:
    """One customer with one order; the fields are what the texts of the scenarios may name in braces."""

    rng: random.Random
    first: str
    name: str
    email: str
    customer: str
    city: str
    street: str
    postcode: str
    new_city: str
    new_street: str
    new_postcode: str
    order: str
    item: str
    sku: str
    price: str
    size: str
    other_size: str
    second: str
    second_price: str
    total: str
    courier: str
    tracking: str
    spot: str
    ordered: str
    ordered_iso: str
    due: str
    days: int
    voucher: str
    points: int
    clock: str
    left: int

    def fields(self) -> dict[str, object]:
        """Everything a text may name."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "rng"}


_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}


def day(moment: datetime, language: str = "en") -> str:
    """As people write a day: 4 March, 4. März, 4 mars, 4 de marzo."""
    if language not in _MONTHS:
        return f"{moment.day} {moment:%B}"
    middle = {"de": ". ", "fr": " ", "es": " de "}[language]
    return f"{moment.day}{middle}{_MONTHS[language].split()[moment.month - 1]}"


def draw_case(
    rng: random.Random, at: datetime, *, person: tuple[str, str], goods: tuple[str, ...] = (), language: str = "en"
) -> Case:
    """A customer with an order made some days before `at`. Mail address and number belong to the person, not the draw."""
    first, last = person
    who = random.Random(f"{first} {last}")
    fitting = [good for good in GOODS if good[3]] if goods == ("sized",) else GOODS
    if goods and goods != ("sized",):
        fitting = [good for good in GOODS if good[1].startswith(goods)]
    item, sku, price, sizes = rng.choice(fitting)
    second, _, second_price, _ = rng.choice([good for good in GOODS if good[0] != item])
    city, street, postcode = rng.choice(PLACES)
    new_city, new_street, new_postcode = rng.choice([place for place in PLACES if place[0] != city])
    size = rng.choice(sizes) if sizes else ""
    other = [other for other in sizes if other != size]
    days = rng.randint(3, 13)
    ordered = at - timedelta(days=days)
    host = who.choice(["example.com", "example.org", "example.net"])
    mail = f"{first}.{last}" if who.random() < 0.7 else f"{last}{who.randint(60, 99)}"
    return Case(
        rng=rng,
        first=first,
        name=f"{first} {last}",
        email=f"{mail}@{host}".lower(),
        customer=f"C-{who.randint(10_000, 99_999)}",
        city=city,
        street=f"{street} {rng.randint(2, 190)}",
        postcode=postcode,
        new_city=new_city,
        new_street=f"{new_street} {rng.randint(2, 190)}",
        new_postcode=new_postcode,
        order=f"FH-{rng.randint(204_000, 986_999)}",
        item=item,
        sku=sku,
        price=f"{price:.2f}",
        size=size,
        other_size=rng.choice(other) if other else "",
        second=second,
        second_price=f"{second_price:.2f}",
        total=f"{price + second_price:.2f}",
        courier=rng.choice(COURIERS),
        tracking=f"{rng.choice('GPNWX')}{rng.choice('WXQZ')}{rng.randint(10**8, 10**9 - 1)}",
        spot=rng.choice(CARRIER_SPOTS),
        ordered=day(ordered, language),
        ordered_iso=ordered.date().isoformat(),
        due=day(at + timedelta(days=rng.randint(1, 4)), language),
        days=days,
        voucher=f"{rng.choice(['TRAIL', 'SPRING', 'HELLO', 'CAMP', 'FERN'])}{rng.choice([10, 15, 20])}",
        points=rng.randint(3, 48) * 25,
        clock=f"{rng.randint(7, 22):02d}:{rng.randint(0, 59):02d}",
        left=rng.randint(5, 95),
    )
