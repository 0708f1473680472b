"""What became of an import."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from curation.ingest.parsed import Rejected

MOST_REASONS = 1000
MOST_LABELS = 100
_TIMES = re.compile(r" \([\d,]+ times\)$")
_WORDS = ("judgments", "preferences", "corrections")


@dataclass(slots=True)
class Outcome:
    """Counts of traces, and what was rejected. Only the first 1,000 reasons are kept; `rejected_count` counts all.

    `judgments`, `preferences` and `corrections` count those that are new; `unknown_labels` are labels of annotations that
    became no judgment, with how often each came. `notes` are the import notes, with the number of traces that got each.
    """

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    rejected_count: int = 0
    format: str = ""
    judgments: int = 0
    preferences: int = 0
    corrections: int = 0
    unknown_labels: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def count(self, found: str) -> None:
        """One more trace with the outcome "created", "updated" or "unchanged"."""
        self.read += 1
        setattr(self, found, getattr(self, found) + 1)

    def note(self, lines: Iterable[str]) -> None:
        """The import notes of one more trace; how often each holds in it does not count."""
        self.notes.update({_TIMES.sub("", line) for line in lines})

    def reject(self, where: str, reason: str) -> None:
        """One more piece that could not be taken."""
        self.rejected_count += 1
        if len(self.rejected) < MOST_REASONS:
            self.rejected.append(Rejected(where, reason.replace("\0", "\ufffd").encode(errors="replace").decode()))

    def add(self, other: "Outcome", *, where: str = "") -> None:
        """Take over the counts of another; `where` is put before its places."""
        for name in ("read", "created", "updated", "unchanged", *_WORDS):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for item in other.rejected:
            self.reject(f"{where}{item.where}", item.reason)
        self.rejected_count += other.rejected_count - len(other.rejected)
        self.unknown_labels.update(other.unknown_labels)
        self.notes.update(other.notes)

    def as_json(self) -> dict[str, Any]:
        """{"read", "created", "updated", "unchanged", "rejected": [{"where", "reason"}]}; where reasons were left out,
        the last entry says how many. Where there were any: also "judgments", "preferences", "corrections", and
        "unknown_labels" {label: count} and "notes" {note: traces}, the 100 most frequent. "format": where it is known."""
        rejected = [{"where": item.where, "reason": item.reason} for item in self.rejected]
        if self.rejected_count > len(self.rejected):
            left = self.rejected_count - len(self.rejected)
            rejected.append(
                {"where": "further", "reason": f"{left:,} more were rejected; their reasons are not listed"}
            )
        said: dict[str, Any] = {name: getattr(self, name) for name in _WORDS if getattr(self, name)}
        if self.format:
            said["format"] = self.format
        for name, counts, longest in (("unknown_labels", self.unknown_labels, 200), ("notes", self.notes, 500)):
            if counts:
                said[name] = {
                    text.replace("\0", "\ufffd").encode(errors="replace").decode()[:longest]: count
                    for text, count in counts.most_common(MOST_LABELS)
                }
        return {
            "read": self.read,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": rejected,
            **said,
        }
