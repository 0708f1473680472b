"""Scenes of the fifth corpus with people's addresses and numbers: offices, mail, chats, calls, forms."""

from __future__ import annotations

from urllib.parse import quote

from benchmarks.pii_corpora.fifth_trace import Sheet


def at_json(value: str) -> str:
    return value.replace("@", "\\u0040")


def crm_contact(s: Sheet) -> None:
    who = s.person()
    s.user(f"Is {who.name} from {s.company} already in the CRM?")
    properties = {
        "createdate": s.stamp(),
        "firstname": who.first,
        "lastname": who.last,
        "email": s.email("email property of a CRM contact", who),
        "phone": s.phone("phone property of a CRM contact", who.locale),
        "lifecyclestage": s.pick("lead", "customer", "opportunity"),
        "hs_object_id": s.digits(11),
    }
    if s.r.random() < 0.4:
        properties["mobilephone"] = s.e164("mobilephone property, E.164", who.locale)
    found = {"total": 1, "results": [{"id": s.digits(11), "properties": properties, "archived": False}]}
    s.tool("crm_search_contacts", {"query": who.last, "limit": 5}, found)
    s.say(f"Yes, {who.first} {who.last} is there as one contact, last changed on {s.day()}.")


def mail_search(s: Sheet) -> None:
    one, two = s.person(), s.person()
    s.user("Anything new about the delivery dates?")
    found = [
        {
            "id": s.hex(16),
            "threadId": s.hex(16),
            "from": f'"{one.name}" <{s.email("sender in a mail search", one)}>',
            "to": [s.email("recipient in a mail search", two)],
            "subject": f"Re: delivery week {s.num(1, 52)}",
            "snippet": "Hi, the pallets leave on Thursday, not Wednesday as planned. Best, " + one.first,
            "labelIds": ["INBOX", "UNREAD"],
        }
    ]
    s.tool("gmail_search", {"q": "delivery newer_than:7d"}, {"messages": found, "resultSizeEstimate": 1})
    s.say(f"One new message, from {one.first}: the pallets leave on Thursday.")


def mail_source(s: Sheet) -> None:
    one, two, three = s.person(), s.person(), s.person()
    ip = s.ip("Received header of a mail")
    text = (
        f"Received: from mail.{s.domain} (mail.{s.domain} [{ip}])\n\tby mx2.internal with ESMTPS id {s.hex(10)}\n"
        f"\tfor <{s.email('Received header, for', two)}>; Tue, 3 Feb 2026 {s.clock()} +0100 (CET)\n"
        f"From: {one.name} <{s.email('From header', one)}>\nTo: {two.name} <{s.email('To header', two)}>\n"
        f"Cc: {s.email('Cc header without name', three)}\nSubject: =?utf-8?B?UmVjaG51bmc=?=\nMIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset=utf-8\n\nDear {two.first},\n\nplease find the figures below.\n\n{one.first}\n"
    )
    s.user("Why did this one land in spam? raw source in /tmp/raw.eml")
    s.shell("cat /tmp/raw.eml", text)
    s.say("The server's name and address agree; what is missing is a DKIM signature.")


def git_log(s: Sheet) -> None:
    rows = ""
    for _ in range(s.num(2, 4)):
        who = s.person()
        rows += f"commit {s.hex(40)}\nAuthor: {who.name} <{s.email('author in git log', who)}>\n"
        rows += f"Date:   Mon Jan {s.num(5, 26)} {s.clock()} 2026 +0100\n\n    {s.pick('fix', 'feat', 'chore')}: rounding of totals\n\n"
    s.user("Who touched totals.py lately?")
    s.shell("git log -4 -- src/totals.py", rows)
    s.say("Last change is the rounding fix; see the log above.")


def git_trailers(s: Sheet) -> None:
    one, two = s.person(), s.person()
    message = (
        f"Cache the price list\n\nIt was read for each row.\n\nCo-authored-by: {one.name} <{s.email('co-author trailer', one)}>\n"
        f"Signed-off-by: {two.name} <{s.email('sign-off trailer', two)}>\n"
    )
    s.user("commit it, and credit both of us")
    s.tool(
        "git_commit",
        {"message": message, "paths": ["src/prices.py"]},
        f"[main {s.hex(7)}] Cache the price list\n 1 file changed",
    )
    s.say("Done, one file, with both trailers.")


