"""Item catalogue and working-day calendar: the rows that say what the law and the office promise."""

from datetime import date, timedelta
from importlib.resources import files

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import calendar as calendars
from central.core.calendar import Calendar, CalendarData
from central.core.rules import Item
from central.store.tables import calendar_day, item


async def items(conn: AsyncConnection) -> dict[str, Item]:
    """The catalogue by item code."""
    rows = await conn.execute(select(item))
    return {row.code: Item(row.code, row.name, row.legal_days, row.promised_days) for row in rows}


async def calendar(conn: AsyncConnection) -> Calendar:
    """The newest version; the published one of the package is written first where there is none yet."""
    found = await calendar_if_any(conn)
    if found is None:
        await _seed(conn, 1)
        found = await calendar_if_any(conn)
        assert found is not None
    return found


async def calendar_if_any(conn: AsyncConnection) -> Calendar | None:
    """The newest version, without writing anything."""
    version = await conn.scalar(select(func.max(calendar_day.c.version)))
    if version is None:
        return None
    query = select(calendar_day.c.day, calendar_day.c.workday).where(calendar_day.c.version == version)
    rows = (await conn.execute(query.order_by(calendar_day.c.day))).all()
    return Calendar(int(version), date.fromisoformat(rows[0].day), [bool(row.workday) for row in rows])


async def _seed(conn: AsyncConnection, version: int) -> None:
    text = (files("central") / "data" / "calendar_cn.json").read_bytes()
    data = msgspec.json.decode(text, type=CalendarData)
    published = calendars.build(version, data)
    days = [data.first + timedelta(days=n) for n in range((data.last - data.first).days + 1)]
    reasons = {"work": "调休上班", "off": "节假日"}
    rows = [
        {
            "version": version,
            "day": str(day),
            "workday": published.is_workday(day),
            "reason": reasons.get(data.exceptions.get(str(day.year), {}).get(f"{day:%m-%d}", ""), ""),
        }
        for day in days
    ]
    await conn.execute(insert(calendar_day), rows)
