"""A seeded sample of the kill matrix (`make soak WHAT=points`): SIGKILL right before and after what box and hall do."""

import pytest

from tests import points
from tests.journey.together import together

pytestmark = pytest.mark.service
KILLS = 30


def test_every_kind_of_step_is_in_the_matrix() -> None:
    every = points.matrix()
    assert len(every) == len(set(every)) >= 120
    assert {victim for *_, victim in every} == {"agent", "broker", "central"}


@together
async def test_thirty_kills_at_named_points_lose_nothing() -> None:
    await killed(11)


@together
async def test_thirty_more_kills_at_named_points_lose_nothing() -> None:
    await killed(12)


async def killed(seed: int) -> None:
    done = await points.run(KILLS, seed)
    assert (done.lost, done.duplicated, done.unproven) == (0, 0, "")
    assert done.faults >= KILLS - 3, done.unreached
