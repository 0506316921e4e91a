"""What one address may ask: bursts up to a minute's share, and never more than that rate in the long run."""

from hypothesis import given
from hypothesis import strategies as st

from central.core.throttle import PER_MINUTE, Allowance, spend
from common.core.instant import MINUTE


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
