"""Freezing: the same data gives the same version, every trace has its reason, and nothing changes afterwards."""

import copy
import json
from collections import Counter
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from curation import filters
from curation.datasets import build, read, recipe
from curation.datasets.exporting import export
from curation.datasets.recipe import Recipe
from curation.messages.form import message
from curation.models import Correction, Dataset, DatasetRow, DatasetVersion, Trace
from curation.review import judgments
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db


def freeze(project: Project, query: str = "", **options: Any) -> DatasetVersion:
    return build.freeze(project=project, name="support", query_text=query, actor=Actor(), recipe=Recipe(**options))


def reasons_of(version: DatasetVersion) -> dict[str, str]:
    return {one.trace.external_id: one.reason for one in version.decisions.select_related("trace")}


def test_the_same_data_recipe_and_seed_give_the_same_hash(project: Project, rita: User) -> None:
    for number in range(12):
        rows.trace(project, judged="acceptable", by=rita, session_id=f"s{number}")
    first, second, other_seed = freeze(project), freeze(project), freeze(project, seed=8)

    assert first.content_hash == second.content_hash
    assert (first.number, second.number, other_seed.number) == (1, 2, 3)
    assert other_seed.content_hash != first.content_hash, "another seed splits differently, so the content differs"
    rows.trace(project, judged="acceptable", by=rita)
    assert freeze(project).content_hash != first.content_hash
    kept = [(row.digest, row.split) for row in first.rows.order_by("position")]
    assert build.content_hash(iter(kept)) == first.content_hash


def test_a_group_never_moves_when_the_data_grows(project: Project, rita: User) -> None:
    for number in range(60):
        rows.trace(project, judged="acceptable", by=rita, session_id=f"s{number % 30}")
    before = dict(freeze(project).rows.values_list("split_group", "split"))
    for number in range(60):
        rows.trace(project, judged="acceptable", by=rita, session_id=f"s{number}")
    grown = freeze(project)
    after = dict(grown.rows.values_list("split_group", "split"))

    assert {group: after[group] for group in before} == before
    assert set(after.values()) == {"train", "validation", "test"}
    per_group = Counter(grown.rows.values_list("split_group", "split").distinct().values_list("split_group", flat=True))
    assert set(per_group.values()) == {1}, "a group is in one split only"


@pytest.mark.parametrize(
    ("group_by", "ids", "expected"),
    [
        ("task", {"task_id": "t1", "session_id": "s1"}, "task:t1"),
        ("task", {"session_id": "s1", "user_id": "u1"}, "session:s1"),
        ("task", {}, "trace:x"),
        ("session", {"task_id": "t1", "session_id": "s1"}, "session:s1"),
        ("user", {"user_id": "u1", "session_id": "s1"}, "user:u1"),
        ("user", {"session_id": "s1"}, "session:s1"),
        ("trace", {"task_id": "t1", "session_id": "s1"}, "trace:x"),
    ],
)
def test_groups(project: Project, rita: User, group_by: str, ids: dict[str, str], expected: str) -> None:
    rows.trace(project, judged="acceptable", by=rita, external_id="x", **ids)
    assert freeze(project, group_by=group_by).rows.get().split_group == expected


def test_every_trace_looked_at_has_one_reason(project: Project, rita: User, ada: User) -> None:
    user, answer = message("user", "What is the return period?"), message("assistant", "Thirty days.")

    def made(name: str, *messages: Any, judged: str = "acceptable") -> Trace:
        return rows.trace(project, make.document(*messages), judged=judged, by=rita, external_id=name)

    made("first", user, answer)
    made("again", user, answer)
    made("unjudged", user, answer, judged="")
    made("unsure", user, answer, judged="unsure")
    made("rejected", user, answer, judged="unacceptable")
    made("no-user", message("system", "You help."), answer)
    made("no-answer", user)
    made("empty")
    made("content-off", message("user"), message("assistant"))
    stale = made("stale", user, answer)
    rows.revise(stale, make.document(user, message("assistant", "Sixty days.")))
    corrected = made("corrected", message("user", "Do you ship abroad?"), message("assistant", "No."))
    rows.correct(corrected, ada, "Yes, to all of Europe.")
    archived = made("archived", user, answer)
    Trace.objects.filter(pk=archived.pk).update(archived_at=archived.received_at)

    version = freeze(project, "archived:yes OR archived:no", order="oldest")

    assert reasons_of(version) == {
        "first": "accepted",
        "again": "duplicate",
        "unjudged": "unjudged",
        "unsure": "unsure",
        "rejected": "unacceptable",
        "no-user": "no_user_message",
        "no-answer": "no_assistant_message",
        "empty": "empty",
        "content-off": "content_off",
        "stale": "stale",
        "corrected": "corrected",
        "archived": "archived",
    }
    assert version.decisions.get(reason="duplicate").detail == "says the same as first"
    assert version.counts["looked_at"] == 12
    assert version.counts["rows"] == version.rows.count() == 2
    assert sum(version.counts["by_reason"].values()) == 12
    assert "few_rows" in [told["code"] for told in version.counts["warnings"]]


