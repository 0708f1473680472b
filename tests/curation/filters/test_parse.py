"""The grammar: what is read, how it is written back, and what is said when it cannot be read."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curation import filters
from curation.filters import FilterError, reference
from curation.filters.registry import FIELDS, STEP_FIELDS
from curation.filters.text import fix_times, write
from curation.filters.tree import And, Not, Or, Shape, StepMatch, StepTest, Term, leaves
from tests.curation.filters.trees import LETTERS, trees

NOW = datetime(2026, 11, 21, 9, 30, 15, 999, tzinfo=UTC)


def tree(text):
    return filters.parse(text).tree


def test_precedence_is_not_then_and_then_or():
    assert tree("a b OR -c d") == Or(
        (
            And((Term("text", ":", ("a",)), Term("text", ":", ("b",)))),
            And((Not(Term("text", ":", ("c",))), Term("text", ":", ("d",)))),
        )
    )
    assert tree("(a OR b) and not (c or d)") == tree("(a or b) -(c OR d)")
    assert tree("a AND b") == tree("a b")
    assert tree("--a") == tree("a")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("agent:support-bot", Term("agent", ":", ("support-bot",))),
        ("agent=support-bot", Term("agent", ":", ("support-bot",))),
        ('agent:"two words",b', Term("agent", ":", ("two words", "b"))),
        ("tool:search_orders,refund", Term("tool", ":", ("search_orders", "refund"))),
        ("judged:NO", Term("judged", ":", ("no",))),
        ("error:true", Term("error", ":", ("yes",))),
        ("score.helpful>=0.8", Term("score", ">=", ("0.8",), "helpful")),
        ("score.helpful:0.4..0.9", Term("score", "..", ("0.4", "0.9"), "helpful")),
        ('score."very odd: name">1', Term("score", ">", ("1",), "very odd: name")),
        ("score.tone:warm", Term("score", ":", ("warm",), "tone")),
        ("score.tone:*", Term("score", "*", (), "tone")),
        ("meta.customer.tier:gold", Term("meta", ":", ("gold",), "customer.tier")),
        ("latency>15s", Term("latency", ">", ("15s",))),
        ("latency:..900ms", Term("latency", "..", ("", "900ms"))),
        ("cost>$0.05", Term("cost", ">", ("$0.05",))),
        ("tokens>20k", Term("tokens", ">", ("20k",))),
        ("errors:3", Term("errors", "=", ("3",))),
        ("since:2026-11-01T10:00:00+02:00", Term("since", ":", ("2026-11-01T10:00:00+02:00",))),
        ("session:a:b:c", Term("session", ":", ("a:b:c",))),
        ('"or"', Term("text", ":", ("or",))),
        ('"say \\"hi\\""', Term("text", ":", ('say "hi"',))),
        ("text:refund", Term("text", ":", ("refund",))),
        ("foo-bar", Term("text", ":", ("foo-bar",))),
    ],
)
def test_a_term(text, term):
    assert tree(text) == term


def test_blank_is_every_trace():
    assert tree("  \n ") is None and str(filters.parse("")) == "" and not filters.parse(" ")


@pytest.mark.parametrize(
    ("text", "marked", "says", "suggestion"),
    [
        ("agnet:bot x", "agnet", "Did you mean “agent”?", "agent:bot x"),
        ("a http://x.org/y", "http", "put them in quotes", 'a "http://x.org/y"'),
        ("latency>15 a", "15", "needs a unit", "latency>15s a"),
        ("judged:acceptible", "acceptible", "is not one of yes, no", "judged:acceptable"),
        ("agent>3", ">", "cannot be larger", "agent:3"),
        ("a env!=prod", "!=", "put a minus", "a -env:prod"),
        ("x sort:new y", "sort:new", "not part of the filter", "x y"),
        ("agent: x", ":", "has no value", ""),
        ("tool:a,", ",", "after the comma", ""),
        ('say "hello', '"hello', "not closed", 'say "hello"'),
        ("(a OR b", "(", "not closed", "(a OR b)"),
        ("a)", ")", "closes nothing", "a"),
        ("a OR", "OR", "missing after", "a"),
        ("OR a", "OR", "missing before", ""),
        ("()", "()", "nothing between", ""),
        ("a - b", "-", "directly before", "a b"),
        ("score>1", "score>", "needs a name", ""),
        ("agent.x:1", "agent.x:", "no name after a dot", "agent:1"),
        ("since:soon", "soon", "is not a time", ""),
        ("since:2026-02-31", "2026-02-31", "not a day of the calendar", ""),
        ("steps>3,4", "4", "takes one value", ""),
        ("cost>free", "free", "not an amount", ""),
        ("score.x>nan", "nan", "not a number", ""),
        (">5", ">5", "name of a field is missing", ""),
        ('""', '""', "nothing between", ""),
        ("a step(tool:x", "step(tool:x", "not closed", "a step(tool:x)"),
        ("step(search)", "search", "described by tool, kind", "step(tool:search)"),
        ("step(tol:x)", "tol", "Did you mean “tool”", "step(tool:x)"),
        ("step(agent:x)", "agent", "A step has no “agent”", ""),
        ("step(kind:asistant)", "asistant", "is not one of system", "step(kind:assistant)"),
        ("step(tool:a OR tool:b)", "OR", "no OR and no group", ""),
        ("step(latency>2)", "2", "needs a unit", "step(latency>2s)"),
        ("step() then refund", "then refund", "comes another step", ""),
        ("step() then", "then", "comes another step", ""),
        ("step() then -step() then step()", "step() then -step() then", "Only the last", ""),
        ("step() then step(count>2)", "count>2", "without “then”", ""),
        ("step(-count>2)", "count>2", "takes no minus", ""),
        ("step(count>2 count<9)", "count<9", "given once", ""),
        ("step() THEN " * 9 + "step()", "step() THEN " * 9 + "step()", "at most 8 steps", ""),
    ],
)
def test_an_error_names_the_place_and_the_way_out(text, marked, says, suggestion):
    with pytest.raises(FilterError) as caught:
        filters.parse(text)
    error = caught.value
    assert text[error.position : error.end] == marked
    assert says in error.message
    assert error.suggestion == suggestion
    if suggestion:
        filters.parse(suggestion)


@settings(max_examples=400)
@given(trees())
def test_what_is_written_is_read_back_the_same(node):
    assert tree(write(node)) == node


_HOSTILE = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text(LETTERS, max_size=60),
    st.lists(
        st.sampled_from(
            [
                "(",
                ")",
                "-",
                " ",
                "OR",
                " AND ",
                "not ",
                '"',
                "\\",
                ",",
                ":",
                ">",
                "..",
                "*",
                "score.",
                "step(",
                " then ",
                "tool:",
                "meta.a",
                "1e999",
                "since:",
                "99999d",
                "latency>",
                "cost:",
                "agent",
                "\0",
                "\ud800",
                "'; DROP TABLE trace; --",
                "٣",
                "²",
            ]
        ),
        max_size=25,
    ).map("".join),
)


@settings(max_examples=800)
@given(_HOSTILE)
@example("(" * 4000)
@example("-" * 4000 + "a")
@example("not " * 1000)
@example("a " * 2000)
@example("since:00001d")
@example("since:0001-01-01T00:00:00+23:59")
@example("cost>" + "9" * 400)
def test_hostile_text_gives_a_tree_or_a_filter_error(text):
    try:
        query = filters.parse(text)
    except FilterError as error:
        assert 0 <= error.position <= len(text) and error.position < error.end
        return
    assert tree(str(query)) == query.tree
    filters.resolve(query, now=NOW)
    assert len(query.chips()) <= filters.parse(text).typed.__len__()


def test_resolving_fixes_the_time():
    query = filters.resolve(filters.parse("agent:a (since:7d OR until:yesterday)"), now=NOW)
    assert str(query) == "agent:a (since:2026-11-14T09:30:15Z OR until:2026-11-20)"
    assert filters.resolve(query, now=NOW.replace(year=2030)).tree == query.tree


@given(trees())
def test_a_resolved_filter_is_the_same_at_any_time(node):
    fixed = fix_times(node, now=NOW)
    assert fix_times(fixed, now=NOW.replace(year=2028)) == fixed
    assert tree(write(fixed)) == fixed


def test_shapes_are_read_where_they_stand():
    search = StepMatch((StepTest(Term("tool", ":", ("search",))), StepTest(Term("error", ":", ("yes",)))))
    refund = StepMatch((StepTest(Term("tool", ":", ("refund",)), negated=True),), absent=True)
    assert tree("step(tool:search error:YES) then not step(-tool:refund)") == Shape((search, refund))
    assert tree("a -STEP(tool:search error:yes)").parts[1] == Not(Shape((search,)))
    assert tree('step() "then"').parts == (Shape((StepMatch(),)), Term("text", ":", ("then",)))
    assert tree("then") == Term("text", ":", ("then",))
    assert not filters.parse("step(error:yes)").mentions("error")
    found = next(leaf for leaf in leaves(tree("a (b step() then step())")) if isinstance(leaf, Shape))
    assert (found.start, found.end) == (5, 23)
    chips = filters.parse("x step(tool:search error:yes) then -step(tool:refund latency>2s) step(count>3)").chips()
    assert [(chip.label, chip.words) for chip in chips[1:]] == [
        ("Steps", "search failed → never refund latency over 2s"),
        ("Step", "any step, count over 3"),
    ]
    assert chips[1].without == "x step(count>3)" and (chips[1].start, chips[1].end) == (2, 64)


def test_chips_say_it_in_words_and_can_be_taken_away():
    chips = filters.parse("env:prod score.helpful:0.4..0.95 -tag:smoke latency>15s (a OR b)").chips()
    assert [(chip.label, chip.words, chip.negated) for chip in chips] == [
        ("Environment", "is prod", False),
        ("Score helpful", "0.4 to 0.95", False),
        ("Tag", "smoke", True),
        ("Latency", "over 15s", False),
        ("", "a OR b", False),
    ]
    assert chips[2].without == "env:prod score.helpful:0.4..0.95 latency>15s (a OR b)"
    assert filters.parse("env:prod").chips()[0].without == ""


def test_every_example_of_the_registry_can_be_read():
    for field in FIELDS.values():
        for text in field.examples:
            assert filters.parse(text).mentions(field.name), text
    for field in STEP_FIELDS.values():
        for text in field.examples:
            assert isinstance(filters.parse(text).tree, Shape), text


def test_the_documentation_is_what_the_registry_says():
    path = Path(__file__).parents[3] / "docs" / "filters.md"
    text = path.read_text()
    made = text
    for name, table in (("fields", reference.fields_table()), ("steps", reference.steps_table())):
        made = re.sub(
            rf"(<!-- {name}: .*? -->\n).*?(<!-- end -->)", lambda m, t=table: m[1] + t + m[2], made, flags=re.DOTALL
        )
    if os.environ.get("WHETSTONE_WRITE_SNAPSHOT"):
        path.write_text(made)
    assert made == path.read_text()
    for line in re.findall(r"^    (.+)$", text, re.MULTILINE):
        assert filters.parse(line), line
