"""Planted scenes of the fourth corpus where people are looked up, written to, called and met."""

import json
from collections.abc import Callable

from benchmarks.pii_corpora.fourth_trace import Trace


def crm_record(t: Trace) -> None:
    """A customer in a CRM, with field names of one style."""
    w = t.who()
    names = {
        "camel": ("customerId", "fullName", "customerEmail", "mobileNumber", "lastOrder"),
        "snake": ("customer_id", "full_name", "email_address", "phone_no", "last_order"),
        "pascal": ("CustomerId", "Name", "Email", "MobilePhone", "LastOrderNumber"),
        "short": ("id", "name", "email", "tel", "order"),
    }[t.pick("camel", "snake", "pascal", "short")]
    t.user(
        f"What do we have on {w.name}?",
        f"Pull up the account of {w.name} please.",
        f"Is {w.last} still on the old plan?",
    )
    found = dict(zip(names, (f"C-{t.num(6)}", w.name, t.email(w), t.phone(w.country), f"ORD-{t.num(7)}"), strict=True))
    t.tool("crm_lookup", {"name": w.name}, {"results": [found], "total": 1} if t.often() else found)
    t.says(
        f"{w.name} is on the {t.pick('Basic', 'Team', 'Pro')} plan since {t.when('%B %Y')}.",
        "Found one match, see above.",
    )


def ticket_signature(t: Trace) -> None:
    """A ticket with the signature of who wrote it."""
    w = t.who()
    label = {
        "DE": "Tel.: ",
        "AT": "Mobil: ",
        "CH": "Tel. ",
        "FR": "Tél. : ",
        "BE": "GSM: ",
        "ES": "Tel. ",
        "IT": "Cell. ",
        "BR": "Celular: ",
    }
    close = {
        "DE": "Mit freundlichen Grüßen",
        "FR": "Cordialement",
        "ES": "Un saludo",
        "IT": "Cordiali saluti",
        "BR": "Atenciosamente",
    }
    sign = (
        f"{close.get(w.country, 'Kind regards')},\n"
        f"{w.name}\n{label.get(w.country, t.pick('Tel: ', 'Phone: ', 'M: ', 'Mobile '))}{t.phone(w.country)}"
    )
    if t.often(0.7):
        sign += f"\n{t.email(w)}"
    body = t.pick(
        "The parcel arrived but one of the two lamps was broken.",
        "I still cannot see the invoice for last month in the portal.",
        "Die Rechnung enthält einen Posten, den ich nicht bestellt habe.",
        "Le colis est indiqué comme livré mais je n'ai rien reçu.",
        "No puedo iniciar sesión desde la última actualización.",
    )
    t.tool(
        "zendesk_get_ticket",
        {"ticket_id": int(t.num(6))},
        f"Subject: {t.pick('Order', 'Invoice', 'Login')} {t.num(7)}\n\n{body}\n\n{sign}\n",
    )
    t.says("The customer asks for a replacement. I drafted an answer.", "This needs billing. Shall I move it there?")


def email_draft(t: Trace) -> None:
    """A draft in the arguments of a call."""
    w = t.who()
    t.user(
        f"Write to {w.name} that the order is delayed by a week.", f"Tell {w.first} the contract is ready for signing."
    )
    args = {
        "to": [t.email(w)],
        "subject": t.pick("Your order", "Delay of your delivery", "Contract"),
        "body": (
            f"Hello {w.first},\n\nyour order {t.num(8)} leaves our warehouse on {t.when('%d %B')}.\n\nBest,\nThe team"
        ),
    }
    if t.often(0.4):
        args["cc"] = [t.email(form="role")]
    t.tool(t.pick("send_email", "gmail_create_draft", "outlook_send"), args, {"status": "draft", "id": t.hexed(16)})
    t.says("The draft is ready.")


