"""When nothing moves although nothing is left to send, a hello is due: seldom, and ever more seldom."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.stall import Stall, looked
from common.core.instant import HOUR, MINUTE, SECOND


def hellos(until: int, *, upto: int = 5, newest: int = 9) -> list[int]:
    """Minutes at which one is due, looked at every five seconds; after each it is busy for a moment."""
    stall, due, found = Stall(), False, []
    for now in range(0, until, 5 * SECOND):
        stall, due = looked(stall, upto, newest, now, idle=not due)
        if due:
            found.append(round(now / MINUTE))
    return found


def test_a_hello_is_due_after_a_minute_and_then_after_twice_as_long_each_time() -> None:
    """P-HELLO-11"""
    assert hellos(40 * MINUTE) == [1, 3, 7, 16, 32]
    assert len(hellos(20 * HOUR)) < 26
    assert hellos(HOUR, newest=5) == [], "the hall holds everything"


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(1, 90)), max_size=60))
def test_none_is_due_before_a_minute_without_a_break_at_the_same_place(
    looks: list[tuple[int, bool, int]],
) -> None:
    stall, now, upto, since = Stall(), 0, 0, None
    for step, idle, secs in looks:
        now += secs * SECOND
        since = None if step or not idle else since
        upto += step
        stall, due = looked(stall, upto, 1_000, now, idle=idle)
        since = now if idle and since is None else since
        assert not due or (since is not None and now - since >= MINUTE)
        since = None if due else since
        assert stall.secs(now) >= 0


def test_what_moves_is_no_stall_any_more() -> None:
    stall, _ = looked(Stall(), 5, 9, SECOND, idle=True)
    assert stall.secs(61 * SECOND) == 60
    assert looked(stall, 6, 9, 61 * SECOND, idle=False)[0].secs(61 * SECOND) == 0
    assert looked(stall, 9, 9, 61 * SECOND, idle=True)[0].secs(61 * SECOND) == 0
