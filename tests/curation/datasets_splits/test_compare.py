"""The diff of two versions: what came, went and changed, each with its reason, in counts and in lists that agree."""

from typing import Any

import pytest
from django.utils import timezone

from curation.datasets import build, compare
from curation.datasets.recipe import Recipe
from curation.models import DatasetRow, DatasetVersion, Trace
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


def freeze(project: Project, query: str = "", **options: Any) -> DatasetVersion:
    return build.freeze(project=project, name="support", query_text=query, actor=Actor(), recipe=Recipe(**options))


def listed(a: DatasetVersion, b: DatasetVersion, show: str, why: str = "") -> dict[str, compare.Shown]:
    found: dict[str, compare.Shown] = {}
    cursor = ""
    while True:
        page, shown = compare.listed(a, b, show=show, why=why, cursor=cursor, size=2)
        found |= {one.row.trace.external_id: one for one in shown}
        if not page.older:
            return found
        cursor = page.older


@pytest.fixture
def versions(project: Project, rita: User, ada: User) -> tuple[DatasetVersion, DatasetVersion]:
    names = ("stays", "turned", "unjudged", "mended", "anew", "archived", "vip")
    made = {
        name: rows.trace(project, external_id=name, task_id=name, tags=["vip"] if name == "vip" else [])
        for name in names
    }
    for name in ("stays", "turned", "mended", "anew", "archived", "vip"):
        rows.judge(made[name], rita)
    first = freeze(project)
    rows.judge(made["turned"], rita, "unacceptable")
    rows.judge(made["unjudged"], rita)
    rows.correct(made["mended"], rita, "Tomorrow.")
    rows.revise(made["anew"], make.short_document(question="And now?"))
    rows.judge(made["anew"], rita)
    Trace.objects.filter(pk=made["archived"].pk).update(archived_at=timezone.now())
    later = rows.trace(project, external_id="later", task_id="later")
    rows.judge(later, rita)
    return first, freeze(project, "-tag:vip", seed=4)


def test_the_counts(versions: tuple[DatasetVersion, DatasetVersion]) -> None:
    first, second = versions
    found = compare.counts(first, second)
    assert (found.before, found.after, found.came, found.went) == (6, 5, 2, 3)
    assert found.why["in"] == {"unjudged": 1, "came_later": 1}
    assert found.why["out"] == {"unacceptable": 1, "archived_since": 1, "outside": 1}
    assert found.same + found.changed == 3 == found.before - found.went == found.after - found.came
    by = found.by_change
    assert (by["content"], by["revision"], by["judgment"], by["correction"]) == (2, 1, 1, 1)
    assert by["split"] == sum(found.moves.values())
    back = compare.counts(second, first)
    assert (back.came, back.went, back.changed) == (3, 2, found.changed)


def test_the_lists_say_the_same_as_the_counts(versions: tuple[DatasetVersion, DatasetVersion]) -> None:
    first, second = versions
    found = compare.counts(first, second)
    came, went, changed = (listed(first, second, show) for show in ("in", "out", "changed"))
    assert {name: one.why for name, one in came.items()} == {"unjudged": "unjudged", "later": "came_later"}
    assert {name: one.why for name, one in went.items()} == {
        "turned": "unacceptable", "archived": "archived_since", "vip": "outside",
    }  # fmt: skip
    assert went["turned"].detail == "by Rita Reviewer" and went["vip"].words == "outside its filter"
    assert len(changed) == found.changed
    assert set(changed["mended"].changes) - {"split"} == {"content", "correction"}
    assert set(changed["anew"].changes) - {"split"} == {"content", "revision", "judgment"}
    other = changed["anew"].other
    assert other is not None and (other.version_id, other.revision.number) == (first.pk, 1)
    for why, number in found.why["out"].items():
        assert len(listed(first, second, "out", why)) == number
    for what, number in found.by_change.items():
        assert len(listed(first, second, "changed", what)) == number


def test_what_the_recipes_have_apart(versions: tuple[DatasetVersion, DatasetVersion]) -> None:
    told = {one.name: (one.before, one.after) for one in compare.recipes(*versions)}
    assert told == {"filter": ("every trace", "-tag:vip"), "seed": ("0", "4")}
    first, second = versions
    second.recipe |= {
        "gates": [{"score": "safe", "operator": "gte", "threshold": 0.9}, {"score": "short", "operator": "lt", "threshold": 1}],
        "measures": [{"score": "safe", "passed": False}], "balance": {"field": "topic", "most": 20}, "dedupe": "near",
    }  # fmt: skip
    first.recipe["dedupe"] = True
    told = {one.name: (one.before, one.after) for one in compare.recipes(first, second)}
    assert told["gates"] == ("none", "safe ≥ 0.9, short < 1")
    assert told["measures"][1] == "safe not passed" and told["balance"][1] == "topic, at most 20 for each value"
    assert told["dedupe"] == ("exact", "near"), "an option of the first versions reads as it was meant"


def test_a_version_and_itself_are_the_same(versions: tuple[DatasetVersion, DatasetVersion]) -> None:
    first, _ = versions
    found = compare.counts(first, first)
    assert (found.same, found.came, found.went, found.changed) == (6, 0, 0, 0)
    assert compare.recipes(first, first) == []


def test_several_rows_of_one_trace(versions: tuple[DatasetVersion, DatasetVersion]) -> None:
    first, second = versions
    third = DatasetVersion.objects.create(dataset=first.dataset, number=3, content_hash="0" * 64)
    kept = DatasetRow.objects.get(version=second, trace__external_id="stays")
    for part in (0, 1):
        DatasetRow.objects.create(
            version=third, position=part + 1, trace=kept.trace, revision=kept.revision, judgment=kept.judgment, part=part,
            split=kept.split, split_group=kept.split_group, digest=kept.digest,
        )  # fmt: skip
    found = compare.counts(second, third)
    assert (found.same, found.came, found.went) == (1, 1, 4)
    assert compare.counts(third, second).why["out"] == {"other_row": 1}
    assert listed(third, second, "out", "other_row")["stays"].words == "in with another row"


def test_what_becomes_of_traces_later_is_counted_later(versions: tuple[DatasetVersion, DatasetVersion]) -> None:
    first, second = versions
    before = compare.counts(first, second)
    Trace.objects.filter(external_id="vip").update(archived_at=timezone.now())
    Trace.objects.filter(external_id="archived").update(erased_at=timezone.now())
    found = compare.counts(first, second)
    assert found.why["out"] == {"unacceptable": 1, "archived_since": 1, "erased_since": 1}
    assert (found.why["in"], found.went) == (before.why["in"], before.went)
    for why, number in found.why["out"].items():
        assert len(listed(first, second, "out", why)) == number
