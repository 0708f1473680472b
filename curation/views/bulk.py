"""Acting on many traces: ticked ones, or all that match the filter; stopping, undoing, and how far it is."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from curation import filters, tasks
from curation.browse import bulk as acting
from curation.browse import saved_views
from curation.models import BulkAct, ReviewQueue
from curation.views.traces import moment
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge

Kind, Status = BulkAct.Kind, BulkAct.Status
NEEDED = {
    Kind.QUEUE: Role.REVIEWER, Kind.TAG: Role.REVIEWER, Kind.UNTAG: Role.REVIEWER,
    Kind.TOPIC: Role.REVIEWER, Kind.ARCHIVE: Role.ENGINEER, Kind.RESTORE: Role.ENGINEER,
}  # fmt: skip
UNDO_SALT = "traces.undo"
UNDO_AGE = 24 * 3600
# how long an act that has ended stays on the list, with its way back
SHOWN_FOR = timedelta(hours=1)
PATIENCE_SECONDS = 30.0


@require_POST
def bulk(request: HttpRequest, slug: str) -> HttpResponse:
    """Queue, archive, restore or tag: few at once, many by a worker."""
    entry = enter(request, slug, Role.REVIEWER)
    kind, argument = _asked(request)
    check_role(entry, kind)
    try:
        act = acting.begin(
            project=entry.project, actor=entry.actor, kind=kind, argument=argument, choice=_choice(request)
        )
    except ValueError as problem:  # BadAct, FilterError
        messages.error(request, str(problem))
        return redirect(back_to_list(request, slug))
    if acting.is_small(act):
        acting.work(act_id=act.pk, seconds=PATIENCE_SECONDS)
        act.refresh_from_db(fields=["status", "changed", "already", "error"])
        messages.success(request, told(act))
    else:
        nudge(tasks.work_on_act, act.pk)
    return redirect(back_to_list(request, slug))


def check_role(entry: Entry, kind: str) -> None:
    """Raise PermissionDenied where the act needs more than this role."""
    needed = NEEDED.get(Kind(kind)) if kind in Kind.values else None
    if needed and not entry.may(needed):
        raise PermissionDenied("Archiving and restoring need the role engineer.")


def _asked(request: HttpRequest) -> tuple[str, str]:
    """The act and its argument. A tag with a minus before it is taken off."""
    kind = request.POST.get("action", "")
    if kind not in Kind.values:
        raise SuspiciousOperation("There is no such act.")
    if kind == Kind.QUEUE:
        return kind, request.POST.get("queue", "")
    if kind == Kind.TOPIC:
        return kind, request.POST.get("topic", "")
    tag = " ".join(request.POST.get("tag", "").split()) if kind in (Kind.TAG, Kind.UNTAG) else ""
    return (Kind.UNTAG, tag[1:].strip()) if kind == Kind.TAG and tag.startswith("-") else (kind, tag)


def _choice(request: HttpRequest) -> acting.Choice:
    if request.POST.get("all"):
        query = filters.parse(request.POST.get("q", ""))
        return acting.Choice(query=query, until=moment(request.POST.get("seen_at", "")))
    try:
        return acting.Choice(uids=[uuid.UUID(value) for value in request.POST.getlist("trace")])
    except ValueError:
        raise SuspiciousOperation("This is not the id of a trace.") from None


def back_to_list(request: HttpRequest, slug: str) -> str:
    """The address of the list that the form stood on."""
    back = QueryDict(request.POST.get("back", "")[:20_000])
    return f"{reverse('curation:traces', args=[slug])}?{back.urlencode()}".rstrip("?")


def _count(number: int) -> str:
    return f"{number:,} trace{'' if number == 1 else 's'}"


def told(act: BulkAct) -> str:
    """What an act that has ended did, with a button that undoes it."""
    if act.error:
        return f"It stopped after {_count(act.changed)}: {act.error}"
    said = {
        Kind.ARCHIVE: f"{_count(act.changed)} archived.",
        Kind.RESTORE: f"{_count(act.changed)} restored.",
        Kind.TAG: f"{_count(act.changed)} tagged “{act.argument}”.",
        Kind.UNTAG: f"The tag “{act.argument}” was taken off {_count(act.changed)}.",
        Kind.QUEUE: f"{_count(act.changed)} put into “{_queue(act)}”.",
        Kind.TOPIC: f"{_count(act.changed)} of the topic “{act.argument}” now."
        if act.argument
        else f"The topic was taken from {_count(act.changed)}.",
    }[Kind(act.kind)]
    if act.already and act.argument and act.kind in (Kind.TAG, Kind.QUEUE, Kind.TOPIC):
        said += f" {_count(act.already)} {'in it' if act.kind == Kind.QUEUE else 'had it'} already."
    if not act.changed:
        return said
    return _with_undo(said, "act", str(act.uid))


def _queue(act: BulkAct) -> str:
    """The name of the queue that an act fills; its slug where the queue is gone."""
    found = ReviewQueue.objects.filter(project=act.project_id, slug=act.argument) if act.kind == Kind.QUEUE else None
    return next(iter(found.values_list("name", flat=True)), act.argument) if found is not None else ""


def _with_undo(said: str, name: str, value: str) -> str:
    # the form stands on the list page; the button sits in the message
    return format_html(
        '{} <button class="button small" form="undo" name="{}" value="{}" data-key="z" data-key-name="Undo">'
        'Undo <kbd aria-hidden="true">z</kbd></button>',
        said, name, value,
    )  # fmt: skip


def deleted_view(kept: dict[str, Any], name: str) -> str:
    """What is said of a view that was deleted, with the way back."""
    return _with_undo(f"The view “{name}” was deleted.", "token", signing.dumps(kept, salt=UNDO_SALT))


@require_POST
def undo(request: HttpRequest, slug: str) -> HttpResponse:
    """Take back an act, or bring a deleted view back."""
    entry = enter(request, slug, Role.REVIEWER)
    if "act" not in request.POST:
        return _undo_delete(request, entry, slug)
    act = find_act(entry, request.POST["act"])
    check_role(entry, act.kind)
    if not acting.take_back(act=act, actor=entry.actor):
        messages.error(request, "There is nothing to undo any more.")
    elif act.changed <= acting.AT_ONCE:
        acting.work(act_id=act.pk, seconds=PATIENCE_SECONDS)
        act.refresh_from_db(fields=["status", "undone", "kept"])
        messages.success(request, taken_back(act))
    else:
        nudge(tasks.work_on_act, act.pk)
    return redirect(back_to_list(request, slug))


def taken_back(act: BulkAct) -> str:
    """What undoing an act did."""
    done = act.undone - act.kept
    said = {
        Kind.ARCHIVE: f"{_count(done)} shown again.",
        Kind.RESTORE: f"{_count(done)} archived again.",
        Kind.TAG: f"The tag “{act.argument}” was taken off {_count(done)} again.",
        Kind.UNTAG: f"{_count(done)} tagged “{act.argument}” again.",
        Kind.QUEUE: f"{_count(done)} taken out of the queue again.",
        Kind.TOPIC: f"{_count(done)} of the topic that {'it' if done == 1 else 'they'} had before.",
    }[Kind(act.kind)]
    why = "somebody has begun" if act.kind == Kind.QUEUE else "changed again since"
    return f"{said} {_count(act.kept)} {why}: left as {'it is' if act.kept == 1 else 'they are'}." if act.kept else said


def _undo_delete(request: HttpRequest, entry: Entry, slug: str) -> HttpResponse:
    try:
        kept: dict[str, Any] = signing.loads(request.POST.get("token", ""), salt=UNDO_SALT, max_age=UNDO_AGE)
        view = saved_views.restore(project=entry.project, actor=entry.actor, kept=kept)
        messages.success(request, f"The view “{view.name}” is back.")
    except signing.BadSignature:
        messages.error(request, "This can no longer be undone.")
    except saved_views.BadView as problem:
        messages.error(request, str(problem))
    return redirect(back_to_list(request, slug))


def find_act(entry: Entry, uid: str | uuid.UUID) -> BulkAct:
    """The act of this project with this outside id. Raises Http404."""
    try:
        wanted = uid if isinstance(uid, uuid.UUID) else uuid.UUID(uid)
    except ValueError:
        raise SuspiciousOperation("This is not the id of an act.") from None
    act = BulkAct.objects.filter(project=entry.project, uid=wanted).defer("traces").select_related("project").first()
    if act is None:
        raise Http404("There is no such act in this project.")
    return act


@require_GET
def acts(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: acts that are going on and one's own that ended a short while ago; asks again while one is going on."""
    entry = enter(request, slug, Role.REVIEWER)
    found = acting.recent(project=entry.project, actor=entry.actor, since=timezone.now() - SHOWN_FOR)
    live = any(act.status in acting.LIVE for act in found)
    shown = [{"act": act, "may": entry.may(NEEDED[Kind(act.kind)]), **_progress(act)} for act in found]
    return render(
        request, "curation/_bulk_acts.html", {"acts": shown, "live": live, "back": request.GET.get("back", "")}
    )


