"""The review pages by plain forms, without JavaScript: everything works, in few queries."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from curation.messages.form import message
from curation.models import Correction, Judgment, QueueItem, StepVerdict, Trace, TraceRevision
from curation.review import queues
from tests import make
from tests.curation.review import documents
from workspace.models import Project, User

As = Callable[[User], Client]


@contextmanager
def at_most(count: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as caught:
        yield
    real = [one["sql"] for one in caught if not re.match(r"(BEGIN|COMMIT|SAVEPOINT|RELEASE|ROLLBACK)", one["sql"])]
    assert len(real) <= count, "\n".join(sql[:200] for sql in real)


def start(client: Client) -> str:
    answer = client.get(reverse("curation:review-next", args=["acme", "unjudged"]))
    assert answer.status_code == 302
    return answer["Location"]


def fields(html: str) -> dict[str, str]:
    found = dict(re.findall(r'<input type="hidden" name="(key|revision|seconds)" value="([^"]*)"', html))
    return {**found, "seconds": "3"}


def test_judge_by_forms_until_done(project: Project, rita: User, as_user: As) -> None:
    traces = [make.trace(project) for _ in range(3)]
    client = as_user(rita)
    for number, verdict in enumerate(["acceptable", "unacceptable", "unsure"]):
        url = start(client)
        page = client.get(url).content.decode()
        assert f"<b data-count>{number + 1}</b> of 3" in page
        answer = client.post(url, {**fields(page), "verdict": verdict, "rating": "4", "note": "a note"})
        assert (answer.status_code, answer["Location"]) == (303, "/p/acme/review/unjudged/")
    done = client.get("/p/acme/review/unjudged/").content.decode()
    assert "All done" in done and "You judged 3 of 3 traces" in done
    assert list(Judgment.objects.order_by("id").values_list("verdict", "rating", "note", "seconds")) == [
        ("acceptable", 4, "a note", 3.0), ("unacceptable", 4, "a note", 3.0), ("unsure", 4, "a note", 3.0),
    ]  # fmt: skip
    # undo from the done page leads back to the item
    answer = client.post("/p/acme/review/unjudged/undo/")
    item = QueueItem.objects.get(trace=traces[2])
    assert answer["Location"] == f"/p/acme/review/unjudged/{item.uid}/"
    assert item.status == "open"


def test_doubled_form_is_one_judgment(project: Project, rita: User, as_user: As) -> None:
    make.trace(project), make.trace(project)
    client = as_user(rita)
    url = start(client)
    sent = {**fields(client.get(url).content.decode()), "verdict": "acceptable"}
    assert [client.post(url, sent).status_code for _ in range(2)] == [303, 303]
    assert Judgment.objects.count() == 1
    # the same page sent with another verdict is refused with a reason, and what was typed is still there
    answer = client.post(url, {**sent, "verdict": "unsure", "note": "typed"})
    assert answer.status_code == 422
    assert (
        "already used for another judgment" in answer.content.decode() and "typed</textarea>" in answer.content.decode()
    )


def test_skip_flag_step_correct_reset_undo(project: Project, rita: User, as_user: As) -> None:
    make.trace(project, said=documents.rich()), make.trace(project)
    client = as_user(rita)
    url = start(client)
    client.post(url, {"step": "bad:c4"})
    assert StepVerdict.objects.get().value == "bad"
    page = client.get(url).content.decode()
    assert 'value=":c4" class="sv b" data-rate="bad" aria-pressed="true"' in page, "the button now takes it back"
    client.post(url, {"step": "good:c4"})
    assert StepVerdict.objects.get().value == "good"
    client.post(url, {"step": ":c4"})
    assert not StepVerdict.objects.exists()
    assert client.post(url, {"step": "good:nonsense"}).status_code == 422
    editing = client.get(url + "?edit=1").content.decode()
    assert re.search(r'id="edit-form"[^>]*action="[^"]*">', editing), "the form is open"
    client.post(url, {"act": "correct", "answer": "The cause was in billing/vat.py.\r\nI did not rerun the job."})
    correction = Correction.objects.get()
    assert correction.messages[-1]["parts"] == [
        {"type": "text", "text": "The cause was in billing/vat.py.\nI did not rerun the job."}
    ]
    assert "latency_ms" not in correction.messages[-1] and correction.messages[0]["role"] == "system"
    page = client.get(url).content.decode()
    assert "Edited by you" in page and "<del>" in page and "<ins>" in page
    client.post(url, {"act": "reset"})
    assert Correction.objects.get().withdrawn_at is not None
    assert "Edited by you" not in client.get(url).content.decode()
    assert client.post(url, {"act": "correct", "answer": "  "}).status_code == 422
    client.post(url, {"act": "skip"})
    second = start(client)
    assert second != url
    client.post(second, {"act": "flag", "flag_note": "unclear rule"})
    assert QueueItem.objects.get(flag_note="unclear rule").status == "flagged"
    assert start(client) == url, "the skipped one comes again"
    client.post(url, {"verdict": "acceptable"})
    back = client.post(url, {"act": "undo"})
    assert back["Location"] == url
    assert Judgment.objects.get().withdrawn_at is not None


def test_undo_takes_back_what_was_done_last(project: Project, rita: User, as_user: As, alice: User) -> None:
    first, second = make.trace(project, said=documents.rich()), make.trace(project, said=documents.rich())
    client, quick = as_user(rita), {"headers": {"Accept": "application/json"}}
    url = start(client)
    client.post(url, {"verdict": "acceptable"})
    following = start(client)
    client.post(following, {"act": "correct", "answer": "Another answer."})
    # the edit is newer than the judgment of the item before: it goes, and the page stays
    said = client.post(following, {"act": "undo"}, **quick).json()
    assert said["undone"] is True and said["answer"] is True and "url" not in said
    assert Correction.objects.get().withdrawn_at is not None
    assert Judgment.objects.get().withdrawn_at is None
    # the next undo finds no edit that stands: it takes the judgment back and leads to its item
    assert client.post(following, {"act": "undo"}, **quick).json()["url"] == url
    assert Judgment.objects.get().withdrawn_at is not None
    # an edit that is older than the judgment waits its turn
    client.post(url, {"act": "correct", "answer": "Another answer."})
    client.post(url, {"verdict": "unsure"})
    trace_page = reverse("curation:trace", args=["acme", first.uid])
    assert "answer" not in client.post(trace_page, {"act": "undo"}, **quick).json()
    assert Correction.objects.filter(withdrawn_at=None).count() == 1
    assert client.post(trace_page, {"act": "undo"})["Location"] == f"{trace_page}#answer"
    assert not Correction.objects.filter(withdrawn_at=None).exists()
    # nobody takes back what somebody else wrote
    other = reverse("curation:trace", args=["acme", second.uid])
    as_user(alice).post(other, {"act": "correct", "answer": "What alice says."})
    assert client.post(other, {"act": "undo"}, **quick).json()["undone"] is False
    assert Correction.objects.filter(withdrawn_at=None).count() == 1


def test_script_gets_json(project: Project, rita: User, as_user: As) -> None:
    make.trace(project)
    client = as_user(rita)
    url = start(client)
    quick = {"headers": {"Accept": "application/json"}}
    assert client.post(url, {"act": "heartbeat"}, **quick).json() == {"ok": True, "seconds": 900}
    answer = client.post(url, {"act": "judge", "verdict": "great"}, **quick)
    assert answer.status_code == 422 and answer.json()["error"]["field"] == "verdict"
    assert client.post(url, {"act": "dance"}, **quick).status_code == 400
    answer = client.post(url, {"act": "judge", "verdict": "acceptable", "key": "k1"}, **quick)
    assert answer.json()["effective"] == "acceptable"
    assert client.post(url, {"act": "undo", "undo_key": "k1"}, **quick).json()["undone"] is True


def test_budgets(project: Project, rita: User, as_user: As, alice: User) -> None:
    for number in range(6):
        trace = make.trace(project, said=documents.rich() if number % 2 else None)
        make.judgment(trace, alice)
    queue = queues.create(project=project, actor=queues.Actor(user=alice), name="All", query="")
    QueueItem.objects.filter(queue=queue).update(status="open", done_by=None, done_at=None)
    client = as_user(rita)
    url = client.get("/p/acme/review/all/")["Location"]
    with at_most(8):
        page = client.get(url)
    with at_most(8):
        client.get(url, headers={"HX-Request": "true"})
    with at_most(6):
        client.post(
            url, {**fields(page.content.decode()), "verdict": "acceptable"}, headers={"Accept": "application/json"}
        )
    with at_most(8):
        client.get(f"/p/acme/traces/{Judgment.objects.first().trace.uid}/")  # type: ignore[union-attr]
    client.get("/p/acme/review/")  # makes the default queue
    with at_most(8):
        client.get("/p/acme/review/")


def test_parts_of_a_long_trace(project: Project, rita: User, as_user: As) -> None:
    trace = make.trace(project, said=documents.long(600))
    client = as_user(rita)
    here = f"/p/acme/traces/{trace.uid}/"
    page = client.get(here).content.decode()
    link = re.search(r'href="([^"]*\?part=3#part-3)"', page)
    assert link and "not loaded yet" in page and page.count("data-wait") == page.count('class="chunk"') > 5
    without = client.get(link[1]).content.decode()
    assert without.count('<article class="call') > page.count('<article class="call'), "without a script: a page"
    with at_most(5):
        part = client.get(f"{here}part/?r=1&n=3", headers={"HX-Request": "true"}).content.decode()
    assert part.count('<article class="call') == 30 and part.count('<ol data-rows="3"') == 1
    rows = client.get(f"{here}part/?r=1&rows=2,3,99", headers={"HX-Request": "true"}).content.decode()
    assert rows.count("<ol data-rows") == 2 and "<article" not in rows
    assert client.get(f"{here}part/?n=3")["Location"] == f"{here}?part=3#part-3"
    assert client.get(f"{here}part/?n=99", headers={"HX-Request": "true"}).status_code == 404
    assert client.get(f"{here}part/?r=7&n=3", headers={"HX-Request": "true"}).status_code == 404, "no such revision"
    found = client.get(f"{here}find/?r=1&q=NOT FOUND").json()
    assert found["times"] == len(found["hits"]) == 6 and found["blocks"] == 602


def test_a_big_document_is_parsed_once_and_never_old(project: Project, rita: User, as_user: As) -> None:
    texts = [f"{number} " + "word " * 20_000 for number in range(4)]
    said = make.document(message("user", "Go."), *(message("assistant", text) for text in texts))
    trace = make.trace(project, said=said, external_id="big")
    client = as_user(rita)
    here = f"/p/acme/traces/{trace.uid}/"
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"{here}find/?q=word").json()["times"] == 80_000
    assert sum("CASE WHEN" in one["sql"] for one in queries), "the second asks for no text"
    make.trace(project, said=make.document(message("user", "Anew.")), external_id="big")
    assert client.get(f"{here}find/?q=word").json()["times"] == 0
    assert client.get(f"{here}find/?q=word&r=1").json()["times"] == 80_000
    Trace.objects.filter(pk=trace.pk).update(revision=None)
    TraceRevision.objects.filter(trace=trace).delete()
    assert client.get(f"{here}find/?q=word&r=1").status_code == 404, "what was erased is not found in memory"


def test_a_text_of_megabytes_comes_in_pieces(project: Project, rita: User, as_user: As) -> None:
    said = make.document(
        message("user", "Read it."),
        message("assistant", "", tool_calls=[make.call("read")]),
        make.tool_result("a line of text\n" * 40_000),
        message("assistant", "answer " * 30_000),
    )
    here = f"/p/acme/traces/{make.trace(project, said=said).uid}/"
    client = as_user(rita)
    page = client.get(here).content.decode()
    assert len(page) < 500_000 and "39,987 more lines" in page and "1 more line," in page, "cut, and says so"
    url = f"{here}text/0/1?call=0"
    piece = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "200,000 of 600,009 characters shown" in piece and "call=0&amp;from=200000" in piece
    last = client.get(f"{url}&from=600000", headers={"HX-Request": "true"}).content.decode()
    assert "characters shown" not in last
    whole = client.get(f"{url}&download=1")
    assert len(whole.content) == 600_009 and whole["Content-Disposition"].startswith("attachment")


def test_plain_text_is_only_text(project: Project, rita: User, as_user: As) -> None:
    trace = make.trace(project, said=documents.hostile())
    client = as_user(rita)
    answer = client.get(f"/p/acme/traces/{trace.uid}/text/0/2?call=1")
    assert answer["Content-Type"] == "text/plain; charset=utf-8" and answer["X-Content-Type-Options"] == "nosniff"
    assert documents.HOSTILE in answer.content.decode()
    fragment = client.get(f"/p/acme/traces/{trace.uid}/text/0/2", headers={"HX-Request": "true"}).content.decode()
    assert "<script" not in fragment
    assert client.get(f"/p/acme/traces/{trace.uid}/text/7/0").status_code == 404


def test_hostile_page_has_no_foreign_markup(project: Project, rita: User, as_user: As) -> None:
    trace = make.trace(
        project,
        said=documents.hostile(),
        name=documents.HOSTILE,
        agent=documents.HOSTILE[:200],
        metadata={documents.HOSTILE: documents.HOSTILE},
    )
    make.judgment(trace, rita, note=documents.HOSTILE)
    client = as_user(rita)
    for url in (f"/p/acme/traces/{trace.uid}/", "/p/acme/review/", "/p/acme/review/unjudged/"):
        html = client.get(url).content.decode()
        assert "<script>alert" not in html and "<img" not in html and 'hx-get="/x"' not in html
        assert not re.search(
            r'<[a-z][^>]*="[^"]*"[^\s/>][^>]*>', re.sub(r"<(script|style|svg).*?</\1>", "", html, flags=re.DOTALL)
        ), "a broken attribute"


def test_outsiders_and_roles(project: Project, rita: User, alice: User, charlie: User, as_user: As) -> None:
    trace = make.trace(project)
    item = queues.lease_next(queue=queues.default_queue(project=project), user=rita)
    urls = [
        "/p/acme/review/",
        "/p/acme/review/unjudged/",
        f"/p/acme/review/unjudged/{item}/",
        f"/p/acme/traces/{trace.uid}/",
    ]
    for url in urls:
        assert as_user(charlie).get(url).status_code == 404
        assert Client().get(url).status_code == 302
    made = {"act": "create", "name": "Mine", "query": "agent:support", "instructions": ""}
    assert as_user(rita).post("/p/acme/review/", made).status_code == 403
    assert as_user(alice).post("/p/acme/review/", made).status_code == 302
    bad = as_user(alice).post("/p/acme/review/", {**made, "name": "Other", "query": "agent:("})
    assert bad.status_code == 422 and 'id="query-error"' in bad.content.decode()


def test_somebody_elses_item_is_shown_not_taken(project: Project, rita: User, alice: User, as_user: As) -> None:
    make.trace(project)
    url = start(as_user(rita))
    page = as_user(alice).get(url).content.decode()
    assert "Rita Reviewer is on this one at the moment" in page
    assert QueueItem.objects.get().leased_by == rita
    waiting = as_user(alice).get("/p/acme/review/unjudged/").content.decode()
    assert "Nothing left for you right now" in waiting and "1 item is with other people" in waiting


@pytest.mark.parametrize("given", ["", "7", "abc", "99999999999999999999"])
def test_odd_numbers_in_addresses(project: Project, rita: User, as_user: As, given: Any) -> None:
    trace = make.trace(project)
    assert as_user(rita).get(f"/p/acme/traces/{trace.uid}/?part={given}").status_code == 200
    found = as_user(rita).get(f"/p/acme/traces/{trace.uid}/part/?n={given}", headers={"HX-Request": "true"})
    assert found.status_code == 404
