"""From typed text to a tree.

    query   = all ("OR" all)*
    all     = one ("AND"? one)*
    one     = ("NOT" | "-") one | "(" query ")" | term
    term    = field ["." key] op value ("," value)* | word | "quoted text"

Words AND, OR and NOT may be written small. Whatever comes in, the answer is a tree or a FilterError.
"""

import difflib
import re
from dataclasses import dataclass

from curation.filters import registry
from curation.filters.errors import FilterError
from curation.filters.registry import FIELDS, Field, Kind
from curation.filters.tree import COMPARISONS, EQUAL, HAS, IS, RANGE, Node, Term, conjunction, disjunction, negation

MAX_LENGTH = 4_000
MAX_TERMS = 200
MAX_DEPTH = 40

_SPACE = re.compile(r"\s+")
_TERM = re.compile(r'([^\W\d]\w*)(?:\.("(?:[^"\\]|\\.)*"|[^\s()":<>=!,]+))?(!=|>=|<=|[:<>=])')
_BARE = re.compile(r'[^\s()"]+')
_VALUE = re.compile(r'[^\s()",]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_KEYWORDS = ("and", "or", "not")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: "(", ")", "-", "and", "or", "not", or "term" with its term."""

    kind: str
    start: int
    end: int
    term: Term | None = None


def parse_tree(text: str) -> Node | None:
    """The tree of `text`, None where it is blank. Raises FilterError and nothing else."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"The filter is longer than {MAX_LENGTH:,} characters.", MAX_LENGTH)
    for at, letter in enumerate(text):
        if letter == "\0" or "\ud800" <= letter <= "\udfff":
            raise FilterError("The filter holds a character that no text can hold.", at)
    tokens = _Scanner(text).scan()
    return _Parser(text, tokens).parse() if tokens else None


def unquote(quoted: str) -> str:
    """What stands between the quotes, with \\" and \\\\ read."""
    return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)


