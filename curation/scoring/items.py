"""Which traces a batch is about, and its items: written in one statement, so that nobody sees half of them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Exists, F, OuterRef, TextField, Value
from django.db.models.functions import MD5, Cast, Concat
from django.utils import timezone

from curation import filters
from curation.models import Batch, BatchItem, GraderVersion, Score, Trace
from curation.models.scores import OWN_PREFIX, OWN_SOURCES
from curation.models.traces import TraceQuerySet
from curation.scoring.refused import Refused
from curation.search.conditions import planned
from workspace.models import Project


def as_of(until: datetime | None) -> datetime:
    """The moment that a price and its batch are about: `until`, at the latest now. Raises Refused for one without a zone."""
    if until is not None and timezone.is_naive(until):
        raise Refused("until", f"{until.isoformat()} has no time zone: write it as in {until.isoformat()}Z.")
    return min(until or timezone.now(), timezone.now())


def matching(
    *, project: Project, query: str, until: datetime, sample: int | None = None, seed: int = 0
) -> TraceQuerySet:
    """Traces that match `query` and came in until `until`, with something said in them; of those `sample` drawn at
    random, the same ones for the same seed. Raises FilterError."""
    found = filters.apply(
        Trace.objects.filter(project=project), filters.parse(query), now=until, search=planned(project.pk)
    ).filter(received_at__lte=until, revision__isnull=False, erased_at=None)
    if sample is None:
        return found
    return Trace.objects.filter(pk__in=drawn(found, seed).values("pk")[:sample])


def drawn(traces: TraceQuerySet, seed: int) -> TraceQuerySet:
    """In an order that the seed and each trace's own id decide: more traces leave the order of the others alone."""
    place = MD5(Concat(Value(f"{seed} "), F("external_id"), output_field=TextField()))
    return traces.order_by(place, "pk")


def external_id(version: GraderVersion, revision_id: int | None) -> str:
    """The id under which this version's score of a revision is kept: it cannot be kept twice."""
    return f"{OWN_PREFIX}{version.uid}:{revision_id}"


def has_score(version: GraderVersion) -> Exists:
    """Whether a trace has a score by this version for its newest revision."""
    key = Concat(
        Value(f"{OWN_PREFIX}{version.uid}:"), Cast(OuterRef("revision_id"), TextField()), output_field=TextField()
    )
    return Exists(
        Score.objects.filter(
            trace=OuterRef("pk"), name=version.grader.slug, source__in=OWN_SOURCES, external_id=key
        )
    )  # fmt: skip


def split(traces: TraceQuerySet, version: GraderVersion | None, *, regrade: bool) -> Any:
    """The same with `reused`: whether there is a score already, so that nothing is asked."""
    reused: Any = has_score(version) if version is not None and not regrade else Value(False, BooleanField())
    return traces.annotate(reused=reused)


def write(batch: Batch, traces: Any, settings: Sequence[dict[str, Any]] = ({},)) -> tuple[int, int]:
    """Write the items of a batch: for each trace of `split` that is not `reused`, one for each entry of `settings` (its
    place is the ordinal), in order of the traces' ids. Returns (items, traces that are reused)."""
    try:
        sql, parameters = traces.order_by("pk").values_list("pk", "revision_id", "reused").query.sql_with_params()
    except EmptyResultSet:  # a filter that can match nothing
        return 0, 0
    table = BatchItem._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH found (trace_id, revision_id, reused) AS MATERIALIZED ({sql}),
            written AS (
                INSERT INTO {table} (batch_id, trace_id, revision_id, ordinal, settings, status, attempts, grades, error)
                SELECT %s, trace_id, revision_id, way.ordinal, way.settings::jsonb, 'waiting', 0, '{{}}', ''
                FROM found CROSS JOIN unnest(%s::int[], %s::text[]) AS way (ordinal, settings)
                WHERE NOT reused ORDER BY trace_id, way.ordinal
                RETURNING 1
            )
            SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM found WHERE reused)
            """,  # noqa: S608
            [*parameters, batch.pk, list(range(len(settings))), [json.dumps(one) for one in settings]],
        )
        made, reused = cursor.fetchone()
    return int(made), int(reused)
