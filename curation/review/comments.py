"""Words about a trace, a step of it or a range of a step's text, and the people they call."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet
from django.utils import timezone

from curation.models import Comment, Mention, Trace, TraceRevision
from curation.review import blind
from curation.review.invalid import Invalid
from workspace import audit
from workspace.access import Actor
from workspace.models import Project, User

TEXT_LIMIT = 10_000
QUOTE_LIMIT = 500
KEY_LIMIT = 64
MOST = 500  # of one trace on a page


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a comment is about: the whole trace (all empty), a step, or characters `start` to `end` of a step's shown text,
    which read `quote`."""

    step: str = ""
    start: int | None = None
    end: int | None = None
    quote: str = ""

    def check(self) -> None:
        """Raise Invalid for a range that is none."""
        if (self.start is None) != (self.end is None):
            raise Invalid("start", "and end belong together: send both or neither")
        if self.start is not None and self.end is not None:
            if not self.step:
                raise Invalid("step", "is missing: a range is a range of a step's text")
            if not 0 <= self.start < self.end < 2_000_000_000:
                raise Invalid("start", f"must be below end and not negative; got {self.start} and {self.end}")
        if len(self.step) > 200:
            raise Invalid("step", f"has {len(self.step)} characters; at most 200 are kept")


WHOLE = Anchor()


def add(
    *, project: Project, actor: Actor, trace_uid: uuid.UUID, text: str, anchor: Anchor = WHOLE,
    revision: int | None = None, key: str = "",
) -> tuple[Comment, bool]:  # fmt: skip
    """Store a comment on revision number `revision` of a trace, by default its current one, and call the members that it
    names with @. The same `key` again changes nothing.

    Returns the comment and whether it is new. Raises Trace.DoesNotExist and Invalid.
    """
    text = _checked(text)
    anchor.check()
    if len(key) > KEY_LIMIT:
        raise Invalid("idempotency_key", f"has {len(key)} characters; at most {KEY_LIMIT} are kept")
    with transaction.atomic():
        trace = Trace.objects.only("uid", "revision_id").get(project=project, uid=trace_uid)
        wanted = {"pk": trace.revision_id} if revision is None else {"number": revision}
        seen = TraceRevision.objects.filter(trace=trace, **wanted).values_list("pk", flat=True).first()
        if seen is None:
            raise Invalid("revision", "does not exist")
        if anchor.step and not TraceRevision.objects.filter(pk=seen, step_rows__key=anchor.step).exists():
            raise Invalid("step", f"{anchor.step[:60]!r} is not a step of this trace")
        values: dict[str, Any] = {
            "trace": trace, "revision_id": seen, "step_key": anchor.step, "start": anchor.start, "end": anchor.end,
            "quote": anchor.quote[:QUOTE_LIMIT], "text": text, "user": actor.user, "author": actor.label[:200],
        }  # fmt: skip
        if key:
            made, new = Comment.objects.get_or_create(project=project, idempotency_key=key, defaults=values)
        else:
            made, new = Comment.objects.create(project=project, **values), True
        if not new:
            if (made.trace_id, made.user_id, made.text) != (trace.pk, actor.user.pk if actor.user else None, text):
                raise Invalid("idempotency_key", "was already used for another comment; use a new one")
            return made, False
        called = _call(made, project)
        audit.record(
            project=project, actor=actor, action="comment.added", target=f"trace:{trace.uid}", comment=str(made.uid),
            called=called,
        )  # fmt: skip
    return made, True


def edit(*, project: Project, actor: Actor, uid: uuid.UUID, text: str) -> Comment:
    """Say it otherwise; people it names now and did not before are called. Raises Comment.DoesNotExist for one that is not
    one's own, and Invalid."""
    text = _checked(text)
    with transaction.atomic():
        comment = _own(project, actor).select_for_update(of=("self",)).get(uid=uid, withdrawn_at=None)
        if comment.text != text:
            comment.text, comment.edited_at = text, timezone.now()
            comment.save(update_fields=["text", "edited_at"])
            _call(comment, project)
            _note(comment, actor, "comment.edited")
    return comment


def withdraw(*, project: Project, actor: Actor, uid: uuid.UUID) -> Comment:
    """Take one's own comment back; `restore` undoes it. Raises Comment.DoesNotExist."""
    return _stamp(_own(project, actor), actor, uid, "withdrawn_at", timezone.now(), "comment.withdrawn")


def restore(*, project: Project, actor: Actor, uid: uuid.UUID) -> Comment:
    """Let a comment stand again that one took back. Raises Comment.DoesNotExist."""
    return _stamp(_own(project, actor), actor, uid, "withdrawn_at", None, "comment.restored")


def resolve(*, project: Project, actor: Actor, uid: uuid.UUID, resolved: bool = True) -> Comment:
    """Say that a comment is dealt with, or (`resolved` False) that it is not. Anybody may. Raises Comment.DoesNotExist."""
    found = Comment.objects.filter(project=project, withdrawn_at=None)
    at, action = (timezone.now(), "comment.resolved") if resolved else (None, "comment.reopened")
    return _stamp(found, actor, uid, "resolved_at", at, action, resolved_by=actor.label[:200] if resolved else "")


