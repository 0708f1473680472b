"""Who asks: a load balancer before all else; and every page needs somebody signed in, unless it says otherwise."""

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect

from workspace.views import health


class SignedIn(LoginRequiredMiddleware):
    """Sends nobody to the sign-in page; a fragment that htmx asked for sends the whole browser there."""

    def process_view(self, request, view_func, view_args, view_kwargs):  # type: ignore[no-untyped-def]
        if request.path.startswith("/api/"):  # the API has its own check and answers 401
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request: HttpRequest, view_func):  # type: ignore[no-untyped-def]
        response: HttpResponseBase = super().handle_no_permission(request, view_func)
        if getattr(request, "htmx", False):
            return HttpResponseClientRedirect(response["Location"])
        return response


PROBES = {"/healthz": health.healthz, "/readyz": health.readyz}


def probes(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """The first middleware: a load balancer asks by address, without TLS and without any name of ALLOWED_HOSTS."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        probe = PROBES.get(request.path)
        return probe(request) if probe else get_response(request)

    return answer
