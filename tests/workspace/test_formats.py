"""Numbers as people read them; what is missing is a dash."""

from datetime import timedelta
from decimal import Decimal

import pytest

from workspace import charts, formats
from workspace.templatetags.ui import both_ends


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (formats.whole, 12345, "12,345"), (formats.whole, None, "–"), (formats.whole, 0, "0"),
        (formats.short, 18437, "18.4k"), (formats.short, 9999, "9,999"), (formats.short, 2_300_000, "2.3M"), (formats.short, None, "–"),
        (formats.duration, 212, "212 ms"), (formats.duration, 36900, "36.9 s"), (formats.duration, 754_000, "12 min 34 s"),
        (formats.duration, 9_000_000, "2 h 30 min"), (formats.duration, None, "–"), (formats.duration, 0, "0 ms"),
        (formats.money, Decimal("0.0412"), "$0.041"), (formats.money, 12, "$12.00"), (formats.money, 0, "$0"),
        (formats.money, 0.00042, "$0.00042"), (formats.money, 3e-05, "$0.00003"), (formats.money, -0.000514, "$-0.00051"),
        (formats.money, 1e-20, "under $0.000000000001"), (formats.money, None, "–"),
        (formats.money, 0.00135, "$0.0014"), (formats.money, 0.001, "$0.001"), (formats.money, 0.0199, "$0.020"),
        (formats.size, 678_000, "678 kB"), (formats.size, 5_300_000, "5.3 MB"), (formats.size, 12, "12 B"),
        (formats.percent, 0.7142, "71.4 %"), (formats.percent, None, "–"),
        (formats.ago, timedelta(seconds=1), "just now"), (formats.ago, timedelta(minutes=14), "14 min"),
        (formats.ago, timedelta(hours=5), "5 h"), (formats.ago, timedelta(days=12), "12 d"),
        (formats.ago, -timedelta(minutes=3), "in 3 min"),
    ],
)  # fmt: skip
def test_formats(function, value, text) -> None:  # type: ignore[no-untyped-def]
    assert function(value) == text


def test_sparklines_keep_gaps_and_say_nothing_without_data() -> None:
    assert charts.sparkline([]) == "" and charts.sparkline([1]) == "" and charts.sparkline([None, None, 3]) == ""
    drawn = charts.sparkline([1, 2, None, 3, 4, float("nan"), 5], label='<b>"')
    assert drawn.count("<path") == 2 and "<b>" not in drawn


def test_the_end_of_a_long_id_stays() -> None:
    drawn = both_ends("tau-bench/gpt-4o-airline-tasks-0-24/9/<2>")
    assert 'title="tau-bench/gpt-4o-airline-tasks-0-24/9/&lt;2&gt;"' in drawn
    assert drawn.endswith("<span>s-0-24/9/&lt;2&gt;</span></span>") and both_ends("short") == "<span>short</span>"