def calendar(s: Sheet) -> None:
    people = [s.person() for _ in range(s.num(2, 3))]
    event = {
        "kind": "calendar#event",
        "id": s.hex(26),
        "status": "confirmed",
        "summary": "Budget round 2",
        "start": {"dateTime": s.stamp(), "timeZone": "Europe/Vienna"},
        "organizer": {"email": s.email("organizer of an event", people[0]), "self": True},
        "attendees": [{"email": s.email("attendee", one), "responseStatus": "needsAction"} for one in people[1:]],
    }
    if s.r.random() < 0.5:
        event["description"] = f"Dial in: {s.phone('dial-in number in an event')}, PIN {s.num(1000, 9999)}#"
    s.user("When is the budget meeting and who's in?")
    s.tool("calendar_get_event", {"eventId": event["id"]}, event)
    s.say(f"{len(people)} people are invited; nobody has answered yet.")


def ics(s: Sheet) -> None:
    one, two = s.person(), s.person()
    text = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:{s.uuid()}\r\nDTSTART:20260{s.num(2, 9)}12T080000Z\r\n"
        f"ORGANIZER;CN={one.name}:mailto:{s.email('organizer in ICS', one)}\r\n"
        f"ATTENDEE;PARTSTAT=ACCEPTED;CN={two.name}:MAILTO:{s.email('attendee in ICS', two)}\r\nSUMMARY:Visit\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    s.read("invite.ics", text)
    s.say(f"{one.first} invites; {two.first} has accepted.")


def ticket(s: Sheet) -> None:
    who = s.person()
    mail, phone = s.email("signature in a ticket", who), s.phone("signature in a ticket", who.locale)
    mark = s.pick("T", "Tel.:", "Phone:", "Tel", "☎", "M:", "Mobil:", "Tél. :", "Telefon:")
    body = (
        f"Hello,\n\nthe export stops at row {s.num(100, 9999)} since Monday. Could someone look?\n\nKind regards\n{who.name}\n"
        f"{s.pick('Head of Sales', 'Buchhaltung', 'Operations', 'Achats')} | {s.company}\n{mark} {phone}\n"
        f"{s.pick('E:', 'Mail:', 'E-Mail:', '')} {mail}\nwww.{s.domain}\n"
    )
    found = {
        "id": s.num(10**4, 10**6),
        "subject": "Export stops",
        "status": "open",
        "via": {"channel": "email"},
        "description": body,
    }
    s.user("Summarise the newest ticket")
    s.tool("zendesk_get_ticket", {"ticket_id": found["id"]}, found)
    s.say("The export stops part-way since Monday; the customer asks for a look.")


def contacts_csv(s: Sheet) -> None:
    comma = s.pick(",", ",", ";", "\t")
    head = s.pick(
        ["id", "name", "email", "phone"],
        ["Kundennr", "Name", "E-Mail", "Telefon"],
        ["ID", "Nom", "Courriel", "Téléphone"],
    )
    rows = [comma.join([*head, "total"])]
    for _ in range(s.num(3, 5)):
        who = s.person()
        quoted = s.pick('"{}"', "{}")
        row = [s.digits(5), who.name, s.email("column of a CSV", who)]
        row.append(quoted.format(s.phone("column of a CSV", who.locale)))
        rows.append(comma.join([*row, s.price()]))
    s.user("How many of these have bought more than 100?")
    s.read("export/customers.csv", "\n".join(rows) + "\n")
    s.say("I count them from the last column.")


def markdown_table(s: Sheet) -> None:
    rows = "| Name | Team | Mobile | Mail |\n|---|---|---|---|\n"
    for _ in range(s.num(2, 4)):
        who = s.person()
        rows += f"| {who.name} | {s.pick('Ops', 'QA', 'Sales')} | {s.phone('column of a table', who.locale)} "
        rows += f"| {s.email('column of a table', who)} |\n"
    s.user("Give me the on-call list as a table.")
    s.say(rows)


