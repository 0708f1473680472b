"""From typed text to a tree.

    query   = all ("OR" all)*
    all     = one ("AND"? one)*
    one     = ("NOT" | "-") one | "(" query ")" | shape | term
    term    = field ["." key] op value ("," value)* | word | "quoted text"
    shape   = step ("THEN" step)* ["THEN" ("NOT" | "-") step]
    step    = "step(" (["-"] term)* ")"

Words AND, OR, NOT and THEN may be written small. Whatever comes in, the answer is a tree or a FilterError.
"""

from dataclasses import replace

from curation.filters.errors import FilterError
from curation.filters.scan import Scanner, Token
from curation.filters.tree import Node, Shape, StepMatch, conjunction, disjunction, negation

MAX_LENGTH = 4_000
MAX_DEPTH = 40
MAX_STEPS = 8


def parse_tree(text: str) -> Node | None:
    """The tree of `text`, None where it is blank. Raises FilterError and nothing else."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"The filter is longer than {MAX_LENGTH:,} characters.", MAX_LENGTH)
    for at, letter in enumerate(text):
        if letter == "\0" or "\ud800" <= letter <= "\udfff":
            raise FilterError("The filter holds a character that no text can hold.", at)
    tokens = Scanner(text).scan()
    return _Parser(text, tokens).parse() if tokens else None


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
        if token.step is not None:
            return self._shape(token, token.step)
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

    def _shape(self, first: Token, step: StepMatch) -> Shape:
        steps, end = [step], first.end
        while self._peek() == "then" and not steps[-1].absent:
            then = self.tokens[self.at]
            self.at += 1
            absent = self._peek() in ("-", "not")
            self.at += absent
            found = self.tokens[self.at] if self.at < len(self.tokens) else then
            if found.step is None:
                raise FilterError("After “then” comes another step: step(…) then step(…).", then.start, end=found.end)
            self.at += 1
            steps.append(replace(found.step, absent=absent))
            end = found.end
        self._check_shape(steps, first.start, end)
        return Shape(tuple(steps), first.start, end)

    def _check_shape(self, steps: list[StepMatch], start: int, end: int) -> None:
        if self._peek() == "then":
            raise FilterError(
                "Only the last step of a shape can be one that does not come.", start, end=self.tokens[self.at].end
            )
        if len(steps) > MAX_STEPS:
            raise FilterError(f"A shape has at most {MAX_STEPS} steps.", start, end=end)
        counted = next((step.count for step in steps if step.count), None)
        if counted and len(steps) > 1:
            raise FilterError(
                "“count” stands only in a step of its own, without “then”.", counted.start, end=counted.end
            )

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
