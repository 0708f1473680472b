"""Exports: valid JSONL whatever was said, nothing left out silently, every line traceable, constant memory."""

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from curation.datasets import becomes, build
from curation.datasets.example import Example
from curation.datasets.exporting import export, formats, manifest, refused, stored, validate
from curation.datasets.recipe import Recipe
from curation.messages.form import Message, message
from curation.models import DatasetVersion
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

HOSTILE = 'a\u2028b\u2029c\x85d\x0b\x1c"\\ </script> 😀 \ufeff e\u0301 \ud7ff'


def freeze(project: Project, **options: Any) -> DatasetVersion:
    return build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe(**options))


def lines(version: DatasetVersion, name: str = "openai-sft", **options: Any) -> list[Any]:
    return [json.loads(line) for line in b"".join(export.write_jsonl(version, name, **options)).splitlines()]


def manifest_of(version: DatasetVersion, name: str = "openai-sft", **options: Any) -> list[Any]:
    made = export.plan(version, name, options.pop("split", None), **options)
    return [json.loads(line) for line in b"".join(manifest.write_manifest(made)).splitlines()]


@pytest.mark.django_db
def test_openai_rows_are_what_its_schema_asks_for(project: Project, rita: User) -> None:
    rows.trace(project, judged="acceptable", by=rita, said=make.short_document(question="Where is order 7?"))
    (line,) = lines(freeze(project))
    assert line == {
        "messages": [
            {"role": "system", "content": "You help customers of a shop."},
            {"role": "user", "content": "Where is order 7?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "get_order", "arguments": '{"order_id": "1017"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"status": "shipped"}'},
            {"role": "assistant", "content": "It left the depot this morning."},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "get_order",
                    "description": "Look an order up",
                    "parameters": json.loads(make.ORDER_TOOL["parameters"]),
                },
            }
        ],
    }


@pytest.mark.django_db
def test_hostile_content_stays_one_line_of_valid_json(project: Project, rita: User) -> None:
    said = make.document(
        message("developer", HOSTILE),
        message("user", HOSTILE),
        message("assistant", HOSTILE, tool_calls=[make.call("x", json.dumps({"k": HOSTILE}, ensure_ascii=False))]),
        make.tool_result(HOSTILE),
        message("assistant", HOSTILE),
    )
    rows.trace(project, said, judged="acceptable", by=rita)
    version = freeze(project)
    for chosen in formats.taking("chat"):
        raw = b"".join(export.write_jsonl(version, chosen.NAME, skip_invalid=True))
        assert raw.count(b"\n") == len(raw.decode().splitlines()), "also for readers that end lines at U+2028"
        if chosen.NAME not in ("openai-sft", "trl-sft"):
            assert chosen.NAME == "alpaca" or raw.count(b"\n") >= 1
            continue
        found = json.loads(raw)["messages"]
        assert [one["role"] for one in found] == ["system", "user", "assistant", "tool", "assistant"]
        assert found[1]["content"] == HOSTILE
        arguments = found[2]["tool_calls"][0]["function"]["arguments"]
        assert (json.loads(arguments) if isinstance(arguments, str) else arguments) == {"k": HOSTILE}


@pytest.mark.django_db
def test_an_invalid_row_stops_the_export_unless_it_is_left_out_by_wish(project: Project, rita: User) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    broken = make.document(
        message("user", "Please look order 7 up."),
        message("assistant", "", tool_calls=[make.call("get_order", '{"order_id": ')]),
        make.tool_result("{}"),
        message("assistant", "Done."),
        tools=[make.ORDER_TOOL],
    )
    rows.trace(project, broken, judged="acceptable", by=rita)
    version = freeze(project, validation=0, test=0)
    assert version.counts["checks"]["trl-sft"]["errors"] == {"arguments_not_json": 1}
    with pytest.raises(
        refused.InvalidRows, match=r"1 row of support@1 cannot be written as openai-sft .1 × arguments_not_json"
    ):
        export.write_jsonl(version, "openai-sft")
    written = export.Written()
    pieces = b"".join(export.write_jsonl(version, "openai-sft", skip_invalid=True, written=written))
    assert (written.lines, written.skipped, written.size) == (1, 1, len(pieces))
    assert len(lines(version, "openai-sft", split="test")) == 0, "a split without the bad row is not stopped"
    about, *origins, end = manifest_of(version, skip_invalid=True)
    assert [origin["line"] for origin in origins] == [1] and about["manifest"]["invalid"] == 1
    assert (end["end"]["lines"], end["end"]["skipped"]) == (1, 1) and end["end"]["sha256"] == written.sha256


