"""Who may enter. Every door calls `enter` on its first line.

A project that the caller does not belong to does not exist for them (404); a role that is too low is told so (403).
Nobody signed in never gets this far: pages redirect (302), the API answers 401.
"""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from workspace.models import ApiToken, Membership, Project, Role, User


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a token, or (both None) the system itself."""

    user: User | None = None
    token: ApiToken | None = None

    @property
    def label(self) -> str:
        """The author's name as text, for rows that outlive accounts."""
        if self.user is not None:
            return str(self.user)
        return f"token {self.token.name}" if self.token is not None else "system"


SYSTEM = Actor()


@dataclass(frozen=True, slots=True)
class Entry:
    """A checked visit to a project."""

    project: Project
    actor: Actor
    role: Role

    def may(self, needed: Role) -> bool:
        """Whether a part of the page that asks for `needed` may be shown."""
        return self.role.covers(needed)


def enter(request: HttpRequest, slug: str, needed: Role) -> Entry:
    """Check that the caller is a member of the project `slug` with at least the role `needed`.

    Raises Http404 for an outsider and PermissionDenied (403) for a role that is too low. Costs one query for people and
    none for tokens. The entry is kept on the request for the layout.
    """
    token = getattr(request, "auth_token", None)
    if token is not None:
        if token.project.slug != slug:
            raise Http404("No such project.")
        entry = Entry(token.project, Actor(token=token), Role(token.role))
    else:
        entry = _enter_as_person(request, slug)
    request.entry = entry  # type: ignore[attr-defined]
    if not entry.may(needed):
        raise PermissionDenied(f"This needs the role {needed.label.lower()}; yours is {entry.role.label.lower()}.")
    return entry


def reader_of(entry: Entry) -> User | None:
    """The person from whom blind queues hide what others said; None for those who run the project, and for programs."""
    return None if entry.may(Role.ENGINEER) else entry.actor.user


def role_of(*, project: Project, user: User) -> Role | None:
    """The role of a person in a project, None for an outsider. One query."""
    if user.is_superuser:
        return Role.ADMIN
    role = Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first()
    return Role(role) if role else None


def _enter_as_person(request: HttpRequest, slug: str) -> Entry:
    user = request.user
    if not isinstance(user, User):
        raise Http404("No such project.")
    member = Membership.objects.select_related("project").filter(project__slug=slug, user=user).first()
    if member is not None:
        return Entry(member.project, Actor(user=user), Role(member.role))
    if user.is_superuser and (project := Project.objects.filter(slug=slug).first()):
        return Entry(project, Actor(user=user), Role.ADMIN)
    raise Http404("No such project.")
