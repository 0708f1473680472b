"""Topics: the tree with its counts, one topic and its rule, and the topic of one trace."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from curation import filters, tasks
from curation.browse import bulk as acting
from curation.browse.patience import TooSlow, patience
from curation.datasets import topic_accepting, topic_proposals, topics
from curation.datasets.topics import BadTopic
from curation.filters.topics import subtree
from curation.models import Topic, Trace
from curation.search.conditions import planned
from curation.views.bulk import find_act, taken_back, told
from curation.views.queues import with_undo
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.pages import answer

UNDO_SALT = "topics.undo"
UNDO_AGE = 24 * 3600
COUNT_SECONDS = 6.0
EXAMPLES = 12


@require_http_methods(["GET", "POST"])
def topics_page(request: HttpRequest, slug: str) -> HttpResponse:
    """All topics with their counts; POST makes one, moves one, or takes something back."""
    entry = enter(request, slug, Role.REVIEWER if request.method == "GET" else Role.ENGINEER)
    if request.method == "GET":
        return render(request, "curation/topics.html", _overview(entry))
    if "undo" in request.POST or request.POST.get("act", "new") not in ("new", "up", "down"):
        return _undo(request, entry)
    if request.POST.get("act") in ("up", "down"):
        topics.move(topic=_find(entry, request.POST.get("topic", "")), up=request.POST["act"] == "up")
        return redirect("curation:topics", slug)
    typed = _typed(request)
    try:
        made = topics.create(project=entry.project, actor=entry.actor, **typed)
    except BadTopic as error:
        context = _overview(entry) | {"typed": typed, "errors": {error.field: str(error)}}
        return render(request, "curation/topics.html", context, status=422)
    messages.success(request, with_undo(f"The topic “{made.name}” is there.", "undo", undo_token({"made": made.slug})))
    return redirect("curation:topics", slug)


@require_http_methods(["GET", "POST"])
def topic_page(request: HttpRequest, slug: str, topic: str) -> HttpResponse:
    """One topic: its name, place and rule, and what is of it; POST changes it, takes it from its traces, or removes it."""
    entry = enter(request, slug, Role.REVIEWER if request.method == "GET" else Role.ENGINEER)
    found = _find(entry, topic)
    if request.method == "GET":
        return render(request, "curation/topic.html", _one(entry, found))
    act = request.POST.get("act", "")
    if act == "remove":
        return _remove(request, entry, found)
    if act == "clear":
        return _clear(request, entry, found)
    if act != "save":
        raise SuspiciousOperation("There is no such act.")
    typed = _typed(request)
    before = {"name": found.name, "parent": found.parent.slug if found.parent else "", "query": found.query}
    try:
        topics.change(topic=found, actor=entry.actor, **typed)
    except BadTopic as error:
        found.refresh_from_db()
        context = _one(entry, found) | {"typed": typed, "errors": {error.field: str(error)}}
        return render(request, "curation/topic.html", context, status=422)
    token = undo_token({"changed": found.slug, "before": before})
    messages.success(request, with_undo("Saved.", "undo", token) if before != typed else "Nothing was changed.")
    return redirect("curation:topics", slug)


@require_GET
def topic_rule(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: what a rule (?query=) matches, for whoever types it."""
    entry = enter(request, slug, Role.REVIEWER)
    query = request.GET.get("query", "").strip()
    context: dict[str, Any] = {"query": query}
    try:
        if query:
            topics.check_rule(query)
            with patience():
                matching = filters.apply(
                    entry.project.traces.all(), filters.parse(query), search=planned(entry.project.pk)
                )
                context["number"] = matching.count()
                context["first"] = list(
                    matching.order_by("-received_at", "-id").only("uid", "preview", "external_id")[:3]
                )
    except BadTopic as error:
        context["refused"] = str(error)
    except TooSlow:
        context["slow"] = True
    return render(request, "curation/_topic_rule.html", context)


