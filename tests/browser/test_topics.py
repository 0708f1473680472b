"""Topics and the difference of two versions in a real browser: made, given, clustered, compared, all of it undone by z."""

import random
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from curation.datasets import build, topic_proposals, topics
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import signatures
from curation.models import Clustering, Topic, Trace, TraceTopic
from tests import make
from tests.browser_fixtures import Server, shoot
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]
ABOUT = {
    "refund": "i want my money back for the broken lamp please refund the payment to my card",
    "login": "my login does not work any more and i forgot the password of my account",
    "delivery": "when does the parcel courier come with the delivery to my address in town",
}


def traces(project: Project, each: int = 8) -> list[Trace]:
    """Traces about three things, with signatures."""
    drawn = random.Random(3)
    made = []
    for name, text in ABOUT.items():
        for number in range(each):
            said = text.split()
            said[drawn.randrange(len(said))] = f"w{number}"
            made.append(
                rows.trace(
                    project, make.short_document(question=" ".join(said)), tags=[name], task_id=f"{name}{number}"
                )
            )
    list(signatures.fill(trace.revision_id or 0 for trace in made))
    return made


def test_topics_are_made_by_rule_and_everything_comes_back(
    project: Project, alice: User, server: Server, sign_in: SignIn, axe: Callable[[], None], complaints: list[str]
) -> None:
    traces(project)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/")
    page.keyboard.press("g")
    page.keyboard.press("b")
    expect(page.locator("h1")).to_have_text("Topics")
    axe()
    page.keyboard.press("n")
    page.keyboard.type("Refunds")
    page.locator("#topic-query").fill("tag:refund")
    expect(page.locator("#rule-told")).to_contain_text("8 traces match, such as:")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("The topic “Refunds” is there.")
    expect(page.locator(".topics tbody tr")).to_have_count(1)
    page.keyboard.press("z")
    expect(page.locator("h2", has_text="No topic yet")).to_be_visible()
    for name, query, parent in (
        ("Orders", "tag:refund,delivery", ""),
        ("Refunds", "tag:refund", "Orders"),
        ("Login", "tag:login", ""),
    ):
        page.get_by_label("Name").fill(name)
        page.locator("#topic-query").fill(query)
        page.get_by_label("Below").select_option(label=parent or "nothing: at the top")
        page.get_by_role("button", name="Add").click()
        expect(page.locator(".topics tbody")).to_contain_text(name)
    # a rule that asks what was said of a trace is not kept, and what was typed stays
    page.get_by_label("Name").fill("Good ones")
    page.locator("#topic-query").fill("judged:acceptable")
    expect(page.locator("#rule-told .error")).to_contain_text("not what was said of it")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_label("Name")).to_have_value("Good ones")
    expect(page.locator("#topic-query")).to_have_attribute("aria-invalid", "true")
    page.goto(f"{server.url}/p/acme/topics/")
    first = page.locator(".topics tbody tr").first
    expect(first).to_contain_text("16")
    expect(page.locator(".tiles")).to_contain_text("excellent")
    axe()
    shoot(page, "topics")
    page.get_by_role("button", name="Login: up").click()
    expect(page.locator(".topics tbody tr").first).to_contain_text("Login")
    # one topic: its rule changed, and back by z; removed, and back by z
    page.get_by_role("link", name="Refunds").click()
    expect(page.locator("h1")).to_have_text("Refunds")
    expect(page.locator(".like.roomy li")).to_have_count(8)
    axe()
    shoot(page, "topic")
    page.locator("#topic-query").fill("tag:none")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved.")
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("as before")
    assert Topic.objects.get(slug="refunds").query == "tag:refund"
    page.goto(f"{server.url}/p/acme/topics/orders/")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".toast")).to_contain_text("was removed")
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("is back")
    assert Topic.objects.get(slug="refunds").parent == Topic.objects.get(slug="orders")
    assert not [line for line in complaints if "422" not in line]


