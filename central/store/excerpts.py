"""投诉答复选登, in the tables: drafted from a complaint, released by another, taken back. Each act in the audit."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.release import ReleaseState
from central.store import released, trail
from central.store.posted_tables import excerpt

_STANDS = (ReleaseState.DRAFT.value, ReleaseState.RELEASED.value)


async def draft(
    conn: AsyncConnection, complaint: Row[Any], text: str, reply: str, who: str, wall: int
) -> int | None:
    """Of the locked `complaint`. -> its number; that of the same form where it was sent before; None where another one waits or is
    public.
    """
    row = {"complaint": complaint.id, "state": ReleaseState.DRAFT.value, "who": who}
    standing = [one for one in await of(conn, complaint.id) if one.state in _STANDS]
    same = [one.id for one in standing if (one.who, one.text, one.reply) == (who, text, reply)]
    if standing:
        return same[0] if same else None
    row |= {"topic": complaint.topic, "text": text, "reply": reply, "made_wall": wall}
    number = int(await conn.scalar(insert(excerpt).values(**row).returning(excerpt.c.id)) or 0)
    await trail.note(conn, wall, who, "excerpt.draft", complaint.number, f"选登 {number}")
    return number


async def of(conn: AsyncConnection, complaint: int) -> Sequence[Row[Any]]:
    """All that were drafted of a complaint, newest first."""
    query = select(excerpt).where(excerpt.c.complaint == complaint)
    return (await conn.execute(query.order_by(excerpt.c.id.desc()))).all()


async def listed(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    return (await conn.execute(select(excerpt).order_by(excerpt.c.id.desc()).limit(limit))).all()


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return await released.one(conn, excerpt, number)


async def move(conn: AsyncConnection, row: Row[Any], to: ReleaseState, who: str, why: str, wall: int) -> None:
    """Raises UsageError where that may not be now."""
    await released.move(conn, excerpt, row, to, who, why, wall)
    await trail.note(conn, wall, who, f"excerpt.{to.value}", f"选登 {row.id}", why)


async def shown(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Those that anybody may read, newest first."""
    query = select(excerpt).where(excerpt.c.state == ReleaseState.RELEASED.value)
    return (await conn.execute(query.order_by(excerpt.c.id.desc()).limit(limit))).all()
