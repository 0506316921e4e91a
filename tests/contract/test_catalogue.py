"""The contract of `agent/source/base.py`, over every adapter against the real database: what it says of itself."""

import pytest

from agent.core import query
from agent.source import base
from agent.source.base import Source
from common.clock import Clock
from common.core.instant import MINUTE
from tests.contract.vendor import CASES, STEPS, Vendor, case, cases


@pytest.fixture
def database(vendor: Vendor) -> Vendor:
    """Exported files declare neither keys nor views, and an image gets the indexes it needs."""
    if vendor.config.type == "folder":
        pytest.skip("an exported file declares nothing")
    return vendor


async def test_an_exported_file_is_listed_with_its_columns_and_rows(vendor: Vendor, source: Source) -> None:
    await vendor.insert(CASES, *(case(number) for number in range(3)))
    table = next(table for table in await source.catalogue() if table.name == CASES)
    assert [column.name for column in table.columns] == ["编号", "申请人", "状态", "修改时间"]
    assert table.rows is None or table.rows <= 3


async def test_the_catalogue_names_tables_columns_and_keys(database: Vendor, source: Source) -> None:
    found = {table.name: table for table in await source.catalogue()}
    assert set(found) == {CASES, STEPS}
    assert [column.name for column in found[CASES].columns] == ["编号", "申请人", "状态", "修改时间"]
    assert found[CASES].keys == (("编号",),)
    assert found[STEPS].keys == (("编号", "序 号"),)
    assert not found[CASES].view
    nullable = {column.name: column.nullable for column in found[CASES].columns}
    assert nullable == {"编号": False, "申请人": True, "状态": True, "修改时间": True}


async def test_a_unique_index_over_what_may_be_null_is_no_key(database: Vendor, source: Source) -> None:
    name, first = database.quoted(CASES), database.quoted("申请人")
    await database.execute(f"CREATE UNIQUE INDEX one ON {name} ({first})")
    await database.execute(
        f"CREATE INDEX changed ON {name} ({database.quoted('修改时间')}, {database.quoted('编号')})"
    )
    table = next(table for table in await source.catalogue() if table.name == CASES)
    assert table.keys == (("编号",),)
    assert {"编号", "申请人", "修改时间"} == set(table.indexed)


async def test_a_view_is_listed_as_one_and_has_no_key(database: Vendor, source: Source) -> None:
    view = database.quoted("办件视图")
    await database.execute(
        f"CREATE VIEW {view} AS SELECT {database.quoted('编号')} FROM {database.quoted(CASES)}"
    )
    if database.config.user:
        await database.execute(f"GRANT SELECT ON {view} TO {database.grantee}")
    found = {table.name: table for table in await source.catalogue()}
    assert found["办件视图"].view
    assert found["办件视图"].keys == ()


async def test_a_view_of_what_is_gone_is_listed_without_columns_and_hides_no_other(
    database: Vendor, source: Source, capfd: pytest.CaptureFixture[str]
) -> None:
    if database.config.type not in {"sqlite", "mysql"}:
        pytest.skip("the server drops it with its table, or forbids the drop")
    view, gone = database.quoted("旧视图"), database.quoted("旧表")
    await database.create("旧表", {"编号": "INTEGER"}, "编号")
    await database.execute(f"CREATE VIEW {view} AS SELECT * FROM {gone}")
    if database.config.user:
        await database.execute(f"GRANT SELECT ON {view} TO {database.grantee}")
    await database.execute(f"DROP TABLE {gone}")
    capfd.readouterr()
    found = {table.name: table for table in await source.catalogue()}
    assert set(found) == {CASES, STEPS, "旧视图"}
    assert (found["旧视图"].columns, found["旧视图"].view) == ((), True)
    assert capfd.readouterr() == ("", ""), "the driver says nothing past us"


async def test_a_table_that_may_not_be_read_is_not_listed(vendor: Vendor, source: Source) -> None:
    await vendor.create("机密", {"编号": "INTEGER"}, "编号", grant="")
    found = {table.name for table in await source.catalogue()}
    assert ("机密" in found) == (not vendor.config.user), "a file has no grants"


async def test_a_plan_without_an_index_says_so(database: Vendor, source: Source) -> None:
    await database.insert(CASES, *(case(number, at="2026-06-12 08:00:00") for number in range(3000)))
    if database.config.user:
        await database.execute(
            f"ANALYZE {'TABLE ' if database.config.type == 'mysql' else ''}{database.quoted(CASES)}"
        )
    table = cases(database)
    key = (await source.fetch(query.by_key(table, None, 1)))[0][0]
    assert await source.explain(query.by_key(table, (key,), 100)) == ""
    assert await source.explain(query.by_keys(table, [(key,)])) == ""
    at = (await source.fetch(query.by_key(table, None, 1)))[0][3]
    said = await source.explain(query.by_cursor(table, "修改时间", (), at, None, 100))
    assert base.SCANS in said
    assert base.SORTS in said


async def test_the_newest_rows_come_from_the_end_of_the_key(vendor: Vendor, source: Source) -> None:
    await vendor.insert(CASES, *(case(number) for number in range(20)))
    found = await source.fetch(query.newest(cases(vendor), 3))
    names = [row[0].decode() if isinstance(row[0], bytes) else row[0] for row in found]
    assert names == ["青云019", "青云018", "青云017"]


async def test_a_server_has_a_clock_and_a_file_has_none(vendor: Vendor, source: Source) -> None:
    at = await source.clock()
    if vendor.config.user:
        assert at is not None
        assert abs(at - Clock().wall()) < MINUTE
    else:
        assert at is None
