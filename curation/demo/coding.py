"""Makes conversations of the coding helper out of its tasks."""

import random
import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from curation.demo.coding_bugs import BUGS
from curation.demo.coding_jobs import JOBS
from curation.demo.coding_tools import INSTRUCTIONS, REPOSITORIES, TOOLS, Task
from curation.demo.history import Version
from curation.demo.support import Made
from curation.demo.talk import Call, Talk
from curation.ingest.parsed import ParsedScore, ParsedTrace
from curation.messages.form import Conversation

TASKS = [*BUGS, *JOBS]

_AFTER = [
    ("Thanks! Does that need a note in the changelog?", "One line is enough: the behaviour users see changes. I can add it under Unreleased if you like."),
    ("can you also run the whole suite once", "I only ran the file concerned so far. The whole suite takes longer than the sandbox allows; please let CI do that part."),
    ("Good. Which commit introduced it?", "I cannot say for certain without the history; `git log -S` on the changed line will show it."),
    ("ok ship it", "Nothing more to do from my side; the change is in the working tree, not committed."),
    ("Is that also a problem in other places?", "I searched for the same pattern: two more matches, both harmless because their input is fixed. I left them alone."),
]  # fmt: skip


def reworded(task: Task, noun: str) -> Task:
    """The task about another thing than bookings."""

    def swap(text: str) -> str:
        text = text.replace("booking", noun).replace("Booking", noun.capitalize())
        return text.replace("BOOKING", noun.upper())

    changes = {
        name: swap(value) for name in Task.__slots__ if isinstance(value := getattr(task, name), str) and name != "key"
    }
    return replace(
        task,
        **changes,
        asks=tuple(map(swap, task.asks)),
        answers=tuple(map(swap, task.answers)),
        key=f"{task.key}-{noun}",
    )


def make_coding(
    rng: random.Random, *, task: Task, noun: str, version: Version, at: datetime, number: int, attempt: int, person: str
) -> Made:
    """One attempt of one version at one task."""
    talk = Talk(
        rng=rng, model=version.name, pace=version.pace, clock=at, tools=TOOLS, prefix=f"c{number:03d}", name="patchwork"
    )
    good = rng.random() < version.good
    trouble = "" if good else rng.choice(["shortcut", "shortcut", "shortcut", "untested", "loop"])
    think = rng.random() < version.thinks
    talk.system(f"{INSTRUCTIONS[version.name]}\nRepository: {REPOSITORIES[noun]}")
    talk.user(task.asks[attempt % len(task.asks)] if rng.random() < 0.8 else rng.choice(task.asks))
    agents = _look_around(rng, talk, task, version, think)
    _change(rng, talk, task, trouble)
    answer, note = _answer(rng, task, trouble)
    talk.say(answer)
    better = rng.choice(task.answers)
    if rng.random() < (0.3 if good else 0.12):
        asked, answered = rng.choice(_AFTER)
        talk.user(asked, after_seconds=rng.uniform(20, 900))
        talk.say(answered)
        better = answered
    made = Made(
        _wrap(rng, talk, task, noun, agents, number=number, at=at, person=person),
        good,
        note,
        better,
        trouble,
        talk.clock,
    )
    made.trace.scores.append(
        ParsedScore(
            name="tests_passed", boolean=trouble not in ("loop", "untested"), author="ci", external_id=f"ci-{number}"
        )
    )
    return made


def _look_around(rng: random.Random, talk: Talk, task: Task, version: Version, think: bool) -> list[Conversation]:
    """Finds and reads what the task is about; some ask a second agent first. Returns the other conversations."""
    lines = task.source.splitlines()
    hit = next((n for n, line in enumerate(lines, 1) if re.search(task.query, line)), 1)
    found = f"{task.path}:{hit}: {lines[hit - 1].strip()}"
    agents: list[Conversation] = []
    if version.name != "patchwork-v3" and rng.random() < 0.14:
        question = f"Which files have to do with this, and who calls {task.path}?"
        agents.append(_explorer(rng, talk, task, question, found))
        report = f"{task.path} is the only place; covered by {task.test}. Callers: api and one command."
        asked = talk.clock
        talk.act([Call("explore", {"question": question}, report, milliseconds=rng.randint(9_000, 40_000))])
        _begin_at(agents[-1], datetime.fromisoformat(talk.messages[-1]["started_at"]) - asked)
    else:
        talk.act([Call("search_code", {"pattern": task.query}, found)], reasoning="Where is it?" if think else "")
    if rng.random() < 0.13:
        wrong = task.path.replace("/", "/lib/", 1) if "/" in task.path else f"src/{task.path}"
        talk.act([Call("read_file", {"path": wrong}, f"No such file: {wrong}", error=True, milliseconds=12)])
    read = [Call("read_file", {"path": task.path}, task.source, milliseconds=rng.randint(4, 30))]
    if rng.random() < 0.6:
        read.append(
            Call("read_file", {"path": task.test}, f"# {task.test}\n# {rng.randint(40, 260)} lines", milliseconds=9)
        )
    talk.act(read)
    if version.name != "patchwork-v3" or rng.random() < 0.3:
        run = Call(
            "run_tests",
            {"path": task.test},
            task.failing,
            error="fail" in task.failing.lower(),
            milliseconds=rng.randint(400, 9000),
        )
        talk.act([run], reasoning=task.thought if think else "")
    return agents


