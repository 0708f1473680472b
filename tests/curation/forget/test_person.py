"""Forgetting a person leaves nothing of theirs, and says what had learned from it."""

import gzip
import io
import json

import pytest
from django.core.management import call_command
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from curation.datasets import build, read
from curation.datasets.exporting import export
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import signatures
from curation.forget.person import NotASubject, Subject, forget, holdings
from curation.ingest import inbox
from curation.ingest.bodies import opened
from curation.models import (
    Correction,
    DatasetRow,
    Erasure,
    Feedback,
    Judgment,
    RawRecord,
    Replay,
    RevisionSignature,
    Span,
    Trace,
    TraceRevision,
    WaitingWord,
)
from curation.review import said
from curation.review.feedback import Opinion
from curation.review.said import About
from tests import make
from tests.curation.ingest.test_spans import TRACE, json_body
from workspace import lineage
from workspace.access import Actor
from workspace.lineage import Node
from workspace.models import AuditEntry, Project, User

MAIL = "ann.lee@mail.example"
RUN, MODEL = "0198a000-0000-7000-8000-000000000001", "0198a000-0000-7000-8000-000000000002"


def everything() -> str:
    """Every text in the tables that hold what people said."""
    rows = [
        list(model._default_manager.values())
        for model in (Trace, TraceRevision, Span, Judgment, Correction, Feedback, Erasure, AuditEntry)
    ]
    return json.dumps(rows, default=str) + "".join(
        bytes(body).decode(errors="replace") for body in RawRecord.objects.values_list("body", flat=True)
    )


@pytest.fixture
def kept(project: Project, rita: User) -> Trace:
    """Ann's trace in a frozen dataset, another of hers, one that mentions her, and somebody else's."""
    said = make.short_document(question=f"I am {MAIL}: where is order 7?")
    held = make.trace(project, user_id="u-7", external_id="held", said=said)
    make.judgment(held, rita, note=f"{MAIL} was served well")
    Feedback.objects.create(project=project, trace=held, author="x", comments=f"from {MAIL}")
    version = build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe())
    lineage.link(project=project, source=Node("dataset_version", str(version.uid)), target=Node("run", RUN))
    lineage.link(project=project, source=Node("run", RUN), target=Node("model", MODEL))
    body = json.dumps({"id": "mail", "messages": [{"role": "user", "content": f"Forward to {MAIL.upper()}"},
                                                  {"role": "assistant", "content": "Done."}]}).encode()  # fmt: skip
    inbox.work_off(record_id=inbox.keep(project=project, actor=Actor(), body=body, source="posted").pk)
    make.trace(project, user_id="u-7", external_id="second")
    make.trace(project, user_id="u-70", external_id="other")
    Span.objects.create(project=project, trace_key="ff", span_key="1", payload={"user": MAIL}, digest="d")
    return held


@pytest.mark.django_db
def test_everything_of_a_person_goes_and_the_dataset_keeps_a_tombstone(
    project: Project, alice: User, kept: Trace
) -> None:
    subject = Subject(user_id="u-7", texts=(MAIL,))
    found = holdings(project=project, subject=subject)
    assert (len(found.traces), len(found.frozen), len(found.bodies), len(found.spans)) == (3, 1, 1, 1)
    erasure = forget(project=project, actor=Actor(user=alice), subject=subject)
    assert MAIL not in everything().lower()
    assert set(Trace.objects.values_list("external_id", flat=True)) == {"held", "other"}
    tomb = Trace.objects.get(external_id="held")
    assert tomb.erased_at and tomb.user_id == "" and tomb.preview == ""
    assert not Trace.objects.listed().filter(pk=tomb.pk).exists()
    row = DatasetRow.objects.get()
    assert row.trace == tomb and row.revision.document["conversations"][0]["messages"] == []
    assert b"".join(export.write_jsonl(row.version, "openai-sft")) == b""
    assert read.changed(row.version).erased == 1
    assert {(one["kind"], one["id"]) for one in erasure.touched} == {
        ("dataset_version", str(row.version.uid)), ("run", RUN), ("model", MODEL),
    }  # fmt: skip
    assert erasure.counts["traces"] == 2 and erasure.counts["tombstones"] == 1
    again = forget(project=project, actor=Actor(user=alice), subject=subject)
    assert "traces" not in again.counts


