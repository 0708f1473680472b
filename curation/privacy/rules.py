"""What a project wants done with personal data, and how long it keeps traces."""

import threading
from dataclasses import dataclass
from time import monotonic

from django.db import transaction

from curation.models import IntakeRules
from curation.privacy.patterns import KINDS
from curation.privacy.redact import Redactor
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

# how long another process may go on with old rules; the page says so
SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one project. `redact` are keys of KINDS; `keep_days` and `keep_most` None: nothing is deleted."""

    redact: frozenset[str] = frozenset()
    look: bool = True
    keep_days: int | None = None
    keep_most: int | None = None


class NotARule(ValueError):
    """A rule that cannot be; the text names the field and the reason."""


_known: dict[int, tuple[float, Rules]] = {}
_lock = threading.Lock()


def rules_of(project_id: int) -> Rules:
    """The rules of a project, read from the database at most every SECONDS in each process."""
    now = monotonic()
    held = _known.get(project_id)
    if held and held[0] > now:
        return held[1]
    found = read(project_id)
    with _lock:
        if len(_known) > 10_000:
            _known.clear()
        _known[project_id] = (now + SECONDS, found)
    return found


def read(project_id: int) -> Rules:
    """The rules as they stand in the database now."""
    row = IntakeRules.objects.filter(project_id=project_id).first()
    if row is None:
        return Rules()
    return Rules(frozenset(row.redact), row.look_for_personal_data, row.keep_days, row.keep_most)


def redactor(project_id: int) -> Redactor | None:
    """What replaces personal data before anything of this project is stored; None where that is switched off."""
    kinds = rules_of(project_id).redact
    return Redactor(project_id=project_id, kinds=kinds) if kinds else None


def change(*, project: Project, actor: Actor, rules: Rules) -> Rules:
    """Store the rules of a project, with an audit row. Raises NotARule."""
    unknown = sorted(rules.redact - KINDS.keys())
    if unknown:
        raise NotARule(f"redact: {', '.join(unknown)} is no kind of personal data; the kinds are {', '.join(KINDS)}")
    for name, value in (("Days", rules.keep_days), ("At most", rules.keep_most)):
        if value is not None and not 1 <= value <= 2_000_000_000:
            raise NotARule(f"{name}: give a number of at least 1, or leave it empty to delete nothing")
    with transaction.atomic():
        before = read(project.pk)
        if before == rules:
            return rules
        IntakeRules.objects.update_or_create(
            project=project,
            defaults={
                "redact": sorted(rules.redact),
                "look_for_personal_data": rules.look,
                "keep_days": rules.keep_days,
                "keep_most": rules.keep_most,
            },
        )
        audit.record(
            project=project, actor=actor, action="intake.rules_changed", target=f"project:{project.slug}",
            redact=sorted(rules.redact), look=rules.look, keep_days=rules.keep_days, keep_most=rules.keep_most,
        )  # fmt: skip
    with _lock:
        _known.pop(project.pk, None)
    return rules
