"""Topics: the tree, what each trace is about and how it came to it, the balance, and giving one to many traces."""

import pytest

from curation import filters
from curation.browse import bulk
from curation.datasets import topics
from curation.datasets.topics import BadTopic, balance, level
from curation.models import BulkAct, Topic, Trace, TraceTopic
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db


def make(project: Project, name: str, **fields: str) -> Topic:
    return topics.create(project=project, actor=Actor(), name=name, **fields)  # type: ignore[arg-type]


def slug_of(trace: Trace) -> str:
    topic, _ = topics.of_trace(trace)
    return topic.slug if topic else ""


def test_the_balance_and_its_thresholds() -> None:
    assert balance({"a": 8, "b": 10}).score == pytest.approx(0.8)
    told = {1.0: "excellent", 0.8: "excellent", 0.79: "good", 0.6: "good", 0.4: "fair", 0.2: "poor", 0.19: "critical"}
    assert {score: level(score) for score in told} == told
    assert level(None) == "" and balance({"a": 3}).score is None and balance({}).score is None
    assert balance({"a": 0, "b": 0}).score is None
    none_of_one = balance({"a": 0, "b": 9})
    assert (none_of_one.score, none_of_one.level, none_of_one.smallest) == (0.0, "critical", "a")
    assert not balance({"a": 1, "b": 2}).enough and balance({"a": 51, "b": 100}).enough


def test_the_tree_with_its_counts(project: Project, rita: User) -> None:
    make(project, "Orders", query="tag:order")
    make(project, "Refunds", parent="orders", query="tag:refund")
    make(project, "Login")
    traces = [rows.trace(project, tags=tags) for tags in (["order"], ["order"], ["refund"], [], [])]
    rows.trace(project, tags=["order"], archived_at=traces[0].received_at)
    topics.give(trace=traces[3], slug="login", actor=Actor(user=rita))
    topics.give(trace=traces[0], slug="login", actor=Actor(user=rita))
    TraceTopic.objects.create(
        project=project, trace=traces[1], topic=Topic.objects.get(slug="refunds"), source="cluster", author="k-means"
    )
    seen = topics.overview(project)
    assert [(n.topic.slug, n.depth, n.own, n.total, n.by) for n in seen.nodes] == [
        ("orders", 0, 0, 2, {"hand": 0, "cluster": 0, "rule": 0}),
        ("refunds", 1, 2, 2, {"hand": 0, "cluster": 1, "rule": 1}),
        ("login", 0, 2, 2, {"hand": 2, "cluster": 0, "rule": 0}),
    ]
    assert (seen.traces, seen.without) == (5, 1)
    assert seen.balance.score == 1.0, "a topic that only holds others is not weighed"
    assert [round(node.share, 2) for node in seen.nodes] == [0.5, 0.5, 0.5]
    assert topics.of_trace(traces[2])[1] == "rule" and topics.of_trace(traces[1])[1] == "cluster"
    assert topics.of_trace(traces[0])[1] == "hand" and topics.of_trace(traces[4]) == (None, "")


def test_by_hand_beats_a_cluster_and_a_cluster_beats_a_rule(project: Project, rita: User) -> None:
    for name in ("Ruled", "Clustered", "Handed"):
        make(project, name, query="tag:x" if name == "Ruled" else "")
    trace = rows.trace(project, tags=["x"])
    assert slug_of(trace) == "ruled"
    clustered = Topic.objects.get(slug="clustered")
    TraceTopic.objects.create(project=project, trace=trace, topic=clustered, source="cluster", author="k-means")
    assert slug_of(trace) == "clustered"
    topics.give(trace=trace, slug="handed", actor=Actor(user=rita))
    assert slug_of(trace) == "handed"
    given = TraceTopic.objects.get()
    assert (given.source, given.author) == ("hand", "Rita Reviewer")
    topics.give(trace=trace, slug="", actor=Actor(user=rita))
    assert slug_of(trace) == "ruled"
    with pytest.raises(BadTopic, match="There is no topic"):
        topics.give(trace=trace, slug="unheard", actor=Actor(user=rita))


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"name": " "}, "name", "1 to 120"),
        ({"name": "x", "query": "tag:("}, "query", "parenthesis|value|closed|tag"),
        ({"name": "x", "query": "topic:a"}, "query", "cannot ask for a topic"),
        ({"name": "x", "query": "judged:acceptable"}, "query", "not what was said of it"),
        ({"name": "x", "parent": "unheard"}, "parent", "There is no topic"),
    ],
)
def test_what_no_topic_can_be(project: Project, fields: dict[str, str], field: str, why: str) -> None:
    with pytest.raises(BadTopic, match=why) as told:
        make(project, **fields)
    assert told.value.field == field


