"""Runs: the list, a new one, the page of one, and what can be done to it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from training import tasks
from training.artifacts import bases, download
from training.forms import RunForm
from training.launch import cancel as wishes
from training.launch import request as requests
from training.models import TrainingRun
from training.models.runs import RunStatus
from training.progress import follow, picture
from training.recipes import sft
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.pages import answer, wants_fragment
from workspace.paging import paginate
from workspace.streams import stream

SIZE = 50


@require_GET
def runs(request: HttpRequest, slug: str) -> HttpResponse:
    """All runs, newest first."""
    entry = enter(request, slug, Role.REVIEWER)
    query = TrainingRun.objects.filter(project=entry.project).select_related(
        "dataset_version__dataset", "base", "model"
    )
    state = request.GET.get("state", "")
    wanted = {"live": [*RunStatus.live(), "queued"], "succeeded": ["succeeded"], "failed": ["failed", "cancelled"]}
    if state in wanted:
        query = query.filter(status__in=wanted[state])
    page = paginate(query, order=["-id"], cursor=request.GET.get("cursor", ""), size=SIZE)
    context = {
        "page": page,
        "state": state,
        "states": (("", "All"), ("live", "Going on"), ("succeeded", "Succeeded"), ("failed", "Failed or cancelled")),
        "losses": follow.last_losses(page.rows),
        "may_launch": entry.may(Role.ENGINEER),
        "waiting": requests.waiting_reason(),
    }
    return answer(request, "training/runs.html", context)


@require_http_methods(["GET", "POST"])
def new_run(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose data, base and settings; POST starts the run."""
    entry = enter(request, slug, Role.ENGINEER)
    if request.method == "POST":
        return _launch(request, entry)
    given = request.GET
    form = RunForm(
        given if given.get("base_kind") else None, project=entry.project, actor=entry.actor,
        initial=_initial(entry, given),
    )  # fmt: skip
    return answer(request, "training/new_run.html", _plan(form), fragment="training/_plan.html")


def _initial(entry: Entry, given: Any) -> dict[str, Any]:
    """What a link to this page may choose: ?dataset=uid (or name@number), ?base=uid."""
    initial: dict[str, Any] = {}
    if given.get("dataset"):
        initial["dataset"] = follow.version_uid(entry.project, given["dataset"])
    if given.get("base"):
        initial |= {"base_kind": "model", "model": given["base"]}
    return initial


def _plan(form: RunForm, errors: dict[str, str] | None = None) -> dict[str, Any]:
    version = form.chosen_version()
    rows = requests.train_rows(version) if version else None
    problems = dict(errors or {})
    steps, length = None, ""
    try:
        settings = sft.check(form.settings(), source=form.source)
        steps = sft.estimate(settings, rows=rows) if rows else None
        length = requests.length_note(version, settings) if version else ""
    except sft.InvalidSettings as error:
        problems = {**{f"set-{name}": reason for name, reason in error.errors.items()}, **problems}
    return {
        "form": form, "version": version, "rows": rows, "steps": steps, "problems": problems,
        "missing": requests.missing_packages(), "source": form.source, "length": length,
    }  # fmt: skip


def _launch(request: HttpRequest, entry: Entry) -> HttpResponse:
    form = RunForm(request.POST, project=entry.project, actor=entry.actor)
    problems: dict[str, str] = {}
    version = form.chosen_version()
    if not form.is_valid() or version is None:
        problems = {name: str(errors[0]) for name, errors in form.errors.items()}
    elif not request.POST.get("confirm"):
        problems["confirm"] = "Say that it may start."
    else:
        try:
            run = requests.request(
                project=entry.project,
                actor=entry.actor,
                dataset_version=version,
                base=form.chosen_base(),
                name=form.cleaned_data["name"],
                settings=form.settings(),
                idempotency_key=form.cleaned_data["key"],
            )
        except bases.UnusableBase as error:
            problems[form.cleaned_data["base_kind"]] = str(error)
        except requests.Refused as error:
            problems[error.where] = str(error)
        except (requests.KeyReused, sft.InvalidSettings) as error:
            problems |= (
                {f"set-{name}": reason for name, reason in error.errors.items()}
                if isinstance(error, sft.InvalidSettings)
                else {"key": "This page was sent already with other choices. Open it anew."}
            )
        else:
            nudge(tasks.start, run.pk)
            return redirect("training:run", entry.project.slug, run.uid)
    return answer(request, "training/new_run.html", _plan(form, problems), status=422)


def _find(entry: Entry, uid: Any) -> TrainingRun:
    query = TrainingRun.objects.select_related("dataset_version__dataset", "base", "project")
    return get_object_or_404(query, project=entry.project, uid=uid)


@require_GET
def run(request: HttpRequest, slug: str, uid: Any) -> HttpResponse:
    """One run. Asked every 2 s by the page itself while it goes on; status 286 ends the asking."""
    entry = enter(request, slug, Role.REVIEWER)
    found = picture.picture(_find(entry, uid))
    context = {"picture": found, "run": found.run, "may_change": entry.may(Role.ENGINEER)}
    fragment = wants_fragment(request)
    status = 286 if fragment and not found.live else 200
    return answer(request, "training/run.html", context, fragment="training/_run_live.html", status=status)


@require_GET
def chart(request: HttpRequest, slug: str, uid: Any) -> JsonResponse:
    """What the curves and the log have got since: ?after=<cursor>&attempt=<number>&log=<bytes>."""
    entry = enter(request, slug, Role.REVIEWER)
    numbers = [_number(request.GET.get(name, "")) for name in ("after", "attempt", "log")]
    return JsonResponse(follow.since(_find(entry, uid), after=numbers[0], attempt=numbers[1], log=numbers[2]))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0


@require_POST
def cancel(request: HttpRequest, slug: str, uid: Any) -> HttpResponse:
    """Stop: keeping a checkpoint, or (discard=1) throwing the work away."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, uid)
    try:
        wishes.cancel(run=found, actor=entry.actor, discard=request.POST.get("discard") == "1")
    except wishes.NotPossible as error:
        messages.error(request, str(error))
    else:
        nudge(tasks.reconcile)
    return _back(request, found)


@require_POST
def resume(request: HttpRequest, slug: str, uid: Any) -> HttpResponse:
    """Go on from the newest valid checkpoint."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, uid)
    try:
        wishes.resume(run=found, actor=entry.actor)
    except wishes.NotPossible as error:
        messages.error(request, str(error))
    else:
        nudge(tasks.start, found.pk)
    return _back(request, found)


def _back(request: HttpRequest, found: TrainingRun) -> HttpResponse:
    address = reverse("training:run", args=[found.project.slug, found.uid])
    if wants_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


@require_GET
def log(request: HttpRequest, slug: str, uid: Any) -> HttpResponseBase:
    """The whole console of the newest attempt, as text."""
    entry = enter(request, slug, Role.REVIEWER)
    path = follow.console(_find(entry, uid))
    if path is None or not path.is_file():
        raise Http404("This run has no log yet.")
    return stream(request, download.pieces_of(path), filename="console.txt", content_type="text/plain; charset=utf-8")
