"""What the API says when something is wrong: one shape for every error."""

from collections.abc import Sequence
from typing import Any


class Problem(Exception):
    """Ends a request with `status` and {"error": {"code", "message", "details": [{"where", "reason"}]}}."""

    def __init__(self, status: int, code: str, message: str, *, details: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, list(details)

    def body(self) -> dict[str, Any]:
        """The JSON that goes out."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}
