"""Why there is no file: rows that do not fit, a kind of row that the format does not take, nothing left."""

from collections.abc import Sequence

from curation.datasets.example import Kind
from curation.datasets.exporting import validate
from curation.datasets.exporting.formats import Format
from curation.models import DatasetVersion


class InvalidRows(ValueError):
    """Some rows cannot be written in this format. `invalid` is how many, `reasons` code -> rows."""

    def __init__(self, version: DatasetVersion, chosen: Format, invalid: int, reasons: dict[str, int]) -> None:
        self.invalid, self.reasons = invalid, reasons
        went = ", ".join(f"{count:,} × {code}" for code, count in reasons.items())
        rows = "1 row" if invalid == 1 else f"{invalid:,} rows"
        super().__init__(
            f"{rows} of {version} cannot be written as {chosen.NAME} ({went}). Leave them out by asking for "
            "it (skip_invalid), or mend the traces and freeze again."
        )


class WrongKind(InvalidRows):
    """No row of the version is of a kind that the format takes, so there would be an empty file."""

    def __init__(self, version: DatasetVersion, chosen: Format, have: Sequence[Kind], rows: int) -> None:
        super().__init__(version, chosen, rows, {"kind_not_taken": rows})
        holds = ", ".join(validate.KIND_WORDS[kind][1] for kind in have) or "no rows"
        wanted = " or ".join(validate.KIND_WORDS[kind][1] for kind in chosen.KINDS)
        self.args = (
            f"{version} holds {holds}, and {chosen.NAME} takes {wanted}. Freeze a version with a task that makes them.",
        )


class NothingToWrite(InvalidRows):
    """The file would hold no row: each is invalid in the format, or (`held_out` of them) held out elsewhere."""

    def __init__(
        self, version: DatasetVersion, chosen: Format, split: str | None, invalid: int, reasons: dict[str, int],
        held_out: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(version, chosen, invalid, reasons)
        self.held_out = held_out
        went = ", ".join(f"{count:,} × {code}" for code, count in self.reasons.items())
        why = [f"{invalid:,} cannot be written as {chosen.NAME} ({went})"] if invalid else []
        why += [f"{held_out:,} {'is' if held_out == 1 else 'are'} held out elsewhere"] if held_out else []
        rows = f"the {split} rows of {version}" if split else f"the rows of {version}"
        self.args = (f"Of {rows} none is left for a file: {' and '.join(why)}. Take another format, or freeze again.",)
