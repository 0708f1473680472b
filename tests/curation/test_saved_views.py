"""Views that people keep: what is saved, whose they are, where their addresses lead, and the way back from deleting one."""

import html
import re

import pytest

from curation.models import SavedView
from tests import make
from workspace.models import AuditEntry

pytestmark = pytest.mark.django_db
HERE = "/p/acme/traces/"


def keep(client, name="Refunds", back="q=tool%3Arefund&col=agent&col=score.helpful&sort=-cost", **fields):
    return client.post(f"{HERE}views/", {"name": name, "back": back, **fields}, follow=True)


def shown(response):
    """The views above the list: name, and whether it is the one that is open, and edited."""
    text = response.content.decode()
    nav = re.search(r'aria-label="Saved views">(.*?)</nav>', text, re.DOTALL)
    links = re.findall(r"<a (.*?)</a>", nav[1], re.DOTALL) if nav else []
    return [(re.search(r'class="clip">([^<]*)', one)[1], "aria-current" in one, "edited" in one) for one in links]


def test_a_view_keeps_filter_columns_and_order_and_its_address_opens_it(project, rita, as_user):
    make.row(project, tools=["refund"])
    client = as_user(rita)
    saved = keep(client)
    view = SavedView.objects.get()
    assert (view.query, view.columns, view.order) == ("tool:refund", ["agent", "score.helpful"], "-cost")
    assert "Saved as “Refunds”." in saved.content.decode() and shown(saved) == [("Refunds", True, False)]
    opened = client.get(HERE, {"view": view.uid}, follow=True)
    assert opened.redirect_chain[0][0].endswith("&q=tool%3Arefund&col=agent&col=score.helpful&sort=-cost")
    assert shown(opened) == [("Refunds", True, False)] and "<h1>Traces" in opened.content.decode()
    changed = client.get(HERE, {"view": view.uid, "q": "tool:other", "sort": "-cost"})
    assert shown(changed) == [("Refunds", True, True)]
    everything = client.get(html.unescape(re.search(r'href="([^"]+)"[^>]*>Clear all', changed.content.decode())[1]))
    assert shown(everything) == [("Refunds", False, False)]
    assert client.get(HERE, {"view": "nonsense"}).status_code == 200  # a view that is gone leaves the list


def test_a_view_of_everything_opens_as_such(project, rita, as_user):
    make.row(project)
    client = as_user(rita)
    assert shown(keep(client, "All", back="")) == [("All", True, False)]
    assert SavedView.objects.get().order == ""


def test_overwrite_rename_delete_and_undo(project, rita, as_user):
    make.row(project)
    client = as_user(rita)
    keep(client)
    view = SavedView.objects.get()
    address = f"{HERE}views/{view.uid}/"
    client.post(address, {"act": "overwrite", "back": f"view={view.uid}&q=error%3Ayes&sort=-seen"})
    view.refresh_from_db()
    assert (view.query, view.columns, view.order) == ("error:yes", [], "")
    client.post(address, {"act": "rename", "name": " Failed   ones ", "shared": "1"})
    view.refresh_from_db()
    assert (view.name, view.is_shared) == ("Failed ones", True)
    gone = client.post(address, {"act": "delete"}, follow=True)
    assert not SavedView.objects.exists() and "was deleted" in gone.content.decode()
    token = re.search(r'form="undo" name="token" value="([^"]+)"', gone.content.decode())[1]
    for said in ("is back", "already"):  # a second time its name is taken
        assert said in client.post(f"{HERE}undo/", {"token": token}, follow=True).content.decode()
    back = SavedView.objects.get()
    assert (back.uid, back.name, back.query, back.owner, back.is_shared) == (
        view.uid, "Failed ones", "error:yes", rita, True,
    )  # fmt: skip
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["view.saved", "view.overwritten", "view.renamed", "view.deleted", "view.restored"]
    assert client.post(address, {"act": "explode"}).status_code == 400


def test_whose_views_are_whose(project, rita, alice, charlie, as_user):
    make.row(project)
    keep(as_user(rita), "Mine")
    keep(as_user(alice), "Ours", shared="1")
    keep(as_user(alice), "Hers")
    assert [name for name, *_ in shown(as_user(rita).get(HERE))] == ["Mine", "Ours"]
    assert [name for name, *_ in shown(as_user(alice).get(HERE))] == ["Hers", "Ours"]
    mine, ours, hers = (SavedView.objects.get(name=name) for name in ("Mine", "Ours", "Hers"))
    assert as_user(rita).post(f"{HERE}views/{hers.uid}/", {"act": "delete"}).status_code == 404
    assert as_user(rita).post(f"{HERE}views/{ours.uid}/", {"act": "delete"}).status_code == 403
    assert as_user(charlie).post(f"{HERE}views/{ours.uid}/", {"act": "delete"}).status_code == 404
    SavedView.objects.filter(pk=mine.pk).update(is_shared=True)
    assert as_user(alice).post(f"{HERE}views/{mine.uid}/", {"act": "delete"}).status_code == 302  # an engineer may


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "1 to 80 characters"),
        ({"name": "x" * 81}, "1 to 80 characters"),
        ({"back": "q=agnet%3Ax"}, "no field “agnet”"),
        ({"back": "sort=colour"}, "cannot be sorted by “colour”"),
        ({"back": "col=colour"}, "no column “colour”"),
        ({"name": "Taken"}, "already"),
    ],
)
def test_what_cannot_be_kept_says_why(project, rita, as_user, fields, said):
    make.row(project)
    client = as_user(rita)
    keep(client, "Taken", back="")
    answer = client.post(f"{HERE}views/", {"name": "Mine", "back": "", **fields})
    assert answer.status_code == 302 and SavedView.objects.count() == 1
    assert said in " ".join(message.message for message in answer.wsgi_request._messages)
