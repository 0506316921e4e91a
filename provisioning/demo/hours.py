"""Working time: only seconds between 8:30 and 17:30 of a working day count, and only in them anything happens."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
OPENS = time(8, 30)
DAY_SECS = 9 * 3600
_ONE_DAY = timedelta(days=1)


class Hours:
    """The office hours of a city whose working days `is_workday` tells."""

    def __init__(self, is_workday: Callable[[date], bool]) -> None:
        self._works = cache(is_workday)

    def workdays(self, first: date, last: date) -> list[date]:
        """Both ends included."""
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [day for day in days if self._works(day)]

    def nth(self, day: date, n: int) -> date:
        """The n-th working day after `day`; `day` itself for 0."""
        while n:
            day += _ONE_DAY
            n -= self._works(day)
        return day

    def at(self, day: date, second: int) -> datetime:
        """That second of the working time of `day`, counted from the opening."""
        return datetime.combine(day, OPENS, tzinfo=ZONE) + timedelta(seconds=second)

    def second(self, moment: datetime) -> int:
        """How much working time of its day is over at `moment`."""
        return int((moment - self.at(moment.date(), 0)).total_seconds())

    def later(self, moment: datetime, secs: int) -> datetime:
        """`moment`, inside working time, advanced by `secs` of working time."""
        days, second = divmod(self.second(moment) + secs, DAY_SECS)
        return self.at(self.nth(moment.date(), days), second)