def test_a_limit_gives_exactly_so_many_and_says_what_it_left_out(project: Project, rita: User) -> None:
    for _ in range(8):
        rows.trace(project, judged="acceptable", by=rita)
    version = freeze(project, limit=5)
    assert version.rows.count() == 5
    assert version.counts["by_reason"] == {"accepted": 5, "over_limit": 3}
    newest = [row.trace.external_id for row in version.rows.select_related("trace").order_by("position")]
    everything = list(Trace.objects.order_by("-received_at", "-id").values_list("external_id", flat=True))
    assert newest == everything[:5]
    drawn = set(freeze(project, limit=5, order="sample", seed=3).rows.values_list("trace_id", flat=True))
    assert drawn == set(freeze(project, limit=5, order="sample", seed=3).rows.values_list("trace_id", flat=True))


def test_a_correction_replaces_the_answer_and_is_pinned(project: Project, rita: User, ada: User) -> None:
    one = rows.trace(project, judged="acceptable", by=rita)
    first = rows.correct(one, ada, "First try.")
    second = rows.correct(one, ada, "It arrives on Monday.")
    version = freeze(project)
    row = version.rows.get()
    assert row.correction == second and row.judgment is not None and row.judgment.author == str(rita)
    assert _answers(version) == ["It arrives on Monday."]
    assert _answers(freeze(project, corrections="ignore")) == ["It left the depot this morning."]

    Correction.objects.filter(pk=second.pk).update(withdrawn_at=second.created_at)
    assert _answers(version) == ["It arrives on Monday."], "a frozen version keeps what it pinned"
    assert _answers(freeze(project)) == ["First try."]
    assert first.pk != second.pk


def test_a_rejected_trace_comes_in_only_where_the_recipe_rescues_it(project: Project, rita: User, ada: User) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    rejected = rows.trace(project, judged="unacceptable", by=rita, external_id="rejected")
    rows.correct(rejected, ada, "The right answer.")
    assert reasons_of(freeze(project))["rejected"] == "unacceptable"
    assert reasons_of(freeze(project, corrections="rescue"))["rejected"] == "corrected"


def test_unjudged_traces_come_in_where_the_recipe_asks(project: Project, rita: User) -> None:
    rows.trace(project, external_id="fresh")
    rows.trace(project, judged="acceptable", by=rita, external_id="judged")
    assert reasons_of(freeze(project, judgments=("unjudged",))) == {
        "fresh": "taken_unjudged",
        "judged": "already_judged",
    }
    assert freeze(project, judgments=("acceptable", "unjudged")).counts["rows"] == 2


def test_the_row_rests_on_the_word_that_made_the_verdict(project: Project, rita: User, alice: User, ada: User) -> None:
    one = rows.trace(project)
    rows.judge(one, rita, "unacceptable")
    rows.judge(one, alice, "acceptable")
    rows.judge(one, ada, "acceptable")
    rows.judge(one, rita, "acceptable")
    rows.judge(one, rita, "unacceptable")
    row = freeze(project).rows.get()
    assert row.judgment is not None
    assert (row.judgment.author, row.judgment.verdict) == (str(ada), "acceptable")


def test_times_and_costs_that_come_after_the_judgment_put_nothing_out(project: Project, rita: User, ada: User) -> None:
    said = {name: make.short_document(question=f"Where is {name}?") for name in ("plain", "mended")}
    for name, document in said.items():
        make.trace(project, said=document, external_id=name)
    plain, mended = Trace.objects.get(external_id="plain"), Trace.objects.get(external_id="mended")
    make.judgment(plain, rita)
    make.judgment(mended, rita)
    rows.correct(mended, ada, "On Monday.")
    for name, document in said.items():
        late = copy.deepcopy(document)
        late["conversations"][0]["messages"][-1]["usage"] = {"input_tokens": 7, "output_tokens": 3}
        make.trace(project, said=late, external_id=name)
    plain.refresh_from_db()
    assert plain.revisions.count() == 2 and not plain.verdict_stale
    version = freeze(project)
    assert reasons_of(version) == {"plain": "accepted", "mended": "corrected"}
    assert {row.revision.number for row in version.rows.select_related("revision")} == {2}
    assert "On Monday." in _answers(version)

    changed = make.short_document(question="Where is plain?", answer="Nowhere.")
    make.trace(project, said=changed, external_id="plain")
    assert reasons_of(freeze(project))["plain"] == "stale"


def test_zero_rows_is_an_error_that_says_what_went(project: Project, rita: User) -> None:
    rows.trace(project)
    rows.trace(project, judged="unsure", by=rita)
    with pytest.raises(build.NothingToFreeze) as raised:
        freeze(project, "agent:support")
    assert "'agent:support' matches 2 traces" in str(raised.value)
    assert "1 not judged yet" in str(raised.value) and "1 judged unsure" in str(raised.value)
    with pytest.raises(build.NothingToFreeze, match="matches none of the 2 traces"):
        freeze(project, "agent:nobody")
    assert not Dataset.objects.exists(), "nothing is left behind"
    with pytest.raises(filters.FilterError):
        freeze(project, "latency>")
    for name in ("Support Data", "new", "replay"):
        with pytest.raises(build.BadName):
            build.freeze(project=project, name=name, query_text="", actor=Actor())


