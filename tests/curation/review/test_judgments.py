"""What everybody's words come to, doubled requests, and taking words back."""

import threading
from typing import Any

import pytest
from django.db import connection, connections

from curation.models import Judgment, QueueItem, Trace
from curation.review import judgments, queues
from curation.review.invalid import Invalid
from tests import make
from tests.people import person
from workspace.access import Actor
from workspace.models import AuditEntry, Project, User

A, R, U = "acceptable", "unacceptable", "unsure"


def say(trace: Trace, who: User, verdict: str, **more: Any) -> judgments.Recorded:
    return judgments.record(project=trace.project, actor=Actor(user=who), trace_uid=trace.uid, verdict=verdict, **more)


@pytest.mark.parametrize(
    ("words", "effective"),
    [
        ("", ""),
        ("1a", A),
        ("1a 1r", R),  # one person's newest word counts
        ("1a 2r", R),  # a tie: the latest
        ("1r 2a", A),
        ("1a 2a 3r", A),  # the majority, though said earlier
        ("1r 2a 3a 1a", A),
        ("1u 2u 3a", U),  # unsure is a word like the others
        ("1a 2u", U),
        ("1a 2r 3u", U),  # three ways: the latest
        ("1a 2a 3r!", R),  # adjudicated beats the majority
        ("1r! 2a 3a", R),
        ("1r! 2a!", A),  # the newest adjudication
    ],
)
def test_effective(project: Project, words: str, effective: str) -> None:
    people = {str(n): person(f"p{n}@example.com", f"P{n}") for n in (1, 2, 3)}
    trace = make.trace(project)
    names = {"a": A, "r": R, "u": U}
    for word in words.split():
        done = say(trace, people[word[0]], names[word[1]], adjudicated=word.endswith("!"))
    trace.refresh_from_db()
    assert trace.verdict == effective
    assert not trace.verdict_stale
    assert (trace.judged_at is not None) == bool(words)
    if words:
        assert done.effective == effective


def test_same_name_is_not_the_same_person(project: Project) -> None:
    one, two, three = (person(f"{n}@example.com", "Alex") for n in range(3))
    trace = make.trace(project)
    say(trace, one, A), say(trace, two, A), say(trace, three, R)
    trace.refresh_from_db()
    assert trace.verdict == A


def test_changed_trace_makes_it_stale_and_new_words_count_alone(project: Project, rita: User, alice: User) -> None:
    trace = make.trace(project, external_id="t")
    say(trace, rita, A), say(trace, alice, A)
    trace = make.trace(project, external_id="t", said=make.short_document(answer="Another answer."))
    assert trace.verdict_stale and trace.verdict == A
    say(trace, rita, R)
    trace.refresh_from_db()
    assert (trace.verdict, trace.verdict_stale) == (R, False)
    # a word about what was seen before it changed does not pass for one about the new content
    say(trace, alice, A, revision=1)
    trace.refresh_from_db()
    assert (trace.verdict, trace.verdict_stale) == (R, False)


def test_a_revision_with_the_same_words_keeps_the_words_about_it(project: Project, rita: User, alice: User) -> None:
    """Times and costs that come late make a revision, but nobody's word gets old by it."""
    trace = make.trace(project, external_id="t", said=make.short_document())
    say(trace, rita, A), say(trace, alice, A)
    late = make.short_document()
    late["conversations"][0]["messages"][2]["latency_ms"] = 99
    trace = make.trace(project, external_id="t", said=late)
    assert trace.revisions.count() == 2
    ada = person("p3@example.com", "P3")
    done = say(trace, ada, R)
    trace.refresh_from_db()
    assert (done.effective, trace.verdict, trace.verdict_stale) == (A, A, False)
    judgments.withdraw(project=project, actor=Actor(user=ada), uid=done.uid)
    trace.refresh_from_db()
    assert (trace.verdict, trace.verdict_stale) == (A, False)