def of_trace(*, trace: Trace, user: User | None, only_own: bool = False) -> list[Comment]:
    """The standing comments of a trace, oldest first, those of somebody else left out with `only_own`."""
    found = Comment.objects.filter(trace=trace, withdrawn_at=None)
    if only_own:
        found = found.filter(user=user)
    return list(found.select_related("revision").defer("revision__document").order_by("id")[:MOST])


def people(*, project: Project) -> list[User]:
    """Whom a comment may call: the members, by name."""
    return list(User.objects.filter(membership__project=project, is_active=True).order_by("name", "email"))


def called_in(text: str, members: Iterable[User]) -> list[User]:
    """The members whose name or address stands behind an @ in `text`; where several fit at one place, the longest does."""
    labels = sorted(
        ((label.lower(), user) for user in members for label in (user.name, user.email) if label),
        key=lambda pair: -len(pair[0]),
    )
    low, found = text.lower(), {}
    at = low.find("@")
    while at >= 0:
        for label, user in labels:
            end = at + 1 + len(label)
            # "@Ann" inside "@Anna" is not Ann
            if low.startswith(label, at + 1) and not re.match(r"[\w@-]|\.\w", low[end:]):
                found[user.pk] = user
                break
        at = low.find("@", at + 1)
    return list(found.values())


def _checked(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Invalid("text", "is empty; say something, or take the comment back")
    if len(text) > TEXT_LIMIT:
        raise Invalid("text", f"has {len(text):,} characters; at most {TEXT_LIMIT:,} are kept")
    if "\x00" in text:
        raise Invalid("text", "contains a NUL character")
    return text


def _call(comment: Comment, project: Project) -> list[str]:
    """Make the mentions that are missing; returns the addresses of those called now."""
    if "@" not in comment.text:
        return []
    named = [user for user in called_in(comment.text, people(project=project)) if user.pk != comment.user_id]
    known = set(Mention.objects.filter(comment=comment).values_list("user_id", flat=True))
    fresh = [user for user in named if user.pk not in known]
    Mention.objects.bulk_create([Mention(comment=comment, user=user) for user in fresh], ignore_conflicts=True)
    return [user.email for user in fresh]


def _own(project: Project, actor: Actor) -> "QuerySet[Comment]":
    # what a token said is that token's by its name: comments keep no token
    return Comment.objects.filter(project=project, user=actor.user, author=actor.label[:200]).select_related("trace")


def _stamp(
    found: "QuerySet[Comment]", actor: Actor, uid: uuid.UUID, column: str, at: datetime | None, action: str, **more: Any
) -> Comment:
    """Set or clear a moment once; what is so already stays as it is."""
    with transaction.atomic():
        comment = found.select_related("trace").select_for_update(of=("self",)).get(uid=uid)
        if (getattr(comment, column) is None) != (at is None):
            for name, value in {column: at, **more}.items():
                setattr(comment, name, value)
            comment.save(update_fields=[column, *more])
            _note(comment, actor, action)
    return comment


def _note(comment: Comment, actor: Actor, action: str) -> None:
    audit.record(
        project=comment.project,
        actor=actor,
        action=action,
        target=f"trace:{comment.trace.uid}",
        comment=str(comment.uid),
    )


# --- mentions


def unseen(*, project: Project, user: User) -> int:
    """How many times this person was called and did not look."""
    return _calls(project, user).filter(seen_at=None).count()


def mentions(*, project: Project, user: User, size: int = 100, may_look: bool = False) -> tuple[list[Mention], int]:
    """Where this person was called, unseen ones first, then the newest; and how many more there are. The text is empty where
    they must judge the trace blind first (see blind.hides, as for `may_look`)."""
    found = _calls(project, user).select_related("comment__trace").defer("comment__trace__metadata")
    found = found.annotate(blind=blind.shut(OuterRef("comment__trace_id"), user))
    unseen_first = found.order_by(F("seen_at").desc(nulls_first=True), "-id")
    listed = list(unseen_first[: size + 1])
    for one in listed:
        if one.blind and not may_look:
            one.comment.text = one.comment.quote = ""
    more = 0 if len(listed) <= size else _calls(project, user).count() - size
    return list[Mention](listed[:size]), more


def see(*, project: Project, user: User, comment: uuid.UUID | None = None) -> int:
    """Mark the mentions of one comment as seen, or all of them. Returns how many were not before."""
    found = _calls(project, user).filter(seen_at=None)
    if comment is not None:
        found = found.filter(comment__uid=comment)
    return found.update(seen_at=timezone.now())


def _calls(project: Project, user: User) -> "QuerySet[Mention]":
    return Mention.objects.filter(user=user, comment__project=project, comment__withdrawn_at=None)
