"""Three clocks that are never mixed; a date without a time makes nobody late."""

import re
import typing
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import Clock
from common.core import instant, message, record
from common.core.batch import Header
from common.core.instant import DAY, HOUR, SECOND

BEIJING = ZoneInfo("Asia/Shanghai")
DAYS = st.dates(date(1992, 1, 1), date(2099, 12, 30))  # no summer time in China since 1991
MOMENTS = st.datetimes(datetime(1992, 1, 1), datetime(2099, 1, 1))  # noqa: DTZ001


@given(st.integers(-60 * 365 * DAY, 120 * 365 * DAY))
def test_microseconds_come_back(us: int) -> None:
    assert instant.to_us(instant.from_us(us, BEIJING)) == us
    assert instant.from_us(us, BEIJING).astimezone(UTC) == instant.from_us(us, ZoneInfo("UTC"))


def test_a_naive_datetime_has_no_instant() -> None:
    with pytest.raises(ValueError, match="naive"):
        instant.to_us(datetime(2026, 6, 12))  # noqa: DTZ001


@given(MOMENTS)
def test_a_time_text_is_the_instant_it_names(moment: datetime) -> None:
    """P-CLOCK-01, P-CLOCK-03"""
    aware = moment.replace(tzinfo=BEIJING)
    us = instant.to_us(aware)
    assert instant.parse_when(aware.isoformat(), BEIJING) == us
    assert instant.parse_when(aware.astimezone(UTC).isoformat(), BEIJING) == us
    assert instant.parse_when(moment.isoformat(), BEIJING) == us
    assert instant.day_of(aware.astimezone(UTC).isoformat(), BEIJING) == moment.date()
    assert instant.local_date(us, BEIJING) == moment.date()


@given(DAYS)
def test_a_date_counts_as_the_end_of_that_day(day: date) -> None:
    """P-CLOCK-01, P-CLOCK-02"""
    end = instant.parse_when(day.isoformat(), BEIJING)
    assert end == instant.to_us(datetime.combine(day + timedelta(days=1), time(), BEIJING))
    assert end - instant.start_of_day(day, BEIJING) == DAY
    assert instant.local_date(end - 1, BEIJING) == day
    assert instant.day_of(day.isoformat(), BEIJING) == day


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01",
        "9999-12-31",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59+00:00",
        "9999-12-31T23:59:59",
    ],
)
def test_what_vendors_write_for_never_is_a_day_like_any_other(text: str) -> None:
    """P-CLOCK-03"""
    assert abs(instant.parse_when(text, BEIJING)) > 50_000_000_000 * SECOND
    assert instant.day_of(text, BEIJING).year in {1, 9999}


@pytest.mark.parametrize("text", ["", "昨天", "2026-02-30", "2026-06-12T25:00:00", "12/06/2026"])
def test_text_that_names_no_time_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant.parse_when(text, BEIJING)


def test_one_second_is_a_million_and_a_deadline_falls_at_midnight_in_beijing() -> None:
    at = instant.parse_when("2026-06-12", BEIJING)
    assert at == 1_781_280_000 * SECOND
    assert instant.from_us(at, ZoneInfo("UTC")).isoformat() == "2026-06-12T16:00:00+00:00"
    assert at - instant.parse_when("2026-06-12T14:00:00+08:00", BEIJING) == 10 * HOUR


def test_a_record_with_any_clock_values_is_a_record_like_any_other() -> None:
    """P-CLOCK-04"""
    body = record.encode_body(record.Case(case_key="1"))
    for us in (0, -1, 2**62, -(2**62)):
        item = record.Record(
            1, record.RecordKind.CASE, "case", "1", 1, record.Op.PUT, "9999-12-31", us, us, us, b"", body
        )
        assert record.decode_record(record.encode_record(item)) == item


def test_every_instant_on_the_wire_says_by_its_name_which_clock_it_is_of() -> None:
    times = re.compile(r"(^|_)(at|wall|mono)$")
    for kind in (
        record.Record,
        record.Pass,
        Header,
        message.Hello,
        message.Welcome,
        message.Ack,
        message.Heartbeat,
    ):
        for name, hint in typing.get_type_hints(kind).items():
            if "time" in name or name.endswith(("_us", "_ts", "date")):
                pytest.fail(f"{kind.__name__}.{name}")
            if times.search(name):
                assert hint in {int, str | None}, name


def test_in_production_office_time_is_wall_time() -> None:
    clock = Clock()
    assert not clock.is_demo
    assert abs(clock.office() - clock.wall()) < SECOND
    assert clock.pace == 1.0
    assert clock.mono_secs() <= clock.mono() / SECOND
