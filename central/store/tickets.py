"""Tickets of the counters' queue, as the sites' databases have them: who waited while a counter stood empty."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.attendance import Ticket
from central.core.case import instant
from central.store.dialect import replace_row, write_rows
from central.store.metadata import metadata
from common.core.instant import DAY, is_day
from common.core.record import Step
from common.core.state import StepKind

ticket = Table(
    "ticket",  # newest version of each row of kind `ticket`; one that is gone keeps what was seen
    metadata,
    Column("site", Text, nullable=False),
    Column("tbl", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("called_at", BigInteger),
    Column("counter", Text, nullable=False),  # empty: of any
    PrimaryKeyConstraint("site", "tbl", "key"),
    Index("ix_ticket_taken", "site", "taken_at"),
)


async def put(
    conn: AsyncConnection, site: str, steps: Mapping[tuple[str, str], Step], zone: ZoneInfo
) -> None:
    """(table, key) -> step; whatever is no ticket, or has no time of day, is left."""
    found = []
    for (table, key), body in steps.items():
        text = body.started_at
        taken = None if is_day(text, zone) else instant(text, zone)
        if body.kind is not StepKind.TICKET or taken is None:
            continue
        called = instant(body.finished_at, zone)
        values = {"taken_at": taken, "called_at": called, "counter": body.step_name or ""}
        found.append({"site": site, "tbl": table, "key": key, **values})
    await write_rows(conn, replace_row(conn, ticket), found)


async def of_day(conn: AsyncConnection, site: str, day_at: int) -> Sequence[Ticket]:
    """Those that were taken on the day that began at `day_at`."""
    row = ticket.c
    query = select(row.taken_at, row.called_at, row.counter).where(row.site == site)
    query = query.where(row.taken_at >= day_at, row.taken_at < day_at + DAY)
    return [Ticket(one.taken_at, one.called_at, one.counter) for one in await conn.execute(query)]
