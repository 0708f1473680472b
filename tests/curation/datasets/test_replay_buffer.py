"""The replay buffer: a uniform sample of what passed, kept between versions, and never the new rows themselves."""

from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from curation.datasets import build, recipe, splits
from curation.datasets.selecting import replay_buffer
from curation.models import DatasetVersion, Judgment, ReplayBuffer, StepUse, Trace
from tests.curation.datasets import rows
from tests.curation.datasets.test_selection import said
from workspace.access import Actor
from workspace.models import AuditEntry, Project, User


def freeze(project: Project, query: str, *, name: str = "weekly", **given: Any) -> DatasetVersion:
    chosen = recipe.parse({"validation": 0, "test": 0, "replay": {"buffer": "past", "capacity": 30}, **given})
    return build.freeze(project=project, name=name, query_text=query, actor=Actor(), recipe=chosen)


def test_a_batch_of_100_holds_25_replayed_rows() -> None:
    assert replay_buffer.wanted(75, 0.25) == 25
    assert replay_buffer.wanted(300, 0.25) == 100
    assert replay_buffer.wanted(300, 0) == 0


def test_the_reservoir_is_uniform_over_the_stream() -> None:
    length, capacity, runs = 400, 40, 600
    held: Counter[int] = Counter()
    for seed in range(runs):
        kept: dict[int, int] = {}
        for passed in range(1, length + 1):
            slot = replay_buffer.slot_for(passed, capacity, seed)
            if slot is not None:
                kept[slot] = passed - 1
        assert sorted(kept) == list(range(capacity))
        held.update(kept.values())
    share = runs * capacity / length
    tenths = [sum(held[one] for one in range(start, start + 40)) / 40 for start in range(0, length, 40)]
    assert all(abs(tenth / share - 1) < 0.08 for tenth in tenths), tenths
    # chi-square over all places; its mean is 399 and its standard deviation 28 (a little less: places exclude each other)
    assert sum((held[one] - share) ** 2 / (share * 0.9) for one in range(length)) < 399 + 5 * 28


@pytest.mark.django_db
def test_rows_of_earlier_versions_come_back_beside_new_ones(project: Project, rita: User, alice: User) -> None:
    for number in range(45):
        agent = "old" if number < 30 else "new"
        rows.trace(project, said(number), judged="acceptable", by=rita, external_id=f"t{number}", agent=agent)
    first = freeze(project, "agent:old")
    assert first.counts["rows"] == 30 and first.counts["replay"]["replayed"] == 0, "nothing had passed before it"
    assert "short_of_replay" in [told["code"] for told in first.counts["warnings"]]
    buffer = ReplayBuffer.objects.get(name="past")
    assert buffer.seen == 30 and buffer.rows.count() == 30

    second = freeze(project, "agent:new")
    replayed = list(second.rows.filter(origin="replayed").select_related("trace"))
    assert len(replayed) == 5 == second.counts["replay"]["wanted"], "5 of 20 are a quarter"
    assert {row.split for row in replayed} == {"train"} and {row.trace.agent for row in replayed} == {"old"}
    assert {row.judgment_id is not None for row in replayed} == {True}
    looked_at = set(second.decisions.values_list("trace_id", flat=True))
    assert not looked_at & {row.trace_id for row in replayed} and second.counts["looked_at"] == 15
    assert (
        build.content_hash(iter(second.rows.order_by("position").values_list("digest", "split"))) == second.content_hash
    )

    again = freeze(project, "agent:new")
    assert ReplayBuffer.objects.get(name="past").seen == 45, "rows that passed with an earlier version pass once"
    assert again.counts["replay"]["replayed"] == 5
    assert not {row.trace_id for row in again.rows.filter(origin="replayed")} & looked_at, "never the new rows"

    seen = replay_buffer.look(project=project)[0]
    assert (seen.filled, seen.seen, sum(seen.by_version.values())) == (30, 45, 30)
    assert set(seen.by_version) == {"weekly@1", "weekly@2"}
    page = replay_buffer.rows(buffer=buffer, size=7)
    assert len(page.rows) == 7 and page.older
    assert replay_buffer.clear(project=project, name="past", actor=Actor(user=alice)) == 30
    assert replay_buffer.look(project=project)[0].filled == 0
    assert AuditEntry.objects.filter(action="replay_buffer.cleared").exists()
    freeze(project, "agent:new")
    assert ReplayBuffer.objects.get(name="past").seen == 15, "after clearing it begins anew"


