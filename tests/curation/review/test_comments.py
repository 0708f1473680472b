"""Comments call the right people, come once, and what a blind queue hides stays hidden until one has answered."""

from collections.abc import Callable

import pytest
from django.test import Client

from curation.messages.form import message
from curation.models import Comment, Feedback, QueueItem, Score
from curation.review import comments, corrections, judgments, queues
from curation.review.comments import Anchor
from curation.review.invalid import Invalid
from tests import make
from workspace.access import Actor
from workspace.models import AuditEntry, Membership, Project, Role, User

As = Callable[[User], Client]


def test_a_comment_calls_whom_it_names_once_and_the_navigation_counts(
    project: Project, rita: User, alice: User, ada: User, as_user: As
) -> None:
    trace = make.trace(project)
    ann = User.objects.create_user("ann@example.com", None, name="Rita")  # begins like Rita Reviewer
    Membership.objects.create(project=project, user=ann, role=Role.REVIEWER)
    text = "@Alice Engineer please, and @rita reviewer; not @Adamant, not @rita@example.community, and me @Ada Admin"
    who = {"project": project, "actor": Actor(user=ada), "trace_uid": trace.uid, "text": text, "key": "k1"}
    made, new = comments.add(**who)
    again, repeated = comments.add(**who)
    assert (new, repeated, again.pk) == (True, False, made.pk) and Comment.objects.count() == 1
    # the longest name at a place; "ada" in "Adamant" is nobody; oneself is not called
    assert set(made.mentions.values_list("user__email", flat=True)) == {"alice@example.com", "rita@example.com"}
    counts = as_user(alice).get("/p/acme/_counts").json()
    assert counts["curation:mentions"] == "1" and as_user(ada).get("/p/acme/_counts").json()["curation:mentions"] == ""
    page = as_user(alice).get("/p/acme/mentions/").content.decode()
    assert "Ada Admin on" in page and 'class="new"' in page
    answer = as_user(alice).get(f"/p/acme/mentions/{made.uid}/")
    assert answer["Location"] == f"/p/acme/traces/{trace.uid}/?tab=discussion#c-{made.uid}"
    assert comments.unseen(project=project, user=alice) == 0 and comments.unseen(project=project, user=rita) == 1
    comments.edit(project=project, actor=Actor(user=ada), uid=made.uid, text="@Alice Engineer and @Rita, look")
    assert comments.unseen(project=project, user=ann) == 1 and comments.unseen(project=project, user=alice) == 0
    comments.withdraw(project=project, actor=Actor(user=ada), uid=made.uid)
    assert comments.unseen(project=project, user=rita) == 0, "a comment that is gone calls nobody"
    assert comments.of_trace(trace=trace, user=ada) == []
    comments.restore(project=project, actor=Actor(user=ada), uid=made.uid)
    assert [one.uid for one in comments.of_trace(trace=trace, user=ada)] == [made.uid]
    actions = ["comment.added", "comment.edited", "comment.withdrawn", "comment.restored"]
    assert (
        list(AuditEntry.objects.filter(action__startswith="comment.").order_by("id").values_list("action", flat=True))
        == actions
    )


