"""Projects and the people in them."""

import secrets

from django.db import transaction

from workspace import audit
from workspace.access import Actor
from workspace.models import Membership, Project, Role, User


class LastAdmin(Exception):
    """A project always keeps one admin."""


def create_project(*, name: str, slug: str, actor: Actor, is_demo: bool = False) -> Project:
    """Make a project; the person who makes it becomes its admin."""
    with transaction.atomic():
        project = Project.objects.create(name=name, slug=slug, is_demo=is_demo)
        if actor.user is not None:
            Membership.objects.create(project=project, user=actor.user, role=Role.ADMIN)
        audit.record(project=project, actor=actor, action="project.created", target=f"project:{slug}")
    return project


def add_member(*, project: Project, email: str, role: Role, actor: Actor) -> tuple[Membership, bool]:
    """Let somebody in, or change their role. Returns the membership and whether their account was made just now (they
    then set a password by the reset mail)."""
    with transaction.atomic():
        user = User.objects.filter(email__iexact=email).first()
        is_new = user is None
        if user is None:
            # Django sends no reset link to an account without a usable password: so one that nobody knows
            user = User.objects.create_user(email, secrets.token_urlsafe(32))
        before = Membership.objects.select_for_update().filter(project=project, user=user).first()
        if before is not None and before.role == Role.ADMIN and role != Role.ADMIN:
            _keep_one_admin(project, user)
        member, _ = Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
        audit.record(
            project=project, actor=actor, action="member.set", target=f"user:{user.pk}", email=email, role=role
        )
    return member, is_new


def remove_member(*, project: Project, user: User, actor: Actor) -> None:
    """Shut somebody out. Raises LastAdmin for the last admin; what they did stays, with their name."""
    with transaction.atomic():
        _keep_one_admin(project, user)
        Membership.objects.filter(project=project, user=user).delete()
        audit.record(project=project, actor=actor, action="member.removed", target=f"user:{user.pk}", email=user.email)


def _keep_one_admin(project: Project, leaving: User) -> None:
    admins = list(
        Membership.objects.select_for_update()
        .filter(project=project, role=Role.ADMIN)
        .values_list("user_id", flat=True)
    )
    if admins == [leaving.pk]:
        raise LastAdmin("A project needs at least one admin. Make somebody else an admin first.")
