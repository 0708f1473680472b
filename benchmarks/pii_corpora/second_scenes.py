"""Clean scenes of the corpus by a second author (see pii_corpora.second): what agents say and read, naming nobody.

Texts are templates: `{d6}` is six digits, `{n6}` six without a leading zero, `{one:a|b}` a choice; see `fill`.
Written without sight of the detector; the detector was mended with them in sight after the first look.
"""

import random
import re
import string
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

Rows = list[str | tuple[int, str]]
Call = tuple[str, str, Rows]  # name, arguments, lines of the result; (8, line) is 4 to 8 such lines
Scene = tuple[str, list[Call], str]  # what the user says, the calls, the answer

UPPER, ALNUM = string.ascii_uppercase, string.ascii_letters + string.digits
ALPHABETS = {
    "d": string.digits, "x": "0123456789abcdef", "X": "0123456789ABCDEF", "A": UPPER, "l": string.ascii_letters,
    "b": ALNUM, "c": ALNUM + "+/", "u": ALNUM + "-_", "q": UPPER + "234567", "a": string.ascii_lowercase,
    "C": UPPER + string.digits,
}  # fmt: skip
FIELD = re.compile(r"\{(?:(iso|day|log|clock|ms|s|uuid|price|lat|lon|o|f)|([a-zA-Z])(\d+))\}")
CHOICE = re.compile(r"\{one:([^{}]*)\}")
START = datetime(2025, 2, 3, tzinfo=UTC)


def fill(rng: random.Random, template: str) -> str:
    """`template` with its fields filled by chance; a field of an unknown name stays as it is."""

    def field(match: re.Match[str]) -> str:
        name, letter, length = match.groups()
        if name is None:
            if letter in "np":  # a number without a leading zero; one that starts with 2 to 9
                return rng.choice("123456789" if letter == "n" else "23456789") + some(rng, "d", int(length) - 1)
            return some(rng, letter, int(length)) if letter in ALPHABETS else match.group()
        when = START + timedelta(milliseconds=rng.randrange(45_000_000_000))
        return {
            "iso": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "day": f"{when:%Y-%m-%d}",
            "log": f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03d}", "clock": f"{when:%H:%M:%S}",
            "ms": str(int(when.timestamp() * 1000)), "s": str(int(when.timestamp())),
            "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)), "price": f"{rng.uniform(3, 2400):.2f}",
            "lat": f"{rng.uniform(-60, 68):.6f}", "lon": f"{rng.uniform(-170, 170):.6f}",
            "o": str(rng.randint(1, 254)), "f": f"{rng.uniform(0, 1):.{rng.randint(3, 16)}f}",
        }[name]  # fmt: skip

    chosen = CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), template)
    return FIELD.sub(field, chosen)


def some(rng: random.Random, letter: str, length: int) -> str:
    """`length` signs of the alphabet `letter`."""
    return "".join(rng.choices(ALPHABETS[letter], k=length))


