"""The trace list and what can be done from it."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from curation import filters
from curation.browse import complete as completing
from curation.browse import figures as figuring
from curation.browse import rows, selection
from curation.browse.segments import segments, ways_out
from curation.models import Trace
from curation.models.traces import TraceQuerySet
from curation.review import picking
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer, wants_fragment

SIZE = 50
UNDO_SALT = "traces.undo"
UNDO_AGE = 24 * 3600
# key of the order, label, whether it is a number, class
HEADS = (
    ("", "Judgment", "", "wide-only"),
    ("", "Request", "", ""),
    ("", "Tags", "num", "roomy-only"),
    ("agent", "Agent", "", "wide-only"),
    ("", "Model", "", "vast-only"),
)
FIGURE_HEADS = (
    ("steps", "Steps", "num", "wide-only"),
    ("errors", "Errors", "num", "wide-only"),
    ("tokens", "Tokens", "num", "wide-only"),
    ("cost", "Cost", "num", "wide-only"),
    ("time", "Time", "num", "wide-only"),
    ("seen", "Seen", "num", "wide-only"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """One head of the table: `url` sorts by it ("" where it cannot), `sorted` is "", ascending or descending."""

    label: str
    kind: str
    url: str
    sorted: str
    key: str


@require_GET
def traces(request: HttpRequest, slug: str) -> HttpResponse:
    """The list: filter, order and page are all in the address."""
    entry = enter(request, slug, Role.REVIEWER)
    typed = request.GET.get("q", "").strip()
    context = {"typed": typed, "now": timezone.now(), "may_engineer": entry.may(Role.ENGINEER)}
    try:
        query = filters.parse(typed)
        order = rows.read_order(request.GET.get("sort", ""))
    except filters.FilterError as error:
        context |= {"error": error, "marked": _marked(typed, error), "segments": segments(filters.parse(""))}
        return answer(request, "curation/traces.html", context, fragment="curation/_traces.html", status=422)
    except rows.UnknownOrder as error:
        raise SuspiciousOperation(str(error)) from None
    cursor = request.GET.get("cursor", "")
    listing = rows.page(project=entry.project, query=query, order=order, cursor=cursor, size=SIZE)
    context |= {
        "query": query,
        "listing": listing,
        "segments": segments(query),
        "heads": _heads(request, order, listing.score_names),
        "order": order,
    }
    if not listing.rows:
        context |= _empty(request, entry, query)
    elif "figures" in request.GET:
        context["figures"] = figuring.measure(project=entry.project, query=query, now=timezone.now())
    response = answer(request, "curation/traces.html", context, fragment="curation/_traces.html")
    if wants_fragment(request):
        response["HX-Trigger-After-Settle"] = "filtered"  # the figures above the list follow
    return response


def _marked(typed: str, error: filters.FilterError) -> tuple[str, str, str]:
    """The filter before, at and behind the error; an error behind the end marks one blank."""
    return typed[: error.position], typed[error.position : error.end] or " ", typed[error.end :]


def _heads(request: HttpRequest, order: rows.Order, scores: list[str]) -> list[Head]:
    # "num score" keeps the name of a score from being mistaken for a figure of ours
    named = [(f"score.{name}", name, "num", "wide-only score-head") for name in scores]
    heads = []
    for key, label, kind, extra in (*HEADS, *named, *FIGURE_HEADS):
        url = f"?{_params(request, sort=str(order.turned(key)), cursor='')}" if key else ""
        direction = ("descending" if order.falling else "ascending") if key and key == order.column else ""
        heads.append(Head(label, f"{kind} {extra}".strip(), url, direction, key))
    return heads


def _params(request: HttpRequest, **changes: str) -> str:
    kept = {name: request.GET[name] for name in ("q", "sort", "cursor") if request.GET.get(name)} | changes
    return urlencode({name: value for name, value in kept.items() if value})


def _empty(request: HttpRequest, entry: Entry, query: filters.Query) -> dict[str, object]:
    """What an empty list says: nothing came yet, or which condition is in the way."""
    anything = Trace.objects.filter(project=entry.project)
    if anything.exists():
        if query:
            return {"ways_out": ways_out(project=entry.project, query=query)}
        return {"all_archived": not anything.listed().exists()}
    return {"waiting": True, "address": request.build_absolute_uri("/").rstrip("/")}


@require_GET
def figures(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: the figures above the list."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        query = filters.parse(request.GET.get("q", "").strip())
    except filters.FilterError:
        return HttpResponse(status=204)
    found = figuring.measure(project=entry.project, query=query, now=timezone.now())
    return render(request, "curation/_trace_figures.html", {"figures": found, "most": figuring.MOST})


@require_GET
def complete(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: how the filter that is being typed may go on."""
    entry = enter(request, slug, Role.REVIEWER)
    text = request.GET.get("q", "")[:1000].replace("\0", "")
    at = request.GET.get("at", "")
    found = completing.suggest(
        project=entry.project, text=text, at=int(at) if at.isascii() and at.isdigit() else len(text)
    )
    return render(request, "curation/_trace_completion.html", {"suggestions": found})


