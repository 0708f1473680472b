"""Queues, the review page of an item, and the page of a trace (the same bench without a queue)."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.filters import FilterError
from curation.models import QueueItem, ReviewQueue, Trace
from curation.review import bench, corrections, judgments, picking, queues, steps
from curation.review.invalid import Invalid
from curation.review.shown import shown
from workspace.access import Entry, enter
from workspace.models import Role, User
from workspace.pages import answer, wants_fragment


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, slug: str) -> HttpResponse:
    """All queues with their progress; POST makes one, refills one or puts a flagged item back."""
    entry = enter(request, slug, Role.REVIEWER)
    if request.method == "POST":
        return _change_queues(request, entry)
    return _queues_page(request, entry)


def _queues_page(request: HttpRequest, entry: Entry, status: int = 200, **more: Any) -> HttpResponse:
    queues.default_queue(project=entry.project)
    person = entry.actor.user
    found = list(ReviewQueue.objects.filter(project=entry.project).order_by("id"))
    progress = queues.progress_of_all(project=entry.project, user=person)
    listed = [(queue, progress.get(queue.pk, queues.Progress())) for queue in found]
    context = {
        # the queue of picked traces stays when its last item is taken out again; empty it says nothing
        "queues": [(queue, done) for queue, done in listed if queue.slug != picking.SLUG or done.total],
        "flagged": bench.flagged(project=entry.project),
        "history": bench.history(project=entry.project, user=person) if person else [],
        "may_make": entry.may(Role.ENGINEER),
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
            try:
                queue = queues.create(project=entry.project, actor=entry.actor, **typed)
            except Invalid as error:
                return _queues_page(request, entry, 422, typed=typed, errors={error.field: str(error)})
            except FilterError as error:
                return _queues_page(request, entry, 422, typed=typed, errors={"query": str(error)})
            messages.success(request, f"The queue {queue.name} is ready.")
        case "refill":
            queue = _queue(entry, request.POST.get("queue", ""))
            added = queues.refill(queue=queue)
            messages.success(
                request, f"{added:,} added to {queue.name}." if added else f"Nothing new for {queue.name}."
            )
        case "unflag":
            item = _item(entry, request.POST.get("queue", ""), request.POST.get("item", ""))
            if queues.unflag(item=item, actor=entry.actor):
                messages.success(request, "It is back in the queue.")
        case _:
            return HttpResponse("Unknown act.", status=400, content_type="text/plain")
    return redirect("curation:review", entry.project.slug)


@require_GET
def review_next(request: HttpRequest, slug: str, queue: str) -> HttpResponse:
    """Lease the next item and go there; where nothing is left, say what can be done now."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _queue(entry, queue)
    but = request.GET.get("but", "")
    if but:
        # a script asks what comes behind the item it shows; nothing (204) while that is the last
        _, item = queues.hold_and_lease_ahead(item=_item(entry, queue, but), user=_person(entry))
        if item is None:
            return HttpResponse(status=204)
    else:
        item = queues.lease_next(queue=found, user=_person(entry))
    if item is not None:
        return redirect("curation:review-item", slug, queue, item)
    context = {
        "queue": found,
        "progress": queues.progress(queue=found, user=entry.actor.user),
        "undoable": judgments.latest(project=entry.project, actor=entry.actor, queue=found.pk),
        "history": bench.history(project=entry.project, user=_person(entry), size=8),
    }
    return answer(request, "curation/review_done.html", context, fragment="curation/_review_done.html")


