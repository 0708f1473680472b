"""Topics by clustering: what belongs together is found and named, accepted by a person, and taken back."""

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from curation import filters
from curation.datasets import topic_accepting, topic_clusters, topic_proposals, topics
from curation.datasets.selecting import signatures
from curation.datasets.topic_proposals import Proposal
from curation.models import Clustering, Topic, Trace, TraceTopic
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
ABOUT = {
    "refund": "i want my money back for the broken lamp please refund the payment to my credit card number {}",
    "password": "my login does not work any more and i forgot the password of my account with the name {}",
    "delivery": "when does the parcel courier come with the delivery to my address in street number {}",
}


@pytest.fixture
def traces(project: Project) -> dict[str, list[Trace]]:
    drawn = random.Random(4)
    made: dict[str, list[Trace]] = {}
    for name, text in ABOUT.items():
        words = text.split()
        for number in range(12 if name == "refund" else 8):
            said = words.copy()
            said[drawn.randrange(len(said) - 2)] = f"w{number}"
            document = make.short_document(question=" ".join(said).format(number))
            made.setdefault(name, []).append(rows.trace(project, document))
    list(signatures.fill(trace.revision_id or 0 for found in made.values() for trace in found))
    return made


def ask(project: Project, number: int = 3, query: str = "-topic:*") -> Clustering:
    return topic_proposals.ask(project=project, actor=Actor(), query=query, number=number)


def read(asked: Clustering) -> Proposal:
    return topic_proposals.read(asked, topics.of_project(asked.project))


def test_clusters_are_found_and_named_by_their_words(project: Project, traces: dict[str, list[Trace]]) -> None:
    asked = ask(project)
    found = read(asked)
    assert asked.status == "done" and [cluster.size for cluster in found.clusters] == [12, 8, 8]
    assert "refund" in found.clusters[0].words
    assert {word for cluster in found.clusters for word in cluster.words} >= {"password", "parcel", "courier"}
    assert found.clusters[0].name.lower().split() == list(found.clusters[0].words[:3])
    assert len(found.clusters[0].examples) == 3
    assert (found.matching, found.looked_at, found.without, found.stale) == (28, 28, 0, False)
    ids, labels = topic_proposals.members(asked)
    assert ids.tolist() == sorted(trace.pk for some in traces.values() for trace in some)
    assert {pk for pk, label in zip(ids, labels, strict=True) if label == 0} == {one.pk for one in traces["refund"]}
    again = ask(project)
    assert again.pk != asked.pk and again.found == asked.found, "the same traces, the same seed, the same clusters"


def test_accepted_clusters_are_topics_and_can_be_taken_back(
    project: Project, traces: dict[str, list[Trace]], alice: User
) -> None:
    topics.create(project=project, actor=Actor(), name="By hand")
    topics.give(trace=traces["refund"][0], slug="by-hand", actor=Actor(user=alice))
    asked = ask(project, query="")
    rows.trace(project)
    done = topic_accepting.accept(proposed=asked, actor=Actor(user=alice), names={0: "Refunds", 2: "Third"})
    assert [topic.slug for topic in done.topics] == ["refunds", "third"]
    assert (done.given, done.kept) == (19, 1)
    assert Topic.objects.get(slug="refunds").words[:3] == list(read(asked).clusters[0].words[:3])
    assert topics.of_trace(traces["refund"][0])[1] == "hand"
    assert [topic.slug if topic else "" for topic, _ in [topics.of_trace(traces["refund"][1])]] == ["refunds"]
    assert TraceTopic.objects.get(trace=traces["refund"][1]).author == "k-means, accepted by Alice Engineer"
    topics.give(trace=traces["refund"][2], slug="refunds", actor=Actor(user=alice))
    slugs = [topic.slug for topic in done.topics]
    (still,) = topic_accepting.standing(project)
    assert (still.at, still.author, still.traces, list(still.slugs)) == (done.at, "Alice Engineer", 18, slugs)
    assert topic_accepting.take_back(project=project, actor=Actor(user=alice), slugs=slugs, at=done.at) == 18
    assert set(Topic.objects.values_list("slug", flat=True)) == {"by-hand", "refunds"}, "what is in use stays"
    assert TraceTopic.objects.count() == 2
    assert topic_accepting.standing(project) == []


