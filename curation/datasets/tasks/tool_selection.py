"""Which tools a request needs: a query in, {"tools": [...], "reasoning": "..."} out.

Only traces whose score `correct_tool_selection` is true: what an agent called is right only where somebody or something
said so. The label of requirement 002-07.
"""

import json

from curation.datasets import reasons
from curation.datasets.example import Example
from curation.datasets.tasks.chat import example_of, why_not
from curation.datasets.tasks.form import Context, Left, Made
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task
from curation.datasets.tasks.turns import calls_in, is_masked, talk, thought_of
from curation.messages.form import Message, Tool, message, text_of
from curation.scoring.counting import has_passed

PLANNER = (
    "You are the planner of an agent. Read the query and choose the tools that are needed to answer it, in the order in "
    'which they are called. Answer with JSON only: {"tools": ["name", ...], "reasoning": "why these"}. Choose no tool '
    "where none is needed."
)
SCORE = "correct_tool_selection"


def make(context: Context) -> list[Made] | Left:
    """One row for the first request, or one for each."""
    options = context.options
    right = has_passed(context.known.scores.get(options["score"]))
    if right is None:
        return Left(reasons.UNSCORED, options["score"], {"score": options["score"], "value": None})
    if not right:
        return Left(reasons.WRONG_TOOLS, f"{options['score']} is false", {"score": options["score"], "value": 0})
    example = example_of(context)
    if left := why_not(example):
        return left
    turns = _turns(example.messages)
    if options["turns"] == "first":
        turns = turns[:1]
    rows: list[Made] = []
    masked = 0
    for asked, until in turns:
        query = text_of(example.messages[asked]).strip()
        if not query:
            continue
        plan = example.messages[asked + 1 : until]
        if options["needs_tools"] and not calls_in(plan):
            continue
        if _is_masked(plan):
            masked += 1
            continue
        said: list[Message] = [
            message("system", _system(options["system_prompt"], options["list_tools"], example.tools))
        ]
        said.append(message("user", _query(example.messages[:asked], query)))
        said.append(message("assistant", _answer(plan)))
        rows.append(Made(Example(messages=said, tools=[]), reasons.TAKEN, part=len(rows)))
    if not rows and masked:
        return Left(reasons.MASKED, "calls that are masked teach no planner")
    if not rows:
        return Left(reasons.NO_USER, "no request with text" + (" that a tool was called for" * options["needs_tools"]))
    return rows


def _is_masked(plan: list[Message]) -> bool:
    """Whether a call of the plan is masked or, where nothing was called, all that the agent said."""
    own = [one for one in plan if one["role"] == "assistant"]
    calling = [one for one in own if one.get("tool_calls")]
    return any(is_masked(one) for one in calling) or (not calling and all(is_masked(one) for one in own))


def _turns(messages: list[Message]) -> list[tuple[int, int]]:
    """(index of a request, index behind what the agent did for it) for each request that was answered."""
    asked = [at for at, one in enumerate(messages) if one["role"] == "user"]
    ends = [*asked[1:], len(messages)]
    return [
        (at, end)
        for at, end in zip(asked, ends, strict=True)
        if any(m["role"] == "assistant" for m in messages[at:end])
    ]


def _system(prompt: str, list_tools: bool, tools: list[Tool]) -> str:
    if not list_tools or not tools:
        return prompt
    told = "\n".join(f"- {tool['name']}: {tool['description']}".rstrip(": ") for tool in tools)
    return f"{prompt}\n\nTools:\n{told}"


def _query(before: list[Message], query: str) -> str:
    earlier = talk(before)
    return f"Conversation so far:\n{earlier}\n\nQuery: {query}" if earlier else f"Query: {query}"


def _answer(plan: list[Message]) -> str:
    """JSON. The reasoning is what the agent thought or said before its first call, empty where it was silent."""
    first = next((one for one in plan if one.get("tool_calls")), None)
    reasoning = thought_of(first) if first is not None else ""
    return json.dumps({"tools": calls_in(plan), "reasoning": reasoning}, ensure_ascii=False)


TASK = Task(
    NAME="tool_selection",
    LABEL="Which tools a request needs",
    HELP="For a planner: the request in, the tools and the reasoning out, as JSON. Takes only traces where the choice of "
    "tools was said to be correct.",
    OPTIONS=(
        Option(name="score", label="Score that says so", default=SCORE, score=True,
               help="True or passed: the tools were the right ones."),
        Option(name="system_prompt", label="System prompt of the planner", default=PLANNER, long=True),
        Option(name="list_tools", label="List the offered tools in the system prompt", kind="flag", default=True),
        Option(name="turns", label="Rows of a conversation", kind="choice", default="first",
               choices={"first": "One, for the first request", "each": "One for each request, with what was said before"}),
        Option(name="needs_tools", label="Leave out requests that no tool was called for", kind="flag", default=False),
    ),
    NEEDS=frozenset({"scores"}),
    MAKE=make,
)  # fmt: skip
