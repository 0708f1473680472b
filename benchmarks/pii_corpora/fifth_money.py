"""Scenes of the fifth corpus with cards and accounts."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

from benchmarks.pii_corpora.fifth_trace import Sheet


def cents(s: Sheet) -> int:
    return s.num(300, 90000)


def card_said(s: Sheet) -> None:
    said = s.pick(
        "The card is {}, expires {}/{}.",
        "please use my visa/master {} exp {}/{} for the order",
        "Neue Kreditkarte: {} gültig bis {}/{}",
        "Ma carte : {} – fin {}/{}",
        "mi tarjeta es {} y caduca {}/{}",
        "Numero carta {} scadenza {}/{}",
        "Charge it to {} ({}/{}) and tell me when it went through",
        "cc# {} exp.{}/{}",
        "número do cartão: {}, validade {}/{}",
        "カード番号は {} 有効期限 {}/{} です",
    )
    s.user(said.format(s.card("said by a customer"), f"{s.num(1, 12):02d}", s.num(27, 31)))
    s.tool(
        "charge_order",
        {"order_id": f"W{s.digits(7)}", "amount_cents": cents(s)},
        {"status": "declined", "reason": "do_not_honor"},
    )
    s.say("The bank declined it. Is there another card?")


def card_call(s: Sheet) -> None:
    s.say("Could you read me the long number on the front?")
    s.user(
        s.pick(
            "sure it's {}", "{}, and the code on the back is 4 1 7", "okay, card number {}", "um, {} is the number"
        ).format(s.card("read out on a call", " "))
    )
    s.say("And the date?")
    s.user(f"{s.num(1, 12)} slash {s.num(27, 31)}")
    s.tool("tokenize", {"channel": "moto"}, {"token": s.uuid(), "brand": "unknown", "last4": s.digits(4)})


def card_arguments(s: Sheet) -> None:
    name = s.pick("number", "card_number", "cardNumber", "pan", "cc_number", "account_number")
    card = {
        name: s.card(f"argument {name}", s.pick("", "", " ")),
        "exp_month": s.num(1, 12),
        "exp_year": s.num(2027, 2031),
    }
    if name == "number":
        card["cvc"] = str(s.num(100, 999))
    if name == "account_number":
        card = {"type": "credit_card", **card}
    s.user("Put the new card on file, then renew the plan.")
    s.tool("payments_create_method", {"type": "card", "card": card}, {"id": f"pm_{s.hex(24)}", "livemode": False})
    s.say("The card is on file.")


def card_issued(s: Sheet) -> None:
    found = {
        "id": f"ic_{s.hex(24)}",
        "object": "issuing.card",
        "brand": "Visa",
        "number": s.card("number of an issued card", ""),
        "exp_month": 9,
        "exp_year": 2029,
        "cvc": str(s.num(100, 999)),
        "status": "active",
        "spending_controls": {"spending_limits": [{"amount": cents(s), "interval": "monthly"}]},
    }
    s.tool("issuing_retrieve_card", {"card": found["id"], "expand": ["number", "cvc"]}, found)
    s.say("It is active.")


def card_csv(s: Sheet) -> None:
    comma = s.pick(",", ";", "|")
    rows = [
        comma.join(
            ("txn_date", "cardholder", s.pick("card_no", "Card Number", "Kartennummer", "credit_card", "PAN"), "amount")
        )
    ]
    rows += [
        comma.join((s.day(), s.person().name, s.card("column of a CSV", s.pick("", "", "-")), s.price()))
        for _ in range(s.num(2, 4))
    ]
    s.user("Sum of the amounts?")
    s.read("settlement.csv", "\n".join(rows))
    s.say("I add up the last column.")


def card_soap(s: Sheet) -> None:
    tag = s.pick("CardNumber", "ns2:AccountNumber", "acctNum", "PrimaryAccountNumber")
    text = (
        "<soapenv:Body>\n <Authorize>\n  <Payment>\n   <CreditCard>\n"
        f"    <{tag}>{s.card('XML of a payment', '')}</{tag}>\n    <ExpDate>2029-0{s.num(1, 9)}</ExpDate>\n   </CreditCard>\n"
        f"   <Amount currency='USD'>{s.price()}</Amount>\n  </Payment>\n </Authorize>\n</soapenv:Body>"
    )
    s.shell("grep -A12 Body gateway.log | head -14", text)
    s.say("The request is well formed.")


def card_log(s: Sheet) -> None:
    lines = (
        f"{s.stamp()} DEBUG [pay-{s.num(1, 9)}] PaymentService - authorize pan={s.card('log, pan=', '')} exp=0{s.num(1, 9)}29 amt={s.price()}",
        f"{s.stamp()} WARN  checkout.form validation failed: {{'card[number]': '{s.card('log, form field')}', 'card[name]': ''}}",
        f"{s.stamp()} ERROR psp: card number {s.card('log, sentence')} rejected: expired",
    )
    s.user("Look for leaks of card data in the log.")
    s.shell("grep -iE 'pan|card' app.log | tail", "\n".join(s.r.sample(lines, s.num(1, 3))))
    kept = "\n".join(part["text"] for message in s.messages for part in message["parts"])
    s.planted[:] = [one for one in s.planted if one.value in kept]
    s.say("Yes, whole numbers are written; they should be cut to the last four.")


def card_html(s: Sheet) -> None:
    text = (
        '<form id="pay" method="post">\n <label for="cc">Card number</label>\n'
        f' <input id="cc" name="cardnumber" autocomplete="cc-number" value="{s.card("value of a form field")}">\n'
        ' <input name="exp" autocomplete="cc-exp" placeholder="MM/YY">\n <button>Pay</button>\n</form>'
    )
    s.tool("browser_snapshot", {"selector": "#pay"}, text)
    s.tool("browser_type", {"selector": "#exp", "text": "09/29"}, {"ok": True})
    s.say("The form is filled in.")


def card_typed(s: Sheet) -> None:
    s.tool(
        "browser_type",
        {"selector": "input[name=cardnumber]", "text": s.card("typed into a card field")},
        {"ok": True, "value_length": 19},
    )
    s.say("Next is the date.")


def card_sql(s: Sheet) -> None:
    s.shell(
        "tail -3 dump.sql",
        "INSERT INTO payment_cards (id, holder, card_number, expires) VALUES\n"
        f" ({s.digits(4)}, '{s.person('us').last}', '{s.card('value in SQL', s.pick('', '', '-'))}', '2028-04'),\n"
        f" ({s.digits(4)}, '{s.person('us').last}', '{s.card('value in SQL', '')}', '2029-11');",
    )
    s.say("Two rows.")


def card_form_body(s: Sheet) -> None:
    body = f"amount={cents(s)}&currency=eur&source[object]=card&source[number]={s.card('form body', s.pick('', '', '+'))}&source[exp_month]=8"
    s.shell(
        f"curl -s https://pay.{s.domain}/v1/charges -d '{body}'", s.json({"error": {"type": "invalid_request_error"}})
    )
    s.say("The old endpoint no longer takes raw numbers.")


def card_mail(s: Sheet) -> None:
    text = (
        f"Subject: Room guarantee\n\nPlease guarantee room {s.num(100, 500)} with our company {s.pick('Visa', 'Mastercard', 'Amex', 'credit card')}:\n"
        f"No.: {s.card('mail to a hotel')}\nValid thru: 0{s.num(1, 9)}/29\nName: {s.person().name}\n"
    )
    s.tool("mail_read", {"uid": s.num(10, 9999)}, text)
    s.say("They ask to hold the room on a card.")


def card_sheet(s: Sheet) -> None:
    head = s.pick("Card #", "Karten-Nr.", "N° de carte", "Corporate card")
    text = f"| Employee | {head} | Limit |\n|:--|:--|--:|\n"
    for _ in range(2):
        text += f"| {s.person().name} | {s.card('column of a table')} | {s.num(1, 9)},000 |\n"
    s.tool("sheet_read", {"tab": "cards"}, text)
    s.say("Two cards are listed.")


# Accounts


def iban_said(s: Sheet) -> None:
    land = s.pick("de", "fr", "es", "it", "nl", "at", "be", "pl", "gb", "pt", "ch", "se")
    said = {
        "de": s.pick("Bitte überweisen Sie auf {}.", "meine IBAN lautet {}, danke", "neue Bankverbindung: {}"),
        "at": "Rückzahlung bitte auf {} (Bank in Wien)", "ch": "Bitte auf mein Konto {}, merci",
        "fr": "Voici mon IBAN : {}", "es": "La cuenta es {}. Gracias", "it": "il mio IBAN è {}", "nl": "Rekening {} t.n.v. mij",
        "be": "Graag terugstorten op {}.", "pl": "proszę o zwrot na konto {}", "gb": "Please refund me by bank transfer to {}",
        "pt": "O IBAN é {}", "se": "Sätt in pengarna på {}",
    }[land]  # fmt: skip
    s.user(said.format(s.iban("said by a customer", land)))
    s.tool(
        "refund",
        {"order_id": f"{s.digits(8)}", "method": "transfer", "amount": s.price()},
        {"state": "pending", "needs_second_person": True},
    )
    s.say("OK.")


def pain(s: Sheet) -> None:
    text = (
        "<CdtTrfTxInf>\n <PmtId><EndToEndId>NOTPROVIDED</EndToEndId></PmtId>\n"
        f' <Amt><InstdAmt Ccy="EUR">{s.price()}</InstdAmt></Amt>\n <Cdtr><Nm>{s.company}</Nm></Cdtr>\n'
        f" <CdtrAcct><Id><IBAN>{s.iban('XML of a transfer', None, 'compact')}</IBAN></Id></CdtrAcct>\n</CdtTrfTxInf>\n"
    )
    s.read(
        "out/pain.001.xml",
        "<DbtrAcct><Id><IBAN>" + s.iban("XML of a transfer", None, "compact") + "</IBAN></Id></DbtrAcct>\n" + text,
    )
    s.say("One transfer.")


def mt940(s: Sheet) -> None:
    text = (
        f":20:STARTUMSE\n:25:{s.iban('MT940, field 25', 'de', 'compact')}\n:28C:00001/001\n:60F:C260201EUR{s.num(100, 99999)},12\n"
        f":61:2602030203D{s.num(10, 900)},00NDDTNONREF\n:86:105?00LASTSCHRIFT?20EREF+{s.digits(9)}?30COBADEFFXXX"
        f"?31{s.iban('MT940, field 86', 'de', 'compact')}?32{s.company[:20].upper()}\n-\n"
    )
    s.read("umsatz.sta", text)
    s.say("One debit in the period.")


def bill(s: Sheet) -> None:
    land = s.pick("de", "fr", "es", "it", "nl", "gb", "cz", "fi")
    line = {
        "de": "Bitte überweisen Sie bis {d} auf IBAN {i}, BIC {b}.", "fr": "Règlement par virement avant le {d} — IBAN {i} / BIC {b}",
        "es": "Forma de pago: transferencia. IBAN: {i} (vence {d}). SWIFT {b}", "it": "Bonifico entro {d} — IBAN: {i} — BIC: {b}",
        "nl": "Gelieve te betalen voor {d} op {i}, BIC {b}", "gb": "Pay by {d}: IBAN {i}; SWIFT/BIC {b}.",
        "cz": "Číslo účtu (IBAN): {i}, SWIFT: {b}, splatnost {d}", "fi": "Tilinumero {i}, BIC {b}, eräpäivä {d}",
    }[land]  # fmt: skip
    bic = "".join(s.r.choices("ABDGKRST", k=4)) + land.upper() + "22XXX"
    text = f"{s.company}\nInvoice {s.digits(6)}\n\n1 × service  {s.price()} EUR\n\n" + line.format(
        d=s.day(), i=s.iban("foot of an invoice", land), b=bic
    )
    s.tool("pdf_to_text", {"path": f"in/{s.digits(6)}.pdf"}, text)
    s.say("To be paid by transfer.")


def payroll(s: Sheet) -> None:
    comma = s.pick(",", ";")
    rows = [comma.join(("staff_no", "name", s.pick("iban", "IBAN", "bank_account", "Kontonummer"), "net"))]
    rows += [
        comma.join((s.digits(5), s.person().name, s.iban("column of a CSV"), f"{s.num(1800, 6000)}.00"))
        for _ in range(s.num(2, 4))
    ]
    s.read("payroll/2026-02.csv", "\n".join(rows))
    s.say("The net sum is in the last column.")


def bank_api(s: Sheet) -> None:
    found = {
        "accounts": [
            {
                "resourceId": s.uuid(),
                s.pick("iban", "iban", "IBAN", "accountNumber"): s.iban("bank API", None, "compact"),
                "currency": "EUR",
                "cashAccountType": "CACC",
                "balances": [{"balanceType": "expected", "balanceAmount": {"amount": s.price(), "currency": "EUR"}}],
            }
        ]
    }
    if s.r.random() < 0.6:
        found["transactions"] = [
            {
                "creditorAccount": {"iban": s.iban("creditor of a booking", None, "compact")},
                "remittance": "RF " + s.digits(5),
            }
        ]
    s.tool("psd2_list_accounts", {"consent": s.uuid()}, found)
    s.say("One account.")


def mandate(s: Sheet) -> None:
    s.tool(
        "create_mandate",
        {
            "scheme": "sepa_core",
            "holder": s.person().name,
            "iban": s.iban("argument of a mandate"),
            "reference": f"M-{s.digits(8)}",
        },
        {"id": f"MD{s.hex(10).upper()}", "status": "pending_submission", "next_possible_charge_date": s.day()},
        s.pick("", "I set up the direct debit."),
    )
    s.say("The mandate waits for the bank.")


def qr_bill(s: Sheet) -> None:
    text = f"BCD\n002\n1\nSCT\n\n{s.company}\n{s.iban('QR code of a transfer', None, 'compact')}\nEUR{s.price()}\n\n\nRE {s.digits(6)}\n"
    s.tool("qr_decode", {"image": "scan.png"}, {"type": "text", "data": text})
    s.say("A transfer code.")


def iban_code(s: Sheet) -> None:
    s.user("My validator says this one is wrong, it is not!")
    s.shell(
        "pytest -q tests/test_iban.py",
        f"    def test_good():\n>       assert valid('{s.iban('test code')}')\nE       AssertionError\n\n1 failed in 0.0{s.num(1, 9)}s\n",
    )
    s.say("The validator does not strip the blanks.")


def deposit(s: Sheet) -> None:
    s.tool(
        "mail_read",
        {"uid": s.num(1, 999)},
        f"Hallo,\n\nKaution bitte an {s.person('de').name}, {s.pick('IBAN', 'Konto', 'Kto.', 'IBAN-Nr.')}{s.pick(':', '', ' :')} {s.iban('letter of a landlord', 'de')}, "
        f"Verwendungszweck Wohnung {s.num(1, 40)}.\n\nGruß",
    )
    s.say("Es geht um die Kaution.")


def marketplace(s: Sheet) -> None:
    found = {
        "seller": f"S{s.digits(6)}",
        "payout": {
            "method": "bank",
            "details": f"IBAN={s.iban('details of a payout', None, 'compact')};holder={s.company}",
        },
        "vat": "pending",
    }
    s.tool("seller_get", {"id": found["seller"]}, found)
    s.user(f"Change it to {s.iban('said by a seller')} from next month on")
    s.say("Noted.")


def swift_table(s: Sheet) -> None:
    rows = "  supplier         | bank_account                       | terms\n-------------------+------------------------------------+------\n"
    for _ in range(3):
        rows += f" {s.pick('Alder', 'Birch', 'Cedar')} {s.num(1, 99)} GmbH  | {s.iban('row of psql', None, 'compact')} | {s.num(10, 60)}\n"
    s.shell("psql -f suppliers.sql", rows)
    s.say("Three suppliers.")


SCENES = (
    (card_said, 6), (card_call, 3), (card_arguments, 6), (card_issued, 2), (card_csv, 3), (card_soap, 2), (card_log, 3),
    (card_html, 2), (card_typed, 2), (card_sql, 2), (card_form_body, 2), (card_mail, 2), (card_sheet, 2), (iban_said, 6),
    (pain, 2), (mt940, 1), (bill, 4), (payroll, 3), (bank_api, 3), (mandate, 3), (qr_bill, 1), (iban_code, 2), (deposit, 2),
    (marketplace, 2), (swift_table, 2),
)  # fmt: skip
