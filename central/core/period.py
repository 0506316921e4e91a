"""The periods that are scored and counted: month, quarter, half, year; days of the legal zone. Pure."""

import re
from datetime import date, timedelta

from msgspec import Struct

from common.core.errors import UsageError

_SHAPE = re.compile(
    r"(?P<year>20[0-9]{2})(?:-(?:Q(?P<quarter>[1-4])|H(?P<half>[12])|(?P<month>0[1-9]|1[0-2])))?"
)


class Period(Struct, frozen=True):
    """`name` as it is written: 2026-06, 2026-Q2, 2026-H1, 2026. From `first` up to, and without, `until`."""

    name: str
    first: date
    until: date

    @property
    def word(self) -> str:
        """For people: 2026 年 6 月, 2026 年第 2 季度, 2026 年上半年, 2026 年."""
        year, _, rest = self.name.partition("-")
        if not rest:
            return f"{year} 年"
        if rest[0] == "Q":
            return f"{year} 年第 {rest[1]} 季度"
        return (
            f"{year} 年{'上' if rest == 'H1' else '下'}半年"
            if rest[0] == "H"
            else f"{year} 年 {int(rest)} 月"
        )

    @property
    def last(self) -> date:
        return self.until - timedelta(days=1)

    def past(self, today: date) -> date:
        """Up to, and without, which day its data ought to be whole: of one that goes on, today, whose own data is still to come."""
        return min(self.until, today)


def parse(text: str) -> Period:
    """Raises UsageError for anything else."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise UsageError(f"看不懂期间“{text}”", hint="写成 2026-06、2026-Q2、2026-H1 或 2026")
    month, length = 1, 12
    for name, months in (("month", 1), ("quarter", 3), ("half", 6)):
        if found[name]:
            month, length = (int(found[name]) - 1) * months + 1, months
    first = date(int(found["year"]), month, 1)
    return Period(text, first, _later(first, length))


def before(period: Period, *, years: int = 0) -> Period:
    """The one before it of the same length; with `years`, the same one so many years earlier."""
    if years:
        return parse(f"{period.first.year - years}{period.name[4:]}")
    length = (period.until.year - period.first.year) * 12 + period.until.month - period.first.month
    return parse(_name(_later(period.first, -length), length))


_OFFERED = ((1, 12), (3, 4), (6, 2), (12, 2))
"""Months of a period, and how many of such periods are offered."""


def ended(today: date) -> list[Period]:
    """The periods that were over last: months, quarters, halves, years; of each the newest first."""
    found = []
    for length, many in _OFFERED:
        until = date(today.year, (today.month - 1) // length * length + 1, 1)
        for back in range(1, many + 1):
            first = _later(until, -length * back)
            found.append(parse(_name(first, length)))
    return found


def _name(first: date, length: int) -> str:
    names = {
        1: f"{first:%Y-%m}",
        3: f"{first.year}-Q{first.month // 3 + 1}",
        6: f"{first.year}-H{first.month // 6 + 1}",
    }
    return names.get(length, str(first.year))


def _later(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)
