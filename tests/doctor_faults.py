"""The faults of `tests/doctoring.py`: how each is struck and mended, and the one check that must name it."""

import asyncio
import os
import shutil
import signal
import sqlite3
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, update

from agent.config import load
from agent.switch import Off, Switch
from central.embedded import embedded_broker
from central.store import tables as t
from central.store import trail
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import DAY, HOUR
from common.core.state import ClockKind, LetterState, Light
from common.mqtt import MqttConfig
from provisioning import broker, pki
from provisioning.core.identity import Box
from tests.doctoring import Stage, fault
from tests.integration.test_doctor import refuse_some
from tests.journey.scene import FIRST, Office, ended, until
from tests.journey.test_clock import shifted
from tests.server import HOST, free_port
from tests.services import PASSWORD
from tests.shaper import shaped

Struck = AsyncIterator[None]

# files and permissions ----------------------------------------------------------------------------------------


@contextmanager
def away(path: Path) -> Iterator[None]:
    path.rename(path.with_name("away"))
    yield
    path.with_name("away").rename(path)


@contextmanager
def holding(path: Path, content: bytes) -> Iterator[None]:
    """The file says something else; its mode is kept."""
    right = path.read_bytes()
    path.write_bytes(content)
    yield
    path.write_bytes(right)


@contextmanager
def reading(path: Path, old: str, new: str) -> Iterator[None]:
    text = path.read_text("utf-8")
    assert old in text, (path, old)
    with holding(path, text.replace(old, new).encode()):
        yield


def file_fault(name: str, check: str, file: str, content: bytes | None, *, sampled: bool = False) -> None:
    """A file of the box that is gone (None) or says something else."""

    @fault(name, check, sampled=sampled)
    async def strike(stage: Stage) -> Struck:
        path = stage.folder / file
        with away(path) if content is None else holding(path, content):
            yield


file_fault("配置文件不见", "E-SYS-09", "agent.toml", None)
file_fault("配置写坏", "E-SYS-09", "agent.toml", b"site = ", sampled=True)
file_fault("映射不见", "E-SYS-09", "mapping.toml", None)
file_fault("映射写坏", "E-SYS-09", "mapping.toml", b"version = 1\n[source]\ntype = 'sqlit'\n")
file_fault("签名私钥不见", "E-ID-01", "sign.key", None)
file_fault("签名私钥残缺", "E-ID-01", "sign.key", b"short")
file_fault("摘要密钥不见", "E-ID-01", "digest.key", None)
file_fault("市中心公钥不见", "E-ID-01", "hall-sign.pub", None)
file_fault("证书文件写坏", "E-ID-01", "node.pem", b"-----BEGIN CERTIFICATE-----\n", sampled=True)
file_fault("CA 证书是空的", "E-ID-01", "ca.pem", b"")
file_fault("主密钥不见", "E-ID-07", "master.key", None)
file_fault("主密钥残缺", "E-ID-07", "master.key", b"short")
file_fault("主密钥是别的", "E-BUF-03", "master.key", bytes(range(32)), sampled=True)


@fault("配置里有不认识的键", "E-SYS-09")
async def unknown_key(stage: Stage) -> Struck:
    with reading(stage.place.agent.config, "[capture]\n", "[capture]\npol_secs = 1\n"):
        yield


@fault("没有线路时装好的机器，令牌过期了", "E-ID-01", sampled=True)
async def never_enrolled(stage: Stage) -> Struck:
    node = stage.folder / "node.pem"
    with reading(stage.place.agent.config, "generation = 1", "generation = 0"), away(node):
        node.with_name("refused").write_text("令牌失效了\n请市中心执行  mingcha site reissue s01\n", "utf-8")
        yield
        node.with_name("refused").unlink()


def not_renewed(name: str, check: str, code: str) -> None:
    """The hall has refused the box's last renewal, and root noted it."""

    @fault(name, check)
    async def strike(stage: Stage) -> Struck:
        note = stage.folder / "not-renewed"
        note.write_text(f"{code}\n市中心没有登记本机\n请市中心执行  mingcha site reissue s01\n", "utf-8")
        yield
        note.unlink()


