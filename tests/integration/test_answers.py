"""Answers of SQLite, small ones in one crossing to its thread, large ones in parts: each row once, in its order."""

from pathlib import Path

import pytest
from sqlalchemy import text

from central.store.engine import open_store
from tests.keyed import keyed

pytestmark = pytest.mark.slow
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last) SELECT i FROM n"


@pytest.mark.parametrize("last", [1, 499, 500, 501, 1_000, 1_700])
async def test_all_at_once_and_one_part_after_the_other(tmp_path: Path, last: int) -> None:
    store = await open_store(keyed(tmp_path / "central.db"))
    try:
        async with store.read() as conn:
            found = (await conn.execute(text(NUMBERS), {"last": last})).scalars().all()
            assert found == [*range(1, last + 1)]
            streamed = await conn.stream(text(NUMBERS), {"last": last})
            assert [row.i async for row in streamed] == [*range(1, last + 1)]
            left = await conn.stream(text(NUMBERS), {"last": last})
            await left.fetchone()
            await left.close()  # what nobody asked for is not fetched, and holds nothing
        async with store.write() as conn:
            await conn.execute(text("CREATE TABLE t(i)"))
            many = await conn.execute(text("INSERT INTO t VALUES (:i)"), [{"i": i} for i in range(last)])
            assert many.rowcount == last
            one = await conn.execute(text("INSERT INTO t VALUES (7) RETURNING i"))
            assert one.scalar_one() == 7
            assert (await conn.execute(text("DELETE FROM t"))).rowcount == last + 1
    finally:
        await store.close()
