"""The contract of `agent/source/base.py`, over every adapter against the real database: reading."""

import asyncio
from datetime import UTC, date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import pytest

from agent.app import SOURCES
from agent.core import query
from agent.core.mapping import ROW_KEY
from agent.core.query import Column, Row, Table
from agent.source.base import SchemaError, Source
from tests.contract.vendor import (
    CASES,
    ELSEWHERE,
    STEPS,
    VENDORS,
    Vendor,
    case,
    cases,
    keys,
    numbers,
    on_mariadb,
    on_postgresql,
    only_servers,
    steps,
    text,
)


async def walk(source: Source, table: Table, size: int) -> list[Row]:
    found: list[Row] = []
    after: Row | None = None
    while page := await source.fetch(query.by_key(table, after, size)):
        assert len(page) <= size
        found += page
        after = keys(table, page)[-1]
    return found


async def follow(source: Source, table: Table, start: Any, size: int) -> list[Row]:
    found: list[Row] = []
    after: Row | None = None
    while page := await source.fetch(query.by_cursor(table, "修改时间", (), start, after, size)):
        found += page
        after = (page[-1][3], *keys(table, page)[-1])
    return found


def test_every_adapter_of_the_agent_is_under_this_contract() -> None:
    assert {SOURCES[name] for name in VENDORS} | ELSEWHERE == set(SOURCES.values())


# reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 7, 8, 50])
async def test_pages_over_a_key_hold_every_row_once_and_in_order(
    vendor: Vendor, source: Source, size: int
) -> None:
    await vendor.insert(CASES, *(case(number) for number in (3, 14, 1, 5, 9, 2, 6)))
    assert numbers(await walk(source, cases(vendor), size)) == [f"青云{n:03}" for n in (1, 2, 3, 5, 6, 9, 14)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 50])
async def test_pages_over_a_composite_key_hold_every_row_once_and_in_order(
    vendor: Vendor, source: Source, size: int
) -> None:
    rows = [(f"青云{number:03}", place, "受理") for number in (1, 2, 3) for place in (1, 2, 10)]
    await vendor.insert(STEPS, *reversed(rows))
    found = keys(steps(vendor), await walk(source, steps(vendor), size))
    assert [(text(key), place) for key, place in found] == [(key, place) for key, place, _ in rows]


async def test_rows_that_come_and_go_between_two_pages_shift_nothing(vendor: Vendor, source: Source) -> None:
    await vendor.insert(CASES, *(case(number) for number in range(10, 16)))
    table = cases(vendor)
    first = await source.fetch(query.by_key(table, None, 3))
    await vendor.execute(f"DELETE FROM {vendor.quoted(CASES)} WHERE {vendor.quoted('编号')} <= '青云011'")
    await vendor.insert(CASES, case(1), case(2))
    second = await source.fetch(query.by_key(table, keys(table, first)[-1], 10))
    assert numbers(first) + numbers(second) == [f"青云{n:03}" for n in range(10, 16)]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
async def test_pages_in_order_of_change_hold_every_stamped_row_once(
    vendor: Vendor, source: Source, size: int
) -> None:
    moments = {1: 5, 2: 3, 3: 3, 4: 3, 5: 1, 6: None}
    stamps = {n: None if at is None else f"2026-06-01 08:00:0{at}" for n, at in moments.items()}
    await vendor.insert(CASES, *(case(number, at=at) for number, at in stamps.items()))
    found = await follow(source, cases(vendor), None, size)
    assert numbers(found) == [f"青云00{n}" for n in (5, 2, 3, 4, 1)]
    again = await follow(source, cases(vendor), found[1][3], size)
    assert numbers(again) == [f"青云00{n}" for n in (2, 3, 4, 1)]


async def test_a_second_cursor_reads_the_rows_that_the_first_leaves_out(
    vendor: Vendor, source: Source
) -> None:
    await vendor.insert(CASES, case(1, at="2026-06-01 08:00:00"), case(2), case(3))
    page = await source.fetch(query.by_cursor(cases(vendor), "状态", ("修改时间",), None, None, 9))
    assert numbers(page) == ["青云002", "青云003"]


