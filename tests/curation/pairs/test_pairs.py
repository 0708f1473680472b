"""Pairs are made once, shown blind with sides drawn by chance, handed to one person, and what is said of A and B is
stored of the right side."""

import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from curation.forget import delete
from curation.messages.form import Document, message
from curation.models import Pair, PairQueue, Preference, Trace
from curation.pairs import desk, prefer, queues, sides
from curation.pairs.prefer import Word
from curation.review.invalid import Invalid
from tests import make
from workspace.access import Actor
from workspace.models import AuditEntry, Project, User

As = Callable[[User], Client]


def several(question: str, *answers: str) -> Document:
    """One request with several answers."""
    said = make.document(message("user", question), message("assistant", answers[0]))
    said["conversations"][0]["candidates"] = [message("assistant", text) for text in answers[1:]]
    return said


def attempt(
    project: Project, task: str, answer: str, model: str = "m-1", tools: tuple[str, ...] = ("search",), **fields: Any
) -> Trace:
    """One attempt at a task."""
    turns = []
    for number, tool in enumerate(tools):
        turns += [
            message("assistant", "", tool_calls=[make.call(tool, id=f"c{number}")]),
            make.tool_result("found", id=f"c{number}"),
        ]
    said = make.document(message("user", f"Do {task}"), *turns, message("assistant", answer))
    return make.trace(project, said=said, task_id=task, model=model, **fields)


def queue_of(project: Project, user: User, **wanted: object) -> PairQueue:
    name = wanted.pop("name", "Pairs")
    return queues.create(project=project, actor=Actor(user=user), wanted=queues.Wanted(name=name, **wanted))[0]  # type: ignore[arg-type]


@pytest.mark.django_db
def test_pairs_come_from_candidates_and_attempts_and_only_once(project: Project, alice: User) -> None:
    make.trace(project, said=several("Say hi", "hi", "hello", "hey"))
    for number, model in enumerate(["m-1", "m-1", "m-2", "m-2"]):
        attempt(project, "book", f"Booked {number}", model)
    make.trace(project)  # asked once only
    queue = queue_of(project, alice, most=3)
    found = Pair.objects.filter(queue=queue)
    by_reason = {reason: found.filter(reason=reason).count() for reason in (queues.CANDIDATES, queues.SAME_TASK)}
    assert by_reason == {queues.CANDIDATES: 3, queues.SAME_TASK: 3} and found.count() == 6
    of_task = found.filter(reason=queues.SAME_TASK)
    assert all(pair.left_trace.model != pair.right_trace.model for pair in of_task), "two models tell more"
    assert queues.refill(queue=queue) == 0 and found.count() == 6
    archived = of_task[0].left_trace
    Trace.objects.filter(pk=archived.pk).update(archived_at=timezone.now())
    queues.refill(queue=queue)
    assert not found.filter(left_trace=archived).exists()
    same = queue_of(project, alice, name="By request", query="agent:support", most=50)
    assert Pair.objects.filter(queue=same).exists()
    assert AuditEntry.objects.filter(action="pair_queue.created").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": "--"}, "name"), ({"name": "Pairs"}, "name"), ({"name": "x", "most": 0}, "most"),
        ({"name": "x", "criteria": ("Same", "same")}, "criteria"), ({"name": "x", "criteria": ("y" * 81,)}, "criteria"),
        ({"name": "x", "criteria": tuple("abcdefghij")}, "criteria"),
    ],
)  # fmt: skip
def test_a_queue_that_cannot_be_says_why(project: Project, alice: User, wanted: dict[str, object], field: str) -> None:
    queue_of(project, alice)
    with pytest.raises(Invalid) as refused:
        queue_of(project, alice, **wanted)
    assert refused.value.field == field and PairQueue.objects.count() == 1