def test_places_in_the_tree(project: Project) -> None:
    first, second = make(project, "First", query="tag:x"), make(project, "Second", query="tag:x")
    trace = rows.trace(project, tags=["x"])
    assert slug_of(trace) == "first"
    assert topics.move(topic=second, up=True)
    assert slug_of(trace) == "second"
    assert not topics.move(topic=second, up=True)
    below = make(project, "Below", parent="first", query="tag:x")
    topics.move(topic=second, up=False)
    assert slug_of(trace) == "below", "what stands below a topic is tried before it"
    with pytest.raises(BadTopic, match="below itself"):
        topics.change(topic=first, actor=Actor(), name="First", parent="below", query="")
    topics.change(topic=below, actor=Actor(), name="Renamed", parent="", query="tag:y")
    assert (below.slug, slug_of(trace)) == ("below", "first")
    deep = ""
    for number in range(topics.DEEPEST):
        deep = make(project, f"Deep {number}", parent=deep).slug
    with pytest.raises(BadTopic, match="deep"):
        make(project, "Too deep", parent=deep)
    with pytest.raises(BadTopic, match="deep"):
        topics.change(topic=Topic.objects.get(slug="deep-0"), actor=Actor(), name="x", parent="first", query="")


def test_names_that_are_alike_have_other_slugs(project: Project) -> None:
    assert [make(project, name).slug for name in ("Où est ma commande ?", "Refunds", "refunds!", "退款")] == [
        "o-est-ma-commande", "refunds", "refunds-2", "topic",
    ]  # fmt: skip


def test_a_removed_topic_comes_back_as_it_was(project: Project, rita: User) -> None:
    make(project, "Orders", query="tag:x")
    make(project, "Refunds", parent="orders")
    trace = rows.trace(project, tags=["x"])
    topics.give(trace=trace, slug="orders", actor=Actor(user=rita))
    with pytest.raises(BadTopic, match="1 trace was given"):
        topics.remove(topic=Topic.objects.get(slug="orders"), actor=Actor())
    topics.give(trace=trace, slug="", actor=Actor(user=rita))
    kept = topics.remove(topic=Topic.objects.get(slug="orders"), actor=Actor())
    assert [(n.topic.slug, n.depth) for n in topics.overview(project).nodes] == [("refunds", 0)]
    topics.restore(project=project, actor=Actor(), kept=kept)
    assert [(n.topic.slug, n.depth) for n in topics.overview(project).nodes] == [("orders", 0), ("refunds", 1)]
    assert slug_of(trace) == "orders"
    with pytest.raises(BadTopic, match="again"):
        topics.restore(project=project, actor=Actor(), kept=kept)
    assert AuditEntry.objects.filter(action="topic.removed").count() == 1


def act(project: Project, user: User, argument: str, query: str = "") -> BulkAct:
    begun = bulk.begin(
        project=project, actor=Actor(user=user), kind="topic", argument=argument,
        choice=bulk.Choice(query=filters.parse(query)),
    )  # fmt: skip
    assert bulk.work(act_id=begun.pk, seconds=30)
    begun.refresh_from_db()
    return begun


def undo(begun: BulkAct, user: User) -> BulkAct:
    bulk.take_back(act=begun, actor=Actor(user=user))
    assert bulk.work(act_id=begun.pk, seconds=30)
    begun.refresh_from_db()
    return begun


def test_many_traces_are_given_a_topic_and_it_is_undone(project: Project, rita: User) -> None:
    for name in ("Orders", "Refunds"):
        make(project, name)
    given, clustered, free, later = (rows.trace(project, tags=["x"]) for _ in range(4))
    topics.give(trace=given, slug="refunds", actor=Actor(user=rita))
    refunds = Topic.objects.get(slug="refunds")
    TraceTopic.objects.create(project=project, trace=clustered, topic=refunds, source="cluster", author="k-means")
    before = list(TraceTopic.objects.order_by("trace").values_list("trace", "topic", "source"))
    done = act(project, rita, "orders", "tag:x")
    assert (done.changed, done.already, done.status) == (4, 0, "done")
    assert {slug_of(trace) for trace in (given, clustered, free, later)} == {"orders"}
    assert act(project, rita, "orders").already == 4
    topics.give(trace=later, slug="refunds", actor=Actor(user=rita))
    taken = undo(done, rita)
    assert (taken.status, taken.undone, taken.kept) == ("undone", 4, 1)
    assert slug_of(later) == "refunds", "what was changed since stays"
    topics.give(trace=later, slug="", actor=Actor(user=rita))
    assert list(TraceTopic.objects.order_by("trace").values_list("trace", "topic", "source")) == before
    cleared = act(project, rita, "")
    assert cleared.changed == 2 and not TraceTopic.objects.exists()
    undo(cleared, rita)
    assert list(TraceTopic.objects.order_by("trace").values_list("trace", "topic", "source")) == before
    with pytest.raises(bulk.BadAct, match="There is no topic"):
        act(project, rita, "unheard")


@pytest.mark.django_db
def test_names_are_told_apart_in_their_place(project: Project) -> None:
    above = topics.create(project=project, actor=Actor(), name="Refunds")
    for name, why in (("refunds", "in this place already"), ("a/b", "cannot hold /"), ("all *", r"cannot hold \*")):
        with pytest.raises(topics.BadTopic, match=why):
            topics.create(project=project, actor=Actor(), name=name)
    below = topics.create(project=project, actor=Actor(), name="Refunds", parent=above.slug)
    topics.change(topic=below, actor=Actor(), name="Refunds", parent=above.slug, query="tag:x")
    with pytest.raises(topics.BadTopic, match="in this place already"):
        topics.change(topic=below, actor=Actor(), name="Refunds", parent="", query="")
