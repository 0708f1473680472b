"""Freezing what is too large to be frozen while somebody waits: asked for, worked off behind, seen, cancelled.

The row is the queue (`Freezing`). Texts are read a turn at a time, then one transaction chooses and writes the version. The
version takes the id of its freezing, so whatever comes twice finds it there. While the transaction runs a second thread,
with a connection of its own, writes down how far it is, keeps the lease, and hears of a cancel.
"""

import logging
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from curation import filters
from curation.datasets import build, watching
from curation.datasets import recipe as recipes
from curation.datasets.recipe import Recipe
from curation.datasets.watching import MOST_ATTEMPTS, Stopped, may_still, mine
from curation.models import DatasetVersion, Freezing
from workspace import audit, leases
from workspace.access import Actor
from workspace.models import Project

log = logging.getLogger(__name__)
Status, Stage = Freezing.Status, Freezing.Stage
OPEN = watching.OPEN
# what is frozen while the person waits: about a second
TRACES_AT_ONCE = 2_000
TEXTS_AT_ONCE = 300
SHOWN_SECONDS = 24 * 3600
MOST_SHOWN = 20
Refusals = (build.BadName, build.NothingToFreeze, recipes.RecipeError, filters.FilterError)


def ask(
    *, project: Project, name: str, query_text: str, actor: Actor, recipe: Recipe | None = None, description: str = ""
) -> DatasetVersion | Freezing:
    """The next version of the dataset `name`: frozen at once where that takes about a second, else the freezing that a
    worker goes on with. The same thing asked for while it is being frozen is the same freezing. Raises BadName (also where
    something else is being frozen under this name), FilterError, RecipeError and NothingToFreeze."""
    query, chosen = build.checked(project=project, name=name, query_text=query_text, recipe=recipe)
    under_way = _under_way(project, name, query.typed, chosen)
    if under_way is not None:
        return under_way
    traces, texts = build.effort(project=project, query=query, recipe=chosen, now=timezone.now(), most=TRACES_AT_ONCE)
    if traces <= TRACES_AT_ONCE and texts <= TEXTS_AT_ONCE:
        return build.freeze(
            project=project, name=name, query_text=query_text, actor=actor, recipe=chosen, description=description
        )
    try:
        with transaction.atomic():
            return Freezing.objects.create(
                project=project, name=name, description=description, query=query.typed, recipe=chosen.plain(),
                user=actor.user, token=actor.token, author=actor.label[:200],
            )  # fmt: skip
    except IntegrityError:  # somebody asked at the same moment
        under_way = _under_way(project, name, query.typed, chosen)
        if under_way is None:
            raise
        return under_way


def again(asked: Freezing, actor: Actor) -> DatasetVersion | Freezing:
    """Ask for the same once more. Raises as `ask`."""
    return ask(
        project=asked.project, name=asked.name, query_text=asked.query, actor=actor, recipe=recipes.parse(asked.recipe),
        description=asked.description,
    )  # fmt: skip


def cancel(asked: Freezing, actor: Actor) -> bool:
    """Make no version of it. False where it had ended, or its version came first: then that stands."""
    with transaction.atomic():
        _alone(asked)
        done = version_of(asked) is None and Freezing.objects.filter(pk=asked.pk, status__in=OPEN).update(
            status=Status.CANCELLED, ended_at=timezone.now()
        )
        if done:
            audit.record(
                project=asked.project, actor=actor, action="dataset.freezing_cancelled", target=f"freezing:{asked.uid}",
                name=asked.name,
            )  # fmt: skip
    asked.refresh_from_db()
    return bool(done)


def work(freezing_id: int, seconds: float) -> bool:
    """Go on with a freezing: read texts for about so long, or choose and write. True where nothing is left for the caller:
    it has ended, or another is at it; False: call again."""
    name = leases.owner()
    rows = Freezing.objects.filter(pk=freezing_id)
    try:
        if not leases.take(rows.filter(status__in=OPEN), name, status=Status.WORKING):
            return True
        try:
            return _work(
                Freezing.objects.select_related("project", "user", "token__project").get(pk=freezing_id), name, seconds
            )
        finally:
            leases.give_back(rows, name)
    except (OperationalError, InterfaceError):  # the lease runs out, and the sweep goes on with it
        log.warning("The freezing %s waits for the database.", freezing_id, exc_info=True)
        return True


def open_freezings() -> list[int]:
    """Keys of those that wait for a worker, oldest first."""
    return leases.free(Freezing.objects.filter(status__in=OPEN))


