"""The demo project: made from generated traces, taken away without a trace. Lives in the roof, because its simulated
model versions belong to `training` and taking it away touches every floor."""

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from django.db import connection, transaction

from config.erase import erase_project
from curation.demo.history import CODING, SUPPORT
from curation.demo.load import load
from training.models import ModelVersion
from workspace import audit, members
from workspace.access import SYSTEM, Actor
from workspace.models import AuditEntry, Membership, Project, Role, User

SLUG = "demo"
NAME = "Demo: Fernhill & Patchwork"
# .invalid is reserved: no mail can ever be sent to these accounts, and without a password nobody can sign in as one
REVIEWERS = [
    ("mara.lindqvist@demo.invalid", "Mara Lindqvist"),
    ("tomas.rivera@demo.invalid", "Tomás Rivera"),
    ("aiko.tan@demo.invalid", "Aiko Tan"),
]
DONE = "demo.created"


class NotTheDemo(RuntimeError):
    """A project stands where the demo should be, or is asked to be deleted as one."""


def create(*, member: User | None = None, say: Callable[[str], None] = lambda line: None) -> tuple[Project, bool]:
    """Make the demo project, or finish one that is incomplete. Returns it and whether anything had to be done.

    `member` becomes its admin. All in one transaction. Raises NotTheDemo where another project has its name.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:  # two starts at once: the second waits and finds it done
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('whetstone.demo'))")
        project = Project.objects.filter(slug=SLUG).first()
        if project is not None and not project.is_demo:
            raise NotTheDemo(f"The project {SLUG} is not generated data; the demo needs that name. Rename one of them.")
        if project is None:
            project = members.create_project(name=NAME, slug=SLUG, actor=SYSTEM, is_demo=True)
        if member is not None:
            Membership.objects.get_or_create(project=project, user=member, defaults={"role": Role.ADMIN})
        if AuditEntry.objects.filter(project=project, action=DONE).exists():
            return project, False
        loaded = load(project=project, reviewers=_reviewers(project), now=project.created_at)
        simulated = _simulated_models(project, project.created_at)
        audit.record(
            project=project, actor=SYSTEM, action=DONE, target=f"project:{SLUG}", **asdict(loaded), simulated=simulated
        )
    for name, count in (*asdict(loaded).items(), ("simulated model versions", simulated)):
        say(f"{count:>5} {name}")
    return project, True


def delete(
    *, project: Project, actor: Actor = SYSTEM, say: Callable[[str], None] = lambda line: None
) -> dict[str, int]:
    """Delete the demo project, its files and its made-up reviewers. Returns rows by model label.

    Raises NotTheDemo for a project with real data, and erase.StillRunning.
    """
    if not project.is_demo:
        raise NotTheDemo(f"The project {project.slug} holds real data and is not deleted as a demo.")
    counts = erase_project(project=project, say=say)
    people = User.objects.filter(email__in=[email for email, _ in REVIEWERS], membership=None)
    counts["workspace.User"] = people.count()
    people.delete()
    # of the project nothing is left, so this row names no project
    audit.record(
        project=None, actor=actor, action="demo.deleted", target=f"project:{project.slug}", rows=sum(counts.values())
    )
    return counts


def _reviewers(project: Project) -> list[User]:
    found = []
    for email, name in REVIEWERS:
        user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email, name=name)
        Membership.objects.get_or_create(project=project, user=user, defaults={"role": Role.REVIEWER})
        found.append(user)
    return found


def _simulated_models(project: Project, now: datetime) -> int:
    """The agents' versions as models that say of themselves that they are made up: shown, never compared."""
    for versions in (SUPPORT, CODING):
        base = None
        for version in versions:
            name, number = re.fullmatch(r"(.+)-v(\d+)", version.name).groups()  # type: ignore[union-attr]
            base, _ = ModelVersion.objects.get_or_create(
                project=project,
                name=name,
                number=int(number),
                defaults={
                    "source": ModelVersion.Source.CONNECTION,
                    "reference": version.name,
                    "base": base,
                    "is_simulated": True,
                    "facts": {"simulated": "made up for the demo; there are no weights and no endpoint"},
                },
            )
    return len(SUPPORT) + len(CODING)
