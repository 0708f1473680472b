"""JSON that stands inside text (arguments, schemas, results) and holds what no page, parser or file can take: from the
wire, and stored as it came by earlier versions, through pages and queue to the export."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from curation.datasets import build, recipe
from curation.datasets.exporting import formats
from curation.messages.form import Document, message
from curation.models import DatasetVersion, QueueItem, Replay, RevisionSignature, Trace
from curation.replay import opening
from curation.review import queues
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, Role, User

pytestmark = pytest.mark.django_db
As = Callable[[User], Client]
HALF = r'{"q": "cut off \ud83d", "\udc00": ["\ud83d\ude00"]}'


def nested(levels: int) -> str:
    return '{"a": ' * levels + "1" + "}" * levels


INSIDE = {
    "half a character": HALF,
    "half in a mail": r'{"to": "x", "subject": "\ud83d", "body": "\ud83d"}',
    "half in a shell": r'{"command": "echo \ud83d"}',
    "half in a change": r'{"path": "a\ud83d", "old_string": "\ud83d", "new_string": "b\udc00"}',
    "half in a table": r'[{"a": "\ud83d", "b": 1}, {"a": "x", "b": 2}]',
    "half in a terminal": r'{"stdout": "\ud83d", "exit_code": 0}',
    "deep": nested(300),
    "deeper": nested(950),
    "beyond what is parsed": nested(100_000),
    "no number": '{"n": NaN, "m": 1e999}',
    "large": f'{{"n": {2**64}, "m": {"9" * 5000}}}',
    "no JSON": r'{"q": "\ud83d',
}


def said(text: str, place: str = "") -> Document:
    """A run with `text` as the arguments of a call, the schema of a tool, or its result; everywhere without a place."""
    return make.document(
        message("user", "Please tell me where my order of two lamps is today."),
        message("assistant", "", tool_calls=[make.call("bash", text if place in ("", "arguments") else "{}")]),
        make.tool_result(text if place in ("", "result") else "on its way"),
        message("assistant", "It is on its way."),
        tools=[{**make.ORDER_TOOL, "name": "bash", "parameters": text if place in ("", "schema") else "{}"}],
    )


@pytest.mark.parametrize("name", INSIDE)
def test_every_page_of_a_run_that_was_stored_as_it_came(
    project: Project, alice: User, rita: User, as_user: As, name: str
) -> None:
    runs = [
        rows.trace(project, said(INSIDE[name], place), judged="acceptable", by=rita)
        for place in ("arguments", "result", "schema")
    ]
    other = rows.trace(project, said("{}"), judged="acceptable", by=rita)
    freeze(project)
    client = as_user(alice)

    def page(view: str, *args: object, **asked: str) -> str:
        answer = client.get(reverse(f"curation:{view}", args=["acme", *args]), asked)
        assert answer.status_code == 200, (view, answer.status_code)
        return answer.content.decode()

    for one in runs:
        for view in ("trace", "trace-becomes", "trace-attempts", "trace-timeline", "trace-told", "trace-comments"):
            page(view, one.uid)
        page("trace-find", one.uid, q="cut off")
        page("trace-talk-text", one.uid, 0)
        page("trace-diff", left=str(one.uid), right=str(other.uid))
        page("trace-replay", one.uid, step="c0m3")
    page("traces", q="cut")
    page("dataset-version", "support", 1)
    page("dataset-checks", "support", 1)
    for row in DatasetVersion.objects.get().rows.all():
        page("dataset-row", "support", 1, row.position)


def test_a_queue_goes_on(project: Project, alice: User, rita: User, as_user: As) -> None:
    hostile = [rows.trace(project, said(text)) for text in INSIDE.values()]
    rows.trace(project, said("{}"))
    queue = queues.create(project=project, actor=Actor(user=alice), name="Quick", query="", is_blind=False)
    client = as_user(rita)
    for _ in range(len(hostile) + 1):
        start = client.get(reverse("curation:review-next", args=["acme", queue.slug]))
        assert client.get(start["Location"]).status_code == 200
        item = QueueItem.objects.get(uid=start["Location"].rstrip("/").rpartition("/")[2])
        rows.judge(item.trace, rita)
    assert not Trace.objects.filter(verdict="").exists()


def test_from_the_wire_every_character_is_whole(
    project: Project, alice: User, rita: User, as_user: As, api: Callable[[Role], Client]
) -> None:
    """Half a character becomes �, told in the import notes; all else of the text stays as it came."""
    schema = {"type": "object", "description": "cut \ud83d", "properties": {}}
    sent = [
        {
            "id": f"t{number}",
            "messages": [
                {"role": "user", "content": f"What is the weather in Bern, day {number}?"},
                {"role": "assistant", "content": None, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "look", "arguments": HALF}}
                ]},
                {"role": "tool", "tool_call_id": "c1", "content": HALF},
                {"role": "assistant", "content": "It is sunny."},
            ],
            "tools": [{"type": "function", "function": {"name": "look", "parameters": parameters}}],
        }
        for number, parameters in enumerate((schema, json.dumps(schema)))
    ]  # fmt: skip
    door = api(Role.ENGINEER)
    for status in ("created", "unchanged"):
        answer = door.post("/api/projects/acme/traces", json.dumps(sent), content_type="application/json")
        assert answer.status_code == 200 and answer.json()[status] == 2, answer.content
    for trace in Trace.objects.all():
        assert trace.revision is not None
        talk = trace.revision.document["conversations"][0]
        asked = talk["messages"][1]["tool_calls"][0]["arguments"]
        assert asked == r'{"q": "cut off \ufffd", "\ufffd": ["\ud83d\ude00"]}'
        assert json.loads(talk["tools"][0]["parameters"])["description"] == "cut \ufffd"
        assert talk["messages"][2]["parts"][0]["text"] == HALF, "a result is text, and stays as it came"
        assert any("lone surrogates" in note for note in trace.revision.import_notes)
        assert as_user(rita).get(reverse("curation:trace", args=["acme", trace.uid])).status_code == 200
        rows.judge(trace, rita)
    made = freeze(project)
    for chosen in formats.taking("chat"):
        if not made.counts["checks"][chosen.NAME]["invalid"]:
            answer = door.get(f"/api/projects/acme/datasets/support/versions/1/export?format={chosen.NAME}")
            assert [json.loads(one) for one in lines_of(answer)], chosen.NAME
    assert {"openai-sft", "trl-sft", "chatml"} <= {
        name for name, told in made.counts["checks"].items() if not told["invalid"]
    }


REFUSED: dict[str, tuple[str, str, str, set[str]]] = {  # place, text, code, formats that say so ("" all)
    "half a character": ("arguments", HALF, "lone_surrogate", {""}),
    "half in a schema": ("schema", r'{"type": "object", "description": "cut \ud83d"}', "lone_surrogate", {""}),
    "deep": ("arguments", nested(201), "nested_too_deeply", {""}),
    "deep schema": ("schema", nested(201), "nested_too_deeply", {""}),
    "no number": ("arguments", '{"n": 1e999}', "number_too_large", {""}),
    "no number in a schema": ("schema", '{"maximum": -1e999}', "number_too_large", {""}),
    "a large bound": ("schema", f'{{"maximum": {2**64}}}', "number_too_large", {"openai-sft"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_row_that_cannot_be_written_is_refused_or_left_out(
    project: Project, rita: User, api: Callable[[Role], Client], name: str
) -> None:
    """The check at freezing, the signature, the page and the export say the same of it, and no file is cut off."""
    place, text, code, told = REFUSED[name]
    for number in range(3):
        rows.trace(project, said(json.dumps({"number": number}), "arguments"), judged="acceptable", by=rita)
    bad = rows.trace(project, said(text, place), judged="acceptable", by=rita)
    made = freeze(project)
    assert made.counts["rows"] == 4
    signature = RevisionSignature.objects.get(revision=bad.revision)
    door = api(Role.ENGINEER)
    for chosen in formats.taking("chat"):
        checked = made.counts["checks"][chosen.NAME]
        address = f"/api/projects/acme/datasets/support/versions/1/export?format={chosen.NAME}"
        if told & {"", chosen.NAME}:
            assert checked["errors"].get(code) == 1, (chosen.NAME, checked)
            known = signature.findings.get(chosen.NAME, signature.findings.get(""))
            assert ["error", code] in known
            refused = door.get(address)
            assert refused.status_code == 409 and code in refused.content.decode(), chosen.NAME
        if checked["invalid"].get("train") == 4:  # a format that takes no tools
            continue
        answer = door.get(f"{address}&skip_invalid=1")
        invalid = checked["invalid"].get("train", 0)
        assert len(lines_of(answer)) == (4 - invalid) * (2 if chosen.NAME.endswith("-turns") else 1), chosen.NAME
        assert answer.get("X-Whetstone-Skipped", "0") == str(invalid)


def test_what_can_be_written_is_left_alone(project: Project, rita: User) -> None:
    schema = json.dumps({"type": "object", "properties": {"n": {"type": "integer", "maximum": 2**64 - 1}}})
    rows.trace(project, said(schema, "schema"), judged="acceptable", by=rita)
    rows.trace(project, said(nested(200), "arguments"), judged="acceptable", by=rita)
    rows.trace(
        project, said(r'{"a": "\ud83d\ude00", "b": 1e308, "c": "1e999"}', "arguments"), judged="acceptable", by=rita
    )
    checks = freeze(project).counts["checks"]
    assert all(not checks[name]["invalid"] for name in ("openai-sft", "trl-sft", "chatml", "sharegpt")), checks


def test_a_replay_sends_whole_characters(project: Project) -> None:
    found = opening.opening(said(HALF), "c0m3")
    _, tools = opening.wire(opening.edited(found, {"tools": found.tools_text}))
    assert tools[0]["function"]["parameters"] == {"q": "cut off \ufffd", "\ufffd": ["😀"]}
    typed = opening.edited(found, {"tools": '[{"name": "look", "parameters": {"title": "\\ud83d"}}]'})
    json.dumps(opening.wire(typed), ensure_ascii=False).encode()
    with pytest.raises(opening.CannotReplay, match=r"tools\[0\].function.parameters: the schema is not valid JSON"):
        opening.edited(opening.opening(said("no JSON", "schema"), "c0m3"), {})
    assert not Replay.objects.exists()


def freeze(project: Project) -> DatasetVersion:
    """All rows in train."""
    wanted = recipe.parse({"validation": 0, "test": 0, "dedupe": "none"})
    return build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=wanted)


def lines_of(answer: Any) -> list[bytes]:
    """The lines of a file that was sent to its end."""
    assert answer.status_code == 200, answer.content
    raw = b"".join(answer.streaming_content)
    assert raw.endswith(b"\n")
    for line in raw.splitlines():
        json.dumps(json.loads(line), ensure_ascii=False, allow_nan=False).encode()
    return raw.splitlines()
