"""Personal data is looked for after the sender was answered; the lag is known, and a bad document holds up nobody."""

from typing import Any

import pytest

from curation.messages.form import message
from curation.models import FollowUp, PersonalData
from curation.privacy import rules, scan
from tests import make
from workspace.access import Actor
from workspace.models import Project

SAID = make.document(
    message("user", "I am ann.lee@mail.example and bob@mail.example"),
    message("assistant", "", tool_calls=[make.call("find", '{"mail": "ann.lee@mail.example"}')]),
    make.tool_result('{"card": "4111 1111 1111 1111"}'),
    message("assistant", "Found."),
)


@pytest.mark.django_db
def test_a_sweep_finds_it_and_says_where(project: Project) -> None:
    trace = make.trace(project, said=SAID, user_id="ann.lee@mail.example")
    make.trace(project)
    assert scan.lag(project_id=project.pk).waiting == 2
    assert scan.sweep() == 2
    assert scan.lag(project_id=project.pk) == scan.Lag(0, None)
    found = {row.kind: row for row in PersonalData.objects.filter(trace=trace)}
    assert {kind: row.count for kind, row in found.items()} == {"email": 4, "card": 1}
    assert PersonalData.objects.count() == 2
    assert found["email"].places[:2] == [[None, None, "user_id", 0, 20], [0, 0, "part.0", 5, 25]]
    assert found["card"].places == [[0, 2, "part.0", 10, 29]]
    assert scan.scan(revision_id=trace.revision_id or 0) == {"email": 4, "card": 1}
    assert PersonalData.objects.count() == 2


@pytest.mark.django_db
def test_one_that_fails_is_tried_again_and_then_let_go(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = make.trace(project, said=SAID), make.trace(project, said=SAID)
    real = scan.look

    def fails(document: Any, **rest: Any) -> Any:
        if document == bad.revision.document:  # type: ignore[union-attr]
            raise RuntimeError("boom")
        return real(document, **rest)

    make.document()
    bad.revision.document["conversations"][0]["id"] = "bad"  # type: ignore[union-attr]
    type(bad.revision).objects.filter(pk=bad.revision_id).update(document=bad.revision.document)  # type: ignore[union-attr]
    monkeypatch.setattr(scan, "look", fails)
    for _ in range(scan.MOST_ATTEMPTS):
        assert FollowUp.objects.filter(kind="personal", trace=bad).exists()
        scan.scan_some()
    assert not FollowUp.objects.filter(kind="personal").exists()
    assert set(PersonalData.objects.values_list("trace_id", flat=True)) == {good.pk}


@pytest.mark.django_db
def test_a_project_may_switch_it_off(project: Project) -> None:
    rules.change(project=project, actor=Actor(), rules=rules.Rules(look=False))
    make.trace(project, said=SAID)
    assert scan.sweep() == 1 and not PersonalData.objects.exists()
