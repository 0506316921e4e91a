"""Three municipalities' real permits through three vendors' databases to the hall, with SIGKILL all the while."""

import pytest

from tests.real import logs, replay
from tests.real.replay import Outcome
from tests.services import MariaDb, PostgreSql

pytestmark = pytest.mark.service

KILLS = 10
"""Two of each agent, of the broker and of the hall."""


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    """Before any server is started."""
    logs.needed()


async def test_every_case_and_step_arrives_once_whatever_is_killed(
    mariadb: MariaDb, postgresql: PostgreSql
) -> None:
    cases = logs.municipalities(logs.sample_size(60), seed=1)
    outcome = await replay.run(mariadb, postgresql, cases, kills=KILLS, seed=1, patience_secs=600)
    whole(outcome)
    assert outcome.kills == dict.fromkeys(["m1", "m2", "m3", "broker", "hall"], 2)


async def test_the_same_into_a_hall_on_postgresql(mariadb: MariaDb, postgresql: PostgreSql) -> None:
    cases = logs.municipalities(15, seed=2)
    database = postgresql.url(await postgresql.create_database())
    outcome = await replay.run(mariadb, postgresql, cases, kills=5, seed=2, hall_database=database)
    whole(outcome)


def whole(outcome: Outcome) -> None:
    assert outcome.verdict.problems == []
    assert (outcome.verdict.lost, outcome.verdict.duplicated) == (0, 0)
    assert outcome.verdict.records > 0
