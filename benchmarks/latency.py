"""A row is written at the site -> the open wall shows it: through capture, buffer, broker, commit, stream.

The limit beside it is what the design allows: one capture round plus one look of the wall.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import aiohttp
import msgspec
from sqlalchemy import insert

from benchmarks import site
from benchmarks.figure import Figure, line, percentile
from central import password
from central.store import tables as t
from central.web.live import LOOK_SECS
from provisioning.core.identity import Box
from tests import processes, services

SAMPLES = 60
BOX = Box("s01", 1)
POLL_SECS = 0.5  # of tests.processes.Agent
SECRET = "a password for the measurement"


async def measure() -> AsyncIterator[Figure]:
    async with services.mosquitto([BOX]) as broker, processes.hall(broker, [BOX]) as hall:
        await add_user(hall)
        box = processes.Agent(broker, BOX, site.MAPPING)
        site.create(box.folder / "office.db")
        site.insert(box.folder / "office.db", 1, 1)
        box.start()
        try:
            values = await sample(hall, box)
        finally:
            box.stop()
    limit = "capture round 0.5 s + wall look 1 s", (POLL_SECS + LOOK_SECS) * 1000
    yield line("row_to_wall_p50", percentile(values, 50), "ms", limit, SAMPLES)
    yield line("row_to_wall_p99", percentile(values, 99), "ms", limit, SAMPLES)


async def add_user(hall: processes.Hall) -> None:
    store = await hall.store()
    async with store.write() as conn:
        values = {"name": "wang", "role": "supervisor", "password": await password.hash_password(SECRET)}
        await conn.execute(insert(t.user).values(**values, must_change=False, disabled=False, created_wall=0))
    await store.close()


async def sample(hall: processes.Hall, box: processes.Agent) -> list[float]:
    """Milliseconds from the source's commit to the message of the stream, one row at a time."""
    seen: asyncio.Queue[int] = asyncio.Queue()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(hall.url, cookie_jar=jar, timeout=aiohttp.ClientTimeout()) as session:
        async with session.post("/login", data={"name": "wang", "password": SECRET}):
            reader = asyncio.create_task(_watch(session, seen))
        values = []
        chance = random.Random(1)
        while await seen.get() < 1:
            pass
        for number in range(2, SAMPLES + 2):
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            await asyncio.to_thread(site.insert, box.folder / "office.db", number, 1)
            began = time.perf_counter()
            while await seen.get() < number:
                pass
            values.append((time.perf_counter() - began) * 1000)
        reader.cancel()
    return values


async def _watch(session: aiohttp.ClientSession, seen: "asyncio.Queue[int]") -> None:
    """Put what the tile says of cases accepted today, each time it is told."""
    async with session.get("/api/v1/stream?topics=hall") as stream:
        async for raw in stream.content:
            if not raw.startswith(b"data: "):
                continue
            tile = msgspec.json.decode(raw[6:]).get("s", {}).get("s01", {})
            if "accepted" in tile:
                seen.put_nowait(int(tile["accepted"].replace(",", "")))
