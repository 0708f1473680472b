"""The blocks that clean agent traces are made of (benchmarks.pii_corpora.public says what clean means).

Each block is a message or two as agents meet them, full of numbers and strange strings that name nobody.
"""

# ruff: noqa: E501, PERF401 (a line of the corpus is one thing to read)

import base64
import hashlib
import json
import random
import string
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

ALNUM = string.ascii_letters + string.digits
WORDS = [
    "order",
    "parcel",
    "invoice",
    "depot",
    "refund",
    "status",
    "cotton",
    "jacket",
    "lamp",
    "bicycle",
    "helmet",
    "desk",
    "chair",
    "blue",
    "small",
    "large",
    "express",
    "flight",
    "seat",
    "window",
    "gate",
    "economy",
    "baggage",
    "policy",
    "cancel",
    "change",
    "exchange",
    "model",
    "index",
    "query",
    "table",
    "column",
    "build",
    "release",
    "branch",
    "commit",
    "merge",
    "deploy",
    "pod",
    "node",
    "cluster",
    "queue",
    "worker",
    "retry",
    "timeout",
    "schema",
    "field",
    "value",
    "sensor",
    "valve",
    "pump",
    "reading",
]


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(count))


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def _hex(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789abcdef") for _ in range(count))


def _upper(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(string.ascii_uppercase + string.digits) for _ in range(count))


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _when(rng: random.Random) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(
        seconds=rng.randrange(70_000_000), microseconds=rng.randrange(10**6)
    )


def _ean(rng: random.Random) -> str:
    """GTIN-13 (GS1 General Specifications): prefix of a country, weights 1 and 3."""
    body = rng.choice(("400", "301", "500", "690", "871", "978", "489")) + _digits(rng, 9)
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)


def _luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return body + str(-total % 10)


def retail_order(rng: random.Random) -> str:
    items = [
        {
            "name": _words(rng, 2),
            "product_id": _digits(rng, 10),
            "item_id": _digits(rng, 10),
            "price": round(rng.uniform(5, 900), 2),
            "options": {"size": rng.choice("SML"), "colour": "blue"},
        }
        for _ in range(rng.randrange(1, 5))
    ]
    order = {
        "order_id": f"#W{_digits(rng, 7)}",
        "items": items,
        "fulfillments": [{"tracking_id": [_digits(rng, 12)], "item_ids": [one["item_id"] for one in items]}],
        "status": rng.choice(("pending", "delivered", "cancelled")),
        "payment_history": [
            {"transaction_type": "payment", "amount": 104.2, "payment_method_id": f"credit_card_{_digits(rng, 7)}"}
        ],
    }
    return json.dumps(order, indent=rng.choice((None, 2)))


def marketplace(rng: random.Random) -> str:
    return (
        f"Your order {_digits(rng, 3)}-{_digits(rng, 7)}-{_digits(rng, 7)} with article {_upper(rng, 10)} ships on "
        f"{_when(rng):%d.%m.%Y}. Invoice {_when(rng):%Y}-{_digits(rng, 6)}, total {rng.randrange(1, 9)},{_digits(rng, 3)}.99 EUR."
    )


def tracking(rng: random.Random) -> str:
    numbers = [
        f"1Z{_upper(rng, 6)}{_digits(rng, 10)}",
        f"9400 1{_digits(rng, 3)} {_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 2)}",
        f"JD0{_digits(rng, 17)}",
        f"7{_digits(rng, 11)}",
        f"{rng.choice(('RR', 'LX', 'CP'))}{_digits(rng, 9)}{rng.choice(('DE', 'GB', 'CN'))}",
        f"00{_digits(rng, 18)}",
    ]
    return f"Tracking numbers of the parcels: {rng.choice(numbers)}, {rng.choice(numbers)}. Last scan {_when(rng):%Y-%m-%d %H:%M}."


def flights(rng: random.Random) -> str:
    rows = [
        {
            "flight_number": f"HAT{_digits(rng, 3)}",
            "origin": "SFO",
            "destination": "JFK",
            "scheduled_departure_time_est": f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:00",
            "date": f"{_when(rng):%Y-%m-%d}",
            "prices": {"basic_economy": rng.randrange(50, 99), "business": rng.randrange(300, 999)},
            "reservation": _upper(rng, 6),
            "ticket": f"016{_digits(rng, 10)}",
        }
        for _ in range(3)
    ]
    return json.dumps(rows)


