"""The form of a recipe: fields as text, and lists as one line each, so that all of it can be typed, copied and linked to.

gates      toxicity <= 0.1          weights    helpful 0.5 required
measures   helpful passed           mix        refunds 0.35
"""

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from curation.datasets.recipe import Recipe

_SIGNS = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt", "=": "eq", "==": "eq"}
_WORDS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "eq": "="}
_GATE = re.compile(r"(.+?)\s*(>=|<=|==|>|<|=)\s*(\S+)")
_WEIGHT = re.compile(r"(.+?)[\s:=]+(\S+?)(\s+required)?", re.IGNORECASE)
_MEASURE = re.compile(r"(.+?)[\s:=]+(passed|failed)", re.IGNORECASE)
_SHARE = re.compile(r"(.+?)[\s:=]+(\S+)")
PERCENT = ("validation", "test")
TEXT = (
    "task", "upload", "until", "corrections", "bad_steps", "measures", "min_quality", "min_confidence", "gates", "weights",
    "min_score", "answers_from", "dedupe", "near_threshold", "outliers", "personal", "balance_field", "balance_most",
    "coreset_strategy", "coreset_size", "coreset_loss_ratio", "coreset_loss", "mix_strategy", "mix_by", "mix_weights",
    "mix_least", "replay_buffer", "replay_ratio", "replay_capacity", "max_examples", "limit", "order", "seed", "validation",
    "test", "group_by", "stratify", "folds", "held_out",
)  # fmt: skip
_PLAIN = (
    "task", "upload", "until", "corrections", "bad_steps", "answers_from", "dedupe", "outliers", "personal", "order",
    "seed", "group_by", "stratify", "held_out",
)  # fmt: skip
_NUMBERS = ("min_quality", "min_confidence", "min_score", "near_threshold")
_COUNTS = ("max_examples", "limit", "folds")
# a part of the recipe, the field that says whether it is there, its other fields
_GROUPS: dict[str, tuple[str, dict[str, type]]] = {
    "balance": ("field", {"most": int}),
    "coreset": ("strategy", {"size": int, "loss_ratio": float, "loss": str}),
    "mix": ("strategy", {"by": str, "least": int}),
    "replay": ("buffer", {"ratio": float, "capacity": int}),
}


def typed(given: QueryDict) -> dict[str, Any]:
    """The fields as they stand in the form or the address; options of the task as "option_NAME"."""
    values: dict[str, Any] = {name: str(given[name]).strip() for name in TEXT if name in given}
    if "judgments" in given:
        values["judgments"] = given.getlist("judgments")
    options: dict[str, Any] = {}
    for key in given:
        if key.startswith("option_"):
            several = [str(one).strip() for one in given.getlist(key)]
            options[key.removeprefix("option_")] = several if len(several) > 1 else several[0]
    values["options"] = options
    return values


