"""Acts on many traces: exactly those that were found, all of them, once, with a way back; and the doors before them."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from curation import filters, tasks
from curation.browse import bulk, changes
from curation.browse.bulk import Choice
from curation.models import BulkAct, BulkChange, DirtyHour, QueueItem, ReviewQueue, Trace
from curation.review import picking, queue_changes, queue_items, queues
from curation.review.queue_changes import Settings
from tests import make
from workspace.access import Actor
from workspace.models import AuditEntry, Role

pytestmark = pytest.mark.django_db


def fill(project, count=5):
    now = timezone.now()
    return [
        make.row(
            project, received_at=now - timedelta(minutes=n), agent="support" if n % 2 else "coder",
            tags=["vip"] if n % 2 else [],
        )
        for n in range(count)
    ]  # fmt: skip


def begin(project, alice, kind, argument="", *, query="", until=None):
    choice = Choice(query=filters.parse(query), until=until or timezone.now())
    return bulk.begin(project=project, actor=Actor(user=alice), kind=kind, argument=argument, choice=choice)


def finish(act):
    while not bulk.work(act_id=act.pk, seconds=0):
        pass
    act.refresh_from_db()
    return act


def undo(act, alice):
    assert bulk.take_back(act=act, actor=Actor(user=alice))
    return finish(act)


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 3)


def archived():
    return set(Trace.objects.exclude(archived_at=None).values_list("pk", flat=True))


def test_an_act_touches_exactly_what_the_filter_found_at_its_moment(project, alice, small_batches):
    made = fill(project, 20)
    act = begin(project, alice, "archive", query="agent:support")
    late = make.row(project, agent="support", received_at=timezone.now() + timedelta(seconds=1))
    assert not bulk.work(act_id=act.pk, seconds=0)  # one batch
    act.refresh_from_db()
    assert (act.total, act.reached, act.changed, act.status) == (10, 3, 3, "running")
    # what no longer matches when its batch comes was found all the same; what begins to match was not
    Trace.objects.filter(pk=made[19].pk).update(agent="coder")
    Trace.objects.filter(pk=made[18].pk).update(agent="support")
    finish(act)
    assert archived() == {row.pk for row in made if row.agent == "support"} and late.pk not in archived()
    assert (act.status, act.reached, act.changed, act.already) == ("done", 10, 10, 0)
    assert DirtyHour.objects.filter(project=project).exists()
    entry = AuditEntry.objects.get(action="traces.archived")
    assert entry.user == alice and entry.detail["traces"] == 10
    assert entry.detail["chosen"] == "all that match “agent:support”"


def test_undo_takes_back_what_was_changed_and_nothing_else(project, alice, small_batches):
    made = fill(project, 12)
    before = timezone.now() - timedelta(days=1)
    Trace.objects.filter(pk=made[0].pk).update(archived_at=before)
    act = finish(begin(project, alice, "archive", query="archived:yes,no"))
    assert (act.changed, act.already) == (11, 1)
    # restored by somebody and archived again: theirs now
    Trace.objects.filter(pk=made[1].pk).update(archived_at=timezone.now())
    undo(act, alice)
    assert (act.status, act.undone, act.kept) == ("undone", 11, 1)
    assert archived() == {made[0].pk, made[1].pk}
    assert Trace.objects.get(pk=made[0].pk).archived_at == before and not BulkChange.objects.exists()
    assert not bulk.take_back(act=act, actor=Actor(user=alice))  # once


@pytest.mark.parametrize(("kind", "start", "after"), [("tag", [], ["x"]), ("untag", ["x", "y"], ["y"])])
def test_tags_go_on_and_off_and_back(project, alice, small_batches, kind, start, after):
    made = fill(project, 7)
    Trace.objects.update(tags=start)
    same = made[3]
    Trace.objects.filter(pk=same.pk).update(tags=["z", "x"] if kind == "tag" else ["z"])
    act = finish(begin(project, alice, kind, " x "))
    assert (act.changed, act.already) == (6, 1)
    assert all(row.tags == after for row in Trace.objects.exclude(pk=same.pk))
    undo(act, alice)
    assert all(sorted(row.tags) == sorted(start) for row in Trace.objects.exclude(pk=same.pk))
    assert Trace.objects.get(pk=same.pk).tags == (["z", "x"] if kind == "tag" else ["z"])


def test_into_a_queue_once_and_out_again_unless_begun(project, alice, rita, small_batches):
    made = fill(project, 8)
    queue = picking.hand_queue(project=project)
    QueueItem.objects.create(queue=queue, trace=made[0], status="done")
    act = finish(begin(project, alice, "queue"))
    assert (act.changed, act.already, act.argument) == (7, 1, "picked")
    mine = QueueItem.objects.exclude(trace=made[0])
    assert set(mine.values_list("priority", "reason")) == {(1.0, "Picked by Alice Engineer")}
    QueueItem.objects.filter(trace=made[2]).update(leased_by=rita)
    undo(act, alice)
    assert set(QueueItem.objects.values_list("trace", flat=True)) == {made[0].pk, made[2].pk} and act.kept == 1


def test_a_batch_that_dies_is_done_again_and_nothing_twice(project, alice, small_batches, monkeypatch):
    fill(project, 10)
    act = begin(project, alice, "tag", "x")
    bulk.work(act_id=act.pk, seconds=0)
    real = changes.make

    def dies(**given):
        real(**given)
        raise RuntimeError("the worker was killed here")

    monkeypatch.setattr(changes, "make", dies)
    with pytest.raises(RuntimeError):
        bulk.work(act_id=act.pk, seconds=0)
    monkeypatch.setattr(changes, "make", real)
    act.refresh_from_db()
    assert (act.reached, act.changed, BulkChange.objects.count()) == (3, 3, 3)  # the dead batch left nothing
    tasks.sweep_acts()  # no nudge came: the sweep goes on
    act.refresh_from_db()
    assert (act.status, act.changed) == ("done", 10) and all(row.tags.count("x") == 1 for row in Trace.objects.all())


def test_an_act_that_cannot_go_on_ends_and_says_why(project, alice, monkeypatch):
    fill(project, 3)
    act = begin(project, alice, "tag", "x")

    def dies(**given):
        raise RuntimeError("no such thing")

    monkeypatch.setattr(changes, "make", dies)
    tasks.work_on_act(act.pk)
    act.refresh_from_db()
    assert act.status == "stopped" and "no such thing" in act.error


def test_a_tombstone_is_not_restored(project, alice):
    gone, hidden = fill(project, 2)
    Trace.objects.filter(pk__in=[gone.pk, hidden.pk]).update(archived_at=timezone.now())
    Trace.objects.filter(pk=gone.pk).update(erased_at=timezone.now())
    assert finish(begin(project, alice, "restore", query="archived:yes")).changed == 1
    assert archived() == {gone.pk}


def test_stopping_leaves_the_rest_and_undo_takes_back_what_was_done(project, alice, small_batches):
    fill(project, 10)
    act = begin(project, alice, "archive")
    bulk.work(act_id=act.pk, seconds=0)
    assert bulk.stop(act=act, actor=Actor(user=alice)) and not bulk.stop(act=act, actor=Actor(user=alice))
    assert bulk.work(act_id=act.pk, seconds=0) and len(archived()) == 3
    act.refresh_from_db()
    undo(act, alice)
    assert not archived() and act.undone == 3


def test_an_act_with_nothing_to_find_is_done(project, alice):
    act = finish(begin(project, alice, "archive", query="id:nobody -id:*"))
    assert (act.status, act.total, act.changed) == ("done", 0, 0)
    assert not bulk.take_back(act=act, actor=Actor(user=alice))


# --- doors
def act(client, **fields):
    return client.post("/p/acme/traces/bulk/", {"seen_at": timezone.now().isoformat(), **fields}, follow=True)


def listed(response):
    return re.findall(r'id="t-([0-9a-f-]{36})"', response.content.decode())


def token(response):
    return re.search(r'form="undo" name="act" value="([^"]+)"', response.content.decode())[1]


def test_archive_ticked_and_undo(project, alice, as_user):
    made = fill(project)
    client = as_user(alice)
    answer = act(client, action="archive", trace=[str(made[0].uid), str(made[1].uid)], back="q=agent:coder&x=1")
    assert answer.redirect_chain[0][0] == "/p/acme/traces/?q=agent%3Acoder&x=1"
    assert "2 traces archived." in answer.content.decode() and len(listed(answer)) == 2
    assert AuditEntry.objects.get(action="traces.archived").detail["chosen"] == "2 by hand"
    again = client.post("/p/acme/traces/undo/", {"act": token(answer)}, follow=True)
    assert "2 traces shown again." in again.content.decode() and len(listed(again)) == 5
    twice = client.post("/p/acme/traces/undo/", {"act": token(answer)}, follow=True)
    assert "nothing to undo" in twice.content.decode()
    assert client.post("/p/acme/traces/undo/", {"act": "forged"}).status_code == 400
    assert "no longer" in client.post("/p/acme/traces/undo/", {"token": "forged"}, follow=True).content.decode()


def test_all_that_match_means_the_filter_and_what_was_seen(project, alice, as_user):
    made = fill(project, 60)
    seen_at = timezone.now()
    make.row(project, agent="support", received_at=seen_at + timedelta(seconds=1))
    act(
        as_user(alice),
        action="archive",
        all="1",
        q="agent:support",
        seen_at=seen_at.isoformat(),
        trace=str(made[0].uid),
    )
    assert archived() == {row.pk for row in made if row.agent == "support"}


def test_many_are_left_to_a_worker_with_progress_stop_and_undo(project, alice, as_user, monkeypatch, small_batches):
    fill(project, 8)
    monkeypatch.setattr(bulk, "AT_ONCE", 4)
    nudged = []
    monkeypatch.setattr(tasks.work_on_act, "apply_async", lambda arguments, **options: nudged.append(arguments))
    client = as_user(alice)
    act(client, action="archive", all="1")
    made = BulkAct.objects.get()
    assert not archived()
    assert "finding the traces" in client.get("/p/acme/traces/acts/").content.decode()
    bulk.work(act_id=made.pk, seconds=0)
    part = client.get("/p/acme/traces/acts/").content.decode()
    assert "3 of 8 · 38%" in part and 'value="3"' in part and "Stop" in part and "delay:1s" in part
    client.post(f"/p/acme/traces/acts/{made.uid}/stop/")
    assert "Archiving" in (said := client.get("/p/acme/traces/acts/").content.decode()) and "stopped" in said
    client.post("/p/acme/traces/undo/", {"act": str(made.uid)})  # three are few: at once
    assert not archived() and "3 traces shown again." in client.get("/p/acme/traces/acts/").content.decode()


def test_the_nudge_is_sent_and_the_task_ends_the_act(
    project, alice, as_user, monkeypatch, django_capture_on_commit_callbacks
):
    fill(project, 8)
    monkeypatch.setattr(bulk, "AT_ONCE", 4)
    monkeypatch.setattr(tasks.work_on_act, "apply_async", lambda arguments, **options: tasks.work_on_act(*arguments))
    with django_capture_on_commit_callbacks(execute=True):
        act(as_user(alice), action="archive", all="1")
    assert len(archived()) == 8


def test_queue_once_and_undo(project, rita, as_user):
    made = fill(project)
    client = as_user(rita)
    first = act(client, action="queue", trace=[str(made[0].uid)])
    assert "1 trace put into “Picked by hand”." in first.content.decode()
    answer = act(client, action="queue", all="1")
    assert "4 traces put into “Picked by hand”. 1 trace in it already." in answer.content.decode()
    undone = client.post("/p/acme/traces/undo/", {"act": token(answer)}, follow=True)
    assert "4 traces taken out" in undone.content.decode()
    assert [item.trace_id for item in QueueItem.objects.filter(queue__slug="picked")] == [made[0].pk]
    assert "Picked by hand" in client.get("/p/acme/review/").content.decode()
    client.post("/p/acme/traces/undo/", {"act": token(first)}, follow=True)
    assert "Picked by hand</a>" not in client.get("/p/acme/review/").content.decode()  # empty, so it is not listed
    assert "no queue “none”" in act(client, action="queue", queue="none", all="1").content.decode()


def test_undoing_puts_back_what_kept_an_item_out_of_a_queue(project, alice):
    """What a changed filter left out comes back where a filter finds it again; what somebody took out does not."""
    dropped, taken, waits, new = (
        make.row(project, agent=agent) for agent in ("support", "support", "coder", "billing")
    )
    person = Actor(user=alice)
    queue = queues.create(project=project, actor=person, name="Hard ones", query="agent:support")
    queue_items.take_out(queue=queue, actor=person, traces=[taken.uid])
    queue_changes.edit(queue=queue, actor=person, wanted=Settings("Hard ones", "agent:coder"), keep=False)
    before = dict(queue.items.values_list("trace", "status"))
    assert before == {dropped.pk: "dropped", taken.pk: "out", waits.pk: "open"}
    act = finish(begin(project, alice, "queue", "hard-ones"))
    assert act.changed == 3 and set(queue.items.values_list("status", flat=True)) == {"open"}
    undo(act, alice)
    assert dict(queue.items.values_list("trace", "status")) == before and act.undone == 3 and act.kept == 0
    ReviewQueue.objects.filter(pk=queue.pk).update(query="agent:support,billing")
    queues.refill(queue=queue)
    assert dict(queue.items.values_list("trace", "status")) == {**before, dropped.pk: "open", new.pk: "open"}


def test_tag_and_untag(project, rita, as_user):
    made = fill(project, 4)
    client = as_user(rita)
    answer = act(client, action="tag", tag=" vip ", all="1")
    assert "2 traces tagged “vip”. 2 traces had it already." in answer.content.decode()
    act(client, action="tag", tag="-vip", trace=str(made[0].uid))
    assert Trace.objects.get(pk=made[0].pk).tags == []
    assert "1 to 100 characters" in act(client, action="tag", tag="", trace=str(made[0].uid)).content.decode()
    assert "tick some first" in act(client, action="tag", tag="x").content.decode()


def test_a_reviewer_does_not_archive_and_strangers_traces_are_out_of_reach(project, rita, alice, charlie, as_user):
    foreign = make.row(charlie.projects.get())
    mine = make.row(project)
    assert act(as_user(rita), action="archive", trace=str(mine.uid)).status_code == 403
    assert act(as_user(charlie), action="queue", trace=str(mine.uid)).status_code == 404
    act(as_user(rita), action="tag", tag="seen", trace=str(foreign.uid))
    assert Trace.objects.get(pk=foreign.pk).tags == []
    assert act(as_user(rita), action="tag", tag="x", trace="not-an-id").status_code == 400
    assert act(as_user(rita), action="drop").status_code == 400
    hidden = finish(begin(project, alice, "archive"))
    assert as_user(rita).post("/p/acme/traces/undo/", {"act": str(hidden.uid)}).status_code == 403
    assert as_user(charlie).post("/p/other/traces/undo/", {"act": str(hidden.uid)}).status_code == 404


# --- API
def test_api_acts_on_a_filter_says_how_far_it_is_and_undoes(project, api, monkeypatch):
    fill(project, 6)
    client, address = api(Role.ENGINEER), "/api/projects/acme/traces/acts"
    made = client.post(address, {"act": "archive", "q": "agent:support"}, content_type="application/json")
    assert made.status_code == 200, made.content
    body = made.json()
    assert (body["status"], body["total"], body["changed"], body["already"]) == ("done", 3, 3, 0) and len(
        archived()
    ) == 3
    assert client.get(f"{address}/{body['id']}").json() == body
    assert client.post(f"{address}/{body['id']}/undo").json()["status"] == "undone" and not archived()
    assert client.post(f"{address}/{body['id']}/undo").status_code == 409
    for wrong, code in (
        ({"act": "tag", "argument": "", "q": ""}, "bad_act"),
        ({"act": "archive", "q": "judged:maybe"}, "bad_filter"),
        ({"act": "archive"}, "bad_act"),
        ({"act": "archive", "q": "", "traces": ["018f0000-0000-7000-8000-000000000000"]}, "bad_act"),
    ):
        answer = client.post(address, wrong, content_type="application/json")
        assert answer.status_code == 400 and answer.json()["error"]["code"] == code, answer.content
    assert (
        api(Role.REVIEWER).post(address, {"act": "archive", "q": ""}, content_type="application/json").status_code
        == 403
    )
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    large = client.post(address, {"act": "tag", "argument": "x", "q": ""}, content_type="application/json").json()
    assert (large["status"], large["total"]) == ("running", None)
    assert client.post(f"{address}/{large['id']}/stop").json()["status"] == "stopped"


def test_the_ids_of_an_act_stay_in_the_database(project, alice, small_batches, django_assert_max_num_queries):
    fill(project, 30)
    act = begin(project, alice, "archive")
    bulk.work(act_id=act.pk, seconds=0)
    with django_assert_max_num_queries(12):
        bulk.work(act_id=act.pk, seconds=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(traces) FROM curation_bulkact")
        assert cursor.fetchone() == (30,)