def _begin_at(conversation: Conversation, later: timedelta) -> None:
    """Move a conversation to the call that asked for it, which was written behind it."""
    for message in conversation["messages"]:
        if "started_at" in message:
            message["started_at"] = (datetime.fromisoformat(message["started_at"]) + later).isoformat()


def _change(rng: random.Random, talk: Talk, task: Task, trouble: str) -> None:
    new = task.shortcut if trouble == "shortcut" else task.new
    edit = {"path": task.path, "old": task.old, "new": new}
    if trouble == "loop":
        stale = {**edit, "old": task.old.replace("    ", "  ") + " "}
        for _ in range(rng.randint(4, 9)):
            talk.act([Call("edit_file", stale, "The text to replace was not found.", error=True, milliseconds=6)])
        return
    if rng.random() < 0.15:
        stale = {**edit, "old": task.old.split("\n")[0] + "  # "}
        talk.act([Call("edit_file", stale, "The text to replace was not found.", error=True, milliseconds=6)])
        talk.act([Call("read_file", {"path": task.path, "first_line": 1}, task.source, milliseconds=5)])
    talk.act([Call("edit_file", edit, f"{task.path}: 1 replacement", milliseconds=7)])
    if trouble == "untested" or (trouble == "shortcut" and rng.random() < 0.5):
        return
    passed = f"{rng.randint(3, 14)} passed in {rng.uniform(0.1, 4):.2f}s"
    if not trouble and rng.random() < 0.2:
        broken = "NameError: name is not defined (missing import)\n1 error in 0.09s"
        talk.act([Call("run_tests", {"path": task.test}, broken, error=True, milliseconds=rng.randint(300, 2000))])
        first = task.source.split("\n", 1)[0]
        fix = {"path": task.path, "old": first, "new": f"# the missing import\n{first}"}
        talk.act([Call("edit_file", fix, f"{task.path}: 1 replacement", milliseconds=7)])
    talk.act([Call("run_tests", {"path": task.test}, passed, milliseconds=rng.randint(400, 9000))])


def _answer(rng: random.Random, task: Task, trouble: str) -> tuple[str, str]:
    if trouble == "shortcut":
        return task.excuse, task.note
    if trouble == "loop":
        return (
            f"I could not edit `{task.path}`; the text does not match. Please apply this by hand:\n\n{task.new}",
            "Sent the same failing edit again and again instead of reading the file once more.",
        )
    if trouble == "untested":
        return f"Changed `{task.path}`. All tests pass.", "Claims that all tests pass; none was run after the change."
    return rng.choice(task.answers), ""


def _explorer(rng: random.Random, talk: Talk, task: Task, question: str, found: str) -> Conversation:
    """The conversation of the second agent, which only looks."""
    other = Talk(
        rng=rng, model=f"{talk.model}-mini", pace=talk.pace, clock=talk.clock, tools=TOOLS[:3], prefix=f"{talk.prefix}x",
        name="explore", kind="sub_agent",
    )  # fmt: skip
    other.system("You look around in a repository and report what you found. You change nothing.")
    other.user(question)
    folder = task.path.rsplit("/", 1)[0] if "/" in task.path else "."
    names = [task.path.rsplit("/", 1)[-1], "__init__.py", "urls.py", f"part_{rng.randint(2, 9)}.py"]
    other.act(
        [Call("list_files", {"path": folder}, "\n".join(names)), Call("search_code", {"pattern": task.query}, found)]
    )
    other.say(f"{task.path} is the only place; covered by {task.test}. Callers: api and one command.")
    talk.input_tokens += other.input_tokens
    talk.output_tokens += other.output_tokens
    talk.cost += other.cost
    return other.conversation("explore-1")


def _wrap(
    rng: random.Random,
    talk: Talk,
    task: Task,
    noun: str,
    agents: list[Conversation],
    *,
    number: int,
    at: datetime,
    person: str,
) -> ParsedTrace:
    return ParsedTrace(
        external_id=f"demo-coding-{number:04d}",
        document={"conversations": [talk.conversation("main"), *agents]},
        name=task.key,
        session_id=f"{REPOSITORIES[noun]}-{person}-{at:%m%d}",
        user_id=person,
        task_id=task.key,
        environment=rng.choice(["production", "production", "benchmark"]),
        agent="patchwork",
        model=talk.model,
        status="ok",
        started_at=at,
        latency_ms=sum(message.get("latency_ms", 0) for message in talk.messages),
        input_tokens=talk.input_tokens,
        output_tokens=talk.output_tokens,
        cost_usd=Decimal(talk.cost),
        tags=["demo", task.topic.replace(" ", "-")],
        metadata={"demo": True, "repository": REPOSITORIES[noun], "language": task.path.rsplit(".", 1)[-1].lower()},
        source={"format": "demo", "sdk": "whetstone-demo", "version": "1"},
    )
