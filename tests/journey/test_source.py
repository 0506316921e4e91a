"""The office's database server fails its box: collection waits, says why, and goes on from where it was."""

import asyncio

import pytest

from tests import services
from tests.journey.scene import TABLES, Place, Rows, command, events, finds, scene, until
from tests.journey.together import together
from tests.server import HOST
from tests.services import PASSWORD, MariaDb

pytestmark = pytest.mark.service


class ServerOffice:
    """The same approval database as `scene.Office`, on a MariaDB server."""

    def __init__(self, server: MariaDb, database: str) -> None:
        self.server = server
        self.database = database
        self._number = 0

    @classmethod
    async def built(cls, server: MariaDb) -> "ServerOffice":
        office = cls(server, await server.create_database())
        await office._build()
        return office

    async def _build(self) -> None:
        await self.execute(
            "CREATE TABLE `办件` (`编号` VARCHAR(20) PRIMARY KEY, `申请人` VARCHAR(50), `状态` INT, "
            "`修改时间` DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3))"
        )
        await self.execute(
            "CREATE TABLE `办理过程` (`编号` VARCHAR(20), `序号` INT, `环节` VARCHAR(50), PRIMARY KEY (`编号`, `序号`))"
        )
        await self.receive(5)

    async def execute(self, sql: str) -> list[tuple[object, ...]]:
        return await self.server.execute(sql, database=self.database)

    async def receive(self, count: int = 1) -> None:
        numbers = [f"SL{self._number + n:05}" for n in range(1, count + 1)]
        self._number += count
        cases = ", ".join(f"('{number}', '王小明', 0)" for number in numbers)
        steps = ", ".join(f"('{number}', 1, '受理')" for number in numbers)
        await self.execute(f"INSERT INTO `办件` (`编号`, `申请人`, `状态`) VALUES {cases}")
        await self.execute(f"INSERT INTO `办理过程` VALUES {steps}")

    async def rows(self) -> Rows:
        cases = await self.execute("SELECT `编号`, `申请人` FROM `办件`")
        steps = await self.execute("SELECT `编号`, `序号`, `环节` FROM `办理过程`")
        found: Rows = {("case", str(key)): (str(name), "accepted") for key, name in cases}
        return found | {("step", f'["{key}","{number}"]'): (str(name),) for key, number, name in steps}

    async def arrived(self, place: Place) -> None:
        """The hall says what this database says."""
        wanted = await self.rows()

        async def agrees() -> bool:
            return await place.hall_rows() == wanted

        await until("the hall says what the office says", agrees)

    def connect(self, place: Place, user: str, password: str = PASSWORD) -> None:
        """Write the box's mapping and the password beside it."""
        (place.agent.folder / "db.password").write_text(password)
        (place.agent.folder / "mapping.toml").write_text(
            f'version = 1\n[source]\ntype = "mariadb"\nhost = "{HOST}"\nport = {self.server.port}\n'
            f'database = "{self.database}"\nuser = "{user}"\npassword_file = "db.password"\n{TABLES}',
            "utf-8",
        )


@together
async def test_a_server_that_stops_midway_is_read_on_when_it_is_back() -> None:
    async with services.mariadb() as mariadb, scene(start=False) as place:
        office = await ServerOffice.built(mariadb)
        office.connect(place, await mariadb.create_user(office.database))
        await place.start()
        await office.arrived(place)
        assert (await finds(place.agent)).code == 0
        await office.receive(5)
        await asyncio.to_thread(mariadb.kill)
        await until("the box has said so", lambda: events(place.agent, "source.unavailable"))
        box = await finds(place.agent, "E-SRC-02")
        assert box.code == 3
        assert f"连不上数据源 {HOST}:{mariadb.port}" in box.detail("E-SRC-02")
        await asyncio.to_thread(mariadb.start)
        await office.receive(5)
        await office.arrived(place)
        assert len(events(place.agent, "source.unavailable")) == 1
        assert len(events(place.agent, "source.recovered")) == 1
        await place.happened("source", "lost", "back")


@together
async def test_a_wrong_password_is_named_and_when_it_is_right_everything_comes() -> None:
    async with services.mariadb() as mariadb, scene(start=False) as place:
        office = await ServerOffice.built(mariadb)
        user = await mariadb.create_user(office.database)
        office.connect(place, user, "mi-ma-bu-dui")
        await place.start()
        await until("the box has said so", lambda: events(place.agent, "source.unavailable"))
        box = await finds(place.agent, "E-SRC-02")
        assert box.code == 3
        assert f"账号 {user} 或其密码不对" in box.detail("E-SRC-02")
        assert "mi-ma-bu-dui" not in place.agent.log
        await mariadb.execute(f"ALTER USER '{user}'@'{HOST}' IDENTIFIED BY 'mi-ma-bu-dui'")
        await office.arrived(place)
        assert (await finds(place.agent)).code == 0


@together
async def test_an_account_that_may_write_is_a_warning_and_collection_goes_on() -> None:
    async with services.mariadb() as mariadb, scene(start=False) as place:
        office = await ServerOffice.built(mariadb)
        office.connect(place, await mariadb.create_user(office.database, "SELECT, UPDATE"))
        await place.start()
        await office.arrived(place)
        before = await office.rows()
        box = await finds(place.agent, "E-SRC-03")
        assert box.code == 1
        assert "有权改写 办件" in box.detail("E-SRC-03")
        assert "有权改写 办理过程" in box.detail("E-SRC-03")
        assert await office.rows() == before


@together
async def test_a_site_that_turns_collection_off_is_left_alone_until_it_turns_it_on() -> None:
    async with services.mariadb() as mariadb, scene(start=False) as place:
        office = await ServerOffice.built(mariadb)
        user = await mariadb.create_user(office.database)
        office.connect(place, user)
        await place.start()
        await office.arrived(place)
        before = await place.hall_rows()
        config = ("--config", str(place.agent.config))
        assert (await command("mingcha-agent", "pause", "--why", "月底盘点", *config))[0] == 0
        await until("the box has said so", lambda: events(place.agent, "capture.paused"))
        await office.receive(5)
        await asyncio.to_thread(place.agent.kill)
        await asyncio.to_thread(place.agent.start)
        await until("it is off after a start too", lambda: len(events(place.agent, "capture.paused")) == 2)
        box = await finds(place.agent, "E-SRC-05")
        assert box.code == 1
        assert "暂停：月底盘点" in box.detail("E-SRC-05")

        async def shown() -> bool:
            return "月底盘点" in (await command("mingcha-agent", "status", *config))[1]

        await until("the status says it", shown)
        assert (
            await mariadb.execute("SELECT 1 FROM information_schema.processlist WHERE user = %s", user) == []
        )
        assert await place.hall_rows() == before
        assert (await command("mingcha-agent", "resume", *config))[:2] == (0, "✓ 已恢复采集\n")
        await office.arrived(place)
        await place.happened("capture", "paused", "resumed")
        assert (await command("mingcha-agent", "resume", *config))[1] == "✓ 采集没有暂停\n"
