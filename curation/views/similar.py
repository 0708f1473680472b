"""Traces that say much the same as one: the list beside it."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from curation.models import Trace
from curation.review import blind
from curation.search import similar
from workspace.access import enter, reader_of
from workspace.models import Role

SHOWN = 12


@require_GET
def trace_similar(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Fragment: the nearest traces with their score and judgment."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = get_object_or_404(Trace.objects.filter(project=entry.project), uid=uid)
    found = similar.nearest(trace_id=trace.pk, most=SHOWN)
    rows = Trace.objects.filter(project=entry.project).defer("metadata").in_bulk([one.trace_id for one in found or []])
    hidden = blind.hidden_of(traces=list(rows.values()), user=reader_of(entry))
    near = [(one.score, rows[one.trace_id], one.trace_id in hidden) for one in found or [] if one.trace_id in rows]
    return render(request, "curation/_similar.html", {"trace": trace, "near": near, "waiting": found is None})
