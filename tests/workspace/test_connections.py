"""The one client: keys stay secret, addresses are checked, costs are counted, budgets hold."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client

from workspace.access import Actor
from workspace.connections import client, keep, secrets
from workspace.connections.guard import NotAllowed, check
from workspace.models import Connection, Project, User

KEY = "sk-very-secret-0123456789"


class Endpoint:
    """A chat completions endpoint on loopback that answers as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.status: list[int] = []
        self.seen: list[dict[str, Any]] = []
        self.usage: dict[str, int] | None = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append(
                    {"path": self.path, "key": self.headers["Authorization"], "host": self.headers["Host"], **body}
                )
                status = outer.status.pop(0) if outer.status else 200
                if status == 302:
                    self.send_response(302)
                    self.send_header("Location", "http://169.254.169.254/latest")
                    self.end_headers()
                    return
                answer: dict[str, Any] = {
                    "id": "x", "object": "chat.completion", "created": 1, "model": "m-1",
                    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
                    "usage": outer.usage,
                }  # fmt: skip
                if status >= 400:
                    answer = {"error": {"message": f"no, {self.headers['Authorization']}", "type": "x"}}
                raw = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()


def connect(project: Project, url: str, **fields: Any) -> Connection:
    given = {
        "name": "local", "base_url": url, "default_model": "m", "allow_private_host": True, "max_concurrency": 2,
        "budget_usd": None, **fields,
    }  # fmt: skip
    return keep.add(project=project, fields=given, key=KEY, prices={"m": {"input": 1.0, "output": 2.0}}, actor=Actor())


def ask(connection: Connection) -> client.Completion:
    return client.complete(connection=connection, messages=[{"role": "user", "content": "Hi"}], temperature=0.0)


def test_an_answer_and_its_cost(project: Project, endpoint: Endpoint) -> None:
    connection = connect(project, endpoint.url)
    answer = ask(connection)
    assert answer.message["content"] == "Hello" and answer.input_tokens == 1000
    assert answer.cost_usd == Decimal("0.002")
    connection.refresh_from_db()
    assert connection.spent_usd == Decimal("0.002000")
    assert endpoint.seen[0]["key"] == f"Bearer {KEY}" and endpoint.seen[0]["host"].startswith("127.0.0.1")
    assert endpoint.seen[0]["temperature"] == 0.0


def test_a_price_that_is_not_known_is_missing_not_zero(project: Project, endpoint: Endpoint) -> None:
    connection = connect(project, endpoint.url)
    connection.prices = {}
    assert ask(connection).cost_usd is None


def test_the_key_is_encrypted_and_never_told(
    project: Project, endpoint: Endpoint, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = connect(project, endpoint.url)
    assert KEY.encode() not in bytes(connection.key_encrypted)
    endpoint.status = [401]
    with pytest.raises(client.ConnectionFailed) as raised:
        ask(connection)
    assert "401" in str(raised.value) and KEY not in str(raised.value)
    assert KEY not in caplog.text
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-" + "1" * 40
    with pytest.raises(client.ConnectionFailed, match="Enter it again"):
        ask(connection)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert secrets.decrypt(connection.key_encrypted) == KEY


def test_busy_answers_are_tried_again(project: Project, endpoint: Endpoint) -> None:
    endpoint.status = [429, 500]
    assert ask(connect(project, endpoint.url)).message["content"] == "Hello"
    assert len(endpoint.seen) == 3


def test_a_budget_stops_calls_before_they_cost(project: Project, endpoint: Endpoint) -> None:
    connection = connect(project, endpoint.url, budget_usd=Decimal("0.002"))
    ask(connection)
    with pytest.raises(client.ConnectionFailed, match="budget"):
        ask(connection)
    assert len(endpoint.seen) == 1


def test_redirects_are_not_followed(project: Project, endpoint: Endpoint) -> None:
    endpoint.status = [302]
    with pytest.raises(client.ConnectionFailed):
        ask(connect(project, endpoint.url))
    assert len(endpoint.seen) == 1


def test_a_name_that_changes_its_address_is_caught_at_the_call(project: Project, endpoint: Endpoint) -> None:
    connection = connect(project, endpoint.url)
    connection.allow_private_host = False
    with pytest.raises(client.ConnectionFailed, match=r"https|private"):
        ask(connection)
    assert endpoint.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/v1", "https://localhost/v1", "https://2130706433/v1", "https://0x7f000001/v1", "https://127.1/v1",
        "https://[::1]/v1", "https://[::ffff:169.254.169.254]/v1", "https://10.0.0.8/v1", "https://0.0.0.0/v1",
        "http://8.8.8.8/v1", "ftp://8.8.8.8/v1", "https://user:pw@8.8.8.8/v1", "https:///v1", "nonsense",
        "https://no-such-host.invalid/v1", "https://[::127.0.0.1]/v1", "https://[64:ff9b::a00:8]/v1",
        "https://[64:ff9b:1::a00:8]/v1", "https://[2002:a00:8::1]/v1", "https://[2001:0:5ef5:79fd::f5ff:fff7]/v1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_called(url: str) -> None:
    with pytest.raises(NotAllowed):
        check(url, allow_private=False)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]"]
)
def test_metadata_addresses_are_refused_even_when_private_hosts_are_allowed(host: str) -> None:
    with pytest.raises(NotAllowed, match="never called"):
        check(f"http://{host}/v1", allow_private=True)


