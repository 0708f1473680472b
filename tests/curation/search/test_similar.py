"""Traces that say alike, against the cosine computed the plain way over all of them."""

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest
from django.test import Client

from curation import filters
from curation.models import Trace, TraceText
from curation.search import index, similar
from tests import make
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(project: Project) -> list[Trace]:
    similar._rarities.clear()
    chance = random.Random(7)
    topics = [[f"{''.join(chance.choices('bcdfglmnprst', k=4))}{'aeiou'[k % 5]}x" for k in range(25)] for _ in range(6)]
    made = []
    for number in range(60):
        words = chance.choices(topics[number % 6], k=30) + chance.choices(["the", "order", "is", "here"], k=30)
        chance.shuffle(words)
        made.append(make.trace(project, said=make.short_document(question=f"t{number}", answer=" ".join(words))))
    index.sweep()
    return made


def plainly(trace: Trace) -> list[tuple[int, float]]:
    """TF-IDF cosine with every other trace, in plain Python."""
    vectors = similar._vectors(list(TraceText.objects.values_list("pk", flat=True)))
    held = Counter(word for words, _ in vectors.values() for word in words)
    weighted = {
        pk: {
            w: (1 + math.log(n)) * (math.log((1 + len(vectors)) / (1 + held[w])) + 1)
            for w, n in zip(*vector, strict=True)
        }
        for pk, vector in vectors.items()
    }
    own = weighted.pop(trace.pk)

    def cosine(other: dict[str, float]) -> float:
        dot = sum(value * other.get(word, 0) for word, value in own.items())
        return dot / math.sqrt(sum(v * v for v in own.values()) * sum(v * v for v in other.values()))

    return sorted(((pk, cosine(other)) for pk, other in weighted.items()), key=lambda one: (-one[1], -one[0]))


def test_the_nearest_are_those_of_the_same_topic_with_exact_scores(many: list[Trace]) -> None:
    found = similar.nearest(trace_id=many[8].pk, most=9)
    assert found is not None
    assert [(one.trace_id, pytest.approx(one.score)) for one in found] == plainly(many[8])[:9]
    assert {many.index(Trace.objects.get(pk=one.trace_id)) % 6 for one in found} == {8 % 6}


def test_the_filter_gives_the_trace_and_those_like_it(many: list[Trace]) -> None:
    other_project = Project.objects.create(slug="elsewhere", name="Elsewhere")
    query = filters.parse(f"similar:{many[8].uid}")
    found = set(filters.apply(Trace.objects.all(), query).values_list("pk", flat=True))
    assert many[8].pk in found
    assert {many[8 + 6 * k].pk for k in range(-1, 5)} <= found
    assert not filters.apply(Trace.objects.filter(project=other_project), query).exists()
    unknown = filters.parse("similar:01947b1e-7c2a-7d3e-9f10-5b0c2d4e6f80")
    assert not filters.apply(Trace.objects.all(), unknown).exists()
    with pytest.raises(filters.FilterError, match="is not the id of a trace"):
        filters.parse("similar:refund")


def test_a_trace_outside_the_index_has_no_list_yet(project: Project) -> None:
    assert similar.nearest(trace_id=make.trace(project).pk) is None


def test_the_list_beside_a_trace(many: list[Trace], ada: User, as_user: Callable[[User], Client]) -> None:
    make.judgment(many[2], ada, "unacceptable")
    address = f"/p/{many[8].project.slug}/traces/{many[8].uid}/"
    said = as_user(ada).get(f"{address}similar/").content.decode()
    assert 9 <= said.count("<li>") <= 12
    assert str(many[2].uid) in said and "Rejected" in said and f"similar:{many[8].uid}" in said
    assert f"{address}similar/" in as_user(ada).get(address).content.decode()
