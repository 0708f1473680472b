"""The Agents SDK's SQLite file: read as it lies on disk, distrusted, refused by name where it is something else."""

import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from curation.ingest.parsed import Rejected, Unreadable
from tests.curation.ingest.reading import messages, read
from tests.curation.ingest.samples import payload

ITEMS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
TABLE = "CREATE TABLE agent_messages (id INTEGER PRIMARY KEY, session_id TEXT, message_data TEXT)"


def made(path: Path, *statements: str, rows: Any = (), wal: bool = False) -> bytes:
    database = sqlite3.connect(path)
    if wal:
        database.execute("PRAGMA journal_mode=WAL")
    for statement in statements:
        database.execute(statement)
    if rows:
        database.executemany("INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)", rows)
    database.commit()
    database.close()
    return path.read_bytes()


def test_each_session_is_a_trace_and_a_bad_message_costs_only_itself(tmp_path: Path) -> None:
    rows = [
        ("a", json.dumps(ITEMS[0])),
        ("b", json.dumps(ITEMS[0])),
        ("a", "{broken"),
        ("a", json.dumps(ITEMS[1])),
        ("b", None),
    ]
    traces, rejected = read(made(tmp_path / "s.db", TABLE, rows=rows, wal=True))
    assert [(trace.session_id, trace.external_id, len(messages(trace))) for trace in traces] == [
        ("a", "a", 2),
        ("b", "b", 1),
    ]
    assert [item.where for item in rejected] == ["agent_messages row 3", "agent_messages row 5"]


def test_the_genuine_file() -> None:
    (trace,) = read(payload("openai_agents_0.24.0__sqlite_session.sqlite3"))[0]
    assert (trace.session_id, trace.started_at.isoformat() if trace.started_at else "") == (
        "sess-1",
        "2026-11-20T22:15:21+00:00",
    )
    assert [m["role"] for m in messages(trace)] == ["user", "assistant", "tool", "assistant", "tool", "assistant"]


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (["CREATE TABLE songs (id INTEGER)"], "has no table agent_messages .* its tables: songs"),
        (
            ["CREATE TABLE x (id, session_id, message_data)", "CREATE VIEW agent_messages AS SELECT * FROM x"],
            "no table agent_messages",
        ),
        (["CREATE TABLE agent_messages (other TEXT)"], "cannot be read: no such column"),
    ],
)
def test_other_databases_are_refused(tmp_path: Path, statements: list[str], reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(made(tmp_path / "s.db", *statements))


def test_damage_anywhere_is_a_refusal_or_fewer_rows() -> None:
    whole = payload("openai_agents_0.24.0__sqlite_session.sqlite3")
    chance = random.Random(7)
    for _ in range(150):
        data = bytearray(whole[: chance.choice([len(whole), chance.randrange(20, len(whole))])])
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(16, len(data))] = chance.randrange(256)
        try:
            traces, rejected = read(bytes(data))
        except Unreadable:
            continue
        assert len(traces) <= 9 and all(isinstance(item, Rejected) for item in rejected)
