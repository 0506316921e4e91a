"""A site that sends as much as it can, and nothing of it sound: the others do not notice."""

import asyncio
import os
from contextlib import suppress

import pytest

from common.core import topics
from common.core.batch import Lane
from common.core.errors import UnavailableError
from common.mqtt import Link
from provisioning.core.identity import Box
from tests.integration.links import joined
from tests.journey.scene import FIRST, events, finds, scene, until
from tests.journey.together import together

pytestmark = pytest.mark.service
HOSTILE = Box("s02", 1)


async def flood(link: Link) -> None:
    """For as long as it may."""
    sizes = [
        (topics.lane("s02", Lane.BULK), 200_000),
        (topics.lane("s02", Lane.LIVE), 100_000),
        (topics.lane("s02", Lane.LIVE), 0),
        (topics.hello("s02"), 500),
        (topics.heartbeat("s02"), 500),
    ]
    with suppress(UnavailableError):
        while True:
            async with asyncio.TaskGroup() as group:
                for name, size in sizes:
                    for _ in range(10):
                        group.create_task(link.publish(name, os.urandom(size)))


@together
async def test_a_site_that_floods_the_hall_does_not_hold_back_another() -> None:
    """P-LIMIT-03"""
    async with scene([FIRST, HOSTILE], start=False) as place:
        await place.start(place.agent)
        async with joined(place.broker, HOSTILE.name, 5) as link:
            flooding = asyncio.create_task(flood(link))
            await until("the hall has noticed", lambda: events(place.hall, "site.flooding"))
            for _ in range(5):
                place.office.receive(20)

                async def agrees() -> bool:
                    return await place.hall_rows("s01") == place.office.rows()

                await until("the other's rows are in the hall", agrees)
            assert not flooding.done()
            flooding.cancel()
        assert len(events(place.hall, "site.flooding")) <= 2
        assert (await finds(place.agent)).code == 0
        assert await place.twice() == []


@together
async def test_a_site_whose_batches_nobody_foresaw_waits_alone() -> None:
    async with scene([FIRST, HOSTILE], start=False) as place:
        await place.stop(place.hall)
        place.hall.armed = ["tests.unforeseen"]
        await place.start(place.hall)
        await place.start()
        await until("the hall has said so", lambda: events(place.hall, "batch.failed"))
        place.office.receive(20)

        async def agrees() -> bool:
            return await place.hall_rows("s01") == place.office.rows()

        await until("the other's rows are in the hall", agrees)
        assert await place.hall_rows("s02") == {}
        assert {line["site"] for line in events(place.hall, "batch.failed")} == {"s02"}
        await place.stop(place.hall)
        place.hall.armed = []
        await place.start(place.hall)
        await place.settled()
        assert await place.twice() == []
