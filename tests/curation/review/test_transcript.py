"""The transcript shows everything once, in order, and nothing as markup."""

import re
from itertools import pairwise

import pytest

from curation.messages.form import message
from curation.review import diff, find, transcript
from curation.review.shown import markdown, shown
from tests.curation.review import documents
from tests.make import call, document, tool_result


def kinds(run: transcript.Transcript) -> list[str]:
    return [f"{block.kind}{block.state and ':' + block.state}" for block in run.blocks]


def test_rich_run() -> None:
    run = transcript.read(documents.rich(), verdicts={"c4": "bad"})
    assert kinds(run) == [
        "said", "said", "said", "parallel", "said", "call", "said:silent", "call", "said", "call", "said:silent",
        "parallel", "call:orphan", "agent", "answer",
    ]  # fmt: skip
    assert (run.steps, run.tools, run.errors) == (18, 9, 1)
    by_key = {block.key: block for block in run.blocks if block.key}
    assert by_key["c4"].failed and by_key["c4"].verdict == "bad" and by_key["c4"].heat == "h4"
    assert by_key["c5"].same == 2, "the same call with the same result is stacked"
    assert by_key["c5"].ms == 238
    parallel = run.blocks[3]
    assert parallel.note == "2 calls at once, 212 ms together"
    waiting = run.blocks[11].inside[1]
    assert waiting.state == "waiting" and waiting.drawn is not None and waiting.drawn.result == []
    assert run.answer is run.blocks[-1] and "<strong>billing/vat.py</strong>" in run.answer.rendered
    assert len(run.answer.others) == 1
    assert sum(segment.width for segment in run.strip) == pytest.approx(1000, abs=30)


def test_tools_on_offer_are_counted_and_what_nobody_offered_is_marked() -> None:
    said = [
        message("user", "Find and order it."),
        message("assistant", "", tool_calls=[call("search", id="c1"), call("search", id="c2"), call("buy", id="c3")]),
        tool_result("1", "c1"), tool_result("2", "c2"), tool_result("3", "c3"),
    ]  # fmt: skip
    run = document(*said)
    run["conversations"][0]["tools"] = [
        {"name": name, "description": "Looks\nit up", "parameters": "{}"}
        for name in ("search", "<b>mail</b>", "refund")
    ]
    offer = transcript.read(run).offer
    assert [(one.name, one.calls, one.is_offered) for one in offer.used] == [("search", 2, True), ("buy", 1, False)]
    assert [one.name for one in offer.unused] == ["&lt;b&gt;mail&lt;/b&gt;", "refund"]
    assert offer.used[0].description == "Looks it up"
    assert (offer.total, offer.waiting, offer.is_known) == (4, 2, True)
    run["conversations"][0]["tools"] = []
    assert not transcript.read(run).offer.is_known, "nothing told is not the same as nothing offered"
    run["conversations"][0]["tools"] = [{"name": f"t{n}", "description": "", "parameters": ""} for n in range(5_000)]
    many = transcript.read(run).offer
    assert (len(many.unused), many.left_out, many.total) == (200, 4_800, 5_002)


def test_what_two_conversations_tell_is_counted_once_and_said_so() -> None:
    """After a hand-over the next agent repeats the turn before it, under a system prompt of its own."""
    asked = [message("user", "Weather?")]
    turn = message("assistant", "", tool_calls=[call("transfer")], span_id="s1", latency_ms=700)
    rest = [tool_result("ok"), message("assistant", "It is 7 °C.", span_id="s2", latency_ms=300)]
    said = document(message("system", "Answer."), *asked, turn, *rest)
    triage = [message("system", "Hand off."), *asked, turn]
    said["conversations"].append({"id": "s1", "name": "Triage", "kind": "sub_agent", "messages": triage, "tools": []})
    run = transcript.read(said)
    assert (run.steps, run.tools, run.total_ms) == (3, 1, 1000)
    (agent,) = [block for block in run.blocks if block.kind == "agent"]
    assert "told above too" in agent.note and agent.ms is None
    said["conversations"][1]["messages"].append(message("assistant", "More.", span_id="s3", latency_ms=50))
    (agent,) = [block for block in transcript.read(said).blocks if block.kind == "agent"]
    assert "told above" not in agent.note and agent.ms == 50


