"""What was seen before, in a bounded amount of memory: a table of 64-bit hashes with the row that each stood on."""

from array import array

FIRST_SLOTS = 1 << 12
MOST_SLOTS = 1 << 22  # 48 MB; room for 2.9 million rows


class Seen:
    """Which row said the same before. `full` once there is no more room: rows after that are no longer remembered."""

    def __init__(self) -> None:
        self.full = False
        self._slots, self._used = FIRST_SLOTS, 0
        self._hashes, self._rows = _table(FIRST_SLOTS)

    def __len__(self) -> int:
        return self._used

    def first(self, digest: bytes) -> int:
        """The row on which this digest (8 bytes count) stood first; 0 where it was not seen."""
        slot = self._slot(_number(digest))
        return self._rows[slot] if self._hashes[slot] else 0

    def add(self, digest: bytes, row: int) -> int:
        """Remember a digest for `row`, counted from 1. Returns the row on which it stood before, 0 where it is new."""
        number = _number(digest)
        slot = self._slot(number)
        if self._hashes[slot]:
            return self._rows[slot]
        if self._used >= self._slots * 7 // 10:
            if self._slots >= MOST_SLOTS:
                self.full = True
                return 0
            self._grow()
            slot = self._slot(number)
        self._hashes[slot], self._rows[slot] = number, row
        self._used += 1
        return 0

    def _slot(self, number: int) -> int:
        slot, mask, hashes = number & (self._slots - 1), self._slots - 1, self._hashes
        while hashes[slot] and hashes[slot] != number:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        hashes, rows = self._hashes, self._rows
        self._slots *= 4
        self._hashes, self._rows = _table(self._slots)
        for number, row in zip(hashes, rows, strict=True):
            if number:
                slot = self._slot(number)
                self._hashes[slot], self._rows[slot] = number, row


def _table(slots: int) -> "tuple[array[int], array[int]]":
    return array("Q", bytes(8 * slots)), array("I", bytes(4 * slots))


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "little") or 1