not_renewed("同一身份在另一台机器上续了期", "E-ID-06", "cloned")
not_renewed("续期没有成功", "E-ID-04", "unknown_cert")


@fault("私钥谁都能读", "E-ID-01", sampled=True)
async def open_to_all(stage: Stage) -> Struck:
    path = stage.folder / "node.pem"
    mode = path.stat().st_mode & 0o777
    path.chmod(0o644)
    yield
    path.chmod(mode)


@fault("缓存文件写坏", "E-BUF-01")
async def buffer_scribbled(stage: Stage) -> Struck:
    with elsewhere(stage, stage.folder / "copied"), (stage.folder / "copied/buffer.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(3 * 4096))
        file.flush()
        yield


@contextmanager
def elsewhere(stage: Stage, place: Path) -> Iterator[None]:
    """The doctor looks at a copy of the box's data in `place`."""
    shutil.copytree(stage.folder / "data", place)
    text = stage.place.agent.config.read_text("utf-8")
    with holding(stage.place.agent.config, f'data_dir = "{place}"\n{text}'.encode()):
        yield
    shutil.rmtree(place)


# identity -----------------------------------------------------------------------------------------------------


@contextmanager
def node_of(stage: Stage, box: Box, issued_wall: int, ca: pki.Authority | None = None) -> Iterator[None]:
    node = stage.folder / "node.pem"
    with away(node):
        pki.keep_node(
            node, ca or pki.load_ca(stage.place.hall.folder / "ca"), pki.box_subject(box), issued_wall
        )
        yield
        node.unlink()


def other_city(stage: Stage) -> pki.Authority:
    return pki.create_ca(stage.place.broker.folder / "elsewhere", Clock().wall())


@fault("私钥不是这张证书的", "E-ID-02", sampled=True)
async def key_of_another(stage: Stage) -> Struck:
    node = stage.folder / "node.pem"
    chain = node.read_bytes().partition(b"-----BEGIN CERTIFICATE-----")
    with holding(node, pki.new_node_key() + chain[1] + chain[2]):
        yield


@fault("证书是别的站点的", "E-ID-02")
async def leaf_of_another(stage: Stage) -> Struck:
    with node_of(stage, Box("s02", 1), Clock().wall()):
        yield


@fault("证书是上一代机器的", "E-ID-02")
async def leaf_of_another_generation(stage: Stage) -> Struck:
    with node_of(stage, Box("s01", 7), Clock().wall()):
        yield


@fault("证书是他市的", "E-ID-03")
async def leaf_of_another_city(stage: Stage) -> Struck:
    with node_of(stage, FIRST, Clock().wall(), other_city(stage)):
        yield


@fault("CA 换成了他市的", "E-ID-03", sampled=True)
async def ca_of_another_city(stage: Stage) -> Struck:
    other_city(stage)
    with holding(stage.folder / "ca.pem", (stage.place.broker.folder / "elsewhere" / "ca.pem").read_bytes()):
        yield


@fault("证书过期", "E-ID-04", sampled=True)
async def leaf_expired(stage: Stage) -> Struck:
    with node_of(stage, FIRST, Clock().wall() - 60 * DAY):
        yield


@fault("证书将到期", "E-ID-04")
async def leaf_ending(stage: Stage) -> Struck:
    with node_of(stage, FIRST, Clock().wall() - 25 * DAY):
        yield


def state_fault(state: str, name: str) -> None:
    """The hall has another opinion of the box."""

    @fault(name, "E-ID-05")
    async def strike(stage: Stage) -> Struck:
        await in_hall(stage, update(t.box).values(state=state))
        yield
        await in_hall(stage, update(t.box).values(state="active"))
        await ended(stage.place.agent, signal.SIGTERM)
        await stage.place.start(stage.place.agent)
        await stage.place.settled()


state_fault("revoked", "机器被吊销")
state_fault("superseded", "机器被接替")
state_fault("retired", "站点停用")


async def in_hall(stage: Stage, *statements: object) -> None:
    store = await stage.place.hall.store()
    try:
        async with store.write() as conn:
            for statement in statements:
                await conn.execute(statement)  # type: ignore[call-overload]
    finally:
        await store.close()


# disk and process ---------------------------------------------------------------------------------------------


@contextmanager
def disk(stage: Stage, options: str) -> Iterator[Path]:
    """The doctor looks at a copy of the box's data on a small file system."""
    place = stage.folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        with elsewhere(stage, place / "data"):
            yield place
            subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


@fault("磁盘满", "E-SYS-04")
async def disk_full(stage: Stage) -> Struck:
    with disk(stage, "size=24m") as place:
        with (place / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        yield


@fault("磁盘只读", "E-SYS-04")
async def disk_read_only(stage: Stage) -> Struck:
    with disk(stage, "size=64m") as place:
        await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(place)], check=True)
        yield


