"""A sign that something was written to a table: lanes that would have waited look sooner. None of them is ever left out for
the lack of a sign, because engines give it late, or not at all.

It says not what was written. Where the quick lanes have just told something, that was it, most likely; where they have
not, it is an edit without a stamp or a deletion, which only the slow lanes find.
"""

from common.core.instant import SECOND

LOOK_EVERY = 2 * SECOND
HASTE = 6
"""A lane that is hurried rests so many times less than it otherwise would, and no less."""


class Hint:
    """Of one table; times are monotonic microseconds."""

    def __init__(self) -> None:
        self._last: str | None = None
        self._due = 0

    def is_due(self, now: int) -> bool:
        return now >= self._due

    def moved(self, sign: str | None, now: int) -> bool:
        """Whether `sign`, just asked for, is another than the last."""
        before, self._last, self._due = self._last, sign, now + LOOK_EVERY
        return None not in {before, sign} and before != sign


def due(at: int, every: int, *, hurried: bool) -> int:
    """When a lane looks again that would at `at`, having rested for `every`."""
    return at - every + every // HASTE if hurried else at
