"""Composition root of the hall: broker (where embedded), database, receiver, ticker, pages in one process."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError

from central import (
    __version__,
    briefing,
    citizen_clock,
    correction_clock,
    dead,
    dispatch,
    document,
    judge,
    public,
    still_clock,
    tally,
    ticker,
    trail,
)
from central.config import CentralConfig, WebConfig
from central.ingest import take_parked
from central.judge import Moment, World
from central.paper.press import Press
from central.receive import Receiver
from central.status import Status
from central.store import tallies, telling
from central.store.engine import Store, open_store
from central.store.sole import sole
from central.ticker import TickerState
from central.web.app import make_app
from central.web.live import Wall
from central.web.page import HALL
from common import log as logs
from common import process
from common.clock import Clock
from common.core.backoff import delay
from common.core.errors import ConfigError, UnavailableError, words
from common.core.instant import SECOND

log = structlog.get_logger()

SHUTDOWN_SECS = 2.0


def run(config: CentralConfig) -> None:
    """Serve until told to stop. Raises ConfigError before anything has been touched."""
    logs.configure(level=config.log_level, role="central")
    process.run(_main(config))


async def _main(config: CentralConfig) -> None:
    clock, started = Clock(config.clock), Clock().wall()
    async with AsyncExitStack() as stack:
        if config.embedded_broker:
            from central.embedded import embedded_broker  # amqtt is an extra of the demonstration

            await stack.enter_async_context(embedded_broker(config.mqtt))
        store = await _patient_store(config, clock)
        stack.push_async_callback(store.close)
        alone = await stack.enter_async_context(sole(config.database_url))
        async with store.write() as conn:
            world = await judge.load_world(conn, ZoneInfo(config.legal_zone))
            await judge.recheck(conn, world, Moment(clock.office(), clock.wall()))
            await telling.set_door(conn, is_open=config.public.enabled)
            if await tallies.begin(conn, config.legal_zone, __version__):
                log.info("tally.begun", zone=config.legal_zone)
        await _unpark(store, world, clock)
        await _take_letters(store, world, clock)
        changed = asyncio.Event()
        receiver, ticking = Receiver(config, store, world, clock, changed), TickerState()
        pages = make_app(store, config, clock, receiver.sign_secret, receiver.relay)
        post = await dispatch.opened(store, world, clock, config, receiver.sign_secret)
        stack.push_async_callback(post.close)
        wall = pages[HALL].wall
        await stack.enter_async_context(receiver.relay.serve())
        address = await stack.enter_async_context(_pages(config.web, pages))
        log.info("central.started", version=__version__, database=store.dialect, address=address)
        stack.callback(log.info, "central.stopped")
        async with asyncio.TaskGroup() as group:
            group.create_task(receiver.run(), name="receive")
            group.create_task(ticker.run(store, world, clock, changed, ticking), name="ticker")
            group.create_task(wall.ended(), name="wall")
            group.create_task(alone(), name="alone")
            signer = trail.Signer(store, receiver.sign_secret, clock)
            group.create_task(signer.run(), name="trail")
            press = document.run(store, Press(config.fonts_dir), receiver.sign_secret)
            group.create_task(press, name="documents")
            correcting = correction_clock.run(store, world, clock, receiver.sign_secret)
            group.create_task(correcting, name="corrections")
            briefing_each = briefing.run(store, world, clock, receiver.sign_secret)
            group.create_task(briefing_each, name="briefings")
            heard = citizen_clock.Heard()
            passing = citizen_clock.run(store, world, clock, receiver.sign_secret, heard)
            group.create_task(passing, name="citizens")
            group.create_task(still_clock.run(store, config.stills, clock), name="stills")
            if config.public.enabled:
                keys = receiver.sign_secret, receiver.wire_secret
                group.create_task(public.run(config, store, world, clock, keys, heard), name="public")
            booking = tally.Booker(store, ZoneInfo(config.legal_zone)).run(lambda: receiver.records)
            group.create_task(booking, name="tally")
            group.create_task(dispatch.run(post), name="messages")
            group.create_task(
                process.report(
                    config.status_path,
                    lambda: _status(receiver, wall, signer, started),
                    lambda: _turned_mono(receiver, ticking, wall, clock),
                    clock,
                ),
                name="report",
            )


async def _unpark(store: Store, world: World, clock: Clock) -> None:
    """Take in what an older version could not read."""
    total = failed = 0
    while True:
        try:
            async with store.write() as conn:
                records = await take_parked(conn, world, Moment(clock.office(), clock.wall()), failed)
        except (
            DBAPIError,
            ValueError,
        ) as error:  # it stays parked, named by the doctor: the others must not wait
            log.error("batch.unreadable", reason=repr(error), hint="请把这条日志交给软件维护人员")
            failed += 1
            continue
        total += records
        if not records:
            break
    if total:
        log.info("batch.unparked", records=total)


async def _take_letters(store: Store, world: World, clock: Clock) -> None:
    """The same of single records: a letter that can be read is a letter no more."""
    async with store.read() as conn:
        found = await dead.readable(conn)
    taken = 0
    for row in found:
        try:
            async with store.write() as conn:
                await dead.take_readable(conn, row, world, Moment(clock.office(), clock.wall()))
            taken += 1
        except (DBAPIError, ValueError) as error:  # it stays a letter, named by the doctor
            log.error("batch.unreadable", reason=repr(error), hint="请把这条日志交给软件维护人员")
    if taken:
        log.info("batch.unparked", records=taken)


async def _status(receiver: Receiver, wall: Wall, signer: trail.Signer, started_wall: int) -> Status:
    return Status(
        pid=os.getpid(),
        version=__version__,
        started_wall=started_wall,
        broker_fault=receiver.broker_fault,
        store_fault=receiver.store_fault,
        trail_fault=signer.fault,
        broken=receiver.broken,
        commit_wall=receiver.commit_wall,
        records=receiver.records,
        looked_wall=wall.facts.now_wall if wall.facts else 0,
    )


def _turned_mono(receiver: Receiver, ticker: TickerState, wall: Wall, clock: Clock) -> int:
    """When the slowest of the loops last turned; a receiver that waits for messages turns by waiting."""
    return min(ticker.turned_mono, wall.turned_mono, receiver.busy_since_mono or clock.mono())


async def _patient_store(config: CentralConfig, clock: Clock) -> Store:
    """Open the database; one that is away is waited for."""
    lost_mono: int | None = None
    attempt = 0
    while True:
        try:
            store = await open_store(config.database_url)
        except UnavailableError as error:
            if lost_mono is None:
                lost_mono = clock.mono()
                log.warning("store.unavailable", reason=str(error), hint=error.hint)
            await asyncio.sleep(0.5 + delay(attempt, secrets.randbelow(1000) / 1000, cap=5.0))
            attempt += 1
            continue
        if lost_mono is not None:
            log.info("store.recovered", after_secs=round((clock.mono() - lost_mono) / SECOND, 1))
        return store


@asynccontextmanager
async def _pages(config: WebConfig, app: web.Application) -> AsyncIterator[str]:
    """Serve the pages. -> their address. Raises ConfigError where the port is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(
                f"网页端口 {config.host}:{config.port} 不能使用：{words(error)}",
                hint="市中心程序可能已在运行；否则请在 central.toml 的 [web] 换一个端口",
            ) from error
        yield f"http://{config.host}:{config.port}/"
    finally:
        await runner.cleanup()
