"""Planned maintenance in the database: who set it, why, and who ended it early. Kept for ever."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Index, Integer, Row, Table, Text, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.maintenance import Window, fault, planned
from central.store import trail
from central.store.metadata import metadata
from central.store.sealed import SealedText
from common.core.errors import UsageError

maintenance = Table(
    "maintenance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),  # as it was planned
    Column("why", SealedText("maintenance.why"), nullable=False),
    Column("who", Text, nullable=False),
    Column("set_wall", BigInteger, nullable=False),
    Column("ended_at", BigInteger),  # early, by a person
    Column("ended_by", Text),
    Column("end_why", SealedText("maintenance.end_why")),
    Index("ix_maintenance_until", "until_at"),
)
_it = maintenance.c
_UNTIL = func.coalesce(_it.ended_at, _it.until_at)


class Setting(Struct, frozen=True):
    """What a person decides of a site's maintenance, and when."""

    site: str
    who: str
    why: str
    now_at: int
    now_wall: int


async def windows(
    conn: AsyncConnection, from_at: int, until_at: int, site: str = ""
) -> defaultdict[str, tuple[Window, ...]]:
    """Site -> its windows that meet [from_at, until_at), as they came to be, oldest first."""
    query = select(_it.site, _it.from_at, _UNTIL).where(_it.until_at > from_at, _it.from_at < until_at)
    query = query.where(_it.site == site) if site else query
    found: defaultdict[str, tuple[Window, ...]] = defaultdict(tuple)
    for name, begin, end in await conn.execute(query.order_by(_it.from_at)):
        if end > max(begin, from_at):
            found[name] += (Window(begin, end),)
    return found


async def listed(conn: AsyncConnection, site: str, limit: int) -> Sequence[Row[Any]]:
    """The newest of `site` first."""
    query = select(maintenance).where(_it.site == site).order_by(_it.from_at.desc(), _it.id.desc())
    return (await conn.execute(query.limit(limit))).all()


async def plan(conn: AsyncConnection, wish: Window, by: Setting, said: str) -> int:
    """-> its number. `said`: the window as words, for the audit. Raises UsageError where it cannot be set."""
    # first: whoever sets one at the same time waits here, and is seen below
    await trail.note(conn, by.now_wall, by.who, "maintenance.set", by.site, f"{said}：{by.why}")
    others = (await windows(conn, by.now_at, wish.until_at, by.site))[by.site]
    wrong = fault(wish, others, by.now_at)
    if wrong:
        raise UsageError(wrong, hint="请改过后再提交")
    window = planned(wish, by.now_at)
    values = {"site": by.site, "from_at": window.from_at, "until_at": window.until_at}
    fields = {"why": by.why, "who": by.who, "set_wall": by.now_wall}
    made = await conn.execute(insert(maintenance).values(**values, **fields).returning(_it.id))
    return int(made.scalar_one())


async def end(conn: AsyncConnection, number: int, by: Setting) -> None:
    """It ends now, or never begins. Raises UsageError where there is none of that number that goes on or is to come."""
    alive = _it.id == number, _it.site == by.site, _it.ended_at.is_(None), _it.until_at > by.now_at
    values = {"ended_at": by.now_at, "ended_by": by.who, "end_why": by.why}
    done = await conn.execute(update(maintenance).where(*alive).values(**values))
    if done.rowcount == 0:
        raise UsageError("这次维护已经结束", hint="请刷新站点页")
    await trail.note(conn, by.now_wall, by.who, "maintenance.end", f"{by.site}/{number}", by.why)
