"""What is to be told of a judgement: written in its transaction, so that neither is ever there without the other.

Whoever tells it reads what waits, tells it under the row's own unique name, and marks it done: a crash in between tells it
again under the same name.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import insert_new, write_rows
from central.store.tables import outbox
from common.core.state import Light


def line(site: str, case_key: str, subject: str, cycle: int, event: str, made_wall: int) -> dict[str, Any]:
    """`subject`: kind of a clock, or id of a rule (`cycle` 0)."""
    return {
        "site": site,
        "case_key": case_key,
        "subject": subject,
        "cycle": cycle,
        "event": event,
        "made_wall": made_wall,
        "done_wall": None,
    }


async def add(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Each once: the same event of the same clock is not told again."""
    await write_rows(conn, insert_new(conn, outbox), rows)


async def waiting(conn: AsyncConnection, limit: int, but: Sequence[int] = ()) -> Sequence[Row[Any]]:
    """What has not been told, red lights first and then the oldest, without these numbers: a first load leaves hundreds of
    reminders, behind which nobody's red light is to wait.
    """
    query = select(outbox).where(outbox.c.done_wall.is_(None))
    query = query.order_by(outbox.c.event != Light.RED.value, outbox.c.id).limit(limit)
    return (await conn.execute(query.where(outbox.c.id.not_in(but)) if but else query)).all()


async def claim(conn: AsyncConnection, number: int) -> Row[Any] | None:
    """One that has not been told, held to the end of the transaction; None where another tells it, or has."""
    query = select(outbox).where(outbox.c.id == number, outbox.c.done_wall.is_(None))
    return (await conn.execute(query.with_for_update(skip_locked=True))).one_or_none()


async def done(conn: AsyncConnection, numbers: Sequence[int], wall: int) -> None:
    await conn.execute(update(outbox).where(outbox.c.id.in_(numbers)).values(done_wall=wall))
