"""How gently a source is read."""

from datetime import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import gentle
from agent.core.gentle import Account, Limits
from common.core.instant import HOUR, SECOND

LIMITS = Limits(duty=0.05, rows_per_sec=2000, page_us=100_000, page_rows=1000)


@given(rows=st.integers(0, 5000), took=st.integers(0, 5 * SECOND), walks=st.booleans())
def test_by_day_the_source_works_for_us_no_longer_and_gives_no_more_rows_than_promised(
    *, rows: int, took: int, walks: bool
) -> None:
    rest = gentle.rest_us(rows, took, LIMITS, night=False, walks=walks)
    whole = took + rest + 1  # a microsecond lost to rounding
    assert took <= whole * LIMITS.duty * (gentle.WALK_SHARE if walks else 1) + 1
    assert rows <= whole / SECOND * LIMITS.rows_per_sec + 1


@given(st.integers(0, 5000), st.integers(0, 5 * SECOND))
def test_by_night_half_of_the_time_is_ours(rows: int, took: int) -> None:
    assert gentle.rest_us(rows, took, LIMITS, night=True, walks=True) == took


def test_who_grants_half_of_the_time_grants_it_to_the_walk_too() -> None:
    granted = msgspec.structs.replace(LIMITS, duty=0.5)
    assert gentle.rest_us(1, SECOND, granted, night=False, walks=True) == SECOND


def test_of_upheavals_one_after_the_other_the_first_alone_is_walked_after_with_the_whole_duty() -> None:
    assert gentle.is_waited_for(7 * HOUR, None)
    assert not gentle.is_waited_for(7 * HOUR, 7 * HOUR - SECOND)
    assert gentle.is_waited_for(7 * HOUR, 6 * HOUR - 1)


@given(st.integers(1, 1000), st.integers(0, 5 * SECOND))
def test_a_page_stays_within_its_bounds_and_shrinks_when_it_took_too_long(rows: int, took: int) -> None:
    after = gentle.next_rows(rows, took, LIMITS)
    assert min(rows, gentle.LEAST_ROWS) <= after <= LIMITS.page_rows
    assert after <= max(rows // 2, gentle.LEAST_ROWS) or took <= LIMITS.page_us


def test_a_slow_source_gets_the_smallest_page_and_a_quick_one_the_largest_again() -> None:
    rows = 1000
    for _ in range(10):
        rows = gentle.next_rows(rows, 10 * SECOND, LIMITS)
    assert rows == gentle.LEAST_ROWS
    for _ in range(30):
        rows = gentle.next_rows(rows, 1000, LIMITS)
    assert rows == LIMITS.page_rows


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("19:30-07:00", ["19:30", "23:59", "00:00", "06:59"], ["07:00", "12:00", "19:29"]),
        ("01:00-05:00", ["01:00", "04:59"], ["00:59", "05:00", "23:00"]),
        ("", [], ["00:00", "12:00"]),
    ],
)
def test_the_night_may_pass_midnight(text: str, inside: list[str], outside: list[str]) -> None:
    night = gentle.parse_night(text)
    assert all(gentle.is_night(time.fromisoformat(at), night) for at in inside)
    assert not any(gentle.is_night(time.fromisoformat(at), night) for at in outside)


@given(
    st.lists(
        st.tuples(st.integers(0, 3 * SECOND), st.integers(0, 2 * SECOND), st.integers(0, 500), st.booleans()),
        min_size=1,
        max_size=30,
    )
)
def test_from_rest_to_rest_the_duty_is_kept_whatever_was_asked_between(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    """Time in which the source is left alone, then a statement of ours; a rest after some of them."""
    account, now, worked, since = Account(7), 7, 0, 7
    for alone, took, rows, rests in steps:
        now += alone + took
        worked += took
        account.worked(took)
        if rests:
            now += account.due_us(now, rows, LIMITS, night=False, walks=False) + 1
            assert worked <= (now - since) * LIMITS.duty + 1
            account.rested(now)
            worked, since = 0, now


def test_what_the_source_was_left_alone_for_need_not_be_rested_again() -> None:
    account = Account(0)
    account.worked(SECOND)
    assert account.due_us(SECOND, 1, LIMITS, night=False, walks=False) == 19 * SECOND
    assert account.due_us(11 * SECOND, 1, LIMITS, night=False, walks=False) == 9 * SECOND
    assert account.due_us(90 * SECOND, 1, LIMITS, night=False, walks=False) == 0
