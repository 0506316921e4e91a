"""What holds a message back, lets it go or makes it needless, and what a receipt says: decided in the caller's transaction."""

from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import telling
from central.core import silence, wording
from central.core import site as links
from central.core.correction import State as Stage
from central.core.gateway import Receipt
from central.core.hall import SiteFacts
from central.core.ladder import HELD, Level
from central.core.message import MOVES, Cause, Channel, State
from central.core.recipient import Recipient
from central.core.silence import Silence
from central.correction_paper import Desk
from central.store import messages, silences, wall
from central.store.engine import Store
from central.store.messages import Standing
from central.world import Moment, World
from common.clock import Clock
from common.core import crypto
from common.core.instant import MINUTE, local_date, start_of_day
from common.core.state import Light, Link

log = structlog.get_logger()

GRACE = 10 * MINUTE
"""So long a site may be away before anybody is told."""
_DOWN = frozenset({Link.OFFLINE, Link.STOPPED})
_FILLING = Link.CATCHUP
"""Ends nothing: only when the backlog is in, what was held back is judged by whole data."""
PAGE = 200


async def is_wanted(
    conn: AsyncConnection, row: Row[Any], world: World, clock: Clock, sign_key: bytes
) -> bool:
    """Whether a queued message is to be told now; else it is held back, or over."""
    now = Moment(clock.office(), clock.wall())
    stands = await messages.standing(conn, row)
    needless = over(row, stands)
    if needless:
        await messages.move(conn, row, State.OVER, now, needless)
        return False
    level = Level(row.level)
    if level in HELD and stands.is_cut_off:
        await _instead(conn, row, world, clock)
        await messages.move(conn, row, State.INHIBITED, now, cause=Cause.SITE.value)
        return False
    if level in HELD and stands.is_provisional:
        await messages.move(conn, row, State.INHIBITED, now, cause=Cause.CALENDAR.value)
        return False
    for one in await _silences(conn, now, sign_key):
        if silence.covers(one, level, row.site, row.person, now.at):
            await messages.move(conn, row, State.INHIBITED, now, one.reason, cause=Cause.SILENCE.value)
            return False
    return True


async def _silences(conn: AsyncConnection, now: Moment, sign_key: bytes) -> list[Silence]:
    """Those that run and that the hall has signed: none of another's making counts."""
    found = [(silences.body_of(row), row.signature) for row in await silences.running(conn, now.at)]
    return [one for one, signature in found if crypto.verify(sign_key, silence.statement(one), signature)]


def over(row: Row[Any], stands: Standing) -> str:
    """Why a message is not needed any more; empty if it is."""
    level = Level(row.level)
    if level is Level.YELLOW and row.cycle and stands.light != Light.YELLOW:
        return f"时限已转为{Light(stands.light).word}" if stands.light else "时限已不在"
    if level is Level.YELLOW and row.rung == 1 and stands.state == Stage.ACKNOWLEDGED:
        return "责任单位已知悉"
    if level in {Level.YELLOW, Level.RED} and row.rung and stands.is_open is False:
        return "纠错已办结"
    if stands.is_answered:
        return "单位已答复，或文书已作废"
    if level is Level.SILENT and not stands.is_cut_off:
        return "站点已恢复"
    return ""


async def release(conn: AsyncConnection, now: Moment, sign_key: bytes) -> None:
    """What need not be held back any more waits again; whether it is still to be told is asked then.

    All that is silenced is looked through: a silence that goes on must not stand before one that has ended.
    """
    for row in await messages.released(conn, PAGE):
        await messages.move(conn, row, State.QUEUED, now, "不再有碍")
    held = await messages.silenced(conn)
    running = await _silences(conn, now, sign_key) if held else []
    free = [
        row
        for row in held
        if not any(silence.covers(one, Level(row.level), row.site, row.person, now.at) for one in running)
    ]
    for row in free[:PAGE]:
        await messages.move(conn, row, State.QUEUED, now, "静默已结束")


async def receive(conn: AsyncConnection, channel: Channel, receipt: Receipt, now: Moment) -> bool:
    """A receipt may come twice, late, for nobody, or before the gateway's own answer. -> whether it has changed anything."""
    row = await messages.by_ref(conn, channel, receipt.ref)
    state = State.DELIVERED if receipt.is_delivered else State.FAILED
    if row is None or state not in MOVES[State(row.state)]:
        return False
    moved = await messages.move(conn, row, state, now, f"回执 {receipt.detail}", settled=False)
    if moved and state is State.FAILED:
        await messages.hurry(conn, row, now.at)
        log.warning("message.failed", message=row.id, channel=row.channel, reason=receipt.detail)
    return moved


# sites that are cut off ----------------------------------------------------------------------------------------


async def watch(store: Store, world: World, clock: Clock) -> None:
    """Which sites are cut off now; of one that is for longer than a moment, those who look after it are told, once."""
    now_at, now_wall = clock.office(), clock.wall()
    today = start_of_day(local_date(now_at, world.zone), world.zone)
    async with store.read() as conn:
        facts = await wall.sites(conn, today, now_at)
        known = await silences.cut_offs(conn)
    links_now = {item.id: links.derive(item.signals, now_wall, now_at) for item in facts}
    for item in facts:
        was, link = known.get(item.id), links_now[item.id]
        is_down = link in _DOWN or (was is not None and link is _FILLING)
        is_due = was is not None and not was.told and now_at - was.since_at >= GRACE
        if is_down != (was is not None) or (is_down and is_due):
            async with store.write() as conn:
                await _changed(conn, item, is_down=is_down, world=world, clock=clock)


async def _changed(
    conn: AsyncConnection, item: SiteFacts, *, is_down: bool, world: World, clock: Clock
) -> None:
    if not is_down:
        await silences.is_whole(conn, item.id)
        return
    known = (await silences.cut_offs(conn)).get(item.id)
    since_at = known.since_at if known is not None else clock.office()
    tell = clock.office() - since_at >= GRACE
    await silences.set_cut_off(conn, item.id, since_at, told=tell)
    if not tell:
        return
    desk = _desk(world, clock)
    told = telling.silent(item.id, item.name, since_at, _until(item.complete_until, desk), desk)
    await telling.tell(conn, told, desk)
    await messages.revive(conn, told.event, Moment(clock.office(), clock.wall()))


async def _instead(conn: AsyncConnection, row: Row[Any], world: World, clock: Clock) -> None:
    """In place of all that is held back for a cut-off site: one message to each person."""
    desk = _desk(world, clock)
    since_at = (await silences.cut_offs(conn))[row.site].since_at
    known = next(item for item in await wall.sites(conn, since_at, clock.office()) if item.id == row.site)
    told = telling.silent(row.site, known.name, since_at, _until(known.complete_until, desk), desk)
    one = Recipient(row.person, row.name, ((Channel(row.channel), row.address),))
    await messages.add(conn, telling.to_one(told, one, desk.clock.office(), desk))


def _until(at: int | None, desk: Desk) -> str:
    return wording.moment(at, desk.zone, desk.clock.office()) if at else ""


def _desk(world: World, clock: Clock) -> Desk:
    """Nothing is signed here."""
    return Desk(clock, world.zone, world.calendar, b"")
