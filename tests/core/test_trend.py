"""Whether a backlog grows: told apart from one that is merely large, old or bursting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import trend
from agent.core.trend import Grown, Trend
from common.core.instant import SECOND


def seen(*rows: int, every: int = 15) -> Trend:
    found = Trend()
    for number, waiting in enumerate(rows):
        found = trend.looked(found, number * every * SECOND, waiting)
    return found


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ((), None),
        ((100, 400, 700, 900, 1200), Grown(100, 1200, 60)),
        ((100, 400, 700), None),
        ((9000, 7000, 5000, 3000, 1000), None),
        ((500, 500, 500, 500, 500, 500), None),
        ((10, 20, 30, 40, 50, 55), None),
        ((100, 4000, 3000, 2000, 900, 300), None),
        ((100, 400, 0, 700, 900, 1200), None),
    ],
    ids=[
        "nothing",
        "grows",
        "too short",
        "shrinks",
        "stands",
        "little",
        "a burst that is being sent",
        "was empty",
    ],
)
def test_only_what_grows_for_a_minute_without_a_pause_is_named(
    rows: tuple[int, ...], found: Grown | None
) -> None:
    assert trend.grown(seen(*rows)) == found


@given(st.lists(st.integers(0, 5000), max_size=80))
def test_it_remembers_five_minutes_and_nothing_from_before_it_was_empty(rows: list[int]) -> None:
    found = seen(*rows)
    last_empty = max((place for place, waiting in enumerate(rows) if not waiting), default=-1)
    assert [waiting for _, waiting in found.samples] == rows[last_empty + 1 :][-21:]
