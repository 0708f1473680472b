"""Who is in a project, and that it keeps an admin."""

import pytest

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


def test_an_unknown_address_gets_an_account_without_a_password(project: Project, ada: User) -> None:
    member, is_new = members.add_member(
        project=project, email="new@example.com", role=Role.REVIEWER, actor=Actor(user=ada)
    )
    assert is_new and not member.user.has_usable_password()
    again, is_new = members.add_member(
        project=project, email="NEW@example.com", role=Role.ENGINEER, actor=Actor(user=ada)
    )
    assert not is_new and again.user == member.user and again.role == Role.ENGINEER
