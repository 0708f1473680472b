"""Saving, overwriting, renaming and deleting views of the list."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from curation.browse import saved_views
from curation.models import SavedView
from curation.views.bulk import back_to_list, deleted_view
from curation.views.traces import content_asked, may_change, view_address
from workspace.access import enter
from workspace.models import Role


def _asked(request: HttpRequest) -> saved_views.Content:
    return content_asked(QueryDict(request.POST.get("back", "")[:20_000]))


@require_POST
def save(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep what the list shows as a new view."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        view = saved_views.save(
            project=entry.project,
            actor=entry.actor,
            name=request.POST.get("name", ""),
            content=_asked(request),
            shared=bool(request.POST.get("shared")),
        )
    except ValueError as problem:  # BadView, FilterError, UnknownOrder, UnknownColumn
        messages.error(request, str(problem))
        return redirect(back_to_list(request, slug))
    messages.success(request, f"Saved as “{view.name}”.")
    return redirect(reverse("curation:traces", args=[slug]) + view_address(view))


@require_POST
def change(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Overwrite, rename or delete a view."""
    entry = enter(request, slug, Role.REVIEWER)
    # somebody else's own view does not exist for others
    seen = Q(is_shared=True) | Q(owner=entry.actor.user)
    view = SavedView.objects.filter(seen, project=entry.project, uid=uid).select_related("project").first()
    if view is None:
        raise Http404("There is no such view.")
    if not may_change(entry, view):
        raise PermissionDenied("A view for everybody is changed by who saved it, or an engineer.")
    act, address = request.POST.get("act", ""), reverse("curation:traces", args=[slug])
    try:
        if act == "overwrite":
            saved_views.overwrite(view=view, actor=entry.actor, content=_asked(request))
            messages.success(request, f"“{view.name}” keeps what the list shows now.")
        elif act == "rename":
            saved_views.rename(
                view=view,
                actor=entry.actor,
                name=request.POST.get("name", ""),
                shared=bool(request.POST.get("shared")),
            )
            messages.success(request, f"The view is called “{view.name}”.")
        elif act == "delete":
            kept = saved_views.delete(view=view, actor=entry.actor)
            messages.success(request, deleted_view(kept, view.name))
            return redirect(address)
        else:
            raise SuspiciousOperation("There is no such act.")
    except ValueError as problem:
        messages.error(request, str(problem))
        return redirect(back_to_list(request, slug))
    return redirect(address + view_address(view))
