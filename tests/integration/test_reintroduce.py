"""A hall that comes back hears from its sites at once, not at their next turn to say hello."""

import asyncio
import time

import pytest

from provisioning.core.identity import Box
from tests import processes, services
from tests.processes import Agent, Hall

pytestmark = pytest.mark.service

SITE = Box("s01", 1)
SOON_SECS = 2.0
MAPPING = """
version = 1
[source]
type = "sqlite"
path = "nowhere.db"
[table.case]
from = "case_file"
key = ["id"]
"""


async def welcomed(hall: Hall, times: int) -> float:
    """Wait until the hall has welcomed a site so often. -> seconds."""
    began = time.monotonic()
    async with asyncio.timeout(20):
        while True:
            if hall.log.count("site.connected") >= times:
                return time.monotonic() - began
            await asyncio.sleep(0.02)


async def test_a_restarted_hall_is_greeted_at_once() -> None:
    async with services.mosquitto([SITE]) as broker, processes.hall(broker, [SITE]) as hall:
        agent = Agent(broker, SITE, MAPPING)
        try:
            await asyncio.to_thread(agent.start)
            await welcomed(hall, 1)
            await asyncio.to_thread(hall.kill)
            await asyncio.to_thread(hall.start)
            assert await welcomed(hall, 2) < SOON_SECS
        finally:
            await asyncio.to_thread(agent.stop)
