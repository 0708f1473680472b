"""About 300 traces of two agents over the last ninety days, with what three reviewers and some users said of them.

Pure: no database, no clock, no randomness but the seed. What is written in a trace depends on seed and `now` alone.
"""

import random
from datetime import datetime, timedelta

from curation.demo.coding import TASKS, make_coding, reworded
from curation.demo.coding_tools import REPOSITORIES
from curation.demo.history import CODING, SUPPORT, moment, version_at
from curation.demo.marathon import make_marathon
from curation.demo.outcome import Comment, DemoTrace, Opinion
from curation.demo.support import SCENARIOS, Made, make_support
from curation.demo.world import FIRST, LAST, draw_case
from curation.ingest.parsed import ParsedScore

SUPPORT_TRACES = 160
CODING_TRACES = 138
DEVELOPERS = ["jwinter", "s.okoro", "mira", "tkolb", "d-aviles", "henrike", "pawel", "ines.q"]
UNJUDGED_DAYS = 6.0

_PLEASED = [
    "Quick and clear, thank you.", "That solved it.", "", "Exactly what I needed.", "Friendly and to the point.", "",
    "Better than the phone line.", "Did what I asked, nothing more.",
]  # fmt: skip
_CROSS = [
    "Did not answer my question.", "", "I had to call in the end.", "Wrong. I checked.", "Sounds nice, helps nothing.",
    "This cost me an hour.", "Please let me talk to a person.", "",
]  # fmt: skip
_PRAISE = [
    "Looked everything up, answered everything.",
    "",
    "",
    "Clear and complete.",
    "",
    "Good tone.",
    "",
    "Small and correct change.",
]


def generate(
    *, now: datetime, seed: int = 11, support: int = SUPPORT_TRACES, coding: int = CODING_TRACES
) -> list[DemoTrace]:
    """Traces, oldest first. `now` must be aware; nothing is dated after it."""
    made = [*_support(now=now, seed=seed, count=support), *_coding(now=now, seed=seed, count=coding)]
    rows = [_with_people(random.Random(f"{seed}:people:{one.trace.external_id}"), one, now=now) for one in made]
    return sorted(rows, key=lambda row: (row.received_at, row.trace.external_id))


def _support(*, now: datetime, seed: int, count: int) -> list[Made]:
    rng = random.Random(f"{seed}:support")
    people = [(first, last) for first in FIRST.split() for last in LAST.split()]
    rng.shuffle(people)
    made: list[Made] = []
    deck: list[int] = []
    session, person, again = "", people[0], None
    for number in range(1, count + 1):
        own = random.Random(f"{seed}:support:{number}")
        at, age = moment(own, now=now, part=number / count)
        if again and own.random() < 0.5 and again < now - timedelta(hours=1):
            at = again  # the same customer is back in the same session
            age = (now - at).total_seconds() / 86_400
        else:
            person = people[number]
            session = f"chat-{own.randrange(16**8):08x}"
        if not deck:
            deck = list(range(len(SCENARIOS)))
            rng.shuffle(deck)
        scenario = SCENARIOS[deck.pop()]
        version = version_at(own, SUPPORT, age)
        # a customer who comes back is drawn from their name, so that mail and number stay the same
        case = draw_case(own, at, person=person, goods=scenario.goods, language=scenario.language)
        one = make_support(own, scenario=scenario, case=case, version=version, at=at, number=number, session=session)
        made.append(one)
        again = one.ended + timedelta(minutes=own.uniform(4, 50)) if own.random() < 0.3 else None
    return made


def _coding(*, now: datetime, seed: int, count: int) -> list[Made]:
    rng = random.Random(f"{seed}:coding")
    pairs = [(task, noun) for task in TASKS for noun in rng.sample(list(REPOSITORIES), 3)]
    rng.shuffle(pairs)
    # every task is tried several times, spread over the ninety days, so that versions meet the same task
    jobs = [(pair, attempt, index) for index, pair in enumerate(pairs) for attempt in range(rng.choice([1, 2, 2, 3]))]
    jobs = jobs[:count]
    made: list[Made] = []
    for number, ((task, noun), attempt, index) in enumerate(jobs, 1):
        own = random.Random(f"{seed}:coding:{number}")
        part = (index * 0.618 + attempt * 0.37 + own.uniform(0, 0.02)) % 1
        at, age = moment(own, now=now, part=part)
        version = version_at(own, CODING, age)
        words = reworded(task, noun)
        person = own.choice(DEVELOPERS)
        made.append(
            make_coding(
                own, task=words, noun=noun, version=version, at=at, number=number, attempt=attempt, person=person
            )
        )
    if count < 20:
        return made
    for number, (files, repository, day, good) in enumerate(
        [(62, "helpdesk-core", 58, True), (318, "storefront", 9, True), (44, "dockside", 33, False)], count + 1
    ):
        own = random.Random(f"{seed}:marathon:{number}")
        at, age = moment(own, now=now, part=1 - day / 90)
        version = version_at(own, CODING, age)
        made.append(
            make_marathon(
                own,
                files=files,
                repository=repository,
                version=version,
                at=at,
                number=number,
                person=own.choice(DEVELOPERS),
                good=good,
            )
        )
    return made


