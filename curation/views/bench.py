"""The page of an item of a queue, and the page of a trace (the same bench without a queue)."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from curation.models import QueueItem, Trace
from curation.review import bench, blind, keys
from curation.review.invalid import Invalid
from curation.views.bench_acts import ACTS, Place, number, person_of
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer


@require_http_methods(["GET", "POST"])
def review_item(request: HttpRequest, slug: str, queue: str, item: uuid.UUID) -> HttpResponse:
    """The bench with one item of a queue. GET leases it; POST says something about it."""
    entry = enter(request, slug, Role.REVIEWER)
    place = Place(slug, queue=queue, item=item)
    if request.method == "POST":
        return _act(request, entry, place)
    return _bench_page(request, entry, place)


@require_http_methods(["GET", "POST"])
def trace(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """The bench with one trace, outside of any queue."""
    entry = enter(request, slug, Role.REVIEWER)
    place = Place(slug, trace=uid)
    if request.method == "POST":
        return _act(request, entry, place)
    return _bench_page(request, entry, place)


def _act(request: HttpRequest, entry: Entry, place: Place) -> HttpResponse:
    """One act of the bench's form. A script asks for JSON, a form without script is sent on to the page that follows."""
    quick = request.headers.get("Accept", "") == "application/json"
    act = request.POST.get("act", "")
    try:
        if not act:  # buttons of the form without script
            act = "step" if "step" in request.POST else "judge" if "verdict" in request.POST else ""
        url, said = ACTS[act](request, entry, place)
    except KeyError:
        error = Invalid("act", f"{act[:40]!r} is unknown")
        return JsonResponse({"error": {"field": error.field, "message": str(error)}}, status=400)
    except Invalid as error:
        if quick:
            return JsonResponse({"error": {"field": error.field, "message": str(error)}}, status=422)
        return _bench_page(request, entry, place, 422, error=error, typed=request.POST)
    except (Trace.DoesNotExist, QueueItem.DoesNotExist):
        raise Http404("There is no such trace in this project.") from None
    if quick:
        return JsonResponse({"ok": True, **said})
    if message := said.get("message"):
        messages.info(request, message)
    onward = request.POST.get("next", "")
    if onward and url_has_allowed_host_and_scheme(onward, allowed_hosts={request.get_host()}):
        url = onward
    return HttpResponseRedirect(url, status=303)


def _bench_page(request: HttpRequest, entry: Entry, place: Place, status: int = 200, **more: Any) -> HttpResponse:
    part = number(request.GET.get("part"), 0)
    try:
        if place.item is not None:
            shown_bench = bench.open_item(
                project=entry.project,
                user=person_of(entry),
                queue_slug=place.queue,
                item_uid=place.item,
                part=part,
                alone=request.GET.get("only") == "1",
            )
        else:
            assert place.trace is not None
            shown_bench = bench.open_trace(
                project=entry.project,
                user=entry.actor.user,
                trace_uid=place.trace,
                part=part,
                may_look=entry.may(Role.ENGINEER),
            )
    except (Trace.DoesNotExist, QueueItem.DoesNotExist):
        raise Http404("There is no such trace in this project.") from None
    context = {
        "bench": shown_bench,
        "trace": shown_bench.trace,
        "trace_uid": shown_bench.trace.uid,
        "here": place.url,
        "tab": request.GET.get("tab", ""),
        "own_keys": json.dumps(changed) if (changed := keys.changed_of(entry.actor.user)) else "",
        "editing": request.GET.get("edit") == "1" or "answer" in more.get("typed", {}),
        "hides_filter": shown_bench.item is not None
        and blind.hides_filter(queue=shown_bench.item.queue, may_look=entry.may(Role.ENGINEER)),
        "strip_words": bench.summary_of(shown_bench.run),
        "typed": {},
        **more,
    }
    page = "curation/review_item.html" if place.item is not None else "curation/trace.html"
    return answer(request, page, context, fragment="curation/_bench.html", status=status)
