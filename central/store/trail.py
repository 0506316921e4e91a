"""The audit trail in the database: appended in the transaction of what it tells of, read page by page."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Select,
    Table,
    Text,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.trail import ACTS, START, Line, Seal, chained
from central.store.metadata import metadata
from central.store.sealed import SealedText

PAGE = 2_000
HALL = "mingcha"
"""Who does what the hall does by itself."""

audit_line = Table(
    "audit_line",  # who looked at personal data or decided something, and why; append-only and chained
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # from 1, without gaps
    Column("at_wall", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("why", SealedText("audit_line.why"), nullable=False),
    Column("chain", LargeBinary, nullable=False),  # central.core.trail.chained
    Index("ix_audit_line_who", "who", "id"),
    Index("ix_audit_line_act", "act", "id"),
)

audit_seal = Table(
    "audit_seal",  # the hall's signature under the trail
    metadata,
    Column("upto", BigInteger, primary_key=True, autoincrement=False),
    Column("chain", LargeBinary, nullable=False),
    Column("at_wall", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)


class Wanted(Struct, frozen=True):
    """Which lines are asked for; empty or 0: all."""

    who: str = ""
    act: str = ""
    subject: str = ""
    since_wall: int = 0
    until_wall: int = 0


async def note(conn: AsyncConnection, at_wall: int, who: str, act: str, subject: str, why: str) -> None:
    """A line: `who` did or looked at `subject`, and why. `act` is one of `ACTS`.

    Whoever writes at the same time waits for the commit.
    """
    assert act in ACTS, act
    if conn.dialect.name == "postgresql":
        await conn.execute(text("LOCK TABLE audit_line IN SHARE ROW EXCLUSIVE MODE"))
    last = await newest(conn)
    number, before = (last.id + 1, last.chain) if last else (1, START)
    line = {"id": number, "at_wall": at_wall, "who": who, "act": act, "subject": subject, "why": why}
    chain = chained(before, number, at_wall, who, act, subject, why)
    await conn.execute(insert(audit_line).values(**line, chain=chain))


async def newest(conn: AsyncConnection) -> Line | None:
    found = await _lines(conn, select(audit_line).order_by(audit_line.c.id.desc()).limit(1))
    return found[0] if found else None


async def oldest(conn: AsyncConnection) -> int | None:
    """When the first line was written, wall time; None where there is none."""
    found = await conn.scalar(select(audit_line.c.at_wall).order_by(audit_line.c.id).limit(1))
    return None if found is None else int(found)


async def listed(conn: AsyncConnection, wanted: Wanted, limit: int, below: int | None = None) -> list[Line]:
    """Newest first; `below`: only lines with a lower number."""
    line = audit_line.c
    query = select(audit_line).order_by(line.id.desc()).limit(limit)
    if wanted.who:
        query = query.where(line.who == wanted.who)
    if wanted.act:
        query = query.where(line.act.startswith(wanted.act, autoescape=True))
    if wanted.subject:
        query = query.where(line.subject.contains(wanted.subject, autoescape=True))
    if wanted.since_wall:
        query = query.where(line.at_wall >= wanted.since_wall)
    if wanted.until_wall:
        query = query.where(line.at_wall < wanted.until_wall)
    if below is not None:
        query = query.where(line.id < below)
    return await _lines(conn, query)


async def about(conn: AsyncConnection, act: str, subject: str, limit: int) -> list[Line]:
    """Who did `act` to exactly `subject`, newest first."""
    line = audit_line.c
    query = select(audit_line).where(line.act == act, line.subject == subject)
    return await _lines(conn, query.order_by(line.id.desc()).limit(limit))


async def newest_of(conn: AsyncConnection, act: str, begins: str) -> Line | None:
    """The newest `act` whose subject begins with `begins`."""
    line = audit_line.c
    query = select(audit_line).where(line.act == act, line.subject.startswith(begins, autoescape=True))
    found = await _lines(conn, query.order_by(line.id.desc()).limit(1))
    return found[0] if found else None


async def everything(conn: AsyncConnection, after: int = -(1 << 62)) -> AsyncIterator[list[Line]]:
    """Lines with a higher number than `after`, in order of numbers, a page at a time."""
    while True:
        query = select(audit_line).where(audit_line.c.id > after).order_by(audit_line.c.id).limit(PAGE)
        found = await _lines(conn, query)
        if not found:
            return
        yield found
        after = found[-1].id


async def seals(conn: AsyncConnection) -> list[Seal]:
    rows = await conn.execute(select(audit_seal).order_by(audit_seal.c.upto))
    return [Seal(row.upto, row.chain, row.at_wall, row.signature) for row in rows]


async def last_sealed(conn: AsyncConnection) -> int:
    """0: nothing is."""
    query = select(audit_seal.c.upto).order_by(audit_seal.c.upto.desc()).limit(1)
    return int(await conn.scalar(query) or 0)


async def keep(conn: AsyncConnection, seal: Seal) -> None:
    values = {"upto": seal.upto, "chain": seal.chain, "at_wall": seal.at_wall, "signature": seal.signature}
    await conn.execute(insert(audit_seal).values(**values))


async def _lines(conn: AsyncConnection, query: "Select[tuple[object, ...]]") -> list[Line]:
    rows: Sequence[object] = (await conn.execute(query)).all()
    return [_line(row) for row in rows]


def _line(row: object) -> Line:
    return Line(*(getattr(row, name) for name in Line.__struct_fields__))
