"""Uploading files: kept first, worked off from the inbox, every rejected line named."""

import gzip
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from benchmarks import ingest_spans
from curation import tasks
from curation.models import RawRecord, Trace
from workspace.models import AuditEntry

pytestmark = pytest.mark.django_db


def chat(number):
    said = [{"role": "user", "content": f"Question {number}"}, {"role": "assistant", "content": "Answer"}]
    return json.dumps({"id": f"c-{number}", "messages": said})


def send(client, *files, **fields):
    files = [SimpleUploadedFile(name, body.encode() if isinstance(body, str) else body) for name, body in files]
    return client.post("/p/acme/traces/upload/", {"files": files, "format": "auto", **fields}, follow=True)


def test_a_file_is_kept_worked_off_and_reported_line_by_line(project, alice, as_user):
    client = as_user(alice)
    body = "\n".join([chat(1), "{broken", chat(2)])
    page = send(client, ("chats.jsonl", body))
    assert "Kept safely" in page.content.decode() and 'hx-trigger="every 1s"' in page.content.decode()
    record = RawRecord.objects.get()
    assert bytes(record.body).decode() == body and record.user == alice
    assert AuditEntry.objects.get(action="traces.uploaded").detail["name"] == "chats.jsonl"

    tasks.sweep_inbox()
    address = f"/p/acme/traces/upload/results/?file={record.uid}"
    text = client.get(address).content.decode()
    assert "every 1s" not in text and "Show the 2 new traces" in text
    assert "line 2" in text
    assert Trace.objects.filter(project=project).count() == 2
    link = text.split('href="/p/acme/traces/?q=')[1].split('"')[0]
    assert client.get(f"/p/acme/traces/?q={link}").content.decode().count("data-row") == 2

    again = send(client, ("chats.jsonl", body)).content.decode()
    assert "This very file was here before" in again and RawRecord.objects.count() == 1


def test_what_cannot_be_read_says_why_and_can_be_tried_again(project, alice, as_user):
    client = as_user(alice)
    send(client, ("picture.json", b"\x89PNG\r\n\x1a\n"))
    tasks.sweep_inbox()
    record = RawRecord.objects.get()
    text = client.get(f"/p/acme/traces/upload/?file={record.uid}").content.decode()
    assert "Not readable" in text and record.error and "Try again" in text
    client.post(f"/p/acme/traces/upload/{record.uid}/retry/")
    assert RawRecord.objects.get().status == "pending"


def test_nothing_is_taken_when_something_is_wrong(project, alice, as_user, settings):
    client = as_user(alice)
    settings.MAX_BODY_BYTES = 500
    answer = send(client, ("large.jsonl", chat(1) * 9), ("empty.json", ""))
    assert answer.status_code == 422
    assert "large.jsonl was not taken: it has" in answer.content.decode()
    assert "empty.json was not taken: it is empty" in answer.content.decode()
    assert "more than 500 bytes are packed" in send(client, ("a.gz", gzip.compress(b" " * 600))).content.decode()
    assert "broken or cut off" in send(client, ("a.gz", gzip.compress(chat(1).encode())[:-9])).content.decode()
    assert "No file was chosen" in client.post("/p/acme/traces/upload/", {"format": "auto"}).content.decode()
    assert "no such format" in send(client, ("a.json", chat(1)), format="nonsense").content.decode()
    assert not RawRecord.objects.exists()


def test_one_file_that_cannot_be_taken_holds_up_no_other(project, alice, as_user):
    page = send(as_user(alice), ("empty.json", ""), ("chats.jsonl", chat(1))).content.decode()
    assert page.count("empty.json was not taken: it is empty.") == 1 and "Kept safely" in page
    assert RawRecord.objects.get().source == "chats.jsonl"


def test_what_another_page_left_to_say_is_not_said_of_files(project, alice, as_user):
    client = as_user(alice)
    client.post("/account/", {"name": "Alice"})
    page = client.get("/p/acme/traces/upload/").content.decode()
    assert page.count('<p class="toast">') == 1 and "note-warn" not in page


