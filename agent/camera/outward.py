"""The way out of live pictures: a connection of its own for each camera that is looked at, dialled by the box. No port is open.

One thread with one event loop for all of them. What cannot be sent in time is let go up to the next key frame: nobody is to
see what was, where what is is asked for.
"""

import asyncio
import random
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from pathlib import Path
from ssl import SSLContext

import aiohttp
import msgspec
from aiohttp import ClientWebSocketResponse

from agent.camera import talk
from agent.camera.film import Film
from common.core import backoff
from common.core.errors import ConfigError
from common.core.live import Frame, Kind, Shown, packed
from common.mqtt import MqttConfig, tls_context

OPEN_SECS = 10.0
BEAT_SECS = 10.0
_MOST = 60
"""Frames that may wait: more is a line too thin for them."""
_LOOK_SECS = 1.0
_LASTS_SECS = 5.0
MAKES_ROOM = "线路正在传办件，画面让路"
_FIRST = (Kind.STATE, Kind.PICTURE, Kind.SOUND)


class Way:
    """Of one film. `put` is called in the film's thread, the rest in the loop's."""

    def __init__(self, film: talk.Film, context: SSLContext | None, loop: asyncio.AbstractEventLoop) -> None:
        self.film: Film | None = None
        self._order, self._context, self._loop = film, context, loop
        self._first: dict[Kind, Frame] = {}
        self._waiting: deque[Frame] = deque()
        self._more = asyncio.Event()
        self._is_begun = False
        self.is_held = False

    def put(self, frame: Frame) -> None:
        self._loop.call_soon_threadsafe(self._take, frame)

    def _take(self, frame: Frame) -> None:
        if frame.kind in _FIRST:
            if frame.kind is Kind.PICTURE:
                self._first.pop(Kind.SOUND, None)
                self._waiting = deque(item for item in self._waiting if item.kind is Kind.STATE)
                self._is_begun = False
            self._first[frame.kind] = frame
            if not self.is_held:
                self._waiting.append(frame)
        elif self.is_held:
            self._is_begun = False
        elif frame.kind is Kind.KEY or self._is_begun:
            self._is_begun = True
            self._waiting.append(frame)
        if len(self._waiting) > _MOST:
            self._anew()
        self._more.set()

    def hold(self, *, is_held: bool) -> None:
        """Nothing goes out meanwhile but that it is so; afterwards as it stands, and from the next key frame."""
        if is_held == self.is_held:
            return
        self.is_held = is_held
        self._anew()
        self._more.set()

    def _anew(self) -> None:
        """From the initialisation, and go on with the next key frame; where records go first, that alone is said."""
        known = self._first.get(Kind.STATE)
        at = known.at if known is not None else 0
        held = [Frame(Kind.STATE, at, msgspec.json.encode(Shown(fault=MAKES_ROOM)))]
        first = [self._first[kind] for kind in _FIRST if kind in self._first]
        self._waiting = deque(held if self.is_held else first)
        self._is_begun = False
        if self.film is not None:
            self.film.from_key()

    async def run(self) -> None:
        """Until cancelled: a connection at all times."""
        failures = 0
        async with aiohttp.ClientSession(trust_env=False) as session:
            while True:
                began = self._loop.time()
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    await self._send(session)
                lasted = (
                    self._loop.time() - began
                )  # a hall that refuses ends it at once, and is not asked on and on
                failures = 1 if lasted > _LASTS_SECS else failures + 1
                await asyncio.sleep(0.3 + backoff.delay(failures - 1, random.random(), cap=4.0))  # noqa: S311

    async def _send(self, session: aiohttp.ClientSession) -> None:
        """Until the hall ends it. Raises what aiohttp does."""
        async with asyncio.timeout(OPEN_SECS):
            socket = await session.ws_connect(
                self._order.url, ssl=self._context or True, heartbeat=BEAT_SECS, compress=0
            )
        async with socket:
            await socket.send_bytes(self._order.dial)
            self._anew()
            self._more.set()
            read = asyncio.ensure_future(_ended(socket))
            try:
                while not read.done():
                    while self._waiting:
                        await socket.send_bytes(packed(self._waiting.popleft()))
                    self._more.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_SECS):
                            await self._more.wait()
            finally:
                read.cancel()


async def _ended(socket: ClientWebSocketResponse) -> None:
    """The hall says nothing here; reading answers its pings, and ends with it."""
    async for _ in socket:
        pass


class Outward:
    """Ways by camera; `open` and `close` may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[Way, asyncio.Task[None]] = {}
        threading.Thread(target=self._loop.run_forever, name="outward", daemon=True).start()

    def open(self, film: talk.Film, said: talk.Films) -> Way:
        """Raises ConfigError where the certificates of an encrypted line cannot be read."""
        context = None
        if film.url.startswith("wss:"):
            if not said.ca:
                raise ConfigError("媒体连接要求加密，本站点没有证书", hint="请核对 agent.toml 的 [mqtt]")
            context = tls_context(MqttConfig(host="unused", ca=Path(said.ca), node=Path(said.node)))
        way = Way(film, context, self._loop)
        self._loop.call_soon_threadsafe(self._begin, way)
        return way

    def _begin(self, way: Way) -> None:
        self._tasks[way] = self._loop.create_task(way.run())

    def close(self, way: Way) -> None:
        self._loop.call_soon_threadsafe(self._end, way)

    def _end(self, way: Way) -> None:
        task = self._tasks.pop(way, None)
        if task is not None:
            task.cancel()

    def hold(self, way: Way, *, is_held: bool) -> None:
        """As `Way.hold`."""
        self._loop.call_soon_threadsafe(partial(way.hold, is_held=is_held))
