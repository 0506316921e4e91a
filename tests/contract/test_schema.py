"""A vendor's schema that moves, and columns too large to carry, over every adapter against the real database."""

from pathlib import Path

import msgspec
import pytest

from common.core import record
from common.core.record import Case, Observation, Record
from common.core.state import Observed
from tests.contract.vendor import CASES, STEPS, Vendor, case, only_servers
from tests.integration.test_collect import EAGER, Box, Site

SCAN = 30_000


@pytest.fixture
def site(vendor: Vendor, tmp_path: Path) -> Site:
    return mapped(vendor, tmp_path)


def mapped(vendor: Vendor, folder: Path, extra: str = "") -> Site:
    """A box on the vendor's two tables; `extra`: further lines of the case table's mapping."""
    source = msgspec.to_builtins(vendor.config)
    lines = [f"{name} = {msgspec.json.encode(value).decode()}" for name, value in source.items() if value]
    text = f"""
version = 1
[source]
{chr(10).join(lines)}
[table.case]
from = "{CASES}"
key = ["编号"]
columns = {{case_no = "编号", applicant = "申请人"}}
{extra}
[table.step]
from = "{STEPS}"
key = ["编号", "序 号"]
parent = "编号"
columns = {{step_name = "环节"}}
"""
    (folder / "mapping.toml").write_text(text, "utf-8")
    return Site(folder, is_new=False)


async def add(vendor: Vendor, table: str, column: str, kind: str = "VARCHAR(40)") -> None:
    await vendor.execute(f"ALTER TABLE {vendor.quoted(table)} ADD COLUMN {vendor.quoted(column)} {kind}")


async def told(box: Box) -> list[tuple[str, str, str]]:
    bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
    return [(body.code, body.table, body.key) for body in bodies if isinstance(body, Observation)]


def keys(records: list[Record]) -> list[str]:
    return [item.key for item in records]


async def test_a_new_column_is_a_notice_once_for_ever_and_changes_no_row(vendor: Vendor, site: Site) -> None:
    await vendor.insert(CASES, case(1), case(2))
    async with site.running() as box:
        assert len(await box.round()) == 2
        assert (await told(box), box.state.new_columns) == ([], {})
        await add(vendor, CASES, "办结时间")
        await add(vendor, CASES, "备注")
        assert await box.round() == []
        expected = [(Observed.COLUMN_NEW, "case", f"{CASES}.办结时间、备注")]
        assert await told(box) == expected
        assert list(box.state.new_columns) == [f"{CASES}.办结时间", f"{CASES}.备注"]
        await box.round()
        assert await told(box) == expected
    async with site.running() as box:
        await box.round()
        assert await told(box) == expected
        assert list(box.state.new_columns) == [f"{CASES}.办结时间", f"{CASES}.备注"]
        await add(vendor, STEPS, "备注")
        await box.round()
        assert await told(box) == [*expected, (Observed.COLUMN_NEW, "step", f"{STEPS}.备注")]


async def test_a_column_that_the_mapping_takes_up_is_new_no_more(
    vendor: Vendor, site: Site, tmp_path: Path
) -> None:
    async with site.running() as box:
        await box.round()
        await add(vendor, CASES, "备注")
        await box.round()
        assert list(box.state.new_columns) == [f"{CASES}.备注"]
    async with mapped(vendor, tmp_path, 'watch = ["备注"]').running() as box:
        await box.round()
        assert box.state.new_columns == {}
        assert len(await told(box)) == 1


async def test_a_column_that_the_mapping_waits_for_stops_its_table_alone_and_is_no_news_when_it_comes(
    vendor: Vendor, tmp_path: Path
) -> None:
    await vendor.insert(CASES, case(1))
    await vendor.insert(STEPS, ("青云001", 1, "受理"))
    site = mapped(vendor, tmp_path, 'watch = ["备注"]')
    async with site.running() as box:
        assert keys(await box.round()) == ['["青云001","1"]']
        assert "缺少字段" in box.state.table_faults["case"]
        assert f"{CASES}.备注" in box.state.table_faults["case"]
        await add(vendor, CASES, "备注")
        box.collector._retry_mono["case"] = 0
        assert keys(await box.round()) == ["青云001"]
        assert (await told(box), box.state.table_faults) == ([], {})


async def test_of_a_large_column_the_length_alone_is_read(vendor: Vendor, tmp_path: Path) -> None:
    """The statement gives a number; the content is asked for nowhere."""
    await add(vendor, CASES, "扫描件", vendor.lob)
    await vendor.insert(CASES, (*case(1), None), (*case(2), None))
    await _scan(vendor, SCAN)
    async with mapped(vendor, tmp_path, 'lob = ["扫描件"]').running(EAGER) as box:
        source, pages = box.collector._source, list[object]()
        fetch = source.fetch

        async def watched(query: object) -> list[tuple[object, ...]]:
            page = await fetch(query)  # type: ignore[arg-type]
            pages.extend(value for row in page for value in row)
            return page

        source.fetch = watched  # type: ignore[method-assign]
        first = {item.key: _watched(item) for item in await box.round()}
        assert first == {"青云001": {"扫描件": f"长度 {SCAN}"}, "青云002": {}}
        assert max(len(value) for value in pages if isinstance(value, str | bytes)) < 100
        assert await box.round() == []
        await _scan(vendor, SCAN + 1)
        assert [(item.version, _watched(item)) for item in await box.round()] == [
            (2, {"扫描件": f"长度 {SCAN + 1}"})
        ]
        await _scan(vendor, SCAN + 1, "y")
        assert await box.round() == [], "another scan of the same length is not seen"


def _watched(item: Record) -> dict[str, str]:
    body = record.decode_body(item)
    assert isinstance(body, Case)
    return body.watched


async def _scan(vendor: Vendor, size: int, letter: str = "x") -> None:
    content = f"'{letter * size}'"
    column, key = vendor.quoted("扫描件"), vendor.quoted("编号")
    await vendor.execute(f"UPDATE {vendor.quoted(CASES)} SET {column} = {content} WHERE {key} = '青云001'")


@only_servers
async def test_a_type_without_a_length_is_a_fault_of_its_table(vendor: Vendor, tmp_path: Path) -> None:
    if vendor.config.type == "mysql":
        pytest.skip("it measures every type")
    await add(vendor, CASES, "材料", "JSONB")
    await vendor.insert(STEPS, ("青云001", 1, "受理"))
    async with mapped(vendor, tmp_path, 'lob = ["材料"]').running() as box:
        assert keys(await box.round()) == ['["青云001","1"]']
        assert "算不出该类型的长度" in box.state.table_faults["case"]
