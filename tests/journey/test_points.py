"""A seeded sample of the kill matrix (`make soak WHAT=points`): SIGKILL right before and after what box and hall do.

Every named point once before and once after, and some again: sixty in all.
"""

import pytest

from tests import points
from tests.journey.together import together

pytestmark = pytest.mark.service
SEED, KILLS = 11, 30


def test_every_kind_of_step_is_in_the_matrix_and_in_the_sample() -> None:
    every = points.matrix()
    assert len(every) == len(set(every)) >= 120
    assert {victim for *_, victim in every} == {"agent", "broker", "central"}
    kills = points.order(SEED)
    assert {(kill.program, kill.point, kill.when, kill.victim) for kill in kills} == set(every)
    sample = kills[: 2 * KILLS]
    assert {(kill.program, kill.point, kill.when) for kill in sample} == {step[:3] for step in every}
    assert {(kill.program, kill.victim) for kill in sample} == {(step[0], step[3]) for step in every}


@together
async def test_kills_at_thirty_named_points_lose_nothing() -> None:
    await killed(0)


@together
async def test_kills_at_thirty_more_named_points_lose_nothing() -> None:
    await killed(KILLS)


async def killed(first: int) -> None:
    done = await points.run(KILLS, SEED, first)
    assert (done.lost, done.duplicated, done.unproven) == (0, 0, "")
    assert done.faults >= KILLS - 3, done.unreached
