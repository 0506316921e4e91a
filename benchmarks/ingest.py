"""The hall's ingest alone: sealed batches -> opened, checked, stored, folded, judged, committed; on both databases.

The peers put the same rows of the `record` table into a table like it and do nothing else: executemany with a commit per
batch on SQLite, COPY with a commit per batch on PostgreSQL.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
from sqlalchemy import insert, select

from benchmarks.figure import Figure, line
from central import judge
from central.ingest import ingest_batches
from central.judge import Moment
from central.opening import open_batch
from central.store import tables as t
from central.store import tallies
from central.store.engine import Store, open_store
from central.welcome import introduce
from common.clock import Clock
from tests import services
from tests.keyed import keyed, keyed_server
from tests.sender import SECRETS, Sender, case

ROWS, SIZE = 20_000, 500
ZONE = ZoneInfo("Asia/Shanghai")
NAMES = [column.name for column in t.record.columns]


async def measure() -> AsyncIterator[Figure]:
    payloads, sender = _payloads()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "central.db"
        (Path(folder) / "marked").mkdir()
        rate, rows = await _ingest(keyed(file), sender, payloads)
        marked, _ = await _ingest(
            keyed(Path(folder) / "marked" / "central.db"), sender, payloads, rolled=True
        )
        yield line("ingest_rolled_sqlite", marked, "records/s", ("without marks for the roll-ups", rate), 1)
        bare = await asyncio.to_thread(_executemany, Path(folder) / "bare.db", rows)
        yield line("ingest_sqlite", rate, "records/s", ("bare executemany of the record rows", bare), 1)
        async with services.postgresql() as server:
            url = server.url(await server.create_database())
            rate, rows = await _ingest(keyed_server(url, Path(folder)), sender, payloads)
            other = keyed_server(server.url(await server.create_database()), Path(folder) / "marked")
            marked, _ = await _ingest(other, sender, payloads, rolled=True)
            yield line(
                "ingest_rolled_postgresql", marked, "records/s", ("without marks for the roll-ups", rate), 1
            )
            bare = await _copy(url, rows)
        yield line("ingest_postgresql", rate, "records/s", ("bare COPY of the record rows", bare), 1)


def _payloads() -> tuple[list[bytes], Sender]:
    sender = Sender()
    now = Clock().office()
    sender.number(
        *(
            case(f"YW{n:06}", at=now, applicant="王小明", item_name="食品经营许可", status="accepted")
            for n in range(ROWS)
        )
    )
    runs = range(1, ROWS + 1, SIZE)
    return [sender.payload(first, first + SIZE - 1) for first in runs], sender


async def _ingest(
    url: str, sender: Sender, payloads: Sequence[bytes], *, rolled: bool = False
) -> tuple[float, list[dict[str, Any]]]:
    """-> (records/s, the rows of `record`). `rolled`: each changed case is marked for the roll-ups, as in a hall that runs."""
    store = await open_store(url)
    now = Moment(Clock().office(), Clock().wall())
    site = {"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}
    box = {"site": "s01", "generation": 1, "sign_key": sender.sign_key, "state": "active", "created_wall": 0}
    async with store.write() as conn:
        await conn.execute(insert(t.site), [site])
        await conn.execute(insert(t.box), [box])
        world = await judge.load_world(conn, ZONE)
        await introduce(conn, "s01", sender.hello(), now.wall)
        if rolled:
            await tallies.begin(conn, ZONE.key, "1")
    began = time.perf_counter()
    for payload in payloads:
        opened = open_batch("s01", payload, SECRETS, sender.sign_key)
        async with store.write() as conn:
            await ingest_batches(conn, [opened], world, now)
    rate = ROWS / (time.perf_counter() - began)
    return rate, await _rows(store)


async def _rows(store: Store) -> list[dict[str, Any]]:
    async with store.read() as conn:
        found = [dict(row._mapping) for row in await conn.execute(select(t.record))]  # noqa: SLF001
    await store.close()
    return found


def _executemany(path: Path, rows: Sequence[dict[str, Any]]) -> float:
    places = ",".join(f":{name}" for name in NAMES)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"CREATE TABLE record({','.join(NAMES)}, PRIMARY KEY(site, epoch, seq))")
        began = time.perf_counter()
        for first in range(0, len(rows), SIZE):
            db.execute("BEGIN IMMEDIATE")
            db.executemany(f"INSERT INTO record VALUES({places})", rows[first : first + SIZE])
            db.execute("COMMIT")
        return len(rows) / (time.perf_counter() - began)


async def _copy(url: str, rows: Sequence[dict[str, Any]]) -> float:
    conn = await asyncpg.connect(url)
    try:
        await conn.execute("CREATE TABLE bare (LIKE record INCLUDING ALL)")
        tuples = [tuple(row[name] for name in NAMES) for row in rows]
        began = time.perf_counter()
        for first in range(0, len(tuples), SIZE):
            await conn.copy_records_to_table("bare", records=tuples[first : first + SIZE], columns=NAMES)
        return len(rows) / (time.perf_counter() - began)
    finally:
        await conn.close()
