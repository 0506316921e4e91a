"""The end of an integer key: what lies beyond the highest number read, and which numbers before it are missing.

A number is given when a row is inserted, not when it is committed: a missing one is a transaction that is still open,
or one that was rolled back. Nobody can tell which from outside (SymmetricDS, Axon and GitLab Geo met the same), so a
missing number is asked for again and again, and at last set down as missing: the walk goes on looking for its row.
"""

from collections.abc import Iterable

from common.core.instant import MINUTE

BACK = 2_000
"""So many numbers are looked through again after a start."""
LONGEST_JUMP = 1_000
"""A leap that is longer is no row of open transactions: the numbers were reset, or come in ranges per server."""
MOST = 5_000
LEAST_PATIENCE = 10 * MINUTE


class Tail:
    """Of one table; times are monotonic microseconds."""

    def __init__(self, high: int | None = None) -> None:
        self.high = high
        """Highest number read; None: nobody knows where the numbers end."""
        self.gaps: dict[int, int] = {}
        """Missing number -> since when."""
        self.latest_us = 0
        """The longest that a row has been late."""

    def read(self, numbers: Iterable[int], now: int) -> None:
        """Rows beyond `high` were read, in order."""
        for number in numbers:
            if self.high is not None and 1 < number - self.high <= LONGEST_JUMP:
                self.gaps |= dict.fromkeys(range(self.high + 1, number), now)
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
        """Ranges of numbers that were asked for long enough; they are asked for no more."""
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
        return ranges