def catalogue(rng: random.Random) -> str:
    lines = ["sku;ean;asin;isbn;price;stock"]
    for _ in range(8):
        isbn = _ean(rng)
        dashed = f"{isbn[:3]}-{isbn[3]}-{isbn[4:8]}-{isbn[8:12]}-{isbn[12]}"
        lines.append(
            f"{_upper(rng, 3)}-{_digits(rng, 4)}-{_upper(rng, 2)};{_ean(rng)};B0{_upper(rng, 8)};{dashed};"
            f"{rng.randrange(1, 4000)}.{_digits(rng, 2)};{rng.randrange(0, 12000)}"
        )
    return "\n".join(lines)


def long_ids(rng: random.Random) -> str:
    """Ids of services: snowflakes (63 bits since 2010 or 2015), epochs in every unit, shop ids of 13 digits, accounts."""
    body = {
        "tweet_id": str(rng.randrange(12 * 10**17, 19 * 10**17)),
        "message_id": str(rng.randrange(10**18, 13 * 10**17)),
        "created_us": int(_when(rng).timestamp() * 10**6),
        "created_ms": int(_when(rng).timestamp() * 1000),
        "created_ns": int(_when(rng).timestamp() * 10**6) * 1000 + rng.randrange(1000),
        "created": int(_when(rng).timestamp()),
        "shop_order": f"gid://shop/Order/{rng.choice('456')}{_digits(rng, 12)}",
        "page_id": f"10{_digits(rng, 13)}",
        "account": f"arn:aws:iam::{_digits(rng, 12)}:role/reader",
        "row": rng.randrange(10**9, 10**10),
        "ledger": _digits(rng, rng.choice((14, 15, 16))),
    }
    keys = rng.sample(list(body), 6)
    return json.dumps({key: body[key] for key in keys})


def devices(rng: random.Random) -> str:
    """Stock of a warehouse: IMEI (15 digits, check digit by Luhn), serial numbers, MAC addresses of switches."""
    mac = ":".join(_hex(rng, 2).upper() for _ in range(6))
    return (
        f"unit {_luhn('35' + _digits(rng, 12))} in stock, serial C02{_upper(rng, 9)}, switch {mac}, firmware "
        f"{rng.randrange(9)}.{rng.randrange(20)}.{rng.randrange(40)}-{_digits(rng, 3)}, location 12-04-{_digits(rng, 3)}"
    )


def server_log(rng: random.Random) -> str:
    lines = []
    for _ in range(rng.randrange(4, 14)):
        lines.append(
            f"{_when(rng):%Y-%m-%d %H:%M:%S},{_digits(rng, 3)} [{rng.choice(('INFO', 'WARN', 'ERROR'))}] worker-{rng.randrange(20)} "
            f"request_id={_uuid(rng)} took {rng.randrange(9000)}ms bytes={rng.randrange(10**7)} trace={_hex(rng, 32)} "
            f"span={_hex(rng, 16)} peer={rng.choice(('127.0.0.1:51342', '10.42.3.17', '192.168.1.20:8080', '0.0.0.0:9000', '[::1]:8000'))}"
        )
    return "\n".join(lines)


def cluster(rng: random.Random) -> str:
    pod = f"api-{_hex(rng, 9)}-{''.join(rng.choice('bcdfghjklmnpqrstvwxz2456789') for _ in range(5))}"
    return (
        f"Name: {pod}\nNamespace: default\nStart Time: {_when(rng):%a, %d %b %Y %H:%M:%S} +0000\nIP: 10.244.{rng.randrange(255)}."
        f"{rng.randrange(255)}\nImage: registry.local/api@sha256:{_hex(rng, 64)}\nPort: 8080/TCP\nLimits: cpu 500m, memory 512Mi\n"
        f"Token: <redacted>\nMounts: /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-{_hex(rng, 5)} (ro)"
    )


def git_log(rng: random.Random) -> str:
    lines = [f"{_hex(rng, 40)} {_when(rng):%Y-%m-%d %H:%M:%S +0200} {_words(rng, 5)}" for _ in range(6)]
    lines.append("origin\tgit@github.com:acme/tools.git (fetch)")
    lines.append(f"index {_hex(rng, 7)}..{_hex(rng, 7)} 100644")
    return "\n".join(lines)


