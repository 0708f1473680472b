"""Nothing personal is stored where a project asks for that; ids still match, and sending again changes nothing."""

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from curation.ingest import inbox
from curation.models import IntakeRules, RawRecord, Span, Trace, TraceRevision
from curation.privacy import rules
from curation.privacy.patterns import KINDS
from curation.privacy.redact import CannotRedact, Redactor
from workspace.access import Actor
from workspace.models import Project

MAIL, CARD = "ann.lee@mail.example", "4111 1111 1111 1111"
RECORD = {
    "id": "conv-1",
    "user": MAIL,
    "messages": [
        {"role": "user", "content": f"I am {MAIL}, card {CARD}"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "find", "arguments": json.dumps({"mail": MAIL})}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps({"owner": MAIL.upper()})},
        {"role": "assistant", "content": "Done."},
    ],
}


def everything() -> str:
    """All text that stands in the tables of intake."""
    bodies = "".join(bytes(body).decode(errors="replace") for body in RawRecord.objects.values_list("body", flat=True))
    rows = [*Trace.objects.values(), *TraceRevision.objects.values(), *Span.objects.values()]
    return bodies + json.dumps(rows, default=str)


def switch_on(project: Project, *kinds: str) -> None:
    rules.change(project=project, actor=Actor(), rules=rules.Rules(redact=frozenset(kinds or KINDS)))


@pytest.mark.django_db
def test_a_body_is_redacted_before_it_is_stored(project: Project) -> None:
    switch_on(project)
    body = json.dumps(RECORD).encode()
    record = inbox.keep(project=project, actor=Actor(), body=body, source="/api/projects/acme/traces")
    inbox.work_off(record_id=record.pk)
    said = everything()
    assert MAIL not in said.lower() and CARD not in said
    trace = Trace.objects.get()
    messages = trace.revision.document["conversations"][0]["messages"]  # type: ignore[union-attr]
    pseudonym = trace.user_id
    assert pseudonym.startswith("<EMAIL_")
    assert messages[0]["parts"][0]["text"].startswith(f"I am {pseudonym}, card <CARD_")
    # the same person in arguments and results, whatever the case of letters: the trace can still be followed
    assert json.loads(messages[1]["tool_calls"][0]["arguments"]) == {"mail": pseudonym}
    assert pseudonym in messages[2]["parts"][0]["text"]
    again = inbox.keep(project=project, actor=Actor(), body=body, source="/api/projects/acme/traces")
    assert again.pk == record.pk


@pytest.mark.django_db
def test_only_the_kinds_that_were_chosen(project: Project) -> None:
    switch_on(project, "card")
    record = inbox.keep(project=project, actor=Actor(), body=json.dumps(RECORD).encode(), source="x.json")
    inbox.work_off(record_id=record.pk)
    assert MAIL in everything() and CARD not in everything()


def test_spans_keep_their_ids_times_and_numbers() -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.start_time_unix_nano = b"\x01" * 16, b"\x02" * 8, 1_700_000_000_000_000_000
    span.name = "chat"
    for key, value in (
        ("user.id", MAIL),
        ("order.id", "4111111111111111"),
        ("gen_ai.input.messages", json.dumps(MAIL)),
    ):
        pair = span.attributes.add()
        pair.key, pair.value.string_value = key, value
    count = span.attributes.add()
    count.key, count.value.int_value = "gen_ai.usage.input_tokens", 12
    redactor = Redactor(project_id=1, kinds=frozenset(KINDS))
    done = ExportTraceServiceRequest.FromString(
        redactor.body(request.SerializeToString(), content_type="application/x-protobuf")
    )
    (after,) = done.resource_spans[0].scope_spans[0].spans
    assert (after.trace_id, after.span_id, after.start_time_unix_nano) == (
        span.trace_id, span.span_id, span.start_time_unix_nano,
    )  # fmt: skip
    values = {pair.key: pair.value.string_value for pair in after.attributes}
    assert values["user.id"].startswith("<EMAIL_")
    assert values["order.id"] == "4111111111111111", "digits of an id are no card"
    assert MAIL not in values["gen_ai.input.messages"]
    assert after.attributes[-1].value.int_value == 12
    assert redactor.counts == {"email": 2}


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"a": "ann.lee@mail.example"}\nnot json ann.lee@mail.example\n{"b": 1}', 2),
        (b"\xef\xbb\xbf" + b'{"a": "ann.lee@mail.example", "n": NaN}', 1),
        ('{"a": "ann.lee@mail.example"}'.encode("utf-16"), 1),
        (b"[1, 2, 3]", 0),
        (b'{"ann.lee@mail.example": {"deep": ["ann.lee@mail.example"]}}', 2),
    ],
)
def test_lines_broken_json_and_other_encodings(body: bytes, kept: int) -> None:
    redactor = Redactor(project_id=1, kinds=frozenset(KINDS))
    done = redactor.body(body, content_type="application/json")
    assert b"ann.lee" not in done and redactor.counts["email"] == kept
    assert len(done.splitlines()) == len(body.removeprefix(b"\xff\xfe").splitlines()) or b"\xff\xfe" in body