@pytest.mark.django_db
def test_a_pair_is_given_to_one_person_and_comes_free_again(project: Project, alice: User, rita: User) -> None:
    for number in range(3):
        attempt(project, "t", f"Answer {number}")
    queue = queue_of(project, alice, most=3)
    first, second = desk.next_open(queue=queue, user=alice), desk.next_open(queue=queue, user=rita)
    assert first and second and first != second
    assert desk.next_open(queue=queue, user=alice) == first, "a reload brings the same one"
    ahead = desk.next_open(queue=queue, user=alice, but=Pair.objects.get(uid=first))
    assert ahead and ahead not in (first, second)
    assert queues.lease_next(queue=queue, user=rita, but=Pair.objects.get(uid=second)) is None
    Pair.objects.filter(uid=ahead).update(leased_until=timezone.now() - timedelta(seconds=1))
    assert queues.lease_next(queue=queue, user=rita, but=Pair.objects.get(uid=second)) == ahead
    assert queues.skip(pair=Pair.objects.get(uid=second), user=rita) and not queues.skip(
        pair=Pair.objects.get(uid=second), user=rita
    )
    assert queues.close(queue=queue, actor=Actor(user=alice), closed=True)
    charlie = User.objects.create_user("new@example.com", None, name="New")
    assert desk.next_open(queue=queue, user=charlie) is None, "a closed queue hands nothing out"


@pytest.mark.django_db
@pytest.mark.parametrize("flipped", [True, False])
def test_what_is_said_of_a_and_b_is_stored_of_the_right_side(
    project: Project, alice: User, rita: User, flipped: bool
) -> None:
    for number in range(2):
        attempt(project, "t", f"Answer {number}")
    queue = queue_of(project, alice, criteria=("Scope", "Tone"))
    Pair.objects.update(is_flipped=flipped)
    pair = desk.named(project=project, slug=queue.slug, uid=Pair.objects.get().uid)
    shown = sides.read(pair)
    assert (shown.a.answer, shown.b.answer) == (("Answer 1", "Answer 0") if flipped else ("Answer 0", "Answer 1"))
    word = Word("a", "clear", {"Scope": "b", "Tone": "tie"}, "because", "Answer, better", key="k1")
    made = prefer.record(pair=pair, actor=Actor(user=rita), word=word)
    better, worse = ("right", "left") if flipped else ("left", "right")
    assert (made.choice, made.criteria, made.strength, made.edited, made.is_flipped) == (
        better, {"Scope": worse, "Tone": "tie"}, "clear", "Answer, better", flipped,
    )  # fmt: skip
    assert prefer.record(pair=pair, actor=Actor(user=rita), word=word).pk == made.pk, "the same key counts once"
    with pytest.raises(Invalid):
        prefer.record(pair=pair, actor=Actor(user=rita), word=Word("b", key="k1"))
    opened = desk.open_pair(pair=desk.named(project=project, slug=queue.slug, uid=pair.uid), user=rita)
    assert opened.choice == "a" and opened.criteria == [("Scope", "b"), ("Tone", "tie")] and opened.told
    assert prefer.withdraw(project=project, actor=Actor(user=alice), key="k1") is None, "only one's own"
    prefer.withdraw(project=project, actor=Actor(user=rita), key="k1")
    pair.refresh_from_db()
    assert pair.status == "open" and pair.leased_by == rita and Preference.objects.get().withdrawn_at is not None
    again = prefer.record(pair=pair, actor=Actor(user=rita), word=Word("tie", "clear"))
    assert (again.choice, again.strength) == ("tie", ""), "a tie has no strength"
    for bad in (Word("c"), Word("a", "very"), Word("tie", edited="x"), Word("a", criteria={"Else": "a"}),
                Word("a", criteria={"Tone": "x"}), Word("a", note="\0")):  # fmt: skip
        with pytest.raises(Invalid):
            prefer.record(pair=pair, actor=Actor(user=rita), word=bad)


@pytest.mark.django_db
def test_sides_share_what_is_the_same_and_part_where_they_do(project: Project, alice: User) -> None:
    one = attempt(project, "t", "It is done, and tested.", tools=("read", "edit", "test"))
    attempt(project, "t", "It is done.", tools=("read", "test"))
    queue = queue_of(project, alice)
    Pair.objects.update(is_flipped=False)
    shown = sides.read(desk.named(project=project, slug=queue.slug, uid=Pair.objects.get().uid))
    assert shown.asked == "Do t" and shown.shared_count == 3, "the request, the call and its result"
    assert [name for name, _, _ in shown.a.tools] == ["edit", "test"] and shown.a.tools[0] == ("edit", 1, False)
    assert shown.parts_at == 1 and not shown.identical and shown.longer == "A is 1.7 times as long"
    assert shown.a.marked == "It is done<ins>, and tested</ins>." and shown.b.marked == "It is done."
    hostile = make.trace(project, said=several("q", "<b>x</b>", "<script>y</script>"))
    queues.refill(queue=queue)
    other = Pair.objects.get(left_trace=hostile)
    shown = sides.read(desk.named(project=project, slug=queue.slug, uid=other.uid))
    assert "<script>" not in shown.a.marked + shown.b.marked + shown.a.plain + shown.b.plain
    assert one.task_id == "t"


