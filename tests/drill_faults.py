"""The faults of the drill: how each is struck and mended, and by what names both sides must call it."""

import asyncio
import os
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import insert, update

from central.store import tables as t
from common.clock import Clock
from common.core.instant import DAY
from provisioning import pki
from provisioning.core.identity import INGEST
from provisioning.pki import box_subject, create_ca, keep_node, load_ca
from tests.drill import Stage, fault, swap
from tests.journey.scene import FIRST, Place, ended, until
from tests.journey.test_clock import LIBRARY, shifted
from tests.journey.test_copies import put_back
from tests.journey.test_disk import small_disk
from tests.server import HOST

Struck = AsyncIterator[None]
DOWN = "fail skip skip"

# the line -----------------------------------------------------------------------------------------------------


@fault("线路断开", box="E-NET-03", site=DOWN, said="断线", needs="line")
async def line_cut(stage: Stage) -> Struck:
    await stage.line.cut()
    yield
    await stage.line.open()


@fault("线路僵死而不断", box="E-NET-04", site=DOWN, said="断线", needs="line")
async def line_dead(stage: Stage) -> Struck:
    stage.line.flows.clear()
    yield
    stage.line.flows.set()


@fault("市中心的域名解析不了", box="E-NET-05", site=DOWN, said="断线")
async def name_unknown(stage: Stage) -> Struck:
    async with restarted(stage.place):
        swap(stage.place.agent.config, f'host = "{HOST}"', 'host = "hall.invalid"')
    yield
    async with restarted(stage.place):
        swap(stage.place.agent.config, 'host = "hall.invalid"', f'host = "{HOST}"')


@fault("市中心的端口写错", box="E-NET-03", site=DOWN, said="断线")
async def port_wrong(stage: Stage) -> Struck:
    async with restarted(stage.place):
        swap(stage.place.agent.config, f"port = {stage.place.broker.port}", "port = 1")
    yield
    async with restarted(stage.place):
        swap(stage.place.agent.config, "port = 1\n", f"port = {stage.place.broker.port}\n")


# who is whom --------------------------------------------------------------------------------------------------


@fault("站点证书过期", box="E-ID-04", site=DOWN, said="断线")
async def certificate_expired(stage: Stage) -> Struck:
    node = stage.place.agent.folder / "node.pem"
    right = node.read_bytes()
    async with restarted(stage.place):
        node.unlink()
        long_ago = Clock().wall() - 5 * 365 * DAY
        keep_node(node, load_ca(stage.place.hall.folder / "ca"), box_subject(FIRST), long_ago)
    yield
    async with restarted(stage.place):
        node.write_bytes(right)


@fault("站点证书是他市的", box="E-ID-03", site=DOWN, said="断线")
async def certificate_foreign(stage: Stage) -> Struck:
    node = stage.place.agent.folder / "node.pem"
    right = node.read_bytes()
    async with restarted(stage.place):
        node.unlink()
        keep_node(node, elsewhere(stage.place), box_subject(FIRST), Clock().wall())
    yield
    async with restarted(stage.place):
        node.write_bytes(right)


@fault("站点只认他市的中心", box="E-ID-03", site=DOWN, said="断线")
async def hall_untrusted(stage: Stage) -> Struck:
    trusted = stage.place.agent.folder / "ca.pem"
    right = trusted.read_bytes()
    elsewhere(stage.place)
    async with restarted(stage.place):
        trusted.write_bytes((stage.place.broker.folder / "elsewhere" / "ca.pem").read_bytes())
    yield
    async with restarted(stage.place):
        trusted.write_bytes(right)


@fault("站点签名私钥不见", box="E-ID-01 E-SYS-01", site=DOWN, said="断线")
async def sign_key_gone(stage: Stage) -> Struck:
    key = stage.place.agent.folder / "sign.key"
    await ended(stage.place.agent, signal.SIGTERM)
    away = key.rename(key.with_name("away.key"))
    yield
    away.rename(key)
    await stage.place.start(stage.place.agent)


@fault("站点主密钥丢失", box="E-ID-07", site="ok warn ok", said="主密钥丢失")
async def master_key_gone(stage: Stage) -> Struck:
    key = stage.place.agent.folder / "master.key"
    async with restarted(stage.place):
        away = key.rename(key.with_name("away.key"))
    yield
    away.rename(key)


