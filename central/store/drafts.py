"""Drafts of documents that no correction asks for: what waits for a signature, what was signed, what was thrown away."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import insert_new
from central.store.tables import document_draft, document_draft_edit

_ONE = document_draft.c
_WAITS = _ONE.code.is_(None) & _ONE.ended_wall.is_(None)


async def add(conn: AsyncConnection, values: dict[str, Any]) -> int | None:
    """-> its number; None where one of the kind about the subject waits already, or is being written by somebody else."""
    mine = _ONE.subject == values["subject"], _ONE.kind == values["kind"]
    query = select(func.count(), func.count().filter(_WAITS)).where(*mine)
    before, waiting = (await conn.execute(query)).one()
    if waiting:
        return None
    row = values | {"cycle": before + 1, "code": None, "edits": 0}
    found: int | None = await conn.scalar(insert_new(conn, document_draft).values(row).returning(_ONE.id))
    return found


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return (await conn.execute(select(document_draft).where(_ONE.id == number))).one_or_none()


async def lock(conn: AsyncConnection, number: int) -> Row[Any] | None:
    """One that waits, held to the end of the transaction."""
    query = select(document_draft).where(_ONE.id == number, _WAITS).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def waiting(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Oldest first."""
    return (await conn.execute(select(document_draft).where(_WAITS).order_by(_ONE.made_at, _ONE.id))).all()


async def of_subject(conn: AsyncConnection, subject: str) -> Sequence[Row[Any]]:
    """Those that wait about `subject`."""
    query = select(document_draft).where(_ONE.subject == subject, _WAITS)
    return (await conn.execute(query.order_by(_ONE.id))).all()


async def edit(conn: AsyncConnection, values: dict[str, Any], facts: bytes) -> None:
    """Of the locked draft: what it says from now on, and the change beside it."""
    await conn.execute(insert(document_draft_edit).values(values))
    changed = update(document_draft).where(_ONE.id == values["draft"])
    await conn.execute(changed.values(facts=facts, edits=values["number"]))


async def edits(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    """Oldest first."""
    one = document_draft_edit.c
    query = select(document_draft_edit).where(one.draft == number).order_by(one.number)
    return (await conn.execute(query)).all()


async def signed(conn: AsyncConnection, number: int, code: str) -> None:
    await conn.execute(update(document_draft).where(_ONE.id == number).values(code=code))


async def ended(conn: AsyncConnection, number: int, who: str, why: str, wall: int) -> None:
    values = {"ended_by": who, "ended_why": why, "ended_wall": wall}
    await conn.execute(update(document_draft).where(_ONE.id == number).values(values))
