"""Records of a schema this version does not know: kept as they are until one that knows it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dead import Run
from central.store.dialect import insert_new, write_rows
from central.store.sealed import Unopened
from central.store.tables import parked_batch

_raws = msgspec.msgpack.Decoder(list[bytes])


async def add(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, insert_new(conn, parked_batch), rows)


async def first_known(conn: AsyncConnection, schema: int, skip: int) -> Row[Any] | None:
    """The oldest batch but `skip` that can be read now, locked where the engine locks rows."""
    query = select(parked_batch).where(parked_batch.c.schema == schema)
    query = query.order_by(parked_batch.c.at_wall, parked_batch.c.first).limit(1)
    return (await conn.execute(query.offset(skip).with_for_update())).first()


async def drop(conn: AsyncConnection, row: Row[Any]) -> None:
    batch = parked_batch.c
    await conn.execute(
        delete(parked_batch).where(batch.site == row.site, batch.epoch == row.epoch, batch.first == row.first)
    )


def records(row: Row[Any]) -> list[tuple[int, bytes]]:
    """(number, bytes) of each record; nothing for the bytes where they do not open."""
    if isinstance(row.raws, Unopened):
        return [(seq, b"") for seq in range(row.first, row.last + 1)]
    return list(enumerate(_raws.decode(row.raws), row.first))


async def of_epoch(conn: AsyncConnection, site: str, epoch: bytes) -> Sequence[Row[Any]]:
    batch = parked_batch.c
    query = select(parked_batch).where(batch.site == site, batch.epoch == epoch).order_by(batch.first)
    return (await conn.execute(query)).all()


async def listed(conn: AsyncConnection, site: str) -> Sequence[Row[Any]]:
    """Batches of one site, or of all, oldest first, without their content."""
    batch = parked_batch.c
    query = select(batch.site, batch.epoch, batch.first, batch.last, batch.schema, batch.at_wall)
    query = query.order_by(batch.at_wall, batch.first)
    return (await conn.execute(query.where(batch.site == site) if site else query)).all()


async def inside(conn: AsyncConnection, run: Run) -> Sequence[Row[Any]]:
    """Batches that lie wholly in `run`, locked where the engine locks rows."""
    batch = parked_batch.c
    query = select(parked_batch).where(
        batch.site == run.site, batch.epoch == run.epoch, batch.first >= run.lo, batch.last <= run.hi
    )
    return (await conn.execute(query.with_for_update())).all()


async def counts(conn: AsyncConnection) -> dict[str, int]:
    """Site -> records that wait for an upgrade."""
    batch = parked_batch.c
    number = func.sum(batch.last - batch.first + 1)
    rows = await conn.execute(select(batch.site, number).group_by(batch.site))
    return {site: int(records) for site, records in rows}


async def any_of(conn: AsyncConnection, site: str) -> bool:
    query = select(parked_batch.c.first).where(parked_batch.c.site == site).limit(1)
    return (await conn.execute(query)).first() is not None
