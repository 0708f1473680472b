"""Text that breaks other stores: every line is a trace whose content can be read again, or is rejected by its number."""

import json
from typing import Any

import pytest

from curation.ingest.import_files import import_file
from curation.messages.form import text_of
from curation.models import Trace
from workspace.access import SYSTEM
from workspace.models import Project


def chat(text: str, more: str = "") -> str:
    """A line whose user says `text`, which is JSON text already."""
    return f'{{{more}"messages": [{{"role": "user", "content": {text}}}]}}'


# what stands on the line, and what the user said then; None: the line is rejected
CASES: list[tuple[str, str, str | None]] = [
    ("NUL in a value", chat('"a\\u0000b"'), "a\ufffdb"),
    ("NUL in a key", chat('"nul-key"', '"metadata": {"x\\u0000": 1}, '), "nul-key"),
    ("lone surrogate", chat('"a\\ud800b"'), "a\ufffdb"),
    ("a pair of escapes", chat('"\\ud83d\\ude00"'), "😀"),
    ("NaN and Infinity", chat('"nan"', '"metadata": {"a": NaN, "b": [Infinity, -Infinity, 1e400]}, '), "nan"),
    ("2**64", chat('"big"', '"metadata": {"a": 18446744073709551616, "b": 1' + "0" * 5000 + "}, "), "big"),
    ("nested 1,100 deep", chat('"deep"', '"metadata": ' + '{"a":' * 900 + "1" + "}" * 900 + ", "), "deep"),
    ("nested 100,000 deep", chat('"x"', '"metadata": ' + "[" * 100_000 + "]" * 100_000 + ", "), None),
    ("a key twice", chat('"second"', '"messages": [{"role": "user", "content": "first"}], '), "second"),
    ("U+2028 inside", chat(json.dumps("a\u2028b\u2029c\x85d", ensure_ascii=False)), "a\u2028b\u2029c\x85d"),
    ("bidi, zero width, ANSI", chat('"\\u202e\\u200b\\u001b[31mred"'), "\u202e\u200b\x1b[31mred"),
    ("zalgo", chat(json.dumps("Z" + "\u0336" * 3000)), "Z" + "\u0336" * 3000),
    ("markup", chat('"<script>alert(1)</script>"'), "<script>alert(1)</script>"),
    ("an id with signs", chat('"sign"', '"id": "a/b\\r%_\\u0000😀", '), "sign"),
    ("an id of 10 kB", chat('"long"', '"id": "' + "x" * 10_000 + '", '), "long"),
    ("unknown role", '{"messages": [{"role": "wizard", "content": "x"}]}', None),
    ("no messages", '{"messages": []}', None),
    ("no JSON", '{"messages": [}', None),
]


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \n"], ids=["LF", "CRLF", "blank lines"])
def test_each_line_is_stored_readably_or_rejected_by_its_number(project: Project, tmp_path: Any, end: str) -> None:
    file = tmp_path / "hostile.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + end.join(line for _, line, _ in CASES).encode())
    found = import_file(project=project, actor=SYSTEM, path=file)
    step = end.count("\n")
    assert [item.where for item in found.rejected] == [
        f"line {number * step + 1}" for number, (_, _, said) in enumerate(CASES) if said is None
    ]
    stored = {
        text_of(trace.revision.document["conversations"][0]["messages"][0])
        for trace in Trace.objects.select_related("revision")
        if trace.revision
    }
    assert stored == {said for _, _, said in CASES if said is not None}
    assert found.created == len(CASES) - len(found.rejected)
    assert import_file(project=project, actor=SYSTEM, path=file).unchanged == found.created
