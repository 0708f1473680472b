"""Pairs: their queues, the next one, and the page of one."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from curation.filters import FilterError
from curation.models import Pair, PairQueue, Preference
from curation.pairs import desk, prefer, queues, sides
from curation.review.invalid import Invalid
from curation.review.queues import LEASE, Progress
from curation.views.bench_acts import NOTHING_TO_TAKE_BACK, number, person_of
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer

TAKEN_BACK = "Choice taken back."
_OPTIONS = (("a", "A"), ("tie", "Tie"), ("b", "B"))


@require_http_methods(["GET", "POST"])
def pairs(request: HttpRequest, slug: str) -> HttpResponse:
    """All queues of pairs with their progress; POST makes one, fills, closes or reopens one, or puts a flagged pair back."""
    entry = enter(request, slug, Role.REVIEWER)
    if request.method == "POST":
        return _change(request, entry)
    return _page(request, entry)


def _page(request: HttpRequest, entry: Entry, status: int = 200, **more: Any) -> HttpResponse:
    person = entry.actor.user
    progress = queues.progress_of_all(project=entry.project, user=person)
    found = PairQueue.objects.filter(project=entry.project).order_by(F("closed_at").asc(nulls_first=True), "-id")
    listed = [(queue, progress.get(queue.pk, Progress())) for queue in found]
    own = Preference.objects.filter(project=entry.project, user=person, withdrawn_at=None, pair__isnull=False)
    flagged = Pair.objects.filter(queue__project=entry.project, status=Pair.Status.FLAGGED)
    context = {
        "queues": listed,
        "first": next((queue for queue, done in listed if done.waiting and not queue.closed_at), None),
        "history": [
            (one, prefer.NAMES[prefer.as_shown(one.choice, is_flipped=bool(one.is_flipped))])
            for one in own.select_related("pair__queue", "left_trace")
            .defer("left_trace__metadata")
            .order_by("-id")[:20]
        ],
        "flagged": flagged.select_related("queue", "left_trace").defer("left_trace__metadata").order_by("-id")[:50],
        "may_make": entry.may(Role.ENGINEER),
        "window": queues.WINDOW,
        "typed": {"query": request.GET.get("q", ""), "most": "3"},
        **more,
    }
    return answer(request, "curation/pairs.html", context, status=status)


def _change(request: HttpRequest, entry: Entry) -> HttpResponse:
    act = request.POST.get("act", "")
    if act in ("create", "close", "reopen"):
        enter(request, entry.project.slug, Role.ENGINEER)  # the page is for reviewers, these are not
    if act == "create":
        return _create(request, entry)
    if act == "unflag":
        pair = _pair(entry, request.POST.get("queue", ""), request.POST.get("pair", ""))
        if queues.unflag(pair=pair, actor=entry.actor):
            messages.success(request, "It is back in the queue.")
        return redirect("curation:pairs", entry.project.slug)
    queue = _queue(entry, request.POST.get("queue", ""))
    if act == "refill":
        added = queues.refill(queue=queue)
        messages.success(request, f"{added:,} added to {queue.name}." if added else f"Nothing new for {queue.name}.")
    elif act in ("close", "reopen"):
        if queues.close(queue=queue, actor=entry.actor, closed=act == "close"):
            messages.success(request, f"{queue.name} is {'closed' if act == 'close' else 'open again'}.")
    else:
        return HttpResponse("Unknown act.", status=400, content_type="text/plain")
    return redirect("curation:pairs", entry.project.slug)


def _create(request: HttpRequest, entry: Entry) -> HttpResponse:
    typed = {name: request.POST.get(name, "") for name in ("name", "query", "most", "criteria", "instructions")}
    wanted = queues.Wanted(
        name=typed["name"], query=typed["query"], most=number(typed["most"].strip(), 0),
        criteria=tuple(typed["criteria"].splitlines()), instructions=typed["instructions"],
    )  # fmt: skip
    try:
        queue, added = queues.create(project=entry.project, actor=entry.actor, wanted=wanted)
    except Invalid as error:
        return _page(request, entry, 422, typed=typed, errors={error.field: str(error)})
    except FilterError as error:
        return _page(request, entry, 422, typed=typed, errors={"query": str(error)})
    messages.success(request, f"{queue.name}: {added:,} pair{'' if added == 1 else 's'}.")
    return redirect("curation:pairs", entry.project.slug)


@require_http_methods(["GET", "POST"])
def pairs_next(request: HttpRequest, slug: str, queue: str) -> HttpResponse:
    """Lease the next pair and go there; where none is left, say so. POST takes back what the caller said last here."""
    entry = enter(request, slug, Role.REVIEWER)
    found, person = _queue(entry, queue), person_of(entry)
    if request.method == "POST":
        newest = prefer.latest(queue=found, actor=entry.actor)
        url, said = _taken_back(entry, found, uid=newest.uid if newest else None)
        return _said(request, url, said)
    but = request.GET.get("but", "")
    if but:  # a script asks what comes behind the pair it shows; nothing (204) while that is the last
        uid = desk.next_open(queue=found, user=person, but=_pair(entry, queue, but))
        if uid is None:
            return HttpResponse(status=204)
    else:
        uid = desk.next_open(queue=found, user=person)
    if uid is not None:
        only = "?only=1" if request.GET.get("only") == "1" else ""
        return redirect(reverse("curation:pair", args=[slug, queue, uid]) + only)
    progress = queues.progress_of_all(project=entry.project, user=person, queue=found).get(found.pk, Progress())
    context = {"queue": found, "progress": progress, "undoable": prefer.latest(queue=found, actor=entry.actor)}
    return answer(request, "curation/pairs_done.html", context, fragment="curation/_pairs_done.html")


@require_http_methods(["GET", "POST"])
def pair(request: HttpRequest, slug: str, queue: str, uid: uuid.UUID) -> HttpResponse:
    """The page of one pair. GET leases it; POST says something about it."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _pair(entry, queue, str(uid))
    if request.method == "GET":
        return _pair_page(request, entry, found)
    act = request.POST.get("act", "") or ("judge" if "verdict" in request.POST else "")
    if act not in _ACTS:
        return JsonResponse({"error": {"field": "act", "message": f"act {act[:40]!r} is unknown."}}, status=400)
    try:
        url, said = _ACTS[act](request, entry, found)
    except Invalid as error:
        if request.headers.get("Accept", "") == "application/json":
            return JsonResponse({"error": {"field": error.field, "message": str(error)}}, status=422)
        return _pair_page(request, entry, found, 422, error=error, typed=request.POST)
    return _said(request, url, said)


