"""Clean scenes of the fourth corpus from trade and offices: numbers of orders, parcels, goods and tickets; no person in them."""

from collections.abc import Callable

from benchmarks.pii_corpora.fourth_trace import Trace


def order_lookup(t: Trace) -> None:
    """An order and its parts."""
    number = t.pick(f"ORD-{t.num(8)}", f"#{t.num(5)}", t.num(10), f"{t.num(3)}-{t.num(7)}-{t.num(7)}")
    t.user(
        f"Where is order {number}?",
        f"Wo bleibt Bestellung {number}?",
        f"¿Dónde está el pedido {number}?",
        f"Où en est la commande {number} ?",
    )
    lines = [
        {"sku": f"{t.hexed(3).upper()}-{t.num(5)}", "qty": t.between(1, 9), "unitPrice": float(t.price())}
        for _ in range(t.between(1, 4))
    ]
    t.tool(
        "get_order",
        {"orderNumber": number},
        {
            "orderNumber": number,
            "status": t.pick("SHIPPED", "PACKED", "PAID"),
            "createdAt": t.when(),
            "lines": lines,
            "customerId": int(t.num(7)),
            "invoiceNo": f"INV{t.num(9)}",
        },
    )
    t.says(f"Order {number} left the warehouse on {t.when('%d %B %Y')}.", "It is packed and leaves today.")


def shipment(t: Trace) -> None:
    """The way of a parcel."""
    number = t.pick(f"1Z{t.hexed(16).upper()}", f"JJD{t.num(20)}", f"RR{t.num(9)}DE", f"{t.num(12)}", f"00{t.num(18)}")
    steps = [
        {
            "ts": t.when(),
            "location": t.pick("Leipzig", "Louisville", "Roissy", "Tilburg"),
            "code": t.pick("DEP", "ARR", "OFD"),
        }
        for _ in range(t.between(1, 5))
    ]
    t.tool(
        "track_parcel",
        {"tracking_number": number},
        {"tracking_number": number, "events": steps, "weight_kg": float(t.price(20))},
    )
    t.says(f"Tracking number {number}: it was last scanned at {t.when('%H:%M')}.", "The parcel is on its way.")


def invoices(t: Trace) -> None:
    """Open invoices."""
    rows = [
        (
            f"| {t.pick('RE', 'INV', 'FA')}-{t.between(2023, 2026)}-{t.num(5)} | {t.when('%d.%m.%Y')} | "
            f"{t.price(9000)} EUR | {t.pick('open', 'paid', 'overdue')} |"
        )
        for _ in range(t.between(2, 7))
    ]
    t.user("Which invoices are overdue?", "Liste die offenen Rechnungen auf.")
    t.says("| No. | Date | Amount | State |\n|---|---|---|---|\n" + "\n".join(rows))


def tickets(t: Trace) -> None:
    """What a search for tickets returns."""
    found = [
        {
            "id": int(t.num(6)),
            "key": f"{t.pick('OPS', 'PAY', 'WEB')}-{t.num(4)}",
            "subject": t.pick(
                "Export times out",
                "Rechnung wird doppelt angezeigt",
                "Password reset mail never arrives",
                "Token refresh loops on Safari",
                "Telefonfeld akzeptiert keine Leerzeichen",
                "El IBAN no se valida",
            ),
            "priority": t.pick("low", "normal", "urgent"),
            "updated": t.when(),
            "assigneeId": int(t.num(9)),
        }
        for _ in range(t.between(1, 5))
    ]
    t.tool(
        "search_tickets",
        {"query": "status:open", "page": t.between(1, 9)},
        {"results": found, "count": t.between(5, 900), "next_page": None},
    )
    t.says(f"{len(found)} tickets match; {found[0]['key']} is the oldest.")


