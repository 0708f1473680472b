"""A version of a grader, tried on samples: what was asked and answered beside what it says of it, and the confirming."""

import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from curation import tasks
from curation.filters import FilterError
from curation.messages.form import main_conversation, text_of
from curation.models import GraderVersion, Trace, TraceRevision, Trial, TrialItem
from curation.scoring import keep, trial
from curation.scoring.graders import definitions
from curation.scoring.refused import Refused
from curation.views import grader_form, grader_kinds
from curation.views.graders import grader_at, version_at
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.pages import answer, wants_fragment
from workspace.uuid7 import uuid7

SAMPLES = 5
MORE = 20
LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A trace as it is tried: what was asked last, what was answered, which tools were called; `item` is what became of it
    in a trial, None before there is one."""

    trace: Trace
    asked: str
    answered: str
    called: tuple[str, ...]
    item: TrialItem | None


@require_http_methods(["GET", "POST"])
def grader_version(request: HttpRequest, slug: str, name: str, number: int) -> HttpResponse:
    """One version: its definition and goal, and a trial of it (?trial=), or the samples that one would be on. POST tries it
    (act=try), cancels a trial (act=cancel) or confirms the version after one (act=use); a fragment is only what came since
    the samples were as `had` says."""
    entry = enter(request, slug, Role.ENGINEER if request.method == "POST" else Role.REVIEWER)
    found = grader_at(entry, name)
    version = version_at(found, number)
    given = request.POST if request.method == "POST" else request.GET
    shown = _trial_of(version, given.get("trial", "")) if entry.may(Role.ENGINEER) else None
    if request.method == "POST":
        match request.POST.get("act"):
            case "try":
                return _try(request, entry, version)
            case "cancel" if shown:
                if trial.cancel(shown, entry.actor):
                    messages.success(request, "Cancelled: what is under way still comes, the rest is not asked.")
                return redirect(_address(shown))
            case "use":
                return _use(request, entry, version, shown)
            case _:
                raise SuspiciousOperation("There is no such act.")
    if shown and wants_fragment(request):
        return _fragment(request, version, shown)
    return _page(request, entry, version, shown)


def _try(request: HttpRequest, entry: Entry, version: GraderVersion) -> HttpResponse:
    """Begin a trial on the samples that were shown; one that asks nobody is there when its page comes."""
    query, seed, size = _chosen(request.POST)
    try:
        made, goes_on = trial.begin(
            version=version, query=query, seed=seed, n=size, actor=entry.actor,
            confirmed=request.POST.get("confirmed", ""), key=request.POST.get("key", "") or uuid7().hex,
        )  # fmt: skip
    except FilterError:
        return _page(request, entry, version, None)
    except Refused as error:
        return _page(request, entry, version, None, problem=str(error), status=422)
    if goes_on:
        nudge(tasks.work_on_trial, made.pk)
    return redirect(_address(made))


def _use(request: HttpRequest, entry: Entry, version: GraderVersion, shown: Trial | None) -> HttpResponse:
    """Confirm it. Whoever does has the trial before them that is kept as what they saw, whoever asked for it."""
    told = trial.read(shown) if shown else None
    if version.confirmed_at is None and (told is None or told.is_open or not told.n):
        said = "Try it first: nobody saw yet what it says of a trace."
        return _page(request, entry, version, shown, problem=said, status=422)
    try:
        keep.confirm(version=version, actor=entry.actor, tried=told.plain() if told else {})
    except (Refused, definitions.BadDefinition) as error:
        return _page(request, entry, version, shown, problem=str(error), status=422)
    was_on = version.grader.scores_new
    version.grader.refresh_from_db(fields=["scores_new"])
    more = (
        " Arriving traces are no longer scored: look at what they would cost."
        if was_on > version.grader.scores_new
        else ""
    )
    messages.success(request, f"{version} is confirmed by {version.confirmed_by} and can be used.{more}")
    return redirect("curation:grader", entry.project.slug, version.grader.slug)


def _fragment(request: HttpRequest, version: GraderVersion, shown: Trial) -> HttpResponse:
    """How far it is, and the results of samples that are not as they were."""
    told, had = trial.read(shown), request.GET.get("had", "")
    known = had if len(had) == len(told.items) else " " * len(told.items)
    new = [one for one, before in zip(told.items, known, strict=True) if one.status[0] != before]
    context = _told_of(version, told) | {"new": new}
    return render(request, "curation/_trial_came.html", context)


def _page(
    request: HttpRequest,
    entry: Entry,
    version: GraderVersion,
    shown: Trial | None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "found": version.grader, "version": version, "may_engineer": entry.may(Role.ENGINEER),
        "kind": grader_kinds.KINDS.get(str(version.definition.get("type"))), "parts": parts_of(version),
        "goals": goals_of(version), "more": MORE, "asks": definitions.needs_model(version.definition), "key": uuid7().hex,
    }  # fmt: skip
    if shown:
        told = trial.read(shown, with_texts=True)
        context |= _told_of(version, told) | {"query": shown.query, "seed": shown.seed, "size": _size(shown.total)}
        context["samples"] = [_sample(one.trace, one.revision.document, one) for one in told.items]
    elif context["may_engineer"]:
        query, seed, size = _chosen(request.POST if request.method == "POST" else request.GET)
        context |= {"query": query, "seed": seed, "size": size, "told": None}
        try:
            traces = trial.pick(project=entry.project, query=query, seed=seed, n=size)
            context["price"] = trial.price(version=version, traces=traces) if traces else None
            context["samples"] = _drawn(traces)
            context["is_empty"] = not traces and not Trace.objects.filter(project=entry.project).exists()
        except FilterError as error:
            context |= {"error": str(error), "suggestion": error.suggestion}
            status = 422
        except Refused as error:
            problem = problem or str(error)
    if context["may_engineer"]:
        context["earlier"] = [one for one in trial.earlier(version) if shown is None or one.pk != shown.pk]
    return answer(request, "curation/grader_version.html", context | {"problem": problem}, status=status)


def _told_of(version: GraderVersion, told: trial.Summary) -> dict[str, Any]:
    """What the parts that change while a trial runs need."""
    return {
        "told": told, "trial": told.trial, "version": version, "found": version.grader, "more": MORE,
        "query": told.trial.query, "seed": told.trial.seed, "size": _size(told.trial.total),
        "asks": definitions.needs_model(version.definition),
    }  # fmt: skip


def _trial_of(version: GraderVersion, uid: str) -> Trial | None:
    """The trial of this version; None for "". Raises Http404."""
    if not uid:
        return None
    try:
        return trial.find(version, uuid.UUID(uid))
    except (ValueError, Trial.DoesNotExist):
        raise Http404("This version has no such trial: it may have gone with a trace that was deleted.") from None


def _address(shown: Trial) -> str:
    version = shown.version
    address = reverse("curation:grader-version", args=[shown.project.slug, version.grader.slug, version.number])
    return f"{address}?{urlencode({'trial': str(shown.uid)})}#trial"


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


def _size(samples: int) -> int:
    """The number of samples that another trial like this one draws."""
    return MORE if samples > SAMPLES else SAMPLES


def _drawn(traces: list[Trace]) -> list[Sample]:
    """Traces as they would be tried. One query."""
    documents = dict(
        TraceRevision.objects.filter(pk__in=[one.revision_id for one in traces]).values_list("pk", "document")
    )
    return [_sample(one, documents.get(one.revision_id or 0), None) for one in traces]


def _sample(trace: Trace, document: Any, item: TrialItem | None) -> Sample:
    said = main_conversation(document)["messages"] if document else []
    asked = next((text_of(one) for one in reversed(said) if one["role"] == "user"), "")
    last = next((one for one in reversed(said) if one["role"] == "assistant"), None)
    called = tuple(f"{call['name']}({call['arguments'][:300]})" for one in said for call in one.get("tool_calls", []))
    return Sample(trace, asked[:LONGEST], text_of(last)[:LONGEST] if last else "", called, item)
