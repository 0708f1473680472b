"""Topics of a project: the tree and its rules, what each trace is about, and how evenly the topics are filled.

A trace is of the topic that it was given, by hand or by a clustering; else of that of the first rule that matches.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max
from django.utils import timezone

from curation import filters
from curation.filters import compile as compiling
from curation.filters import topics as conditions
from curation.models import Topic, Trace, TraceTopic
from curation.models.traces import TraceQuerySet
from curation.review.blind import TELLING
from curation.search.conditions import planned
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

MOST = 200
DEEPEST = 5
RESERVED = {"clusters", "rule"}  # addresses of pages
WANTED = 0.5  # of the balance, before training
LEVELS = ((0.8, "excellent"), (0.6, "good"), (0.4, "fair"), (0.2, "poor"), (0.0, "critical"))
Source = TraceTopic.Source


class BadTopic(ValueError):
    """A topic that cannot be kept; `field` is what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(slots=True)
class Node:
    """A topic in its place. `own` traces are of it, `total` with all below; `by` counts `own` by hand, cluster and rule.
    `share` is of all traces with a topic. `first` and `last` among those beside it; `broken` says why its rule is not read."""

    topic: Topic
    depth: int
    own: int = 0
    total: int = 0
    share: float = 0.0
    by: Mapping[str, int] | None = None
    first: bool = False
    last: bool = False
    broken: str = ""
    leaf: bool = True

    @property
    def indent(self) -> str:
        """What stands before its name in a list that cannot be indented."""
        return "· " * self.depth


@dataclass(slots=True)
class Balance:
    """How evenly topics are filled: the share of the smallest over that of the largest, 0 to 1; None with fewer than two
    topics. `smallest` and `largest` name them."""

    score: float | None
    smallest: str = ""
    largest: str = ""

    @property
    def level(self) -> str:
        """excellent, good, fair, poor or critical."""
        return level(self.score)

    @property
    def enough(self) -> bool:
        """Whether it is what training wants."""
        return self.score is not None and self.score > WANTED


@dataclass(slots=True)
class Overview:
    """All topics of a project with their traces."""

    nodes: list[Node]
    traces: int
    without: int
    balance: Balance


def level(score: float | None) -> str:
    """The word for a balance; "" for None."""
    return "" if score is None else next(word for least, word in LEVELS if score >= least)


def balance(counts: Mapping[str, int]) -> Balance:
    """Of topics (name -> traces or rows), those without any included."""
    if len(counts) < 2 or not any(counts.values()):
        return Balance(None)
    names = sorted(counts)
    smallest, largest = min(names, key=counts.__getitem__), max(names, key=counts.__getitem__)
    return Balance(counts[smallest] / counts[largest], smallest, largest)


def of_project(project: Project) -> list[Topic]:
    """All topics, unordered. One query."""
    return list(Topic.objects.filter(project=project).select_related("parent"))


def tree(topics: Sequence[Topic]) -> list[Node]:
    """The topics as they are listed: each before those below it, beside each other by position."""
    ids = {topic.pk for topic in topics}
    below: dict[int | None, list[Topic]] = {}
    for topic in sorted(topics, key=lambda one: (one.position, one.pk)):
        below.setdefault(topic.parent_id if topic.parent_id in ids else None, []).append(topic)
    nodes: list[Node] = []

    def walk(parent: int | None, depth: int) -> None:
        beside = below.get(parent, [])
        for index, topic in enumerate(beside):
            nodes.append(
                Node(topic, depth, first=index == 0, last=index == len(beside) - 1, leaf=topic.pk not in below)
            )
            walk(topic.pk, depth + 1)

    walk(None, 0)
    return nodes


