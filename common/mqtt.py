"""paho-mqtt <-> asyncio: one object per connection, mutual TLS, MQTT 5 or 3.1.1, manual PUBACK.

Theory: the broker is a lossy wire, so a connection keeps nothing: clean start, no session, and when it is lost
a new object is made by the caller's loop with its own back-off. paho runs its network thread; every callback
hops to the event loop. A received message is acknowledged to the broker only by `Link.puback`.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import paho.mqtt.client as paho
from msgspec import Meta, Struct
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.config import HOST
from common.core.errors import ConfigError, UnavailableError, words

KEEPALIVE_SECS = 30
CONNECT_SECS = 10.0
GOODBYE_SECS = 2.0
NO_MATCHING_SUBSCRIBERS = 0x10
NOT_AUTHORIZED = 0x87
_NO_CHECK_TIME = (
    0x200000  # X509_V_FLAG_NO_CHECK_TIME: a wrong clock must not cut a site off (provisioning.md 3.5)
)
_AUTH_CODES = {4, 5, 134, 135}


class MqttConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[mqtt]` of agent and hall."""

    host: Annotated[str, Meta(min_length=1, pattern=HOST)]
    """Address or name; the broker's certificate must carry it."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    version: Annotated[int, Meta(ge=3, le=5)] = 5
    """5, or 3 for a broker that speaks only MQTT 3.1.1."""
    tls: bool = True
    """False only for the embedded broker of the demonstration on loopback."""
    ca: Path = Path("ca.pem")
    node: Path = Path("node.pem")
    """Private key, leaf and intermediate in one file."""


class Received(Struct, frozen=True):
    """A message from the broker; `mid` is what `Link.puback` takes."""

    topic: str
    payload: bytes
    retain: bool
    mid: int
    qos: int


class DisconnectedError(UnavailableError):
    """The connection is gone; make a new one."""


class Link:
    """One live connection. Made by `connect`."""

    def __init__(self, client: paho.Client, loop: asyncio.AbstractEventLoop, version: int) -> None:
        self._client = client
        self._loop = loop
        self._version = version
        self._pending: dict[int, asyncio.Future[int]] = {}
        self._lost: asyncio.Future[str] = loop.create_future()
        self._incoming: asyncio.Queue[Received | None] = asyncio.Queue()

    async def subscribe(self, topics: list[str]) -> None:
        """QoS 1. Raises DisconnectedError; a topic the broker's ACL denies is not an error here."""
        result, mid = self._client.subscribe([(topic, 1) for topic in topics])
        await self._settled(result, mid)

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        expiry_secs: int | None = None,
    ) -> int:
        """Send and wait for PUBACK. -> MQTT 5 reason code (0 on 3.1.1 and for QoS 0). Raises DisconnectedError."""
        properties = None
        if self._version == 5 and expiry_secs is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expiry_secs
        info = self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        if qos == 0:
            return 0
        return await self._settled(info.rc, info.mid)

    async def messages(self) -> AsyncIterator[Received]:
        """Messages in order of arrival; raises DisconnectedError when the connection is lost."""
        while True:
            item = await self._incoming.get()
            if item is None:
                raise _disconnected(self._lost.result())
            yield item

    def puback(self, message: Received) -> None:
        """Acknowledge to the broker: the hall does so only after its commit."""
        if message.qos:
            self._client.ack(message.mid, message.qos)

    async def lost(self) -> str:
        """Wait until the connection is lost. -> why."""
        return await asyncio.shield(self._lost)

    async def _settled(self, result: int, mid: int | None) -> int:
        """The broker's answer cannot overtake this: it hops to the loop, which is busy here until `await`."""
        if self._lost.done():
            raise _disconnected(self._lost.result())
        if result != paho.MQTT_ERR_SUCCESS or mid is None:
            raise _disconnected(paho.error_string(result))
        future: asyncio.Future[int] = self._loop.create_future()
        self._pending[mid] = future
        try:
            return await future
        finally:
            self._pending.pop(mid, None)

    # called on the event loop, from paho's thread

    def _on_settled(self, mid: int, code: int) -> None:
        future = self._pending.get(mid)
        if future is not None and not future.done():
            future.set_result(code)

    def _on_message(self, message: Received) -> None:
        self._incoming.put_nowait(message)

    def _on_lost(self, reason: str) -> None:
        if self._lost.done():
            return
        self._lost.set_result(reason)
        self._incoming.put_nowait(None)
        for future in self._pending.values():
            if not future.done():
                future.set_exception(_disconnected(reason))


# paho's own words for what no broker said; a broker's reason is shown as it came.
_REASONS = {
    "Unspecified error": "线路中断",
    "Keep alive timeout": "对方没有应答",
    "Server shutting down": "消息服务正在停止",
    "Session taken over": "另一个程序用同一身份连接",
    "Normal disconnection": "正常断开",
}


def _disconnected(reason: str) -> DisconnectedError:
    return DisconnectedError(f"与消息服务的连接已断开（{reason}）", hint="程序会自动重连")


