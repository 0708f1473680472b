"""What was said of a trace, beside its row in the list."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from curation.models import Trace
from curation.review import bench
from workspace.access import enter
from workspace.models import Role


@require_GET
def trace_told(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Fragment: every judgment and score with who gave it and why."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        said = bench.said_of(
            project=entry.project, user=entry.actor.user, trace_uid=uid, may_look=entry.may(Role.ENGINEER)
        )
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    return render(request, "curation/_trace_told.html", {"said": said})
