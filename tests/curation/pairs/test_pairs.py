"""Pairs are made once, shown blind with sides drawn by chance, handed to one person, and what is said of A and B is
stored of the right side."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
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
    project: Project, task: str, answer: str, model: str = "m-1", tools: tuple[str, ...] = ("search",)
) -> Trace:
    """One attempt at a task."""
    turns = []
    for number, tool in enumerate(tools):
        turns += [
            message("assistant", "", tool_calls=[make.call(tool, id=f"c{number}")]),
            make.tool_result("found", id=f"c{number}"),
        ]
    said = make.document(message("user", f"Do {task}"), *turns, message("assistant", answer))
    return make.trace(project, said=said, task_id=task, model=model)


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
def test_what_says_the_same_is_tied_without_anybody(project: Project, alice: User, rita: User) -> None:
    make.trace(project, said=several("q", "same", "same"))
    make.trace(project, said=several("p", "one", "two"))
    queue = queue_of(project, alice)
    uid = desk.next_open(queue=queue, user=rita)
    assert uid and "p" in sides.read(desk.named(project=project, slug=queue.slug, uid=uid)).asked
    tied = Preference.objects.get()
    assert (tied.choice, tied.user, tied.author) == ("tie", None, prefer.TIED_BY)
    assert queues.progress_of_all(project=project, user=rita)[queue.pk].done == 1


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
