"""Until when a row is known to have been as the index has it: the evidence behind "changed after it was reported".

Nothing is written per row and look. A walk that has come to its end met every row that the index knew at its begin;
a round of the hot lane met the rows of open cases. What either of them found unchanged was so at its begin or later.
"""

from collections.abc import Iterable

from msgspec import Struct

from agent.core.indexed import Known
from agent.core.upheaval import Upheaval

_PIECE = 4096
"""Bytes of ids that are looked at together."""


class Walked(Struct, array_like=True, frozen=True):
    """A finished walk met every row of its table whose id is not above `newest_id`, from office time `at` on."""

    at: int
    newest_id: int
    mapping: bytes
    """The mapping's fingerprint by which it read."""
    made: str = ""
    """Which making of the table it read (base.Source.made); empty: unknown."""


class Met:
    """Ids of the index that a walk or a round has come across, one bit each: a million rows cost 125 kB."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        """Office time of its begin."""
        self.ids = bytearray()
        self.bad: set[str] = set()
        """Keys of rows that cannot be mapped."""

    def add(self, number: int) -> None:
        """Set the bit of `number`, growing as needed."""
        place = number >> 3
        if place >= len(self.ids):
            self.ids.extend(bytes(place + 1024 - len(self.ids)))
        self.ids[place] |= 1 << (number & 7)

    def add_run(self, first: int, count: int) -> None:
        """`count` ids from `first` on, at once: pages that were proven are met as runs."""
        last = first + count - 1
        lo, hi = first >> 3, last >> 3
        if hi >= len(self.ids):
            self.ids.extend(bytes(hi + 1024 - len(self.ids)))
        begin, end = 0xFF << (first & 7) & 0xFF, (2 << (last & 7)) - 1
        if lo == hi:
            self.ids[lo] |= begin & end
            return
        self.ids[lo] |= begin
        self.ids[hi] |= end
        self.ids[lo + 1 : hi] = b"\xff" * (hi - lo - 1)

    def has_any(self, first: int, count: int) -> bool:
        """Of `count` ids from `first` on."""
        near = any(self.ids[first >> 3 : (first + count + 7) >> 3])
        return near and any(number in self for number in range(first, first + count))

    def without(self, other: "Met") -> list[int]:
        """Ids that are in here and not in `other`, in order. A piece at a time: of millions the whole would be copied thrice."""
        found: list[int] = []
        for start in range(0, len(self.ids), _PIECE):
            mine, others = self.ids[start : start + _PIECE], other.ids[start : start + _PIECE]
            left = int.from_bytes(mine, "little") & ~int.from_bytes(others, "little")
            found += [
                (start + place) << 3 | bit
                for place, byte in enumerate(left.to_bytes(len(mine), "little") if left else b"")
                if byte
                for bit in range(8)
                if byte >> bit & 1
            ]
        return found

    def lacks(self, ids: Iterable[int]) -> list[int]:
        """Those of `ids` that are not in here."""
        bits, size = self.ids, len(self.ids)
        return [number for number in ids if number >> 3 >= size or not bits[number >> 3] >> (number & 7) & 1]

    def discard(self, number: int) -> None:
        if number in self:
            self.ids[number >> 3] &= ~(1 << (number & 7))

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self.ids) and bool(self.ids[place] & (1 << (number & 7)))


class Proof:
    """Of one table."""

    def __init__(self, walked: Walked | None = None) -> None:
        self.walked = walked
        self.ended_at = 0
        """Office time at which the last walk of this process ended."""
        self.hot = Met()
        self.upheaval: Upheaval | None = None
        """The source was, or may have been, restored or edited in bulk."""

    @property
    def is_upheaval(self) -> bool:
        """It was, and that is said: until the next finished walk its changes belong to that."""
        return self.upheaval is not None and self.upheaval.told

    def walked_at(self, before: Known | None) -> int | None:
        """The begin of the last finished walk, by the source's age; None where there is none that looked for the row."""
        if self.walked is None or (before is not None and before.id > self.walked.newest_id):
            return None
        return self.walked.at or None

    def same_until(self, number: int, captured_at: int) -> int:
        """Office time at which row `number` of the index was last known to be as captured at `captured_at`."""
        at = captured_at
        if self.walked is not None and number <= self.walked.newest_id:
            at = max(at, self.walked.at)
        return max(at, self.hot.at) if number in self.hot else at
