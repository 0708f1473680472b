"""When each step of a run began and how long it took."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from curation.models import Trace
from curation.review import timeline
from curation.views.bench_acts import number
from workspace.access import enter
from workspace.models import Role
from workspace.pages import answer


@require_GET
def trace_timeline(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """The page, or the tab beside a run (htmx). `?rows=turns`, `?rows=all`, `?from=501`, `?gaps=out`, `?at=b12`."""
    entry = enter(request, slug, Role.REVIEWER)
    look = timeline.Look(
        only_turns=request.GET.get("rows") == "turns",
        every=request.GET.get("rows") == "all",
        without_gaps=request.GET.get("gaps") == "out",
        since=number(request.GET.get("from"), 1),
        at=request.GET.get("at", ""),
    )
    try:
        found = timeline.of_trace(project=entry.project, trace_uid=uid, look=look)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    context = {"found": found, "look": look, "trace": found.trace}
    return answer(request, "curation/trace_timeline.html", context, fragment="curation/_timeline_tab.html")
