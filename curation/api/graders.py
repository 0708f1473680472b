"""Graders: list, make, change, try, confirm, and whether they score what arrives."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest
from ninja import Field, Path, Query, Schema, Status

from curation import filters
from curation.api.routing import router
from curation.models import Grader, GraderVersion, Trial
from curation.scoring import arrivals, keep, read, trial
from curation.scoring.graders import BadDefinition
from curation.scoring.refused import NotConfirmed, Refused
from workspace.access import Entry, enter
from workspace.connections.client import ConnectionFailed
from workspace.models import Connection, Project, Role
from workspace.problems import Problem

FIELDS = {"query": "q"}


class VersionIn(Schema):
    """A definition, and what its author says a good answer is."""

    definition: dict[str, Any] = Field(description="A grader as JSON; docs/graders.md lists the types.")
    goal: dict[str, str] = Field(
        description="What a good answer is, said before anything is graded: accuracy, tone, completeness, rules (one or more)."
    )
    connection: str = Field(
        "", max_length=80, description="Name or id of the connection that an LLM judge asks through."
    )


class GraderIn(VersionIn):
    """A new grader."""

    name: str = Field(max_length=120)
    slug: str = Field("", max_length=60, description="The name of its scores; made of the name where absent.")


class GraderChange(Schema):
    """What to change; what is absent stays."""

    scores_new: bool | None = Field(None, description="Score traces as they arrive.")
    q: str | None = Field(None, description="Filter of arriving traces that are scored; an empty text: all.")
    rate: float | None = Field(None, ge=0, le=1, description="The share of them that is scored.")
    confirmed: str = Field(
        "", max_length=40, description="The price of one trace that was agreed to, needed where more is scored than before "
        "and that may cost something: 422 names it, and how many came a day.",
    )  # fmt: skip
    archived: bool | None = None


class VersionMade(Schema):
    """One version. It never changes."""

    number: int
    definition: dict[str, Any]
    digest: str
    goal: dict[str, str]
    connection: str | None
    author: str
    created_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None = Field(description="Null: nothing uses it.")
    tried: dict[str, Any] = Field(
        description="The sample run that was seen before it was confirmed; its rows are for engineers, since reviewers judge "
        "before they see scores."
    )


class GraderMade(Schema):
    """A grader and its newest version."""

    id: uuid.UUID
    slug: str
    name: str
    newest: VersionMade
    used: int | None = Field(
        description="Number of the newest confirmed version, which is used; null while there is none."
    )
    scores_new: bool
    q: str
    rate: float
    arrivals: str = Field(description="Why arriving traces are not scored at the moment; empty where they are.")
    archived_at: datetime | None
    created_at: datetime


class GraderList(Schema):
    """A page of graders, by name."""

    items: list[GraderMade]
    next: str | None


class VersionList(Schema):
    """All versions, newest first."""

    items: list[VersionMade]


class Changes(Schema):
    """What differs, one line each."""

    lines: list[str]


class ConfirmIn(Schema):
    """The trial that was seen."""

    trial: uuid.UUID | None = Field(
        None, description="Its id: what it found is kept with the version. Null: none was seen."
    )


ONE = "/graders/{grader}"


@router.get("/graders", response=GraderList, summary="List graders")
def list_graders(request: HttpRequest, slug: Path[str], cursor: Query[str] = "") -> dict[str, Any]:
    """All but archived ones."""
    entry = enter(request, slug, Role.REVIEWER)
    page, listed = read.graders(entry.project, cursor=cursor)
    prefetch_related_objects([one.newest for one in listed], "connection")
    return {"items": [_made(entry, one.grader, one.newest, one.used) for one in listed], "next": page.older or None}


@router.post("/graders", response={201: GraderMade}, summary="Make a grader")
def create_grader(request: HttpRequest, slug: Path[str], body: GraderIn) -> Any:
    """Its first version is not used before somebody confirmed it."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        version = keep.create(
            project=entry.project, name=body.name, slug=body.slug, definition=body.definition, goal=body.goal,
            connection=connection_named(entry.project, body.connection), actor=entry.actor,
        )  # fmt: skip
    except (Refused, BadDefinition) as error:
        raise problem(error) from None
    return Status(201, _made(entry, version.grader, version, None))


