"""Good, bad or neutral for one step of a run."""

import uuid

from django.db import transaction

from curation.models import StepVerdict, Trace, TraceRevision
from curation.review.invalid import Invalid
from workspace import audit
from workspace.access import Actor
from workspace.models import Project


def judge(
    *, project: Project, actor: Actor, trace_uid: uuid.UUID, step_key: str, value: str, revision: int | None = None
) -> str:
    """Say that a step is good, bad or neutral; saying it again replaces what the same person said, "" removes it.

    A door sends what shall stand afterwards, never "the other one", so a doubled request changes nothing. Returns the
    value that stands. Raises Trace.DoesNotExist for a trace that is not in the project, Invalid for a value or a step
    that does not exist.
    """
    if value and value not in StepVerdict.Value.values:
        raise Invalid(
            "value",
            f"must be one of {', '.join(StepVerdict.Value.values)}, or empty to take it back; got {value[:40]!r}",
        )
    seen = TraceRevision.objects.filter(trace__project=project, trace__uid=trace_uid)
    # the newest one where none is named
    found = seen.filter(number=revision) if revision is not None else seen.order_by("-number")
    row = found.values("id", "trace_id").first()
    if row is None:
        if revision is None or not seen.exists():
            raise Trace.DoesNotExist
        raise Invalid("revision", f"{revision} does not exist")
    with transaction.atomic():
        where = {"revision_id": row["id"], "step_key": step_key, "user": actor.user}
        if not value:
            changed = StepVerdict.objects.filter(**where).delete()[0] > 0
        else:
            changed = _known(row["id"], step_key)
            if not changed:
                raise Invalid("step", f"{step_key[:60]!r} is not a step of this trace")
            StepVerdict.objects.update_or_create(
                **where, defaults={"value": value},
                create_defaults={"value": value, "project": project, "trace_id": row["trace_id"], "author": actor.label[:200]},
            )  # fmt: skip
        if changed:
            audit.record(
                project=project, actor=actor, action="step.judged", target=f"trace:{trace_uid}",
                step=step_key, value=value or "removed",
            )  # fmt: skip
    return value


def _known(revision: int, step_key: str) -> bool:
    return TraceRevision.objects.filter(pk=revision, step_rows__key=step_key).exists()