def test_doubled_request_changes_nothing(project: Project, rita: User) -> None:
    trace = make.trace(project)
    first = say(trace, rita, A, rating=4, note="good", key="k1")
    again = say(trace, rita, A, rating=4, note="good", key="k1")
    assert again.repeated and again.uid == first.uid
    assert Judgment.objects.count() == 1
    assert AuditEntry.objects.filter(action="trace.judged").count() == 1
    with pytest.raises(Invalid, match="already used"):
        say(trace, rita, R, rating=4, note="good", key="k1")
    other = make.trace(project)
    with pytest.raises(Invalid, match="already used"):
        say(other, rita, A, rating=4, note="good", key="k1")
    other.refresh_from_db()
    assert other.verdict == ""


@pytest.mark.parametrize(
    ("fields", "where"),
    [({"verdict": "great"}, "verdict"), ({"verdict": A, "rating": 6}, "rating"), ({"verdict": A, "rating": 0}, "rating"),
     ({"verdict": A, "note": "x" * 20_001}, "note"), ({"verdict": A, "note": "a\0"}, "note"),
     ({"verdict": A, "key": "k" * 65}, "idempotency_key"), ({"verdict": A, "revision": 9}, "revision")],
)  # fmt: skip
def test_bad_values_name_their_field(project: Project, rita: User, fields: dict[str, Any], where: str) -> None:
    trace = make.trace(project)
    with pytest.raises(Invalid) as caught:
        say(trace, rita, **fields)
    assert caught.value.field == where
    assert not Judgment.objects.exists()


def test_another_project_does_not_exist(project: Project, charlie: User, rita: User) -> None:
    trace = make.trace(project)
    other = Project.objects.get(slug="other")
    with pytest.raises(Trace.DoesNotExist):
        judgments.record(project=other, actor=Actor(user=charlie), trace_uid=trace.uid, verdict=A)


def test_undo_restores_what_was(project: Project, rita: User, alice: User) -> None:
    trace = make.trace(project)
    queue = queues.default_queue(project=project)
    item = queues.lease_next(queue=queue, user=rita)
    say(trace, alice, A)
    assert QueueItem.objects.get(uid=item).status == "done"
    QueueItem.objects.filter(uid=item).update(status="open", done_by=None, done_at=None)
    done = say(trace, rita, R, key="k")
    trace.refresh_from_db()
    assert trace.verdict == R
    gone = judgments.withdraw(project=project, actor=Actor(user=rita), key="k")
    assert gone is not None and gone.uid == done.uid
    trace.refresh_from_db()
    assert trace.verdict == A
    row = QueueItem.objects.get(uid=item)
    assert (row.status, row.leased_by, row.done_by) == ("open", rita, None)
    # twice is once
    judgments.withdraw(project=project, actor=Actor(user=rita), key="k")
    assert AuditEntry.objects.filter(action="judgment.withdrawn").count() == 1
    # nobody takes back somebody else's word
    assert judgments.withdraw(project=project, actor=Actor(user=rita), uid=Judgment.objects.get(user=alice).uid) is None


def test_undo_of_the_only_word_unjudges(project: Project, rita: User) -> None:
    trace = make.trace(project)
    done = say(trace, rita, A)
    judgments.withdraw(project=project, actor=Actor(user=rita), uid=done.uid)
    trace.refresh_from_db()
    assert (trace.verdict, trace.judged_at, trace.verdict_stale) == ("", None, False)


@pytest.mark.django_db(transaction=True)
def test_people_judging_at_once_miss_no_word(project: Project) -> None:
    """Every pair of words that arrive together is counted: with eight equal words the outcome can only be that one."""
    people = [person(f"t{n}@example.com", f"T{n}") for n in range(8)]
    traces = [make.trace(project) for _ in range(6)]

    def work(who: User, at: int) -> None:
        try:
            for trace in traces:
                say(trace, who, A if at < 5 else R, key=f"{at}-{trace.pk}")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(who, at)) for at, who in enumerate(people)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    connections.close_all()
    assert Judgment.objects.count() == 48
    assert set(Trace.objects.values_list("verdict", flat=True)) == {A}
