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
from tests.people import person
from workspace import tokens
from workspace.access import Actor
from workspace.models import Membership, Project, Role, User

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


# The role that each page and operation needs: every address is here, so a new one must say whom it is for.
ANY, ENGINEER, ADMIN, NONE = Role.REVIEWER, Role.ENGINEER, Role.ADMIN, None  # NONE: there is no such method
PAGE_NEEDS: dict[str, tuple[Role | None, Role | None]] = {  # GET, POST
    "workspace:settings": (ANY, NONE),
    "workspace:member-add": (NONE, ADMIN),
    "workspace:member-set": (NONE, ADMIN),
    "workspace:token-issue": (NONE, ENGINEER),
    "workspace:token-revoke": (NONE, ENGINEER),
    "workspace:connection-add": (NONE, ENGINEER),
    "workspace:project-budget": (NONE, ADMIN),
    "workspace:connection-change": (NONE, ENGINEER),
    "workspace:connection-key": (NONE, ENGINEER),
    "workspace:connection-try": (NONE, ENGINEER),
    "workspace:audit": (ADMIN, NONE),
    "curation:traces": (ANY, NONE),
    "curation:trace-figures": (ANY, NONE),
    "curation:trace-complete": (ANY, NONE),
    "curation:traces-waiting": (ANY, NONE),
    "curation:trace-bulk": (NONE, ANY),  # archiving: see ACTS
    "curation:trace-undo": (NONE, ANY),
    "curation:trace-count": (ANY, NONE),
    "curation:trace-arrivals": (ANY, NONE),
    "curation:trace-columns": (ANY, NONE),
    "curation:trace-acts": (ANY, NONE),
    "curation:trace-act-stop": (NONE, ANY),  # of an act that archives: engineers
    "curation:view-save": (NONE, ANY),
    "curation:view-change": (NONE, ANY),
    "curation:upload": (ENGINEER, ENGINEER),
    "curation:upload-results": (ENGINEER, NONE),
    "curation:upload-retry": (NONE, ENGINEER),
    "curation:trace": (ANY, ANY),
    "curation:trace-part": (ANY, NONE),
    "curation:trace-find": (ANY, NONE),
    "curation:trace-diff": (ANY, NONE),
    "curation:trace-attempts": (ANY, NONE),
    "curation:trace-becomes": (ANY, NONE),
    "curation:step-use": (NONE, ANY),
    "curation:trace-timeline": (ANY, NONE),
    "curation:tool-views": (ENGINEER, ENGINEER),
    "curation:trace-replay": (ENGINEER, ENGINEER),
    "curation:replay": (ANY, NONE),
    "curation:trace-similar": (ANY, NONE),
    "curation:trace-told": (ANY, NONE),
    "curation:trace-text": (ANY, NONE),
    "curation:trace-talk-text": (ANY, NONE),
    "curation:trace-comments": (ANY, ANY),
    "curation:people": (ANY, NONE),
    "curation:mentions": (ANY, ANY),
    "curation:mention": (ANY, NONE),
    "curation:review-keys": (ANY, ANY),
    "curation:review": (ANY, ANY),  # making a queue: see ACTS
    "curation:review-next": (ANY, NONE),
    "curation:review-undo": (NONE, ANY),
    "curation:queue": (ANY, ANY),  # settings, closing, emptying, deleting: tests/curation/review/test_queue_edit.py
    "curation:queue-change": (ENGINEER, NONE),
    "curation:review-item": (ANY, ANY),
    "curation:pairs": (ANY, ANY),  # making, closing a queue: see ACTS
    "curation:pairs-next": (ANY, ANY),
    "curation:pair": (ANY, ANY),
    "curation:charts": (ANY, NONE),
    "curation:graders": (ANY, NONE),
    "curation:grader-new": (ENGINEER, ENGINEER),
    "curation:grader": (ANY, ENGINEER),
    "curation:grader-change": (ENGINEER, ENGINEER),
    "curation:grader-version": (ANY, ENGINEER),
    "curation:batches": (ENGINEER, NONE),
    "curation:batch": (ENGINEER, ENGINEER),
    "curation:batch-item": (ENGINEER, NONE),
    "curation:candidates-new": (ENGINEER, ENGINEER),
    "curation:topics": (ANY, ENGINEER),
    "curation:topic": (ANY, ENGINEER),
    "curation:topic-rule": (ANY, NONE),
    "curation:topic-clusters": (ENGINEER, ENGINEER),
    "curation:clustering": (ENGINEER, ENGINEER),
    "curation:trace-topic": (ANY, ANY),
    "curation:dataset-diff": (ANY, NONE),
    "curation:datasets": (ANY, NONE),
    "curation:freezing": (ENGINEER, ENGINEER),
    "curation:dataset-new": (ENGINEER, ENGINEER),
    "curation:dataset-left": (ENGINEER, NONE),
    "curation:replay-buffers": (ANY, NONE),
    "curation:replay-buffer": (ANY, NONE),
    "curation:replay-buffer-change": (NONE, ENGINEER),
    "curation:dataset": (ANY, NONE),
    "curation:dataset-version": (ANY, NONE),
    "curation:dataset-held-out": (ANY, NONE),
    "curation:dataset-row": (ANY, NONE),
    "curation:dataset-decisions": (ANY, NONE),
    "curation:dataset-checks": (ANY, NONE),
    "curation:dataset-export": (ENGINEER, ENGINEER),
    "curation:dataset-judgments": (ENGINEER, NONE),
    "curation:validate": (ANY, ANY),
    "training:runs": (ANY, NONE),
    "training:run-new": (ENGINEER, ENGINEER),
    "training:run": (ANY, NONE),
    "training:run-chart": (ANY, NONE),
    "training:run-log": (ANY, NONE),
    "training:run-cancel": (NONE, ENGINEER),
    "training:run-resume": (NONE, ENGINEER),
    "training:models": (ANY, NONE),
    "training:model": (ANY, NONE),
    "training:model-download": (ENGINEER, NONE),
    "evaluation:comparisons": (ANY, NONE),
    "evaluation:comparison-new": (ENGINEER, ENGINEER),
    "evaluation:comparison": (ANY, NONE),
    "evaluation:comparison-stop": (NONE, ENGINEER),
    "evaluation:comparison-judging": (NONE, ENGINEER),
    "evaluation:over-time": (ANY, NONE),
    "demo-delete": (NONE, ADMIN),
    "project": (ANY, NONE),
    "privacy": (ENGINEER, NONE),
    "privacy-rules": (NONE, ADMIN),
    "privacy-forget": (NONE, ADMIN),
    "counts": (ANY, NONE),
    "places": (ANY, NONE),
}
# acts that need more than their page
ACTS = [
    ("curation:review", {"act": "create", "name": "Mine"}, ENGINEER),
    ("curation:review", {"act": "refill", "queue": "none"}, ANY),
    ("curation:review", {"act": "restore", "queue": "none"}, ENGINEER),
    ("curation:pairs", {"act": "create", "name": "Mine"}, ENGINEER),
    ("curation:pairs", {"act": "close", "queue": "none"}, ENGINEER),
    ("curation:pairs", {"act": "refill", "queue": "none"}, ANY),
    ("curation:trace-bulk", {"action": "archive", "all": "1"}, ENGINEER),
    ("curation:trace-bulk", {"action": "restore", "all": "1"}, ENGINEER),
    ("curation:trace-bulk", {"action": "tag", "all": "1", "tag": "x"}, ANY),
    ("curation:trace-bulk", {"action": "topic", "all": "1", "topic": ""}, ANY),
    ("workspace:token-issue", {"name": "mine", "role": "admin"}, ENGINEER),
]
OPERATION_NEEDS: dict[str, Role] = {
    "GET /": ANY,
    "GET /freezings/{freezing_id}": ENGINEER,
    "POST /freezings/{freezing_id}/cancel": ENGINEER,
    "GET /datasets": ANY,
    "POST /datasets": ENGINEER,
    "POST /datasets/preview": ENGINEER,
    "POST /datasets/preview/left": ENGINEER,
    "GET /replay-buffers": ANY,
    "GET /replay-buffers/{name}": ANY,
    "POST /replay-buffers/{name}/clear": ENGINEER,
    "POST /replay-buffers/{name}/restore": ENGINEER,
    "GET /datasets/{name}": ANY,
    "GET /datasets/{name}/diff": ANY,
    "GET /datasets/{name}/diff/rows": ANY,
    "GET /topics": ANY,
    "POST /topics": ENGINEER,
    "PATCH /topics/{topic}": ENGINEER,
    "DELETE /topics/{topic}": ENGINEER,
    "POST /topics/clusters": ENGINEER,
    "GET /topics/clusters/{clustering_id}": ENGINEER,
    "POST /topics/clusters/{clustering_id}/cancel": ENGINEER,
    "POST /topics/clusters/{clustering_id}/accept": ENGINEER,
    "GET /traces/{trace_id}/topic": ANY,
    "PUT /traces/{trace_id}/topic": ANY,
    "GET /datasets/{name}/versions/{n}": ANY,
    "GET /datasets/{name}/versions/{n}/rows": ANY,
    "GET /datasets/{name}/versions/{n}/export": ENGINEER,
    "GET /datasets/{name}/versions/{n}/manifest": ENGINEER,
    "GET /datasets/{name}/versions/{n}/judgments": ENGINEER,
    "GET /judgments": ENGINEER,
    "POST /validate": ANY,
    "POST /traces": ANY,  # by token; people need the role engineer to upload
    "GET /traces": ANY,
    "GET /traces/{trace_id}": ANY,
    "POST /traces/acts": ANY,  # archiving and restoring: engineers
    "GET /traces/acts/{act_id}": ANY,
    "POST /traces/acts/{act_id}/stop": ANY,
    "POST /traces/acts/{act_id}/undo": ANY,
    "POST /traces/{trace_id}/judgments": ANY,
    "GET /traces/{trace_id}/judgments": ANY,
    "GET /traces/{trace_id}/comments": ANY,
    "POST /traces/{trace_id}/comments": ANY,
    "PATCH /comments/{comment_id}": ANY,
    "GET /mentions": ANY,
    "GET /preferences": ENGINEER,
    "GET /graders": ANY,
    "POST /graders": ENGINEER,
    "GET /graders/{grader}": ANY,
    "PATCH /graders/{grader}": ENGINEER,
    "GET /graders/{grader}/versions": ANY,
    "POST /graders/{grader}/versions": ENGINEER,
    "GET /graders/{grader}/versions/{number}/changes": ANY,
    "POST /graders/{grader}/versions/{number}/trial": ENGINEER,
    "GET /graders/{grader}/versions/{number}/trial/{trial_id}": ENGINEER,
    "POST /graders/{grader}/versions/{number}/trial/{trial_id}/cancel": ENGINEER,
    "POST /graders/{grader}/versions/{number}/confirm": ENGINEER,
    "POST /batches/price": ENGINEER,
    "POST /batches": ENGINEER,
    "GET /batches": ENGINEER,
    "GET /batches/{batch_id}": ENGINEER,
    "GET /batches/{batch_id}/items": ENGINEER,
    "POST /batches/{batch_id}/cancel": ENGINEER,
    "POST /batches/{batch_id}/resume": ENGINEER,
    "POST /batches/{batch_id}/resume/price": ENGINEER,
    "GET /queues": ANY,
    "POST /queues": ENGINEER,
    "PATCH /queues/{queue}": ENGINEER,
    "DELETE /queues/{queue}": ENGINEER,
    "GET /queues/{queue}/change": ENGINEER,
    "POST /queues/{queue}/take-out": ANY,  # reviewers what they put in by hand
    "POST /queues/{queue}/put-back": ANY,
    "POST /traces/{trace_id}/feedback": ANY,
    "POST /traces/{trace_id}/scores": ANY,
    "POST /feedback": ANY,
    "POST /scores": ANY,
    "POST /runs": ENGINEER,
    "GET /runs": ANY,
    "GET /runs/{uid}": ANY,
    "POST /runs/{uid}/cancel": ENGINEER,
    "POST /runs/{uid}/resume": ENGINEER,
    "GET /models": ANY,
    "GET /models/{uid}": ANY,
    "GET /comparisons": ANY,
    "POST /comparisons": ENGINEER,
    "POST /comparisons/price": ENGINEER,
    "GET /comparisons/{uid}": ANY,
    "POST /comparisons/{uid}/cancel": ENGINEER,
    "GET /comparisons/{uid}/judgments": ANY,
    "POST /comparisons/{uid}/judging/price": ENGINEER,
    "POST /comparisons/{uid}/judging": ENGINEER,
}


