"""Signs of writing hurry lanes, and never hold one back."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core import hint
from agent.core.hint import HASTE, LOOK_EVERY, Hint

TIMES = st.integers(0, 10**15)


@given(TIMES, TIMES)
def test_a_lane_that_is_hurried_looks_sooner_and_still_rests(ended: int, every: int) -> None:
    at = ended + every
    assert hint.due(at, every, hurried=False) == at
    assert ended <= hint.due(at, every, hurried=True) <= at
    assert hint.due(at, every, hurried=True) - ended == every // HASTE


@given(st.lists(st.sampled_from([None, "a", "b"]), max_size=10))
def test_it_moved_where_two_signs_in_a_row_differ(signs: list[str | None]) -> None:
    found = Hint()
    for place, sign in enumerate(signs):
        before = signs[place - 1] if place else None
        assert found.moved(sign, place) == (before is not None and sign is not None and before != sign)


def test_it_is_asked_for_every_two_seconds() -> None:
    found = Hint()
    assert found.is_due(0)
    found.moved("a", 5)
    assert [found.is_due(now) for now in (5, 4 + LOOK_EVERY, 5 + LOOK_EVERY)] == [False, False, True]
