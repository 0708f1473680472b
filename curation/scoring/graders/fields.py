"""What may stand under each key of a definition. A test takes a value and says in words what is wrong with it; empty
where nothing is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from curation.scoring.graders import patterns, similarity, templates

NORMALISATIONS = ("case", "space", "punctuation", "articles", "numbers")
LIMITS = ("latency_ms", "cost_usd", "steps", "tool_calls", "tokens")
ROLES = ("system", "developer", "user", "assistant")
TEXT_PARTS = ("text", "input_text", "output_text")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
MOST_SOURCE = 256_000
MOST_LABELS = 50
MOST_MESSAGES = 100

Test = Callable[[Any], str]


class Keys(NamedTuple):
    """Keys of a type of grader: those it needs, those it may have, and a test for each."""

    required: dict[str, Test]
    optional: dict[str, Test]


def one_of(*options: str) -> Test:
    def test(value: Any) -> str:
        known = isinstance(value, str) and value in options
        return "" if known else f"{value!r} is not one of {', '.join(options)}."

    return test


def number(*, least: float | None = None, most: float | None = None, whole: bool = False) -> Test:
    """A finite number, between limits; true and false are none."""
    kinds = int if whole else int | float
    said = "a whole number" if whole else "a number"
    if least is not None:
        said += f" from {least:g}" + (f" to {most:g}" if most is not None else "")

    def test(value: Any) -> str:
        fine = isinstance(value, kinds) and not isinstance(value, bool) and -1e300 < value < 1e300
        fine = fine and (least is None or value >= least) and (most is None or value <= most)
        return "" if fine else f"{value!r} is not {said}."

    return test


def flag(value: Any) -> str:
    return "" if isinstance(value, bool) else f"{value!r} is neither true nor false."


def words(value: Any) -> str:
    texts = isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(word, str) for word in value)
    return "" if texts else "a list of texts is needed."


def some_words(value: Any) -> str:
    if reason := words(value):
        return reason
    return "" if value and all(word.strip() for word in value) else "at least one is needed, and none may be empty."


def word(value: Any) -> str:
    return "" if isinstance(value, str) and value.strip() else "a text is needed."


def labels(value: Any) -> str:
    if reason := some_words(value):
        return reason
    if len(value) > MOST_LABELS:
        return f"{len(value)} labels are more than {MOST_LABELS}."
    return "" if len(set(value)) == len(value) else "a label stands there twice."


def normalisations(value: Any) -> str:
    if reason := words(value):
        return reason
    unknown = [word for word in value if word not in NORMALISATIONS]
    return f"unknown: {', '.join(unknown)}. Known: {', '.join(NORMALISATIONS)}." if unknown else ""


def metric(value: Any) -> str:
    if isinstance(value, str) and value in similarity.NOT_COMPUTED:
        why = similarity.NOT_COMPUTED[value]
        return f"{value} is not computed here ({why}). Known: {', '.join(similarity.OPENAI)}."
    return one_of(*similarity.OPENAI)(value)


def schema(value: Any) -> str:
    if not isinstance(value, Mapping | bool):
        return "a JSON schema (an object) is needed."
    try:
        Draft202012Validator.check_schema(value)
    except (SchemaError, RecursionError) as error:
        return f"not a JSON schema: {getattr(error, 'message', 'nested too deeply')[:200]}."
    return ""


def value_range(value: Any) -> str:
    """[low, high], as OpenAI writes it."""
    finite = number()
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2 or any(map(finite, value)):
        return "two numbers are needed: [lowest, highest]."
    return "" if value[0] < value[1] else "the lowest must be below the highest."


def messages(value: Any) -> str:
    """The input of a judge: [{"role", "content"}], content a text or parts of text, with holes."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence) or not value:
        return "a list of messages with role and content is needed."
    if len(value) > MOST_MESSAGES:
        return f"{len(value)} messages are more than {MOST_MESSAGES}."
    for index, message in enumerate(value):
        if not isinstance(message, Mapping):
            return f"message {index} is not an object."
        if unknown := [key for key in message if key not in ("role", "content", "type")]:
            return f"message {index} has a key that is not sent: {unknown[0]}."
        if message.get("type", "message") != "message":
            return f"message {index} is of type {message['type']!r}; only message is sent."
        if reason := one_of(*ROLES)(message.get("role")):
            return f"message {index}, role: {reason}"
        if reason := _content(message.get("content")):
            return f"message {index}, content: {reason}"
    return ""