@fault("文件数用尽", "E-SYS-04")
async def inodes_used_up(stage: Stage) -> Struck:
    with disk(stage, "size=64m,nr_inodes=64") as place:
        try:
            for number in range(64):
                (place / str(number)).touch()
        except OSError:
            yield
            return
        raise AssertionError("room for more files than there should be")


@fault("程序停止", "E-SYS-01", sampled=True)
async def stopped(stage: Stage) -> Struck:
    await ended(stage.place.agent, signal.SIGTERM)
    yield
    await stage.place.start(stage.place.agent)


@fault("程序死机", "E-SYS-01")
async def frozen(stage: Stage) -> Struck:
    stage.place.agent.freeze()
    yield
    stage.place.agent.thaw()
    await until("it speaks again", stage.place.agent.status)


@fault("程序反复中断", "E-SYS-02")
async def crash_loop(stage: Stage) -> Struck:
    for _ in range(4):
        await asyncio.to_thread(stage.place.agent.kill)
        await stage.place.start(stage.place.agent)
    yield
    await ended(stage.place.agent, signal.SIGTERM)
    await stage.place.start(stage.place.agent)


@fault("时钟快一天", "E-SYS-07")
async def clock_ahead(stage: Stage) -> Struck:
    agent = stage.place.agent
    await ended(agent, signal.SIGTERM)
    agent.env = shifted("+1d")
    await stage.place.start(agent)
    await stage.place.settled()
    yield
    await ended(agent, signal.SIGTERM)
    agent.env = {}
    await stage.place.start(agent)
    await stage.place.settled()


# network ------------------------------------------------------------------------------------------------------


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


def served(
    stage: Stage, hosts: list[str], issued_wall: int, ca: pki.Authority, trusts: pki.Authority | None = None
) -> ssl.SSLContext:
    """A server with a leaf of `ca`; `trusts`: whose clients it lets in, if it asks."""
    node = stage.folder / "server.pem"
    node.unlink(missing_ok=True)
    pki.keep_node(node, ca, pki.server_subject(hosts), issued_wall)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(node)
    if trusts is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(stage.place.broker.folder / "elsewhere" / "ca.pem")
    return context


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


def own(stage: Stage) -> pki.Authority:
    return pki.load_ca(stage.place.hall.folder / "ca")


# delivery -----------------------------------------------------------------------------------------------------


@fault("消息服务不认这个版本", "E-SYNC-01")
async def version_refused(stage: Stage) -> Struck:
    """A broker of MQTT 3.1.1 alone, asked for 5: nobody falls back silently."""
    agent, port = stage.place.agent, free_port()
    spoken = MqttConfig(host=HOST, port=port, version=3, tls=False)
    await ended(agent, signal.SIGTERM)
    with reading(agent.config, f"port = {stage.place.broker.port}", f"port = {port}\ntls = false"):
        async with embedded_broker(spoken):
            await stage.place.start(agent)
            yield
            await ended(agent, signal.SIGTERM)
    await stage.place.start(agent)
    await stage.place.settled()