def catalog(t: Trace) -> None:
    """Goods with their numbers."""
    rows = [
        {
            "gtin": t.num(13),
            "ean": t.num(13),
            "sku": f"SKU-{t.num(8)}",
            "mpn": f"{t.hexed(4).upper()}-{t.num(4)}",
            "price": t.price(),
            "stock": t.between(0, 4000),
        }
        for _ in range(t.between(1, 4))
    ]
    t.tool("search_products", {"q": t.pick("lamp", "mug", "Regal", "chaise"), "limit": 4}, {"products": rows})
    t.says(f"The cheapest is SKU-{t.num(8)} (EAN {t.num(13)}).", f"{len(rows)} products found.")


def books(t: Trace) -> None:
    """Books with their numbers."""
    t.user("Find the ISBN of the second edition.", "Which edition do we stock?")
    t.tool(
        "library_search",
        {"title": "Handbook of bridges"},
        (
            f"Handbook of Bridges, 2nd ed. ISBN 978-{t.between(0, 4)}-{t.num(3)}-{t.num(5)}-{t.between(0, 10)} "
            f"(ISBN-10: {t.num(9)}X), {t.between(200, 900)} pages, DOI 10.{t.num(4)}/{t.num(6)}, ISSN "
            f"{t.num(4)}-{t.num(4)}"
        ),
    )
    t.says("It is in stock.")


def vehicle(t: Trace) -> None:
    """A vehicle and its number."""
    vin = "WVWZZZ" + t.hexed(11).upper()
    t.tool(
        "vehicle_lookup",
        {"vin": vin},
        {
            "vin": vin,
            "year": t.between(2008, 2025),
            "odometer_km": t.between(4000, 250000),
            "recalls": [{"campaign": f"{t.num(2)}V{t.num(3)}", "component": "brakes"}],
            "tireSize": "205/55 R16 91V",
        },
    )
    t.says("There is one open recall.")


def devices(t: Trace) -> None:
    """Devices with numbers of hardware."""
    rows = [
        (
            f"{t.hexed(4).upper()}{t.num(6)};IMEI 35{t.num(13)};"
            f"{t.hexed(2)}:{t.hexed(2)}:{t.hexed(2)}:{t.hexed(2)}:{t.hexed(2)}:{t.hexed(2)};firmware "
            f"{t.between(1, 9)}.{t.between(0, 20)}.{t.between(0, 99)}"
        )
        for _ in range(t.between(1, 5))
    ]
    t.tool("export_devices", {"format": "csv"}, "serial;imei;mac;firmware\n" + "\n".join(rows))
    t.says("All devices report the newest firmware but one.")


def stock_sheet(t: Trace) -> None:
    """A sheet of stock."""
    rows = [
        (
            f"{t.num(6)},{t.pick('Bolt M8', 'Hinge left', 'Panel 60x40')},{t.between(0, 9000)},{t.price(40)},"
            f"{t.pick('A', 'B')}-{t.num(2)}-{t.num(2)},{t.when('%Y-%m-%d')}"
        )
        for _ in range(t.between(3, 9))
    ]
    t.tool("read_spreadsheet", {"file": "stock.csv"}, "item_no,name,qty,unit_cost,bin,counted\n" + "\n".join(rows))
    t.says(f"{len(rows)} items, {t.between(0, 3)} below the minimum.")


def sales_table(t: Trace) -> None:
    """Sums by month as a client of a database prints them."""
    rows = [
        (
            f" {t.when('%Y-%m')}   | {t.between(100, 90000):>9} | {t.price(999999):>12} | "
            f"{t.between(-40, 90):>4}.{t.num(1)} %"
        )
        for _ in range(t.between(3, 8))
    ]
    t.user("How did sales develop?", "Umsatz nach Monat bitte.")
    t.tool(
        "run_sql",
        {"query": "select month, count(*), sum(total) from orders group by 1 order by 1"},
        " month     |     count |          sum | growth\n"
        + "\n".join(rows)
        + f"\n({len(rows)} rows)\nTime: {t.price(90)} ms",
    )
    t.says(f"Sales rose by {t.between(2, 30)}.{t.num(1)} % over the period.")