@fault("站点机器被吊销", box="E-ID-05", site="ok fail ok", said="市中心拒绝接收")
async def revoked(stage: Stage) -> Struck:
    await box_state(stage, "revoked")
    yield
    await box_state(stage, "active")
    async with restarted(stage.place):
        pass


@fault("站点机器被克隆", hall="E-HALL-14", site="ok warn ok", said="告警待核实")
async def cloned(stage: Stage) -> Struck:
    """A copy of its data, older than what the hall has, starts in its place. It keeps the copy aside and ends; as systemd
    would, we start it once more."""
    place = stage.place
    data = place.agent.folder / "data"
    await ended(place.agent, signal.SIGTERM)
    shutil.copytree(data, data.with_name("copy"))
    await place.start(place.agent)
    place.office.receive(10)
    await until("the hall has more than the copy", place.agrees)
    await ended(place.agent, signal.SIGTERM)
    put_back(data.with_name("copy"), data)
    await place.start(place.agent)
    await ended(place.agent)
    await place.start(place.agent)
    yield


# broker and hall ----------------------------------------------------------------------------------------------


@fault("消息服务停止", box="E-NET-03", hall="E-HALL-02", site=DOWN)
async def broker_down(stage: Stage) -> Struck:
    await asyncio.to_thread(stage.place.broker.kill)
    yield
    await stage.place.start(stage.place.broker)


@fault("消息服务死机", box="E-NET-04", hall="E-HALL-02", site=DOWN)
async def broker_frozen(stage: Stage) -> Struck:
    stage.place.broker.freeze()
    yield
    stage.place.broker.thaw()


@fault("消息服务不认市中心的权限", box="E-SYNC-06", hall="E-HALL-03", site=DOWN)
async def broker_denies(stage: Stage) -> Struck:
    acl = stage.place.hall.folder / "broker" / "acl"
    right = acl.read_text("utf-8")
    acl.write_text(right.replace(f"user {INGEST}\n", "user nobody-else\n"), "utf-8")
    await asyncio.to_thread(stage.place.broker.kill)
    await stage.place.start(stage.place.broker)
    yield
    acl.write_text(right, "utf-8")
    await asyncio.to_thread(stage.place.broker.kill)
    await stage.place.start(stage.place.broker)


@fault("市中心证书是他市的", box="E-SYNC-06", hall="E-HALL-03", site=DOWN)
async def hall_foreign(stage: Stage) -> Struck:
    place = stage.place
    node = place.hall.folder / "node.pem"
    right = node.read_bytes()
    await place.stop(place.hall)
    node.unlink()
    keep_node(node, elsewhere(place), pki.role_subject(INGEST), Clock().wall())
    await place.start(place.hall)
    yield
    node.write_bytes(right)


@fault("市中心程序停止", box="E-SYNC-06", hall="E-HALL-09", site="")
async def hall_stopped(stage: Stage) -> Struck:
    await ended(stage.place.hall, signal.SIGTERM)
    yield
    await stage.place.start(stage.place.hall)


@fault("市中心程序被杀", box="E-SYNC-06", hall="E-HALL-09", site="")
async def hall_killed(stage: Stage) -> Struck:
    await asyncio.to_thread(stage.place.hall.kill)
    yield
    await stage.place.start(stage.place.hall)


@fault("市中心程序死机", box="E-SYNC-03", hall="E-HALL-09", site="")
async def hall_frozen(stage: Stage) -> Struck:
    stage.place.hall.freeze()
    await stage.work()
    yield
    stage.place.hall.thaw()


@fault("市中心数据库停止", box="E-SYNC-03", hall="E-HALL-01", site="", needs="postgresql")
async def store_down(stage: Stage) -> Struck:
    await asyncio.to_thread(stage.server.kill)
    await stage.work()
    yield
    await asyncio.to_thread(stage.server.start)


@fault("市中心数据库死机", box="E-SYNC-03", hall="E-HALL-01", site="", needs="postgresql")
async def store_frozen(stage: Stage) -> Struck:
    stage.server.freeze()
    await stage.work()
    yield
    stage.server.thaw()


@fault("市中心数据库被锁", box="E-SYNC-03", hall="E-HALL-01", site="")
async def store_locked(stage: Stage) -> Struck:
    with locked(stage.place.hall.folder / "data" / "central.db"):
        await stage.work()
        yield


