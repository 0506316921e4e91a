"""Workload forecast 办件量预测: how many cases will come in on the next working days, and how far such forecasts were off. Pure.

As simple as it can be checked by hand: the mean of the last working days of the same weekday. Its error is what the same rule
would have missed on the last working days, each foretold from the days before it alone.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from central.core.calendar import Calendar

MEAN_OF, AHEAD, TESTED = 8, 10, 20
"""Days that a mean is taken of, days that are foretold, days that it is tested on."""
LEAST = 3
"""Of fewer days nothing is foretold."""
WEEKS = MEAN_OF + TESTED // 5 + 6
"""So much of the past is enough, with holidays."""
WORDS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
DEFINITIONS = {
    "预计": f"最近 {MEAN_OF} 个同一星期几的工作日收件数的平均；不足 {LEAST} 个的不预计",
    "平均偏差": f"同样的方法用在最近 {TESTED} 个工作日，每天只用它之前的日子，预计与实际相差的平均",
    "偏差率": "偏差之和占实际收件之和的百分比",
    "偏向": "预计减实际的平均；正的是估多了",
}
_TENTH = Decimal("0.1")


class Told(Struct, frozen=True):
    """One working day. `actual`: None before it is over; `foretold`: None where there is too little to tell by."""

    day: date
    foretold: Decimal | None
    actual: int | None = None

    @property
    def weekday(self) -> str:
        return WORDS[self.day.weekday()]


class Error(Struct, frozen=True):
    """Of the tested days: mean of the absolute differences, their share of all cases in percent, and the mean difference."""

    days: int
    mean: Decimal
    percent: Decimal | None
    bias: Decimal


class Forecast(Struct, frozen=True):
    """What comes, what was, and the error; None: there is too little to test."""

    ahead: list[Told]
    tested: list[Told]
    error: Error | None


def forecast(counts: Mapping[date, int], first: date, today: date, calendar: Calendar) -> Forecast:
    """`counts`: cases by day, of the days from `first` up to, and without, `today`; a missing day after the first one that is there is
    0, before it nobody knows. Raises nothing: days outside the
    published calendar are left out.
    """
    past = _workdays(max(first, min(counts)), today, calendar) if counts else []
    ahead = [Told(day, _mean(day, past, counts)) for day in _next(today, calendar)]
    tested = [
        Told(day, _mean(day, [one for one in past if one < day], counts), counts.get(day, 0))
        for day in past[-TESTED:]
    ]
    return Forecast(ahead, tested, _error(tested))


def _workdays(first: date, until: date, calendar: Calendar) -> list[date]:
    days = (first + timedelta(days=number) for number in range((until - first).days))
    return [day for day in days if not calendar.is_provisional(day) and calendar.is_workday(day)]


def _next(today: date, calendar: Calendar) -> list[date]:
    """The working days from `today` on, as far as they are published."""
    return _workdays(today, today + timedelta(days=3 * AHEAD), calendar)[:AHEAD]


def _mean(day: date, past: Sequence[date], counts: Mapping[date, int]) -> Decimal | None:
    """Weekends on which people work (调休) are days of their own."""
    like = [one for one in past if one.weekday() == day.weekday()][-MEAN_OF:]
    if len(like) < LEAST:
        return None
    return _tenth(Decimal(sum(counts.get(one, 0) for one in like)) / len(like))


def _error(tested: Sequence[Told]) -> Error | None:
    pairs = [
        (one.foretold, one.actual) for one in tested if one.foretold is not None and one.actual is not None
    ]
    if not pairs:
        return None
    off = [told - actual for told, actual in pairs]
    whole = sum(actual for _, actual in pairs)
    missed = sum((abs(one) for one in off), Decimal(0))
    percent = _tenth(missed * 100 / whole) if whole else None
    return Error(len(pairs), _tenth(missed / len(off)), percent, _tenth(sum(off, Decimal(0)) / len(off)))


def _tenth(value: Decimal) -> Decimal:
    return value.quantize(_TENTH, ROUND_HALF_UP)