def test_a_topic_is_given_on_a_trace_and_to_many(
    project: Project, rita: User, server: Server, sign_in: SignIn, axe: Callable[[], None], complaints: list[str]
) -> None:
    made = traces(project, each=2)
    topics.create(project=project, actor=Actor(), name="Refunds", query="tag:refund")
    topics.create(project=project, actor=Actor(), name="Odd")
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/{made[0].uid}/")
    picker = page.get_by_label("Topic of this trace")
    expect(picker.locator("option:checked")).to_have_text("Refunds (by rule)")
    expect(page.locator("#topic-of:not(.htmx-added)")).to_be_visible()  # it listens from then on
    picker.select_option(label="Odd")
    expect(page.locator("#topic-of")).to_contain_text("Kept: given by hand.")
    assert topics.of_trace(made[0])[1] == "hand"
    expect(page.locator("#topic-of:not(.htmx-added)")).to_be_visible()
    page.get_by_label("Topic of this trace").select_option(index=0)
    expect(page.locator("#topic-of")).to_contain_text("Taken back: Refunds by rule.")
    axe()
    page.goto(f"{server.url}/p/acme/traces/?q=topic:refunds")
    expect(page.locator(".traces tbody tr")).to_have_count(2)
    page.locator("[data-tick-all]").check()
    page.get_by_label("Topic to give").select_option(label="Odd")
    axe()
    shoot(page, "topic-given")
    page.get_by_role("button", name="Give topic").click()
    expect(page.locator(".toast")).to_contain_text("2 traces of the topic “odd” now.")
    assert TraceTopic.objects.filter(topic__slug="odd", source="hand").count() == 2
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("2 traces of the topic that they had before.")
    assert not TraceTopic.objects.exists()
    assert not complaints


def test_clusters_are_proposed_accepted_and_taken_back(
    project: Project, alice: User, server: Server, sign_in: SignIn, axe: Callable[[], None], complaints: list[str]
) -> None:
    traces(project)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/topics/")
    page.keyboard.press("c")
    expect(page.locator("h1")).to_have_text("Topics by clustering")
    page.get_by_label("Clusters", exact=True).fill("3")
    page.get_by_role("button", name="Propose").click()
    expect(page.locator(".clusters > li")).to_have_count(3)
    expect(page.locator(".clusters")).to_contain_text("password")
    expect(page.locator(".clusters input:checked")).to_have_count(0)
    for box in page.locator(".clusters input[type=checkbox]").all():
        box.check()
    axe()
    shoot(page, "topic-clusters")
    page.get_by_label("Name of cluster 1").fill("First")
    page.locator(".cluster-head [type=checkbox]").nth(2).uncheck()
    page.get_by_role("button", name="Make topics of the ticked").click()
    expect(page.locator(".toast")).to_contain_text("2 topics made; 16 traces are of them.")
    expect(page.locator(".topics")).to_contain_text("8 by cluster")
    # the message goes after seconds, the way back stays
    page.reload()
    expect(page.locator(".toast")).to_have_count(0)
    accepted = page.get_by_role("region", name="Accepted clusters")
    expect(accepted).to_contain_text("16 traces got topics from clusters")
    expect(accepted).to_contain_text("by Alice Engineer")
    axe()
    shoot(page, "topics-accepted")
    accepted.get_by_role("button", name="Take back").click()
    expect(page.locator(".toast")).to_contain_text("The clusters are gone again: 16 traces are without them.")
    assert not Topic.objects.exists()
    assert not complaints


