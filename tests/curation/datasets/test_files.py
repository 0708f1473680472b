"""Checking somebody's file: what is wrong by row, field and reason; in bounded memory whatever the file holds."""

import io
import json
import tracemalloc
from typing import Any

import pytest

from curation.datasets.exporting import files
from curation.datasets.exporting.seen import Seen


def row(asked: str = "Where is my parcel, please?", answer: Any = "It is on its way.", **more: Any) -> bytes:
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages, **more}).encode() + b"\n"


def ten(answer: str = "Answer") -> bytes:
    return b"".join(row(answer=f"{answer} {n}.") for n in range(10))


def check(content: bytes, name: str = "openai-sft", **more: Any) -> files.Report:
    return files.check(io.BytesIO(content), name, **more)


def one(content: bytes, name: str = "openai-sft") -> list[tuple[int, str, str]]:
    """Errors of the rows behind ten sound ones."""
    report = check(ten() + content, name)
    return [
        (found.line, found.finding.code, found.finding.path)
        for found in report.rows_found
        if found.finding.level == "error"
    ]


def test_a_sound_file_fits() -> None:
    report = check(ten())
    assert report.ok and (report.rows, report.invalid, report.warned) == (10, 0, 0) and report.tokens > 100


CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
USER = {"role": "user", "content": "Where is my parcel?"}


def said(*messages: Any, **more: Any) -> bytes:
    return json.dumps({"messages": [USER, *messages], **more}).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "code", "path"),
    [
        (b"{\n", "not_json", ""),
        (b"[1]\n", "not_an_object", ""),
        (b"\xff\xfe{}\n", "not_utf8", ""),
        (b"  \n" + row("A question like no other"), "blank_line", ""),
        (b'{"messages": [], "messages": []}\n', "not_json", ""),
        (b'{"messages": NaN}\n', "not_json", ""),
        (b'{"messages": ' + b"[" * 5000 + b"]" * 5000 + b"}\n", "not_json", ""),
        (b'{"messages": "x", "a": "\\ud800"}\n', "lone_surrogate", ""),
        (b"{}\n", "missing_messages", "messages"),
        (b'{"messages": []}\n', "no_messages", ""),
        (b'{"messages": {}}\n', "not_a_list", "messages"),
        (said("hi"), "not_an_object", "messages[1]"),
        (said({"role": "robot", "content": "x"}), "unknown_role", "messages[1].role"),
        (said({"content": "x"}), "missing_role", "messages[1].role"),
        (said({"role": "assistant"}), "missing_content", "messages[1].content"),
        (said({"role": "assistant", "content": 7}), "content_not_text", "messages[1].content"),
        (said({"role": "assistant", "content": "x", "model": "m"}), "unknown_key", "messages[1].model"),
        (said({"role": "assistant", "content": "x", "weight": 0.5}), "weight_not_taken", "messages[1].weight"),
        (said({"role": "assistant", "content": "x", "weight": 0}), "nothing_trained", "messages"),
        (said({"role": "assistant", "content": None, "tool_calls": [{**CALL, "function": {"name": "look", "arguments": {}}}]}),
         "arguments_not_text", "messages[1].tool_calls[0].function.arguments"),
        (said({"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "user", "content": "And now, after that?"},
              {"role": "assistant", "content": "x"}), "unanswered_call", "messages[1].tool_calls[0]"),
        (said({"role": "tool", "content": "x", "tool_call_id": "c9"}, {"role": "assistant", "content": "x"}),
         "orphan_tool_result", "messages[1].tool_call_id"),
        (said({"role": "tool", "content": "x"}, {"role": "assistant", "content": "x"}), "missing_tool_call_id",
         "messages[1].tool_call_id"),
        (said({"role": "assistant", "content": "x"}, tools=[{"type": "function", "function": {"name": "a b"}}]),
         "tool_name_not_taken", "tools[0].function.name"),
        (json.dumps({"preferred_output": [], "non_preferred_output": [], "input": {}}).encode() + b"\n", "other_format", ""),
        (json.dumps({"text": "<|im_start|>user\nhi<|im_end|>"}).encode() + b"\n", "other_format", ""),
        (row("", "x"), "empty_user_message", "messages[0].content"),
    ],
)  # fmt: skip
def test_each_fault_is_named_by_row_and_field(line: bytes, code: str, path: str) -> None:
    found = one(line)
    assert (11, code, path) in found, found


def test_what_is_no_json_is_told_by_its_character_and_by_no_line_of_its_own() -> None:
    (found,) = [found for found in check(ten() + b'{"messages": [}\n').rows_found if found.finding.code == "not_json"]
    assert (found.line, found.finding.reason) == (11, "the line is not valid JSON: Expecting value at character 15")
    call = {**CALL, "function": {"name": "look", "arguments": '{"a":\n 1,}'}}
    report = check(ten() + said({"role": "assistant", "content": None, "tool_calls": [call]}))
    assert "at character" in report.rows_found[0].finding.reason and "line" not in report.rows_found[0].finding.reason


