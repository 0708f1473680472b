"""The trace list and its parts. All of it is in the address: filter, order, columns, page, and the view it began with."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from curation import filters
from curation.browse import complete as completing
from curation.browse import figures as figuring
from curation.browse import nearest, notice, rollups, rows, saved_views
from curation.browse.columns import COLUMNS, NO_ORDER, Column, UnknownColumn, read_columns
from curation.browse.patience import TooSlow
from curation.browse.segments import segments, ways_out
from curation.models import ReviewQueue, SavedView, Topic, Trace
from curation.review import picking
from curation.search import index, snippets
from curation.views import trace_rows
from workspace.access import Entry, enter, reader_of
from workspace.models import Role
from workspace.pages import answer, wants_fragment

SIZE = 50
# the index of words is some seconds behind as a rule; beyond this the page says so
LATE = timedelta(seconds=20)
# what an answer that came too late offers instead
NARROWER = (("the last 24 hours", "since:24h"), ("the last 7 days", "since:7d"), ("the last 30 days", "since:30d"))


@dataclass(frozen=True, slots=True)
class Head:
    """One head of the table: `url` sorts by it ("" where it cannot), `sorted` is "", ascending or descending."""

    column: Column
    kind: str
    url: str
    sorted: str
    why: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A saved view as a choice above the list: where it leads, whether the list began with it, and whether the list is
    still what it keeps."""

    view: SavedView
    url: str
    current: bool
    same: bool
    may_change: bool


@require_GET
def traces(request: HttpRequest, slug: str) -> HttpResponse:
    """The list. `?view=` alone opens a saved view: it leads to the address that spells it out."""
    entry = enter(request, slug, Role.REVIEWER)
    views = saved_views.list_views(project=entry.project, user=entry.actor.user)
    if set(request.GET) == {"view"} and (chosen := next((v for v in views if str(v.uid) == request.GET["view"]), None)):
        return redirect(f"{reverse('curation:traces', args=[slug])}{view_address(chosen)}")
    typed = request.GET.get("q", "").strip()
    context: dict[str, object] = {
        "typed": typed,
        "now": timezone.now(),
        "may_engineer": entry.may(Role.ENGINEER),
        "back": request.GET.urlencode(),
        "acts_back": urlencode({"back": request.GET.urlencode()}),
        "asked_columns": request.GET.getlist("col"),
        "most": figuring.MOST,
    }
    context |= _views_context(request, entry, views)
    try:
        query = filters.parse(typed)
        order = rows.read_order(request.GET.get("sort", ""))
        columns = read_columns(request.GET.getlist("col"))
    except filters.FilterError as error:
        context |= {"error": error, "marked": _marked(typed, error), "segments": segments(filters.parse(""))}
        return answer(request, "curation/traces.html", context, fragment="curation/_traces.html", status=422)
    except (rows.UnknownOrder, UnknownColumn) as error:
        raise SuspiciousOperation(str(error)) from None
    context |= {"query": query, "segments": segments(query), "order": order}
    context |= _list_context(request, entry, query, order, columns)
    response = answer(request, "curation/traces.html", context, fragment="curation/_traces.html")
    if wants_fragment(request):
        response["HX-Trigger-After-Settle"] = "filtered"  # the figures above the list follow
    return response


def _list_context(
    request: HttpRequest, entry: Entry, query: filters.Query, order: rows.Order, columns: list[Column]
) -> dict[str, object]:
    cursor = request.GET.get("cursor", "")
    try:
        listing = rows.page(
            project=entry.project,
            query=query,
            order=order,
            cursor=cursor,
            size=SIZE,
            columns=columns,
            reader=reader_of(entry),
        )
    except TooSlow:
        narrower = [(said, f"{query} {text}".strip()) for said, text in NARROWER]
        return {"slow": True, "narrower": [] if query.mentions("since") else narrower}
    heads = _heads(request, order, listing.columns)
    lead = rows.leading(heads)
    queues = list(ReviewQueue.objects.handed_out().filter(project=entry.project).order_by("name"))
    context: dict[str, object] = {
        "listing": listing,
        "lead_heads": heads[:lead],
        "heads": heads[lead:],
        "window": rows.WINDOW,
        "queues": queues,
        "topics": list(Topic.objects.filter(project=entry.project).order_by("name").only("slug", "name")),
        "has_picked": any(queue.slug == picking.SLUG for queue in queues),
        "shows_archived": query.mentions("archived"),
    }
    found: dict[int, snippets.Snippet] = {}
    if searched := query.searched():
        found = snippets.find(traces=[row.trace for row in listing.rows], typed=searched)
        context["lag"] = late(entry)
    context["body"] = trace_rows.draw(slug=entry.project.slug, listing=listing, snippets=found)
    if not listing.rows:
        context |= _empty(request, entry, query)
    elif "figures" in request.GET:
        context["figures"] = _figures(entry, query)
    if listing.rows and not cursor and order == rows.NEWEST:
        context["newest"] = listing.rows[0].trace.received_at.isoformat()
    return context


def _figures(entry: Entry, query: filters.Query) -> figuring.Figures:
    return figuring.measure(project=entry.project, query=query, now=timezone.now(), reader=reader_of(entry))


def late(entry: Entry) -> index.Lag | None:
    """How far the search index is behind, where that is more than the usual seconds."""
    lag = index.lag(project_id=entry.project.pk)
    return lag if lag.since and timezone.now() - lag.since > LATE else None