@router.get(ONE, response=GraderMade, summary="Read a grader")
def read_grader(request: HttpRequest, slug: Path[str], grader: Path[str]) -> dict[str, Any]:
    """With its newest version."""
    entry = enter(request, slug, Role.REVIEWER)
    return _told(entry, find(entry, grader))


@router.patch(ONE, response=GraderMade, summary="Change what a grader is used for")
def change_grader(request: HttpRequest, slug: Path[str], grader: Path[str], body: GraderChange) -> dict[str, Any]:
    """Scoring what arrives needs a confirmed version; what came before is scored by a batch."""
    entry = enter(request, slug, Role.ENGINEER)
    found = find(entry, grader)
    try:
        if body.archived is False:
            keep.restore(grader=found, actor=entry.actor)
        if (body.scores_new, body.q, body.rate) != (None, None, None):
            arrivals.follow(
                grader=found, scores_new=found.scores_new if body.scores_new is None else body.scores_new,
                query=found.query if body.q is None else body.q, rate=found.rate if body.rate is None else body.rate,
                actor=entry.actor, confirmed=body.confirmed,
            )  # fmt: skip
        if body.archived is True:
            keep.archive(grader=found, actor=entry.actor)
    except (Refused, filters.FilterError) as error:
        raise problem(error) from None
    return _told(entry, found)


@router.get(f"{ONE}/versions", response=VersionList, summary="List versions of a grader")
def list_versions(request: HttpRequest, slug: Path[str], grader: Path[str]) -> dict[str, Any]:
    """Newest first."""
    entry = enter(request, slug, Role.REVIEWER)
    return {"items": [_version(entry, one) for one in read.versions(find(entry, grader))]}


@router.post(f"{ONE}/versions", response={201: GraderMade, 200: GraderMade}, summary="Change a grader")
def create_version(request: HttpRequest, slug: Path[str], grader: Path[str], body: VersionIn) -> Any:
    """A new version, not used before it is confirmed. 200 where nothing differs from the newest one."""
    entry = enter(request, slug, Role.ENGINEER)
    found = find(entry, grader)
    before = found.versions.order_by("-number").first()
    try:
        version = keep.change(
            grader=found, definition=body.definition, goal=body.goal,
            connection=connection_named(entry.project, body.connection), actor=entry.actor,
        )  # fmt: skip
    except (Refused, BadDefinition) as error:
        raise problem(error) from None
    return Status(200 if before is not None and before.pk == version.pk else 201, _told(entry, found))


@router.get(f"{ONE}/versions/{{number}}/changes", response=Changes, summary="Compare two versions of a grader")
def compare_versions(
    request: HttpRequest, slug: Path[str], grader: Path[str], number: Path[int], since: Query[int | None] = None
) -> dict[str, Any]:
    """What differs from version `since`, or from the one before."""
    entry = enter(request, slug, Role.REVIEWER)
    found = find(entry, grader)
    newer = find_version(found, number)
    older = find_version(found, number - 1 if since is None else since) if number > 1 or since is not None else None
    return {"lines": keep.changes(older, newer) if older is not None else []}


@router.post(f"{ONE}/versions/{{number}}/confirm", response=VersionMade, summary="Confirm a version of a grader")
def confirm_version(
    request: HttpRequest, slug: Path[str], grader: Path[str], number: Path[int], body: ConfirmIn
) -> dict[str, Any]:
    """From now on it is used. Who confirmed it and when is kept; confirming again changes nothing."""
    entry = enter(request, slug, Role.ENGINEER)
    version = find_version(find(entry, grader), number)
    try:
        keep.confirm(version=version, actor=entry.actor, tried=_seen(version, body.trial))
    except (Refused, BadDefinition) as error:
        raise problem(error) from None
    return _version(entry, version)


