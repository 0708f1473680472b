"""A view that was chosen for a tool draws its calls; one that cannot gives way and says so; nothing of a call is lost."""

import itertools
import json
import re

import pytest
from django.utils.html import strip_tags

from curation.review.chosen import VIEWS, Wish, draw, kind_of
from curation.review.renderers import Drawn

PATCH = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n-old <b>\n+new\n same"
LETTER = {"id": 7, "from": "a@b.example", "to": "c@d.example", "subject": "Your order", "body": "It <i>left</i>."}


def drawn(view: str, result: str | None, arguments: str = "{}", headline: str = "", failed: bool = False) -> Drawn:
    return draw("do_it", arguments, result, failed=failed, wish=Wish(view, headline))


def kinds(one: Drawn) -> list[str]:
    return [view.kind for view in (*one.args, *one.result)]


@pytest.mark.parametrize(
    ("view", "result", "arguments", "wanted"),
    [
        ("diff", PATCH, "{}", ["diff"]),
        ("diff", json.dumps({"ok": True, "patch": PATCH}), "{}", ["flat", "diff"]),
        ("diff", "ok", '{"path": "a", "old": "x", "new": "y"}', ["diff", "plain"]),
        ("terminal", "\x1b[31mred\x1b[0m", '{"target": "all"}', ["flat", "term"]),
        ("terminal", None, '{"cmd": "make"}', ["prompt"]),
        ("code", "a = 1\nb = 2", '{"offset": 5}', ["flat", "code"]),
        ("code", json.dumps({"sha": "1f", "content": "a\nb"}), "{}", ["flat", "code"]),
        ("markdown", "# Title\n\n*yes*", "{}", ["md"]),
        ("markdown", json.dumps("# Title"), "{}", ["md"]),
        ("table", json.dumps([{"a": 1, "b": {"c": [2]}}, {"b": None, "d": "x"}]), "{}", ["table"]),
        ("table", json.dumps({"page": 1, "items": [{"a": 1}]}), "{}", ["flat", "table"]),
        ("table", json.dumps({"columns": ["a", "b"], "rows": [[1, 2]], "took": 3}), "{}", ["flat", "table"]),
        ("table", 'name;price\n"Nut; big";2.5\nBolt;1', "{}", ["table"]),
        ("json", json.dumps({"a": 1}), '{"b": 2}', ["tree", "tree"]),
        ("mail", "sent", json.dumps(LETTER), ["flat", "mail", "plain"]),
        ("mail", json.dumps([LETTER, LETTER]), "{}", ["flat", "mail", "flat", "mail"]),
        ("plain", json.dumps({"a": 1}), '{"b": 2}', ["plain", "plain"]),
    ],
)
def test_a_view_that_was_chosen(view: str, result: str | None, arguments: str, wanted: list[str]) -> None:
    one = drawn(view, result, arguments)
    assert (kinds(one), one.instead) == (wanted, "")
    if view != "plain":
        assert kind_of(one) == VIEWS[view][0]


@pytest.mark.parametrize(
    ("view", "result", "why"),
    [
        ("diff", "hello", "neither the arguments nor the result hold a change"),
        ("terminal", None, "there is neither a command nor a result"),
        ("code", json.dumps([1, 2]), "structured"),
        ("markdown", "x" * 20_001, "20,001 characters"),
        ("table", "hello", "neither JSON nor rows"),
        ("table", json.dumps([{str(n): n for n in range(21)}]), "21 columns"),
        ("table", json.dumps([{"a": "x" * 501}]), "more than 500 characters"),
        ("table", None, "no result came"),
        ("json", "hello", "no JSON"),
        ("mail", json.dumps({"subject": "x"}), "neither the arguments nor the result are a mail"),
    ],
)
def test_a_view_that_cannot_gives_way_and_says_why(view: str, result: str | None, why: str) -> None:
    one, automatic = drawn(view, result), draw("do_it", "{}", result, failed=False, wish=Wish())
    assert why in one.instead and one.instead.startswith("Drawn automatically, not as ")
    assert (one.args, one.result, one.marks, one.gist) == (
        automatic.args, automatic.result, automatic.marks, automatic.gist,
    )  # fmt: skip


def test_a_table_shows_every_field_and_invents_none() -> None:
    html = drawn("table", json.dumps([{"a": 1, "b": None}, {"c": {"x": ["ü"]}}])).result[0].head
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    assert cells == ["1", "null", "", "", "", "{&quot;x&quot;: [&quot;ü&quot;]}"]


def test_the_headline_of_a_card() -> None:
    assert drawn("", "ok", '{"order": {"id": 7}, "note": "x"}', "order").gist == "{&quot;id&quot;: 7}"
    assert drawn("table", "ok", '{"note": "<b>"}', "note").gist == "&lt;b&gt;", "also where the view gave way"
    assert drawn("", "ok", '{"note": "x"}', "gone").gist == ""


PIECES = [
    None, "", "{}", "[]", "null", "3", '"x"', '"' + "a\\n" * 50 + '"', "[[1], [2]]", '[{"a": 1}, 2]', "[" * 4000 + "]" * 4000,
    PATCH, json.dumps(LETTER), 'a,b\n1,2\n"', "\x1b[31m<script>alert(1)</script>\u202e", '{"columns": ["a"], "rows": [[1, 2]]}',
    '{"columns": [["a"], 2], "rows": [[1, 2]]}', '{"exit_code": 1, "stdout": "<img src=x>"}', json.dumps({"a": "x" * 90_000}),
    json.dumps([{"<script>": "</td><script>"}] * 400),
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_breaks_or_lets_markup_through(view: str) -> None:
    for arguments, result, failed in itertools.product(["", *filter(None, PIECES)], PIECES, (True, False)):
        one = drawn(view, result, arguments, headline="a", failed=failed)
        pieces = [*one.args, *one.result]
        assert all("<script" not in piece.head + piece.rest and "<img" not in piece.head for piece in pieces)
        assert result is None or not result.strip() or pieces


@pytest.mark.parametrize("view", VIEWS)
def test_no_word_of_a_call_is_lost(view: str) -> None:
    arguments = json.dumps({"alpha": "bravo", "charlie": ["delta", {"echo": "foxtrot"}], "subject": "golf"})
    for result in (
        json.dumps({"hotel": "india\njuliett", "kilo": 3}), json.dumps([{"hotel": "india"}, {"kilo": {"lima": "mike"}}]),
        "hotel,india\njuliett,kilo", "# hotel\n\nindia", json.dumps({**LETTER, "hotel": "india"}),
    ):  # fmt: skip
        one = drawn(view, result, arguments)
        said = strip_tags(" ".join(f"{piece.head} {piece.rest} {piece.note}" for piece in (*one.args, *one.result)))
        for word in re.findall(r"[a-z]{4,}", f"{arguments} {result}".replace("\\n", " ")):
            assert word == "body" or re.search(word, said, re.IGNORECASE), (
                word,
                said,
            )  # the words of a mail have no head
