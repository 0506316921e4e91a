"""Reads for the console: plain statements to rows, paged by key."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import tables as t


async def totals(conn: AsyncConnection) -> tuple[int, int]:
    """(records, cases) the hall holds."""
    records = await conn.scalar(select(func.count()).select_from(t.record))
    cases = await conn.scalar(select(func.count()).select_from(t.case))
    return int(records or 0), int(cases or 0)