def overview(project: Project, *, now: datetime | None = None) -> Overview:
    """The tree with how many listed traces each topic has. Three queries; the rules are tried on every trace."""
    topics = of_project(project)
    nodes = tree(topics)
    listed = Trace.objects.filter(project=project).listed()
    counted = with_topic(listed, project, topics, now=now).values("about").annotate(number=Count("pk")).order_by()
    own = dict(counted.values_list("about", "number"))
    given: dict[int, Counter[str]] = {}
    said = TraceTopic.objects.filter(project=project, trace__in=listed).values("topic", "source")
    for topic, source, number in said.annotate(number=Count("pk")).order_by().values_list("topic", "source", "number"):
        given.setdefault(topic, Counter())[source] = number
    with_one = sum(number for topic, number in own.items() if topic != conditions.NONE)
    for node in nodes:
        node.own = own.get(node.topic.pk, 0)
        told = given.get(node.topic.pk, Counter())
        node.by = {"hand": told["hand"], "cluster": told["cluster"], "rule": node.own - told["hand"] - told["cluster"]}
        node.broken = why_broken(node.topic.query)
    for index, node in enumerate(nodes):
        below = (one for one in _below(nodes, index))
        node.total = node.own + sum(one.own for one in below)
        node.share = node.total / with_one if with_one else 0.0
    weighed = {node.topic.name: node.own for node in nodes if node.leaf or node.own}
    total = sum(own.values())
    return Overview(nodes, total, own.get(conditions.NONE, 0), balance(weighed))


def with_topic(traces: TraceQuerySet, project: Project, topics: Sequence[Topic], *, now: datetime | None = None) -> Any:
    """`traces` with `about`: the id of the topic of each, 0 where it has none. `topics` are all of the project."""
    moment = now or timezone.now()

    def read(tree: Any) -> Any:
        return compiling.condition(tree, now=moment, search=planned(project.pk))

    return traces.annotate(about=conditions.effective(topics, read))


def of_trace(trace: Trace) -> tuple[Topic | None, str]:
    """The topic of one trace and how it came to it: hand, cluster, rule or ""."""
    given = TraceTopic.objects.select_related("topic").filter(trace=trace).first()
    if given is not None:
        return given.topic, given.source
    topics = of_project(trace.project)
    if not any(topic.query for topic in topics):
        return None, ""
    row = with_topic(Trace.objects.filter(pk=trace.pk), trace.project, topics).values_list("about", flat=True).first()
    found = next((topic for topic in topics if topic.pk == row), None)
    return found, "rule" if found else ""


def newest(topic: Topic, known: Sequence[Topic], *, most: int) -> list[Trace]:
    """The newest listed traces of a topic and of those below it; `known` are all topics of the project. One query."""
    wanted = conditions.subtree(known, [topic.pk])
    traces = with_topic(Trace.objects.filter(project=topic.project_id).listed(), topic.project, known)
    found = traces.filter(about__in=wanted).order_by("-received_at", "-id")
    return list(found.only("uid", "preview", "external_id", "received_at")[:most])


def give(*, trace: Trace, slug: str, actor: Actor) -> Topic | None:
    """Say by hand what a trace is about; "" takes what was said back. Raises BadTopic where there is no such topic."""
    if not slug:
        TraceTopic.objects.filter(trace=trace).delete()
        return None
    topic = Topic.objects.filter(project=trace.project, slug=slug).first()
    if topic is None:
        raise BadTopic("topic", f"There is no topic “{slug}”.")
    said = {"project": trace.project, "topic": topic, "source": Source.HAND, "author": actor.label[:200]}
    TraceTopic.objects.update_or_create(trace=trace, defaults=said | {"created_at": timezone.now()})
    return topic


