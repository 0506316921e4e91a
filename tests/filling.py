"""A box's disk is full for a while, again and again: how soon it goes on by itself, and whether anything is missing."""

import asyncio
import random
import time
from contextlib import suppress

from msgspec import Struct

from tests.journey.scene import Place, events, scene, until
from tests.journey.test_disk import small_disk

LIMIT_SECS = 10.0
MOST_LINES = 2
"""Of the log in one outage of under a minute: that it began, and that it ended."""
_PATIENCE_SECS = 120.0


class Tally(Struct):
    """`slowest_secs`: from the first free byte until what was entered meanwhile is in the hall."""

    lost: int
    duplicated: int
    records: int
    slowest_secs: float
    most_lines: int


async def run(count: int, seed: int) -> Tally:
    """`count` outages of up to eight seconds. Needs root, for a small file system of its own."""
    rng = random.Random(seed)
    slowest, most = 0.0, 0
    async with scene(start=False) as place, small_disk(place.agent.folder / "data", 48) as disk:
        await place.start()
        await place.settled()
        for _ in range(count):
            before = lines(place)
            disk.fill()
            end = time.monotonic() + rng.uniform(0.2, 8)
            while time.monotonic() < end:
                place.office.receive(rng.randrange(1, 60))
                await asyncio.sleep(rng.uniform(0.1, 1))
                disk.fill()
            disk.free()
            slowest = max(slowest, await again(place))
            most = max(most, lines(place) - before)
        await place.stop(place.agent)
        truth = place.office.rows()
        lost = len(truth.items() ^ (await place.hall_rows()).items())
        return Tally(lost, len(await place.twice()), len(truth), slowest, most)


def lines(place: Place) -> int:
    return sum(len(events(place.agent, name)) for name in ("buffer.full", "buffer.recovered"))


async def again(place: Place) -> float:
    """-> seconds until the hall says what the office says."""
    began = time.monotonic()
    with suppress(AssertionError):
        await until("it has caught up", place.agrees, _PATIENCE_SECS)
    return time.monotonic() - began
