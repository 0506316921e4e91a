"""简报 in the database: what is told how often, what was drafted for which period, and who wants to be told."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.correction_tables import correction
from central.store.dialect import insert_new
from central.store.document_tables import document, document_draft
from central.store.metadata import metadata

briefing_plan = Table(
    "briefing_plan",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),  # what it is about, for the title
    Column("every", Text, nullable=False),  # central.core.briefing.Every
    Column("query", Text, nullable=False),  # as a saved view of the statistics keeps it
    Column("issuer", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("since", Text, nullable=False),  # day on which it was planned: what had ended then is not told
    Column("made_wall", BigInteger, nullable=False),
    Column("fault", Text, nullable=False),  # why the newest could not be drafted; empty: it could
    Column("ended_by", Text),
    Column("ended_wall", BigInteger),
)
briefing = Table(
    "briefing",  # one for each period, whatever became of its draft
    metadata,
    Column("plan", Integer, nullable=False),
    Column("period", Text, nullable=False),
    Column("draft", BigInteger),  # NULL only inside the transaction that makes it
    PrimaryKeyConstraint("plan", "period"),
)
briefing_reader = Table(
    "briefing_reader",
    metadata,
    Column("plan", Integer, nullable=False),
    Column("user", Text, nullable=False),
    PrimaryKeyConstraint("plan", "user"),
)
_plan = briefing_plan.c


async def add(conn: AsyncConnection, values: dict[str, Any]) -> int:
    """-> its number."""
    made = await conn.execute(insert(briefing_plan).values(**values, fault="").returning(_plan.id))
    return int(made.scalar_one())


async def plans(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Those that go on, in the order in which they were made."""
    query = select(briefing_plan).where(_plan.ended_wall.is_(None)).order_by(_plan.id)
    return (await conn.execute(query)).all()


async def plan(conn: AsyncConnection, number: int) -> Row[Any] | None:
    """Also one that has ended: its drafts may wait still."""
    return (await conn.execute(select(briefing_plan).where(_plan.id == number))).one_or_none()


async def end(conn: AsyncConnection, number: int, who: str, wall: int) -> bool:
    """-> whether it went on until now."""
    going = _plan.id == number, _plan.ended_wall.is_(None)
    done = await conn.execute(update(briefing_plan).where(*going).values(ended_by=who, ended_wall=wall))
    return bool(done.rowcount)


async def set_fault(conn: AsyncConnection, number: int, fault: str) -> None:
    await conn.execute(update(briefing_plan).where(_plan.id == number).values(fault=fault))


async def is_there(conn: AsyncConnection, number: int, period: str) -> bool:
    found = select(briefing.c.plan).where(briefing.c.plan == number, briefing.c.period == period)
    return (await conn.execute(found)).first() is not None


async def claim(conn: AsyncConnection, number: int, period: str) -> bool:
    """-> whether the caller's transaction is the one that drafts it; everybody else's is not, now or ever."""
    fresh = insert_new(conn, briefing).values(plan=number, period=period).returning(briefing.c.plan)
    return (await conn.execute(fresh)).first() is not None


async def set_draft(conn: AsyncConnection, number: int, period: str, draft: int) -> None:
    mine = briefing.c.plan == number, briefing.c.period == period
    await conn.execute(update(briefing).where(*mine).values(draft=draft))


async def listed(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Newest first: period, the plan's name, the draft with what became of it, and the document's number."""
    one = document_draft.c
    query = (
        select(
            briefing.c.period, _plan.name, _plan.every, one.id, one.made_at, one.code, one.ended_wall,
            document.c.number_text, document.c.spoiled_wall,
        )
        .join(briefing_plan, _plan.id == briefing.c.plan)
        .join(document_draft, one.id == briefing.c.draft)
        .outerjoin(document, document.c.code == one.code)
    )  # fmt: skip
    return (await conn.execute(query.order_by(one.id.desc()).limit(limit))).all()


async def readers(conn: AsyncConnection, number: int) -> set[str]:
    """Names of accounts."""
    query = select(briefing_reader.c.user).where(briefing_reader.c.plan == number)
    return set(await conn.scalars(query))


async def read_by(conn: AsyncConnection, person: str) -> set[int]:
    """The plans that `person` wants to be told of."""
    return set(await conn.scalars(select(briefing_reader.c.plan).where(briefing_reader.c.user == person)))


async def subscribe(conn: AsyncConnection, number: int, person: str, *, wanted: bool) -> None:
    if wanted:
        await conn.execute(insert_new(conn, briefing_reader).values(plan=number, user=person))
        return
    mine = briefing_reader.c.plan == number, briefing_reader.c.user == person
    await conn.execute(delete(briefing_reader).where(*mine))


async def corrections_of(conn: AsyncConnection, first_at: int, until_at: int) -> tuple[int, int]:
    """Raised from `first_at` up to, and without, `until_at` (office time): how many, and how many of them are closed now."""
    one = correction.c
    query = select(func.count(), func.count().filter(one.is_open.is_(False)))
    found = (await conn.execute(query.where(one.raised_at >= first_at, one.raised_at < until_at))).one()
    return int(found[0]), int(found[1])
