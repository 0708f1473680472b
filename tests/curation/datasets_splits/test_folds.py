"""Folds: each side of each is exported, every group whole, nothing held out and nothing generated validated on."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from curation.datasets import build, folds, read
from curation.datasets.exporting import export
from curation.datasets.recipe import Recipe
from curation.models import DatasetVersion
from tests.curation.datasets import rows
from tests.curation.datasets_splits.test_topics import make
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(project: Project, rita: User) -> DatasetVersion:
    make(project, "Refunds", query="tag:refund")
    for number in range(40):
        rows.trace(
            project, judged="acceptable", by=rita, session_id=f"s{number // 2}", tags=["refund"] if number < 16 else []
        )
    return build.freeze(
        project=project, name="support", query_text="", actor=Actor(), recipe=Recipe(folds=3, test=0.2, validation=0.1)
    )


def lines(version: DatasetVersion, fold: int, of: folds.Of) -> list[dict[str, Any]]:
    pieces = export.write_jsonl(version, "openai-sft", part=folds.part(version, fold, of), metadata=True)
    return [json.loads(line) for line in b"".join(pieces).splitlines()]


def test_both_sides_of_a_fold_are_all_but_the_test_rows(version: DatasetVersion) -> None:
    learned = set(version.rows.exclude(split="test").values_list("position", flat=True))
    validated: Counter[int] = Counter()
    groups = dict(version.rows.values_list("position", "split_group"))
    for fold in range(3):
        inside = {line["metadata"]["row"] for line in lines(version, fold, "validation")}
        outside = {line["metadata"]["row"] for line in lines(version, fold, "train")}
        assert inside | outside == learned and not inside & outside
        assert not {groups[row] for row in inside} & {groups[row] for row in outside}
        validated.update(inside)
    assert set(validated) == learned and set(validated.values()) == {1}


def test_a_fold_that_is_not_there(version: DatasetVersion, project: Project) -> None:
    with pytest.raises(folds.NoFold, match="has 3 folds, 0 to 2; there is no fold 3"):
        folds.part(version, 3)
    plain = build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe())
    with pytest.raises(folds.NoFold, match="frozen without folds"):
        folds.part(plain, 0)


def test_what_is_spread_where(version: DatasetVersion) -> None:
    found = folds.spreads(version)
    assert [one.slug for one in found.topics] == ["refunds", ""] or [one.slug for one in found.topics] == [
        "",
        "refunds",
    ]
    assert sum(one.total for one in found.topics) == version.counts["rows"]
    assert [one.rows["validation"] for one in found.folds] == [
        len(lines(version, fold, "validation")) for fold in range(3)
    ]
    assert [one.rows["train"] for one in found.folds] == [len(lines(version, fold, "train")) for fold in range(3)]
    assert found.balance.score is None, "one topic has no balance"


def test_api_and_command(
    version: DatasetVersion, api: Callable[..., Client], tmp_path: Any, alice: User, as_user: Callable[[User], Client]
) -> None:
    from workspace.models import Role

    address = "/api/projects/acme/datasets/support/versions/1/export"
    answer = api(Role.ENGINEER).get(address, {"fold": 1, "of": "validation"})
    body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert len(body.splitlines()) == len(lines(version, 1, "validation"))
    assert "support-1.fold-1-validation.openai-sft.jsonl" in answer["Content-Disposition"]
    refused = api(Role.ENGINEER).get(address, {"fold": 7})
    assert refused.status_code == 422 and "no_fold" in refused.content.decode()
    file = tmp_path / "fold.jsonl"
    call_command("export_dataset", "support", "--fold", "1", "--of", "validation", "--output", str(file))
    assert file.read_bytes() == body
    with pytest.raises(CommandError, match="no fold 9"):
        call_command("export_dataset", "support", "--fold", "9", "--output", str(file))
    page = as_user(alice).get("/p/acme/datasets/support/1/export/", {"fold": "0", "of": "validation"})
    assert len(b"".join(page.streaming_content).splitlines()) == len(lines(version, 0, "validation"))  # type: ignore[attr-defined]
    assert as_user(alice).get("/p/acme/datasets/support/1/export/", {"fold": "9"}).status_code == 404


def test_the_same_rows_in_other_folds_are_another_version(version: DatasetVersion, project: Project) -> None:
    def again(**given: Any) -> DatasetVersion:
        chosen = Recipe(**{"folds": 3, "test": 0.2, "validation": 0.1, **given})
        return build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=chosen)

    four = again(folds=4)
    assert four.content_hash == version.content_hash and read.same_before(four) is None
    assert read.same_before(again()) == version and read.same_before(again(folds=4)) == four
    assert read.same_before(again(folds=0)) is None and read.same_before(again(group_by="trace")) is None
