"""What can be asked for in the form of a grader: the types by group, and a table of fields for each."""

from dataclasses import dataclass, replace

from curation.scoring.graders import definitions, similarity
from curation.scoring.graders import fields as engine


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its key in the definition, how it is typed, and what it means. `rows` is the height of a text."""

    key: str
    kind: str
    label: str
    help: str = ""
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    rows: int = 2
    start: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of grader: where it stands in the list, and what it does in a sentence."""

    type: str
    group: str
    title: str
    sentence: str
    fields: tuple[Field, ...] = ()
    asks: bool = False


def _options(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, name.replace("_", " ")) for name in names)


_MATCHES = (("", "as usual: all"), ("all", "all of them"), ("any", "any of them"), ("none", "none of them"))
_EXPECTS = (("", "as usual: is there"), ("match", "is there"), ("no_match", "is not there"))
_EXPECTED = 'JSON: [{"name": "get_order", "arguments": {"order_id": "1017"}}]. Left empty: those of the reference.'
_SCOPES = (("run", "the whole run"), ("answer", "the last answer"))
_RUN = Field("scope", "choice", "Looks at", options=(("", "as usual: the whole run"), *_SCOPES))
_LAST = replace(_RUN, options=(("", "as usual: the last answer"), *_SCOPES))
_RANGE = Field("range", "range", "Scale", "From, to. Left empty: 0 to 1.")
_ANY_RANGE = replace(_RANGE, help="From, to; what is outside is cut. Left empty: any number.")
_COMPARED = (("", "as usual: equal"), ("equal", "must be equal"), ("names_only", "only names count"))
_TARGETS = (("answer", "the answer"), ("tool_arguments", "arguments of tool calls"))
_INPUT = Field("input", "template", "What is looked at", "Mostly the answer: {{ sample.output_text }}", required=True)
_REFERENCE = Field(
    "reference", "template", "What it is compared with", "A text, or {{ item.reference_text }}", required=True
)
_THRESHOLD = Field(
    "pass_threshold", "number", "Passes from", "0 to 1. Left empty, it gives a number and says neither pass nor fail."
)
_MESSAGES = Field(
    "input", "messages", "What the judge reads", "Your own words. That it answers with a reason and then the result is added by itself.",
    required=True, rows=8,
)  # fmt: skip
_MODEL = Field(
    "model", "text", "Model", "As the connection below names it. Left empty, its default model is taken.", required=True
)
_SAMPLING = Field(
    "sampling_params", "json", "How it is asked",
    'JSON, such as {"max_completions_tokens": 256, "seed": 7}. Temperature is 0 unless you say so.',
)  # fmt: skip

