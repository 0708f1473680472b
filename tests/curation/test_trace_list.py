"""The trace list, its figures, acts on many traces, completion, and the API beside it."""

import html
import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from curation import filters
from curation.browse import complete, figures, notice, patience, rows
from curation.models import Comment, PersonalData, ReviewQueue, Rollup, Score, Trace, TraceRevision, TraceText
from tests import make
from workspace.models import Role

pytestmark = pytest.mark.django_db


def fill(project, count=5):
    now = timezone.now()
    return [
        make.row(
            project, received_at=now - timedelta(minutes=n), agent="support" if n % 2 else "coder",
            latency_ms=1000 * (n + 1), errors=n % 3, tags=["vip"] if n % 2 else [],
            cost_usd=Decimal("0.01") * n or None, input_tokens=100 * n or None,
        )
        for n in range(count)
    ]  # fmt: skip


def listed(response):
    return re.findall(r'id="t-([0-9a-f-]{36})"', response.content.decode())


def test_the_list_shows_every_row_newest_first(project, rita, as_user):
    made = fill(project)
    page = as_user(rita).get("/p/acme/traces/")
    assert page.status_code == 200
    assert listed(page) == [str(row.uid) for row in made]


def test_pages_hang_together_in_every_order(project, rita, as_user):
    made = fill(project, 130)
    for number, row in enumerate(made[:100]):
        Score.objects.create(project=project, trace=row, name="reward", source="code", number=number % 7 / 7)
    client = as_user(rita)
    for sort in [
        "",
        "seen",
        "-cost",
        "cost",
        "-tokens",
        "tokens",
        "-time",
        "-errors",
        "agent",
        "-score.reward",
        "score.reward",
    ]:
        seen, query = [], {"sort": sort}
        pages = []
        while True:
            page = client.get("/p/acme/traces/", query)
            pages.append(listed(page))
            seen += pages[-1]
            older = re.search(r'rel="next" href="\?([^"]*)"', page.content.decode())
            if not older:
                break
            query = dict(part.split("=") for part in older[1].replace("&amp;", "&").split("&"))
            assert query.get("sort", "") == sort
        assert len(seen) == 130 and len(set(seen)) == 130, sort
        newer = re.search(r'rel="prev" href="\?([^"]*)"', page.content.decode())
        back = client.get("/p/acme/traces/?" + newer[1].replace("&amp;", "&"))
        assert listed(back) == pages[-2], sort


def test_missing_values_stand_last_and_show_a_dash(project, rita, as_user):
    known = make.row(project, cost_usd=Decimal("0.5"), latency_ms=36_900)
    unknown = make.row(project)
    for sort in ("cost", "-cost", "time", "-time", "tokens", "-score.x"):
        if "cost" in sort or "time" in sort:
            assert listed(as_user(rita).get("/p/acme/traces/", {"sort": sort})) == [str(known.uid), str(unknown.uid)], (
                sort
            )
    text = as_user(rita).get("/p/acme/traces/", {"q": f"id:{unknown.uid}"}).content.decode()
    assert "–" in text and "$0" not in text and ">0 ms<" not in text


def test_a_person_beats_a_judge_in_the_score_column(project, rita, as_user):
    row = make.row(project)
    for source, number in (("human", 0.25), ("judge", 0.875)):
        Score.objects.create(project=project, trace=row, name="helpful", source=source, number=number, low=0, high=1)
    page = as_user(rita).get("/p/acme/traces/").content.decode()
    assert "0.25" in page and "0.88" not in page and 'data-var-v="25%"' in page


def test_the_address_filters_and_an_error_marks_its_place(project, rita, as_user):
    fill(project)
    client = as_user(rita)
    assert len(listed(client.get("/p/acme/traces/", {"q": "agent:support"}))) == 2
    wrong = client.get("/p/acme/traces/", {"q": "agnet:support"})
    text = wrong.content.decode()
    assert wrong.status_code == 422 and "<mark>agnet</mark>" in text and "?q=agent%3Asupport" in text
    assert "Clear all" in text and 'aria-label="Quick filters"' in text  # ways out of it
    assert client.get("/p/acme/traces/figures/", {"q": "agnet:support"}).status_code == 204
    assert client.get("/p/acme/traces/", {"sort": "colour"}).status_code == 400
    for cursor in ("x", "W10", "WzEsMiwzXQ", "W2ZhbHNlLCAiYWJjIiwgInh5eiJd"):
        assert client.get("/p/acme/traces/", {"cursor": cursor}).status_code == 400, cursor