def whatsapp(s: Sheet) -> None:
    one, two = s.person(), s.person()
    text = (
        f"[{s.num(1, 28)}.02.26, {s.clock()}] {one.first}: hey did the plumber call you back?\n"
        f"[{s.num(1, 28)}.02.26, {s.clock()}] ~ {two.first}: no 😩 do you have his nr\n"
        f"[{s.num(1, 28)}.02.26, {s.clock()}] {one.first}: {s.pick('try', 'sure, its', 'call him on', 'yes:')} "
        f"{s.phone('said in a chat')}\n[{s.num(1, 28)}.02.26, {s.clock()}] ~ {two.first}: thx! and your mail for the invoice?\n"
        f"[{s.num(1, 28)}.02.26, {s.clock()}] {one.first}: {s.email('said in a chat', one)}\n"
        f"[{s.num(1, 28)}.02.26, {s.clock()}] {s.phone('sender of an exported chat')}: Your parcel is on its way\n"
    )
    s.user("Find the plumber's number in this chat export")
    s.read("_chat.txt", text)
    s.say("It is in the third line.")


def voice_call(s: Sheet) -> None:
    who = s.person("us")
    s.user("Hi, uh, I'd like to move my appointment to Friday if that's possible.")
    s.say("Sure. What is the phone number on the account?")
    said = s.pick(
        "It's {}.",
        "yeah that's {}",
        "My number is {}, the cell.",
        "the callback number is {} um thank you",
        "{}, same as my WhatsApp.",
    )
    s.user(said.format(s.phone("said on a call", "us")))
    s.tool(
        "lookup_customer",
        {"phone": s.e164("argument of a lookup", "us")},
        {"found": True, "customer_id": f"C-{s.digits(6)}"},
    )
    s.say(f"Thank you {who.first}. Friday at 10 or 14:30?")
    s.user("Half past two works. Send the confirmation to " + s.email("said on a call", who) + ", please.")


def vcard(s: Sheet) -> None:
    who = s.person()
    text = (
        f"BEGIN:VCARD\nVERSION:3.0\nN:{who.last};{who.first};;;\nFN:{who.name}\nORG:{s.company}\n"
        f"TEL;TYPE=CELL,VOICE:{s.phone('TEL of a vCard', who.locale)}\nEMAIL;TYPE=INTERNET:{s.email('EMAIL of a vCard', who)}\n"
        "END:VCARD\n"
    )
    s.read(f"contacts/{who.last.lower()}.vcf", text)
    s.say(f"That is the card of {who.name}.")


def contact_page(s: Sheet) -> None:
    who = s.person()
    phone = s.e164("tel: link", who.locale)
    shown = s.phone("text of a contact page", who.locale)
    mail = s.email("mailto: link", who)
    text = (
        f'<footer class="site">\n  <h4>{s.company}</h4>\n  <a href="tel:{phone}">{shown}</a><br>\n'
        f'  <a href="mailto:{mail}?subject=Anfrage" rel="nofollow">Kontakt</a>\n  <p>&copy; 2026 {s.company}</p>\n</footer>'
    )
    s.tool("fetch_url", {"url": f"https://www.{s.domain}/contact"}, text)
    s.say("The page has a telephone link and a mail link.")


def html_entities(s: Sheet) -> None:
    sign = s.pick("&#64;", "&#x40;", "&commat;")
    mail = s.email("address with an HTML entity", None, lambda v: v.replace("@", sign))
    fax = s.phone(
        "fax with non-breaking spaces as entities", "fr", lambda v: v.replace("\u00a0", " ").replace(" ", "&nbsp;")
    )
    s.tool(
        "browser_get_html",
        {"selector": "#impressum"},
        f"<p>Courriel&nbsp;: {mail}<br/>Fax&nbsp;: {fax}</p><p>SIRET 000 000 000</p>",
    )
    s.say("The imprint gives an address and a fax.")


