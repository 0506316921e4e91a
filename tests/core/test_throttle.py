"""What one address may ask, and how long a name must wait after wrong passwords."""

from hypothesis import given
from hypothesis import strategies as st

from central.core.throttle import (
    FREE,
    LONGEST_SECS,
    PER_MINUTE,
    Allowance,
    Failures,
    failed,
    spend,
    wait_secs,
)
from common.core.instant import DAY, MINUTE, SECOND


@given(st.lists(st.integers(0, 2 * MINUTE), max_size=200))
def test_no_more_than_a_burst_and_the_rate(gaps: list[int]) -> None:
    now, asked = 0, 0
    left: Allowance | None = None
    for gap in gaps:
        now += gap
        after = spend(left, now)
        asked += after is not None
        left = after or left
    assert asked <= PER_MINUTE + now * PER_MINUTE / MINUTE + 1


@given(st.integers(0, 10**12))
def test_who_waits_may_ask_again(now: int) -> None:
    assert spend(Allowance(0, now), now) is None
    assert spend(Allowance(0, now), now + MINUTE // PER_MINUTE + 1) is not None
    assert spend(None, now) is not None


@given(st.integers(0, 10**6), st.integers(0, 10**16), st.integers(-400 * DAY, 400 * DAY))
def test_a_wait_is_never_longer_than_five_minutes_whatever_the_clock_does(
    count: int, last_wall: int, later: int
) -> None:
    wait = wait_secs(Failures(count, last_wall), last_wall + later)
    assert 0 <= wait <= LONGEST_SECS
    assert count >= FREE or wait == 0
    assert later < LONGEST_SECS * SECOND or wait == 0


def test_three_are_free_and_each_further_one_doubles_the_wait() -> None:
    tries, waits = Failures(), []
    for _ in range(12):
        waits.append(wait_secs(tries, 5 * SECOND))
        tries = failed(tries, 5 * SECOND)
    assert waits == [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300]