def _content(value: Any) -> str:
    if isinstance(value, str):
        return templates.problem(value)
    parts = [value] if isinstance(value, Mapping) else value
    if not isinstance(parts, Sequence) or not parts:
        return "a text is needed, or parts of text."
    for part in parts:
        if isinstance(part, Mapping):
            if part.get("type") not in TEXT_PARTS or not isinstance(part.get("text"), str):
                return f"only parts of text are sent ({', '.join(TEXT_PARTS)})."
            part = part["text"]
        if reason := templates.problem(part):
            return reason
    return ""


def sampling(value: Any) -> str:
    """`sampling_params` in OpenAI's names; its own odd one, max_completions_tokens, and the one it means."""
    if not isinstance(value, Mapping):
        return "an object is needed."
    for key, given in value.items():
        if key not in SAMPLING:
            return f"{key} is not known. Known: {', '.join(SAMPLING)}."
        if given is not None and (reason := SAMPLING[key](given)):
            return f"{key}: {reason}"
    if "max_completions_tokens" in value and "max_completion_tokens" in value:
        return "max_completions_tokens and max_completion_tokens say the same; one is enough."
    return ""


def expected_calls(value: Any) -> str:
    """Calls written down: [{"name", "arguments": an object or JSON text}]."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence) or not value:
        return 'a list of calls is needed: [{"name", "arguments"}].'
    for index, call in enumerate(value):
        if not isinstance(call, Mapping) or word(call.get("name")):
            return f"call {index} has no name."
        if unknown := [key for key in call if key not in ("name", "arguments")]:
            return f"call {index} has no key {unknown[0]!r}."
        if not isinstance(call.get("arguments", {}), str | Mapping):
            return f"call {index}: arguments must be an object or a JSON text."
    return ""


def source(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        return "Python with `def grade(sample, item) -> float` is needed."
    size = len(value.encode("utf-8", "surrogatepass"))
    return "" if size < MOST_SOURCE else f"{size:,} bytes are too many; {MOST_SOURCE:,} is the limit."


SAMPLING: dict[str, Test] = {
    "temperature": number(least=0, most=2),
    "max_completions_tokens": number(least=1, most=100_000, whole=True),
    "max_completion_tokens": number(least=1, most=100_000, whole=True),
    "seed": number(least=-(2**63), most=2**63 - 1, whole=True),
    "top_p": number(least=0, most=1),
    "reasoning_effort": one_of(*EFFORTS),
}
share = number(least=0, most=1)
# its limits are those of the definition's range, which `definitions.check` knows
threshold = number()
scope = one_of("run", "answer")

TYPES: dict[str, Keys] = {
    "string_check": Keys(
        {"input": templates.problem, "reference": templates.problem, "operation": one_of("eq", "ne", "like", "ilike")},
        {},
    ),
    "text_similarity": Keys(
        {"input": templates.problem, "reference": templates.problem, "evaluation_metric": metric},
        {"pass_threshold": share},
    ),
    "score_model": Keys(
        {"model": word, "input": messages},
        {"range": value_range, "sampling_params": sampling, "pass_threshold": threshold},
    ),
    "label_model": Keys(
        {"model": word, "input": messages, "labels": labels, "passing_labels": labels}, {"sampling_params": sampling}
    ),
    "python": Keys(
        {"source": source},
        {
            "image_tag": word,
            "engine": one_of("python", "monty"),
            "binary": flag,
            "range": value_range,
            "pass_threshold": threshold,
        },
    ),
    "multi": Keys(
        # the parts and the formula are checked together by `definitions.check`
        {"graders": lambda value: "", "calculate_output": word},
        {"range": value_range, "pass_threshold": threshold},
    ),
    "exact_match": Keys({}, {"normalise": normalisations}),
    "similarity": Keys({"metric": one_of(*similarity.OURS)}, {"pass_threshold": share}),
    "json_schema": Keys({"target": one_of("answer", "tool_arguments")}, {"schema": schema}),
    "tool_call": Keys(
        {},
        {
            "arguments": one_of("equal", "names_only"),
            "order": one_of("any", "same"),
            "partial": flag,
            "ignore": words,
            "pass_threshold": share,
            "expected": expected_calls,
            "scope": scope,
        },
    ),
    "tool_called": Keys(
        {"names": some_words},
        {
            "match": one_of("all", "any", "none"),
            "min_times": number(least=1, whole=True),
            "max_times": number(least=1, whole=True),
            "scope": scope,
        },
    ),
    "tool_arguments": Keys({"tool": word, "schema": schema}, {"scope": scope}),
    "no_error": Keys({}, {}),
    "limits": Keys({}, {name: number(least=0) for name in LIMITS}),
    "regex": Keys(
        {"pattern": patterns.problem},
        {"input": templates.problem, "ignore_case": flag, "expect": one_of("match", "no_match")},
    ),
}
