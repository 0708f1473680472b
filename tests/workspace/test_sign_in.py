"""Guessing a password is stopped, for one email address at one network address."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.people import PASSWORD
from workspace import attempts
from workspace.models import User


@pytest.fixture(autouse=True)
def no_failures() -> Iterator[None]:
    """Counts live in the process: none is left for other tests."""
    cache.clear()
    yield
    cache.clear()


def sign_in(email: str, password: str, address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/sign-in/", {"username": email, "password": password})


@pytest.mark.parametrize("email", ["rita@example.com", "nobody@example.com"])
def test_too_many_failures_are_refused(rita: User, email: str) -> None:
    for _ in range(attempts.MOST):
        assert sign_in(email, "wrong").status_code == 200
    # the right password is not looked at either, however the address is written
    refused = sign_in(email.upper(), PASSWORD)
    assert (refused.status_code, refused["Retry-After"]) == (429, "900")
    assert b"Too many failed sign-ins" in refused.content
    assert "_auth_user_id" not in refused.client.session


def test_others_are_let_in_meanwhile(rita: User, alice: User) -> None:
    for _ in range(attempts.MOST):
        sign_in(rita.email, "wrong")
    assert sign_in(alice.email, PASSWORD).status_code == 302
    assert sign_in(rita.email, PASSWORD, "192.0.2.2").status_code == 302
    assert sign_in(rita.email, PASSWORD).status_code == 429


def test_the_count_ends_with_a_sign_in_and_with_time(rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(attempts.MOST - 1):
        sign_in(rita.email, "wrong")
    assert sign_in(rita.email, PASSWORD).status_code == 302
    assert sign_in(rita.email, "wrong").status_code == 200
    monkeypatch.setattr(attempts, "WINDOW", 0)
    cache.clear()
    for _ in range(attempts.MOST + 1):
        assert sign_in(rita.email, "wrong").status_code == 200