@pytest.mark.django_db
def test_most_is_kept_over_time_and_thousands_of_one_request_cost_little(project: Project, alice: User) -> None:
    for number in range(3):
        attempt(project, "t", f"Answer {number}")
    queue = queue_of(project, alice, most=1)
    attempt(project, "t", "Another", "m-2")
    assert queues.refill(queue=queue) == 0 and Pair.objects.count() == 1
    Trace.objects.all().delete()
    now = timezone.now()
    Trace.objects.bulk_create(
        Trace(project=project, external_id=f"n{n}", task_id="health", model="m", received_at=now, steps=1)
        for n in range(6000)
    )
    tracemalloc.start()
    assert queues.refill(queue=queue) == 1
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()


@pytest.mark.django_db
def test_next_and_previous_lead_forward_and_back(project: Project, alice: User, rita: User) -> None:
    for number in range(4):
        make.trace(project, said=several(f"q{number}", "one", "two"))
    queue = queue_of(project, alice)
    order = list(Pair.objects.order_by("id").values_list("uid", flat=True))
    assert desk.next_open(queue=queue, user=rita) == order[0]
    for here, behind in ((0, 1), (1, 2), (2, 3), (3, 0)):
        pair = desk.named(project=project, slug=queue.slug, uid=order[here])
        assert desk.next_open(queue=queue, user=rita, but=pair) == order[behind], "own leases do not turn it back"
        if here:
            assert desk.open_pair(pair=pair, user=rita, alone=True).before == order[here - 1]


@pytest.mark.django_db
def test_the_seen_revisions_are_pinned_and_undo_brings_back_what_stood_before(
    project: Project, alice: User, rita: User
) -> None:
    one = attempt(project, "t", "First")
    attempt(project, "t", "Second")
    queue = queue_of(project, alice)
    pair = desk.named(project=project, slug=queue.slug, uid=Pair.objects.get().uid)
    attempt(project, "t", "First, grown", external_id=one.external_id)
    seen = prefer.record(pair=pair, actor=Actor(user=rita), word=Word("a", key="k1", revisions=(1, 1)))
    assert seen.left_revision.number == 1 and seen.left_trace.revision is not None
    with pytest.raises(Invalid):
        prefer.record(pair=pair, actor=Actor(user=rita), word=Word("a", revisions=(9, 1)))
    other = prefer.record(pair=pair, actor=Actor(user=alice), word=Word("tie", key="k2"))
    changed = prefer.record(pair=pair, actor=Actor(user=rita), word=Word("b", key="k3"))
    standing = Preference.objects.filter(withdrawn_at=None)
    assert set(standing) == {other, changed}
    prefer.withdraw(project=project, actor=Actor(user=rita), key="k3")
    assert set(standing.all()) == {other, seen}, "the earlier word stands again"
    pair.refresh_from_db()
    assert pair.status == "done"
    prefer.withdraw(project=project, actor=Actor(user=rita), key="k1")
    pair.refresh_from_db()
    assert pair.status == "done" and pair.done_by == alice, "somebody else's word still stands"
    prefer.withdraw(project=project, actor=Actor(user=alice), key="k2")
    pair.refresh_from_db()
    assert pair.status == "open" and pair.leased_by == alice


