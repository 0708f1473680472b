"""Every page and every operation of the API: outsiders get 404, a wrong role 403, nobody 302 or 401."""

import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from config.api import api as the_api
from workspace import tokens
from workspace.access import Actor
from workspace.models import Project, Role, User

# pages without a project: what they are for anybody is tested in tests/browser/test_frame.py
OPEN = {
    "home", "create-project", "sign-in", "sign-out", "forgot-password", "forgot-password-sent", "password_reset_confirm",
    "account", "change-password", "theme", "healthz", "readyz", "banner", "styleguide", "api-docs",
}  # fmt: skip
NOBODY_MAY = {
    "sign-in", "forgot-password", "forgot-password-sent", "password_reset_confirm", "theme", "healthz", "readyz", "banner", "api-docs",
}  # fmt: skip
FILL = {"slug": "words", "uuid": str(uuid.UUID(int=7)), "int": "1", "str": "x", "path": "x"}


def _walk(patterns: list[Any], prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    for one in patterns:
        if isinstance(one, URLResolver):
            inner = f"{space}{one.namespace}:" if one.namespace else space
            yield from _walk(one.url_patterns, prefix + str(one.pattern), inner)
        elif isinstance(one, URLPattern):
            yield f"{space}{one.name}", prefix + str(one.pattern)


def _address(route: str) -> str:
    first = route.replace("<slug:slug>", "acme").replace("{slug}", "acme")
    filled = re.sub(r"<(?:(\w+):)?\w+>", lambda found: FILL[found[1] or "str"], first)
    return "/" + re.sub(
        r"\{(\w+)\}", lambda found: FILL["int"] if found[1] in ("number", "position", "n") else FILL["uuid"], filled
    ).lstrip("/")


PAGES = [
    (name, route)
    for name, route in _walk(get_resolver().url_patterns)
    if not route.startswith("api/") or name == "api-docs"
]
PROJECT_PAGES = [(name, _address(route)) for name, route in PAGES if route.startswith("p/<slug:slug>")]
OPERATIONS = [
    (method.upper(), _address(path))
    for path, methods in the_api.get_openapi_schema()["paths"].items()
    for method in methods
]


def test_every_address_is_in_a_project_or_known_to_be_open() -> None:
    others = {name for name, route in PAGES if not route.startswith("p/<slug:slug>")}
    assert others == OPEN
    assert all("/projects/acme/" in address for _, address in OPERATIONS)
    assert len(PROJECT_PAGES) > 25 and len(OPERATIONS) > 15


@pytest.mark.parametrize(("name", "address"), PROJECT_PAGES, ids=[name for name, _ in PROJECT_PAGES])
def test_pages_send_nobody_to_sign_in_and_hide_from_outsiders(
    name: str, address: str, project: Project, charlie: User, as_user: Callable[[User], Client]
) -> None:
    for method in ("get", "post"):
        answer = getattr(Client(), method)(address)
        assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/"), (method, answer.status_code)
        answer = getattr(as_user(charlie), method)(address)
        assert answer.status_code in (404, 405), (method, answer.status_code)
    allowed = [m for m in ("get", "post") if getattr(as_user(charlie), m)(address).status_code == 404]
    assert allowed, "neither GET nor POST reached the check of access"


@pytest.mark.parametrize(("method", "address"), OPERATIONS, ids=[" ".join(one) for one in OPERATIONS])
def test_operations_refuse_nobody_and_hide_from_outsiders(
    method: str, address: str, project: Project, charlie: User
) -> None:
    other = Project.objects.get(slug="other")
    _, text = tokens.issue(project=other, name="other", role=Role.ADMIN, actor=Actor())
    for client, expected in (
        (Client(), 401),
        (Client(headers={"Authorization": "Bearer wst_wrong"}), 401),
        (Client(headers={"Authorization": f"Bearer {text}"}), 404),
    ):
        # bodies are checked before the operation runs, so a body that fits is made from the schema
        answer = client.generic(method, address, _body(method, address), content_type="application/json")
        assert answer.status_code == expected, answer.content
        assert set(answer.json()["error"]) == {"code", "message", "details"}


def _body(method: str, address: str) -> str:
    schema = the_api.get_openapi_schema()
    for path, methods in schema["paths"].items():
        if _address(path) == address and method.lower() in methods:
            content = methods[method.lower()].get("requestBody", {}).get("content", {})
            return json.dumps(_example(schema, next(iter(content.values()))["schema"])) if content else ""
    raise AssertionError(address)


def _example(schema: dict[str, Any], field: dict[str, Any]) -> Any:
    if "$ref" in field:
        return _example(schema, schema["components"]["schemas"][field["$ref"].rsplit("/", 1)[-1]])
    if "default" in field:
        return field["default"]
    if "enum" in field:
        return field["enum"][0]
    if "anyOf" in field:
        return _example(schema, field["anyOf"][0])
    if field.get("type") == "object":
        return {name: _example(schema, field["properties"][name]) for name in field.get("required", [])}
    return {"string": "acceptable", "integer": 1, "number": 1, "boolean": True, "array": []}.get(
        field.get("type", ""), "x"
    )


# what each role may do beyond reading; everything else must answer a reviewer with something other than 403
NEEDS = {
    "workspace:member-add": Role.ADMIN, "workspace:member-set": Role.ADMIN, "workspace:audit": Role.ADMIN,
    "workspace:token-issue": Role.ENGINEER, "workspace:token-revoke": Role.ENGINEER,
    "workspace:connection-add": Role.ENGINEER, "workspace:connection-key": Role.ENGINEER, "workspace:connection-try": Role.ENGINEER,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_a_role_that_is_too_low_is_told_so(
    name: str, rita: User, alice: User, as_user: Callable[[User], Client]
) -> None:
    address = dict(PROJECT_PAGES)[name]
    for user, role in ((rita, Role.REVIEWER), (alice, Role.ENGINEER)):
        answers = [getattr(as_user(user), method)(address).status_code for method in ("get", "post")]
        assert (403 in answers) == (not role.covers(NEEDS[name])), (role, answers)


def test_a_token_does_no_more_than_its_role(api: Callable[..., Client]) -> None:
    reviewer = api(Role.REVIEWER)
    seen = {
        reviewer.generic(method, address, _body(method, address), content_type="application/json").status_code
        for method, address in OPERATIONS
    }
    assert 403 in seen and 401 not in seen and not {status for status in seen if status >= 500}


def test_pages_never_break_on_ids_that_do_not_exist(ada: User, as_user: Callable[[User], Client]) -> None:
    client = as_user(ada)
    for (name, address), method in itertools.product(PROJECT_PAGES, ("get", "post")):
        status = getattr(client, method)(address).status_code
        assert status < 500, (name, method, status)
