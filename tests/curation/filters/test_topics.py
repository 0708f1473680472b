"""topic: in a filter: by hand or by cluster before any rule, and of the rules the first that matches."""

from typing import Any

import pytest

from curation import filters
from curation.filters.topics import in_order
from curation.models import Topic, Trace, TraceTopic
from tests.curation.datasets import rows
from workspace.models import Project

pytestmark = pytest.mark.django_db


def found(project: Project, text: str) -> set[str]:
    return set(filters.apply(project.traces.all(), filters.parse(text)).values_list("external_id", flat=True))


def topic(project: Project, slug: str, **fields: Any) -> Topic:
    return Topic.objects.create(project=project, slug=slug, name=slug.title(), **fields)


def give(trace: Trace, topic: Topic, source: str = "hand") -> None:
    TraceTopic.objects.create(project=trace.project, trace=trace, topic=topic, source=source, author="Rita")


@pytest.fixture
def tree(project: Project) -> dict[str, Topic]:
    orders = topic(project, "orders", query="tag:order", position=1)
    return {
        "orders": orders,
        "refunds": topic(project, "refunds", parent=orders, query="tag:refund"),
        "vip": topic(project, "vip", query="tag:vip", position=0),
        "odd": topic(project, "odd", position=2),
    }


def test_rules_are_tried_from_below_and_by_position(tree: dict[str, Topic]) -> None:
    assert [one.slug for one in in_order(tree.values())] == ["vip", "refunds", "orders", "odd"]


def test_the_first_rule_that_matches_counts(project: Project, tree: dict[str, Topic]) -> None:
    for name, tags in {
        "a": ["order"],
        "b": ["order", "refund"],
        "c": ["order", "vip"],
        "d": ["refund"],
        "e": [],
    }.items():
        rows.trace(project, external_id=name, tags=tags)
    assert found(project, "topic:orders") == {"a", "b", "d"}, "with what stands below it"
    assert found(project, "topic:refunds") == {"b", "d"}
    assert found(project, "topic:vip") == {"c"}, "which is also an order, but vip is tried before"
    assert found(project, "-topic:orders") == {"c", "e"}
    assert found(project, "topic:*") == {"a", "b", "c", "d"}
    assert found(project, "-topic:*") == {"e"}
    assert found(project, "topic:refunds,vip") == {"b", "c", "d"}
    assert found(project, "topic:unheard") == set()
    assert found(project, "topic:odd") == set()


def test_what_was_given_beats_the_rules(project: Project, tree: dict[str, Topic]) -> None:
    for name, tags in {"a": ["order"], "b": ["refund"], "c": []}.items():
        rows.trace(project, external_id=name, tags=tags)
    by_name = {trace.external_id: trace for trace in project.traces.all()}
    give(by_name["a"], tree["odd"])
    give(by_name["c"], tree["refunds"], "cluster")
    assert found(project, "topic:odd") == {"a"}
    assert found(project, "topic:orders") == {"b", "c"}
    assert found(project, "topic:*") == {"a", "b", "c"}


def test_a_topic_of_another_project_says_nothing(project: Project, tree: dict[str, Topic]) -> None:
    other = Project.objects.create(slug="elsewhere", name="Elsewhere")
    rows.trace(other, external_id="theirs", tags=["order"])
    rows.trace(project, external_id="ours", tags=["order"])
    assert found(other, "topic:orders") == set() == found(other, "topic:*")
    assert found(other, "-topic:orders") == {"theirs"}
    topic(other, "orders", query="-tag:order")
    assert found(other, "topic:orders") == set()
    assert found(project, "topic:orders") == {"ours"}


def test_a_rule_that_cannot_be_read_or_asks_for_a_topic_matches_nothing(project: Project) -> None:
    rows.trace(project)
    topic(project, "broken", query="tag:(")
    topic(project, "circle", query="topic:circle", position=1)
    assert found(project, "topic:*") == set()
    assert len(found(project, "-topic:circle")) == 1
