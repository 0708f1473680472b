"""What cannot be done with a grader or a batch, and why."""


class Refused(ValueError):
    """`field` names what is at fault, `reason` says why; nothing was changed."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class NotConfirmed(Refused):
    """A grader that nobody confirmed: it scores nothing, passes nothing and rewards nothing."""

    def __init__(self, label: str) -> None:
        super().__init__("grader", f"{label} was not confirmed by anybody yet: try it on samples, then confirm it.")
