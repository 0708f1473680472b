"""A version that is frozen behind: how far it is, and the way on where it was not made."""

import uuid

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from curation import tasks
from curation.datasets import freezing as work
from curation.datasets import read, recipe
from curation.models import DatasetVersion, Freezing
from curation.views import recipe_form, stages
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.pages import answer, wants_fragment


@require_http_methods(["GET", "POST"])
def freezing(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """One freezing; once it is done, its version. POST cancels it (act=cancel) or asks for the same again (act=again)."""
    entry = enter(request, slug, Role.ENGINEER)
    found = Freezing.objects.select_related("project").filter(project=entry.project, uid=uid).first()
    if found is None:
        raise Http404("There is no such freezing in this project.")
    if request.method == "POST":
        return _change(request, entry, found)
    version = work.version_of(found)
    if version is not None:
        response = to_version(request, entry, version, tell=wants_fragment(request))
        if wants_fragment(request):
            return HttpResponse(headers={"HX-Redirect": response["Location"]})
        return response
    context = {
        "freezing": found,
        "stages": stages.of(found, Freezing.Stage),
        "is_open": found.status in work.OPEN,
        "form": _form(found),
    }
    return answer(request, "curation/freezing.html", context, fragment="curation/_freezing_live.html")


def to_what_came(request: HttpRequest, entry: Entry, came: DatasetVersion | Freezing) -> HttpResponse:
    """To the version, or to the page that says how far it is."""
    if isinstance(came, DatasetVersion):
        return to_version(request, entry, came, tell=True)
    nudge(tasks.freeze, came.pk)
    return redirect("curation:freezing", entry.project.slug, came.uid)


def to_version(request: HttpRequest, entry: Entry, version: DatasetVersion, *, tell: bool) -> HttpResponse:
    """To a version, and say there that it was frozen."""
    if tell:
        same = read.same_before(version)
        told = f" It holds the same as {same}." if same else ""
        messages.success(request, f"{version} is frozen: {version.counts['rows']:,} rows.{told}")
    return redirect("curation:dataset-version", entry.project.slug, version.dataset.name, version.number)


def _change(request: HttpRequest, entry: Entry, found: Freezing) -> HttpResponse:
    match request.POST.get("act"):
        case "cancel":
            if work.cancel(found, entry.actor):
                messages.success(request, "Cancelled: no version is made.")
            elif version := work.version_of(found):
                messages.warning(request, f"It was too late to cancel: {version} is frozen.")
        case "again":
            try:
                return to_what_came(request, entry, work.again(found, entry.actor))
            except work.Refusals as error:
                messages.error(request, str(error))
        case _:
            raise SuspiciousOperation("There is no such act.")
    return redirect("curation:freezing", entry.project.slug, found.uid)


def _form(found: Freezing) -> str:
    """The address of the form, filled in as it was asked for."""
    values = recipe_form.shown(recipe.stored(found.recipe)) | {
        "name": found.name, "q": found.query, "description": found.description,
    }  # fmt: skip
    return f"{reverse('curation:dataset-new', args=[found.project.slug])}?{recipe_form.address(values)}"