@pytest.mark.parametrize("end", [b"", b'\n{"b": 1}\n', b" \\ud800\n"])
def test_long_numbers_stay_as_they_are(end: bytes) -> None:
    """An id of more than 64 bits is no float."""
    body = b'{"id": 123456789012345678901234, "odd": "\\ud800", "text": "ann@mail.example"}' + end
    found = Redactor(project_id=1, kinds=frozenset(KINDS)).body(body, content_type="application/json")
    assert b"123456789012345678901234" in found and b"ann@" not in found and b"<EMAIL_" in found


def test_bytes_that_cannot_be_read_are_refused_and_two_projects_have_other_pseudonyms() -> None:
    one, other = (Redactor(project_id=number, kinds=frozenset(KINDS)) for number in (1, 2))
    with pytest.raises(CannotRedact, match="send it as JSON"):
        one.body(b"SQLite format 3\0\xff\xfe\xfa", content_type="")
    assert one.text(MAIL) == one.text(MAIL) != other.text(MAIL)


@pytest.mark.django_db
def test_rules_are_checked_and_take_effect_at_once_here(project: Project) -> None:
    with pytest.raises(rules.NotARule, match="redact: shoe"):
        rules.change(project=project, actor=Actor(), rules=rules.Rules(redact=frozenset({"shoe"})))
    with pytest.raises(rules.NotARule, match="Days: give a number"):
        rules.change(project=project, actor=Actor(), rules=rules.Rules(keep_days=0))
    assert not IntakeRules.objects.exists()
    assert rules.redactor(project.pk) is None
    switch_on(project, "email")
    found = rules.redactor(project.pk)
    assert found is not None and found.kinds == {"email"}


def test_log_records_that_could_be_read_as_spans_are_redacted_too() -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(event_name="gen_ai.user.message")
    record.trace_id = b"\x12\x0e\x0a\x0c" + b"x" * 12  # as an attribute of a span it would be well formed
    record.body.string_value = f"I am {MAIL}"
    body = request.SerializeToString()
    assert ExportTraceServiceRequest.FromString(body).resource_spans
    done = Redactor(project_id=1, kinds=frozenset(KINDS)).body(body, content_type="application/x-protobuf")
    assert MAIL.encode() not in done
    assert (
        ExportLogsServiceRequest.FromString(done).resource_logs[0].scope_logs[0].log_records[0].trace_id
        == record.trace_id
    )


def test_a_field_called_password_and_text_behind_an_escape_are_replaced() -> None:
    redactor = Redactor(project_id=1, kinds=frozenset(KINDS))
    inner = json.dumps({"password": "hunter2", "note": "first\nann@mail.example.com"})
    body = json.dumps({"password": "correct horse 7", "arguments": inner}).encode()
    changed = json.loads(redactor.body(body, content_type="application/json"))
    assert changed["password"].startswith("<SECRET_")
    inside = json.loads(changed["arguments"])
    assert inside["password"].startswith("<SECRET_")
    assert inside["note"].startswith("first\n<EMAIL_")
