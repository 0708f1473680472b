"""Files of every shape and with every fault: which records come out, and what is said of the rest."""

import io
from typing import Any

import pytest

from curation.ingest.parsed import Rejected
from curation.ingest.text import open_source


def records(data: bytes) -> tuple[str, list[Any]]:
    source = open_source(io.BytesIO(data), name="x")
    if isinstance(source, Rejected):
        return "rejected", [source.reason]
    return source.shape, list(source.records())


@pytest.mark.parametrize(
    ("data", "shape", "expected"),
    [
        (b"", "lines", []),
        (b"\n \r\n", "lines", []),
        (b'[{"a":1},{"b":2}]', "array", [("item 1", {"a": 1}), ("item 2", {"b": 2})]),
        (b'\xef\xbb\xbf{"a":1}\r\n\r\n{"b":2}', "lines", [("line 1", {"a": 1}), ("line 3", {"b": 2})]),
        (
            '{"a":"x\u2028y\x85z"}\n{"b":2}\n'.encode(),
            "lines",
            [("line 1", {"a": "x\u2028y\x85z"}), ("line 2", {"b": 2})],
        ),
        (b'{\n "a": [\n {}\n ]}', "document", [("the document", {"a": [{}]})]),
        (b"[1]\n[2]", "lines", [("line 1", [1]), ("line 2", [2])]),
        ('{"a":1}\n{"b":2}'.encode("utf-16"), "lines", [("line 1", {"a": 1}), ("line 2", {"b": 2})]),
        ('[{"ü":1}]'.encode("utf-16-be").join([b"\xfe\xff", b""]), "array", [("item 1", {"ü": 1})]),
        (b'{"a":1e400}', "document", [("the document", {"a": float("inf")})]),
    ],
)
def test_shapes(data: bytes, shape: str, expected: list[Any]) -> None:
    assert records(data) == (shape, expected)


def test_one_bad_line_costs_one_line() -> None:
    shape, found = records(b'nonsense\n{"a":1}\n{"b":\xff}\n{"c":3}')
    assert shape == "lines"
    assert found == [
        Rejected("line 1", "not JSON: expecting value at column 1"),
        ("line 2", {"a": 1}),
        Rejected("line 3", "not UTF-8: byte 6 is 0xff"),
        ("line 4", {"c": 3}),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":1', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe", "neither JSON nor JSON lines"),
        (b"\x00\x01\x02", "not JSON"),
        (b"\x93\xfa", "UTF-8: byte 1"),
    ],
)
def test_what_cannot_be_read_at_all(data: bytes, reason: str) -> None:
    shape, found = records(data)
    assert shape == "rejected"
    assert reason in found[0]


def test_long_integers_keep_their_digits() -> None:
    _, found = records(b'{"id": 123456789012345678901234567890, "small": 7}')
    assert found == [("the document", {"id": "123456789012345678901234567890", "small": 7})]
    _, found = records(b'{"id": ' + b"9" * 5000 + b"}")
    assert found[0][1]["id"] == "9" * 5000
