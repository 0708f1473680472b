"""Scenes of the fifth corpus that hold nothing personal: orders, records, tables, forms, networks of one's own."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

from benchmarks.pii_corpora.fifth_trace import Sheet
from benchmarks.pii_corpora.fifth_values import B62, chars


def order(s: Sheet) -> None:
    found = {
        "order_id": s.digits(s.pick(10, 12, 16, 17)),
        "items": [{"sku": f"{s.num(1000, 9999)}-{s.num(100, 999)}", "qty": s.num(1, 5), "price": s.price()}],
        "status": "shipped",
        "created_at": s.stamp(),
    }
    s.user(f"Where is order {found['order_id']}?")
    s.tool("get_order", {"order_id": found["order_id"]}, found)
    s.say("It has left the store.")


def parcel(s: Sheet) -> None:
    number = s.pick(
        "003404" + s.digits(14),
        "1Z" + s.hex(16).upper(),
        s.digits(12),
        "RR" + s.digits(9) + "DE",
        "9400 1" + s.digits(3) + " " + s.digits(4) + " " + s.digits(4) + " " + s.digits(4),
    )
    s.tool(
        "track_parcel",
        {"tracking_number": number},
        {
            "tracking_number": number,
            "state": "in_transit",
            "events": [{"at": s.stamp(), "place": "Leipzig", "code": "AA"}],
        },
    )
    s.say("The parcel is in Leipzig.")


def big_ids(s: Sheet) -> None:
    found = [
        {
            "id": s.digits(19),
            "channel_id": s.digits(18),
            "message_id": s.digits(s.pick(16, 17, 18)),
            "ts": f"17{s.digits(8)}.{s.digits(6)}",
        }
        for _ in range(3)
    ]
    s.tool(
        "list_messages",
        {"channel": s.digits(18), "limit": 3},
        {"items": found, "next_page_token": chars(s.r, B62, 48), "has_more": True},
    )
    s.say("Three posts, and there are more.")


def uuids(s: Sheet) -> None:
    s.tool(
        "list_jobs",
        {"state": "done"},
        [{"job": s.uuid(), "trace_id": s.hex(32), "span_id": s.hex(16), "etag": f'W/"{s.hex(40)}"'} for _ in range(3)],
    )
    s.say("Three jobs are done.")


def timestamps(s: Sheet) -> None:
    text = "".join(
        f"{1760000000 + s.num(0, 10**7)} {1760000000000 + s.num(0, 10**10)} {s.day()} {s.clock()},{s.num(100, 999)} tick={s.num(10**15, 10**16)}\n"
        for _ in range(4)
    )
    s.shell("tail -4 clock.log", text)
    s.say("The clock is steady.")


def private_net(s: Sheet) -> None:
    text = f"default via 192.168.1.1 dev eth0 proto dhcp src 192.168.1.{s.num(2, 254)} metric 100\n10.0.0.0/8 via 10.{s.num(0, 9)}.0.1 dev tun0\n172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown\n169.254.169.254 via 192.168.1.1 dev eth0\n"
    s.shell(
        "ip route; ip -6 addr",
        text
        + f"inet6 ::1/128 scope host\ninet6 fe80::{s.hex(4)}:{s.hex(4)}:{s.hex(4)}:{s.hex(4)}/64 scope link\ninet6 fd00:{s.hex(4)}::{s.num(1, 99)}/64\nnetmask 255.255.255.0\n",
    )
    s.say("Everything stays inside.")


def doc_net(s: Sheet) -> None:
    s.user("What does a rule for one address look like?")
    s.say(
        f"```\niptables -A INPUT -s {s.pick('192.0.2', '198.51.100', '203.0.113')}.{s.num(1, 254)} -j DROP\nip6tables -A INPUT -s 2001:db8:{s.hex(4)}::{s.num(1, 99)} -j DROP\n```\nand `listen 0.0.0.0:443; listen [::]:443;` for all."
    )
    s.shell("curl -s localhost:8080/health; curl -s http://127.0.0.1:9090/-/ready", "ok\nPrometheus is Ready.\n")


def oids(s: Sheet) -> None:
    s.shell(
        "snmpwalk -v2c 10.0.0.1 system",
        f"iso.3.6.1.2.1.1.3.0 = Timeticks: ({s.digits(9)}) {s.num(1, 90)} days, {s.clock()}.{s.num(10, 99)}\n.1.3.6.1.4.1.{s.num(100, 9999)}.2.1 = INTEGER: {s.num(1, 99)}\n",
    )
    s.say(f"See section {s.num(1, 9)}.{s.num(1, 9)}.{s.num(1, 9)}.{s.num(1, 9)} of the handbook for the numbers.")


def mac(s: Sheet) -> None:
    def one() -> str:
        return ":".join(s.hex(2) for _ in range(6))

    s.shell(
        "arp -an",
        f"? (192.168.1.{s.num(2, 99)}) at {one()} [ether] on eth0\n? (10.0.0.{s.num(2, 99)}) at {one()} [ether] on eth1\n",
    )
    s.tool(
        "read_sensor",
        {"eui": "-".join(s.hex(2) for _ in range(8))},
        {"t": f"{s.num(-5, 30)}.{s.num(0, 9)}", "at": s.clock()},
    )
    s.say("Two neighbours.")


def coordinates(s: Sheet) -> None:
    found = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(s.r.uniform(-10, 30), 7), round(s.r.uniform(36, 60), 7)]},
        "properties": {"osm_id": s.digits(10), "ele": s.num(1, 2900)},
    }
    s.tool("geocode", {"q": "town hall"}, found)
    s.say(
        f"{s.num(36, 59)}°{s.num(10, 59)}'{s.num(10, 59)}.{s.num(0, 9)}\"N {s.num(1, 19)}°{s.num(10, 59)}'{s.num(10, 59)}\"E"
    )


def prices(s: Sheet) -> None:
    rows = "| Part | 2024 | 2025 | Change |\n|---|--:|--:|--:|\n"
    for name in ("Steel", "Copper", "Zinc"):
        rows += f"| {name} | {s.num(1, 9)},{s.num(100, 999)},{s.num(100, 999)}.{s.num(10, 99)} | {s.num(1, 9)}.{s.num(100, 999)}.{s.num(100, 999)},{s.num(10, 99)} | +{s.num(1, 40)}.{s.num(0, 9)} % |\n"
    s.user("Compare the years")
    s.say(rows)


def books(s: Sheet) -> None:
    found = [
        {
            "isbn13": f"978-{s.num(0, 9)}-{s.num(100, 999)}-{s.num(10000, 99999)}-{s.num(0, 9)}",
            "ean": s.digits(13),
            "title": "Tables of tides",
            "pages": s.num(90, 900),
        },
        {"isbn": f"978{s.digits(10)}", "issn": "1234-5679", "doi": f"10.{s.num(1000, 9999)}/tess.{s.num(100, 999)}"},
    ]
    s.tool("catalog_search", {"q": "tides"}, found)
    s.say("Two books.")


def scores(s: Sheet) -> None:
    s.user("How did they play?")
    s.say(
        f"Set scores {s.num(0, 6)}-6 6-{s.num(0, 4)} 7-6(5); the handball ended {s.num(20, 35)}:{s.num(20, 35)}, the cricket {s.num(100, 400)}/{s.num(1, 9)} ({s.num(20, 50)}.{s.num(0, 5)} ov). Records: {s.num(1, 80)}-{s.num(1, 80)}-{s.num(1, 9)}."
    )
    s.tool("season_table", {"league": s.num(1, 90)}, "team,w,d,l,pts\nNorth,12,4,2,40\nSouth,11,5,2,38\n")


def maths(s: Sheet) -> None:
    n = s.num(10**15, 10**16)
    s.user(f"Is {n} divisible by 7?")
    s.tool(
        "python",
        {"code": f"print({n} % 7, {n} // 7)\nprint(2**64, 3.14159265358979, 6.02214076e23)"},
        f"{n % 7} {n // 7}\n18446744073709551616 3.14159265358979 6.02214076e+23\n",
    )
    s.say(f"The remainder is {n % 7}.")


def invoice_numbers(s: Sheet) -> None:
    text = f"Invoice no.: {s.num(2024, 2026)}-{s.num(1000, 9999)}-{s.num(10, 99)}\nCustomer no.: {s.digits(10)}\nContract: {s.digits(3)}/{s.digits(4)}/{s.digits(5)}\nVAT id: DE{s.digits(9)}\nTax no. {s.num(10, 99)}/{s.num(100, 999)}/{s.num(10000, 99999)}\nMeter no. 1EMH00{s.digits(8)}\nDelivery point: DE000{s.digits(28)}\nPeriod 01.01.2025-31.12.2025\n"
    s.tool("pdf_to_text", {"path": "in/bill.pdf"}, text)
    s.say("It is the bill for the whole year.")


def securities(s: Sheet) -> None:
    rows = "isin,wkn,name,qty,price\n"
    for land in ("DE000", "US", "LU", "IE00"):
        rows += f"{land}{chars(s.r, 'ABCDEFGHKLMNPQRSTUVWXYZ0123456789', 11 - len(land))}{s.num(0, 9)},{s.hex(6).upper()},Fund {s.num(1, 99)},{s.num(1, 900)},{s.price()}\n"
    s.read("depot.csv", rows)
    s.say("Four funds. LEI and BIC such as COBADEFFXXX name banks, not accounts.")


def devices(s: Sheet) -> None:
    found = {
        "imei": "35" + s.digits(13),
        "iccid_masked": "8949************",
        "serial": chars(s.r, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 12),
        "vin": "WVWZZZ1KZ" + chars(s.r, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 8),
        "battery": s.num(1, 100),
    }
    s.tool("mdm_get_device", {"serial": found["serial"]}, found)
    s.say("The device is charged.")


def form(s: Sheet) -> None:
    text = s.pick(
        '<label for="tel">Telefon</label><input id="tel" type="tel" placeholder="+49 …" pattern="[0-9+ ]{6,20}">\n<label for="mail">E-Mail</label><input id="mail" type="email" placeholder="name@firma">\n<label>IBAN</label><input name="iban" maxlength="34">\n<input type="password" name="password" autocomplete="new-password">\n',
        "Name: ____________\nE-mail: ____________\nPhone: ____________\nIBAN: DE__ ____ ____ ____ ____ __\nCard number: •••• •••• •••• ••••\nSignature: ____________\n",
        "- heading 'Checkout' [level=1]\n- textbox 'Email' [ref=e4]\n- textbox 'Card number' [ref=e5]: ''\n- textbox 'Password' [ref=e6]\n- button 'Pay' [ref=e7]\n",
    )
    s.tool("browser_snapshot", {}, text)
    s.say("An empty form.")


def validation(s: Sheet) -> None:
    s.tool(
        "create_customer",
        {"name": "", "email": "", "phone": None},
        {
            "error": "validation_error",
            "details": [
                {"field": "email", "message": "must be a valid e-mail address, like name@domain"},
                {"field": "phone", "message": "use the form +CC NNN NNNNNN"},
                {"field": "iban", "message": "checksum (mod 97) wrong, masked: DE89…3000"},
            ],
        },
    )
    s.say("Three fields are missing.")


def masked(s: Sheet) -> None:
    found = {
        "card": {"brand": "visa", "last4": s.digits(4), "masked": f"****{s.digits(4)}", "bin": s.digits(6)},
        "email": s.pick("j***@t***.com", "m•••@•••", "hidden"),
        "phone": f"+49 *** *** **{s.num(10, 99)}",
        "iban_last4": s.digits(4),
        "ip": "x.x.x.x",
    }
    s.tool("get_customer", {"id": s.uuid()}, found)
    s.say("I see only the last four digits of the card ending in " + found["card"]["last4"] + ".")


def card_rules(s: Sheet) -> None:
    s.user("Which lengths can a card number have?")
    s.say(
        "Visa starts with 4 and has 16 digits, American Express starts with 34 or 37 and has 15. The last digit is a check digit (Luhn). A test reads `4XXX XXXX XXXX XXXX`; regex: `^4[0-9]{12}(?:[0-9]{3})?$`. An IBAN is `DEkk bbbb bbbb cccc cccc cc`, 22 characters."
    )
    s.read(
        "docs/payments.md",
        "Card data never reaches our servers. The page of the processor returns a token that starts with `tok_`.\n",
    )


SCENES = (
    order,
    parcel,
    big_ids,
    uuids,
    timestamps,
    private_net,
    doc_net,
    oids,
    mac,
    coordinates,
    prices,
    books,
    scores,
    maths,
    invoice_numbers,
    securities,
    devices,
    form,
    validation,
    masked,
    card_rules,
)
