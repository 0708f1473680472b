"""Commands that collect, prepare and write training data, and check files: helpful refusals, nothing half-written."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from curation.datasets import build
from curation.messages.form import message
from curation.models import DatasetVersion, Feedback
from tests import make
from tests.curation.datasets import rows
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db


def rated(project: Project, rita: User, rating: int, agent: str = "planner", question: str = "") -> None:
    said = make.short_document(question=question or f"Where is the order that I rated {rating}, by {agent}?")
    trace = rows.trace(project, said, judged="acceptable", by=rita, agent=agent)
    Feedback.objects.create(project=project, trace=trace, author="Rita", rating=rating)


def run(command: str, *arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_training_export_freezes_and_writes_what_is_good_enough(project: Project, rita: User, tmp_path: Path) -> None:
    rated(project, rita, 5)
    rated(project, rita, 2)
    rated(project, rita, 5, agent="other")
    target = tmp_path / "train.jsonl"
    _, told = run("training_export", "--project=acme", "--format=openai", "--min-quality=4.0", "--agent=planner",
                  f"--output={target}", f"--manifest={tmp_path / 'm.jsonl'}")  # fmt: skip
    (line,) = target.read_text().splitlines()
    assert "rated 5, by planner" in line and "training-export@1 train: 1 lines" in told
    assert DatasetVersion.objects.get().counts["rows"] == 1
    about, origin, end = map(json.loads, (tmp_path / "m.jsonl").read_text().splitlines())
    assert about["manifest"]["recipe"]["min_quality"] == 4.0 and origin["line"] == 1
    assert end["end"]["sha256"][:12] in told

    out, _ = run("training_prepare", "--project=acme", "--min-quality=4.0", "--agent=planner")
    assert "1 train" in out and "openai-sft: 1 rows fit, 0 do not" in out and "quality" in out
    assert DatasetVersion.objects.count() == 1, "prepare freezes nothing"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--format=csv"], "There is no format 'csv'"),
        (["--project=nowhere"], "no project 'nowhere'; there are acme, other"),
        (["--min-quality=9"], "min_quality"),
        (["--agent=nobody"], "matches none of"),
        (["--filter=agent:("], "agent"),
        (["--output=/nowhere/x.jsonl"], "There is no folder /nowhere"),
        (["--validation=0.1"], "None of the 1 row fell into the (?:train|validation) split"),
    ],
)
def test_training_export_says_what_is_wrong(
    project: Project, rita: User, charlie: User, tmp_path: Path, arguments: list[str], told: str
) -> None:
    rated(project, rita, 5)
    given = ["--project=acme", f"--output={tmp_path / 'x.jsonl'}", *arguments]
    with pytest.raises(CommandError, match=told):
        run("training_export", *given)
    assert not list(tmp_path.iterdir()) and not DatasetVersion.objects.exists()


def test_personal_data_stops_it_until_somebody_says_what_to_do(project: Project, rita: User, tmp_path: Path) -> None:
    rated(
        project, rita, 5, question="Please write to ann.lee@acme-mail.com about order 12, ann.lee@acme-mail.com it is."
    )
    target = tmp_path / "x.jsonl"
    arguments = ["--project=acme", f"--output={target}"]
    with pytest.raises(CommandError, match=r"2 email addresses.*--personal replace, --personal exclude"):
        run("training_export", *arguments)
    assert not DatasetVersion.objects.exists(), "nothing is frozen where the export is refused"
    with pytest.raises(CommandError, match="Say in at least 10 characters"):
        run("training_export", *arguments, "--personal=keep", "--reason=because")
    assert not list(tmp_path.iterdir())
    run("training_export", *arguments, "--personal=replace")
    assert "ann.lee" not in target.read_text() and target.read_text().count("<EMAIL_1>") == 2
    run("training_export", *arguments, "--personal=keep", "--reason=Customers of ours agreed to it in writing.")
    assert "ann.lee@acme-mail.com" in target.read_text()
    entry = AuditEntry.objects.filter(action="dataset.exported").latest("id")
    assert entry.detail["reason"].startswith("Customers") and entry.detail["personal_data"] == {"email": 2}


def test_freezing_for_an_export_reads_ahead_and_looks_again(
    project: Project, rita: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signatures are worked out before the transaction, and whoever loses a race looks again from a new snapshot."""
    rated(project, rita, 5)
    inside: list[str] = []
    told: list[tuple[str, int]] = []
    snapshot, read_ahead, frozen = build.snapshot, build._read_ahead, build._freeze

    @contextmanager
    def counted() -> Iterator[None]:
        with snapshot():
            inside.append("")
            try:
                yield
            finally:
                inside.pop()

    def ahead(*given: Any, **named: Any) -> None:
        told.append(("ahead", len(inside)))
        read_ahead(*given, **named)

    def freezing(*given: Any) -> DatasetVersion:
        told.append(("freeze", len(inside)))
        if len(told) == 2:
            raise IntegrityError("somebody was faster")
        return frozen(*given)

    monkeypatch.setattr(build, "snapshot", counted)
    monkeypatch.setattr(build, "_read_ahead", ahead)
    monkeypatch.setattr(build, "_freeze", freezing)
    run("training_export", "--project=acme", f"--output={tmp_path / 'x.jsonl'}")
    assert told == [("ahead", 0), ("freeze", 1), ("freeze", 1)]
    assert DatasetVersion.objects.count() == 1


