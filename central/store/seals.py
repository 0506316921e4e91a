"""Seals of the issuing organs: one waits and one is in force at a time; the pictures lie sealed among the files, by their hash."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.seal import Seal
from central.store.dialect import insert_new
from central.store.tables import issuer_seal

_ONE = issuer_seal.c
_WAITS = _ONE.confirmed_wall.is_(None) & _ONE.ended_wall.is_(None)
_IN_FORCE = _ONE.confirmed_wall.is_not(None) & _ONE.ended_wall.is_(None)


async def in_force(conn: AsyncConnection, issuer: str) -> Seal | None:
    """What the documents of an organ bear from now on; None: nothing."""
    row = (await conn.execute(select(issuer_seal).where(_ONE.issuer == issuer, _IN_FORCE))).one_or_none()
    return Seal(row.digest.hex(), row.millimetres) if row is not None else None


async def listed(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Newest first."""
    return (await conn.execute(select(issuer_seal).order_by(_ONE.id.desc()))).all()


async def lock(conn: AsyncConnection, number: int) -> Row[Any] | None:
    """One that has not ended, held to the end of the transaction."""
    query = select(issuer_seal).where(_ONE.id == number, _ONE.ended_wall.is_(None)).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return (await conn.execute(select(issuer_seal).where(_ONE.id == number))).one_or_none()


async def add(conn: AsyncConnection, values: dict[str, Any]) -> int | None:
    """-> its number; None where one of the organ waits already."""
    found: int | None = await conn.scalar(insert_new(conn, issuer_seal).values(values).returning(_ONE.id))
    return found


async def confirm(conn: AsyncConnection, row: Row[Any], who: str, wall: int) -> None:
    """The former one ends in the same transaction."""
    former = update(issuer_seal).where(_ONE.issuer == row.issuer, _IN_FORCE)
    await conn.execute(former.values(ended_by=who, ended_why="由新的印章替代", ended_wall=wall))
    await conn.execute(
        update(issuer_seal).where(_ONE.id == row.id).values(confirmed_by=who, confirmed_wall=wall)
    )


async def end(conn: AsyncConnection, number: int, who: str, why: str, wall: int) -> None:
    values = {"ended_by": who, "ended_why": why, "ended_wall": wall}
    await conn.execute(update(issuer_seal).where(_ONE.id == number).values(**values))
