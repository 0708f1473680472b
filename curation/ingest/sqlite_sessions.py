"""Sessions out of the SQLite file that OpenAI's Agents SDK keeps: one record {session_id, items} for each.

Source: openai-agents 0.24.0, `SQLiteSession`: table agent_messages (session_id, message_data JSON, in the order of id) and
agent_sessions (session_id, created_at). The file is opened in memory and distrusted: no view, trigger or function of it
is ever run.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

from curation.ingest.parsed import Rejected, Unreadable

MAGIC = b"SQLite format 3\0"
_MOST_STEPS = 50_000_000
_WAL = b"\x02\x02"


def read_sessions(data: bytes, parse: Callable[[str], Any]) -> list[tuple[str, Any] | Rejected]:
    """("session ID", {"session_id", "items", "created_at"}) for each session, in the order they began; messages that are
    no JSON are Rejected by their row. Raises Unreadable where the file is damaged or holds no such table."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        try:
            return _read(database, data, parse)
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            raise Unreadable(f"this SQLite file cannot be read: {str(error)[:200]}") from None


def _read(database: sqlite3.Connection, data: bytes, parse: Callable[[str], Any]) -> list[tuple[str, Any] | Rejected]:
    if data[18:20] == _WAL:  # the SDK writes so; in memory there is no log beside the file
        data = data[:18] + b"\x01\x01" + data[20:]
    database.deserialize(data)
    steps = iter(range(_MOST_STEPS // 100_000))
    database.set_progress_handler(lambda: next(steps, None) is None, 100_000)
    for setting in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
        database.execute(f"PRAGMA {setting}")
    tables = {str(name) for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "agent_messages" not in tables:
        found = ", ".join(sorted(tables))[:200] or "none"
        raise Unreadable(
            f"this SQLite file has no table agent_messages (sessions of the Agents SDK); its tables: {found}"
        )
    began: dict[Any, Any] = {}
    if "agent_sessions" in tables:
        began = dict(database.execute("SELECT session_id, created_at FROM agent_sessions"))
    sessions: dict[str, dict[str, Any]] = {}
    rejected: list[Rejected] = []
    rows = database.execute("SELECT id, session_id, message_data FROM agent_messages ORDER BY id")
    for number, name, text in rows:
        key = str(name)
        session = sessions.setdefault(key, {"session_id": key, "items": []})
        if isinstance(began.get(name), str):
            session.setdefault("created_at", began[name])
        try:
            session["items"].append(parse(text if isinstance(text, str) else ""))
        except Unreadable as error:
            rejected.append(Rejected(f"agent_messages row {number}", str(error)))
    return [*((f"session {key[:60]}", session) for key, session in sessions.items()), *rejected]
