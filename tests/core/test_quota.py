"""The quota: reading stops before the room is used up, and does not begin and stop at the edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import quota
from agent.core.quota import RESUME_PERCENT, STOP_PERCENT, Level
from common.core.record import Observation

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


@pytest.mark.parametrize(
    ("fill", "level"), [(69, "ok"), (70, "warn"), (84, "warn"), (85, "shed"), (94, "shed")]
)
def test_the_fills_at_which_something_changes(fill: int, level: str) -> None:
    assert quota.level(fill, 100, Level.OK) == level


CODES = st.sampled_from(
    ["source_restored", "bulk_edit", "clock_jump", "number_missing", "column_new", "unknown"]
)


@given(
    st.lists(st.builds(Observation, CODES, st.just("case"), st.text("0123456789"), st.just(""))), BYTES, BYTES
)
def test_only_notices_are_ever_left_out_and_only_where_room_is_short(
    seen: list[Observation], used: int, room: int
) -> None:
    """P-OBS-05"""
    level = quota.level(used, room, Level.OK)
    kept = quota.kept(seen, level)
    left = [item for item in seen if item not in kept]
    assert {item.code for item in left} <= {"number_missing", "column_new"}
    assert [item for item in seen if item in kept] == kept
    if 100 * used < 85 * room:
        assert kept == seen
    if room and 100 * used >= 85 * room:
        assert not {item.code for item in kept} & {"number_missing", "column_new"}
