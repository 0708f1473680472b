"""import_traces, uploads and POST traces: one way in, the same counts."""

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from benchmarks import ingest_spans
from curation.ingest.import_files import import_file
from curation.ingest.inbox import stem
from curation.models import RawRecord, Score, Trace
from tests.curation.ingest.reading import lines
from workspace.access import SYSTEM, Actor
from workspace.models import Project, Role, User

HI = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
URL = "/api/projects/acme/traces"


def run(*arguments: Any) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("import_traces", *arguments, "--project", "acme", "--json", stdout=out, stderr=io.StringIO())
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    return code, json.loads(out.getvalue())


def test_the_command(project: Project, tmp_path: Path) -> None:
    good = tmp_path / "good.jsonl"
    good.write_bytes(lines({"id": "1", "messages": HI}, {"id": "2", "messages": HI}))
    assert run(good) == (0, {"read": 2, "created": 2, "updated": 0, "unchanged": 0, "rejected": []})
    assert run(good) == (0, {"read": 2, "created": 0, "updated": 0, "unchanged": 2, "rejected": []})
    record = RawRecord.objects.get()
    assert (record.status, record.source, bytes(record.body)) == ("done", "good.jsonl", good.read_bytes())
    assert Trace.objects.first().revision.raw_id == record.pk  # type: ignore[union-attr]


def test_packed_files_and_requests_in_protobuf(project: Project, tmp_path: Path) -> None:
    two = lines({"id": "a", "messages": HI}, {"id": "b", "messages": HI})
    files = {
        "two.jsonl.gz": gzip.compress(two), "spans.pb": ingest_spans.body(3, 7), "spans.pb.gz": gzip.compress(ingest_spans.body(2, 8)),
        "cut.gz": gzip.compress(two)[:-9], "odd.gz": b"\x1f\x8bnothing",
    }  # fmt: skip
    found = {}
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
        outcome = import_file(project=project, actor=SYSTEM, path=tmp_path / name)
        found[name] = (outcome.created, [item.reason for item in outcome.rejected])
    broken = (0, ["it is packed with gzip, and broken or cut off"])
    assert found == {
        "two.jsonl.gz": (2, []), "spans.pb": (3, []), "spans.pb.gz": (2, []), "cut.gz": broken, "odd.gz": broken,
    }  # fmt: skip
    assert import_file(project=project, actor=SYSTEM, path=tmp_path / "spans.pb").unchanged == 3