@require_POST
def review_undo(request: HttpRequest, slug: str, queue: str) -> HttpResponse:
    """Take back the newest judgment of the caller in this queue and go to its item; for the page that has no item."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _queue(entry, queue)
    newest = judgments.latest(project=entry.project, actor=entry.actor, queue=found.pk)
    url, said = _undo_in(entry, found, uid=newest)
    if request.headers.get("Accept", "") == "application/json":
        return JsonResponse({"ok": True, **said})
    messages.info(request, said["message"])
    return HttpResponseRedirect(url, status=303)


@require_http_methods(["GET", "POST"])
def review_item(request: HttpRequest, slug: str, queue: str, item: uuid.UUID) -> HttpResponse:
    """The bench with one item of a queue. GET leases it; POST says something about it."""
    entry = enter(request, slug, Role.REVIEWER)
    place = _Place(slug, queue=queue, item=item)
    if request.method == "POST":
        return _act(request, entry, place)
    return _bench_page(request, entry, place)


@require_http_methods(["GET", "POST"])
def trace(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """The bench with one trace, outside of any queue."""
    entry = enter(request, slug, Role.REVIEWER)
    place = _Place(slug, trace=uid)
    if request.method == "POST":
        return _act(request, entry, place)
    return _bench_page(request, entry, place)


@require_GET
def trace_part(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """The next part of a long conversation, for htmx: blocks for the middle, rows for the outline."""
    entry = enter(request, slug, Role.REVIEWER)
    start = _number(request.GET.get("start"), 0)
    try:
        run = bench.run_of(project=entry.project, trace_uid=uid, user=entry.actor.user)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    if not wants_fragment(request):
        return redirect(f"{reverse('curation:trace', args=[slug, uid])}?upto={start + 80}")
    part, gap = run.more(start)
    context = {"part": part, "gap": gap, "trace_uid": uid}
    return answer(request, "curation/_review_part.html", context)


@require_GET
def trace_text(request: HttpRequest, slug: str, uid: uuid.UUID, conversation: int, message: int) -> HttpResponse:
    """The plain text behind a block: the whole of a long result, or a call just as it came."""
    entry = enter(request, slug, Role.REVIEWER)
    call = request.GET.get("call")
    try:
        text = bench.text_of_block(
            project=entry.project, trace_uid=uid, conversation=conversation, message=message,
            call=int(call) if call and call.isdecimal() else None,
        )  # fmt: skip
    except Trace.DoesNotExist:
        text = None
    if text is None:
        raise Http404("There is no such text in this trace.")
    if wants_fragment(request):
        return HttpResponse(f'<pre class="plain" tabindex="0">{shown(text)}</pre>')
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"Content-Disposition": "inline"})


# --- saying something

TAKEN_BACK = "Judgment taken back."
EDIT_TAKEN_BACK = "The edited answer is taken back."
NOTHING_TO_TAKE_BACK = "There is no judgment of yours to take back here."


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a form was sent from: an item of a queue, or a trace."""

    slug: str
    queue: str = ""
    item: uuid.UUID | None = None
    trace: uuid.UUID | None = None

    @property
    def url(self) -> str:
        if self.item is not None:
            return reverse("curation:review-item", args=[self.slug, self.queue, self.item])
        return reverse("curation:trace", args=[self.slug, self.trace])

    @property
    def next_url(self) -> str:
        return reverse("curation:review-next", args=[self.slug, self.queue]) if self.item is not None else self.url


def _act(request: HttpRequest, entry: Entry, place: _Place) -> HttpResponse:
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


def _judge(request: HttpRequest, entry: Entry, place: _Place) -> tuple[str, dict[str, Any]]:
    rating = request.POST.get("rating", "")
    if rating and not rating.isdecimal():
        raise Invalid("rating", f"must be a whole number from 1 to 5; got {rating[:20]!r}")
    try:
        done = judgments.record(
            project=entry.project, actor=entry.actor, trace_uid=place.trace, item_uid=place.item,
            verdict=request.POST.get("verdict", ""), rating=int(rating) if rating else None,
            note=request.POST.get("note", "").replace("\r\n", "\n").strip(), key=request.POST.get("key", ""),
            revision=_number(request.POST.get("revision"), 0) or None, seconds=_seconds(request.POST.get("seconds", "")),
        )  # fmt: skip
    except Trace.DoesNotExist:
        raise Http404("There is no such item in this project.") from None
    return place.next_url, {"judgment": str(done.uid), "effective": done.effective}


def _undo(request: HttpRequest, entry: Entry, place: _Place) -> tuple[str, dict[str, Any]]:
    key = request.POST.get("undo_key", "")
    queue = _queue(entry, place.queue) if place.item is not None else None
    uid = None
    if not key:
        # what was done last goes first: the answer may have been edited since the newest judgment
        uid = judgments.latest(
            project=entry.project, actor=entry.actor, queue=queue.pk if queue else None, trace=place.trace
        )
        shown_uid = _trace_at(entry, place)
        if corrections.take_back_newest(project=entry.project, actor=entry.actor, trace_uid=shown_uid, judgment=uid):
            return f"{place.url}#answer", {"message": EDIT_TAKEN_BACK, "undone": True, "answer": True}
    if queue is not None:
        return _undo_in(entry, queue, key, uid)
    gone = judgments.withdraw(project=entry.project, actor=entry.actor, uid=uid) if uid else None
    return place.url, {"message": TAKEN_BACK if gone else NOTHING_TO_TAKE_BACK, "undone": gone is not None}


def _undo_in(
    entry: Entry, queue: ReviewQueue, key: str = "", uid: uuid.UUID | None = None
) -> tuple[str, dict[str, Any]]:
    """Undo in a queue: the judgment with this key or outside id; the address is that of its item."""
    gone = judgments.withdraw(project=entry.project, actor=entry.actor, key=key, uid=uid) if key or uid else None
    slug = entry.project.slug
    if gone is None:
        return reverse("curation:review-next", args=[slug, queue.slug]), {
            "message": NOTHING_TO_TAKE_BACK,
            "undone": False,
        }
    item = QueueItem.objects.filter(queue=queue, trace_id=gone.trace_id).values_list("uid", flat=True).first()
    url = (
        reverse("curation:review-item", args=[slug, queue.slug, item])
        if item
        else reverse("curation:review", args=[slug])
    )
    return url, {"message": TAKEN_BACK, "undone": True, "url": url}


