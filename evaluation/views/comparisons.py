"""Comparisons: the list, making one, one of them with its verdict."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation.scoring.refused import Refused as CannotGrade
from evaluation import tasks
from evaluation.compare import cancel, read
from evaluation.compare.ask import Refused, ask, price
from evaluation.compare.sides import BASE
from evaluation.forms import ComparisonForm
from evaluation.judging import agree, progress
from evaluation.models import Comparison, Scenario
from evaluation.runs.request import is_local
from evaluation.views import forest
from training.models import ModelVersion
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.pages import answer, wants_fragment
from workspace.paging import paginate

SIZE = 50
OUTCOMES = {
    "APPROVE": ("good", "✓", "Approve"),
    "REJECT": ("bad", "✕", "Reject"),
    "INCONCLUSIVE": ("warn", "?", "Inconclusive"),
}
# what may be asked again: the words of the button, and what `agree.resume` is told
RESUMES: dict[str, dict[str, bool]] = {
    "resume": {}, "again-unknown": {"again_unknown": True}, "again-failed": {"again_failed": True},
}  # fmt: skip
STATES = {"running": ("info", "…", "Running"), "failed": ("bad", "✕", "Failed")}
FIELDS = {
    "dataset": "questions",
    "suite": "questions",
    "split": "questions",
    "grader": "graders",
    "rules": None,
    "settings": None,
}


@require_GET
def comparisons(request: HttpRequest, slug: str) -> HttpResponse:
    """All comparisons, newest first."""
    entry = enter(request, slug, Role.REVIEWER)
    query = Comparison.objects.filter(project=entry.project).select_related(
        "suite", "baseline__model", "candidate__model"
    )
    page = paginate(query, order=["-id"], cursor=request.GET.get("cursor", ""), size=SIZE)
    shown = [(one, mark_of(one), _primary(one)) for one in page.rows]
    context = {"page": page, "shown": shown, "may_compare": entry.may(Role.ENGINEER)}
    return render(request, "evaluation/comparisons.html", context)


@require_http_methods(["GET", "POST"])
def comparison_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; `?candidate=<id>` fills it with a tuned model against its base."""
    entry = enter(request, slug, Role.ENGINEER)
    if request.method == "GET":
        form = ComparisonForm(project=entry.project, initial=_start(entry, request.GET.get("candidate", "")))
        return render(request, "evaluation/comparison_new.html", {"form": form})
    form = ComparisonForm(request.POST, project=entry.project)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        wish = form.wish()
        told = json.dumps(asdict(wish), sort_keys=True)
        # a price is one of what it was asked for: whoever changed the form since sees the new one first
        if request.POST.get("act") == "start" and request.POST.get("told") == told:
            wish.confirmed = request.POST.get("confirmed", "")
        try:
            bill = None if wish.confirmed else price(project=entry.project, actor=entry.actor, wish=wish)
            if bill is not None and not (bill.whole.is_free and request.POST.get("act") == "start"):
                return render(request, "evaluation/comparison_new.html", context | {"bill": bill, "told": told})
            made = ask(project=entry.project, actor=entry.actor, wish=wish)
        except Refused as error:
            first = error.where.split(".")[-1] if error.where.startswith(("settings.", "rules.")) else error.where
            field = FIELDS.get(first, first)
            form.add_error(field if field in form.fields else None, str(error))
        else:
            nudge(tasks.reconcile)
            return redirect("evaluation:comparison", slug, made.uid)
    return render(request, "evaluation/comparison_new.html", context, status=422)


@require_GET
def comparison(request: HttpRequest, slug: str, uid: UUID) -> HttpResponse:
    """One comparison: progress while the models answer, then the verdict and what it rests on."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, uid)
    context = _about(entry, found)
    if not wants_fragment(request) and entry.may(Role.ENGINEER) and request.GET.get("price", "") in RESUMES:
        context |= _offer(found, request.GET["price"])
    if not found.is_concluded:
        context["sides"] = [(run, done, is_local(run.model)) for run, done in read.progress(found)]
        return answer(request, "evaluation/comparison.html", context, fragment="evaluation/_comparison_live.html")
    kind = request.GET.get("show", "")
    if kind not in ("", read.FIXED, read.BROKE, read.UNMEASURED):
        raise Http404("There is no such part of the comparison.")
    flips = read.flips(found, kind=kind)
    context |= {"flips": flips, "kind": kind, "shown": _scenario(found, flips, request.GET.get("at", ""))}
    if wants_fragment(request) and request.headers.get("HX-Target") == "live":
        # the page that polled while the models answered: now there is a verdict, so it is loaded anew
        return HttpResponse(headers={"HX-Refresh": "true"})
    if not wants_fragment(request):
        context |= {
            "forest": forest.draw(found.result["metrics"], found.result["labels"]),
            "needs": _needs(found),
            "graders": read.graders(found),
        }
    return answer(request, "evaluation/comparison.html", context, fragment="evaluation/_flips.html")


@require_POST
def comparison_cancel(request: HttpRequest, slug: str, uid: UUID) -> HttpResponse:
    """Stop answering; answers that came stay."""
    entry = enter(request, slug, Role.ENGINEER)
    if cancel.cancel(comparison=_find(entry, uid), actor=entry.actor):
        nudge(tasks.reconcile)
        messages.success(request, "The comparison is stopped.")
    return redirect("evaluation:comparison", slug, uid)


@require_POST
def comparison_judging(request: HttpRequest, slug: str, uid: UUID) -> HttpResponse:
    """Go on with judging: where that may cost something, after its price was seen (?price=, one of RESUMES)."""
    entry = enter(request, slug, Role.ENGINEER)
    found, act, confirmed = _find(entry, uid), request.POST.get("act", ""), request.POST.get("confirmed", "")
    if act not in RESUMES:
        raise SuspiciousOperation("There is no such act.")
    back = reverse("evaluation:comparison", args=[slug, uid])
    try:
        if not confirmed and not agree.price_of_rest(found, **RESUMES[act]).whole.is_free:
            return redirect(f"{back}?price={act}#price")
        agree.resume(comparison=found, actor=entry.actor, confirmed=confirmed, **RESUMES[act])
        nudge(tasks.reconcile)
    except CannotGrade as error:
        messages.error(request, str(error))
    return redirect(back)


def _offer(found: Comparison, act: str) -> dict[str, Any]:
    """What going on would cost, to be seen and agreed to; or why it cannot."""
    try:
        return {"act": act, "bill": agree.price_of_rest(found, **RESUMES[act])}
    except CannotGrade as error:
        return {"act": act, "not_priced": error.reason}


def mark_of(found: Comparison, *, judging: progress.Progress | None = None) -> tuple[str, str, str]:
    """Tone, sign and word of a comparison's verdict, or of its state while it has none."""
    if judging is not None and judging.judging.status == "running" and found.status == Comparison.Status.RUNNING:
        return "info", "…", "Judging"
    return OUTCOMES[found.outcome] if found.is_concluded else STATES[found.status]


