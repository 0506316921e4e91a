"""Dead letters: records nobody could read, kept whole, and what people did about them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.tables import audit_line, dead_letter
from common.core.state import LetterState

OPEN = dead_letter.c.state == LetterState.OPEN.value


async def listed(conn: AsyncConnection, site: str) -> Sequence[Row[Any]]:
    """Letters of one site, or of all, oldest first."""
    query = select(dead_letter).order_by(dead_letter.c.at_wall, dead_letter.c.seq)
    return (await conn.execute(query.where(dead_letter.c.site == site) if site else query)).all()


async def find(conn: AsyncConnection, site: str, epoch: bytes, seq: int) -> Row[Any] | None:
    """Locked to the end of the transaction where the engine locks rows."""
    letter = dead_letter.c
    query = select(dead_letter).where(letter.site == site, letter.epoch == epoch, letter.seq == seq)
    return (await conn.execute(query.with_for_update())).first()


async def settle(conn: AsyncConnection, row: Row[Any], state: LetterState) -> None:
    letter = dead_letter.c
    statement = update(dead_letter).where(
        letter.site == row.site, letter.epoch == row.epoch, letter.seq == row.seq
    )
    await conn.execute(statement.values(state=state.value))


async def note(conn: AsyncConnection, at_wall: int, who: str, act: str, subject: str, why: str) -> None:
    """A line of the audit: who did or looked at what, and why."""
    line = {"at_wall": at_wall, "who": who, "act": act, "subject": subject, "why": why}
    await conn.execute(insert(audit_line).values(**line))
