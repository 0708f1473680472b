"""Which view a tool gets: engineers choose, everybody sees it at once, the log has it, and it is tried on real calls."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from curation.messages.form import Document, message
from curation.review import tool_views
from curation.review.chosen import Wish
from curation.review.invalid import Invalid
from tests import make
from tests.curation.review import documents
from tests.make import call, document, tool_result
from workspace.access import Actor
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db
ROWS = json.dumps([{"a": 1, "b": {"c": 2}}, {"d": "x"}])  # not alike: by itself a tree


def said(result: str = ROWS, city: str = "Oslo") -> Document:
    asked = call("look_up", json.dumps({"city": city, "deep": True}), "c1")
    return document(
        message("assistant", "", tool_calls=[asked]), tool_result(result, "c1"), message("assistant", "Done.")
    )


def test_what_is_chosen_is_drawn_at_once(
    project: Project, rita: User, ada: User, charlie: User, as_user: Callable[[User], Client]
) -> None:
    trace = make.trace(project, said=said())
    here, page = f"/p/acme/traces/{trace.uid}/", "/p/acme/settings/tools/"
    assert 'class="cells"' not in as_user(rita).get(here).content.decode()
    sent = as_user(ada).post(page, {"tool": "look_up", "view": "table", "headline": "city"})
    assert (sent.status_code, sent.headers["Location"]) == (302, f"{page}?tool=look_up#one")
    shown = as_user(rita).get(here).content.decode()
    assert 'class="cells"' in shown and '<span class="gist">Oslo</span>' in shown
    # another project keeps its own
    other = make.trace(Project.objects.get(slug="other"), said=said())
    project.refresh_from_db()
    assert tool_views.wishes(project) == {"look_up": Wish("table", "city")} and not tool_views.wishes(other.project)
    entry = AuditEntry.objects.get(action="tool.view_chosen")
    assert (entry.target, entry.detail["view"], entry.detail["headline"]) == ("tool:look_up", "table", "city")
    as_user(ada).post(page, {"tool": "look_up", "view": "table", "headline": "city"})
    assert AuditEntry.objects.filter(action="tool.view_chosen").count() == 1, "nothing changed"
    as_user(ada).post(page, {"tool": "look_up", "view": "", "headline": ""})
    project.refresh_from_db()
    assert project.tool_views == {} and 'class="cells"' not in as_user(rita).get(here).content.decode()


def test_a_view_that_cannot_draw_a_call_says_so_on_the_bench(
    project: Project, ada: User, as_user: Callable[[User], Client]
) -> None:
    tool_views.choose(project=project, actor=Actor(user=ada), tool="look_up", wish=Wish("table"))
    trace = make.trace(project, said=said("no such city"))
    shown = as_user(ada).get(f"/p/acme/traces/{trace.uid}/").content.decode()
    assert "Drawn automatically, not as Table: the result is neither JSON nor rows of separated values." in shown


def test_the_page_lists_tools_and_tries_a_view_on_a_real_call(
    project: Project, ada: User, charlie: User, as_user: Callable[[User], Client]
) -> None:
    client, page = as_user(ada), "/p/acme/settings/tools/"
    assert "No tool was called yet" in client.get(page).content.decode()
    make.trace(project, said=said(city="Bergen"))
    make.trace(project, said=documents.rich())
    make.trace(project, said=said(city="Oslo"))
    make.trace(Project.objects.get(slug="other"), said=document(message("assistant", "", tool_calls=[call("secret")])))
    tool_views.choose(project=project, actor=Actor(user=ada), tool="gone", wish=Wish("plain"))
    tools = {tool.name: (tool.calls, tool.view, tool.automatic) for tool in tool_views.list_tools(project=project)}
    assert tools["look_up"] == (2, "", "JSON") and tools["bash"] == (1, "", "Terminal")
    assert (
        tools["edit_file"][2] == "Diff"
        and tools["read_file"] == (2, "", "Markdown")
        and tools["gone"] == (0, "Plain text", "")
    )
    assert "secret" not in tools
    shown = client.get(f"{page}?tool=look_up&view=table&headline=city").content.decode()
    assert 'class="cells"' in shown and '<span class="gist">Oslo</span>' in shown and "not saved" in shown
    assert not project.tool_views.get("look_up"), "looking stores nothing"
    assert '<span class="gist">Bergen</span>' in client.get(f"{page}?tool=look_up&headline=city&n=2").content.decode()
    bad = client.get(f"{page}?tool=look_up&view=mail").content.decode()
    assert "Drawn automatically, not as Mail" in bad
    assert "data-rate" not in bad, "nobody judges a step here"
    for query in ("tool=gone", "tool=nobody", "tool=look_up&view=nonsense", "tool=look_up&n=99", "n=x"):
        assert client.get(f"{page}?{query}").status_code == 200, query


def test_what_is_refused(project: Project, ada: User, rita: User, as_user: Callable[[User], Client]) -> None:
    for tool, wish in (
        ("", Wish("table")),
        ("x", Wish("nonsense")),
        ("x" * 201, Wish("table")),
        ("x", Wish("", "a\x00")),
    ):
        with pytest.raises(Invalid):
            tool_views.choose(project=project, actor=Actor(user=ada), tool=tool, wish=wish)
    page = "/p/acme/settings/tools/"
    assert as_user(ada).post(page, {"tool": "x", "view": "nonsense"}).status_code == 400
    assert as_user(rita).get(page).status_code == as_user(rita).post(page, {"tool": "x"}).status_code == 403
    # what was stored by another version, or by hand, breaks no page
    project.tool_views = {"look_up": {"view": "hologram"}, "x": 3, "y": {"headline": 4}}
    project.save(update_fields=["tool_views"])
    trace = make.trace(project, said=said())
    assert as_user(rita).get(f"/p/acme/traces/{trace.uid}/").status_code == 200


def test_the_newest_call_is_the_last_one_of_its_trace(project: Project) -> None:
    cities = ("Bergen", "Oslo", "Voss")
    asked = [call("look_up", json.dumps({"city": city}), city) for city in cities]
    rows = [ROWS, ROWS, "no such city"]
    words = [
        one
        for each, row in zip(asked, rows, strict=True)
        for one in (message("assistant", "", tool_calls=[each]), tool_result(row, each["id"]))
    ]
    make.trace(project, said=document(*words))
    shown = [tool_views.sample(project=project, tool="look_up", wish=Wish("", "city"), number=n) for n in (1, 2, 3, 4)]
    assert [one and (one.card.drawn and one.card.drawn.gist, one.more) for one in shown] == [
        ("Voss", True),
        ("Oslo", True),
        ("Bergen", False),
        None,
    ]
    (tool,) = tool_views.list_tools(project=project)
    assert shown[0] and tool.automatic == shown[0].automatic == "Plain text"