SUPPORT: list[Scene] = [
    ("Hi, order {one:#|no. |}{n3}-{d7}-{d7} was supposed to be here on {day} and the page still says 'in transit'. "
     "The confirmation lists {n1} items, total EUR {price}. What is going on?",
     [("get_order", '{"order_id": "{n3}-{d7}-{d7}", "expand": ["items", "shipments"]}',
       ['{"order_id": "{n3}-{d7}-{d7}", "internal_id": {n16}, "created_at": "{iso}", "created_ms": {ms},',
        ' "currency": "EUR", "total": {price}, "payment": {"intent": "pi_3{b23}", "status": "captured"}, "items": [',
        (5, '  {"sku": "{A3}-{d5}-{one:BLK|WHT|OAK|M|XL}", "ean": "40{d11}", "qty": {n1}, "price": {price}},'),
        ' ], "warehouse": "LEJ{d1}", "batch": "FR76-BATCH-{d14}", "carrier_ref": "{n20}"}']),
      ("track_parcel", '{"tracking_number": "{one:1Z|JJD0}{C6}{d10}"}',
       ["status: IN_TRANSIT  parcel: 00{d18}  weight: 2.{d1} kg  route: {n4}-{n3}-{n4}",
        (6, "{day} {clock}  hub {A3}{d2}  scan {n12}  {one:arrived|departed|sorted|held in customs}")])],
     "The parcel was scanned last at the hub on {day} (scan {n12}). The carrier expects it within two working days. "
     "I opened case {n8}; if it is not there by {day}, I will send a replacement under order {n3}-{d7}-{d7}."),
    ("Invoice RE-{d4}-{d6} shows {price} but the quote 20{d2}/{d5} said {price}. Customer number {n8}. Please check.",
     [("find_invoice", '{"number": "RE-{d4}-{d6}", "tenant": "{uuid}"}',
       ["| pos | article no.     | GTIN           | text                   | qty | net      |",
        "|-----|-----------------|----------------|------------------------|-----|----------|",
        (7, "| {n2}  | {n3}.{d3}.{d2}-{d4} | 0{d13} | {one:Desk lamp|Cable duct 2 m|Shelf board} | {n1} | {price} |"),
        "net {price}  VAT 19 % {price}  gross {price}   our VAT ID DE{n9}  commercial register HRB {n6}",
        "creditor reference RF{d2} {n4} {d4} {d4} {d4}   mandate NL{d2}SHOP{d10}   ledger {n4}/{n5}/{n3}"])],
     "The difference is position {n2}: it was quoted at {price} and billed at {price}. A credit note over {price} is "
     "entered as GS-{d4}-{d6}; the booking text will be 'RE {d4} {d6}'. The reference stays {n4}-{n4}-{n4}."),
    ("Which edition of the book do you have? I look for ISBN 978-{n1}-{d2}-{d6}-{d1} or the older {n1}-{d3}-{d5}-X.",
     [("search_catalogue", '{"isbn": "978{n10}", "limit": 10, "cursor": "eyJvZmZzZXQiOjUwfQ=="}',
       ['{"hits": [',
        (6, ' {"id": {n9}, "isbn13": "978{d10}", "year": 20{d2}, "pages": {n3}, "stock": {n2}, "price": "{price}"},'),
        '], "took_ms": {n2}, "next_cursor": "{c44}==", "etag": "W/\\"{x32}\\""}']),
      ("reserve", '{"copy": "{n13}", "until": {s}, "idempotency_key": "{uuid}"}', ["reservation {n10} ok, slip "
       "{n6}-{n4}"])],
     "We have the third edition (978{d10}) for {price}. I put a copy aside, reservation {n10}, until {day}."),
]  # fmt: skip
CODING: list[Scene] = [
    ("The nightly import dies since commit {x7}. Log is in var/import-{n8}.log, can you fix it?",
     [("bash", '{"command": "tail -n 20 var/import.log"}',
       [(7, "{log} {one:INFO|DEBUG|WARNING} importer.batch[{n5}] row={n7} key={x16} took={n3}ms offset=0x{x8}"),
        "Traceback (most recent call last):",
        '  File "/srv/app/.venv/lib/python3.12/site-packages/importer/batch.py", line {n3}, in run',
        "    amount = Decimal(row['amount'])",
        '  File "/usr/lib/python3.12/decimal.py", line {n4}, in __new__',
        "decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>] at <Row object at 0x7f{x10}>, value "
        "'{n3}.{d3},{d2}'"]),
      ("edit_file",
       '{"path": "importer/batch.py", "old": "Decimal(row[\\"amount\\"])", "new": "parse(row[\\"amount\\"])"}',
       ["diff --git a/importer/batch.py b/importer/batch.py", "index {x7}..{x7} 100644", "--- a/importer/batch.py",
        "+++ b/importer/batch.py", "@@ -{n3},7 +{n3},9 @@ def run(self) -> None:",
        "-            amount = Decimal(row['amount'])", "+            amount = parse(row['amount'])  # 1.234,56 too",
        "@@ -{n3},3 +{n3},6 @@", "+    @pytest.mark.parametrize('text', ['{n1}.{d3},{d2}', '{n4}.{d2}'])"]),
      ("bash", '{"command": "pytest -q tests/test_batch.py"}',
       ["........................ [100%]", "{n3} passed, 2 skipped in {n1}.{d2}s (seed {n10})"])],
     "Amounts with a decimal comma were read as dots. `parse` takes both now; {n3} tests pass. Pushed as {x40}."),
    ("npm install complains about integrity, here is the lock. Remote is git@github.com:acme-tools/webshop.git",
     [("read_file", '{"path": "package-lock.json", "offset": {n4}}',
       ['{"lockfileVersion": 3, "packages": {',
        (6, '  "node_modules/{a7}": '
         '{"version": "{n1}.{d2}.{d1}", "resolved": "https://packages.example.com/{a7}/-/{a7}-{n1}.{d2}.{d1}.tgz",'
            ' "integrity": "sha512-{c86}=="},'),
        "}}", "# overrides: react@18.3.1, @types/node@20.{d2}.{d1}, lodash@4.17.21, {a5}-loader@^{n1}.0.0-beta.{n2}"]),
      ("bash", '{"command": "docker pull registry.internal/web@sha256:{x64}"}',
       ["sha256:{x64}: Pulling from web", (4, "{x12}: Pull complete  {n2}.{d2}MB"), "Digest: sha256:{x64}"])],
     "The entry of {a7} had the hash of another version. I removed it and ran `npm i --package-lock-only`; it is now "
     "`sha512-{c86}==`. Build id {n8}.{n1}, image tag {one:v|release-}{n1}.{d1}.{d2}+build.{n5}."),
    ("Our .NET service throws after the update to 8.0.{d1}.{d2}; see section 4.3.2.1 of the runbook.",
     [("bash", '{"command": "dotnet run --project src/Api -- --max_tokens 4096"}',
       ["Unhandled exception. System.IO.FileLoadException: Could not load file or assembly 'System.Text.Json, "
        "Version=8.0.0.{n1},",
        " Culture=neutral, PublicKeyToken=cc7b13ffcd2ddd51'. HRESULT: 0x8013{X4}",
        (5, "   at Acme.Api.{one:Orders|Stock|Pricing}.<RunAsync>d__{n2}.MoveNext() in "
         "/src/Api/{one:Orders|Stock}.cs:line {n3}"),
        "Found: Version=4.0.0.0, {n1}.{d1}.{d1}.0, FileVersion {n1}.0.{n4}.{n5}; OS 10.0.19045.{n4}; OID "
        "1.3.6.1.4.1.311.{n2}.20",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/1{d2}.0.{n4}.{n3} Safari/537.36"]),
      ("bash", '{"command": "cargo build 2>&1 | tail"}',
       [(4, "error[E0{d3}]: cannot find `{a5}::{a4}` in `std::{a5}`  --> src/{a6}.rs:{n3}:{n2}"),
        "undefined reference to `ns::abc::de::Fa::operator()(int)`; at {clock}; serial "
        "0{d1}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}"])],
     "The binding redirect still pointed at 4.0.0.0. Set it to 8.0.0.{n1} in app.config (line {n3}) and it loads."),
    ("Why does the config test fail? password should come from the environment.",
     [("read_file", '{"path": "settings.py"}',
       ["DATABASES = {'default': {'USER': 'app', 'PASSWORD': os.environ['DB_PASSWORD'], 'HOST': 'localhost'}}",
        'SECRET_KEY = env("SECRET_KEY")', "API_TOKEN = get_secret('billing/api-token')  # never in the repository",
        "password = getpass.getpass('Password: ')", "REDIS_URL = 'redis://localhost:6379/0'; PRIMARY_KEY = 'order_id'",
        "CACHE_KEY = 'v{n1}:{x8}'; MAX_TOKENS = {n4}; TOKEN_RE = r'^[A-Za-z0-9_-]{20,}$'",
        "# .env.example", "OPENAI_API_KEY=sk-...", "STRIPE_KEY=${STRIPE_KEY}", "DB_PASSWORD=<your-password>",
        "DATABASE_URL=postgresql://user:password@localhost:5432/app",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{c43}", '{"user": "app", "password": "********", "token": null}']),
      ("bash", '{"command": "pytest tests/test_settings.py -q"}',
       ["E   KeyError: 'DB_PASSWORD'", "FAILED tests/test_settings.py::test_env[{n3}-{x6}] - KeyError", "1 failed in "
        "0.{d2}s"])],
     "DB_PASSWORD is not set in CI. Add `DB_PASSWORD: ${{ secrets.DB_PASSWORD }}` to the job at line {n2}."),
]  # fmt: skip
DATA: list[Scene] = [
    ("Load sales_{d4}.csv and tell me which store lost most.",
     [("python", '{"code": "df = pd.read_csv(\\"sales_{d4}.csv\\"); print(df.head(8).to_csv())"}',
       [",store_id,ts,sku,units,net,gross,basket,terminal",
        (9, "{n4},{n5},{iso},{d8},{n2},{price},{price},{n12},{n16}")]),
      ("sql", '{"query": "SELECT store_id, SUM(net) FROM sales WHERE basket BETWEEN {n12} AND {n12} GROUP BY 1"}',
       [" store_id |      sum      | delta", "----------+---------------+---------", (8, "    {n5} | {n7}.{d4} | "
        "{one:-|+}{n1}.{d2} %"),
        "({n2} rows)  Time: {n3}.{d3} ms  plan {x16}  cost=0.{d2}..{n6}.{d2} rows={n7} width={n3}"])],
     "Store {n5} lost most: {price} to {price} ({n1}.{d1} %). In LaTeX: $\\Delta = \\frac{{n5}.{d2}}{{n6}} \\approx "
     "{f}$."),
    ("Plot the sensor readings by position and give me mean and std.",
     [("http_get", '{"url": "https://sensors.internal/v2/readings?from={ms}&to={ms}&bbox={lat},{lon},{lat},{lon}"}',
       ['{"station": {n10}, "firmware": "{n1}.{d1}.{d1}", "readings": [',
        (8, '  {"t": {ms}, "id": "{x24}", "lat": {lat}, "lon": {lon}, "pm25": {f}, "raw": [{n5}, {n5}, {n5}, {n5}]},'),
        ']}']),
      ("python", '{"code": "print(np.array(x).mean(), np.array(x).std())"}',
       ["{f} {f}", "[[{f} {f}]", " [{f} {f}]]", "epoch {n2}/{n3} loss={f} lr=3.{d2}e-05 step {n7} tok/s {n5} seed "
        "{n10}",
        "Out[{n2}]: array([{n10}, {n10}, {n11}, {n13}])"])],
     "Mean {f}, std {f} over {n4} readings; the station at {lat}, {lon} reads highest. Figure: fig_{s}.png ({n6} "
     "bytes)."),
    ("Do the product ids in the export still match the register? Some look truncated by Excel (e.g. 4,{d3}E+15).",
     [("python", '{"code": "print(a.merge(b, on=\\"id\\", how=\\"outer\\", indicator=True))"}',
       ["                  id   legacy_code            hash  n",
        (8, "{n2}  {n16}   {A2}{d2}{A4}{d14}   {x16}  {n3}"),
        "left_only {n3}  right_only {n2}  both {n5}", "snowflakes: {n19}, {n18}, {n19}", "codes: {n4} {d4} {d4} {d4} "
        "/ {n4}-{d4}-{d4}-{d4}"]),
      ("sql", '{"query": "SELECT id FROM products WHERE id IN ({n15}, {n16}, {n14}) ORDER BY updated_at DESC LIMIT 5"}',
       [(5, "{n15} | {day} {clock}.{d6}+00 | {uuid} | {n4}.{d2}")])],
     "{n3} ids lost their last digit. Example: {n16} became {n15}0. Read the column as text (dtype=str) and export "
     "again."),
]  # fmt: skip
TRAVEL: list[Scene] = [
    ("Find me a flight {one:BER-LIS|MUC-OSL|VIE-CDG} on {day}, max {n3} EUR, and a hotel near {lat}, {lon}.",
     [("search_flights", '{"from": "BER", "to": "LIS", "date": "{day}", "session": "{uuid}"}',
       ['{"offers": [',
        (5, '  '
         '{"id": '
         '"off_0000{b18}", "flight": "{A2}{n4}", "dep": "{iso}", "arr": "{iso}", "fare": "{A1}{d2}{A4}", "price": '
         '{price}},'),
        '], "search_id": {n17}, "fx": {"EURUSD": 1.{d4}}, "co2_kg": {n3}.{d1}}']),
      ("search_hotels", '{"lat": {lat}, "lon": {lon}, "radius_m": 1500, "place_id": "ChIJ{u23}"}',
       [(5, "{n7}  {one:Hotel Mar Azul|City Loft|Pensao Sol}  {n1}.{d1}/10 ({n4} reviews)  {price} EUR  {lat},{lon}  "
        "rate {n9}-{n3}")])],
     "Best fit: {A2}{n4} for {price} EUR, hotel {n7} for {price} EUR a night. Offers expire at {iso}. Shall I hold "
     "them?"),
    ("My ticket 220-{n10} (booking {A2}{C4}) has to move to {day}. What does it cost?",
     [("get_booking", '{"ticket": "220-{n10}", "locator": "{C6}"}',
       ["PNR {C6}  TKT 220 {n4} {d6}  EMD {n3}-{d4}-{d6}  ISSUED {day}  OFFICE {A3}{A2}{n4}  IATA {n2}-{d1} {d4} {d1}",
        (4, "{n1}  {A2} {n4} {A1}  {day}  {A3}{A3} HK1  {n4} {n4}  E  bag tag 0{n9}  seat {n2}{one:A|C|F}"),
        "FARE EUR {price}  TAX {price}  TOTAL {price}  CHANGE FEE {n2}.00  RULE {n5}/{A4}{d3}  VENDOR REF {n3} {n3} "
        "{d4}"]),
      ("train_times", '{"station": "{n7}", "at": "{iso}"}', [(5, "ICE {n3}  {clock}  platform {n1}  train id {n10}  "
       "{one:+0|+5|+12} min")])],
     "Changing costs {n2}.00 plus a fare difference of {price}. New flight {A2}{n4}, reference {n3}-{n3}-{n4}. "
     "Proceed?"),
]  # fmt: skip
DEVOPS: list[Scene] = [
    ("Pods of checkout restart since {clock}. Cluster prod-{n1}, namespace shop.",
     [("kubectl", '{"args": "get pods -n shop -o wide"}',
       ["NAME                          READY  STATUS            RESTARTS  AGE  IP            NODE",
        (6, "checkout-{x9}-{a5}   {one:1/1|0/1}    {one:Running|CrashLoopBackOff}  {n2}  {n2}h  10.{o}.{o}.{o}  "
         "node-{n2}")]),
      ("kubectl", '{"args": "logs checkout --previous --since-time={iso}"}',
       [(7,
        '{"ts": '
        '{ms}, "level": "{one:info|error}", "trace_id": "{x32}", "span_id": "{x16}", "msg": "probe 127.0.0.1:8080", '
        '"n": {n10}}'),
        "listening on 0.0.0.0:8080 and [::1]:9090; peers 172.17.0.{o}, 192.168.{o}.{o}",
        "fatal: out of memory: {n10} bytes (rss {n9} kB), goroutine {n4} [running]: main.(*Cache).Put(0xc000{x6}, "
        "0x{x8})"]),
      ("kubectl", '{"args": "set resources deploy/checkout --limits=memory=768Mi"}', ["deployment.apps/checkout "
       "resource requirements updated"])],
     "Memory limit was 512Mi, usage {n10} bytes. Raised to 768Mi; generation {n3}, resourceVersion {n9}, uid {uuid}."),
    ("terraform plan wants to replace the subnet, is that safe?",
     [("bash", '{"command": "terraform plan -no-color"}',
       ['  # aws_subnet.app must be replaced  id = "subnet-0{x16}"', '-/+ cidr_block = "10.{o}.0.0/16" -> '
        '"10.{o}.0.0/16"',
        '    arn = "arn:aws:iam::{n12}:role/app-{n4}"  owner_id = "{n12}"  ami = "ami-0{x16}"',
        '    route = "0.0.0.0/0", "::/0"   netmask 255.255.252.0   ipv6 = "fd{x2}:{x4}:{x4}::/64", "fe80::/10"',
        '    object key = "exports/{day}/part-{d5}-{uuid}.snappy.parquet"  kms_key_id = "{uuid}"',
        (4, '    tags["{a6}"] = "{A2}{d2}-{d4}-{d4}-{d4}"  version_id = "{b32}"'),
        "Plan: 1 to add, 0 to change, 1 to destroy. lock {uuid} serial {n3} lineage {uuid}"]),
      ("bash", '{"command": "openssl x509 -in ca.pem -noout -serial -fingerprint; cat ca.pub"}',
       ["serial={X32}", "SHA256 "
        "Fingerprint={X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}:{X2}",
        "-----BEGIN PUBLIC KEY-----", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A{c32}", "{c64}", "{c64}", "-----END PUBLIC "
        "KEY-----"])],
     "No: the instances in 10.{o}.0.0/16 would be recreated. Add a second block as a new resource and move them one "
     "by one."),
    ("p99 of the gateway doubled on {day}. Find out why.",
     [("promql",
      '{"query": "histogram_quantile(0.99, rate(http_request_seconds_bucket[5m]))", "start": {s}, "end": {s}}',
       ['{"status": "success", "result": [{"metric": {"le": "0.5", "job": "gateway"}, "values": [',
        (8, '  [{s}.{d3}, "{f}"],'), "]}]}"]),
      ("bash", '{"command": "journalctl -u gateway -n 8 --no-pager; crontab -l"}',
       [(6, "gateway[{n5}]: {iso} req={n15} id=req_{b24} status={one:200|502|504} dur={n4}ms bytes={n7} "
        "up=localhost:{n4} sid={c22}=="),
        "*/5 * * * * /opt/jobs/rotate.sh --build {n4}.{d2}.{d2}.{d3} --job {n3}-{n4}-{n4}", "PID {n6} nice 19 inode "
        "{n8} blocks {n9}"])],
     "rotate.sh (job {n3}-{n4}-{n4}) blocks the disk every five minutes: {n4} of {n5} slow requests fall into its "
     "window."),
]  # fmt: skip
DOMAINS = [SUPPORT, CODING, DATA, TRAVEL, DEVOPS]
SYSTEMS = ["You are a helpful agent. Use the tools.", "Agent v{n1}.{d1}.{d1}, run {uuid}, model snapshot {day}.", ""]


def _message(role: str, text: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "text": text}] if text else [], **more}


def call(rng: random.Random, name: str, arguments: str, result: str) -> list[dict[str, Any]]:
    """An assistant's call and its result."""
    number = f"call_{some(rng, 'b', 24)}"
    asked = {"id": number, "name": name, "arguments": arguments}
    return [_message("assistant", "", tool_calls=[asked]), _message("tool", result, tool_call_id=number, name=name)]


def turns(rng: random.Random) -> list[dict[str, Any]]:
    """A conversation of one or two scenes without personal data."""
    domain, system = rng.choice(DOMAINS), rng.choice(SYSTEMS)
    messages = [_message("system", fill(rng, system))] if system else []
    for asked, calls, answer in rng.sample(domain, rng.choice([1, 1, 2])):
        messages.append(_message("user", fill(rng, asked)))
        for name, arguments, rows in calls:
            lines: list[str] = []
            for row in rows:
                many, line = (1, row) if isinstance(row, str) else (rng.randint(4, row[0]), row[1])
                lines += [fill(rng, line) for _ in range(many)]
            messages += call(rng, name, fill(rng, arguments), "\n".join(lines))
        messages.append(_message("assistant", fill(rng, answer)))
    return messages
