"""More scenes of the fifth corpus that hold nothing personal: records of clouds, travel, letters, other languages."""

# ruff: noqa: E501 (lines as tools print them)

from __future__ import annotations

from benchmarks.pii_corpora.fifth_trace import Sheet
from benchmarks.pii_corpora.fifth_values import B62, chars


def billing_ids(s: Sheet) -> None:
    found = {
        "id": f"in_1{chars(s.r, B62, 23)}",
        "customer": f"cus_{chars(s.r, B62, 14)}",
        "payment_intent": f"pi_3{chars(s.r, B62, 23)}",
        "charge": f"ch_3{chars(s.r, B62, 23)}",
        "payment_method": f"pm_1{chars(s.r, B62, 23)}",
        "amount_due": s.num(100, 90000),
        "number": f"{s.hex(8).upper()}-{s.num(1000, 9999)}",
    }
    s.tool("stripe_retrieve_invoice", {"invoice": found["id"]}, found)
    s.say("The invoice is open.")


def cloud_ids(s: Sheet) -> None:
    found = {
        "InstanceId": f"i-0{s.hex(16)}",
        "ImageId": f"ami-0{s.hex(16)}",
        "SubnetId": f"subnet-0{s.hex(16)}",
        "PrivateIpAddress": f"10.0.{s.num(0, 255)}.{s.num(2, 254)}",
        "PublicDnsName": "",
        "KeyName": "prod-key",
        "Arn": f"arn:aws:iam::{s.digits(12)}:role/web",
        "ClientToken": s.uuid(),
    }
    s.shell("aws ec2 describe-instances --query 'Reservations[].Instances[]'", s.json([found], 4))
    s.say("One instance, with no public address.")


def pods(s: Sheet) -> None:
    text = "NAME                    READY   STATUS    RESTARTS   AGE   IP\n"
    for _ in range(4):
        text += f"api-{s.hex(9)}-{chars(s.r, 'bcdfghjklmnpqrstvwxz2456789', 5)}   1/1     Running   {s.num(0, 9)}          {s.num(1, 90)}d   10.244.{s.num(0, 9)}.{s.num(2, 254)}\n"
    s.shell("kubectl get pods -o wide", text)
    s.say("All run.")


def secret_list(s: Sheet) -> None:
    s.shell(
        "kubectl get secrets; gh secret list",
        f"NAME        TYPE                DATA   AGE\nshop-db     Opaque              3      {s.num(1, 90)}d\nregistry    kubernetes.io/dockerconfigjson   1   9d\nNPM_TOKEN   Updated {s.day()}\nSLACK_WEBHOOK_URL   Updated {s.day()}\n",
    )
    s.tool(
        "secrets_get_metadata",
        {"name": f"projects/{s.digits(11)}/secrets/api-key/versions/latest"},
        {"state": "ENABLED", "createTime": s.stamp(), "value": None},
    )
    s.say("The names are there, values are not shown.")


def metrics(s: Sheet) -> None:
    text = "".join(
        f'http_requests_total{{code="{s.pick(200, 404, 500)}",instance="10.0.0.{s.num(2, 99)}:9100"}} {s.num(10**6, 10**10)} {1760000000000 + s.num(0, 10**10)}\n'
        for _ in range(4)
    )
    s.shell("curl -s localhost:9100/metrics | head -4", "# TYPE http_requests_total counter\n" + text)
    s.say("Counts go up as they should.")


def weather(s: Sheet) -> None:
    s.tool(
        "forecast",
        {"place": "Porto"},
        {
            "daily": {
                "time": [s.day(), s.day()],
                "tmax": [s.num(10, 30), s.num(10, 30)],
                "pressure": f"10{s.num(10, 30)}.{s.num(0, 9)} hPa",
            },
            "generationtime_ms": s.r.random(),
        },
    )
    s.say(f"{s.num(10, 30)}°C, wind {s.num(2, 40)} km/h.")


def flights(s: Sheet) -> None:
    found = [
        {
            "flight": f"XQ {s.num(100, 9999)}",
            "dep": s.stamp(),
            "gate": f"B{s.num(1, 60)}",
            "ticket_no": f"220-{s.digits(10)}",
            "pnr": chars(s.r, "ABCDEFGHJKLMNPQRSTUVWXYZ", 6),
            "fare": s.price(),
        }
        for _ in range(2)
    ]
    s.tool("search_flights", {"from": "VIE", "to": "OPO", "day": s.day()}, found)
    s.say("Two flights.")


def paper(s: Sheet) -> None:
    s.user("Cite this")
    s.say(
        f"Tides of the inner bay. J. Coast. {s.num(10, 90)}({s.num(1, 6)}):{s.num(100, 400)}–{s.num(401, 900)}, 2025. doi:10.{s.num(1000, 9999)}/jc.2025.{s.digits(6)}; arXiv:25{s.num(10, 12)}.{s.num(10000, 99999)}; PMID {s.digits(8)}; ORCID left out."
    )
    s.tool("read_table", {"n": 2}, "x,y,z\n0.1234567,1.9876543,3.1415926\n-12.5,1e-09,4.2e+10\n")


