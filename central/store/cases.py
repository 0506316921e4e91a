"""Cases, their clocks and the transitions of their lights: what judgement reads and writes."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, delete, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import case as cases
from central.core import cycle
from central.store import telling
from central.store.dialect import among, each, insert_new, replace_row, write_rows
from central.store.sealed import Unopened
from central.store.tables import case, clock, row_head, ruling, site_pass, transition
from common.core.mask import SPOILT
from common.core.record import Case, RecordKind, Step

_CASE = msgspec.msgpack.Decoder(Case)
_STEP = msgspec.msgpack.Decoder(Step)
Rows = dict[str, list[cases.Row]]


async def lock(conn: AsyncConnection, site: str, keys: Sequence[str]) -> dict[str, int]:
    """Case key -> rev, locked to the end of the transaction where the engine locks rows: one judge at a time."""
    query = select(case.c.case_key, case.c.rev).where(case.c.site == site).with_for_update()
    rows = await conn.execute(among(conn, query, case.c.case_key, sorted(keys)))
    return {row.case_key: row.rev for row in rows}


async def source_rows(conn: AsyncConnection, site: str, keys: Sequence[str]) -> Rows:
    """Case key -> the newest version of each of its source rows."""
    head = row_head.c
    query = select(head.case_key, head.tbl, head.key, head.kind, head.deleted, head.body)
    query = query.where(head.site == site)
    found: Rows = defaultdict(list)
    for row in await conn.execute(among(conn, query, head.case_key, keys)):
        found[row.case_key].append(cases.Row(row.tbl, row.key, row.deleted, _body(row)))
    return found


async def states(
    conn: AsyncConnection, site: str, keys: Sequence[str], zone: ZoneInfo, now_at: int
) -> dict[str, cases.CaseState]:
    """Case key -> the case as its rows say it now, in its newest cycle."""
    query = select(case.c.case_key, case.c.reopened).where(case.c.site == site, case.c.reopened.is_not(None))
    reopened = {
        row.case_key: cycle.read(row.reopened)
        for row in await conn.execute(among(conn, query, case.c.case_key, keys))
    }
    return {
        key: cases.as_of(
            cycle.within(cases.fold(key, source, zone), reopened.get(key, []), zone), now_at, zone
        )
        for key, source in (await source_rows(conn, site, keys)).items()
    }


def _body(row: Row[Any]) -> Case | Step:
    """Of a row that does not open, that it does not: a page shows the rest of the case."""
    if not isinstance(row.body, Unopened):
        return (_CASE if row.kind == "case" else _STEP).decode(row.body)
    if row.kind == "case":
        return Case(case_key=row.case_key, applicant=SPOILT)
    return Step(case_key=row.case_key, step_name=SPOILT)


async def case_places(conn: AsyncConnection, site: str, case_key: str) -> list[tuple[str, str]]:
    """(table, key) of the rows that state the case itself, without its steps."""
    head = row_head.c
    query = select(head.tbl, head.key).where(
        head.site == site, head.case_key == case_key, head.kind == RecordKind.CASE.value
    )
    return [(row.tbl, row.key) for row in await conn.execute(query)]


async def keys_from(conn: AsyncConnection, site: str, after: str, limit: int) -> list[str]:
    """Cases of `site` in order, from behind `after` on."""
    query = select(case.c.case_key).where(case.c.site == site, case.c.case_key > after)
    return list(await conn.scalars(query.order_by(case.c.case_key).limit(limit)))


async def chunks(conn: AsyncConnection, site: str, size: int) -> AsyncIterator[list[str]]:
    """All of them, so many at a time."""
    after = ""
    while keys := await keys_from(conn, site, after, size):
        yield keys
        after = keys[-1]


async def sites(conn: AsyncConnection) -> list[str]:
    return list(await conn.scalars(select(case.c.site).distinct().order_by(case.c.site)))


async def reds(conn: AsyncConnection, site: str, keys: Sequence[str]) -> dict[tuple[str, str, int], Row[Any]]:
    """(case key, kind, cycle) -> the transition that lit it red."""
    query = select(transition).where(transition.c.site == site, transition.c.after == "red")
    rows = await conn.execute(among(conn, query, transition.c.case_key, keys))
    return {(row.case_key, row.clock, row.cycle): row for row in rows}


async def row_counts(conn: AsyncConnection, site: str, keys: Sequence[str], most: int) -> dict[str, int]:
    """Case key -> how many source rows it has; counted up to `most` and no further, whatever a site has sent."""
    wanted, head = each(conn, keys), row_head.c
    rows = select(literal(1).label("one")).where(head.site == site, head.case_key == wanted.c.key)
    counted = rows.limit(most).correlate(wanted).subquery("counted")
    number = select(func.count()).select_from(counted).scalar_subquery()
    return {row.key: row.number for row in await conn.execute(select(wanted.c.key, number.label("number")))}


async def clocks(
    conn: AsyncConnection, site: str, keys: Sequence[str]
) -> dict[tuple[str, str, int], Row[Any]]:
    """(case key, kind, cycle) -> the clock as it stands."""
    query = among(conn, select(clock).where(clock.c.site == site), clock.c.case_key, keys)
    return {(row.case_key, row.kind, row.cycle): row for row in await conn.execute(query)}


async def grey_since_wall(
    conn: AsyncConnection, site: str, keys: Sequence[str]
) -> dict[tuple[str, str, int], int]:
    """(case key, kind, cycle) -> wall time at which its light turned grey."""
    place = transition.c.case_key, transition.c.clock, transition.c.cycle
    query = select(*place, func.max(transition.c.judged_wall).label("wall"))
    query = query.where(transition.c.site == site, transition.c.after == "grey").group_by(*place)
    rows = await conn.execute(among(conn, query, transition.c.case_key, keys))
    return {(key, kind, number): wall for key, kind, number, wall in rows}


async def complete_until(conn: AsyncConnection, site: str) -> int | None:
    """Office time up to which every table of the site is whole; None before the first clean pass."""
    query = select(func.min(site_pass.c.complete_until)).where(site_pass.c.site == site)
    until: int | None = await conn.scalar(query)
    return until


async def due(conn: AsyncConnection, now_at: int, limit: int) -> dict[str, list[str]]:
    """Site -> cases with a clock that time alone may have changed by `now_at`, longest due first."""
    query = select(clock.c.site, clock.c.case_key).where(
        clock.c.next_check_at.is_not(None), clock.c.next_check_at <= now_at
    )
    found: dict[str, list[str]] = defaultdict(list)
    for row in await conn.execute(query.order_by(clock.c.next_check_at).limit(limit)):
        found[row.site].append(row.case_key)
    return {site: sorted(set(keys)) for site, keys in found.items()}


async def claim(conn: AsyncConnection, site: str, keys: Sequence[str], now_at: int) -> list[str]:
    """Those of `keys` that are still due and that no other worker judges just now; locked where the engine locks rows."""
    mine = select(case.c.case_key).where(case.c.site == site, case.c.case_key.in_(keys))
    free = set(await conn.scalars(mine.order_by(case.c.case_key).with_for_update(skip_locked=True)))
    known = set(await conn.scalars(mine))
    late = select(clock.c.case_key).where(clock.c.site == site, clock.c.case_key.in_(keys))
    due_now = set(await conn.scalars(late.where(clock.c.next_check_at <= now_at)))
    return sorted(key for key in keys if key in due_now and (key in free or key not in known))


async def near(conn: AsyncConnection, from_at: int, to_at: int) -> dict[str, int]:
    """Site -> clocks that time alone may change between these instants of office time."""
    query = select(clock.c.site, func.count().label("number")).where(
        clock.c.next_check_at.between(from_at, to_at)
    )
    return {row.site: row.number for row in await conn.execute(query.group_by(clock.c.site))}


async def next_due(conn: AsyncConnection) -> int | None:
    """Office time of the first check that waits."""
    query = select(clock.c.next_check_at).where(clock.c.next_check_at.is_not(None))
    first: int | None = await conn.scalar(query.order_by(clock.c.next_check_at).limit(1))
    return first


async def parked(conn: AsyncConnection, site: str, until: int, limit: int) -> list[str]:
    """Cases of `site` of which a clock or a rule waited for data that is whole now."""
    found: set[str] = set()
    for waiting in (clock.c, ruling.c):
        query = select(waiting.case_key).where(
            waiting.site == site, waiting.needs_until.is_not(None), waiting.needs_until <= until
        )
        found.update(await conn.scalars(query.order_by(waiting.needs_until).limit(limit)))
    return sorted(found)


async def put_cases(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, replace_row(conn, case), rows)
    await telling.mark(conn, {(row["site"], row["case_key"]) for row in rows})


async def put_clocks(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, replace_row(conn, clock), rows)


async def drop_clocks(conn: AsyncConnection, site: str, gone: list[tuple[str, str, int]]) -> None:
    """Clocks whose limit is no longer there."""
    if gone:
        place = tuple_(clock.c.case_key, clock.c.kind, clock.c.cycle)
        await conn.execute(delete(clock).where(clock.c.site == site, place.in_(gone)))


async def add_transitions(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """A light is told once per cycle: a repetition of the same judgement changes nothing."""
    await write_rows(conn, insert_new(conn, transition), rows)
