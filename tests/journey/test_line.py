"""The way between box and hall is cut wherever it can be: the box collects on, and afterwards nothing is missing."""

import asyncio
import os
import signal
import time

import pytest

from common.core import topics
from provisioning.core.identity import Box
from tests.integration.links import heard, ingest, joined, names
from tests.journey.scene import FIRST, ended, events, finds, online, scene, until
from tests.journey.together import together

pytestmark = pytest.mark.service
AWAY_SECS = int(os.environ.get("MINGCHA_AWAY_SECS", "8"))
"""How long the hall is away; 600 for the ten minutes of benchmarks/RESULTS.md."""


@together
async def test_box_and_hall_start_without_a_broker_and_find_it_when_it_comes() -> None:
    async with scene(start=False) as place:
        await place.stop(place.hall)
        await asyncio.to_thread(place.broker.kill)
        await place.start(place.hall, place.agent)
        await until("all rows are buffered", lambda: place.agent.waiting() >= len(place.office.rows()))
        box, hall = await asyncio.gather(finds(place.agent, "E-NET-03"), finds(place.hall, "E-HALL-02"))
        assert (box.code, hall.code) == (2, 3)
        assert "连接被拒绝" in box.detail("E-NET-03")
        assert box.checks["E-SYNC-03"]["caused_by"] == "E-NET-03"
        assert "连不上" in hall.detail("E-HALL-02")
        await place.start(place.broker)
        await place.settled()
        for server, name in ((place.agent, "hall"), (place.hall, "broker")):
            assert len(events(server, f"{name}.unavailable")) == 1
            assert len(events(server, f"{name}.recovered")) == 1


@together
async def test_a_box_that_nobody_welcomes_says_hello_every_five_seconds_and_not_with_every_row() -> None:
    """P-HELLO-01"""
    async with scene(start=False) as place:
        await place.stop(place.hall)
        async with ingest(place.broker, 5) as hall:
            began = time.monotonic()
            await place.start(place.agent)
            for _ in range(16):
                place.office.receive(1)
                await asyncio.sleep(0.5)
            await place.stop(place.agent)  # two cannot be of one name at once
            most = 2 + (time.monotonic() - began) / 5
            async with joined(place.broker, FIRST.name, 5) as box:
                await box.publish(topics.hello(FIRST.site), b"end")
            assert 1 <= names(await heard(hall, "end")).count(topics.hello(FIRST.site)) <= most


@together
async def test_a_broker_that_is_killed_takes_nothing_with_it() -> None:
    async with scene() as place:
        await place.settled()
        await asyncio.to_thread(place.broker.kill)
        place.office.receive(3)
        await until("the box has said so", lambda: events(place.agent, "hall.unavailable"))
        await place.start(place.broker)
        place.office.receive(3)
        await place.settled()
        assert await place.twice() == []
        await until("the box has said so", lambda: events(place.agent, "hall.recovered"))


@together
async def test_a_hall_that_was_long_away_or_hung_gets_everything_afterwards() -> None:
    async with scene() as place:
        await place.settled()
        await asyncio.to_thread(place.hall.kill)
        for _ in range(AWAY_SECS):
            place.office.receive(5)
            await asyncio.sleep(1)
        box, hall = await asyncio.gather(finds(place.agent, "E-SYNC-06"), finds(place.hall, "E-HALL-09"))
        assert (box.code, hall.code) == (2, 3)
        assert "市中心程序没有在运行" in box.detail("E-SYNC-06")
        assert place.agent.waiting() > 80
        await place.start(place.hall)
        await place.settled()
        assert len(events(place.agent, "hall.recovered")) == 1
        place.hall.freeze()
        place.office.receive(20)
        await asyncio.sleep(4)
        assert place.agent.waiting() >= 40
        place.hall.thaw()
        await place.settled()
        assert await place.twice() == []


@together
async def test_sigterm_ends_either_at_once_and_the_other_knows() -> None:
    async with scene() as place:
        await place.settled()
        await until("the hall has heard of the box", lambda: online(place))
        began = time.monotonic()
        assert await ended(place.agent, signal.SIGTERM) == 0
        assert events(place.agent, "agent.stopped")
        await until("the hall knows that the box left", lambda: online(place, is_online=False), 5)
        await place.start(place.agent)
        await place.settled()
        assert await ended(place.hall, signal.SIGTERM) == 0
        assert events(place.hall, "central.stopped")
        await until("the box knows that the hall left", lambda: events(place.agent, "hall.unavailable"), 5)
        place.office.receive()
        await place.start(place.hall)
        await place.settled()
        assert time.monotonic() - began < 30


@together
async def test_sigterm_ends_everybody_although_the_broker_dies_at_the_same_moment() -> None:
    """As when a machine is shut down: the stop must not be taken for one more lost line."""
    boxes = [Box(f"s{number:02}", 1) for number in range(1, 5)]
    async with scene(boxes) as place:
        await place.settled()
        await asyncio.to_thread(place.broker.kill)
        servers = [place.hall, *(site.agent for site in place.sites)]
        codes = await asyncio.gather(*(ended(server, signal.SIGTERM) for server in servers))
        assert set(codes) == {0}


@together
async def test_sigterm_ends_a_box_whose_broker_hangs() -> None:
    async with scene() as place:
        await place.settled()
        place.broker.freeze()
        assert await ended(place.agent, signal.SIGTERM) == 0
        place.broker.thaw()
