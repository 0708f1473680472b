"""Stored traces for dataset tests, straight into the tables: these tests are not about intake."""

import hashlib
import json
from typing import Any

from django.utils import timezone

from curation.messages.form import Document, main_conversation
from curation.messages.measure import fingerprint
from curation.models import Correction, Judgment, Trace, TraceRevision
from curation.review import judgments
from tests import make
from workspace.access import Actor
from workspace.models import Project, User


def trace(
    project: Project, said: Document | None = None, *, judged: str = "", by: User | None = None, **fields: Any
) -> Trace:
    """A trace with one revision; `judged` is the verdict that `by` gives."""
    number = make.number()
    document = said or make.short_document(question=f"Where is order {1000 + number}?")
    main = main_conversation(document)
    made = Trace.objects.create(
        project=project,
        external_id=fields.pop("external_id", f"trace-{number}"),
        received_at=fields.pop("received_at", timezone.now()),
        input_fingerprint=fingerprint(main),
        **{
            "agent": "support",
            "preview": next(
                (p.get("text", "") for m in main["messages"] if m["role"] == "user" for p in m["parts"]), ""
            )[:300],
            **fields,
        },
    )
    revise(made, document)
    if judged:
        assert by is not None
        judge(made, by, judged)
    return made


def revise(trace: Trace, document: Document) -> TraceRevision:
    """A further revision of a trace, as a sender's update makes it."""
    digest = hashlib.sha256(json.dumps(document).encode()).hexdigest()
    revision = TraceRevision.objects.create(
        trace=trace, number=trace.revisions.count() + 1, digest=digest, document=document
    )
    trace.revision = revision
    trace.verdict_stale = bool(trace.verdict)
    trace.save(update_fields=["revision", "verdict_stale"])
    return revision


def judge(trace: Trace, user: User, verdict: str = "acceptable", **fields: Any) -> Judgment:
    """A judgment by the work function; `trace` is read anew."""
    judgments.record(project=trace.project, actor=Actor(user=user), trace_uid=trace.uid, verdict=verdict, **fields)
    trace.refresh_from_db()
    return Judgment.objects.filter(trace=trace).latest("id")


def correct(trace: Trace, user: User, answer: str) -> Correction:
    """A correction of the final answer."""
    assert trace.revision is not None
    messages = [*trace.revision.document["conversations"][0]["messages"]]
    messages[-1] = {"role": "assistant", "parts": [{"type": "text", "text": answer}]}
    return Correction.objects.create(
        project=trace.project, trace=trace, revision=trace.revision, user=user, author=str(user), messages=messages
    )
