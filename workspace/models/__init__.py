"""People, projects, tokens, connections, the audit log and lineage."""

from workspace.models.connections import Connection
from workspace.models.history import AuditEntry, LineageEdge
from workspace.models.people import ApiToken, Membership, Project, Role, User
from workspace.models.processes import Heartbeat

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Connection",
    "Heartbeat",
    "LineageEdge",
    "Membership",
    "Project",
    "Role",
    "User",
]