def japanese(s: Sheet) -> None:
    s.user(
        s.pick(
            f"注文番号 {s.digits(12)} の状況を教えてください",
            f"订单号 {s.digits(16)} 发货了吗？",
            f"주문번호 {s.digits(10)} 배송 언제 되나요?",
            f"Onde está o pedido {s.digits(11)}?",
            f"¿Dónde está el pedido n.º {s.digits(9)}?",
            f"Gdzie jest zamówienie nr {s.digits(10)}?",
        )
    )
    s.tool(
        "order_status",
        {"lang": "auto"},
        {
            "status": "packed",
            "eta": s.day(),
            "box": f"{s.num(10, 99)}x{s.num(10, 99)}x{s.num(10, 99)} cm",
            "total": f"¥{s.num(1, 99)},{s.num(100, 999)}",
        },
    )
    s.say(f"{s.day()} ✔")


def letters(s: Sheet) -> None:
    land = s.pick("de", "fr", "es", "it", "nl")
    text = {
        "de": "Sehr geehrte Damen und Herren,\n\nIhr Antrag mit dem Zeichen {a} vom {d} ist eingegangen. Bitte halten Sie die Vorgangsnummer {b} bereit. Ihr Passwort können Sie im Portal selbst setzen; eine IBAN wird nicht benötigt.",
        "fr": "Madame, Monsieur,\n\nvotre dossier n° {a} du {d} est complet (référence {b}). Aucun mot de passe ne vous sera demandé.",
        "es": "Estimados señores:\n\nel expediente {a} de {d} sigue abierto, referencia {b}. Nunca pedimos la contraseña ni la tarjeta.",
        "it": "Gentili signori,\n\nla pratica {a} del {d} è stata ricevuta, protocollo {b}. La password si cambia dal portale.",
        "nl": "Geachte heer of mevrouw,\n\nuw aanvraag {a} van {d} is ontvangen, kenmerk {b}. Een wachtwoord vragen wij nooit.",
    }[land]
    s.tool(
        "letter_read",
        {"id": s.num(10, 999)},
        text.format(a=f"{s.num(1, 99)}-{s.digits(6)}/{s.num(24, 26)}", b=s.digits(s.pick(8, 10, 13)), d=s.day()),
    )
    s.say("OK.")


def slots(s: Sheet) -> None:
    s.tool(
        "free_slots",
        {"day": s.day()},
        {
            "slots": [f"{h:02d}:{s.pick('00', '30')}-{h + 1:02d}:00" for h in (9, 11, 14)],
            "room": f"{s.num(1, 9)}.{s.num(100, 300)}",
            "tz": "UTC+01:00",
        },
    )
    s.user("the second one, please")
    s.tool(
        "book_slot",
        {"slot": 2, "idempotency_key": s.uuid()},
        {"ok": True, "confirmation": chars(s.r, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 6)},
    )
    s.say("Booked.")


def disk(s: Sheet) -> None:
    text = f"Filesystem      1K-blocks      Used Available Use% Mounted on\n/dev/sda1       {s.digits(9)} {s.digits(9)}  {s.digits(8)}  {s.num(10, 90)}% /\nUUID={s.uuid()} /data ext4\n"
    s.shell(
        "df; grep data /etc/fstab; uptime",
        text
        + f" {s.clock()} up {s.num(1, 300)} days, load average: 0.{s.num(10, 99)}, 0.{s.num(10, 99)}, 0.{s.num(10, 99)}\n",
    )
    s.say("There is room.")


def dump_hex(s: Sheet) -> None:
    text = "".join(
        f"{at:08x}  {' '.join(s.hex(2) for _ in range(8))}  {' '.join(s.hex(2) for _ in range(8))}  |................|\n"
        for at in range(0, 64, 16)
    )
    s.shell("hexdump -C f.bin | head -4", text)
    s.say(f"The file starts with 0x{s.hex(8)}; the colour is #{s.hex(6)}.")


def mentions(s: Sheet) -> None:
    s.tool(
        "list_reviews",
        {"pr": s.num(10, 9999)},
        f"@frontend-team please look; cc @ops. Pinned: react@19.1.0, vite@7.0.{s.num(0, 9)}, ghcr.io/tess/api@sha256:{s.hex(64)}\n@Test @Override @media (min-width: 640px)",
    )
    s.say("Two teams are asked.")


SCENES = (
    billing_ids,
    cloud_ids,
    pods,
    secret_list,
    metrics,
    weather,
    flights,
    paper,
    japanese,
    letters,
    slots,
    disk,
    dump_hex,
    mentions,
)
