"""Arrays read item by item: pieces may end anywhere, faults name their item, memory stays that of one item."""

import io
import json
import tracemalloc
from typing import Any

import pytest

from curation.ingest.arrays import read_array
from curation.ingest.parsed import Rejected
from curation.ingest.text import open_source


def items(data: bytes, chunk: int = 3) -> list[Any]:
    return list(read_array(io.BytesIO(data), 0, int, chunk))


VALUES = [{"ü": '日本語 \u2028 \\ " ]'}, [1, [2, {}]], -12.5e3, "", None, True, {"a": [{"b": "x" * 40}]}, 12345678901]


@pytest.mark.parametrize("chunk", [1, 2, 7, 64, 100_000])
@pytest.mark.parametrize("indent", [None, 1])
def test_pieces_of_any_length_give_the_same(chunk: int, indent: int | None) -> None:
    data = json.dumps(VALUES, ensure_ascii=False, indent=indent).encode()
    assert [item[1] for item in items(data, chunk)] == VALUES
    assert items(b" [ ] \n") == []


@pytest.mark.parametrize(
    ("data", "whole", "last"),
    [
        (b'[{"a": 1}, {"b": }]', 1, ("item 2", "not JSON: expecting value at character 7 of the item; what comes")),
        (b"[1, 2", 2, ("item 2", "the array is not closed")),
        (b"[1 2]", 1, ("item 1", "expecting , or ] after item 1")),
        (b"[1, 2] [3]", 2, ("the file", "more follows behind the array of 2 items")),
        (b'["\xff"]', 0, ("item 1", "not UTF-8: a byte 0xff cannot be read")),
        (b"[" * 100_000, 0, ("item 1", "nested too deeply")),
        (b'["abc', 0, ("item 1", "not JSON: unterminated string")),
        (b"[" + b'{"a":' * 300 + b"1" + b"}" * 300 + b"]", 1, ()),
    ],
)
def test_faults_name_their_item_and_keep_those_before(
    data: bytes, whole: int, last: tuple[str, str] | tuple[()]
) -> None:
    for chunk in (1 if len(data) < 1000 else 50_000, 100_000):
        found = items(data, chunk)
        assert [place for place, _ in (i for i in found if not isinstance(i, Rejected))] == [
            f"item {number}" for number in range(1, whole + 1)
        ]
        if last:
            assert isinstance(found[-1], Rejected)
            assert found[-1].where == last[0] and last[1] in found[-1].reason


def test_a_large_array_needs_little_memory(tmp_path: Any) -> None:
    record = json.dumps({"messages": [{"role": "user", "content": "x" * 1000}]})
    with (tmp_path / "large.json").open("w") as file:
        file.write("[" + ",".join([record] * 30_000) + "]")
    tracemalloc.start()
    with (tmp_path / "large.json").open("rb") as file:
        source = open_source(file, name="x")
        assert not isinstance(source, Rejected)
        assert sum(1 for _ in source.records()) == 30_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25_000_000  # the file has 32 MB; parsed as a whole it needs more than 60


def test_one_item_of_too_many_values_is_refused_before_it_is_read() -> None:
    found = items(b"[[" + b"{}," * 1_100_000 + b"{}]]", 1_000_000)
    assert len(found) == 1 and "more than 1,000,000" in found[0].reason
