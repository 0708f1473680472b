"""Queues change after they were made: settings, items taken out, closed, deleted; and every one of these comes back."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from curation import filters
from curation.browse import bulk
from curation.filters import FilterError
from curation.models import Judgment, QueueItem, ReviewQueue, Trace
from curation.review import blind, judgments, picking, queue_changes, queue_items, queues
from curation.review.invalid import Invalid
from curation.review.queue_changes import Settings
from tests import make
from workspace.access import Actor
from workspace.models import AuditEntry, Project, Role, User

SignIn = Callable[[User], Client]
OPEN, OUT = QueueItem.Status.OPEN, QueueItem.Status.OUT


@pytest.fixture
def queue(project: Project, alice: User) -> ReviewQueue:
    """Four traces of the agent support wait, two of billing do not."""
    for agent in ("support", "support", "support", "support", "billing", "billing"):
        make.row(project, agent=agent)
    return queues.create(project=project, actor=Actor(user=alice), name="Hard ones", query="agent:support")


def waiting(queue: ReviewQueue) -> list[str]:
    """The agents of what waits, in the order in which it is handed out."""
    found = QueueItem.objects.filter(queue=queue, status=OPEN).order_by("skips", "-priority", "id")
    return list(found.values_list("trace__agent", flat=True))


def acts() -> list[str]:
    """What the audit log says of queues, in order."""
    return list(AuditEntry.objects.filter(target__startswith="queue:").order_by("id").values_list("action", flat=True))


def undo(client: Client, answer: str) -> str:
    """Press the button in the toast on the page `answer`; the page that follows."""
    button = re.search(r'<button[^>]*form="undo" name="([a-z]+)" value="([^"]+)"', answer)
    form = re.search(r'<form method="post"(?: action="([^"]*)")? id="undo">(.*?)</form>', answer, re.DOTALL)
    assert button and form
    hidden = dict(re.findall(r'name="(act)" value="([^"]+)"', form[2]))
    address = "/p/acme/review/" if hidden else "/p/acme/review/hard-ones/about/"
    return client.post(address, {button[1]: unescape(button[2]), **hidden}, follow=True).content.decode()


def test_another_filter_is_foretold_saved_and_taken_back(
    project: Project, alice: User, rita: User, queue: ReviewQueue, as_user: SignIn
) -> None:
    held = queues.lease_next(queue=queue, user=rita)
    picked = Trace.objects.filter(agent="support").last()
    assert picked
    QueueItem.objects.filter(queue=queue, trace=picked).update(reason=f"{picking.BY}Rita", priority=1)
    client, page = as_user(alice), "/p/acme/review/hard-ones/about/"
    told = client.get(page + "change/", {"query": "agent:billing"}).content.decode()
    assert "<b>2</b> new matches come in" in told
    # one is picked by hand and stays whatever the filter says
    assert "<b>3</b> that wait no longer match" in told and "but for 1 that somebody is on now" in told
    typed = {"act": "save", "name": "Money", "query": "agent:billing", "instructions": "Be kind.", "unmatched": "out"}
    asked = client.post(page, typed)
    assert asked.status_code == 422 and "no longer match" in asked.content.decode()
    queue.refresh_from_db()
    assert queue.name == "Hard ones", "nothing is saved before it was said"
    saved = client.post(page, {**typed, "told": "agent:billing"}, follow=True).content.decode()
    assert "2 came in. 2 taken out. 1 stayed: somebody is on it." in saved
    queue.refresh_from_db()
    assert (queue.slug, queue.name, queue.instructions) == ("hard-ones", "Money", "Be kind.")
    assert sorted(waiting(queue)) == ["billing", "billing", "support", "support"]
    assert QueueItem.objects.get(uid=held).leased_by == rita
    queues.refill_all()
    assert len(waiting(queue)) == 4
    assert "The queue is as before." in undo(client, saved)
    queue.refresh_from_db()
    assert queue_changes.settings_of(queue) == Settings("Hard ones", "agent:support")
    assert waiting(queue) == ["support"] * 4 and queue.items.count() == 4
    assert acts() == ["queue.created", "queue.edited", "queue.edit_undone"]
    entry = AuditEntry.objects.get(action="queue.edited")
    assert entry.detail["changed"]["query"] == ["agent:support", "agent:billing"] and entry.detail["taken_out"] == 2


def test_what_an_earlier_filter_left_out_comes_back_and_what_was_judged_stays(
    project: Project, alice: User, rita: User, queue: ReviewQueue
) -> None:
    actor = Actor(user=alice)
    first = queue.items.order_by("id").first()
    assert first
    QueueItem.objects.filter(pk=first.pk).update(status="done", done_by=rita, done_at=timezone.now())
    wanted = Settings("Hard ones", "agent:billing")
    edited = queue_changes.edit(queue=queue, actor=actor, wanted=wanted, keep=False)
    assert (edited.added, edited.dropped, edited.held) == (2, 3, 0)
    assert queues.progress(queue=queue, user=rita) == queues.Progress(total=3, open=2, done=1, mine=1, out=3)
    both = Settings("Hard ones", "agent:billing OR agent:support", is_blind=True)
    assert queue_changes.foresee(queue=queue, query=both.query, actor=actor) == queue_changes.Foreseen(3, 0, 0)
    queue_changes.edit(queue=queue, actor=actor, wanted=both)
    assert len(waiting(queue)) == 5 and queues.progress(queue=queue, user=rita).out == 0
    # the first change was made over since: its undo does nothing
    assert not queue_changes.undo_edit(queue=queue, actor=actor, before=edited.before, after=edited.after, at=edited.at)
    queue.refresh_from_db()
    assert queue.is_blind and queue.query == both.query
    untouched = queue_changes.edit(queue=queue, actor=actor, wanted=both)
    assert untouched.changed == () and acts().count("queue.edited") == 2


def test_kept_ones_wait_on_and_bad_settings_say_why(project: Project, alice: User, queue: ReviewQueue) -> None:
    actor = Actor(user=alice)
    queues.create(project=project, actor=actor, name="Other", query="")
    for name, query, field in (("", "", "name"), ("other", "", "name"), ("x" * 121, "", "name")):
        with pytest.raises(Invalid) as error:
            queue_changes.edit(queue=queue, actor=actor, wanted=Settings(name, query))
        assert error.value.field == field
    with pytest.raises(FilterError):
        queue_changes.edit(queue=queue, actor=actor, wanted=Settings("Hard ones", "agnet:support"))
    hand = picking.hand_queue(project=project)
    with pytest.raises(Invalid):
        queue_changes.edit(queue=hand, actor=actor, wanted=Settings("Picked by hand", "agent:x"))
    queue_changes.edit(queue=queue, actor=actor, wanted=Settings("Hard ones", "agent:billing"))
    assert len(waiting(queue)) == 6
    # the old name is free again, and gets an address of its own
    queue_changes.edit(queue=queue, actor=actor, wanted=Settings("Money", "agent:billing"))
    again = queues.create(project=project, actor=actor, name="Hard ones", query="")
    assert (again.slug, queue.slug) == ("hard-ones-2", "hard-ones")


def test_taking_out_respects_who_is_on_an_item(
    project: Project, alice: User, rita: User, queue: ReviewQueue, as_user: SignIn
) -> None:
    held = queues.lease_next(queue=queue, user=rita)
    left = queue.items.get(uid=held)
    client, page = as_user(alice), "/p/acme/review/hard-ones/about/"
    emptied = client.post(page, {"act": "empty"}, follow=True).content.decode()
    assert "3 taken out of Hard ones. 1 stayed: somebody is on it." in emptied
    assert list(queue.items.filter(status=OPEN)) == [left]
    # neither the sweep nor the next reviewer brings back what somebody took out
    assert queues.refill(queue=queue) == 0 and queues.lease_next(queue=queue, user=alice) is None
    assert not filters.apply(Trace.objects.all(), filters.parse("queue:hard-ones")).exclude(pk=left.trace_id).exists()
    gone = queue.items.filter(status=OUT).first()
    assert gone and gone.out_by == alice
    judged = make.trace(project, agent="support")
    QueueItem.objects.filter(pk=gone.pk).update(trace=judged)
    # a judgment that was under way counts, though the item is out
    judgments.record(project=project, actor=Actor(user=rita), item_uid=gone.uid, verdict="acceptable")
    judged.refresh_from_db()
    gone.refresh_from_db()
    assert judged.verdict == "acceptable" and gone.status == OUT
    back = undo(client, emptied)
    assert "2 put back into Hard ones. 1 judged meanwhile: left out." in back
    assert queue.items.filter(status=OPEN).count() == 3
    QueueItem.objects.filter(pk=left.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    assert queue_items.take_out(queue=queue, actor=Actor(user=alice)).taken == 3
    assert acts() == ["queue.created", "queue.items_taken_out", "queue.items_put_back", "queue.items_taken_out"]


def test_single_items_go_and_come_by_the_page(alice: User, queue: ReviewQueue, as_user: SignIn) -> None:
    client, page = as_user(alice), "/p/acme/review/hard-ones/about/"
    items = [str(uid) for uid in queue.items.order_by("id").values_list("uid", flat=True)]
    one = client.post(page, {"act": "take_out", "one": items[0], "item": items[1]}, follow=True).content.decode()
    assert "1 taken out of Hard ones." in one
    assert str(queue.items.get(status=OUT).uid) == items[0]
    client.post(page, {"act": "take_out", "item": items[1:3]})
    assert queue.items.filter(status=OUT).count() == 3
    shown = client.get(page, {"show": "out"}).content.decode()
    assert shown.count(">Put back</button>") == 3 and "Alice Engineer" in shown
    back = client.post(f"{page}?show=out", {"act": "put_back", "one": items[0]}, follow=True).content.decode()
    assert queue.items.filter(status=OUT).count() == 2 and "1 put back into Hard ones." in back
    undo(client, back)
    assert queue.items.filter(status=OUT).count() == 3
    assert "No trace was chosen" in client.post(page, {"act": "take_out"}, follow=True).content.decode()
    assert client.post(page, {"act": "take_out", "item": "x"}).status_code == 400
    assert client.get(page, {"show": "nothing"}).status_code == 404
    assert "was taken out of this queue" in client.get(f"/p/acme/review/hard-ones/{items[0]}/").content.decode()


def test_reviewers_take_out_what_they_picked(
    project: Project, alice: User, rita: User, queue: ReviewQueue, as_user: SignIn
) -> None:
    mine, hers = make.row(project), make.row(project)
    for person, trace in ((rita, mine), (alice, hers)):
        act = bulk.begin(project=project, actor=Actor(user=person), kind="queue", choice=bulk.Choice(uids=[trace.uid]))
        bulk.work(act_id=act.pk, seconds=5)
    hand = ReviewQueue.objects.get(slug=picking.SLUG)
    client, page = as_user(rita), "/p/acme/review/picked/about/"
    items = list(hand.items.values_list("uid", flat=True))
    shown = client.get(page).content.decode()
    assert "Take out the 1 that you picked" in shown and shown.count(">Take out</button>") == 1
    taken = client.post(page, {"act": "take_out", "item": items}, follow=True).content.decode()
    assert "1 taken out of Picked by hand." in taken
    assert hand.items.get(status=OUT).trace == mine and hand.items.get(status=OPEN).trace == hers
    # she puts back what she took out, and only that
    queue_items.take_out(queue=hand, actor=Actor(user=alice))
    client.post(page, {"act": "put_back", "item": items})
    assert hand.items.get(status=OUT).trace == hers
    client.post(page, {"act": "take_own"})
    assert not hand.items.filter(status=OPEN).exists()
    for act_name in ("empty", "save", "close", "reopen", "delete"):
        assert client.post(page, {"act": act_name}).status_code == 403
    assert client.get(page + "change/").status_code == 403
    # picking it again puts it back, undoing that takes it out again
    act = bulk.begin(project=project, actor=Actor(user=rita), kind="queue", choice=bulk.Choice(uids=[mine.uid]))
    bulk.work(act_id=act.pk, seconds=5)
    act.refresh_from_db()
    assert act.changed == 1 and hand.items.get(status=OPEN).trace == mine
    bulk.take_back(act=act, actor=Actor(user=rita))
    bulk.work(act_id=act.pk, seconds=5)
    assert hand.items.filter(status=OUT).count() == 2


def test_a_closed_queue_rests(project: Project, alice: User, rita: User, queue: ReviewQueue, as_user: SignIn) -> None:
    held = queues.lease_next(queue=queue, user=rita)
    item = queue.items.select_related("queue", "trace").get(uid=held)
    client, page = as_user(alice), "/p/acme/review/hard-ones/about/"
    closed = client.post(page, {"act": "close"}, follow=True).content.decode()
    assert "Hard ones is closed." in closed and "Reopen" in closed
    make.row(project, agent="support")
    assert queues.refill(queue=queue) == 0 and queues.refill_all() == 0
    for who in (rita, alice):
        assert queues.lease_next(queue=queue, user=who) is None
    # who is on an item may end it; nobody gets another one
    assert queues.hold_and_lease_ahead(item=item, user=rita) == (True, None) and queues.hold(item=item, user=rita)
    other = queue.items.exclude(uid=held).select_related("queue").first()
    assert other and not queues.hold(item=other, user=alice)
    assert queues.hold_and_lease_ahead(item=other, user=alice) == (False, None)
    assert "This queue is closed" in client.get("/p/acme/review/hard-ones/").content.decode()
    listed = client.get("/p/acme/review/").content.decode()
    assert "1 closed queue" in listed and "Review 4" not in listed
    with pytest.raises(bulk.BadAct):
        bulk.begin(
            project=project, actor=Actor(user=alice), kind="queue", argument="hard-ones",
            choice=bulk.Choice(uids=[item.trace.uid]),
        )  # fmt: skip
    assert "Hard ones is open again. 1 came in." in undo(client, closed)
    assert len(waiting(queue)) == 5 and queues.lease_next(queue=queue, user=alice) is not None
    assert acts() == ["queue.created", "queue.closed", "queue.reopened"]


def test_blindness_rests_with_a_closed_queue(project: Project, alice: User, rita: User, queue: ReviewQueue) -> None:
    actor = Actor(user=alice)
    trace = Trace.objects.filter(agent="support").first()
    assert trace and not blind.hides(trace=trace, user=rita)
    queue_changes.edit(queue=queue, actor=actor, wanted=Settings("Hard ones", "agent:support", is_blind=True))
    assert blind.hides(trace=trace, user=rita)
    queue_changes.close(queue=queue, actor=actor)
    assert not blind.hides(trace=trace, user=rita)
    queue_changes.reopen(queue=queue, actor=actor)
    assert blind.hides(trace=trace, user=rita)
    queue_items.take_out(queue=queue, actor=actor)
    assert not blind.hides(trace=trace, user=rita)


def test_deleting_only_what_holds_no_word(
    project: Project, alice: User, rita: User, queue: ReviewQueue, as_user: SignIn
) -> None:
    client, page = as_user(alice), "/p/acme/review/hard-ones/about/"
    taken = queue.items.order_by("id").last()
    assert taken
    queue_items.take_out(queue=queue, actor=Actor(user=alice), uids=[taken.uid])
    gone = client.post(page, {"act": "delete"}, follow=True).content.decode()
    assert "Hard ones was deleted." in gone and client.get(page).status_code == 404
    assert client.get("/p/acme/review/hard-ones/").status_code == 404
    assert "Hard ones is back." in undo(client, gone)
    queue.refresh_from_db()
    assert queue.closed_at is None and len(waiting(queue)) == 3 and queues.refill(queue=queue) == 0
    # somebody on an item, a flag and a judgment each keep it
    queues.lease_next(queue=queue, user=rita)
    assert "somebody is on" in queue_changes.why_kept(queue=queue)
    queue.items.update(leased_by=None, leased_until=None)
    item = queue.items.select_related("queue__project", "trace").filter(status=OPEN).first()
    assert item
    queues.flag(item=item, actor=Actor(user=rita), note="odd")
    assert "close it instead" in client.post(page, {"act": "delete"}, follow=True).content.decode()
    queues.unflag(item=item, actor=Actor(user=rita))
    trace = make.trace(project, agent="support")
    queues.refill(queue=queue)
    make.judgment(trace, rita)
    with pytest.raises(Invalid):
        queue_changes.delete(queue=queue, actor=Actor(user=alice))
    with pytest.raises(Invalid):
        queue_changes.delete(queue=queues.default_queue(project=project), actor=Actor(user=alice))
    assert Judgment.objects.count() == 1 and ReviewQueue.objects.filter(pk=queue.pk, deleted_at=None).exists()


def test_the_sweep_forgets_deleted_queues_after_a_day(project: Project, alice: User, queue: ReviewQueue) -> None:
    actor = Actor(user=alice)
    queue_changes.close(queue=queue, actor=actor)
    queue_changes.delete(queue=queue, actor=actor)
    queues.refill_all()
    queue_changes.restore(project=project, actor=actor, slug=queue.slug)
    queue.refresh_from_db()
    assert queue.closed_at and not queue.deleted_at, "it was closed before it was deleted"
    queue_changes.delete(queue=queue, actor=actor)
    ReviewQueue.objects.filter(pk=queue.pk).update(deleted_at=timezone.now() - timedelta(days=2))
    queues.refill_all()
    assert not ReviewQueue.objects.filter(pk=queue.pk).exists() and Trace.objects.count() == 6


def test_programs_change_queues_as_people_do(
    project: Project, alice: User, rita: User, queue: ReviewQueue, api: Callable[..., Client]
) -> None:
    engineer, reviewer = api(Role.ENGINEER), api(Role.REVIEWER)
    here = "/api/projects/acme/queues"

    def patch(**body: object) -> dict[str, object]:
        return engineer.patch(f"{here}/hard-ones", body, content_type="application/json").json()

    def post(client: Client, act: str, **body: object) -> dict[str, object]:
        return client.post(f"{here}/hard-ones/{act}", body, content_type="application/json").json()

    made = engineer.post(here, {"name": "Second", "q": "agent:billing"}, content_type="application/json")
    assert made.status_code == 201 and made.json()["slug"] == "second" and made.json()["waiting"] == 2
    listed = {one["slug"]: one for one in reviewer.get(here).json()["items"]}
    assert set(listed) == {"hard-ones", "unjudged", "second"} and listed["hard-ones"]["waiting"] == 4
    queues.lease_next(queue=queue, user=rita)
    seen = engineer.get(f"{here}/hard-ones/change", {"q": "agent:billing"}).json()
    assert seen == {"new": 2, "unmatched": 4, "held": 1}
    changed = patch(q="agent:billing", unmatched="out", name="Money", blind=True)
    assert [changed[name] for name in ("added", "taken_out", "left_to_others", "waiting", "out", "held")] == [
        2, 3, 1, 3, 3, 1,
    ]  # fmt: skip
    assert (changed["slug"], changed["name"], changed["blind"]) == ("hard-ones", "Money", True)
    assert patch(name="second")["error"]["details"][0]["where"] == "name"  # type: ignore[index]
    assert patch(q="agnet:x")["error"]["code"] == "bad_filter"  # type: ignore[index]
    trace = str(Trace.objects.filter(agent="billing").values_list("uid", flat=True)[0])
    assert post(reviewer, "take-out", traces=[trace])["taken_out"] == 0, "a reviewer did not put it in"
    one = post(engineer, "take-out", traces=[trace])
    assert (one["taken_out"], one["left_to_others"]) == (1, 0)
    assert post(engineer, "put-back", at=one["at"]) == {"put_back": 1, "judged": 0}
    assert post(engineer, "take-out", all=True)["left_to_others"] == 1
    assert post(engineer, "put-back", traces=[trace])["put_back"] == 1
    for body in ({}, {"all": True, "traces": [trace]}):
        assert post(engineer, "take-out", **body)["error"]["code"] == "invalid"  # type: ignore[index]
    assert patch(closed=True)["closed_at"] and patch(closed=False)["closed_at"] is None
    assert engineer.delete(f"{here}/hard-ones").status_code == 409, "somebody is on an item"
    assert engineer.delete(f"{here}/second").status_code == 204 and engineer.delete(f"{here}/second").status_code == 404
    assert acts()[-4:] == ["queue.items_put_back", "queue.closed", "queue.reopened", "queue.deleted"]


def test_two_who_change_a_queue_at_once_lose_nothing(
    project: Project,
    alice: User,
    queue: ReviewQueue,
    api: Callable[..., Client],
    as_user: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # one program renames while another has just switched blind on, after the first has read the queue
    find = queues.named

    def meanwhile(name: str) -> str:
        ReviewQueue.objects.filter(pk=queue.pk).update(is_blind=True)
        return find(name)

    with monkeypatch.context() as patched:
        patched.setattr(queues, "named", meanwhile)
        answer = api(Role.ENGINEER).patch(
            "/api/projects/acme/queues/hard-ones", {"name": "Money"}, content_type="application/json"
        )
    assert (answer.json()["name"], answer.json()["blind"]) == ("Money", True)
    # and two people have the page open at once
    client, page = as_user(alice), "/p/acme/review/hard-ones/about/"

    def form() -> dict[str, str]:
        made_from = re.search(r'name="made_from" value="([^"]+)"', client.get(page).content.decode())
        assert made_from
        typed = {"act": "save", "name": "Money", "query": "agent:support", "instructions": "", "blind": "1"}
        return typed | {"made_from": unescape(made_from[1])}

    mine, theirs = form(), form()
    client.post(page, theirs | {"blind": "", "instructions": "Be\r\nkind."})
    saved = client.post(page, mine | {"name": "Cash"}, follow=True).content.decode()
    assert "What somebody else changed meanwhile stays: rules, blindness." in saved
    queue.refresh_from_db()
    assert queue_changes.settings_of(queue) == Settings("Cash", "agent:support", "Be\nkind.", False)
    asked = client.post(page, mine | {"name": "Coins", "instructions": "Be <strict>."})
    told = asked.content.decode()
    assert asked.status_code == 409 and "Nothing was saved" in told and "Be\nkind." in told
    assert "By now it is called Cash." in told and 'value="Coins"' in told and "Be &lt;strict&gt;." in told
    queue.refresh_from_db()
    assert queue_changes.settings_of(queue) == Settings("Cash", "agent:support", "Be\nkind.", False)
    # saved again it is meant; what the person never touched is as the other left it
    renewed = re.search(r'name="made_from" value="([^"]+)"', told)
    assert renewed and 'name="blind" value="1" checked' not in told
    again = mine | {"name": "Coins", "instructions": "Be <strict>.", "blind": "", "made_from": unescape(renewed[1])}
    assert "Saved." in client.post(page, again, follow=True).content.decode()
    queue.refresh_from_db()
    assert queue_changes.settings_of(queue) == Settings("Coins", "agent:support", "Be <strict>.", False)
    assert client.post(page, mine | {"made_from": "made up"}).status_code == 400


def test_a_blind_queue_does_not_tell_reviewers_its_verdicts_by_its_filter(
    project: Project, alice: User, rita: User, as_user: SignIn, api: Callable[..., Client]
) -> None:
    judged = make.trace(project)
    make.judgment(judged, alice, verdict="unacceptable")
    query = "judged:unacceptable"
    blinded = queues.create(project=project, actor=Actor(user=alice), name="Again", query=query, is_blind=True)
    item = blinded.items.get()
    pages = ("/p/acme/review/", "/p/acme/review/again/about/", f"/p/acme/review/again/{item.uid}/")

    def seen(by: User, role: Role) -> list[bool]:
        listed = {one["slug"]: one["q"] for one in api(role).get("/api/projects/acme/queues").json()["items"]}
        assert listed["again"] in (query, None) and listed["unjudged"] == queues.DEFAULT_QUERY
        return [query in as_user(by).get(page).content.decode() for page in pages] + [listed["again"] == query]

    assert seen(rita, Role.REVIEWER) == [False] * 4
    # nor on an item that she has judged: it says the same of all that wait
    judgments.record(project=project, actor=Actor(user=rita), item_uid=item.uid, verdict="acceptable")
    assert seen(rita, Role.REVIEWER) == [False] * 4
    assert seen(alice, Role.ENGINEER) == [True] * 4
    ReviewQueue.objects.filter(pk=blinded.pk).update(query="agnet:x")
    blinded.refresh_from_db()
    assert blind.hides_filter(queue=blinded, may_look=False), "one that cannot be read might tell"
    ReviewQueue.objects.filter(pk=blinded.pk).update(query=query, closed_at=timezone.now())
    assert seen(rita, Role.REVIEWER) == [True] * 4


def test_a_name_that_is_taken_by_now_gets_a_number(
    project: Project, alice: User, queue: ReviewQueue, as_user: SignIn
) -> None:
    client, page = as_user(alice), "/p/acme/review/hard-ones/about/"
    saved = client.post(page, {"act": "save", "name": "Money", "query": "agent:support"}, follow=True).content.decode()
    queues.create(project=project, actor=Actor(user=alice), name="hard ones", query="")
    assert "The queue is as before, under the name Hard ones 2" in undo(client, saved)
    gone = client.post(page, {"act": "delete"}, follow=True).content.decode()
    queues.create(project=project, actor=Actor(user=alice), name="Hard ones 2", query="")
    assert "Hard ones 2 2 is back. Another one is called Hard ones 2 by now." in undo(client, gone)
    names = [name.casefold() for name in ReviewQueue.objects.listed().values_list("name", flat=True)]
    assert len(set(names)) == len(names) and acts()[-1] == "queue.restored"


def test_what_a_closed_queue_would_get_is_said_for_when_it_is_reopened(
    alice: User, queue: ReviewQueue, as_user: SignIn
) -> None:
    client, page = as_user(alice), "/p/acme/review/hard-ones/about/"
    client.post(page, {"act": "close"})
    told = client.get(page + "change/", {"query": "agent:billing"}).content.decode()
    assert "<b>2</b> new matches come in when it is reopened" in told


def test_a_queue_made_twice_at_once_says_that_its_name_is_taken(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is committed between the look at the names and the writing: the database refuses the address."""
    free, actor = queues._free_slug, Actor(user=alice)

    def meanwhile(of: Project, name: str) -> str:
        slug = free(of, name)
        other = "Hard ones" if name == "Hard ones" else f"{name}!"
        ReviewQueue.objects.get_or_create(project=of, slug=name.lower().replace(" ", "-"), defaults={"name": other})
        return slug

    monkeypatch.setattr(queues, "_free_slug", meanwhile)
    with pytest.raises(Invalid) as error:
        queues.create(project=project, actor=actor, name="Hard ones", query="")
    assert error.value.field == "name" and "taken by another queue" in str(error.value)
    # another name with the same address gets a number
    assert queues.create(project=project, actor=actor, name="Easy ones", query="").slug == "easy-ones-2"
