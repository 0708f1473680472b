"""What a blind queue hides is in no list, order, figure or act on many traces either, until one has answered."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from curation import filters
from curation.browse import bulk, figures
from curation.models import Score, Trace
from curation.review import bench, blind, comments, corrections, queues
from tests import make
from workspace.access import Actor
from workspace.models import Project, User

As = Callable[[User], Client]
QUESTIONS = (
    "judged:yes", "judged:unacceptable", "-judged:acceptable", "judged:no or judged:yes", "score.tone<0.5", "score.tone:*",
    "comment:*", 'reviewer:"Alice Engineer"', "corrected:yes", "error:no judged:yes",
)  # fmt: skip


@pytest.fixture
def waiting(project: Project, rita: User, alice: User) -> Trace:
    """A trace that Alice rejected and that waits blindly for Rita; beside it one that is judged and waits nowhere."""
    actor = Actor(user=alice)
    for name in ("secret", "open"):
        trace = make.trace(project, external_id=name, said=make.short_document(f"The {name} order"))
        make.judgment(trace, alice, "unacceptable")
        Score.objects.create(project=project, trace=trace, name="tone", number=0.25, source="judge")
        comments.add(project=project, actor=actor, trace_uid=trace.uid, text="Not good")
        corrections.correct(project=project, actor=actor, trace_uid=trace.uid, text="A better answer")
    queues.create(project=project, actor=actor, name="Second look", query="id:secret", is_blind=True)
    return Trace.objects.get(external_id="secret")


def test_the_list_names_the_trace_and_hides_what_was_said(waiting: Trace, rita: User, alice: User, as_user: As) -> None:
    page = as_user(rita).get("/p/acme/traces/").content.decode()
    row = page[page.index(f"t-{waiting.uid}") :].split("</tr>")[0]
    assert "The secret order" in row and "Hidden" in row
    assert "Rejected" not in row and "0.25" not in row and "Rejected" in page.replace(row, "")
    theirs = as_user(alice).get("/p/acme/traces/").content.decode()
    assert theirs.count("0.25") == 2 and "blind queue" not in theirs


@pytest.mark.parametrize("asked", QUESTIONS)
def test_a_filter_that_asks_what_others_said_leaves_it_out_and_says_so(
    asked: str, waiting: Trace, rita: User, alice: User, as_user: As
) -> None:
    names = ("secret", "open")

    def listed(user: User) -> set[str]:
        told = as_user(user).get("/api/projects/acme/traces", {"q": asked}).json()["items"]
        page = as_user(user).get("/p/acme/traces/", {"q": asked}).content.decode()
        assert all((f"The {name} order" in page) == (name in {one["external_id"] for one in told}) for name in names)
        return {one["external_id"] for one in told}

    assert listed(alice) == {"secret", "open"} and listed(rita) == {"open"}
    said = as_user(rita).get("/p/acme/traces/count/", {"q": asked}).content.decode()
    assert "1 of the project waits for you in a blind queue and is left out" in said
    assert "blind" not in as_user(alice).get("/p/acme/traces/count/", {"q": asked}).content.decode()


def test_order_figures_and_acts_tell_nothing(
    waiting: Trace, project: Project, rita: User, alice: User, as_user: As
) -> None:
    now = waiting.received_at
    assert "The secret order" not in as_user(rita).get("/p/acme/traces/", {"sort": "score.tone"}).content.decode()
    assert "The secret order" in as_user(rita).get("/p/acme/traces/", {"sort": "-cost"}).content.decode()
    for text, traces, judged in (("", 2, 1), ("id:secret", 1, 0), ("judged:yes", 1, 1)):
        found = figures.measure(project=project, query=filters.parse(text), now=now, reader=rita)
        assert (found.traces, found.judged, found.decided) == (traces, judged, judged), text
        assert figures.measure(project=project, query=filters.parse(text), now=now).judged == (text == "id:secret" or 2)
    for user, tagged in ((rita, ["open"]), (alice, ["open", "secret"])):
        tag = user.name.split()[0]
        choice = bulk.Choice(query=filters.parse("judged:unacceptable"))
        act = bulk.begin(project=project, actor=Actor(user=user), kind="tag", argument=tag, choice=choice)
        bulk.work(act_id=act.pk, seconds=5)
        found_tags = Trace.objects.filter(tags__contains=[tag]).order_by("external_id")
        assert list(found_tags.values_list("external_id", flat=True)) == tagged


def test_attempts_likeness_and_comparison_hide_it_too(
    waiting: Trace, project: Project, rita: User, alice: User, as_user: As
) -> None:
    other = Trace.objects.get(external_id="open")
    Trace.objects.update(task_id="t-1")
    diff = f"/p/acme/traces/diff/?left={waiting.uid}&right={other.uid}"
    beside = f"/p/acme/traces/{other.uid}/attempts/"
    for url, told in ((diff, 2), (beside, 1)):
        theirs, page = (as_user(user).get(url).content.decode() for user in (alice, rita))
        assert (theirs.count("Rejected"), page.count("Rejected"), page.count("Hidden")) == (told, told - 1, 1), url
    assert as_user(alice).get(diff).content.decode().count(">0.25<") == 2
    assert as_user(rita).get(diff).content.decode().count(">0.25<") == 1


def test_who_has_answered_sees_all_again(waiting: Trace, project: Project, rita: User, as_user: As) -> None:
    make.judgment(waiting, rita, "acceptable")
    page = as_user(rita).get("/p/acme/traces/", {"q": "judged:yes"}).content.decode()
    assert "The secret order" in page and "Hidden" not in page
    assert not blind.hidden_of(traces=[waiting], user=rita)


def test_what_stands_beside_a_row_is_read_without_its_conversation(
    waiting: Trace, project: Project, rita: User
) -> None:
    with CaptureQueriesContext(connection) as caught:
        said = bench.said_of(project=project, user=rita, trace_uid=waiting.uid, may_look=True)
    assert (len(said.opinions), said.edited and said.edited.text, len(caught)) == (1, "A better answer", 1)
    assert "document" not in caught[0]["sql"], "a conversation may have 20 MB"
