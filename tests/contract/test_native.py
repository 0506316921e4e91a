"""What PostgreSQL says of its transactions, to an account that may do nothing but SELECT."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec
import pytest

from agent.core.hint import LOOK_EVERY
from agent.core.query import Query, Row
from agent.lane.native import EVERY
from agent.source.base import Source
from common.core.record import Record
from tests.contract.vendor import CASES, Vendor, case, on_postgresql
from tests.integration.test_collect import EAGER, Box, Site
from tests.services import PostgreSql

Found = TypeVar("Found")
SLOW = msgspec.structs.replace(EAGER, page_rows=50, sweep_secs=3600, hot_secs=3600)
"""Neither walk nor hot lane comes in time."""
MAPPING = """
version = 1
[source]
type = "postgresql"
host = "{config.host}"
port = {config.port}
database = "{config.database}"
user = "{config.user}"
password_file = "password"
[table.case]
from = "{table}"
key = ["编号"]
columns = {{case_no = "编号", applicant = "申请人"}}
"""


async def _until(look: Callable[[], Awaitable[Found]]) -> Found:
    """What is found at last."""
    while not (found := await look()):  # noqa: ASYNC110  another process
        await asyncio.sleep(0.2)
    return found


async def _has_ended(source: Source, following: int) -> bool:
    now = await source.in_flight(CASES)
    return now is not None and now.oldest >= following


async def test_only_postgresql_is_asked_for_its_transactions(vendor: Vendor, source: Source) -> None:
    assert (await source.in_flight(CASES) is not None) is (vendor.config.type == "postgresql")


@pytest.mark.service
async def test_a_transaction_that_is_open_is_in_flight_until_it_has_ended(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    vendor = await on_postgresql(request, tmp_path)
    await vendor.create(CASES, {"编号": "INTEGER", "申请人": "VARCHAR(40)"}, "编号")
    source = vendor.source()
    assert isinstance(vendor.server, PostgreSql)
    writer = await asyncpg.connect(vendor.server.url(vendor.config.database))
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute(f"INSERT INTO {vendor.quoted(CASES)} VALUES (1, '王小明')")
    during = await source.in_flight(CASES)
    assert during is not None
    assert during.oldest < during.following
    await transaction.rollback()
    async with asyncio.timeout(60):
        await _until(lambda: _has_ended(source, during.following))  # others write to this server too
    await writer.close()
    await source.close()


@pytest.mark.service
async def test_a_silent_edit_is_found_by_who_wrote_it_without_a_walk(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    vendor = await on_postgresql(request, tmp_path)
    columns = {"编号": "VARCHAR(20)", "申请人": "VARCHAR(40)", "状态": "INTEGER", "修改时间": vendor.moment}
    await vendor.create(CASES, columns, "编号")
    await vendor.insert(CASES, *(case(number) for number in range(1, 21)))
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config, table=CASES), "utf-8")
    async with Site(tmp_path, is_new=False).running(SLOW) as box:
        assert len(await box.round()) == 20
        await box.round()
        await vendor.execute(
            f"UPDATE {vendor.quoted(CASES)} SET {vendor.quoted('申请人')} = '李四' "
            f"WHERE {vendor.quoted('编号')} = '青云007'"
        )
        async with asyncio.timeout(60):
            told = await _until(box.round)  # the server gathers what was written about once a second
        assert [item.key for item in told] == ["青云007"]
        assert await box.round() == []


class Said:
    """Between box and source: how often it was asked who wrote."""

    def __init__(self, box: Box) -> None:
        self.times = 0
        source = box.collector._source
        self._fetch, source.fetch = source.fetch, self.fetch  # type: ignore[method-assign]

    async def fetch(self, query: Query) -> list[Row]:
        self.times += "xmin" in query.sql
        return await self._fetch(query)

    async def again(self, box: Box) -> list[Record]:
        """Rounds until it has been asked once more. -> what they told."""
        before, found = self.times, list[Record]()
        async with asyncio.timeout(60):
            while self.times == before:
                found += await box.round()
                await asyncio.sleep(0.2)  # the server gathers what was written about once a second
        return found


@pytest.mark.service
async def test_what_commits_late_and_what_is_much_at_once_is_passed_over_by_nobody(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = await on_postgresql(request, tmp_path)
    assert isinstance(vendor.server, PostgreSql)
    columns = {"编号": "VARCHAR(20)", "申请人": "VARCHAR(40)", "状态": "INTEGER", "修改时间": vendor.moment}
    await vendor.create(CASES, columns, "编号")
    await vendor.insert(CASES, *(case(number) for number in range(1, 81)))
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config, table=CASES), "utf-8")

    def edited(name: str, *numbers: int) -> str:
        listed = ", ".join(f"'青云{number:03}'" for number in numbers)
        return (
            f"UPDATE {vendor.quoted(CASES)} SET {vendor.quoted('申请人')} = '{name}' "
            f"WHERE {vendor.quoted('编号')} IN ({listed})"
        )

    async with Site(tmp_path, is_new=False).running(msgspec.structs.replace(SLOW, page_rows=10)) as box:
        assert len(await box.round()) == 80
        await box.round()
        said = Said(box)
        writer = await asyncpg.connect(vendor.server.url(vendor.config.database))
        transaction = writer.transaction()
        await transaction.start()
        await writer.execute(edited("迟", 3))  # has its number before the next one, and commits behind it
        await vendor.execute(edited("早", 7))
        assert [item.key for item in await said.again(box)] == ["青云007"]
        await transaction.commit()
        await writer.close()
        assert [item.key for item in await said.again(box)] == ["青云003"]
        await vendor.execute(edited("多", *range(20, 33)))
        assert await said.again(box) == [], "a page that is full is the walk's"
        box.collector._lanes["case"].sweep_now()
        found = await _until(box.round)
        while len(found) < 13:
            found += await _until(box.round)
        assert {item.key for item in found} == {f"青云{number:03}" for number in range(20, 33)}
        await vendor.execute(edited("末", 79))
        assert [item.key for item in await said.again(box)] == ["青云079"]

        async def silent(_: str) -> None:
            return None

        real, shift = box.collector._clock.mono, [0]
        monkeypatch.setattr(box.collector._source, "hint", silent)  # as of an engine without one
        monkeypatch.setattr(box.collector._clock, "mono", lambda: real() + shift[0])
        await box.round()
        shift[0] += LOOK_EVERY
        await box.round()
        await vendor.execute(edited("无", 55))
        shift[0] += EVERY
        assert [item.key for item in await box.round()] == ["青云055"]
