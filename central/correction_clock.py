"""What moves corrections without anybody: lights that are told, days that have passed, yellow lights that are over; letters without answer.

One look takes everything that waits, each in its own transaction, so that a crash in between leaves it whole or not begun,
and one that cannot be taken holds up no other. Several lookers share the outbox; a correction is moved under its lock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from central import answering, correction, raising
from central.core import dossier
from central.core.correction import ENDS, Event
from central.correction_paper import Desk, Words
from central.store import corrections, issued, outbox
from central.store.engine import Store
from central.world import World
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import HOUR

log = structlog.get_logger()

LOOK_SECS = 2.0
PAGE = 200
_LATER = 12 * HOUR
"""A last day that no notice has published yet is looked at again after so long."""
Work = Callable[[AsyncConnection, Any], Awaitable[bool]]
"""Takes what a number, or the code of a letter, names."""
Skipped = set[tuple[str, Any]]
"""What could not be taken in this process's life; the next start tries again."""


async def look_once(store: Store, world: World, clock: Clock, secret: bytes, skipped: Skipped) -> int:
    """Take what waits. -> how much was taken. Raises UnavailableError."""
    desk = Desk(clock, world.zone, world.calendar, secret)
    async with store.read() as conn:
        told = await outbox.waiting(conn, PAGE, [number for what, number in skipped if what == "light"])
        late = await corrections.due(conn, clock.office(), world.calendar.version, PAGE)
        over = await corrections.settled(conn, PAGE)
        unanswered = await issued.to_urge(conn, str(desk.today), PAGE)
    works: list[tuple[str, Sequence[Any], Work]] = [
        ("light", [row.id for row in told], lambda conn, number: _tell(conn, number, world, desk)),
        ("due", late, lambda conn, number: _pass(conn, number, desk)),
        ("over", over, lambda conn, number: _clear(conn, number, desk)),
        ("letter", unanswered, lambda conn, code: answering.urge(conn, code, desk)),
    ]
    return await taken(store, works, skipped)


async def taken(store: Store, works: Sequence[tuple[str, Sequence[Any], Work]], skipped: Skipped) -> int:
    """Each in its own transaction. -> how many. Raises UnavailableError."""
    done = 0
    for what, numbers, work in works:
        for number in numbers:
            done += await _safely(store, (what, number), work, skipped)
    return done


async def _safely(
    store: Store,
    what: tuple[str, Any],
    work: Work,
    skipped: Skipped,
) -> bool:
    """One transaction; a fault of ours is logged with its place, and the others go on."""
    if what in skipped:
        return False
    try:
        async with store.write() as conn:
            return await work(conn, what[1])
    except UnavailableError:
        raise
    except Exception:  # whatever one case's facts do to us, the others are taken
        log.exception("correction.skipped", what=what[0], number=what[1], hint="请把这条日志交给软件维护人员")
        skipped.add(what)
        return False


async def _tell(conn: AsyncConnection, number: int, world: World, desk: Desk) -> bool:
    """Exactly once: the row is done in the transaction of what follows from it."""
    row = await outbox.claim(conn, number)
    if row is None:
        return False
    raised = await raising.take(conn, row, world, desk)
    await outbox.done(conn, [number], desk.clock.wall())
    if raised is not None:
        log.info("correction.raised", site=row.site, number=raised, light=row.event)
    return True


async def _pass(conn: AsyncConnection, number: int, desk: Desk) -> bool:
    """A day has passed: urge, escalate, circulate, as the table says."""
    row = await correction.held(conn, number)
    one = corrections.body_of(row)
    event = dossier.lapsed(one, desk.today, desk.calendar)
    if event is not None and dossier.is_urged_out(await corrections.entries(conn, number)):
        await corrections.set_due(conn, number, row.due_day, desk.calendar.version, None)
        return False
    if event is not None:
        await correction.act(conn, row, event, None, Words(), desk)
        log.info("correction.lapsed", number=number, state=row.state)
        return True
    found = correction.standing(one, desk.calendar, desk.zone)
    check = found["next_check_at"]
    if check is not None and check <= desk.clock.office():
        check = desk.clock.office() + _LATER
    await corrections.set_due(conn, number, found["due_day"], desk.calendar.version, check)
    return False


async def _clear(conn: AsyncConnection, number: int, desk: Desk) -> bool:
    row = await correction.held(conn, number)
    if corrections.body_of(row).state in ENDS:
        return False
    await correction.act(
        conn, row, Event.CLEAR, None, Words(reason=await corrections.light_now(conn, row)), desk
    )
    return True


async def run(store: Store, world: World, clock: Clock, secret: bytes) -> None:
    """Look for ever."""
    skipped: Skipped = set()
    while True:
        with suppress(UnavailableError):  # the writer of batches reports the database
            while await look_once(store, world, clock, secret, skipped):
                continue
        await asyncio.sleep(LOOK_SECS)
