"""A new year's notice: what it would move, and its taking effect."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import calendar as calendars
from central.core.calendar import Calendar, Changed, Notice
from central.core.limits import limits
from central.store import cases as rows
from central.store import items, law, packs, trail
from central.world import Moment, World, edge_of
from common.core.errors import UsageError
from common.core.instant import local_date
from common.core.state import ClockKind

_CHUNK = 500


class Move(Struct, frozen=True):
    """A due date that another calendar puts elsewhere; instants of office time."""

    site: str
    case_no: str
    clock: ClockKind
    before_at: int
    after_at: int
    confirmed: bool  # the day stays, and is no longer provisional


class Preview(Struct, frozen=True):
    """What a notice would do."""

    changed: list[Changed]
    moves: list[Move]


async def preview(conn: AsyncConnection, notice: Notice, zone: ZoneInfo, now: Moment) -> Preview:
    """What taking this notice in would move; writes nothing. Raises UsageError for a notice that cannot be right."""
    old = await law.calendar_if_any(conn)
    assert old is not None
    faults = calendars.faults(notice, old)
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise UsageError(
            f"通知有 {len(faults)} 处不对：\n{lines}", hint="请对照国务院办公厅的通知原文修改后重试"
        )
    new = _laid(old, notice)
    changed = old.changed(new)
    found = await law.touched(conn, changed, edge_of(old, zone), zone)
    return Preview(changed, await _moves(conn, found, old, new, zone, now))


async def take_in(conn: AsyncConnection, notice: Notice, who: str, why: str, now: Moment) -> int:
    """Add the version; the running hall takes it up within half a minute and judges what it touches. -> its number."""
    days = calendars.notice_days(notice)
    calendar = await law.add_year(conn, days, notice.source, who, why, now.at, now.wall)
    await trail.note(conn, now.wall, who, "calendar.import", str(calendar.version), why)
    return calendar.version


def _laid(old: Calendar, notice: Notice) -> Calendar:
    """The version that `take_in` will write."""
    given = {day: works for day, works, _ in calendars.notice_days(notice)}
    last = max(old.published_until, *given)
    span = range((last - old.first).days + 1)
    days = (old.first.fromordinal(old.first.toordinal() + n) for n in span)
    return Calendar(
        old.version + 1, old.first, [given[day] if day in given else old.is_workday(day) for day in days]
    )


async def _moves(
    conn: AsyncConnection,
    found: Sequence[Row[Any]],
    old: Calendar,
    new: Calendar,
    zone: ZoneInfo,
    now: Moment,
) -> list[Move]:
    by_site: dict[str, list[str]] = defaultdict(list)
    for row in found:
        by_site[row.site].append(row.case_key)
    world = World(zone, old, await items.catalogue(conn), packs=await packs.every(conn))
    moves = []
    for site, keys in by_site.items():
        for start in range(0, len(keys), _CHUNK):
            states = await rows.states(conn, site, keys[start : start + _CHUNK], zone, now.at)
            for key, state in sorted(states.items()):
                item, pack = world.item_of(state), world.pack_of(state)
                before = {(one.kind, one.cycle): one for one in limits(state, item, old, zone, pack)}
                for limit in limits(state, item, new, zone, pack):
                    known = before.get((limit.kind, limit.cycle))
                    if known is None or not limit.end.open or not limit.running or known.due_at <= now.at:
                        continue
                    is_confirmed = known.due_at == limit.due_at and known.provisional != limit.provisional
                    if known.due_at != limit.due_at or is_confirmed:
                        number = state.facts.case_no or key
                        moves.append(Move(site, number, limit.kind, known.due_at, limit.due_at, is_confirmed))
    return moves


def said(move: Move, zone: ZoneInfo) -> str:
    """`s01 办件 123 法定时限：2027-01-04 → 2027-01-05`."""
    before, after = (local_date(at - 1, zone) for at in (move.before_at, move.after_at))
    end = f"{before}，由预计成为确定" if move.confirmed else f"{before} → {after}"
    return f"{move.site} 办件 {move.case_no} {move.clock.word}：{end}"
