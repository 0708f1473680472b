"""Import and export give the same back: rows of chat data come out as OpenAI's rows as they went in."""

import json
from typing import Any

import pytest

from curation.datasets import build
from curation.datasets.exporting import export
from curation.datasets.recipe import Recipe
from curation.ingest.import_files import import_file
from curation.models import Judgment, Trace
from tests import make
from tests.curation.ingest.reading import lines
from workspace.access import SYSTEM, Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "d", "parameters": {"type": "object", "properties": {}}},
}
CALLS = [
    {
        "id": "c1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":  "Zürich", "n": 1.50}'},
    },
    {"id": "c2", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "東京"}'}},
]
ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "hi\u2028there 😀"},
                  {"role": "assistant", "content": "ho"}]},
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": None, "tool_calls": CALLS},
                  {"role": "tool", "tool_call_id": "c1", "content": '{"temp": 7}'},
                  {"role": "tool", "tool_call_id": "c2", "content": "19"},
                  {"role": "assistant", "content": "7 and 19."}], "tools": [TOOL]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "Look"},
                                               {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
                  {"role": "assistant", "content": "A cat.", "weight": 1}, {"role": "user", "content": "And?"},
                  {"role": "assistant", "content": "A dog."}]},
]  # fmt: skip


@pytest.mark.parametrize("column", ["objects", "text"], ids=["tools as objects", "tools as JSON text"])
def test_chat_rows_come_out_as_they_went_in(project: Project, rita: User, tmp_path: Any, column: str) -> None:
    given = [{**row, "tools": json.dumps(row["tools"])} if column == "text" and "tools" in row else row for row in ROWS]
    (tmp_path / "rows.jsonl").write_bytes(lines(*given))
    assert import_file(project=project, actor=SYSTEM, path=tmp_path / "rows.jsonl").created == 3
    for trace in Trace.objects.all():
        make.judgment(trace, rita)
    assert Judgment.objects.count() == 3
    version = build.freeze(project=project, name="same", query_text="", actor=Actor(), recipe=Recipe())
    found = [json.loads(line) for line in b"".join(export.write_jsonl(version, "openai-sft")).splitlines()]
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, ROWS))
