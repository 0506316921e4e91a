"""Appending to the sealed buffer, and opening it with a million records in it.

The peer of appending is a bare SQLite table with the same durability (WAL, `synchronous=FULL`, a commit per batch) that
takes the same record bytes: no seal, no chain, no compression. Opening is measured in a new process, against the limits
of 2 s and 80 MB.
"""

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from agent.buffer import Buffer
from agent.epoch import Sealing
from benchmarks.figure import Figure, line
from common.clock import Clock
from common.core.record import Record, encode_record
from tests.sender import case

ROWS = {1: 400, 20: 10_000, 500: 50_000}
"""Records of a batch -> how many are appended."""
BACKLOG = 1_000_000
LIMIT_SECS, LIMIT_MB = 2.0, 80.0
_OPEN = """
import asyncio, sys, time
from pathlib import Path
from agent.buffer import Buffer
from agent.epoch import Sealing
from common.clock import Clock

async def main():
    began = time.perf_counter()
    path = Path(sys.argv[1]) / "buffer.db"
    buffer = await Buffer.open(path, seal=Sealing([bytes(32)]), site="s01", sign_key=bytes(32), clock=Clock())
    figures = await buffer.figures()
    run = await buffer.read(buffer.forgotten + 1, buffer.newest, 256 * 1024)
    secs = time.perf_counter() - began
    await buffer.close()
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    print(secs, int(peak) / 1024, figures.rows, len(run.records))

asyncio.run(main())
"""


async def measure() -> AsyncIterator[Figure]:
    for size, rows in ROWS.items():
        with tempfile.TemporaryDirectory() as folder:
            rate = await _append(Path(folder), rows, size)
            bare = await asyncio.to_thread(_bare, Path(folder) / "bare.db", rows, size)
        peer = ("bare SQLite, same durability", bare)
        yield line(f"append_batch_{size}", rate, "records/s", peer, 1)
    with tempfile.TemporaryDirectory() as folder:
        await _append(Path(folder), BACKLOG, 500)
        secs, megabytes = await asyncio.to_thread(_opening, Path(folder))
    yield line("open_with_1000000", secs, "s", ("limit", LIMIT_SECS), 1)
    yield line("open_with_1000000_rss", megabytes, "MB", ("limit", LIMIT_MB), 1)


async def opened(folder: Path) -> Buffer:
    path = folder / "buffer.db"
    return await Buffer.open(path, seal=Sealing([bytes(32)]), site="s01", sign_key=bytes(32), clock=Clock())


async def _append(folder: Path, rows: int, size: int) -> float:
    """-> records/s."""
    buffer = await opened(folder)
    began = time.perf_counter()
    for part in _batches(rows, size):
        await buffer.append(part, {"L0": b"position"})
    rate = rows / (time.perf_counter() - began)
    await buffer.close()
    return rate


def _bare(path: Path, rows: int, size: int) -> float:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE outbox(seq INTEGER PRIMARY KEY, raw BLOB NOT NULL)")
        began = time.perf_counter()
        for part in _batches(rows, size):
            raws = [(encode_record(item),) for item in part]
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO outbox(raw) VALUES(?)", raws)
            db.execute("COMMIT")
        return rows / (time.perf_counter() - began)


def _batches(rows: int, size: int) -> Iterator[list[Record]]:
    """Believable cases. The same draft serves many numbers, because making it is not what is measured."""
    fields: dict[str, Any] = {
        "applicant": "王小明",
        "item_name": "食品经营许可",
        "status": "accepted",
        "org": "云溪镇便民服务中心",
    }
    drafts = [case(f"YW2026{n:06}", at=1_781_245_925_000_000 + n, **fields) for n in range(size)]
    for first in range(0, rows, size):
        yield [msgspec.structs.replace(item, version=first + 1) for item in drafts[: min(size, rows - first)]]


def _opening(folder: Path) -> tuple[float, float]:
    """-> (seconds, MB of RSS) of a new process that opens the buffer and reads its first run."""
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    secs, megabytes, rows, read = done.stdout.split()
    assert int(rows) == BACKLOG
    assert int(read) > 0
    return float(secs), float(megabytes)