KINDS: dict[str, Kind] = {
    kind.type: kind
    for kind in (
        Kind(
            "score_model", "Ask a model", "Judge with a number",
            "A model reads the trace and your words, and answers with a number and a reason. Each answer costs.",
            (
                _MESSAGES, _MODEL,
                _RANGE,
                replace(_THRESHOLD, help="On the scale above. Left empty, it says neither pass nor fail."), _SAMPLING,
            ),
            asks=True,
        ),
        Kind(
            "label_model", "Ask a model", "Judge with a label",
            "A model chooses one of your labels; you say which of them pass. Each answer costs.",
            (
                _MESSAGES, _MODEL,
                Field("labels", "words", "Labels", "One a line.", required=True, rows=4),
                Field("passing_labels", "words", "Labels that pass", "One a line, each from the list above.", required=True, rows=3),
                _SAMPLING,
            ),
            asks=True,
        ),
        Kind(
            "string_check", "Compare texts", "Text check",
            "The answer equals, differs from or holds a text.",
            (
                _INPUT,
                Field(
                    "operation", "choice", "Passes where it", required=True,
                    options=(("eq", "equals"), ("ne", "differs from"), ("like", "holds"), ("ilike", "holds, in capitals or not")),
                ),
                _REFERENCE,
            ),
        ),
        Kind(
            "text_similarity", "Compare texts", "Text likeness",
            "How like a reference the answer is, as a number from 0 to 1.",
            (
                _INPUT, _REFERENCE,
                Field("evaluation_metric", "choice", "Measure", required=True, options=_options(*similarity.OPENAI)),
                _THRESHOLD,
            ),
        ),
        Kind(
            "exact_match", "Compare texts", "Equals the reference",
            "The answer is the reference answer, after what you choose to overlook.",
            (
                Field(
                    "normalise", "several", "Overlook", "Nothing chosen: every letter counts.",
                    options=_options(*engine.NORMALISATIONS),
                ),
            ),
        ),
        Kind(
            "similarity", "Compare texts", "Like the reference",
            "How like the reference answer the answer is, by words or letters they share.",
            (Field("metric", "choice", "Measure", required=True, options=_options(*similarity.OURS)), _THRESHOLD),
        ),
        Kind(
            "tool_called", "Rules on the run", "A tool was called",
            "The run called these tools, so often, or did not call them.",
            (
                Field("names", "words", "Tools", "One a line.", required=True, rows=3),
                Field("match", "choice", "Passes where it called", options=_MATCHES),
                Field("min_times", "number", "At least so often"),
                Field("max_times", "number", "At most so often"),
                _RUN,
            ),
        ),
        Kind(
            "tool_call", "Rules on the run", "The expected calls",
            "The calls are those that were expected: of the reference, or written down here.",
            (
                Field("expected", "json", "Expected calls", _EXPECTED, rows=4),
                Field("arguments", "choice", "Arguments", options=_COMPARED),
                Field("order", "choice", "Order", options=(("", "as usual: any"), ("any", "any"), ("same", "the same"))),
                Field("ignore", "words", "Arguments that do not count", "One a line."),
                Field("partial", "flag", "Part of the calls gives part of the score"),
                replace(_THRESHOLD, help="0 to 1, only where a part gives part of the score."),
                _LAST,
            ),
        ),
        Kind(
            "tool_arguments", "Rules on the run", "Arguments of a tool",
            "Every call of one tool has arguments that fit a JSON schema.",
            (
                Field("tool", "text", "Tool", required=True),
                Field("schema", "json", "Schema", "JSON.", required=True, rows=8),
                _RUN,
            ),
        ),
        Kind(
            "json_schema", "Rules on the run", "Fits a JSON schema",
            "The answer, or the arguments of its tool calls, fit a schema.",
            (
                Field("target", "choice", "What must fit", required=True, options=_TARGETS),
                Field("schema", "json", "Schema", "JSON. Empty for tool calls: each tool's own schema counts.", rows=8),
            ),
        ),
        Kind("no_error", "Rules on the run", "No error", "No step of the run failed."),
        Kind(
            "limits", "Rules on the run", "Limits",
            "Time, cost, steps, calls and tokens of the run stay under limits. What was not reported is not passed.",
            (
                Field("latency_ms", "number", "Time, at most", "Milliseconds."),
                Field("cost_usd", "number", "Cost, at most", "US dollars."),
                Field("steps", "number", "Steps, at most"),
                Field("tool_calls", "number", "Tool calls, at most"),
                Field("tokens", "number", "Tokens, at most", "In and out together."),
            ),
        ),
        Kind(
            "regex", "Compare texts", "Pattern",
            "The answer holds a pattern, or must not hold it.",
            (
                Field("pattern", "text", "Pattern", "A regular expression.", required=True),
                Field("input", "template", "What is looked at", "Left empty: the answer."),
                Field("expect", "choice", "Passes where it", options=_EXPECTS),
                Field("ignore_case", "flag", "Capitals do not matter"),
            ),
        ),
        Kind(
            "python", "Your own code", "Python",
            "Your function gives the number. It runs in a sandbox: no network, no files, little time.",
            (
                Field("source", "code", "Code", "def grade(sample, item) -> float", required=True, rows=12),
                _ANY_RANGE,
                replace(_THRESHOLD, help="Left empty, it gives a number and says neither pass nor fail."),
                Field("binary", "flag", "It says only 0 or 1"),
            ),
        ),
        Kind(
            "multi", "Combine", "Combination",
            "Several graders in one, put together by a formula.",
            (
                Field(
                    "graders", "json", "Graders",
                    'JSON: a name to a definition, {"polite": {"type": "regex", "pattern": "please"}, ...}', required=True, rows=10,
                ),
                Field("calculate_output", "text", "Formula", "Over their names: 0.7 * polite + 0.3 * short", required=True),
                _ANY_RANGE, replace(_THRESHOLD, help="Left empty, it gives a number and says neither pass nor fail."),
            ),
        ),
    )
}  # fmt: skip
GROUPS = ("Ask a model", "Compare texts", "Rules on the run", "Your own code", "Combine", "Others")

VARIABLES: tuple[tuple[str, str], ...] = (
    ("sample.output_text", "the answer"),
    ("sample.output_tools", "tool calls of the answer"),
    ("sample.output_json", "the answer read as JSON"),
    ("item.last_user_message", "what was asked last"),
    ("item.messages", "all messages"),
    ("item.system_prompt", "the system prompt"),
    ("item.tools", "tools that were offered"),
    ("item.tool_calls", "all tool calls of the run"),
    ("item.reference_text", "the right answer, where one is known"),
    ("item.reference_tools", "the right tool calls, where known"),
    ("item.latency_ms", "how long the run took"),
    ("item.cost_usd", "what the run cost"),
    ("item.steps", "steps of the run"),
    ("item.errors", "failed steps"),
    ("item.tokens", "tokens, in and out"),
    ("item.metadata", "what was sent along"),
)
GOALS: tuple[tuple[str, str, str], ...] = (
    ("accuracy", "Accuracy", "What must be true or right? “Every date comes from a tool result.”"),
    ("tone", "Tone", "How should it sound? “Friendly, no jargon, no blame.”"),
    ("completeness", "Completeness", "What must be there? “Says what happens next and when.”"),
    ("rules", "Rules to follow", "What must it always or never do? “Never promise a refund.”"),
)


def kinds() -> list[tuple[str, list[Kind]]]:
    """The types that can be run here, by group."""
    known = [
        KINDS.get(name) or Kind(name, "Others", name.replace("_", " ").capitalize(), "") for name in definitions.ENGINES
    ]
    return [(group, found) for group in GROUPS if (found := [kind for kind in known if kind.group == group])]


def fields(kind: str) -> tuple[Field, ...]:
    """The fields of a type; one for all its keys, as JSON, where it has no form of its own."""
    if kind in KINDS:
        return KINDS[kind].fields
    return (Field("*", "json", "Its keys", "JSON: everything but type and name.", rows=10),)
