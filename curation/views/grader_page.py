"""The page of a grader: its versions and what differs, how it agrees with people, what it scored and what it is to score."""

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from curation import tasks
from curation.filters import FilterError
from curation.models import Grader, GraderVersion
from curation.scoring import against_people, arrivals, batches, keep, read
from curation.scoring.agreement import ENOUGH
from curation.scoring.refused import Refused
from curation.views import grader_charts, grader_kinds
from curation.views.grader_trials import goals_of, parts_of
from curation.views.graders import grader_at
from curation.views.traces import moment
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.pages import answer
from workspace.uuid7 import uuid7

APART = 10
BATCHES = 6


@require_http_methods(["GET", "POST"])
def grader(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One grader. POST (engineers): score arriving traces, show a price and start on the past, archive, bring back."""
    entry = enter(request, slug, Role.ENGINEER if request.method == "POST" else Role.REVIEWER)
    found = grader_at(entry, name)
    if request.method == "GET":
        return _page(request, entry, found)
    act = _ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise SuspiciousOperation("There is no such act.")
    return act(request, entry, found)


def _page(request: HttpRequest, entry: Entry, found: Grader, *, status: int = 200, **more: Any) -> HttpResponse:
    versions = read.versions(found)
    used = next((one for one in versions if one.confirmed_at is not None), None)
    shown = _asked(versions, request.GET.get("version", "")) or used or versions[0]
    older = _asked(versions, request.GET.get("from", "")) or _before(versions, shown)
    report = against_people.report(shown)
    may = entry.may(Role.ENGINEER)
    context = {
        "found": found, "versions": versions, "used": used, "held_back": _held_back(used), "shown": shown, "older": older,
        "from": older or shown, "to": shown if older else versions[0],
        "changes": keep.changes(older, shown) if older and older.pk != shown.pk else [],
        "kind": grader_kinds.KINDS.get(str(shown.definition.get("type"))), "parts": parts_of(shown), "goals": goals_of(shown),
        "report": report, "matrix": grader_charts.matrix(report.matrix), "forest": grader_charts.agreement(report),
        "rates": grader_charts.rates(report), "enough": ENOUGH, "spread": read.spread(shown),
        "apart": _apart(request, shown, report) if may else [],
        "batches": read.batches(entry.project, found=found, size=BATCHES).rows if may else [],
        "held_up": arrivals.state(found) if found.scores_new else "", "rate_percent": f"{100 * found.rate:.10g}", "may_engineer": may,
        "key": uuid7().hex, "past": {"query": "", "sample": "", "regrade": False}, **more,
    }  # fmt: skip
    return answer(request, "curation/grader.html", context, status=status)


def _held_back(used: GraderVersion | None) -> str:
    """Why a confirmed version may not be used after all; "" where it may."""
    try:
        if used is not None:
            keep.usable(used)
    except Refused as error:
        return str(error)
    return ""


def _asked(versions: list[GraderVersion], number: str) -> GraderVersion | None:
    return next((one for one in versions if str(one.number) == number), None)


def _before(versions: list[GraderVersion], shown: GraderVersion) -> GraderVersion | None:
    return next((one for one in versions if one.number < shown.number), None)


def _apart(request: HttpRequest, shown: GraderVersion, report: against_people.Report) -> list[dict[str, Any]]:
    """Both kinds of disagreement: how many, the first of them, and where the next ones begin."""
    listed = []
    for by, words, count in (
        ("grader", "It passed what people rejected", int(report.matrix.only_grader)),
        ("people", "It failed what people accepted", int(report.matrix.only_people)),
    ):
        before = request.GET.get(f"{by}_before", "0")
        rows = (
            against_people.apart(
                shown, by=by, before=int(before[:18]) if before.isascii() and before.isdigit() else 0, most=APART
            )
            if count
            else []
        )
        more = rows[APART - 1].place if len(rows) > APART else 0
        listed.append({"by": by, "words": words, "count": count, "rows": rows[:APART], "more": more})
    return listed


def _arrivals(request: HttpRequest, entry: Entry, found: Grader) -> HttpResponse:
    """Whether traces are scored as they arrive. Where that costs more than before, the price of one trace is shown first,
    and kept only once it was sent back for the same filter and share."""
    given = request.POST
    on, query, share = given.get("scores_new") == "1", given.get("query", "").strip(), given.get("rate", "100").strip()
    typed = {"scores_new": on, "query": query, "rate": given.get("rate", "")}
    until = moment(given["until"]) if given.get("until") else timezone.now()
    try:
        rate = _rate(share or "100")
        told = json.dumps([query, f"{rate:g}"])
        confirmed = given.get("confirmed", "") if given.get("told") == told else ""
        until = until if confirmed else timezone.now()
        arrivals.follow(
            grader=found, scores_new=on, query=query, rate=rate, actor=entry.actor, confirmed=confirmed, until=until
        )
    except (Refused, FilterError, ValueError) as error:
        version = keep.current(found)
        if isinstance(error, Refused) and error.field == "confirmed" and version is not None:
            price = arrivals.expected(grader=found, version=version, query=query, rate=rate, until=until)
            return _page(request, entry, found, arrivals_typed=typed, arrivals_price=price, arrivals_told=told)
        said = (
            str(error)
            if isinstance(error, Refused | FilterError)
            else f"{share[:20]!r} is not a share from 0 to 100 %."
        )
        return _page(request, entry, found, status=422, arrivals_error=said, arrivals_typed=typed)
    messages.success(request, "Traces are scored as they arrive." if on else "Arriving traces are left alone.")
    return redirect("curation:grader", entry.project.slug, found.slug)


def _rate(share: str) -> float:
    """A share that was typed in %, as a number from 0 to 1. Raises ValueError."""
    percent = float(share.removesuffix("%"))
    if not 0 <= percent <= 100:
        raise ValueError(share)
    return percent / 100


def _past(request: HttpRequest, entry: Entry, found: Grader) -> HttpResponse:
    """The price of scoring what is there; with act=start, start it at the price that was shown."""
    query, count = request.POST.get("query", "").strip(), request.POST.get("sample", "").strip()
    regrade = request.POST.get("regrade") == "1"
    typed = {"query": query, "sample": count, "regrade": regrade}
    key, seen_at = request.POST.get("key") or uuid7().hex, request.POST.get("until")
    until = moment(seen_at) if seen_at else None
    try:
        version = keep.current(found)
        if version is None:
            raise Refused("grader", "Nobody confirmed a version yet: try one and confirm it.")
        sample, told = _whole(count), json.dumps([query, count, regrade])
        # a price is one of what it was asked for: whoever changed the filter since sees the new one first
        if request.POST.get("act") == "start" and request.POST.get("told") == told:
            made = batches.start(
                project=entry.project, version=version, query=query, regrade=regrade, sample=sample,
                actor=entry.actor, confirmed=request.POST.get("confirmed", ""), key=key, until=until,
            )  # fmt: skip
            nudge(tasks.work_on_batch, made.pk)
            return redirect("curation:batch", entry.project.slug, made.uid)
        price = batches.price(project=entry.project, version=version, query=query, regrade=regrade, sample=sample)
    except (Refused, FilterError) as error:
        return _page(request, entry, found, status=422, past=typed, past_error=str(error), key=key)
    return _page(request, entry, found, past=typed, price=price, told=told, key=key)


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 1_000_000:
        raise Refused("sample", f"{text[:20]!r} is not a number of traces from 1 to 1,000,000.")
    return int(text)


def _archive(request: HttpRequest, entry: Entry, found: Grader) -> HttpResponse:
    keep.archive(grader=found, actor=entry.actor)
    messages.success(request, f"{found.name} is put aside: it scores nothing any more. Its scores stay.")
    return redirect("curation:grader", entry.project.slug, found.slug)


def _restore(request: HttpRequest, entry: Entry, found: Grader) -> HttpResponse:
    keep.restore(grader=found, actor=entry.actor)
    messages.success(request, f"{found.name} is back. Arriving traces are scored again only once you switch it on.")
    return redirect("curation:grader", entry.project.slug, found.slug)


_ACTS = {"arrivals": _arrivals, "price": _past, "start": _past, "archive": _archive, "restore": _restore}
