"""The pieces of a trace that a page asks for when they are wanted: parts of a long run, whole texts, words found."""

import uuid
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from curation.models import TraceRevision
from curation.review import bench, find
from curation.review.shown import shown
from curation.review.transcript import Transcript
from curation.views.bench_acts import number
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import wants_fragment

MOST_PARTS = 24  # in one answer
PIECE = 200_000  # characters of a text that are put on a page at once


@require_GET
def trace_part(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Parts of a long run: `n` names one with its blocks, `rows` some (3,4,5) for the outline alone, `id` the one that
    holds this block."""
    entry = enter(request, slug, Role.REVIEWER)
    run = _run(request, entry, uid)
    wanted = [number(text, -1) for text in request.GET.get("rows", "").split(",")[:MOST_PARTS]]
    rows_only = wanted != [-1]
    if not rows_only:
        wanted = [number(request.GET.get("n"), -1)]
    if not wants_fragment(request):
        return redirect(f"{reverse('curation:trace', args=[slug, uid])}?part={wanted[0]}#part-{wanted[0]}")
    parts = [run.parts[one].draw() for one in wanted if 0 <= one < len(run.parts)]
    if not parts:
        raise Http404("This run has no such part.")
    return render(request, "curation/_review_part.html", {"parts": parts, "rows_only": rows_only, "trace_uid": uid})


@require_GET
def trace_find(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Where words stand in a run, as JSON: [id of the block, number of its part, times] for each block in order."""
    entry = enter(request, slug, Role.REVIEWER)
    words = request.GET.get("q", "")[:500]
    run = _run(request, entry, uid)
    found = find.find(run, words)
    return JsonResponse(
        {
            "blocks": found.blocks,
            "times": found.times,
            "hits": [[hit.block, hit.part, hit.times] for hit in found.hits],
        }
    )


@require_GET
def trace_text(
    request: HttpRequest, slug: str, uid: uuid.UUID, conversation: int, message: int | None = None
) -> HttpResponse:
    """The plain text behind a block: the whole of a long result, a call just as it came, or all that a sub-agent was told
    and said. A page gets it in pieces."""
    entry = enter(request, slug, Role.REVIEWER)
    place = {name: number(request.GET[name], 0) for name in ("call", "thought") if name in request.GET}
    try:
        text = bench.text_of_block(
            project=entry.project, trace_uid=uid, conversation=conversation, message=message,
            call=place.get("call"), thought=place.get("thought"), revision=number(request.GET.get("r"), 0) or None,
        )  # fmt: skip
    except TraceRevision.DoesNotExist:
        text = None
    if text is None:
        raise Http404("There is no such text in this trace.")
    if not wants_fragment(request):
        shown_how = "attachment" if "download" in request.GET else "inline"
        name = "-".join(str(one) for one in (uid, conversation, message) if one is not None) + ".txt"
        headers = {"Content-Disposition": f'{shown_how}; filename="{name}"'}
        return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)
    start = number(request.GET.get("from"), 0)
    end = min(start + PIECE, len(text))
    here = f"{request.path}?{urlencode(place)}&".replace("?&", "?")
    context = {"piece": shown(text[start:end]), "end": end, "length": len(text), "more": end < len(text), "url": here}
    return render(request, "curation/_text_piece.html", context)


def _run(request: HttpRequest, entry: Entry, uid: uuid.UUID) -> Transcript:
    """The run in the revision that the page shows (`r`), so that parts fit together while new spans come in."""
    revision = number(request.GET.get("r"), 0) or None
    try:
        return bench.run_of(project=entry.project, trace_uid=uid, user=entry.actor.user, revision=revision)
    except TraceRevision.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
