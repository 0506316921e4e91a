"""Working days of the People's Republic: which day counts, and the n-th one after another, as array accesses.

Data are the State Council's yearly notices (make-up days included: without them 121 of 300 start days of 2026 get
a wrong 20-day limit). Beyond the published edge days are **provisional** (推定): weekdays without the fixed
holidays. A limit that touches a provisional day may be shown, but never raises a red light (supervision.md 3.5).
"""

from bisect import bisect_left, bisect_right
from datetime import date, timedelta

from msgspec import Struct

_ONE_DAY = timedelta(days=1)
_PROVISIONAL_DAYS = 800
# 全国年节及纪念日放假办法 (2024): fixed dates whose holiday needs no lunar calendar.
_FIXED_HOLIDAYS = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}


class CalendarData(Struct, frozen=True):
    """The published days: every weekday works except as listed, `MM-DD` -> "work" | "off" per year."""

    first: date
    last: date
    exceptions: dict[str, dict[str, str]]
    source: str = ""


class Calendar:
    """One version of the working-day calendar, immutable."""

    def __init__(self, version: int, first: date, published: list[bool]) -> None:
        """`published[i]` says whether the i-th day from `first` is a working day."""
        self.version = version
        self.first = first
        self.published_until = first + timedelta(days=len(published) - 1)
        guessed = [_guess(self.published_until + timedelta(days=n)) for n in range(1, _PROVISIONAL_DAYS + 1)]
        self._works = [*published, *guessed]
        self._days = [first + timedelta(days=n) for n, works in enumerate(self._works) if works]

    def is_workday(self, day: date) -> bool:
        """Raises ValueError outside the calendar, also for the methods below."""
        return self._works[self._index(day)]

    def is_provisional(self, day: date) -> bool:
        """The notice for this day's year is not published (or was before our first year)."""
        return not self.first <= day <= self.published_until

    def nth(self, day: date, n: int) -> date:
        """The n-th working day strictly after `day` (n >= 1): the day of the event is not counted."""
        self._index(day)
        place = bisect_right(self._days, day) + n - 1
        if n < 1 or place >= len(self._days):
            msg = f"working day {n} after {day} lies outside the calendar"
            raise ValueError(msg)
        return self._days[place]

    def count(self, after: date, until: date) -> int:
        """Working days in (after, until]; 0 where until <= after."""
        self._index(after)
        self._index(until)
        return max(0, bisect_right(self._days, until) - bisect_right(self._days, after))

    def back(self, day: date, n: int) -> date:
        """The n-th working day strictly before `day` (n >= 1)."""
        self._index(day)
        place = bisect_left(self._days, day) - n
        if n < 1 or place < 0:
            msg = f"working day {n} before {day} lies outside the calendar"
            raise ValueError(msg)
        return self._days[place]

    def roll_forward(self, day: date) -> date:
        """`day` itself if it is a working day, else the next one."""
        return day if self.is_workday(day) else self.nth(day, 1)

    def _index(self, day: date) -> int:
        place = (day - self.first).days
        if not 0 <= place < len(self._works):
            msg = f"{day} lies outside the calendar ({self.first} on)"
            raise ValueError(msg)
        return place


def build(version: int, data: CalendarData) -> Calendar:
    """Lay the published exceptions over the weekdays."""
    published = []
    day = data.first
    while day <= data.last:
        mark = data.exceptions.get(str(day.year), {}).get(day.strftime("%m-%d"))
        published.append(mark == "work" if mark else day.weekday() < 5)
        day += _ONE_DAY
    return Calendar(version, data.first, published)


def _guess(day: date) -> bool:
    return day.weekday() < 5 and (day.month, day.day) not in _FIXED_HOLIDAYS
