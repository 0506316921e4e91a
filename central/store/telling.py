"""Cases whose public account is to be made anew, urgings of applicants, and what really happened to the cases of an item."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import insert_new, upsert, write_rows
from central.store.public_tables import case_urge, public_door, stale_case
from common.core.state import Light


async def set_door(conn: AsyncConnection, *, is_open: bool) -> None:
    """Whether what changes is to be published. What changed while it was not is not known: opened, it is every case."""
    was_open = await _is_open(conn)
    if is_open and not was_open:
        await conn.execute(insert_new(conn, public_door).values(id=1, is_open=False, emptied_at=0))
        await mark_all(conn)
    elif was_open and not is_open:
        await conn.execute(delete(stale_case))
    await conn.execute(update(public_door).values(is_open=is_open))


async def _is_open(conn: AsyncConnection) -> bool:
    return bool(await conn.scalar(select(public_door.c.is_open)))


async def emptied_at(conn: AsyncConnection) -> int:
    """Until when (office time) all that was handed in at the door has been taken; 0: it never was."""
    return int(await conn.scalar(select(public_door.c.emptied_at)) or 0)


async def set_emptied(conn: AsyncConnection, at: int) -> None:
    """Later than before only: a clock that was put back does not let anybody hand in for the past."""
    one = public_door.c.emptied_at
    await conn.execute(update(public_door).where(one < at).values(emptied_at=at))


async def mark(conn: AsyncConnection, places: Collection[tuple[str, str]]) -> None:
    """These cases (site, key) have changed, in the transaction that changes them. Nothing where there is no door."""
    if not places or not await _is_open(conn):
        return
    rows = [{"site": site, "case_key": key, "turn": 1} for site, key in sorted(places)]
    await write_rows(conn, upsert(conn, stale_case, _again), rows)


def _again(new: Any) -> dict[str, Any]:
    return {"turn": stale_case.c.turn + new["turn"]}


async def mark_all(conn: AsyncConnection) -> None:
    """Every case: the public database is new."""
    from central.store.tables import case

    await conn.execute(delete(stale_case))
    rows = select(case.c.site, case.c.case_key, literal(1))
    await conn.execute(insert(stale_case).from_select(["site", "case_key", "turn"], rows))


async def waiting(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Some that wait: site, key, and the turn that `done` wants to know."""
    one = stale_case.c
    return (await conn.execute(select(stale_case).order_by(one.site, one.case_key).limit(limit))).all()


async def done(conn: AsyncConnection, taken: Sequence[Row[Any]]) -> None:
    """They have been published as they were; one that was marked again since stays."""
    one = stale_case.c
    mine = delete(stale_case).where(
        one.site == bindparam("of"), one.case_key == bindparam("named"), one.turn == bindparam("at")
    )
    rows = [{"of": row.site, "named": row.case_key, "at": row.turn} for row in taken]
    await conn.execute(mine, rows)


async def add_urge(conn: AsyncConnection, row: dict[str, Any]) -> bool:
    """-> False where the case had been urged that day."""
    added = await conn.execute(insert_new(conn, case_urge).values(**row))
    return bool(added.rowcount)


async def urges(conn: AsyncConnection, site: str, case_key: str) -> Sequence[Row[Any]]:
    """Newest first."""
    one = case_urge.c
    query = select(one.day, one.at).where(one.site == site, one.case_key == case_key)
    return (await conn.execute(query.order_by(one.day.desc()))).all()


async def decided(conn: AsyncConnection, since_at: int) -> Sequence[Row[Any]]:
    """Cases decided since: item, acceptance, decision, whether a red light was lit, and whether a rule's lamp is red."""
    from central.store.tables import case

    one = case.c
    late = (one.light == Light.RED.value).label("late")
    broken = func.coalesce(one.rule_light == Light.RED.value, False).label("broken")
    query = select(one.item_code, one.accepted_at, one.finished_at, late, broken)
    wanted = one.finished_at >= since_at, one.deleted.is_(False), one.item_code.is_not(None)
    return (await conn.execute(query.where(*wanted))).all()


async def spots(conn: AsyncConnection, since_at: int) -> Sequence[Row[Any]]:
    """Where each item was handled since: code, site's name, office, how often."""
    from central.store.tables import case, site

    one = case.c
    query = select(
        one.item_code,
        site.c.name,
        func.coalesce(one.org, literal("")).label("office"),
        func.count().label("number"),
    )
    query = query.join(site, site.c.id == one.site)
    query = query.where(
        one.filed_at >= since_at,
        one.item_code.is_not(None),
        one.deleted.is_(False),
        site.c.retired_wall.is_(None),
    )
    return (await conn.execute(query.group_by(one.item_code, site.c.name, one.org))).all()
