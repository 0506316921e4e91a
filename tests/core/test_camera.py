"""From what was said of a camera to its findings and its time bar."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from central.core import camera
from central.core.camera import WIDTH, Heard
from common.core.camera import View

heards = st.builds(Heard, view=st.sampled_from(View), since_at=st.integers(0, 100))


def spans(*said: tuple[View, int]) -> list[tuple[View, int, int | None]]:
    found = camera.stretches([Heard(view, since) for view, since in said])
    return [(item.heard.view, item.heard.since_at, item.until_at) for item in found]


def test_a_fault_is_one_finding_with_its_begin_and_end() -> None:
    assert spans((View.OK, 0), (View.COVERED, 10), (View.OK, 30)) == [
        (View.OK, 0, 10),
        (View.COVERED, 10, 30),
        (View.OK, 30, None),
    ]


def test_what_is_said_again_goes_on_and_what_is_said_later_of_the_same_time_counts() -> None:
    assert spans((View.MOVED, 5), (View.MOVED, 9)) == [(View.MOVED, 5, None)]
    assert spans((View.COVERED, 5), (View.MOVED, 5)) == [(View.MOVED, 5, None)]
    assert spans((View.OK, 0), (View.FROZEN, 40), (View.UNKNOWN, 20)) == [
        (View.OK, 0, 20),
        (View.UNKNOWN, 20, None),
    ]


def found(*said: tuple[View, int]) -> list[tuple[View, int, int | None, bool, int]]:
    stretches = camera.stretches([Heard(view, since) for view, since in said])
    return [
        (item.heard.view, item.heard.since_at, item.until_at, item.is_end_known, item.blind_us)
        for item in camera.findings(stretches)
    ]


def test_a_fault_that_stands_before_and_after_nobody_looked_is_one_finding() -> None:
    stops = (View.OK, 0), (View.COVERED, 10), (View.UNKNOWN, 20), (View.COVERED, 30)
    assert found(*stops) == [(View.COVERED, 10, None, True, 10)]
    again = *stops, (View.UNKNOWN, 40), (View.COVERED, 45), (View.OK, 60)
    assert found(*again) == [(View.COVERED, 10, 60, True, 15)]


def test_the_end_that_nobody_saw_is_said_to_be_unknown() -> None:
    lost = (View.COVERED, 10), (View.UNKNOWN, 20)
    assert found(*lost) == [(View.COVERED, 10, 20, False, 0)]
    assert found(*lost, (View.OK, 30)) == [(View.COVERED, 10, 20, False, 0)]
    assert found(*lost, (View.MOVED, 30)) == [
        (View.COVERED, 10, 20, False, 0),
        (View.MOVED, 30, None, True, 0),
    ]
    assert found((View.STALLED, 10), (View.JUDGING, 20), (View.OK, 25)) == [
        (View.STALLED, 10, 20, True, 0)
    ], "pictures came again: that is seen"
    assert found((View.COVERED, 10), (View.REMOVED, 20)) == [(View.COVERED, 10, 20, True, 0)]


@given(st.lists(heards, max_size=12))
def test_findings_are_the_faults_joined_and_none_is_lost(said: list[Heard]) -> None:
    stretches = camera.stretches(said)
    faults = [item for item in stretches if item.heard.view.is_fault]
    made = camera.findings(stretches)
    assert sum(item.blind_us for item in made) + sum(
        (item.until_at or 999) - item.heard.since_at for item in faults
    ) == sum((item.until_at or 999) - item.heard.since_at for item in made)
    assert {item.heard.since_at for item in made} <= {item.heard.since_at for item in faults}


@given(st.lists(heards, max_size=12))
def test_stretches_follow_each_other_without_a_hole(said: list[Heard]) -> None:
    found = camera.stretches(said)
    assert bool(found) == bool(said)
    for before, now in pairwise(found):
        assert before.until_at == now.heard.since_at
        assert before.heard.since_at < now.heard.since_at
        assert before.heard.view is not now.heard.view
    if found:
        assert found[-1].until_at is None
        assert found[-1].heard.view is said[-1].view


@given(st.lists(heards, max_size=12))
def test_a_bar_stays_inside_and_shows_every_fault(said: list[Heard]) -> None:
    found = camera.stretches(said)
    bar = camera.bar(found, 20, 80)
    assert all(left >= 0 and left + width <= WIDTH and width > 0 for _, left, width in bar)
    faults = [item for item in found if item.heard.view.is_fault]
    shown = [item for item in faults if item.heard.since_at < 80 and (item.until_at or 80) > 20]
    assert sum(sort == "fail" for sort, *_ in bar) == len(shown)


def test_two_names_are_both_said() -> None:
    assert camera.said(Heard(View.COVERED, 0, View.MOVED, certain=False)) == "遮挡，也可能是移位"
    assert camera.said(Heard(View.COVERED, 0, View.MOVED)) == "遮挡"