def test_several_projects_need_a_name(project: Project, charlie: User) -> None:
    with pytest.raises(CommandError, match="--project: acme, other"):
        run("training_prepare")


def line(answer: Any = "Because it was late.", **more: Any) -> str:
    asked = {"role": "user", "content": "Why is the parcel not here yet?"}
    return json.dumps({"messages": [asked, {"role": "assistant", "content": answer}], **more})


def test_validate_file_ends_with_one_where_there_are_errors(tmp_path: Path) -> None:
    good = tmp_path / "good.jsonl"
    good.write_text("".join(line(f"Reason {n}.") + "\n" for n in range(10)))
    out, _ = run("validate_file", str(good), "--format=openai")
    assert "10 rows as openai-sft, 0 with errors" in out
    bad = tmp_path / "bad.jsonl"
    bad.write_text(good.read_text() + line("") + "\n" + line("Reason 3.") + "\n")
    with pytest.raises(CommandError) as stopped:
        run("validate_file", str(bad), "--format=openai-sft", f"--validation={good}")
    assert stopped.value.returncode == 1
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("validate_file", str(bad), format="openai-sft", json=True, validation=str(good), stdout=out)
    report = json.loads(out.getvalue())
    assert report["findings"][0] | {"reason": ""} == {
        "line": 11, "row": 11, "level": "error", "code": "empty_assistant_message", "field": "messages[1].content", "reason": "",
    }  # fmt: skip
    assert report["findings"][1]["reason"] == "says the same as line 4"
    assert report["validation"]["errors"] == {"in_both_files": 10}
    gaps = tmp_path / "gaps.jsonl"
    gaps.write_text("\n" + good.read_text() + line("") + "\n")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("validate_file", str(gaps), format="openai-sft", stdout=out)
    assert "line 1: error blank_line" in out.getvalue() and "line 12: error empty_assistant" in out.getvalue()
    assert "11 rows on 12 lines as openai-sft, 1 with errors" in out.getvalue()
    for arguments, told in (
        ((str(tmp_path / "none.jsonl"),), "Cannot read"),
        ((str(good), "--format=x"), "There is no format"),
    ):
        with pytest.raises(CommandError, match=told):
            run("validate_file", *arguments)


def test_prepare_counts_for_the_format_that_is_asked_for(project: Project, rita: User) -> None:
    rows.trace(project, make.document(message("user", "A question of some length"), message("assistant", "Yes.")),
               judged="acceptable", by=rita)  # fmt: skip
    out, _ = run("training_prepare", "--project=acme", "--format=alpaca")
    assert "alpaca: 1 rows fit" in out
