"""Renders chat templates as transformers does, without transformers: the same filters, globals and marks.

This module knows nothing of Django and of the project: it is what the child process of `child.py` runs, since a template
is a program of whoever published the model. Source of the environment: transformers, utils/chat_template_utils.py
(trim_blocks and lstrip_blocks, loop controls, tojson, raise_exception, strftime_now, {% generation %}).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox

OPEN, CLOSE = "\ue000", "\ue001"  # around the number of a message; taken out again


@dataclass
class Rendered:
    """A text with the stretches (begin, end in characters) of its marks, and where each message begins: (character,
    message) in order. `places` is empty where that could not be told."""

    text: str
    spans: list[tuple[int, int]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)


class Marks(jinja2.ext.Extension):
    """{% generation %} ... {% endgeneration %}: what the assistant says."""

    tags = {"generation"}

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.blocks: list[str] | None = None
        self.spans: list[tuple[int, int]] = []

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        """The block becomes a call that notes where it stands."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_note"), [], [], body).set_lineno(line)

    def _note(self, caller: Callable[[], str]) -> str:
        said = caller()
        if self.blocks is not None:
            start = sum(len(block) for block in self.blocks)
            self.spans.append((start, start + len(said)))
        return said

    @contextmanager
    def noting(self, blocks: list[str]) -> Iterator[list[tuple[int, int]]]:
        """Spans are noted while this is open; `blocks` is what was rendered so far."""
        self.blocks, self.spans = blocks, []
        try:
            yield self.spans
        finally:
            self.blocks = None


class Template:
    """One chat template, ready to be rendered many times. Raises jinja2.TemplateError where it is none."""

    def __init__(self, source: str) -> None:
        self._environment = _environment()
        self._marks = next(one for one in self._environment.extensions.values() if isinstance(one, Marks))
        tree = self._environment.parse(source)
        self.has_marks = any(
            isinstance(node.call, jinja2.nodes.Call) and getattr(node.call.node, "name", "") == "_note"
            for node in tree.find_all(jinja2.nodes.CallBlock)
        )
        self._plain = self._environment.from_string(tree)
        numbered = self._environment.parse(source)
        for loop in numbered.find_all(jinja2.nodes.For):
            if isinstance(loop.target, jinja2.nodes.Name):
                target = jinja2.nodes.Name(loop.target.name, "load")
                call = jinja2.nodes.Call(jinja2.nodes.Name("_number_of_message", "load"), [target], [], None, None)
                loop.body.insert(0, jinja2.nodes.Output([call]))
        self._numbered = self._environment.from_string(numbered)

    def text(self, messages: list[dict[str, Any]], **given: Any) -> str:
        """Only the text."""
        return str(self._plain.render(messages=_aliased(messages), documents=None, **given))

    def render(self, messages: list[dict[str, Any]], **given: Any) -> Rendered:
        """The text with its marks and the places of its messages."""
        ready = _aliased(messages)
        blocks: list[str] = []
        with self._marks.noting(blocks) as spans:
            for block in self._plain.generate(messages=ready, documents=None, **given):
                blocks.append(block)  # noqa: PERF402  # marks count what is in it while it grows
        text = "".join(blocks)
        return Rendered(text, list(spans), self._places(ready, text, given))

    def _places(self, messages: list[dict[str, Any]], text: str, given: dict[str, Any]) -> list[tuple[int, int]]:
        if OPEN in text:
            return []
        numbers = {id(message): number for number, message in enumerate(messages)}

        def number(value: Any) -> str:
            return f"{OPEN}{numbers[id(value)]}{CLOSE}" if id(value) in numbers else ""

        try:
            numbered = self._numbered.render(messages=messages, documents=None, _number_of_message=number, **given)
        except Exception:
            return []
        places: list[tuple[int, int]] = []
        plain = ""
        head, *rest = numbered.split(OPEN)
        plain += head
        for piece in rest:
            said, close, behind = piece.partition(CLOSE)
            if not close or not said.isdigit():
                return []
            places.append((len(plain), int(said)))
            plain += behind
        return places if plain == text else []


def _environment() -> jinja2.sandbox.ImmutableSandboxedEnvironment:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Marks, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = _now
    return environment


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().strftime(form)  # noqa: DTZ005  # as transformers does


def _aliased(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keys that say nothing go; reasoning is offered under the names that templates read."""
    ready = []
    for message in messages:
        plain = {key: value for key, value in message.items() if value is not None}
        thought = next((plain[key] for key in ("reasoning_content", "thinking", "reasoning") if key in plain), None)
        ready.append(plain if thought is None else {"thinking": thought, **plain, "reasoning_content": thought})
    return ready
