"""Whole runs of an agent, chosen by reward, success and length (requirements 001-42 to 001-50).

Observations stay messages of the role tool, which no format lets a model learn: put into the assistant's words, as
code for this often does, they would teach it to invent what tools return.
"""

from collections.abc import Mapping
from typing import Any

from curation.datasets import reasons
from curation.datasets.example import Example, has_content
from curation.datasets.tasks.chat import example_of, why_not
from curation.datasets.tasks.form import Context, Known, Left, Made
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task
from curation.datasets.tasks.turns import call_count, calls_in
from curation.messages.form import Message, message, text_part
from curation.scoring.counting import has_passed, raw

LEFT_OUT = "(left out)"


def make(context: Context) -> list[Made] | Left:
    """The run, or which filter stopped it."""
    example = example_of(context)
    left = _outcome(context.known, context) or why_not(example) or _shape(example.messages, context)
    if left is not None:
        return left
    options = context.options
    messages = example.messages
    if options["system_prompt"]:
        messages = [one for one in messages if one["role"] not in ("system", "developer")]
        messages = [message("system", options["system_prompt"]), *messages]
    if not options["include_observation"]:
        messages = [{**one, "parts": [text_part(LEFT_OUT)]} if one["role"] == "tool" else one for one in messages]
    messages = [_with_thought(one) if options["include_thought"] else _without_thought(one) for one in messages]
    pinned = messages == example.messages
    reward = raw(context.known.scores.get(options["reward"]))
    detail = "" if reward is None else f"{options['reward']} {reward:g}"
    return [Made(Example(messages=messages, tools=example.tools), reasons.TAKEN, detail, content_is_pinned=pinned)]


def steps_of(messages: list[Message]) -> int:
    """Steps as the filter counts them: assistant messages that say or call anything."""
    return sum(one["role"] == "assistant" and has_content(one) for one in messages)


def _outcome(known: Known, context: Context) -> Left | None:
    options = context.options
    name, least = options["reward"], options["min_reward"]
    value = raw(known.scores.get(name))
    facts = {"score": name, "operator": "gte", "threshold": least, "value": value}
    if least is not None and value is None:
        return Left(reasons.UNSCORED, name, facts)
    if least is not None and value is not None and value < least:
        return Left(reasons.LOW_REWARD, f"{name} {value:g}, below {least:g}", facts)
    if not options["require_success"]:
        return None
    told = known.scores.get(options["success"])
    success = has_passed(told)
    if told is None:  # a reward may say by itself whether the run passed
        success = has_passed(known.scores.get(name))
    if success is None:
        return Left(reasons.UNSCORED, f"{options['success']}, and {name} does not say whether it passed", facts)
    return None if success else Left(reasons.NOT_PASSED, options["success"] if told is not None else name)


def _shape(messages: list[Message], context: Context) -> Left | None:
    options = context.options
    steps, calls = steps_of(messages), call_count(messages)
    if steps < options["min_steps"]:
        return Left(reasons.TOO_SHORT, f"{steps}, at least {options['min_steps']} are asked for")
    if options["max_steps"] is not None and steps > options["max_steps"]:
        return Left(reasons.TOO_LONG, f"{steps}, at most {options['max_steps']} are asked for")
    if calls < options["min_tool_usage"]:
        return Left(reasons.FEW_TOOLS, f"{calls}, at least {options['min_tool_usage']} are asked for")
    if shut := [name for name in calls_in(messages) if name in options["exclude_actions"]]:
        return Left(reasons.SHUT_OUT, ", ".join(shut))
    return None


def _with_thought(one: Message) -> Message:
    """Thoughts in front of the words, in <think> as chat templates write them."""
    thoughts = [part["text"] for part in one.get("reasoning", []) if part["text"] and not part.get("redacted")]
    if one["role"] != "assistant" or not thoughts:
        return one
    said = "\n".join(thoughts)
    kept = _without_thought(one)
    return {**kept, "parts": [text_part(f"<think>\n{said}\n</think>\n"), *kept["parts"]]}


def _without_thought(one: Message) -> Message:
    if "reasoning" not in one:
        return one
    kept: Message = {**one}
    del kept["reasoning"]
    return kept


def together(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """No run has fewer steps than the fewest and more than the most."""
    fewest, most = options["min_steps"], options["max_steps"]
    return [("max_steps", f"must be at least the fewest, {fewest:,}")] if most is not None and most < fewest else []


TASK = Task(
    NAME="trajectories",
    LABEL="Whole runs, chosen by reward and length",
    HELP="Runs with enough reward that succeeded. What tools returned stays in their own messages and is not learned.",
    OPTIONS=(
        Option(name="reward", label="Score of the reward", default="reward", score=True),
        Option(name="min_reward", label="Least reward", kind="number", default=0.5, optional=True,
               help="Empty: the reward does not matter."),
        Option(name="require_success", label="Only runs that succeeded", kind="flag", default=True),
        Option(name="success", label="Score of the success", default="success", score=True,
               help="Where a trace has none, the reward's own word on passed or failed counts."),
        Option(name="min_steps", label="Fewest steps", kind="whole", default=1, least=1, most=100_000),
        Option(name="max_steps", label="Most steps", kind="whole", default=None, optional=True, least=1, most=100_000,
               help="Messages of the agent. Empty: any number."),
        Option(name="min_tool_usage", label="Fewest tool calls", kind="whole", default=1, least=0, most=100_000),
        Option(name="exclude_actions", label="Without these tools", kind="names", default=[]),
        Option(name="system_prompt", label="System prompt in place of the recorded one", default="", optional=True, long=True),
        Option(name="include_observation", label="Keep what tools returned", kind="flag", default=True,
               help="Without it each result says only that it was left out; it is never learned either way."),
        Option(name="include_thought", label="Keep thoughts", kind="flag", default=False,
               help="In <think> in front of the words of the agent, and learned with them."),
    ),
    NEEDS=frozenset({"scores"}),
    TOGETHER=together,
    MAKE=make,
)  # fmt: skip