def view_address(view: SavedView) -> str:
    """The query string of a saved view, spelled out; the order is always said, which tells it from `?view=` alone."""
    params = QueryDict(mutable=True)
    params["view"] = str(view.uid)
    if view.query:
        params["q"] = view.query
    params.setlist("col", view.columns)
    params["sort"] = view.order or str(rows.NEWEST)
    return f"?{params.urlencode()}"


def content_asked(params: QueryDict) -> saved_views.Content:
    """What the list in this address shows, as a saved view keeps it."""
    order = params.get("sort", "")
    return saved_views.Content(
        query=params.get("q", "").strip(),
        columns=tuple(params.getlist("col")),
        order="" if order == str(rows.NEWEST) else order,
    )


def may_change(entry: Entry, view: SavedView) -> bool:
    """One's own views; those for everybody also by engineers."""
    own = entry.actor.user is not None and view.owner_id == entry.actor.user.pk
    return own or (view.is_shared and entry.may(Role.ENGINEER))


def _views_context(request: HttpRequest, entry: Entry, views: list[SavedView]) -> dict[str, object]:
    asked, content = request.GET.get("view", ""), content_asked(request.GET)
    shown = [
        Shown(
            view,
            view_address(view),
            current=str(view.uid) == asked,
            same=saved_views.content_of(view) == content,
            may_change=may_change(entry, view),
        )
        for view in views
    ]
    return {"views": shown, "view": next((one for one in shown if one.current), None)}


def _marked(typed: str, error: filters.FilterError) -> tuple[str, str, str]:
    """The filter before, at and behind the error; an error behind the end marks one blank."""
    return typed[: error.position], typed[error.position : error.end] or " ", typed[error.end :]


def _heads(request: HttpRequest, order: rows.Order, columns: list[Column]) -> list[Head]:
    heads = []
    for column in columns:
        params = request.GET.copy()
        params["sort"] = str(order.turned(column.key))
        params.pop("cursor", None)
        # "score-head" keeps the name of a score from being mistaken for a figure of ours
        kinds = ("num" if column.number or column.kind == "tags" else "", column.from_width)
        heads.append(
            Head(
                column,
                " ".join(filter(None, (*kinds, "score-head" if column.score else ""))),
                f"?{params.urlencode()}" if column.sorts else "",
                ("descending" if order.falling else "ascending") if column.key == order.column else "",
                "" if column.sorts or column.key in ("judgment", "tags") else NO_ORDER,
            )
        )
    return heads


def _empty(request: HttpRequest, entry: Entry, query: filters.Query) -> dict[str, object]:
    """What an empty list says: nothing came yet, or which condition is in the way."""
    anything = Trace.objects.filter(project=entry.project)
    if anything.exists():
        if query:
            try:
                meant = nearest.repair(project=entry.project, query=query, reader=reader_of(entry))
                out = ways_out(project=entry.project, query=query, reader=reader_of(entry))
                return {"meant": meant, "ways_out": out}
            except TooSlow:
                return {"ways_out": [], "ways_unknown": True}
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
    try:
        found = _figures(entry, query)
    except TooSlow:
        return render(request, "curation/_trace_figures.html", {"slow": True})
    context = {"figures": found, "most": figuring.MOST, "error": rollups.ERROR, "lag": late(entry)}
    return render(request, "curation/_trace_figures.html", context)


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


@require_GET
def hidden(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: how many match, and how many of them are not shown because they are archived or empty."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        query = filters.parse(request.GET.get("q", "").strip())
    except filters.FilterError:
        return HttpResponse(status=204)
    order = request.GET.get("sort", "").removeprefix("-")
    found = notice.count(project=entry.project, query=query, reader=reader_of(entry), order=order)
    context = {"found": found, "query": query, "show_all": notice.with_hidden(query)}
    return render(request, "curation/_trace_count.html", context)


@require_GET
def arrivals(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: how many traces that match came after the newest one on the page; 204 while there is none."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        query = filters.parse(request.GET.get("q", "").strip())
    except filters.FilterError:
        return HttpResponse(status=204)
    after = moment(request.GET.get("after", ""))
    found = notice.arrived(project=entry.project, query=query, after=after, reader=reader_of(entry))
    if not found:
        return HttpResponse(status=204)
    return render(request, "curation/_trace_arrivals.html", {"found": found, "most": notice.MOST_ARRIVALS})


def moment(text: str) -> datetime:
    """A moment that a page of ours wrote down. Raises SuspiciousOperation for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SuspiciousOperation("The page is damaged; load it again.") from None
    return found if found.tzinfo else found.replace(tzinfo=timezone.get_current_timezone())


@require_GET
def columns(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: the columns to choose from, those that are shown first and in their order."""
    entry = enter(request, slug, Role.REVIEWER)
    asked = request.GET.getlist("col")
    try:
        chosen = read_columns(asked) if asked else read_columns(request.GET.getlist("usual"), chosen=False)
    except UnknownColumn as error:
        raise SuspiciousOperation(str(error)) from None
    keys = {column.key for column in chosen}
    context = {
        "chosen": chosen,
        "is_usual": not asked,
        "others": [column for key, column in COLUMNS.items() if key not in keys],
        "more": [key for key in completing.column_keys(project=entry.project) if key not in keys],
        "hidden_params": [(name, value) for name in ("q", "sort", "view") if (value := request.GET.get(name))],
    }
    return render(request, "curation/_trace_columns.html", context)
