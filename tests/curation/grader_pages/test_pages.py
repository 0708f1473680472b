"""The pages of graders from end to end: a draft, a trial, a person who confirms, arrivals, the past, a batch."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from curation.forget.person import Subject, forget
from curation.models import Batch, BatchItem, Grader, GraderVersion, Score, Trace, Trial, TrialItem
from curation.scoring import trial
from tests import make
from tests.curation.grading import graders
from tests.curation.scoring_agreement.test_against_people import a_score, a_version
from tests.flows.fake_openai import chat, fake_openai
from workspace.access import Actor
from workspace.models import Connection, Project, User

SignedIn = Callable[[User], Client]
TYPED = {
    "goal_accuracy": "It says where the order is.", "type": "string_check", "f_input": "{{ sample.output_text }}",
    "f_operation": "ilike", "f_reference": "depot", "name": "Says where", "mode": "form", "act": "save",
}  # fmt: skip


@pytest.fixture
def traces(project: Project) -> list[Any]:
    answers = ["It left the depot.", "It is lost.", "Depot Berlin.", "No idea.", "At the depot.", "Ask again.", "depot"]
    return [make.trace(project, said=make.short_document(answer=answer)) for answer in answers]


def test_goal_comes_first(project: Project, alice: User, as_user: SignedIn) -> None:
    client = as_user(alice)
    page = client.get("/p/acme/graders/new/").content.decode()
    assert page.index("What is a good answer?") < page.index("How is it measured?") < page.index("Keep it as a draft")
    assert "You judge" not in page  # nothing is written for the user
    answer = client.post("/p/acme/graders/new/", TYPED | {"goal_accuracy": " "})
    assert answer.status_code == 422 and "one of these four is enough" in answer.content.decode()
    answer = client.post("/p/acme/graders/new/", TYPED | {"type": ""})
    assert answer.status_code == 422 and "Choose how it is measured" in answer.content.decode()
    answer = client.post("/p/acme/graders/new/", TYPED | {"f_reference": "", "name": ""})
    assert "This is needed." in answer.content.decode() and "A name is needed" in answer.content.decode()
    answer = client.post("/p/acme/graders/new/", TYPED | {"f_input": "{{ nonsense }}"})
    assert answer.status_code == 422 and "is not a path" in answer.content.decode()
    answer = client.post("/p/acme/graders/new/", TYPED | {"name": "New"})
    assert answer.status_code == 422 and "address of another page" in answer.content.decode()
    assert not Grader.objects.exists()


def test_fields_json_and_a_text_to_start_from(project: Project, alice: User, as_user: SignedIn) -> None:
    client = as_user(alice)
    judge = {"type": "score_model", "goal_tone": "Friendly, never “dear customer”.", "mode": "form"}
    part = client.post(
        "/p/acme/graders/new/", judge | {"act": "fields"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert part.lstrip().startswith("<section") and "item.last_user_message" in part and "Friendly" not in part
    part = client.post(
        "/p/acme/graders/new/", judge | {"act": "offer"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert "- Tone: Friendly, never “dear customer”." in part
    own = judge | {"act": "offer", "f_input__system": "My own words."}
    part = client.post("/p/acme/graders/new/", own, headers={"HX-Request": "true"}).content.decode()
    assert "My own words." in part and "- Tone" not in part  # what was written stays
    part = client.post("/p/acme/graders/new/", TYPED | {"act": "json"}).content.decode()
    assert "&quot;operation&quot;: &quot;ilike&quot;" in part and 'name="mode" value="json"' in part
    as_json = {**TYPED, "mode": "json", "definition": '{"type": "limits", "steps": 4}'}
    part = client.post("/p/acme/graders/new/", as_json | {"act": "form"}).content.decode()
    assert 'name="f_steps" value="4"' in part
    answer = client.post("/p/acme/graders/new/", as_json | {"definition": '{"type": "limits", "stepss": 4}'})
    assert answer.status_code == 422 and "no such key" in answer.content.decode()
    answer = client.post("/p/acme/graders/new/", as_json)
    assert answer.status_code == 302
    assert GraderVersion.objects.get().definition == {"name": "Says where", "type": "limits", "steps": 4}


def test_draft_trial_confirm(project: Project, traces: list[Any], alice: User, rita: User, as_user: SignedIn) -> None:
    client = as_user(alice)
    assert client.post("/p/acme/graders/new/", TYPED)["Location"] == "/p/acme/graders/says_where/1/"
    version = GraderVersion.objects.get()
    assert version.goal == {"accuracy": "It says where the order is."} and version.confirmed_at is None
    page = client.get("/p/acme/graders/says_where/1/").content.decode()
    assert "Try it on 5 traces" in page and "costs nothing" in page and "Use it" not in page
    answer = client.post("/p/acme/graders/says_where/1/", {"act": "use"})
    assert answer.status_code == 422 and "Try it first" in answer.content.decode()

    tried = client.post("/p/acme/graders/says_where/1/", {"act": "try", "seed": "1", "n": "5", "confirmed": "0.000000"})
    assert tried.status_code == 302 and tried["Location"].endswith(f"?trial={Trial.objects.get().uid}#trial")
    page = client.get(tried["Location"]).content.decode()  # it asks no model, so it is there at once
    assert (
        page.count('<article class="sample"') == 5 and "Use it" in page and "5 are few" in page and "(Wilson)" in page
    )
    assert "every 1s" not in page and "Asked for by Alice Engineer" in page and "gave no reason" not in page
    assert not Score.objects.exists()  # a trial is no score
    others = client.get("/p/acme/graders/says_where/1/?seed=2").content.decode()
    assert "not run yet" in others and "Tried before" in others and f"?trial={Trial.objects.get().uid}#trial" in others
    assert re.search(r"by Alice Engineer, .*, average 0\.\d+ of 5", others)
    assert "No trace matches" in client.get("/p/acme/graders/says_where/1/?q=agent:nobody").content.decode()
    unread = client.get("/p/acme/graders/says_where/1/?q=latency>")
    assert unread.status_code == 422 and "No trace matches" not in unread.content.decode()

    assert as_user(rita).post("/p/acme/graders/says_where/1/", {"act": "use"}).status_code == 403
    assert client.post("/p/acme/graders/says_where/1/", {"act": "use"}).status_code == 422, "none was looked at"
    seen = {"act": "use", "trial": str(Trial.objects.get().uid)}
    assert client.post("/p/acme/graders/says_where/1/", seen)["Location"] == "/p/acme/graders/says_where/"
    version.refresh_from_db()
    assert version.confirmed_by == str(alice) and version.confirmed_at is not None and version.tried["n"] == 5
    page = client.get("/p/acme/graders/says_where/1/").content.decode()
    assert "What Alice Engineer saw before confirming it" in page
    seen = as_user(rita).get("/p/acme/graders/says_where/1/").content.decode()
    assert (
        "by Alice Engineer" in seen and "What Alice Engineer saw" not in seen
    )  # of single traces reviewers are not told
    assert "Alice Engineer" in as_user(rita).get("/p/acme/graders/says_where/").content.decode()


def test_a_change_is_a_new_version_and_a_diff(
    project: Project, traces: list[Any], alice: User, as_user: SignedIn
) -> None:
    client = as_user(alice)
    client.post("/p/acme/graders/new/", TYPED)
    page = client.get("/p/acme/graders/says_where/change/?version=1").content.decode()
    assert "It says where the order is." in page and ">\ndepot</textarea>" in page
    assert client.get("/p/acme/graders/says_where/change/?version=7").status_code == 404
    same = client.post("/p/acme/graders/says_where/change/", TYPED | {"name": ""})
    assert same["Location"].endswith("/1/")
    changed = client.post("/p/acme/graders/says_where/change/", TYPED | {"f_reference": "station"})
    assert changed["Location"].endswith("/2/")
    page = client.get("/p/acme/graders/says_where/?from=1&version=2").content.decode()
    assert "reference: depot → station" in page


def test_the_past_is_priced_then_started_once(
    project: Project, traces: list[Any], alice: User, as_user: SignedIn, commits: Any
) -> None:
    version = a_version(project, "says_where", definition={
        "type": "string_check", "name": "x", "input": "{{ sample.output_text }}", "reference": "depot", "operation": "ilike",
    })  # fmt: skip
    a_score(traces[0], version, True)
    client, address = as_user(alice), "/p/acme/graders/says_where/"
    page = client.post(address, {"act": "price", "query": "agent:support", "key": "k1"}).content.decode()
    assert "Free" in page and "Score 6 traces" in page and "1, used as they are" in page
    assert not Batch.objects.exists()
    start = {"act": "start", "query": "agent:support", "key": "k1", "confirmed": "0.000000"}
    start["told"] = '["agent:support", "", false]'
    assert start["told"] in unescape(page)
    other = client.post(address, start | {"query": ""}).content.decode()
    assert "Score 6 traces" in other and not Batch.objects.exists()  # another filter: its own price first
    for _ in range(2):
        answer = client.post(address, start)
    batch = Batch.objects.get()
    assert answer["Location"] == f"/p/acme/graders/batches/{batch.uid}/" and (batch.total, batch.reused) == (6, 1)
    assert client.post(address, {"act": "price", "query": "agent:none"}).status_code == 422
    for wrong in ("few", "1000001"):
        said = client.post(address, {"act": "price", "sample": wrong}).content.decode()
        assert "is not a number of traces from 1 to 1,000,000." in said
    damaged = {"key": "k2", "until": "2026-13-45T12:00:00Z"}
    assert client.post(address, start | damaged).status_code == 400

    page = client.get(answer["Location"]).content.decode()
    assert 'hx-trigger="every 2s"' in page and "0 of 6" in page
    client.post(answer["Location"], {"act": "cancel"})
    page = client.get(answer["Location"]).content.decode()
    assert "6 were not asked" in page and "Resume" in page and "every 2s" not in page
    client.post(answer["Location"], {"act": "resume"})
    from curation.scoring import batches

    assert batches.work(batch.pk, 20)
    part = client.get(answer["Location"], headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<section") and "6 of 6" in part and "Resume" not in part and "hx-swap-oob" in part
    calls = client.get(answer["Location"], headers={"HX-Request": "true", "HX-Target": "calls"}).content.decode()
    assert calls.count("<details>") == 6 and "batch-live" not in calls
    item = batch.items.first()
    assert item is not None
    assert "Nothing was sent to a model." in client.get(f"{answer['Location']}{item.pk}/").content.decode()
    assert client.get(f"{answer['Location']}0/").status_code == 404
    assert "6 of 6" in client.get("/p/acme/graders/batches/").content.decode()
    assert client.get(f"{answer['Location']}?status=odd").status_code == 404
    page = client.get(address).content.decode()
    assert "4 of 7 passed" in page


def test_arrivals(project: Project, alice: User, rita: User, as_user: SignedIn) -> None:
    version = a_version(project)
    client, address = as_user(alice), "/p/acme/graders/polite/"
    client.post(address, {"act": "arrivals", "scores_new": "1", "query": "agent:support", "rate": "25"})
    version.grader.refresh_from_db()
    assert (version.grader.scores_new, version.grader.query, version.grader.rate) == (True, "agent:support", 0.25)
    assert 'value="25"' in client.get(address).content.decode()
    for wrong, said in (
        ({"rate": "a lot"}, "from 0 to 100"),
        ({"query": "latency>"}, "latency"),
        ({"rate": "300"}, "share"),
    ):
        answer = client.post(address, {"act": "arrivals", "scores_new": "1", **wrong})
        assert answer.status_code == 422 and said in answer.content.decode()
    assert as_user(rita).post(address, {"act": "arrivals"}).status_code == 403
    assert client.post(address, {"act": "nonsense"}).status_code == 400
    client.post(address, {"act": "archive"})
    assert "Put aside" in client.get(address).content.decode()
    listed = client.get("/p/acme/graders/").content.decode()
    assert "Polite" not in listed and "?aside=1" in listed
    assert "Polite" in client.get("/p/acme/graders/?aside=1").content.decode()
    client.post(address, {"act": "restore"})
    assert "Polite" in client.get("/p/acme/graders/").content.decode()


def test_people_and_grader_side_by_side(project: Project, alice: User, rita: User, as_user: SignedIn) -> None:
    version = a_version(project)
    for number in range(60):
        trace = make.row(project, preview=f"Question {number}")
        a_score_of_row(trace, version, passed=number % 3 != 0)
        trace.verdict = "acceptable" if (number % 3 != 0) != (number in (0, 1, 2)) else "unacceptable"
        trace.save(update_fields=["verdict"])
    page = as_user(alice).get("/p/acme/graders/polite/").content.decode()
    assert "It passed what people rejected" in page and "Question 1" in page and "Question 0" in page
    assert "not drawn at random" in page and "Gwet" in page and "Spearman" not in page and "Both together" in page
    assert "Too few" not in page
    seen = as_user(rita).get("/p/acme/graders/polite/").content.decode()
    assert "It passed what people rejected" not in seen and "Gwet" in seen  # single verdicts are not told to reviewers


def a_score_of_row(trace: Any, version: GraderVersion, *, passed: bool) -> None:
    from curation.models import TraceRevision

    trace.revision = TraceRevision.objects.create(
        trace=trace, number=1, digest=trace.external_id, document={"conversations": []}
    )
    trace.save(update_fields=["revision"])
    a_score(trace, version, passed)


def test_a_judge_on_what_arrives_shows_its_price_first(
    project: Project, traces: list[Any], alice: User, as_user: SignedIn
) -> None:
    grader = graders.judge(graders.connect(project)).grader
    client, address = as_user(alice), "/p/acme/graders/helpful/"
    typed = {"act": "arrivals", "scores_new": "1", "query": "", "rate": "50"}
    page = client.post(address, typed).content.decode()
    assert re.search(r"At most about \$[\d.]+ a day", page) and "as were taken in over the last 7 days" in page
    grader.refresh_from_db()
    assert not grader.scores_new
    form = dict(re.findall(r'name="(confirmed|told|until)" value="([^"]*)"', page.split('id="past"')[0]))
    form = {name: unescape(value) for name, value in form.items()}
    assert set(form) == {"confirmed", "told", "until"}
    assert "To agree" not in client.post(address, typed | form | {"rate": "60"}).content.decode()  # another price first
    grader.refresh_from_db()
    assert not grader.scores_new
    make.trace(project)  # what comes meanwhile does not change what was shown
    assert client.post(address, typed | form).status_code == 302
    grader.refresh_from_db()
    assert grader.scores_new and grader.rate == 0.5


def test_a_judge_is_priced_and_its_failures_are_shown(
    project: Project, traces: list[Any], alice: User, as_user: SignedIn
) -> None:
    replies = iter(
        ['{"reason": "It says where.", "result": 0.9}', "I like it!", '{"reason": "No.", "result": 0.1}'] * 3
    )

    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        body = chat(asked)
        body["choices"][0]["message"]["content"] = next(replies)
        return 200, body

    seen: list[dict[str, Any]] = []
    with fake_openai(script, seen) as url:
        line = Connection.objects.create(
            project=project, name="Models", base_url=url, allow_private_host=True, max_concurrency=1,
            prices={"judge-1": {"input": 100, "output": 200}},
        )  # fmt: skip
        client = as_user(alice)
        form = {
            "goal_accuracy": "It says where.", "type": "score_model", "f_input__system": "Judge it.", "name": "Where",
            "f_input__user": "{{ sample.output_text }}", "f_model": "judge-1", "f_pass_threshold": "0.5", "mode": "form",
        }  # fmt: skip
        refused = client.post("/p/acme/graders/new/", form)
        assert refused.status_code == 422 and "choose the connection" in refused.content.decode()
        made = client.post("/p/acme/graders/new/", form | {"connection": str(line.uid)})
        page = client.get(made["Location"]).content.decode()
        price = re.search(r'name="confirmed" value="([\d.]+)"', page)
        assert price is not None and float(price[1]) > 0 and "At most $" in page and "5 calls" in page
        cheaper = client.post(made["Location"], {"act": "try", "seed": "1", "confirmed": "0.000001"})
        assert cheaper.status_code == 422 and "another one than was shown" in cheaper.content.decode()
        key = re.search(r'name="key" value="(\w+)"', page)
        assert key is not None
        form = {"act": "try", "seed": "1", "confirmed": price[1], "key": key[1]}
        tried = client.post(made["Location"], form)
        assert seen == [], "nobody waits for a model"
        page = client.get(tried["Location"]).content.decode()
        assert "every 1s" in page and "0 of 5" in page and page.count("Waiting") == 5 and "Use it" not in page
        assert trial.work(Trial.objects.get().pk, 60)
        page = client.get(tried["Location"]).content.decode()
        asked = len(seen)
        assert client.post(made["Location"], form)["Location"] == tried["Location"] and len(seen) == asked == 5
        Connection.objects.update(budget_usd="0.00001", spent_usd=0)
        poor = client.post(made["Location"], form | {"key": "another"})
        assert poor.status_code == 422 and "budget" in poor.content.decode() and len(seen) == asked
    assert page.count("No score") == 2 or page.count("No score") == 1
    assert "It says where." in page and "answer is not JSON" in page and "no score is no 0" in page
    assert "It cost $" in page


def test_samples_come_one_by_one(
    project: Project, traces: list[Any], alice: User, rita: User, as_user: SignedIn
) -> None:
    with fake_openai(graders.verdict) as url:
        version = graders.judge(graders.connect(project, url), confirmed=False)
        made = graders.tried(version)
        page, address = f"/p/acme/graders/helpful/1/?trial={made.uid}", "/p/acme/graders/helpful/1/"
        client, htmx = as_user(alice), {"HX-Request": "true"}
        TrialItem.objects.filter(trial=made, ordinal=0).update(status="done", score=0.5, reason="Half.", ms=1_200)
        TrialItem.objects.filter(trial=made, ordinal=1).update(status="asking")
        part = client.get(f"{page}&had=wwwww", headers=htmx).content.decode()
        assert "1 of 5" in part and "1 being asked, 3 waiting" in part and "had=dawww" in part and "Cancel" in part
        assert re.findall(r'id="said-(\d)".*hx-swap-oob', part) == ["0", "1"] and "0.50" in part and "1.2 s" in part
        part = client.get(f"{page}&had=dawww", headers=htmx).content.decode()
        assert "said-" not in part and "1 of 5" in part, "what is there already does not come again"
        used = client.post(address, {"act": "use", "trial": str(made.uid)})
        assert used.status_code == 422 and "Try it first" in used.content.decode(), "more may come"
        client.post(address, {"act": "cancel", "trial": str(made.uid)})
        part = client.get(f"{page}&had=dawww", headers=htmx).content.decode()
        assert (
            "Cancelled: what is under way still comes" in part and "every 1s" in part and part.count("Not asked") == 3
        )
        TrialItem.objects.filter(trial=made, status="asking").update(status="unknown", error="It ended.")
        part = client.get(f"{page}&had=daccc", headers=htmx).content.decode()
        assert "every 1s" not in part and "Outcome unknown" in part and "nobody asks again by itself" in part
        assert "3 were not asked" in part and "Use it" in part and "Test these again" in part
        assert 'id="trial-acts"' in part and part.count("hx-swap-oob") == 2
    assert as_user(rita).get(page).status_code == 200 and "Half." not in as_user(rita).get(page).content.decode()
    assert client.get("/p/acme/graders/helpful/1/?trial=nonsense").status_code == 404
    other = graders.code(project, confirmed=False)
    assert client.get(f"/p/acme/graders/{other.grader.slug}/1/?trial={made.uid}").status_code == 404


def test_whoever_looks_at_a_trial_can_confirm_after_it(
    project: Project, traces: list[Any], alice: User, ada: User, as_user: SignedIn
) -> None:
    as_user(alice).post("/p/acme/graders/new/", TYPED)
    as_user(alice).post("/p/acme/graders/says_where/1/", {"act": "try"})
    page = as_user(ada).get(f"/p/acme/graders/says_where/1/?trial={Trial.objects.get().uid}").content.decode()
    uid = re.search(r'name="trial" value="([^"]+)"', page)
    assert uid is not None and "Asked for by Alice Engineer" in page
    as_user(ada).post("/p/acme/graders/says_where/1/", {"act": "use", "trial": uid[1]})
    version = GraderVersion.objects.get()
    assert version.confirmed_by == str(ada) and version.tried["n"] == 5 and len(version.tried["rows"]) == 5


def test_forgetting_takes_a_trial_that_nobody_confirmed(
    project: Project, traces: list[Any], alice: User, as_user: SignedIn
) -> None:
    client = as_user(alice)
    client.post("/p/acme/graders/new/", TYPED)
    seen = client.post("/p/acme/graders/says_where/1/", {"act": "try"})["Location"]
    assert "Use it" in client.get(seen).content.decode()
    Trace.objects.update(user_id="u-1")
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-1"))
    assert client.get(seen).status_code == 404 and not Trial.objects.exists()


def test_a_batch_of_candidates_has_the_same_page(
    project: Project, traces: list[Any], alice: User, as_user: SignedIn
) -> None:
    batch = Batch.objects.create(
        project=project, kind="generate", status="done", total=2, done=1, failed=1, author="Alice",
        settings={"model": "m", "temperatures": [0.2, 1.0]},
    )  # fmt: skip
    done = BatchItem.objects.create(
        batch=batch, trace=traces[0], revision=traces[0].revision, ordinal=1, status="done", settings={"temperature": 1.0},
        prompt={"messages": [{"role": "user", "content": "<b>Where?</b>"}]}, answer={"message": {"content": "Here."}},
        grades={"polite@1": {"value": 0.75, "passed": True, "reason": "Kind.", "error": ""}}, input_tokens=12, output_tokens=3,
    )  # fmt: skip
    BatchItem.objects.create(
        batch=batch, trace=traces[1], revision=traces[1].revision, status="failed", error="Refused."
    )
    client = as_user(alice)
    page = client.get(f"/p/acme/graders/batches/{batch.uid}/").content.decode()
    assert (
        "2 candidates for pairs" in page
        and '<span class="wide-only">candidate </span>2 ·' in page
        and "Refused." in page
        and "Ask 1 failed again" in page
    )
    part = client.get(f"/p/acme/graders/batches/{batch.uid}/{done.pk}/").content.decode()
    assert "&lt;b&gt;Where?" in part and "0.75 Kind." in part and "temperature" in part and "12 in, 3 out" in part
    assert "Candidates" in client.get("/p/acme/graders/batches/").content.decode()


def test_a_version_of_an_earlier_engine_says_so(project: Project, alice: User, as_user: SignedIn) -> None:
    a_version(project, digest="0" * 64)
    client = as_user(alice)
    assert "with an earlier engine" in client.get("/p/acme/graders/polite/").content.decode()
    same = client.post(
        "/p/acme/graders/polite/change/", TYPED | {"type": "exact_match", "goal_tone": "Friendly.", "goal_accuracy": ""}
    )
    assert same["Location"].endswith("/polite/2/")  # nothing differs but the engine: still a version of its own
