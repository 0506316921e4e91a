"""Corrections in the tables: raised once for each light, moved under a lock, listed by who reaches them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import dossier, snapshot
from central.core.correction import Correction, State
from central.core.document import Kind
from central.core.dossier import Entry, Stage
from central.core.message import State as MessageState
from central.core.scope import Scope
from central.core.snapshot import Snapshot
from central.store import tallies, telling
from central.store.dialect import insert_new
from central.store.scope import of_case
from central.store.tables import (
    case,
    clock,
    correction,
    correction_event,
    correction_light,
    correction_paper,
    message,
    outbox,
    site,
)
from common.core.state import Light

BEFORE = 0
"""Instead of a correction's number: the light is of a case that was over before its site was first looked at."""
_BODY = msgspec.json.Decoder(Correction)
_FILES = msgspec.json.Decoder(tuple[tuple[str, str], ...])


class Filter(Struct, frozen=True, kw_only=True):
    """Which corrections a list shows; empty fields do not restrict."""

    states: tuple[State, ...] = ()
    is_red: bool | None = None
    closed_too: bool = False
    site: str = ""


def body_of(row: Row[Any]) -> Correction:
    return _BODY.decode(row.body)


def snapshot_of(row: Row[Any]) -> Snapshot:
    """What it is about now: the gravest of its lights, as frozen."""
    return snapshot.decoded(row.graver or row.snapshot)


def bytes_of(one: Correction) -> bytes:
    return msgspec.json.encode(one, order="deterministic")


# raised -------------------------------------------------------------------------------------------------------


async def of_light(conn: AsyncConnection, place: dict[str, Any]) -> int | None:
    """The correction that this light belongs to, or `BEFORE`."""
    mine = [correction_light.c[name] == value for name, value in place.items()]
    found: int | None = await conn.scalar(select(correction_light.c.correction).where(*mine))
    return found


async def open_of_case(conn: AsyncConnection, site_id: str, case_key: str) -> int | None:
    """The case's red correction that is under way, the newest one."""
    one = correction.c
    query = select(one.id).where(one.site == site_id, one.case_key == case_key, one.is_red, one.is_open)
    found: int | None = await conn.scalar(query.order_by(one.id.desc()).limit(1))
    return found


async def add(conn: AsyncConnection, values: dict[str, Any]) -> int | None:
    """-> its number; None where the same light has raised one before."""
    query = insert_new(conn, correction).values(**values).returning(correction.c.id)
    found: int | None = await conn.scalar(query)
    return found


async def add_light(conn: AsyncConnection, place: dict[str, Any], number: int) -> None:
    await conn.execute(insert(correction_light).values(**place, correction=number))
    await tallies.mark(conn, [(place["site"], place["case_key"])])


# moved --------------------------------------------------------------------------------------------------------


async def lock(conn: AsyncConnection, number: int) -> Row[Any] | None:
    """The row, held until the transaction ends: one act at a time."""
    query = select(correction).where(correction.c.id == number).with_for_update()
    return (await conn.execute(query)).one_or_none()


async def write(conn: AsyncConnection, row: Row[Any], entry: Entry, **values: Any) -> None:
    """Append `entry` to the dossier of the locked `row`, and set what has changed of it."""
    chain = dossier.chained(row.chain, entry)
    said = {name: getattr(entry, name) for name in Entry.__struct_fields__}
    said |= {"day": str(entry.day), "files": msgspec.json.encode(entry.files)}
    await conn.execute(insert(correction_event).values(**said, correction=row.id, chain=chain))
    mine = correction.c.id == row.id, correction.c.entries == entry.number - 1
    changed = update(correction).where(*mine).values(entries=entry.number, chain=chain, **values)
    assert (await conn.execute(changed)).rowcount == 1, "the row is locked"
    await telling.mark(conn, {(row.site, row.case_key)})
    await tallies.mark(conn, {(row.site, row.case_key)})


async def set_batch(conn: AsyncConnection, numbers: Sequence[int], batch: int) -> None:
    await conn.execute(update(correction).where(correction.c.id.in_(numbers)).values(batch=batch))


async def of_batch(
    conn: AsyncConnection, batch: int, state: str, *, held: bool = False
) -> Sequence[Row[Any]]:
    """Those of one order that stand in `state`, the first first; `held` to the end of the transaction."""
    one = correction.c
    query = select(correction).where(one.batch == batch, one.state == state).order_by(one.id)
    return (await conn.execute(query.with_for_update() if held else query)).all()


async def set_due(
    conn: AsyncConnection, number: int, day: str | None, calendar: int, check_at: int | None
) -> None:
    values = {"due_day": day, "calendar_version": calendar, "next_check_at": check_at}
    await conn.execute(update(correction).where(correction.c.id == number).values(**values))


