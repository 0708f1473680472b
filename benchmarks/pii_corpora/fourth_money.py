"""Planted scenes of the fourth corpus about money: cards, accounts, bookings, rows of databases and sheets."""

import json
from collections.abc import Callable

from benchmarks.pii_corpora.fourth_trace import Trace


def card_in_chat(t: Trace) -> None:
    """Somebody types the number of a card where it does not belong."""
    line = t.pick(
        "My card number is {}, expires {}. Please just charge it.",
        "Meine Kreditkarte: {} gültig bis {}",
        "mi tarjeta es {} caduca {}",
        "Ma carte bancaire : {}, expire {}",
        "La mia carta di credito è {}, scadenza {}",
        "O número do cartão é {}, validade {}",
        "pls use visa/mc card {} exp {}",
    )
    t.user(line.format(t.card(), f"{t.between(1, 13):02d}/{t.between(26, 31)}"))
    t.says(
        "Please do not send card numbers here. I have opened the payment page for you.",
        "I cannot take card details in the chat.",
    )


def card_payload(t: Trace) -> None:
    """The body of a call for a payment."""
    field = t.pick("card_number", "cardNumber", "number", "pan", "ccNumber", "credit_card")
    payload = {
        "amount": t.between(500, 90000),
        "currency": t.pick("EUR", "USD", "GBP"),
        "card": {field: t.card("together"), "exp_month": t.between(1, 13), "exp_year": t.between(2026, 2032)},
        "reference": f"INV-{t.num(6)}",
    }
    if t.often():
        t.tool("create_payment", payload, {"id": f"pay_{t.hexed(18)}", "status": "requires_action"})
    else:
        t.tool(
            "get_request_log",
            {"id": f"req_{t.hexed(12)}"},
            {"method": "POST", "path": "/v1/payments", "body": json.dumps(payload)},
        )
    t.says("The payment waits for confirmation.")


def card_ticket(t: Trace) -> None:
    """A ticket that quotes a card."""
    w = t.who()
    text = t.pick(
        "Customer {} was charged twice on card {} on {}.",
        "{} möchte die Kreditkarte {} hinterlegen (Anruf vom {}).",
        "{} a payé avec la carte {} le {}.",
        "{} pagó con la tarjeta {} el {}, pide la devolución.",
    ).format(w.name, t.card(), t.when("%d.%m.%Y"))
    t.tool(
        "search_tickets",
        {"q": "charged twice", "status": "open"},
        {"tickets": [{"id": int(t.num(6)), "description": text, "priority": "high"}]},
    )
    t.says("One open ticket.", "I found the complaint.")


def card_sheet(t: Trace) -> None:
    """A sheet of payments."""
    rows = ["date,invoice,card_number,amount"]
    rows += [f"{t.when('%Y-%m-%d')},R{t.num(6)},{t.card()},{t.price()}" for _ in range(t.between(1, 5))]
    t.tool("read_file", {"path": "exports/payments.csv"}, "\n".join(rows))
    t.says("The sum of the payments is below the limit.")


def card_log(t: Trace) -> None:
    """A line of a log that should not hold a card."""
    line = t.pick(
        "ERROR PaymentGateway - declined card={} code=51 order={}",
        "WARN  c.p.CheckoutService: validation failed for card number {} (order {})",
        '{{"level":"error","msg":"charge failed","cardNumber":"{}","orderId":"{}"}}',
    )
    t.tool(
        "tail_log",
        {"service": "checkout", "lines": 50},
        f"{t.when()} {line.format(t.card('together'), t.num(8))}\n{t.when()} INFO retry in 30 s",
    )
    t.says("The charge was declined with code 51.")


def hotel_booking(t: Trace) -> None:
    """A booking with a guest and a card as guarantee."""
    w = t.who()
    body = {
        "reservation": {
            "confirmation": t.num(10),
            "guest": {"name": w.name, "guestEmail": t.email(w), "guestPhone": t.phone(w.country)},
            "nights": t.between(1, 9),
            "rate": float(t.price(300)),
        }
    }
    if t.often(0.5):
        body["reservation"]["guarantee"] = {"type": "credit card", "cardNumber": t.card()}
    t.tool("booking_get", {"confirmation": t.num(10)}, body)
    t.says(f"{w.name} stays {body['reservation']['nights']} nights.")


def flight_booking(t: Trace) -> None:
    """A booking of a flight is made."""
    w = t.who()
    t.user(
        f"Book the {t.pick('07:25', '13:40')} to {t.pick('Lisbon', 'Denver', 'Kraków')} for {w.name}, "
        f"contact {t.email(w)}, {t.pick('mobile', 'phone', 'tel')} {t.phone(w.country)}."
    )
    t.tool(
        "book_flight",
        {"flight": f"XK{t.num(4)}", "class": "Y", "pax": 1},
        {"pnr": t.hexed(6).upper(), "ticket": t.num(13)},
    )
    t.says("The ticket is issued.")


