"""Models: the list, one of them, its download."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from training.artifacts import descent, download
from training.models import ModelVersion
from training.recipes import sft
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer
from workspace.paging import paginate
from workspace.streams import stream

SIZE = 50


@require_GET
def models(request: HttpRequest, slug: str) -> HttpResponse:
    """All models of the project, newest first: bases and what came of them."""
    entry = enter(request, slug, Role.REVIEWER)
    query = ModelVersion.objects.filter(project=entry.project).select_related("base", "run__dataset_version__dataset")
    kind = request.GET.get("kind", "")
    if kind == "tuned":
        query = query.filter(source=ModelVersion.Source.RUN)
    elif kind == "base":
        query = query.exclude(source=ModelVersion.Source.RUN)
    page = paginate(query, order=["-id"], cursor=request.GET.get("cursor", ""), size=SIZE)
    context = {
        "page": page, "kind": kind, "kinds": (("", "All"), ("tuned", "Trained here"), ("base", "Bases")),
        "may_launch": entry.may(Role.ENGINEER),
    }  # fmt: skip
    return answer(request, "training/models.html", context)


def _find(entry: Entry, uid: Any) -> ModelVersion:
    query = ModelVersion.objects.select_related(
        "project", "base", "connection", "run__dataset_version__dataset", "run__base"
    )
    return get_object_or_404(query, project=entry.project, uid=uid)


@require_GET
def model(request: HttpRequest, slug: str, uid: Any) -> HttpResponse:
    """One model: what it came from, what came of it, and its files."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, uid)
    came = descent.of(found)
    context = {
        "model": found,
        "descent": came,
        "later": [(node, _address(slug, node)) for node in came.later],
        "settings": [(s.label, came.run.settings.get(s.name)) for s in sft.SETTINGS] if came.run else [],
        "card": download.card(found),
        "may_launch": entry.may(Role.ENGINEER),
    }
    return answer(request, "training/model.html", context)


def _address(slug: str, node: Any) -> str:
    """The page of a node of a higher floor, by its agreed name; "" where that floor has none."""
    try:
        return reverse(f"evaluation:{node.kind}", args=[slug, node.id])
    except NoReverseMatch:
        return ""


@require_GET
def model_download(request: HttpRequest, slug: str, uid: Any) -> HttpResponseBase:
    """The files with their card, as ?format=zip or tar."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, uid)
    form = "tar" if request.GET.get("format") == "tar" else "zip"
    try:
        pieces = download.archive(found, form=form)
    except download.NoFiles as error:
        raise Http404(str(error)) from None
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in f"{found.name}-{found.number}")
    return stream(
        request, pieces, filename=f"{name}.{form}", content_type=f"application/{'x-tar' if form == 'tar' else 'zip'}"
    )
