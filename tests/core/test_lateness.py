"""How far back a cursor is read again: far enough for all but one late row in a thousand, and never without measure."""

import math

from hypothesis import given
from hypothesis import strategies as st

from agent.core import lateness
from agent.core.lateness import LEAST, MOST, Lateness

SECS = st.floats(-100, 4 * MOST, allow_nan=False)


@given(st.lists(SECS, max_size=300))
def test_all_but_one_row_in_a_thousand_are_half_the_overlap_late_at_most(rows: list[float]) -> None:
    overlap = Lateness().noted(rows).overlap_secs
    assert LEAST <= overlap <= MOST
    beyond = sum(secs * 2 > overlap for secs in rows)
    assert beyond * 1_000 <= len(rows) or overlap == MOST


@given(st.lists(SECS, min_size=1, max_size=300))
def test_it_is_not_much_more_than_twice_the_latest(rows: list[float]) -> None:
    """A bucket is as wide as a fifth of what it holds."""
    overlap = Lateness().noted(rows).overlap_secs
    assert overlap <= max(LEAST, 2 * math.ceil(max(rows) * 2**0.25) + 2)


@given(st.lists(SECS, max_size=50), st.lists(SECS, max_size=50))
def test_what_is_kept_says_what_was_noted_in_whatever_portions(
    first: list[float], second: list[float]
) -> None:
    whole = Lateness().noted([*first, *second])
    kept = lateness.decode(lateness.encode(Lateness().noted(first)))
    assert kept.noted(second) == whole
    assert lateness.decode(None) == Lateness()


def test_one_row_in_a_thousand_does_not_count_two_do() -> None:
    assert Lateness().noted([0.5] * 999 + [3_000]).overlap_secs == LEAST
    assert Lateness().noted([0.5] * 998 + [3_000]).overlap_secs > 6_000
    assert Lateness().noted([0.5] * 1_998 + [3_000] * 3).overlap_secs > 6_000
    assert Lateness().overlap_secs == LEAST


def test_a_burst_of_rows_that_were_dated_back_is_bounded_and_forgotten() -> None:
    found = Lateness().noted([0.0] * 5_000).noted([1e6] * 100)
    assert found.overlap_secs == MOST
    for _ in range(80):
        found = found.noted([0.0] * 1_000)
    assert found.overlap_secs == LEAST