def masked_payment(t: Trace) -> None:
    """Cards and accounts of which only the end is seen."""
    four = f"{t.between(0, 10000):04d}"
    t.user("Which card is on file?", "Welche Karte ist hinterlegt?")
    t.tool(
        "get_payment_method",
        {"customerId": f"cus_{t.hexed(14)}"},
        {
            "type": "card",
            "brand": t.pick("visa", "mastercard"),
            "last4": four,
            "masked": t.pick(f"**** **** **** {four}", f"xxxx-xxxx-xxxx-{four}", f"•••• {four}"),
            "expMonth": t.between(1, 13),
            "expYear": t.between(2026, 2031),
            "iban": t.pick("DE** **** **** **** **** **", "DE89 XXXX XXXX XXXX XXXX XX", "NL**************"),
        },
    )
    t.says(f"The Visa card ending in {four}.", f"Visa •••• {four}, fingerprint {t.hexed(16)}.")


def masked_contact(t: Trace) -> None:
    """Contact data that was taken out before."""
    row = {
        "name": t.pick("[NAME]", "J*** D***", "<redacted>"),
        "email": t.pick("[EMAIL]", "<email>", "***", "redacted"),
        "phone": t.pick("[PHONE]", "+49 *** *****12", "xxx-xxx-xxxx", "<phone_number>"),
        "consent": t.often(),
        "segment": t.pick("A", "B"),
    }
    t.tool("crm_lookup", {"customer_id": t.num(6)}, {"customer": row, "updated_at": t.when()})
    t.says("The contact data is hidden for this role.")


def settlement(t: Trace) -> None:
    """References of payments."""
    t.tool(
        "list_settlements",
        {"since": t.when("%Y-%m-%d")},
        {
            "settlements": [
                {
                    "endToEndId": f"E2E{t.num(14)}",
                    "mandateReference": f"M-{t.num(6)}",
                    "amount": t.price(9000),
                    "batch": f"B{t.num(7)}",
                    "bic": t.pick("TESTDEXX", "TESTFRXX"),
                }
                for _ in range(t.between(1, 4))
            ]
        },
    )
    t.says("All batches were settled.")


def like_phones(t: Trace) -> None:
    """Numbers that are shaped like phones beside the word for what they are."""
    a, b, c = t.num(3), t.num(3), t.num(4)
    text = t.pick(
        f"Order no. {a}-{b}-{c}",
        f"SKU {a}-{b}-{c}",
        f"account ref {a}.{b}.{c}",
        f"Artikelnummer {t.num(4)} {t.num(7)}",
        f"Invoice number {t.num(10)}",
        f"Case number: {a} {b} {c}",
        f"Vorgangsnummer {t.num(4)}/{t.num(7)}",
        f"part no. {t.num(3)}-{t.num(4)}-{t.num(4)}",
        f"Pedido n.º {a} {b} {b}",
        f"n° de dossier {t.num(2)} {t.num(2)} {t.num(2)} {t.num(2)}",
        f"policy number {t.num(4)} {t.num(3)} {t.num(3)}",
        f"batch {t.num(4)}-{t.num(6)}",
    )
    if t.often():
        t.user(f"{text}: {t.pick('is it paid?', 'what is the state?', 'please check.')}")
        t.says(f"{text} is {t.pick('open', 'done', 'waiting for parts')}.")
    else:
        t.tool(
            "get_case",
            {"ref": t.num(6)},
            {"ref": t.num(6), "summary": text, "opened": t.when(), "steps": t.between(1, 9)},
        )
        t.says("It is still open.")


SHOP: tuple[Callable[[Trace], None], ...] = (
    order_lookup, shipment, invoices, tickets, catalog, books, vehicle, devices, stock_sheet, sales_table,
    masked_payment, masked_contact, settlement, like_phones,
)  # fmt: skip
