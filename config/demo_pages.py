"""Taking the demo project away from its settings page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from config import demo
from config.erase import StillRunning
from workspace.access import enter
from workspace.models import Role


@require_POST
def delete_demo(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete the demo project and all that belongs to it; a project with real data is refused."""
    entry = enter(request, slug, Role.ADMIN)
    try:
        counts = demo.delete(project=entry.project, actor=entry.actor)
    except (demo.NotTheDemo, StillRunning) as error:
        messages.error(request, str(error))
        return redirect("workspace:settings", slug)
    traces = counts.get("curation.Trace", 0)
    messages.success(
        request, f"The demo is gone: {traces:,} traces and {sum(counts.values()) - traces:,} other rows deleted."
    )
    return redirect("home")