def _with_people(rng: random.Random, made: Made, *, now: datetime) -> DemoTrace:
    """Adds what users scored and said, and what reviewers judged."""
    trace = made.trace
    row = DemoTrace(
        trace=trace,
        received_at=min(made.ended + timedelta(seconds=rng.uniform(1, 9)), now),
        good=made.good,
        note=made.note,
    )
    if trace.agent == "fernhill-support" and rng.random() < 0.55:
        stars = (
            rng.choices([5, 4, 3, 2], [6, 4, 1, 0.3])[0] if made.good else rng.choices([1, 2, 3, 4], [5, 4, 3, 1])[0]
        )
        trace.scores.append(
            ParsedScore(
                name="csat",
                number=stars,
                low=1,
                high=5,
                passed=stars >= 4,
                author="survey",
                external_id=f"csat-{trace.external_id}",
            )
        )
        if rng.random() < 0.5:
            row.feedback.append(
                Comment(
                    author=trace.user_id,
                    at=min(row.received_at + timedelta(minutes=rng.uniform(2, 600)), now),
                    rating=stars,
                    comments=rng.choice(_PLEASED if made.good else _CROSS),
                    aspects={"responseQuality": stars, "speed": rng.randint(3, 5)} if rng.random() < 0.4 else {},
                    suggested_response=made.better if not made.good and rng.random() < 0.15 else "",
                )
            )
    if rng.random() < 0.8:
        quality = rng.betavariate(9, 1.6) if made.good else rng.betavariate(2.2, 4.2)
        trace.scores.append(
            ParsedScore(
                name="helpfulness", number=round(quality, 2), low=0, high=1, passed=quality >= 0.6, author="nightly judge",
                reason="answers what was asked" if quality >= 0.6 else "leaves the question open",
                external_id=f"help-{trace.external_id}",
            )
        )  # fmt: skip
    _judge(rng, row, made, now=now)
    return row


def _judge(rng: random.Random, row: DemoTrace, made: Made, *, now: datetime) -> None:
    age = (now - row.received_at).total_seconds() / 86_400
    if rng.random() > (0.12 if age < UNJUDGED_DAYS else 0.8):
        return
    reviewers = rng.sample(range(3), rng.choices([1, 2, 3], [78, 15, 7])[0])
    at = row.received_at
    for reviewer in reviewers:
        at = at + timedelta(hours=rng.uniform(2, 60))
        if at > now - timedelta(minutes=5):
            break
        right = rng.random() < 0.94
        unsure = rng.random() < 0.05
        acceptable = made.good == right
        verdict = "unsure" if unsure else "acceptable" if acceptable else "unacceptable"
        note = (
            ("" if unsure else rng.choice(_PRAISE))
            if acceptable or unsure
            else made.note or "Too thin for me, but it can be argued."
        )
        if unsure:
            note = rng.choice(["Would ask the team lead.", "Cannot tell without the order system.", "Borderline."])
        rating = None if rng.random() < 0.25 else rng.choice([4, 5, 5]) if acceptable else rng.choice([1, 2, 2, 3])
        steps = len(row.trace.document["conversations"][0]["messages"])
        row.opinions.append(
            Opinion(
                reviewer,
                verdict,
                at,
                round(min(240.0, rng.lognormvariate(2.6, 0.5) + steps * 0.6), 1),
                None if unsure else rating,
                note,
            )
        )
    if not made.good and row.opinions and row.opinions[-1].verdict == "unacceptable" and rng.random() < 0.4:
        row.corrected, row.corrected_by = made.better, row.opinions[-1].reviewer
