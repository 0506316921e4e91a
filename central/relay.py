"""Live pictures at the hall: boxes dial in, browsers look on; nothing of a picture is kept (cameras.md 3.10).

Somebody looks: the site is told so by a signed wish, again and again, and dials the media port. Nobody looks any more: the
wish is taken back after `LINGER`, the connection closed, and what the box has not heard ends with its lease.
"""

import asyncio
import hmac
import secrets
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import Struct
from sqlalchemy import Row

from central.config import LiveConfig
from central.core.channel import Channel, Viewer
from central.store import facts
from central.store.engine import Store
from common.clock import Clock
from common.core import message, topics
from common.core.camera import Mask
from common.core.errors import ConfigError, UnavailableError, words
from common.core.instant import SECOND
from common.core.live import LEASE, MOST_FRAME, SAY_EVERY, TICKET_BYTES, Frame, Kind, Shown, unpacked
from common.core.message import Dial, Signed, Wanted, Watch
from common.mqtt import Link

log = structlog.get_logger()

LINGER = 5 * SECOND
"""So long a stream goes on without anybody: a page that is loaded again needs it at once."""
HELLO_SECS = 5.0
BEAT_SECS = 10.0
SHUTDOWN_SECS = CLOSE_SECS = 1.0
PATH = "/media"
PER_LOGIN = 40
"""Looks: a wall of sixteen that turns has twice as many for a moment, and there is a page beside it."""
_LOOK_SECS = 1.0


class Camera(Struct, frozen=True):
    """What is looked at: one camera, masked or, with a reason, `plain`."""

    site: str
    id: str
    plain: bool = False


class _Stream:
    """A channel that somebody looks at, or did a moment ago."""

    def __init__(self) -> None:
        self.channel = Channel()
        self.ticket = secrets.token_bytes(TICKET_BYTES)
        self.more = asyncio.Event()
        self.socket: web.WebSocketResponse | None = None
        self.generation = 0
        """Of the box that sends."""
        self.left_mono: int | None = None
        self.bytes = 0
        self.dials = 0


