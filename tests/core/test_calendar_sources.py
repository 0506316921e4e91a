"""The calendar of the package against two independent libraries, which are installed for this alone."""

from datetime import date, timedelta

import chinese_calendar
import holidays

from tests.core.test_calendar import CALENDAR

FIRST, LAST = date(2008, 1, 1), date(2026, 12, 31)


def test_every_day_from_2008_to_2026_is_as_both_libraries_say() -> None:
    off = holidays.country_holidays("CN", years=range(2007, 2028))
    made_up = {str(day) for day in off.weekend_workdays}
    day, seen = FIRST, 0
    while day <= LAST:
        theirs = str(day) in made_up or (day.weekday() < 5 and day not in off)
        assert CALENDAR.is_workday(day) == chinese_calendar.is_workday(day) == theirs, day
        assert not CALENDAR.is_provisional(day)
        seen += 1
        day += timedelta(days=1)
    assert seen == 6_940


def test_the_next_year_is_provisional_until_its_notice_is_out() -> None:
    assert CALENDAR.published_until == LAST
    assert CALENDAR.is_provisional(date(2027, 1, 4))
    assert CALENDAR.is_workday(date(2027, 1, 4))
    assert not CALENDAR.is_workday(date(2027, 1, 1))
