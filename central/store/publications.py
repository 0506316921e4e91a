"""What is made public, in the tables: drafted with its files, released by another, withdrawn with a reason. All in the audit."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.release import ReleaseState
from central.store import released, trail
from central.store.score_tables import publication, publication_file
from common.core.errors import UsageError


async def draft(
    conn: AsyncConnection,
    run: Row[Any],
    title: str,
    made: Mapping[str, bytes],
    who: str,
    why: str,
    wall: int,
) -> int:
    """-> its number. What is released later is exactly `made`."""
    values = {
        "run": run.id,
        "period": run.period,
        "title": title,
        "state": ReleaseState.DRAFT.value,
        "who": who,
        "why": why,
        "made_wall": wall,
    }
    known = await released.again(conn, publication, values, "run", "title")
    if known and await files(conn, known) == dict(made):
        return known
    number = int(await conn.scalar(insert(publication).values(**values).returning(publication.c.id)) or 0)
    rows = [
        {"publication": number, "name": name, "digest": hashlib.sha256(body).hexdigest(), "body": body}
        for name, body in sorted(made.items())
    ]
    await conn.execute(insert(publication_file), rows)
    await trail.note(conn, wall, who, "publication.draft", f"{run.period} 第 {number} 份", why)
    return number


async def listed(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    query = select(publication).order_by(publication.c.id.desc()).limit(limit)
    return (await conn.execute(query)).all()


async def shown(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Those that anybody may know of, newest first: released, or taken back again."""
    query = select(publication).where(publication.c.state.in_(released.KNOWN))
    return (await conn.execute(query.order_by(publication.c.id.desc()).limit(limit))).all()


async def one(conn: AsyncConnection, number: int) -> Row[Any]:
    """Raises UsageError where there is none."""
    row = await released.one(conn, publication, number)
    if row is None:
        raise UsageError(f"没有公布件 {number}", hint="编号见  mingcha publication list")
    return row


async def files(conn: AsyncConnection, number: int) -> dict[str, bytes]:
    """Name -> content."""
    file = publication_file.c
    query = select(file.name, file.body).where(file.publication == number).order_by(file.name)
    return {row.name: bytes(row.body) for row in await conn.execute(query)}


async def decide(conn: AsyncConnection, number: int, to: ReleaseState, who: str, why: str, wall: int) -> None:
    """Release or refuse a draft of somebody else. Raises UsageError where it is one's own, or no draft any more."""
    await move(conn, number, to, who, why, wall)


async def withdraw(conn: AsyncConnection, number: int, who: str, why: str, wall: int) -> None:
    """Take a released one back: it stays in the list, with the reason. Raises UsageError where it is not released."""
    await move(conn, number, ReleaseState.WITHDRAWN, who, why, wall)


async def move(conn: AsyncConnection, number: int, to: ReleaseState, who: str, why: str, wall: int) -> None:
    """Any of the two. Raises UsageError where that may not be now."""
    row = await one(conn, number)
    await released.move(conn, publication, row, to, who, why, wall)
    await trail.note(conn, wall, who, f"publication.{to.value}", f"{row.period} 第 {number} 份", why)