def test_hostile_content_is_only_text(project, rita, as_user):
    make.row(project, preview="<script>alert(1)</script>", agent='"><img src=x>', tags=["<b>"])
    text = as_user(rita).get("/p/acme/traces/", {"q": 'agent:"\\"><img src=x>"'}).content.decode()
    assert "<script>alert" not in text and "<img src=x" not in text and "&lt;script&gt;alert" in text


def test_nothing_yet_shows_how_to_send(project, rita, alice, as_user):
    text = as_user(alice).get("/p/acme/traces/").content.decode()
    assert "Waiting for your first trace" in text and "http://testserver/v1/traces" in text
    assert as_user(rita).get("/p/acme/traces/waiting/").status_code == 204
    make.row(project)
    assert as_user(rita).get("/p/acme/traces/waiting/")["HX-Refresh"] == "true"


def test_no_match_names_the_condition_in_the_way(project, rita, as_user):
    fill(project)
    text = as_user(rita).get("/p/acme/traces/", {"q": "agent:support tag:smoke"}).content.decode()
    assert "No trace matches" in text
    assert re.findall(r"<code>([^<]+)</code></a>", text) == ["tag:smoke"]


def test_query_count_is_the_same_for_5_and_50_rows(project, rita, as_user):
    client = as_user(rita)
    counts = []
    for add in (5, 60):
        fill(project, add)
        for row in Trace.objects.all():
            Score.objects.create(project=project, trace=row, name="reward", source="code", number=0.5)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get("/p/acme/traces/?q=agent:support,coder").status_code == 200
        counts.append(len(seen))
    # three of them are the savepoint and the end of the time limit inside the test's own transaction
    assert counts[0] == counts[1] <= 11
    with CaptureQueriesContext(connection) as seen:
        assert client.get("/p/acme/traces/figures/").status_code == 200
    assert len(seen) <= 11


def fragment(client, name, **params):
    answer = client.get(f"/p/acme/traces/{name}/", params)
    return " ".join(re.sub(r"<[^>]+>", "", answer.content.decode()).split()) if answer.status_code == 200 else None


def test_what_is_not_shown_is_counted_and_can_be_shown(project, rita, as_user, monkeypatch):
    made = fill(project, 8)
    now = timezone.now()
    client = as_user(rita)
    Trace.objects.filter(pk=made[7].pk).update(is_replay=True)
    assert fragment(client, "count") == "of 7 · 1 replay not shown: show"
    Trace.objects.filter(pk__in=[row.pk for row in made[:2]]).update(archived_at=now)
    Trace.objects.filter(pk__in=[row.pk for row in made[1:4]]).update(is_empty=True)
    assert fragment(client, "count") == "of 3 · 2 archived, 2 empty and 1 replay not shown: show"
    assert fragment(client, "count", q="replay:yes") == "of 1"
    Trace.objects.filter(pk=made[7].pk).update(is_replay=False)
    assert fragment(client, "count") == "of 4 · 2 archived and 2 empty not shown: show"
    assert fragment(client, "count", q="agent:support") == "of 2 · 1 archived and 1 empty not shown: show"
    assert fragment(client, "count", q="archived:yes") == "of 1 · 1 empty not shown: show"
    assert fragment(client, "count", q="archived:yes,no empty:yes,no") == "of 8"
    link = re.search(r'href="([^"]+)"', client.get("/p/acme/traces/count/", {"q": "agent:coder"}).content.decode())[1]
    assert len(listed(client.get(html.unescape(link)))) == 4
    TraceText.objects.create(project=project, trace=made[5], received_at=now, words="", cut=True)
    part = "of 1 very long trace only the first part is searched"
    assert fragment(client, "count", q="nowhere").endswith(f"· {part}") and part not in fragment(client, "count")
    monkeypatch.setattr(notice, "MOST", 2)
    assert fragment(client, "count") == "of 2+ · at least 1 archived and 2 empty not shown: show"
    assert fragment(client, "count", q="agnet:x") is None


