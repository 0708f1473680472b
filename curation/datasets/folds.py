"""Folds of cross-validation, and how the topics of a version are spread over its splits and folds.

A version frozen with k folds gives k exports: for each fold the rows of train and validation that are in it (to validate on)
and those that are not (to train on). Test rows are in no fold; generated and replayed rows are never validated on.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal

from django.db.models import Count

from curation.datasets.topics import Balance, balance
from curation.models import DatasetVersion, Topic

SPLITS = ("train", "validation", "test")
Of = Literal["train", "validation"]


class NoFold(ValueError):
    """A fold that the version has not."""


@dataclass(frozen=True, slots=True)
class Part:
    """One side of a fold (from 0): the rows to train on, or those to validate on."""

    fold: int
    of: Of = "train"

    def __str__(self) -> str:
        return f"fold-{self.fold}-{self.of}"


def part(version: DatasetVersion, fold: int, of: Of = "train") -> Part:
    """A part of a version. Raises NoFold."""
    known = int(version.recipe.get("folds") or 0)
    if not known:
        raise NoFold(f"{version} was frozen without folds. Freeze again with folds in the recipe.")
    if not 0 <= fold < known:
        raise NoFold(f"{version} has {known} folds, 0 to {known - 1}; there is no fold {fold}.")
    return Part(fold, of)


@dataclass(slots=True)
class Spread:
    """One topic or fold: its name and rows per split (for a fold: those to train on and those to validate on).
    A topic that is gone by now is not `known`."""

    slug: str
    name: str
    rows: Counter[str] = field(default_factory=Counter)
    known: bool = True

    @property
    def total(self) -> int:
        """Of all splits."""
        return self.rows.total()

    @property
    def each(self) -> list[tuple[str, int]]:
        """(split, rows), in the usual order."""
        return [(split, self.rows[split]) for split in SPLITS]


@dataclass(slots=True)
class Spreads:
    """Topics, largest first, those without one last; folds in order; the balance of the train split."""

    topics: list[Spread]
    folds: list[Spread]
    balance: Balance

    @property
    def bars(self) -> list[tuple[Spread, list[tuple[str, float, float]]]]:
        """Each topic with its bar: (class of the colour, start, width), in parts of 100 of the largest topic."""
        most = max((one.total for one in self.topics), default=0) or 1
        shown = []
        for one in self.topics:
            at, parts = 0.0, []
            for index, (_, rows) in enumerate(one.each, start=1):
                width = 100 * rows / most
                if rows:
                    parts.append((f"f{index}", round(at, 2), round(width, 2)))
                at += width
            shown.append((one, parts))
        return shown


def spreads(version: DatasetVersion) -> Spreads:
    """How the rows of a version are spread. Two statements; topics have the slug that they had when it was frozen."""
    topics: dict[str, Counter[str]] = defaultdict(Counter)
    inside: Counter[int] = Counter()
    validated: Counter[int] = Counter()
    counted = version.rows.order_by().values_list("topic", "split", "fold", "origin").annotate(number=Count("pk"))
    for topic, split, fold, origin, number in counted:
        topics[topic][split] += number
        if fold is not None and split != "test":
            inside[fold] += number
            validated[fold] += 0 if origin in ("generated", "replayed") else number
    names = dict(
        Topic.objects.filter(project=version.dataset.project_id, slug__in=list(topics)).values_list("slug", "name")
    )
    learned = sum(rows["train"] + rows["validation"] for rows in topics.values())
    listed = [
        Spread(slug, names.get(slug, slug), rows, slug in names)
        for slug, rows in sorted(topics.items(), key=lambda pair: (not pair[0], -pair[1].total(), pair[0]))
    ]
    return Spreads(
        topics=listed if any(one.slug for one in listed) else [],
        folds=[
            Spread(str(fold), f"Fold {fold}", Counter(train=learned - inside[fold], validation=validated[fold]))
            for fold in range(int(version.recipe.get("folds") or 0))
        ],
        balance=balance({one.name: one.rows["train"] for one in listed if one.slug}),
    )