def percent_encoded(s: Sheet) -> None:
    mail = s.email("address in a query, percent-encoded", None, lambda v: quote(v, safe=""))
    path = s.pick("unsubscribe?u=", "api/users?email=", "login?login_hint=", "reset?mail=")
    s.user("This link in our newsletter gives a 404")
    s.shell(
        f"curl -sI 'https://news.{s.domain}/{path}{mail}&lang=de'",
        "HTTP/2 404\ncontent-type: text/html\nserver: nginx\n",
    )
    s.say("The path has changed; the parameter is fine.")


def ldap(s: Sheet) -> None:
    who = s.person()
    text = (
        f"dn: uid={who.last.lower()},ou=people,dc={s.domain.split('.')[0]},dc=net\nobjectClass: inetOrgPerson\ncn: {who.name}\n"
        f"mail: {s.email('mail attribute of LDAP', who)}\ntelephoneNumber: {s.phone('telephoneNumber of LDAP', who.locale)}\n"
        f"uidNumber: {s.num(10000, 20000)}\nloginShell: /bin/bash\n"
    )
    s.shell(f"ldapsearch -LLL -x '(sn={who.last})'", text)
    s.say("One entry.")


def package_author(s: Sheet) -> None:
    who = s.person()
    mail = s.email("author of a package", who)
    text = s.pick(
        f'{{\n  "name": "@shop/totals",\n  "version": "2.4.1",\n  "author": "{who.name} <{mail}>",\n  "license": "MIT"\n}}\n',
        f'[project]\nname = "totals"\nversion = "0.9.0"\nauthors = [{{ name = "{who.name}", email = "{mail}" }}]\n',
        f"Package: totals\nVersion: 1.0-3\nMaintainer: {who.name} <{mail}>\nArchitecture: all\n",
        f'Gem::Specification.new do |s|\n  s.name = "totals"\n  s.email = ["{mail}"]\nend\n',
    )
    s.read(s.pick("package.json", "manifest"), text)
    s.say("Read; the version can go up by a patch.")


def psql(s: Sheet) -> None:
    rows = "  id  |       email        |   phone   | active\n------+--------------------+-----------+--------\n"
    count = s.num(2, 4)
    for _ in range(count):
        who = s.person()
        rows += f" {s.digits(4)} | {s.email('row of psql', who)} | {s.e164('row of psql', who.locale)} | t\n"
    s.shell('psql -c "select id, email, phone, active from users limit 4"', rows + f"({count} rows)\n")
    s.say(f"{count} rows, all active.")


def bounces(s: Sheet) -> None:
    mail = s.email("bounced recipient")
    found = [
        {"created": s.num(1760000000, 1780000000), "email": mail, "reason": "550 5.1.1 user unknown", "status": "5.1.1"}
    ]
    s.tool("sendgrid_list_bounces", {"start_time": 1760000000}, found)
    s.say("One bounce, an unknown user.")


def postfix(s: Sheet) -> None:
    line = f"Feb {s.num(10, 28)} {s.clock()} mx1 postfix/"
    number = s.hex(10).upper()
    text = (
        f"{line}qmgr[811]: {number}: from=<{s.email('from= of postfix')}>, size={s.num(900, 90000)}, nrcpt=1 (queue active)\n"
        f"{line}smtp[{s.num(900, 9000)}]: {number}: to=<{s.email('to= of postfix')}>, relay=mx.{s.domain}[{s.ip('relay of postfix')}]:25, "
        "delay=1.9, dsn=2.0.0, status=sent (250 2.0.0 OK)\n"
    )
    s.shell(f"grep {number} /var/log/mail.log", text)
    s.say("It was delivered.")


def escaped_json(s: Sheet) -> None:
    one = s.email("address with \\u0040", None, at_json)
    text = f'{{"event":"user.updated","data":{{"id":"usr_{s.hex(14)}","email":"{one}","verified":true}},"ts":{s.num(10**9, 2 * 10**9)}}}'
    s.shell("tail -1 events.ndjson", text)
    s.say("The last event is an update of a user.")


