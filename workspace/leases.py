"""Who works on a row: one process at a time, and what a dead one held is free at once.

For models with `lease_owner` (text, "" for nobody) and `lease_until`. Each call takes the rows that it is about, narrowed
to those that may be worked on.
"""

import json
import os
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from workspace import identity

LASTS = timedelta(seconds=120)  # it is renewed far more often; whoever slept for longer has lost it


def owner() -> str:
    """A name for one piece of work of this process: machine's boot, pid, when it began, and something random."""
    return json.dumps([*identity.of_process().values(), os.urandom(4).hex()])


def take(rows: QuerySet[Any], name: str, *, lasts: timedelta = LASTS, **fields: Any) -> bool:
    """Take or renew the lease on the row in `rows`, and set `fields` of it. False where another has it, or there is none."""
    now = timezone.now()
    held = rows.filter(Q(lease_owner__in=["", name]) | Q(lease_until__lt=now))
    return bool(held.update(lease_owner=name, lease_until=now + lasts, **fields))


def give_back(rows: QuerySet[Any], name: str) -> None:
    """Let the next one work on it."""
    rows.filter(lease_owner=name).update(lease_owner="", lease_until=None)


def free(rows: QuerySet[Any], *, most: int = 200) -> list[int]:
    """Keys of the oldest that nobody holds. The lease of a process of this machine that is dead is taken away first."""
    now, found = timezone.now(), []
    for key, name, until in rows.order_by("pk").values_list("pk", "lease_owner", "lease_until")[:most]:
        if name:
            if not is_dead(name) and (until or now) > now:
                continue
            if not rows.filter(pk=key, lease_owner=name, lease_until=until).update(lease_owner="", lease_until=None):
                continue
        found.append(key)
    return found


def is_held(row: Any) -> bool:
    """Whether somebody is at work on it: its lease has not run out, and is of no process that is known to be gone."""
    until = row.lease_until
    return bool(row.lease_owner and until is not None and until > timezone.now() and not is_dead(row.lease_owner))


def is_dead(name: str) -> bool:
    """Whether the process is known to be gone. Of another machine, or another boot, nothing is known: its lease runs
    out."""
    try:
        boot, pid, ticks, _ = json.loads(name)
    except ValueError:
        return False
    return bool(boot and boot == identity.boot_id() and not identity.lives(boot, pid, ticks))
