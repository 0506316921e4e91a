"""The whole agent with a backlog that no hall takes: resident memory, idle and full, and how long its program takes to start.

The backlog is sealed into the box's own buffer while its agent rests, and then learned by the agent's own index.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks import site
from benchmarks.figure import Figure, line
from benchmarks.throughput import BOX
from tests import backlog, processes, services

BACKLOG = 1_000_000
LIMIT = "limit of a box without cameras", 80.0
START_LIMIT = "limit", 2.0
SETTLE_SECS, WAIT_SECS = 10, 900


async def measure() -> AsyncIterator[Figure]:
    async with services.mosquitto([BOX]) as broker:
        box = processes.Agent(broker, BOX, site.MAPPING)
        site.create(box.folder / "office.db")
        site.insert(box.folder / "office.db", 1, 500)
        empty = _started(box)
        try:
            await asyncio.sleep(SETTLE_SECS)
            idle = _memory(box.pid, "VmRSS")
            box.stop()
            await backlog.fill(box.config, BACKLOG)
            _started(box)
            await _learned(box)
            learned = _memory(box.pid, "VmHWM")
            box.stop()
            again = _started(box)
            await asyncio.sleep(SETTLE_SECS)
            full, peak = _memory(box.pid, "VmRSS"), _memory(box.pid, "VmHWM")
        finally:
            box.stop()
    yield line("agent_start_empty", empty, "s", START_LIMIT, 1)
    yield line(f"agent_start_{BACKLOG}", again, "s", START_LIMIT, 1)
    yield line("agent_rss_idle", idle, "MB", LIMIT, 1)
    for name, value in {"rss": full, "peak": peak, "peak_learning": learned}.items():
        yield line(f"agent_{name}_{BACKLOG}", value, "MB", LIMIT, 1)


async def _learned(box: processes.Agent) -> None:
    """The index knows all that waits: only then rounds are made."""
    async with asyncio.timeout(WAIT_SECS):
        while (found := box.status()) is None or found.rows < BACKLOG or not found.pass_wall:  # noqa: ASYNC110  another process
            await asyncio.sleep(1)


def _started(box: processes.Agent) -> float:
    """-> seconds until the program said that it runs, Python's own start included."""
    began = time.perf_counter()
    box.start()
    return time.perf_counter() - began


def _memory(pid: int, name: str) -> float:
    """Megabytes."""
    for row in Path(f"/proc/{pid}/status").read_text().splitlines():
        if row.startswith(f"{name}:"):
            return int(row.split()[1]) / 1024
    raise ValueError(name)
