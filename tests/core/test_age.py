"""The age of what waits: by the clock nobody sets, and never below zero."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core import age

times = st.integers(0, 10**15)


@given(cap_wall=times, cap_mono=times, wall=times, waited=times)
def test_in_the_process_that_captured_it_the_wall_clock_is_of_no_account(
    cap_wall: int, cap_mono: int, wall: int, waited: int
) -> None:
    assert age.waited((cap_wall, cap_mono), (wall, cap_mono + waited), 0, here=True) == waited


@given(captured=st.tuples(times, times), now=st.tuples(times, times), opened=times)
def test_of_an_earlier_process_it_is_the_longer_of_two_that_cannot_be_below_zero(
    captured: tuple[int, int], now: tuple[int, int], opened: int
) -> None:
    found = age.waited(captured, now, opened, here=False)
    assert found == max(0, now[0] - captured[0], now[1] - opened)