@fault("消息服务不放行本机，也不说", "E-SYNC-02", sampled=True)
async def denied_unsaid(stage: Stage) -> Struck:
    """MQTT 3.1.1 answers a publication that is denied like any other."""
    place, agent = stage.place, stage.place.agent
    acl = place.hall.folder / "broker/acl"
    port = f"port = {place.broker.port}\n"
    await ended(agent, signal.SIGTERM)
    right = acl.read_text("utf-8")
    acl.write_text(right.replace("topic write mc/v1/s01/up/#\n", ""), "utf-8")
    assert acl.read_text("utf-8") != right
    broker.reload(place.broker.pid)
    with reading(agent.config, port, f"{port}version = 3\n"):
        await place.start(agent)
        yield
        await ended(agent, signal.SIGTERM)
    acl.write_text(right, "utf-8")
    broker.reload(place.broker.pid)
    await place.start(agent)
    await place.settled()


@fault("线路比办件慢", "E-SYNC-05")
async def line_too_thin(stage: Stage) -> Struck:
    """The agent alone goes through it: the doctor's own questions would be slow as well."""
    place, agent = stage.place, stage.place.agent
    await ended(agent, signal.SIGTERM)
    async with shaped(place.broker.port, bytes_per_sec=4000, delay_secs=0.01) as line:
        with reading(agent.config, f"port = {place.broker.port}\n", f"port = {line.port}\n"):
            await place.start(agent)
        busy = asyncio.create_task(_office_at_work(place.office))
        yield
        busy.cancel()
        await ended(agent, signal.SIGTERM)
    await place.start(agent)
    await place.settled()


async def _office_at_work(office: Office) -> None:
    while True:
        await asyncio.to_thread(office.receive, 60)
        await asyncio.sleep(0.5)


@fault("市中心程序停止", "E-SYNC-06", sampled=True)
async def hall_stopped(stage: Stage) -> Struck:
    await stage.place.stop(stage.place.hall)
    yield
    await stage.place.start(stage.place.hall)
    await stage.place.settled()


@fault("市中心程序死机", "E-SYNC-03")
async def hall_frozen(stage: Stage) -> Struck:
    stage.place.hall.freeze()
    stage.place.office.receive(3)
    yield
    stage.place.hall.thaw()
    await stage.place.settled()


@fault("记录被拒收", "E-SYNC-07")
async def refused(stage: Stage) -> Struck:
    await ended(stage.place.agent, signal.SIGTERM)
    config = load(stage.place.agent.config)
    await refuse_some(config)
    await stage.place.start(stage.place.agent)
    yield
    await ended(stage.place.agent, signal.SIGTERM)
    with closing(sqlite3.connect(config.buffer_path)) as db:
        db.execute("DELETE FROM refusal")
        db.commit()
    await stage.place.start(stage.place.agent)


# source -------------------------------------------------------------------------------------------------------


@fault("业务库文件不见", "E-SRC-02")
async def source_gone(stage: Stage) -> Struck:
    with away(stage.place.office.file):
        yield
    await stage.place.settled()


@fault("业务库文件不是数据库", "E-SRC-02")
async def no_database(stage: Stage) -> Struck:
    (stage.folder / "text.db").write_text("这不是数据库" * 1000)
    with reading(stage.folder / "mapping.toml", '"spxt.db"', '"text.db"'):
        yield


@fault("表改名", "E-SRC-04", sampled=True)
async def table_renamed(stage: Stage) -> Struck:
    stage.place.office.execute('ALTER TABLE "办理过程" RENAME TO "过程"')
    yield
    stage.place.office.execute('ALTER TABLE "过程" RENAME TO "办理过程"')
    await stage.place.settled()


@fault("字段改名", "E-SRC-04")
async def column_renamed(stage: Stage) -> Struck:
    stage.place.office.execute('ALTER TABLE "办件" RENAME COLUMN "申请人" TO "申请者"')
    yield
    stage.place.office.execute('ALTER TABLE "办件" RENAME COLUMN "申请者" TO "申请人"')
    await stage.place.settled()


