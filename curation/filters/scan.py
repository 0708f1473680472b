"""From typed text to tokens: terms are read and checked here, where their place is known."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from curation.filters import registry
from curation.filters.errors import FilterError
from curation.filters.registry import FIELDS, STEP_FIELDS, Field, Kind
from curation.filters.tree import COMPARISONS, EQUAL, HAS, IS, RANGE, StepMatch, StepTest, Term

MAX_TERMS = 200

_SPACE = re.compile(r"\s+")
_TERM = re.compile(r'([^\W\d]\w*)(?:\.("(?:[^"\\]|\\.)*"|[^\s()":<>=!,]+))?(!=|>=|<=|[:<>=])')
_STEP = re.compile(r"step\(", re.IGNORECASE)
_BARE = re.compile(r'[^\s()"]+')
_VALUE = re.compile(r'[^\s()",]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
KEYWORDS = ("and", "or", "not", "then")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: "(", ")", "-", "and", "or", "not", "then", or "term" and "step" with what was read."""

    kind: str
    start: int
    end: int
    term: Term | None = None
    step: StepMatch | None = None


def quote(text: str) -> str:
    """`text` between quotes, so that it is read back as it is."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquote(quoted: str) -> str:
    """What stands between the quotes, with \\" and \\\\ read."""
    return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)


class Scanner:
    """Cuts the text into tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.fields: Mapping[str, Field] = FIELDS

    def scan(self) -> list[Token]:
        tokens: list[Token] = []
        while True:
            if space := _SPACE.match(self.text, self.at):
                self.at = space.end()
            if self.at >= len(self.text):
                return tokens
            tokens.append(self._next(tokens[-1].kind if tokens else ""))
            if len(tokens) > 3 * MAX_TERMS:
                raise FilterError(f"The filter has more than {MAX_TERMS} conditions.", self.at)

    def _next(self, before: str) -> Token:
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
        if opened := _STEP.match(self.text, start):
            self.at = opened.end()
            return self._step(start)
        word = _BARE.match(self.text, start)
        assert word is not None  # neither space, parenthesis nor quote
        self.at = word.end()
        if word[0].lower() in KEYWORDS[:3] or (word[0].lower() == "then" and before == "step"):
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
        if name in self.fields:
            return self.fields[name]
        if self.fields is STEP_FIELDS:
            raise self._no_step_field(named)
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

    def _step(self, start: int) -> Token:
        """What stands between the parentheses of step( … )."""
        tests: list[StepTest] = []
        count: Term | None = None
        self.fields = STEP_FIELDS
        while not self._closes(start):
            minus = self.text.startswith("-", self.at)
            self.at += minus
            named = _TERM.match(self.text, self.at)
            if not named:
                raise self._no_step_test(start)
            term = self._named(named).term
            assert term is not None
            if term.field != "count":
                tests.append(StepTest(term, minus))
            elif minus or count:
                said = "takes no minus" if minus else "can be given once"
                raise FilterError(f"“count” {said}.", term.start, end=term.end)
            else:
                count = term
        self.fields = FIELDS
        return Token("step", start, self.at, step=StepMatch(tuple(tests), count))

    def _closes(self, start: int) -> bool:
        """Skips blanks; whether the parenthesis of the step is closed here."""
        if space := _SPACE.match(self.text, self.at):
            self.at = space.end()
        if self.at >= len(self.text):
            right = self.text.rstrip() + ")"
            raise FilterError("The parenthesis of the step is not closed.", start, right, end=len(self.text))
        closed = self.text[self.at] == ")"
        self.at += closed
        return closed

    def _no_step_test(self, start: int) -> FilterError:
        names = ", ".join(STEP_FIELDS)
        word = _BARE.match(self.text, self.at)
        end = word.end() if word else self.at + 1
        found = self.text[self.at : end]
        if found.lower() in KEYWORDS or found in "()":
            return FilterError(
                "Inside a step every condition must hold: there is no OR and no group.", self.at, end=end
            )
        # step(search) most likely means the tool
        right = self._replace(self.at, end, f"tool:{found}") if word and word[0] not in STEP_FIELDS else ""
        return FilterError(f"A step is described by {names}, each with a value.", self.at, right, end=end)

    def _no_step_field(self, named: re.Match[str]) -> FilterError:
        names = ", ".join(STEP_FIELDS)
        near = difflib.get_close_matches(named[1].lower(), STEP_FIELDS, n=1, cutoff=0.6)
        right = self._replace(*named.span(1), near[0]) if near else ""
        guess = f" Did you mean “{near[0]}”?" if near else f" A step has {names}."
        return FilterError(f"A step has no “{named[1]}”.{guess}", named.start(), right, end=named.end(1))

    def _end_of_word(self) -> int:
        rest = _BARE.match(self.text, self.at)
        return rest.end() if rest else self.at

    def _replace(self, start: int, end: int, put: str) -> str:
        return self.text[:start] + put + self.text[end:]

    def _cut(self, start: int, end: int) -> str:
        return " ".join((self.text[:start] + self.text[end:]).split())
