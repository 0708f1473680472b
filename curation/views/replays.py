"""Replays: the form at a step, and the page of one with both answers."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from curation import tasks
from curation.models import Replay, Trace
from curation.replay import read, request
from curation.replay.opening import CannotReplay
from workspace.access import enter
from workspace.models import Connection, Role
from workspace.nudge import nudge
from workspace.pages import answer
from workspace.uuid7 import uuid7

FIELDS = ("connection", "model", "temperature", "max_tokens", "system", "prompt", "tools")


@require_http_methods(["GET", "POST"])
def trace_replay(http: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """What would be sent from a step (`step`), to be changed; POST shows the price, or sends."""
    entry = enter(http, slug, Role.ENGINEER)
    posted = http.method == "POST"
    step = (http.POST if posted else http.GET).get("step", "")
    try:
        trace, found = request.start(project=entry.project, trace_uid=uid, step_key=step)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    except CannotReplay as error:
        refused = {"problem": str(error), "trace_uid": uid}
        return answer(http, "curation/trace_replay.html", refused, status=404 if step else 400)
    typed = {name: http.POST[name] for name in FIELDS if name in http.POST}
    context: dict[str, Any] = {
        "trace": trace, "found": found, "step": step, "typed": typed, "usual": request.USUAL_TOKENS,
        "connections": list(Connection.objects.filter(project=entry.project).order_by("name")),
        "key": http.POST.get("key") or uuid7().hex, "earlier": read.of_trace(project=entry.project, trace_uid=uid),
    }  # fmt: skip
    if not posted:
        return answer(http, "curation/trace_replay.html", context)
    try:
        wanted = context["plan"] = request.plan(project=entry.project, found=found, given=typed)
        if http.POST.get("act") == "send":
            made = request.send(
                trace=trace, found=found, wanted=wanted, actor=entry.actor, key=context["key"],
                confirmed=http.POST.get("confirmed", ""),
            )  # fmt: skip
            nudge(tasks.ask_replay, made.pk)
            return HttpResponseRedirect(reverse("curation:replay", args=[slug, made.uid]), status=303)
    except CannotReplay as error:
        return answer(
            http, "curation/trace_replay.html", {**context, "where": error.where, "problem_in": str(error)}, status=422
        )
    return answer(http, "curation/trace_replay.html", context)


@require_GET
def replay(http: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """One replay: how far it is, and both answers side by side."""
    entry = enter(http, slug, Role.REVIEWER)
    try:
        shown = read.show(project=entry.project, uid=uid)
    except Replay.DoesNotExist:
        raise Http404("There is no such replay in this project.") from None
    return answer(
        http, "curation/replay.html", {"shown": shown, "replay": shown.replay}, fragment="curation/_replay_live.html"
    )
