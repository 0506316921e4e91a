"""The end of an integer key: what lies beyond the highest number read, and which numbers before it are missing.

A number is given when a row is inserted, not when it is committed: a missing one is a transaction that is still open,
or one that was rolled back. Nobody can tell which from outside (SymmetricDS, Axon and GitLab Geo met the same), so a
missing number is asked for again and again, and at last set down as missing: the walk goes on looking for its row. Where
the engine says which transactions are open, it is not set down while one is that was when it was first missed; sooner
neither, because a number may be taken before the transaction that will use it has begun.

Where several servers give numbers in turn (Galera, two masters: `auto_increment_increment`), each gives every second, third
or tenth alone, and those of a server that nobody writes to never come. Which remainders come is learned from the numbers read.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from msgspec import Struct

from common.core.instant import DAY, MINUTE

BACK = 2_000
"""So many numbers are looked through again after a start."""
LONGEST_JUMP = 1_000
"""A leap that is longer is no row of open transactions: the numbers were reset, or come in ranges per server."""
MOST = 5_000
LEAST_PATIENCE = 10 * MINUTE
MOST_PATIENCE = DAY
"""A transaction that nobody ends, as one that was prepared and forgotten, keeps no number waiting longer."""


MOST_TOLD = 100
MOST_STEP = 16
"""Between two numbers of one server; more of them write to one database nowhere."""
RECENT = 256
"""Of so many numbers read last the step is learned."""
ENOUGH = 8
"""Numbers read for each remainder: by chance, of numbers half of which are missing, one stays out once in 3,000 times."""


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
        self.flying: dict[int, int] = {}
        """Missing number -> transactions below this one might still bring it, as the engine said after it was missed."""
        self.latest_us = 0
        """The longest that a row has been late."""
        self._recent: deque[int] = deque(maxlen=RECENT)

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
        numbers = list(numbers)
        self._recent.extend(numbers)
        steps = list(self._steps())
        for number in numbers:
            if self.high is not None and 1 < number - self.high <= LONGEST_JUMP:
                missing = self._untold(self.high + 1, number)
                self.gaps |= dict.fromkeys((n for n in missing if not _is_skipped(n, steps)), now)
            self.high = max(number, self.high if self.high is not None else number)
        while len(self.gaps) > MOST:
            self._forget(next(iter(self.gaps)))

    def missed(self, following: int) -> None:
        """The engine says that the next transaction will be `following`: those before it may bring what is missing now."""
        for number in self.gaps.keys() - self.flying.keys():
            self.flying[number] = following

    def found(self, numbers: Iterable[int], now: int) -> None:
        """These rows are there after all."""
        for number in numbers:
            self._recent.append(number)
            since = self.gaps.get(number)
            if since is not None:
                self.latest_us = max(self.latest_us, now - since)
                self._forget(number)

    def given_up(self, now: int, oldest: int | None = None) -> list[tuple[int, int]]:
        """Ranges of numbers that were asked for long enough, for the caller to tell; they are asked for no more.

        `oldest`: every transaction before it has ended; None: nobody knows.
        """
        steps = list(self._steps()) if self.gaps else []
        for number in [n for n in self.gaps if _is_skipped(n, steps)]:
            self._forget(number)
        patience = max(LEAST_PATIENCE, 2 * self.latest_us)
        over = []
        for number, since in sorted(self.gaps.items()):
            open_still = oldest is not None and self.flying.get(number, 0) > oldest
            if now - since > (max(MOST_PATIENCE, patience) if open_still else patience):
                over.append(number)
        for number in over:
            self._forget(number)
        ranges: list[tuple[int, int]] = []
        for number in over:
            if ranges and number == ranges[-1][1] + 1:
                ranges[-1] = (ranges[-1][0], number)
            else:
                ranges.append((number, number))
        self.told = [*self.told, *ranges][-MOST_TOLD:]
        return ranges

    def _steps(self) -> Iterator[tuple[int, set[int]]]:
        """(step, remainders by it that come), where some do not."""
        for step in range(2, MOST_STEP + 1):
            if len(self._recent) >= ENOUGH * step:
                coming = {number % step for number in self._recent}
                if len(coming) < step:
                    yield step, coming

    def _forget(self, number: int) -> None:
        del self.gaps[number]
        self.flying.pop(number, None)

    def _untold(self, lo: int, hi: int) -> Iterable[int]:
        """Numbers from `lo` to below `hi`."""
        told = [(first, last) for first, last in self.told if last >= lo and first < hi]
        return (n for n in range(lo, hi) if not any(first <= n <= last for first, last in told))


def _is_skipped(number: int, steps: Iterable[tuple[int, set[int]]]) -> bool:
    """It is none that any server gives."""
    return any(number % step not in coming for step, coming in steps)
