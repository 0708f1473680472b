"""Who works on a batch: one process at a time, and what a dead one held is free at once."""

import json
import os
from datetime import timedelta
from pathlib import Path

from django.db.models import Q
from django.utils import timezone

from curation.models import Batch

LASTS = timedelta(seconds=120)  # it is renewed far more often; whoever slept for longer has lost it
OPEN = (Batch.Status.QUEUED, Batch.Status.RUNNING)


def owner() -> str:
    """A name for one piece of work of this process: machine's boot, pid, when it began, and something random."""
    return json.dumps([_boot(), os.getpid(), _began(os.getpid()), os.urandom(4).hex()])


def take(batch_id: int, name: str) -> bool:
    """Take or renew the lease on a batch that is not at its end. False where another has it, or it has ended."""
    now = timezone.now()
    held = Batch.objects.filter(Q(lease_owner__in=["", name]) | Q(lease_until__lt=now), pk=batch_id, status__in=OPEN)
    return bool(held.update(status=Batch.Status.RUNNING, lease_owner=name, lease_until=now + LASTS))


def give_back(batch_id: int, name: str) -> None:
    """Let the next one work on it."""
    Batch.objects.filter(pk=batch_id, lease_owner=name).update(lease_owner="", lease_until=None)


def free(batches: list[Batch]) -> list[int]:
    """Keys of those that nobody holds. The lease of a process of this machine that is dead is taken away first."""
    now, found = timezone.now(), []
    for batch in batches:
        if batch.lease_owner and (is_dead(batch.lease_owner) or (batch.lease_until or now) <= now):
            if not Batch.objects.filter(pk=batch.pk, lease_owner=batch.lease_owner).update(
                lease_owner="", lease_until=None
            ):
                continue
        elif batch.lease_owner:
            continue
        found.append(batch.pk)
    return found


def is_dead(name: str) -> bool:
    """Whether the process is known to be gone. Of another machine, or another boot, nothing is known: its lease runs
    out."""
    try:
        boot, pid, began, _ = json.loads(name)
    except ValueError:
        return False
    return bool(boot and boot == _boot() and _began(pid) != began)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When a process began, in ticks of this machine; "" where there is none, or only its corpse."""
    try:
        fields = Path(f"/proc/{int(pid)}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]
