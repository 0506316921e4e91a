"""Late commits, slow clocks, rows without a stamp, silent edits, deletions: on every engine at once, nothing is lost."""

import asyncio

import pytest

from tests.hazard.all import side_by_side
from tests.hazard.run import Loss
from tests.journey.together import together

pytestmark = pytest.mark.service
SMALL_PAGES = """\
[capture]
poll_secs = 0.5
sweep_secs = 0.5
pass_secs = 1.0
hot_secs = 2.0
duty = 1.0
rows_per_sec = 100000
page_rows = 20
"""
"""So that a table of some hundred rows has pages that rest, and for which the server vouches."""


@together
async def test_what_plain_cursors_lose_the_agent_has_though_it_and_the_server_were_killed() -> None:
    async with asyncio.timeout(1500):
        outcomes = await side_by_side(seed=3, secs=30, kills=2, config=SMALL_PAGES)
    assert {item.engine for item in outcomes} == {"mariadb", "postgresql", "sqlite"}
    for item in outcomes:
        assert item.loss == Loss(0, 0, 0), item.engine
        assert item.changes > 100
        for name, loss in item.peers.items():
            assert loss.stale + loss.missed > 0, (name, "the clerks were too kind")
            assert loss.undetected_deletes > 0, name
