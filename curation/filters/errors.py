"""What a filter that cannot be read says."""


class FilterError(ValueError):
    """A filter that cannot be read: what is wrong, where, and (where there is a guess) the whole filter put right.

    `position` and `end` are offsets into the text as it was typed; `suggestion` is "" without a guess.
    """

    def __init__(self, message: str, position: int, suggestion: str = "", *, end: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.end = position + 1 if end is None else max(end, position + 1)
        self.suggestion = suggestion

    def __str__(self) -> str:
        return f"{self.message} (at character {self.position + 1})"
