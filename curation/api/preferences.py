"""Which of two answers somebody preferred, for programs."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Schema

from curation.api.routing import router
from curation.models import Preference
from workspace import paging
from workspace.access import enter
from workspace.models import Role

MOST = 200


class EndOut(Schema):
    """One side: a trace, the number of the revision that was compared, and which of its endings."""

    trace: uuid.UUID
    revision: int
    candidate: int = Field(description="0: the answer that the trace has; n: its n-th candidate.")


class PreferenceOut(Schema):
    """One word on a pair."""

    id: uuid.UUID
    left: EndOut
    right: EndOut
    choice: str = Field(description="left, right, tie or both_bad.")
    strength: str = Field(description='slight or clear; "" where nobody said.')
    criteria: dict[str, str] = Field(description="{criterion: left, right or tie}")
    edited: str = Field(description='The better answer as it should have been; "" where it is good as it is.')
    note: str
    author: str
    imported: bool
    queue: str | None = Field(description="The queue of pairs; null for one that came with traces.")
    flipped: bool | None = Field(description="Whether the left side was shown as B; null where it was not shown here.")
    created_at: datetime


class PreferenceList(Schema):
    """A page, newest first; `next` is the cursor of the page behind it, null on the last."""

    items: list[PreferenceOut]
    next: str | None


class Params(Schema):
    """What part of the list."""

    queue: str = Field("", description="Only those of this queue of pairs.")
    cursor: str = Field("", description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=MOST)


@router.get("/preferences", response=PreferenceList, tags=["judgments"], summary="List preferences")
def list_preferences(request: HttpRequest, slug: Path[str], params: Query[Params]) -> dict[str, Any]:
    """Preferences that stand, newest first."""
    entry = enter(request, slug, Role.ENGINEER)
    found = Preference.objects.filter(project=entry.project, withdrawn_at=None)
    if params.queue:
        found = found.filter(pair__queue__slug=params.queue)
    related = ("left_trace", "right_trace", "left_revision", "right_revision", "pair__queue")
    heavy = ("left_trace__metadata", "right_trace__metadata", "left_revision__document", "right_revision__document")
    found = found.select_related(*related).defer(*heavy)
    page = paging.paginate(found, order=["-id"], cursor=params.cursor, size=params.limit)
    return {"items": [_brief(one) for one in page.rows], "next": page.older or None}


def _brief(one: Preference) -> dict[str, Any]:
    ends = {
        side: {"trace": trace.uid, "revision": revision.number, "candidate": candidate}
        for side, trace, revision, candidate in (
            ("left", one.left_trace, one.left_revision, one.left_candidate),
            ("right", one.right_trace, one.right_revision, one.right_candidate),
        )
    }
    return ends | {
        "id": one.uid, "choice": one.choice, "strength": one.strength, "criteria": one.criteria, "edited": one.edited,
        "note": one.note, "author": one.author, "imported": one.is_imported,
        "queue": one.pair.queue.slug if one.pair else None, "flipped": one.is_flipped, "created_at": one.created_at,
    }  # fmt: skip
