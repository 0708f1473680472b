"""Who is in a project, and that it keeps an admin."""

import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client

from workspace import members
from workspace.access import Actor
from workspace.models import AuditEntry, Membership, Project, Role, User


def test_the_last_admin_stays(project: Project, ada: User, alice: User) -> None:
    with pytest.raises(members.LastAdmin):
        members.remove_member(project=project, user=ada, actor=Actor(user=ada))
    with pytest.raises(members.LastAdmin):
        members.add_member(project=project, email=ada.email, role=Role.REVIEWER, actor=Actor(user=ada))
    members.add_member(project=project, email=alice.email, role=Role.ADMIN, actor=Actor(user=ada))
    members.remove_member(project=project, user=ada, actor=Actor(user=ada))
    assert not Membership.objects.filter(user=ada).exists()
    assert AuditEntry.objects.filter(action="member.removed").count() == 1


def test_an_unknown_address_gets_an_account(project: Project, ada: User) -> None:
    member, is_new = members.add_member(
        project=project, email="new@example.com", role=Role.REVIEWER, actor=Actor(user=ada)
    )
    assert is_new and not member.user.check_password("")
    again, is_new = members.add_member(
        project=project, email="NEW@example.com", role=Role.ENGINEER, actor=Actor(user=ada)
    )
    assert not is_new and again.user == member.user and again.role == Role.ENGINEER


def test_somebody_new_gets_a_link_that_lets_them_in(
    project: Project, ada: User, as_user: Callable[[User], Client]
) -> None:
    as_user(ada).post("/p/acme/settings/members/", {"email": "new@example.com", "role": "reviewer"})
    assert [message.to for message in mail.outbox] == [["new@example.com"]]
    link = re.search(r"https?://[^/]+(/password/new/\S+)", str(mail.outbox[0].body))
    assert link is not None
    browser = Client()
    form = browser.get(link[1], follow=True)
    word = "a password of their own"
    browser.post(form.redirect_chain[-1][0], {"new_password1": word, "new_password2": word})
    assert browser.get("/p/acme/traces/").status_code == 200
