"""The page where a person sets the keys of the review page."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from curation.review import keys
from curation.review.invalid import Invalid
from workspace.access import enter
from workspace.models import Role
from workspace.pages import answer


@require_http_methods(["GET", "POST"])
def review_keys(request: HttpRequest, slug: str) -> HttpResponse:
    """One's own keys. POST stores them, or with act=reset forgets them."""
    entry = enter(request, slug, Role.REVIEWER)
    user = entry.actor.user
    if user is None:
        raise Http404("Only people have keys.")
    if request.method != "POST":
        return _page(request, keys.keys_of(user), {})
    if request.POST.get("act") == "reset":
        keys.reset(user=user)
        messages.success(request, "All keys are as they were at first.")
        return redirect("curation:review-keys", slug)
    chosen = {act.name: request.POST.get(act.name, act.key) for act in keys.ACTS}
    try:
        keys.choose(user=user, chosen=chosen)
    except Invalid:
        return _page(request, chosen, keys.conflicts(chosen), 422)
    messages.success(request, "Your keys are saved.")
    return redirect("curation:review-keys", slug)


def _page(request: HttpRequest, chosen: dict[str, str], wrong: dict[str, str], status: int = 200) -> HttpResponse:
    rows: list[dict[str, Any]] = [
        {"act": act, "group": act.group, "key": chosen[act.name], "wrong": wrong.get(act.name, "")} for act in keys.ACTS
    ]
    groups: list[tuple[str, list[dict[str, Any]]]] = [
        (name, list(some)) for name, some in groupby(rows, key=lambda row: str(row["group"]))
    ]
    changed = any(chosen[act.name] != act.key for act in keys.ACTS)
    context = {"groups": groups, "changed": changed, "wrong": len(wrong)}
    return answer(request, "curation/review_keys.html", context, status=status)