def change_mail(s: Sheet) -> None:
    who = s.person()
    said = s.pick(
        "Please change my e-mail to {}.",
        "bitte ändern sie meine mail auf {} danke",
        "Mon nouvel e-mail est {}, merci de mettre à jour",
        "mi correo nuevo es {} , gracias",
        "il mio nuovo indirizzo: {}",
        "Mijn nieuwe mailadres is {}!",
        "mój nowy adres to {}",
        "novo e-mail: {}",
        "メールアドレスを {} に変更してください",
    )
    s.user(said.format(s.email("said by a customer", who)))
    s.tool(
        "update_customer", {"customer_id": f"C{s.digits(7)}", "field": "email"}, {"ok": True, "version": s.num(2, 9)}
    )
    s.say("Done.")


def twilio(s: Sheet) -> None:
    found = {
        "messages": [
            {
                "sid": f"SM{s.hex(32)}",
                "from": s.e164("from of an SMS record"),
                "to": s.e164("to of an SMS record"),
                "body": "Your table is ready.",
                "status": s.pick("delivered", "undelivered"),
                "error_code": None,
                "price": "-0.0079",
            }
        ],
        "page_size": 50,
    }
    s.tool("twilio_list_messages", {"date_sent": s.day()}, found)
    s.say("One message that day.")


def asterisk(s: Sheet) -> None:
    text = (
        f'"","{s.e164("caller in a CDR", plus=False)}","4{s.num(10, 99)}","from-trunk","""Anon"" <anonymous>","PJSIP/trunk-{s.hex(8)}",'
        f'"Dial","{s.day()} {s.clock()}",{s.num(5, 400)},"ANSWERED"\n'
    )
    invite = f"INVITE sip:{s.e164('number in a SIP address')};user=phone SIP/2.0\nMax-Forwards: 70\nCSeq: 102 INVITE\n"
    s.shell("head -1 cdr.csv", "accountcode,src,dst,dcontext,clid,channel,lastapp,start,duration,disposition\n" + text)
    s.shell("sngrep -t trace.txt", invite)
    s.say("Answered on the first try.")


def booking(s: Sheet) -> None:
    language = s.pick("de", "fr", "es", "it", "pt", "pl", "nl", "gb")
    who = s.person(language)
    said = {
        "de": "Guten Tag, einen Tisch für {n} Personen am Samstag, auf {w}. Rückruf bitte unter {p}, danke!",
        "fr": "Bonjour, une table pour {n} samedi au nom de {w}. Vous pouvez me joindre au {p}.",
        "es": "Hola, mesa para {n} el sábado a nombre de {w}. Mi teléfono es el {p}.",
        "it": "Salve, un tavolo per {n} sabato, a nome {w}. Il mio cellulare: {p}",
        "pt": "Boa tarde, mesa para {n} no sábado, {w}. O meu telemóvel é {p}.",
        "pl": "Dzień dobry, stolik na {n} osób w sobotę, {w}, tel. {p}",
        "nl": "Hallo, een tafel voor {n} op zaterdag, naam {w}, bel me op {p} als het niet kan",
        "gb": "Hello, table for {n} on Saturday, {w}. You can ring me on {p} any time after six.",
    }[language]
    s.user(said.format(n=s.num(2, 9), w=who.name, p=s.phone("said by a guest", language)))
    s.tool(
        "create_reservation",
        {"day": s.day(), "seats": s.num(2, 9), "name": who.last},
        {"id": f"R-{s.digits(5)}", "state": "held"},
    )
    s.say("OK ✔")


SCENES = (
    (crm_contact, 4), (mail_search, 4), (mail_source, 3), (git_log, 4), (git_trailers, 2), (calendar, 3), (ics, 1), (ticket, 4),
    (contacts_csv, 3), (markdown_table, 2), (whatsapp, 2), (voice_call, 3), (vcard, 1), (contact_page, 2), (html_entities, 1),
    (percent_encoded, 2), (ldap, 1), (package_author, 2), (psql, 3), (bounces, 1), (postfix, 2), (escaped_json, 1),
    (change_mail, 3), (twilio, 2), (asterisk, 1), (booking, 3),
)  # fmt: skip