def dependencies(rng: random.Random) -> str:
    return "\n".join(
        [
            f"numpy=={rng.randrange(3)}.{rng.randrange(30)}.{rng.randrange(9)}",
            f"urllib3=={rng.randrange(3)}.{rng.randrange(30)}.{rng.randrange(9)} --hash=sha256:{_hex(rng, 64)}",
            f"chromium {rng.randrange(90, 140)}.0.{rng.randrange(1000, 7000)}.{rng.randrange(10, 200)}",
            f"Windows 10.0.{rng.randrange(10000, 22631)}.{rng.randrange(1, 5000)}",
            f"mesa 1:{rng.randrange(20, 25)}.{rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(9)}-1",
            f'"integrity": "sha512-{base64.b64encode(rng.randbytes(64)).decode()}"',
            f'"resolved": "https://registry.local/@types/node@{rng.randrange(20)}.{rng.randrange(9)}.{rng.randrange(9)}"',
            "uses: actions/checkout@v4",
        ]
    )


def user_agents(rng: random.Random) -> str:
    return (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{rng.randrange(90, 140)}.0.0.0 Safari/537.36 Edg/{rng.randrange(90, 140)}.0.{rng.randrange(1000, 3000)}.{rng.randrange(100)}"
    )


def code_python(rng: random.Random) -> str:
    return f"""```python
@app.route("/orders/<int:order_id>")
@functools.lru_cache(maxsize={rng.randrange(4096)})
def order(order_id):
    token = os.environ["API_TOKEN"]
    headers = {{"Authorization": f"Bearer {{token}}"}}
    password = getpass.getpass()
    if not (password == expected_password and api_key is not None):
        raise PermissionError("password_reset_token_expired")
    timeout, limit = {rng.randrange(100)}, 0x{_hex(rng, 8)}
    MAGIC = {_digits(rng, 10)}
    scale = 0.{_digits(rng, 12)}
    return requests.get(f"{{BASE}}/v1/orders/{{order_id}}?page={rng.randrange(90)}", headers=headers, timeout=timeout)
```"""


def code_other(rng: random.Random) -> str:
    return f"""```cpp
#include <chrono>
auto start = std::chrono::steady_clock::now();  // {_digits(rng, 4)}
boost::asio::ip::address::from_string(cfg.host);
static const uint8_t KEY_TABLE[] = {{0x{_hex(rng, 2)}, 0x{_hex(rng, 2)}, 0x{_hex(rng, 2)}, 0x{_hex(rng, 2)}}};
ActiveRecord::Base.transaction {{ a::b::c(dead::beef) }}
const apiKey = process.env.API_KEY;  const secret = config.get('client_secret');
const password = "********"; // never log it
export API_KEY=<your key>   TOKEN=${{{{ secrets.DEPLOY_TOKEN }}}}   key: "sk-..."
let img = 'logo@2x.png', other = 'banner@3x.jpg';
```"""


def diff(rng: random.Random) -> str:
    return (
        f"diff --git a/src/{_words(rng, 1)}.py b/src/x.py\nindex {_hex(rng, 10)}..{_hex(rng, 10)} 100644\n"
        f"@@ -{rng.randrange(900)},{rng.randrange(9)} +{rng.randrange(900)},{rng.randrange(9)} @@\n"
        f"-    total = {_digits(rng, 9)}\n+    total = {_digits(rng, 10)}  # {_words(rng, 4)}\n+{_digits(rng, 7)}\n"
    )


def figures(rng: random.Random) -> str:
    rows = [" | ".join(f"{rng.randrange(10 ** rng.randrange(2, 7)):>8}" for _ in range(6)) for _ in range(8)]
    return (
        "region |  2019 |  2020 |  2021 |  2022 |  2023\n"
        + "\n".join(rows)
        + f"\nsum {rng.randrange(9)} {_digits(rng, 3)} {_digits(rng, 3)}"
    )


def prices(rng: random.Random) -> str:
    return "; ".join(
        f"{_words(rng, 2)} {rng.randrange(1, 99)},{_digits(rng, 3)}.{_digits(rng, 2)} USD (-{rng.randrange(90)}%)"
        for _ in range(6)
    )


