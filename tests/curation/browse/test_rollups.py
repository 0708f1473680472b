"""Sums by hour against sums of the traces themselves."""

import math
import random
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum

from curation import filters
from curation.browse import figures, rollups
from curation.dirty import mark_traces
from curation.models import DirtyHour, Rollup, Trace
from tests import make
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
HOUR = datetime(2026, 11, 20, 9, tzinfo=UTC)


def hide(*traces: Trace) -> None:
    Trace.objects.filter(pk__in=[trace.pk for trace in traces]).update(archived_at=HOUR)
    mark_traces(ids=[trace.pk for trace in traces])


def test_sums_are_those_of_the_traces_and_follow_every_change(project: Project, ada: User) -> None:
    made = [
        make.trace(
            project, agent="a" if n % 2 else "b", started_at=HOUR + timedelta(minutes=10 * n), latency_ms=1000 * n or None,
            cost_usd=Decimal("0.5") if n else None, input_tokens=10 if n > 1 else None,
        )
        for n in range(9)
    ]  # fmt: skip
    rollups.sweep()
    assert not DirtyHour.objects.exists()
    for is_day, places in ((False, 2), (True, 1)):
        rows = Rollup.objects.filter(project=project, is_day=is_day)
        assert rows.values("hour").distinct().count() == places
        assert rows.aggregate(n=Sum("traces"), c=Sum("cost_usd"), t=Sum("timed"), i=Sum("input_tokens")) == {
            "n": 9, "c": Decimal("4.0"), "t": rows.aggregate(t=Sum("timed"))["t"], "i": 70,
        }  # fmt: skip
    first = Rollup.objects.get(is_day=False, hour=HOUR, agent="b")
    assert (first.traces, first.costed, first.cost_usd) == (3, 2, Decimal("1.0"))
    make.judgment(made[2], ada, "acceptable")
    hide(made[4])
    rollups.sweep()
    again = Rollup.objects.get(is_day=False, hour=HOUR, agent="b")
    assert (again.traces, again.judged, again.acceptable) == (2, 1, 1)
    assert Rollup.objects.filter(is_day=True).aggregate(n=Sum("traces"))["n"] == 8
    hide(*made)
    rollups.sweep()
    assert not Rollup.objects.exists()


def test_nothing_known_is_null_and_not_zero(project: Project) -> None:
    make.row(project, started_at=HOUR)
    rollups.mark_all(project=project)
    rollups.sweep()
    row = Rollup.objects.get(is_day=True)
    assert (row.cost_usd, row.input_tokens, row.costed, row.timed, row.latencies) == (None, None, 0, 0, [])


def test_a_percentile_of_the_classes_is_within_its_bound(project: Project) -> None:
    chance = random.Random(3)
    values = sorted(round(math.exp(chance.gauss(7, 1.5))) for _ in range(400))
    for value in values:
        make.row(project, started_at=HOUR, latency_ms=value)
    rollups.mark_all(project=project)
    rollups.sweep()
    flat = Rollup.objects.get(is_day=True).latencies
    half = len(flat) // 2
    pairs = list(zip(flat[:half], flat[half:], strict=True))
    for share in (0.05, 0.5, 0.95, 1.0):
        exact = values[math.ceil(share * len(values)) - 1]
        assert rollups.percentile(pairs, share) == pytest.approx(exact, rel=rollups.ERROR * 1.001)
    assert rollups.percentile([], 0.5) is None


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_come_to_the_same(project: Project) -> None:
    for n in range(12):
        make.row(project, started_at=HOUR + timedelta(hours=n % 4))
    rollups.mark_all(project=project)
    rollups.mark_all(project=project)

    def work() -> None:
        for _ in range(3):
            rollups.mark_all(project=project)
            rollups.sum_some(most=3)
        rollups.sweep(seconds=2)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = Rollup.objects.filter(project=project)
    assert [rows.filter(is_day=day).aggregate(n=Sum("traces"))["n"] for day in (False, True)] == [12, 12]
    assert not DirtyHour.objects.exists()


def test_figures_of_many_traces_come_from_the_sums(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(8):
        make.row(
            project,
            agent="a" if n % 4 else "b",
            latency_ms=1000,
            cost_usd=Decimal(1),
            verdict="acceptable" if n else "",
        )
    rollups.mark_all(project=project)
    rollups.sweep()

    def measure(text: str) -> figures.Figures:
        return figures.measure(project=project, query=filters.parse(text), now=datetime.now(UTC))

    plain = {text: measure(text) for text in ("", "agent:a", "agent:a,b", "agent:a error:yes")}
    assert not any(found.summed for found in plain.values())
    monkeypatch.setattr(figures, "MOST", 3)
    for text, before in plain.items():
        after = measure(text)
        assert after.summed == ("error" not in text), text
        if after.summed:
            for name in ("traces", "judged", "accepted", "cost", "recent", "failed"):
                assert getattr(after, name) == getattr(before, name), (text, name)
            assert after.middle_ms == pytest.approx(1000, rel=rollups.ERROR * 1.001) and not after.more
    assert measure("-error:yes").more  # a live figure says that it is of the newest only
