"""What work raises when a value cannot be stored."""


class Invalid(ValueError):
    """A bad value: the name of the field and the reason, in words for the person who sent it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}.")
        self.field, self.reason = field, reason


def check_text(field: str, text: str, *, most: int) -> None:
    """Raise Invalid for a text that the database cannot hold or that is longer than `most` characters."""
    if len(text) > most:
        raise Invalid(field, f"has {len(text):,} characters; at most {most:,} are kept")
    if "\x00" in text:
        raise Invalid(field, "contains a NUL character")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Invalid(field, "contains half of a surrogate pair, which is no character")
