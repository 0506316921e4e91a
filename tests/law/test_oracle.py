"""The engine against an oracle that ticks day by day: 200,000 random histories, in parts that run side by side.

`make soak WHAT=clock COUNT=10000000` goes on with other ones.
"""

from random import Random

import pytest

from tests.law import histories

PARTS = 16
PART = 12_500


@pytest.mark.parametrize("part", range(PARTS))
def test_engine_and_oracle_show_the_same_lights(part: int) -> None:
    assert histories.differing_seeds(part * PART, PART) == []


@pytest.mark.parametrize("seed", [4001000396058, 4001000576074, 4001000602270])
def test_a_day_that_was_used_beyond_the_limit_counts_against_a_later_extension(seed: int) -> None:
    """The limit was used up, its last day moved to a working day, a second procedure began on that day, then came an extension."""
    assert histories.differing_seeds(seed, 1) == []


def test_the_histories_meet_what_they_are_for() -> None:
    """Enough of each light and of each trap, or the comparison would say little."""
    lights: dict[str, int] = {}
    moved = late = sticky = 0
    for seed in range(1_500):
        history = histories.make(Random(seed))
        shown = histories.engine(history)
        for light in shown[-1].values():
            lights[light.split()[0]] = lights.get(light.split()[0], 0) + 1
        moved += len({look.law.calendar.version for look in history.looks}) > 1
        late += any(fact.known_at > look.at for look in history.looks for fact in history.facts)
        sticky += any("red" in light for light in shown[0].values()) and len(shown) > 1
    assert min(lights[light] for light in ("green", "yellow", "red", "grey", "paused")) > 40
    assert min(moved, late, sticky) > 100
