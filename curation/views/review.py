"""Queues: the list of all, the next item of one, and undoing where there is no item."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.filters import FilterError
from curation.models import ReviewQueue
from curation.review import bench, blind, judgments, picking, questions, queue_changes, queues
from curation.review.invalid import Invalid
from curation.views.bench_acts import item_named, person_of, queue_at, undo_in
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, slug: str) -> HttpResponse:
    """All queues with their progress; POST makes one, refills one, brings back one that was deleted, or puts a flagged item
    back."""
    entry = enter(request, slug, Role.REVIEWER)
    if request.method == "POST":
        return _change_queues(request, entry)
    return _queues_page(request, entry)


def _queues_page(request: HttpRequest, entry: Entry, status: int = 200, **more: Any) -> HttpResponse:
    queues.default_queue(project=entry.project)
    person = entry.actor.user
    found = list(ReviewQueue.objects.listed().filter(project=entry.project).order_by("id"))
    progress = queues.progress_of_all(project=entry.project, user=person)
    listed = [(queue, progress.get(queue.pk, queues.Progress())) for queue in found]
    context = {
        # the queue of picked traces stays when its last item is taken out again; empty it says nothing
        "queues": [
            (queue, done)
            for queue, done in listed
            if not queue.closed_at and (queue.slug != picking.SLUG or done.total or done.out)
        ],
        "closed": [(queue, done) for queue, done in listed if queue.closed_at],
        "hides_filter": {one.pk for one in found if blind.hides_filter(queue=one, may_look=entry.may(Role.ENGINEER))},
        "flagged": bench.flagged(project=entry.project),
        "history": bench.history(project=entry.project, user=person) if person else [],
        "may_make": entry.may(Role.ENGINEER),
        "question_sets": questions.SETS.items(),
        "typed": {"query": request.GET.get("q", "")},
        **more,
    }
    return answer(request, "curation/review.html", context, status=status)


def _change_queues(request: HttpRequest, entry: Entry) -> HttpResponse:
    match request.POST.get("act"):
        case "create":
            # the page is for reviewers, making a queue is not
            enter(request, entry.project.slug, Role.ENGINEER)
            typed = {name: request.POST.get(name, "") for name in ("name", "query", "instructions")}
            asks = request.POST.get("questions", "")
            blind = request.POST.get("blind") == "1"
            try:
                queue = queues.create(project=entry.project, actor=entry.actor, **typed, is_blind=blind, asks=asks)
            except Invalid as error:
                return _queues_page(
                    request,
                    entry,
                    422,
                    typed={**typed, "blind": blind, "questions": asks},
                    errors={error.field: str(error)},
                )
            except FilterError as error:
                return _queues_page(
                    request,
                    entry,
                    422,
                    typed={**typed, "blind": blind, "questions": asks},
                    errors={"query": str(error)},
                )
            messages.success(request, f"The queue {queue.name} is ready.")
        case "refill":
            queue = queue_at(entry, request.POST.get("queue", ""))
            added = queues.refill(queue=queue)
            messages.success(
                request, f"{added:,} added to {queue.name}." if added else f"Nothing new for {queue.name}."
            )
        case "restore":
            enter(request, entry.project.slug, Role.ENGINEER)
            slug = request.POST.get("queue", "")
            try:
                queue, name = queue_changes.restore(project=entry.project, actor=entry.actor, slug=slug)
                why = "" if queue.name == name else f" Another one is called {name} by now."
                messages.success(request, f"{queue.name} is back.{why}")
            except ReviewQueue.DoesNotExist:
                messages.error(request, "This can no longer be undone.")
        case "unflag":
            item = item_named(entry, request.POST.get("queue", ""), request.POST.get("item", ""))
            if queues.unflag(item=item, actor=entry.actor):
                messages.success(request, "It is back in the queue.")
        case _:
            return HttpResponse("Unknown act.", status=400, content_type="text/plain")
    return redirect("curation:review", entry.project.slug)


@require_GET
def review_next(request: HttpRequest, slug: str, queue: str) -> HttpResponse:
    """Lease the next item and go there; where nothing is left, say what can be done now."""
    entry = enter(request, slug, Role.REVIEWER)
    found = queue_at(entry, queue)
    but = request.GET.get("but", "")
    if but:
        # a script asks what comes behind the item it shows; nothing (204) while that is the last
        _, item = queues.hold_and_lease_ahead(item=item_named(entry, queue, but), user=person_of(entry))
        if item is None:
            return HttpResponse(status=204)
    else:
        item = queues.lease_next(queue=found, user=person_of(entry))
    if item is not None:
        only = "?only=1" if request.GET.get("only") == "1" else ""
        return redirect(reverse("curation:review-item", args=[slug, queue, item]) + only)
    context = {
        "queue": found,
        "progress": queues.progress(queue=found, user=entry.actor.user),
        "undoable": judgments.latest(project=entry.project, actor=entry.actor, queue=found.pk),
        "history": bench.history(project=entry.project, user=person_of(entry), size=8),
    }
    return answer(request, "curation/review_done.html", context, fragment="curation/_review_done.html")


@require_POST
def review_undo(request: HttpRequest, slug: str, queue: str) -> HttpResponse:
    """Take back the newest judgment of the caller in this queue and go to its item; for the page that has no item."""
    entry = enter(request, slug, Role.REVIEWER)
    found = queue_at(entry, queue)
    newest = judgments.latest(project=entry.project, actor=entry.actor, queue=found.pk)
    url, said = undo_in(entry, found, uid=newest)
    if request.headers.get("Accept", "") == "application/json":
        return JsonResponse({"ok": True, **said})
    messages.info(request, said["message"])
    return HttpResponseRedirect(url, status=303)
