"""Reads for the wall: plain statements to the structs of `central.core.hall`, once a second for everybody."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, Select, and_, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.band import Arrived
from central.core.hall import QUEUE_ROWS, Lit, SiteFacts, Slow, last_workday
from central.core.maintenance import Window, in_force
from central.core.news import Change
from central.core.site import Signals, rows_left
from central.store import corrections, maintenance, rulings
from central.store import tables as t
from common.core import message
from common.core.instant import DAY, SECOND, from_us, start_of_day
from common.core.message import Heartbeat
from common.core.ranges import Range
from common.core.state import ClockKind, Light

TOLD = (Light.YELLOW, Light.RED, Light.GREY, Light.PAUSED)
JUDGED = (Light.GREEN, Light.YELLOW, Light.RED)  # lights that say in time or late
# Said as the partial index says it: SQLAlchemy's `open = 1` would not find that index in SQLite.
IS_OPEN = text('"case".open')
_ranges = msgspec.msgpack.Decoder(list[Range])

# sites -------------------------------------------------------------------------------------------------------


async def sites(conn: AsyncConnection, day_at: int, now_at: int) -> list[SiteFacts]:
    """Every site with its counts of the day that began at `day_at`, as it stands at `now_at`, in the order of the wall."""
    lights, ruled = await open_lights(conn), await open_ruled(conn)
    cursors = await _cursors(conn)
    alarms = await _alarms(conn)
    arrived = await arrivals(conn, day_at, day_at + DAY)
    planned = await maintenance.windows(conn, day_at, max(day_at + DAY, now_at + 1))
    return [
        SiteFacts(
            id=row.id,
            name=row.name,
            signals=_signals(
                row, cursors.get(row.id), alarms.get(row.id, 0), in_force(planned[row.id], now_at)
            ),
            planned=planned[row.id],
            complete_until=row.complete_until,
            first_at=row.first_at,
            arrived=arrived[row.id],
            lights=lights[row.id],
            ruled=ruled[row.id],
            accepted=row.accepted,
            finished=row.finished,
            held_upto=cursors[row.id].upto if row.id in cursors else 0,
        )
        for row in await conn.execute(_site_rows(day_at))
    ]


def _site_rows(day_at: int) -> Select[Any]:
    accepted, finished = (
        select(func.count())
        .where(t.case.c.site == t.site.c.id, column > day_at, column <= day_at + DAY)
        .where(t.case.c.deleted.is_(False))
        .scalar_subquery()
        for column in (t.case.c.accepted_at, t.case.c.finished_at)
    )
    passed = select(func.min(t.site_pass.c.complete_until)).where(t.site_pass.c.site == t.site.c.id)
    first = select(func.min(t.arrival.c.slot_at)).where(t.arrival.c.site == t.site.c.id)
    return (
        select(
            t.site,
            t.site_status,
            accepted.label("accepted"),
            finished.label("finished"),
            passed.scalar_subquery().label("complete_until"),
            first.scalar_subquery().label("first_at"),
        )
        .outerjoin(t.site_status, t.site_status.c.site == t.site.c.id)
        .order_by(t.site.c.position)
    )


def _signals(row: Row[Any], cursor: Row[Any] | None, alarms: int, window: Window | None) -> Signals:
    line = Signals(
        retired_wall=row.retired_wall,
        maintenance=window,
        online=bool(row.online),
        since_wall=row.since_wall or 0,
        heard_wall=row.heard_wall,
        record_wall=row.record_wall,
        left=0 if cursor is None else _left(cursor, cursor.newest),
        alarms=alarms,
        behind_wall=row.behind_wall,
    )
    if row.heartbeat is None:
        return line
    beat = message.decode(Heartbeat, row.heartbeat)
    if cursor is not None and cursor.epoch == beat.epoch:  # a heartbeat announces what no batch has yet
        line = msgspec.structs.replace(line, left=_left(cursor, max(cursor.newest, beat.newest)))
    return msgspec.structs.replace(
        line,
        rows=beat.rows,
        oldest_unsent_age_s=beat.oldest_unsent_age_s,
        capture_ok_age_s=beat.capture_ok_age_s,
        source_fault=beat.source_fault,
        agent_fault=beat.agent_fault,
        agent_notice=beat.agent_notice,
        refused=beat.state == "refused",
        bad_rows=beat.quarantined,
        room_percent=beat.buffer_percent,
    )


async def open_lights(conn: AsyncConnection) -> defaultdict[str, dict[Light, int]]:
    """Site -> light -> open cases."""
    count = select(t.case.c.site, t.case.c.light, func.count()).where(IS_OPEN)
    found: defaultdict[str, dict[Light, int]] = defaultdict(dict)
    for site, light, cases in await conn.execute(count.group_by(t.case.c.site, t.case.c.light)):
        found[site][Light(light)] = cases
    return found


async def open_ruled(conn: AsyncConnection) -> defaultdict[str, dict[Light, int]]:
    """Site -> lamp of the broken rules -> open cases."""
    lamp = t.case.c.rule_light
    count = select(t.case.c.site, lamp, func.count()).where(IS_OPEN, lamp.is_not(None))
    found: defaultdict[str, dict[Light, int]] = defaultdict(dict)
    for site, light, cases in await conn.execute(count.group_by(t.case.c.site, lamp)):
        found[site][Light(light)] = cases
    return found


async def _alarms(conn: AsyncConnection) -> dict[str, int]:
    """Site -> alarms nobody has accepted."""
    count = select(t.alarm.c.site, func.count()).where(t.alarm.c.ended_wall.is_(None))
    return {row[0]: row[1] for row in await conn.execute(count.group_by(t.alarm.c.site))}


async def _cursors(conn: AsyncConnection) -> dict[str, Row[Any]]:
    """Site -> what the hall holds of its newest epoch, and what was announced of it."""
    cursor = t.ingest_cursor.c
    columns = cursor.site, cursor.epoch, cursor.ranges, cursor.newest, cursor.upto
    rows = await conn.execute(select(*columns).order_by(cursor.epoch_no))
    return {row.site: row for row in rows}


def _left(cursor: Row[Any], newest: int) -> int:
    return rows_left(_ranges.decode(cursor.ranges), newest)


async def arrivals(
    conn: AsyncConnection, from_at: int, until_at: int, site: str | None = None
) -> defaultdict[str, dict[int, Arrived]]:
    """Site -> quarter hour -> rows, for quarter hours that begin in [from_at, until_at)."""
    slot = t.arrival.c
    query = select(slot.site, slot.slot_at, slot.live, slot.late).join(t.site, t.site.c.id == slot.site)
    query = query.where(slot.slot_at >= from_at, slot.slot_at < until_at)
    found: defaultdict[str, dict[int, Arrived]] = defaultdict(dict)
    for row in await conn.execute(query if site is None else query.where(slot.site == site)):
        found[row.site][row.slot_at] = Arrived(row.live, row.late)
    return found


# lights ------------------------------------------------------------------------------------------------------


async def most_urgent(conn: AsyncConnection) -> list[Lit]:
    """The open red cases longest overdue, with where their corrections stand, and the yellow ones nearest to their limit."""
    rows = [
        row for light in (Light.RED, Light.YELLOW) for row in await conn.execute(urgent(light, QUEUE_ROWS))
    ]
    reds = [(row.site, row.case_key) for row in rows if row.light == Light.RED.value]
    steps = await corrections.steps(conn, reds)
    found = []
    for row in rows:
        step = steps.get((row.site, row.case_key), corrections.NO_STEP)
        found.append(
            Lit(
                site=row.site,
                site_name=row.site_name,
                case_no=row.case_no,
                item_name=row.item_name,
                light=Light(row.light),
                due_at=row.due_at,
                clock=ClockKind(row.clock) if row.clock else None,
                late=bool(row.late),
                step=step.stage,
                step_due=step.due,
                undelivered=step.undelivered,
            )
        )
    return found


def urgent(light: Light, limit: int) -> Select[Any]:
    """Open cases with this light, nearest limit first."""
    case, change = t.case.c, t.transition.c
    kind = (
        select(func.max(t.clock.c.kind))
        .where(t.clock.c.site == case.site, t.clock.c.case_key == case.case_key)
        .where(t.clock.c.light == case.light, t.clock.c.due_at == case.due_at)
    )
    late = exists().where(
        and_(change.site == case.site, change.case_key == case.case_key),
        and_(change.after == light.value, change.late),
    )
    return (
        select(
            t.case,
            t.site.c.name.label("site_name"),
            kind.scalar_subquery().label("clock"),
            late.label("late"),
        )
        .join(t.site, t.site.c.id == case.site)
        .where(IS_OPEN, case.light == light.value, case.due_at.is_not(None))
        .order_by(case.due_at, case.site, case.case_key)
        .limit(limit)
    )


async def newest_changes(conn: AsyncConnection, limit: int) -> list[Change]:
    """The lights of clocks and rules that changed last, newest first."""
    change, case = t.transition, t.case
    query = (
        select(change, t.site.c.name, case.c.item_name, case.c.case_no)
        .join(t.site, t.site.c.id == change.c.site)
        .outerjoin(case, and_(case.c.site == change.c.site, case.c.case_key == change.c.case_key))
        .where(change.c.after.in_(TOLD))
        .order_by(change.c.id.desc())
        .limit(limit)
    )
    moved = [
        Change(row.judged_at, row.name, row.item_name, row.case_no, Light(row.after), row.late)
        for row in await conn.execute(query)
    ]
    ruled = [
        Change(
            row.found_at,
            row.site_name,
            row.item_name,
            row.case_no,
            Light(row.light),
            late=False,
            rule=row.rule,
        )
        for row in await conn.execute(rulings.newest(limit))
    ]
    return sorted(moved + ruled, key=lambda item: item.judged_at, reverse=True)[:limit]


async def reds_since(conn: AsyncConnection, day_at: int) -> tuple[int, int]:
    """(red lights lit since `day_at`, of them found late from delayed data)."""
    change = t.transition.c
    red = select(change.late, func.count()).where(change.judged_at >= day_at, change.after == Light.RED.value)
    counts = {bool(late): count for late, count in await conn.execute(red.group_by(change.late))}
    return sum(counts.values()), counts.get(True, 0)


# slow figures ------------------------------------------------------------------------------------------------


async def slow(conn: AsyncConnection, now_at: int, zone: ZoneInfo) -> Slow:
    """Month, trend, forecast, calendar: read every few seconds."""
    today = from_us(now_at, zone).date()
    workday = await workdays(conn, today)
    month = await _finished(conn, start_of_day(today.replace(day=1), zone))
    before = last_workday(today, workday)
    return Slow(
        month_finished=sum(month.values()),
        month_late=month.get(Light.RED, 0),
        yesterday=None if before is None else await _accepted_by(conn, before, now_at, zone),
        changes=await _changes(conn, start_of_day(today - timedelta(days=30), zone), zone, now_at),
        due=await _due(conn, start_of_day(today, zone), zone, now_at),
        workday=workday,
    )


async def workdays(conn: AsyncConnection, today: date) -> dict[date, bool]:
    """The newest calendar's days from 400 days before `today` to 400 after."""
    day = t.calendar_day.c
    newest = select(func.max(day.version)).scalar_subquery()
    first, last = (str(today + timedelta(days=offset)) for offset in (-400, 400))
    query = select(day.day, day.workday).where(day.version == newest, day.day.between(first, last))
    return {date.fromisoformat(text): bool(works) for text, works in await conn.execute(query)}


