"""Replay buffers: how full they are, what lies in them, and clearing them."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.datasets.selecting import replay_buffer
from curation.models import ReplayBuffer
from workspace.access import enter
from workspace.models import Role

SIZE = 50


@require_GET
def replay_buffers(request: HttpRequest, slug: str) -> HttpResponse:
    """All buffers of the project."""
    entry = enter(request, slug, Role.REVIEWER)
    context = {"looks": replay_buffer.look(project=entry.project), "may_engineer": entry.may(Role.ENGINEER)}
    return render(request, "curation/replay_buffers.html", context)


@require_GET
def replay_buffer_rows(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """What lies in one buffer, a page of it."""
    entry = enter(request, slug, Role.REVIEWER)
    found = next((one for one in replay_buffer.look(project=entry.project) if one.buffer.name == name), None)
    if found is None:
        raise Http404("There is no such replay buffer in this project.")
    page = replay_buffer.rows(buffer=found.buffer, cursor=request.GET.get("cursor", ""), size=SIZE)
    context = {
        "look": found,
        "page": page,
        "aside": replay_buffer.set_aside(buffer=found.buffer),
        "may_engineer": entry.may(Role.ENGINEER),
    }
    return render(request, "curation/replay_buffer.html", context)


@require_POST
def replay_buffer_change(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Empty a buffer (act=clear), or take that back (act=restore)."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        if request.POST.get("act") == "clear":
            held = replay_buffer.clear(project=entry.project, name=name, actor=entry.actor)
            messages.success(request, f"{held:,} rows were taken out of {name}.")
        else:
            back = replay_buffer.restore(project=entry.project, name=name, actor=entry.actor)
            told = (
                "Rows have passed since, so the clearing stands." if back is None else f"{back:,} rows lie in it again."
            )
            messages.success(request, told)
    except ReplayBuffer.DoesNotExist:
        raise Http404("There is no such replay buffer in this project.") from None
    return redirect(reverse("curation:replay-buffer", args=[slug, name]))