@pytest.mark.django_db
def test_what_tells_a_text_again_is_not_kept_of_a_tombstone(project: Project, kept: Trace) -> None:
    before = RevisionSignature.objects.get(revision__trace=kept)
    assert before.digest and before.sameness and before.vector
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-7", texts=(MAIL,)))
    assert not RevisionSignature.objects.filter(revision__trace=kept).exists()
    signatures.sweep()  # what it works out is of the emptied revision
    after = RevisionSignature.objects.get(revision__trace=kept)
    assert after.stopped and not after.minhash and not after.vector and after.digest != before.digest


@pytest.mark.django_db
def test_the_page_of_a_tombstone_and_of_its_row_still_open(
    project: Project, alice: User, kept: Trace, as_user: object
) -> None:
    forget(project=project, actor=Actor(user=alice), subject=Subject(user_id="u-7"))
    client = as_user(alice)  # type: ignore[operator]
    row = DatasetRow.objects.select_related("version__dataset").get()
    name, number = row.version.dataset.name, row.version.number
    for address in (
        f"/p/acme/traces/{kept.uid}/",
        f"/p/acme/datasets/{name}/{number}/",
        f"/p/acme/datasets/{name}/{number}/rows/1/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert b"rased" in answer.content, address


@pytest.mark.django_db
def test_other_projects_and_people_with_like_names_stay(project: Project, charlie: User, kept: Trace) -> None:
    other = Project.objects.get(slug="other")
    make.trace(other, user_id="u-7", external_id="theirs")
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-7"))
    assert Trace.objects.filter(external_id__in=("theirs", "other", "mail")).count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("subject", [Subject(), Subject(texts=("an",)), Subject(user_id="u", texts=("   ",))])
def test_nobody_and_too_short_words_are_refused(project: Project, kept: Trace, subject: Subject) -> None:
    with pytest.raises(NotASubject):
        forget(project=project, actor=Actor(), subject=subject)
    assert Trace.objects.count() == 4


@pytest.mark.django_db
def test_signs_that_sql_and_json_read_otherwise(project: Project) -> None:
    odd = 'quote " back\\slash 100%_é'
    make.trace(project, external_id="odd", said=make.short_document(question=f"It says {odd} here"))
    make.trace(project, external_id="plain", said=make.short_document(question="It says quote back here"))
    forget(project=project, actor=Actor(), subject=Subject(texts=(odd,)))
    assert list(Trace.objects.values_list("external_id", flat=True)) == ["plain"]


def _span(key: str, number: int, said: str, **attributes: str) -> bytes:
    values = {"gen_ai.operation.name": "chat", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": said,
              "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "Yes.", **attributes}  # fmt: skip
    span = {"traceId": key * 32, "spanId": f"{number:016x}", "name": "chat", "startTimeUnixNano": f"{number}000",
            "endTimeUnixNano": f"{number}500",
            "attributes": [{"key": name, "value": {"stringValue": text}} for name, text in values.items()]}  # fmt: skip
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


@pytest.mark.django_db
def test_a_short_user_id_takes_all_bodies_of_its_traces_and_none_of_others(project: Project) -> None:
    """A trace of spans comes in many bodies of which few name the user; and 7 is part of nearly every other body."""
    for body in (
        _span("a", 1, "Mine, first", **{"user.id": "7"}),
        _span("a", 2, "Mine, second"),
        _span("b", 3, "Theirs, order 7", **{"user.id": "8"}),
    ):
        kept = inbox.keep(project=project, actor=Actor(), body=body, source="/v1/traces", wanted=inbox.OTLP,
                          content_type="application/json")  # fmt: skip
        assert inbox.work_off(record_id=kept.pk) == "done"
    assert set(Trace.objects.values_list("user_id", flat=True)) == {"7", "8"}
    packed = ExportTraceServiceRequest()
    attribute = packed.resource_spans.add().scope_spans.add().spans.add().attributes.add(key="user.id")
    attribute.value.string_value = "7"
    waits = inbox.keep(project=project, actor=Actor(), body=packed.SerializeToString(), source="x", wanted=inbox.OTLP)
    forget(project=project, actor=Actor(), subject=Subject(user_id="7"))
    left = [bytes(body) for body in RawRecord.objects.exclude(body=b"").values_list("body", flat=True)]
    assert len(left) == 1 and b"Theirs" in left[0]
    assert RawRecord.objects.get(pk=waits.pk).status == "done"
    assert list(Span.objects.values_list("trace_key", flat=True)) == ["b" * 32]


@pytest.mark.django_db
def test_replays_of_a_tombstone_and_words_that_wait_go(project: Project, ada: User, kept: Trace) -> None:
    made = make.replay(kept, ada)
    Replay.objects.filter(pk=made.pk).update(status="failed", messages=[{"role": "user", "text": MAIL}])
    for about in (About(trace="later"), About(trace="held-2")):
        text = f"ask {MAIL.upper()}" if about.trace == "later" else "somebody else"
        said.say_feedback(project=project, actor=Actor(), about=about, opinion=Opinion(comments=text))
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-7", texts=(MAIL,)))
    assert Trace.objects.get(external_id="held").erased_at and not Replay.objects.exists()
    assert list(WaitingWord.objects.values_list("external_id", flat=True)) == ["held-2"]


@pytest.mark.django_db
def test_what_comes_again_does_not_fill_a_tombstone(project: Project, kept: Trace) -> None:
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-7", texts=(MAIL,)))
    body = json.dumps({"id": "held", "user_id": "u-7", "messages": [{"role": "user", "content": f"I am {MAIL} again"},
                                                  {"role": "assistant", "content": "Hello."}]}).encode()  # fmt: skip
    kept_body = inbox.keep(project=project, actor=Actor(), body=body, source="posted")
    assert inbox.work_off(record_id=kept_body.pk) == "done"
    RawRecord.objects.get(pk=kept_body.pk).delete()
    assert MAIL not in everything() and Trace.objects.get(external_id="held").user_id == ""


@pytest.mark.django_db
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_body_is_looked_through_whether_it_is_packed_or_not(project: Project, is_packed: bool) -> None:
    body = json_body([{"traceId": TRACE, "spanId": "00f067aa0ba902b7", "name": f"GET /{MAIL}"}]) + b" " * 500
    packed = gzip.compress(body) if is_packed else None
    record = inbox.keep(
        project=project,
        actor=Actor(),
        body=body,
        packed=packed,
        source="/v1/traces",
        content_type="application/json",
        wanted=inbox.OTLP,
    )
    other = inbox.keep(project=project, actor=Actor(), body=b"{}", packed=gzip.compress(b"{}"), source="/v1/traces")
    assert inbox.work_off(record_id=record.pk) == "done", RawRecord.objects.get(pk=record.pk).error
    forget(project=project, actor=Actor(), subject=Subject(texts=(MAIL,)))
    record.refresh_from_db()
    other.refresh_from_db()
    assert (bytes(record.body), record.packing) == (b"", "") and not Span.objects.exists()
    assert opened(other.body, other.packing) == b"{}"


@pytest.mark.django_db
@pytest.mark.parametrize("operation", ["chat", ""])
def test_spans_that_come_late_are_not_kept_for_a_tombstone(project: Project, kept: Trace, operation: str) -> None:
    Trace.objects.filter(pk=kept.pk).update(external_id=TRACE)
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-7", texts=(MAIL,)))
    told = [{"key": "http.note", "value": {"stringValue": MAIL}}]
    if operation:
        told.append({"key": "gen_ai.operation.name", "value": {"stringValue": operation}})
    body = json_body([{"traceId": TRACE, "spanId": "00f067aa0ba902b7", "name": "late", "attributes": told}])
    late = inbox.keep(
        project=project,
        actor=Actor(),
        body=body,
        source="/v1/traces",
        content_type="application/json",
        wanted=inbox.OTLP,
    )
    assert inbox.work_off(record_id=late.pk) == "done"
    RawRecord.objects.get(pk=late.pk).delete()
    assert not Span.objects.filter(trace_key=TRACE).exists() and MAIL not in everything()


@pytest.mark.django_db
def test_the_command_shows_first_and_erases_with_yes(project: Project, kept: Trace) -> None:
    out = io.StringIO()
    call_command("forget_person", "--project", "acme", "--user", "u-7", "--text", MAIL, stdout=out)
    assert "3 traces, 1 of them in frozen datasets (support@1)" in out.getvalue() and "--yes" in out.getvalue()
    assert Trace.objects.count() == 4
    call_command("forget_person", "--project", "acme", "--user", "u-7", "--text", MAIL, "--yes", stdout=out)
    assert Trace.objects.count() == 2