def test_views_by_tool() -> None:
    run = transcript.read(documents.rich())
    drawn = {
        block.tool: block.drawn for block in [*run.blocks, *(i for b in run.blocks for i in b.inside)] if block.drawn
    }
    read = drawn["read_file"]
    assert read is not None
    search, edit, bash, config = drawn["search_code"], drawn["edit_file"], drawn["bash"], drawn["get_config"]
    assert search is not None and [view.kind for view in search.result] == ["table"]
    assert edit is not None and edit.args[0].kind == "diff" and ("", "", "+2 −4") in edit.marks
    assert bash is not None and [view.kind for view in bash.result] == ["prompt", "term"]
    assert bash.result[1].tail and "1 failed, 320 passed" in bash.result[1].head
    assert bash.result[1].more.startswith("11 earlier lines, ")
    assert config is not None and config.result[0].kind == "tree"


def test_folds_say_how_much_and_lose_nothing() -> None:
    text = "\n".join(f"row {number}" for number in range(500))
    run = transcript.read(document(message("assistant", "", tool_calls=[call("fetch")]), tool_result(text)))
    view = run.blocks[-1].drawn.result[0]  # type: ignore[union-attr]
    assert view.head + "\n" + view.rest == text
    assert view.more == f"486 more lines, {len(view.rest) / 1000:.0f} kB"
    far = transcript.read(document(message("assistant", "", tool_calls=[call("fetch")]), tool_result("x" * 200_000)))
    view = far.blocks[-1].drawn.result[0]  # type: ignore[union-attr]
    assert view.far and not view.rest and view.more == "1 more line, 194 kB"


def test_long_run_comes_in_parts_without_a_hole() -> None:
    run = transcript.read(documents.long(3000))
    parts = run.opening()
    assert [part.number for part in parts] == list(range(len(parts))) and run.is_long
    assert [part.drawn for part in parts] == [True, *[False] * (len(parts) - 2), True], "only what a page shows first"
    assert sum(part.steps for part in parts) == sum(block.count for block in run.blocks)
    assert sum(part.errors for part in parts) == 30
    for part, following in pairwise(parts):
        assert part.last + 1 == following.first and part.last_id < (following.first_id or part.last_id + 1)
    numbers = [block.id for part in parts for block in part.draw().blocks]
    assert numbers == [*(f"b{number}" for number in range(1, len(numbers))), "answer"]
    assert parts[-1].blocks[-1].kind == "answer"
    assert len(run.strip) <= 120
    for part in parts:  # what the outline keeps room for is what comes
        assert (part.lines, part.tools) == (len(part.rows), sum(row.mono for row in part.rows))
        assert part.failed == sum(row.failed for row in part.rows)


def test_parts_hold_little_text_whatever_the_run_is_like() -> None:
    calls = [call("fetch", id=f"k{number}") for number in range(200)]
    said = document(
        message("user", "Fetch them all."),
        message("assistant", "", tool_calls=calls),
        *(tool_result(f"{number}" + "x" * 30_000, f"k{number}") for number in range(200)),
        message("assistant", "Done."),
    )
    said["conversations"].append(
        {"id": "s", "name": "helper", "kind": "sub_agent", "tools": [], "messages": [
            one for number in range(100)
            for one in (message("assistant", f"step {number}"), message("user", "go on"))
        ]}
    )  # fmt: skip
    run = transcript.read(said)
    assert run.is_long and all(len(part.blocks) <= 60 for part in run.parts)
    together = [block for block in run.blocks if block.kind == "parallel"]
    assert [len(block.inside) for block in together] == [40] * 5, "200 calls at once are five blocks, none left out"
    assert together[1].note == "200 calls at once: 41 to 80"
    agents = [block for block in run.blocks if block.kind == "agent"]
    assert sum(block.count for block in agents) == 200 and agents[1].note == "steps 41 to 80 of 200"


