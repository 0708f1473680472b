"""The page of one queue: what is in it, its settings, and closing, emptying or deleting it."""

import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_http_methods

from curation.browse.patience import TooSlow, patience
from curation.filters import FilterError
from curation.models import ReviewQueue
from curation.review import blind, picking, questions, queue_changes, queue_items, queues
from curation.review.invalid import Invalid
from curation.review.queue_changes import ChangedMeanwhile, Edited, Settings
from curation.views.bench_acts import queue_at
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.pages import answer

UNDO_AGE = 24 * 3600
# as the fields of the form are called in messages
FIELDS = {"name": "name", "query": "filter", "instructions": "rules", "is_blind": "blindness", "questions": "questions"}


@require_http_methods(["GET", "POST"])
def queue(request: HttpRequest, slug: str, queue: str) -> HttpResponse:
    """A queue's items and settings; POST changes one of them. Reviewers may look, refill it, and take out what they put in
    by hand."""
    entry = enter(request, slug, Role.REVIEWER)
    found = queue_at(entry, queue)
    if request.method == "POST":
        return _change(request, entry, found)
    return _page(request, entry, found)


@require_GET
def queue_change(request: HttpRequest, slug: str, queue: str) -> HttpResponse:
    """Fragment: what another filter (?query=) would change."""
    entry = enter(request, slug, Role.ENGINEER)
    found = queue_at(entry, queue)
    query = request.GET.get("query", "").strip()
    return render(request, "curation/_queue_change.html", {"queue": found, **_foreseen(entry, found, query)})


def _page(request: HttpRequest, entry: Entry, found: ReviewQueue, status: int = 200, **more: Any) -> HttpResponse:
    show = request.GET.get("show", "waiting")
    if show not in queue_items.SHOWN:
        raise Http404("There is no such part of a queue.")
    person, engineer = entry.actor.user, entry.may(Role.ENGINEER)
    done = queues.progress(queue=found, user=person)
    parts = (
        ("waiting", "Waiting", done.open), ("flagged", "Flagged", done.flagged),
        ("judged", "Judged", done.done), ("out", "Taken out", done.out),
    )  # fmt: skip
    own = 0 if engineer else queue_items.count_own(queue=found, user=person)
    stands = asdict(queue_changes.settings_of(found))
    context = {
        "queue": found,
        "progress": done,
        "parts": parts,
        "show": show,
        "page": queue_items.listed(queue=found, show=show, cursor=request.GET.get("cursor", ""), own=person),
        "own": own,
        "may_edit": engineer,
        "question_sets": questions.SETS.items(),
        "by_hand": found.slug == picking.SLUG,
        "kept": queue_changes.why_kept(queue=found) if engineer else "",
        "hides_filter": blind.hides_filter(queue=found, may_look=engineer),
        "typed": stands,
        "made_from": signing.dumps(stands, salt=_salt(found), compress=True),
        **more,
    }
    return answer(request, "curation/queue.html", context, status=status)


def _foreseen(entry: Entry, found: ReviewQueue, query: str) -> dict[str, Any]:
    """The context of _queue_change.html: nothing where the filter is the one that stands."""
    if query == found.query or found.slug == picking.SLUG:
        return {}
    try:
        with patience():
            seen = queue_changes.foresee(queue=found, query=query, actor=entry.actor)
    except FilterError as error:
        return {"told": query, "refused": str(error)}
    except TooSlow:
        return {"told": query, "slow": True}
    return {"told": query, "seen": seen}


