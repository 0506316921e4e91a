"""How far a source was read: types come back, and the overlap keeps the form in which the source sorts."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import position, rows


@pytest.mark.parametrize(
    "value",
    [7, 1.5, Decimal("1.20"), "a", b"\xff", datetime(2026, 3, 2, tzinfo=UTC), date(2026, 3, 2)],
)
def test_a_position_comes_back_in_its_type(value: Any) -> None:
    assert position.decode(position.encode(value)) == value


def test_a_type_no_position_can_have_begins_from_the_beginning() -> None:
    assert position.decode(position.encode(memoryview(b"ab"))) == b"ab"
    assert position.decode(position.encode(True)) is None
    assert position.decode(position.encode(object())) is None


@pytest.mark.parametrize(
    ("text", "earlier"),
    [
        ("2026-03-02 10:15:00", "2026-03-02 10:05:00"),
        ("2026-03-02T10:15:00", "2026-03-02T10:05:00"),
        ("2026-03-02 10:15:00.250", "2026-03-02 10:05:00"),
        ("2026/03/02 10:15:00", "2026/03/02 10:05:00"),
        ("2026-03-02 10:15", "2026-03-02 10:05"),
        ("20260302101500", "20260302100500"),
        ("202603021015", "202603021005"),
        ("20260601", "20260531"),
        ("2026-06-01", "2026-05-31"),
        ("2026/3/2 10:15", "2026/3/2 10:15"),
        ("20260302T101500", "20260302T101500"),
        ("SL0007", "SL0007"),
    ],
)
def test_the_overlap_keeps_the_form(text: str, earlier: str) -> None:
    assert position.earlier(text, 600) == earlier
    assert position.earlier(text.encode(), 600) == earlier.encode()


@pytest.mark.parametrize(
    ("value", "earlier"),
    [
        (1_780_300_000, 1_780_299_400),
        (1_780_300_000_250, 1_780_299_400_250),
        (Decimal(1_780_300_000), Decimal(1_780_299_400)),
        (1_780_300_000.5, 1_780_299_400.5),
        (20260302101500, 20260302100500),
        (202603021015, 202603021005),
        (20260601, 20260531),
        (20261301, 20260801),
        (70_000, 69_500),
        (5, -495),
    ],
)
def test_a_number_too_is_read_again_from_earlier(value: Any, earlier: Any) -> None:
    """Seconds and milliseconds since 1970, digits of a time; of a running number as many as a page has."""
    assert position.earlier(value, 600) == earlier
    assert type(position.earlier(value, 600)) is type(value)
    assert position.earlier(value, 0) == value


@given(
    st.one_of(
        st.text(),
        st.binary(),
        st.integers(),
        st.floats(),
        st.decimals(),
        st.dates(),
        st.datetimes(),
        st.booleans(),
    )
)
def test_nothing_in_a_cursor_column_can_stop_the_reading(value: Any) -> None:
    position.earlier(value, 600)
    position.decode(position.encode(value))


@pytest.mark.parametrize(
    ("value", "high", "secs"),
    [
        (datetime(2026, 6, 1, 8), datetime(2026, 6, 1, 8, 30), 1800),  # noqa: DTZ001
        (date(2026, 6, 1), date(2026, 6, 2), 86_400),
        (b"2026-06-01 08:00:00", b"2026-06-01 08:10:00.123", 600),
        ("20260601080000", "20260601075959", -1),
        (5, 9, None),
        (1_780_300_000, 1_780_300_060, 60),
        (Decimal(1_780_300_000_000), Decimal(1_780_300_060_500), 60.5),
        (20260601080000, 20260601081000, 600),
        ("x", "2026-06-01", None),
        (datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 1), None),  # noqa: DTZ001
        (None, "2026-06-01", None),
    ],
)
def test_between_two_values_lie_seconds_where_they_are_times(
    value: Any, high: Any, secs: float | None
) -> None:
    assert position.secs_between(value, high) == secs


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (time(10, 0, 1), time(10, 0, 1)),
        (timedelta(hours=10, seconds=1), "10:00:01"),
        (timedelta(days=1, hours=4, microseconds=500_000), "28:00:00.500000"),
        (-timedelta(hours=12, minutes=30), "-12:30:00"),
        (-timedelta(hours=24, microseconds=1), "-24:00:00.000001"),
        ("0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        ("infinity", "infinity"),
        ("0044-03-15 00:00:00 BC", "0044-03-15 00:00:00 BC"),
    ],
)
def test_a_key_of_times_is_asked_for_whatever_its_engine_takes_for_a_time(value: Any, asked: Any) -> None:
    sample = datetime(2026, 6, 1) if isinstance(value, str) else type(value)  # noqa: DTZ001
    kind = sample if isinstance(sample, datetime) else sample(0) if sample is timedelta else sample()
    assert position.retype(rows.key_text([value]), [kind]) == (asked,)


@pytest.mark.parametrize(("text", "sample"), [("A01", 7), ("x", datetime(2026, 6, 1)), ("x", timedelta())])  # noqa: DTZ001
def test_a_text_that_no_key_of_that_type_can_be_is_refused(text: str, sample: Any) -> None:
    with pytest.raises(ValueError, match=text):
        position.retype(text, [sample])


WHOLE = st.integers(1 - 2**63, 2**63 - 1)
"""SQLite has no larger ones."""


@given(st.one_of(st.text(), WHOLE, st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9)))
def test_where_a_column_holds_numbers_beside_texts_a_key_is_asked_for_as_either(value: Any) -> None:
    forms = position.forms(rows.key_text([value]), 1) if value != "" else [(b"",)]
    assert (value.encode() if isinstance(value, str) else value) in [form for (form,) in forms]
    assert all(type(form) is not int or abs(form) < 2**63 for (form,) in forms)
