"""Faults between box and broker: route, name, port, TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.clock import Clock
from common.core.instant import DAY
from tests.doctoring import Stage, fault
from tests.faults.altered import Struck, other_city, own, reading, served
from tests.server import HOST, free_port


@fault("网线拔掉", "E-NET-01", sampled=True)
async def no_route(stage: Stage) -> Struck:
    stage.prefix = ("unshare", "--net")
    yield


_ALONE = (
    "ip link add d0 type veth peer name d1; ip link set d1 up; ip link set d0 up; "
    "ip address add 10.255.9.2/24 dev d0"
)
"""Commands that give a new network one interface behind which nobody answers."""


@fault("市中心主机不应答", "E-NET-02")
async def silent_host(stage: Stage) -> Struck:
    stage.prefix = ("unshare", "--net", "sh", "-c", f'{_ALONE}; exec "$@"', "sh")
    with reading(stage.place.agent.config, f'host = "{HOST}"', 'host = "10.255.9.1"'):
        yield


@fault("登记服务停止", "E-NET-02")
async def door_closed(stage: Stage) -> Struck:
    door = stage.folder / "hall"
    door.write_text(f"https://{HOST}:{free_port()}\n", "utf-8")
    yield
    door.unlink()


@fault("域名解析不了", "E-NET-05", sampled=True)
async def name_unknown(stage: Stage) -> Struck:
    with reading(stage.place.agent.config, f'host = "{HOST}"', 'host = "hall.invalid"'):
        yield


@fault("域名服务器不应答", "E-NET-05", sampled=True)
async def resolver_silent(stage: Stage) -> Struck:
    """It would wait ten seconds."""
    servers = stage.folder / "resolv.conf"
    servers.write_text("nameserver 10.255.9.1\n")
    made = f"{_ALONE}; mount --bind {servers} /etc/resolv.conf"
    stage.prefix = ("unshare", "--net", "--mount", "sh", "-c", f'{made}; exec "$@"', "sh")
    with reading(stage.place.agent.config, f'host = "{HOST}"', 'host = "hall.example.gov.cn"'):
        yield


@fault("端口写错", "E-NET-03")
async def port_wrong(stage: Stage) -> Struck:
    with reading(stage.place.agent.config, f"port = {stage.place.broker.port}", f"port = {free_port()}"):
        yield


@fault("消息服务停止", "E-NET-03")
async def broker_stopped(stage: Stage) -> Struck:
    await stage.place.stop(stage.place.broker)
    yield
    await stage.place.start(stage.place.broker)
    await stage.place.settled()


@fault("消息服务死机", "E-NET-04")
async def broker_frozen(stage: Stage) -> Struck:
    stage.place.broker.freeze()
    yield
    stage.place.broker.thaw()
    await stage.place.settled()


@asynccontextmanager
async def listening(stage: Stage, context: ssl.SSLContext | None) -> AsyncIterator[None]:
    """Somebody else where the broker should be."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, HOST, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    config = stage.place.agent.config
    with reading(config, f"port = {stage.place.broker.port}", f"port = {port}"):
        yield
    server.close()


@fault("端口上不是消息服务", "E-NET-04")
async def no_tls(stage: Stage) -> Struck:
    async with listening(stage, None):
        yield


@fault("市中心的证书是他市的", "E-NET-04", sampled=True)
async def foreign_server(stage: Stage) -> Struck:
    async with listening(stage, served(stage, [HOST], Clock().wall(), other_city(stage))):
        yield


@fault("市中心的证书不是这个地址的", "E-NET-04")
async def other_name(stage: Stage) -> Struck:
    async with listening(stage, served(stage, ["10.9.9.9"], Clock().wall(), own(stage))):
        yield


@fault("市中心的证书过期", "E-NET-04")
async def server_expired(stage: Stage) -> Struck:
    async with listening(stage, served(stage, [HOST], Clock().wall() - 900 * DAY, own(stage))):
        yield


@fault("市中心不认本机的证书", "E-NET-04")
async def client_refused(stage: Stage) -> Struck:
    context = served(stage, [HOST], Clock().wall(), own(stage), trusts=other_city(stage))
    async with listening(stage, context):
        yield