def create(
    *, project: Project, actor: Actor, name: str, parent: str = "", query: str = "", slug: str = "",
    words: Sequence[str] = (),
) -> Topic:  # fmt: skip
    """A new topic at the end of those beside it. `parent` is a slug. Raises BadTopic."""
    topics = of_project(project)
    if len(topics) >= MOST:
        raise BadTopic("name", f"A project has at most {MOST} topics.")
    above = _parent(topics, parent)
    values = {"name": _free(topics, _name(name), above), "query": _query(query), "parent": above}
    last = Topic.objects.filter(project=project, parent=above).aggregate(last=Max("position"))["last"]
    try:
        with transaction.atomic():
            made = Topic.objects.create(
                project=project, slug=_slug(slug or name, {one.slug for one in topics} | RESERVED, chosen=bool(slug)),
                words=[word[:60] for word in words], position=0 if last is None else last + 1, **values,
            )  # fmt: skip
            _record(actor, "topic.made", made)
    except IntegrityError:
        raise BadTopic("name", "There is a topic with this name already.") from None
    return made


def change(*, topic: Topic, actor: Actor, name: str, parent: str, query: str) -> Topic:
    """Another name, place or rule; the slug stays. Raises BadTopic."""
    topics = of_project(topic.project)
    above = _parent(topics, parent)
    if above is not None and above.pk in conditions.subtree(topics, [topic.pk]):
        raise BadTopic("parent", "A topic cannot stand below itself.")
    height = _height(topics, topic.pk)
    if above is not None and _depth(topics, above) + 1 + height > DEEPEST:
        raise BadTopic("parent", f"Topics stand at most {DEEPEST} deep.")
    if (said := " ".join(name.split())) != topic.name or above != topic.parent:
        said = _free([one for one in topics if one.pk != topic.pk], _name(name), above)
    topic.name, topic.query = said, _query(query)
    if above != topic.parent:
        topic.parent = above
        last = Topic.objects.filter(project=topic.project, parent=above).aggregate(last=Max("position"))["last"]
        topic.position = 0 if last is None else last + 1
    with transaction.atomic():
        topic.save(update_fields=["name", "query", "parent", "position"])
        _record(actor, "topic.changed", topic)
    return topic


def move(*, topic: Topic, up: bool) -> bool:
    """Change places with the one before (or after) it; of rules the first counts. Returns whether there was one."""
    with transaction.atomic():
        beside = list(
            Topic.objects.select_for_update(of=("self",))
            .filter(project=topic.project, parent=topic.parent)
            .order_by("position", "pk")
        )
        at = next(index for index, one in enumerate(beside) if one.pk == topic.pk)
        other = at - 1 if up else at + 1
        if not 0 <= other < len(beside):
            return False
        beside[at], beside[other] = beside[other], beside[at]
        for position, one in enumerate(beside):
            one.position = position
        Topic.objects.bulk_update(beside, ["position"])
    return True


def remove(*, topic: Topic, actor: Actor) -> dict[str, Any]:
    """Delete a topic that no trace was given; what stands below moves up. Returns what `restore` needs. Raises BadTopic."""
    with transaction.atomic():
        given = TraceTopic.objects.filter(topic=topic).count()
        if given:
            traces = "1 trace was" if given == 1 else f"{given:,} traces were"
            raise BadTopic("topic", f"{traces} given “{topic.name}”: take it from them first.")
        below = Topic.objects.filter(parent=topic)
        kept = {
            "slug": topic.slug, "name": topic.name, "query": topic.query, "words": topic.words,
            "position": topic.position, "parent": topic.parent.slug if topic.parent else "",
            "below": list(below.values_list("slug", flat=True)),
        }  # fmt: skip
        below.update(parent=topic.parent_id, position=F("position") + topic.position)
        _record(actor, "topic.removed", topic)
        topic.delete()
    return kept