def test_what_cannot_be_said_is_refused_and_words_of_others_are_theirs(
    project: Project, rita: User, alice: User
) -> None:
    trace = make.trace(project)
    who = {"project": project, "actor": Actor(user=rita), "trace_uid": trace.uid}
    for wrong, field in (
        ({"text": " \n"}, "text"),
        ({"text": "x\0"}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": "x", "anchor": Anchor("nope")}, "step"),
        ({"text": "x", "anchor": Anchor("call_1", 5, 5)}, "start"),
        ({"text": "x", "anchor": Anchor("", 1, 5)}, "step"),
        ({"text": "x", "anchor": Anchor("call_1", 1)}, "start"),
        ({"text": "x", "revision": 9}, "revision"),
    ):
        with pytest.raises(Invalid) as error:
            comments.add(**who, **wrong)
        assert error.value.field == field, wrong
    made, _ = comments.add(**who, text="here", anchor=Anchor("call_1", 2, 9, "shipped"), key="k")
    with pytest.raises(Invalid):
        comments.add(**who, text="something else", key="k")
    other = {"project": project, "actor": Actor(user=alice), "uid": made.uid}
    for act in (comments.withdraw, comments.restore):
        with pytest.raises(Comment.DoesNotExist):
            act(**other)
    with pytest.raises(Comment.DoesNotExist):
        comments.edit(**other, text="mine")
    assert comments.resolve(**other).resolved_by == "Alice Engineer", "anybody may say that it is dealt with"


def test_comments_over_the_api_and_the_form_without_script(
    project: Project, rita: User, api: Callable[..., Client], as_user: As
) -> None:
    trace = make.trace(project)
    here, client = f"/api/projects/acme/traces/{trace.external_id}/comments", api(Role.REVIEWER)
    said = {
        "text": "@Rita Reviewer look",
        "step": "call_1",
        "start": 0,
        "end": 3,
        "quote": "abc",
        "idempotency_key": "x",
    }
    first = client.post(here, said, content_type="application/json")
    assert (first.status_code, client.post(here, said, content_type="application/json").status_code) == (201, 200)
    uid = first.json()["id"]
    changed = client.patch(
        f"/api/projects/acme/comments/{uid}", {"resolved": True}, content_type="application/json"
    ).json()
    assert changed["resolved_at"] and changed["resolved_by"].startswith("token ")
    listed = client.get(here).json()["items"]
    assert [(one["step"], one["quote"]) for one in listed] == [("call_1", "abc")]
    mine = as_user(rita).get("/api/projects/acme/mentions").json()
    assert (mine["unseen"], mine["items"][0]["comment"]["id"]) == (1, uid)
    refused = client.post(here, {**said, "start": 7, "idempotency_key": ""}, content_type="application/json")
    assert refused.status_code == 422 and refused.json()["error"]["details"][0]["where"] == "start"
    form = as_user(rita).post(f"/p/acme/traces/{trace.uid}/comments/", {"text": "by a form"})
    assert form.status_code == 303 and "?tab=discussion#c-" in form["Location"]
    page = as_user(rita).get(form["Location"].split("#")[0]).content.decode()
    assert (
        "by a form" in page
        and 'id="panel-judge" tabindex="0" role="tabpanel" aria-labelledby="tab-judge" hidden' in page
    )


def test_a_blind_queue_shows_nothing_of_others_until_one_has_answered(
    project: Project, rita: User, alice: User, as_user: As
) -> None:
    trace = make.trace(project)
    make.judgment(trace, alice, "unacceptable", note="ALICE SAID")
    actor = Actor(user=alice)
    comments.add(project=project, actor=actor, trace_uid=trace.uid, text="ALICE COMMENTED to @Rita Reviewer")
    about = {"project": project, "trace": trace}
    Score.objects.create(**about, name="tone", number=0.25, source="judge", reason="JUDGE SAID")
    Feedback.objects.create(**about, author="user", suggested_response="SUGGESTED")
    corrections.correct(project=project, actor=actor, trace_uid=trace.uid, text="ALICE CORRECTED")
    queue = queues.create(project=project, actor=actor, name="Second look", query="judged:yes", is_blind=True)
    item = QueueItem.objects.get(queue=queue)
    secrets = ("ALICE SAID", "ALICE COMMENTED", "JUDGE SAID", "SUGGESTED", "ALICE CORRECTED", "judged:yes")
    at = f"/p/acme/review/{queue.slug}/{item.uid}/"
    for user, url in (
        (rita, at), (alice, at), (rita, f"/p/acme/traces/{trace.uid}/"),
        (rita, f"/p/acme/traces/{trace.uid}/comments/"),
        (rita, "/p/acme/mentions/"), (rita, "/api/projects/acme/mentions"),
        (rita, f"/api/projects/acme/traces/{trace.uid}/comments"),
        (rita, f"/api/projects/acme/traces/{trace.uid}/judgments"),
        (rita, f"/api/projects/acme/traces/{trace.uid}"), (rita, "/api/projects/acme/traces"),
    ):  # fmt: skip
        page = as_user(user).get(url).content.decode()
        own = user == alice  # her own words she may see; here she has judged already, so hers are open
        assert own or not [one for one in secrets if one in page], (url, [one for one in secrets if one in page])
        assert own or '"unacceptable"' not in page or "/api/" not in url, url
        assert own or '"tone"' not in page or "/api/" not in url, url
    assert "Blind" in as_user(rita).get(at).content.decode()
    # who runs the project may look outside of the queue
    assert "ALICE SAID" in as_user(alice).get(f"/p/acme/traces/{trace.uid}/").content.decode()
    judgments.record(project=project, actor=Actor(user=rita), item_uid=item.uid, verdict="acceptable")
    page = as_user(rita).get(at).content.decode()
    assert all(one in page for one in secrets[:5]), "answered: now everything is shown"
    assert "ALICE COMMENTED" in as_user(rita).get("/p/acme/mentions/").content.decode()
    for url in ("judgments", ""):
        told = as_user(rita).get(f"/api/projects/acme/traces/{trace.uid}/{url}".rstrip("/")).content.decode()
        assert "ALICE SAID" in told, url


def test_a_comment_names_its_step_as_the_page_does(project: Project, rita: User, as_user: As) -> None:
    trace = make.trace(project, external_id="named")
    keys = list(trace.revision.step_rows.order_by("position").values_list("key", flat=True))  # type: ignore[union-attr]
    for key in keys:
        comments.add(project=project, actor=Actor(user=rita), trace_uid=trace.uid, text="Hm.", anchor=Anchor(key))
    address = f"/p/acme/traces/{trace.uid}/"
    for shown in (as_user(rita).get(address), as_user(rita).get(f"{address}comments/")):
        page = shown.content.decode()
        # a system prompt, a question, a turn that only calls, its call, the answer
        assert [name in page for name in ("on System<", "on User<", "on Assistant 1<", "on 1 get_order<")] == [True] * 4
        assert "on Final answer<" in page and "on step" not in page
    # what was said of a step that the trace no longer has keeps the name the step had
    said = make.document(message("user", "Only a question."))
    make.trace(project, external_id="named", said=said)
    trace.refresh_from_db()
    page = as_user(rita).get(f"{address}comments/").content.decode()
    assert "on 1 get_order<" in page and "on Final answer<" in page and "before it changed" in page
