"""Queues hand every item to one person, take it back when they leave, and fill themselves."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from curation.filters import FilterError
from curation.models import QueueItem
from curation.review import bench, judgments, queues
from curation.review.invalid import Invalid
from tests import make
from tests.people import person
from workspace.access import Actor
from workspace.models import Project, User


def filled(project: Project, count: int) -> queues.ReviewQueue:
    for _ in range(count):
        make.trace(project)
    return queues.default_queue(project=project)


@pytest.mark.django_db(transaction=True)
def test_eight_people_never_get_the_same_item(project: Project) -> None:
    queue = filled(project, 200)
    people = [person(f"t{n}@example.com", f"T{n}") for n in range(8)]
    got: list[tuple[int, str]] = []

    def work(who: User) -> None:
        try:
            while (item := queues.lease_next(queue=queue, user=who)) is not None:
                row = QueueItem.objects.select_related("trace").get(uid=item)
                got.append((who.pk, str(item)))
                judgments.record(
                    project=project, actor=Actor(user=who), item_uid=item, verdict="acceptable", key=str(row.uid)
                )
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(who,)) for who in people]
    [one.start() for one in threads]
    [one.join() for one in threads]
    connections.close_all()
    assert len(got) == 200 == len({item for _, item in got})
    assert queues.progress(queue=queue, user=people[0]).done == 200


def test_own_item_first_then_order(project: Project, rita: User, alice: User) -> None:
    queue = filled(project, 4)
    order = list(queue.items.order_by("id").values_list("uid", flat=True))
    assert queues.lease_next(queue=queue, user=rita) == order[0]
    assert queues.lease_next(queue=queue, user=rita) == order[0]
    assert queues.lease_next(queue=queue, user=alice) == order[1]
    item = queue.items.get(uid=order[0])
    held, ahead = queues.hold_and_lease_ahead(item=item, user=rita)
    assert (held, ahead) == (True, order[2])
    queue.items.filter(uid=order[3]).update(priority=5)
    judgments.record(project=project, actor=Actor(user=rita), item_uid=order[0], verdict="unsure")
    assert queues.lease_next(queue=queue, user=rita) == order[2], "leased ahead: hers before a more urgent one"
    last = queue.items.get(uid=order[2])
    assert queues.hold_and_lease_ahead(item=last, user=rita) == (True, order[3])


def test_lease_that_ran_out_is_free_again(project: Project, rita: User, alice: User) -> None:
    queue = filled(project, 1)
    item = queues.lease_next(queue=queue, user=rita)
    assert queues.lease_next(queue=queue, user=alice) is None
    row = queue.items.get()
    assert queues.hold_and_lease_ahead(item=row, user=alice) == (False, None)
    queue.items.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert queues.lease_next(queue=queue, user=alice) == item
    # a renewal does not bring back what somebody else holds by now
    queues.renew(queue=queue, user=rita)
    assert queue.items.get().leased_by == alice
    assert queues.renew(queue=queue, user=alice) > timezone.now() + timedelta(minutes=14)


def test_skip_goes_to_the_end(project: Project, rita: User) -> None:
    queue = filled(project, 3)
    order = list(queue.items.order_by("id").values_list("uid", flat=True))
    first = queues.lease_next(queue=queue, user=rita)
    row = queue.items.get(uid=first)
    assert queues.skip(item=row, user=rita)
    assert not queues.skip(item=row, user=rita), "a doubled skip is one"
    assert queues.lease_next(queue=queue, user=rita) == order[1]
    for item in order[1:]:
        judgments.record(project=project, actor=Actor(user=rita), item_uid=item, verdict="acceptable")
    assert queues.lease_next(queue=queue, user=rita) == order[0]


def test_flag_and_back(project: Project, rita: User, alice: User) -> None:
    queue = filled(project, 1)
    item = queue.items.select_related("queue__project", "trace").get()
    assert queues.flag(item=item, actor=Actor(user=rita), note="who decides this?")
    assert queues.lease_next(queue=queue, user=rita) is None
    assert queues.progress(queue=queue, user=rita) == queues.Progress(total=1, flagged=1)
    assert [one.flag_note for one in bench.flagged(project=project)] == ["who decides this?"]
    assert queues.unflag(item=item, actor=Actor(user=alice))
    assert queues.lease_next(queue=queue, user=rita) == item.uid


def test_refill_twice_is_once_and_changed_ones_come_back(project: Project, rita: User) -> None:
    make.trace(project, agent="other")
    make.trace(project, external_id="t", agent="support")
    queue = queues.create(project=project, actor=Actor(user=rita), name="Support", query="agent:support")
    assert queues.refill(queue=queue) == 0
    assert queue.items.count() == 1
    make.trace(project, agent="support")
    assert queues.refill(queue=queue) == 1
    item = queue.items.get(trace__external_id="t")
    judgments.record(project=project, actor=Actor(user=rita), item_uid=item.uid, verdict="acceptable")
    assert queues.refill(queue=queue) == 0, "judged ones stay done"
    make.trace(project, external_id="t", agent="support", said=make.short_document(answer="Changed."))
    assert queues.refill(queue=queue) == 1
    item.refresh_from_db()
    assert (item.status, item.reason) == ("open", "Changed after it was judged")


def test_judged_anywhere_is_done_everywhere(project: Project, rita: User) -> None:
    trace = make.trace(project)
    one = queues.default_queue(project=project)
    two = queues.create(project=project, actor=Actor(user=rita), name="All of it", query="")
    judgments.record(project=project, actor=Actor(user=rita), trace_uid=trace.uid, verdict="acceptable")
    assert queues.lease_next(queue=one, user=rita) is None
    assert queues.lease_next(queue=two, user=rita) is None


def test_new_traces_come_in_when_nothing_is_left(project: Project, rita: User) -> None:
    queue = filled(project, 0)
    assert queues.lease_next(queue=queue, user=rita) is None
    make.trace(project)
    assert queues.lease_next(queue=queue, user=rita) is not None


def test_bad_queues_say_why(project: Project, rita: User) -> None:
    actor = Actor(user=rita)
    queues.create(project=project, actor=actor, name="One", query="")
    for name in ("", "!!!", "one", "Unjudged", "x" * 121):
        with pytest.raises(Invalid):
            queues.create(project=project, actor=actor, name=name, query="")
    with pytest.raises(FilterError):
        queues.create(project=project, actor=actor, name="Two", query="nonsense:(")


def test_progress_counts(project: Project, rita: User, alice: User) -> None:
    queue = filled(project, 4)
    order = list(queue.items.order_by("id").values_list("uid", flat=True))
    judgments.record(project=project, actor=Actor(user=rita), item_uid=order[0], verdict="acceptable")
    judgments.record(project=project, actor=Actor(user=alice), item_uid=order[1], verdict="acceptable")
    queues.lease_next(queue=queue, user=alice)
    progress = queues.progress(queue=queue, user=rita)
    assert progress == queues.Progress(total=4, open=2, done=2, mine=1, held=1)
    assert progress.waiting == 1
    assert queues.progress_of_all(project=project, user=rita) == {queue.pk: progress}


def test_one_broken_queue_leaves_no_other_unfilled(
    project: Project, rita: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = (
        queues.create(project=project, actor=Actor(user=rita), name=name, query="agent:support")
        for name in ("Broken", "Whole")
    )
    make.trace(project)
    refill = queues.refill

    def fill(*, queue: queues.ReviewQueue) -> int:
        if queue.pk == broken.pk:
            raise OperationalError("canceling statement due to statement timeout")
        return refill(queue=queue)

    monkeypatch.setattr(queues, "refill", fill)
    assert queues.refill_all() == 1
    assert QueueItem.objects.get().queue_id == whole.pk
    assert "The queue broken was not refilled." in caplog.text