def test_what_is_rejected_is_said_and_the_rest_stays(project: Project, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_bytes(
        lines({"messages": HI}) + b"{broken\n\n" + lines({"messages": [{"role": "x"}]}, {"id": "ok", "messages": HI})
    )
    nothing = tmp_path / "nothing.txt"
    nothing.write_text("hello")
    code, counts = run(mixed, nothing, tmp_path / "missing.jsonl")
    assert code == 1
    assert (counts["read"], counts["created"]) == (4, 2)
    assert [r["where"] for r in counts["rejected"]] == [
        "mixed.jsonl: line 2", "mixed.jsonl: line 4", "nothing.txt: nothing.txt",
        f"missing.jsonl: {tmp_path / 'missing.jsonl'}",
    ]  # fmt: skip
    assert "cannot be opened: No such file" in counts["rejected"][3]["reason"]
    assert RawRecord.objects.get(source="nothing.txt").status == "quarantined"


def test_one_bad_line_in_a_hundred_thousand_is_named(project: Project, tmp_path: Path) -> None:
    count = 100_000
    file = tmp_path / "many.jsonl"
    rows = [b'{"id": "%d", "messages": []}\n' % n for n in range(count)]  # cheap to reject: only the places are tested
    rows[77_776] = b'{"id": "odd", "messages": [\n'
    rows[12_344] = lines({"id": "good", "messages": HI})
    file.write_bytes(b"".join(rows))
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("import_traces", file, "--project", "acme", "--json", stdout=out, stderr=io.StringIO())
    counts = json.loads(out.getvalue())
    assert (counts["read"], counts["created"]) == (count, 1)
    assert counts["rejected"][0] == {"where": "line 1", "reason": "messages is empty"}
    assert counts["rejected"][-1]["reason"].startswith("98,999 more")


def test_an_unknown_project_and_an_ambiguous_file(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "both.jsonl"
    file.write_bytes(lines({"messages": HI, "items": HI}))
    with pytest.raises(CommandError, match="no project 'nowhere'"):
        call_command("import_traces", file, "--project", "nowhere")
    code, counts = run(file)
    assert code == 1
    assert "--format" in counts["rejected"][0]["reason"]
    assert run(file, "--format", "openai_items")[1]["created"] == 1


def test_a_worker_finishes_what_a_killed_command_left(project: Project, tmp_path: Path) -> None:
    from curation.ingest import inbox
    from curation.tasks import sweep_inbox

    inbox.keep(project=project, actor=Actor(), body=lines({"id": "x", "messages": HI}), source="left.jsonl")
    sweep_inbox()
    assert Trace.objects.get().external_id == "x"
    assert RawRecord.objects.get().outcome["created"] == 1


def test_the_name_of_a_file_goes_without_its_last_ending() -> None:
    assert [stem(name) for name in ("gpt-3.5-turbo.json", "C:\\x\\log.jsonl", "/api/projects/acme/traces", "plain")] == [
        "gpt-3.5-turbo", "log", "", "plain",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([{"id": "a", "messages": HI}, {"id": "b", "messages": HI}]).encode(),
        json.dumps({"traces": [{"id": "a", "messages": HI}, {"id": "b", "messages": HI}]}).encode(),
        lines({"id": "a", "messages": HI}, {"id": "b", "messages": HI}),
        gzip.compress(lines({"id": "a", "messages": HI}, {"id": "b", "messages": HI})),
    ],
    ids=["array", "object", "lines", "gzip"],  # made from the bytes they would hold the time of day
)
def test_posting_traces(project: Project, api: Any, body: bytes) -> None:
    client = api(Role.REVIEWER)
    headers = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    first = client.post(URL, body, content_type="application/json", headers=headers)
    assert (first.status_code, first.json()) == (
        200,
        {"read": 2, "created": 2, "updated": 0, "unchanged": 0, "rejected": [], "format": "openai_chat"},
    )
    again = client.post(URL, body, content_type="application/json", headers=headers)
    same = {"read": 2, "created": 0, "updated": 0, "unchanged": 2, "rejected": [], "format": "openai_chat"}
    assert again.json() == same
    assert RawRecord.objects.count() == 1


def test_posting_rows_with_labels(project: Project, api: Any) -> None:
    client = api(Role.REVIEWER)
    body = lines(
        {"prompt": "q", "completion": "a", "label": "helpful"}, {"prompt": "p", "completion": "a", "label": True}
    )
    first = client.post(URL, body, content_type="application/json").json()
    assert (first["judgments"], first["unknown_labels"]) == (1, {"helpful": 1})
    said = client.post(f"{URL}?verdict=helpful%3Dacceptable", body, content_type="application/json").json()
    assert said == {
        "read": 2,
        "created": 0,
        "updated": 0,
        "unchanged": 2,
        "rejected": [],
        "judgments": 1,
        "format": "kto",
    }
    assert client.post(f"{URL}?verdict=helpful", body, content_type="application/json").status_code == 422
    packed = client.post(URL, b"PK\x03\x04", content_type="application/json")
    assert packed.status_code == 422 and "this is a ZIP archive" in packed.json()["error"]["message"]


def test_posting_badly(project: Project, api: Any, settings: Any) -> None:
    client = api()
    assert client.post(URL, b"{", content_type="application/json").status_code == 422
    found = client.post(URL, b'[{"strange": 1}]', content_type="application/json")
    assert found.status_code == 422
    assert "keys strange" in found.json()["error"]["message"]
    assert client.post(f"{URL}?format=csv", b"[]", content_type="application/json").status_code == 422
    brotli = client.post(URL, b"x", content_type="application/json", headers={"Content-Encoding": "br"})
    assert brotli.status_code == 415
    cut = client.post(
        URL, gzip.compress(b"[]")[:-4], content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert cut.status_code == 400
    settings.MAX_BODY_BYTES = 2000
    assert client.post(URL, b"[" + b" " * 2000 + b"]", content_type="application/json").status_code == 413
    bomb = gzip.compress(b" " * 10_000_000)
    packed = client.post(URL, bomb, content_type="application/json", headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 413
    empty = client.post(URL, b"[]", content_type="application/json")
    assert empty.json()["read"] == 0


def test_who_may_post(project: Project, as_user: Any, rita: User, alice: User, charlie: User) -> None:
    body = json.dumps([{"messages": HI}])

    def post(user: User) -> int:
        client = as_user(user)
        token = "x" * 32
        client.cookies["csrftoken"] = token
        status: int = client.post(
            URL, body, content_type="application/json", headers={"X-CSRFToken": token}
        ).status_code
        return status

    assert (post(rita), post(alice), post(charlie)) == (403, 200, 404)


def test_the_real_trajectories(project: Project) -> None:
    folder = os.environ.get("WHETSTONE_SAMPLES")
    if not folder:
        pytest.skip("WHETSTONE_SAMPLES names no folder with tau-bench results")
    file = next(Path(folder).glob("tau-bench/*.json"))
    notes = {"the schemas of the tools are not part of this format": 100}
    assert run(file)[1] == {"read": 100, "created": 100, "updated": 0, "unchanged": 0, "rejected": [], "notes": notes}
    assert run(file)[1]["unchanged"] == 100
    assert Score.objects.filter(name="reward", passed=True).count() == 31
    assert Trace.objects.values("task_id").distinct().count() == 25


def test_the_command_as_a_process_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "import_traces", "--help"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "tau-bench" in done.stdout