@pytest.mark.django_db
def test_a_row_that_no_rule_foresaw_is_left_out_of_a_file_on_its_way(
    project: Project, rita: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        rows.trace(project, make.short_document(f"Where is order {number}?"), judged="acceptable", by=rita)
    version = freeze(project, validation=0, test=0, order="oldest")
    chosen = formats.find("trl-sft")
    write = chosen.write

    def broken(row: Example) -> dict[str, Any]:
        asked = row.messages[1]["parts"][0]["text"]
        return {**write(row), **({"more": "\ud83d"} if asked == "Where is order 0?" else {})}

    monkeypatch.setattr(chosen, "write", broken)
    written = export.Written()
    raw = b"".join(export.write_jsonl(version, "trl-sft", written=written))
    assert (written.lines, written.skipped, raw.count(b"\n")) == (2, 1, 2)
    assert b'"weight":1' in raw.splitlines()[0], "the first line that is written has what the first line needs"
    assert "Row 1 of support@1 cannot be written as trl-sft" in caplog.text
    *_, end = manifest_of(version, "trl-sft")
    assert (end["end"]["lines"], end["end"]["skipped"], end["end"]["sha256"]) == (2, 1, written.sha256)
    told = {line.format.NAME: line for line in becomes.lines(next(stored.read_rows(version)).example)}
    assert told["trl-sft"].raw is None and [one.code for one in told["trl-sft"].errors] == ["cannot_be_written"]


@pytest.mark.django_db
def test_each_line_is_traceable(project: Project, rita: User, ada: User) -> None:
    for number in range(20):
        one = rows.trace(project, judged="acceptable", by=rita, session_id=f"s{number}")
        if number % 5 == 0:
            rows.correct(one, ada, "Better.")
    version = freeze(project, order="oldest", test=0.5)
    exported = lines(version, split="train")
    _, *origins, _ = manifest_of(version, split="train")
    assert len(exported) == len(origins) == version.counts["train"] > 0
    for line, origin in zip(exported, origins, strict=True):
        row = version.rows.select_related("trace", "judgment", "correction").get(position=origin["row"])
        assert row.split == "train" and str(row.trace.uid) == origin["trace"]
        assert row.judgment is not None and origin["judgment"] == str(row.judgment.uid)
        assert (origin["correction"] is not None) == (line["messages"][-1]["content"] == "Better.")
        assert row.trace.preview == line["messages"][1]["content"]
    with_origin = lines(version, split="train", metadata=True)
    assert [line["metadata"]["row"] for line in with_origin] == [origin["row"] for origin in origins]
    splits = [lines(version, split=split) for split in build.SPLITS]
    assert sum(map(len, splits)) == len(lines(version)) == 20


@pytest.mark.django_db(transaction=True)
def test_memory_does_not_grow_with_the_version(project: Project, rita: User) -> None:
    filler = "x" * 20_000
    for number in range(200):
        said = make.document(message("user", f"{number} {filler}"), message("assistant", filler))
        rows.trace(project, said, judged="acceptable", by=rita)
    version = freeze(project, dedupe="none")

    def peak(split: str | None) -> tuple[int, int]:
        tracemalloc.start()
        size = sum(len(piece) for piece in export.write_jsonl(version, "openai-sft", split))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size, most

    stored.FETCH, before = 20, stored.FETCH
    try:
        size, most = peak(None)
    finally:
        stored.FETCH = before
    assert size > 8_000_000 and most < size / 3


def freeze_by_command(*options: str, **streams: io.StringIO) -> None:
    call_command("freeze_dataset", "--project=acme", "--name=support", *options, **streams)


@pytest.mark.django_db
def test_the_command_writes_a_whole_file_or_none(project: Project, rita: User, tmp_path: Path) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    out, err = io.StringIO(), io.StringIO()
    freeze_by_command("--filter=judged:acceptable", stdout=out, stderr=err)
    label, count, digest = out.getvalue().split()
    assert (label, count, len(digest)) == ("support@1", "1", 64)
    assert "warning: 1 row is few" in err.getvalue()
    freeze_by_command("--filter=", "--json", stdout=(out := io.StringIO()), stderr=io.StringIO())
    assert json.loads(out.getvalue())["hash"] == digest

    target = tmp_path / "train.jsonl"
    call_command("export_dataset", "support@1", output=str(target), format="trl-sft", stderr=(err := io.StringIO()))
    assert json.loads(target.read_text())["messages"][1]["role"] == "user"
    assert "support@1: 1 lines" in err.getvalue()
    assert [path.name for path in tmp_path.iterdir()] == ["train.jsonl"]
    call_command("export_dataset", "support", stdout=(out := io.StringIO()), stderr=io.StringIO())
    assert json.loads(out.getvalue())

    for arguments, told in (
        (["nothing"], "no dataset 'nothing'"),
        (["support@9"], "no version 9; it has 1, 2"),
        (["support@x"], "'x' is no version"),
        (["support", "--format", "csv"], "There is no format 'csv'; there are openai-sft, trl-sft"),
        (["support", "--output", str(tmp_path / "no" / "x.jsonl")], "Cannot write in"),
    ):
        with pytest.raises(CommandError, match=told):
            call_command("export_dataset", *arguments, stdout=io.StringIO(), stderr=io.StringIO())
    with pytest.raises(CommandError, match="no project 'nowhere'"):
        freeze_by_command("--filter=", "--project=nowhere")
    with pytest.raises(CommandError, match="matches none of the 1 traces"):
        freeze_by_command("--filter=agent:nobody")
    rows.trace(project, agent="new")
    with pytest.raises(CommandError, match=r"1 not judged yet\. Here: --judgments acceptable,unjudged takes"):
        freeze_by_command("--filter=agent:new")
    freeze_by_command("--filter=agent:new", "--judgments=acceptable,unjudged", stdout=(out := io.StringIO()))
    assert out.getvalue().startswith("support@3 1 ")


@pytest.mark.django_db
def test_a_name_in_two_projects_needs_the_project(project: Project, rita: User, charlie: User) -> None:
    other = Project.objects.get(slug="other")
    rows.trace(project, judged="acceptable", by=rita)
    rows.trace(other, judged="acceptable", by=charlie)
    for where in (project, other):
        build.freeze(project=where, name="support", query_text="", actor=Actor())
    with pytest.raises(CommandError, match="one of acme, other"):
        call_command("export_dataset", "support", stdout=io.StringIO(), stderr=io.StringIO())
    call_command("export_dataset", "support", project="other", stdout=(out := io.StringIO()), stderr=io.StringIO())
    assert json.loads(out.getvalue())


def test_parts_refusals_weights_and_images_for_openai() -> None:
    row = Example(
        messages=[
            {
                "role": "user",
                "parts": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "url": "data:image/png;base64,AA"},
                ],
            },
            message("assistant", "A cat.", weight=0),
            {"role": "user", "parts": [{"type": "text", "text": "one"}, {"type": "json", "value": {"a": [1]}}]},
            {"role": "assistant", "parts": [{"type": "refusal", "text": "I will not."}]},
        ],
        tools=[],
    )
    assert [one for one in validate.check(row, formats.find("openai-sft")) if one.level == "error"] == []
    assert formats.find("openai_sft").write(row)["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            ],
        },
        {"role": "assistant", "content": "A cat.", "weight": 0},
        {"role": "user", "content": 'one\n{"a": [1]}'},
        {"role": "assistant", "content": None, "refusal": "I will not."},
    ]
    assert row.trained == [False, False, False, True]
    codes = {one.code for one in validate.check(row, formats.find("trl-sft"))}
    assert {"content_not_text", "weight_not_kept"} <= codes
    text = Example(messages=[message("user", "Hi"), row.messages[1], message("assistant", "No.", weight=1)], tools=[])
    assert [one.get("weight") for one in formats.find("trl-sft").write(text)["messages"]] == [None, 0, None]