@fault("采集被暂停", "E-SRC-05")
async def paused(stage: Stage) -> Struck:
    switch = Switch(stage.folder / "data")
    switch.turn_off(Off(Clock().wall(), "王工", "厂商升级"))
    yield
    switch.turn_on()
    await stage.place.settled()


@fault("游标没有索引", "E-SRC-06", sampled=True)
async def no_index(stage: Stage) -> Struck:
    stage.place.office.execute('DROP INDEX "时间"')
    yield
    stage.place.office.execute('CREATE INDEX "时间" ON "办件" ("修改时间")')


@fault("占用业务库超过设定", "E-SRC-08")
async def above_its_duty(stage: Stage) -> Struck:
    """Somebody has lowered it, and the program runs on with what it read at its start."""
    with reading(stage.place.agent.config, "duty = 1.0\n", 'duty = 0.001\nnight = ""\n'):
        yield


@fault("状态代码没有翻译", "E-SRC-10")
async def unknown_code(stage: Stage) -> Struck:
    stage.place.office.execute('UPDATE "办件" SET "状态" = 77 WHERE "编号" = \'SL00003\'')
    yield
    stage.place.office.execute('UPDATE "办件" SET "状态" = 0 WHERE "编号" = \'SL00003\'')
    await stage.place.settled()


@fault("驱动没有安装", "E-SRC-01")
async def driver_missing(stage: Stage) -> Struck:
    async with on_mariadb(stage, "SELECT"):
        hidden = stage.folder / "hidden"
        hidden.mkdir(exist_ok=True)
        (hidden / "asyncmy.py").write_text('raise ModuleNotFoundError(name="asyncmy")\n')
        stage.env = {"PYTHONPATH": str(hidden)}
        yield


@asynccontextmanager
async def on_mariadb(stage: Stage, grant: str, **changed: str) -> AsyncIterator[str]:
    """The mapping names a database server, which the running agent does not know of. -> name of the database."""
    database = await stage.mariadb.create_database()
    await stage.mariadb.execute("CREATE TABLE `办件` (`编号` VARCHAR(9) PRIMARY KEY)", database=database)
    where = {"port": str(stage.mariadb.port), "database": database, "password": PASSWORD}
    where |= {"user": await stage.mariadb.create_user(database, grant)} | changed
    (stage.folder / "password").write_text(where["password"])
    mapping = (
        f'version = 1\n[source]\ntype = "mariadb"\nhost = "{HOST}"\nport = {where["port"]}\n'
        f'database = "{where["database"]}"\nuser = "{where["user"]}"\npassword_file = "password"\n'
        '[table.case]\nfrom = "办件"\nkey = ["编号"]\n'
    )
    with holding(stage.folder / "mapping.toml", mapping.encode()):
        yield database


def server_fault(name: str, check: str, grant: str, *, sampled: bool = False, **changed: str) -> None:
    """Something is wrong with the account, or with how the server is called."""

    @fault(name, check, sampled=sampled)
    async def strike(stage: Stage) -> Struck:
        async with on_mariadb(stage, grant, **changed):
            yield


server_fault("业务库密码不对", "E-SRC-02", "SELECT", password="mistyped", sampled=True)
server_fault("业务库没有这个库", "E-SRC-02", "SELECT", database="nowhere")
server_fault("业务库没有启动", "E-SRC-02", "SELECT", port="9")
server_fault("业务库账号能改写", "E-SRC-03", "SELECT, UPDATE", sampled=True)
server_fault("业务库账号不能读表", "E-SRC-04", "REFERENCES")


@fault("业务库死机", "E-SRC-02")
async def server_frozen(stage: Stage) -> Struck:
    async with on_mariadb(stage, "SELECT"):
        stage.mariadb.freeze()
        yield
        stage.mariadb.thaw()