@require_http_methods(["GET", "POST"])
def trace_topic(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Fragment: what one trace is about, and how that is known; POST says it by hand."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = Trace.objects.select_related("project").filter(project=entry.project, uid=uid).first()
    if trace is None:
        raise Http404("There is no such trace in this project.")
    said = False
    if request.method == "POST":
        try:
            topics.give(trace=trace, slug=request.POST.get("topic", ""), actor=entry.actor)
        except BadTopic as error:
            raise SuspiciousOperation(str(error)) from None
        said = True
    found, source = topics.of_trace(trace)
    context = {
        "trace": trace, "topic": found, "source": source, "said": said,
        "topics": topics.tree(topics.of_project(entry.project)),
    }  # fmt: skip
    back = reverse("curation:trace", args=[slug, uid])
    if request.method == "POST" and not getattr(request, "htmx", None):
        return redirect(back)
    return answer(request, "curation/_trace_topic.html", context)


def _overview(entry: Entry) -> dict[str, Any]:
    context: dict[str, Any] = {
        "typed": {"name": "", "parent": "", "query": ""}, "errors": {}, "may_engineer": entry.may(Role.ENGINEER),
        "levels": topics.LEVELS, "wanted": topics.WANTED, "slow": False, "not_parents": frozenset(),
    }  # fmt: skip
    if context["may_engineer"]:
        context["standing"] = [
            (one, undo_token({"clustered": one.slugs, "at": one.at.isoformat()}))
            for one in topic_accepting.standing(entry.project)
        ]
        context["recent"] = topic_proposals.recent(entry.project)
    try:
        with patience(COUNT_SECONDS):
            seen = topics.overview(entry.project)
        widest = max((node.share for node in seen.nodes), default=0) or 1
        return context | {
            "seen": seen, "nodes": seen.nodes,
            "bars": [(node, round(100 * node.share / widest, 2)) for node in seen.nodes],
        }  # fmt: skip
    except TooSlow:
        nodes = topics.tree(topics.of_project(entry.project))
        return context | {"slow": True, "nodes": nodes, "bars": [(node, 0.0) for node in nodes]}


def _one(entry: Entry, found: Topic) -> dict[str, Any]:
    everything = topics.of_project(entry.project)
    wrong = topics.why_broken(found.query)
    context: dict[str, Any] = {
        "topic": found,
        "nodes": topics.tree(everything),
        "not_parents": subtree(everything, [found.pk]),
        "typed": {"name": found.name, "parent": found.parent.slug if found.parent else "", "query": found.query},
        "errors": {"query": wrong} if wrong else {},
        "may_engineer": entry.may(Role.ENGINEER),
        "given": topics.given(found),
        "below": sum(one.parent_id == found.pk for one in everything),
    }
    try:
        with patience():
            context["examples"] = topics.newest(found, everything, most=EXAMPLES)
    except TooSlow:
        context["slow"] = True
    return context


def _typed(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "").strip() for name in ("name", "parent", "query")}


def _remove(request: HttpRequest, entry: Entry, found: Topic) -> HttpResponse:
    try:
        kept = topics.remove(topic=found, actor=entry.actor)
    except BadTopic as error:
        messages.error(request, str(error))
        return redirect("curation:topic", entry.project.slug, found.slug)
    messages.success(request, with_undo(f"“{kept['name']}” was removed.", "undo", undo_token({"removed": kept})))
    return redirect("curation:topics", entry.project.slug)


def _clear(request: HttpRequest, entry: Entry, found: Topic) -> HttpResponse:
    """Take away what was given: an act on many traces, with its progress and its undo."""
    others = " ".join(f"-topic:{one.slug}" for one in Topic.objects.filter(project=entry.project, parent=found))
    query = filters.parse(f"topic:{found.slug} {others} archived:yes,no empty:yes,no replay:yes,no")
    act = acting.begin(
        project=entry.project, actor=entry.actor, kind="topic", argument="", choice=acting.Choice(query=query)
    )
    if acting.is_small(act):
        acting.work(act_id=act.pk, seconds=30.0)
        act.refresh_from_db(fields=["status", "changed", "already", "error"])
        messages.success(request, told(act))
    else:
        nudge(tasks.work_on_act, act.pk)
        messages.success(request, "It is being taken from its traces; the list of traces shows how far it is.")
    return redirect("curation:topic", entry.project.slug, found.slug)


def _undo(request: HttpRequest, entry: Entry) -> HttpResponse:
    """Take back what the button in a message stands for."""
    back = redirect("curation:topics", entry.project.slug)
    if "act" in request.POST:
        act = find_act(entry, request.POST["act"])
        if acting.take_back(act=act, actor=entry.actor):
            acting.work(act_id=act.pk, seconds=30.0)
            act.refresh_from_db(fields=["status", "undone", "kept"])
            messages.info(request, taken_back(act))
        return back
    try:
        token: dict[str, Any] = signing.loads(request.POST["undo"], salt=UNDO_SALT, max_age=UNDO_AGE)
        messages.info(request, _take_back(entry, token))
    except signing.BadSignature:
        messages.error(request, "This can no longer be undone.")
    except (BadTopic, Topic.DoesNotExist) as error:
        messages.error(request, str(error) if isinstance(error, BadTopic) else "The topic is gone by now.")
    return back


def _take_back(entry: Entry, token: dict[str, Any]) -> str:
    project, actor = entry.project, entry.actor
    if "made" in token:
        name = topics.remove(topic=Topic.objects.get(project=project, slug=token["made"]), actor=actor)["name"]
        return f"“{name}” is gone again."
    if "removed" in token:
        return f"“{topics.restore(project=project, actor=actor, kept=token['removed']).name}” is back."
    if "changed" in token:
        found = Topic.objects.select_related("parent", "project").get(project=project, slug=token["changed"])
        return f"“{topics.change(topic=found, actor=actor, **token['before']).name}” is as before."
    at = datetime.fromisoformat(token["at"])
    taken = topic_accepting.take_back(project=project, actor=actor, slugs=token["clustered"], at=at)
    return f"The clusters are gone again: {'1 trace is' if taken == 1 else f'{taken:,} traces are'} without them."


def undo_token(kept: dict[str, Any]) -> str:
    """What a button of the page of topics takes back, signed."""
    return signing.dumps(kept, salt=UNDO_SALT, compress=True)


def _find(entry: Entry, slug: str) -> Topic:
    found = Topic.objects.select_related("parent", "project").filter(project=entry.project, slug=slug).first()
    if found is None:
        raise Http404("There is no such topic in this project.")
    return found
