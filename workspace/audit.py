"""The audit log: one row per act, in the transaction of the act."""

from typing import Any

from workspace.access import Actor
from workspace.models import AuditEntry, Project


def record(*, project: Project | None, actor: Actor, action: str, target: str = "", **detail: Any) -> None:
    """Write that `actor` did `action` (thing.verb) to `target` (kind:outside id). `detail` must be JSON and holds no
    secrets. Call it inside the transaction of the act, so that both stand or neither."""
    AuditEntry.objects.create(
        project=project, user=actor.user, token=actor.token, action=action, target=target, detail=detail
    )
