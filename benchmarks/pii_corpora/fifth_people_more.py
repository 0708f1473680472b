"""More scenes of the fifth corpus with people's addresses and numbers: registers, devices, forms of many countries."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

from benchmarks.pii_corpora.fifth_trace import Sheet


def shipping_label(s: Sheet) -> None:
    who = s.person()
    ship = {
        "tracking": f"1Z{s.hex(16).upper()}",
        "service": "express",
        "to": {
            "name": who.name,
            "street": f"{s.pick('Lindenweg', 'Mill Lane', 'Rue Basse')} {s.num(1, 99)}",
            "phone": s.phone("phone of a consignee", who.locale),
            "email": s.email("email of a consignee", who),
        },
        "weight_kg": s.num(1, 30),
    }
    s.tool("create_shipment", ship, {"label_id": s.uuid(), "cost": s.price(), "currency": "EUR"})
    s.say("The label is made.")


def asian_form(s: Sheet) -> None:
    land = s.pick("jp", "kr", "cn")
    label = {
        "jp": "お名前：{}\n電話番号：{}\nメール：{}\nお問い合わせ内容：返品について",
        "kr": "성명: {}\n휴대폰: {}\n이메일: {}\n문의: 배송 지연",
        "cn": "姓名：{}\n手机：{}\n邮箱：{}\n备注：请开发票",
    }[land]
    who = s.person(land)
    s.user(
        label.format(who.name, s.phone("form in an Asian language", land), s.email("form in an Asian language", who))
    )
    s.tool("create_case", {"lang": land, "topic": "return"}, {"case": s.digits(6)})
    s.say({"jp": "承りました。", "kr": "접수되었습니다.", "cn": "已登记。"}[land])


def latin_lead(s: Sheet) -> None:
    land = s.pick("br", "mx", "ar", "br")
    who = s.person(land)
    lead = {
        "nome" if land == "br" else "nombre": who.name,
        "celular": s.phone("celular of a lead", land),
        "whatsapp": s.e164("WhatsApp of a lead", land, s.r.random() < 0.6),
        "correo" if land != "br" else "e_mail": s.email("e-mail of a lead", who),
        "interes": "plan anual",
    }
    s.tool("rd_station_get_lead", {"id": s.uuid()}, lead)
    s.say("Lead encontrado." if land != "br" else "Lead localizado.")


def whois(s: Sheet) -> None:
    who = s.person()
    text = (
        f"Domain Name: {s.domain.upper()}\nRegistry Domain ID: {s.digits(9)}_DOMAIN_COM-VRSN\nRegistrant Name: {who.name}\n"
        f"Registrant Phone: {s.put('phone', 'WHOIS, country code with a dot', f'+1.{s.pick(415, 212, 617)}{s.num(2, 9)}{s.num(20, 99)}{s.num(1000, 9999)}')}\n"
        f"Registrant Email: {s.email('WHOIS', who)}\nName Server: NS1.{s.domain.upper()}\nDNSSEC: unsigned\n"
    )
    s.shell(f"whois {s.domain}", text)
    s.say("The registration runs on.")


def slack_users(s: Sheet) -> None:
    members = []
    for _ in range(2):
        who = s.person()
        profile = {
            "real_name": who.name,
            "title": "",
            "phone": s.phone("Slack profile", who.locale),
            "email": s.email("Slack profile", who),
        }
        members.append(
            {
                "id": f"U{s.hex(10).upper()}",
                "team_id": "T0LAN7",
                "deleted": False,
                "profile": profile,
                "tz": "Europe/Berlin",
            }
        )
    s.tool("slack_users_list", {"limit": 2}, {"ok": True, "members": members, "cache_ts": s.num(10**9, 2 * 10**9)})
    s.say("Two members.")


def issuer_yaml(s: Sheet) -> None:
    text = (
        "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata:\n  name: letsencrypt\nspec:\n  acme:\n"
        f"    email: {s.email('YAML of a certificate issuer')}\n    server: https://acme-v02.api.letsencrypt.org/directory\n"
        "    privateKeySecretRef:\n      name: letsencrypt\n"
    )
    s.shell("kubectl get clusterissuer letsencrypt -o yaml", text)
    s.say("The issuer looks right.")


def curriculum(s: Sheet) -> None:
    who = s.person()
    line = s.pick(" | ", " · ", " • ", "\n")
    s.user(
        f"{who.name.upper()}\n{s.pick('Ghent', 'Austin', 'Kraków')}{line}{s.phone('head of a CV', who.locale)}{line}{s.email('head of a CV', who)}"
        f"{line}linkedin.com/in/…\n\nEXPERIENCE\n2019–2025 {s.company}, analyst. Built the monthly report.\n\nMake this CV fit one page."
    )
    s.say("I would cut the second paragraph and keep the report.")


def hotel(s: Sheet) -> None:
    who = s.person()
    found = {
        "reservationId": s.digits(9),
        "guest": {
            "givenName": who.first,
            "surname": who.last,
            "contact": {"type": "mobile", "value": s.e164("contact value, mobile", who.locale)},
        },
        "remarks": f"late arrival; guest reachable at {s.phone('remark of a booking', who.locale)} or {s.email('remark of a booking', who)}",
        "nights": s.num(1, 9),
        "rate": {"amount": s.price(), "currency": "CHF"},
    }
    s.tool("pms_get_reservation", {"id": found["reservationId"]}, found)
    s.say("The guest comes late.")


def logcat(s: Sheet) -> None:
    text = (
        f"02-{s.num(10, 28)} {s.clock()}.114  1402  1402 I Telecom : CallsManager: placeOutgoingCall tel:{s.e164('number in logcat')}\n"
        f"02-{s.num(10, 28)} {s.clock()}.310  1402  1588 D SmsReceiver: address={s.e164('SMS sender in logcat')} body.len=42\n"
        "02-11 09:00:01.001   811   811 W ActivityManager: Slow operation: 71ms\n"
    )
    s.shell("adb logcat -d -b radio | tail", text)
    s.say("The call was placed once.")


def listing(s: Sheet) -> None:
    land = s.pick("de", "fr", "it", "es", "nl")
    who = s.person(land)
    say = {
        "de": "Besichtigung nach Absprache unter Tel. {p} (ab 18 Uhr) oder per Mail an {m}.",
        "fr": "Visites sur rendez-vous : {p} – écrire à {m}",
        "it": "Per visite chiamare il {p} oppure scrivere a {m}.",
        "es": "Visitas: llamar al {p} o escribir a {m}.",
        "nl": "Bezichtigen? Bel {p} of mail naar {m}.",
    }[land]
    text = say.format(p=s.phone("offer of a flat", land), m=s.email("offer of a flat", who))
    s.tool(
        "scrape",
        {"url": f"https://homes.{s.domain}/{s.digits(8)}"},
        f"3 rooms, 78 m², 2nd floor. € {s.num(700, 1900)}/month. {text}",
    )
    s.say("It is free from next month.")


def integrity_error(s: Sheet) -> None:
    mail = s.email("key of a database error")
    text = (
        'Traceback (most recent call last):\n  File "/app/users/views.py", line 88, in post\n    user.save()\n'
        "django.db.utils.IntegrityError: duplicate key value violates unique constraint "
        f'"users_email_key"\nDETAIL:  Key (email)=({mail}) already exists.\n'
    )
    s.user("sign-up fails with a 500, log below\n\n" + text)
    s.say("The address is taken; catch the error and show it on the form.")


def userinfo(s: Sheet) -> None:
    who = s.person()
    found = {
        "sub": s.digits(21),
        "name": who.name,
        "email": s.email("userinfo of OpenID", who),
        "email_verified": True,
        "phone_number": s.phone("userinfo of OpenID", who.locale),
        "locale": who.locale,
    }
    s.tool("http_get", {"url": f"https://id.{s.domain}/oauth2/userinfo"}, found)
    s.say("The claim is there.")


def soql(s: Sheet) -> None:
    records = []
    for _ in range(2):
        who = s.person()
        mobile = s.phone("MobilePhone of Salesforce", who.locale)
        records.append(
            {
                "attributes": {"type": "Contact"},
                "Name": who.name,
                "Email": s.email("Email of Salesforce", who),
                "MobilePhone": mobile,
            }
        )
    s.tool(
        "sf_query",
        {"soql": "SELECT Name, Email, MobilePhone FROM Contact LIMIT 2"},
        {"totalSize": 2, "done": True, "records": records},
    )
    s.say("Two contacts.")


def code_fixture(s: Sheet) -> None:
    who = s.person()
    text = (
        f"+def test_invite(client):\n+    answer = client.post('/invite', json={{'to': '{s.email('test code', who)}',\n"
        f"+                         'phone': \"{s.phone('test code', 'us')}\"}})\n+    assert answer.status_code == 201\n"
    )
    s.shell("git diff --cached", "--- a/tests/test_invite.py\n+++ b/tests/test_invite.py\n@@ -0,0 +1,4 @@\n" + text)
    s.say("One new test.")


def documentation_mail(s: Sheet) -> None:
    name = s.pick("jane.doe", "user", "alice", "test.user+1", "bob")
    mail = s.put("email", "address of example.com", f"{name}@example.{s.pick('com', 'org', 'net')}")
    s.user("Show me how to send with smtplib")
    s.say(
        f"```python\nmsg = EmailMessage()\nmsg['To'] = '{mail}'\nmsg['Subject'] = 'Hi'\nsmtplib.SMTP('localhost').send_message(msg)\n```"
    )


def markdown_link(s: Sheet) -> None:
    shown = s.email("address in a markdown link")
    s.user("Draft the out-of-office note")
    s.say(
        f"I am away until {s.day()}. In urgent cases ask [the desk](mailto:{shown}) or ring **{s.phone('bold in markdown')}**."
    )


def csv_lines_escaped(s: Sheet) -> None:
    one, two = s.person(), s.person()
    content = f"name,email,tel\\n{one.last},{s.email('CSV in JSON', one)},{s.phone('CSV in JSON', one.locale)}\\n{two.last},{s.email('CSV in JSON', two)},\\n"
    s.tool("sheets_export", {"sheet": "Leads", "range": "A1:C3"}, f'{{"ok":true,"csv":"{content}"}}')
    s.say("Two rows.")


def school_note(s: Sheet) -> None:
    land = s.pick("se", "dk", "no", "fi", "cz", "gr", "tr", "il", "ie", "be", "at", "ch", "pt")
    who = s.person(land)
    say = {
        "se": "Ring gärna {p} eller mejla {m}.", "dk": "Ring på {p} eller skriv til {m}", "no": "Ring meg på {p} / {m}",
        "fi": "Puhelin {p}, sähköposti {m}", "cz": "tel.: {p}, e-mail: {m}", "gr": "Τηλ. {p}, email: {m}", "tr": "Tel: {p} E-posta: {m}",
        "il": "טלפון: {p} דוא\"ל: {m}", "ie": "Call me on {p} or mail {m}.", "be": "GSM {p}, mail {m}", "at": "Handy: {p}; {m}",
        "ch": "Natel {p}, Mail {m}", "pt": "Telemóvel: {p} | {m}",
    }[land]  # fmt: skip
    s.tool(
        "read_note",
        {"id": s.digits(4)},
        f"{who.name}: "
        + say.format(p=s.phone("note in a European language", land), m=s.email("note in a European language", who)),
    )
    s.say("Noted.")


def phone_argument(s: Sheet) -> None:
    number = s.phone("argument of a call")
    s.user("Text the customer that the car is ready.")
    s.tool(
        "send_sms",
        {"to": number, "text": "Your car is ready to be picked up."},
        {"queued": True, "segments": 1, "id": s.uuid()},
    )
    s.say("Sent.")


def pager(s: Sheet) -> None:
    who = s.person()
    methods = [
        {"type": "sms_contact_method", "label": "Mobile", "country_code": 1, "address": s.put("phone", "ten digits of a contact method", s.pick("415", "212", "702", "512") + s.pick("623", "734", "842") + s.digits(4))},
        {"type": "email_contact_method", "label": "Default", "address": s.email("contact method", who)},
    ]  # fmt: skip
    s.tool(
        "pagerduty_get_user", {"id": f"P{s.hex(6).upper()}"}, {"user": {"name": who.name, "contact_methods": methods}}
    )
    s.say(f"{who.first} is reached by text and by mail.")


def africa_asia_orders(s: Sheet) -> None:
    rows = []
    for _ in range(3):
        land = s.pick("in", "ng", "za", "sg", "ae", "au", "il")
        who = s.person(land)
        rows.append(
            {
                "order": f"#{s.num(1000, 9999)}",
                "customer": who.name,
                "contact_no": s.phone("contact_no of an order", land),
                "cod": s.pick(True, False),
            }
        )
    s.tool("list_orders", {"status": "pending"}, {"orders": rows, "next": None})
    s.say("Three are pending.")


def xml_party(s: Sheet) -> None:
    who = s.person()
    text = (
        f"<cac:Contact>\n  <cbc:Name>{who.name}</cbc:Name>\n  <cbc:Telephone>{s.phone('XML of an invoice', who.locale)}</cbc:Telephone>\n"
        f"  <cbc:ElectronicMail>{s.email('XML of an invoice', who)}</cbc:ElectronicMail>\n</cac:Contact>\n"
    )
    s.read("ubl/invoice.xml", text)
    s.say("The contact is filled in.")


def url_user_agent(s: Sheet) -> None:
    mail = s.email("contact in a user agent")
    s.shell(
        "tail -1 access.log",
        f'{s.private()} - - [11/Feb/2026:{s.clock()} +0000] "GET /robots.txt HTTP/1.1" 200 68 "-" "TessBot/2.1 (+https://bot.{s.domain}; {mail})"',
    )
    s.say("A crawler that names its owner.")


def note_lines(s: Sheet) -> None:
    """Lines of a note in JSON, where a value stands right behind the escaped line break."""
    who = s.person()
    lines = [
        who.name,
        s.email("behind an escaped line break", who),
        s.phone("behind an escaped line break", who.locale),
    ]
    if s.r.random() < 0.5:
        lines.append(s.iban("behind an escaped line break"))
    if s.r.random() < 0.3:
        lines.append(s.ip("behind an escaped line break"))
    s.tool("crm_add_note", {"contact": s.digits(6), "body": "\n".join([*lines, "call after 4 pm"])}, {"ok": True})
    s.say("The note is saved.")


SCENES = (
    (note_lines, 3),
    (shipping_label, 3), (asian_form, 2), (latin_lead, 2), (whois, 1), (slack_users, 2), (issuer_yaml, 1), (curriculum, 2),
    (hotel, 2), (logcat, 1), (listing, 2), (integrity_error, 2), (userinfo, 2), (soql, 2), (code_fixture, 2),
    (documentation_mail, 2), (markdown_link, 1), (csv_lines_escaped, 1), (school_note, 3), (phone_argument, 3), (pager, 1),
    (africa_asia_orders, 2), (xml_party, 1), (url_user_agent, 1),
)  # fmt: skip