def email_headers(t: Trace) -> None:
    """A message as a mail server hands it over."""
    a, b = t.who(), t.who()
    head = (
        f"From: {a.name} <{t.email(a)}>\n"
        f"To: {t.pick('', b.name + ' ')}<{t.email(b)}>\n"
        f"Date: {t.when('%a, %d %b %Y %H:%M:%S +0000')}\n"
        f"Subject: {t.pick('Re: offer', 'Fwd: Angebot', 'Réunion de jeudi', 'Quick question')}\n"
    )
    t.tool(
        "read_email",
        {"message_id": t.hexed(12)},
        (
            f"{head}\n"
            f"{t.pick('Could you resend the quote?', 'Anbei das Angebot wie besprochen.', 'On se voit jeudi à 14 h ?')}\n"
        ),
    )
    t.says(t.pick("They would like the quote again.", "A short note about the offer."))


def forwarded_thread(t: Trace) -> None:
    """A thread with quoted parts."""
    a, b = t.who("DE"), t.who("DE")
    t.user(
        (
            f"Fasse das zusammen:\n\n> Am {t.when('%d.%m.%Y')} schrieb {a.name} <{t.email(a)}>:\n"
            f"> Hallo {b.first},\n> ruf mich bitte zurück, am besten mobil unter {t.phone('DE')}.\n"
            f">\n> Gruß\n> {a.first}"
        ),
    )
    t.says(f"{a.first} bittet um einen Rückruf.")


def calendar_event(t: Trace) -> None:
    """A meeting with those invited."""
    people = [t.who() for _ in range(t.between(2, 5))]
    guests = [
        {
            "email": t.email(w),
            "responseStatus": t.pick("accepted", "needsAction", "declined"),
            **({"displayName": w.name} if t.often() else {}),
        }
        for w in people
    ]
    event = {
        "id": t.hexed(26),
        "summary": t.pick("Quarterly review", "Kickoff", "Demo"),
        "start": {"dateTime": t.when("%Y-%m-%dT%H:00:00+02:00")},
        "attendees": guests,
    }
    if t.often(0.4):
        event["description"] = f"Dial-in: {t.phone('US', 'international')}, PIN {t.num(6)}#"
    t.tool("calendar_get_event", {"eventId": "next"}, event)
    t.says(f"{len(people)} people are invited.")


def calendar_invite(t: Trace) -> None:
    """A meeting is made for a person."""
    w = t.who()
    t.user(
        f"Book 30 minutes with {w.name} ({t.email(w)}) {t.pick('tomorrow at 10', 'on Friday afternoon', 'next Tuesday')}."
    )
    t.tool(
        "calendar_create_event",
        {"title": f"Call with {w.first}", "start": t.when(), "duration_min": 30},
        {"ok": True, "eventId": t.hexed(20)},
    )
    t.says("Booked.")


def callback_note(t: Trace) -> None:
    """A note in words, in several languages, with a number."""
    c = t.pick("US", "GB", "DE", "FR", "ES", "IT", "BR", "IN", "AU", "JP")
    w = t.who(c)
    lines = {
        "US": (
            "Please call me back at {}, any time after 4.",
            "my cell is {}",
            "You can text me on {} if the driver is late.",
        ),
        "GB": ("Can someone ring me on {}?", "my mobile number is {}", "Tel {} (evenings only)"),
        "DE": (
            "Meine Handynummer ist {}.",
            "Bitte rufen Sie mich zurück: {}",
            "Tel. {} (ab 18 Uhr)",
            "Telefonisch erreichbar unter {}",
        ),
        "FR": ("Vous pouvez m'appeler au {}.", "Mon numéro de téléphone : {}", "Tél. {}", "portable {}"),
        "ES": ("Mi teléfono es el {}.", "Llámeme al móvil {}", "Tel: {}"),
        "IT": ("Il mio numero di cellulare è {}", "Tel. {}", "Mi chiami al {} dopo le 15"),
        "BR": ("Meu telefone é {}", "Pode chamar no WhatsApp {}", "Celular: {}"),
        "IN": ("My mobile no. is {}", "call me on {} pls", "Contact number: {}", "WhatsApp {}"),
        "AU": ("Best number to call is {}.", "mob {}", "Phone: {}"),
        "JP": ("電話番号は {} です。", "携帯 {} までお願いします", "TEL {}"),
    }[c]
    note = t.pick(*lines).format(t.phone(c, t.pick("international", "national")))
    if t.often():
        t.user(f"{note} {t.pick('', w.name, '— ' + w.first)}".strip())
        t.says("Thank you, we will call.", "Noted.")
    else:
        t.tool(
            "get_case",
            {"case": t.num(7)},
            {"case": t.num(7), "contact": w.name, "notes": [{"at": t.when(), "text": note}]},
        )
        t.says("The customer asks to be called.")