@fault("市中心有读不出的记录", hall="E-HALL-12")
async def dead_letter(stage: Stage) -> Struck:
    letter = {
        "site": "s01",
        "epoch": b"12345678",
        "seq": 1,
        "code": "bad_record",
        "reason": "读不出",
        "raw": b"",
    }
    await in_hall(stage, insert(t.dead_letter).values(**letter, at_wall=0, state="open"))
    yield
    await in_hall(stage, update(t.dead_letter).values(state="dropped"))


# the source ---------------------------------------------------------------------------------------------------


@fault("业务库文件不见", box="E-SRC-02", site="ok ok fail", said="数据源")
async def source_gone(stage: Stage) -> Struck:
    file = stage.place.office.file
    away = file.rename(file.with_name("away.db"))
    yield
    away.rename(file)


@fault("业务库被锁", box="E-SRC-02", site="ok ok fail", said="数据源正忙")
async def source_locked(stage: Stage) -> Struck:
    with locked(stage.place.office.file):
        yield


@fault("业务库文件损坏", box="E-SRC-02", site="ok ok fail", said="不是 SQLite 数据库")
async def source_garbage(stage: Stage) -> Struck:
    file = stage.place.office.file
    right = file.read_bytes()
    file.write_bytes(b"not a database, " * 512)
    yield
    file.write_bytes(right)


@fault("一行数据无法对应", box="E-SRC-10", site="ok ok warn", said="1 行无法对应")
async def bad_row(stage: Stage) -> Struck:
    bad = stage.place.office.receive(status=5)
    yield
    stage.place.office.execute(f'UPDATE "办件" SET "状态"=9 WHERE "编号"=\'{bad}\'')


@fault("业务库的表改名", box="E-SRC-04", site="ok ok fail", said="没有表")
async def table_gone(stage: Stage) -> Struck:
    stage.place.office.execute('ALTER TABLE "办理过程" RENAME TO "别名"')
    yield
    stage.place.office.execute('ALTER TABLE "别名" RENAME TO "办理过程"')


@fault("业务库的字段改名", box="E-SRC-04", site="ok ok fail", said="缺少字段")
async def column_gone(stage: Stage) -> Struck:
    stage.place.office.execute('ALTER TABLE "办件" RENAME COLUMN "申请人" TO "别名"')
    yield
    stage.place.office.execute('ALTER TABLE "办件" RENAME COLUMN "别名" TO "申请人"')


@fault("业务库服务器停止", box="E-SRC-02", site="ok ok fail", said="连不上数据源", needs="mariadb")
async def server_down(stage: Stage) -> Struck:
    await asyncio.to_thread(stage.server.kill)
    yield
    await asyncio.to_thread(stage.server.start)


@fault("业务库服务器死机", box="E-SRC-02", site="ok ok fail", said="数据源", needs="mariadb")
async def server_frozen(stage: Stage) -> Struck:
    stage.server.freeze()
    yield
    stage.server.thaw()


@fault("业务库的密码改了", box="E-SRC-02", site="ok ok fail", said="其密码不对", needs="mariadb")
async def password_changed(stage: Stage) -> Struck:
    text = (stage.place.agent.folder / "mapping.toml").read_text("utf-8")
    user = text.partition('user = "')[2].partition('"')[0]
    right = (stage.place.agent.folder / "db.password").read_text()
    await stage.server.execute(f"ALTER USER '{user}'@'{HOST}' IDENTIFIED BY 'another-one'")
    async with restarted(stage.place):
        pass
    yield
    await stage.server.execute(f"ALTER USER '{user}'@'{HOST}' IDENTIFIED BY '{right}'")


@fault("业务库的账号可以改写", box="E-SRC-03", needs="mariadb")
async def account_writes(stage: Stage) -> Struck:
    text = (stage.place.agent.folder / "mapping.toml").read_text("utf-8")
    user = text.partition('user = "')[2].partition('"')[0]
    await stage.server.execute(f"GRANT UPDATE ON {stage.office.database}.* TO '{user}'@'{HOST}'")
    yield
    await stage.server.execute(f"REVOKE UPDATE ON {stage.office.database}.* FROM '{user}'@'{HOST}'")


# the box ------------------------------------------------------------------------------------------------------


