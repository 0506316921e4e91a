"""One region's key frames -> attended, unattended or unknown."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.core import seat
from agent.core.seat import AGREE_US, MOVED_US, Empty, Sight, State, Watch
from common.core.camera import Seat
from common.core.instant import MINUTE, SECOND

EMPTY = Empty(mean=120.0, like=0.95, motion=2.0)
NOBODY, COAT, CLERK = Sight(0.95, 2.0), Sight(0.3, 2.0), Sight(0.2, 9.0)
START = Watch(State(Seat.UNKNOWN, 0))
sights = st.sampled_from([NOBODY, COAT, CLERK, None])


def shown(
    *runs: tuple[Sight | None, int], every: int = 5 * SECOND, empty: Empty | None = EMPTY
) -> list[State]:
    """(what is seen, for how many frames) -> the states, one for each frame."""
    watch, now, said = START, 0, []
    for sight, count in runs:
        for _ in range(count):
            now += every
            watch = seat.seen(watch, sight, empty, now, now)
            said.append(watch.state)
    return said


def test_a_state_changes_after_half_a_minute_and_is_dated_back_to_its_first_frame() -> None:
    said = shown((NOBODY, 10), (CLERK, 20))
    assert said[5].seat is Seat.UNKNOWN
    assert said[6] == State(Seat.UNATTENDED, 5 * SECOND, sure=seat.CLEAR)
    assert said[-1] == State(Seat.ATTENDED, 55 * SECOND)


def test_who_passes_changes_nothing_and_a_coat_is_nobody_after_five_minutes() -> None:
    assert {item.seat for item in shown((NOBODY, 20), (CLERK, 4), (NOBODY, 20))[10:]} == {Seat.UNATTENDED}
    minutes = MOVED_US // (5 * SECOND)
    said = shown((CLERK, 10), (COAT, minutes + 12))
    assert said[10 + minutes - 2].seat is Seat.ATTENDED
    assert (said[-1].seat, said[-1].object) == (Seat.UNATTENDED, True)
    assert shown((COAT, minutes))[-1].seat is Seat.UNKNOWN, "whether it moves is not known yet"
    assert shown((COAT, minutes + 12))[-1].object, "nobody ever moved there"


def test_how_sure_it_is_falls_where_frames_differ_now_and_then_and_never_rises() -> None:
    """A person reads it beside what is proposed; the figures are counted on rendered scenes."""
    clear = shown((NOBODY, 100), (CLERK, 2), (NOBODY, 100))[-1]
    assert (clear.seat, clear.sure) == (Seat.UNATTENDED, seat.CLEAR), "somebody has passed"
    runs = [(NOBODY, 10), *[(CLERK, 2), (NOBODY, 4)] * 5, (NOBODY, 300)]
    said = [state for state in shown(*runs) if state.seat is Seat.UNATTENDED]
    assert {state.since_at for state in said} == {5 * SECOND}, "one absence, told again"
    assert list(dict.fromkeys(state.sure for state in said)) == [seat.CLEAR, seat.WAVERS]
    assert shown((COAT, MOVED_US // (5 * SECOND) + 12))[-1].sure == seat.LIES
    assert {state.sure for state in shown((CLERK, 40))} == {0}
    assert shown(*runs, (CLERK, 20), (NOBODY, 20))[-1].sure == seat.CLEAR, "another absence"


def test_without_a_reference_for_this_light_or_with_a_featureless_one_nothing_is_said() -> None:
    assert shown((CLERK, 30), empty=None)[-1].seat is Seat.UNKNOWN
    assert shown((CLERK, 30), empty=Empty(120.0, 0.4, 2.0))[-1].seat is Seat.UNKNOWN
    known = [Empty(120.0, 0.9, 2.0), Empty(30.0, 0.9, 2.0)]
    assert [seat.fitting(known, mean) for mean in (100.0, 40.0, 220.0)] == [0, 1, None]
    assert seat.fitting([], 100.0) is None


def test_a_region_is_not_learned_while_something_moves_in_it() -> None:
    still = [Sight(0.97, None), *[Sight(0.97 - place / 1000, 2.0) for place in range(14)]]
    assert seat.learned(120.0, still) == Empty(120.0, 0.957, 2.0)
    assert seat.learned(120.0, [*still[:-1], Sight(0.9, 9.0)]) is None
    assert seat.learned(120.0, [Sight(1.0, None)]) is None


@given(st.lists(st.tuples(sights, st.integers(1, 30)), max_size=12))
def test_in_doubt_is_unknown_at_once_and_no_state_lasts_less_than_its_agreement(
    runs: list[tuple[Sight | None, int]],
) -> None:
    """C11."""
    said = shown(*runs)
    seen = [sight for sight, count in runs for _ in range(count)]
    assert all(state.seat is Seat.UNKNOWN for state, sight in zip(said, seen, strict=True) if sight is None)
    changes = [
        (place * 5 * SECOND, now)
        for place, (before, now) in enumerate(pairwise(said), 2)
        if (before.seat, before.since_at, before.object) != (now.seat, now.since_at, now.object)
        and now.seat is not Seat.UNKNOWN
    ]
    assert all(after - before >= AGREE_US for (before, _), (after, _) in pairwise(changes))
    assert all(at - state.since_at >= AGREE_US for at, state in changes)


@given(st.lists(sights, min_size=1, max_size=40))
def test_frames_that_do_not_follow_each_other_decide_nothing(seen: list[Sight | None]) -> None:
    said = shown(*[(item, 1) for item in seen], every=MINUTE)
    assert {item.seat for item in said} == {Seat.UNKNOWN}
