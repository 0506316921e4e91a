"""The demonstration's time: never back, never past a boundary at the wrong rate, the same however it is asked."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from common.core.demo_time import office_time, pace_at
from common.core.instant import HOUR, SECOND, from_us, to_us

ZONE = ZoneInfo("Asia/Shanghai")
OFFSET = 8 * HOUR
MONDAY_NINE = to_us(datetime(2026, 6, 8, 9, tzinfo=ZONE))


def at(elapsed_secs: float) -> datetime:
    return from_us(office_time(MONDAY_NINE, int(elapsed_secs * SECOND), 300, 6000, OFFSET), ZONE)


def test_a_working_day_passes_at_its_pace_and_the_night_flies() -> None:
    assert at(0) == datetime(2026, 6, 8, 9, tzinfo=ZONE)
    assert at(12) == datetime(2026, 6, 8, 10, tzinfo=ZONE)
    assert at(108) == datetime(2026, 6, 8, 18, tzinfo=ZONE)
    assert at(108 + 8.4) == datetime(2026, 6, 9, 8, tzinfo=ZONE)


def test_a_weekend_flies_whole() -> None:
    friday = to_us(datetime(2026, 6, 12, 18, tzinfo=ZONE))
    after = office_time(friday, int((14 + 48) * 3600 / 6000 * SECOND), 300, 6000, OFFSET)
    assert from_us(after, ZONE) == datetime(2026, 6, 15, 8, tzinfo=ZONE)
    assert pace_at(friday, 300, 6000, OFFSET) == 6000
    assert pace_at(MONDAY_NINE, 300, 6000, OFFSET) == 300


@given(st.integers(0, 10_000 * SECOND), st.integers(0, 10_000 * SECOND))
def test_later_is_later_and_two_steps_are_one(first: int, second: int) -> None:
    halfway = office_time(MONDAY_NINE, first, 300, 6000, OFFSET)
    there = office_time(MONDAY_NINE, first + second, 300, 6000, OFFSET)
    assert there >= halfway
    assert abs(office_time(halfway, second, 300, 6000, OFFSET) - there) < SECOND
