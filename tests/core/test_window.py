"""The window on lines of every kind: full use of the line, and a queue that lets live rows pass."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import window
from agent.core.window import FIRST_BYTES, LEAST_BYTES, MAX_ROWS, MIN_ROWS, QUEUE, Window
from common.core.instant import SECOND

ACKS = st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**7), st.integers(1, 10**8)), max_size=60)


@given(ACKS, st.lists(st.tuples(st.integers(1, 500), st.integers(1, 10**6)), max_size=20))
def test_whatever_is_measured_there_is_a_window_and_a_run_that_fits_a_batch(
    acks: list[tuple[int, int, int]], runs: list[tuple[int, int]]
) -> None:
    seen, now = Window(), 0
    for rows, size in runs:
        seen = window.sent(seen, rows, size)
    for size, before, took in acks:
        now += took
        seen = window.acknowledged(seen, size, min(before, seen.delivered), now - took, now)
    assert seen.bytes >= min(LEAST_BYTES, FIRST_BYTES)
    assert MIN_ROWS <= seen.rows <= MAX_ROWS


@pytest.mark.parametrize("rate", [8, 64, 1000, 50_000], ids=lambda rate: f"{rate} KB/s")
@pytest.mark.parametrize("trip", [1, 80, 600], ids=lambda trip: f"{trip} ms")
def test_a_line_is_used_and_what_waits_before_it_is_about_a_quarter_of_a_second(rate: int, trip: int) -> None:
    """A line of `rate` and `trip`, in virtual time: runs go out while the window allows, one after the other."""
    per_us, delay = rate * 1000 / SECOND, trip * 1000
    seen, now, free_at, in_flight = Window(), 0, 0.0, 0
    acks: list[tuple[float, int, int, int]] = []
    delivered, waits, began = 0, [], 0
    while now < 60 * SECOND:
        size = max(1, int(seen.rows * 50))
        if in_flight < seen.bytes:
            waits.append(max(0.0, free_at - now))
            free_at = max(free_at, now) + size / per_us
            heapq.heappush(acks, (free_at + delay, size, seen.delivered, now))
            seen, in_flight = window.sent(seen, size // 50, size), in_flight + size
            continue
        at, size, before, sent_mono = heapq.heappop(acks)
        now = int(at)
        seen = window.acknowledged(seen, size, before, sent_mono, now)
        in_flight -= size
        if now > 20 * SECOND:
            began = began or now
            delivered += size
    assert delivered / (now - began) >= 0.8 * per_us
    least = MIN_ROWS * 50 / per_us
    assert max(waits[len(waits) // 2 :]) <= 2 * (QUEUE + 2 * least)
