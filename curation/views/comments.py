"""Comments on a trace, and the page of where one was called."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from curation.models import Comment, Trace
from curation.review import bench, blind, comments
from curation.review.invalid import Invalid
from curation.views.bench_acts import number, person_of
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer


@require_http_methods(["GET", "POST"])
def trace_comments(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """The discussion of a trace as a part of the bench; POST adds, edits, resolves or takes back a comment."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        trace = (
            Trace.objects.select_related("project")
            .only("uid", "project", "revision_id")
            .get(project=entry.project, uid=uid)
        )
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    if request.method == "POST":
        return _say(request, entry, trace)
    return _part(request, entry, trace)


def _part(request: HttpRequest, entry: Entry, trace: Trace, status: int = 200, **more: Any) -> HttpResponse:
    user = entry.actor.user
    hidden = blind.hides(trace=trace, user=user, may_look=entry.may(Role.ENGINEER))
    context = {
        "trace": trace,
        "comments": bench.talk_of(trace=trace, user=user, only_own=hidden),
        "blind": hidden,
        "typed": {},
        **more,
    }
    return answer(request, "curation/discussion.html", context, fragment="curation/_discussion_in.html", status=status)


def _say(request: HttpRequest, entry: Entry, trace: Trace) -> HttpResponse:
    """One act. A script asks for JSON; a form without script goes back to the discussion."""
    quick = request.headers.get("Accept", "") == "application/json"
    try:
        comment = _done(request, entry, trace)
    except Invalid as error:
        if quick:
            return JsonResponse({"error": {"field": error.field, "message": str(error)}}, status=422)
        return _part(request, entry, trace, 422, error=error, typed=request.POST)
    except (Comment.DoesNotExist, ValueError):
        raise Http404("There is no such comment of yours here.") from None
    if quick:
        return JsonResponse({"ok": True, "comment": str(comment.uid)})
    return HttpResponseRedirect(f"{_address(entry, trace)}#c-{comment.uid}", status=303)


def _done(request: HttpRequest, entry: Entry, trace: Trace) -> Comment:
    who: dict[str, Any] = {"project": entry.project, "actor": entry.actor}
    text = request.POST.get("text", "")
    match request.POST.get("act", "add"):
        case "add":
            start, end = request.POST.get("start", ""), request.POST.get("end", "")
            anchor = comments.Anchor(
                request.POST.get("step", ""), _place(start, "start"), _place(end, "end"), request.POST.get("quote", "")
            )
            made, _ = comments.add(
                **who, trace_uid=trace.uid, text=text, anchor=anchor, key=request.POST.get("key", ""),
                revision=number(request.POST.get("revision"), 0) or None,
            )  # fmt: skip
            return made
        case "edit":
            return comments.edit(**who, uid=_uid(request), text=text)
        case "withdraw":
            return comments.withdraw(**who, uid=_uid(request))
        case "restore":
            return comments.restore(**who, uid=_uid(request))
        case "resolve" | "reopen" as act:
            return comments.resolve(**who, uid=_uid(request), resolved=act == "resolve")
        case other:
            raise Invalid("act", f"{other[:40]!r} is unknown")


def _uid(request: HttpRequest) -> uuid.UUID:
    return uuid.UUID(request.POST.get("comment", ""))


def _place(text: str, field: str) -> int | None:
    if text and not text.isdecimal():
        raise Invalid(field, f"must be a whole number; got {text[:20]!r}")
    return int(text) if text else None


def _address(entry: Entry, trace: Trace) -> str:
    return f"{reverse('curation:trace', args=[entry.project.slug, trace.uid])}?tab=discussion"


@require_GET
def people(request: HttpRequest, slug: str) -> JsonResponse:
    """Whom a comment may call: the members as {"people": [{"name", "email"}]}."""
    entry = enter(request, slug, Role.REVIEWER)
    found = comments.people(project=entry.project)
    return JsonResponse({"people": [{"name": str(user), "email": user.email} for user in found]})


@require_http_methods(["GET", "POST"])
def mentions(request: HttpRequest, slug: str) -> HttpResponse:
    """Where one was called in comments, unseen ones first; POST marks all as seen."""
    entry = enter(request, slug, Role.REVIEWER)
    user = person_of(entry)
    if request.method == "POST":
        seen = comments.see(project=entry.project, user=user)
        messages.success(request, f"{seen:,} marked as seen." if seen else "There was nothing new.")
        return redirect("curation:mentions", slug)
    rows, more = comments.mentions(project=entry.project, user=user, may_look=entry.may(Role.ENGINEER))
    context = {"mentions": rows, "more": more, "new": sum(row.seen_at is None for row in rows)}
    return answer(request, "curation/mentions.html", context)


@require_GET
def mention(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Go to a comment that called somebody; it counts as seen from now on."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        comment = Comment.objects.select_related("trace").defer("trace__metadata").get(project=entry.project, uid=uid)
    except Comment.DoesNotExist:
        raise Http404("There is no such comment in this project.") from None
    comments.see(project=entry.project, user=person_of(entry), comment=uid)
    return HttpResponseRedirect(f"{_address(entry, comment.trace)}#c-{comment.uid}")