def _pair_page(request: HttpRequest, entry: Entry, found: Pair, status: int = 200, **more: Any) -> HttpResponse:
    shown = desk.open_pair(pair=found, user=person_of(entry), alone=request.GET.get("only") == "1")
    typed = more.get("typed", {})
    more["questions"] = [(at, name, typed.get(f"c{at}") or said) for at, (name, said) in enumerate(shown.criteria)]
    more["strength"] = typed.get("strength") or (shown.mine.strength if shown.mine else "")
    context = {
        "desk": shown,
        "pair": found,
        "queue": found.queue,
        "here": _url(entry, found),
        "typed": {},
        "abt": _OPTIONS,
        **more,
    }
    return answer(request, "curation/pair.html", context, fragment="curation/_pair.html", status=status)


def _said(request: HttpRequest, url: str, said: dict[str, Any]) -> HttpResponse:
    if request.headers.get("Accept", "") == "application/json":
        return JsonResponse({"ok": True, **said})
    if message := said.get("message"):
        messages.info(request, message)
    return HttpResponseRedirect(url, status=303)


Said = tuple[str, dict[str, Any]]


def _judge(request: HttpRequest, entry: Entry, found: Pair) -> Said:
    post = request.POST
    given = {name: post.get(f"c{at}", "") for at, name in enumerate(found.queue.criteria)}
    of, shown = post.get("edited_of", ""), sides.answers(found)
    edited = post.get("edited", "").replace("\r\n", "\n").strip()
    if of != post.get("verdict") or edited == shown.get(of, "").strip():
        edited = ""  # begun with the other side, or as it was: nothing is edited
    word = prefer.Word(
        choice=post.get("verdict", ""), strength=post.get("strength", ""),
        criteria={name: value for name, value in given.items() if value},
        note=post.get("note", "").replace("\r\n", "\n").strip(), edited=edited, key=post.get("key", ""),
        revisions=(number(post.get("left_revision"), 0) or None, number(post.get("right_revision"), 0) or None),
    )  # fmt: skip
    made = prefer.record(pair=found, actor=entry.actor, word=word)
    return reverse("curation:pairs-next", args=[entry.project.slug, found.queue.slug]), {"preference": str(made.uid)}


