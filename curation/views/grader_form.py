"""The form of a grader: a table of fields for each type, read into a definition and written from one.

What a form cannot show is edited as JSON: every definition can be, and one with parts of another shape opens that way.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from curation.views.grader_kinds import GOALS, Field, fields


@dataclass(slots=True)
class Shown:
    """A field as the page shows it, with what was typed: `values` by part of the field ("" the whole)."""

    field: Field
    values: dict[str, str]
    error: str = ""

    @property
    def value(self) -> str:
        """What was typed into a field of one part."""
        return self.values.get("", "")


@dataclass(slots=True)
class Read:
    """A definition that was read, and what is wrong with single fields."""

    definition: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something to be mended before the form is kept: the name of the field, the reason, and the id to go to ("" none)."""

    label: str
    reason: str
    id: str


def shown(kind: str, given: Mapping[str, Any], errors: Mapping[str, str]) -> list[Shown]:
    """The fields of a type with what was typed: `given` is a posted form."""
    listed = []
    for one in fields(kind):
        values = {part: _typed(given, one, part) for part in _PARTS.get(one.kind, ("",))}
        listed.append(Shown(one, values, errors.get(one.key, "")))
    return listed


def names(kind: str) -> set[str]:
    """What the fields of a type are called in a posted form."""
    return {_name(one, part) for one in fields(kind) for part in _PARTS.get(one.kind, ("",))}


def aside(kind: str, given: QueryDict) -> list[tuple[str, str]]:
    """What was typed into fields that this type does not have (name, text): it comes back with the type that has them."""
    others = [name for name in given if name.startswith("f_") and name not in names(kind)]
    return [(name, text) for name in others for text in given.getlist(name)]


def read(kind: str, name: str, given: Mapping[str, Any]) -> Read:
    """The definition that a posted form says. What is left empty is left out."""
    found = Read({"type": kind, "name": name})
    for one in fields(kind):
        parts = {part: _typed(given, one, part) for part in _PARTS.get(one.kind, ("",))}
        try:
            value = _READ[one.kind](parts, one)
        except ValueError as error:
            found.errors[one.key] = str(error)
            continue
        if one.key == "*":
            found.definition.update(value if isinstance(value, dict) else {})
        elif value is not None:
            found.definition[one.key] = value
    return found


def read_json(text: str, name: str) -> Read:
    """A definition typed as JSON; without a name it takes the grader's."""
    try:
        value = _json(text)
    except ValueError as error:
        return Read(errors={"json": str(error)})
    if not isinstance(value, dict):
        return Read(errors={"json": 'An object is needed: {"type": ...}.'})
    return Read({"name": name, **value})


def written(definition: Mapping[str, Any]) -> dict[str, str] | None:
    """The fields of a form for this definition; None where the form could not give the same definition back."""
    kind = str(definition.get("type"))
    values: dict[str, str] = {}
    for one in fields(kind):
        if one.key == "*":
            rest = {key: value for key, value in definition.items() if key not in ("type", "name")}
            values[_name(one, "")] = pretty(rest) if rest else ""
        elif one.key in definition:
            for part, text in _WRITE[one.kind](definition[one.key]).items():
                values[_name(one, part)] = text
    again = read(kind, str(definition.get("name", "")), values)
    # what is not there yet may be missing in a form as well
    wrong = [key for key in again.errors if key in definition]
    return values if not wrong and again.definition == dict(definition) else None


def place(where: str) -> str:
    """The field that an error of a definition is about: grader.input[0].content is about input."""
    key = where.split(".")[1] if "." in where else ""
    return key.split("[")[0]


def wrong(kind: str, errors: Mapping[str, str]) -> list[Wrong]:
    """What is wrong, in the order of the page."""
    places = {"goal": ("What is a good answer", "goal-accuracy"), "type": ("How it is measured", "types")}
    for one in fields(kind):
        places[one.key] = (one.label, _name(one, _FOCUS.get(one.kind, "")))
    places |= {
        "json": ("Definition", "definition"), "connection": ("Connection", "connection"), "name": ("Name", "name"),
        "slug": ("Name of its scores", "slug"),
    }  # fmt: skip
    known = [Wrong(label, errors[key], at) for key, (label, at) in places.items() if errors.get(key)]
    return known + [Wrong("", text, "") for key, text in errors.items() if key not in places and text]


def words_of(goal: Mapping[str, str]) -> dict[str, str]:
    """A text to start from for a judge, made of nothing but what the author said a good answer is."""
    said = [f"- {label}: {goal[key].strip()}" for key, label, _ in GOALS if goal.get(key, "").strip()]
    system = "\n".join(["You judge the answer of an assistant. A good answer is like this:", *said])
    user = (
        "All that was said before the answer, with tool calls and their results:\n{{ item.messages }}\n\n"
        "The answer to judge:\n{{ sample.output_text }}\n\nTool calls of the answer:\n{{ sample.output_tools }}"
    )
    return {"f_input__system": system, "f_input__user": user}


