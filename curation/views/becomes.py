"""What a trace would become if it were frozen now."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from curation.datasets import becomes
from curation.models import Trace
from workspace.access import enter
from workspace.models import Role
from workspace.pages import answer

MOST = 20_000  # characters of a line on the page; a file has the whole


@require_GET
def trace_becomes(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """The page, the tab beside a run (htmx), or one format's line as a file (`line`)."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        found = becomes.become(project=entry.project, trace_uid=uid)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    if wanted := request.GET.get("line"):
        line = next((one for one in found.lines if wanted == one.format.NAME and one.raw is not None), None)
        if line is None or line.raw is None:
            raise Http404("This trace has no line in that format.")
        headers = {"Content-Disposition": f'attachment; filename="{uid}.{wanted}.jsonl"'}
        return HttpResponse(f"{line.raw}\n", content_type="application/jsonl; charset=utf-8", headers=headers)
    context = {"found": found, "trace": found.trace, "most": MOST, "cut": f":{MOST}"}
    return answer(request, "curation/trace_becomes.html", context, fragment="curation/_becomes_tab.html")