@pytest.mark.django_db
def test_an_edit_counts_only_for_the_side_it_began_with_and_where_it_changed_something(
    project: Project, alice: User, rita: User, as_user: As
) -> None:
    attempt(project, "t", "one\u200btwo")
    attempt(project, "t", "Second answer")
    queue = queue_of(project, alice)
    Pair.objects.update(is_flipped=False)
    at = f"/p/acme/pairs/{queue.slug}/{Pair.objects.get().uid}/"
    for verdict, of, edited, kept in (
        ("b", "a", "other words", ""), ("a", "a", "one\u200btwo", ""), ("a", "a", " better ", "better"), ("tie", "a", "x", ""),
        ("a", "", "x", ""),
    ):  # fmt: skip
        said = as_user(rita).post(at, {"verdict": verdict, "edited_of": of, "edited": edited})
        assert said.status_code == 303
        assert Preference.objects.get(withdrawn_at=None).edited == kept, (verdict, of, edited)
    for bad in ({"verdict": "a", "note": "\0"}, {"act": "flag", "flag_note": "\0"}):
        assert as_user(rita).post(at, bad).status_code == 422
    assert as_user(rita).post(at, {"act": "undo", "undo_key": "\0"}).status_code == 303
    assert as_user(alice).post("/p/acme/pairs/", {"act": "close", "queue": "\0"}).status_code == 404
    odd = {"act": "create", "name": "x", "most": "2", "criteria": "\0", "instructions": "\0"}
    assert as_user(alice).post("/p/acme/pairs/", odd).status_code == 422


@pytest.mark.django_db
def test_a_closed_queue_stands_last_and_leases_nothing(project: Project, alice: User, rita: User, as_user: As) -> None:
    attempt(project, "t", "First")
    attempt(project, "t", "Second")
    closed, opened = queue_of(project, alice, name="Old"), queue_of(project, alice, name="New")
    queues.close(queue=closed, actor=Actor(user=alice), closed=True)
    page = as_user(rita).get("/p/acme/pairs/").content.decode()
    assert page.index("New") < page.index("Old") and "Start: New" in page
    pair = Pair.objects.get(queue=closed)
    assert not queues.hold(pair=pair, user=rita) and queues.hold(pair=Pair.objects.get(queue=opened), user=rita)
    Pair.objects.filter(queue=opened).update(leased_until=timezone.now() - timedelta(hours=1))
    Trace.objects.update(archived_at=timezone.now())
    queues.refill(queue=opened)
    assert not Pair.objects.filter(queue=opened).exists(), "a lease that ran out holds nothing"


@pytest.mark.django_db
def test_what_says_the_same_is_tied_without_anybody(project: Project, alice: User, rita: User) -> None:
    make.trace(project, said=several("q", "same", "same"))
    make.trace(project, said=several("p", "one", "two"))
    queue = queue_of(project, alice)
    uid = desk.next_open(queue=queue, user=rita)
    assert uid and "p" in sides.read(desk.named(project=project, slug=queue.slug, uid=uid)).asked
    tied = Preference.objects.get()
    assert (tied.choice, tied.user, tied.author) == ("tie", None, prefer.TIED_BY)
    assert queues.progress_of_all(project=project, user=rita)[queue.pk].done == 1
    for _ in range(3):
        attempt(project, "again", "word for word")
    assert queues.refill(queue=queue) == 3 and Preference.objects.filter(author=prefer.TIED_BY).count() == 4
    assert not Pair.objects.filter(reason=queues.SAME_TASK, status="open").exists()


@pytest.mark.django_db
def test_the_page_names_no_model_before_the_choice_and_works_without_a_script(
    project: Project, alice: User, rita: User, as_user: As
) -> None:
    attempt(project, "t", "First answer", "secret-model-1")
    attempt(project, "t", "Second answer", "secret-model-2")
    client = as_user(alice)
    made = client.post("/p/acme/pairs/", {"act": "create", "name": "Duels", "most": "2", "criteria": "Scope\n"})
    assert made.status_code == 302
    bad = client.post("/p/acme/pairs/", {"act": "create", "name": "Duels", "most": "none", "query": "agent:"})
    assert bad.status_code == 422 and "from 1 to 50" in bad.content.decode()
    page = as_user(rita).get("/p/acme/pairs/duels/", follow=True)
    at, text = page.redirect_chain[-1][0], page.content.decode()
    assert "First answer" in text and "secret-model" not in text and "Blind, sides by chance" in text
    said = as_user(rita).post(at, {"verdict": "a", "c0": "b", "note": "n", "strength": "slight"})
    assert said.status_code == 303 and said["Location"] == "/p/acme/pairs/duels/"
    assert "All done" in as_user(rita).get("/p/acme/pairs/duels/").content.decode()
    text = as_user(rita).get(at).content.decode()
    assert text.count("secret-model") == 2 and "Your choice" in text
    assert "Preference" not in as_user(rita).get("/p/acme/pairs/").content.decode()
    back = as_user(rita).post("/p/acme/pairs/duels/", {"act": "undo"})
    assert back["Location"] == at and Pair.objects.get().status == "open"
    refused = as_user(rita).post(at, {"verdict": "c"})
    assert refused.status_code == 422 and "Not saved" in refused.content.decode()
    flagged = as_user(rita).post(at, {"act": "flag", "flag_note": "odd"})
    assert flagged.status_code == 303 and "odd" in as_user(rita).get("/p/acme/pairs/").content.decode()
    as_user(rita).post("/p/acme/pairs/", {"act": "unflag", "queue": "duels", "pair": str(Pair.objects.get().uid)})
    assert Pair.objects.get().status == "open"
    assert as_user(rita).get("/p/acme/pairs/none/").status_code == 404