def test_the_reasons_of_record_checks_are_remarks_where_a_row_can_still_be_trained_on() -> None:
    long = row("Please sum this up: " + "word " * 8000)
    report = check(ten() + row("Hm?") + long + row(answer="Answer 3."))
    assert report.warnings == {"short_user_message": 1, "long_row": 1, "duplicate": 1} and report.ok
    assert report.rows_found[-1].finding.reason == "says the same as line 4"


def test_lines_and_rows_are_counted_apart_where_some_are_empty() -> None:
    report = check(ten() + b"\n" + row(answer="") + b"  \n\n" + row("", "x") + b"\n")
    assert (report.lines, report.rows, report.invalid) == (16, 12, 2)
    assert [(one.line, one.row, one.finding.code) for one in report.rows_found if one.finding.level == "error"] == [
        (11, None, "blank_line"), (12, 11, "empty_assistant_message"), (13, None, "blank_line"),
        (14, None, "blank_line"), (15, 12, "empty_user_message"),
    ]  # fmt: skip
    assert report.plain()["findings"][1]["line"] == 12 and report.plain()["findings"][1]["row"] == 11


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (row(), "too_few_rows"),
        (b"\xef\xbb\xbf" + ten(), "byte_order_mark"),
        (ten().decode().encode("utf-16"), "not_utf8"),
        (b"[" + ten() + b"]", "not_json_lines"),
        (b"\x1f\x8b\x08" + ten(), "compressed"),
        (b'{\n"messages": []}\n', "not_json_lines"),
    ],
)
def test_the_file_as_such(content: bytes, code: str) -> None:
    report = check(content)
    assert code in [found.code for found in report.whole if found.level == "error"] and not report.ok


def test_two_files_must_not_share_rows_and_labels_must_differ() -> None:
    report = check(ten(), validation=io.BytesIO(ten("Other") + row(answer="Answer 4.")))
    assert report.errors == {} and not report.ok and report.validation is not None
    assert [(found.line, found.finding.reason) for found in report.validation.rows_found] == [
        (11, "says the same as line 5 of the training file")
    ]
    answer = [{"role": "assistant", "content": "Yes."}]
    labels = b"".join(
        json.dumps({"prompt": [{"role": "user", "content": f"Is number {n} right?"}], "completion": answer, "label": True}).encode()
        + b"\n"
        for n in range(12)
    )  # fmt: skip
    assert [found.code for found in check(labels, "trl-kto").whole] == ["one_label"]
    assert check(labels, "auto").format == "trl-kto"
    assert one(labels.splitlines()[0].replace(b"true", b"1"), "trl-kto")[-1][1:] == ("label_not_boolean", "label")


def test_preferences_with_a_bare_list_are_refused() -> None:
    answer = [{"role": "assistant", "content": "Yes."}]
    bare = {
        "input": [USER],
        "preferred_output": answer,
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    }
    report = check(json.dumps(bare).encode() + b"\n", "openai-dpo")
    assert [found.finding.code for found in report.rows_found] == ["bare_input"]


class Endless:
    """A stream of `size` bytes that never lies in memory."""

    def __init__(self, head: bytes, piece: bytes, size: int) -> None:
        self.head, self.piece, self.left = head, piece, size

    def read(self, size: int) -> bytes:
        if self.head:
            head, self.head = self.head, b""
            return head
        taken = (self.piece * (size // len(self.piece) + 1))[: min(size, self.left)]
        self.left -= len(taken)
        return taken


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (lambda: Endless(b'{"messages": "', b"x", 200_000_000), "line_too_long"),
        (lambda: Endless(b'{"messages": [', b"[],", 20_000_000), "too_many_values"),
        (lambda: Endless(b'{"a": ', b'{"a":', 20_000_000), "too_many_values"),
        (lambda: Endless(b"", b"\n", 500_000), ""),
        (lambda: Endless(b'{"text": "', b"<|im_start|>a", 2_000_000), "not_json"),
    ],
    ids=["one line of 200 MB", "many values", "deep", "only line ends", "marks without end"],
)
def test_hostile_files_end_soon_in_little_memory(stream: Any, code: str) -> None:
    given = stream()
    tracemalloc.start()
    report = files.check(given, "openai-sft")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not report.ok and most < 120_000_000
    assert not code or [found.finding.code for found in report.rows_found] == [code]


def test_many_findings_are_counted_and_the_first_kept() -> None:
    report = check(b"{}\n" * 5_000)
    assert report.rows == report.invalid == report.errors["missing_messages"] == 5_000
    assert len(report.rows_found) == files.MOST_KEPT and report.more == 5_000 - files.MOST_KEPT


def test_seen_finds_the_first_row_however_many_there_are() -> None:
    seen = Seen()
    digests = [number.to_bytes(16, "little") for number in range(1, 40_000)]
    assert not any(seen.add(digest, number) for number, digest in enumerate(digests, start=1))
    assert [seen.add(digests[at], 99_999) for at in (0, 7_777, 39_998)] == [1, 7_778, 39_999]
    assert seen.first(b"\0" * 8 + b"x") in (0, 1) and len(seen) == 39_999


def test_findings_stand_in_the_order_of_the_lines() -> None:
    good = row("A question like no other")
    found = check(good + b"{\n" + b"\n" + b"[]\n" + good).rows_found
    assert [one.line for one in found] == sorted(one.line for one in found)
    assert [one.line for one in found][:3] == [2, 3, 4]