def plain(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields as `recipe.parse` takes them, and what is wrong with single lines (field -> reason naming the line).
    What is empty has its default."""
    made: dict[str, Any] = {name: values[name] for name in _PLAIN if values.get(name)}
    wrong: dict[str, str] = {}
    if "judgments" in values:
        made["judgments"] = values["judgments"]
    for names, kind in ((_NUMBERS, float), (_COUNTS, int)):
        for name in names:
            if values.get(name):
                made[name] = _number(values[name], kind)
    for name in PERCENT:
        if values.get(name):
            share = _number(values[name], float)
            if isinstance(share, float) and 0 <= share < 100:
                made[name] = share / 100
            else:
                wrong[name] = "must be a number of per cent, from 0 to less than 100"
    for group, (head, others) in _GROUPS.items():
        if values.get(f"{group}_{head}"):
            given = {key: (kind, values.get(f"{group}_{key}", "")) for key, kind in others.items()}
            made[group] = {head: values[f"{group}_{head}"]} | {
                key: text if kind is str else _number(text, kind) for key, (kind, text) in given.items() if text
            }
    made["measures"] = _lines(values, "measures", _MEASURE, "NAME passed, or NAME failed", wrong)
    made["measures"] = [{"score": name, "passed": word.lower() == "passed"} for name, word in made["measures"]]
    gates = _lines(values, "gates", _GATE, "NAME >= NUMBER (or >, <=, <, =)", wrong, number=2)
    made["gates"] = [{"score": name, "operator": _SIGNS[sign], "threshold": float(text)} for name, sign, text in gates]
    weights = _lines(
        values, "weights", _WEIGHT, "NAME NUMBER, with the word required where it must be there", wrong, number=1
    )
    made["weights"] = {name: float(text) for name, text, _ in weights}
    made["required"] = [name for name, _, needed in weights if needed]
    if "mix" in made:
        shares = _lines(values, "mix_weights", _SHARE, "NAME NUMBER", wrong, number=1)
        if shares:
            made["mix"]["weights"] = {name: float(text) for name, text in shares}
    if values.get("options"):
        made["task_options"] = dict(values["options"])
    if made.get("answers_from"):
        made["use_original_outputs"] = False
    return {key: value for key, value in made.items() if value != [] and value != {}}, wrong


def shown(chosen: Recipe) -> dict[str, Any]:
    """The fields of a recipe as text."""
    found = chosen.plain()
    values: dict[str, Any] = {name: found[name] for name in _PLAIN}
    values |= {name: "" if found[name] is None else f"{found[name]:g}" for name in _NUMBERS}
    values |= {name: found[name] or "" for name in _COUNTS}
    values |= {name: f"{found[name] * 100:g}" for name in PERCENT}
    values["judgments"] = found["judgments"]
    for group, (head, others) in _GROUPS.items():
        held = found[group] or {}
        values |= {f"{group}_{key}": _text(held.get(key)) for key in (head, *others)}
    values["measures"] = "\n".join(
        f"{one['score']} {'passed' if one['passed'] else 'failed'}" for one in found["measures"]
    )
    values["gates"] = "\n".join(
        f"{one['score']} {_WORDS[one['operator']]} {one['threshold']:g}" for one in found["gates"]
    )
    needed = set(found["required"])
    weighted = [
        f"{name} {weight:g}{' required' if name in needed else ''}" for name, weight in found["weights"].items()
    ]
    values["weights"] = "\n".join(weighted)
    values["mix_weights"] = "\n".join(
        f"{name} {share:g}" for name, share in ((found["mix"] or {}).get("weights") or {}).items()
    )
    values["options"] = found["task_options"]
    return values


def address(values: Mapping[str, Any]) -> str:
    """The fields that differ from a new recipe, as they stand in an address; q, name and description among them."""
    usual = shown(Recipe()) | {"name": "", "description": ""}
    told = {name: value for name, value in values.items() if name != "options" and differs(value, usual.get(name))}
    told |= {f"option_{name}": value for name, value in values["options"].items() if value != ""}
    return urlencode({"q": values["q"], **told}, doseq=True)


def differs(value: Any, usual: Any) -> bool:
    """Whether a field holds another text than in a new recipe."""
    return value != usual and str("" if value is None else value) != str("" if usual is None else usual)


def field_of(path: str) -> str:
    """The field of the form that a problem at `path` of the recipe belongs to: gates[1].threshold is about gates."""
    head, _, rest = path.replace("]", "").replace("[", ".").partition(".")
    if head == "required":
        return "weights"
    if head == "use_original_outputs":
        return "answers_from"
    if head in _GROUPS:
        inner = rest.split(".")[0] or _GROUPS[head][0]
        return f"{head}_{inner}"
    return f"option_{rest.split('.')[0]}" if head == "task_options" and rest else head


def _lines(
    values: Mapping[str, Any],
    field: str,
    form: re.Pattern[str],
    how: str,
    wrong: dict[str, str],
    *,
    number: int | None = None,
) -> list[tuple[Any, ...]]:
    """The parts of each line; the one at `number` is a finite number. `wrong` gets the first line that is otherwise."""
    found = []
    for place, line in enumerate(values.get(field, "").splitlines(), start=1):
        if not line.strip():
            continue
        match = form.fullmatch(line.strip())
        said = f"line {place} is {line.strip()[:60]!r}; "
        if match is None:
            wrong[field] = f"{said}each line is {how}"
            return []
        if number is not None and not _is_finite(text := match.groups()[number]):
            hint = f": write {text.replace(',', '.')}" if _is_finite(text.replace(",", ".")) else ""
            wrong[field] = f"{said}{text!r} is not a number{hint}"
            return []
        found.append(match.groups())
    return found


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _number(text: str, kind: type) -> Any:
    """The number, or the text itself where it is none: the recipe then says what it needs."""
    try:
        return kind(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