def test_words_are_found_wherever_they_stand() -> None:
    run = transcript.read(documents.long(3000))
    found = find.find(run, "F1499.TXT")
    assert [(hit.part, hit.times) for hit in found.hits] == [(run.parts[-1].number, 1)] and found.blocks == 3002
    assert find.find(run, "not found").times == 30, "in results of parts that nobody drew"
    assert find.find(run, "  ").hits == []
    hidden = document(
        message(
            "assistant",
            "",
            reasoning=[{"text": "A secret thought"}],
            tool_calls=[call("w", '{"text": "one\\ntwo \\"x\\""}')],
        )
    )
    assert find.find(transcript.read(hidden), "secret").times == 1
    assert find.find(transcript.read(hidden), 'two "x"').times == 1, "arguments as they are read, not as JSON"


def test_hostile_text_stays_text() -> None:
    run = transcript.read(documents.hostile())

    def everything(blocks: list[transcript.Block]) -> str:
        out = ""
        for block in blocks:
            views = [block.text] if block.text else []
            if block.drawn:
                views += [*block.drawn.args, *block.drawn.result]
                out += block.drawn.gist
            out += "".join(v.head + v.rest for v in views) + block.gist + block.rendered + block.tool + block.note
            out += "".join(t.text.head + t.text.rest + t.gist for t in block.thoughts) + everything(block.inside)
        return out

    html = everything(run.blocks)
    tags = set(re.findall(r"<\s*([a-zA-Z]+)", html))
    assert tags <= {
        "span",
        "p",
        "a",
        "pre",
        "code",
        "dt",
        "dd",
        "i",
        "b",
        "mark",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "br",
        "del",
        "ins",
    }
    assert not re.search(r"<[^>]*\s(hx-|on)\w", html)
    assert "javascript:" not in re.sub(r">[^<]*<", "><", html)
    assert "\u202e" not in html and "\u200b" not in html and 'title="U+202E right-to-left override"' in html
    for row in run.opening()[0].rows:
        assert "<script" not in row.what


def test_joined_pictures_are_not_torn() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert shown(family) == family
    assert "ZWJ" in shown("a\u200db")
    assert "&lt;b&gt;" in shown("<b>") and shown("a\r\nb") == "a\nb"


def test_markdown_has_no_images_and_no_html() -> None:
    html = markdown("![x](https://e.example/x.png) <i>a</i> [m](mailto:a@b.c) [d](data:text/html,x)\n\n# T")
    assert "<img" not in html and "<i>" not in html and "data:" not in html.replace("](data:", "")
    assert 'rel="noopener noreferrer nofollow ugc"' in html and "<h3>T</h3>" in html


@pytest.mark.parametrize(
    ("old", "new"),
    [("a b c", "a x c"), ("", "new"), ("old", ""), ("same", "same"), ("a b", "b a"), ("one two\nthree", "one 2\nthree four"),
     ("x " * 5000, "y " * 5000), ("\n".join(map(str, range(9000))), "\n".join(map(str, range(0, 9000, 2))))],
)  # fmt: skip
def test_word_diff_reads_as_both_texts(old: str, new: str) -> None:
    pieces = diff.words(old, new).pieces
    assert "".join(p.text for p in pieces if p.kind != "ins") == old
    assert "".join(p.text for p in pieces if p.kind != "del") == new


def test_word_diff_counts_and_is_bounded() -> None:
    import random
    import time

    one = diff.words("I also reran the job", "I did not rerun the job")
    assert one.changes == 1
    assert one.html() == "I <del>also reran</del><ins>did not rerun</ins> the job"
    chance = random.Random(1)
    a, b = (" ".join(chance.choice("ab") for _ in range(20_000)) for _ in range(2))
    began = time.perf_counter()
    diff.words(a, b)
    assert time.perf_counter() - began < 2