@fault("采集程序停止", box="E-SYS-01", site=DOWN, said="断线")
async def agent_stopped(stage: Stage) -> Struck:
    await ended(stage.place.agent, signal.SIGTERM)
    yield
    await stage.place.start(stage.place.agent)


@fault("采集程序被杀", box="E-SYS-01", site=DOWN, said="断线")
async def agent_killed(stage: Stage) -> Struck:
    await asyncio.to_thread(stage.place.agent.kill)
    yield
    await stage.place.start(stage.place.agent)


@fault("采集程序死机", box="E-SYS-01", site=DOWN, said="断线")
async def agent_frozen(stage: Stage) -> Struck:
    stage.place.agent.freeze()
    yield
    stage.place.agent.thaw()


@fault("站点配置写坏", box="E-SYS-09", site=DOWN, said="断线")
async def config_broken(stage: Stage) -> Struck:
    await ended(stage.place.agent, signal.SIGTERM)
    swap(stage.place.agent.config, "site = ", "zhandian = ")
    yield
    swap(stage.place.agent.config, "zhandian = ", "site = ")
    await stage.place.start(stage.place.agent)


@fault("站点映射写坏", box="E-SYS-09", site=DOWN, said="断线")
async def mapping_broken(stage: Stage) -> Struck:
    mapping = stage.place.agent.folder / "mapping.toml"
    await ended(stage.place.agent, signal.SIGTERM)
    swap(mapping, "version = 1", "version = 1\ncolour = 2")
    yield
    swap(mapping, "version = 1\ncolour = 2", "version = 1")
    await stage.place.start(stage.place.agent)


@fault("站点时钟快一天", box="E-SYS-07", hall="E-HALL-14", site="ok warn ok", said="告警待核实")
async def clock_ahead(stage: Stage) -> Struck:
    assert LIBRARY is not None, "apt-get install libfaketime"
    async with restarted(stage.place):
        stage.place.agent.env = shifted("+1d")
    yield
    async with restarted(stage.place):
        stage.place.agent.env = {}


if os.geteuid() == 0:  # only root can mount a small file system to fill

    @fault("站点磁盘满", box="E-SYS-04", site="ok fail ok", said="写不进")
    async def disk_full(stage: Stage) -> Struck:
        await stage.place.stop(stage.place.agent)
        async with small_disk(stage.place.agent.folder / "data", 48) as disk:
            await stage.place.start(stage.place.agent)
            await until("it works there", stage.place.agrees)
            disk.fill()
            await stage.work()
            await asyncio.sleep(2)
            disk.fill()
            yield
            disk.free()
            await until("it goes on", stage.place.agrees)
            await stage.place.stop(stage.place.agent)
            shutil.copytree(disk.folder, disk.folder.with_name("after"))
        put_back(disk.folder.with_name("after"), disk.folder)
        await stage.place.start(stage.place.agent)

    @fault("市中心磁盘满", box="E-SYNC-03", hall="E-HALL-01", site="")
    async def hall_full(stage: Stage) -> Struck:
        await stage.place.stop(stage.place.hall)
        async with small_disk(stage.place.hall.folder / "data", 8) as disk:
            await stage.place.start(stage.place.hall)
            await until("it works there", stage.place.agrees)
            disk.fill()
            await stage.work()
            yield
            disk.free()
            await until("it goes on", stage.place.agrees)
            await stage.place.stop(stage.place.hall)
        await stage.place.start(stage.place.hall)


# tools --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def restarted(place: Place) -> AsyncIterator[None]:
    """The box is stopped while the block changes something of it."""
    await ended(place.agent, signal.SIGTERM)
    yield
    await place.start(place.agent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody writes in a SQLite file and does not come to an end."""
    db = sqlite3.connect(path, isolation_level=None, timeout=20)
    try:
        db.execute("BEGIN EXCLUSIVE")  # with a write-ahead log it holds up writers alone
        yield
        db.execute("ROLLBACK")
    finally:
        db.close()


def elsewhere(place: Place) -> pki.Authority:
    """The authority of another city."""
    return create_ca(place.broker.folder / "elsewhere", Clock().wall())


async def box_state(stage: Stage, state: str) -> None:
    await in_hall(stage, update(t.box).values(state=state))


async def in_hall(stage: Stage, statement: object) -> None:
    store = await stage.place.hall.store()
    try:
        async with store.write() as conn:
            await conn.execute(statement)  # type: ignore[call-overload]
    finally:
        await store.close()
