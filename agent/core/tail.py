"""The end of an integer key: what lies beyond the highest number read, and which numbers before it are missing.

A number is given when a row is inserted, not when it is committed: a missing one is a transaction that is still open,
or one that was rolled back. Nobody can tell which from outside (SymmetricDS, Axon and GitLab Geo met the same), so a
missing number is asked for again and again, and at last set down as missing: the walk goes on looking for its row.
"""

from collections.abc import Iterable

from msgspec import Struct

from common.core.instant import MINUTE

BACK = 2_000
"""So many numbers are looked through again after a start."""
LONGEST_JUMP = 1_000
"""A leap that is longer is no row of open transactions: the numbers were reset, or come in ranges per server."""
MOST = 5_000
LEAST_PATIENCE = 10 * MINUTE


MOST_TOLD = 100


class Mark(Struct, array_like=True, frozen=True):
    """What outlives a restart. `told`: ranges that were set down as missing, the newest last."""

    high: int
    told: list[tuple[int, int]] = []
    latest_us: int = 0


class Tail:
    """Of one table; times are monotonic microseconds."""

    def __init__(self, high: int | None = None) -> None:
        self.high = high
        """Highest number read; None: nobody knows where the numbers end."""
        self.told: list[tuple[int, int]] = []
        """Ranges that were set down as missing, the newest last: they are asked for no more, nor told again."""
        self.gaps: dict[int, int] = {}
        """Missing number -> since when."""
        self.latest_us = 0
        """The longest that a row has been late."""

    @classmethod
    def resumed(cls, mark: Mark) -> "Tail":
        """Looks once more through the numbers just before the end."""
        tail = cls(mark.high - BACK)
        tail.told, tail.latest_us = list(mark.told), mark.latest_us
        return tail

    def mark(self, high: int) -> Mark:
        return Mark(high, self.told, self.latest_us)

    def read(self, numbers: Iterable[int], now: int) -> None:
        """Rows beyond `high` were read, in order."""
        for number in numbers:
            if self.high is not None and 1 < number - self.high <= LONGEST_JUMP:
                self.gaps |= dict.fromkeys(self._untold(self.high + 1, number), now)
            self.high = max(number, self.high if self.high is not None else number)
        while len(self.gaps) > MOST:
            del self.gaps[next(iter(self.gaps))]

    def found(self, numbers: Iterable[int], now: int) -> None:
        """These rows are there after all."""
        for number in numbers:
            since = self.gaps.pop(number, None)
            if since is not None:
                self.latest_us = max(self.latest_us, now - since)

    def given_up(self, now: int) -> list[tuple[int, int]]:
        """Ranges of numbers that were asked for long enough, for the caller to tell; they are asked for no more."""
        patience = max(LEAST_PATIENCE, 2 * self.latest_us)
        over = sorted(number for number, since in self.gaps.items() if now - since > patience)
        for number in over:
            del self.gaps[number]
        ranges: list[tuple[int, int]] = []
        for number in over:
            if ranges and number == ranges[-1][1] + 1:
                ranges[-1] = (ranges[-1][0], number)
            else:
                ranges.append((number, number))
        self.told = [*self.told, *ranges][-MOST_TOLD:]
        return ranges

    def _untold(self, lo: int, hi: int) -> Iterable[int]:
        """Numbers from `lo` to below `hi`."""
        told = [(first, last) for first, last in self.told if last >= lo and first < hi]
        return (n for n in range(lo, hi) if not any(first <= n <= last for first, last in told))
