"""How often one address may ask."""

from hypothesis import given
from hypothesis import strategies as st

from provisioning.core.rate import BURST, FILL, Bucket


def test_a_burst_is_answered_then_one_in_a_while() -> None:
    bucket = Bucket()
    assert [bucket.take(0) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert not bucket.take(FILL - 1)
    assert bucket.take(FILL)
    assert not bucket.take(FILL + 1)


@given(st.lists(st.integers(0, 2 * FILL), max_size=200))
def test_nobody_gets_more_than_the_burst_and_the_refill(pauses: list[int]) -> None:
    bucket, now, taken = Bucket(), 0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
    assert taken <= BURST + now / FILL + 1


def test_who_has_been_quiet_may_be_forgotten() -> None:
    bucket = Bucket()
    assert bucket.is_idle(0)
    bucket.take(0)
    assert not bucket.is_idle(FILL - 1)
    assert bucket.is_idle(FILL)
