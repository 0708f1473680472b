"""An empty list says which value nobody has, and offers the filter with the nearest known one."""

import html
from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.test import Client

from curation import filters
from curation.browse.nearest import repair
from curation.ingest.parsed import ParsedScore
from curation.models import Trace
from curation.review import queues
from tests import make
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def trace(project: Project) -> Trace:
    return make.trace(
        project, agent="support-bot", model="gpt-5-mini", tags=["VIP"], metadata={"tier": "gold"},
        scores=[
            ParsedScore(name="helpful", number=0.5, external_id="1"),
            ParsedScore(name="tone", category="friendly", external_id="2"),
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "unknown", "meant"),
    [
        ("tool:get_orders error:no", ["tool get_orders"], "tool:get_order error:no"),
        ("agent:suport-bot model:gpt-5-mimi", ["agent suport-bot", "model gpt-5-mimi"], "agent:support-bot model:gpt-5-mini"),
        ("tag:vip", ["tag vip"], "tag:VIP"),
        ("score.helpfull>0.8", ["score named helpfull"], "score.helpful>0.8"),
        ("score.tone:frendly", ["score tone frendly"], "score.tone:friendly"),
        ("meta.tear:gold", ["metadata named tear"], "meta.tier:gold"),
        ("meta.tier:golt", ["metadata tier golt"], "meta.tier:gold"),
        ("step(tool:get_ordr error:yes)", ["tool get_ordr"], "step(tool:get_order error:yes)"),
        ("tool:get_order,set_ordr", ["tool set_ordr"], "tool:get_order"),
        ("(tool:get_ordr OR tag:a_b) -tool:get_orde", ["tool get_ordr"], "(tool:get_order OR tag:a_b) -tool:get_orde"),
    ],
)  # fmt: skip
def test_what_may_have_been_meant(project: Project, trace: Trace, typed: str, unknown: list[str], meant: str) -> None:
    found = repair(project=project, query=filters.parse(typed))
    assert found is not None and (found.unknown, found.text) == (unknown, meant)
    filters.parse(found.text)


@pytest.mark.parametrize(
    "typed",
    ["", "tool:get_order errors>5", "tool:send_rocket", "-tool:get_ordr", "score.helpful>0.9", "score.helpful:yes", "refund", "user:u-1",
     "judged:yes", "step(-tool:get_ordr kind:user)"],
)  # fmt: skip
def test_where_nothing_is_offered(project: Project, trace: Trace, typed: str) -> None:
    assert repair(project=project, query=filters.parse(typed)) is None


def test_other_projects_are_not_known(project: Project, trace: Trace, charlie: User) -> None:
    make.trace(Project.objects.get(slug="other"), agent="secret-agent")
    assert repair(project=project, query=filters.parse("agent:secret-agemt")) is None


def test_the_empty_list_offers_it(
    project: Project, trace: Trace, rita: User, as_user: Callable[[User], Client]
) -> None:
    page = as_user(rita).get("/p/acme/traces/", {"q": "tool:get_orders", "sort": "-steps"}).content.decode()
    said = " ".join(html.unescape(page).split())
    assert "No trace has the tool get_orders. Did you mean" in said
    assert f"q={quote('tool:get_order', safe='')}&sort=-steps" in said or "sort=-steps&q=tool%3Aget_order" in said
    assert "Did you mean" not in as_user(rita).get("/p/acme/traces/?q=tool:get_order+errors>5").content.decode()


def test_what_is_hidden_from_a_reviewer_is_not_offered_to_them(
    project: Project, rita: User, ada: User, as_user: Callable[[User], Client]
) -> None:
    for name, tone in (("secret", "awful"), ("open", "lawful")):
        make.trace(
            project, external_id=name, scores=[ParsedScore(name=f"{name}_grade", number=1), ParsedScore(name="tone", category=tone)]
        )  # fmt: skip
    queues.create(project=project, actor=Actor(user=ada), name="Second look", query="id:secret", is_blind=True)

    def meant(typed: str, reader: User | None) -> str:
        found = repair(project=project, query=filters.parse(typed), reader=reader)
        return found.text if found else ""

    assert meant("score.tone:awfl", None) == "score.tone:awful"
    assert meant("score.tone:awfl", rita) == meant("score.tone:awful", rita) == "score.tone:lawful"
    assert meant("score.secret_grad>0", None) == "score.secret_grade>0" and not meant("score.secret_grad>0", rita)
    assert meant("id:secret score.open_grad>0", rita) == "id:secret score.open_grade>0"
    for user, offered in ((ada, "tone:awful"), (rita, "tone:lawful")):
        assert f"{offered}<" in as_user(user).get("/p/acme/traces/?q=score.tone:awfl").content.decode()
