"""What is made public by two persons, whatever it is: a draft that another releases or refuses, and that is taken back with a reason.

Its table has the columns `state`, `who`, `made_wall`, `decided_*` and `withdrawn_*`. Whoever calls writes the line of the audit.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.objection import must_be_another
from central.core.release import ReleaseState
from common.core.errors import UsageError

KNOWN = (ReleaseState.RELEASED.value, ReleaseState.WITHDRAWN.value)
"""States of what anybody may know of."""


async def one(conn: AsyncConnection, table: Table, number: int) -> Row[Any] | None:
    return (await conn.execute(select(table).where(table.c.id == number))).one_or_none()


async def move(
    conn: AsyncConnection, table: Table, row: Row[Any], to: ReleaseState, who: str, why: str, wall: int
) -> None:
    """Release or refuse a draft of somebody else, or take a released one back. Raises UsageError where that may not be now."""
    if to is ReleaseState.WITHDRAWN:
        before = ReleaseState.RELEASED
        values = {"withdrawn_by": who, "withdrawn_why": why, "withdrawn_wall": wall}
    else:
        must_be_another(row.who, who)
        before = ReleaseState.DRAFT
        values = {"decided_by": who, "decided_why": why, "decided_wall": wall}
    mine = table.c.id == row.id, table.c.state == before.value
    if not (await conn.execute(update(table).where(*mine).values(state=to.value, **values))).rowcount:
        raise UsageError(f"第 {row.id} 件现在不是“{before.word}”", hint="请刷新后再看")


async def again(conn: AsyncConnection, table: Table, row: Mapping[str, Any], *names: str) -> int | None:
    """The draft of the same person that waits and says the same by `names`: what a form that is sent twice leads to."""
    mine = [table.c[name] == row[name] for name in ("state", "who", *names)]
    found: int | None = await conn.scalar(select(table.c.id).where(*mine))
    return found
