"""What the tests of readers share: reading bytes as a file would be."""

import io
import json
from pathlib import Path
from typing import Any

from curation.ingest.formats import choose
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.text import open_source

PAYLOADS = Path(__file__).parents[2] / "fixtures" / "payloads"


def read(data: bytes, *, wanted: str = "auto", name: str = "file") -> tuple[list[ParsedTrace], list[Rejected]]:
    """Traces and rejections of a file."""
    source = open_source(io.BytesIO(data), name=name)
    if isinstance(source, Rejected):
        raise Unreadable(source.reason)
    found = list(choose(source, wanted).read(source))
    return [item[1] for item in found if not isinstance(item, Rejected)], [i for i in found if isinstance(i, Rejected)]


def lines(*values: Any) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def one(*values: Any, wanted: str = "auto") -> ParsedTrace:
    """The only trace of JSON lines."""
    traces, rejected = read(lines(*values), wanted=wanted)
    assert (len(traces), rejected) == (1, [])
    return traces[0]


def messages(trace: ParsedTrace, conversation: int = 0) -> list[Any]:
    """Messages of one conversation of a trace."""
    return list(trace.document["conversations"][conversation]["messages"])