async def entries(conn: AsyncConnection, number: int) -> list[Entry]:
    """The dossier in its order."""
    one = correction_event.c
    rows = await conn.execute(select(correction_event).where(one.correction == number).order_by(one.number))
    return [_entry(row) for row in rows]


def _entry(row: Row[Any]) -> Entry:
    said = {name: getattr(row, name) for name in Entry.__struct_fields__}
    return Entry(**said | {"day": date.fromisoformat(row.day), "files": _FILES.decode(row.files)})


# papers -------------------------------------------------------------------------------------------------------


async def papers(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    """Documents that were asked for and left to another's signature, oldest first."""
    one = correction_paper.c
    query = select(correction_paper).where(one.correction == number)
    return (await conn.execute(query.order_by(one.made_at, one.kind, one.cycle))).all()


async def owe(conn: AsyncConnection, values: dict[str, Any]) -> None:
    await conn.execute(insert(correction_paper).values(**values, code=None))


async def spare(conn: AsyncConnection, number: int, kind: Kind) -> None:
    """Nobody need sign documents of `kind` any more."""
    one = correction_paper.c
    mine = one.correction == number, one.kind == kind.value, one.code.is_(None)
    await conn.execute(delete(correction_paper).where(*mine))


async def signed(conn: AsyncConnection, number: int, kind: str, cycle: int, code: str) -> None:
    one = correction_paper.c
    mine = one.correction == number, one.kind == kind, one.cycle == cycle
    await conn.execute(update(correction_paper).where(*mine).values(code=code))


# what time and facts change -----------------------------------------------------------------------------------


async def due(conn: AsyncConnection, now_at: int, calendar: int, limit: int) -> Sequence[int]:
    """Those that the clock has to look at: their day is over, or was counted by an older calendar."""
    one = correction.c
    late = and_(one.next_check_at.is_not(None), one.next_check_at <= now_at)
    old = and_(one.next_check_at.is_not(None), one.calendar_version < calendar)
    query = select(one.id).where(or_(late, old)).order_by(one.next_check_at, one.id).limit(limit)
    return (await conn.scalars(query)).all()


async def settled(conn: AsyncConnection, limit: int) -> Sequence[int]:
    """Yellow ones whose light is over: the case is decided, stands still, is extended, or has turned red."""
    one = correction.c
    shown = (
        select(clock.c.light)
        .where(
            clock.c.site == one.site,
            clock.c.case_key == one.case_key,
            clock.c.kind == one.subject,
            clock.c.cycle == one.cycle,
        )
        .scalar_subquery()
    )
    known = or_(one.state == State.ACKNOWLEDGED.value, one.cycle != 0)  # a rule has no clock: known is enough
    waits = one.state.in_([State.NOTIFIED.value, State.ACKNOWLEDGED.value])
    over = func.coalesce(shown, Light.NONE.value) != Light.YELLOW.value
    query = select(one.id).where(one.is_open, one.is_red.is_(False), waits, known, over)
    return (await conn.scalars(query.order_by(one.id).limit(limit))).all()


async def light_now(conn: AsyncConnection, row: Row[Any]) -> str:
    """What the clock that raised a yellow one shows now, in words."""
    mine = (
        clock.c.site == row.site,
        clock.c.case_key == row.case_key,
        clock.c.kind == row.subject,
        clock.c.cycle == row.cycle,
    )
    found = await conn.scalar(select(clock.c.light).where(*mine))
    return f"该时限已转为“{Light(found).word}”" if found is not None else "时限已不在"


# shown --------------------------------------------------------------------------------------------------------


def _reached(reached: Scope) -> list[ColumnElement[bool]]:
    return of_case(reached, correction.c.site, correction.c.org)


async def one(conn: AsyncConnection, reached: Scope, number: int) -> Row[Any] | None:
    query = select(correction, site.c.name.label("site_name")).join(site, site.c.id == correction.c.site)
    return (await conn.execute(query.where(correction.c.id == number, *_reached(reached)))).one_or_none()


async def listed(conn: AsyncConnection, reached: Scope, wanted: Filter, limit: int) -> Sequence[Row[Any]]:
    """By the day that is due, what waits for nothing last."""
    one = correction.c
    query = select(correction, site.c.name.label("site_name")).join(site, site.c.id == one.site)
    query = _restricted(query, reached, wanted)
    order = (func.coalesce(one.due_day, "9999"), one.id)
    return (await conn.execute(query.order_by(*order).limit(limit))).all()


async def ended(conn: AsyncConnection, reached: Scope, limit: int) -> Sequence[Row[Any]]:
    """Those that are over, newest first."""
    one = correction.c
    query = select(correction, site.c.name.label("site_name")).join(site, site.c.id == one.site)
    query = query.where(one.is_open.is_(False), *_reached(reached))
    return (await conn.execute(query.order_by(one.id.desc()).limit(limit))).all()


def _restricted(query: Select[Any], reached: Scope, wanted: Filter) -> Select[Any]:
    one = correction.c
    query = query.where(*_reached(reached))
    if not wanted.closed_too:
        query = query.where(one.is_open)
    if wanted.is_red is not None:
        query = query.where(one.is_red.is_(wanted.is_red))
    if wanted.states:
        query = query.where(one.state.in_([state.value for state in wanted.states]))
    return query.where(one.site == wanted.site) if wanted.site else query


async def drafted_with(conn: AsyncConnection, reached: Scope, row: Row[Any]) -> Sequence[int]:
    """Numbers of those that share the order of `row`."""
    one = correction.c
    if not row.batch:
        return []
    query = select(one.id).where(one.batch == row.batch, *_reached(reached)).order_by(one.id)
    return (await conn.scalars(query)).all()


async def counts(conn: AsyncConnection, reached: Scope) -> dict[tuple[str, bool], int]:
    """(state, red) -> how many are under way."""
    one = correction.c
    query = select(one.state, one.is_red, func.count().label("number")).where(one.is_open, *_reached(reached))
    rows = await conn.execute(query.group_by(one.state, one.is_red))
    return {(row.state, bool(row.is_red)): row.number for row in rows}


async def unsigned(conn: AsyncConnection, reached: Scope) -> dict[int, int]:
    """Correction under way -> documents of it that wait for a signature."""
    paper = correction_paper.c
    query = select(paper.correction, func.count().label("number")).join(
        correction, correction.c.id == paper.correction
    )
    query = query.where(paper.code.is_(None), correction.c.is_open, *_reached(reached))
    return {row.correction: row.number for row in await conn.execute(query.group_by(paper.correction))}


async def about_case(conn: AsyncConnection, site_id: str, case_key: str) -> Sequence[Row[Any]]:
    """Every correction of a case, newest first."""
    one = correction.c
    query = select(correction).where(one.site == site_id, one.case_key == case_key)
    return (await conn.execute(query.order_by(one.id.desc()))).all()


async def before(conn: AsyncConnection, reached: Scope) -> int:
    """Red lights that have no correction since their case was over before its site was first looked at."""
    of = correction_light.c
    query = select(func.count()).select_from(
        correction_light.join(case, and_(case.c.site == of.site, case.c.case_key == of.case_key))
    )
    mine = of.correction == BEFORE, *of_case(reached, case.c.site, case.c.org)
    return int(await conn.scalar(query.where(*mine)) or 0)


async def is_before(conn: AsyncConnection, site_id: str, case_key: str) -> bool:
    """Whether a red light of this case is one of those."""
    of = correction_light.c
    query = select(of.site).where(of.site == site_id, of.case_key == case_key, of.correction == BEFORE)
    return await conn.scalar(query.limit(1)) is not None


class Step(Struct, frozen=True):
    """Where a correction stands for the wall: stage, last day of what waits, messages about it that nobody has had."""

    stage: Stage | None = None
    due: date | None = None
    undelivered: int = 0


NO_STEP = Step()


async def steps(conn: AsyncConnection, cases: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Step]:
    """(site, case) -> the newest red correction that is under way."""
    if not cases:
        return {}
    one, of = correction.c, message.c
    failed = (
        select(func.count())
        .where(of.correction == one.id, of.state == MessageState.FAILED.value, of.settled.is_(False))
        .scalar_subquery()
    )
    query = select(one.site, one.case_key, one.body, one.due_day, failed.label("failed"))
    query = query.where(one.is_red, one.is_open, tuple_(one.site, one.case_key).in_(cases)).order_by(one.id)
    return {
        (row.site, row.case_key): Step(
            dossier.stage(body_of(row)),
            date.fromisoformat(row.due_day) if row.due_day else None,
            row.failed,
        )
        for row in await conn.execute(query)
    }


async def orphans(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Red lights that have been taken from the outbox and belong to no correction."""
    of, told = correction_light.c, outbox.c
    same = and_(
        of.site == told.site,
        of.case_key == told.case_key,
        of.subject == told.subject,
        of.cycle == told.cycle,
        of.event == told.event,
    )
    query = select(outbox).outerjoin(correction_light, same)
    query = query.where(told.event == Light.RED.value, told.done_wall.is_not(None), of.correction.is_(None))
    return (await conn.execute(query.order_by(told.id).limit(limit))).all()


async def everything(conn: AsyncConnection, after: int, limit: int) -> Sequence[Row[Any]]:
    """In the order of numbers, a page at a time."""
    one = correction.c
    return (await conn.execute(select(correction).where(one.id > after).order_by(one.id).limit(limit))).all()