def _undo(request: HttpRequest, entry: Entry, found: Pair) -> Said:
    key, uid = request.POST.get("undo_key", "").replace("\0", ""), None
    if not key:
        newest = prefer.latest(queue=found.queue, actor=entry.actor)
        uid = newest.uid if newest else None
    return _taken_back(entry, found.queue, key=key, uid=uid)


def _taken_back(entry: Entry, queue: PairQueue, *, key: str = "", uid: uuid.UUID | None = None) -> Said:
    gone = prefer.withdraw(project=entry.project, actor=entry.actor, key=key, uid=uid) if key or uid else None
    if gone is None or gone.pair is None:
        url = reverse("curation:pairs-next", args=[entry.project.slug, queue.slug])
        return url, {"message": NOTHING_TO_TAKE_BACK, "undone": False}
    url = reverse("curation:pair", args=[entry.project.slug, queue.slug, gone.pair.uid])
    return url, {"message": TAKEN_BACK, "undone": True, "url": url}


def _skip(request: HttpRequest, entry: Entry, found: Pair) -> Said:
    skipped = queues.skip(pair=found, user=person_of(entry))
    return reverse("curation:pairs-next", args=[entry.project.slug, found.queue.slug]), {"skipped": skipped}


def _flag(request: HttpRequest, entry: Entry, found: Pair) -> Said:
    flagged = queues.flag(pair=found, actor=entry.actor, note=request.POST.get("flag_note", "").strip())
    return reverse("curation:pairs-next", args=[entry.project.slug, found.queue.slug]), {"flagged": flagged}


def _heartbeat(request: HttpRequest, entry: Entry, found: Pair) -> Said:
    queues.renew(queue=found.queue, user=person_of(entry))
    return _url(entry, found), {"seconds": int(LEASE.total_seconds())}


_ACTS: dict[str, Callable[[HttpRequest, Entry, Pair], Said]] = {
    "judge": _judge, "undo": _undo, "skip": _skip, "flag": _flag, "heartbeat": _heartbeat,
}  # fmt: skip


def _url(entry: Entry, found: Pair) -> str:
    return reverse("curation:pair", args=[entry.project.slug, found.queue.slug, found.uid])


def _queue(entry: Entry, slug: str) -> PairQueue:
    try:
        return PairQueue.objects.select_related("project").get(project=entry.project, slug=slug.replace("\0", ""))
    except PairQueue.DoesNotExist:
        raise Http404("There is no such queue of pairs in this project.") from None


def _pair(entry: Entry, queue: str, uid: str) -> Pair:
    try:
        return desk.named(project=entry.project, slug=queue.replace("\0", ""), uid=uuid.UUID(uid))
    except (Pair.DoesNotExist, ValueError):
        raise Http404("There is no such pair in this project.") from None