async def test_rows_are_found_by_their_keys(vendor: Vendor, source: Source) -> None:
    await vendor.insert(CASES, case(1), case(2), case(3))
    await vendor.insert(STEPS, ("青云001", 1, "受理"), ("青云001", 2, "审查"), ("青云002", 1, "受理"))
    wanted = keys(cases(vendor), await source.fetch(query.by_key(cases(vendor), None, 2)))
    found = await source.fetch(query.by_keys(cases(vendor), [*wanted, ("没有",)]))
    assert sorted(numbers(found)) == ["青云001", "青云002"]
    pairs = await source.fetch(query.by_keys(steps(vendor), [("青云001", 2), ("青云002", 1), ("青云002", 2)]))
    assert sorted(numbers(pairs)) == ["受理", "审查"]


async def test_null_is_none_and_an_empty_text_is_a_text(vendor: Vendor, source: Source) -> None:
    await vendor.insert(CASES, case(1, None), case(2, ""))
    first, second = await source.fetch(query.by_key(cases(vendor), None, 9))
    assert (first[1], first[3]) == (None, None)
    assert text(second[1]) == vendor.empty


async def test_raw_text_comes_as_the_bytes_that_are_stored(vendor: Vendor, source: Source) -> None:
    await vendor.insert(CASES, case(1, "李晓"), case(2, None))
    table = Table(vendor.config.dialect, CASES, (Column("编号"), Column("申请人", raw=True)), ("编号",))
    assert numbers(await source.fetch(query.by_key(table, None, 9)), 1) == ["李晓", None]
    assert (await source.fetch(query.by_key(table, None, 9)))[0][1] == vendor.stored("李晓")


