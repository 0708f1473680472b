"""Views of the list that people keep: a filter, columns and an order under a name, one's own or everybody's."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from curation import filters
from curation.browse.columns import read_columns
from curation.browse.rows import read_order
from curation.models import SavedView
from workspace import audit
from workspace.access import Actor
from workspace.models import Project, User

MOST = 100
MOST_NAME = 80


class BadView(ValueError):
    """A view that cannot be kept; the message says why."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a view keeps: the filter as typed, keys of columns (none: the usual ones), and the order ("": newest)."""

    query: str = ""
    columns: tuple[str, ...] = ()
    order: str = ""


def content_of(view: SavedView) -> Content:
    """What the view keeps."""
    return Content(view.query, tuple(view.columns), view.order)


def list_views(*, project: Project, user: User | None) -> list[SavedView]:
    """This person's views and those for everybody, by name. One query."""
    mine = Q(is_shared=True) if user is None else Q(is_shared=True) | Q(owner=user)
    found = SavedView.objects.filter(mine, project=project).select_related("owner")
    return sorted(found, key=lambda view: (view.name.lower(), view.pk))


def save(*, project: Project, actor: Actor, name: str, content: Content, shared: bool) -> SavedView:
    """Keep a new view. Raises BadView, filters.FilterError, rows.UnknownOrder and columns.UnknownColumn."""
    _check(content)
    if SavedView.objects.filter(project=project, owner=actor.user).count() >= MOST:
        raise BadView(f"{MOST} views are the most that one person keeps. Delete some first.")
    view = SavedView(
        project=project, owner=actor.user, is_shared=shared, name=_name(name), query=content.query,
        columns=list(content.columns), order=content.order,
    )  # fmt: skip
    _write(view, actor, "view.saved", None)
    return view


def overwrite(*, view: SavedView, actor: Actor, content: Content) -> None:
    """Let the view keep something else. Raises as `save`."""
    _check(content)
    view.query, view.columns, view.order = content.query, list(content.columns), content.order
    _write(view, actor, "view.overwritten", ["query", "columns", "order"])


def rename(*, view: SavedView, actor: Actor, name: str, shared: bool) -> None:
    """Another name, and for whom it is. Raises BadView."""
    view.name, view.is_shared = _name(name), shared
    _write(view, actor, "view.renamed", ["name", "is_shared"])


def delete(*, view: SavedView, actor: Actor) -> dict[str, Any]:
    """Forget the view. Returns what `restore` needs to bring it back under the same address."""
    kept: dict[str, Any] = {
        "uid": str(view.uid), "name": view.name, "shared": view.is_shared, "owner": view.owner_id,
        "query": view.query, "columns": list(view.columns), "order": view.order,
    }  # fmt: skip
    with transaction.atomic():
        view.delete()
        _record(view, actor, "view.deleted")
    return kept


def restore(*, project: Project, actor: Actor, kept: dict[str, Any]) -> SavedView:
    """Bring a deleted view back. Raises BadView where its name was taken meanwhile, or it is back already."""
    view = SavedView(
        uid=uuid.UUID(kept["uid"]), project=project, owner_id=kept["owner"], is_shared=kept["shared"],
        name=kept["name"], query=kept["query"], order=kept["order"], columns=kept["columns"],
    )  # fmt: skip
    _write(view, actor, "view.restored", None)
    return view


def _check(content: Content) -> None:
    filters.parse(content.query)
    read_columns(content.columns)
    read_order(content.order)


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME or "\0" in name:
        raise BadView(f"A view needs a name of 1 to {MOST_NAME} characters.")
    return name


def _write(view: SavedView, actor: Actor, action: str, fields: list[str] | None) -> None:
    try:
        with transaction.atomic():
            if fields is None:
                view.save(force_insert=True)
            else:
                view.save(update_fields=fields)
            _record(view, actor, action)
    except IntegrityError:
        raise BadView(f"There is a view “{view.name}” already. Choose another name, or overwrite that one.") from None


def _record(view: SavedView, actor: Actor, action: str) -> None:
    audit.record(
        project=view.project, actor=actor, action=action, target=f"view:{view.uid}", name=view.name,
        shared=view.is_shared, filter=view.query,
    )  # fmt: skip
