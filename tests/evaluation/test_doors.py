"""API, pages and command: what they take, what they refuse and with which words."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from curation.messages.form import message
from evaluation.compare import read, request
from evaluation.compare.decide import Rules
from evaluation.models import Comparison, EvaluationRun
from evaluation.runs.request import read_settings
from tests import make
from training.models import ModelVersion
from workspace.access import SYSTEM
from workspace.models import Connection, Project, Role, User

pytestmark = pytest.mark.django_db
URL = "/api/projects/acme/comparisons"


@pytest.fixture
def sides(project: Project) -> tuple[ModelVersion, ModelVersion]:
    base = make.model(project, "support")
    return base, make.model(project, "support", base=base)


@pytest.fixture
def dataset(project: Project) -> str:
    return str(make.dataset_version(project, train=2, validation=0, test=4, said=make.tool_document))


def post(client: Client, **body: Any) -> Any:
    return client.post(URL, json.dumps(body), content_type="application/json")


def test_a_comparison_over_the_api(api: Callable[..., Client], dataset: str, sides: Any) -> None:
    base, tuned = sides
    client = api(Role.ENGINEER)
    made = post(client, dataset=dataset, candidate=str(tuned.uid))
    assert made.status_code == 201
    body = made.json()
    assert (body["status"], body["verdict"], body["baseline"], body["candidate"]) == (
        "running",
        None,
        "support@1",
        "support@2",
    )
    assert body["sides"]["candidate"]["scenarios"] == 4
    comparison = Comparison.objects.get(uid=body["id"])
    make.answered(comparison.suite, base, lambda n: True)
    make.answered(comparison.suite, tuned, lambda n: n > 1)
    request.settle_all()
    done = client.get(f"{URL}/{body['id']}").json()
    assert (done["status"], done["verdict"]) == ("done", "INCONCLUSIVE")
    assert "4 scenarios are too few" in done["sentence"]
    assert done["metrics"][0]["name"] == done["primary"] == "tool calls"
    assert [one["id"] for one in client.get(URL).json()["items"]] == [body["id"]]
    assert post(client, dataset=dataset, candidate="support@2", baseline="support@1").json()["id"] == body["id"]


@pytest.mark.parametrize(
    ("body", "where", "says"),
    [
        ({"dataset": "nope@1", "candidate": "support"}, "dataset", "no dataset version"),
        ({"dataset": "support@1", "candidate": "nobody"}, "candidate", "nobody"),
        ({"dataset": "support@1", "candidate": "support@1"}, "baseline", "not tuned here"),
        ({"dataset": "support@1", "candidate": "support", "baseline": "support@2"}, "candidate", "same model"),
        ({"candidate": "support"}, "dataset", "either"),
        ({"suite": "x", "candidate": "support"}, "suite", "no suite"),
        ({"dataset": "support@1", "candidate": "support", "settings": {"temperature": 9}}, "settings.temperature", "9"),
        ({"dataset": "support@1", "candidate": "support", "rules": {"latency": 0.5}}, "rules.latency", "0.5"),
        ({"dataset": "support@1", "candidate": "support", "most": 0}, "most", "At least one"),
        (
            {"dataset": "support@1", "candidate": "support", "graders": [{"type": "vibes", "name": "x"}]},
            "graders[0].type",
            "Known types",
        ),
        ({"dataset": "support@1", "candidate": "connection:x"}, "candidate", "no connection"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_field_and_asks_nobody(
    api: Callable[..., Client], dataset: str, sides: Any, body: dict[str, Any], where: str, says: str
) -> None:
    answer = post(api(Role.ENGINEER), **body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["details"][0]["where"] == where
    assert says in error["message"]
    assert not EvaluationRun.objects.exists()


def test_unknown_keys_are_refused(api: Callable[..., Client], dataset: str, sides: Any) -> None:
    assert post(api(Role.ENGINEER), dataset=dataset, candidate="support", rule={}).status_code == 422


def test_a_model_of_a_connection_is_registered_once(
    api: Callable[..., Client], project: Project, dataset: str, sides: Any
) -> None:
    Connection.objects.create(
        project=project, name="hosted", base_url="https://api.example.com/v1", default_model="m-1"
    )
    for text in ("connection:hosted", "connection:hosted/m-1"):
        assert post(api(Role.ENGINEER), dataset=dataset, candidate=text, baseline="support@1").status_code == 201
    assert ModelVersion.objects.filter(source="connection").count() == 1


def test_who_may_what(api: Callable[..., Client], dataset: str, sides: Any) -> None:
    assert post(api(Role.REVIEWER), dataset=dataset, candidate="support").status_code == 403
    made = post(api(Role.ENGINEER), dataset=dataset, candidate="support").json()
    assert api(Role.REVIEWER).get(f"{URL}/{made['id']}").status_code == 200
    assert api(Role.REVIEWER).get(f"{URL}/00000000-0000-0000-0000-000000000000").status_code == 404
    assert Client().get(URL).status_code == 401


def test_another_project_sees_nothing(
    api: Callable[..., Client], dataset: str, sides: Any, charlie: User, as_user: Callable[[User], Client]
) -> None:
    made = post(api(Role.ENGINEER), dataset=dataset, candidate="support").json()
    assert as_user(charlie).get(f"/p/other/comparisons/{made['id']}/").status_code == 404
    assert as_user(charlie).get(f"/p/acme/comparisons/{made['id']}/").status_code == 404


def test_the_form_says_what_is_wrong_beside_the_field(
    project: Project, alice: User, as_user: Callable[[User], Client], dataset: str, sides: Any
) -> None:
    client = as_user(alice)
    given = {
        "candidate": str(sides[0].uid), "baseline": "base", "questions": dataset, "turns": "last",
        "max_new_tokens": 16, "temperature": 0, "accuracy": 95, "latency": 110, "cost": "",
    }  # fmt: skip
    refused = client.post("/p/acme/comparisons/new/", given)
    assert refused.status_code == 422
    assert "was not tuned here" in refused.content.decode()
    made = client.post("/p/acme/comparisons/new/", {**given, "candidate": str(sides[1].uid)})
    assert made.status_code == 302
    comparison = Comparison.objects.get()
    assert comparison.rules == {"accuracy": 0.95, "latency": 1.1, "cost": None, "alpha": 0.05}
    assert client.get(made.url).status_code == 200


def test_the_page_of_a_scenario_that_is_not_there(
    project: Project, alice: User, as_user: Callable[[User], Client], sides: Any
) -> None:
    suite = make.suite(project, scenarios=4)
    make.answered(suite, sides[0], lambda n: True)
    make.answered(suite, sides[1], lambda n: n > 2)
    from evaluation.compare.decide import Rules
    from evaluation.runs.request import read_settings
    from workspace.access import SYSTEM

    made = request.request_comparison(
        suite=suite, baseline=sides[0], candidate=sides[1], settings=read_settings({}), rules=Rules(), actor=SYSTEM
    )
    request.settle(made)
    client = as_user(alice)
    url = f"/p/acme/comparisons/{made.uid}/"
    assert "broke" in client.get(url).content.decode()
    assert client.get(f"{url}?at=2").status_code == 200
    for query in ("?at=99", "?show=all"):
        assert client.get(url + query).status_code == 404
    assert client.get(f"{url}?at=x").status_code == 200


def test_what_models_say_is_never_markup(
    project: Project, alice: User, as_user: Callable[[User], Client], sides: Any
) -> None:
    from curation.messages.form import message
    from evaluation.compare.decide import Rules
    from evaluation.runs import answers
    from evaluation.runs.request import read_settings, request_run
    from workspace.access import SYSTEM

    suite = make.suite(
        project,
        scenarios=1,
        said=lambda n: make.document(message("user", "<i>hi</i>"), message("assistant", "x y z w v u t")),
    )
    for model, text in zip(sides, ("<script>alert(1)</script> a", "<img src=x onerror=alert(2)> a"), strict=True):
        run = request_run(suite=suite, model=model, settings=read_settings({}))
        said = message("assistant", text, tool_calls=[make.call("<svg>", '{"a": "</td><script>"}')])
        answers.store(run=run, said=[answers.Said(suite.scenarios.get(), said)])
        answers.finish(run)
    made = request.request_comparison(
        suite=suite, baseline=sides[0], candidate=sides[1], settings=read_settings({}), rules=Rules(), actor=SYSTEM
    )
    request.settle(made)
    page = as_user(alice).get(f"/p/acme/comparisons/{made.uid}/?at=1").content.decode()
    for bad in ("<script>alert", "<img src=x", "<svg>", "<i>hi"):
        assert bad not in page


def test_the_command_asks_and_prints_json(project: Project, dataset: str, sides: Any) -> None:
    out = io.StringIO()
    call_command("compare_models", project="acme", dataset=dataset, candidate="support", json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert (told["status"], told["verdict"], told["scenarios"]) == ("running", None, 4)
    suite = Comparison.objects.get().suite
    make.answered(suite, sides[0], lambda n: True)
    make.answered(suite, sides[1], lambda n: True)
    out = io.StringIO()
    call_command(
        "compare_models",
        project="acme",
        dataset=dataset,
        candidate="support",
        wait=True,
        stdout=out,
        stderr=io.StringIO(),
    )
    assert out.getvalue().startswith("INCONCLUSIVE: 4 scenarios are too few")


@pytest.mark.parametrize(
    ("options", "says"),
    [({"project": "nope"}, "no project"), ({"candidate": "nobody"}, "candidate: "), ({"dataset": "x@9"}, "dataset: ")],
)
def test_the_command_says_what_is_wrong(
    project: Project, dataset: str, sides: Any, options: dict[str, str], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("compare_models", **{"project": "acme", "dataset": dataset, "candidate": "support", **options})


def test_demo_models_alone_cannot_be_compared_and_the_page_says_so(
    project: Project, alice: User, as_user: Callable[[User], Client]
) -> None:
    make.dataset_version(project, test=4)
    client = as_user(alice)
    assert "No model yet" in client.get("/p/acme/comparisons/new/").content.decode()
    for number in (1, 2):
        ModelVersion.objects.create(
            project=project, name="made-up", number=number, source="connection", reference="x", is_simulated=True
        )
    page = client.get("/p/acme/comparisons/new/").content.decode()
    assert "None of your 2 models can answer here: demo models are only labels." in page
    assert "/p/acme/runs/new/" in page and "/p/acme/settings/#connections" in page
    listed = client.get("/p/acme/models/").content.decode()
    assert "demo</span>" in listed and "connection</span>" not in listed


def test_a_scenario_shows_the_question_before_what_tools_answered(
    project: Project, sides: Any, rita: User, as_user: Callable[[User], Client]
) -> None:
    def said(number: int) -> Any:
        return make.document(
            message("system", "You help customers."),
            message("user", "Hello."),
            message("assistant", "How can I help?"),
            message("user", f"Where is my parcel {number}?"),
            message("assistant", "", tool_calls=[make.call("track", '{"parcel": 7}')]),
            make.tool_result('{"status": "in transit"}'),
            message("assistant", "On its way."),
        )

    base, tuned = sides
    suite = make.suite(project, scenarios=3, said=said)
    for model, right in ((base, lambda n: False), (tuned, lambda n: True)):
        make.answered(suite, model, right)
    made = request.request_comparison(
        suite=suite, baseline=base, candidate=tuned, settings=read_settings({}), rules=Rules(), actor=SYSTEM
    )
    request.settle(made)
    asked = read.scenario(made, 1).asked
    assert asked.request.startswith("Where is my parcel")
    assert [(one.role, one.text) for one in asked.before] == [("user", "Hello."), ("assistant", "How can I help?")]
    assert [(one.role, one.text, one.calls) for one in asked.since] == [
        ("assistant", "", [("track", '{"parcel": 7}')]),
        ("tool", '{"status": "in transit"}', []),
    ]
    html = as_user(rita).get(f"/p/acme/comparisons/{made.uid}/?at=1").content.decode()
    assert 0 < html.index("2 messages before it") < html.index(asked.request, html.index("before it"))
    assert html.index(asked.request, html.index("before it")) < html.index("in transit")


def test_the_form_offers_a_baseline_that_fits_the_candidate(
    project: Project, dataset: str, alice: User, as_user: Callable[[User], Client]
) -> None:
    for name in ("hosted-a", "hosted-b"):
        Connection.objects.create(project=project, name=name, base_url="http://x.invalid/v1", default_model="m")
    client = as_user(alice)

    def offered(address: str = "") -> tuple[list[str], Any]:
        form = client.get(f"/p/acme/comparisons/new/{address}").context["form"]
        return [key for key, _ in form.fields["baseline"].choices], form["baseline"].value()

    both = ["connection:hosted-a", "connection:hosted-b"]
    assert offered() == (both, both[1]), "no model here was tuned from another, and the first is the candidate"
    base = make.model(project, "support")
    tuned = make.model(project, "support", base=base)
    assert offered() == (["base", str(tuned.uid), str(base.uid), *both], "base")
    assert offered(f"?candidate={base.uid}")[1] == str(tuned.uid), "it has no base"
    assert "What the two models cost to answer" in client.get("/p/acme/comparisons/new/").content.decode()