def test_other_addresses_are_called() -> None:
    assert check("http://[::1]:9/v1", allow_private=True).address == "::1"
    assert check("http://127.0.0.1:9/v1", allow_private=True).address == "127.0.0.1"
    assert check("https://8.8.8.8/v1", allow_private=False).port == 443


def test_only_who_runs_the_installation_opens_its_network(project: Project, ada: User, endpoint: Endpoint) -> None:
    fields = {
        "name": "inside", "base_url": endpoint.url, "default_model": "m", "allow_private_host": True, "max_concurrency": 1,
        "budget_usd": None,
    }  # fmt: skip
    with pytest.raises(NotAllowed, match="administrator of this installation"):
        keep.add(project=project, fields=fields, key="", prices={}, actor=Actor(user=ada))
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    ada.refresh_from_db()
    assert keep.add(project=project, fields=fields, key="", prices={}, actor=Actor(user=ada)).allow_private_host


def test_a_connection_without_a_budget_is_kept(project: Project, alice: User, as_user: Any) -> None:
    fields = {
        "name": "far",
        "base_url": "https://8.8.8.8/v1",
        "max_concurrency": "4",
        "budget_usd": "",
        "default_model": "m",
    }
    browser = as_user(alice)
    answer = browser.post("/p/acme/settings/connections/", fields)
    assert answer.status_code == 302
    assert Connection.objects.get().budget_usd is None
    assert "far is kept.<" in browser.get("/p/acme/settings/").content.decode(), "it has no key"
    browser.post("/p/acme/settings/connections/", fields | {"name": "near", "key": "sk-1"})
    assert "near is kept. Its key cannot be read back." in browser.get("/p/acme/settings/").content.decode()


def test_limits_prices_and_the_budget_of_the_project_are_changed_on_the_settings_page(
    project: Project, alice: User, ada: User, as_user: Callable[[User], Client], endpoint: Endpoint
) -> None:
    connection = connect(project, endpoint.url)
    here = f"/p/acme/settings/connections/{connection.uid}/"
    assert "m 1.0 2.0" in as_user(alice).get("/p/acme/settings/").content.decode()
    form = {"default_model": "m", "max_concurrency": "3", "budget_usd": "5", "price_lines": "m 2 4\n\n* 1 0"}
    assert as_user(alice).post(here, form).status_code == 302
    connection.refresh_from_db()
    assert connection.prices == {"m": {"input": 2.0, "output": 4.0}, "*": {"input": 1.0, "output": 0.0}}
    assert (connection.max_concurrency, connection.budget_usd) == (3, 5)
    for lines in ("m 2", "m x 4", "m 2 4\nm 1 1", "m -1 4", "m nan 4"):
        answer = as_user(alice).post(here, {**form, "price_lines": lines})
        assert answer.status_code == 422 and "Line " in answer.content.decode(), lines
    assert as_user(alice).post("/p/acme/settings/budget/", {"budget_usd": "0.01"}).status_code == 403
    assert as_user(ada).post("/p/acme/settings/budget/", {"budget_usd": "-1"}).status_code == 422
    assert as_user(ada).post("/p/acme/settings/budget/", {"budget_usd": "0.007"}).status_code == 302
    ask(connection)  # 0.004
    ask(connection)
    with pytest.raises(client.ConnectionFailed, match="budget of Acme support") as caught:
        ask(connection)
    assert caught.value.kind == "budget" and len(endpoint.seen) == 2
    project.refresh_from_db()
    assert project.spent_usd == Decimal("0.008") and "administrator" in str(caught.value)
    connection.prices = {}
    connection.save(update_fields=["prices"])
    project.budget_usd = Decimal(9)
    project.save(update_fields=["budget_usd"])
    with pytest.raises(client.ConnectionFailed, match="could not be kept"):
        ask(connection)