# of a field of several parts, the one that is gone to where it is wrong
_FOCUS = {"messages": "user", "range": "low"}


def with_part(text: str, formula: str, slug: str, definition: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a combination with one more grader in it, under a name that a formula can say. Raises ValueError where
    what stands there is no JSON object."""
    parts = _json(text) if text.strip() else {}
    if not isinstance(parts, dict):
        raise ValueError('An object is needed: {"polite": {"type": ...}}.')
    name = slug.replace("-", "_")
    name = f"g_{name}" if name[:1].isdigit() else name
    is_new = name not in parts
    added = f"{formula.strip()} + {name}" if formula.strip() else name
    return {
        "f_graders": pretty(parts | {name: dict(definition)}),
        "f_calculate_output": added if is_new else formula,
    }


_PARTS = {"messages": ("system", "user"), "range": ("low", "high")}


def _name(one: Field, part: str) -> str:
    return f"f_{one.key}__{part}" if part else f"f_{one.key}"


def _typed(given: Mapping[str, Any], one: Field, part: str) -> str:
    name = _name(one, part)
    if one.kind == "several":
        chosen = given.getlist(name) if hasattr(given, "getlist") else str(given.get(name, "")).split("\n")
        return "\n".join(chosen)
    return str(given.get(name, one.start)).replace("\r\n", "\n")


def _json(text: str) -> Any:
    def never(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON.")

    try:
        return json.loads(text, parse_constant=never)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"Not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from None


def _number(text: str) -> int | float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a number.") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:40]!r} is not a number.")
    return int(value) if value.is_integer() and "." not in text and "e" not in text.lower() else value


def _read_text(parts: dict[str, str], one: Field) -> Any:
    text = parts[""]
    if not text.strip():
        if one.required:
            raise ValueError("This is needed.")
        return None
    return text


def _read_line(parts: dict[str, str], one: Field) -> Any:
    text = _read_text(parts, one)
    return None if text is None else text.strip()


def _read_number(parts: dict[str, str], one: Field) -> Any:
    text = _read_line(parts, one)
    return None if text is None else _number(text)


def _read_words(parts: dict[str, str], one: Field) -> Any:
    lines = [line.strip() for line in parts[""].split("\n") if line.strip()]
    if not lines and one.required:
        raise ValueError("At least one line is needed.")
    return lines or None


def _read_json(parts: dict[str, str], one: Field) -> Any:
    text = _read_text(parts, one)
    return None if text is None else _json(text)


def _read_range(parts: dict[str, str], one: Field) -> Any:
    low, high = parts["low"].strip(), parts["high"].strip()
    if not low and not high:
        return None
    if not low or not high:
        raise ValueError("Both ends are needed, or none.")
    return [_number(low), _number(high)]


def _read_messages(parts: dict[str, str], one: Field) -> Any:
    if not parts["user"].strip() and not parts["system"].strip():
        raise ValueError("Write what the judge is to read.")
    return [{"role": role, "content": parts[role]} for role in ("system", "user") if parts[role].strip()]


def _write_messages(value: Any) -> dict[str, str]:
    found = {}
    for one in value if isinstance(value, list) else []:
        if isinstance(one, dict) and isinstance(one.get("content"), str) and one.get("role") in ("system", "user"):
            found[one["role"]] = one["content"]
    return found


def pretty(value: Any) -> str:
    """A value as JSON to be read and edited."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _lines(value: Any) -> dict[str, str]:
    return {"": "\n".join(map(str, value)) if isinstance(value, list) else str(value)}


_READ: dict[str, Callable[[dict[str, str], Field], Any]] = {
    "template": _read_text, "code": _read_text, "text": _read_line, "choice": _read_line, "number": _read_number,
    "words": _read_words, "several": _read_words, "json": _read_json, "range": _read_range, "messages": _read_messages,
    "flag": lambda parts, one: True if parts[""] else None,
}  # fmt: skip
_WRITE: dict[str, Callable[[Any], dict[str, str]]] = {
    **dict.fromkeys(("template", "code", "text", "choice", "number"), lambda value: {"": str(value)}),
    "words": _lines, "several": _lines, "json": lambda value: {"": pretty(value)}, "messages": _write_messages,
    "range": lambda value: dict(zip(("low", "high"), map(str, value), strict=False)) if isinstance(value, list) else {},
    "flag": lambda value: {"": "1"} if value is True else {},
}  # fmt: skip
