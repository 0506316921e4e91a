"""The vendor alters his table while the agent reads it at full speed: he never waits for us, and we go on reading.

What he waited is told by the server itself, in the statement's own process. Both limits that bound it are asked for in a
session of the adapter: a statement of ours ends by itself, and none of ours queues for long before his.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncmy
import asyncpg
import pytest

from agent import mapping
from agent.app import adapter
from agent.core.query import Query
from agent.source import base
from provisioning.core.identity import Box
from tests.hazard.run import MAPPING
from tests.hazard.store import MariaDbStore, PostgreSqlStore
from tests.processes import Agent
from tests.server import HOST
from tests.services import ADMIN, PASSWORD, MariaDb, Mosquitto, PostgreSql

pytestmark = pytest.mark.service

BOX = Box("s01", 1)
ROWS, ALTERATIONS = 20_000, 12
READ_ON = 2_000
"""Rows that are read between two of them."""
BOUND_SECS = 1.0
HELD_SECS = 0.6
GREEDY = """[capture]
poll_secs = 0.05
sweep_secs = 0.05
pass_secs = 0.05
hot_secs = 0.05
duty = 1.0
rows_per_sec = 1000000
"""
_TIMED = """
CREATE FUNCTION altered(statement text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE began timestamptz := clock_timestamp();
BEGIN
  EXECUTE statement;
  RETURN extract(epoch FROM clock_timestamp() - began);
END $$
"""


@asynccontextmanager
async def reading(broker: Mosquitto, source: str) -> AsyncIterator[Agent]:
    """The agent, walking over and over again."""
    agent = Agent(broker, BOX, MAPPING.format(source=source))
    text = agent.config.read_text("utf-8")
    begin, end = text.index("[capture]"), text.index("[mqtt]")
    agent.config.write_text(f"{text[:begin]}{GREEDY}{text[end:]}", "utf-8")
    agent.hand_over(*broker.box(BOX.name).iterdir())
    await asyncio.to_thread(agent.start)
    try:
        await _walked(agent)
        yield agent
        await _walked(agent)
    finally:
        await asyncio.to_thread(agent.stop)


async def _walked(agent: Agent) -> None:
    """Since now, all of the table, and stated so."""
    status = agent.status()
    before = status.pass_wall if status is not None else 0

    async def done() -> bool:
        found = agent.status()
        return found is not None and found.pass_wall > before and not found.table_faults

    await _until(done)


async def _until(done: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await done():  # noqa: ASYNC110  a server is asked
            await asyncio.sleep(0.05)


def _statements() -> list[str]:
    """With the table's copy and without."""
    return [
        f"ALTER TABLE {{table}} ADD COLUMN n{place} {kind}"
        for place, kind in enumerate(["INT", "BIGINT DEFAULT 7 NOT NULL"] * (ALTERATIONS // 2))
    ]


async def _session(broker: Mosquitto, source: str, sql: str) -> list[str]:
    """What a session of the adapter says of itself."""
    folder = broker.box(BOX.name)
    (folder / "mapping.toml").write_text(MAPPING.format(source=source), "utf-8")
    config, _ = mapping.load(folder / "mapping.toml")
    opened = adapter(config, Path(folder))
    try:
        return [str(value) for value in (await opened.fetch(Query(sql)))[0]]
    finally:
        await opened.close()


async def _altered(cursor: Any, statement: str) -> float:
    """-> seconds for which it waited for locks, by MariaDB's profile of it."""
    await cursor.execute(statement)
    await cursor.execute(
        "SELECT coalesce(sum(duration), 0) FROM information_schema.profiling WHERE state LIKE 'Waiting for%'"
    )
    return float((await cursor.fetchone())[0])


async def test_an_alteration_on_mariadb_never_waits_for_the_reader(
    mariadb: MariaDb, mosquitto: Mosquitto
) -> None:
    store = MariaDbStore(mariadb, mosquitto.box(BOX.name))
    await store.create()
    database = store.database
    await mariadb.execute(
        "INSERT INTO SP_YWSL (SLBH, SQR, ZT, BLR, XGSJ) "
        f"SELECT concat('SL', seq), '王秀英', 1, '赵敏', now() FROM seq_1_to_{ROWS}",
        database=database,
    )
    limits = await _session(mosquitto, store.mapping(), "SELECT @@lock_wait_timeout, @@max_statement_time")
    assert float(limits[0]) <= base.LOCK_SECS
    assert float(limits[1]) <= base.STATEMENT_SECS
    waited, begun = list[float](), 0
    async with reading(mosquitto, store.mapping()):
        vendor = await asyncmy.connect(
            host=HOST, port=mariadb.port, user=ADMIN, password=PASSWORD, database=database
        )
        async with vendor.cursor() as cursor:
            await cursor.execute("SET profiling = 1, profiling_history_size = 1")

            async def read_on() -> bool:
                await cursor.execute("SHOW GLOBAL STATUS LIKE 'Handler_read_next'")
                return int((await cursor.fetchone())[1]) > begun + READ_ON

            for statement in _statements():
                waited.append(await _altered(cursor, statement.format(table="SP_YWSL")))
                await cursor.execute("SHOW GLOBAL STATUS LIKE 'Handler_read_next'")
                begun = int((await cursor.fetchone())[1])
                await _until(read_on)
            async with store.session() as idle:  # what we never do; and that it would be seen here
                await idle.run("SELECT count(*) FROM SP_YWSL")
                altering = asyncio.create_task(_altered(cursor, "ALTER TABLE SP_YWSL ADD COLUMN last INT"))
                await asyncio.sleep(HELD_SECS)
            assert await altering > HELD_SECS / 2
        vendor.close()
    print("\nwaited on MariaDB:", [round(secs, 3) for secs in waited])
    assert max(waited) < BOUND_SECS


async def test_an_alteration_on_postgresql_never_waits_for_the_reader(
    postgresql: PostgreSql, mosquitto: Mosquitto
) -> None:
    store = PostgreSqlStore(postgresql, mosquitto.box(BOX.name))
    await store.create()
    database = store.database
    await postgresql.execute(
        'INSERT INTO "SP_YWSL" ("SLBH", "SQR", "ZT", "BLR", "XGSJ") '
        f"SELECT 'SL' || n, '王秀英', 1, '赵敏', now() FROM generate_series(1, {ROWS}) n",
        database=database,
    )
    await postgresql.execute(_TIMED, database=database)
    limits = await _session(
        mosquitto,
        store.mapping(),
        "SELECT (SELECT setting FROM pg_settings WHERE name = 'lock_timeout'), "
        "(SELECT setting FROM pg_settings WHERE name = 'statement_timeout')",
    )
    assert 0 < int(limits[0]) <= base.LOCK_SECS * 1000
    assert 0 < int(limits[1]) <= base.STATEMENT_SECS * 1000
    waited, seen = list[float](), set[tuple[str, object]]()
    async with reading(mosquitto, store.mapping()):
        vendor = await asyncpg.connect(postgresql.url(database))

        async def read_on() -> bool:
            asked = "SELECT state, query_start FROM pg_stat_activity WHERE application_name = 'mingcha-agent'"
            found = {tuple(row) for row in await vendor.fetch(asked)}
            is_new = bool(found - seen)
            seen.update(found)
            return is_new

        for statement in _statements():
            waited.append(await vendor.fetchval("SELECT altered($1)", statement.format(table='"SP_YWSL"')))
            for _ in range(3):
                await _until(read_on)
        async with store.session() as idle:
            await idle.run("SELECT count(*) FROM SP_YWSL")
            adding = 'ALTER TABLE "SP_YWSL" ADD COLUMN last INT'
            altering = asyncio.create_task(vendor.fetchval("SELECT altered($1)", adding))
            await asyncio.sleep(HELD_SECS)
        assert await altering > HELD_SECS / 2
        await vendor.close()
    print("\naltered on PostgreSQL:", [round(secs, 3) for secs in waited])
    assert {state for state, _ in seen} <= {"active", "idle"}, "an open transaction keeps its locks"
    assert max(waited) < BOUND_SECS
