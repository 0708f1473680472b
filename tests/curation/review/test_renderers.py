"""Each kind of tool is drawn as what it is, nothing of it is lost, and nothing in it becomes markup."""

import json

from curation.review import ansi
from curation.review.renderers import draw


def test_a_terminal_keeps_its_colours_and_nothing_else() -> None:
    html = ansi.coloured(
        "\x1b[1;31mFAILED\x1b[0m <b>x</b> \x1b]8;;http://evil.example\x07link\x1b[2J\x1b[38;5;10mok\x1b[38;2;1;2;3mrgb"
    )
    assert html == '<span class="a1 ansi-b">FAILED</span> &lt;b&gt;x&lt;/b&gt; link<span class="a2">ok</span>rgb'
    drawn = draw("bash", '{"command": "ls"}', "\x1b[32mdone\x1b[0m\x1b[1A", failed=False)
    assert 'class="a2"' in drawn.result[1].head and "left out" in drawn.result[1].note
    assert draw("bash", '{"command": "ls"}', "\x1b[32mdone\x1b[0m", failed=False).result[1].note == ""


def test_lines_have_numbers_only_where_somebody_said_them() -> None:
    text = "import os\n\nprint(1)"
    asked = draw("read_file", '{"path": "a.py", "offset": 40}', text, failed=False).result[0]
    assert asked.kind == "code" and "<i>40</i>" in asked.head and "<i>42</i>" in asked.head
    assert "<i></i>" in draw("read_file", '{"path": "a.py"}', text, failed=False).result[0].head
    found = draw("grep", '{"pattern": "x"}', "src/a.py:12: x = 1\nsrc/b.py:7:    x", failed=False).result[0]
    assert found.kind == "code" and "<i>src/a.py:12</i><code> x = 1</code>" in found.head
    long = draw(
        "read_file", '{"path": "a.py", "start_line": 5}', "\n".join(f"l{n}" for n in range(60)), failed=False
    ).result[0]
    assert "<i>5</i><code>l0</code>" in long.head and "<i>64</i><code>l59</code>" in long.rest, (
        "the fold goes on counting"
    )


def test_rows_mails_and_markdown_are_drawn_as_such_and_strangers_as_a_tree() -> None:
    rows = {"columns": ["id", "name"], "rows": [[1, "<b>"], [2, "x"]]}
    table = draw("query", "{}", json.dumps(rows), failed=False).result[0]
    assert table.kind == "table" and "&lt;b&gt;" in table.head and '<td class="num">2</td>' in table.head
    wrapped = draw("query", "{}", json.dumps({"total": 2, "items": [{"a": 1}, {"a": 2}]}), failed=False).result
    assert [view.kind for view in wrapped] == ["flat", "table"] and "total" in wrapped[0].head
    letter = {"to": ["a@b.example", "c@d.example"], "subject": "Your order", "body": "Dear <i>A</i>,\nit left."}
    drawn = draw("send_email", json.dumps(letter), '{"sent": true}', failed=False)
    assert drawn.args[0].kind == "mail" and "a@b.example, c@d.example" in drawn.args[0].head
    assert "Dear &lt;i&gt;A&lt;/i&gt;" in drawn.args[0].head and drawn.gist == "Your order"
    # a field that the view has no place for must not vanish
    assert draw("send_email", json.dumps({**letter, "track": True}), None, failed=False).args[0].kind != "mail"
    page = draw(
        "read_file", '{"path": "README.md"}', "# Title\n\n![x](http://evil.example/p.png) *yes*", failed=False
    ).result[0]
    assert page.kind == "md" and "<img" not in page.head and "<em>yes</em>" in page.head
    assert draw("get", "{}", json.dumps({"a": [1, {"b": [2]}]}), failed=False).result[0].kind == "tree"
