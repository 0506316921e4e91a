"""Full jitter: a herd spreads evenly, and nobody waits for ever."""

from hypothesis import given
from hypothesis import strategies as st

from common.core.backoff import delay, slotted

CHANCES = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 10_000), CHANCES, st.floats(0.1, 10), st.floats(1, 600))
def test_the_wait_lies_between_zero_and_the_cap(attempt: int, chance: float, base: float, cap: float) -> None:
    assert 0 <= delay(attempt, chance, base=base, cap=cap) <= min(cap, base * 2.0 ** min(attempt, 30))


@given(st.integers(0, 100), st.floats(0.01, 1, exclude_max=True))
def test_the_reach_doubles_with_each_try_up_to_the_cap(attempt: int, chance: float) -> None:
    now, then = delay(attempt, chance), delay(attempt + 1, chance)
    assert then == (2 * now if 2.0 ** (attempt + 1) <= 300 else max(now, chance * 300))


def test_a_herd_of_a_thousand_spreads_evenly_over_the_reach() -> None:
    waits = [delay(9, place / 1000) for place in range(1000)]
    for decade in range(10):
        assert sum(decade * 30 <= wait < (decade + 1) * 30 for wait in waits) == 100


@given(st.text(max_size=20), CHANCES)
def test_a_slot_moves_a_chance_and_never_out_of_its_bounds(name: str, chance: float) -> None:
    assert 0 <= slotted(name, chance) < 1
    assert abs(slotted(name, chance) - slotted(name, 0)) <= 0.5


def test_slots_spread_a_herd_that_draws_the_same() -> None:
    places = sorted(slotted(f"s{number:04}", 0.3) for number in range(1000))
    tenths = [
        sum(0.15 + tenth * 0.05 <= place < 0.2 + tenth * 0.05 for place in places) for tenth in range(10)
    ]
    assert sum(tenths) == 1000
    assert all(50 <= found <= 150 for found in tenths)