def _find(entry: Entry, uid: UUID) -> Comparison:
    query = Comparison.objects.select_related(
        "project",
        "suite__dataset_version__dataset",
        "baseline__model__connection",
        "baseline__suite",
        "candidate__model__connection",
        "candidate__suite",
    )
    return get_object_or_404(query, project=entry.project, uid=uid)


def _about(entry: Entry, found: Comparison) -> dict[str, Any]:
    judging = progress.of(found) if found.suite.judges else None
    return {
        "comparison": found,
        "judging": judging,
        "mark": mark_of(found, judging=judging),
        "primary": _primary(found),
        "may_compare": entry.may(Role.ENGINEER),
        "may_judge_on": judging is not None and entry.may(Role.ENGINEER) and agree.may_go_on(found),
        "names": _names(found),
        "rows_left_out": sum(found.suite.counts.get("left_out", {}).values()),
        "url": f"/p/{entry.project.slug}/comparisons/{found.uid}/",
    }


def _names(found: Comparison) -> tuple[str, str]:
    """Short names of the sides: version numbers where the name is the same, temperatures where the model is."""
    left, right = found.baseline, found.candidate
    if left.model_id == right.model_id:
        return tuple(f"at {run.settings.get('temperature')}" for run in (left, right))  # type: ignore[return-value]
    if left.model.name == right.model.name:
        return f"v{left.model.number}", f"v{right.model.number}"
    return str(left.model), str(right.model)


def _primary(found: Comparison) -> dict[str, Any] | None:
    metrics = found.result.get("metrics") or []
    if not metrics or not found.is_concluded:
        return None
    low, high, kind = metrics[0]["low"], metrics[0]["high"], metrics[0]["kind"]
    scale, digits = (100, 1) if kind == "binary" else (1, 3)
    ends = [None if end is None else forest.signed(end * scale, digits) for end in (low, high)]
    return {
        **metrics[0],
        "change": forest.change(metrics[0]),
        "shown_low": ends[0],
        "shown_high": ends[1],
        "unit": "points" if kind == "binary" else "",
        "chance": _chance(metrics[0]["p"]),
        "label": found.result["labels"].get(metrics[0]["name"], metrics[0]["name"]),
    }


def _chance(p: float | None) -> str:
    """The p value as people write it."""
    if p is None:
        return ""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def _needs(found: Comparison) -> list[dict[str, Any]]:
    """For each limit: how many pairs there are of how many are needed if both models are equal."""
    needs = []
    for metric in found.result["metrics"]:
        if metric["limit"] is None or metric["guard"] == "unmeasured":
            continue
        needed, n = metric["needed"], metric["n"]
        decided = metric["guard"] in ("pass", "fail")
        enough = needed is not None and n >= needed
        most = max(n, needed or 0, 1)
        label = found.result["labels"].get(metric["name"], metric["name"])
        needs.append(
            {
                "label": label[:1].upper() + label[1:],
                "n": n,
                "needed": needed,
                "decided": decided,
                "enough": enough,
                "value": f"{100 * n / most:.1f}%",
                "at": f"{100 * (needed or 0) / most:.1f}%",
                "short": not enough and not decided,
            }
        )
    return needs


def _scenario(found: Comparison, flips: read.Flips, wanted: str) -> read.Shown | None:
    """The scenario asked for by its position, else the first one listed."""
    position = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else None
    if position is None:
        if not flips.rows:
            return None
        position = flips.rows[0].position
    try:
        return read.scenario(found, position)
    except Scenario.DoesNotExist:
        raise Http404("There is no such scenario.") from None


def _start(entry: Entry, candidate: str) -> dict[str, Any]:
    """The form's first values: a tuned model against its base, on the rows held back from its training."""
    try:
        model = (
            ModelVersion.objects.select_related("base", "run__dataset_version__dataset")
            .filter(project=entry.project, uid=UUID(candidate), is_simulated=False)
            .first()
        )
    except ValueError:
        model = None
    if model is None:
        tuned = ModelVersion.objects.filter(project=entry.project, is_simulated=False, base__isnull=False)
        model = tuned.select_related("base", "run__dataset_version__dataset").order_by("-id").first()
    if model is None:
        return {}
    start: dict[str, Any] = {"candidate": str(model.uid)}
    if model.base is not None:
        start["baseline"] = BASE
    if model.run is not None:
        start["questions"] = str(model.run.dataset_version)
    return start
