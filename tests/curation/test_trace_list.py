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
from curation.browse import complete, figures, rows
from curation.models import Score, Trace
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
    text = as_user(rita).get("/p/acme/traces/", {"q": '"<script>"'}).content.decode()
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
    assert counts[0] == counts[1] <= 8
    with CaptureQueriesContext(connection) as seen:
        assert client.get("/p/acme/traces/figures/").status_code == 200
    assert len(seen) <= 5


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