def _progress(act: BulkAct) -> dict[str, Any]:
    undoing = act.status in (Status.UNDOING, Status.UNDONE)
    done, total = (act.undone, act.changed) if undoing else (act.reached, act.total)
    doing = {
        Kind.ARCHIVE: "Archiving", Kind.RESTORE: "Restoring", Kind.TAG: f"Tagging “{act.argument}”",
        Kind.UNTAG: f"Taking off “{act.argument}”", Kind.QUEUE: f"Putting into “{_queue(act)}”",
        Kind.TOPIC: f"Giving the topic “{act.argument}”" if act.argument else "Taking the topic away",
    }[Kind(act.kind)]  # fmt: skip
    ended = taken_back(act) if act.status == Status.UNDONE else ""
    return {
        "doing": f"Undoing: {doing[0].lower()}{doing[1:]}" if act.status == Status.UNDOING else doing,
        "done": done, "total": total, "ended": ended,
        "share": f"{done / total:.0%}" if total else "",
    }  # fmt: skip


@require_POST
def act_stop(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """End a running act after the batch it is at; what it changed stays, and can be undone."""
    entry = enter(request, slug, Role.REVIEWER)
    act = find_act(entry, uid)
    check_role(entry, act.kind)
    acting.stop(act=act, actor=entry.actor)
    return redirect(back_to_list(request, slug))