def test_arrivals_are_counted_from_the_newest_row_on(project, rita, as_user, monkeypatch):
    fill(project, 3)
    client = as_user(rita)
    page = client.get("/p/acme/traces/", {"q": "agent:support"}).content.decode()
    ask = html.unescape(re.search(r'id="arrivals"[^>]*data-ask="([^"]+)"', page)[1])
    assert client.get(ask).status_code == 204
    make.row(project, agent="coder")
    assert client.get(ask).status_code == 204
    for _ in range(3):
        make.row(project, agent="support")
    assert client.get(ask).content.decode().strip() == "3 new traces"
    monkeypatch.setattr(notice, "MOST_ARRIVALS", 2)
    assert client.get(ask).content.decode().strip() == "2+ new traces"
    assert client.get("/p/acme/traces/arrivals/", {"after": "x"}).status_code == 400
    assert (
        'id="arrivals"' not in client.get("/p/acme/traces/", {"sort": "cost"}).content.decode()
    )  # nothing comes on top there


def test_an_order_without_an_index_is_made_among_the_newest_and_says_so(project, rita, as_user, monkeypatch):
    made = fill(project, 12)
    monkeypatch.setattr(rows, "WINDOW", 5)
    page = as_user(rita).get("/p/acme/traces/", {"sort": "-time"})
    assert "sorted among the newest 5" in page.content.decode()
    assert listed(page) == [str(row.uid) for row in reversed(made[:6])]
    assert (
        "sorted among" not in as_user(rita).get("/p/acme/traces/", {"sort": "-time", "q": "errors>1"}).content.decode()
    )


def test_what_takes_too_long_says_so_and_offers_a_date(project, rita, as_user, api, monkeypatch):
    fill(project, 3)

    def sleeps(*arguments, **given):
        return Trace.objects.extra(where=["pg_sleep(0.2) IS NOT NULL"])

    monkeypatch.setattr(rows.filters, "apply", sleeps)
    monkeypatch.setattr(patience, "SECONDS", 0.05)
    monkeypatch.setattr(rows, "patience", lambda: patience.patience(0.05))
    page = as_user(rita).get("/p/acme/traces/", {"q": "agent:support"})
    text = page.content.decode()
    assert page.status_code == 200 and "This takes too long" in text and "?q=agent%3Asupport+since%3A24h" in text
    monkeypatch.setattr("curation.api.traces.SECONDS", 0.05)
    answer = api().get("/api/projects/acme/traces", {"q": "agent:support"})
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "too_slow"


def test_columns_are_chosen_in_the_address(project, rita, as_user):
    row = make.row(
        project, session_id="s-9", tools=["refund", "search"], metadata={"tier": "gold", "who": {"name": "Ann"}, "n": 3}
    )
    Score.objects.create(project=project, trace=row, name="helpful", source="code", number=0.25)
    client = as_user(rita)
    asked = ["session", "meta.tier", "score.helpful", "meta.who.name", "tools", "judgment", "meta.n"]
    text = client.get("/p/acme/traces/", {"col": asked}).content.decode()
    heads = re.findall(r"<th scope=\"col\"[^>]*>(?:<a [^>]*>)?([^<]+)", text)
    assert heads == ["Request", "Session", "tier", "helpful", "who.name", "Tools", "Judgment", "n"]
    cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", text, re.DOTALL)]
    assert cells[2:6] == ["s-9", "gold", "0.25", "Ann"] and cells[6] == "refund, search" and cells[8] == "3"
    assert "cannot be sorted" in text  # by a session
    assert client.get("/p/acme/traces/", {"col": "colour"}).status_code == 400
    assert client.get("/p/acme/traces/", {"col": [f"meta.{n}" for n in range(30)]}).status_code == 400
    menu = client.get("/p/acme/traces/columns/", {"col": ["session", "meta.tier"], "q": "x"}).content.decode()
    assert re.findall(r'value="([^"]+)" checked', menu) == ["session", "meta.tier"]
    assert 'value="score.helpful"' in menu and 'value="meta.who"' in menu and 'name="q" value="x"' in menu