@pytest.mark.django_db
def test_what_is_held_out_is_never_replayed(project: Project, rita: User) -> None:
    for number in range(30):
        agent = "old" if number < 20 else "new"
        rows.trace(project, said(number), judged="acceptable", by=rita, external_id=f"t{number}", agent=agent)
    freeze(project, "agent:old")
    tested = freeze(project, "agent:old", name="tests", validation=0, test=0.5, replay=None, held_out="dataset")
    held = {row.trace_id for row in tested.rows.filter(split="test")}
    back = freeze(project, "agent:new", replay={"buffer": "past", "capacity": 30, "ratio": 0.6})
    replayed = {row.trace_id for row in back.rows.filter(origin="replayed")}
    assert held and replayed and not held & replayed
    assert back.counts["replay"]["held_out"] == len(held)
    assert len(replayed) == min(back.counts["replay"]["wanted"], 20 - len(held)), "others take their places"


@pytest.mark.django_db
def test_another_capacity(project: Project, rita: User) -> None:
    for number in range(20):
        rows.trace(project, said(number), judged="acceptable", by=rita)
    freeze(project, "")
    rows.trace(project, said(99), judged="acceptable", by=rita)
    freeze(project, "", replay={"buffer": "past", "capacity": 5})
    buffer = ReplayBuffer.objects.get(name="past")
    assert (buffer.capacity, buffer.rows.count(), buffer.seen) == (5, 5, 21)
    assert Trace.objects.count() == 21


@pytest.mark.django_db
def test_what_would_not_be_taken_today_is_not_replayed(project: Project, rita: User) -> None:
    old = [
        rows.trace(project, said(n), judged="acceptable", by=rita, external_id=f"o{n}", agent="old") for n in range(8)
    ]
    mended = rows.trace(project, said(8), judged="acceptable", by=rita, external_id="o8", agent="old")
    correction = rows.correct(mended, rita, "A mended answer.")
    writes = said(9, tail="Write to jane.doe@example.org about it.")
    rows.trace(project, writes, judged="acceptable", by=rita, external_id="o9", agent="old")
    for number in range(20, 40):
        rows.trace(project, said(number), judged="acceptable", by=rita, agent="new")
    first = freeze(project, "agent:old")
    assert first.counts["rows"] == 10

    rows.judge(old[0], rita, "unacceptable")
    rows.judge(old[1], rita, "unsure")
    rows.revise(old[2], said(50))
    revised = rows.revise(old[3], said(51))
    rows.judge(old[3], rita)
    assert revised.number == 2
    Judgment.objects.filter(trace=old[4]).update(withdrawn_at=timezone.now())
    correction.withdrawn_at = timezone.now()
    correction.save()
    StepUse.objects.create(
        project=project, trace=old[5], revision=old[5].revision, step_key="c0m1", use="mask", user=rita, author="rita"
    )
    back = freeze(project, "agent:new", personal="exclude", replay={"buffer": "past", "capacity": 30, "ratio": 0.5})
    replayed = set(back.rows.filter(origin="replayed").values_list("trace__external_id", flat=True))
    assert replayed == {"o6", "o7"}
    assert back.counts["replay"]["left"] == {
        "unacceptable": 1, "unsure": 1, "stale": 2, "withdrawn": 2, "step_uses": 1, "personal_data": 1,
    }  # fmt: skip
    wider = freeze(
        project, "agent:new", judgments=["acceptable", "unacceptable"],
        replay={"buffer": "past", "capacity": 30, "ratio": 0.5},
    )  # fmt: skip
    assert {"o0", "o9"} <= set(wider.rows.filter(origin="replayed").values_list("trace__external_id", flat=True))


@pytest.mark.django_db
def test_replayed_rows_are_in_the_fold_of_their_group(project: Project, rita: User) -> None:
    for number in range(20):
        agent = "old" if number < 10 else "new"
        rows.trace(
            project, said(number), judged="acceptable", by=rita, task_id=f"task-{number % 10}", agent=agent
        )  # fmt: skip
    freeze(project, "agent:old")
    back = freeze(project, "agent:new", folds=3, replay={"buffer": "past", "capacity": 30, "ratio": 0.5})
    folds: dict[str, set[int | None]] = {}
    for row in back.rows.all():
        folds.setdefault(row.split_group, set()).add(row.fold)
    assert back.rows.filter(origin="replayed").count() == 10
    assert all(len(found) == 1 and None not in found for found in folds.values()), folds
    assert folds["task:task-3"] == {splits.fold_of("task:task-3", recipe.parse(back.recipe))}


def lies_in(name: str) -> list[tuple[int, str, str]]:
    held = ReplayBuffer.objects.get(name=name).rows.order_by("slot")
    return list(held.values_list("slot", "trace__external_id", "came_with"))


