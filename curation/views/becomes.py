"""What a trace would become if it were frozen now, and how training uses its steps."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.datasets import becomes
from curation.models import Trace
from curation.review import blind, step_uses
from curation.review.invalid import Invalid
from curation.views.rendered import rendered
from workspace.access import Entry, enter, reader_of
from workspace.models import Role
from workspace.pages import answer, wants_fragment

HIDDEN = "This trace waits for you in a blind queue: what it becomes is shown once you have judged it."
MOST = 20_000  # characters of a line on the page; a file has the whole
WINDOW = 100  # steps at a time
PAGE, TAB, STEPS = "curation/_becomes.html", "curation/_becomes_tab.html", "curation/_steps.html"


@require_GET
def trace_becomes(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """The page, what of it changes (htmx, `part=page`), the tab beside a run (htmx), a window of its steps around step
    `at` (htmx, `part=steps`), or one format's line as a file (`line`)."""
    entry = enter(request, slug, Role.REVIEWER)
    if (hidden := _hidden(entry, uid)) is not None:
        if request.GET.get("line"):
            raise PermissionDenied(HIDDEN)
        context = {"trace": hidden, "is_hidden": True}
        return answer(request, "curation/trace_becomes.html", context, fragment="curation/_becomes_hidden.html")
    if request.GET.get("part") == "steps" and wants_fragment(request):
        return _steps(request, entry, uid)
    found = _become(entry, uid)
    if wanted := request.GET.get("line"):
        line = next((one for one in found.lines if wanted == one.format.NAME and one.raw is not None), None)
        if line is None or line.raw is None:
            raise Http404("This trace has no line in that format.")
        headers = {"Content-Disposition": f'attachment; filename="{uid}.{wanted}.jsonl"'}
        return HttpResponse(f"{line.raw}\n", content_type="application/jsonl; charset=utf-8", headers=headers)
    undo = {"key": request.GET.get("used", ""), "use": request.GET.get("was", "")}
    return _answer(request, entry, found, undo=undo if undo["use"] in step_uses.USES else None)


@require_POST
def step_use(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Keep, mask or cut a step. Answers with the steps around it and the way back; the rest of the page is fetched anew
    when it hears of it."""
    entry = enter(request, slug, Role.REVIEWER)
    if _hidden(entry, uid) is not None:
        raise PermissionDenied(HIDDEN)
    number = request.POST.get("revision", "")
    said, error = None, ""
    try:
        said = step_uses.say(
            project=entry.project, actor=entry.actor, trace_uid=uid, step_key=request.POST.get("step", ""),
            use=request.POST.get("use", ""), revision=int(number) if number.isdecimal() else None,
        )  # fmt: skip
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    except Invalid as wrong:
        error = str(wrong)
    if said is not None and not wants_fragment(request):
        query = urlencode({**_kept(request, "at"), "used": said.key, "was": said.before})
        return HttpResponseRedirect(f"{reverse('curation:trace-becomes', args=[slug, uid])}?{query}#steps")
    undo = {"key": said.key, "use": said.before} if said is not None and said.use != said.before else None
    if not wants_fragment(request):
        return _answer(request, entry, _become(entry, uid), undo=undo, error=error)
    response = _steps(request, entry, uid, undo=undo, error=error)
    if said is not None:
        response.headers["HX-Trigger-After-Swap"] = "step-used"
    return response


def _hidden(entry: Entry, uid: uuid.UUID) -> Trace | None:
    """The trace, where this person must judge it blind first: what it becomes tells who accepted or corrected it."""
    reader = reader_of(entry)
    if reader is None:
        return None
    trace = Trace.objects.filter(project=entry.project, uid=uid).defer("metadata").first()
    return trace if trace is not None and blind.hides(trace=trace, user=reader) else None


def _become(entry: Entry, uid: uuid.UUID) -> becomes.Becoming:
    try:
        return becomes.become(project=entry.project, trace_uid=uid)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None


def _steps(
    request: HttpRequest, entry: Entry, uid: uuid.UUID, *, undo: dict[str, str] | None = None, error: str = ""
) -> HttpResponse:
    """Only the steps, a window of them."""
    try:
        found = becomes.stepped(project=entry.project, trace_uid=uid)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    is_page = request.GET.get("part") in ("page", "steps") and "beside" not in request.GET
    context = _context(request, found, is_page=is_page, undo=undo, error=error)
    return answer(request, STEPS, context, fragment=STEPS, status=422 if error else 200)


def _answer(
    request: HttpRequest, entry: Entry, found: becomes.Becoming, *, undo: dict[str, str] | None = None, error: str = ""
) -> HttpResponse:
    is_page = request.GET.get("part") == "page" or not wants_fragment(request)
    context = _context(request, found, is_page=is_page, undo=undo, error=error)
    context |= {"most": MOST, "cut": f":{MOST}"}
    if is_page:
        context["panel"] = rendered(entry.project, request.GET, found.example)
    return answer(
        request, "curation/trace_becomes.html", context, fragment=PAGE if is_page else TAB, status=422 if error else 200
    )


def _context(
    request: HttpRequest, found: becomes.Stepped, *, is_page: bool, undo: dict[str, str] | None, error: str
) -> dict[str, Any]:
    """What the steps need on every page, with the window that holds the step last used, else the one asked for."""
    used = next((step for step in found.steps if undo and step.key == undo["key"]), None)
    asked = request.GET.get("at", "")
    at = used.number if used else int(asked) if asked.isdecimal() and len(asked) < 9 else 1
    begin = (min(max(at, 1), max(len(found.steps), 1)) - 1) // WINDOW * WINDOW
    end = min(begin + WINDOW, len(found.steps))
    kept = _kept(request)
    part = "page" if is_page else "tab"
    return {
        "found": found,
        "trace": found.trace,
        "shown": found.steps[begin:end],
        "window": {
            "first": begin + 1,
            "last": end,
            "earlier": begin + 1 - WINDOW if begin else None,
            "later": end + 1 if end < len(found.steps) else None,
        },
        "undo": {**undo, "step": used} if undo and used else None,
        "error": error,
        "window_query": f"{urlencode(kept)}&" if kept else "",
        "query": urlencode({**kept, "at": begin + 1, "part": part} if begin else {**kept, "part": part}),
        "part": part,
    }


def _kept(request: HttpRequest, *more: str) -> dict[str, str]:
    """What of the address stays."""
    return {key: request.GET[key] for key in ("base", "length", *more) if request.GET.get(key)}