def restore(*, project: Project, actor: Actor, kept: Mapping[str, Any]) -> Topic:
    """Bring back what `remove` deleted. Raises BadTopic where its name was taken meanwhile."""
    topics = of_project(project)
    if any(one.slug == kept["slug"] for one in topics):
        raise BadTopic("name", f"There is a topic “{kept['slug']}” again.")
    above = next((one for one in topics if one.slug == kept["parent"]), None)
    with transaction.atomic():
        made = Topic.objects.create(
            project=project, slug=kept["slug"], name=kept["name"], query=kept["query"], words=kept["words"],
            position=kept["position"], parent=above,
        )  # fmt: skip
        Topic.objects.filter(project=project, slug__in=kept["below"]).update(parent=made)
        _record(actor, "topic.restored", made)
    return made


def given(topic: Topic) -> dict[str, int]:
    """How many traces were given a topic, by source; archived ones too."""
    rows = TraceTopic.objects.filter(topic=topic).values("source").annotate(number=Count("pk")).order_by()
    return dict(rows.values_list("source", "number"))


def check_rule(query: str) -> None:
    """Raise BadTopic where a rule cannot be kept."""
    _query(query)


def why_broken(query: str) -> str:
    """Why a rule matches nothing; "" where it can be read."""
    try:
        return "" if not query or not filters.parse(query).mentions("topic") else "A rule cannot ask for a topic."
    except filters.FilterError as error:
        return str(error)


def _below(nodes: Sequence[Node], index: int) -> Iterable[Node]:
    for node in nodes[index + 1 :]:
        if node.depth <= nodes[index].depth:
            return
        yield node


def _name(name: str) -> str:
    found = " ".join(name.split())
    if not found or len(found) > 120 or "\0" in found:
        raise BadTopic("name", "A name has 1 to 120 characters.")
    return found


def _free(topics: Iterable[Topic], name: str, above: Topic | None) -> str:
    """The name, where none beside it has it and it holds no sign that a filter reads otherwise."""
    if told := [sign for sign in "*/" if sign in name]:
        raise BadTopic("name", f"A name cannot hold {told[0]}, which has a meaning in a filter such as topic:*.")
    if any(one.parent_id == (above.pk if above else None) and one.name.casefold() == name.casefold() for one in topics):
        raise BadTopic("name", f"There is a topic “{name}” in this place already.")
    return name


def _slug(name: str, known: set[str], *, chosen: bool) -> str:
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-") or "topic"
    if chosen and found in known:
        raise BadTopic("name", f"There is a topic “{found}” already.")
    number, slug = 1, found
    while slug in known:
        number += 1
        slug = f"{found}-{number}"
    return slug


def _query(query: str) -> str:
    typed = query.strip()
    try:
        read = filters.parse(typed)
    except filters.FilterError as error:
        raise BadTopic("query", str(error)) from None
    if read.mentions("topic"):
        raise BadTopic("query", "A rule cannot ask for a topic.")
    told = [field for field in TELLING if read.mentions(field)]
    if told:
        raise BadTopic("query", f"A topic is what a trace is about, not what was said of it: leave {told[0]} out.")
    return typed


def _parent(topics: Sequence[Topic], slug: str) -> Topic | None:
    if not slug:
        return None
    found = next((one for one in topics if one.slug == slug), None)
    if found is None:
        raise BadTopic("parent", f"There is no topic “{slug}”.")
    if _depth(topics, found) >= DEEPEST:
        raise BadTopic("parent", f"Topics stand at most {DEEPEST} deep.")
    return found


def _depth(topics: Sequence[Topic], topic: Topic) -> int:
    by_id = {one.pk: one for one in topics}
    depth, above = 1, topic.parent_id
    while above in by_id:
        depth, above = depth + 1, by_id[above].parent_id
    return depth


def _height(topics: Sequence[Topic], root: int) -> int:
    """How many levels stand below a topic."""
    below = [one.pk for one in topics if one.parent_id == root]
    return 1 + max(_height(topics, one) for one in below) if below else 0


def _record(actor: Actor, action: str, topic: Topic) -> None:
    audit.record(
        project=topic.project, actor=actor, action=action, target=f"topic:{topic.slug}", name=topic.name,
        query=topic.query,
    )  # fmt: skip
