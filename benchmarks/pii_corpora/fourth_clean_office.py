"""Clean scenes of the fourth corpus from offices: times, places, forms, templates, statistics; no person in them."""

from collections.abc import Callable

from benchmarks.pii_corpora.fourth_trace import Trace


def free_slots(t: Trace) -> None:
    """Free times."""
    t.user("When is the large room free on Thursday?", "Wann ist der Besprechungsraum frei?")
    t.tool(
        "calendar_freebusy",
        {"calendar": f"room-{t.num(3)}", "timeMin": t.when(), "timeMax": t.when()},
        {
            "busy": [
                {"start": t.when("%Y-%m-%dT%H:%M:00+02:00"), "end": t.when("%Y-%m-%dT%H:%M:00+02:00")}
                for _ in range(t.between(1, 4))
            ]
        },
    )
    t.says("From 09:00 to 10:30 and from 14:15 to 16:00.")


def trains(t: Trace) -> None:
    """Connections."""
    found = [
        {
            "train": f"{t.pick('ICE', 'TGV', 'RJ')} {t.between(60, 990)}",
            "dep": t.when("%H:%M"),
            "arr": t.when("%H:%M"),
            "platform": t.between(1, 20),
            "fare": f"{t.price(150)} EUR",
        }
        for _ in range(t.between(2, 5))
    ]
    t.tool(
        "train_search",
        {"from": "8000105", "to": "8011160", "date": t.when("%Y-%m-%d")},
        {"connections": found, "requestId": t.uuid()},
    )
    t.says("The fastest takes 3 h 52 min.")


def booking_reference(t: Trace) -> None:
    """A booking without a person."""
    t.tool(
        "get_booking",
        {"pnr": t.hexed(6).upper()},
        {
            "pnr": t.hexed(6).upper(),
            "ticketNumber": f"220-{t.num(10)}",
            "segments": [{"flight": f"LH{t.num(3)}", "seat": f"{t.between(1, 40)}C"}],
            "total": t.price(),
            "pax": t.between(1, 5),
        },
    )
    t.says(f"The ticket number is 220-{t.num(10)}.", "Two bags are included.")


def rates(t: Trace) -> None:
    """Rates and quotes."""
    t.tool(
        "fx_rates",
        {"base": "EUR"},
        {
            "base": "EUR",
            "timestamp": int(t.num(10)) % 100_000_000 + 1_690_000_000,
            "rates": {
                name: round(t.chance.uniform(0.2, 160), 6) for name in ("USD", "GBP", "JPY", "PLN", "BRL", "INR")
            },
        },
    )
    t.says(f"One euro is {t.chance.uniform(1.0, 1.2):.4f} dollars.")


def coordinates(t: Trace) -> None:
    """Places on the earth."""
    lat, lon = f"{t.chance.uniform(35, 60):.6f}", f"{t.chance.uniform(-9, 25):.6f}"
    t.tool(
        "geocode",
        {"q": t.pick("Porta Nuova", "Hafenstraße", "Plaza Mayor")},
        {
            "lat": lat,
            "lon": lon,
            "bbox": [float(lat) - 0.01, float(lon) - 0.01, float(lat) + 0.01, float(lon) + 0.01],
            "osm_id": int(t.num(10)),
            "place_id": int(t.num(9)),
        },
    )
    t.says(f"It lies at {lat}, {lon}.", f"lat={lat} lon={lon}, 14.2 °C, wind 11 km/h, 1013.25 hPa")


def form_rules(t: Trace) -> None:
    """Messages of a form."""
    t.user("Translate the messages of the form.", "Which texts does the form show?")
    t.tool(
        "read_file",
        {"path": f"locales/{t.pick('en', 'de', 'fr')}.json"},
        {
            "email.invalid": t.pick(
                "Please enter a valid e-mail address.", "Bitte geben Sie eine gültige E-Mail-Adresse ein."
            ),
            "phone.label": t.pick("Phone number (with country code)", "Telefonnummer", "Téléphone portable"),
            "password.rules": t.pick(
                "Password must have at least 12 characters and a digit.", "Das Passwort muss 12 Zeichen lang sein."
            ),
            "password.mismatch": "The passwords do not match",
            "card.number": t.pick("Card number", "Kreditkartennummer"),
            "iban.hint": "IBAN: 22 characters for Germany",
        },
    )
    t.says("The labels are there; one translation is missing.")


def web_statistics(t: Trace) -> None:
    """Numbers of visits."""
    rows = [
        {
            "page": t.pick("/", "/pricing", "/docs", "/blog/launch"),
            "views": t.between(100, 900000),
            "avg_time": float(t.price(120)),
            "bounce": round(t.chance.random(), 4),
        }
        for _ in range(t.between(2, 6))
    ]
    t.tool(
        "analytics_report",
        {"property": t.num(9), "range": "28d"},
        {
            "propertyId": t.num(9),
            "rows": rows,
            "totals": {"users": t.between(1000, 9999999), "sessions": t.between(1000, 9999999)},
        },
    )
    t.says(f"Visits rose to {t.between(10, 99)},{t.between(100, 999)} in the last four weeks.")


