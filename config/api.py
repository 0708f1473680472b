"""The HTTP API under /api/: who calls, what is there, and the one shape of every error."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as SchemaError
from ninja.security import HttpBearer
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from curation.api import router as curation
from evaluation.api import router as evaluation
from training.api import router as training
from workspace import tokens
from workspace.api import router as workspace
from workspace.problems import Problem


class TokenAuth(HttpBearer):
    """`Authorization: Bearer wst_...`"""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        found = tokens.find(token)
        if found is not None:
            request.auth_token = found  # type: ignore[attr-defined]
        return found


class SessionAuth(AuthBase):
    """The browser's session. Changing calls must carry the CSRF token."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Any:
        if not request.user.is_authenticated or "Authorization" in request.headers:
            return None
        if check_csrf(request) is not None:
            raise PermissionDenied("The CSRF token is missing or old: send X-CSRFToken, or use an API token.")
        return request.user


api = NinjaAPI(
    title="Whetstone",
    version="1",
    description="Traces in, judgments, datasets, runs, models and comparisons. Send a token: `Authorization: Bearer wst_...`.",
    auth=[TokenAuth(), SessionAuth()],
    urls_namespace="api",
    docs_url=None,
)
for router in (workspace, curation, training, evaluation):
    api.add_router("/projects/{slug}/", router)


def _fail(error: type[Exception], build: Callable[[Any], Problem]) -> None:
    @api.exception_handler(error)
    def handle(request: HttpRequest, raised: Any) -> HttpResponse:
        problem = build(raised)
        response = api.create_response(request, problem.body(), status=problem.status)
        if problem.status == 503:
            response["Retry-After"] = "5"
        if problem.status == 401:
            response["WWW-Authenticate"] = "Bearer"
        return response


def _where(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location[2:] or location[1:])


_fail(Problem, lambda raised: raised)
_fail(
    AuthenticationError,
    lambda raised: Problem(401, "unauthenticated", "Send a valid token: Authorization: Bearer wst_..."),
)
_fail(Http404, lambda raised: Problem(404, "not_found", str(raised) or "There is no such thing in this project."))
_fail(PermissionDenied, lambda raised: Problem(403, "forbidden", str(raised) or "Your role does not allow this."))
_fail(HttpError, lambda raised: Problem(raised.status_code, "bad_request", str(raised)))
_fail(SuspiciousOperation, lambda raised: Problem(400, "bad_request", str(raised)))
_fail(ValidationError, lambda raised: Problem(422, "invalid", "; ".join(raised.messages)))
_fail(
    SchemaError,
    lambda raised: Problem(
        422,
        "invalid",
        "The request does not have the form that is documented at /api/docs.",
        details=[{"where": _where(tuple(one["loc"])), "reason": str(one["msg"])} for one in raised.errors],
    ),
)
_fail(
    # such as a NUL character, which no text of PostgreSQL can hold
    DataError,
    lambda raised: Problem(422, "invalid", f"The database cannot keep a value: {str(raised).splitlines()[0]}"),
)
_fail(
    OperationalError, lambda raised: Problem(503, "unavailable", "The database does not answer. Try again in a moment.")
)
if not settings.DEBUG:
    _fail(Exception, lambda raised: _unexpected(raised))


def _unexpected(raised: Exception) -> Problem:
    import logging

    logging.getLogger(__name__).error("An API operation failed", exc_info=raised)
    return Problem(500, "internal", "Something went wrong on our side; it has been logged.")
