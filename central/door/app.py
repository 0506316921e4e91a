"""Composition root of the public door: a process of its own, with a store of its own and pages for anybody."""

import asyncio
import secrets
from contextlib import AsyncExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler
from msgspec import Struct

from central.door import (
    about,
    case,
    complain,
    consult,
    follow,
    forms,
    guides,
    laws,
    notices,
    rate,
    replies,
    scores,
    survey,
)
from central.door.config import DoorConfig
from central.door.crowd import TURNS, Turn, shed
from central.door.guard import admission, errors
from central.door.limits import Limits
from central.door.page import DOOR, STYLE, Door, Handler, build_of, load_style, load_templates
from central.door.store import open_as_door
from central.store.engine import Store
from common import log as logs
from common import process
from common.clock import Clock
from common.core.backoff import delay
from common.core.errors import ConfigError, UnavailableError, words
from common.sdnotify import notify

log = structlog.get_logger()

HEAD_SECS = 10.0
"""From the connection to the end of the first request's head: whoever dawdles longer is cut off."""
IDLE_SECS = 15.0
STALLED_SECS, ANSWER_SECS = 30.0, 600.0
"""Within which something of an answer is taken, and all of it: the largest file at 5 kB/s."""
MOST_CONNECTIONS = 2_000
SILENT = web.AppKey("silent", set[RequestHandler])
"""Connections whose first request has not come whole yet."""


def run(config: DoorConfig) -> None:
    """Serve until told to stop."""
    logs.configure(level=config.log_level, role="door")
    process.run(_main(config))


async def _main(config: DoorConfig) -> None:
    async with AsyncExitStack() as stack:
        store, key = await _patient(config)
        stack.push_async_callback(store.close)
        app = make_app(store, config, Clock(), key)
        runner = make_runner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await listen(runner, config.host, config.port)
        log.info("door.started", address=f"http://{config.host}:{config.port}/p/", database=store.dialect)
        stack.callback(log.info, "door.stopped")
        notify("READY=1")
        while True:
            notify("WATCHDOG=1")
            await asyncio.sleep(5.0)


async def _patient(config: DoorConfig) -> tuple[Store, bytes]:
    """Store and key; what the hall has not published yet is waited for, and said once."""
    attempt = 0
    while True:
        try:
            return await open_as_door(config.database_url), _key(config.key_path)
        except UnavailableError as error:
            if not attempt:
                log.warning("door.waiting", reason=str(error), hint=error.hint)
            await asyncio.sleep(0.5 + delay(attempt, secrets.randbelow(1000) / 1000, cap=5.0))
            attempt += 1


def _key(path: Path) -> bytes:
    """Raises UnavailableError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnavailableError(
            f"读不到查询密钥 {path}：{words(error)}", hint="请把 door.toml 的 folder 指向市中心发布的目录"
        ) from error


def make_app(store: Store, config: DoorConfig, clock: Clock, key: bytes) -> web.Application:
    """The pages, ready for a runner."""
    app = web.Application(middlewares=[_spoke, shed, errors, admission])
    app[DOOR] = _door(store, config, clock, key)
    app[SILENT], app[TURNS] = set(), Turn()
    app.add_routes(guides.ROUTES)
    app.add_routes(forms.ROUTES)
    app.add_routes(laws.ROUTES)
    app.add_routes(case.ROUTES)
    app.add_routes(complain.ROUTES)
    app.add_routes(follow.ROUTES)
    app.add_routes(replies.ROUTES)
    app.add_routes(consult.ROUTES)
    app.add_routes(rate.ROUTES)
    app.add_routes(scores.ROUTES)
    app.add_routes(notices.ROUTES)
    app.add_routes(notices.FEED)
    app.add_routes(about.ROUTES)
    app.add_routes(survey.ROUTES)
    app.router.add_get(STYLE, _style)
    app.router.add_get("/healthz", _healthy)
    return app


def _door(store: Store, config: DoorConfig, clock: Clock, key: bytes) -> Door:
    zone = ZoneInfo(config.legal_zone)
    return Door(store, config, clock, zone, key, load_templates(), load_style(), Limits())


def make_export(store: Store, config: DoorConfig, clock: Clock) -> web.Application:
    """The pages that ask nobody for anything, for whoever writes them as files."""
    app = web.Application()
    app[DOOR] = _door(store, config, clock, b"")
    app[DOOR].is_export = True
    app.add_routes(guides.ROUTES)
    app.add_routes(forms.ROUTES)
    app.add_routes(laws.ROUTES)
    app.add_routes(scores.ROUTES)
    app.add_routes(notices.ROUTES)
    app.add_routes(about.ROUTES)
    app.router.add_get(STYLE, _style)
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """What comes packed stays packed: half a megabyte may unpack to gigabytes, and holds up everybody meanwhile."""
    return web.AppRunner(
        app, access_log=None, shutdown_timeout=2.0, keepalive_timeout=IDLE_SECS, auto_decompress=False
    )


async def listen(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    """Serve on an address, and cut off who is silent. Raises ConfigError where it is taken."""
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None
    silent = runner.app[SILENT]

    def admit() -> RequestHandler:
        handler = server()
        if len(server.connections) >= MOST_CONNECTIONS:
            loop.call_soon(loop.call_soon, _cut, handler)  # once it has its transport
        silent.add(handler)
        loop.call_later(HEAD_SECS, _cut_silent, handler, silent)
        return handler

    try:
        listening = await loop.create_server(admit, host, port)
    except OSError as error:
        raise ConfigError(
            f"公众网页端口 {host}:{port} 不能使用：{words(error)}", hint="请在 door.toml 换一个 port"
        ) from error
    _watch(listening, server, {})
    return listening


class Taken(Struct, frozen=True):
    """Of an answer: bytes that wait to be taken, and since when some have (monotonic seconds)."""

    waiting: int
    since: float


def _watch(listening: asyncio.Server, server: web.Server, before: dict[RequestHandler, Taken]) -> None:
    """Cut off who takes nothing of the answer, or takes it by drops: as many as may be connected would keep out everybody else."""
    if not listening.is_serving():
        return
    loop, now = asyncio.get_running_loop(), {}
    for handler in server.connections:
        waiting = handler.transport.get_write_buffer_size() if handler.transport is not None else 0
        if not waiting:
            continue
        known = before.get(handler, Taken(-1, loop.time()))
        if waiting == known.waiting or loop.time() - known.since >= ANSWER_SECS:
            _cut(handler)
        else:
            now[handler] = Taken(waiting, known.since)
    loop.call_later(STALLED_SECS, _watch, listening, server, now)


def _cut_silent(handler: RequestHandler, silent: set[RequestHandler]) -> None:
    if handler in silent:
        silent.discard(handler)
        _cut(handler)


def _cut(handler: RequestHandler) -> None:
    if handler.transport is not None:
        handler.transport.abort()


@web.middleware
async def _spoke(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Its head has come whole."""
    request.app[SILENT].discard(request.protocol)
    return await handler(request)


async def _style(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    response = web.Response(body=door.style, content_type="text/css", charset="utf-8")
    fresh = request.query.get("v") == build_of(door.style)
    response.headers[hdrs.CACHE_CONTROL] = "public, max-age=31536000, immutable" if fresh else "no-cache"
    response.enable_compression()
    return response


async def _healthy(request: web.Request) -> web.Response:
    """For a proxy in front: whether there is something to show."""
    await request.app[DOOR].look()
    return web.Response(text="ok")
