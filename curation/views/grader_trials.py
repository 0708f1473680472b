"""A version of a grader, tried on samples: what was asked and answered beside what it says of it, and the confirming."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from curation.filters import FilterError
from curation.messages.form import main_conversation, text_of
from curation.models import GraderVersion, Trace, TraceRevision
from curation.scoring import keep, trial
from curation.scoring.graders import definitions
from curation.scoring.pricing import affordable
from curation.scoring.refused import Refused
from curation.views import grader_form, grader_kinds
from curation.views.graders import grader_at, version_at
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer
from workspace.uuid7 import uuid7

SAMPLES = 5
MORE = 20
LONGEST = 4_000
KEPT_REASON = 600
KEPT_TRIALS = 2
MOST_KEY = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """A trace as it is tried: what was asked last, what was answered, which tools were called; `row` is what the grader
    said of it (score, passed, reason, error, ms, cost), None before it was run."""

    trace: Trace
    asked: str
    answered: str
    called: tuple[str, ...]
    row: dict[str, Any] | None


@require_http_methods(["GET", "POST"])
def grader_version(request: HttpRequest, slug: str, name: str, number: int) -> HttpResponse:
    """One version: its definition and goal, and its trial. POST tries it (act=try) or confirms it (act=use)."""
    entry = enter(request, slug, Role.ENGINEER if request.method == "POST" else Role.REVIEWER)
    found = grader_at(entry, name)
    version = version_at(found, number)
    if request.method == "POST":
        match request.POST.get("act"):
            case "try":
                return _try(request, entry, version)
            case "use":
                return _use(request, entry, version)
            case _:
                raise SuspiciousOperation("There is no such act.")
    return _page(request, entry, version)


def _try(request: HttpRequest, entry: Entry, version: GraderVersion) -> HttpResponse:
    """Run it on the samples that were shown, and keep what came for this person, so that loading again pays nothing, nor
    does the same form sent twice."""
    query, seed, size = _chosen(request.POST)
    key = request.POST.get("key", "")[:MOST_KEY] or uuid7().hex
    address = reverse("curation:grader-version", args=[entry.project.slug, version.grader.slug, version.number])
    address = f"{address}?{urlencode([('q', query), ('seed', str(seed)), ('n', str(size))])}#trial"
    with trial.alone(f"{entry.actor.label} {version.uid} {key}") as is_first:
        if not is_first:
            said = "This trial is under way: load this page again in a moment. Nothing is asked twice."
            return _page(request, entry, version, problem=said, status=409)
        if _kept(request, version).get("key") == key:
            return redirect(address)
        try:
            kept = _ran(request, entry, version, query=query, seed=seed, size=size)
        except (Refused, FilterError) as error:
            return _page(request, entry, version, problem=str(error), status=422)
        trials = {uid: one for uid, one in request.session.get(trial.SESSION, {}).items() if uid != str(version.uid)}
        kept |= {"query": query, "seed": seed, "size": size, "key": key}
        request.session[trial.SESSION] = dict(list(trials.items())[-KEPT_TRIALS + 1 :]) | {str(version.uid): kept}
        request.session.save()  # before the next one with this key may look
    return redirect(address)


def _kept(request: HttpRequest, version: GraderVersion) -> dict[str, Any]:
    """The trial that is kept by now; the request may have begun before another one wrote it."""
    stored = type(request.session)(request.session.session_key)
    found: dict[str, Any] = stored.get(trial.SESSION, {}).get(str(version.uid), {})
    return found


def _ran(
    request: HttpRequest, entry: Entry, version: GraderVersion, *, query: str, seed: int, size: int
) -> dict[str, Any]:
    """The trial, as it is kept. Raises FilterError, Refused: nothing to try it on, another price, no budget for it."""
    traces = trial.pick(project=entry.project, query=query, seed=seed, n=size)
    if not traces:
        raise Refused("traces", "No trace matches: there is nothing to try it on.")
    price = trial.price(version=version, traces=traces)
    if not price.covers(request.POST.get("confirmed", "0")) and not price.is_free:
        raise Refused(
            "confirmed", f"The price is another one than was shown: {_said(price)}. Look at it and try again."
        )
    affordable(price)
    done = trial.run(version=version, traces=traces)
    kept = done.plain()
    for plain, row in zip(kept["rows"], done.rows, strict=True):
        plain.update(reason=row.reason[:KEPT_REASON], error=row.error[:KEPT_REASON], ms=row.ms)
        plain["cost"] = None if row.cost is None else str(row.cost)
    return kept


def _use(request: HttpRequest, entry: Entry, version: GraderVersion) -> HttpResponse:
    tried = request.session.get(trial.SESSION, {}).get(str(version.uid))
    if version.confirmed_at is None and not tried:
        return _page(
            request, entry, version, problem="Try it first: nobody saw yet what it says of a trace.", status=422
        )
    try:
        keep.confirm(version=version, actor=entry.actor, tried=tried or {})
    except (Refused, definitions.BadDefinition) as error:
        return _page(request, entry, version, problem=str(error), status=422)
    was_on = version.grader.scores_new
    version.grader.refresh_from_db(fields=["scores_new"])
    more = (
        " Arriving traces are no longer scored: look at what they would cost."
        if was_on > version.grader.scores_new
        else ""
    )
    messages.success(request, f"{version} is confirmed by {version.confirmed_by} and can be used.{more}")
    return redirect("curation:grader", entry.project.slug, version.grader.slug)


def _page(
    request: HttpRequest, entry: Entry, version: GraderVersion, *, problem: str = "", status: int = 200
) -> HttpResponse:
    query, seed, size = _chosen(request.POST if request.method == "POST" else request.GET)
    may, traces, price = entry.may(Role.ENGINEER), [], None
    try:
        if may:
            traces = trial.pick(project=entry.project, query=query, seed=seed, n=size)
            price = trial.price(version=version, traces=traces) if traces else None
    except (Refused, FilterError) as error:
        problem = problem or str(error)
    kept = request.session.get(trial.SESSION, {}).get(str(version.uid)) if may else None
    fits = kept is not None and [kept["query"], kept["seed"], kept["size"]] == [query, seed, size]
    rows = {row["trace"]: row | {"cost": _money(row["cost"])} for row in kept["rows"]} if kept and fits else {}
    context = {
        "found": version.grader, "version": version, "may_engineer": may, "problem": problem,
        "kind": grader_kinds.KINDS.get(str(version.definition.get("type"))), "parts": parts_of(version),
        "goals": goals_of(version), "query": query, "seed": seed, "size": size, "more": MORE, "price": price,
        "samples": [_sample(trace, document, rows.get(str(trace.uid))) for trace, document in _with_documents(traces)],
        "done": kept | {"cost_usd": _money(kept["cost_usd"])} if kept and fits else None, "elsewhere": None if fits else kept,
        "failed": sum(1 for row in rows.values() if row["score"] is None),
        "asks": definitions.needs_model(version.definition), "key": uuid7().hex,
    }  # fmt: skip
    return answer(request, "curation/grader_version.html", context, status=status)


def parts_of(version: GraderVersion) -> list[tuple[str, str, bool]]:
    """The definition as (label, text, whether it is long) for reading, in the order of the form; whatever has no field
    under its own key."""
    kind = str(version.definition.get("type"))
    known = {one.key: one for one in grader_kinds.fields(kind)}
    ordered = [key for key in known if key in version.definition]
    ordered += [key for key in version.definition if key not in known and key not in ("type", "name")]
    listed = []
    for key in ordered:
        value, field = version.definition[key], known.get(key)
        if field and isinstance(value, str):
            value = dict(field.options).get(value, value)
        for label, text in _told(field.label if field else key, value):
            listed.append((label, text, "\n" in text or len(text) > 60))
    return listed


def goals_of(version: GraderVersion) -> list[tuple[str, str]]:
    """What its author said a good answer is: (label, text)."""
    return [(label, version.goal[key]) for key, label, _ in grader_kinds.GOALS if version.goal.get(key)]


def _told(label: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list) and value and all(isinstance(one, dict) and "role" in one for one in value):
        return [
            (
                f"{one['role'].capitalize()} message",
                one["content"] if isinstance(one["content"], str) else grader_form.pretty(one),
            )
            for one in value
        ]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [(label, ", ".join(value))]
    return [
        (
            label,
            value
            if isinstance(value, str)
            else json.dumps(value)
            if not isinstance(value, dict)
            else grader_form.pretty(value),
        )
    ]


def _chosen(given: Any) -> tuple[str, int, int]:
    """Filter, seed and number of samples of an address or a posted form."""
    seed = given.get("seed", "1")
    size = MORE if given.get("n") == str(MORE) else SAMPLES
    return given.get("q", "").strip(), int(seed[:9]) if seed.isascii() and seed.isdigit() else 1, size


def _said(price: Any) -> str:
    return "unknown" if price.usd is None else f"at most ${price.usd:.4f}"


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _with_documents(traces: list[Trace]) -> list[tuple[Trace, Any]]:
    documents = dict(
        TraceRevision.objects.filter(pk__in=[one.revision_id for one in traces]).values_list("pk", "document")
    )
    return [(one, documents.get(one.revision_id or 0)) for one in traces]


def _sample(trace: Trace, document: Any, row: dict[str, Any] | None) -> Sample:
    said = main_conversation(document)["messages"] if document else []
    asked = next((text_of(one) for one in reversed(said) if one["role"] == "user"), "")
    last = next((one for one in reversed(said) if one["role"] == "assistant"), None)
    called = tuple(f"{call['name']}({call['arguments'][:300]})" for one in said for call in one.get("tool_calls", []))
    return Sample(trace, asked[:LONGEST], text_of(last)[:LONGEST] if last else "", called, row)