def _change(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    if "undo" in request.POST:
        return _undo(request, entry, found)
    act = _ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise SuspiciousOperation("There is no such act.")
    return act(request, entry, found)


def _save(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    enter(request, entry.project.slug, Role.ENGINEER)
    wanted = Settings(
        request.POST.get("name", ""), request.POST.get("query", "").strip(), request.POST.get("instructions", ""),
        request.POST.get("blind") == "1", request.POST.get("questions", ""),
    )  # fmt: skip
    sealed = request.POST.get("made_from", "")
    made_from = _read_from(sealed, found)
    again: dict[str, Any] = {"typed": asdict(wanted)} | ({"made_from": sealed} if sealed else {})
    before = made_from.query if made_from else found.query
    if wanted.query != before and request.POST.get("told") != wanted.query:
        # what another filter does is said before it is saved
        seen = _foreseen(entry, found, wanted.query)
        if seen:
            return _page(request, entry, found, 422, **again, **seen)
    try:
        keep = request.POST.get("unmatched") != "out"
        edited = queue_changes.edit(queue=found, actor=entry.actor, wanted=wanted, made_from=made_from, keep=keep)
    except ChangedMeanwhile as error:
        return _ask_again(request, entry, found, error)
    except Invalid as error:
        return _page(request, entry, found, 422, **again, errors={error.field: str(error)})
    except FilterError as error:
        return _page(request, entry, found, 422, **again, told=wanted.query, refused=str(error))
    if edited.changed:
        token = {"do": "edit", "before": asdict(edited.before), "after": asdict(edited.after)}
        _say(request, found, _told(edited), token | {"at": edited.at.isoformat()})
    else:
        messages.info(request, f"Nothing was changed.{_left(edited)}")
    return _back(request, entry, found)


def _read_from(sealed: str, found: ReviewQueue) -> Settings | None:
    """The settings that a form was made from; None where it does not say."""
    if not sealed:
        return None
    try:
        return Settings(**signing.loads(sealed, salt=_salt(found)))
    except signing.BadSignature:
        raise SuspiciousOperation("This is not a form of this queue.") from None


def _ask_again(request: HttpRequest, entry: Entry, found: ReviewQueue, error: ChangedMeanwhile) -> HttpResponse:
    """The form with what was typed, made from what stands by now: whoever saves it again means it."""
    found = queue_at(entry, found.slug)
    clash = {name: getattr(error.stands, name) for name in error.names}
    seen = _foreseen(entry, found, error.wanted.query)
    return _page(request, entry, found, 409, typed=asdict(error.wanted), clash=clash, **seen)


def _left(edited: Edited) -> str:
    """What somebody else changed and this saving did not touch."""
    if not edited.meanwhile:
        return ""
    return f" What somebody else changed meanwhile stays: {', '.join(FIELDS[name] for name in edited.meanwhile)}."


def _told(edited: Edited) -> str:
    said = ["Saved."]
    if edited.added:
        said.append(f"{edited.added:,} came in.")
    if edited.dropped:
        said.append(f"{edited.dropped:,} taken out.")
    if edited.held:
        said.append(f"{edited.held:,} stayed: somebody is on {'it' if edited.held == 1 else 'them'}.")
    return " ".join(said) + _left(edited)


def _take_out(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    chosen = _chosen(request)
    if not chosen:
        messages.error(request, "No trace was chosen: tick some first.")
        return _back(request, entry, found)
    return _taken(request, entry, found, chosen, only_own=not entry.may(Role.ENGINEER))


def _empty(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    enter(request, entry.project.slug, Role.ENGINEER)
    return _taken(request, entry, found, None, only_own=False)


def _take_own(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    return _taken(request, entry, found, None, only_own=True)


def _taken(
    request: HttpRequest, entry: Entry, found: ReviewQueue, chosen: list[uuid.UUID] | None, only_own: bool
) -> HttpResponse:
    done = queue_items.take_out(queue=found, actor=entry.actor, uids=chosen, only_own=only_own)
    said = f"{done.taken:,} taken out of {found.name}."
    if done.held:
        said += f" {done.held:,} stayed: somebody is on {'it' if done.held == 1 else 'them'}."
    _say(request, found, said, {"do": "put_back", "at": done.at.isoformat()} if done.taken else None)
    return _back(request, entry, found)


def _put_back(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    chosen, own = _chosen(request), not entry.may(Role.ENGINEER)
    done = queue_items.put_back(queue=found, actor=entry.actor, uids=chosen, only_own=own)
    token = {"do": "take_out", "items": [str(one) for one in chosen]}
    _say(request, found, f"{done.back:,} put back into {found.name}.", token if done.back else None)
    return _back(request, entry, found)


def _refill(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    added = queues.refill(queue=found)
    messages.success(request, f"{added:,} added to {found.name}." if added else f"Nothing new for {found.name}.")
    return _back(request, entry, found)


def _close(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    enter(request, entry.project.slug, Role.ENGINEER)
    if queue_changes.close(queue=found, actor=entry.actor):
        _say(request, found, f"{found.name} is closed. Whoever is on an item may end it.", {"do": "reopen"})
    return _back(request, entry, found)


def _reopen(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    enter(request, entry.project.slug, Role.ENGINEER)
    added = queue_changes.reopen(queue=found, actor=entry.actor)
    if added is not None:
        more = f" {added:,} came in." if added else ""
        _say(request, found, f"{found.name} is open again.{more}", {"do": "close"})
    return _back(request, entry, found)


def _delete(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    enter(request, entry.project.slug, Role.ENGINEER)
    try:
        queue_changes.delete(queue=found, actor=entry.actor)
    except Invalid as error:
        messages.error(request, f"{found.name} {error.reason}.")
        return _back(request, entry, found)
    messages.success(request, with_undo(f"{found.name} was deleted.", "queue", found.slug))
    return redirect("curation:review", entry.project.slug)


_ACTS: dict[str, Callable[[HttpRequest, Entry, ReviewQueue], HttpResponse]] = {
    "save": _save,
    "take_out": _take_out,
    "take_own": _take_own,
    "empty": _empty,
    "put_back": _put_back,
    "refill": _refill,
    "close": _close,
    "reopen": _reopen,
    "delete": _delete,
}


def _undo(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    """Take back what the button in a message stands for."""
    try:
        token: dict[str, Any] = signing.loads(request.POST["undo"], salt=_salt(found), max_age=UNDO_AGE)
    except signing.BadSignature:
        messages.error(request, "This can no longer be undone.")
        return _back(request, entry, found)
    own = not entry.may(Role.ENGINEER)
    match token["do"]:
        case "put_back":
            at = datetime.fromisoformat(token["at"])
            done = queue_items.put_back(queue=found, actor=entry.actor, at=at, only_own=own)
            more = f" {done.judged:,} judged meanwhile: left out." if done.judged else ""
            messages.info(request, f"{done.back:,} put back into {found.name}.{more}")
        case "take_out":
            items = [uuid.UUID(one) for one in token["items"]]
            taken = queue_items.take_out(queue=found, actor=entry.actor, uids=items, only_own=own)
            messages.info(request, f"{taken.taken:,} taken out again.")
        case "close" | "reopen" as act:
            return _ACTS[act](request, entry, found)
        case _:
            enter(request, entry.project.slug, Role.ENGINEER)
            before, after = Settings(**token["before"]), Settings(**token["after"])
            at = datetime.fromisoformat(token["at"])
            name = queue_changes.undo_edit(queue=found, actor=entry.actor, before=before, after=after, at=at)
            messages.info(request, _undone(name, before.name))
    return _back(request, entry, found)


def _undone(name: str | None, wanted: str) -> str:
    if name is None:
        return "It was changed again since: left as it is."
    if name == wanted:
        return "The queue is as before."
    return f"The queue is as before, under the name {name}: another one is called {wanted} by now."


def _salt(found: ReviewQueue) -> str:
    return f"queue.undo.{found.pk}"


def _say(request: HttpRequest, found: ReviewQueue, said: str, token: dict[str, Any] | None) -> None:
    """Say what was done, with the way back."""
    text = with_undo(said, "undo", signing.dumps(token, salt=_salt(found), compress=True)) if token else said
    messages.success(request, text)


def with_undo(said: str, name: str, value: str) -> str:
    """A message with a button for the page's form `undo`."""
    return format_html(
        '{} <button class="button small" form="undo" name="{}" value="{}" data-key="z" data-key-name="Undo">'
        'Undo <kbd aria-hidden="true">z</kbd></button>',
        said, name, value,
    )  # fmt: skip


def _chosen(request: HttpRequest) -> list[uuid.UUID]:
    """The items of the button that was pressed, else the ticked ones."""
    try:
        return [uuid.UUID(one) for one in request.POST.getlist("one") or request.POST.getlist("item")]
    except ValueError:
        raise SuspiciousOperation("This is not the id of an item.") from None


def _back(request: HttpRequest, entry: Entry, found: ReviewQueue) -> HttpResponse:
    show = request.GET.get("show", "")
    url = reverse("curation:queue", args=[entry.project.slug, found.slug])
    return redirect(f"{url}?show={show}" if show in queue_items.SHOWN else url)
