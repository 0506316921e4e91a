"""Forms to download, in the tables: drafted with both files, released by another, taken back. Each act in the audit."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.blank import Kind, Paper
from central.core.release import ReleaseState
from central.store import released, trail
from central.store.dialect import insert_new
from central.store.posted_tables import blank, blank_file


async def draft(
    conn: AsyncConnection,
    place: tuple[str, int],
    name: str,
    files: tuple[tuple[Paper, bytes], tuple[Paper, bytes]],
    who: str,
    wall: int,
) -> int:
    """-> its number. `place`: item and version; `files`: the form, its sample."""
    for paper, body in files:
        values = {"digest": paper.digest, "kind": paper.kind.value, "size": paper.size, "body": body}
        await conn.execute(insert_new(conn, blank_file).values(**values))
    item, version = place
    (form, _), (sample, _) = files
    row = {
        "item": item,
        "version": version,
        "name": name,
        "form": form.digest,
        "sample": sample.digest,
        "state": ReleaseState.DRAFT.value,
        "who": who,
        "made_wall": wall,
    }
    if known := await released.again(conn, blank, row, "item", "version", "name", "form", "sample"):
        return known
    number = int(await conn.scalar(insert(blank).values(**row).returning(blank.c.id)) or 0)
    await trail.note(conn, wall, who, "blank.draft", f"表格 {number}", f"{item} 第 {version} 版：{name}")
    return number


async def listed(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    return (await conn.execute(select(blank).order_by(blank.c.id.desc()).limit(limit))).all()


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return await released.one(conn, blank, number)


async def move(conn: AsyncConnection, row: Row[Any], to: ReleaseState, who: str, why: str, wall: int) -> None:
    """Raises UsageError where that may not be now."""
    await released.move(conn, blank, row, to, who, why, wall)
    await trail.note(conn, wall, who, f"blank.{to.value}", f"表格 {row.id}", why)


async def papers(conn: AsyncConnection, digests: Sequence[str]) -> dict[str, Paper]:
    """Digest -> what lies under it."""
    one = blank_file.c
    query = select(one.digest, one.kind, one.size).where(one.digest.in_(digests))
    return {row.digest: Paper(Kind(row.kind), row.size, row.digest) for row in await conn.execute(query)}


async def body(conn: AsyncConnection, digest: str) -> bytes | None:
    found: bytes | None = await conn.scalar(select(blank_file.c.body).where(blank_file.c.digest == digest))
    return found


async def shown(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Those released that stand, newest first."""
    query = select(blank).where(blank.c.state == ReleaseState.RELEASED.value)
    return (await conn.execute(query.order_by(blank.c.id.desc()).limit(limit))).all()
