"""Bugs the coding helper is asked to find."""

from curation.demo.coding_tools import Task

BUGS = [
    Task(
        "last-page",
        "pagination",
        (
            "The last page of bookings is empty whenever the number of rows is a multiple of the page size. Can you fix it?",
            "pagination shows one page too many for bookings. 40 rows, 20 a page -> 3 pages. please fix, tests in tests/test_paging.py",
            "QA says: list of bookings, page 3 of 3 is blank. Find out why.",
        ),
        r"page_count|per_page",
        "bookings/paging.py",
        "PER_PAGE = 20\n\n\ndef page_count(total: int) -> int:\n    return total // PER_PAGE + 1\n\n\n"
        "def page(rows, number):\n    start = (number - 1) * PER_PAGE\n    return rows[start:start + PER_PAGE]\n",
        "tests/test_paging.py",
        "E       assert 3 == 2\nE        +  where 3 = page_count(40)\n1 failed, 6 passed in 0.21s",
        "    return total // PER_PAGE + 1",
        "    return max(1, -(-total // PER_PAGE))",
        (
            "`page_count` added a page to every total, so multiples of 20 got an empty one. It now rounds up "
            "(`-(-total // PER_PAGE)`), with one page for an empty list as before. All 7 paging tests pass.",
            "Fixed in `bookings/paging.py`: integer division plus one is wrong for exact multiples. Rounding up instead; an "
            "empty list still has one page. Tests: 7 passed.",
        ),
        "    return total // PER_PAGE",
        "Removed the `+ 1`, the extra page is gone.",
        "Now the last partial page is lost: 41 rows give 2 pages. Traded one off-by-one for another.",
        "40 // 20 + 1 is 3. Needs rounding up, and 0 must stay one page.",
    ),
    Task(
        "day-shift",
        "time zones",
        (
            "Bookings made after 10 pm show up on the next day in the report. Looks like a time zone thing.",
            "daily report for bookings is off by one day for late entries, users are in Madrid. can you look?",
            "Why does a booking from 23:30 land in tomorrow's report?",
        ),
        r"\.date\(\)|utcnow",
        "reports/daily.py",
        "from collections import Counter\n\n\ndef per_day(bookings):\n    return Counter(b.created_at.date() for b in bookings)\n",
        "tests/test_daily.py",
        "E   AssertionError: Counter({date(2025, 3, 5): 1}) != Counter({date(2025, 3, 4): 1})\n1 failed, 3 passed in 0.34s",
        "b.created_at.date()",
        "b.created_at.astimezone(zone).date()",
        (
            "`per_day` took the date of the UTC time. It now converts to the venue's zone first (`zone` is a new argument, "
            "the two callers pass `settings.ZONE`). 4 tests pass, among them one at the change to summer time.",
            "Cause: `created_at` is stored in UTC and `.date()` was taken without converting, so everything after 22:00 or "
            "23:00 local time fell on the next day. Converted with `astimezone(zone)`; 4 passed.",
        ),
        "(b.created_at + timedelta(hours=1)).date()",
        "I added one hour, so late bookings are on the right day now.",
        "Fixed offset breaks in summer, and for every other zone. Wrong direction of thought.",
        "Stored in UTC, reported by local day. The conversion is missing.",
    ),
    Task(
        "n-plus-one",
        "performance",
        (
            "GET /bookings takes 4 seconds with 500 rows. Please make it fast without changing the output.",
            "The bookings endpoint does a query per row, I can see hundreds in the log. Fix?",
            "bookings list is slow as hell since we added customer names. any idea",
        ),
        r"def list_bookings",
        "api/bookings.py",
        'def list_bookings(request):\n    rows = Booking.objects.order_by("-id")[:500]\n'
        '    return [{"id": row.id, "customer": row.customer.name, "tags": [t.name for t in row.tags.all()]} for row in rows]\n',
        "tests/test_api_bookings.py",
        "E   django.test.utils.CaptureQueriesContext: 1001 queries executed, 3 expected\n1 failed, 8 passed in 2.90s",
        'Booking.objects.order_by("-id")[:500]',
        'Booking.objects.select_related("customer").prefetch_related("tags").order_by("-id")[:500]',
        (
            "1,001 queries became 3: `select_related` for the customer (one to one row) and `prefetch_related` for the tags. "
            "The response is byte for byte the same in the test; 9 passed, the file runs in 0.4 s instead of 2.9.",
            "Each row asked for its customer and its tags. Both are now fetched with the list: 3 queries in all. I did not "
            "touch the serialisation. 9 tests pass.",
        ),
        'Booking.objects.order_by("-id")[:50]',
        "Limited the list to 50 rows, it is ten times faster now.",
        "Changes the output (50 instead of 500 rows) although that was ruled out, and still one query per row.",
        "Two relations per row: a foreign key and a many-to-many. One needs a join, the other a prefetch.",
    ),
    Task(
        "float-money",
        "money",
        (
            "Totals of bookings are off by a cent now and then. Example: 3 x 19.99 with 10 % off.",
            "we get 53.97 vs 53.98 in the totals of a booking. rounding?",
            "Finance complains about cent differences in booking totals. Please find the cause and fix it.",
        ),
        r"round\(|float\(",
        "billing/total.py",
        "def total(lines, discount):\n    amount = sum(float(line.price) * line.count for line in lines)\n"
        "    return round(amount * (1 - discount), 2)\n",
        "tests/test_total.py",
        "E   AssertionError: 2.67 != Decimal('2.68')\n2 failed, 11 passed in 0.18s",
        "    amount = sum(float(line.price) * line.count for line in lines)\n    return round(amount * (1 - discount), 2)",
        "    amount = sum((line.price * line.count for line in lines), Decimal(0))\n"
        '    return (amount * (1 - Decimal(str(discount)))).quantize(Decimal("0.01"), ROUND_HALF_UP)',
        (
            "Prices are stored as `Decimal` but were added as floats, and `round` rounds halves to even. The total now stays "
            "in `Decimal` and rounds half up, as your invoices say. 13 tests pass. Note: old rows keep their stored totals.",
            "The sum left `Decimal` for float; that is where the cents went. It stays exact now and is rounded once, half up. "
            "All 13 pass.",
        ),
        "    amount = sum(float(line.price) * line.count for line in lines)\n    return round(amount * (1 - discount) + 0.001, 2)",
        "Added a small epsilon before rounding. The example is right now.",
        "An epsilon is a guess; other totals will now be one cent too high. Money must not be float.",
        "float() on a Decimal column, then banker's rounding. Both have to go.",
    ),
    Task(
        "flaky-order",
        "flaky test",
        (
            "test_export_bookings fails about one time in five in CI. Locally it's green. Help.",
            "flaky: tests/test_export.py::test_export_bookings. can you make it stable (not by retrying!)",
            "CI red again because of the booking export test. It passes when I rerun it.",
        ),
        r"set\(|export_bookings",
        "exports/csv_out.py",
        "def export_bookings(rows):\n    columns = {key for row in rows for key in row}\n"
        '    lines = [",".join(columns)]\n    for row in rows:\n        lines.append(",".join(str(row.get(c, "")) for c in columns))\n'
        '    return "\\n".join(lines)\n',
        "tests/test_export.py",
        "E   AssertionError: 'total,id,name' != 'id,name,total'\n1 failed, 4 passed (run 3 of 10)",
        "columns = {key for row in rows for key in row}",
        "columns = list(dict.fromkeys(key for row in rows for key in row))",
        (
            "Not the test was flaky, the code: the columns came from a set, whose order changes with the hash seed of each "
            "process. They now keep the order of first appearance. I ran the file 50 times with random seeds: 50 x green.",
            "The export took its columns out of a set, so their order differed between processes. `dict.fromkeys` keeps the "
            "order. 50 runs with different PYTHONHASHSEED pass. The files your users get become stable as well.",
        ),
        "columns = {key for row in rows for key in row}  # order varies",
        "I marked the test with `@pytest.mark.flaky(reruns=3)`; CI is stable now.",
        "Retrying was ruled out in the question. And users still get columns in random order.",
        "One in five, only across processes: smells like hash order. A set feeds the header.",
    ),
    Task(
        "race",
        "concurrency",
        (
            "Two users can take the last free slot of a booking at the same time. Please close that hole.",
            "We oversold again: free_slots went to -1 for a booking. I suspect a race in reserve().",
            "reserve() isn't safe with two workers. make it safe pls",
        ),
        r"def reserve",
        "bookings/reserve.py",
        "def reserve(booking_id, user):\n    booking = Booking.objects.get(pk=booking_id)\n    if booking.free_slots < 1:\n        raise Full\n"
        '    booking.free_slots -= 1\n    booking.save(update_fields=["free_slots"])\n    Seat.objects.create(booking=booking, user=user)\n',
        "tests/test_reserve.py",
        "E   AssertionError: 2 seats for 1 free slot\n1 failed, 5 passed in 1.12s",
        "    booking = Booking.objects.get(pk=booking_id)\n    if booking.free_slots < 1:\n        raise Full\n"
        '    booking.free_slots -= 1\n    booking.save(update_fields=["free_slots"])\n    Seat.objects.create(booking=booking, user=user)',
        "    with transaction.atomic():\n"
        '        taken = Booking.objects.filter(pk=booking_id, free_slots__gte=1).update(free_slots=F("free_slots") - 1)\n'
        "        if not taken:\n            raise Full\n        Seat.objects.create(booking_id=booking_id, user=user)",
        (
            "Reading and writing were two steps, so two workers could both see one free slot. Now a single UPDATE takes a "
            "slot only while there is one, inside a transaction with the seat. The test with 8 threads passes 20 times in a "
            "row. I would also add a check constraint `free_slots >= 0`; tell me if you want the migration.",
            "`reserve` is one guarded UPDATE now (`WHERE free_slots >= 1`), together with the seat in a transaction. Threads "
            "test green, 6 passed. One thing changes: an unknown id raises `Full`, not `DoesNotExist`.",
        ),
        "    with threading.Lock():\n        booking = Booking.objects.get(pk=booking_id)\n        if booking.free_slots < 1:\n            raise Full\n"
        '        booking.free_slots -= 1\n        booking.save(update_fields=["free_slots"])\n    Seat.objects.create(booking=booking, user=user)',
        "Wrapped it in a lock, so only one request can reserve at a time.",
        "A new Lock object per call locks nothing, and threads of one process are not the problem anyway.",
        "Check then act. Either lock the row or do it in one UPDATE; the latter is shorter.",
    ),
    Task(
        "encoding",
        "files",
        (
            "Import of bookings from Excel CSV dies with UnicodeDecodeError for our Spanish customers.",
            "CSV import: 'utf-8' codec can't decode byte 0xf1 in position 71. bookings from a client in Seville",
            "Customers upload CSV files saved by Excel and the import of bookings breaks on ñ and é.",
        ),
        r"open\(|read_bookings",
        "imports/csv_in.py",
        "import csv\n\n\ndef read_bookings(path):\n    with open(path) as file:\n        return list(csv.DictReader(file))\n",
        "tests/test_csv_in.py",
        "E   UnicodeDecodeError: 'utf-8' codec can't decode byte 0xf1 in position 71: invalid continuation byte\n1 failed, 3 passed",
        "    with open(path) as file:\n        return list(csv.DictReader(file))",
        '    raw = Path(path).read_bytes()\n    try:\n        text = raw.decode("utf-8-sig")\n    except UnicodeDecodeError:\n'
        '        text = raw.decode("cp1252")\n    return list(csv.DictReader(io.StringIO(text, newline="")))',
        (
            "Excel saves CSV as Windows-1252 unless told otherwise. The import now tries UTF-8 (with or without BOM) and "
            "falls back to cp1252, so ñ and é arrive intact; a test file from Excel is included. 4 passed. Files in other "
            "code pages (Greek, Polish) would still be read wrongly without an error, so ask those customers for UTF-8.",
            "Reads UTF-8 first, cp1252 if that fails, and drops the BOM Excel writes for UTF-8. 4 tests pass.",
        ),
        '    with open(path, errors="ignore") as file:\n        return list(csv.DictReader(file))',
        'Used errors="ignore", the import no longer crashes.',
        "Silently deletes ñ and é from names. Worse than the crash.",
        "0xf1 is ñ in cp1252. Excel. Must not lose letters.",
    ),
    Task(
        "retry-storm",
        "http",
        (
            "When the supplier API answers 500 we hammer it. Please add sane retries to fetch_bookings.",
            "fetch_bookings retries forever without waiting. supplier blocked us today. fix asap",
            "Retries in the supplier client: exponential, with a limit, and not for 4xx. Thanks.",
        ),
        r"while True|requests\.get",
        "clients/supplier.py",
        "def fetch_bookings(session, url):\n    while True:\n        response = session.get(url)\n        if response.ok:\n            return response.json()\n",
        "tests/test_supplier.py",
        "FAILED test_gives_up - Timeout >5.0s\nFAILED test_no_retry_on_404 - Timeout >5.0s\n2 failed, 2 passed",
        "    while True:\n        response = session.get(url)\n        if response.ok:\n            return response.json()",
        "    for attempt in range(5):\n        response = session.get(url, timeout=10)\n        if response.ok:\n            return response.json()\n"
        "        if response.status_code < 500 and response.status_code != 429:\n            break\n"
        "        time.sleep(min(30, 2**attempt) * random.uniform(0.5, 1))\n    raise SupplierFailed(response.status_code)",
        (
            "At most five tries, waiting 1, 2, 4, 8 s (with jitter, capped at 30), a 10 s timeout, and none at all for 4xx "
            "except 429. After that it raises `SupplierFailed`, which `sync.py` already catches. 4 tests pass.",
            "The endless loop is gone: 5 tries with growing, jittered waits, only for 5xx and 429. I added a timeout too, as "
            "`session.get` had none. 4 passed.",
        ),
        "    while True:\n        response = session.get(url)\n        if response.ok:\n            return response.json()\n        time.sleep(1)",
        "It now waits one second between tries.",
        "Still endless, still retries 404. The tests were not run.",
        "Three faults: no limit, no wait, no timeout. And client errors must not be retried.",
    ),
    Task(
        "leak",
        "memory",
        (
            "Memory of the booking worker grows until it is killed after a day. I suspect our cache.",
            "worker RSS goes 200 MB -> 2 GB. heap shows millions of Booking objects",
            "Can you find the memory leak in the booking worker?",
        ),
        r"_cache|lru_cache",
        "worker/lookup.py",
        "_cache = {}\n\n\ndef lookup(booking_id, at):\n    key = (booking_id, at)\n    if key not in _cache:\n        _cache[key] = load(booking_id, at)\n    return _cache[key]\n",
        "tests/test_lookup.py",
        "E   AssertionError: cache holds 100000 entries, at most 1000 wanted\n1 failed, 2 passed in 0.8s",
        "_cache = {}\n\n\ndef lookup(booking_id, at):\n    key = (booking_id, at)\n    if key not in _cache:\n        _cache[key] = load(booking_id, at)\n    return _cache[key]",
        "@lru_cache(maxsize=1000)\ndef _lookup_hour(booking_id, hour):\n    return load(booking_id, hour)\n\n\n"
        "def lookup(booking_id, at):\n    return _lookup_hour(booking_id, at.replace(minute=0, second=0, microsecond=0))",
        (
            "Found it: the cache key contains the exact time, so nothing was ever found twice and nothing thrown away. Data "
            "change hourly, so I key by the hour and keep at most 1,000 entries. In the test 100,000 lookups now stay at "
            "1,000 entries. 3 passed.",
            "`_cache` grew by one entry per call, because the microseconds are part of the key. Now an LRU of 1,000 by hour. "
            "3 passed; I did not run the worker for a day, please watch it.",
        ),
        "_cache = {}\n\n\ndef lookup(booking_id, at):\n    gc.collect()\n    return load(booking_id, at)",
        "I call gc.collect() on each lookup, memory should stay low now.",
        "The cache is still misunderstood; collecting on each call makes it very slow.",
        "Key with a timestamp = a cache that never hits and never shrinks.",
    ),
    Task(
        "regex",
        "validation",
        (
            "Customers with a plus in their mail address can't create a booking. Regex?",
            "name+tag@domain.io gets refused in the booking form, please allow it",
            "Our email check for bookings refuses valid addresses like o'neil@x.museum. Loosen it but keep out rubbish.",
        ),
        r"EMAIL|re\.compile",
        "bookings/forms.py",
        'import re\n\nEMAIL = re.compile(r"^[a-z0-9.]+@[a-z0-9]+\\.[a-z]{2,3}$")\n\n\ndef valid_email(text):\n    return bool(EMAIL.match(text))\n',
        "tests/test_forms.py",
        "FAILED test_valid[anna+trip@mail.io]\nFAILED test_valid[o'neil@x.museum]\n2 failed, 9 passed",
        'EMAIL = re.compile(r"^[a-z0-9.]+@[a-z0-9]+\\.[a-z]{2,3}$")',
        'EMAIL = re.compile(r"[^@\\s]+@[^@\\s.]+(\\.[^@\\s.]+)+")',
        (
            "The pattern knew no plus, no apostrophe, no dash in the domain and no ending over three letters. It now asks "
            "for one @, no blanks and a dot in the domain (with `fullmatch`); whether the address exists only a mail can "
            "tell. 11 passed.",
            "Replaced by a much simpler check: something@something.something, no blanks. All 11 cases pass, the rubbish ones too.",
        ),
        'EMAIL = re.compile(r".*")',
        "All addresses are accepted now.",
        "Accepts the empty string. 'Keep out rubbish' ignored.",
        "Strict patterns for mail are always wrong somewhere. Keep it simple.",
    ),
    Task(
        "mutable-default",
        "python",
        (
            "Tags of one booking appear on others. Only in production, after a while.",
            "strange: new bookings have tags nobody gave them",
            "A booking created without tags gets the tags of an earlier one. Please find out why.",
        ),
        r"tags=\[\]|def create_booking",
        "bookings/create.py",
        'def create_booking(name, tags=[]):\n    tags.append("new")\n    return Booking(name=name, tags=tags)\n',
        "tests/test_create.py",
        "E   AssertionError: ['new', 'new'] != ['new']\n1 failed, 3 passed in 0.10s",
        'def create_booking(name, tags=[]):\n    tags.append("new")\n    return Booking(name=name, tags=tags)',
        'def create_booking(name, tags=()):\n    return Booking(name=name, tags=[*tags, "new"])',
        (
            "The default list is made once and shared by all calls, and each call appended to it. It is an empty tuple now "
            "and a new list is built, so the caller's list is not changed either. 4 passed. `ruff` rule B006 would have "
            "found this; I can turn it on.",
            "Classic: a mutable default argument. Fixed by building a new list. 4 passed.",
        ),
        'def create_booking(name, tags=[]):\n    tags.clear()\n    tags.append("new")\n    return Booking(name=name, tags=tags)',
        "I clear the list first, so old tags are gone.",
        "Throws away the tags the caller passes. Test for that was not run.",
        "Default list shared across calls.",
    ),
    Task(
        "sql-injection",
        "security",
        (
            "Security scan flags find_bookings in search.py. Please fix without breaking the sort.",
            "bandit B608 in search of bookings, can you make it safe?",
            "Someone typed a quote into the booking search and got a 500. I fear the worst.",
        ),
        r"execute\(f|f\"SELECT",
        "bookings/search.py",
        "def find_bookings(cursor, text, sort):\n    cursor.execute(f\"SELECT id, name FROM bookings WHERE name LIKE '%{text}%' ORDER BY {sort}\")\n    return cursor.fetchall()\n",
        "tests/test_search.py",
        "E   psycopg.errors.SyntaxError: unterminated quoted string\n1 failed, 5 passed in 0.4s",
        "    cursor.execute(f\"SELECT id, name FROM bookings WHERE name LIKE '%{text}%' ORDER BY {sort}\")",
        '    column = {"name": "name", "newest": "id DESC"}[sort]\n'
        '    cursor.execute(f"SELECT id, name FROM bookings WHERE name ILIKE %s ORDER BY {column}", [f"%{text}%"])',
        (
            "The text is a bound parameter now. `ORDER BY` cannot be bound, so `sort` must be one of two known words and "
            "anything else raises KeyError (the view answers 400). 6 passed. I also tried `'; DROP TABLE bookings; --`: no rows.",
            "Both holes closed: search text as parameter, sort from a fixed list. 6 passed. Note that % and _ in the text "
            "still act as wildcards.",
        ),
        '    text = text.replace("\'", "")\n    cursor.execute(f"SELECT id, name FROM bookings WHERE name LIKE \'%{text}%\' ORDER BY {sort}")',
        "Quotes are removed before the query, so injection is no longer possible.",
        "sort is still pasted into the SQL. And O'Brien can no longer be found.",
        "Two inputs reach the SQL: text and sort. Only one can be bound.",
    ),
]