def test_many_are_clustered_behind_seen_cancelled_and_kept(
    project: Project, alice: User, server: Server, sign_in: SignIn, axe: Callable[[], None], complaints: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(topic_proposals, "AT_ONCE", 3)
    traces(project)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/topics/clusters/")
    page.get_by_label("Clusters", exact=True).fill("3")
    page.keyboard.press("Enter")
    state = page.locator("#state")
    expect(state).to_have_text("○Waiting for a worker")
    expect(page.get_by_label("Clusters", exact=True)).to_have_value("3")
    asked = Clustering.objects.get()
    address = f"/p/acme/topics/clusters/{asked.uid}/"
    assert urlsplit(page.url).path == address
    axe()
    shoot(page, "clusters-waiting")
    Clustering.objects.update(status="working", stage="naming", done=32_500, total=50_000)
    expect(page.locator(".stages")).to_contain_text("32,500 of 50,000")
    axe()
    shoot(page, "clusters-working")
    page.get_by_role("button", name="Cancel").focus()  # keeps the focus while the page asks for itself again
    page.wait_for_timeout(1_500)
    assert page.evaluate("document.activeElement.textContent").strip() == "Cancel"
    page.keyboard.press("Enter")
    expect(state).to_have_text("■Cancelled")
    expect(page.locator(".toast")).to_contain_text("Cancelled: nothing is proposed.")
    shoot(page, "clusters-cancelled")
    # again, and left: the page of topics leads there, and what came stays at its address
    page.get_by_role("button", name="Propose").click()
    expect(state).to_have_text("○Waiting for a worker")
    page.goto(f"{server.url}/p/acme/topics/")
    page.get_by_role("link", name="See how far they are").click()
    topic_proposals.work(Clustering.objects.latest("pk").pk)
    expect(state).to_have_text("3 clusters of 24 traces")
    expect(page.locator(".clusters")).to_contain_text("password")
    assert not TraceTopic.objects.exists()
    axe()
    page.reload()
    expect(page.locator(".clusters > li")).to_have_count(3)
    page.goto(f"{server.url}/p/acme/topics/")
    shoot(page, "topics-proposed")
    page.get_by_role("link", name="Look at them").click()
    page.locator(".cluster-head [type=checkbox]").first.check()
    page.get_by_role("button", name="Make topics of the ticked").click()
    expect(page.locator(".toast")).to_contain_text("1 topic made; 8 traces are of it.")
    expect(page.get_by_role("link", name="Look at them")).to_have_count(0)
    # one that cannot be: why, and what was typed is there for another try
    page.goto(f"{server.url}/p/acme/topics/clusters/")
    page.get_by_label("Clusters", exact=True).fill("40")
    page.get_by_role("button", name="Propose").click()
    topic_proposals.work(Clustering.objects.latest("pk").pk)
    expect(state).to_have_text("✕Not proposed")
    expect(page.get_by_role("alert")).to_contain_text("16 traces are too few for 40 clusters.")
    expect(page.get_by_label("Clusters", exact=True)).to_have_value("40")
    axe()
    shoot(page, "clusters-failed")
    assert not complaints


def test_two_versions_beside_each_other(
    project: Project, rita: User, server: Server, sign_in: SignIn, axe: Callable[[], None], complaints: list[str]
) -> None:
    made = traces(project)
    for name in ABOUT:
        topics.create(project=project, actor=Actor(), name=name.title(), query=f"tag:{name}")
    for trace in made[:20]:
        rows.judge(trace, rita)
    options = {"dedupe": "none", "held_out": "dataset", "near_threshold": 1.0}
    build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe(**options))
    rows.judge(made[0], rita, "unacceptable")
    rows.correct(made[1], rita, "It is on its way back to your card.")
    for trace in made[20:]:
        rows.judge(trace, rita)
    build.freeze(
        project=project, name="support", query_text="-task:refund2", actor=Actor(),
        recipe=Recipe(stratify="topic", folds=3, seed=2, **options),
    )  # fmt: skip
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/datasets/support/2/")
    expect(page.locator("section[aria-labelledby=topics]")).to_contain_text("Refund")
    expect(page.locator("section[aria-labelledby=folds] tbody tr")).to_have_count(3)
    axe()
    shoot(page, "dataset-spread")
    page.get_by_role("link", name="What changed").click()
    expect(page.locator("h1")).to_have_text("From v1 to v2")
    expect(page.locator(".diff-bars")).to_contain_text("Out: judged unacceptable")
    expect(page.locator(".apart")).to_contain_text("-task:refund2")
    axe()
    shoot(page, "dataset-diff")
    page.get_by_role("link", name="Changed").first.click()
    expect(page.locator(".diff-rows")).to_contain_text("corrected by Rita Reviewer")
    page.get_by_role("link", name="Another split").click()
    expect(page.locator(".diff-rows tbody tr").first).to_contain_text("→")
    page.get_by_label("Older version").select_option("2")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".lead")).to_contain_text("Both say the same")
    assert not complaints