def chat_handover(t: Trace) -> None:
    """A chat log that is handed over."""
    w = t.who()
    lines = [
        (
            f"[{t.when('%H:%M')}] {w.first}: hi, "
            f"{t.pick('my order never came', 'i was charged twice', 'cant log in anymore')}"
        ),
        f"[{t.when('%H:%M')}] Agent: Sorry to hear that. Which address is the account under?",
        f"[{t.when('%H:%M')}] {w.first}: {t.email(w)}",
    ]
    if t.often():
        lines.append(
            f"[{t.when('%H:%M')}] {w.first}: {t.pick('phone is', 'or call', 'my number:')} "
            f"{t.phone(w.country, 'international')}"
        )
    t.tool("get_chat_transcript", {"chat": t.uuid()}, "\n".join(lines))
    t.says("The chat was handed over to billing.")


def nested_escaped(t: Trace) -> None:
    """A payload of a webhook as JSON inside JSON."""
    w = t.who()
    inner = {
        "event": "contact.updated",
        "data": {
            "contact": {"name": w.name, "emailAddress": t.email(w), "phoneNumber": t.phone(w.country)},
            "ts": t.when(),
        },
    }
    t.tool(
        "get_webhook_delivery",
        {"id": t.num(9)},
        {"id": t.num(9), "status": 200, "request": {"body": json.dumps(inner)}},
    )
    t.says("The delivery went through with status 200.")


def delivery_contact(t: Trace) -> None:
    """A delivery with a number to call."""
    w = t.who()
    field = t.pick("recipientPhone", "phone_number", "contactTel", "ShipToPhone", "consignee_mobile", "Handynummer")
    t.tool(
        "get_shipment",
        {"tracking": f"1Z{t.hexed(16).upper()}"},
        {
            "trackingNumber": f"JD{t.num(18)}",
            "consignee": w.name,
            field: t.phone(w.country),
            "eta": t.when(),
            "weightKg": float(t.price(20)),
        },
    )
    t.says("It arrives tomorrow.", "Out for delivery.")


def doctor_booking(t: Trace) -> None:
    """An appointment, told by a person."""
    w = t.who()
    t.user(
        f"I need an appointment for {w.name}, born {t.when('%d.%m.1981')}. You can reach us at "
        f"{t.phone(w.country, 'international')} or {t.email(w)}."
    )
    t.tool(
        "find_slot",
        {"from": t.when("%Y-%m-%d"), "specialty": "dermatology"},
        {"slots": [t.when(), t.when()], "practice": t.num(3)},
    )
    t.says("There are two free slots.")


def unsubscribe(t: Trace) -> None:
    """Addresses in a link and in an address bar."""
    w = t.who()
    address = t.email(w, t.pick("plain", "private", "subdomain"))
    t.tool(
        "http_get", {"url": f"https://api.{t.site()}/v2/subscribers?email={address}&limit=1"}, {"items": [], "total": 0}
    )
    t.says("That address is not subscribed.")


PEOPLE: tuple[Callable[[Trace], None], ...] = (
    crm_record, ticket_signature, email_draft, email_headers, forwarded_thread, calendar_event, calendar_invite,
    callback_note, chat_handover, nested_escaped, delivery_contact, doctor_booking, unsubscribe,
)  # fmt: skip
