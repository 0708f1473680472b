"""What an export was made of: a first line about all of it, a line for every line of the export, a last line with its hash.

The same plan writes both, so the manifest is of exactly the file that the export with the same arguments gives.
"""

from collections.abc import Generator
from typing import Any

from curation.datasets.exporting.export import Plan, Written, descent, leaking, left_out, line_of, pieces, written_rows
from curation.datasets.exporting.findings import Finding, warning
from curation.privacy import names

SCHEMA = 1


def write_manifest(made: Plan) -> Generator[bytes]:
    """JSON lines in pieces: {"manifest": ...} first, then one per exported line with where it came from, at the end
    {"end": {"lines", "skipped", "held_out", "bytes", "sha256", "replaced"}}."""
    done = Written()

    def lines() -> Generator[bytes]:
        yield line_of({"manifest": about(made)})
        for row, written in written_rows(made, done):
            origin = descent(made.version, row)
            for line in written:
                done.lines += 1
                done.size += len(line)
                done.digest.update(line)
                yield line_of({"line": done.lines, **origin})
        yield line_of({"end": end(done)})

    return pieces(lines(), Written(), hashed=False)


def about(made: Plan) -> dict[str, Any]:
    """All that is known before the first line is written."""
    version = made.version
    return {
        "schema": SCHEMA,
        "dataset": version.dataset.name,
        "version": version.number,
        "id": str(version.uid),
        "content_hash": version.content_hash,
        "format": made.chosen.NAME,
        "split": made.split or None,
        "fold": {"fold": made.part.fold, "of": made.part.of} if made.part else None,
        "filter": version.query,
        "resolved_filter": version.resolved_query,
        "recipe": version.recipe,
        "seed": version.seed,
        "frozen_at": version.created_at.isoformat(),
        "frozen_by": version.author,
        "counts": {name: version.counts.get(name) for name in ("rows", "train", "validation", "test", "by_reason")},
        "invalid": made.invalid,
        "notes": [one.reason for one in notes(made)],
        "personal_data": {
            "rows": made.personal.in_split(made.split),
            "kinds": made.personal.pieces(made.split),
            "replaced": made.replace,
            "names_looked_for": names.is_plugged_in(),
        },
        "held_out": {
            "checked": made.split != "test",
            "left_out": sorted(made.held_out),
            "conflicts": [str(leak) for leak in leaking(version, made.split)] if made.held_out else [],
        },
    }


def notes(made: Plan) -> list[Finding]:
    """What those who take the format ask of a file as a whole, where this one falls short."""
    limits, version = made.chosen.LIMITS, made.version
    rows = int(version.counts[made.split or "rows"]) - left_out(made)
    found = []
    if made.split != "test" and not made.part and rows < limits.least_rows:
        found.append(warning("too_few_rows", "", f"{rows} rows; {made.chosen.NAME} wants at least {limits.least_rows}"))
    if limits.most_rows is not None and rows > limits.most_rows:
        found.append(warning("too_many_rows", "", f"{rows:,} rows; {made.chosen.NAME} takes {limits.most_rows:,}"))
    if limits.needs_validation and made.split == "train" and not version.counts["validation"]:
        found.append(
            warning("validation_needed", "", f"{made.chosen.NAME} needs a validation file, and that split is empty")
        )
    if limits.both_labels and rows:
        here = version.rows.filter(split=made.split) if made.split else version.rows.all()
        labels = set(here.order_by().values_list("content__label", flat=True).distinct())
        if len(labels) == 1:
            held = "true" if labels == {True} else "false"
            found.append(warning("one_label", "label", f"every label is {held}; {made.chosen.NAME} learns from both"))
    return found


def end(done: Written) -> dict[str, Any]:
    """What is only known when the last line is written."""
    return {
        "lines": done.lines,
        "skipped": done.skipped,
        "held_out": done.held_out,
        "bytes": done.size,
        "sha256": done.sha256,
        "replaced": dict(done.replaced),
    }