def coordinates(rng: random.Random) -> str:
    places = [[round(rng.uniform(-180, 180), 7), round(rng.uniform(-90, 90), 7)] for _ in range(6)]
    return json.dumps(
        {"type": "LineString", "coordinates": places, "bbox": [-74.25909, 40.477399, -73.700181, 40.916178]}
    )


def vector(rng: random.Random) -> str:
    steps = " ".join(
        f"{rng.choice('MCLQ')}{rng.randrange(900)} {rng.randrange(900)} {rng.randrange(900)} {rng.randrange(900)} {rng.randrange(900)} {rng.randrange(900)}"
        for _ in range(6)
    )
    return f'<svg viewBox="0 0 1024 768"><path d="{steps}"/><rect x="{rng.randrange(999)}.{_digits(rng, 3)}" y="12"/></svg>'


def blob(rng: random.Random) -> str:
    return json.dumps({"mime": "image/png", "data": base64.b64encode(rng.randbytes(rng.randrange(300, 1500))).decode()})


def hashes(rng: random.Random) -> str:
    data = rng.randbytes(8)
    return (
        f"md5 {hashlib.md5(data).hexdigest()}  sha1 {hashlib.sha1(data).hexdigest()}  sha256 {hashlib.sha256(data).hexdigest()}\n"
        f'etag "{_hex(rng, 32)}-{rng.randrange(40)}" uuid {_uuid(rng)} crc {_hex(rng, 8)} ulid 01J{_upper(rng, 23)}'
    )


def paging(rng: random.Random) -> str:
    cursor = base64.urlsafe_b64encode(rng.randbytes(27)).decode()
    return json.dumps(
        {
            "results": [f"{_words(rng, 3)}"],
            "nextPageToken": cursor,
            "total_tokens": rng.randrange(9000),
            "max_tokens": 1024,
            "id": f"chatcmpl-{''.join(rng.choice(ALNUM) for _ in range(29))}",
            "request": f"req_{''.join(rng.choice(ALNUM) for _ in range(24))}",
            "tool_call_id": f"call_{''.join(rng.choice(ALNUM) for _ in range(24))}",
            "token": None,
        }
    )


def hexdump(rng: random.Random) -> str:
    return "\n".join(
        f"{at:08x}  {' '.join(_hex(rng, 2) for _ in range(8))}  {' '.join(_hex(rng, 2) for _ in range(8))}"
        for at in range(0, 96, 16)
    )


def telemetry(rng: random.Random) -> str:
    lines = ["ts,valve,pressure,flow"]
    at = int(_when(rng).timestamp() * 1000)
    for step in range(10):
        lines.append(f"{at + step * 250},{rng.randrange(9)},{rng.uniform(0, 9):.6f},{rng.uniform(-1, 1):.9f}")
    return "\n".join(lines)


def metrics(rng: random.Random) -> str:
    return "\n".join(
        f'http_requests_total{{code="{rng.choice((200, 404, 500))}",le="{rng.random():.3f}"}} {rng.randrange(10**9)} {int(_when(rng).timestamp() * 1000)}'
        for _ in range(6)
    )


def standard(rng: random.Random) -> str:
    return (
        f"See clause {rng.randrange(1, 20)}.{rng.randrange(20)}.{rng.randrange(20)}.{rng.randrange(9)} and table A.{rng.randrange(9)}-{rng.randrange(20)}; object identifier "
        f"1.3.6.1.4.1.{rng.randrange(99999)}.{rng.randrange(9)}, mask 255.255.255.0, example host 192.0.2.{rng.randrange(255)}, "
        f"prefix 2001:db8::/32. Time {_when(rng):%H:%M:%S}, ratio 16:9, verse 3:16, zone UTC+05:30, postcode 94105-{_digits(rng, 4)}."
    )


def calendar(rng: random.Random) -> str:
    one, two = _when(rng), _when(rng)
    return (
        f"from {one:%d/%m/%Y} to {two:%d/%m/%Y}, {one:%Y%m%d%H%M%S}, {two:%Y%m%dT%H%M%SZ}, {one.isoformat()}, {two:%d-%m-%Y %H.%M}, "
        f"week {one:%G-W%V}, cron 0 {rng.randrange(24)} 1 */{rng.randrange(2, 6)} *, {one:%Y.%m.%d}-{two:%Y.%m.%d}, room {_digits(rng, 3)}-{_digits(rng, 3)}"
    )


