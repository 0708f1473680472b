"""What a format's takers ask of a file as a whole."""

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Fewest and most rows, most bytes, whether a validation file must go with it, whether one label alone is refused."""

    least_rows: int = 1
    most_rows: int | None = None
    most_bytes: int | None = None
    needs_validation: bool = False
    both_labels: bool = False


ANY = Limits()
OPENAI = Limits(least_rows=10, most_bytes=512 * MEGABYTE)
