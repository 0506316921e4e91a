"""The rules for one frame and the voting over many, without a picture."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.core import scene, votes
from agent.core.scene import Features, Reference, Verdict
from agent.core.votes import Standing, Watch
from common.core.camera import View
from common.core.instant import SECOND

REFERENCE = Reference(mean=125, std=40, sharp=1000, pdiff=1.0, saturated=0.01, frames=30)
USUAL = Features(mean=124, std=41, saturated=0.01, sharp=980, pdiff=1.1, inliers=150)
STEP = 2 * SECOND


def judged(**changed: float) -> View:
    frame = Features(**{name: changed.get(name, getattr(USUAL, name)) for name in USUAL.__struct_fields__})
    return scene.judge(frame, REFERENCE, is_closed=False).view


def test_each_rule_and_what_stays_silent() -> None:
    assert judged() is View.OK
    assert judged(mean=5, std=1, like=0.0) is View.BLACK
    assert judged(mean=12, std=5, like=0.9) is View.DARK
    assert judged(mean=40) is View.DARK
    assert judged(mean=230) is View.BRIGHT
    assert judged(saturated=0.7) is View.BRIGHT
    assert judged(sharp=100, like=0.95) is View.BLURRED
    assert judged(sharp=100, like=0.1) is View.COVERED
    assert judged(sharp=100, std=10, like=0.95) is View.COVERED
    assert judged(lost=0.5) is View.COVERED
    assert judged(shift=11) is View.MOVED
    assert judged(shift=11, inliers=19) is View.OK
    assert judged(lost=0.7, inliers=0, kept=0.7) is View.MOVED
    assert judged(lost=0.7, inliers=0, kept=0.1) is View.COVERED
    assert judged(mean=75) is View.OK
    assert judged(lost=0.34) is View.OK
    assert judged(shift=9) is View.OK


def test_darkness_is_no_fault_while_nobody_works() -> None:
    dark = Features(mean=4, std=1, saturated=0, sharp=1, like=0.0)
    assert scene.judge(dark, REFERENCE, is_closed=True).view is View.OFF
    assert scene.judge(dark, None, is_closed=True).view is View.OFF
    assert scene.judge(dark, None, is_closed=False).view is View.BLACK


def test_a_clock_that_ticks_acquits_a_picture_that_stands_still() -> None:
    still = Features(mean=124, std=41, saturated=0, sharp=980, pdiff=0.1, ticks=0.0)
    assert scene.is_still(still, REFERENCE)
    assert not scene.is_still(Features(124, 41, 0, 980, 0.1, 9.0), REFERENCE)
    assert not scene.is_still(still, None)


def test_in_a_light_that_was_not_learned_only_what_is_the_same_all_over_stands_still() -> None:
    """A hall at night without a clock in its picture: nobody moves, and the noise is not the day's."""
    quiet = Features(mean=60, std=20, saturated=0, sharp=500, pdiff=0.3)
    assert not scene.is_still(quiet, REFERENCE)
    assert scene.is_still(replace(quiet, pdiff=0.02), REFERENCE)
    assert scene.is_still(replace(quiet, mean=124.0), REFERENCE)
    assert scene.is_still(replace(quiet, ticks=0.0), REFERENCE), "its own clock stands"


def fed(watch: Watch, views: list[View], first: int = 1) -> list[Watch]:
    """-> the state after each; one key frame every two seconds."""
    after = []
    for place, view in enumerate(views, first):
        watch = votes.seen(watch, Verdict(view), place * STEP, place * STEP, is_still=False)
        after.append(watch)
    return after


GOOD = Watch(Standing(View.OK, 0))


def test_a_fault_is_told_once_with_its_begin_and_its_end() -> None:
    states = fed(GOOD, [View.OK] * 5 + [View.COVERED] * 20 + [View.OK] * 30)
    told = [state.standing for state in states]
    changes = [now for before, now in pairwise(told) if now.view is not before.view]
    assert [(item.view, item.since_at) for item in changes] == [
        (View.COVERED, 6 * STEP),
        (View.OK, 26 * STEP),
    ]


