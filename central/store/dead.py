"""Dead letters: records nobody could read, kept whole, and what people did about them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.tables import dead_letter
from common.core.state import LetterState

PAGE = 200


class Run(Struct, frozen=True):
    """Numbers lo..hi of an epoch."""

    site: str
    epoch: bytes
    lo: int
    hi: int


OPEN = dead_letter.c.state == LetterState.OPEN.value


async def listed(conn: AsyncConnection, site: str) -> Sequence[Row[Any]]:
    """Letters of one site, or of all, oldest first."""
    query = select(dead_letter).order_by(dead_letter.c.at_wall, dead_letter.c.seq)
    return (await conn.execute(query.where(dead_letter.c.site == site) if site else query)).all()


async def open_letters(conn: AsyncConnection) -> AsyncIterator[Row[Any]]:
    """In the order in which they came, a page at a time."""
    letter = dead_letter.c
    order = letter.at_wall, letter.site, letter.epoch, letter.seq
    query, skip = select(dead_letter).where(OPEN).order_by(*order).limit(PAGE), 0
    while page := (await conn.execute(query.offset(skip))).all():
        for row in page:
            yield row
        skip += len(page)


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


async def give_up(conn: AsyncConnection, run: Run) -> int:
    """Letters in `run` that are open are dropped. -> how many."""
    letter = dead_letter.c
    which = letter.site == run.site, letter.epoch == run.epoch, letter.seq.between(run.lo, run.hi), OPEN
    statement = update(dead_letter).where(*which).values(state=LetterState.DROPPED.value)
    return (await conn.execute(statement)).rowcount
