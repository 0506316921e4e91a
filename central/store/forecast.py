"""Clocks that time alone will bring to the attention of the hall soon."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.scope import Scope
from central.store.scope import of_case
from central.store.tables import case, clock, site


async def soon(
    conn: AsyncConnection, reached: Scope, from_at: int, to_at: int, limit: int
) -> Sequence[Row[Any]]:
    """Clocks that are looked at again between these instants of office time, because they turn yellow, fall due, or may do
    otherwise by what their case says of later days; the next one first.
    """
    mine = (case.c.site == clock.c.site) & (case.c.case_key == clock.c.case_key)
    query = (
        select(clock.c.site, clock.c.case_key, clock.c.kind, clock.c.light, clock.c.yellow_at, clock.c.due_at)
        .add_columns(clock.c.next_check_at, case.c.case_no, case.c.item_name, site.c.name.label("site_name"))
        .join(case, mine)
        .join(site, site.c.id == clock.c.site)
        .where(clock.c.next_check_at.is_not(None), clock.c.next_check_at.between(from_at, to_at))
        .where(clock.c.running, clock.c.stopped.is_(False), *of_case(reached, clock.c.site, case.c.org))
        .order_by(clock.c.next_check_at, clock.c.site, clock.c.case_key)
        .limit(limit)
    )
    return (await conn.execute(query)).all()
