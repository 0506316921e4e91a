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
