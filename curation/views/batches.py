"""Batches of calls: the list, and the page of one while it runs and after."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from curation import tasks
from curation.models import Batch, BatchItem
from curation.scoring import batches as work
from curation.scoring import read
from curation.scoring.refused import Refused
from curation.views.sent import pieces
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.pages import answer, wants_fragment

TABS = (
    ("", "All"), ("done", "Done"), ("failed", "Failed"), ("unknown", "Outcome unknown"), ("waiting", "Waiting"),
    ("asking", "Asking"), ("cancelled", "Cancelled"),
)  # fmt: skip
# what may be asked again of a batch that ended: the words of the button, and what `batches.resume` is told
RESUMES: dict[str, dict[str, bool]] = {
    "resume": {}, "again-unknown": {"again_unknown": True}, "again-failed": {"again_failed": True},
}  # fmt: skip


@require_GET
def batches(request: HttpRequest, slug: str) -> HttpResponse:
    """All batches of the project, newest first."""
    entry = enter(request, slug, Role.ENGINEER)
    page = read.batches(entry.project, cursor=request.GET.get("cursor", ""))
    return render(request, "curation/batches.html", {"page": page})


@require_http_methods(["GET", "POST"])
def batch(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """One batch. POST cancels or resumes it, where that may cost something after its price was seen (?price=, one of
    RESUMES); a fragment is only what changes while it runs."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, uid)
    if request.method == "POST":
        return _change(request, entry, found)
    progress = read.progress(found)
    status = request.GET.get("status", "")
    if status not in dict(TABS):
        raise Http404("There is no such part of a batch.")
    context = {
        "batch": found,
        "progress": progress,
        "left": _left(found, progress),
        "status": status,
        "pairs": _pairs(found, slug),
    } | _tabs(progress, status)
    wants_calls = wants_fragment(request) and request.headers.get("HX-Target") == "calls"
    if wants_calls or not wants_fragment(request):
        context["page"] = read.items(found, status=status, cursor=request.GET.get("cursor", ""))
    if not wants_fragment(request) and not progress.comes and request.GET.get("price", "") in RESUMES:
        context |= _offer(found, request.GET["price"])
    if wants_fragment(request) and not wants_calls and progress.comes:
        context |= _come(found, status, request.GET)
    part = "curation/_batch_calls.html" if wants_calls else "curation/_batch_live.html"
    response = answer(request, "curation/batch.html", context | {"swapped": not wants_calls}, fragment=part)
    if wants_fragment(request) and not wants_calls and not progress.comes:
        response["HX-Trigger"] = "batch-ended"  # the calls below may have another order, and more pages
    return response


@require_GET
def batch_item(request: HttpRequest, slug: str, uid: uuid.UUID, item: int) -> HttpResponse:
    """Fragment: what was sent for one row of a batch, and what came back, as it came."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, uid)
    try:
        one = read.item(found, item)
    except BatchItem.DoesNotExist:
        raise Http404("This batch has no such row.") from None
    context = {"batch": found, "item": one, "prompt": pieces(one.prompt), "came": pieces(one.answer)}
    kept = [one.answer, *(grade.get("answer") for grade in one.grades.values())]
    answers = [part for entry in kept for part in (entry if isinstance(entry, list) else [entry])]
    context["estimated"] = any(isinstance(part, dict) and part.get("cost_is_estimate") for part in answers)
    return render(request, "curation/_batch_item.html", context)


def _come(found: Batch, status: str, given: QueryDict) -> dict[str, Any]:
    """Rows on the page (`row`: key and status of each) that stand otherwise now; and, while the first page has room, those
    that belong there as well."""
    told = (one.partition("-") for one in given.getlist("row"))
    seen = {int(key): state for key, _, state in told if key.isascii() and key.isdigit() and len(key) < 19}
    added: list[BatchItem] = []
    if len(seen) < read.ITEMS_SIZE and not given.get("cursor"):
        there = read.items(found, status=status).rows
        added = [one for one in there if one.pk not in seen][: read.ITEMS_SIZE - len(seen)]
    return {"changed": read.changed(found, seen) if seen else [], "added": added}


def _tabs(progress: read.Progress, status: str) -> dict[str, Any]:
    """The parts of the list of calls that have something in them, each with its count."""
    return {
        "tabs": [
            (name, label, progress.counts[name] if name else progress.total)
            for name, label in TABS
            if not name or progress.counts[name] or name in ("done", "failed", status)
        ]
    }


def _find(entry: Entry, uid: uuid.UUID) -> Batch:
    try:
        return read.batch(entry.project, uid)
    except Batch.DoesNotExist:
        raise Http404("There is no such batch in this project.") from None


def _change(request: HttpRequest, entry: Entry, found: Batch) -> HttpResponse:
    try:
        match request.POST.get("act"):
            case "cancel":
                work.cancel(found, entry.actor)
                messages.success(request, "Cancelled: nothing more is asked. What was done stays.")
            case "resume" | "again-unknown" | "again-failed" as act:
                confirmed = request.POST.get("confirmed", "")
                if (
                    not confirmed
                    and found.status in work.ENDED
                    and not work.price_of_rest(found, **RESUMES[act]).is_free
                ):
                    return redirect(
                        f"{reverse('curation:batch', args=[entry.project.slug, found.uid])}?price={act}#price"
                    )
                work.resume(found, entry.actor, **RESUMES[act], confirmed=confirmed)
                nudge(tasks.work_on_batch, found.pk)
            case _:
                raise SuspiciousOperation("There is no such act.")
    except Refused as error:
        messages.error(request, str(error))
    return redirect(reverse("curation:batch", args=[entry.project.slug, found.uid]))


def _offer(found: Batch, act: str) -> dict[str, Any]:
    """What going on would cost, to be seen and agreed to; or why it cannot."""
    try:
        return {"act": act, "price": work.price_of_rest(found, **RESUMES[act])}
    except Refused as error:
        return {"act": act, "not_priced": error.reason}


def _pairs(found: Batch, slug: str) -> str:
    """The address at which candidates become pairs: the form of a dataset, filled in; "" for other batches."""
    if found.kind != Batch.Kind.GENERATE:
        return ""
    recipe = {"task": "pairs", "answers_from": str(found.uid), "option_sources": "generated", "q": found.query}
    return f"{reverse('curation:dataset-new', args=[slug])}?{urlencode(recipe)}"


def _left(found: Batch, progress: read.Progress) -> str:
    """In words, what is left to do for a person."""
    if progress.is_open:
        return ""
    if progress.comes:
        asking = progress.counts["asking"]
        return f"{asking:,} {'call' if asking == 1 else 'calls'} under way still {'comes' if asking == 1 else 'come'}."
    if waiting := progress.counts["waiting"]:
        return f"{waiting:,} {'was' if waiting == 1 else 'were'} not asked: resume it to go on where it stopped."
    if progress.counts["unknown"]:
        return (
            "Of some it is not known whether they were answered and paid for: they are asked again only if you say so."
        )
    return ""
