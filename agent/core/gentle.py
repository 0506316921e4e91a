"""How gently a source is read: rest between pages, rows of a page, the night. Figures: capture.md 3.4.

A page that took long is a sign of somebody else's load or of ours: the next one is smaller. The rest is the longer of
what the duty cycle and the ceiling of rows ask for. Both are reckoned over all that was asked since the last rest, whatever for (hashes, missing numbers, the newest
rows, signs of writing), and what the source was left alone meanwhile counts as rest.
"""

from datetime import time

from msgspec import Struct

from common.core.instant import HOUR, SECOND

LEAST_ROWS = 50
SMALL = 1_000
"""Rows of a table that may be read through at any time."""
NIGHT_DUTY = 0.5
WALK_SHARE = 0.1
"""Of the duty, by day, for a walk that nobody waits for: the share of the time that it works is that of the commits that meet
it. Not where half of the time or more was granted."""


class Limits(Struct, frozen=True):
    """Of one site. `duty`: share of the time in which the source works for us; `page_us`: what a page may take."""

    duty: float
    rows_per_sec: float
    page_us: int
    page_rows: int


def rest_us(rows: int, took_us: int, limits: Limits, *, night: bool, walks: bool) -> int:
    """Microseconds until the next page, after one of `rows` rows that took `took_us`; `walks`: in a walk that nobody waits for."""
    if night:
        return int(took_us * (1 / max(limits.duty, NIGHT_DUTY) - 1))
    share = WALK_SHARE if walks and limits.duty < NIGHT_DUTY else 1
    by_duty = took_us * (1 / (limits.duty * share) - 1)
    by_rows = rows / limits.rows_per_sec * SECOND - took_us
    return int(max(by_duty, by_rows, 0))


def is_waited_for(now: int, before: int | None) -> bool:
    """Whether the walk behind an upheaval at monotonic `now` takes the whole duty, the one before it having been at `before`. Where
    there is one after the other, somebody works all over the table: to walk as fast each time would slow him down all day."""
    return before is None or now - before > HOUR


class Account:
    """What one source has worked for us since its last rest, whichever table for. Times are monotonic microseconds."""

    def __init__(self, now: int) -> None:
        self._since = now
        self._worked_us = 0

    def worked(self, us: int) -> None:
        self._worked_us += us

    def due_us(self, now: int, rows: int, limits: Limits, *, night: bool, walks: bool) -> int:
        """How long to rest from now on, after `rows` rows since the last rest."""
        left_alone = now - self._since - self._worked_us
        rest = rest_us(rows, self._worked_us, limits, night=night, walks=walks)
        return max(0, rest - max(0, left_alone))

    def rested(self, now: int) -> None:
        self._since, self._worked_us = now, 0


def next_rows(rows: int, took_us: int, limits: Limits) -> int:
    """Rows of the next page: half where the last took too long, somewhat more where it was quick."""
    if took_us > limits.page_us:
        return max(min(LEAST_ROWS, limits.page_rows), rows // 2)
    return min(limits.page_rows, rows + rows // 4 + 1) if took_us * 2 < limits.page_us else rows


def parse_night(text: str) -> tuple[time, time] | None:
    """`19:30-07:00` -> begin and end; None for an empty text. Raises ValueError."""
    if not text:
        return None
    begin, end = text.split("-")
    return time.fromisoformat(begin), time.fromisoformat(end)


def is_night(now: time, night: tuple[time, time] | None) -> bool:
    """`now`: local time of day. The end may lie on the next day."""
    if night is None:
        return False
    begin, end = night
    return begin <= now < end if begin < end else now >= begin or now < end