class Relay:
    """`join` and `frames` serve a browser, `say` the broker's session, `serve` the boxes."""

    def __init__(self, store: Store, config: LiveConfig, clock: Clock, sign_secret: bytes) -> None:
        self._store, self.config, self._clock, self._sign_secret = store, config, clock, sign_secret
        self._streams: dict[Camera, _Stream] = {}
        self._changed = asyncio.Event()
        self._told: set[str] = set()
        """Sites that believe somebody looks."""
        self._is_closing = False
        self.looks: Counter[tuple[str, str]] = Counter()
        """Open views by user and site, from before anything is waited for: many that come at once are counted too."""

    @property
    def is_open(self) -> bool:
        """Whether boxes have a place to send to."""
        return bool(self.config.address)

    def is_sending(self, camera: Camera) -> bool:
        """Its box is connected."""
        stream = self._streams.get(camera)
        return stream is not None and stream.socket is not None

    def open_streams(self) -> dict[Camera, tuple[int, int, int]]:
        """Of each: how many look on, times that its box has dialled, bytes that it has sent."""
        return {
            camera: (len(one.channel.viewers), one.dials, one.bytes) for camera, one in self._streams.items()
        }

    # viewers -------------------------------------------------------------------------------------------------

    def full(self, user: str, site: str) -> str:
        """Why this user may not look at one more camera of the site now, in a sentence; empty: he may."""
        mine = sum(number for (who, _), number in self.looks.items() if who == user)
        here = sum(number for (_, where), number in self.looks.items() if where == site)
        for number, most, what in (
            (mine, PER_LOGIN, "这个账号同时看的画面"),
            (here, self.config.site_viewers, "同时看这个站点的画面"),
            (self.looks.total(), self.config.viewers, "全市同时看的画面"),
        ):
            if number >= most:
                return f"{what}已满 {most} 路，有人关上后会自动接上"
        return ""

    def join(self, camera: Camera, *, hears: bool) -> Viewer:
        stream = self._streams.get(camera)
        if stream is None:
            stream = self._streams[camera] = _Stream()
            self._changed.set()
            log.info("live.wanted", site=camera.site, camera=camera.id, plain=camera.plain)
        stream.left_mono = None
        return stream.channel.join(hears=hears)

    def leave(self, camera: Camera, viewer: Viewer) -> None:
        """Idempotent."""
        stream = self._streams.get(camera)
        if stream is not None:
            stream.channel.leave(viewer)
            if not stream.channel.viewers and stream.left_mono is None:
                stream.left_mono = self._clock.mono()

    async def frames(self, camera: Camera, viewer: Viewer) -> AsyncIterator[Frame | None]:
        """What this viewer is to get, each with its age; None about once a second, when nothing has come."""
        stream = self._streams[camera]
        while not self._is_closing:
            now_ms = self._clock.wall() // 1000
            for frame in viewer.taken():
                yield Frame(frame.kind, max(0, now_ms - frame.at), frame.payload)
            stream.more.clear()
            if viewer.waiting:
                continue
            try:
                async with asyncio.timeout(_LOOK_SECS):
                    await stream.more.wait()
            except TimeoutError:
                yield None

    def close(self) -> None:
        """End what every viewer sees: the process stops."""
        self._is_closing = True
        for stream in self._streams.values():
            stream.more.set()

    # the wish ------------------------------------------------------------------------------------------------

    async def say(self, link: Link) -> None:
        """For ever, by one connection to the broker: tell each site what of it is looked at."""
        self._told, said_mono = set(), 0
        while True:
            self._changed.clear()
            await self._end_left()
            sites = {camera.site for camera in self._streams}
            now = self._clock.mono()
            is_due = now - said_mono >= SAY_EVERY or self._is_new(sites)
            if is_due:
                said_mono = now
            for site in (sites if is_due else set()) | (self._told - sites):
                with suppress(UnavailableError):  # the writer of batches reports the database
                    await self._say(link, site)
            self._told = sites
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECS):
                    await self._changed.wait()

    def _is_new(self, sites: set[str]) -> bool:
        return bool(sites - self._told) or any(
            one.dials == 0 and one.socket is None for one in self._streams.values()
        )

    async def _say(self, link: Link, site: str) -> None:
        generation = await self.checked(site)
        streams = [(camera, one) for camera, one in self._streams.items() if camera.site == site]
        streams.sort(key=lambda item: not item[1].channel.viewers)  # where a line has no room for all
        wanted = [Wanted(camera.id, one.ticket, camera.plain) for camera, one in streams]
        address = self.config.address.rstrip("/") + PATH
        said = Watch(site, generation, self._clock.wall() + LEASE, address, wanted[: message.MOST_CAMERAS])
        topic = topics.watch(site)
        raw = message.encode_signed(said, topic, self._sign_secret)
        await link.publish(topic, raw, expiry_secs=LEASE // SECOND)

    async def checked(self, site: str) -> int:
        """Close what a box sends whose right to it has ended since it dialled. -> the newest generation of the site."""
        async with self._store.read() as conn:
            generation = await facts.newest_generation(conn, site)
            box = await facts.find_box(conn, site, generation)
        for camera, one in list(self._streams.items()):
            is_right = _may_send(box) and one.generation == generation
            if camera.site == site and one.socket is not None and not is_right:
                log.warning("live.refused", peer=site, reason="该机器已停用或已更换")
                await one.socket.close(code=WSCloseCode.POLICY_VIOLATION)
        return generation

    async def _end_left(self) -> None:
        now = self._clock.mono()
        for camera, one in list(self._streams.items()):
            if one.left_mono is not None and now - one.left_mono >= LINGER:
                del self._streams[camera]
                if one.socket is not None:
                    await one.socket.close(code=WSCloseCode.GOING_AWAY)
                log.info("live.ended", site=camera.site, camera=camera.id, bytes=one.bytes)

    # boxes ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Take boxes in while the body runs. Raises ConfigError where the port or the certificates are not to be had."""
        if not self.is_open:
            yield
            return
        config, app = self.config, web.Application()
        app.router.add_get(PATH, self._box)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECS)
        await runner.setup()
        try:
            site = web.TCPSite(runner, config.host, config.port, ssl_context=server_context(config))
            try:
                await site.start()
            except OSError as error:
                raise ConfigError(
                    f"现场画面端口 {config.host}:{config.port} 不能使用：{words(error)}",
                    hint="请在 central.toml 的 [live] 换一个端口",
                ) from error
            yield
        finally:
            for one in self._streams.values():
                if one.socket is not None:
                    await one.socket.close(code=WSCloseCode.GOING_AWAY)
            await runner.cleanup()

    async def _box(self, request: web.Request) -> web.WebSocketResponse:
        """One camera of one box, as long as it is wanted."""
        socket = web.WebSocketResponse(
            heartbeat=BEAT_SECS, compress=False, max_msg_size=MOST_FRAME, timeout=CLOSE_SECS
        )
        try:
            await socket.prepare(request)
        except ConnectionResetError:  # it has hung up already
            return socket
        camera, generation = None, 0
        with suppress(ValueError, TypeError, TimeoutError, UnavailableError):
            async with asyncio.timeout(HELLO_SECS):
                camera, generation = await self._introduced(await socket.receive_bytes(), _name(request))
        stream = None if camera is None else self._streams.get(camera)
        if camera is None or stream is None:
            log.warning("live.refused", peer=request.remote, reason="没有人在等它，或身份不符")
            await socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return socket
        before, stream.socket, stream.generation = stream.socket, socket, generation
        stream.dials += 1
        if before is not None:
            await before.close(code=WSCloseCode.GOING_AWAY)
        log.info("live.began", site=camera.site, camera=camera.id, plain=camera.plain)
        try:
            async for item in socket:
                if item.type is not WSMsgType.BINARY:
                    break
                self._take(stream, item.data, plain=camera.plain)
        except ValueError as error:
            log.warning("live.refused", peer=request.remote, reason=str(error))
        finally:
            if stream.socket is socket:
                stream.socket = None
        return socket

    def _take(self, stream: _Stream, raw: bytes, *, plain: bool) -> None:
        """Raises ValueError for what is no frame, or a picture as it is where a masked one is looked at."""
        frame = unpacked(raw)
        if frame.kind is Kind.STATE:
            shown = msgspec.json.decode(frame.payload, type=Shown)
            if shown.codec and shown.mask is Mask.NONE and not plain:
                raise ValueError("not masked, where a masked picture is looked at")
        stream.bytes += len(raw)
        stream.channel.take(frame)
        stream.more.set()

    async def _introduced(self, raw: bytes, name: str | None) -> tuple[Camera | None, int]:
        """Which camera it is whose box says so with its own key, over its own certificate, and is waited for; and the box's
        generation. Raises ValueError."""
        said = message.decode(Dial, message.decode(Signed, raw).body)
        async with self._store.read() as conn:
            box = await facts.find_box(conn, said.site, said.generation)
        if box is None or not _may_send(box):
            return None, 0
        if name is not None and name != f"{said.site}.{said.generation}":
            return None, 0
        dial = message.decode_signed(Dial, topics.dial(said.site, said.camera), box.sign_key, raw)
        for plain in (False, True):
            stream = self._streams.get(Camera(dial.site, dial.camera, plain))
            if stream is not None and hmac.compare_digest(stream.ticket, dial.ticket):
                return Camera(dial.site, dial.camera, plain), dial.generation
        return None, 0


def _may_send(box: Row[Any] | None) -> bool:
    return box is not None and box.state == "active" and box.retired_wall is None


def _name(request: web.Request) -> str | None:
    """Common name of the certificate that the box has shown; None on a plain line."""
    transport = request.transport
    if transport is None or transport.get_extra_info("ssl_object") is None:
        return None
    shown = transport.get_extra_info("peercert") or {}
    return next(
        (value for part in shown.get("subject", ()) for key, value in part if key == "commonName"), ""
    )


def server_context(config: LiveConfig) -> ssl.SSLContext | None:
    """None for an address that is not encrypted. Raises ConfigError that names the file at fault."""
    if not config.address.startswith("wss://"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    for path, load in ((config.ca, context.load_verify_locations), (config.server, context.load_cert_chain)):
        try:
            load(path)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"现场画面的证书 {path} 不能使用：{error}", hint=f"请检查 {path}") from error
    return context
