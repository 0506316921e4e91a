"""Cases that are to be judged at once, because what they are judged by is another now: figures of the rules, versions of an item."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, func, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.case_tables import case, clock
from central.store.law_tables import calendar_version
from common.core.state import ClockKind, Light

_SAME = (clock.c.site == case.c.site) & (clock.c.case_key == case.c.case_key)


def _open(codes: Sequence[str] | None) -> list[ColumnElement[bool]]:
    return [case.c.open] + ([] if codes is None else [case.c.item_code.in_(codes)])


async def mark(conn: AsyncConnection, codes: Sequence[str] | None = None) -> None:
    """Every open case, or those of these items; also one that no limit follows yet."""
    mine = _open(codes)
    followed = select(case.c.case_key).where(_SAME, *mine).exists()
    await conn.execute(update(clock).where(followed).values(next_check_at=0))
    await mark_unfollowed(conn, codes)


async def mark_unfollowed(conn: AsyncConnection, codes: Sequence[str] | None = None) -> None:
    """Those that no limit follows: whatever they wait for, no clock brings them to the ticker."""
    newest = select(func.coalesce(func.max(calendar_version.c.version), 1)).scalar_subquery()
    blank = {
        "site": case.c.site,
        "case_key": case.c.case_key,
        "kind": literal(ClockKind.STATUTE.value),
        "cycle": literal(1),
        "light": literal(Light.NONE.value),
        "running": false(),
        "stopped": false(),
        "provisional": true(),
        "calendar_version": newest,
        "next_check_at": literal(0),
        "rev": literal(0),
    }
    lone = select(*blank.values()).where(*_open(codes), ~select(clock.c.kind).where(_SAME).exists())
    await conn.execute(insert(clock).from_select(list(blank), lone))
