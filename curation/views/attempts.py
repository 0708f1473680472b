"""Two traces beside each other: attempts at one task, or a copy and what it is like."""

import uuid
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_GET

from curation.models import Trace
from curation.review import attempts, blind
from workspace.access import enter, reader_of
from workspace.models import Role
from workspace.pages import answer


@dataclass(frozen=True, slots=True)
class Listed:
    """The list of copies that led here."""

    url: str
    label: str


@require_GET
def trace_diff(request: HttpRequest, slug: str) -> HttpResponse:
    """Two traces side by side: `?left=` and `?right=`; `back` is the list of a recipe or version that named one a copy of
    the other."""
    entry = enter(request, slug, Role.REVIEWER)
    given = [request.GET[name] for name in ("left", "right") if request.GET.get(name)]
    try:
        pair = [uuid.UUID(text) for text in given]
    except ValueError:
        raise Http404("This is not the id of a trace.") from None
    if len(pair) != 2:
        context = {"problem": f"Two traces are compared; the address names {len(pair) or 'none'}."}
        return answer(request, "curation/trace_diff.html", context, status=400)
    if pair[0] == pair[1]:
        context = {"problem": "Both are the same trace. Choose another attempt to compare it with."}
        return answer(request, "curation/trace_diff.html", context, status=400)
    try:
        found = attempts.compare(project=entry.project, left=pair[0], right=pair[1], reader=reader_of(entry))
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    return answer(
        request, "curation/trace_diff.html", _shown(found) | {"listed": _listed(slug, request.GET.get("back", ""))}
    )


def _listed(slug: str, back: str) -> Listed | None:
    """Where `back` leads, where that is a list of this project."""
    try:
        found = resolve(back.partition("?")[0])
    except Resolver404:
        return None
    if found.kwargs.get("slug") != slug:
        return None
    if found.view_name == "curation:dataset-left":
        return Listed(back, "Traces that leave")
    if found.view_name == "curation:dataset-decisions":
        return Listed(back, f"Why in or out, {found.kwargs['name']} v{found.kwargs['number']}")
    return None


def _shown(found: attempts.Comparison) -> dict[str, object]:
    return {"found": found, "sides": (("A", found.left), ("B", found.right)), "changed": found.answers.changes}


@require_GET
def trace_attempts(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Fragment: other attempts at the task of a trace."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        trace = Trace.objects.defer("metadata").get(project=entry.project, uid=uid)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    found, more = attempts.others(trace=trace)
    hidden = blind.hidden_of(traces=found, user=reader_of(entry))
    context = {"trace": trace, "attempts": [(one, one.pk in hidden) for one in found], "more": more}
    return render(request, "curation/_trace_attempts.html", context)