def test_relative_times_are_recorded_as_absolute_ones(project: Project, rita: User) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    version = freeze(project, "since:7d judged:acceptable")
    assert version.query == "since:7d judged:acceptable"
    assert "7d" not in version.resolved_query and "since:20" in version.resolved_query


def test_a_preview_gives_the_same_counts_and_writes_nothing(project: Project, rita: User) -> None:
    for number in range(6):
        rows.trace(project, judged="acceptable" if number % 2 else "", by=rita)
    seen = build.preview(project=project, query_text="")
    assert not DatasetVersion.objects.exists()
    assert seen.counts == freeze(project).counts and not seen.cut
    cut = build.preview(project=project, query_text="", most=4)
    assert cut.cut and cut.counts["looked_at"] == 4


def test_another_project_is_never_looked_at(project: Project, rita: User, charlie: User) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    rows.trace(Project.objects.get(slug="other"), judged="acceptable", by=charlie)
    version = freeze(project)
    assert version.counts["looked_at"] == version.counts["in_project"] == version.rows.count() == 1


def test_freezing_is_audited(project: Project, rita: User, alice: User) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    version = build.freeze(project=project, name="support", query_text="", actor=Actor(user=alice))
    entry = AuditEntry.objects.get(action="dataset.frozen")
    assert entry.user == alice and entry.detail["content_hash"] == version.content_hash
    assert version.author == "Alice Engineer"


@pytest.mark.parametrize(
    "statement",
    [
        "update curation_datasetversion set content_hash = 'x'",
        "update curation_datasetversion set counts = '{}'",
        "update curation_datasetrow set split = 'test'",
        "update curation_datasetdecision set reason = 'accepted'",
        "delete from curation_datasetrow",
        "insert into curation_datasetrow (version_id, position, trace_id, revision_id, conversation, split, split_group,"
        " digest) select version_id, 9, trace_id, revision_id, 1, split, split_group, digest from curation_datasetrow",
    ],
)
def test_the_database_refuses_to_change_a_version(project: Project, rita: User, statement: str) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    freeze(project)
    with (
        pytest.raises(DatabaseError, match="frozen dataset version"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        cursor.execute("set constraints all immediate")


def test_a_version_outlives_its_author_and_goes_with_its_project(project: Project, rita: User, alice: User) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    version = build.freeze(project=project, name="support", query_text="", actor=Actor(user=alice))
    alice.delete()
    version.refresh_from_db()
    assert version.created_by is None and version.author == "Alice Engineer"
    with connection.cursor() as cursor:
        cursor.execute("set local whetstone.erasing = 'on'")
        project.delete()
        cursor.execute("set constraints all immediate")
    assert not DatasetRow.objects.exists()


def test_what_changed_since_is_seen_on_the_version(project: Project, rita: User, ada: User) -> None:
    kept, flipped, withdrawn, resent, corrected = (
        rows.trace(project, judged="acceptable", by=rita, external_id=name)
        for name in ("kept", "flipped", "withdrawn", "resent", "corrected")
    )
    version = freeze(project)
    assert not read.changed(version)

    rows.judge(flipped, rita, "unacceptable")
    word = withdrawn.judgments.get()
    judgments.withdraw(project=project, actor=Actor(user=rita), uid=word.uid)
    rows.revise(resent, make.short_document(answer="Tomorrow."))
    rows.correct(corrected, ada, "Better.")

    changed = read.changed(version)
    assert (changed.judgments, changed.corrections, changed.traces) == (2, 1, 1)
    names = {row.trace.external_id for row in read.changed_rows(version, "judgments")}
    assert names == {"flipped", "withdrawn"}
    assert kept.external_id not in names


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"validation": 0.6, "test": 0.4}, "validation"),
        ({"train": 0.5}, "train"),
        ({"judgments": ["unsure"]}, "judgments"),
        ({"judgments": []}, "judgments"),
        ({"limit": 0}, "limit"),
        ({"limit": True}, "limit"),
        ({"seed": -1}, "seed"),
        ({"test": "much"}, "test"),
        ({"test": float("nan")}, "test"),
        ({"group_by": "moon"}, "group_by"),
        ({"dedupe": "yes"}, "dedupe"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_recipe_names_the_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(recipe.RecipeError) as raised:
        recipe.parse(given)
    assert [name for name, _ in raised.value.problems] == [field]


def test_a_recipe_survives_being_stored() -> None:
    chosen = Recipe(judgments=("acceptable", "unjudged"), limit=7, seed=2**62, test=0.25)
    assert recipe.parse(json.loads(json.dumps(chosen.plain()))) == chosen


def _answers(version: DatasetVersion) -> list[str]:
    lines = b"".join(export.write_jsonl(version, "openai-sft")).splitlines()
    return [json.loads(line)["messages"][-1]["content"] for line in lines]
