"""Silences, cut-off sites and the channels' sealed secrets: what holds messages back, and what sends them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.silence import Silence
from central.store.dialect import replace_row
from central.store.message_tables import channel_secret, cut_off, silence


async def add(conn: AsyncConnection, one: Silence, signature: bytes) -> int:
    """-> its number."""
    values = {name: getattr(one, name) for name in Silence.__struct_fields__}
    query = insert(silence).values(**values, signature=signature, ended_wall=None).returning(silence.c.id)
    found = await conn.scalar(query)
    assert isinstance(found, int)
    return found


def body_of(row: Row[Any]) -> Silence:
    return Silence(**{name: getattr(row, name) for name in Silence.__struct_fields__})


async def running(conn: AsyncConnection, now_at: int) -> Sequence[Row[Any]]:
    """Those that hold something back now, oldest first."""
    one = silence.c
    query = select(silence).where(one.ended_wall.is_(None), one.until_at > now_at).order_by(one.id)
    return (await conn.execute(query)).all()


async def end(conn: AsyncConnection, number: int, wall: int) -> bool:
    """Before its time; False where there is none that runs."""
    mine = silence.c.id == number, silence.c.ended_wall.is_(None)
    return (await conn.execute(update(silence).where(*mine).values(ended_wall=wall))).rowcount == 1


# sites that are cut off ----------------------------------------------------------------------------------------


async def cut_offs(conn: AsyncConnection) -> dict[str, Row[Any]]:
    return {row.site: row for row in await conn.execute(select(cut_off))}


async def set_cut_off(conn: AsyncConnection, site: str, since_at: int, *, told: bool) -> None:
    await conn.execute(replace_row(conn, cut_off), [{"site": site, "since_at": since_at, "told": told}])


async def is_whole(conn: AsyncConnection, site: str) -> None:
    await conn.execute(delete(cut_off).where(cut_off.c.site == site))


# secrets -------------------------------------------------------------------------------------------------------


async def secrets(conn: AsyncConnection) -> dict[str, bytes]:
    """Channel -> its sealed secret."""
    return {row.channel: row.sealed for row in await conn.execute(select(channel_secret))}


async def keep_secret(conn: AsyncConnection, channel: str, sealed: bytes) -> None:
    await conn.execute(replace_row(conn, channel_secret), [{"channel": channel, "sealed": sealed}])
