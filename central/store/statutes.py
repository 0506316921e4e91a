"""The force of laws, as somebody has entered it, and their words, edition by edition."""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.release import ReleaseState
from central.core.statute import Statute
from central.store import released, trail
from central.store.dialect import replace_row
from central.store.posted_tables import statute_draft
from central.store.public_tables import statute, statute_text


async def put(conn: AsyncConnection, one: Statute) -> None:
    """One law; what was entered before under its name is corrected."""
    until = str(one.repealed) if one.repealed else None
    values = {"name": one.name, "number": one.number, "effective": str(one.effective), "repealed": until}
    await conn.execute(replace_row(conn, statute).values(**values))


async def of_name(conn: AsyncConnection, name: str) -> Row[Any] | None:
    return (await conn.execute(select(statute).where(statute.c.name == name))).one_or_none()


async def listed(conn: AsyncConnection) -> Sequence[Row[Any]]:
    return (await conn.execute(select(statute).order_by(statute.c.name))).all()


class Words(Struct, frozen=True):
    """One edition of a law's text. `digest`: SHA-256 of the file it came from, hexadecimal."""

    since: date
    digest: str
    text: str


async def add_text(conn: AsyncConnection, name: str, words: Words) -> int:
    """-> the edition's number."""
    one = statute_text.c
    newest = await conn.scalar(select(func.max(one.version)).where(one.name == name))
    version = int(newest or 0) + 1
    values = {"since": str(words.since), "digest": words.digest, "text": words.text}
    await conn.execute(insert(statute_text).values(name=name, version=version, **values))
    return version


async def editions(conn: AsyncConnection) -> tuple[tuple[str, int], ...]:
    one = statute_text.c
    rows = await conn.execute(select(one.name, one.version).order_by(one.name, one.version))
    return tuple((row.name, row.version) for row in rows)


async def text(conn: AsyncConnection, name: str, version: int) -> Words:
    one = statute_text.c
    query = select(one.since, one.digest, one.text).where(one.name == name, one.version == version)
    row = (await conn.execute(query)).one()
    return Words(date.fromisoformat(row.since), row.digest, row.text)


# entered by one person, released by another ---------------------------------------------------------------------


async def draft(conn: AsyncConnection, one: Statute, who: str, wall: int) -> int:
    """-> its number; of what is refused too."""
    row = {
        "name": one.name,
        "number": one.number,
        "effective": str(one.effective),
        "repealed": str(one.repealed) if one.repealed else None,
        "since": str(one.since) if one.since and one.text else None,
        "text": one.text,
        "state": ReleaseState.DRAFT.value,
        "who": who,
        "made_wall": wall,
    }
    if known := await released.again(conn, statute_draft, row, "name", "number", "effective", "text"):
        return known
    number = int(await conn.scalar(insert(statute_draft).values(**row).returning(statute_draft.c.id)) or 0)
    await trail.note(conn, wall, who, "statute.draft", f"法规 {number}", one.name)
    return number


def drafted(row: Row[Any]) -> Statute:
    """What the draft says."""
    days = {
        name: date.fromisoformat(getattr(row, name)) if getattr(row, name) else None
        for name in ("repealed", "since")
    }
    effective = date.fromisoformat(row.effective)
    return Statute(name=row.name, number=row.number, effective=effective, text=row.text, **days)


async def drafts(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Newest first, without their texts."""
    one = statute_draft.c
    query = select(*(column for column in one if column.name != "text"))
    return (await conn.execute(query.order_by(one.id.desc()).limit(limit))).all()


async def one_draft(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return await released.one(conn, statute_draft, number)


async def decide(
    conn: AsyncConnection, row: Row[Any], to: ReleaseState, who: str, why: str, wall: int
) -> None:
    """Release, with which it is public, or refuse. Raises UsageError where that may not be now."""
    await released.move(conn, statute_draft, row, to, who, why, wall)
    await trail.note(conn, wall, who, f"statute.{to.value}", f"法规 {row.id}", why)
    if to is not ReleaseState.RELEASED:
        return
    one = drafted(row)
    await put(conn, one)
    if one.since is not None:
        await add_text(
            conn, one.name, Words(one.since, hashlib.sha256(one.text.encode()).hexdigest(), one.text)
        )
