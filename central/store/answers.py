"""What offices say to documents that no correction asks for: appended, never changed."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.sealed import Unopened
from central.store.tables import document, document_answer

_ONE = document_answer.c


async def held(conn: AsyncConnection, code: str) -> Sequence[Row[Any]]:
    """The answers to a document, oldest first; nobody else adds one until the transaction ends."""
    await conn.execute(select(document.c.code).where(document.c.code == code).with_for_update())
    return await of(conn, code)


async def of(conn: AsyncConnection, code: str) -> Sequence[Row[Any]]:
    """Oldest first."""
    query = select(document_answer).where(_ONE.code == code).order_by(_ONE.number)
    return (await conn.execute(query)).all()


async def add(conn: AsyncConnection, values: dict[str, Any], files: Sequence[tuple[str, str]]) -> None:
    """`files`: name and SHA-256 in hex of each."""
    row = values | {"files": msgspec.json.encode(files)}
    await conn.execute(insert(document_answer).values(row))


def files_of(row: Row[Any]) -> list[tuple[str, str]]:
    """Name and SHA-256 in hex; none of a row that does not open."""
    return (
        [] if isinstance(row.files, Unopened) else msgspec.json.decode(row.files, type=list[tuple[str, str]])
    )


async def first_days(conn: AsyncConnection, codes: Collection[str]) -> dict[str, date]:
    """Code -> the earliest day on which it was answered."""
    found: dict[str, list[date]] = defaultdict(list)
    for row in await conn.execute(select(_ONE.code, _ONE.day).where(_ONE.code.in_(codes))):
        found[row.code].append(date.fromisoformat(row.day))
    return {code: min(days) for code, days in found.items()}