@fault("业务库时钟不准", "E-SRC-07")
async def server_clock(stage: Stage) -> Struck:
    """What a session of the account takes for now."""
    async with on_mariadb(stage, "SELECT"):
        await stage.mariadb.execute("SET GLOBAL init_connect = 'SET timestamp = 1000000000'")
        yield
        await stage.mariadb.execute("SET GLOBAL init_connect = ''")


# the hall -----------------------------------------------------------------------------------------------------


@fault("中心的程序停止", "E-HALL-09", hall=True)
async def own_stopped(stage: Stage) -> Struck:
    await stage.place.stop(stage.place.hall)
    yield
    await stage.place.start(stage.place.hall)
    await stage.place.settled()


@fault("中心的配置写坏", "E-SYS-09", hall=True)
async def own_configuration(stage: Stage) -> Struck:
    with reading(stage.place.hall.config, "[mqtt]", "[mqt]"):
        yield


@fault("中心的数据库不见", "E-HALL-01", hall=True, sampled=True)
async def own_database(stage: Stage) -> Struck:
    with reading(stage.place.hall.config, '"sqlite"', '"postgresql://nobody:nothing@127.0.0.1:9/hall"'):
        yield


@fault("中心的消息服务停止", "E-HALL-02", hall=True)
async def own_broker(stage: Stage) -> Struck:
    await stage.place.stop(stage.place.broker)
    yield
    await stage.place.start(stage.place.broker)
    await stage.place.settled()


@fault("消息服务的证书将到期", "E-HALL-06", hall=True)
async def own_certificate(stage: Stage) -> Struck:
    context = served(stage, [HOST], Clock().wall() - 815 * DAY, own(stage))
    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    with reading(stage.place.hall.config, f"port = {stage.place.broker.port}", f"port = {port}"):
        yield
    server.close()


@fault("很久没有备份", "E-HALL-07", hall=True, sampled=True)
async def never_backed_up(stage: Stage) -> Struck:
    then = Clock().wall() - 40 * DAY
    await in_hall(stage, insert(trail.audit_line).values(
        id=-1, at_wall=then, who="王敏", act="central.backup", subject="old", why="", chain=b""
    ))  # fmt: skip
    yield
    await in_hall(stage, delete(trail.audit_line).where(trail.audit_line.c.id == -1))


@fault("公众网页停止", "E-HALL-17", hall=True)
async def door_stopped(stage: Stage) -> Struck:
    config = stage.place.hall.config
    door = config.with_name("door.toml")
    door.write_text(f'hosts = ["{HOST}"]\nport = {free_port()}\n', "utf-8")
    with reading(config, "[mqtt]\n", "[public]\nenabled = true\n[mqtt]\n"):
        yield
    door.unlink()


@fault("有死信", "E-HALL-12", hall=True)
async def dead_letter(stage: Stage) -> Struck:
    letter = {"site": "s01", "epoch": b"e" * 8, "seq": 1, "code": "bad_record", "reason": "不成立"}
    row = letter | {"state": LetterState.OPEN, "raw": b"", "at_wall": Clock().wall()}
    await in_hall(stage, insert(t.dead_letter).values(**row))
    yield
    await in_hall(stage, delete(t.dead_letter))


@fault("时限判定停住", "E-HALL-04", hall=True)
async def ticker_hung(stage: Stage) -> Struck:
    clock: dict[str, Any] = {
        "site": "s01",
        "case_key": "SL00001",
        "kind": ClockKind.STATED,
        "light": Light.GREEN,
    }
    clock |= {"running": True, "stopped": False, "provisional": False, "calendar_version": 1, "rev": 1}
    due = insert(t.clock).values(**clock, next_check_at=Clock().wall() - HOUR)
    while True:  # until it is not in the midst of writing
        stage.place.hall.freeze()
        try:
            await in_hall(stage, due)
            break
        except UnavailableError:
            stage.place.hall.thaw()
            await asyncio.sleep(0.3)
    yield
    await in_hall(stage, delete(t.clock).where(t.clock.c.kind == ClockKind.STATED))
    stage.place.hall.thaw()
    await stage.place.settled()
