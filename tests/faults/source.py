"""Faults of the office's database, and of the account and driver that read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.switch import Off, Switch
from common.clock import Clock
from tests.doctoring import Stage, fault
from tests.faults.altered import Struck, away, holding, reading
from tests.server import HOST
from tests.services import PASSWORD


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