def _skip(request: HttpRequest, entry: Entry, place: _Place) -> tuple[str, dict[str, Any]]:
    skipped = queues.skip(item=_item_at(entry, place), user=_person(entry))
    return place.next_url, {"skipped": skipped}


def _flag(request: HttpRequest, entry: Entry, place: _Place) -> tuple[str, dict[str, Any]]:
    note = request.POST.get("flag_note", "").strip()
    flagged = queues.flag(item=_item_at(entry, place), actor=entry.actor, note=note)
    return place.next_url, {"flagged": flagged}


def _step(request: HttpRequest, entry: Entry, place: _Place) -> tuple[str, dict[str, Any]]:
    # a button carries "good:<key>", a script the two apart
    value, _, key = request.POST.get("step", "").partition(":")
    stands = steps.judge(
        project=entry.project, actor=entry.actor, trace_uid=_trace_at(entry, place), step_key=key, value=value,
        revision=_number(request.POST.get("revision"), 0) or None,
    )  # fmt: skip
    return place.url, {"value": stands}


def _correct(request: HttpRequest, entry: Entry, place: _Place) -> tuple[str, dict[str, Any]]:
    made = corrections.correct(
        project=entry.project, actor=entry.actor, trace_uid=_trace_at(entry, place), text=request.POST.get("answer", ""),
        revision=_number(request.POST.get("revision"), 0) or None,
    )  # fmt: skip
    return f"{place.url}#answer", {"edited": made is not None}


def _reset(request: HttpRequest, entry: Entry, place: _Place) -> tuple[str, dict[str, Any]]:
    gone = corrections.reset(project=entry.project, actor=entry.actor, trace_uid=_trace_at(entry, place))
    return f"{place.url}#answer", {"edited": False, "reset": gone}


def _heartbeat(request: HttpRequest, entry: Entry, place: _Place) -> tuple[str, dict[str, Any]]:
    queue = _queue(entry, place.queue)
    queues.renew(queue=queue, user=_person(entry))
    return place.url, {"seconds": int(queues.LEASE.total_seconds())}


ACTS = {
    "judge": _judge,
    "undo": _undo,
    "skip": _skip,
    "flag": _flag,
    "step": _step,
    "correct": _correct,
    "reset": _reset,
    "heartbeat": _heartbeat,
}


# --- small things


def _bench_page(request: HttpRequest, entry: Entry, place: _Place, status: int = 200, **more: Any) -> HttpResponse:
    upto = _number(request.GET.get("upto"), 0)
    try:
        if place.item is not None:
            shown_bench = bench.open_item(
                project=entry.project, user=_person(entry), queue_slug=place.queue, item_uid=place.item, upto=upto
            )
        else:
            assert place.trace is not None
            shown_bench = bench.open_trace(
                project=entry.project, user=entry.actor.user, trace_uid=place.trace, upto=upto
            )
    except (Trace.DoesNotExist, QueueItem.DoesNotExist):
        raise Http404("There is no such trace in this project.") from None
    context = {
        "bench": shown_bench,
        "trace": shown_bench.trace,
        "trace_uid": shown_bench.trace.uid,
        "here": place.url,
        "editing": request.GET.get("edit") == "1" or "answer" in more.get("typed", {}),
        "strip_words": bench.summary_of(shown_bench.run),
        "typed": {},
        **more,
    }
    page = "curation/review_item.html" if place.item is not None else "curation/trace.html"
    return answer(request, page, context, fragment="curation/_bench.html", status=status)


def _queue(entry: Entry, slug: str) -> ReviewQueue:
    try:
        return bench.queue_named(project=entry.project, slug=slug)
    except ReviewQueue.DoesNotExist:
        raise Http404("There is no such queue in this project.") from None


def _item(entry: Entry, queue: str, uid: str) -> QueueItem:
    try:
        return QueueItem.objects.select_related("queue__project", "trace").get(
            queue__project=entry.project, queue__slug=queue, uid=uuid.UUID(uid)
        )
    except (QueueItem.DoesNotExist, ValueError):
        raise Http404("There is no such item in this project.") from None


def _item_at(entry: Entry, place: _Place) -> QueueItem:
    if place.item is None:
        raise Invalid("act", "needs a queue; this page shows a trace by itself")
    return _item(entry, place.queue, str(place.item))


def _trace_at(entry: Entry, place: _Place) -> uuid.UUID:
    return place.trace if place.trace is not None else _item_at(entry, place).trace.uid


def _person(entry: Entry) -> User:
    if entry.actor.user is None:
        raise Http404("Only people review.")
    return entry.actor.user


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else otherwise


def _seconds(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