def test_figures_are_counted_and_never_guessed(project, monkeypatch):
    now = timezone.now()
    assert figures.measure(project=project, query=filters.parse(""), now=now) == figures.Figures()
    for n, verdict in enumerate(["acceptable", "acceptable", "unacceptable", "unsure", "", ""]):
        make.row(project, verdict=verdict, latency_ms=1000 * n, received_at=now - timedelta(days=2 * n), errors=n == 5)
    Trace.objects.filter(verdict="unsure").update(verdict_stale=True, cost_usd=Decimal("0.2"))
    found = figures.measure(project=project, query=filters.parse(""), now=now)
    assert (found.traces, found.recent, found.judged, found.decided, found.accepted, found.failed) == (6, 4, 3, 3, 2, 1)
    assert found.mean_cost == Decimal("0.2") and found.costed == 1
    assert (found.middle_ms, found.slow_ms) == (2000, 5000)
    assert sum(found.over_time["traces"]) == 6 and None in found.over_time["cost"]
    assert figures.measure(project=project, query=filters.parse("judged:no"), now=now).mean_cost == Decimal("0.2")
    monkeypatch.setattr(figures, "MOST", 4)
    bounded = figures.measure(project=project, query=filters.parse(""), now=now)
    assert bounded.more and bounded.traces == 4


# --- completion
def texts(project, text, at=None):
    return [one.text for one in complete.suggest(project=project, text=text, at=len(text) if at is None else at)]


def test_completion_knows_fields_and_what_traces_hold(project):
    row = make.row(project, agent="support bot", tags=["vip"], tools=["refund", "get_order"], metadata={"tier": "gold"})
    Score.objects.create(project=project, trace=row, name="helpful", source="code", category="very")
    assert texts(project, "ag") == ["agent:"]
    assert texts(project, "step(to") == ["step(tool:", "step(tokens>"]
    assert texts(project, "step(tool:ref) tool", 13) == ["step(tool:refund) tool"]
    assert texts(project, "step(error:yes -tool:re") == ["step(error:yes -tool:refund "]
    assert texts(project, "step() th") == ["step() then step("]
    assert texts(project, "(step() st")[:1] == ["(step() step("]
    assert texts(project, "x -agent:sup") == ['x -agent:"support bot" ']
    assert texts(project, "tool:refund,get") == ["tool:refund,get_order "]
    assert texts(project, "judged:un") == ["judged:unacceptable ", "judged:unsure "]
    assert texts(project, "score.") == ["score.helpful"]
    assert texts(project, "score.helpful:") == ["score.helpful:very "]
    assert texts(project, "meta.") == ["meta.tier:"]
    assert texts(project, "meta.tier:") == ["meta.tier:gold "]
    assert texts(project, "lat -tag:vip", 3) == ["latency> -tag:vip"]
    assert texts(project, '"quoted ag') == [] and texts(project, "nothing:x") == []
    assert len(texts(project, "")) == complete.MOST
    for text in ('agent:"', "(((", "::::", "score.\0", "meta.a.b:", "-", '\\"'):
        complete.suggest(project=project, text=text, at=3)


def test_completion_counts_what_it_offers(project, rita):
    rows_made = [make.row(project, agent=name, tags=["vip"]) for name in ("bot", "bot", "other")]
    labels = [(one.label, one.count) for one in complete.suggest(project=project, text="agent:", at=6)]
    assert labels == [("bot", 2), ("other", 1)]
    Rollup.objects.create(
        project=project, hour=timezone.now(), is_day=True, agent="bot", model="", traces=1_200_000, errors=0, judged=0,
        acceptable=0, unacceptable=0, costed=0, timed=0,
    )  # fmt: skip
    labels = [(one.label, one.count) for one in complete.suggest(project=project, text="agent:b", at=7)]
    assert labels == [("bot", 1_200_000)]  # all of them, by the sums
    comment = {"project": project, "trace": rows_made[0], "text": "Look", "author": "Rita Reviewer"}
    revision = TraceRevision.objects.create(trace=rows_made[0], number=1, digest="1", document={})
    Comment.objects.create(**comment, revision=revision)
    PersonalData.objects.create(project=project, trace=rows_made[0], revision=revision, kind="email", count=1)
    ReviewQueue.objects.create(project=project, slug="hard", name="Hard")
    assert texts(project, "comment:r") == ["comment:resolved ", 'comment:"Rita Reviewer" ']
    assert texts(project, "personal:") == ["personal:email "] and texts(project, "queue:") == ["queue:hard "]


