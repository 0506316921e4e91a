"""Does the backlog shrink? What waited at each heartbeat of the last minutes, on one connection.

Theory. A backlog that is old may be nearly over; one that grows never ends by itself: the line is slower than the office. So what
counts is not how much waits but how it went over minutes, in which no moment was without a backlog.
"""

from msgspec import Struct

from common.core.instant import MINUTE, SECOND

SPAN = 5 * MINUTE
LEAST = 50 * SECOND
"""Shorter than this says nothing: a burst of the office is over sooner."""
_MANY = 50


class Trend(Struct, frozen=True):
    """`samples`: (monotonic time, rows that waited), the oldest first; begun anew whenever nothing waited."""

    samples: tuple[tuple[int, int], ...] = ()


class Grown(Struct, frozen=True):
    """From so many rows to so many within `secs`."""

    before: int
    rows: int
    secs: int


def looked(trend: Trend, now: int, rows: int) -> Trend:
    if not rows:
        return Trend()
    return Trend((*(item for item in trend.samples if now - item[0] <= SPAN), (now, rows)))


def grown(trend: Trend) -> Grown | None:
    """None where the backlog shrinks, stands, or has not been watched for long enough."""
    if not trend.samples:
        return None
    (began, before), (ended, rows) = trend.samples[0], trend.samples[-1]
    middle = trend.samples[len(trend.samples) // 2][1]
    if ended - began < LEAST or not before + _MANY <= rows or not before <= middle <= rows:
        return None
    return Grown(before, rows, (ended - began) // SECOND)
