"""The quota: reading stops before the room is used up, and does not begin and stop at the edge."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core import quota
from agent.core.quota import RESUME_PERCENT, STOP_PERCENT, Level

BYTES = st.integers(0, 1 << 42)


@given(BYTES, BYTES, st.sampled_from(Level))
def test_a_higher_fill_is_never_a_lower_level(used: int, more: int, before: Level) -> None:
    order = list(Level)
    low, high = sorted((used, more))
    assert order.index(quota.level(low, 1 << 42, before)) <= order.index(quota.level(high, 1 << 42, before))


@given(st.lists(st.integers(0, 100), min_size=1), st.integers(1, 1 << 40))
def test_once_stopped_it_begins_again_only_below_the_lower_mark(fills: list[int], room: int) -> None:
    level = Level.OK
    for fill in fills:
        before, level = level, quota.level(fill * room, 100 * room, level)
        if fill >= STOP_PERCENT:
            assert level is Level.STOP
        if before is Level.STOP and level is not Level.STOP:
            assert fill < RESUME_PERCENT
        if before is not Level.STOP and level is Level.STOP:
            assert fill >= STOP_PERCENT


@given(BYTES, BYTES, st.integers(1, 100))
def test_the_smaller_of_bytes_and_share_counts(most: int, disk: int, share: int) -> None:
    room = quota.limit(most, disk, share)
    assert room in {most, disk * share // 100}
    assert room <= most
    assert room * 100 <= disk * share


def test_no_room_at_all_is_full() -> None:
    assert quota.level(0, 0, Level.OK) is Level.STOP
