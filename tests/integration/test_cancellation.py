"""Told to stop while something arrives: the stop wins, always.

`asyncio.wait_for` of Python 3.11 returns the result and forgets the cancellation when both come in one turn of the
loop. A loop that forgot its cancellation outlived its session: the agent crashed ("TaskGroup is shutting down") or
ignored SIGTERM. `asyncio.timeout` forgets nothing.
"""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from agent.core.mapping import SourceConfig
from agent.source.postgresql import PostgresqlSource
from central.store.engine import open_store
from tests.keyed import keyed

ROOT = Path(__file__).parents[2]


async def turns(number: int = 3) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_cancelled_read_of_the_source_ends_although_the_rows_came() -> None:
    source = PostgresqlSource(SourceConfig("postgresql"), "")
    came = asyncio.Event()
    task = asyncio.create_task(source._limited(came.wait()))
    await turns()
    came.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("package", ["agent", "central", "common"])
def test_no_loop_of_the_product_can_forget_its_cancellation(package: str) -> None:
    found = [
        str(path)
        for path in (ROOT / package).rglob("*.py")
        if "asyncio.wait_for(" in path.read_text("utf-8") and path.name != "doctor.py"
    ]
    assert found == []


async def test_whoever_is_cancelled_while_he_writes_leaves_no_lock_on_the_halls_database(
    tmp_path: Path,
) -> None:
    """SQLite keeps a connection that is closed with a cursor still referred to, with its lock, as a zombie."""
    store = await open_store(keyed(tmp_path / "central.db"))
    async with store.write() as conn:
        await conn.execute(text("CREATE TABLE place (number INTEGER)"))
    for _ in range(3):
        begun = asyncio.Event()

        async def fill(begun: asyncio.Event = begun) -> None:
            async with store.write() as conn:
                await conn.execute(text("INSERT INTO place VALUES (0)"))
                async with conn.begin_nested():
                    begun.set()
                    await conn.execute(
                        text("INSERT INTO place VALUES (:n)"), [{"n": n} for n in range(100_000)]
                    )

        filling = asyncio.create_task(fill())
        await begun.wait()
        await asyncio.sleep(0.01)
        filling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await filling
        async with store.write() as conn:  # within ten seconds, or UnavailableError
            await conn.execute(text("INSERT INTO place VALUES (1)"))
    async with store.read() as conn:
        assert await conn.scalar(text("SELECT count(*) FROM place")) == 3
    await store.close()
