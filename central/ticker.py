"""Time passes -> lights change: one indexed range query finds the clocks that are due, nothing is held in timers.

Sleeps until the first `next_check_at`, at most `IDLE_SECS`; new facts wake it. Several tickers may run: each
claims cases that no other has, and judging twice changes nothing.
"""

import asyncio

import structlog

from central import judge
from central.judge import Moment, World
from central.store import cases
from central.store.engine import Store
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import SECOND

log = structlog.get_logger()

IDLE_SECS = 30.0
BATCH = 500
RETRY_SECS = 2.0


class TickerState:
    """When the ticker last turned (monotonic), for watchdog and doctor."""

    def __init__(self) -> None:
        self.turned_mono = 0


async def tick_once(store: Store, world: World, clock: Clock) -> int:
    """Judge every clock that is due. -> lights that changed. Raises UnavailableError."""
    changed, goes_on = 0, True
    while goes_on:
        lights, goes_on = await _turn(store, world, clock)
        changed += lights
    return changed


async def _turn(store: Store, world: World, clock: Clock) -> tuple[int, bool]:
    """Judge the first `BATCH` that are due. -> (lights that changed, whether there may be more)."""
    await _renew(store, world, clock)
    now = Moment(clock.office(), clock.wall())
    async with store.read() as conn:
        due = await cases.due(conn, now.at, BATCH)
    changed = claimed = 0
    for site, keys in due.items():
        async with store.write() as conn:
            own = await cases.claim(conn, site, keys, now.at)
            claimed += len(own)
            changed += await judge.judge_cases(conn, site, own, world, now)
    return changed, claimed > 0  # none: nothing is due, or another worker has it


async def _renew(store: Store, world: World, clock: Clock) -> None:
    """A calendar or items that somebody has added since: the hall need not be started again."""
    async with store.read() as conn:
        is_new = await judge.is_renewed(conn, world)
    if is_new:
        async with store.write() as conn:
            await judge.renew_world(conn, world, Moment(clock.office(), clock.wall()))


async def run(store: Store, world: World, clock: Clock, changed: asyncio.Event, state: TickerState) -> None:
    """Tick for ever. `changed` says that there are new facts."""
    while True:
        state.turned_mono = (
            clock.mono()
        )  # after each portion: a million that are due take minutes, and nothing hangs
        try:
            _, goes_on = await _turn(store, world, clock)
            if goes_on:
                continue
            pause = await _until_next(store, clock)
        except UnavailableError:
            pause = RETRY_SECS  # the writer of batches reports the database
        try:
            async with asyncio.timeout(pause):
                await changed.wait()
        except TimeoutError:
            continue
        changed.clear()


async def _until_next(store: Store, clock: Clock) -> float:
    """Real seconds to the first check that waits."""
    async with store.read() as conn:
        first = await cases.next_due(conn)
    if first is None:
        return IDLE_SECS
    real = (first - clock.office()) / SECOND / clock.top_pace
    return min(max(real, 0.05), IDLE_SECS)
