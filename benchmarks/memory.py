"""Resident memory of an agent: idle, and with a backlog that no hall takes. The limit is that of a site's box."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks import site
from benchmarks.figure import Figure, line
from benchmarks.throughput import BOX, _until
from tests import processes, services

BACKLOG = 50_000
LIMIT = "limit of a box without cameras", 80.0


async def measure() -> AsyncIterator[Figure]:
    async with services.mosquitto([BOX]) as broker:
        box = processes.Agent(broker, BOX, site.MAPPING)
        site.create(box.folder / "office.db")
        box.start()
        try:
            await asyncio.sleep(3)
            idle = _rss(box.pid)
            await asyncio.to_thread(site.insert, box.folder / "office.db", 1, BACKLOG)
            await _until(lambda: box.waiting() >= BACKLOG)
            await asyncio.sleep(3)
            full = _rss(box.pid)
        finally:
            box.stop()
    yield line("agent_rss_idle", idle, "MB", LIMIT, 1)
    yield line(f"agent_rss_backlog_{BACKLOG // 1000}k", full, "MB", LIMIT, 1)


def _rss(pid: int) -> float:
    """Megabytes."""
    for row in Path(f"/proc/{pid}/status").read_text().splitlines():
        if row.startswith("VmRSS:"):
            return int(row.split()[1]) / 1024
    raise ValueError(pid)