def test_every_page_and_operation_says_whom_it_is_for() -> None:
    assert {name for name, _ in PROJECT_PAGES} == set(PAGE_NEEDS)
    paths = the_api.get_openapi_schema()["paths"]
    told = {f"{method.upper()} {path.split('{slug}')[1]}" for path, methods in paths.items() for method in methods}
    assert told == set(OPERATION_NEEDS)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ENGINEER, Role.ADMIN])
@pytest.mark.parametrize(("name", "address"), PROJECT_PAGES, ids=[name for name, _ in PROJECT_PAGES])
def test_pages_are_for_their_role_and_those_above(
    name: str, address: str, role: Role, project: Project, as_user: Callable[[User], Client]
) -> None:
    client = as_user(_member(project, role))
    for method, needed in zip(("get", "post"), PAGE_NEEDS[name], strict=True):
        status = getattr(client, method)(address).status_code
        if needed is NONE:
            assert status == 405, (method, status)
        else:
            assert (status == 403) == (not role.covers(needed)), (method, status)
            assert status != 405 and status < 500, (method, status)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ENGINEER, Role.ADMIN])
@pytest.mark.parametrize(
    ("name", "data", "needed"), ACTS, ids=[f"{act[0]} {next(iter(act[1].values()))}" for act in ACTS]
)
def test_acts_of_a_page_are_for_their_role(
    name: str, data: dict[str, str], needed: Role, role: Role, project: Project, as_user: Callable[[User], Client]
) -> None:
    status = as_user(_member(project, role)).post(dict(PROJECT_PAGES)[name], data).status_code
    assert (status == 403) == (not role.covers(needed)) and status < 500, status


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ENGINEER, Role.ADMIN])
@pytest.mark.parametrize("operation", sorted(OPERATION_NEEDS))
def test_operations_are_for_their_role_and_those_above(operation: str, role: Role, api: Callable[..., Client]) -> None:
    method, path = operation.split(" ")
    address = _address("/api/projects/{slug}" + path)
    body = _body(method, address)
    status = api(role).generic(method, address, body, content_type="application/json").status_code
    assert (status == 403) == (not role.covers(OPERATION_NEEDS[operation])), status
    assert status not in (401, 405) and status < 500, status


def _member(project: Project, role: Role) -> User:
    user = person("somebody@example.com", "Somebody")
    Membership.objects.create(project=project, user=user, role=role)
    return user


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
