"""Working days of the People's Republic: which day counts, and the n-th one after another, as array accesses.

Data are the State Council's yearly notices (make-up days included: without them 121 of 300 start days of 2026 get
a wrong 20-day limit). Beyond the published edge days are **provisional** (推定): weekdays without the fixed
holidays. A limit that touches a provisional day may be shown, but never raises a red light (supervision.md 3.5).
"""

from datetime import date, timedelta

from msgspec import Struct

_ONE_DAY = timedelta(days=1)
_PROVISIONAL_DAYS = 800
# 全国年节及纪念日放假办法 (2024): fixed dates whose holiday needs no lunar calendar.
_FIXED_HOLIDAYS = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
OFF, MADE_UP = "节假日", "调休上班"


class CalendarData(Struct, frozen=True):
    """The published days: every weekday works except as listed, `MM-DD` -> "work" | "off" per year."""

    first: date
    last: date
    exceptions: dict[str, dict[str, str]]
    source: str = ""


class Notice(Struct, frozen=True, forbid_unknown_fields=True):
    """A year's notice of the State Council, as somebody has typed it in."""

    year: int
    source: str
    """Title and number of the notice: what the calendar rests on."""
    off: list[date]
    """Every day of every holiday, weekends among them or not."""
    work: list[date]
    """Days of a weekend on which people work (调休上班)."""


class Changed(Struct, frozen=True):
    """A day that counts otherwise in another version."""

    day: date
    works: bool


class Calendar:
    """One version of the working-day calendar, immutable."""

    def __init__(self, version: int, first: date, published: list[bool]) -> None:
        """`published[i]` says whether the i-th day from `first` is a working day."""
        self.version = version
        self.first = first
        self.published_until = first + timedelta(days=len(published) - 1)
        guessed = [_guess(self.published_until + timedelta(days=n)) for n in range(1, _PROVISIONAL_DAYS + 1)]
        self._works = [*published, *guessed]
        self._days: list[date] = []  # the working days
        self._upto: list[int] = []  # working days up to and with the i-th day
        for n, works in enumerate(self._works):
            if works:
                self._days.append(first + timedelta(days=n))
            self._upto.append(len(self._days))

    def is_workday(self, day: date) -> bool:
        """Raises ValueError outside the calendar, also for the methods below."""
        return self._works[self._index(day)]

    def is_provisional(self, day: date) -> bool:
        """The notice for this day's year is not published (or was before our first year)."""
        return not self.first <= day <= self.published_until

    def nth(self, day: date, n: int) -> date:
        """The n-th working day strictly after `day` (n >= 1): the day of the event is not counted."""
        place = self._upto[self._index(day)] + n - 1
        if n < 1 or place >= len(self._days):
            msg = f"working day {n} after {day} lies outside the calendar"
            raise ValueError(msg)
        return self._days[place]

    def count(self, after: date, until: date) -> int:
        """Working days in (after, until]; 0 where until <= after."""
        return max(0, self._upto[self._index(until)] - self._upto[self._index(after)])

    def back(self, day: date, n: int) -> date:
        """The n-th working day strictly before `day` (n >= 1)."""
        index = self._index(day)
        place = self._upto[index] - self._works[index] - n
        if n < 1 or place < 0:
            msg = f"working day {n} before {day} lies outside the calendar"
            raise ValueError(msg)
        return self._days[place]

    def roll_forward(self, day: date) -> date:
        """`day` itself if it is a working day, else the next one."""
        return day if self.is_workday(day) else self.nth(day, 1)

    def guessed(self, last: date) -> dict[date, tuple[bool, str]]:
        """The days up to `last` whose notice is not out: whether each is taken for a working day, and why not."""
        found = {}
        for offset in range(1, min((last - self.published_until).days, _PROVISIONAL_DAYS) + 1):
            day = self.published_until + timedelta(days=offset)
            works = self.is_workday(day)
            found[day] = (works, "" if works else "周末" if day.weekday() >= 5 else f"{OFF}（推定）")
        return found

    def changed(self, new: "Calendar") -> list[Changed]:
        """The days up to either published edge that count otherwise in `new`; both begin on the same day."""
        until = max(self.published_until, new.published_until)
        found = []
        for n in range((until - self.first).days + 1):
            day = self.first + timedelta(days=n)
            works = new.is_workday(day)
            if self.is_workday(day) != works:
                found.append(Changed(day, works))
        return found

    def _index(self, day: date) -> int:
        place = (day - self.first).days
        if not 0 <= place < len(self._works):
            msg = f"{day} lies outside the calendar ({self.first} on)"
            raise ValueError(msg)
        return place


def build(version: int, data: CalendarData) -> Calendar:
    """Lay the published exceptions over the weekdays."""
    return Calendar(version, data.first, [works for _, works, _ in published_days(data)])


def published_days(data: CalendarData) -> list[tuple[date, bool, str]]:
    """Every published day: does it work, and why otherwise than its weekday says."""
    found = []
    day = data.first
    while day <= data.last:
        mark = data.exceptions.get(str(day.year), {}).get(day.strftime("%m-%d"))
        reason = {"work": MADE_UP, "off": OFF}.get(mark or "", "")
        found.append((day, mark == "work" if mark else day.weekday() < 5, reason))
        day += _ONE_DAY
    return found


def notice_days(notice: Notice) -> list[tuple[date, bool, str]]:
    """Every day of the notice's year, as `published_days`."""
    off, work = set(notice.off), set(notice.work)
    found = []
    day = date(notice.year, 1, 1)
    while day.year == notice.year:
        reason = MADE_UP if day in work else OFF if day in off and day.weekday() < 5 else ""
        found.append((day, day in work or (day.weekday() < 5 and day not in off), reason))
        day += _ONE_DAY
    return found


def faults(notice: Notice, calendar: Calendar) -> list[str]:
    """What cannot be right in a typed notice, all at once; each says which day."""
    found = []
    edge = calendar.published_until.year
    if not calendar.first.year <= notice.year <= edge + 1:
        found.append(f"year：{notice.year} 不能接在现有日历之后（已公布到 {edge} 年，下一年是 {edge + 1}）")
    if not notice.source.strip():
        found.append("source：缺少通知的名称与文号")
    for name, days in (("off", notice.off), ("work", notice.work)):
        found += [f"{name}：{day} 不在 {notice.year} 年" for day in days if day.year != notice.year]
        found += [f"{name}：{day} 写了两次" for day in sorted({day for day in days if days.count(day) > 1})]
    found += [f"{day} 同时写在 off 与 work" for day in sorted({*notice.off} & {*notice.work})]
    odd = sorted(day for day in {*notice.work} if day.weekday() < 5 and day.year == notice.year)
    found += [f"work：{day} 是周一至周五，本来就上班" for day in odd]
    found += [
        f"off：缺少 {month} 月 {day} 日（法定节假日）"
        for month, day in sorted(_FIXED_HOLIDAYS - {(5, 2)})
        if date(notice.year, month, day) not in notice.off
    ]
    if not any(day.month in {1, 2} and day.day > 3 for day in notice.off):
        found.append("off：缺少春节")
    return found


def _guess(day: date) -> bool:
    return day.weekday() < 5 and (day.month, day.day) not in _FIXED_HOLIDAYS