def test_trl_rows_load_in_datasets_without_a_null_and_render_right(tmp_path: Path) -> None:
    """The traps of Arrow and of chat templates: merged keys, a vanished column, arguments encoded twice."""
    datasets = pytest.importorskip("datasets", reason="needs the training extra (make train)")
    trl = pytest.importorskip("trl", reason="needs the training extra (make train)")
    jinja2 = pytest.importorskip("jinja2")
    calls = ['{"a": 24, "b": 48}', '{"city": "Oslo", "when": null}', '{"deep": {"x": [1, "two", {"y": 3.5}]}}', "{}"]
    tools = [
        {
            "name": f"tool_{n}",
            "description": "",
            "parameters": json.dumps({"type": "object", "properties": {f"p{n}": {"type": "string"}}}),
        }
        for n in range(len(calls))
    ]
    examples = [Example(messages=[message("user", "No tools for this one."), message("assistant", "Right.")], tools=[])]
    for number, arguments in enumerate(calls):
        talk: list[Message] = [
            message("system", "Be brief."),
            message("user", f"Question number {number}"),
            message("assistant", "", tool_calls=[make.call(f"tool_{number}", arguments, id=f"c{number}")]),
            make.tool_result(json.dumps({"n": number}), id=f"c{number}"),
            message("assistant", "Here you are."),
        ]
        examples.append(Example(messages=talk, tools=tools[number : number + 1]))  # type: ignore[arg-type]
    chosen = formats.find("trl-sft")
    assert all(not [f for f in validate.check(one, chosen) if f.level == "error"] for one in examples)
    written = [chosen.write(one) for one in examples]
    file = tmp_path / "train.jsonl"
    file.write_bytes(b"".join(export.line_of(one) for one in written))

    loaded = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))

    assert sorted(loaded.column_names) == ["messages", "tools"]
    for back, one in zip(loaded, written, strict=True):
        assert back["tools"] == one["tools"]
        assert [_without_nulls(m) for m in back["messages"]] == one["messages"]
    templates = Path(trl.__file__).parent / "chat_templates"
    for name in ("qwen2_5.jinja", "qwen3.jinja"):
        environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
        environment.filters["tojson"] = lambda value, **kw: json.dumps(value, ensure_ascii=False)
        template = environment.from_string((templates / name).read_text())
        for back, example in zip(loaded, examples, strict=True):
            text = template.render(messages=back["messages"], tools=json.loads(back["tools"]) or None)
            for said in example.messages:
                for one_call in said.get("tool_calls") or []:
                    assert f'"arguments": {one_call["arguments"]}' in text, f"{name} prints the arguments once, as JSON"
            assert ("# Tools" in text) == bool(example.tools)


def _without_nulls(stored: dict[str, Any]) -> dict[str, Any]:
    """Columns that a message does not have may come back as None on the message itself, never inside arguments."""
    return {key: value for key, value in stored.items() if value is not None}


@pytest.mark.django_db
def test_the_first_line_for_tables_has_a_message_that_is_not_like_the_others(project: Project, rita: User) -> None:
    for _ in range(3):
        rows.trace(project, judged="acceptable", by=rita)
    version = freeze(project, validation=0, test=0)
    for name, column in (("trl-sft", "messages"), ("trl-prompt-completion-turns", "completion")):
        first, *rest = lines(version, name)
        assert [one["weight"] for one in first[column] if "weight" in one] == [1]
        assert not any("weight" in one for line in rest for one in line[column])
        written = export.Written()
        list(export.write_jsonl(version, name, written=written))
        assert manifest_of(version, name)[-1]["end"]["sha256"] == written.sha256
        read, _ = formats.find(name).read(first)
        assert read is not None and not any(one.get("weight") for one in read.messages), "1 is what no word says, too"
    assert '"weight"' not in json.dumps(lines(version, "openai-sft"))
