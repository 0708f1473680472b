"""What stands against an export, how it goes on, and that every line can be traced: to both sides of a pair and back."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from curation.datasets import build, example, folds, leaks
from curation.datasets.example import Example
from curation.datasets.exporting import export, judgments_csv, manifest, personal, refused
from curation.datasets.exporting.personal import PersonalRows
from curation.datasets.recipe import Recipe
from curation.messages.form import message
from curation.models import Dataset, DatasetRow, DatasetVersion, Judgment, Preference, Trace
from tests import make
from tests.curation.datasets import rows
from training.launch import request as launching
from workspace.access import Actor
from workspace.models import AuditEntry, Project, Role, User

pytestmark = pytest.mark.django_db
SignedIn = Callable[[User], Client]
MAIL = "ann.lee@acme-mail.com"


def freeze(project: Project, name: str = "support", **options: Any) -> DatasetVersion:
    return build.freeze(project=project, name=name, query_text="", actor=Actor(), recipe=Recipe(**options))


def text(version: DatasetVersion, name: str = "openai-sft", **options: Any) -> str:
    return b"".join(export.write_jsonl(version, name, **options)).decode()


def with_mail(project: Project, rita: User) -> None:
    said = make.document(
        message("user", f"My address is {MAIL}, what of my order?"),
        message("assistant", "", tool_calls=[make.call("find", json.dumps({"mail": MAIL}))]),
        make.tool_result(f"found {MAIL.upper()}"),
        message("assistant", "It is on its way."),
        tools=[make.ORDER_TOOL],
    )
    rows.trace(project, said, judged="acceptable", by=rita)


def test_personal_data_is_refused_replaced_or_kept_with_a_reason(
    project: Project, rita: User, ada: User, as_user: SignedIn
) -> None:
    with_mail(project, rita)
    rows.trace(project, judged="acceptable", by=rita)
    freeze(project, validation=0, test=0)
    client = as_user(ada)
    address = "/p/acme/datasets/support/1/export/?format=openai-sft"
    page = client.get(address)
    assert page.status_code == 409 and "1 row holds personal data" in page.content.decode()
    assert "email addresses" in page.content.decode() and MAIL not in page.content.decode()
    replaced = b"".join(client.get(f"{address}&personal=replace")).decode()
    assert MAIL not in replaced.lower() and replaced.count("<EMAIL_1>") == 3, "one pseudonym for one person in a row"
    call = json.loads(replaced.splitlines()[1] if "EMAIL" in replaced.splitlines()[1] else replaced.splitlines()[0])
    assert json.loads(call["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {"mail": "<EMAIL_1>"}
    short = client.post(address, {"format": "openai-sft", "personal": "keep", "reason": "needed"})
    assert short.status_code == 409 and "at least 10 characters" in short.content.decode()
    assert client.get(f"{address}&personal=keep").status_code == 409, "without a reason nothing goes out"
    kept = client.post(
        address, {"format": "openai-sft", "personal": "keep", "reason": "The customers agreed in writing."}
    )
    assert MAIL in b"".join(kept).decode()  # type: ignore[arg-type]
    words = [entry.detail for entry in AuditEntry.objects.filter(action="dataset.exported").order_by("id")]
    assert [one["personal"] for one in words] == ["replaced", "kept"]
    assert words[1]["reason"] == "The customers agreed in writing." and words[1]["personal_data"] == {"email": 3}


def test_what_a_line_came_from_goes_through_the_same_gate(project: Project, rita: User) -> None:
    with_mail(project, rita)
    Trace.objects.update(external_id=f"order of {MAIL}")
    version = freeze(project, validation=0, test=0)

    def origin(**options: Any) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(text(version, metadata=True, **options))
        return dict(line["metadata"])

    replaced = origin(personal_data="replace")
    assert replaced["external_id"] == "order of <EMAIL_1>", "the same pseudonym as in the row"
    assert replaced["judged_by"] is None and replaced["judgment"] and replaced["trace"]
    assert MAIL not in text(version, metadata=True, personal_data="replace").lower()
    kept = origin(personal_data="keep")
    assert (kept["external_id"], kept["judged_by"]) == (f"order of {MAIL}", str(rita))
    clean = rows.trace(project, judged="acceptable", by=rita, external_id=f"of {MAIL}")
    only = build.freeze(
        project=project, name="clean", query_text=f'id:"{clean.external_id}"', actor=Actor(),
        recipe=Recipe(validation=0, test=0),
    )  # fmt: skip
    said = json.loads(text(only, metadata=True))["metadata"]
    assert (said["external_id"], said["judged_by"]) == ("of <EMAIL_1>", str(rita)), "nothing in the row, all the same"


def test_a_recipe_decides_it_for_good(project: Project, rita: User) -> None:
    with_mail(project, rita)
    version = freeze(project, validation=0, test=0, personal="replace")
    assert MAIL not in text(version).lower()
    made = export.plan(version, "trl-sft")
    about, origin, end = map(json.loads, b"".join(manifest.write_manifest(made)).splitlines())
    assert about["manifest"]["personal_data"] == {
        "rows": 1, "kinds": {"email": 3}, "replaced": True, "names_looked_for": False,
    }  # fmt: skip
    assert end["end"]["replaced"] == {"email": 3} and origin["trace"]
    assert end["end"]["sha256"] == hashlib.sha256(text(version, "trl-sft").encode()).hexdigest()
    told = freeze(project, validation=0, test=0)
    assert MAIL in text(told, inside=True), "what stays on this machine is told, not refused"
    rows.trace(project, judged="acceptable", by=rita)
    assert MAIL not in text(freeze(project, validation=0, test=0, personal="exclude")).lower()


def leaky(project: Project, rita: User) -> DatasetVersion:
    """A version whose rows a later one holds out in part."""
    for number in range(12):
        said = make.short_document(question=f"Question {number} about {'abcdefghijkl'[number] * 9}, what is it?")
        rows.trace(project, said, judged="acceptable", by=rita, session_id=f"s{number}")
    before = freeze(project, "early", validation=0, test=0)
    freeze(project, "later", validation=0, test=0.4)
    return before


def test_what_another_version_holds_out_is_not_trained_on(
    project: Project, rita: User, ada: User, as_user: SignedIn
) -> None:
    version = leaky(project, rita)
    held = set(DatasetRow.objects.filter(split="test").values_list("trace", flat=True))
    assert 0 < len(held) < 12
    with pytest.raises(leaks.HeldOutRows, match="held out elsewhere, so early@1 cannot be trained on"):
        text(version, split="train")
    page = as_user(ada).get("/p/acme/datasets/early/1/export/?split=train")
    assert page.status_code == 409
    pair = leaks.of(version=version)[0]
    assert str(pair.trace) in page.content.decode() and "later@1" in page.content.decode(), "the pair is shown"
    answer = as_user(ada).get("/p/acme/datasets/early/1/export/?split=train&skip_held_out=1")
    assert len(b"".join(answer).splitlines()) == 12 - len(held)  # type: ignore[arg-type]
    assert answer["X-Whetstone-Held-Out"] == str(len(held))
    later = DatasetVersion.objects.get(dataset__name="later")
    assert text(later, split="train") and text(later, split="test"), "what it holds out itself it may give away as test"
    with pytest.raises(launching.Refused, match="held out elsewhere"):
        launching.request(
            project=project, actor=Actor(), dataset_version=version, base=make.model(project), settings={}
        )


def mailed(project: Project, rita: User, number: int, answer: str = "It is on its way.") -> Trace:
    text = f"Number {number} {'abcdefghijkl'[number] * 9}: my address is {MAIL}, what of my order?"
    return rows.trace(project, make.short_document(question=text, answer=answer), judged="acceptable", by=rita)


def test_personal_data_in_rows_that_are_not_written_refuses_nothing(
    project: Project, rita: User, ada: User, as_user: SignedIn
) -> None:
    version = leaky(project, rita)
    held = DatasetRow.objects.filter(split="test").values_list("trace", flat=True)
    kept = version.rows.exclude(trace__in=held)
    told = personal.Personal({row.position: ("train", (("email", 2),)) for row in version.rows.all()})
    cache.set(personal._key(version), told.among({row.position for row in version.rows.filter(trace__in=held)}), None)
    made = export.plan(version, "openai-sft", "train", skip_held_out=True)
    assert not made.personal and text(version, split="train", skip_held_out=True)
    cache.set(personal._key(version), told, None)
    with pytest.raises(PersonalRows) as refused:
        export.plan(version, "openai-sft", "train", skip_held_out=True)
    assert (refused.value.rows, refused.value.kinds) == (kept.count(), {"email": 2 * kept.count()})
    page = as_user(ada).get("/p/acme/datasets/early/1/export/?split=train&skip_held_out=1").content.decode()
    assert f"{kept.count()} rows hold personal data" in page
    Trace.objects.filter(pk__in=kept.values_list("trace", flat=True)).update(erased_at=timezone.now())
    assert not export.plan(version, "openai-sft", "train", skip_held_out=True).personal, "a tombstone is not written"


def test_only_the_rows_of_a_fold_and_those_without_errors_count(project: Project, rita: User) -> None:
    for number in range(6):
        mailed(project, rita, number, answer=f"Order {number} is on its way.")
    version = freeze(project, validation=0, test=0, folds=3)
    made = export.plan(version, "openai-sft", part=folds.part(version, 0, "validation"), inside=True)
    written = len(b"".join(export.write(made)).splitlines())
    assert 0 < written < 6 and made.personal.in_split() == written
    mailed(project, rita, 7, answer="")
    broken = freeze(project, validation=0, test=0)
    assert export.invalid_rows(broken, export.formats.find("openai-sft")) == 1
    assert export.plan(broken, "openai-sft", skip_invalid=True, inside=True).personal.in_split() == 6


def pair_version(project: Project, good: Trace, bad: Trace, ada: User) -> DatasetVersion:
    """A frozen pair, written as a freeze does."""
    assert good.revision is not None and bad.revision is not None
    preference = Preference.objects.create(
        project=project, left_trace=good, left_revision=good.revision, right_trace=bad, right_revision=bad.revision,
        choice="left", user=ada, author="Ada",
    )  # fmt: skip
    prompt = good.revision.document["conversations"][0]["messages"][:-1]
    said = Example(messages=prompt, tools=[], kind="pair", chosen=[message("assistant", "Yes, at once.")],
                   rejected=[message("assistant", "No.")])  # fmt: skip
    version = DatasetVersion.objects.create(
        dataset=Dataset.objects.create(project=project, name="pairs"), number=1, content_hash="0" * 64, author="Ada",
        counts={"rows": 1, "train": 1, "validation": 0, "test": 0, "by_reason": {}}, recipe=Recipe(task="pairs").plain(),
    )  # fmt: skip
    DatasetRow.objects.create(
        version=version, position=1, trace=good, revision=good.revision, judgment=good.judgments.get(), split="train",
        split_group="g", digest=said.digest(), kind="pair", content=said.plain(), other_trace=bad,
        other_revision=bad.revision, preference=preference, batch_items=[7, 8], origin="generated",
    )  # fmt: skip
    return version


def test_a_pair_is_traced_to_both_traces_their_judgments_and_the_word_between_them(
    project: Project, rita: User, ada: User
) -> None:
    good, bad = (rows.trace(project, judged=word, by=rita) for word in ("acceptable", "unacceptable"))
    version = pair_version(project, good, bad, ada)
    _, origin, _ = map(json.loads, b"".join(manifest.write_manifest(export.plan(version, "openai-dpo"))).splitlines())
    row = DatasetRow.objects.get(version=version, position=origin["row"])
    assert origin["trace"] == str(good.uid) and origin["judgment"] == str(good.judgments.get().uid)
    assert origin["other"] == {"trace": str(bad.uid), "external_id": bad.external_id, "revision": 1}
    assert origin["preference"] == str(row.preference.uid) and origin["batch_items"] == [7, 8]  # type: ignore[union-attr]
    assert origin["origin"] == "generated"
    other = Judgment.objects.get(trace__uid=origin["other"]["trace"], revision__number=origin["other"]["revision"])
    assert other.verdict == "unacceptable"
    assert [one.position for one in DatasetRow.objects.filter(other_trace=bad)] == [1], (
        "and back from the rejected side"
    )
    assert [one.reason for one in manifest.notes(export.plan(version, "openai-dpo"))] == [
        "1 rows; openai-dpo wants at least 10"
    ]
    line = json.loads(text(version, "openai-dpo"))
    assert line["preferred_output"][0]["content"] == "Yes, at once."
    table = list(
        csv.DictReader(io.StringIO(b"".join(judgments_csv.of_version(version=version, actor=Actor())).decode()))
    )
    assert {one["trace"]: one["verdict"] for one in table} == {
        str(good.uid): "acceptable",
        str(bad.uid): "unacceptable",
    }


def test_a_format_for_other_rows_is_refused_not_empty(
    project: Project, rita: User, ada: User, as_user: SignedIn
) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    version = freeze(project)
    with pytest.raises(refused.WrongKind, match="holds conversations, and openai-dpo takes pairs"):
        text(version, "openai-dpo", skip_invalid=True)
    page = as_user(ada).get("/p/acme/datasets/support/1/export/?format=trl-kto")
    assert page.status_code == 409 and "OpenAI chat, JSONL" in page.content.decode()


def test_every_line_of_prompts_has_the_same_columns(project: Project, rita: User) -> None:
    traces = [rows.trace(project, judged="acceptable", by=rita) for _ in range(2)]
    version = DatasetVersion.objects.create(
        dataset=Dataset.objects.create(project=project, name="prompts"), number=1, content_hash="0" * 64, author="Ada",
        counts={"rows": 2, "train": 2, "validation": 0, "test": 0, "by_reason": {}}, recipe=Recipe(task="prompts").plain(),
    )  # fmt: skip
    for position, (trace, item) in enumerate(zip(traces, ({"reference": "x"}, {"hint": [1]}), strict=True), start=1):
        said = Example(messages=[message("user", "What is to be done?")], tools=[], kind="prompt", item=item)
        DatasetRow.objects.create(version=version, position=position, trace=trace, revision=trace.revision, split="train",
                                  split_group="g", digest=said.digest(), kind="prompt", content=said.plain())  # fmt: skip
    first, second = map(json.loads, text(version, "trl-grpo").splitlines())
    assert sorted(first) == sorted(second) == ["hint", "prompt", "reference", "tools"]
    assert (first["reference"], first["hint"], second["hint"]) == ("x", None, "[1]")
    assert sorted(json.loads(text(version, "openai-rft").splitlines()[0])) == ["messages", "reference"]


def test_labels_of_one_kind_are_told(project: Project, rita: User) -> None:
    version = DatasetVersion.objects.create(
        dataset=Dataset.objects.create(project=project, name="labels"), number=1, content_hash="0" * 64, author="Ada",
        counts={"rows": 2, "train": 2, "validation": 0, "test": 0, "by_reason": {}}, recipe=Recipe(task="labels").plain(),
    )  # fmt: skip
    for position in (1, 2):
        trace = rows.trace(project, judged="acceptable", by=rita)
        said = Example(messages=[message("user", "Is that the right one?")], tools=[], kind="label",
                       chosen=[message("assistant", f"It is number {position}.")], label=True)  # fmt: skip
        DatasetRow.objects.create(version=version, position=position, trace=trace, revision=trace.revision, split="train",
                                  split_group="g", digest=said.digest(), kind="label", content=said.plain())  # fmt: skip
    assert [json.loads(line)["label"] for line in text(version, "trl-kto").splitlines()] == [True, True]
    told = manifest.notes(export.plan(version, "trl-kto", "train"))
    assert [one.reason for one in told] == ["every label is true; trl-kto learns from both"]


def test_judgments_as_csv_run_nothing(project: Project, rita: User, charlie: User) -> None:
    hostile = ['=HYPERLINK("http://evil","x")', "+1", "-1+1", "@SUM(A1)", "\tx", "\rx", 'quoted "word", comma']
    for note in hostile:
        trace = rows.trace(project)
        rows.judge(trace, rita, note=note)
    rows.trace(Project.objects.get(slug="other"), judged="acceptable", by=charlie)
    raw = b"".join(judgments_csv.of_filter(project=project, actor=Actor(), bom=True))
    assert raw.startswith(b"\xef\xbb\xbf")
    table = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert len(table) == len(hostile), "only of this project"
    for row, note in zip(table, hostile, strict=True):
        assert row["note"].lstrip("'").strip() == note.strip() and not row["note"].startswith(
            ("=", "+", "-", "@", "\t", "\r")
        )
    none = judgments_csv.of_filter(project=project, actor=Actor(), query_text="agent:none")
    assert len(list(csv.reader(io.StringIO(b"".join(none).decode())))) == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_of_judgments_is_a_formula_whatever_separates_them(
    project: Project, rita: User, delimiter: str
) -> None:
    hostile = ['fine";=HYPERLINK(1);"', "a\t=1+1", 'a;"@SUM(A1)', "a\n=1+1", 'a; "+1', "a;;-1", "a\r\n\t-1+1"]
    plain = ["a - b; c=d", "well-known; a+b", "= is fine;", 'he said: "no"']
    for note in hostile + plain:
        rows.judge(rows.trace(project), rita, note=note)
    raw = b"".join(judgments_csv.of_filter(project=project, actor=Actor())).decode()
    for row in csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter):
        for cell in row:
            assert not cell.lstrip(' "').startswith(("=", "+", "-", "@")), (delimiter, cell)
    if delimiter == ",":
        notes = [row["note"] for row in csv.DictReader(io.StringIO(raw, newline=""))]
        assert notes[-len(plain) :] == ["a - b; c=d", "well-known; a+b", "'= is fine;", 'he said: "no"']
    assert len(judgments_csv.safe(";" * 500_000)) == 500_000, "linear"


def test_judgments_that_leave_stand_in_the_audit_log(
    project: Project, rita: User, ada: User, as_user: SignedIn, api: Callable[..., Client]
) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    version = freeze(project, validation=0, test=0)
    here = "/api/projects/acme"
    for client, path in (
        (as_user(ada), "/p/acme/datasets/support/1/judgments/"),
        (api(Role.ENGINEER), f"{here}/datasets/support/versions/1/judgments"),
        (api(Role.ENGINEER), f"{here}/judgments?filter=judged:acceptable"),
    ):
        assert client.get(path).status_code == 200
    assert api(Role.ENGINEER).get(f"{here}/judgments?filter=nothing:1").status_code == 422
    told = AuditEntry.objects.filter(action="judgments.exported").order_by("id")
    of_version = (f"dataset_version:{version.uid}", {"judgments": 1, "name": "support@1"})
    assert [(one.target, one.detail) for one in told] == [of_version, of_version, ("project:acme", {"judgments": 1})]
    assert told[0].user == ada and told[1].token is not None


def test_the_page_and_the_api_check_a_file_and_keep_nothing(project: Project, rita: User, as_user: SignedIn) -> None:
    line = b'{"messages": [{"role": "user", "content": "Where is it now?"}, {"role": "assistant", "content": ""}]}\n'
    client = as_user(rita)
    page = client.post("/p/acme/validate/", {"format": "openai-sft", "file": io.BytesIO(line * 2)})
    said = page.content.decode()
    assert page.status_code == 200 and "neither content nor tool calls" in said and "messages[1].content" in said
    pasted = client.post("/p/acme/validate/", {"format": "auto", "text": line.decode()}, headers={"HX-Request": "true"})
    assert "Does not fit" in pasted.content.decode() and "<form" not in pasted.content.decode()
    assert re.search(r'title="Datasets [^>]+aria-current="page"', page.content.decode()), "the place that it belongs to"
    assert client.post("/p/acme/validate/", {"format": "x", "text": "{}"}).status_code == 422
    assert client.post("/p/acme/validate/", {"format": "auto"}).status_code == 422
    hostile = b'{"messages": [{"role": "<script>alert(1)</script>", "content": "x"}]}\n'
    assert (
        "<script>alert"
        not in client.post("/p/acme/validate/", {"format": "openai-sft", "text": hostile.decode()}).content.decode()
    )
    assert not Trace.objects.exists() and not AuditEntry.objects.filter(action__startswith="dataset").exists()


def test_the_api_reports_findings_as_json(project: Project, api: Callable[..., Client]) -> None:
    engineer = api(Role.ENGINEER)
    line = b'{"messages": [{"role": "user", "content": "Where is it now?"}, {"role": "assistant", "content": ""}]}\n'
    answer = engineer.post("/api/projects/acme/validate?format=openai-sft", line, content_type="application/jsonl")
    found = answer.json()
    assert answer.status_code == 200 and not found["ok"] and found["rows"] == 1
    assert found["findings"][0] | {"reason": ""} == {
        "line": 1, "row": 1, "level": "error", "code": "empty_assistant_message", "field": "messages[1].content", "reason": "",
    }  # fmt: skip
    assert found["file"][0]["code"] == "too_few_rows"
    wrong = engineer.post("/api/projects/acme/validate?format=csv", line, content_type="application/jsonl")
    assert wrong.status_code == 422 and wrong.json()["error"]["code"] == "unknown_format"


def test_stored_rows_read_as_they_were_written() -> None:
    row = Example(
        [message("user", "Q")], [make.ORDER_TOOL], "label", [message("assistant", "A")], label=False, item={"a": 1}
    )
    assert example.stored("label", json.loads(json.dumps(row.plain()))) == row
