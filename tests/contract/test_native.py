"""What PostgreSQL says of its transactions, to an account that may do nothing but SELECT."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec
import pytest

from agent.source.base import Source
from tests.contract.vendor import CASES, Vendor, case, on_postgresql
from tests.integration.test_collect import EAGER, Site
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
    now = await source.in_flight()
    return now is not None and now.oldest >= following


async def test_only_postgresql_is_asked_for_its_transactions(vendor: Vendor, source: Source) -> None:
    assert (await source.in_flight() is not None) is (vendor.config.type == "postgresql")


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
    during = await source.in_flight()
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
