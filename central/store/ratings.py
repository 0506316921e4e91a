"""Ratings and windows, in the tables."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.rating import BURST_SPAN, Flag, Level, Near, Rating, State
from central.core.scope import Scope
from central.store.dialect import insert_new
from central.store.rating_tables import rating, rating_event, rating_window
from central.store.scope import of_case

_BODY = msgspec.json.Decoder(Rating)


def body_of(row: Row[Any]) -> Rating:
    return _BODY.decode(row.body)


def flags_of(row: Row[Any]) -> list[Flag]:
    return [Flag(name) for name in row.flags.split(",") if name]


async def add(conn: AsyncConnection, values: dict[str, Any]) -> int | None:
    """-> its id; None where the same was rated before."""
    query = insert_new(conn, rating).values(**values).returning(rating.c.id)
    found: int | None = await conn.scalar(query)
    return found


async def near(conn: AsyncConnection, number: int, row: Mapping[str, Any]) -> list[Near]:
    """Those before the rating `number`, whose columns are `row`, that could make a pattern with it."""
    one = rating.c
    alike = (one.text == row["text"]) & (one.text != "")
    query = select(one.id, one.at, one.site, one.case_key, one.window, one.day, one.source, one.text).where(
        one.id != number,
        or_(
            (one.site == row["site"]) & (one.at > row["at"] - BURST_SPAN),
            (one.day == row["day"]) & (one.source == row["source"]),
            alike,
        ),
    )
    return [
        Near(line.id, line.at, window_of(line), date.fromisoformat(line.day), line.source, line.text)
        for line in await conn.execute(query.order_by(one.id.desc()).limit(MOST_NEAR))
    ]


MOST_NEAR = 500


def window_of(row: Any) -> str:
    """What a burst is a burst at; empty for a token, of which each case has one."""
    return f"{row.site}|{row.window}" if row.window else ""


async def mark(conn: AsyncConnection, found: Mapping[int, set[Flag]]) -> None:
    """These ratings belong to these patterns too."""
    for number, flags in sorted(found.items()):
        known = str(await conn.scalar(select(rating.c.flags).where(rating.c.id == number)) or "")
        names = {name for name in known.split(",") if name} | {flag.value for flag in flags}
        await conn.execute(update(rating).where(rating.c.id == number).values(flags=",".join(sorted(names))))


async def lock(conn: AsyncConnection, number: int) -> Row[Any] | None:
    query = select(rating).where(rating.c.id == number).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def write(conn: AsyncConnection, row: Row[Any], event: dict[str, Any], **values: Any) -> None:
    """Append to the events of the locked `row`, and set what has changed of it."""
    number = row.entries + 1
    await conn.execute(insert(rating_event).values(rating=row.id, number=number, **event))
    mine = rating.c.id == row.id, rating.c.entries == row.entries
    changed = await conn.execute(update(rating).where(*mine).values(entries=number, **values))
    assert changed.rowcount == 1, "the row is locked"


async def set_check(conn: AsyncConnection, number: int, next_check_at: int | None) -> None:
    await conn.execute(update(rating).where(rating.c.id == number).values(next_check_at=next_check_at))


async def due(conn: AsyncConnection, now_at: int, limit: int) -> list[int]:
    one = rating.c
    query = select(one.id).where(one.next_check_at.is_not(None), one.next_check_at <= now_at)
    return list(await conn.scalars(query.order_by(one.next_check_at, one.id).limit(limit)))


async def is_rated(conn: AsyncConnection, number: str) -> bool:
    return bool(await conn.scalar(select(func.count()).select_from(rating).where(rating.c.number == number)))


# shown --------------------------------------------------------------------------------------------------------


def _within(reached: Scope) -> list[ColumnElement[bool]]:
    return of_case(reached, rating.c.site, rating.c.org)


async def one(conn: AsyncConnection, reached: Scope, number: int) -> Row[Any] | None:
    query = select(rating).where(rating.c.id == number, *_within(reached))
    return (await conn.execute(query)).one_or_none()


async def lock_reached(conn: AsyncConnection, reached: Scope, number: int) -> Row[Any] | None:
    query = select(rating).where(rating.c.id == number, *_within(reached)).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def events(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    query = select(rating_event).where(rating_event.c.rating == number).order_by(rating_event.c.number)
    return (await conn.execute(query)).all()


OPEN = (State.MENDING.value, State.MENDED.value)
_CHOICES: dict[str, ColumnElement[bool]] = {
    "": rating.c.state.in_(OPEN),
    "flagged": rating.c.flags != "",
    "aside": rating.c.is_aside,
    "all": rating.c.id > 0,
}


async def listed(conn: AsyncConnection, reached: Scope, choice: str, limit: int) -> Sequence[Row[Any]]:
    """`choice`: open call-backs by their day, flagged, set aside, all; the last three newest first."""
    one = rating.c
    query = select(rating).where(_CHOICES[choice], *_within(reached))
    order = (func.coalesce(one.due_day, "9999"), one.id) if not choice else (one.id.desc(),)
    return (await conn.execute(query.order_by(*order).limit(limit))).all()


async def number_of(conn: AsyncConnection, reached: Scope, choice: str) -> int:
    query = select(func.count()).select_from(rating).where(_CHOICES[choice], *_within(reached))
    return int(await conn.scalar(query) or 0)


async def levels(conn: AsyncConnection, reached: Scope, since: date) -> Sequence[Row[Any]]:
    """Site, level, whether set aside, number; of the days from `since` on."""
    one = rating.c
    query = select(one.site, one.level, one.is_aside, func.count().label("number"))
    query = query.where(one.day >= str(since), *_within(reached)).group_by(one.site, one.level, one.is_aside)
    return (await conn.execute(query)).all()


async def assigned(conn: AsyncConnection, reached: Scope, limit: int) -> Sequence[Row[Any]]:
    """For the office: bad ratings of its own, without number, telephone and source."""
    one = rating.c
    shown = select(
        one.id, one.level, one.item, one.window, one.org, one.site, one.day, one.text, one.state, one.due_day, one.entries, one.body
    )  # fmt: skip
    query = shown.where(one.level <= Level.POOR.value, *_within(reached))
    return (await conn.execute(query.order_by(func.coalesce(one.due_day, "9999"), one.id).limit(limit))).all()


# windows ------------------------------------------------------------------------------------------------------


async def windows(conn: AsyncConnection, reached: Scope) -> Sequence[Row[Any]]:
    one = rating_window.c
    query = select(rating_window).where(*of_case(reached, one.site, one.org))
    return (await conn.execute(query.order_by(one.is_open.desc(), one.site, one.name))).all()


async def add_window(conn: AsyncConnection, code: str, site: str, name: str, org: str) -> None:
    await conn.execute(
        insert(rating_window).values(code=code, site=site, name=name, org=org, is_open=True, is_told=False)
    )


async def close_window(conn: AsyncConnection, reached: Scope, code: str) -> Row[Any] | None:
    """-> what it was; None where there is no open one of that code."""
    one = rating_window.c
    mine = one.code == code, one.is_open, *of_case(reached, one.site, one.org)
    query = update(rating_window).where(*mine).values(is_open=False, is_told=False).returning(rating_window)
    return (await conn.execute(query)).one_or_none()


async def open_window(conn: AsyncConnection, site: str, name: str) -> Row[Any] | None:
    """The newest that is open under that name."""
    one = rating_window.c
    query = select(rating_window).where(one.site == site, one.name == name, one.is_open)
    return (await conn.execute(query.limit(1))).one_or_none()


async def untold_windows(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    from central.store.tables import site

    query = select(rating_window, site.c.name.label("place")).join(site, site.c.id == rating_window.c.site)
    wanted = query.where(rating_window.c.is_told.is_(False)).order_by(rating_window.c.code)
    return (await conn.execute(wanted.limit(limit))).all()


async def told_window(conn: AsyncConnection, code: str, *, is_open: bool) -> None:
    """The door knows it as it was read."""
    mine = rating_window.c.code == code, rating_window.c.is_open.is_(is_open)
    await conn.execute(update(rating_window).where(*mine).values(is_told=True))


async def untell_windows(conn: AsyncConnection) -> None:
    """The public database is new."""
    await conn.execute(update(rating_window).values(is_told=False))
