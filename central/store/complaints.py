"""Complaints in the tables: received once for each number, moved under a lock, listed by who reaches them."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.complaint import Complaint, Event, State
from central.core.scope import EVERYTHING, Scope
from central.core.similar import Brief
from central.store.complaint_tables import complaint, complaint_event, complaint_file
from central.store.dialect import insert_new
from central.store.scope import of_case

_BODY = msgspec.json.Decoder(Complaint)


def body_of(row: Row[Any]) -> Complaint:
    return _BODY.decode(row.body)


async def add(conn: AsyncConnection, values: dict[str, Any]) -> int | None:
    """-> its id; None where the number was received before."""
    query = insert_new(conn, complaint).values(**values).returning(complaint.c.id)
    found: int | None = await conn.scalar(query)
    return found


async def add_file(conn: AsyncConnection, values: dict[str, Any]) -> None:
    await conn.execute(insert(complaint_file).values(**values))


async def lock(conn: AsyncConnection, number: int) -> Row[Any] | None:
    query = select(complaint).where(complaint.c.id == number).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def lock_numbered(conn: AsyncConnection, number: str) -> Row[Any] | None:
    query = select(complaint).where(complaint.c.number == number).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def write(conn: AsyncConnection, row: Row[Any], event: dict[str, Any], **values: Any) -> None:
    """Append to the events of the locked `row`, and set what has changed of it."""
    number = row.entries + 1
    await conn.execute(insert(complaint_event).values(complaint=row.id, number=number, **event))
    mine = complaint.c.id == row.id, complaint.c.entries == row.entries
    changed = await conn.execute(update(complaint).where(*mine).values(entries=number, **values))
    assert changed.rowcount == 1, "the row is locked"


async def events(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    one = complaint_event.c
    query = select(complaint_event).where(one.complaint == number).order_by(one.number)
    return (await conn.execute(query)).all()


async def files(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    one = complaint_file.c
    query = select(one.place, one.kind, one.size).where(one.complaint == number).order_by(one.place)
    return (await conn.execute(query)).all()


async def file(conn: AsyncConnection, number: int, place: int) -> Row[Any] | None:
    one = complaint_file.c
    query = select(complaint_file).where(one.complaint == number, one.place == place)
    return (await conn.execute(query)).one_or_none()


# shown --------------------------------------------------------------------------------------------------------


def _within(reached: Scope) -> list[ColumnElement[bool]]:
    """For `where`: what no unit has been given yet is theirs alone who reach everything."""
    one = complaint.c
    return [] if reached == EVERYTHING else [one.site != "", *of_case(reached, one.site, one.org)]


async def one(conn: AsyncConnection, reached: Scope, number: int) -> Row[Any] | None:
    query = select(complaint).where(complaint.c.id == number, *_within(reached))
    return (await conn.execute(query)).one_or_none()


async def lock_reached(conn: AsyncConnection, reached: Scope, number: int) -> Row[Any] | None:
    query = select(complaint).where(complaint.c.id == number, *_within(reached)).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def listed(
    conn: AsyncConnection, reached: Scope, states: Sequence[State], limit: int
) -> Sequence[Row[Any]]:
    """By the day that is due; what waits for nothing last. Without `states`: all that are open."""
    one = complaint.c
    query = select(complaint).where(
        one.state.in_([state.value for state in states]) if states else one.is_open, *_within(reached)
    )
    return (await conn.execute(query.order_by(func.coalesce(one.due_day, "9999"), one.id).limit(limit))).all()


async def due_by(
    conn: AsyncConnection, reached: Scope, day: str, limit: int, site: str = ""
) -> Sequence[Row[Any]]:
    """The open ones whose day is `day` or has passed, the earliest first; `site`: only what is with its unit."""
    one = complaint.c
    query = select(complaint).where(one.is_open, one.due_day <= day, *_within(reached))
    query = query.where(one.site == site) if site else query
    return (await conn.execute(query.order_by(one.due_day, one.id).limit(limit))).all()


async def lately(conn: AsyncConnection, reached: Scope, since_at: int, limit: int) -> list[Brief]:
    """Those received since, newest first, as far as one is compared with another."""
    one = complaint.c
    query = select(one.id, one.number, one.topic, one.unit, one.case_no, one.text).where(
        one.received_at >= since_at, *_within(reached)
    )
    rows = await conn.execute(query.order_by(one.id.desc()).limit(limit))
    return [Brief(row.id, row.number, row.topic, row.unit, row.case_no, row.text) for row in rows]


async def counts(conn: AsyncConnection, reached: Scope) -> dict[str, int]:
    query = select(complaint.c.state, func.count().label("number")).where(*_within(reached))
    query = query.group_by(complaint.c.state)
    return {row.state: row.number for row in await conn.execute(query)}


async def assigned(conn: AsyncConnection, reached: Scope, limit: int) -> Sequence[Row[Any]]:
    """For the unit: what it was given and has to answer, and what it has answered. Nothing that tells who complained."""
    one = complaint.c
    shown = select(
        one.id, one.topic, one.brief, one.answer, one.state, one.due_day, one.site, one.org, one.entries
    )
    query = shown.where(one.site != "", *of_case(reached, one.site, one.org))
    return (await conn.execute(query.order_by(func.coalesce(one.due_day, "9999"), one.id).limit(limit))).all()


async def supervised(conn: AsyncConnection, numbers: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """For the unit: day and words of each time that it was told to make haste, while it was with this same unit. Without who said it."""
    one, entry, found = complaint.c, complaint_event.c, dict[int, list[Row[Any]]]()
    query = select(entry.complaint, entry.day, entry.reason).join(complaint, entry.complaint == one.id)
    query = query.where(
        one.id.in_(numbers),
        entry.event == Event.SUPERVISE.value,
        entry.after == State.ASSIGNED.value,
        entry.site == one.site,
        entry.org == one.org,
    )
    for row in await conn.execute(query.order_by(entry.complaint, entry.number)):
        found.setdefault(row.complaint, []).append(row)
    return found


# what time and publishing ask for -----------------------------------------------------------------------------


async def due(conn: AsyncConnection, now_at: int, limit: int) -> list[int]:
    one = complaint.c
    query = select(one.id).where(one.next_check_at.is_not(None), one.next_check_at <= now_at)
    return list(await conn.scalars(query.order_by(one.next_check_at, one.id).limit(limit)))


async def set_check(conn: AsyncConnection, number: int, check_at: int | None) -> None:
    await conn.execute(update(complaint).where(complaint.c.id == number).values(next_check_at=check_at))


async def set_standing(conn: AsyncConnection, number: int, values: dict[str, Any]) -> None:
    await conn.execute(update(complaint).where(complaint.c.id == number).values(**values))


async def untold(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Whose page is older than they are."""
    one = complaint.c
    return (
        await conn.execute(select(complaint).where(one.told < one.entries).order_by(one.id).limit(limit))
    ).all()


async def told(conn: AsyncConnection, number: int, entries: int) -> None:
    mine = complaint.c.id == number, complaint.c.told < entries
    await conn.execute(update(complaint).where(*mine).values(told=entries))


async def untell_all(conn: AsyncConnection) -> None:
    """The public database is new."""
    await conn.execute(update(complaint).values(told=0))