@pytest.mark.service
async def test_a_gbk_database_reads_as_the_same_text(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    vendor = await on_mariadb(request, tmp_path, "gbk")
    await vendor.create(CASES, {"编号": "VARCHAR(20)", "申请人": "VARCHAR(40)"}, "编号")
    await vendor.insert(CASES, *((f"镕{n}", "朱镕") for n in range(5)))
    source = vendor.source()
    table = Table(vendor.config.dialect, CASES, (Column("编号"), Column("申请人", raw=True)), ("编号",))
    found = await walk(source, table, 2)
    assert found == [(f"镕{n}", "朱镕".encode("gbk")) for n in range(5)]
    await source.close()


@pytest.mark.service
async def test_a_date_that_is_none_comes_as_text(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    vendor = await on_mariadb(request, tmp_path)
    await vendor.create(CASES, {"编号": "VARCHAR(20)", "修改时间": "DATETIME"}, "编号")
    await vendor.insert(CASES, ("1", "0000-00-00 00:00:00"))
    source = vendor.source()
    table = Table(vendor.config.dialect, CASES, (Column("修改时间"),), ("编号",))
    assert await source.fetch(query.by_key(table, None, 9)) == [("0000-00-00 00:00:00",)]
    await source.close()


ODD = ("20240-01-01 10:00:00", "0044-03-15 00:00:00 BC", "infinity", "-infinity")


@pytest.mark.service
async def test_a_time_that_python_cannot_hold_comes_as_the_servers_text_and_goes_back_as_it(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    vendor = await on_postgresql(request, tmp_path)
    await vendor.create(CASES, {"时间": "TIMESTAMP", "日": "DATE", "时": "TIME", "区": "TIMESTAMPTZ"}, "时间")
    for moment in ODD:
        day = moment.replace(" 10:00:00", "").replace(" 00:00:00", "")
        await vendor.insert(CASES, (moment, day, "24:00", f"{moment}+08" if moment == ODD[0] else None))
    await vendor.insert(CASES, ("2026-06-12 08:30:00.25", "2026-06-12", "08:30", "2026-06-12 08:30:00+08"))
    names, usual = ("时间", "日", "时", "区"), datetime.fromisoformat("2026-06-12 08:30:00.25")
    table = Table(vendor.config.dialect, CASES, tuple(map(Column, names)), ("时间",))
    source = vendor.source()
    found = {row[0]: row[1:] for row in await walk(source, table, 2)}  # each page begins behind such a time
    assert found.keys() == {*ODD, usual}
    assert found[ODD[0]][:2] == ("20240-01-01", "24:00:00")
    assert found[ODD[0]][2].startswith("20240-01-01")
    assert found[usual] == (
        date(2026, 6, 12),
        clock_time(8, 30),
        datetime(2026, 6, 12, 0, 30, tzinfo=UTC),
    )
    assert len(await source.fetch(query.by_keys(table, [(moment,) for moment in found]))) == len(found)
    await source.close()


# what the database looks like ---------------------------------------------------------------------------------


async def test_columns_are_named_in_the_vendors_words(vendor: Vendor, source: Source) -> None:
    assert set(await source.columns(CASES)) - {ROW_KEY} == {"编号", "申请人", "状态", "修改时间"}
    assert set(await source.columns(STEPS)) - {ROW_KEY} == {"编号", "序 号", "环节"}


async def test_a_missing_table_is_a_fault_of_the_mapping_and_others_go_on(
    vendor: Vendor, source: Source
) -> None:
    nowhere = Table(vendor.config.dialect, "没有此表", (Column("编号"),), ("编号",))
    for work in (source.columns("没有此表"), source.fetch(query.by_key(nowhere, None, 1))):
        with pytest.raises(SchemaError, match="没有此表") as caught:
            await work
        assert "mapping.toml" in caught.value.hint
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []


async def test_a_missing_column_is_a_fault_of_the_mapping_and_named(vendor: Vendor, source: Source) -> None:
    table = Table(vendor.config.dialect, CASES, (Column("编号"), Column("申请者")), ("编号",))
    with pytest.raises(SchemaError, match="申请者"):
        await source.fetch(query.by_key(table, None, 1))
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []


@only_servers
async def test_a_table_without_the_right_to_read_is_a_fault_of_the_grants(
    vendor: Vendor, source: Source
) -> None:
    await vendor.create("秘密", {"编号": "VARCHAR(20)"}, "编号", grant="")
    table = Table(vendor.config.dialect, "秘密", (Column("编号"),), ("编号",))
    for work in (source.columns("秘密"), source.fetch(query.by_key(table, None, 1))):
        with pytest.raises(SchemaError, match="秘密") as caught:
            await work
        assert "授" in caught.value.hint
    assert await source.fetch(query.by_key(cases(vendor), None, 1)) == []


@only_servers
async def test_columns_are_only_those_that_may_be_read(vendor: Vendor, source: Source) -> None:
    columns = {"编号": "VARCHAR(20)", "身份证": "VARCHAR(20)"}
    await vendor.create("半", columns, "编号", grant=f"SELECT ({vendor.quoted('编号')})")
    assert await source.columns("半") == ["编号"]
    table = Table(vendor.config.dialect, "半", (Column("身份证"),), ("编号",))
    with pytest.raises(SchemaError):
        await source.fetch(query.by_key(table, None, 1))


# signs of writing ---------------------------------------------------------------------------------------------


async def moved(source: Source, before: str | None) -> str | None:
    for _ in range(150):
        if (now := await source.hint(CASES)) != before:
            return now
        await asyncio.sleep(0.1)
    raise AssertionError(before)


async def test_a_sign_of_writing_moves_with_every_write_and_with_nothing_else(
    vendor: Vendor, source: Source
) -> None:
    """An insert, an edit and a deletion; the engine may take its time. A table is another once it was made anew."""
    made = await source.made(CASES)
    await _written(vendor, source)
    assert await source.made(CASES) == made
    if vendor.config.type == "sqlite":
        await vendor.go_away()
        vendor.file.write_bytes(vendor.file.with_suffix(".away").read_bytes())  # type: ignore[attr-defined]
    elif made:
        await asyncio.sleep(1.1)
        await vendor.execute(f"DROP TABLE {vendor.quoted(CASES)}")
        await vendor.create(CASES, {"编号": "VARCHAR(20)"}, "编号")
    assert bool(made) == (await source.made(CASES) != made) == (vendor.config.type != "folder")


async def _written(vendor: Vendor, source: Source) -> None:
    table, key = vendor.quoted(CASES), vendor.quoted("编号")
    writes = [
        f"INSERT INTO {table} VALUES ('青云001', '王小明', 0, NULL)",
        f"UPDATE {table} SET {vendor.quoted('申请人')} = '改'",
        f"DELETE FROM {table} WHERE {key} = '青云001'",
    ]
    before = await source.hint(CASES)
    if vendor.config.type == "kingbase":
        assert before is None, "not learned"
        return
    for sql in writes:
        await asyncio.sleep(1.1)  # one engine tells seconds apart, and no less
        await vendor.execute(sql)
        now = await moved(source, before)
        assert await source.hint(CASES) == now
        before = now