@pytest.mark.django_db
def test_preferences_are_listed_for_programs_and_go_with_a_forgotten_trace(
    project: Project, alice: User, rita: User, as_user: As
) -> None:
    for number in range(4):
        attempt(project, "t", f"Answer {number}")
    queue = queue_of(project, alice, most=6)
    for pair in Pair.objects.order_by("id"):
        prefer.record(pair=pair, actor=Actor(user=rita), word=Word("a", edited="Better"))
    client = as_user(alice)
    first = client.get("/api/projects/acme/preferences", {"limit": 4, "queue": queue.slug}).json()
    rest = client.get("/api/projects/acme/preferences", {"limit": 4, "cursor": first["next"]}).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (4, 2, None)
    one, made = first["items"][0], Preference.objects.order_by("-id")[0]
    assert one["left"] == {"trace": str(made.left_trace.uid), "revision": 1, "candidate": 0}
    assert (one["choice"], one["edited"], one["queue"]) == (made.choice, "Better", "pairs")
    assert client.get("/api/projects/acme/preferences", {"queue": "none"}).json()["items"] == []
    gone = Pair.objects.order_by("id")[0].left_trace
    with transaction.atomic():
        delete.bury_traces(project=project, ids=[gone.pk])
    assert not Pair.objects.filter(left_trace=gone).exists() and not Preference.objects.filter(left_trace=gone).exists()
    assert Pair.objects.count() == 3


@pytest.mark.django_db
def test_a_second_person_is_told_who_is_on_it_and_the_whole_run_is_there(
    project: Project, alice: User, rita: User, as_user: As
) -> None:
    said = make.document(
        message("user", "Book it"), message("assistant", "For when?"), message("user", "Tomorrow"),
        message("assistant", "", tool_calls=[make.call("book", '{"day": "tomorrow"}')]), make.tool_result("ok"),
        message("assistant", "**Done**"),
    )  # fmt: skip
    make.trace(project, said=said, task_id="t")
    attempt(project, "t", "Sorry")
    queue = queue_of(project, alice)
    at = f"/p/acme/pairs/{queue.slug}/{Pair.objects.get().uid}/"
    assert "Yours for" in as_user(rita).get(at).content.decode()
    page = as_user(alice).get(at).content.decode()
    assert "Yours for" not in page and "Rita Reviewer is on this one" in page
    assert "Tomorrow" in page and "The whole run: 6 messages" in page and "<strong>Done</strong>" in page
    assert "Book it" in page and "Do t" in page and "not asked in the same words" in page


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_different_pairs_and_a_doubled_choice_counts_once(project: Project, alice: User) -> None:
    for number in range(8):
        make.trace(project, said=several(f"q{number}", "one", "two"))
    queue = queue_of(project, alice)
    people = [User.objects.create_user(f"p{n}@example.com", None, name=f"P{n}") for n in range(8)]
    gate = threading.Barrier(8)

    def lease(user: User) -> object:
        try:
            gate.wait(10)
            return queues.lease_next(queue=queue, user=user)
        finally:
            connection.close()

    def choose(_: int) -> int:
        try:
            gate.wait(10)
            return prefer.record(pair=pair, actor=Actor(user=alice), word=Word("a", key="once")).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lease, people)) - {None}) == 8
        pair = desk.named(project=project, slug=queue.slug, uid=Pair.objects.all()[0].uid)
        assert len(set(pool.map(choose, range(8)))) == 1
    assert Preference.objects.count() == 1
