"""The values of traces that balances and mixes go by."""

from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from curation.datasets.selecting.candidates import Candidate, array
from curation.filters.compile import condition
from curation.filters.topics import effective
from curation.models import Topic, Trace
from curation.search.conditions import planned
from workspace.models import Project

NONE = ""
# a key with dots is looked for as it is, then as a path: as `meta.KEY` in filters
_META = """
    SELECT id, coalesce(metadata ->> %s, metadata #>> %s) FROM curation_trace WHERE id = ANY(%s)
"""

_SYNTHETIC = """
    SELECT id FROM curation_trace WHERE id = ANY(%s::bigint[]) AND metadata @> '{"synthetic": true}'
"""


def values(project: Project, found: Sequence[Candidate], field: str) -> dict[int, str]:
    """Trace -> its value of agent, model, env, task, topic or meta.KEY; "" where it has none. At most a few statements."""
    if field == "topic":
        return topics(project, [one.id for one in found])
    if field.startswith("meta."):
        key = field.removeprefix("meta.")
        with connection.cursor() as cursor:
            cursor.execute(_META, [key, key.split("."), [one.id for one in found]])
            return {trace: NONE if value is None else str(value) for trace, value in cursor.fetchall()}
    column = {"agent": "agent", "model": "model", "env": "environment", "task": "task_id"}[field]
    return {one.id: getattr(one, column) for one in found}


def topics(project: Project, traces: Sequence[int]) -> dict[int, str]:
    """Trace -> the slug of its topic as of now: the one it was given, else that of the first rule that matches; "" where
    it has none. Two statements; one where the project has no topics."""
    known = list(Topic.objects.filter(project=project))
    if not known:
        return {}
    slugs = {one.pk: one.slug for one in known}
    now = timezone.now()
    found = effective(known, lambda rule: condition(rule, now=now, search=planned(project.pk)))
    rows = Trace.objects.filter(id__in=list(traces)).annotate(about=found).values_list("id", "about")
    return {trace: slugs.get(about, NONE) for trace, about in rows}


def synthetic(traces: Sequence[int]) -> set[int]:
    """Those of which the sender says that a model made them: `synthetic` is true in their metadata."""
    with connection.cursor() as cursor:
        cursor.execute(_SYNTHETIC, [array(traces)])
        return {row[0] for row in cursor.fetchall()}