def test_what_a_cluster_takes_from_a_rule_is_told_before_and_after(
    project: Project, traces: dict[str, list[Trace]], alice: User, as_user: Callable[[User], Client]
) -> None:
    for trace in traces["refund"][:7]:
        Trace.objects.filter(pk=trace.pk).update(tags=["money"])
    topics.create(project=project, actor=Actor(), name="Money", query="tag:money")
    topics.create(project=project, actor=Actor(), name="Odd")
    topics.give(trace=traces["refund"][0], slug="odd", actor=Actor(user=alice))
    client = as_user(alice)
    page = client.post("/p/acme/topics/clusters/", {"query": "", "number": 3, "seed": 0}, follow=True)
    address = page.redirect_chain[-1][0]
    refunds, *others = page.context["proposal"].clusters
    assert [(one.topic.slug, one.how, one.traces) for one in refunds.before] == [
        ("money", "rule", 6),
        ("odd", "hand", 1),
    ]
    assert [one.before for one in others] == [(), ()]
    said = " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())
    assert "6 move here from Money , where a rule put them" in said and "1 stays in Odd , given by hand" in said
    assert "Topics changed since" not in said
    done = client.post(address, {"act": "accept", "cluster": [0], "name_0": "Refunds"}, follow=True)
    told = "1 topic made; 11 traces are of it. Of these, moved from where a rule had put them: 6 from “Money”."
    assert f"{told} 1 was given one before and keeps it." in str(next(iter(done.context["messages"])))
    seen = {node.topic.slug: node.own for node in topics.overview(project).nodes}
    assert seen == {"money": 0, "odd": 1, "refunds": 11}
    later = client.get(address).content.decode()
    assert "Topics changed since" in later and "Topics were made of some of it" in later
    again = read(ask(project, query=""))
    assert [(one.how, one.traces) for one in again.clusters[0].before] == [("cluster", 11), ("hand", 1)]


def test_what_changed_meanwhile_is_proposed_again(project: Project, traces: dict[str, list[Trace]]) -> None:
    asked = ask(project, 2)
    Trace.objects.filter(pk=traces["refund"][0].pk).update(archived_at=traces["refund"][0].received_at)
    with pytest.raises(topic_accepting.Moved, match="Traces changed since"):
        topic_accepting.accept(proposed=asked, actor=Actor(), names={0: "Refunds"})
    assert not Topic.objects.exists()


def test_relative_times_count_from_when_it_was_asked_for(project: Project, traces: dict[str, list[Trace]]) -> None:
    asked = ask(project, query="since:1h")
    Trace.objects.update(received_at=asked.created_at - timedelta(minutes=59))
    Clustering.objects.update(created_at=asked.created_at - timedelta(days=2))
    Trace.objects.update(received_at=asked.created_at - timedelta(days=2, minutes=30))
    asked.refresh_from_db()
    assert topic_accepting.accept(proposed=asked, actor=Actor(), names={0: "Refunds"}).given == 12


def test_what_cannot_be_clustered(project: Project) -> None:
    rows.trace(project)
    with pytest.raises(topics.BadTopic, match=r"0 traces are too few for 8 clusters \(1 have no signature yet\)"):
        ask(project, 8)
    with pytest.raises(topics.BadTopic, match=r"No trace matches this filter\.$"):
        ask(project, 8, query="tag:none")
    topics.create(project=project, actor=Actor(), name="All", query="-tag:none")
    with pytest.raises(topics.BadTopic, match="Each has a topic: leave the filter empty"):
        ask(project, 8, query="-topic:*")
    with pytest.raises(topics.BadTopic, match="Between 2 and 40"):
        ask(project, 1)
    with pytest.raises(topics.BadTopic, match="A seed is a whole number"):
        topic_proposals.ask(project=project, actor=Actor(), seed=2**32)
    for wrong in ("topic:(", "nonsense:x", "since:never"):
        with pytest.raises(filters.FilterError):
            ask(project, query=wrong)
    assert not Clustering.objects.exists(), "what is refused at once leaves nothing behind"


def test_addresses_numbers_and_stock_phrases_name_nothing() -> None:
    said = [
        [
            f"Please answer order 10{number}x a{number}@example.com https://example.com/x about {word}"
            for number in range(6)
        ]
        for word in ("refunds", "logins", "parcels")
    ]
    counted = [Counter(word for text in texts for word in topic_clusters.words_in(text)) for texts in said]
    assert topic_clusters.telling_words(counted, [6, 6, 6]) == [["refunds"], ["logins"], ["parcels"]]