class _Scanner:
    """Cuts the text into tokens; terms are read and checked here, where their place is known."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def scan(self) -> list[Token]:
        tokens: list[Token] = []
        while True:
            if space := _SPACE.match(self.text, self.at):
                self.at = space.end()
            if self.at >= len(self.text):
                return tokens
            tokens.append(self._next())
            if len(tokens) > 3 * MAX_TERMS:
                raise FilterError(f"The filter has more than {MAX_TERMS} conditions.", self.at)

    def _next(self) -> Token:
        start = self.at
        letter = self.text[start]
        if letter in "()":
            self.at += 1
            return Token(letter, start, self.at)
        if letter == "-":
            self.at += 1
            if self.at >= len(self.text) or self.text[self.at].isspace() or self.text[self.at] == ")":
                raise FilterError("A minus must stand directly before a condition.", start, self._cut(start, self.at))
            return Token("-", start, self.at)
        if letter == '"':
            return self._free(self._quoted(), start)
        if named := _TERM.match(self.text, start):
            return self._named(named)
        word = _BARE.match(self.text, start)
        assert word is not None  # neither space, parenthesis nor quote
        self.at = word.end()
        if word[0].lower() in _KEYWORDS:
            return Token(word[0].lower(), start, self.at)
        if letter in ":<>=!":
            raise FilterError(f"The name of a field is missing before “{letter}”.", start, end=self.at)
        return self._free(word[0], start)

    def _free(self, words: str, start: int) -> Token:
        if not words.strip():
            raise FilterError("There is nothing between the quotes.", start, self._cut(start, self.at), end=self.at)
        return Token("term", start, self.at, Term("text", IS, (words,), start=start, end=self.at))

    def _quoted(self) -> str:
        found = _QUOTED.match(self.text, self.at)
        if not found:
            raise FilterError("The quote is not closed.", self.at, self.text + '"', end=len(self.text))
        self.at = found.end()
        return unquote(found[0])

    def _named(self, named: re.Match[str]) -> Token:
        start, self.at = named.start(), named.end()
        field = self._field(named)
        key = named[2] or ""
        key = unquote(key) if key.startswith('"') else key
        if field.keyed and not key.strip():
            raise FilterError(f"“{field.name}” needs a name: {field.examples[0]}", start, end=self.at)
        if key and not field.keyed:
            right = self._replace(start, named.end(2), field.name)
            raise FilterError(f"“{field.name}” takes no name after a dot.", start, right, end=self.at)
        op, values, places = self._operand(field, named)
        for value, (first, last) in zip(values, places, strict=True):
            self._check(field, op, value, first, last)
        return Token("term", start, self.at, Term(field.name, op, tuple(values), key, start, self.at))

    def _field(self, named: re.Match[str]) -> Field:
        name = named[1].lower()
        if name in FIELDS:
            return FIELDS[name]
        if name == "sort":
            raise FilterError(
                "Sorting is not part of the filter: use the heads of the table, or sort= in the address.",
                named.start(), self._cut(named.start(), self._end_of_word()), end=self._end_of_word(),
            )  # fmt: skip
        near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.6) or [f for f in FIELDS if f.startswith(name[:3])]
        if near:
            right = self._replace(*named.span(1), near[0])
            raise FilterError(
                f"There is no field “{named[1]}”. Did you mean “{near[0]}”?", named.start(), right, end=named.end(1)
            )
        word = self.text[named.start() : self._end_of_word()]
        right = self._replace(named.start(), self._end_of_word(), quote(word))
        raise FilterError(
            f"There is no field “{named[1]}”. To search for the words, put them in quotes.",
            named.start(),
            right,
            end=named.end(1),
        )

    def _operand(self, field: Field, named: re.Match[str]) -> tuple[str, list[str], list[tuple[int, int]]]:
        """Operator and values, the operator turned into the one the tree keeps."""
        op = named[3]
        if op == "!=":
            first, last = named.span(3)
            right = f"{self.text[: named.start()]}-{self.text[named.start() : first]}:{self.text[last:]}"
            raise FilterError(
                "There is no “!=”; put a minus before the condition.", named.start(3), right, end=named.end(3)
            )
        items = self._items(field)
        values = [value for value, *_ in items]
        places = [(first, last) for _, first, last, _ in items]
        if op in COMPARISONS:
            if op not in field.operators:
                right = self._replace(*named.span(3), IS)
                raise FilterError(
                    f"“{field.name}” cannot be larger or smaller; use “:”.", named.start(3), right, end=named.end(3)
                )
            if len(values) > 1:
                raise FilterError(f"“{op}” takes one value.", places[1][0], end=places[-1][1])
            return op, values, places
        bare = len(items) == 1 and not items[0][3]
        if bare and values[0] == "*" and HAS in field.operators:
            return HAS, [], []
        if bare and RANGE in field.operators and (ends := self._range(field, values[0])):
            return RANGE, ends, [places[0]] * 2
        if field.kind is Kind.TIME and len(values) > 1:
            raise FilterError(f"“{field.name}” takes one time.", places[1][0], end=places[-1][1])
        return (
            (EQUAL if EQUAL in field.operators else IS),
            [registry.normalise(field, value) for value in values],
            places,
        )

    def _range(self, field: Field, value: str) -> list[str] | None:
        low, dots, high = value.partition("..")
        if not dots or not (low or high):
            return None
        if field.kind is Kind.SCORE:  # a category may hold dots: only numbers make a range
            try:
                for end in filter(None, (low, high)):
                    registry.read(field, end)
            except ValueError:
                return None
        return [low, high]

    def _items(self, field: Field) -> list[tuple[str, int, int, bool]]:
        """Values with their places and whether they were quoted."""
        items: list[tuple[str, int, int, bool]] = []
        while True:
            start = self.at
            if self.text[start : start + 1] == '"':
                items.append((self._quoted(), start, self.at, True))
            elif bare := _VALUE.match(self.text, start):
                self.at = bare.end()
                items.append((bare[0], start, self.at, False))
            else:
                where = "after the comma" if items else f"after “{self.text[start - 1 : start]}”"
                example = f", for example {field.examples[0]}" if field.examples else ""
                raise FilterError(f"“{field.name}” has no value {where}{example}.", max(start - 1, 0), end=start)
            if self.text[self.at : self.at + 1] != ",":
                return items
            self.at += 1

    def _check(self, field: Field, op: str, value: str, start: int, end: int) -> None:
        if op == RANGE and not value:
            return
        try:
            registry.check(field, op, value)
        except ValueError as problem:
            raise FilterError(f"“{value}” {problem}.", start, self._guess(field, value, start, end), end=end) from None

    def _guess(self, field: Field, value: str, start: int, end: int) -> str:
        """The whole text with the value put right, where there is an obvious guess."""
        if field.kind is Kind.CHOICE and (near := difflib.get_close_matches(value, field.choices, n=1, cutoff=0.5)):
            return self._replace(start, end, near[0])
        if field.kind is Kind.DURATION and value.replace(".", "", 1).isdecimal() and ".." not in self.text[start:end]:
            return self._replace(start, end, value + "s")
        return ""

    def _end_of_word(self) -> int:
        rest = _BARE.match(self.text, self.at)
        return rest.end() if rest else self.at

    def _replace(self, start: int, end: int, put: str) -> str:
        return self.text[:start] + put + self.text[end:]

    def _cut(self, start: int, end: int) -> str:
        return " ".join((self.text[:start] + self.text[end:]).split())


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.at = 0

    def parse(self) -> Node:
        node = self._any(0)
        if self.at < len(self.tokens):
            extra = self.tokens[self.at]
            right = self.text[: extra.start] + self.text[extra.end :]
            raise FilterError("This parenthesis closes nothing.", extra.start, right)
        return node

    def _peek(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def _any(self, depth: int) -> Node:
        parts = [self._all(depth)]
        while self._peek() == "or":
            self.at += 1
            parts.append(self._all(depth))
        return disjunction(parts)

    def _all(self, depth: int) -> Node:
        parts = [self._one(depth)]
        while self._peek() not in ("", "or", ")"):
            if self._peek() == "and":
                self.at += 1
            parts.append(self._one(depth))
        return conjunction(parts)

    def _one(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise FilterError(f"The filter is nested deeper than {MAX_DEPTH} levels.", self.tokens[self.at - 1].start)
        if self.at >= len(self.tokens):
            last = self.tokens[-1]
            word = self.text[last.start : last.end]
            raise FilterError(
                f"A condition is missing after “{word}”.", last.start, self.text[: last.start].rstrip(), end=last.end
            )
        token = self.tokens[self.at]
        self.at += 1
        if token.term is not None:
            return token.term
        if token.kind in ("-", "not"):
            return negation(self._one(depth + 1))
        if token.kind == "(":
            return self._group(token, depth)
        word = self.text[token.start : token.end]
        raise FilterError(
            f"A condition is missing before “{word}”."
            + ("" if token.kind == ")" else f' To search for the word, write "{word}" in quotes.'),
            token.start, end=token.end,
        )  # fmt: skip

    def _group(self, opened: Token, depth: int) -> Node:
        if self._peek() == ")":
            raise FilterError("There is nothing between the parentheses.", opened.start, end=self.tokens[self.at].end)
        if not self._peek():
            raise FilterError("This parenthesis is not closed.", opened.start)
        node = self._any(depth + 1)
        if self._peek() != ")":
            raise FilterError("This parenthesis is not closed.", opened.start, self.text + ")")
        self.at += 1
        return node


def quote(text: str) -> str:
    """`text` between quotes, so that it is read back as it is."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
