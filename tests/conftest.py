"""Fixtures of all tests. Network: loopback and Unix sockets only."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import make
from tests.browser_fixtures import *  # noqa: F403
from tests.people import *  # noqa: F403

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class NetworkBlocked(RuntimeError):
    """A test tried to reach another machine."""


@pytest.fixture(autouse=True)
def numbers() -> None:
    """Each test counts from one."""
    make.count_from_one()


@pytest.fixture(autouse=True, scope="session")
def only_loopback() -> Iterator[None]:
    """Connections to anything but this machine fail at once."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise NetworkBlocked(f"Tests reach no other machine; this one tried {address[0]}.")
        real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Callable[..., Any]) -> Callable[..., Any]:
    """Runs what waits for the commit: `with commits(execute=True): ...`."""
    return django_capture_on_commit_callbacks