def mail_template(t: Trace) -> None:
    """A letter with places to be filled in."""
    name, mail, number = t.chance.choice(
        (
            ("{{ first_name }}", "{{ support_email }}", "{{order.number}}"),
            ("{firstName}", "{supportEmail}", "{orderId}"),
            ("%NAME%", "%MAIL%", "%ORDER%"),
            ("[Name]", "[your e-mail]", "[order no.]"),
        )
    )
    t.tool(
        "get_template",
        {"id": int(t.num(4))},
        (
            f"Subject: {t.pick('Your order', 'Ihre Bestellung')} {number}\n\n"
            f"Hello {name},\n\nwe have sent your order. Questions? Write to {mail} or call "
            f"{t.pick('{{ support_phone }}', '[phone]')}.\n"
        ),
    )
    t.says("The letter uses three placeholders.")


def deal(t: Trace) -> None:
    """A deal of a company."""
    t.tool(
        "crm_get_deal",
        {"dealId": t.num(11)},
        {
            "dealId": t.num(11),
            "accountRef": f"ACC-{t.num(4)}-{t.num(4)}",
            "stage": t.pick("proposal", "closedwon"),
            "amount": t.price(90000),
            "ownerId": int(t.num(8)),
            "closeDate": t.when("%Y-%m-%d"),
            "website": f"https://www.{t.site()}",
        },
    )
    t.says("The deal is in the proposal stage.")


def reset_article(t: Trace) -> None:
    """An article of help about passwords."""
    t.user(
        "How do customers reset their password?",
        "Wie setzt man das Passwort zurück?",
        "¿Cómo se cambia la contraseña?",
        "Comment changer le mot de passe ?",
    )
    t.tool(
        "kb_search",
        {"q": "password reset"},
        t.pick(
            (
                'To reset your password, open Settings > Security and choose "Forgot password". The link is valid '
                "for 30 minutes. Your password must not contain your name."
            ),
            (
                'Passwort vergessen: Klicken Sie auf "Passwort zurücksetzen". Passwort: mindestens 12 Zeichen. Ihr '
                "Passwort wird nie per E-Mail verschickt."
            ),
            "Contraseña: mínimo 10 caracteres. La contraseña caduca a los 90 días.",
            "Mot de passe : au moins 12 caractères. Le mot de passe est chiffré.",
        ),
    )
    t.says("They use the link on the page where one logs in; it is valid for half an hour.")


def hotels(t: Trace) -> None:
    """Hotels that are free."""
    t.tool(
        "hotel_search",
        {"city": t.pick("Porto", "Ghent"), "checkin": t.when("%Y-%m-%d"), "nights": 2},
        {
            "hotels": [
                {
                    "hotelId": int(t.num(7)),
                    "stars": t.between(2, 6),
                    "price": t.price(300),
                    "rating": round(t.chance.uniform(6, 10), 1),
                    "offerId": t.uuid(),
                    "distance_m": t.between(90, 5000),
                }
                for _ in range(t.between(2, 5))
            ]
        },
    )
    t.says("Three of them are within a kilometre of the station.")


def meters(t: Trace) -> None:
    """Numbers of customers and meters."""
    t.user(
        f"Kundennummer {t.num(10)}, Zählernummer {t.num(8)}, Stand {t.between(1000, 99999)} kWh.",
        f"Customer no. {t.num(9)}, meter {t.num(10)}, reading {t.between(1000, 99999)}.",
        f"Número de cliente {t.num(9)}, lectura {t.between(1000, 99999)}.",
        f"N° client {t.num(10)}, relevé {t.between(1000, 99999)} kWh.",
    )
    t.says("Thank you, the reading is stored.", "Der Zählerstand ist erfasst.")


def survey(t: Trace) -> None:
    """Answers of a survey in numbers."""
    t.tool(
        "survey_results",
        {"id": t.hexed(8)},
        (
            f"n = {t.between(200, 9000)}, mean {t.chance.uniform(1, 5):.3f} (sd {t.chance.uniform(0.3, 2):.3f}),"
            f" p = 0.0{t.num(3)}, 95 % CI [{t.chance.uniform(1, 2):.2f}, {t.chance.uniform(2, 5):.2f}]; NPS "
            f"{t.between(-20, 70)}; chi2(4) = {t.price(40)}"
        ),
    )
    t.says("The difference is significant.", "Customers are content with delivery.")


OFFICE: tuple[Callable[[Trace], None], ...] = (
    free_slots, trains, booking_reference, rates, coordinates, form_rules, web_statistics, mail_template, deal,
    reset_article, hotels, meters, survey,
)  # fmt: skip
