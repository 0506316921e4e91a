"""The whole database out of one engine into another: a backup carries an SQLite file, whatever the hall runs on."""

from typing import Any

from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import insert_all, write_rows
from central.store.engine import Store, open_store
from central.store.key import parted
from central.store.tables import metadata
from common.core.errors import ConfigError

PAGE = 200
"""Rows in memory at a time: a row may hold a document."""


async def pour(source: str, target: str) -> int:
    """Every row of `source` into `target`, SQLAlchemy's addresses both; each is migrated first. -> how many.

    One snapshot is read (an SQLite file is to be nobody else's), and one transaction written. A target that holds the same
    number of rows of every table is taken for filled already. No key is asked for: what is sealed goes over as it lies, what is
    spoilt too. Raises ConfigError where the target holds anything else, UnavailableError.
    """
    stores: list[Store] = []
    try:
        for url in (source, target):
            stores.append(await open_store(parted(url)[0].render_as_string(hide_password=False)))
        from_, to = stores
        async with from_.read() as old, to.write() as new:
            if from_.dialect == "postgresql":
                await old.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            counts = await _counts(old)
            there = await _counts(new)
            if there == counts:
                return sum(counts.values())
            if any(there.values()):
                raise ConfigError(
                    "要恢复到的数据库里已有别的数据", hint="请建一个空的数据库，不要覆盖正在使用的"
                )
            for table in metadata.sorted_tables:
                await _pour_table(old, new, table)
            return sum(counts.values())
    finally:
        for store in stores:
            await store.close()


async def _counts(conn: AsyncConnection) -> dict[str, int]:
    return {
        table.name: int(await conn.scalar(select(func.count()).select_from(table)) or 0)
        for table in metadata.sorted_tables
    }


async def _pour_table(old: AsyncConnection, new: AsyncConnection, table: Table) -> None:
    result = await old.stream(select(table))
    async for page in result.partitions(PAGE):
        rows: list[dict[str, Any]] = [dict(row._mapping) for row in page]  # noqa: SLF001
        await write_rows(new, insert_all(table), rows)
    if new.dialect.name == "postgresql" and table.autoincrement_column is not None:
        await _go_on(new, table)


async def _go_on(conn: AsyncConnection, table: Table) -> None:
    """The next number that the engine gives is above those that were brought."""
    column = table.autoincrement_column
    assert column is not None
    quoted = conn.dialect.identifier_preparer.format_table(table)
    counter = await conn.scalar(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": quoted, "column": column.name}
    )
    if counter is not None:
        highest = await conn.scalar(select(func.max(column)))
        await conn.execute(
            text("SELECT setval(:counter, :next, false)"), {"counter": counter, "next": (highest or 0) + 1}
        )
