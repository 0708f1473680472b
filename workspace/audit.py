"""The audit log: one row per act, in the transaction of the act."""

from typing import Any

from workspace.access import Actor
from workspace.models import AuditEntry, Project


def sql(*, action: str, target: str, detail: str, source: str) -> str:
    """The same as a part of a bigger statement, for the few acts whose round trips count: all arguments are SQL of ours,
    never what somebody sent. The statement has the parameters project, user and token (ids); `source` is what comes
    behind FROM, one row per act."""
    return (
        "INSERT INTO workspace_auditentry (project_id, user_id, token_id, action, target, detail, at) "  # noqa: S608
        f"SELECT %(project)s, %(user)s, %(token)s, '{action}', {target}, {detail}, now() FROM {source}"
    )


def record(*, project: Project | None, actor: Actor, action: str, target: str = "", **detail: Any) -> None:
    """Write that `actor` did `action` (thing.verb) to `target` (kind:outside id). `detail` must be JSON and holds no
    secrets. Call it inside the transaction of the act, so that both stand or neither."""
    AuditEntry.objects.create(
        project=project, user=actor.user, token=actor.token, action=action, target=target, detail=detail
    )
