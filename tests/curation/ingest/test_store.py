"""Storing: nothing twice, nothing lost, judged traces marked where their words changed."""

import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections

from curation.dirty import mark_traces
from curation.ingest.parsed import ParsedScore, ParsedTrace
from curation.ingest.store import store_trace, store_traces
from curation.messages.form import message
from curation.models import DirtyHour, FollowUp, Score, Step, Trace, TraceRevision
from tests import make
from tests.make import document, short_document
from workspace.models import Project, User


def parsed(external_id: str = "a", **fields: Any) -> ParsedTrace:
    return ParsedTrace(
        external_id=external_id, document=fields.pop("document", None) or short_document("Where?"), **fields
    )


def test_columns_steps_and_revision(project: Project) -> None:
    trace = parsed(
        session_id="s", agent="a", model="m", cost_usd=Decimal("0.1234567"), tags=["x", "x", " "], latency_ms=7,
        scores=[ParsedScore(name="reward", number=1.0, low=0.0, high=1.0, passed=True)], source={"format": "openai_chat"},
    )  # fmt: skip
    assert store_trace(project=project, parsed=trace) == "created"
    row = Trace.objects.get()
    assert (row.turns, row.steps, row.tool_calls, row.errors, row.tools) == (1, 3, 1, 0, ["get_order"])
    assert (row.preview, row.cost_usd, row.tags, row.latency_ms) == ("Where?", Decimal("0.123457"), ["x"], 7)
    assert row.input_tokens is None
    assert row.source_format == "openai_chat"
    assert row.revision is not None
    assert row.revision.number == 1
    kinds = row.revision.step_rows.order_by("position").values_list("kind", "key", "latency_ms")
    assert list(kinds) == [
        ("system", "c0m0", None), ("user", "c0m1", None), ("assistant", "c0m2", 420), ("tool", "call_1", 38),
        ("assistant", "c0m4", 610),
    ]  # fmt: skip
    score = Score.objects.get()
    assert (score.number, score.passed, score.source, score.revision_id) == (1.0, True, "imported", row.revision_id)


def test_the_same_again_changes_nothing(project: Project) -> None:
    trace = parsed(tags=["x"], scores=[ParsedScore(name="r", boolean=True)])
    store_trace(project=project, parsed=trace)
    before = list(Trace.objects.values()) + list(Score.objects.values()) + list(TraceRevision.objects.values())
    assert store_traces(project=project, parsed=[trace, trace, trace]) == ["unchanged"] * 3
    assert list(Trace.objects.values()) + list(Score.objects.values()) + list(TraceRevision.objects.values()) == before
    assert Step.objects.count() == 5


def _left() -> list[tuple[str, int]]:
    rows = list(FollowUp.objects.order_by("kind", "revision_id").values_list("kind", "revision_id"))
    FollowUp.objects.all().delete()
    return rows


def _hours() -> list[str]:
    rows = [f"{at:%H:%M}" for at in DirtyHour.objects.order_by("hour").values_list("hour", flat=True)]
    DirtyHour.objects.all().delete()
    return rows


def test_each_revision_leaves_its_follow_ups_and_marks_its_hours(project: Project, alice: User) -> None:
    nine, ten = datetime(2026, 3, 1, 9, 59, tzinfo=UTC), datetime(2026, 3, 1, 10, 1, tzinfo=UTC)
    two = [parsed("a"), parsed("b", started_at=ten)]
    store_traces(project=project, parsed=two, received_at=nine)
    a, b = Trace.objects.order_by("external_id")
    assert _left() == [(kind, t.revision_id) for kind in ("personal", "search") for t in (a, b)]
    assert _hours() == ["09:00", "10:00"]

    store_traces(project=project, parsed=two)
    assert (_left(), _hours()) == ([], [])

    # a late start moves the trace from one hour to another: both are wrong now; no new words, nothing else to do
    store_trace(project=project, parsed=parsed("a", started_at=ten))
    assert (_left(), _hours()) == ([], ["09:00", "10:00"])

    store_trace(project=project, parsed=parsed("b", document=short_document("Other?")))
    b.refresh_from_db()
    assert (_left(), _hours()) == ([("personal", b.revision_id), ("search", b.revision_id)], ["10:00"])

    make.judgment(b, alice, "acceptable")
    assert (_left(), _hours()) == ([], ["10:00"])
    assert mark_traces(ids=[a.pk, b.pk]) == 1
    assert _hours() == ["10:00"]


