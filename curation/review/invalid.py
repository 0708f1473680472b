"""What work raises when a value cannot be stored."""


class Invalid(ValueError):
    """A bad value: the name of the field and the reason, in words for the person who sent it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}.")
        self.field, self.reason = field, reason
