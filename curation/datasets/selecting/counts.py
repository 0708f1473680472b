"""What is known of a version as a whole: DatasetVersion.counts, and what an engineer should know before training."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, cast

from curation.datasets import reasons, tasks
from curation.datasets.example import Kind, stored
from curation.datasets.recipe import Recipe
from curation.datasets.selecting.plan import Plan, Row
from curation.models import Trace
from curation.privacy import names
from workspace.models import Project

FEW_ROWS = 1_000
SPLITS = ("train", "validation", "test")
NOTES = ("balance", "coreset", "mix", "replay", "skips", "pairs")


def of(project: Project, plan: Plan, recipe: Recipe) -> dict[str, Any]:
    """The counts; tokens are estimates. `selection` has the numbers of requirement 000-24: rows that are trained on are
    selected, those of validation and test are held out."""
    rows = plan.every_row
    by_reason = dict(Counter(reason.code for reason in plan.reasons))
    looked_at = len(plan.candidates)
    per_split = Counter(row.split for row in rows)
    lengths = sorted([row.signature.tokens for row in rows])
    groups: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        groups[row.split].add(row.group)
    counts: dict[str, Any] = {
        "in_project": Trace.objects.filter(project=project).listed().count(),
        "looked_at": looked_at,
        "rows": len(rows),
        **{split: per_split.get(split, 0) for split in SPLITS},
        "by_reason": by_reason,
        "groups": {split: len(groups[split]) for split in SPLITS},
        "shared_inputs": _shared_inputs(rows),
        "judges": len({row.author for row in rows if row.author}),
        "judged": sum(row.judgment_id is not None for row in rows),
        "corrected": sum(row.correction_id is not None for row in rows),
        "tokens": sum(lengths),
        "trained_tokens": sum(row.trained_tokens for row in rows),
        "length": {
            "median": round(statistics.median(lengths)) if rows else None,
            "p95": lengths[max(0, -(-len(lengths) * 95 // 100) - 1)] if rows else None,
            "most": lengths[-1] if rows else None,
        },
        "checks": {name: tally.plain() for name, tally in plan.tallies().items()},
        "selection": _selection(
            plan, looked_at, sum(number for code, number in by_reason.items() if not reasons.BY_CODE[code].included)
        ),
        "personal": {
            "rows": sum(row.signature.personal > 0 for row in rows),
            "pieces": sum(row.signature.personal for row in rows),
        },
        **{name: plan.notes[name] for name in NOTES if name in plan.notes},
    }
    summary = _summary(rows, recipe)
    counts["task"] = {
        "name": recipe.task, "kept": len(rows), "looked_at": looked_at,
        "share": round(len(rows) / looked_at, 4) if looked_at else None, **summary.counts(),
    }  # fmt: skip
    if topics := Counter(row.topic for row in rows if row.topic):
        counts["topics"] = dict(topics.most_common())
    if origins := Counter(row.origin for row in rows if row.origin != "trace"):
        counts["origins"] = dict(origins)
    counts["warnings"] = _warnings(counts, recipe)
    counts["warnings"] += [{"code": code, "text": text} for code, text in summary.warnings()]
    counts["warnings"] += counts.get("pairs", {}).get("warnings", []) if rows else []
    return counts


def _summary(rows: Iterable[Row], recipe: Recipe) -> tasks.Summary:
    """What the task counts over the rows that are left."""
    summary = tasks.find(recipe.task).SUMMARY()
    if type(summary) is not tasks.Summary:
        for row in rows:
            if (content := row.unpacked()) is not None:
                summary.add(stored(cast(Kind, row.kind), content))
    return summary


def _selection(plan: Plan, original: int, filtered: int) -> dict[str, Any]:
    selected = [row for row in plan.rows if row.split == "train"]
    holdout = [row for row in plan.rows if row.split != "train"]
    return {
        "original": original,
        "selected": len(selected),
        "holdout": len(holdout),
        "filtered": filtered,
        "composite": {"selected": _average(selected), "holdout": _average(holdout)},
    }


def _average(rows: Iterable[Row]) -> dict[str, Any]:
    """The mean composite of those that have one, and how many these are; null where none has."""
    known = [row.composite for row in rows if row.composite is not None]
    return {"mean": round(sum(known) / len(known), 4) if known else None, "n": len(known)}


def _shared_inputs(rows: Iterable[Row]) -> int:
    """Requests that stand in more than one split: the same thing was asked in two groups."""
    first: dict[str, str] = {}
    return len({
        row.fingerprint for row in rows
        if row.fingerprint and first.setdefault(row.fingerprint, row.split) != row.split
    })  # fmt: skip


def _warnings(counts: dict[str, Any], recipe: Recipe) -> list[dict[str, str]]:
    """What an engineer should know before training, as {"code", "text"}."""
    told: list[tuple[str, str]] = []
    if 0 < counts["rows"] < FEW_ROWS:
        are = "1 row is" if counts["rows"] == 1 else f"{counts['rows']:,} rows are"
        text = f"{are} few: below {FEW_ROWS:,} a model picks up form more than skill."
        told.append(("few_rows", text))
    shares = {"train": recipe.train, "validation": recipe.validation, "test": recipe.test}
    told += [
        (f"empty_{split}", f"The {split} split is empty: {_why_empty(counts, shares[split])}")
        for split in SPLITS if counts["rows"] and shares[split] and not counts[split]
    ]  # fmt: skip
    if counts["shared_inputs"]:
        text = f"{counts['shared_inputs']:,} requests stand in several splits. Group by task to keep them together."
        told.append(("shared_inputs", text))
    if recipe.task == "chat" and (rejected := counts["by_reason"].get(reasons.TAKEN_REJECTED.code)):
        text = f"{rejected:,} answers that people rejected are learned from, since the recipe takes them."
        told.append(("learns_rejected", text))
    return [{"code": code, "text": text} for code, text in told + _of_steps(counts, recipe)]


def _why_empty(counts: dict[str, Any], share: float) -> str:
    """Generated and replayed rows are trained on alone, so they are no rows that a split could be cut from."""
    made = {word: counts.get("origins", {}).get(word, 0) for word in ("generated", "replayed")}
    words, left = " or ".join(word for word, number in made.items() if number), counts["rows"] - sum(made.values())
    if words and not left:
        return f"every row is {words}, and such rows are only trained on."
    text = f"too few groups for a share of {share:.0%}"
    if not words:
        return f"{text}."
    return f"{text} of the {left:,} row{'' if left == 1 else 's'} not {words}; {words} ones are only trained on."


def _short(counts: dict[str, Any], recipe: Recipe) -> list[tuple[str, str]]:
    """Fewer rows than the recipe asks for, where some are held out."""
    numbers = (recipe.limit, recipe.max_examples, None if recipe.coreset is None else recipe.coreset.size)
    asked = min((number for number in numbers if number is not None), default=0)
    rows = counts["rows"] - counts.get("origins", {}).get("replayed", 0)
    held = sum(counts["by_reason"].get(reason.code, 0) for reason in (reasons.HELD, reasons.NEAR_HELD))
    if rows >= asked or not held:
        return []
    text = f"{asked:,} rows were asked for and {rows:,} are there; {held:,} traces stay out because they are held out."
    return [("short_of_asked", text)]


def _of_steps(counts: dict[str, Any], recipe: Recipe) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    by_reason = counts["by_reason"]
    if failed := by_reason.get(reasons.FAILED.code):
        told.append(("failed", f"A check raised an error on {failed:,} traces; they are out, each with the error."))
    if later := by_reason.get(reasons.LATER.code):
        text = f"{later:,} traces were not looked at yet: their text is still being read. Count again, or freeze."
        told.append(("not_looked_at", text))
    if held := counts.get("personal", {}).get("rows"):
        text = f"Personal data was found in {held:,} row{'' if held == 1 else 's'}."
        told.append(("personal_data", text if names.is_plugged_in() else f"{text} Names of people are not looked for."))
    told += _short(counts, recipe)
    for short in counts.get("mix", {}).get("short", []):
        text = (
            f"The mix wants {short['wanted']:,} rows of {short['value']!r}; {short['missing']:,} of them are missing."
        )
        told.append(("short_of_mix", text))
    mix = counts.get("mix", {})
    for value in sorted({*mix.get("few", ())} - {one["value"] for one in mix.get("short", ())}):
        rows = mix["there"].get(value, 0)
        text = f"The mix draws on {rows:,} row{'' if rows == 1 else 's'} of {value!r}; at least {mix['least']:,} were asked for."
        told.append(("few_of_mix", text))
    replay = counts.get("replay")
    if replay and replay["replayed"] < replay["wanted"]:
        text = f"{replay['wanted']:,} rows were to be replayed; the buffer {replay['buffer']!r} gave {replay['replayed']:,}."
        told.append(("short_of_replay", text))
    coreset = counts.get("coreset")
    if coreset and coreset["coverage"] and coreset["strategy"] != "random":
        chosen, drawn = coreset["coverage"]["mean"], coreset["random"]["mean"]
        if chosen < drawn:
            text = f"The coreset covers less than a random draw of the same size ({chosen:.3f} against {drawn:.3f})."
            told.append(("coreset_below_random", text))
    return told
