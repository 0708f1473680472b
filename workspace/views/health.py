"""Whether it works: for load balancers, for the banner on every page, and for a request that met a broken machine."""

import sys
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workspace import health

UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers; asks nobody else."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, migrations and data folder are as they must be; else 503 with the reasons."""
    found = health.unready()
    reasons = [{"kind": trouble.kind, "what": trouble.what, "remedy": trouble.remedy} for trouble in found]
    return JsonResponse({"ready": not found, "reasons": reasons}, status=UNAVAILABLE if found else HTTPStatus.OK)


@login_not_required
@never_cache
@require_safe
def banner(request: HttpRequest) -> HttpResponse:
    """The fragment that every page polls: empty when all is well. Needs no session, which may be what is broken."""
    return render(request, "parts/_banner.html", {"troubles": health.troubles()})


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a machine that is broken is told as such (503, with what to do); anything else is our fault (500)."""
    error = sys.exc_info()[1]
    trouble = health.trouble_of(error) if isinstance(error, (DatabaseError, InterfaceError)) else None
    status = UNAVAILABLE if trouble else HTTPStatus.INTERNAL_SERVER_ERROR
    if request.path.startswith(("/api/", "/v1/")):
        code, message = (
            ("unavailable", f"{trouble.what} {trouble.remedy}")
            if trouble
            else ("internal", "Something went wrong on our side; it has been logged.")
        )
        response: HttpResponse = JsonResponse(
            {"error": {"code": code, "message": message, "details": []}}, status=status
        )
    else:
        template = loader.get_template("503.html" if trouble else "500.html")
        response = HttpResponse(
            template.render({"trouble": trouble}), status=status
        )  # no request: no query for the frame
    if trouble:
        response["Retry-After"] = "5"
    return response