@require_GET
def waiting(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: nothing until the first trace is there, then the whole page again."""
    entry = enter(request, slug, Role.REVIEWER)
    response = HttpResponse(status=204)
    if Trace.objects.filter(project=entry.project).exists():
        response["HX-Refresh"] = "true"
    return response


@require_POST
def bulk(request: HttpRequest, slug: str) -> HttpResponse:
    """Queue, archive, restore or tag: the ticked traces, or all that match the filter."""
    entry = enter(request, slug, Role.REVIEWER)
    action = request.POST.get("action", "")
    needed = {"queue": Role.REVIEWER, "tag": Role.REVIEWER, "archive": Role.ENGINEER, "restore": Role.ENGINEER}
    if action not in needed:
        raise SuspiciousOperation("There is no such act.")
    if not entry.may(needed[action]):
        raise PermissionDenied("Archiving needs the role engineer.")
    back = f"{reverse('curation:traces', args=[slug])}?{_posted(request)}".rstrip("?")
    try:
        found, said = _picked(request, entry)
        messages.success(request, _act(request, entry, action, found, said))
    except ValueError as problem:  # TooMany, FilterError, a bad tag
        messages.error(request, str(problem))
    return redirect(back)


def _posted(request: HttpRequest) -> str:
    return urlencode({name: request.POST[name] for name in ("q", "sort", "cursor") if request.POST.get(name)})


def _picked(request: HttpRequest, entry: Entry) -> tuple[TraceQuerySet, str]:
    """The chosen traces, and how they were chosen in words for the audit log."""
    if request.POST.get("all"):
        query = filters.parse(request.POST.get("q", ""))
        until = _moment(request.POST.get("seen_at", ""))
        return selection.pick(project=entry.project, query=query, until=until), f"all that match “{query}”"
    uids = []
    for value in request.POST.getlist("trace"):
        try:
            uids.append(uuid.UUID(value))
        except ValueError:
            raise SuspiciousOperation("This is not the id of a trace.") from None
    if not uids:
        raise ValueError("No trace was chosen: tick some first.")
    return selection.pick(project=entry.project, uids=uids), f"{len(uids)} by hand"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SuspiciousOperation("The page is damaged; load it again.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.get_current_timezone())


def _act(request: HttpRequest, entry: Entry, action: str, found: TraceQuerySet, said: str) -> str:
    """Do it; what to tell the person, with a button that undoes it where that is possible."""
    project, actor = entry.project, entry.actor
    if action == "queue":
        queue = picking.hand_queue(project=project)
        added, already, at = picking.add(queue=queue, actor=actor, traces=found, said=said)
        note = f" {_count(already)} in it already." if already else ""
        return _undoable(f"{_count(added)} put into “{queue.name}”.{note}", "queue", at, added)
    if action == "archive":
        done = selection.archive(project=project, actor=actor, traces=found, said=said)
        return _undoable(f"{_count(done.changed)} archived.", "archive", done.at, done.changed)
    if action == "restore":
        done = selection.restore(project=project, actor=actor, traces=found, said=said)
        return f"{_count(done.changed)} restored."
    tag = " ".join(request.POST.get("tag", "").split())
    if tag.startswith("-"):
        done = selection.remove_tag(project=project, actor=actor, traces=found, tag=tag[1:].strip(), said=said)
        return f"The tag “{tag[1:].strip()}” was taken off {_count(done.changed)}."
    done = selection.add_tag(project=project, actor=actor, traces=found, tag=tag, said=said)
    note = f" {_count(done.already)} had it already." if done.already else ""
    return f"{_count(done.changed)} tagged “{tag}”.{note}"


def _count(number: int) -> str:
    return f"{number:,} trace{'' if number == 1 else 's'}"


def _undoable(said: str, act: str, at: datetime, changed: int) -> str:
    if not changed:
        return said
    token = signing.dumps([act, at.isoformat()], salt=UNDO_SALT)
    # the form stands on the list page; the button sits in the message
    return format_html(
        '{} <button class="button small" form="undo" name="token" value="{}" data-key="z" data-key-name="Undo">'
        'Undo <kbd aria-hidden="true">z</kbd></button>',
        said, token,
    )  # fmt: skip


@require_POST
def undo(request: HttpRequest, slug: str) -> HttpResponse:
    """Take back what a button of a message names."""
    entry = enter(request, slug, Role.REVIEWER)
    back = f"{reverse('curation:traces', args=[slug])}?{_posted(request)}".rstrip("?")
    try:
        act, moment = signing.loads(request.POST.get("token", ""), salt=UNDO_SALT, max_age=UNDO_AGE)
    except signing.BadSignature:
        messages.error(request, "This can no longer be undone.")
        return redirect(back)
    at = datetime.fromisoformat(moment)
    if act == "archive":
        if not entry.may(Role.ENGINEER):
            raise PermissionDenied("Archiving needs the role engineer.")
        changed = selection.undo_archive(project=entry.project, actor=entry.actor, at=at)
        messages.success(request, f"{_count(changed)} shown again.")
    else:
        changed = picking.undo_add(project=entry.project, actor=entry.actor, at=at)
        messages.success(request, f"{_count(changed)} taken out of the queue again.")
    return redirect(back)
