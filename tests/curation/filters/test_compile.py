"""What a filter selects, against a second, plain reading of it in Python."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation import filters
from curation.filters.registry import STEP_FIELDS
from curation.filters.text import write
from curation.filters.tree import HAS, RANGE, And, Not, Or, Shape, Term
from curation.filters.values import read_count, read_duration, read_money, read_number
from curation.models import (
    Comment,
    Correction,
    Feedback,
    Judgment,
    PersonalData,
    QueueItem,
    ReviewQueue,
    Score,
    Step,
    Topic,
    Trace,
    TraceRevision,
    TraceTopic,
)
from tests.curation.filters.trees import leaves, shapes, trees
from workspace.models import Project

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def trace(project, external_id, *, scores=(), age=timedelta(0), said=(), **fields):
    row = Trace.objects.create(project=project, external_id=external_id, received_at=NOW - age, **fields)
    for number in (1, 2) if said else ():  # the first revision has no steps that count
        row.revision = TraceRevision.objects.create(trace=row, number=number, digest=str(number), document={})
        for position, (kind, tool, failed, ms, tokens) in enumerate(said if number == 2 else [STRANGE]):
            Step.objects.create(
                revision=row.revision, position=position, message=position, key=str(position), kind=kind, tool=tool,
                is_error=failed, latency_ms=ms, tokens=tokens,
            )  # fmt: skip
    row.save(update_fields=["revision"])
    for name, source, value in scores:
        kind = "boolean" if isinstance(value, bool) else "category" if isinstance(value, str) else "number"
        Score.objects.create(project=project, trace=row, name=name, source=source, **{kind: value})
    return row


# kind, tool, failed, milliseconds, tokens
STRANGE = ("tool", "only_in_the_old_revision", True, 99_000, 1)
RICH = [
    ("user", "", False, None, None),
    ("assistant", "", False, 900, 40),
    ("tool", "search", True, 4_000, None),
    ("assistant", "", False, None, 30_000),
    ("tool", "search", False, 100, None),
    ("tool", "refund", False, 50, None),
    ("assistant", "", True, 20, 5),
]
POOR = [("user", "", False, None, None), ("tool", "refund", False, 2_000, None), ("tool", "search", True, 10, 3)]


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
        scores=[("helpful", "judge", 0.9), ("safe", "judge", True), ("tone", "code", "warm")], said=RICH, tool_calls=3,
    )  # fmt: skip
    trace(
        project, "poor", preview="refund please", agent="support-bot", model="m-2", environment="test", status="error",
        latency_ms=500, output_tokens=7, errors=2, tools=["refund"], tags=["smoke", "vip"], verdict="unacceptable",
        verdict_stale=True, age=timedelta(days=8), metadata={"tier": "silver", "seats": "3", "beta": "true"},
        # the person said 0.2 first; the judge is newer and does not count
        scores=[("helpful", "human", 0.2), ("helpful", "judge", 0.95), ("safe", "judge", True), ("safe", "code", False)],
        said=POOR,
    )  # fmt: skip
    trace(project, "unsure", agent="ops", verdict="unsure", age=timedelta(hours=30), scores=[("tone", "human", "cold")])
    trace(project, "old", agent="ops", tools=["search_orders"], archived_at=NOW, latency_ms=0, cost_usd=Decimal(0))
    trace(project, "empty", agent="ops", is_empty=True)
    trace(project, "both", is_empty=True, is_replay=True, archived_at=NOW)
    said_of(project)
    return project


def said_of(project):
    """What people and programs said of `rich` and `poor`."""
    rich, poor = (Trace.objects.get(project=project, external_id=name) for name in ("rich", "poor"))
    pin = {"project": project, "trace": rich, "revision": rich.revision}
    Comment.objects.create(**pin, text="Look", author="Rita Reviewer")
    Comment.objects.create(**pin, text="Gone", author="Bob", withdrawn_at=NOW)
    Comment.objects.create(
        **pin | {"trace": poor, "revision": poor.revision}, text="Done", author="bob", resolved_at=NOW
    )
    Judgment.objects.create(**pin, verdict="acceptable", author="Rita Reviewer")
    Judgment.objects.create(**pin, verdict="unsure", author="Bob", withdrawn_at=NOW)
    Correction.objects.create(**pin, messages=[], author="Rita Reviewer")
    PersonalData.objects.create(**pin, kind="email", count=1)
    PersonalData.objects.create(**pin, kind="phone", count=2, dismissed_at=NOW)
    for row, rating in ((rich, 5), (rich, 2), (poor, None)):
        Feedback.objects.create(project=project, trace=row, author="shop", rating=rating)
    refunds = Topic.objects.create(project=project, slug="refunds", name="Refunds", query="tag:smoke")
    late = Topic.objects.create(project=project, slug="late", name="Late", parent=refunds)
    TraceTopic.objects.create(project=project, trace=rich, topic=late, source="hand", author="Rita Reviewer")
    queue = ReviewQueue.objects.create(project=project, slug="picked", name="Picked")
    QueueItem.objects.create(queue=queue, trace=rich, status="done")
    QueueItem.objects.create(queue=queue, trace=poor, status="flagged")


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
        ("empty:yes", {"empty"}),
        ("empty:yes,no archived:yes,no agent:ops", {"unsure", "old", "empty"}),
        ("replay:yes empty:yes archived:yes", {"both"}),
        ("calls>2", {"rich"}),
        ("comment:*", {"rich", "poor"}),
        ("comment:open", {"rich"}),
        ("comment:bob,nobody", {"poor"}),
        ('reviewer:"rita reviewer"', {"rich"}),
        ("reviewer:bob", set()),
        ("-corrected:yes agent:support-bot", {"poor"}),
        ("personal:*", {"rich"}),
        ("personal:phone", set()),
        ("feedback:shop", {"rich", "poor"}),
        ("rating<=2", {"rich"}),
        ("rating:*", {"rich"}),
        ("-rating>1", {"bare", "poor", "unsure"}),
        ("queue:picked", {"rich", "poor"}),
        ("-queue:*", {"bare", "unsure"}),
        ("flagged:yes", {"poor"}),
        ("step(tool:search error:yes) then step(tool:refund)", {"rich"}),
        ("step(tool:search error:yes) then -step(tool:refund)", {"poor"}),
        ("-step(tool:search error:yes) then step(tool:refund)", {"bare", "poor", "unsure"}),
        ("step(tool:refund) then step(tool:search)", {"poor"}),
        ("step(kind:user) then step(tool:search) then step(tool:search error:no)", {"rich"}),
        ("step(tool:search count>1)", {"rich"}),
        ("step(tool:search count<1)", {"bare", "unsure"}),
        ("step(kind:assistant latency>500ms)", {"rich"}),
        ("step(tokens:3..5)", {"rich", "poor"}),
        ("step(tool:* -error:yes -latency>1s)", {"rich"}),
        ("step(tool:only_in_the_old_revision)", set()),
        ("step()", {"rich", "poor"}),
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
        "search",
        "Rita Reviewer",
        "bob",
        "open",
        "email",
        "picked",
        "shop",
        "refunds",
        "late",
    ]
)


_TOOLS = st.sampled_from(["search", "refund", "only_in_the_old_revision"])
TOLD_ELSEWHERE = ("meta", "since", "until")  # the table above tells these


def says(node, row, scores):
    match node:
        case Not(part):
            return not says(part, row, scores)
        case And(parts):
            return all(says(part, row, scores) for part in parts)
        case Or(parts):
            return any(says(part, row, scores) for part in parts)
        case Shape(steps):
            return _shape_says(steps, row)
    return _says(node, row, scores)


def _shape_says(steps, row):
    rows = list(row.revision.step_rows.order_by("position")) if row.revision else []
    if steps[0].count:
        number = sum(_step_says(steps[0], step) for step in rows)
        return number > 0 if steps[0].count.op == HAS else _ordered(steps[0].count, read_count, number)

    def goes_on(wanted, rows):
        if not wanted:
            return True
        if wanted[0].absent:
            return not any(_step_says(wanted[0], step) for step in rows)
        return any(_step_says(wanted[0], step) and goes_on(wanted[1:], rows[n + 1 :]) for n, step in enumerate(rows))

    return goes_on(steps, rows)


def _step_says(match, step):
    return all(_test_says(test.term, step) != test.negated for test in match.tests)


def _test_says(term, step):
    match term.field:
        case "tool":
            return step.tool != "" if term.op == HAS else step.tool in term.values
        case "kind":
            return step.kind in term.values
        case "error":
            return ("yes" if step.is_error else "no") in term.values
    read = {"latency": read_duration, "tokens": read_count, "cost": read_money}[term.field]
    return _ordered(term, read, getattr(step, STEP_FIELDS[term.field].column))


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
        case "text":  # these rows are in no index; a star asks for words that begin so
            bare = [(v.rstrip().removesuffix("*") or v).lower() for v in values]
            return any(v in row.preview.lower() or v in row.name.lower() for v in bare)
        case "similar":
            return False
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
        case "calls":
            return _ordered(term, read_count, row.tool_calls)
        case "empty" | "replay":
            return ("yes" if getattr(row, f"is_{term.field}") else "no") in values
        case "rating":
            return any(_ordered(term, read_count, one.rating) for one in row.feedback.all())
        case "comment" | "reviewer" | "feedback" | "personal" | "queue" | "flagged" | "corrected" | "topic":
            return _related_says(term, row)
        case "score":
            return _score_says(term, scores)
    raise NotImplementedError


def _related_says(term, row):
    held = {
        "comment": {
            word for one in row.comments.filter(withdrawn_at=None)
            for word in (one.author.lower(), "open" if one.resolved_at is None else "resolved")
        },
        "reviewer": {one.author.lower() for one in row.judgments.filter(withdrawn_at=None)},
        "feedback": {one.author.lower() for one in row.feedback.all()},
        "personal": {one.kind for one in row.personal_data.filter(dismissed_at=None)},
        "queue": {one.queue.slug for one in row.queue_items.all()},
        "topic": {"rich": {"late", "refunds"}, "poor": {"refunds"}}.get(row.external_id, set()),
        "flagged": {"yes" if row.queue_items.filter(status="flagged") else "no"},
        "corrected": {"yes" if row.corrections.filter(withdrawn_at=None) else "no"},
    }[term.field]  # fmt: skip
    folded = term.field in ("comment", "reviewer", "feedback")
    return bool(held) if term.op == HAS else bool(held & {v.lower() if folded else v for v in term.values})


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
@given(node=trees(st.one_of(leaves(_SAMPLES).filter(lambda term: term.field not in TOLD_ELSEWHERE), shapes(_TOOLS))))
def test_sql_agrees_with_a_plain_reading(acme, node):
    rows = list(Trace.objects.filter(project=acme).prefetch_related("scores"))
    asked = f"({write(node)}) archived:yes,no empty:yes,no replay:yes,no"
    assert found(acme, asked) == {row.external_id for row in rows if says(node, row, list(row.scores.all()))}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=trees())
def test_a_condition_and_its_opposite_divide_the_traces(acme, node):
    everything = found(acme, "archived:yes,no empty:yes,no replay:yes,no")
    inside = found(acme, f"({write(node)}) archived:yes,no empty:yes,no replay:yes,no")
    outside = found(acme, f"-({write(node)}) archived:yes,no empty:yes,no replay:yes,no")
    assert inside | outside == everything and not inside & outside
