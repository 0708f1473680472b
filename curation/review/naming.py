"""Finding a trace by what outsiders call it."""

import uuid

from curation.models import Trace
from workspace.models import Project


def find_trace(*, project: Project, name: str) -> Trace:
    """The trace with this outside id, else the one that its sender calls so. Raises Trace.DoesNotExist."""
    found = Trace.objects.filter(project=project).defer("metadata")
    try:
        uid = uuid.UUID(name)
    except ValueError:
        return found.get(external_id=name)
    # a sender may use UUIDs of its own
    return found.filter(uid=uid).first() or found.get(external_id=name)