async def _finished(conn: AsyncConnection, since_at: int) -> dict[Light, int]:
    """Light -> cases finished since `since_at`, of those whose light says in time or late."""
    case = t.case.c
    query = (
        select(case.light, func.count())
        .select_from(t.site.join(t.case, and_(case.site == t.site.c.id, case.finished_at > since_at)))
        .where(case.light.in_(JUDGED), case.deleted.is_(False))
    )
    return {Light(light): count for light, count in await conn.execute(query.group_by(case.light))}


async def _accepted_by(conn: AsyncConnection, day: date, now_at: int, zone: ZoneInfo) -> int:
    """Cases accepted on `day` up to the hour that `now_at` shows."""
    begin = start_of_day(day, zone)
    until = begin + now_at - start_of_day(from_us(now_at, zone).date(), zone)
    case = t.case.c
    query = (
        select(func.count())
        .select_from(t.site.join(t.case, case.site == t.site.c.id))
        .where(case.accepted_at > begin, case.accepted_at <= until, case.deleted.is_(False))
    )
    return int(await conn.scalar(query) or 0)


async def _changes(
    conn: AsyncConnection, since_at: int, zone: ZoneInfo, now_at: int
) -> dict[date, tuple[int, int]]:
    """Day from which a light holds -> (yellow, red)."""
    change = t.transition.c
    number = (change.since_at + _offset(zone, now_at)) // DAY
    query = (
        select(number, change.after, func.count())
        .where(change.judged_at >= since_at, change.after.in_((Light.YELLOW, Light.RED)))
        .group_by(number, change.after)
    )
    counts: defaultdict[date, dict[str, int]] = defaultdict(dict)
    for day, light, count in await conn.execute(query):
        counts[_day(day)][light] = count
    return {day: (found.get(Light.YELLOW, 0), found.get(Light.RED, 0)) for day, found in counts.items()}


async def _due(conn: AsyncConnection, since_at: int, zone: ZoneInfo, now_at: int) -> dict[date, int]:
    """Day -> open cases whose limit ends with it."""
    case = t.case.c
    number = (case.due_at - 1 + _offset(zone, now_at)) // DAY
    query = (
        select(number, func.count())
        .where(IS_OPEN, case.due_at > since_at, case.due_at <= since_at + 40 * DAY)
        .where(case.light != Light.RED.value)
        .group_by(number)
    )
    return {_day(day): count for day, count in await conn.execute(query)}


def _offset(zone: ZoneInfo, at: int) -> int:
    """The zone's distance from UTC, microseconds."""
    delta = from_us(at, zone).utcoffset() or timedelta()
    return int(delta.total_seconds()) * SECOND


def _day(number: int) -> date:
    return datetime.fromisoformat("1970-01-01").date() + timedelta(days=number)
