"""The force of laws, as somebody has entered it, and their words, edition by edition."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import replace_row
from central.store.public_tables import statute, statute_text


async def put(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """One law; what was entered before under its name is corrected."""
    await conn.execute(replace_row(conn, statute).values(**row))


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