def test_errors_say_what_kind_they_are(project: Project, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RETRIES", 0)
    connection = connect(project, endpoint.url)
    for status, kind in (
        (400, "request"),
        (413, "request"),
        (401, "refused"),
        (404, "refused"),
        (429, "busy"),
        (503, "server"),
        (408, "lost"),
        (502, "lost"),
        (504, "lost"),
    ):
        endpoint.status = [status]
        with pytest.raises(client.ConnectionFailed) as caught:
            ask(connection)
        assert (caught.value.kind, caught.value.status) == (kind, status)
        assert caught.value.of_request == (kind == "request") and caught.value.ends_all == (kind == "refused")
    connection.base_url = "http://127.0.0.1:9/v1"
    with pytest.raises(client.ConnectionFailed) as caught:
        ask(connection)
    assert caught.value.kind == "unreachable", "nothing was sent, so nothing can have been paid"


@pytest.mark.parametrize("status", [408, 502, 504, 524])
def test_a_gateway_that_gave_up_waiting_is_not_asked_again(
    project: Project, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.0)
    endpoint.status = [status]
    with pytest.raises(client.ConnectionFailed, match=f"answered {status}") as caught:
        ask(connect(project, endpoint.url))
    assert caught.value.kind == "lost" and len(endpoint.seen) == 1


def test_an_endpoint_that_counts_no_tokens_is_counted_by_length_and_the_budget_holds(
    project: Project, endpoint: Endpoint
) -> None:
    endpoint.usage = None
    connection = connect(project, endpoint.url, budget_usd=Decimal("0.01"))
    Connection.objects.update(prices={"m": {"input": 1000.0, "output": 2000.0}})
    connection.refresh_from_db()
    came = ask(connection)
    # "Hi": 1 token and 3 around the message; "Hello": 2 tokens
    assert (came.cost_usd, came.is_estimate) == (Decimal("0.008"), True)
    assert came.input_tokens is None and came.output_tokens is None, "nobody reported them"
    connection.refresh_from_db()
    assert connection.spent_usd == Decimal("0.008")
    ask(connection)
    with pytest.raises(client.ConnectionFailed, match="is used up"):
        ask(connection)
    connection.prices = {}
    connection.budget_usd = None
    connection.save()
    unknown = ask(connection)
    assert unknown.cost_usd is None and not unknown.is_estimate
    endpoint.usage = {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10}
    connection.prices = {"m": {"input": 1.0, "output": 2.0}}
    assert ask(connection).cost_usd == Decimal("0.000014"), "an answer of no tokens that says something is not believed"


def test_what_may_have_been_paid_for_is_not_sent_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that takes the request and hangs up, or never answers, is asked once."""
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.0)
    taken: list[bytes] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        ended = threading.Event()

        def hang_up() -> None:
            while not ended.is_set():
                line, _ = server.accept()
                if not ended.is_set():
                    taken.append(line.recv(65536))
                line.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        connection = connect(project, f"http://127.0.0.1:{server.getsockname()[1]}/v1")
        with pytest.raises(client.ConnectionFailed) as caught:
            ask(connection)
        ended.set()
        socket.create_connection(server.getsockname()).close()
        thread.join(10)
    assert caught.value.kind == "lost" and len(taken) == 1 and b"chat/completions" in taken[0]
