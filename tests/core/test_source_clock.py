"""A jump is what the source's clock moves beside time itself."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.source_clock import LEAST_JUMP, Reading, jump_secs
from common.core.instant import DAY, SECOND

INSTANT = st.integers(0, 10**16)


@given(INSTANT, INSTANT, st.integers(0, DAY), st.integers(-LEAST_JUMP + 1, LEAST_JUMP - 1))
def test_time_that_passes_and_a_drift_are_no_jump(source: int, mono: int, passed: int, drift: int) -> None:
    assert jump_secs(Reading(source, mono), Reading(source + passed + drift, mono + passed)) == 0
    assert jump_secs(None, Reading(source, mono)) == 0


@given(INSTANT, st.integers(0, DAY), st.integers(30, 10**8), st.sampled_from([1, -1]))
def test_a_jump_is_told_with_its_sign(source: int, passed: int, secs: int, sign: int) -> None:
    after = Reading(source + passed + sign * secs * SECOND, passed)
    assert jump_secs(Reading(source, 0), after) == sign * secs
