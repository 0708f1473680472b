"""Planted scenes of the fourth corpus where contacts are listed, filled in and exported."""

from collections.abc import Callable

from benchmarks.pii_corpora.fourth_trace import Trace


def crm_list(t: Trace) -> None:
    """A page of contacts."""
    rows = []
    for _ in range(t.between(2, 5)):
        w = t.who()
        row = {
            "id": t.uuid(),
            "firstname": w.first,
            "lastname": w.last,
            "email": t.email(w),
            "lifecyclestage": t.pick("lead", "customer"),
        }
        if t.often(0.6):
            row["phone"] = t.phone(w.country)
        rows.append({"properties": row, "updatedAt": t.when()} if t.often(0.2) else row)
    t.user("List the contacts created this week.", "Which leads came in through the webinar form?")
    t.tool(
        "hubspot_search_contacts",
        {"limit": 10, "sort": "-createdate"},
        {"results": rows, "paging": {"next": {"after": t.num(3)}}},
    )
    t.says(f"{len(rows)} contacts came in.")


def form_submission(t: Trace) -> None:
    """What somebody filled in."""
    w = t.who()
    labels = {
        "DE": ("Name", "E-Mail", "Telefon"),
        "FR": ("Nom", "Adresse e-mail", "Téléphone"),
        "ES": ("Nombre", "Correo electrónico", "Teléfono"),
        "IT": ("Nome", "E-mail", "Telefono"),
        "BR": ("Nome", "E-mail", "Telefone"),
        "JP": ("お名前", "メールアドレス", "電話番号"),
    }
    a, b, c = labels.get(w.country, ("Name", "Email address", t.pick("Phone number", "Mobile", "Contact no.")))
    gap = t.pick(": ", " : ", ":\t", " = ")
    t.tool(
        "read_form",
        {"form": "contact", "entry": t.num(5)},
        f"{a}{gap}{w.name}\n{b}{gap}{t.email(w)}\n{c}{gap}{t.phone(w.country)}\nSource{gap}website\n",
    )
    t.says("A new enquiry came in.")


def contacts_csv(t: Trace) -> None:
    """A sheet of contacts with a comma or a semicolon."""
    gap = t.pick(",", ",", ";", "\t")
    head = t.pick("id,name,email,phone,city", "kunden_nr,name,email,telefon,ort", "ref,contact,e-mail,mobile,town")
    rows = [head.replace(",", gap)]
    for number in range(t.between(2, 7)):
        w = t.who()
        city = t.pick("Leeds", "Graz", "Porto", "Austin", "Lyon", "Pune", "Osaka")
        rows.append(gap.join((str(1000 + number), w.name, t.email(w), t.phone(w.country, "international"), city)))
    t.user("Clean up this list.", "How many of these are duplicates?")
    t.tool("read_spreadsheet", {"file": f"contacts_{t.when('%Y%m')}.csv"}, "\n".join(rows) + "\n")
    t.says(f"{len(rows) - 1} rows, no duplicates.")


def markdown_table(t: Trace) -> None:
    """A table of people in an answer."""
    rows = []
    for _ in range(t.between(2, 5)):
        w = t.who()
        rows.append(f"| {w.name} | {t.email(w)} | {t.pick('Sales', 'Support', 'Finance')} |")
    t.user("Who are the owners of the open deals?")
    t.says("| Name | E-mail | Team |\n|---|---|---|\n" + "\n".join(rows))


def staff_directory(t: Trace) -> None:
    """An entry of a directory of staff."""
    w = t.who()
    entry = (
        f"dn: uid={w.last.lower()[:1]}{t.num(4)},ou=people,dc=corp\n"
        f"cn: {w.name}\nmail: {t.email(w)}\n"
        f"telephoneNumber: {t.phone(w.country, 'international')}\n"
        f"title: {t.pick('Engineer', 'Accountant', 'Team lead')}"
    )
    t.tool("ldap_search", {"filter": f"(sn={w.last})"}, entry)
    t.says("One entry.")


def hr_onboarding(t: Trace) -> None:
    """Somebody begins: with the account for the salary."""
    w = t.who(t.pick("DE", "AT", "NL", "FR", "ES", "IT", "BE", "PT"))
    record = {
        "employee": {
            "firstName": w.first,
            "lastName": w.last,
            "startDate": t.when("%Y-%m-%d"),
            "privateEmail": t.email(w, "private"),
            "contact": {"mobile": t.phone(w.country)},
        },
        "payroll": {"iban": t.iban(w.country), "taxClass": t.between(1, 6)},
    }
    t.tool("hris_get_employee", {"employeeId": f"E{t.num(5)}"}, record)
    t.says(f"{w.first} begins soon; payroll is set up.", "All documents but one are there.")


def recruiting(t: Trace) -> None:
    """The head of a curriculum vitae."""
    w = t.who()
    t.user(
        f"Screen this application:\n\n"
        f"{w.name}\n{t.email(w)} | {t.phone(w.country, 'international')}\n\n"
        f"Experience\n{t.between(2012, 2018)}–{t.between(2019, 2024)} Data engineer at a logistics company, "
        f"Python, SQL, dbt."
    )
    t.says("A fit for the data role: six years of Python and SQL.")


def slack_search(t: Trace) -> None:
    """Messages of a channel."""
    w = t.who()
    text = t.pick(
        "cc {} can you approve?",
        "customer {} keeps bouncing",
        "please add {} to the guest list",
        "who owns {}? getting mails from there every hour",
    )
    t.tool(
        "slack_search",
        {"query": "approve in:#ops", "count": 5},
        {
            "messages": [
                {"ts": f"{t.num(10)}.{t.num(6)}", "user": f"U0{t.hexed(9).upper()}", "text": text.format(t.email(w))}
            ]
        },
    )
    t.says("One message matches.")


def mailto_markup(t: Trace) -> None:
    """A page with ways to reach somebody."""
    w = t.who()
    tel = t.phone(w.country, "international")
    page = (
        f'<div class="vcard"><h3>{w.name}</h3><a '
        f'href="mailto:{t.email(w)}">{t.pick("Write", "E-Mail", "Contact")}</a> <span '
        f'itemprop="telephone">{tel}</span></div>'
    )
    t.tool("fetch_page", {"url": f"https://www.{t.site()}/team"}, page)
    t.says("The page names one person.")


CONTACTS: tuple[Callable[[Trace], None], ...] = (
    crm_list, form_submission, contacts_csv, markdown_table, staff_directory, hr_onboarding, recruiting,
    slack_search, mailto_markup,
)  # fmt: skip
