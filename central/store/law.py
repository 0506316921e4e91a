"""The working-day calendar in its versions: read, seed, add, and which clocks a new one touches."""

from collections.abc import Sequence
from datetime import date, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, Select, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import calendar as calendars
from central.core.calendar import Calendar, CalendarData, Changed
from central.core.scope import Scope
from central.store import tallies
from central.store.dialect import insert_new, write_rows
from central.store.scope import of_case
from central.store.tables import calendar_day, calendar_version, case, clock, due_change
from common.core.instant import start_of_day
from common.core.state import Light

SEED = "随软件发布"


async def calendar(conn: AsyncConnection) -> Calendar:
    """The newest version; the published one of the package is written first where there is none yet."""
    found = await calendar_if_any(conn)
    if found is None:
        await _seed(conn)
        found = await calendar_if_any(conn)
        assert found is not None
    return found


async def calendar_if_any(conn: AsyncConnection) -> Calendar | None:
    """The newest version, without writing anything."""
    version = await newest(conn)
    return None if version is None else await calendar_of(conn, version)


async def calendar_of(conn: AsyncConnection, version: int) -> Calendar:
    """One version as it was published."""
    query = select(calendar_day.c.day, calendar_day.c.workday).where(calendar_day.c.version == version)
    rows = (await conn.execute(query.order_by(calendar_day.c.day))).all()
    return Calendar(version, date.fromisoformat(rows[0].day), [bool(row.workday) for row in rows])


async def newest(conn: AsyncConnection) -> int | None:
    version: int | None = await conn.scalar(select(func.max(calendar_version.c.version)))
    return version


async def marks(conn: AsyncConnection) -> dict[int, int]:
    """Version -> the instant of office time from which it is in force."""
    rows = await conn.execute(select(calendar_version.c.version, calendar_version.c.made_at))
    return {row.version: row.made_at for row in rows}


async def versions(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Every version with its source, newest first."""
    return (await conn.execute(select(calendar_version).order_by(calendar_version.c.version.desc()))).all()


async def year(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    """The published days of a year in the newest version; none where its notice is not out."""
    day = calendar_day.c
    query = select(day.day, day.workday, day.reason).where(day.version == await newest(conn))
    return (
        await conn.execute(
            query.where(day.day.between(f"{number}-01-01", f"{number}-12-31")).order_by(day.day)
        )
    ).all()


async def add_year(
    conn: AsyncConnection,
    days: list[tuple[date, bool, str]],
    source: str,
    who: str,
    why: str,
    at: int,
    wall: int,
) -> Calendar:
    """A new version: the newest one, with the year of `days` as its notice says. `at`: office time. -> the new version."""
    before = await newest(conn)
    assert before is not None
    version = before + 1
    old = calendar_day.c
    first, last = str(days[0][0]), str(days[-1][0])
    kept = select(old.day, old.workday, old.reason).where(
        old.version == before, or_(old.day < first, old.day > last)
    )
    rows = [
        {"version": version, "day": row.day, "workday": row.workday, "reason": row.reason}
        for row in await conn.execute(kept)
    ]
    rows += _rows(version, days)
    await conn.execute(insert(calendar_day), rows)
    line: dict[str, Any] = {"version": version, "source": source, "who": who, "why": why}
    line |= {"made_wall": wall, "made_at": at}
    await conn.execute(insert(calendar_version).values(**line))
    # The working days of what ended before them stay; a day early, whatever the zone.
    since_at = start_of_day(days[0][0] - timedelta(days=1), ZoneInfo("UTC"))
    await tallies.mark_where(conn, case.c.finished_at > since_at)
    found = await calendar_if_any(conn)
    assert found is not None
    return found


_WAITS = clock.c.provisional & (clock.c.light == Light.GREY)
"""The case is over, later than the calendar of that day guessed: only a notice can say whether it was late."""


def _touched(changed: Sequence[Changed], edge_at: int, zone: ZoneInfo) -> Any:
    """Clocks that may still change and whose days meet the changed ones, or lie beyond the published edge."""
    first, last = changed[0].day, changed[-1].day
    meets = (
        clock.c.start_day <= str(last),
        or_(clock.c.due_at >= start_of_day(first, zone), clock.c.running.is_(False)),
    )
    beyond = or_(clock.c.provisional, clock.c.due_at > edge_at)
    is_open = clock.c.stopped.is_(False) & (clock.c.light != Light.RED)
    return _WAITS | (is_open & (beyond | (meets[0] & meets[1])))


async def touched(
    conn: AsyncConnection, changed: Sequence[Changed], edge_at: int, zone: ZoneInfo
) -> Sequence[Row[Any]]:
    """(site, case key) of every open case with a clock that a change of these days can move."""
    if not changed:
        return []
    query = select(clock.c.site, clock.c.case_key).where(_touched(changed, edge_at, zone)).distinct()
    return (await conn.execute(query.order_by(clock.c.site, clock.c.case_key))).all()


async def recheck(
    conn: AsyncConnection, changed: Sequence[Changed], edge_at: int, zone: ZoneInfo, version: int, now_at: int
) -> int:
    """Have the clocks of `version` that `changed` days touch judged at once. -> clocks."""
    if not changed:
        return 0
    own = clock.c.calendar_version == version
    statement = update(clock).where(own, _touched(changed, edge_at, zone))
    result = await conn.execute(statement.values(next_check_at=now_at, needs_until=None))
    return int(result.rowcount)


async def versions_in_use(conn: AsyncConnection) -> list[int]:
    """By which clocks that a notice can still move were judged last."""
    query = select(clock.c.calendar_version).where(clock.c.stopped.is_(False) | _WAITS).distinct()
    return sorted((await conn.execute(query)).scalars())


async def add_due_changes(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, insert_new(conn, due_change), rows)


async def due_changes(
    conn: AsyncConnection, reached: Scope, version: int, limit: int | None = None
) -> Sequence[Row[Any]]:
    """What a version has moved, with the number of the case; all of it without a `limit`."""
    moved = due_change.c
    query = _moved(select(due_change, case.c.case_no), reached, version)
    query = query.order_by(moved.site, moved.case_key, moved.clock)
    return (await conn.execute(query.limit(limit))).all()


async def count_due_changes(conn: AsyncConnection, reached: Scope, version: int) -> int:
    """How many due dates a version has moved."""
    query = _moved(select(func.count()).select_from(due_change), reached, version)
    found: int = (await conn.execute(query)).scalar_one()
    return found


def _moved(query: Select[Any], reached: Scope, version: int) -> Select[Any]:
    moved = due_change.c
    query = query.join(case, (case.c.site == moved.site) & (case.c.case_key == moved.case_key))
    return query.where(moved.version == version, *of_case(reached, moved.site, case.c.org))


async def _seed(conn: AsyncConnection) -> None:
    text = (files("central") / "data" / "calendar_cn.json").read_bytes()
    data = msgspec.json.decode(text, type=CalendarData)
    await conn.execute(insert(calendar_day), _rows(1, calendars.published_days(data)))
    line: dict[str, Any] = {"version": 1, "source": data.source, "who": "mingcha", "why": SEED}
    line |= {"made_wall": 0, "made_at": 0}
    await conn.execute(insert(calendar_version).values(**line))


def _rows(version: int, days: list[tuple[date, bool, str]]) -> list[dict[str, Any]]:
    return [
        {"version": version, "day": str(day), "workday": works, "reason": reason}
        for day, works, reason in days
    ]
