"""Consultations, in the tables."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.consult import Consult, State
from central.store.consult_tables import consult, consult_event
from central.store.dialect import insert_new

_BODY = msgspec.json.Decoder(Consult)


def body_of(row: Row[Any]) -> Consult:
    return _BODY.decode(row.body)


async def add(conn: AsyncConnection, values: dict[str, Any]) -> int | None:
    """-> its id; None where the number was received before."""
    query = insert_new(conn, consult).values(**values).returning(consult.c.id)
    found: int | None = await conn.scalar(query)
    return found


async def lock(conn: AsyncConnection, number: int) -> Row[Any] | None:
    query = select(consult).where(consult.c.id == number).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def write(conn: AsyncConnection, row: Row[Any], event: dict[str, Any], **values: Any) -> None:
    """Append to the events of the locked `row`, and set what has changed of it."""
    number = row.entries + 1
    await conn.execute(insert(consult_event).values(consult=row.id, number=number, **event))
    mine = consult.c.id == row.id, consult.c.entries == row.entries
    changed = await conn.execute(
        update(consult).where(*mine).values(entries=number, day=event["day"], **values)
    )
    assert changed.rowcount == 1, "the row is locked"


async def set_check(conn: AsyncConnection, number: int, next_check_at: int | None) -> None:
    await conn.execute(update(consult).where(consult.c.id == number).values(next_check_at=next_check_at))


async def due(conn: AsyncConnection, now_at: int, limit: int) -> list[int]:
    one = consult.c
    query = select(one.id).where(one.next_check_at.is_not(None), one.next_check_at <= now_at)
    return list(await conn.scalars(query.order_by(one.next_check_at, one.id).limit(limit)))


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return (await conn.execute(select(consult).where(consult.c.id == number))).one_or_none()


async def events(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    query = select(consult_event).where(consult_event.c.consult == number).order_by(consult_event.c.number)
    return (await conn.execute(query)).all()


async def listed(conn: AsyncConnection, state: State, limit: int) -> Sequence[Row[Any]]:
    """Those that wait by their day, the others newest first."""
    one = consult.c
    order = (one.due_day, one.id) if state is State.ASKED else (one.id.desc(),)
    query = select(consult).where(one.state == state.value)
    return (await conn.execute(query.order_by(*order).limit(limit))).all()


async def counts(conn: AsyncConnection) -> dict[str, int]:
    query = select(consult.c.state, func.count().label("number")).group_by(consult.c.state)
    return {row.state: row.number for row in await conn.execute(query)}


async def untold(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Whose page is older than they are."""
    one = consult.c
    query = select(consult).where(one.told < one.entries).order_by(one.id).limit(limit)
    return (await conn.execute(query)).all()


async def told(conn: AsyncConnection, number: int, entries: int) -> None:
    mine = consult.c.id == number, consult.c.told < entries
    await conn.execute(update(consult).where(*mine).values(told=entries))


async def untell_all(conn: AsyncConnection) -> None:
    """The public database is new."""
    await conn.execute(update(consult).values(told=0))