@asynccontextmanager
async def connect(
    config: MqttConfig, client_id: str, *, will: tuple[str, bytes] | None = None
) -> AsyncIterator[Link]:
    """Connect, yield the Link, disconnect: cleanly at the end and when cancelled, else so that the will speaks.

    `will` is (topic, payload), published retained at QoS 1 by the broker when we vanish.
    Raises UnavailableError where the broker is away, refuses us or is not who it should be.
    """
    loop = asyncio.get_running_loop()
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=paho.MQTTv5 if config.version == 5 else paho.MQTTv311,
        clean_session=None if config.version == 5 else True,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.max_inflight_messages_set(1000)
    client.max_queued_messages_set(0)
    if config.tls:
        client.tls_set_context(tls_context(config))
    if will is not None:
        client.will_set(will[0], will[1], qos=1, retain=True)
    link = Link(client, loop, config.version)
    opened: asyncio.Future[None] = loop.create_future()
    _register(client, loop, link, opened)
    goodbye = False
    try:
        await _open(client, config, opened)
        yield link
        goodbye = True
    except asyncio.CancelledError:
        goodbye = True
        raise
    finally:
        if goodbye:
            client.disconnect()
        else:
            _cut(client)
        cut = loop.call_later(GOODBYE_SECS, _cut, client)
        await asyncio.to_thread(client.loop_stop)
        cut.cancel()


async def _open(client: paho.Client, config: MqttConfig, opened: asyncio.Future[None]) -> None:
    try:
        async with asyncio.timeout(CONNECT_SECS):
            await asyncio.to_thread(_dial, client, config)
        client.loop_start()
        async with asyncio.timeout(CONNECT_SECS):
            await opened
    except TimeoutError as error:
        raise UnavailableError(
            f"{config.host}:{config.port} 没有应答", hint="请检查网络、端口，以及消息服务是否卡住"
        ) from error


def _cut(client: paho.Client) -> None:
    """A peer that takes no more bytes does not take our goodbye either: end the connection without it."""
    line = client.socket()
    if isinstance(line, socket.socket):
        with suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)


def _dial(client: paho.Client, config: MqttConfig) -> None:
    start: dict[str, Any] = {"clean_start": True} if config.version == 5 else {}
    where = f"{config.host}:{config.port}"
    try:
        client.connect(config.host, config.port, keepalive=KEEPALIVE_SECS, **start)
    except ssl.SSLCertVerificationError as error:
        raise UnavailableError(
            f"{where} 的证书不可信：{error.verify_message}", hint="请核对市中心的 CA 证书与服务器名"
        ) from error
    except ssl.SSLError as error:
        raise UnavailableError(
            f"{where} 加密连接失败：{error.reason or error}", hint="请核对本机证书是否由同一 CA 签发"
        ) from error
    except ConnectionRefusedError as error:
        raise UnavailableError(f"{where} 连接被拒绝", hint="请检查消息服务是否启动、端口是否放行") from error
    except TimeoutError:
        raise
    except OSError as error:
        raise UnavailableError(f"{where} 连不上：{words(error)}", hint="请检查网络与地址") from error


def _register(
    client: paho.Client, loop: asyncio.AbstractEventLoop, link: Link, opened: asyncio.Future[None]
) -> None:
    def hop(function: Any, *args: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(function, *args)

    def open_or_fail(code: ReasonCode) -> None:
        if opened.done():
            return
        if code.is_failure:
            hint = "请核对证书与站点权限" if code.value in _AUTH_CODES else "请检查消息服务的版本与配置"
            opened.set_exception(UnavailableError(f"消息服务拒绝连接：{code}", hint=hint))
        else:
            opened.set_result(None)

    def lose(reason: str) -> None:
        if not opened.done():
            opened.set_exception(
                UnavailableError(f"连接在握手时断开：{reason}", hint="请核对本机证书是否被消息服务接受")
            )
        link._on_lost(reason)  # noqa: SLF001

    client.on_connect = lambda _c, _u, _f, code, _p: hop(open_or_fail, code)
    client.on_disconnect = lambda _c, _u, _f, code, _p: hop(lose, _REASONS.get(str(code), str(code)))
    client.on_publish = lambda _c, _u, mid, code, _p: hop(link._on_settled, mid, code.value)  # noqa: SLF001
    client.on_subscribe = lambda _c, _u, mid, _codes, _p: hop(link._on_settled, mid, 0)  # noqa: SLF001
    client.on_message = lambda _c, _u, m: hop(
        link._on_message,  # noqa: SLF001
        Received(m.topic, bytes(m.payload), bool(m.retain), m.mid, m.qos),
    )


class _TlsSocket(ssl.SSLSocket):
    """Closed when its handshake fails: paho would leave it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(config: MqttConfig) -> ssl.SSLContext:
    """Client context: our CA only, TLS 1.3, own leaf. Raises ConfigError that names the file at fault."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= _NO_CHECK_TIME
    context.sslsocket_class = _TlsSocket
    try:
        context.load_verify_locations(config.ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"读不了 CA 证书 {config.ca}：{error}", hint=f"请检查 {config.ca}") from error
    try:
        context.load_cert_chain(config.node)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"读不了本机证书 {config.node}：{error}", hint=f"请检查 {config.node}") from error
    return context
