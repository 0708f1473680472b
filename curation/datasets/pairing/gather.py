"""All pairs of a selection: from every source that is asked for, checked, counted, and told why others are none."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from curation.datasets import reasons
from curation.datasets.example import Example
from curation.datasets.pairing import from_attempts, from_corrections, from_generated, from_preferences
from curation.datasets.pairing.found import Found, Row, Skip, rows_of
from curation.datasets.pairing.parting import keys, likeness, says
from curation.datasets.pairing.uses import uses_among
from curation.datasets.pairing.words import SKIPS, explain, told
from curation.datasets.recipe import Recipe
from curation.datasets.tasks.form import Gathered, Left, Made
from workspace.models import Project

SOURCES = {
    "corrections": "Edited answers: the edited one is better",
    "preferences": "Preferences that people said",
    "attempts": "Passing and failing attempts at the same task",
    "generated": "Generated candidates with grades",
}
FEW = 20  # pairs below which a share is no ground for a warning
LONGER = 0.65
ORIGINS = {"generated": "generated"}


def gather(project: Project, traces: Sequence[int], recipe: Recipe, options: Mapping[str, Any]) -> Gathered:
    """Pairs of these traces, as a stream; see tasks.form.Gathered. `project` is the one that the traces are of."""
    gathered = Gathered(made=iter(()))
    gathered.made = _stream(traces, recipe, options, gathered)
    return gathered


def _stream(traces: Sequence[int], recipe: Recipe, options: Mapping[str, Any], gathered: Gathered) -> Iterator[Made]:
    rows = rows_of(traces)
    tally = from_attempts.Tally()
    parts: Counter[tuple[int, int]] = Counter()
    why: dict[int, Skip] = {}
    by_source: Counter[str] = Counter()
    shape = _Shape()
    seen: set[bytes] = set()
    chosen_of: set[int] = set()
    for one in _sources(rows, recipe, options, tally):
        found = one if isinstance(one, Skip) else _checked(one, options, shape)
        if isinstance(found, Skip):
            gathered.skips[found.code] += found.times
            for trace in found.traces:
                why.setdefault(trace, found)
            continue
        made = _row(found, parts)
        same = made.example.sameness()
        if same in seen:
            gathered.skips["identical"] += 1
            continue
        seen.add(same)
        by_source[found.source] += 1
        shape.add(found)
        chosen_of.add(found.side.trace)
        if found.other is not None:
            gathered.other.add(found.other.trace)
        yield made
    gathered.other -= chosen_of
    for trace in traces:
        if trace not in chosen_of and trace not in gathered.other:
            skip = why.get(trace)
            gathered.left[trace] = Left(reasons.UNPAIRED, _detail(skip), {"skip": skip.code} if skip else {})
    gathered.counts = _counts(by_source, gathered.skips, shape, tally)


def _sources(
    rows: dict[int, Row], recipe: Recipe, options: Mapping[str, Any], tally: from_attempts.Tally
) -> Iterator[Found | Skip]:
    wanted, most = options["sources"], options["max_pairs_per_case"]
    uses = uses_among(rows, recipe.bad_steps)
    if "corrections" in wanted:
        yield from from_corrections.pairs(rows, uses=uses)
    if "preferences" in wanted:
        yield from from_preferences.pairs(rows, majority=options["conflicts"] == "majority", uses=uses)
    if "attempts" in wanted:
        yield from from_attempts.pairs(rows, measure=options["measure"], most=most, tally=tally, uses=uses)
    if recipe.answers_from and "generated" in wanted:
        rules = from_generated.Rules(recipe, options["rejected"], options["min_score_diff"], most)
        yield from from_generated.pairs(rows, batch=recipe.answers_from, rules=rules, uses=uses)


def _checked(found: Found, options: Mapping[str, Any], shape: "_Shape") -> Found | Skip:
    """The pair, or why its sides are too much alike."""
    here = (found.side.trace, *((found.other.trace,) if found.other else ()))
    if keys([found.chosen]) == keys([found.rejected]):
        return Skip("identical", here)
    alike = likeness(says(found.chosen), says(found.rejected))
    if alike >= options["max_likeness"]:
        if not found.on_purpose:
            return Skip("near_identical", here, f"{alike:.3f} alike")
        shape.near += 1
    return found


def _row(found: Found, parts: Counter[tuple[int, int]]) -> Made:
    place = (found.side.revision, found.conversation)
    part = parts[place]
    parts[place] += 1
    return Made(
        example=Example(
            messages=found.prompt,
            tools=found.tools,
            kind="pair",
            chosen=[found.chosen],
            rejected=[found.rejected],
        ),
        reason=reasons.PAIRED,
        detail=found.detail,
        part=part,
        trace_id=found.side.trace,
        revision_id=found.side.revision,
        conversation=found.conversation,
        judgment_id=found.judgment,
        correction_id=found.correction,
        other_trace_id=found.other.trace if found.other else None,
        other_revision_id=found.other.revision if found.other else None,
        preference_id=found.preference,
        batch_items=found.items,
        origin=ORIGINS.get(found.source, "trace"),
        together=found.together,
        composite=found.composite,
        author=found.author,
    )


class _Shape:
    """What all pairs together look like."""

    def __init__(self) -> None:
        self.pairs = self.longer = self.shorter = self.near = 0
        self.lengths: dict[str, int] = defaultdict(int)

    def add(self, found: Found) -> None:
        """Count a pair."""
        better, worse = len(says(found.chosen)), len(says(found.rejected))
        self.pairs += 1
        self.longer += better > worse
        self.shorter += better < worse
        self.lengths["chosen"] += better
        self.lengths["rejected"] += worse

    @property
    def share(self) -> float | None:
        """Of the pairs whose sides differ in length, how many have the longer one as the better; None without any."""
        different = self.longer + self.shorter
        return self.longer / different if different else None


def _counts(by_source: Counter[str], skips: Counter[str], shape: _Shape, tally: from_attempts.Tally) -> dict[str, Any]:
    share = shape.share
    counts: dict[str, Any] = {
        "made": shape.pairs,
        "by_source": dict(by_source),
        "skipped": dict(skips),
        "words": {code: SKIPS[code] for code in skips},
        "cases": tally.cases,
        "combinations": tally.combinations,
        "longer_chosen": None if share is None else round(share, 4),
        "mean_length": {side: round(total / shape.pairs) for side, total in shape.lengths.items()},
        "near_edits": shape.near,
    }
    counts["warnings"] = [{"code": code, "text": text} for code, text in _warnings(counts, shape)]
    return counts


def _warnings(counts: dict[str, Any], shape: _Shape) -> Iterator[tuple[str, str]]:
    if not shape.pairs:
        yield "no_pairs", explain(counts)
        return
    share = shape.share
    if share is not None and shape.longer + shape.shorter >= FEW and not 1 - LONGER <= share <= LONGER:
        which = "longer" if share > 0.5 else "shorter"
        text = f"In {max(share, 1 - share):.0%} of the pairs the better answer is the {which} one: a model would learn length."
        yield "length_bias", text
    if conflicts := counts["skipped"].get("conflict", 0):
        yield "conflict", f"{conflicts:,} pairs were left out because people disagree which answer is better."
    if shape.near:
        text = f"{shape.near:,} edited answers are nearly the same as the original: little to learn from each."
        yield "near_edits", text


def _detail(skip: Skip | None) -> str:
    if skip is None:
        return "no edited answer, preference, other attempt or candidate"
    words = SKIPS[skip.code]
    return f"{words}: {skip.detail}" if skip.detail else words


__all__ = ["SOURCES", "explain", "gather", "told"]
