"""The cast: Rita reviews, Alice engineers, Ada administers acme; Charlie belongs elsewhere and must see nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from workspace import tokens
from workspace.access import Actor
from workspace.models import Membership, Project, Role, User

PASSWORD = "a long enough password"


def person(email: str, name: str) -> User:
    """An account with the cast's password."""
    return User.objects.create_user(email, PASSWORD, name=name)


@pytest.fixture
def project(db: None) -> Project:
    """The project acme."""
    return Project.objects.create(slug="acme", name="Acme support")


def _member(project: Project, email: str, name: str, role: Role) -> User:
    user = person(email, name)
    Membership.objects.create(project=project, user=user, role=role)
    return user


@pytest.fixture
def rita(project: Project) -> User:
    """Reviewer in acme."""
    return _member(project, "rita@example.com", "Rita Reviewer", Role.REVIEWER)


@pytest.fixture
def alice(project: Project) -> User:
    """Engineer in acme."""
    return _member(project, "alice@example.com", "Alice Engineer", Role.ENGINEER)


@pytest.fixture
def ada(project: Project) -> User:
    """Admin of acme."""
    return _member(project, "ada@example.com", "Ada Admin", Role.ADMIN)


@pytest.fixture
def charlie(db: None) -> User:
    """Admin of another project, nothing in acme."""
    other = Project.objects.create(slug="other", name="Other")
    return _member(other, "charlie@example.com", "Charlie Outside", Role.ADMIN)


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """A signed-in test client for somebody."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def api(project: Project) -> Callable[..., Client]:
    """A client with a token of acme: api(Role.ENGINEER).get("/api/projects/acme/...")."""

    def with_token(role: Role = Role.ENGINEER, **headers: Any) -> Client:
        _, text = tokens.issue(project=project, name=f"test {role}", role=role, actor=Actor())
        return Client(headers={"Authorization": f"Bearer {text}", **headers})

    return with_token
