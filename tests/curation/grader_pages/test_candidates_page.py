"""The page of a batch says what is missing and what comes next: candidates without a grade, pairs, and no price where
nobody is asked."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from django.test import Client
from django.utils import timezone

from curation.models import Batch, BatchItem
from tests import make
from tests.curation.grading import graders
from workspace.models import Project, User

SignedIn = Callable[[User], Client]
GRADED = {"value": 0.75, "passed": True, "reason": "Kind.", "error": ""}
FAILED = {"value": None, "passed": None, "reason": "", "error": "The judge's answer is not JSON."}


def _page(client: Client, batch: Batch) -> str:
    return unescape(client.get(f"/p/acme/graders/batches/{batch.uid}/").content.decode())


def test_candidates_without_a_grade_are_counted_and_pairs_come_next(
    project: Project, alice: User, as_user: SignedIn
) -> None:
    trace = make.trace(project)
    batch = Batch.objects.create(
        project=project, kind="generate", status="done", total=3, done=3, author="Alice", query="agent:support",
        settings={"model": "m", "temperatures": [0.2], "graders": [1], "graded_by": ["polite@1"]},
    )  # fmt: skip
    every: list[dict[str, Any]] = [{"polite@1": GRADED}, {"polite@1": FAILED}, {"polite@1": GRADED, "late@1": FAILED}]
    for place, grades in enumerate(every):
        BatchItem.objects.create(
            batch=batch, trace=trace, revision=trace.revision, ordinal=place, status="done", grades=grades,
            prompt={"messages": []}, answer={"message": {"content": "Here."}}, asked_at=timezone.now(),
        )  # fmt: skip
    client = as_user(alice)
    page = _page(client, batch)
    assert "2 of the 3 that are done got no grade" in page and "What 3 of them cost is not known" in page
    address = re.search(r'href="([^"]+)">Freeze pairs from these', page)
    assert address is not None
    form = client.get(address[1]).content.decode()
    assert str(batch.uid) in form and "agent:support" in form
    counted = client.get(address[1] + "&count=1")
    assert counted.status_code == 200
    Batch.objects.update(status="running")
    assert "Freeze pairs" not in _page(client, batch)


def test_candidates_are_told_apart_and_compared_in_the_list(project: Project, alice: User, as_user: SignedIn) -> None:
    trace = make.trace(project)
    batch = Batch.objects.create(project=project, kind="generate", status="done", total=3, done=3, author="Alice")
    values: list[dict[str, Any]] = [{"polite@1": GRADED}, {"polite@1": FAILED}, {"polite@1": GRADED, "late@1": GRADED}]
    for place, grades in enumerate(values):
        BatchItem.objects.create(
            batch=batch, trace=trace, revision=trace.revision, ordinal=place, status="done", grades=grades,
            answer={"message": {"content": f"It left on day {place}.\nAnd so on."}},
        )  # fmt: skip
    rows = re.findall(r"<summary.*?</summary>", _page(as_user(alice), batch), re.DOTALL)
    plain = [re.sub(r"<[^>]+>", "", row) for row in rows]
    assert [re.search(r"candidate (\d) ·", row)[1] for row in plain] == ["1", "2", "3"]  # type: ignore[index]
    assert [f"It left on day {place}." in row for place, row in enumerate(plain)] == [True] * 3
    assert "polite@1 0.75" in plain[0] and "polite@1 –" in plain[1]
    assert "late@1 0.75 · polite@1 0.75" in plain[2]


def test_a_prompt_reads_as_it_was_written(project: Project, alice: User, as_user: SignedIn) -> None:
    trace = make.trace(project)
    batch = Batch.objects.create(project=project, kind="generate", status="done", total=1, done=1, author="Alice")
    asked = {"model": "judge-1", "messages": [{"role": "system", "content": 'Say "kind"\nor "unkind".'}]}
    called = {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {"name": "look"}}]}
    item = BatchItem.objects.create(
        batch=batch, trace=trace, revision=trace.revision, status="done", prompt=[asked, asked],
        answer={"message": called, "finish_reason": "tool_calls"},
    )  # fmt: skip
    part = unescape(as_user(alice).get(f"/p/acme/graders/batches/{batch.uid}/{item.pk}/").content.decode())
    assert part.count('<b>system</b>\nSay "kind"\nor "unkind".') == 2 and '"model": "judge-1"' in part
    assert "<b>assistant</b>\n{" in part and '"name": "look"' in part and '"finish_reason": "tool_calls"' in part


def test_a_grader_that_asks_nobody_has_no_unknown_cost(project: Project, alice: User, as_user: SignedIn) -> None:
    trace = make.trace(project)
    batch = Batch.objects.create(
        project=project, kind="grade", status="done", total=1, done=1, author="Alice", estimate_usd=0,
        grader_version=graders.code(project),
    )  # fmt: skip
    BatchItem.objects.create(
        batch=batch,
        trace=trace,
        revision=trace.revision,
        status="done",
        asked_at=timezone.now(),
        prompt={"messages": []},
    )
    page = _page(as_user(alice), batch)
    assert "it asks no model" in page and "not known" not in page and "stops when" not in page
    assert "Freeze pairs" not in page
