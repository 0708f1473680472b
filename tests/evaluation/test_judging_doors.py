"""Doors of judged comparisons: the form, the page, the API and the command say the price before anything is asked."""

import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from evaluation.compare import cancel
from evaluation.models import Comparison, EvaluationRun, JudgeCall, Judging
from tests.evaluation import judged
from tests.evaluation.scripted import Judge, nonsense
from workspace.access import SYSTEM
from workspace.models import Project, Role, User

pytestmark = pytest.mark.django_db
URL = "/api/projects/acme/comparisons"


def send(client: Client, address: str, **body: Any) -> Any:
    return client.post(address, json.dumps(body), content_type="application/json")


def test_over_the_api(api: Callable[..., Client], project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    wish = judged.wish(project, test=4)
    body = {"dataset": wish.dataset, "candidate": wish.candidate, "graders": ["helpful"]}
    client = api(Role.ENGINEER)
    told = send(client, f"{URL}/price", **body).json()
    assert (told["answers"], told["items"], told["calls"], told["is_free"]) == (8, 8, 8, False)
    assert told["judges"][0] | {"price": ""} == {
        "grader": "helpful@1", "connection": "Judges", "models": ["judge-1"], "price": "", "items": 8, "calls": 8,
    }  # fmt: skip
    free = send(client, f"{URL}/price", **{**body, "graders": None}).json()
    assert (free["price"], free["is_free"], free["judges"]) == ("0.000000", True, [])
    refused = send(client, URL, **body)
    assert refused.status_code == 422 and refused.json()["error"]["details"][0]["where"] == "confirmed"
    less = send(client, URL, **body, confirmed="0.000001")
    assert less.status_code == 422 and "another one than was shown" in less.json()["error"]["message"]
    made = send(client, URL, **body, confirmed=told["price"])
    assert made.status_code == 201, made.content
    assert made.json()["judging"] == {
        "status": "waiting", "error": "", "agreed_usd": told["price"], "cost_usd": "0.000000",
        "counts": {"waiting": 0, "asking": 0, "done": 0, "failed": 0, "unknown": 0, "cancelled": 0},
    }  # fmt: skip
    here = f"{URL}/{made.json()['id']}"
    comparison = Comparison.objects.select_related("suite", "baseline__model", "candidate__model").get()
    judged.answer(comparison)
    judge.broken = lambda text: nonsense(text) if text.endswith(" 2") else None
    judged.finish(comparison)
    done = client.get(here).json()
    assert (done["judging"]["counts"]["done"], done["judging"]["counts"]["failed"]) == (6, 2)
    assert done["metrics"][0]["missing"] == 1 and Decimal(done["judging"]["cost_usd"]) == 8 * Decimal("0.000134")
    judgments = client.get(f"{here}/judgments").json()["items"]
    assert [(one["scenario"], one["side"]) for one in judgments[:3]] == [
        (1, "baseline"),
        (1, "candidate"),
        (2, "baseline"),
    ]
    assert judgments[0]["prompt"]["model"] == "judge-1" and (judgments[0]["value"], judgments[0]["reason"]) == (
        0.75,
        "It says so.",
    )
    assert judgments[2]["value"] is None and "not JSON" in judgments[2]["error"] and judgments[2]["cost_usd"]
    nothing = send(client, f"{here}/judging/price")
    assert nothing.status_code == 422 and "Nothing is left" in nothing.json()["error"]["message"]
    rest = send(client, f"{here}/judging/price", again_failed=True).json()
    assert rest["items"] == 2
    assert send(client, f"{here}/judging", again_failed=True).status_code == 422
    again = send(client, f"{here}/judging", again_failed=True, confirmed=rest["price"]).json()
    assert (again["status"], again["verdict"], again["judging"]["status"]) == ("running", None, "running")
    assert (again["sentence"], again["metrics"], again["decided_at"]) == ("", [], None)
    stopped = send(client, f"{here}/cancel").json()
    assert (stopped["status"], stopped["verdict"], stopped["judging"]["status"]) == (
        "done", done["verdict"], "cancelled",
    ), "what was concluded before stands"  # fmt: skip
    assert stopped["metrics"] == done["metrics"] and "What was concluded before stands." in stopped["status_reason"]
    assert send(client, f"{here}/cancel").status_code == 409


def test_the_form_shows_the_price_first_and_the_page_what_was_judged(
    project: Project, alice: User, as_user: Callable[[User], Client], judge: Judge, url: str
) -> None:
    judged.judge(project, url)
    wish = judged.wish(project, test=4)
    client = as_user(alice)
    from training.models import ModelVersion

    models = {str(one): str(one.uid) for one in ModelVersion.objects.all()}
    given: dict[str, Any] = {
        "candidate": models["support@2"], "baseline": "base", "questions": wish.dataset, "turns": "last",
        "max_new_tokens": 16, "temperature": 0, "accuracy": 95, "latency": 110, "cost": "", "graders": ["helpful"],
        "act": "start",
    }  # fmt: skip
    page = client.get("/p/acme/comparisons/new/").content.decode()
    assert "helpful: asks judge-1 through Judges, priced before it starts" in page
    shown = client.post("/p/acme/comparisons/new/", given)
    text = shown.content.decode()
    assert shown.status_code == 200 and not Comparison.objects.exists()
    assert "At most about $0.0" in text and "8 &times; judge-1" in text and "Compare at this price" in text
    bill = shown.context["bill"]
    agreed = {"confirmed": bill.whole.text, "told": shown.context["told"]}
    changed = client.post("/p/acme/comparisons/new/", {**given, **agreed, "max_new_tokens": 999})
    assert changed.status_code == 200 and not Comparison.objects.exists(), "another wish has another price"
    made = client.post("/p/acme/comparisons/new/", {**given, **agreed})
    assert made.status_code == 302 and judged.of(Comparison.objects.get()).agreed_usd == bill.whole.usd
    doubled = client.post("/p/acme/comparisons/new/", {**given, **agreed})
    assert doubled.url == made.url and Comparison.objects.count() == 1
    assert "Then they are judged, for at most about" in client.get(made.url).content.decode()
    comparison = Comparison.objects.select_related("suite", "baseline__model", "candidate__model").get()
    judged.answer(comparison, worse=lambda n: n < 3)
    Judging.objects.update(agreed_usd=Decimal("0.0003"))
    judged.finish(comparison)
    text = client.get(made.url).content.decode()
    assert "Judging stopped. It cost" in text and "3 of 8, $0.0004" in text and "Go on judging" in text
    judging = f"{made.url}judging/"
    priced = client.post(judging, {"act": "resume"})
    assert priced.url == f"{made.url}?price=resume#price"
    offer = client.get(f"{made.url}?price=resume")
    assert "5 &times; judge-1" in offer.content.decode()
    assert client.post(judging, {"act": "resume", "confirmed": offer.context["bill"].whole.text}).url == made.url
    assert "Judging" in client.get(made.url).content.decode()
    judge.broken = lambda text: nonsense(text) if text.endswith(" 4") else None
    judged.finish(comparison)
    text = client.get(f"{made.url}?at=1").content.decode()
    assert "Helpful 0.250: It says so." in text and "$0.0001" in text
    assert "Ask 2 failed again" in text and "2 &times; The judge" in text
    text = client.get(f"{made.url}?at=4").content.decode()
    assert "no judgment (failed). The judge&#x27;s answer is not JSON" in text
    offer = client.get(f"{made.url}?price=again-unknown").content.decode()
    assert "Nothing is left to be judged" in offer
    assert client.post(judging, {"act": "nonsense"}).status_code == 400


def test_the_command_prices_first(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    wish = judged.wish(project, test=2)
    given = {"project": "acme", "dataset": wish.dataset, "candidate": "support@2", "grader": ["helpful"]}
    with pytest.raises(CommandError, match=r"4 judgments would be made by helpful@1 with 4 calls, for at most \$.*"):
        call_command("compare_models", **given)
    told = judged.priced(project, wish)
    out = io.StringIO()
    call_command("compare_models", **given, confirm=told.whole.text, stdout=out)
    comparison = Comparison.objects.select_related("suite", "baseline__model", "candidate__model").get()
    judged.answer(comparison)
    call_command("compare_models", **given, confirm=told.whole.text, wait=True, json=True, stdout=out, stderr=out)
    found = json.loads(out.getvalue().splitlines()[-1])
    assert (found["judged"], found["without_judgment"], found["judging_cost_usd"]) == (4, 0, "0.000536")
    assert "4 of 4 judged, $0.0005" in out.getvalue()
    assert JudgeCall.objects.count() == 4 == sum(judge.asked.values())


def test_going_on_is_offered_only_where_both_models_answered(
    project: Project, alice: User, as_user: Callable[[User], Client], judge: Judge, url: str
) -> None:
    judged.judge(project, url)
    first = judged.start(project, judged.wish(project, test=4))
    judged.answer(first)
    assert cancel.cancel(comparison=first, actor=SYSTEM)
    client, address = as_user(alice), f"/p/acme/comparisons/{first.uid}/"
    assert "Go on judging" in client.get(address).content.decode(), "also before the first was asked"
    EvaluationRun.objects.filter(pk=first.candidate_id).update(status="cancelled")
    assert "Go on judging" not in client.get(address).content.decode()
