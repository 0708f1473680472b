"""Documents that are hard to show: one with everything, one that is hostile, one that is long."""

from curation.messages.form import Document, message
from tests.make import call, document, tool_result

FILE = "\n".join(f"{number}\tline number {number} of the billing module" for number in range(1, 81))
OUTPUT = "\n".join([*(f"tests/billing/test_{n}.py ........" for n in range(40)), "1 failed, 320 passed in 8.31s"])


def rich() -> Document:
    """Parallel calls, a failed one, reasoning, a long result, an edit, a table, a repeated call, an orphan, a call without
    a result, a sub-agent, a second candidate."""
    said = document(
        message("system", "You repair small defects in a Python repository.\nRun the tests before you answer.\n" * 6),
        message("user", "The nightly invoice job gets VAT wrong on orders with three lines. Find the cause and fix it."),
        message(
            "assistant", "",
            reasoning=[{"text": "A cent too much on three lines smells of rounding each line.\nRead the VAT module first."}],
            tool_calls=[
                call("read_file", '{"path": "billing/vat.py", "lines": "1-80"}', "c1"),
                call("search_code", '{"pattern": "round(", "under": "billing/"}', "c2"),
            ],
            latency_ms=4100, usage={"input": 1200, "output": 210},
        ),
        tool_result(FILE, "c1", latency_ms=38, name="read_file"),
        tool_result('[{"file": "vat.py", "line": 21, "text": "total += round(x)"}, {"file": "lines.py", "line": 71, "text": "net = round(q)"}]', "c2", latency_ms=212),  # noqa: E501
        message("assistant", "VAT is rounded on each line. I will round the sum once, then run the billing tests.",
                tool_calls=[call("edit_file", '{"path": "billing/vat.py", "old_string": "def order_vat(lines, rate):\\n    total = Decimal(\\"0\\")\\n    for line in lines:\\n        total += round(line.net * rate, 2)\\n    return total", "new_string": "def order_vat(lines, rate):\\n    net = sum(line.net for line in lines)\\n    return round(net * rate, 2)"}', "c3")], latency_ms=2300),  # noqa: E501
        tool_result("ok", "c3", latency_ms=61),
        message("assistant", "", tool_calls=[call("bash", '{"command": "pytest tests/billing -q --maxfail=1"}', "c4")], latency_ms=1500),
        tool_result(OUTPUT, "c4", is_error=True, latency_ms=8400),
        message("assistant", "", reasoning=[{"text": "", "redacted": True}], tool_calls=[call("get_status", '{"job": "nightly"}', "c5")], latency_ms=900),  # noqa: E501
        tool_result('{"state": "waiting", "since": 3}', "c5", latency_ms=120),
        message("assistant", "", tool_calls=[call("get_status", '{"job": "nightly"}', "c6")], latency_ms=900),
        tool_result('{"state": "waiting", "since": 3}', "c6", latency_ms=118),
        message("assistant", "", tool_calls=[call("get_config", '{"deep": {"a": [1, 2, {"b": null}]}}', "c7"), call("notify", '{"channel": "ops"}', "c8")], latency_ms=700),  # noqa: E501
        tool_result('{"billing": {"vat": {"rate": 0.19, "modes": ["gross", "net"]}}, "jobs": ["nightly"]}', "c7", latency_ms=44),
        tool_result("nobody asked for this", "c99", name="late_result"),
        message("assistant", "The cause was in **billing/vat.py**: VAT was rounded for every line and then summed.\n\nI added a test, and all 48 tests pass. I also reran the nightly invoice job for order 88213 and it now charges 17.09.", latency_ms=3200),  # noqa: E501
    )  # fmt: skip
    said["conversations"][0]["candidates"] = [message("assistant", "The cause is unknown.")]
    said["conversations"].append(
        {"id": "sub", "name": "changelog-writer", "kind": "sub_agent", "tools": [], "messages": [
            message("user", "Write one line about the VAT fix."),
            message("assistant", "", tool_calls=[call("read_file", '{"path": "CHANGELOG.md"}', "s1")], latency_ms=900),
            tool_result("# Changelog\n\n- nothing yet", "s1", latency_ms=20),
            message("assistant", "Fixed: VAT of orders with three lines.", latency_ms=2000),
        ]}
    )  # fmt: skip
    return said


HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)> <b hx-get="/x" hx-trigger="load">x</b> \u202egnp.exe\u200b {{ 7*7 }} &amp;'


def hostile() -> Document:
    """Text that tries to become markup, in every place that is shown."""
    return document(
        message("system", HOSTILE),
        message("user", HOSTILE, name=HOSTILE),
        message("assistant", HOSTILE, reasoning=[{"text": HOSTILE}], tool_calls=[
            call(HOSTILE, '{"' + HOSTILE.replace('"', "'") + '": "' + HOSTILE.replace('"', "'") + '"}', HOSTILE),
            call("bash", '{"command": "echo ' + HOSTILE.replace('"', "'") + '"}', "b"),
            call("edit", '{"path": "</pre>", "old_string": "a </code><script>1</script>", "new_string": "b </code><script>2</script>"}', "e"),  # noqa: E501
        ]),
        tool_result(HOSTILE, HOSTILE, is_error=True),
        tool_result(HOSTILE + "\n" + HOSTILE, "b"),
        tool_result('[{"<script>": "<script>"}, {"<script>": "</td><script>"}]', "e"),
        message("assistant", HOSTILE + "\n\n[click](javascript:alert(1)) ![p](http://evil.example/p.png)\n\n```html\n" + HOSTILE + "\n```"),
    )  # fmt: skip


def long(steps: int = 3000) -> Document:
    """A run of many calls, one in fifty failed."""
    messages = [message("user", "Walk through all files and count the lines.")]
    for number in range(steps // 2):
        failed = number % 50 == 49
        messages.append(
            message(
                "assistant",
                f"File {number}.",
                tool_calls=[call("read_file", f'{{"path": "f{number}.txt"}}', f"k{number}")],
                latency_ms=30,
            )
        )
        messages.append(
            tool_result("not found" if failed else f"{number} lines", f"k{number}", is_error=failed, latency_ms=12)
        )
    return document(*messages, message("assistant", "Done: all files counted."))