def test_completion_sees_its_own_project_only(project, charlie):
    make.row(charlie.projects.get(), agent="secret-agent")
    assert texts(project, "agent:") == []


# --- API
def test_api_lists_by_filter_and_cursor(project, api):
    made = fill(project, 5)
    Score.objects.create(project=project, trace=made[0], name="ok", source="code", boolean=True)
    client = api(Role.REVIEWER)
    first = client.get("/api/projects/acme/traces", {"limit": 2}).json()
    second = client.get("/api/projects/acme/traces", {"limit": 2, "cursor": first["next"]}).json()
    third = client.get("/api/projects/acme/traces", {"limit": 2, "cursor": second["next"]}).json()
    ids = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert ids == [str(row.uid) for row in made] and third["next"] is None
    assert first["items"][0]["scores"] == {"ok": True}
    assert first["items"][0]["verdict"] is None and first["items"][0]["cost_usd"] is None
    found = client.get("/api/projects/acme/traces", {"q": "agent:support latency>3s"}).json()
    assert [item["id"] for item in found["items"]] == [str(made[3].uid)]


def test_api_says_what_is_wrong_with_a_filter(project, api):
    answer = api().get("/api/projects/acme/traces", {"q": "a judged:maybe"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "bad_filter" and error["details"][0]["where"] == "q, character 10"
    assert "acceptable" in error["message"]
    assert api().get("/api/projects/acme/traces", {"sort": "colour"}).json()["error"]["code"] == "bad_sort"
    assert api().get("/api/projects/acme/traces", {"limit": 5000}).status_code == 422
    assert api().get("/api/projects/acme/traces", {"cursor": "!!"}).status_code == 400


def test_api_reads_one_trace_in_the_internal_form(project, api, alice):
    trace = make.trace(project, metadata={"tier": "gold"})
    make.judgment(trace, alice, "unsure", note="Hm.")
    Score.objects.create(project=project, trace=trace, name="reward", source="code", number=1.0, reason="solved")
    body = api(Role.REVIEWER).get(f"/api/projects/acme/traces/{trace.uid}").json()
    assert body["document"] == trace.revision.document and body["revision"] == 1
    arguments = [
        c["arguments"] for m in body["document"]["conversations"][0]["messages"] for c in m.get("tool_calls", [])
    ]
    assert arguments and all(isinstance(text, str) and json.loads(text) for text in arguments)
    assert body["judgments"][0]["verdict"] == "unsure" and body["judgments"][0]["revision"] == 1
    assert body["all_scores"][0]["reason"] == "solved" and body["metadata"] == {"tier": "gold"}
    assert api().get("/api/projects/acme/traces/018f0000-0000-7000-8000-000000000000").status_code == 404


def test_heat_is_against_the_median(project):
    for ms in (1000, 1000, 1000, 5000, None):
        make.row(project, latency_ms=ms)
    page = rows.page(project=project, query=filters.parse(""), order=rows.read_order("-time"), cursor="", size=10)
    assert [row.heat for row in page.rows] == [4, 0, 0, 0, 0]


def test_the_curl_snippet_of_the_empty_page_works_as_it_stands(project, alice, as_user, api):
    page = html.unescape(as_user(alice).get("/p/acme/traces/").content.decode())
    snippet = page.split('id="snippet-curl"')[1].split("</pre>")[0]
    address = re.search(r"curl http://testserver(\S+)", snippet)[1]
    body = re.search(r"-d '(.*)'", snippet, re.DOTALL)[1]
    answer = api().post(address, body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["created"] == 1
    assert api().get("/api/projects/acme/traces").json()["items"][0]["external_id"] == "first"
