"""A limit in working days as three values: start day, remaining days, running. Every deadline is this Clock.

"Elapsed days > limit" would recount history at every look and let a later fact rewrite an earlier light
(supervision.md 3.3). Here due is one array access, a pause freezes what remains, and a red light, once due has
passed while the clock ran, stays dated for good.
"""

import math
from collections.abc import Sequence
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


class Stop(Struct, frozen=True):
    """A span in which a clock stands still: the days after `first` up to and with `last` (None: not ended)."""

    first: date
    last: date | None
    why: str = "停表"


class Extension(Struct, frozen=True):
    """More working days: lawful from `day`, by which it had been both approved and told to the applicant."""

    day: date
    days: int


class Course(Struct, frozen=True):
    """A clock after everything that happened to it, and what became of each."""

    clock: Clock
    stops: list[Stop]  # that took days out of the count
    extension: Extension | None  # the one that counts
    void: list[Extension]  # too late, or one too many: they change nothing


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
    """A lawful special procedure begins (行政许可法 45): the day it starts is counted.

    Where nothing was left and the last day had moved to this working day (民法典 203), it is used beyond the limit: an extension
    that comes later begins with it, as it does where no procedure lies between.
    """
    if not clock.running:
        return clock
    used = calendar.count(clock.start, day)
    return replace(clock, remaining=clock.remaining - used, running=False)


def resume(clock: Clock, day: date) -> Clock:
    """It ends: counting goes on with the day after."""
    return clock if clock.running else replace(clock, start=day, running=True)


def extend(clock: Clock, days: int) -> Clock:
    """A lawful extension (行政许可法 42) adds to what remains, whether the clock runs or not."""
    return replace(clock, remaining=clock.remaining + days)


_RESUME, _EXTEND, _PAUSE = range(3)
"""The order inside one day: an extension told on the day a procedure begins is added before it."""


def course(
    begun: Clock, stops: Sequence[Stop], extensions: Sequence[Extension], calendar: Calendar
) -> Course:
    """Walk through what happened, in the order of days. What comes after the limit has passed changes nothing.

    `stops` do not touch each other. Only the first extension that is in time counts (行政许可法 42). Raises ValueError
    outside the calendar.
    """
    if not stops and not extensions:
        return Course(begun, [], None, [])
    state, counted, extension = begun, list[Stop](), None
    void: list[Extension] = []
    for day, kind, what in _events(begun.start, stops, extensions):
        over = state.running and day > due(state, calendar)
        if isinstance(what, Extension):
            if over or extension is not None:
                void.append(what)
            else:
                state, extension = extend(state, what.days), what
        elif kind == _PAUSE and not over:
            state = pause(state, day, calendar)
            counted.append(what)
        elif kind == _RESUME:
            state = resume(state, day)  # of a clock that was not stopped: nothing
    return Course(state, counted, extension, void)


def _events(
    start: date, stops: Sequence[Stop], extensions: Sequence[Extension]
) -> list[tuple[date, int, Stop | Extension]]:
    found: list[tuple[date, int, Stop | Extension]] = [
        (max(one.day, start), _EXTEND, one) for one in extensions
    ]
    for stop in stops:
        first = max(stop.first, start)
        if stop.last is None or stop.last > first:  # else it took no day, or was over before the clock began
            found.append((first, _PAUSE, stop))
            found += [(stop.last, _RESUME, stop)] if stop.last is not None else []
    return sorted(found, key=lambda event: event[:2])
