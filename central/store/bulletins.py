"""Announcements 公告, in the tables: drafted, released by another, taken back. Each act in the audit."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.release import ReleaseState
from central.store import released, trail
from central.store.posted_tables import bulletin


async def draft(conn: AsyncConnection, title: str, text: str, who: str, wall: int) -> int:
    """-> its number."""
    row = {
        "title": title,
        "text": text,
        "state": ReleaseState.DRAFT.value,
        "who": who,
        "made_wall": wall,
    }
    if known := await released.again(conn, bulletin, row, "title", "text"):
        return known
    number = int(await conn.scalar(insert(bulletin).values(**row).returning(bulletin.c.id)) or 0)
    await trail.note(conn, wall, who, "bulletin.draft", f"公告 {number}", title)
    return number


async def listed(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    return (await conn.execute(select(bulletin).order_by(bulletin.c.id.desc()).limit(limit))).all()


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return await released.one(conn, bulletin, number)


async def move(conn: AsyncConnection, row: Row[Any], to: ReleaseState, who: str, why: str, wall: int) -> None:
    """Raises UsageError where that may not be now."""
    await released.move(conn, bulletin, row, to, who, why, wall)
    await trail.note(conn, wall, who, f"bulletin.{to.value}", f"公告 {row.id}", why)


async def shown(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Those that anybody may know of, newest first: released, or taken back again."""
    query = select(bulletin).where(bulletin.c.state.in_(released.KNOWN))
    return (await conn.execute(query.order_by(bulletin.c.id.desc()).limit(limit))).all()