def test_new_words_make_a_new_revision_and_old_ones_come_back(project: Project) -> None:
    one, two = parsed(document=short_document("One?")), parsed(document=short_document("Two?"))
    assert [store_trace(project=project, parsed=p) for p in (one, two, one)] == ["created", "updated", "updated"]
    row = Trace.objects.get()
    assert TraceRevision.objects.count() == 2
    assert row.revision is not None
    assert (row.revision.number, row.preview) == (1, "One?")


def test_an_import_without_metadata_keeps_what_is_known(project: Project) -> None:
    store_trace(project=project, parsed=parsed(metadata={"tier": "gold"}, tags=["vip"]))
    assert store_trace(project=project, parsed=parsed()) == "unchanged"
    row = Trace.objects.get()
    assert (row.metadata, row.tags) == ({"tier": "gold"}, ["vip"])


def test_in_one_batch_the_later_line_wins(project: Project) -> None:
    one, two = parsed(document=short_document("One?")), parsed(document=short_document("Two?"))
    assert store_traces(project=project, parsed=[one, parsed("b"), two]) == ["created", "created", "updated"]
    assert Trace.objects.get(external_id="a").preview == "Two?"


def test_late_facts_update_without_a_revision_and_unknown_never_erases(project: Project) -> None:
    store_trace(project=project, parsed=parsed(session_id="s", status="ok"))
    assert store_trace(project=project, parsed=parsed(user_id="u", tags=["late"])) == "updated"
    row = Trace.objects.get()
    assert (row.session_id, row.user_id, row.status, row.tags) == ("s", "u", "ok", ["late"])
    assert TraceRevision.objects.count() == 1


@pytest.mark.parametrize(("question", "latency", "stale"), [("Where?", 99, False), ("Elsewhere?", 420, True)])
def test_only_changed_words_make_a_judgment_stale(
    project: Project, rita: User, question: str, latency: int, stale: bool
) -> None:
    store_trace(project=project, parsed=parsed())
    make.judgment(Trace.objects.get(), rita)
    changed = short_document(question)
    changed["conversations"][0]["messages"][2]["latency_ms"] = latency
    assert store_trace(project=project, parsed=parsed(document=changed)) == "updated"
    row = Trace.objects.get()
    assert row.verdict_stale is stale
    assert TraceRevision.objects.count() == 2


def test_words_that_come_back_are_judged_as_they_were(project: Project, rita: User, alice: User) -> None:
    """A, B, A again: the judgment of A counts again, and not that of B."""
    one, two = parsed(document=short_document("One?")), parsed(document=short_document("Two?"))
    said = []
    for what, who, verdict in (
        (one, rita, "acceptable"),
        (two, alice, "unacceptable"),
        (one, None, ""),
        (two, None, ""),
    ):
        store_trace(project=project, parsed=what)
        trace = Trace.objects.get()
        said.append((trace.verdict, trace.verdict_stale))
        if who:
            make.judgment(trace, who, verdict)
    assert said == [("", False), ("acceptable", True), ("acceptable", False), ("unacceptable", False)]


def test_a_changed_score_is_an_update(project: Project) -> None:
    store_trace(project=project, parsed=parsed(scores=[ParsedScore(name="r", number=0.5)]))
    assert store_trace(project=project, parsed=parsed(scores=[ParsedScore(name="r", number=0.25)])) == "updated"
    assert store_trace(project=project, parsed=parsed(scores=[ParsedScore(name="r", category="good")])) == "updated"
    assert Score.objects.get().category == "good"


