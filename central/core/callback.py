"""回访: a telephone call to whoever was answered: by the next working day, and if nobody takes it three tries on three days.

The same for complaints and bad ratings. A passed day is noted as a fact; the call is owed all the same.
"""

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from central.core import clock as clocks
from central.core.calendar import Calendar
from central.core.clock import Clock
from common.core.errors import RejectedError

CALL_DAYS, TRIES = 1, 3
"""Working days within which each try is due (supervision.md 3.11); tries, ours: then nobody is called any more."""


class Calls(Struct, frozen=True, kw_only=True):
    """Where it stands. `clock`: of the next try; None: nobody is to be called any more."""

    clock: Clock | None
    tries: tuple[date, ...] = ()  # days on which nobody took the call
    lapsed: tuple[date, ...] = ()  # last days that passed: facts
    is_told_late: bool = False  # the passed day of this clock is noted already

    @property
    def is_owed(self) -> bool:
        return self.clock is not None


def begun(day: date, calendar: Calendar, before: Calls | None = None) -> Calls:
    """Somebody was answered on `day`. `before`: of an earlier answer, whose passed days stay."""
    lapsed = before.lapsed if before is not None else ()
    return Calls(clock=clocks.begin(calendar.roll_forward(day), CALL_DAYS), lapsed=lapsed)


def missed(calls: Calls, day: date, calendar: Calendar) -> Calls:
    """Nobody took the call of `day`. Raises RejectedError for a second one of a day."""
    if day in calls.tries:
        raise RejectedError("今天已经记过一次没有打通", hint="请改天再打；三次须在三天")
    tries = (*calls.tries, day)
    again = clocks.begin(calendar.roll_forward(day), CALL_DAYS) if len(tries) < TRIES else None
    return replace(calls, clock=again, tries=tries, is_told_late=False)


def lapsed(calls: Calls, calendar: Calendar) -> Calls:
    assert calls.clock is not None
    return replace(calls, lapsed=(*calls.lapsed, clocks.due(calls.clock, calendar)), is_told_late=True)


def due(calls: Calls | None, calendar: Calendar) -> date | None:
    """The last day of the next try."""
    return clocks.due(calls.clock, calendar) if calls is not None and calls.clock is not None else None


def has_passed(calls: Calls, today: date, calendar: Calendar) -> bool:
    """Whether a lapse is to be noted. A day that no notice has published yet accuses nobody (supervision.md 3.5)."""
    last = due(calls, calendar)
    return last is not None and today > last and not calendar.is_provisional(last) and not calls.is_told_late
