"""Which maintenance may be set, and when it is in force."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core.maintenance import FARTHEST, LATE, LONGEST, Window, fault, in_force, planned
from common.core.instant import DAY, HOUR, MINUTE

NOW = 1_781_000_000 * 1_000_000
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        (0, HOUR, ""),
        (-LATE, HOUR, ""),
        (-LATE - 1, HOUR, "不能补报"),
        (0, 0, "之后"),
        (HOUR, MINUTE, "之后"),
        (-MINUTE, -1, "结束时间已过"),
        (0, LONGEST, ""),
        (0, LONGEST + 1, "最长 7 天"),
        (FARTHEST, FARTHEST + HOUR, ""),
        (FARTHEST + 1, FARTHEST + HOUR, "提前 90 天"),
        (9 * DAY, 10 * DAY + MINUTE, "重叠"),
        (9 * DAY, 10 * DAY, ""),
        (10 * DAY + HOUR, 11 * DAY, ""),
    ],
)
def test_a_maintenance_is_planned_ahead_bounded_and_overlaps_none(begin: int, end: int, said: str) -> None:
    found = fault(Window(NOW + begin, NOW + end), [Window(NOW + 10 * DAY, NOW + 10 * DAY + HOUR)], NOW)
    assert (said in found) if said else found == ""


@given(st.integers(-2 * LATE, 100 * DAY), st.integers(-DAY, 100 * DAY))
def test_none_that_is_accepted_begins_before_it_was_set_or_is_empty(begin: int, end: int) -> None:
    wish = Window(NOW + begin, NOW + end)
    if not fault(wish, [], NOW):
        window = planned(wish, NOW)
        assert NOW <= window.from_at < window.until_at == wish.until_at


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_two_meet_where_an_instant_lies_in_both(a: int, b: int, c: int, d: int) -> None:
    one, other = Window(a, b), Window(c, d)
    assert one.meets(other) is any(one.has(at) and other.has(at) for at in range(51))
    assert one.meets(other) is other.meets(one)


def test_what_was_ended_before_it_began_is_never_in_force() -> None:
    assert in_force([Window(NOW + HOUR, NOW)], NOW) is None
    assert in_force([Window(NOW - 2, NOW), Window(NOW, NOW + 1)], NOW) == Window(NOW, NOW + 1)


def test_its_end_is_said_with_the_day_where_that_is_another() -> None:
    begin = 1_781_241_600 * 1_000_000  # 2026-06-12 13:20
    assert Window(begin, begin + HOUR).end(ZONE) == "14:20"
    assert Window(begin, begin + DAY).end(ZONE) == "6月13日 13:20"
