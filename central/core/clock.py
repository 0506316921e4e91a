"""A limit in working days as three values: start day, remaining days, running. Every deadline is this Clock.

"Elapsed days > limit" would recount history at every look and let a later fact rewrite an earlier light
(supervision.md 3.3). Here due is one array access, a pause freezes what remains, and a red light, once due has
passed while the clock ran, stays dated for good.
"""

import math
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from central.core.calendar import Calendar


class Clock(Struct, frozen=True):
    """`remaining` working days counted from the day after `start`, as long as it is running."""

    start: date
    remaining: int
    lead: int  # the yellow light comes this many working days before due
    running: bool = True


def begin(start: date, limit: int) -> Clock:
    """Limit in working days; the day of the event is not counted (行政许可法 82). Yellow: max(1 day, 10 %)."""
    return Clock(start, limit, default_lead(limit))


def default_lead(limit: int) -> int:
    return max(1, math.ceil(limit / 10))


def due(clock: Clock, calendar: Calendar) -> date:
    """The last day on which the act is still in time; its due instant is 24:00 of that day."""
    if clock.remaining > 0:
        return calendar.nth(clock.start, clock.remaining)
    return calendar.roll_forward(clock.start)


def yellow(clock: Clock, calendar: Calendar) -> date:
    """The day from whose first instant the light is yellow."""
    if clock.remaining > clock.lead:
        return calendar.nth(clock.start, clock.remaining - clock.lead)
    return clock.start


def pause(clock: Clock, day: date, calendar: Calendar) -> Clock:
    """A lawful special procedure begins (行政许可法 45): the day it starts is counted."""
    if not clock.running:
        return clock
    used = calendar.count(clock.start, day)
    return replace(clock, remaining=max(0, clock.remaining - used), running=False)


def resume(clock: Clock, day: date) -> Clock:
    """It ends: counting goes on with the day after."""
    return clock if clock.running else replace(clock, start=day, running=True)
