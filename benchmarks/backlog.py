"""Live rows while a backlog drains: how long one waits from capture to the hall's commit, on loopback and a thin line.

The peers are the limits of the design: half a second on loopback, a second behind 64 KB/s and 80 ms, and at least four
fifths of that line in use.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from sqlalchemy import func, select

from benchmarks import site
from benchmarks.figure import Figure, line, percentile
from central.store import tables as t
from common.core.instant import SECOND
from provisioning.core.identity import Box
from tests import processes, services
from tests.shaper import Shaper, shaped

BOX = Box("s01", 1)
LOOPBACK_ROWS, THIN_ROWS = 60_000, 30_000
THIN_RATE, THIN_DELAY_SECS = 64 * 1024, 0.04
WAIT_SECS = 300


async def measure() -> AsyncIterator[Figure]:
    waits, secs, _ = await _drained(LOOPBACK_ROWS, thin=False)
    yield line("live_p50_draining", percentile(waits, 50), "ms", ("limit", 500), len(waits))
    yield line("live_p99_draining", percentile(waits, 99), "ms", ("limit", 500), len(waits))
    yield line("drained", LOOPBACK_ROWS / secs, "records/s", ("limit: none", 0), 1)
    waits, _, used = await _drained(THIN_ROWS, thin=True)
    yield line("live_p50_draining_thin", percentile(waits, 50), "ms", ("limit", 1000), len(waits))
    yield line("live_p99_draining_thin", percentile(waits, 99), "ms", ("limit", 1000), len(waits))
    yield line("line_used", used, "%", ("least", 80), 1)


async def _drained(rows: int, *, thin: bool) -> tuple[list[float], float, float]:
    """-> (milliseconds from capture to commit of live rows, seconds of draining, percent of the line in use)."""
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(services.mosquitto([BOX]))
        port, way = broker.port, None
        if thin:
            way = await stack.enter_async_context(
                shaped(broker.port, bytes_per_sec=THIN_RATE, delay_secs=THIN_DELAY_SECS)
            )
            port = way.port
        box = processes.Agent(broker, BOX, site.MAPPING, port=port)
        office = box.folder / "office.db"
        site.create(office)
        site.insert(office, 1, rows)
        box.start()
        stack.callback(box.stop)
        await _until(lambda: box.waiting() >= rows)
        box.stop()
        site.shipped(box.config)
        box.start()
        hall = await stack.enter_async_context(processes.hall(broker, [BOX]))
        return await _watched(hall, box, way, rows)


async def _watched(
    hall: processes.Hall, box: processes.Agent, way: Shaper | None, rows: int
) -> tuple[list[float], float, float]:
    store = await hall.store()
    cases = t.record.c.kind == "case"
    try:
        number, began, sent = rows, time.monotonic(), way.up_bytes if way else 0
        while True:
            number += 1
            site.insert(box.folder / "office.db", number, 1)
            await asyncio.sleep(0.2)
            async with store.read() as conn:
                old = await conn.scalar(select(func.count()).where(cases, t.record.c.lane == "bulk"))
            if (old or 0) >= rows:
                break
            if time.monotonic() - began > WAIT_SECS:
                raise TimeoutError
        secs = time.monotonic() - began
        used = 100 * (way.up_bytes - sent) / THIN_RATE / secs if way else 0.0
        async with store.read() as conn:
            query = select(t.record.c.received_wall, t.record.c.cap_wall)
            live = (await conn.execute(query.where(cases, t.record.c.lane == "live"))).all()
            span = (
                await conn.execute(
                    select(func.min(t.record.c.received_wall), func.max(t.record.c.received_wall)).where(
                        cases, t.record.c.lane == "bulk"
                    )
                )
            ).one()
        first, last = span
        waits = [(row.received_wall - row.cap_wall) / 1000 for row in live if first < row.cap_wall < last]
        return waits, (last - first) / SECOND, used
    finally:
        await store.close()


async def _until(done: object) -> None:
    end = time.monotonic() + WAIT_SECS
    while not done():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(0.1)
