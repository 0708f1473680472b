"""The page of charts: numbers, gaps, what the address may say."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from curation.browse import rollups
from tests import make
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def drawn(project: Project, ada: User, as_user: Callable[[User], Client]) -> Callable[..., str]:
    now = timezone.now()
    for days, agent, cost, latency in ((9, "a", "1.5", 1000), (9, "b", None, None), (2, "a", "0.5", 3000)):
        made = make.trace(
            project, agent=agent, started_at=now - timedelta(days=days), latency_ms=latency,
            cost_usd=Decimal(cost) if cost else None,
        )  # fmt: skip
    make.judgment(made, ada, "acceptable")
    make.row(project, started_at=now - timedelta(days=5), agent="<b>", archived_at=now)
    rollups.sweep()
    client = as_user(ada)

    def get(query: str = "", status: int = 200) -> str:
        answer = client.get(f"/p/{project.slug}/charts/?{query}")
        assert answer.status_code == status, answer.content[:500]
        return answer.content.decode()

    return get


def figure(html: str) -> list[dict]:
    return json.loads(re.search(r'id="plot-figure"[^>]*>(.*?)</script>', html, re.DOTALL)[1])["data"]


def test_days_without_traces_are_0_traces_and_no_latency(drawn: Callable[..., str]) -> None:
    (volume,) = figure(drawn("measure=volume"))
    assert volume["y"][0] == 2 and sum(volume["y"]) == 3 and volume["y"].count(0) == len(volume["y"]) - 2
    middle, _ = figure(drawn("measure=latency"))
    assert [y is None for y in middle["y"]].count(False) == 2
    assert middle["y"][0] == pytest.approx(1, rel=rollups.ERROR * 1.01)
    assert figure(drawn("measure=cost"))[0]["y"][0] == 1.5
    accepted = figure(drawn("measure=acceptance"))[0]["y"]
    assert [y for y in accepted if y is not None] == [100.0]


def test_split_filter_table_and_csv_say_the_same(drawn: Callable[..., str]) -> None:
    lines = figure(drawn("measure=volume&split=agent"))
    assert {line["name"]: sum(line["y"]) for line in lines} == {"a": 2, "b": 1}
    assert sum(figure(drawn("measure=volume&agent=b"))[0]["y"]) == 1
    rows = list(csv.DictReader(io.StringIO(drawn("split=agent&format=csv"))))
    assert [(row["series"], row["traces"], row["cost_usd"], row["timed"]) for row in rows] == [
        ("a", "1", "1.500000", "1"), ("b", "1", "", "1"), ("a", "1", "0.500000", "1"),
    ]  # fmt: skip
    assert "2 of 3 traces with a known cost" in drawn("measure=cost")


def test_the_address_says_range_and_unit(drawn: Callable[..., str]) -> None:
    assert "No trace in this time" in drawn("range=24h")
    assert len(figure(drawn("range=7d&by=hour"))[0]["x"]) > 40
    assert "is not a date" in drawn("from=yesterday", status=422)
    refused = drawn("measure=latency&agent=a&from=2026-02-02&to=2026-02-01", status=422)
    assert "This is after the last day, 2026-02-01." in refused
    # the form stays with what was typed, and the field that is wrong says why
    assert (
        re.search(r'id="from"[^>]*value="2026-02-02" aria-invalid="true"', refused) and 'value="2026-02-01"' in refused
    )
    assert "<option selected>a</option>" in refused and 'name="measure" value="latency"' in refused
    assert "No trace in this time" in drawn("to=2020-01-01")
    for query in ("measure=nothing", "range=3y", "split=user", "by=minute"):
        drawn(query, status=404)
    for query in ("range=1y", "range=all&by=day", "measure=tokens&split=model&range=90d"):
        assert figure(drawn(query))


@pytest.mark.parametrize(("unit", "hours"), [("day", 24), ("week", 168)])
def test_a_bar_stands_at_its_own_day_or_week(drawn: Callable[..., str], unit: str, hours: int) -> None:
    html = drawn(f"measure=volume&by={unit}")
    (volume,) = figure(html)
    axis = json.loads(re.search(r'id="plot-figure"[^>]*>(.*?)</script>', html, re.DOTALL)[1])["layout"]["xaxis"]
    assert volume["xperiod"] == hours * 3_600_000 and volume["xperiod0"] == volume["x"][0]
    begin, end = (datetime.fromisoformat(at) for at in axis["range"])
    assert begin == datetime.fromisoformat(volume["x"][0])
    assert end == datetime.fromisoformat(volume["x"][-1]) + timedelta(hours=hours)
    assert axis["dtick"] == volume["xperiod"] and axis["ticklabelmode"] == "period"  # few: each is named, no hours


def test_a_share_says_of_how_many(drawn: Callable[..., str]) -> None:
    text = re.sub(r"<[^>]+>", " ", drawn())
    assert "0 of 3 traces" in text and "1 of 3 traces" in text and "1 of 1 decided" in text


def test_nothing_yet_says_so(project: Project, ada: User, as_user: Callable[[User], Client]) -> None:
    assert "Nothing to draw yet" in as_user(ada).get(f"/p/{project.slug}/charts/").content.decode()