@pytest.mark.parametrize(
    ("wrong", "is_witnessed", "is_raised"),
    [(3, True, False), (4, True, True), (4, False, False), (0, True, False)],
)
def test_a_cameras_own_alarm_shortens_the_vote_and_is_never_the_only_witness(
    wrong: int, is_witnessed: bool, is_raised: bool
) -> None:
    watch = GOOD
    for place, view in enumerate([View.OK] * 8 + [View.COVERED] * wrong, 1):
        at = place * STEP
        watch = votes.seen(watch, Verdict(view), at, at, is_still=False, is_witnessed=is_witnessed)
    assert watch.standing.view.is_fault == is_raised
    if is_raised:
        assert watch.standing.since_at == 9 * STEP


def test_frozen_begins_with_the_first_frame_that_stood_still() -> None:
    watch = GOOD
    for place in range(1, 20):
        watch = votes.seen(watch, Verdict(View.OK), place * STEP, place * STEP, is_still=place > 3)
    assert (watch.standing.view, watch.standing.since_at) == (View.FROZEN, 4 * STEP)


def test_a_second_name_that_competes_does_not_end_a_finding() -> None:
    doubtful = Verdict(View.COVERED, View.MOVED, 0.7)
    watch = GOOD
    for place in range(1, 11):
        watch = votes.seen(watch, doubtful, place * STEP, place * STEP, is_still=False)
    assert not watch.standing.certain
    before = watch.standing
    assert all(state.standing.since_at == before.since_at for state in fed(watch, [View.MOVED] * 10, 11))


def test_the_line_goes_before_every_picture_and_its_begin_is_the_first_failure() -> None:
    bad = fed(GOOD, [View.DARK] * 10)[-1]
    gone = votes.cut(bad, View.STALLED, 11 * STEP)
    assert gone.standing == Standing(View.STALLED, 11 * STEP)
    assert votes.cut(gone, View.STALLED, 15 * STEP).standing == gone.standing
    assert gone.window == ()


def test_a_reference_of_another_measure_says_what_is_wrong_and_never_that_nothing_is() -> None:
    """A fault that stood before it ends as any other, and what comes then is not 正常."""
    said = {}
    for shown in (View.OK, View.COVERED):
        for before in (View.OK, View.COVERED):
            watch = Watch(Standing(before, 0))
            for place in range(1, 31):
                now = votes.seen(watch, Verdict(shown), place * STEP, place * STEP, is_still=False)
                watch = votes.unsure(watch, now, place * STEP)
            said[shown, before] = watch.standing.view, watch.standing.since_at
    assert said == {
        (View.OK, View.OK): (View.LEARNING, STEP),
        (View.OK, View.COVERED): (View.LEARNING, 24 * STEP),
        (View.COVERED, View.OK): (View.COVERED, STEP),
        (View.COVERED, View.COVERED): (View.COVERED, 0),
    }


views = st.sampled_from([View.OK, View.OK, View.COVERED, View.MOVED, View.DARK, View.OFF, View.LEARNING])


@given(st.lists(views, max_size=120))
def test_raise_and_clear_never_chase_each_other(shown: list[View]) -> None:
    """C2: between the raising of a fault and its end lie 30 s, unless somebody begins anew or the lights go out."""
    states = [GOOD, *fed(GOOD, shown)]
    raised = 0
    for place, (before, now) in enumerate(pairwise(states), 1):
        if now.standing.view.is_fault and not before.standing.view.is_fault:
            raised = place
        if before.standing.view.is_fault and now.standing.view is View.OK:
            assert (place - raised) * STEP >= votes.CLEAR_US
        if before.standing.view is View.OK and now.standing.view.is_fault:
            window = shown[max(0, place - votes.WINDOW) : place]
            assert sum(view.is_fault for view in window) >= votes.RAISE


@given(st.lists(views, max_size=60))
def test_the_same_frames_give_the_same_states(shown: list[View]) -> None:
    assert fed(GOOD, shown) == fed(GOOD, shown)


@given(st.lists(views, max_size=60))
def test_one_bad_frame_alone_never_raises(shown: list[View]) -> None:
    lonely = [view if place % 4 == 0 else View.OK for place, view in enumerate(shown)]
    assert not any(state.standing.view.is_fault for state in fed(GOOD, lonely))
