"""Ninety days of two agents: which model version answered when, how good it was, and why."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from curation.demo.talk import Pace

DAYS = 90


@dataclass(frozen=True, slots=True)
class Version:
    """One model version: the days (before now) between which it answered, and the share of its work that was good."""

    name: str
    first_day: float
    last_day: float
    good: float
    thinks: float
    pace: Pace


SUPPORT = [
    Version("fernhill-support-v1", 90, 67, 0.58, 0.0, Pace(900, 21.0, 2.50, 10.00)),
    Version("fernhill-support-v2", 67, 44, 0.76, 0.35, Pace(800, 17.0, 2.50, 10.00)),
    # the cheaper one: short answers, half of them missing what was asked
    Version("fernhill-support-v3", 44, 23, 0.52, 0.15, Pace(380, 9.0, 0.40, 1.60)),
    Version("fernhill-support-v4", 23, 0, 0.89, 0.55, Pace(520, 11.0, 0.80, 3.20)),
]
CODING = [
    Version("patchwork-v1", 90, 64, 0.48, 0.2, Pace(1400, 24.0, 3.00, 15.00)),
    Version("patchwork-v2", 64, 41, 0.69, 0.5, Pace(1200, 19.0, 3.00, 15.00)),
    Version("patchwork-v3", 41, 20, 0.54, 0.3, Pace(600, 12.0, 1.00, 5.00)),
    Version("patchwork-v4", 20, 0, 0.84, 0.8, Pace(750, 13.0, 1.10, 5.50)),
]

# a new version takes a share of the traffic some days before it takes all of it
OVERLAP_DAYS = 4.0
OVERLAP_SHARE = 0.25


def moment(rng: random.Random, *, now: datetime, part: float) -> tuple[datetime, float]:
    """A believable moment at `part` (0 oldest, 1 newest) of the ninety days, and its age in days.

    Mostly in working hours, less at weekends, never in the future.
    """
    age = (1 - part) * (DAYS - 0.5) + rng.uniform(0, 0.5)
    at = now - timedelta(days=age)
    if at.weekday() >= 5 and rng.random() < 0.6:
        at -= timedelta(days=at.weekday() - 4)
    hour = min(23, max(0, int(rng.gauss(13.5, 3.8))))
    at = at.replace(hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=rng.randrange(10**6))
    while at > now - timedelta(minutes=20):
        at -= timedelta(hours=rng.uniform(3, 9))
    return at, (now - at).total_seconds() / 86_400


def version_at(rng: random.Random, versions: list[Version], age: float) -> Version:
    """The version that answers a request of this age in days."""
    for index, version in enumerate(versions):
        if version.last_day <= age or index == len(versions) - 1:
            newer = versions[index + 1] if index + 1 < len(versions) else None
            if newer and age - version.last_day < OVERLAP_DAYS and rng.random() < OVERLAP_SHARE:
                return newer
            return version
    return versions[-1]
