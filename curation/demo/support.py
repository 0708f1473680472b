"""Makes conversations of the shop's support agent out of the scenarios."""

import random
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from curation.demo.history import Version
from curation.demo.support_goods import GOODS_TALKS
from curation.demo.support_money import MONEY
from curation.demo.support_parcels import PARCELS
from curation.demo.support_tools import INSTRUCTIONS, TOOLS, Bad, Scenario
from curation.demo.talk import Call, Talk
from curation.demo.world import Case
from curation.ingest.parsed import ParsedTrace

SCENARIOS = [*PARCELS, *MONEY, *GOODS_TALKS]

_OPEN = ["", "", "", "Hi, ", "Hello, ", "Good morning. ", "Hey there, ", "Hello again. ", "Dear team, ", "Evening! "]
_CLOSE = [
    "", "", "", " Thanks, {first}", " Regards, {name}", " Cheers", " {name}", " Please answer soon.",
    " Thank you in advance!", " Best, {first} from {city}", " (second message, the first got no answer)", " - {first}",
    " I'm on the phone, so keep it short please.",
]  # fmt: skip


@dataclass(slots=True)
class Made:
    """A conversation and the truth about it."""

    trace: ParsedTrace
    good: bool
    note: str
    better: str
    trouble: str
    ended: datetime


def make_support(
    rng: random.Random, *, scenario: Scenario, case: Case, version: Version, at: datetime, number: int, session: str
) -> Made:
    """One conversation of this scenario with this customer, as this version would have led it."""
    talk = Talk(
        rng=rng,
        model=version.name,
        pace=version.pace,
        clock=at,
        tools=TOOLS,
        prefix=f"s{number:03d}",
        name="support",
    )
    fields = case.fields()
    good = rng.random() < version.good
    bad = None if good else rng.choice(scenario.bad)
    talk.system(INSTRUCTIONS[version.name])
    talk.user(_opening(rng, scenario, fields))
    trouble = _look_up(rng, talk, scenario, case, version) if bad is None or bad.looked else ""
    if trouble == "gave up":
        bad = Bad(
            "I am sorry, our system does not answer. Please try again later.",
            "Gave up after the same failing call; should have escalated.",
        )
        good = False
    better = rng.choice(scenario.good).format(**fields)
    talk.say(bad.answer.format(**fields) if bad else better)
    if scenario.follow and rng.random() < (0.45 if good else 0.2):
        asked, answered = rng.choice(scenario.follow)
        talk.user(asked.format(**fields), after_seconds=rng.uniform(25, 1500))
        talk.say(answered.format(**fields))
        better = answered.format(**fields)
    return Made(
        trace=_wrap(rng, talk, scenario, case, number=number, session=session, at=at, trouble=trouble),
        good=good,
        note=bad.note.format(**fields) if bad else "",
        better=better,
        trouble=trouble,
        ended=talk.clock,
    )


def _opening(rng: random.Random, scenario: Scenario, fields: dict[str, object]) -> str:
    text = rng.choice(scenario.openings)
    if scenario.language == "en":
        opener = rng.choice(_OPEN) if not text.lower().startswith(("hi", "hey", "hello")) else ""
        if opener.endswith(", ") and not text.startswith(("I ", "I'", "{")):
            text = text[0].lower() + text[1:]
        text = opener + text + rng.choice(_CLOSE)
    said = text.format(**fields)
    mood = rng.random()
    if mood < 0.08:
        return said.lower()
    return said.replace("'", "").replace(".", " ..") if mood < 0.11 else said


def _look_up(rng: random.Random, talk: Talk, scenario: Scenario, case: Case, version: Version) -> str:
    """Makes the scenario's calls, now and then with a mishap. Returns the mishap's name, empty for none."""
    plan = scenario.plan(case)
    thought = rng.choice(scenario.thoughts).format(**case.fields()) if rng.random() < version.thinks else ""
    draw = rng.random()
    trouble = ""
    first = plan[0][0]
    if draw < (1 - version.good) * 0.16:
        for _ in range(rng.randint(4, 7)):
            failed = Call(first.tool, first.arguments, {"error": "upstream timeout"}, error=True, milliseconds=10_000)
            talk.act([failed], reasoning=thought)
            thought = ""
        return "gave up"
    if draw < (1 - version.good) * 0.45:
        wrong = {key: str(value).replace("FH-", "").replace("@", " at ") for key, value in first.arguments.items()}
        talk.act(
            [Call(first.tool, wrong, {"error": f"invalid {next(iter(wrong))}"}, error=True, milliseconds=41)],
            reasoning=thought,
        )
        thought, trouble = "The format was wrong. I use it exactly as the customer wrote it.", "wrong argument"
    elif draw > 0.94:
        down = Call(
            first.tool, first.arguments, "503 Service Unavailable", error=True, milliseconds=rng.randint(900, 4000)
        )
        talk.act([down], reasoning=thought)
        thought, trouble = "That may pass; one more try.", "tool down"
    for calls in plan:
        talk.act(calls, reasoning=thought if version.thinks else "")
        thought = ""
    return trouble


def _wrap(
    rng: random.Random,
    talk: Talk,
    scenario: Scenario,
    case: Case,
    *,
    number: int,
    session: str,
    at: datetime,
    trouble: str,
) -> ParsedTrace:
    elapsed = sum(message.get("latency_ms", 0) for message in talk.messages)
    tags = ["demo", scenario.topic]
    if scenario.language != "en":
        tags.append(f"lang-{scenario.language}")
    broken = trouble == "gave up"
    return ParsedTrace(
        external_id=f"demo-support-{number:04d}",
        document={"conversations": [talk.conversation("main")]},
        name=scenario.key,
        session_id=session,
        user_id=case.customer,
        task_id="",
        environment="production" if rng.random() < 0.93 else "staging",
        agent="fernhill-support",
        model=talk.model,
        status="error" if broken else "ok",
        started_at=at,
        latency_ms=elapsed,
        input_tokens=talk.input_tokens,
        output_tokens=talk.output_tokens,
        cost_usd=Decimal(talk.cost),
        tags=tags,
        metadata={"demo": True, "channel": rng.choice(["chat", "chat", "mail"]), "language": scenario.language},
        source={"format": "demo", "sdk": "whetstone-demo", "version": "1"},
    )