@pytest.mark.django_db
@pytest.mark.parametrize("capacities", [(100, 10), (10, 100), (40, 100), (10, 20)])
def test_a_capacity_that_changes_leaves_what_it_would_have_had_from_the_start(
    project: Project, rita: User, capacities: tuple[int, int]
) -> None:
    for number in range(45):
        agent = "old" if number < 30 else "new"
        rows.trace(project, said(number), judged="acceptable", by=rita, external_id=f"t{number}", agent=agent)
    for name, first in [("changed", capacities[0]), ("same", capacities[1])]:
        freeze(project, "agent:old", replay={"buffer": name, "capacity": first, "ratio": 0})
        freeze(project, "", replay={"buffer": name, "capacity": capacities[1], "ratio": 0})
    changed, same = ([(slot, trace) for slot, trace, _ in lies_in(name)] for name in ("changed", "same"))
    assert changed == same and len(same) == min(45, capacities[1])
    assert {came for _, _, came in lies_in("changed")} == {"weekly@1", "weekly@2"}
    assert set(ReplayBuffer.objects.values_list("seen", "capacity")) == {(45, capacities[1])}


@pytest.mark.django_db
def test_a_row_that_was_another_row_before_passes_when_it_learns_plainly(project: Project, rita: User) -> None:
    mended = rows.trace(project, said(1), judged="acceptable", by=rita)
    rows.trace(project, said(2), judged="acceptable", by=rita)
    rows.correct(mended, rita, "A mended answer, in words of its own.")
    rewritten = freeze(project, "", task="corrections")
    assert rewritten.counts["rows"] == 1 and ReplayBuffer.objects.get(name="past").seen == 0
    freeze(project, "")
    assert ReplayBuffer.objects.get(name="past").seen == 2


@pytest.mark.django_db
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_what_new_rows_say_is_not_replayed(project: Project, rita: User, split: str) -> None:
    given: dict[str, Any] = {"group_by": "trace", "replay": {"buffer": "past", "capacity": 30, "ratio": 0.5}}
    for number in range(10):
        rows.trace(project, said(number), judged="acceptable", by=rita, agent="old")
    freeze(project, "agent:old", **given)
    for number in range(8):
        rows.trace(project, said(number), judged="acceptable", by=rita, agent="new")
    shares = {split: 0.6} if split != "train" else {}
    back = freeze(project, "agent:new", dedupe="none", **given, **shares)
    digests = list(back.rows.values_list("digest", flat=True))
    assert len(set(digests)) == len(digests) and back.rows.filter(origin="replayed").count() == 2
    told = back.counts["replay"]
    assert told["held_out"] == back.counts["rows"] - back.counts["train"] and bool(told["held_out"]) == bool(shares)
    assert told["left"] == {"copy": 8 - told["held_out"]}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given, left",
    [({}, {}), ({"dedupe": "near", "near_threshold": 0.7}, {"copy": 9}), ({"validation": 0.6}, {})],
    ids=["learned", "near", "validated"],
)
def test_near_copies_of_new_rows(project: Project, rita: User, given: dict[str, Any], left: dict[str, int]) -> None:
    shared: dict[str, Any] = {"group_by": "trace", "replay": {"buffer": "past", "capacity": 30, "ratio": 0.9}}
    for number in range(10):
        rows.trace(project, said(number), judged="acceptable", by=rita, agent="old")
    rows.trace(project, said(9, tail="once more"), judged="acceptable", by=rita, agent="old")
    freeze(project, "agent:old", **shared)
    for number in range(8):
        words = said(number, tail="indeed")
        rows.trace(project, words, judged="acceptable", by=rita, external_id=f"n{number}", agent="new")
    back = freeze(project, "agent:new", **shared, **given)
    told = back.counts["replay"]
    assert told["left"] == left and told["held_out"] == back.counts["validation"], "no copy of what is validated on"
    assert told["replayed"] == 11 - sum(left.values()) - told["held_out"]
    assert bool(given.get("validation")) == bool(told["held_out"])


@pytest.mark.django_db
def test_near_copies_of_new_rows_are_in_their_fold(project: Project, rita: User) -> None:
    given: dict[str, Any] = {
        "group_by": "cluster", "folds": 5, "replay": {"buffer": "past", "capacity": 30, "ratio": 0.5},
    }  # fmt: skip
    for number in range(8):
        rows.trace(project, said(number), judged="acceptable", by=rita, external_id=f"o{number}", agent="old")
    freeze(project, "agent:old", **given)
    for number in range(8):
        words = said(number, tail="indeed")
        rows.trace(project, words, judged="acceptable", by=rita, external_id=f"n{number}", agent="new")
    back = freeze(project, "agent:new", **given)
    folds = dict(back.rows.values_list("trace__external_id", "fold"))
    assert all(folds[f"o{number}"] == folds[f"n{number}"] for number in range(8)), folds
