"""Who is in a project, and that it keeps an admin."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def test_without_a_mail_server_the_link_is_shown_once(
    project: Project, ada: User, as_user: Callable[[User], Client], settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    admin = as_user(ada)
    page = admin.post("/p/acme/settings/members/", {"email": "new@example.com", "role": "reviewer"}, follow=True)
    text = page.content.decode()
    assert "No mail server is set up: give them this link" in text and "have been sent a link" not in text
    link = re.search(r'id="link-text">https?://[^/]+(/password/new/[^<]+)<', text)
    assert link is not None
    assert b"/password/new/" not in admin.get("/p/acme/settings/").content
    form = Client().get(link[1], follow=True)
    assert b"new_password1" in form.content
    page = admin.post("/p/acme/settings/members/", {"email": "NEW@example.com", "role": "engineer"}, follow=True)
    assert b"link-text" not in page.content, "somebody who has an account gets no link to it"
