"""Every page needs somebody signed in, unless it says that it does not."""

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect


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