def find(entry: Entry, slug: str) -> Grader:
    """Raises Http404."""
    try:
        return read.grader(entry.project, slug)
    except Grader.DoesNotExist:
        raise Http404("There is no such grader in this project.") from None


def find_version(grader: Grader, number: int) -> GraderVersion:
    """Raises Http404."""
    found = grader.versions.select_related("grader__project", "connection__project").filter(number=number).first()
    if found is None:
        raise Http404(f"{grader.slug} has no version {number}.")
    return found


def connection_named(project: Project, name: str) -> Connection | None:
    """The connection of this name or id; None for "". Raises Refused."""
    if not name:
        return None
    found = Connection.objects.filter(project=project)
    try:
        one = found.filter(uid=uuid.UUID(name)).first()
    except ValueError:
        one = found.filter(name=name).first()
    if one is None:
        raise Refused("connection", f"There is no connection {name[:80]!r} in this project.")
    return one


def problem(error: Refused | BadDefinition | filters.FilterError | ConnectionFailed) -> Problem:
    """What cannot be done, as the API says it."""
    if isinstance(error, filters.FilterError):
        where = f"q, character {error.position + 1}"
        return Problem(400, "bad_filter", error.message, details=[{"where": where, "reason": error.message}])
    if isinstance(error, BadDefinition):
        where = "definition" + error.where.removeprefix("grader")
        return Problem(422, "invalid", f"{where}: {error.reason}", details=[{"where": where, "reason": error.reason}])
    if isinstance(error, ConnectionFailed):
        return Problem(422, "invalid", str(error), details=[{"where": "connection", "reason": str(error)}])
    where = FIELDS.get(error.field, error.field)
    code = "not_confirmed" if isinstance(error, NotConfirmed) else "invalid"
    status = 409 if isinstance(error, NotConfirmed) else 422
    return Problem(status, code, error.reason, details=[{"where": where, "reason": error.reason}])


def _seen(version: GraderVersion, uid: uuid.UUID | None) -> dict[str, Any]:
    """What a trial of this version found. Raises Refused where it is none, and where more may come."""
    if uid is None:
        return {}
    try:
        told = trial.read(trial.find(version, uid))
    except Trial.DoesNotExist:
        raise Refused("trial", f"{version} has no such trial.") from None
    if told.is_open:
        raise Refused("trial", "This trial is not at its end.")
    return told.plain()


def _told(entry: Entry, grader: Grader) -> dict[str, Any]:
    newest = grader.versions.select_related("connection").order_by("-number").first()
    if newest is None:
        raise Http404("This grader has no version.")
    return _made(entry, grader, newest, keep.current(grader))


def _made(entry: Entry, grader: Grader, newest: GraderVersion, used: GraderVersion | None) -> dict[str, Any]:
    same = {name: getattr(grader, name) for name in ("slug", "name", "scores_new", "rate", "archived_at", "created_at")}
    return same | {
        "id": grader.uid, "newest": _version(entry, newest), "used": used.number if used else None, "q": grader.query,
        "arrivals": arrivals.state(grader) if grader.scores_new else "",
    }  # fmt: skip


def _version(entry: Entry, one: GraderVersion) -> dict[str, Any]:
    same = ("number", "definition", "digest", "goal", "author", "created_at", "confirmed_at")
    tried = one.tried if entry.may(Role.ENGINEER) else {key: said for key, said in one.tried.items() if key != "rows"}
    return {name: getattr(one, name) for name in same} | {
        "connection": one.connection.name if one.connection else None, "confirmed_by": one.confirmed_by or None,
        "tried": tried,
    }  # fmt: skip
