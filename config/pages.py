"""Pages that see every floor: counts in the navigation, the styleguide, the API's documentation."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from curation.browse import saved_views
from curation.models import Pair, PairQueue, ReviewQueue, Trace
from curation.review import comments
from training.models.runs import RunStatus, TrainingRun
from workspace import charts
from workspace.access import enter
from workspace.models import Role

MOST = 1000


@require_GET
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """The bare address of a project leads to its traces."""
    enter(request, slug, Role.REVIEWER)
    return redirect("curation:traces", slug)


@require_GET
@cache_control(private=True, max_age=10)
def counts(request: HttpRequest, slug: str) -> JsonResponse:
    """Numbers beside the navigation: unjudged traces and open pairs (counted to 1,000), unseen mentions and live runs.
    {url name: text}"""
    entry = enter(request, slug, Role.REVIEWER)
    waiting = Trace.objects.filter(project=entry.project).listed().unjudged().values("id")[: MOST + 1].count()
    live = TrainingRun.objects.filter(project=entry.project, status__in=[*RunStatus.live(), RunStatus.QUEUED]).count()
    open_pairs = Pair.objects.filter(queue__project=entry.project, queue__closed_at=None, status=Pair.Status.OPEN)
    paired = open_pairs.values("id")[: MOST + 1].count()
    called = comments.unseen(project=entry.project, user=entry.actor.user) if entry.actor.user else 0
    return JsonResponse(
        {
            "curation:review": f"{MOST:,}+" if waiting > MOST else f"{waiting:,}" if waiting else "",
            "curation:pairs": f"{MOST:,}+" if paired > MOST else f"{paired:,}" if paired else "",
            "curation:mentions": f"{called:,}" if called else "",
            "training:runs": str(live) if live else "",
        }
    )


@require_GET
@cache_control(private=True, max_age=10)
def places(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: what "Go to" finds by name besides the pages: queues and saved views."""
    entry = enter(request, slug, Role.REVIEWER)
    found = ReviewQueue.objects.listed().filter(project=entry.project).order_by("name")[:MOST]
    views = saved_views.list_views(project=entry.project, user=entry.actor.user)
    paired = PairQueue.objects.filter(project=entry.project).order_by("name")[:MOST]
    return render(request, "workspace/_places.html", {"queues": found, "pairs": paired, "views": views})


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every part of the design system, alive."""
    figure = charts.figure(
        [
            {"type": "scatter", "mode": "lines", "name": "training", "x": list(range(12)),
             "y": [2.3, 2.0, 1.7, 1.5, 1.3, 1.2, 1.1, 1.05, 1.0, 0.97, 0.95, 0.94], "line": {"color": "series-1"}},
        ],
        x_title="step", y_title="loss",
    )  # fmt: skip
    return render(request, "workspace/styleguide.html", {"figure": figure, "values": [3, 4, 4.5, 4, 6, 7, 6.5, 8]})


@require_GET
@login_not_required
def api_docs(request: HttpRequest) -> HttpResponse:
    """The API's operations, read from its OpenAPI schema."""
    from config.api import api

    schema = api.get_openapi_schema()
    groups: dict[str, list[dict[str, object]]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(
                {"method": method.upper(), "path": path, "operation": operation, "schemas": _fields(schema, operation)}
            )
    return render(request, "workspace/api_docs.html", {"groups": groups, "info": schema["info"]})


def _fields(schema: dict, operation: dict) -> list[dict[str, str]]:
    """The fields of the request body: name, type, whether required, help."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    reference = content.get("$ref", "")
    body = schema["components"]["schemas"].get(reference.rsplit("/", 1)[-1], content)
    required = set(body.get("required", []))
    return [
        {
            "name": name,
            "type": _type(field),
            "required": "yes" if name in required else "no",
            "help": field.get("description", ""),
        }
        for name, field in body.get("properties", {}).items()
    ]


def _type(field: dict) -> str:
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"])
    return str(field.get("type") or field.get("$ref", "any").rsplit("/", 1)[-1])
