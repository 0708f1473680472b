"""Answering a browser: a whole page, or only the part that htmx asked for."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asked for a part (a boosted link wants the page)."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)


def answer(
    request: HttpRequest, page: str, context: dict[str, Any], *, fragment: str = "", status: int = 200
) -> HttpResponse:
    """Render `page`, or `fragment` where htmx asked for a part. Caches keep the two apart (Vary: HX-Request)."""
    template = fragment if fragment and wants_fragment(request) else page
    response = render(request, template, context, status=status)
    if fragment:
        response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary", ""), "HX-Request"]))
    return response
