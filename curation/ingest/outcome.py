"""What became of an import."""

from dataclasses import dataclass, field
from typing import Any

from curation.ingest.parsed import Rejected

MOST_REASONS = 1000


@dataclass(slots=True)
class Outcome:
    """Counts of traces, and what was rejected. Only the first 1,000 reasons are kept; `rejected_count` counts all."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    rejected_count: int = 0
    format: str = ""

    def count(self, found: str) -> None:
        """One more trace with the outcome "created", "updated" or "unchanged"."""
        self.read += 1
        setattr(self, found, getattr(self, found) + 1)

    def reject(self, where: str, reason: str) -> None:
        """One more piece that could not be taken."""
        self.rejected_count += 1
        if len(self.rejected) < MOST_REASONS:
            self.rejected.append(Rejected(where, reason.replace("\0", "\ufffd").encode(errors="replace").decode()))

    def add(self, other: "Outcome", *, where: str = "") -> None:
        """Take over the counts of another; `where` is put before its places."""
        for name in ("read", "created", "updated", "unchanged"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for item in other.rejected:
            self.reject(f"{where}{item.where}", item.reason)
        self.rejected_count += other.rejected_count - len(other.rejected)

    def as_json(self) -> dict[str, Any]:
        """{"read", "created", "updated", "unchanged", "rejected": [{"where", "reason"}]}; where reasons were left out,
        the last entry says how many."""
        rejected = [{"where": item.where, "reason": item.reason} for item in self.rejected]
        if self.rejected_count > len(self.rejected):
            left = self.rejected_count - len(self.rejected)
            rejected.append(
                {"where": "further", "reason": f"{left:,} more were rejected; their reasons are not listed"}
            )
        return {
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": rejected,
        }