def version_of(asked: Freezing) -> DatasetVersion | None:
    """The version that it made."""
    return DatasetVersion.objects.select_related("dataset").filter(uid=asked.uid).first()


def recent(project: Project) -> list[Freezing]:
    """Those under way, and those of the last day that could not be frozen and were not frozen since; newest first, at most
    MOST_SHOWN."""
    since = timezone.now() - timedelta(seconds=SHOWN_SECONDS)
    later = DatasetVersion.objects.filter(
        dataset__project=project, dataset__name=OuterRef("name"), created_at__gt=OuterRef("ended_at")
    )
    failed = Q(status=Status.FAILED, ended_at__gt=since) & ~Exists(later)
    found = Freezing.objects.filter(Q(status__in=OPEN) | failed, project=project)
    return list(found.order_by("-id")[:MOST_SHOWN])


def _under_way(project: Project, name: str, query: str, recipe: Recipe) -> Freezing | None:
    found = Freezing.objects.filter(project=project, name=name, status__in=OPEN).first()
    if found is not None and (found.query, recipes.parse(found.recipe)) != (query, recipe):
        raise build.BadName(f"Another version of {name} is being frozen at the moment; wait for it, or cancel it.")
    return found


def _work(asked: Freezing, name: str, seconds: float) -> bool:
    if version_of(asked) is not None:  # it was made, and the process ended before it could say so
        return _end(asked, Status.DONE)
    if not may_still(asked):
        return _end(asked, Status.FAILED, f"{asked.author} may not freeze in this project any more. Ask for it again.")
    actor = Actor(user=asked.user, token=asked.token)
    try:
        with Watch(asked, name) as watch:
            query, chosen = build.checked(
                project=asked.project, name=asked.name, query_text=asked.query, recipe=recipes.parse(asked.recipe)
            )
            if not build.read_ahead(
                project=asked.project,
                query=query,
                recipe=chosen,
                now=asked.created_at,
                seconds=seconds,
                tell=watch.tell,
            ):
                return False
            if not _begin(asked, name):
                return True
            build.freeze(
                project=asked.project, name=asked.name, query_text=asked.query, actor=actor, recipe=chosen,
                description=asked.description, as_of=asked.created_at, uid=asked.uid, author=asked.author, tell=watch.tell,
                accept=lambda made: watch.last_word(),
            )  # fmt: skip
    except Stopped:
        return True
    except Refusals as error:
        return _end(asked, Status.FAILED, str(error))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # it must not be tried for ever, and says why
        if version_of(asked) is None:
            log.exception("The freezing %s was given up.", asked.uid)
            return _end(asked, Status.FAILED, f"{type(error).__name__}: {error}"[:2_000])
    return _end(asked, Status.DONE)


def _begin(asked: Freezing, name: str) -> bool:
    """Count one more beginning of the transaction; what ended its process MOST_ATTEMPTS times is given up."""
    if asked.attempts >= MOST_ATTEMPTS:
        _end(asked, Status.FAILED, watching.GIVEN_UP)
        return False
    return bool(mine(asked, name).update(attempts=asked.attempts + 1, stage=Stage.CHOOSING, done=0, total=0))


def _alone(asked: Freezing) -> None:
    """Until the end of the transaction nobody else passes here for this freezing: either its version stands when somebody
    cancels it, or it hears of the cancel. (A lock on its row would be in the way of the snapshot, which `Watch` changes.)"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"freezing {asked.pk}"])


def _end(asked: Freezing, status: str, error: str = "") -> bool:
    """True. A version that stands was frozen, even where a cancel came a moment before."""
    may = [*OPEN, Status.CANCELLED] if status == Status.DONE else OPEN
    fields: dict[str, Any] = {"status": status, "error": error, "ended_at": timezone.now()}
    Freezing.objects.filter(pk=asked.pk, status__in=may).update(**fields)
    return True


class Watch(watching.Watch):
    """With what a freezing has besides: turns, and a last moment at which a cancel is heard."""

    def tell(self, stage: str, done: int, total: int) -> None:
        """See build.Told. Texts read in earlier turns count."""
        if stage == Stage.READING and self.asked.stage == stage and self.asked.total > total:
            done, total = done + self.asked.total - total, self.asked.total
        super().tell(stage, done, total)

    def last_word(self) -> None:
        """Right before the version stands: raises Stopped where it was cancelled up to this moment. By another connection,
        since the transaction sees the rows of its beginning."""
        _alone(self.asked)
        self.close()  # its last answer is newer than any cancel that came before the lock
