"""Topics that a clustering proposes: asked for, seen while they are worked out, cancelled, accepted."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from curation import filters, tasks
from curation.datasets import topic_accepting, topic_clusters, topic_proposals, topics
from curation.datasets.selecting import signatures
from curation.datasets.topic_accepting import Moved
from curation.datasets.topics import BadTopic
from curation.models import Clustering
from curation.views import stages
from curation.views.queues import with_undo
from curation.views.topics import undo_token
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.pages import answer

PAGE = "curation/topic_clusters.html"


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; POST asks for clusters."""
    entry = enter(request, slug, Role.ENGINEER)
    given = request.POST if request.method == "POST" else request.GET
    typed = {
        "query": given.get("query", topic_proposals.QUERY), "number": given.get("number", str(topic_proposals.NUMBER)),
        "seed": given.get("seed", str(topic_proposals.SEED)),
    }  # fmt: skip
    if request.method == "GET":
        return render(request, PAGE, _form(entry, typed))
    try:
        made = topic_proposals.ask(project=entry.project, actor=entry.actor, **_asked(typed))
    except topic_proposals.Refusals as error:
        return render(request, PAGE, _form(entry, typed) | {"errors": _told(error)}, status=422)
    if made.status in topic_proposals.OPEN:
        nudge(tasks.propose_topics, made.pk)
    return redirect("curation:clustering", slug, made.uid)


@require_http_methods(["GET", "POST"])
def clustering(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """How far clusters are, then the clusters. POST cancels (act=cancel) or makes topics of those that are ticked
    (act=accept)."""
    entry = enter(request, slug, Role.ENGINEER)
    found = topic_proposals.find(entry.project, uid)
    if found is None:
        raise Http404(
            "There are no such proposed topics in this project. They go when a trace that they were made from is deleted."
        )
    if request.method == "GET":
        return answer(request, PAGE, _seen(entry, found), fragment="curation/_clusters_live.html")
    match request.POST.get("act"):
        case "cancel":
            if topic_proposals.cancel(found, entry.actor):
                messages.success(request, "Cancelled: nothing is proposed.")
            elif found.status == Clustering.Status.DONE:
                messages.warning(request, "It was too late to cancel: the clusters are there.")
            return redirect("curation:clustering", slug, uid)
        case "accept":
            return _accept(request, entry, found)
        case _:
            raise SuspiciousOperation("There is no such act.")


def _form(entry: Entry, typed: Mapping[str, str]) -> dict[str, Any]:
    return {
        "typed": typed, "most": topic_clusters.MOST, "signed": signatures.progress(entry.project), "errors": {},
        "recent": topic_proposals.recent(entry.project),
    }  # fmt: skip


def _seen(entry: Entry, found: Clustering) -> dict[str, Any]:
    """What the page of one clustering shows, its form filled in as it was asked for."""
    typed = {"query": found.query, "number": str(found.number), "seed": str(found.seed)}
    context: dict[str, Any] = {
        "typed": typed, "most": topic_clusters.MOST, "errors": {}, "clustering": found, "parent": "",
        "is_open": found.status in topic_proposals.OPEN, "stages": stages.of(found, Clustering.Stage),
    }  # fmt: skip
    if found.status == Clustering.Status.REPLACED:
        context["newer"] = topic_proposals.kept(entry.project)
    if found.status == Clustering.Status.DONE:
        known = topics.of_project(entry.project)
        context |= {"topics": topics.tree(known), "proposal": topic_proposals.read(found, known)}
    return context


def _asked(typed: Mapping[str, str]) -> dict[str, Any]:
    try:
        return {"query": typed["query"], "number": int(typed["number"]), "seed": int(typed["seed"])}
    except ValueError:
        raise BadTopic("number", "Number and seed are whole numbers.") from None


def _told(error: BadTopic | filters.FilterError | Moved) -> dict[str, str]:
    """The error at its field."""
    field = error.field if isinstance(error, BadTopic) else "names" if isinstance(error, Moved) else "query"
    return {field: str(error)}


def _accept(request: HttpRequest, entry: Entry, found: Clustering) -> HttpResponse:
    ticked = [int(one) for one in request.POST.getlist("cluster") if one.isdecimal()]
    names = {index: request.POST.get(f"name_{index}", "") for index in ticked}
    parent = request.POST.get("parent", "")
    try:
        done = topic_accepting.accept(proposed=found, actor=entry.actor, names=names, parent=parent)
    except (BadTopic, filters.FilterError, Moved) as error:
        return _refused(request, entry, found, _told(error), ticked, parent)
    token = undo_token({"clustered": [one.slug for one in done.topics], "at": done.at.isoformat()})
    messages.success(request, with_undo(_accepted(done), "undo", token))
    return redirect("curation:topics", entry.project.slug)


def _refused(
    request: HttpRequest, entry: Entry, found: Clustering, errors: dict[str, str], ticked: list[int], parent: str
) -> HttpResponse:
    """The page again, with what was ticked and typed."""
    context = _seen(entry, found) | {"errors": errors, "ticked": ticked, "parent": parent}
    if (seen := context.get("proposal")) is not None:
        clusters = [replace(one, name=request.POST.get(f"name_{one.index}", one.name)) for one in seen.clusters]
        context["proposal"] = replace(seen, clusters=tuple(clusters))
    return render(request, PAGE, context, status=422)


def _accepted(done: topic_accepting.Accepted) -> str:
    """What accepting did, with the topics that lost traces to it."""
    made, of = ("1 topic made", "it") if len(done.topics) == 1 else (f"{len(done.topics)} topics made", "them")
    made += f"; 1 trace is of {of}." if done.given == 1 else f"; {done.given:,} traces are of {of}."
    if done.moved:
        lost = ", ".join(f"{one.traces:,} from “{one.topic.name}”" for one in done.moved)
        made += f" Of these, moved from where a rule had put them: {lost}."
    if done.kept:
        kept = "1 was given one before and keeps it." if done.kept == 1 else ""
        made += f" {kept or f'{done.kept:,} were given one before and keep it.'}"
    return made