def transfer_request(t: Trace) -> None:
    """Somebody asks for a transfer."""
    w = t.who()
    number = t.iban(w.country)
    t.user(
        f"Please transfer {t.price()} EUR to {w.name}, IBAN {number}.",
        f"Bitte überweise {t.price()} € an {w.name}, {number}, Verwendungszweck RE-{t.num(5)}.",
        f"Fais un virement de {t.price()} € à {w.name} ({number}).",
        f"Haz una transferencia de {t.price()} € a la cuenta {number} de {w.name}.",
        f"Fai un bonifico di {t.price()} euro a {w.name} - {number}",
    )
    t.tool("check_balance", {"account": "main"}, {"available": float(t.price(9000)), "currency": "EUR"})
    t.says("Shall I release it?", "The balance suffices.")


def transfer_call(t: Trace) -> None:
    """A transfer in the arguments of a call."""
    w = t.who()
    names = [
        ("creditorName", "creditorIban"),
        ("recipient", "iban"),
        ("beneficiary_name", "beneficiary_iban"),
        ("payee", "accountNumber"),
    ]
    name, field = names[t.between(0, 4)]
    t.tool(
        "bank_transfer",
        {
            name: w.name,
            field: t.iban(w.country, "together" if t.often(0.7) else "groups"),
            "amount": t.price(),
            "currency": "EUR",
            "remittanceInfo": f"RE {t.num(6)}",
        },
        {"transferId": t.uuid(), "status": "PENDING"},
    )
    t.says("The transfer is under way.")


def bank_statement(t: Trace) -> None:
    """Lines of a statement."""
    rows = []
    for _ in range(t.between(2, 6)):
        w = t.who()
        rows.append(
            {
                "bookingDate": t.when("%Y-%m-%d"),
                "amount": f"-{t.price()}",
                "counterparty": w.name,
                "counterpartyIban": t.iban(w.country),
                "purpose": f"{t.pick('Rechnung', 'Invoice', 'Facture')} {t.num(6)}",
            }
        )
    t.tool("list_transactions", {"from": t.when("%Y-%m-%d"), "limit": 20}, {"transactions": rows})
    t.says(f"{len(rows)} payments left the account.")


def invoice_footer(t: Trace) -> None:
    """The foot of an invoice that was read from a PDF."""
    c = t.pick("DE", "AT", "NL", "FR", "GB", "CH", "SE")
    w = t.who(c)
    foot = (
        f"{w.last} {t.pick('GmbH', 'Ltd', 'SARL', 'AB', 'B.V.')}  ·  IBAN: {t.iban(c)}  ·  BIC: "
        f"{t.hexed(4).translate(str.maketrans('0123456789', 'GHKLMNPRST')).upper()}{c}2X\n"
        f"USt-IdNr. / VAT: {c}{t.num(9)}  ·  {t.pick('Tel.', 'Phone')} {t.phone(c)}  ·  {t.email(w, 'role')}"
    )
    t.tool(
        "read_pdf",
        {"path": f"invoices/{t.num(6)}.pdf", "pages": "1"},
        f"{t.pick('Invoice', 'Rechnung')} No. {t.num(6)}\nTotal: {t.price()} EUR\nDue within 14 days\n\n{foot}",
    )
    t.says("Due in 14 days.")


def sepa_sheet(t: Trace) -> None:
    """Mandates in a sheet."""
    gap = t.pick(";", ",")
    rows = [gap.join(("Mandat", "Name", "IBAN", "Betrag"))]
    for _ in range(t.between(2, 6)):
        w = t.who("DE")
        rows.append(
            gap.join((f"M-{t.num(5)}", w.name, t.iban("DE"), t.price().replace(".", "," if gap == ";" else ".")))
        )
    t.tool("read_spreadsheet", {"file": "lastschriften.csv"}, "\n".join(rows))
    t.says("Alle Mandate sind gültig.")


def refund_note(t: Trace) -> None:
    """A refund to an account, told in a ticket."""
    w = t.who(t.pick("DE", "NL", "ES", "FR", "PL", "PT", "BE"))
    note = t.pick(
        "Refund to {} please, name on the account is {}.",
        "Bitte auf folgendes Konto erstatten: {} ({})",
        "Remboursement sur le compte {} au nom de {}",
        "Terugbetaling naar {} t.n.v. {}",
        "Zwrot na konto {}, {}",
    )
    t.tool(
        "get_ticket",
        {"id": t.num(5)},
        {"id": t.num(5), "comments": [{"author": "customer", "body": note.format(t.iban(w.country), w.name)}]},
    )
    t.says("The customer gave an account for the refund.")


