"""What a filter selects, against a second, plain reading of it in Python."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation import filters
from curation.filters.text import write
from curation.filters.tree import HAS, RANGE, And, Not, Or, Term
from curation.filters.values import read_count, read_duration, read_money, read_number
from curation.models import Score, Trace
from tests.curation.filters.trees import leaves, trees
from workspace.models import Project

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def trace(project, external_id, *, scores=(), age=timedelta(0), **fields):
    row = Trace.objects.create(project=project, external_id=external_id, received_at=NOW - age, **fields)
    for name, source, value in scores:
        kind = "boolean" if isinstance(value, bool) else "category" if isinstance(value, str) else "number"
        Score.objects.create(project=project, trace=row, name=name, source=source, **{kind: value})
    return row


@pytest.fixture
def acme(db):
    project = Project.objects.create(slug="filters", name="Filters")
    trace(project, "bare")
    trace(
        project, "rich", name="Refund", preview="Where is my 100%_off refund?", agent="support-bot", model="m-1",
        environment="prod", status="ok", latency_ms=16_000, input_tokens=20_000, output_tokens=5, steps=12, turns=3,
        cost_usd=Decimal("0.06"), tools=["search_orders", "refund"], tags=["vip"], session_id="s-1", user_id="u-1",
        task_id="t-1", source_format="openai-chat", verdict="acceptable",
        metadata={"tier": "gold", "seats": 3, "beta": True, "customer": {"tier": "silver"}, "a.b": "flat"},
        scores=[("helpful", "judge", 0.9), ("safe", "judge", True), ("tone", "code", "warm")],
    )  # fmt: skip
    trace(
        project, "poor", preview="refund please", agent="support-bot", model="m-2", environment="test", status="error",
        latency_ms=500, output_tokens=7, errors=2, tools=["refund"], tags=["smoke", "vip"], verdict="unacceptable",
        verdict_stale=True, age=timedelta(days=8), metadata={"tier": "silver", "seats": "3", "beta": "true"},
        # the person said 0.2 first; the judge is newer and does not count
        scores=[("helpful", "human", 0.2), ("helpful", "judge", 0.95), ("safe", "judge", True), ("safe", "code", False)],
    )  # fmt: skip
    trace(project, "unsure", agent="ops", verdict="unsure", age=timedelta(hours=30), scores=[("tone", "human", "cold")])
    trace(project, "old", agent="ops", tools=["search_orders"], archived_at=NOW, latency_ms=0, cost_usd=Decimal(0))
    return project


def found(project, text):
    rows = filters.apply(Trace.objects.filter(project=project), filters.parse(text), now=NOW)
    return set(rows.values_list("external_id", flat=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"bare", "rich", "poor", "unsure"}),
        ("archived:yes", {"old"}),
        ("archived:yes,no", {"bare", "rich", "poor", "unsure", "old"}),
        ("agent:support-bot", {"rich", "poor"}),
        ("-agent:support-bot", {"bare", "unsure"}),
        ("agent:*", {"rich", "poor", "unsure"}),
        ("env:prod,test", {"rich", "poor"}),
        ("judged:yes", {"rich", "unsure"}),
        ("judged:no", {"bare", "poor"}),
        ("judged:stale", {"poor"}),
        ("judged:unacceptable", set()),
        ("judged:acceptable,unsure", {"rich", "unsure"}),
        ("score.helpful>=0.9", {"rich"}),
        ("score.helpful<0.5", {"poor"}),
        ("-score.helpful<0.5", {"bare", "rich", "unsure"}),
        ("score.helpful:0.1..0.9", {"rich", "poor"}),
        ("score.helpful:*", {"rich", "poor"}),
        ("score.safe:yes", {"rich"}),
        ("score.safe:no", {"poor"}),
        ("score.tone:warm,cold", {"rich", "unsure"}),
        ("score.nothing<1", set()),
        ("tool:search_orders", {"rich"}),
        ("tool:search_orders,refund -tag:smoke", {"rich"}),
        ("error:yes", {"poor"}),
        ("errors>1", {"poor"}),
        ("meta.tier:gold", {"rich"}),
        ("meta.seats:3", {"rich", "poor"}),
        ("meta.beta:true", {"rich", "poor"}),
        ("meta.customer.tier:silver", {"rich"}),
        ("meta.customer.tier:*", {"rich"}),
        ("meta.a.b:flat", {"rich"}),
        ("since:7d", {"bare", "rich", "unsure"}),
        ("since:7d until:24h", {"unsure"}),
        ("until:2026-11-20", {"poor", "unsure"}),
        ("latency>15s", {"rich"}),
        ("latency:..900ms", {"poor"}),
        ("cost>0.05", {"rich"}),
        ("tokens>20k", {"rich"}),
        ("tokens<8", {"poor"}),
        ("-tokens<8", {"bare", "rich", "unsure"}),
        ("steps:12", {"rich"}),
        ("refund", {"rich", "poor"}),
        ('"100%_off"', {"rich"}),
        ('"100%off"', set()),
        ('"%"', {"rich"}),
        ("id:poor", {"poor"}),
        ("format:openai-chat OR judged:unsure", {"rich", "unsure"}),
        ('"\' OR 1=1 --"', set()),
    ],
)
def test_what_is_found(acme, text, expected):
    assert found(acme, text) == expected


def test_the_outside_id_is_found(acme):
    row = Trace.objects.get(project=acme, external_id="rich")
    assert found(acme, f"id:{row.uid}") == {"rich"}


# --- a second reading, in plain Python
_SAMPLES = st.sampled_from(
    [
        "support-bot",
        "ops",
        "m-1",
        "prod",
        "refund",
        "search_orders",
        "vip",
        "smoke",
        "gold",
        "silver",
        "3",
        "true",
        "yes",
        "helpful",
        "safe",
        "tone",
        "warm",
        "tier",
        "customer.tier",
        "seats",
        "0.9",
        "rich",
        "%",
        "' OR 1=1",
        "openai-chat",
    ]
)


def says(node, row, scores):
    match node:
        case Not(part):
            return not says(part, row, scores)
        case And(parts):
            return all(says(part, row, scores) for part in parts)
        case Or(parts):
            return any(says(part, row, scores) for part in parts)
    return _says(node, row, scores)


def _ordered(term, read, value):
    if value is None:
        return False
    if term.op == HAS:
        return True
    if term.op == RANGE:
        low, high = term.values
        return (not low or value >= read(low)) and (not high or value <= read(high))
    wanted = [read(text) for text in term.values]
    return {
        "=": value in wanted, ">": value > wanted[0], ">=": value >= wanted[0],
        "<": value < wanted[0], "<=": value <= wanted[0],
    }[term.op]  # fmt: skip


def _says(term: Term, row: Trace, scores: list[Score]) -> bool:
    values = term.values
    plain = {"agent": "agent", "model": "model", "env": "environment", "status": "status", "session": "session_id",
             "user": "user_id", "task": "task_id", "format": "source_format"}  # fmt: skip
    match term.field:
        case name if name in plain:
            held = getattr(row, plain[name])
            return held != "" if term.op == HAS else held in values
        case "tool" | "tag":
            held = row.tools if term.field == "tool" else row.tags
            return bool(held) if term.op == HAS else bool(set(held) & set(values))
        case "text":
            return any(v.lower() in row.preview.lower() or v.lower() in row.name.lower() for v in values)
        case "id":
            return term.op == HAS or row.external_id in values
        case "judged":
            fresh = row.verdict != "" and not row.verdict_stale
            held = {"yes" if fresh else "no", row.verdict if fresh else "", "stale" if row.verdict_stale else ""}
            return bool(held & set(values))
        case "error":
            return ("yes" if row.errors or row.status == "error" else "no") in values
        case "archived":
            return ("yes" if row.archived_at else "no") in values
        case "latency":
            return _ordered(term, read_duration, row.latency_ms)
        case "cost":
            return _ordered(term, read_money, row.cost_usd)
        case "tokens":
            known = [n for n in (row.input_tokens, row.output_tokens) if n is not None]
            return _ordered(term, read_count, sum(known) if known else None)
        case "errors" | "steps" | "turns":
            return _ordered(term, read_count, getattr(row, term.field))
        case "score":
            return _score_says(term, scores)
    raise NotImplementedError


def _score_says(term, scores):
    named = [s for s in scores if s.name == term.key]
    if not named:
        return False
    best = max(named, key=lambda s: (s.source == "human", s.id))
    if term.op == ":":
        for value in term.values:
            if best.category == value and value:
                return True
            if best.boolean is not None and value.lower() in (["yes", "true"] if best.boolean else ["no", "false"]):
                return True
            try:
                if best.number is not None and best.number == read_number(value):
                    return True
            except ValueError:
                pass
        return False
    return True if term.op == HAS else _ordered(term, read_number, best.number)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=trees(leaves(_SAMPLES).filter(lambda term: term.field not in ("meta", "since", "until"))))
def test_sql_agrees_with_a_plain_reading(acme, node):
    rows = list(Trace.objects.filter(project=acme).prefetch_related("scores"))
    asked = f"({write(node)}) archived:yes,no"
    assert found(acme, asked) == {row.external_id for row in rows if says(node, row, list(row.scores.all()))}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=trees())
def test_a_condition_and_its_opposite_divide_the_traces(acme, node):
    everything = found(acme, "archived:yes,no")
    inside = found(acme, f"({write(node)}) archived:yes,no")
    outside = found(acme, f"-({write(node)}) archived:yes,no")
    assert inside | outside == everything and not inside & outside
