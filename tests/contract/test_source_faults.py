"""The contract of `agent/source/base.py`, over every adapter against the real database: faults and manners."""

import asyncio
import time

import pytest

from agent.core import query
from agent.core.query import Query
from agent.source import base
from agent.source.base import Source
from common.core.errors import ConfigError, MingchaError, UnavailableError
from tests.contract.vendor import (
    CASES,
    WITH_GRANTS,
    OnServer,
    Vendor,
    case,
    cases,
    keys,
    numbers,
    only_servers,
    with_locks,
)

# a source that is away ----------------------------------------------------------------------------------------


async def test_a_source_that_went_away_between_two_pages_is_read_on_when_it_is_back(
    vendor: Vendor, source: Source
) -> None:
    await vendor.insert(CASES, *(case(number) for number in range(6)))
    table = cases(vendor)
    first = await source.fetch(query.by_key(table, None, 3))
    await vendor.go_away()
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            await source.fetch(query.by_key(table, keys(table, first)[-1], 3))
        assert caught.value.hint
    with pytest.raises(UnavailableError):
        await source.open()
    await vendor.come_back()
    second = await source.fetch(query.by_key(table, keys(table, first)[-1], 3))
    assert numbers(first + second) == [f"青云{n:03}" for n in range(6)]


@only_servers
async def test_a_server_that_dies_in_the_middle_of_a_statement_is_away(
    vendor: Vendor, source: Source
) -> None:
    await source.open()
    reading = asyncio.create_task(source.fetch(vendor.slow))
    await asyncio.sleep(0.3)
    await vendor.go_away()
    with pytest.raises(UnavailableError, match="连不上"):
        await reading
    await vendor.come_back()
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []


@only_servers
async def test_a_server_that_hangs_is_given_up_and_read_on_when_it_wakes(
    vendor: Vendor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(vendor, OnServer)
    monkeypatch.setattr(base, "ANSWER_SECS", 0.5)
    await source.open()
    vendor.server.freeze()
    try:
        for _ in range(2):  # the first over the old connection, the second over one that does not come about
            with pytest.raises(UnavailableError, match="没有应答"):
                await source.fetch(query.by_key(cases(vendor), None, 1))
        with pytest.raises(UnavailableError, match="没有应答"):
            await source.write_allowed(CASES, "编号")
    finally:  # whoever asks it next would wait for ever
        vendor.server.thaw()
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []


@only_servers
async def test_a_wrong_password_is_called_so(vendor: Vendor) -> None:
    source = vendor.source(password_file="wrong")
    with pytest.raises(UnavailableError, match=f"拒绝登录：账号 {vendor.config.user}") as caught:
        await source.open()
    assert "密码" in caught.value.hint


@only_servers
async def test_an_unknown_account_is_called_so(vendor: Vendor) -> None:
    with pytest.raises(UnavailableError, match="账号 nobody"):
        await vendor.source(user="nobody").open()


@only_servers
async def test_a_missing_database_is_called_so(vendor: Vendor) -> None:
    with pytest.raises(UnavailableError, match="没有数据库 nowhere"):
        await vendor.source(database="nowhere").open()


@only_servers
async def test_an_address_where_nobody_listens_is_called_so(vendor: Vendor) -> None:
    with pytest.raises(UnavailableError, match=r"连不上数据源 127\.0\.0\.1:1："):
        await vendor.source(port=1).open()


@only_servers
async def test_making_an_adapter_touches_no_network_and_misses_a_password_file(vendor: Vendor) -> None:
    vendor.source(host="192.0.2.1")
    with pytest.raises(ConfigError, match="密码"):
        vendor.source(password_file="nowhere")


async def test_closing_twice_is_closing_once_and_an_adapter_opens_again(
    vendor: Vendor, source: Source
) -> None:
    for _ in range(2):
        await source.open()
        await source.open()
        assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []
        await source.close()
        await source.close()


# a guest in the vendor's database -----------------------------------------------------------------------------


async def test_a_session_writes_nothing_though_its_account_might(vendor: Vendor) -> None:
    source = vendor.source(user=vendor.owner)
    await vendor.insert(CASES, case(1))
    table = vendor.quoted(CASES)
    for sql in (
        f"DELETE FROM {table}",
        f"INSERT INTO {table} VALUES ('x', 'y', 0, NULL)",
        f"DROP TABLE {table}",
    ):
        with pytest.raises(MingchaError):
            await source.fetch(Query(sql))
    await source.close()
    assert len(await vendor.execute(f"SELECT * FROM {table}")) == 1


async def test_the_privileges_of_a_reader_pass_the_doctor(vendor: Vendor, source: Source) -> None:
    assert await source.write_allowed(CASES, "编号") == ""


@only_servers
async def test_the_privileges_of_an_account_that_might_write_do_not(vendor: Vendor) -> None:
    await vendor.insert(CASES, case(1))
    source = vendor.source(user=vendor.owner)
    assert await source.write_allowed(CASES, "编号") == f"账号 {vendor.owner} 有权改写 {CASES}"
    await vendor.create("可写", {"编号": "VARCHAR(20)"}, "编号", grant="SELECT, UPDATE")
    assert "有权改写 可写" in await vendor.source().write_allowed("可写", "编号")
    assert "没有此表" in await source.write_allowed("没有此表", "编号")


@pytest.mark.parametrize("vendor", WITH_GRANTS, indirect=True)
async def test_every_right_that_writes_is_seen_though_an_update_of_the_key_is_refused(vendor: Vendor) -> None:
    rights = {"一": "SELECT", "二": "SELECT, DELETE, INSERT", "三": "SELECT, UPDATE (备注)"}
    for table, grant in rights.items():
        await vendor.create(table, {"编号": "VARCHAR(20)", "备注": "VARCHAR(20)"}, "编号", grant=grant)
    source = vendor.source()
    said = [(await source.write_allowed(table, "编号")).partition("有权改写 ")[2] for table in rights]
    assert said == ["", "二：DELETE、INSERT", "三：UPDATE"]
    await source.close()


async def test_a_statement_that_takes_too_long_is_cut(
    vendor: Vendor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "STATEMENT_SECS", 0.5)
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="正忙"):
        await source.fetch(vendor.slow)
    assert 0.4 < time.monotonic() - began < 3
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []


async def test_a_reading_that_is_given_up_leaves_the_adapter_usable(
    vendor: Vendor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "STATEMENT_SECS", 0.5)
    await source.open()
    reading = asyncio.create_task(source.fetch(vendor.slow))
    await asyncio.sleep(0.2)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []


@with_locks
async def test_a_table_that_the_vendor_holds_is_busy_and_read_afterwards(
    vendor: Vendor, source: Source
) -> None:
    await source.open()
    async with vendor.locked(CASES):
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="正忙"):
            await source.fetch(query.by_key(cases(vendor), None, 1))
        assert time.monotonic() - began < 3
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []


@only_servers
async def test_the_doctor_does_not_wait_for_a_table_that_the_vendor_holds(vendor: Vendor) -> None:
    source = vendor.source(user=vendor.owner)
    async with vendor.locked(CASES):
        async with asyncio.timeout(4):
            with pytest.raises(UnavailableError, match="正忙"):
                await source.write_allowed(CASES, "编号")


async def test_between_two_pages_the_vendor_may_change_everything(vendor: Vendor, source: Source) -> None:
    await vendor.insert(CASES, case(1), case(2))
    await source.fetch(query.by_key(cases(vendor), None, 1))
    async with asyncio.timeout(2):
        await vendor.execute(f"ALTER TABLE {vendor.quoted(CASES)} ADD COLUMN {vendor.quoted('备注')} INTEGER")
        await vendor.execute(f"DELETE FROM {vendor.quoted(CASES)}")
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []
    assert "备注" in await source.columns(CASES)


@only_servers
async def test_a_view_that_nobody_can_write_through_passes_the_doctor(vendor: Vendor) -> None:
    view, columns = vendor.quoted("视图"), vendor.quoted("编号")
    await vendor.execute(f"CREATE VIEW {view} AS SELECT DISTINCT {columns} FROM {vendor.quoted(CASES)}")
    await vendor.execute(f"GRANT SELECT, UPDATE ON {view} TO {vendor.grantee}")
    assert await vendor.source().write_allowed("视图", "编号") == ""