def sql_users(t: Trace) -> None:
    """Rows of a table as a client of a database prints them."""
    rows = []
    for number in range(t.between(2, 6)):
        w = t.who()
        rows.append(f" {t.num(4):>6} | {w.name:<24} | {t.email(w):<40} | {t.when('%Y-%m-%d %H:%M:%S')}")
        if number == 0 and t.often(0.3):
            rows.append(f" {t.num(4):>6} | {'(deleted)':<24} | {'':<40} | {t.when('%Y-%m-%d %H:%M:%S')}")
    t.tool(
        "run_sql",
        {"query": "select id, name, email, created_at from users order by created_at desc limit 5"},
        "     id | name                     | email                                    | created_at\n"
        + "\n".join(rows)
        + f"\n({len(rows)} rows)",
    )
    t.says("These are the newest accounts.")


def sql_rows_json(t: Trace) -> None:
    """Rows as lists, with the names of columns apart."""
    rows = []
    for _ in range(t.between(2, 5)):
        w = t.who()
        rows.append(
            [int(t.num(5)), w.name, t.email(w), t.phone(w.country, "international"), t.pick("active", "paused")]
        )
    t.tool(
        "query_database",
        {"sql": "SELECT id, name, contact_email, phone, status FROM customers"},
        {"columns": ["id", "name", "contact_email", "phone", "status"], "rows": rows},
    )
    t.says(f"{len(rows)} customers.")


def sql_where(t: Trace) -> None:
    """An address or a number in a statement itself."""
    w = t.who()
    query = t.pick(
        "SELECT * FROM orders WHERE customer_email = '{}' ORDER BY id DESC",
        "UPDATE users SET verified = true WHERE email = '{}'",
        "DELETE FROM newsletter WHERE lower(email) = lower('{}');",
    )
    t.tool(
        "execute_sql",
        {"statement": query.format(t.email(w))},
        {"rowcount": t.between(0, 9), "took_ms": t.between(1, 90)},
    )
    t.says("Done.")


def order_export(t: Trace) -> None:
    """An order of a shop with whom it goes to."""
    w = t.who()
    order = {
        "id": int(t.num(13)),
        "name": f"#{t.num(5)}",
        "total_price": t.price(),
        "line_items": [{"sku": f"SKU-{t.num(6)}", "quantity": t.between(1, 4)}],
        "customer": {
            "first_name": w.first,
            "last_name": w.last,
            "email": t.email(w),
            "phone": t.phone(w.country, "international"),
        },
        "checkout_id": int(t.num(14)),
    }
    if t.often(0.35):
        order["browser_ip"] = t.ip()
    t.tool("shopify_get_order", {"name": order["name"]}, {"order": order})
    t.says("The order is paid and not yet sent.")


def payout_profile(t: Trace) -> None:
    """A seller who is paid out."""
    w = t.who(t.pick("DE", "GB", "FR", "NL", "IT", "SE", "CH"))
    t.tool(
        "get_seller",
        {"sellerId": t.num(7)},
        {
            "seller": {
                "displayName": w.name,
                "payout": {"bankAccount": {"holder": w.name, "iban": t.iban(w.country), "bic": "XXXX"}},
                "supportEmail": t.email(w),
                "rating": 4.7,
            }
        },
    )
    t.says("Payouts are weekly.")


def xml_payment(t: Trace) -> None:
    """A payment as XML."""
    w = t.who(t.pick("DE", "AT", "ES", "IT", "BE"))
    t.tool(
        "read_file",
        {"path": "outbox/pain001.xml"},
        (
            f'<CdtTrfTxInf>\n  <Amt><InstdAmt Ccy="EUR">{t.price()}</InstdAmt></Amt>\n'
            f"  <Cdtr><Nm>{w.name}</Nm></Cdtr>\n"
            f"  <CdtrAcct><Id><IBAN>{t.iban(w.country, 'together')}</IBAN></Id></CdtrAcct>\n"
            f"  <RmtInf><Ustrd>RE {t.num(6)}</Ustrd></RmtInf>\n"
            f"</CdtTrfTxInf>"
        ),
    )
    t.says("One payment waits in the outbox.")


def expense_note(t: Trace) -> None:
    """Expenses, with a card in words."""
    w = t.who()
    t.user(
        f"Add the hotel to my expenses: {t.price()} {t.pick('EUR', 'GBP', 'USD')}, paid with the company "
        f"{t.pick('Visa', 'card', 'Amex', 'Mastercard', 'credit card')} {t.card('groups')}. "
        f"{t.pick('Receipt to', 'Copy to')} {t.email(w)}, thanks."
    )
    t.says("Added.")


MONEY: tuple[Callable[[Trace], None], ...] = (
    card_in_chat, card_payload, card_ticket, card_sheet, card_log, hotel_booking, flight_booking,
    transfer_request, transfer_call, bank_statement, invoice_footer, sepa_sheet, refund_note, sql_users,
    sql_rows_json, sql_where, order_export, payout_profile, xml_payment, expense_note,
)  # fmt: skip