def database(rng: random.Random) -> str:
    lines = [" id      | code           | qty  | amount", "---------+----------------+------+----------"]
    for _ in range(6):
        lines.append(
            f" {rng.randrange(10**6, 10**7)} | {_upper(rng, 4)}-{_upper(rng, 4)}-{_digits(rng, 4)} | {rng.randrange(9999):>4} | {rng.randrange(99999)}.{_digits(rng, 2)}"
        )
    return (
        "\n".join(lines)
        + f"\n(6 rows) lsn 16/{_hex(rng, 8).upper()} oid {rng.randrange(16384, 99999)} xid {rng.randrange(10**9)}"
    )


def arithmetic(rng: random.Random) -> str:
    a, b = rng.randrange(10**5, 10**8), rng.randrange(10**3, 10**6)
    return f"{a} * {b} = {a * b}; {a} / {b} = {a / b}; 1/7 = 0.142857142857142857; pi 3.14159265358979; ({a}) {b} - {a}; 2^64 = 18446744073709551616"


def certificate(rng: random.Random) -> str:
    """Public material: no secret in it."""
    body = base64.b64encode(rng.randbytes(192)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    finger = ":".join(_hex(rng, 2).upper() for _ in range(20))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\nSHA1 Fingerprint={finger}\nserial {_hex(rng, 36)}"


def registry_codes(rng: random.Random) -> str:
    """Codes that begin like an account number: VAT numbers of firms, container numbers, LEI, article codes."""
    return (
        f"VAT DE{_digits(rng, 9)}, container {_upper(rng, 3)}U{_digits(rng, 7)}, LEI {_digits(rng, 4)}00{_upper(rng, 12)}{_digits(rng, 2)}, "
        f"part {rng.choice(('DE', 'FR', 'GB', 'NL', 'CH'))}{_digits(rng, 2)}{_upper(rng, 4)}{_digits(rng, 12)}, lot IT{_digits(rng, 2)}-{_digits(rng, 6)}, ISIN US{_digits(rng, 9)}{rng.randrange(9)}"
    )


def issues(rng: random.Random) -> str:
    return (
        f"Ticket ACME-{_digits(rng, 5)} (build {_digits(rng, 8)}.{rng.randrange(9)}), see #{_digits(rng, 4)} and RFC {_digits(rng, 4)}; the disk-usage-monitor-task-scheduler "
        f"and risk-assessment-pipeline-configuration-step fail; run-{_digits(rng, 10)}-{rng.randrange(9)}; ping @reviewer-team; cost 12@7.50 each; postgres@localhost refused"
    )


CLEAN_BLOCKS: list[Callable[[random.Random], str]] = [
    retail_order, marketplace, tracking, flights, catalogue, long_ids, devices, server_log, cluster, git_log, dependencies,
    user_agents, code_python, code_other, diff, figures, prices, coordinates, vector, blob, hashes, paging, hexdump, telemetry,
    metrics, standard, calendar, database, arithmetic, certificate, registry_codes, issues,
]  # fmt: skip


def clean_turns(rng: random.Random) -> list[dict[str, Any]]:
    """Messages in the internal form: a system prompt, a wish, then calls with arguments and results, and an answer."""
    messages = [
        _text("system", f"You are an agent. {_words(rng, 30)}."),
        _text("user", f"Please {_words(rng, 8)} for {marketplace(rng)}"),
    ]
    for number, block in enumerate(rng.sample(CLEAN_BLOCKS, rng.randrange(3, 7))):
        arguments = json.dumps(
            {
                "query": _words(rng, 3),
                "id": _digits(rng, rng.randrange(4, 13)),
                "limit": rng.randrange(100),
                "ref": _uuid(rng),
            }
        )
        call = {
            "id": f"call_{number}",
            "name": rng.choice(("get_order", "run", "search", "read_file")),
            "arguments": arguments,
        }
        messages.append({**_text("assistant", ""), "tool_calls": [call]})
        messages.append({**_text("tool", block(rng)), "tool_call_id": call["id"]})
    messages.append(_text("assistant", f"Done: {_words(rng, 12)}. Reference {_upper(rng, 8)}, {_digits(rng, 6)}."))
    return messages


def _text(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "text": text}]}