def test_hostile_values_are_stored_and_told(project: Project) -> None:
    said = document(message("user", "x\0y\ud800"), message("assistant", "ok", usage={"input": 2**50}))
    trace = ParsedTrace(
        external_id="i/\r%_'\"; drop--\U0001f600" * 100, document=said, name="n" * 900, session_id="s" * 900,
        input_tokens=2**70, cost_usd=Decimal("NaN"), metadata={"deep": 2**64, "nan": float("nan")}, tags=["t" * 300] * 3,
        scores=[ParsedScore(name="", number=1.0), ParsedScore(name="both", number=1.0, boolean=True)],
    )  # fmt: skip
    assert store_trace(project=project, parsed=trace) == "created"
    assert store_trace(project=project, parsed=trace) == "unchanged"
    row = Trace.objects.get()
    assert (len(row.external_id), len(row.session_id), row.input_tokens, row.cost_usd) == (200, 200, None, None)
    assert row.preview == "x\ufffdy\ufffd"
    assert row.revision is not None
    assert len(row.revision.import_notes) >= 8
    assert Score.objects.get().number == 1.0


def test_projects_do_not_touch_each_other(project: Project) -> None:
    other = Project.objects.create(slug="other", name="Other")
    assert store_trace(project=project, parsed=parsed()) == "created"
    assert store_trace(project=other, parsed=parsed()) == "created"


@pytest.mark.django_db(transaction=True)
def test_many_workers_with_the_same_traces() -> None:
    project = Project.objects.create(slug="acme", name="Acme")
    traces = [
        parsed(f"t{n}", document=short_document(f"Q{n}?"), scores=[ParsedScore(name="r", number=n)]) for n in range(40)
    ]
    found: list[str] = []
    failures: list[BaseException] = []

    def work(order: int) -> None:
        try:
            mine = traces if order % 2 else traces[::-1]
            found.extend(store_traces(project=project, parsed=mine))
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (found.count("created"), found.count("unchanged")) == (40, 200)
    assert (Trace.objects.count(), TraceRevision.objects.count(), Score.objects.count()) == (40, 40, 40)
    assert Step.objects.count() == 200
    assert not connection.in_atomic_block


def test_a_score_whose_meaning_is_known_gets_its_spelling_kind_and_range(project: Project) -> None:
    given = [
        ParsedScore(name="responseQuality", number=4.0),
        ParsedScore(name="correct_tool_selection", number=1.0),
        ParsedScore(name="user_satisfaction", number=85.0, low=0.0, high=100.0),
        ParsedScore(name="free", number=85.0),
    ]
    store_trace(project=project, parsed=parsed(scores=given))
    found = {score.name: (score.number, score.boolean, score.low, score.high) for score in Score.objects.all()}
    assert found == {
        "response_quality": (4.0, None, 0.0, 5.0),
        "correct_tool_selection": (None, True, None, None),
        "user_satisfaction": (85.0, None, 0.0, 100.0),  # nothing is lost, and the note says what is odd
        "free": (85.0, None, None, None),
    }
    notes = TraceRevision.objects.get().import_notes
    assert notes == [
        "score user_satisfaction: the value must be from 0 to 5 for user_satisfaction; got 85; it was kept as it came"
    ]


def test_two_spellings_of_a_known_score_are_both_kept(project: Project) -> None:
    given = [
        ParsedScore(name="responseQuality", number=4.0),
        ParsedScore(name="response_quality", number=2.0),
        ParsedScore(name="response_quality", number=2.0),  # the same again
        ParsedScore(name="responseQuality", number=1.0, external_id="a" * 200),
        ParsedScore(name="response_quality", number=3.0, external_id="a" * 200),
        ParsedScore(name="tone", number=1.0, external_id="t"),
        ParsedScore(name="tone", number=5.0, external_id="t"),  # its sender corrected it
    ]
    for _ in range(2):  # and a second time changes nothing
        store_trace(project=project, parsed=parsed(scores=given))
        found = list(Score.objects.order_by("id").values_list("name", "number"))
        assert found == [*(("response_quality", number) for number in (4.0, 2.0, 1.0, 3.0)), ("tone", 5.0)]
    (note,) = TraceRevision.objects.get().import_notes
    assert note.startswith("score response_quality came more than once; each was kept")
