"""Two attempts at one task: aligned by their calls, none lost, and where they part is marked."""

import time
from collections.abc import Callable

import pytest
from django.test import Client

from curation.messages.form import Document, message
from curation.review import attempts
from tests import make
from workspace.models import Project, User

As = Callable[[User], Client]


def run(*calls: tuple[str, str] | tuple[str, str, str], answer: str = "Done.") -> Document:
    messages = [message("user", "Refund order 7.")]
    for at, (tool, asked, *result) in enumerate(calls):
        messages.append(message("assistant", "", tool_calls=[make.call(tool, asked, f"k{at}")]))
        messages.append(make.tool_result(*(result or ["ok"]), f"k{at}"))
    return make.document(*messages, message("assistant", answer))


def aligned(left: Document, right: Document) -> list[str]:
    lines, ordered = attempts.align(attempts.calls_of(left), attempts.calls_of(right))
    assert not ordered
    for side in ("left", "right"):
        calls = attempts.calls_of(left if side == "left" else right)
        assert [getattr(line, side) for line in lines if getattr(line, side)] == calls, "none lost, each in its order"
    assert sum(line.first for line in lines) == any(line.kind != "same" for line in lines)
    return [f"{line.kind}{'!' if line.first else ''}" for line in lines]


def test_calls_stand_beside_their_like() -> None:
    one = run(("find", '{"a": 1, "b": 2}'), ("read", "{}"), ("refund", '{"order": 7}'), ("mail", "{}"))
    other = run(("find", '{"b": 2, "a": 1}'), ("policy", "{}"), ("read", "{}", "denied"), ("refund", '{"order": 8}'))
    assert aligned(one, other) == ["same", "right!", "result", "arguments", "left"], "keys in any order are the same"
    assert aligned(one, one) == ["same"] * 4
    assert aligned(run(), one) == ["right!", "right", "right", "right"] and aligned(run(), run()) == []
    words = run(("say", "not json  ")), run(("say", "not json"))
    assert aligned(*words) == ["same"]


def test_the_same_call_is_preferred_over_the_same_tool() -> None:
    left = run(*(("read", f'{{"n": {n}}}') for n in (1, 2, 3, 4)))
    right = run(*(("read", f'{{"n": {n}}}') for n in (3, 4, 5)))
    assert aligned(left, right) == ["left!", "left", "same", "same", "right"]


def test_same_steps_are_folded_from_three_on() -> None:
    calls = [("read", f'{{"n": {n}}}') for n in range(9)]
    lines, _ = attempts.align(
        attempts.calls_of(run(*calls)),
        attempts.calls_of(run(*calls[:4], ("x", "{}"), *calls[4:6], ("y", "{}"), *calls[6:])),
    )
    assert [(len(one.lines), one.folded) for one in attempts.stretches(lines)] == [
        (4, True), (1, False), (2, False), (1, False), (3, True)
    ]  # fmt: skip


def test_long_runs_are_aligned_quickly_and_too_long_ones_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    left = attempts.calls_of(run(("start", "{}"), *(("poll", f'{{"n": {n % 7}}}') for n in range(1500))))
    right = attempts.calls_of(
        run(("begin", "{}"), *(("poll", f'{{"n": {n % 5}}}') for n in range(1500)), ("end", "{}"))
    )
    begun = time.perf_counter()
    lines, ordered = attempts.align(left, right)
    assert time.perf_counter() - begun < 2 and not ordered
    assert sum(line.kind == "same" for line in lines) > 500
    monkeypatch.setattr(attempts, "MOST_CELLS", 100)
    lines, ordered = attempts.align(left, right)
    assert (
        ordered
        and [line.left for line in lines if line.left] == left
        and [one.right for one in lines if one.right] == right
    )


@pytest.mark.django_db
def test_the_page(project: Project, rita: User, as_user: As) -> None:
    one = make.trace(project, said=run(("find", "{}"), answer="Refunded <b>7</b>."), task_id="t-7", latency_ms=4_000)
    other = make.trace(project, said=run(("policy", "{}"), answer="Not refunded."), task_id="t-7", latency_ms=1_500)
    stranger = make.trace(project, said=make.document(message("user", "Something else."), message("assistant", "Yes.")))
    client = as_user(rita)
    page = client.get(f"/p/acme/traces/diff/?left={one.uid}&right={other.uid}").content.decode()
    assert "task t-7" in page and "Here they part" in page and "−2.5 s" in page
    assert "<del>Refunded" in page and "&lt;b&gt;" in page and "<b>7" not in page
    assert page.count("0 same") == 1 and "1 only in A, 1 only in B" in page
    assert (
        "Nothing says that these are attempts"
        in client.get(f"/p/acme/traces/diff/?left={one.uid}&right={stranger.uid}").content.decode()
    )
    for query, status in (
        ("", 400),
        (f"left={one.uid}", 400),
        (f"left={one.uid}&right={one.uid}", 400),
        ("left=x&right=y", 404),
    ):
        assert client.get(f"/p/acme/traces/diff/?{query}").status_code == status
    listed = client.get(f"/p/acme/traces/{one.uid}/attempts/").content.decode()
    assert str(other.uid) in listed and str(stranger.uid) not in listed


def test_a_copy_opens_beside_what_it_is_like_with_the_way_back(project: Project, rita: User, as_user: As) -> None:
    one, other = (make.trace(project, said=make.short_document(question=f"Where is order {n}?")) for n in (1, 2))
    client = as_user(rita)

    def page(back: str) -> str:
        given = {"left": str(one.uid), "right": str(other.uid), "back": back}
        return client.get("/p/acme/traces/diff/", given).content.decode()

    back = "/p/acme/datasets/support/2/decisions/?reason=near_duplicate"
    for shown, label in (
        (page(back), "Why in or out, support v2"), (page("/p/acme/datasets/new/left/?reason=x"), "Traces that leave"),
    ):  # fmt: skip
        assert label in shown and "Two attempts" not in shown and "Nothing says that these are attempts" not in shown
        assert shown.index('id="asked"') < shown.index('id="answers"') < shown.index('id="figures"')
    assert f'href="{back}"' in page(back)
    for elsewhere in ("//evil.example/p/acme/datasets/new/left/", "/p/other/datasets/new/left/", "/p/acme/", "x", ""):
        shown = page(elsewhere)
        assert "Two attempts" in shown and f'href="{elsewhere}"' not in shown.replace('href="/p/acme/"', "")


def test_what_was_asked_is_shown_where_it_differs(project: Project, rita: User, as_user: As) -> None:
    first, second = (
        make.trace(project, said=make.short_document(question=f"Where is order {number}?")) for number in (1, 2)
    )
    page = as_user(rita).get(f"/p/acme/traces/diff/?left={first.uid}&right={second.uid}").content.decode()
    assert "What was asked" in page and "<del>1</del><ins>2</ins>" in page
    same = make.trace(project, said=make.short_document(question="Where is order 1?"))
    assert (
        "What was asked"
        not in as_user(rita).get(f"/p/acme/traces/diff/?left={first.uid}&right={same.uid}").content.decode()
    )