def test_each_file_leads_to_its_own_traces_and_says_what_it_was_read_as(project, alice, as_user):
    """Files of one moment are told apart; one packed with gzip and one in protobuf come in like any other."""
    client = as_user(alice)
    span = ingest_spans.body(3, 1)
    packed = gzip.compress("\n".join([chat(1), chat(2)]).encode())
    send(client, ("chats.jsonl.gz", packed), ("spans.pb", span), ("one.jsonl", chat(9)))
    for _ in range(2):
        tasks.sweep_inbox()
    found = {record.source: record for record in RawRecord.objects.all()}
    assert found.keys() == {"chats.jsonl", "spans.pb", "one.jsonl"}
    for name, count in (("chats.jsonl", 2), ("spans.pb", 3), ("one.jsonl", 1)):
        text = client.get(f"/p/acme/traces/upload/results/?file={found[name].uid}").content.decode()
        link = text.split('href="/p/acme/traces/?q=')[1].split('"')[0]
        assert client.get(f"/p/acme/traces/?q={link}").content.decode().count("data-row") == count, name
        assert ("Read as OpenTelemetry." if name == "spans.pb" else "Read as OpenAI") in text


def test_import_notes_are_told_with_the_file(project, alice, as_user):
    client = as_user(alice)
    odd = {"messages": [{"role": "user", "content": "hi"}, {"role": "narrator", "content": "?"}]}
    send(client, ("odd.jsonl", "\n".join(json.dumps({"id": number, **odd}) for number in range(3))))
    tasks.sweep_inbox()
    record = RawRecord.objects.get()
    text = client.get(f"/p/acme/traces/upload/results/?file={record.uid}").content.decode()
    if record.outcome.get("created"):
        assert "What could not be taken over" in text and "3 traces" in text and "Done, with notes" in text
    else:
        assert "All rejected" in text


def test_a_reviewer_does_not_upload_and_nobody_sees_foreign_files(project, rita, alice, charlie, as_user):
    assert as_user(rita).get("/p/acme/traces/upload/").status_code == 403
    send(as_user(alice), ("chats.jsonl", chat(1)))
    uid = RawRecord.objects.get().uid
    assert "chats.jsonl" not in as_user(charlie).get(f"/p/other/traces/upload/?file={uid}").content.decode()
    assert as_user(charlie).get(f"/p/acme/traces/upload/?file={uid}").status_code == 404
    assert as_user(alice).get("/p/acme/traces/upload/?file=zzz").status_code == 400


def test_what_programs_sent_and_nobody_could_read_is_shown_and_can_be_tried_again(project, alice, as_user):
    RawRecord.objects.create(
        project=project, source="/v1/traces", format="otlp", content_type="application/json", body=b"{}", sha256="0",
        status="quarantined", error="ValueError: <b>odd</b>", attempts=3,
    )  # fmt: skip
    client = as_user(alice)
    page = client.get("/p/acme/traces/upload/").content.decode()
    assert "not readable" in page and "ValueError: &lt;b&gt;odd&lt;/b&gt;" in page
    client.post(page.split('class="button small"')[0].rsplit('action="', 1)[1].split('"')[0])
    assert RawRecord.objects.get().status == "pending"
    tasks.sweep_inbox()
    assert "not readable" not in client.get("/p/acme/traces/upload/").content.decode()


def test_what_came_with_the_traces_is_told_and_labels_can_be_explained(project, alice, as_user):
    client = as_user(alice)
    tasks_file = json.dumps(
        [
            {"id": number, "data": {"prompt": f"q{number}", "response": "a"}, "annotations": [
                {"id": number, "completed_by": 1, "result": [
                    {"from_name": "fine", "type": "choices", "value": {"choices": [label]}}]}]}
            for number, label in enumerate(["good", "yes", "yes"])
        ]
    )  # fmt: skip
    send(client, ("tasks.json", tasks_file))
    tasks.sweep_inbox()
    address = f"/p/acme/traces/upload/?file={RawRecord.objects.get().uid}"
    text = client.get(address).content.decode()
    assert "With them came 1 judgment." in text and "<code>fine/yes</code> (2)" in text
    assert "labels" in send(client, ("tasks.json", tasks_file), labels="yes = perhaps").content.decode()
    assert Trace.objects.filter(verdict="acceptable").count() == 1
    send(client, ("tasks.json", tasks_file), labels="fine/yes = acceptable")
    tasks.sweep_inbox()
    assert "With them came 2 judgments." in client.get(address).content.decode()
    assert Trace.objects.filter(verdict="acceptable").count() == 3
