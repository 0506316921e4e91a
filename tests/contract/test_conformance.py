"""The sheet of a site: on a sound source every line is true or honestly unproven; each fault is found by its line."""

from collections.abc import Sequence

import pytest

from agent import conformance
from agent.conformance import Finding
from agent.core.mapping import Cursor, Field, Table, TableMapping
from agent.core.query import Dialect
from agent.source import base
from agent.source.base import Source
from tests.contract.vendor import CASES, STEPS, Vendor, case, only_servers

TEXTS: dict[str, str | Field] = {"case_no": "编号", "applicant": "申请人"}


def tables(vendor: Vendor, **changes: list[str]) -> list[Table]:
    cases = TableMapping(
        CASES, changes.get("key", ["编号"]), TEXTS, cursor=Cursor(["修改时间"]), watch=["状态"]
    )
    steps = TableMapping(STEPS, ["编号", "序 号"], {"step_name": "环节"}, parent="编号")
    return [Table("case", cases, vendor.config), Table("step", steps, vendor.config)]


async def fill(vendor: Vendor) -> None:
    stamped = (case(n, None if n % 5 == 0 else "王㐂", f"2026-06-01 08:00:0{n % 3}") for n in range(40))
    await vendor.insert(CASES, *stamped)
    await vendor.insert(STEPS, *((f"青云{n:03}", place, "受理") for n in range(12) for place in (1, 2, 10)))


def failed(found: Sequence[Finding]) -> dict[str, str]:
    return {item.name: item.detail for item in found if item.ok is False}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that runs for ever is waited for not quite so long."""
    monkeypatch.setattr(base, "STATEMENT_SECS", 0.5)


async def test_a_sound_source_fails_in_no_line(vendor: Vendor, source: Source) -> None:
    await fill(vendor)
    found = await conformance.examine(source, tables(vendor))
    assert failed(found) == {}
    assert len(found) == 2 * 8 + 5
    said = {item.name: item for item in found}
    for name in (
        f"{CASES} 翻页",
        f"{STEPS} 翻页",
        f"{CASES} 按修改时间翻页",
        f"{CASES} 空值与类型",
        "语句时限",
        "取消语句",
    ):
        assert said[name].ok, said[name]
    assert "空" in said[f"{CASES} 空值与类型"].detail
    assert (said["连接被服务器切断"].ok is None) == (vendor.config.dialect is Dialect.SQLITE)


async def test_an_empty_table_is_unproven_and_not_proven(vendor: Vendor, source: Source) -> None:
    found = await conformance.examine(source, tables(vendor)[:1])
    assert next(item for item in found if item.name == f"{CASES} 翻页").ok is None


async def test_a_time_that_is_none_comes_as_its_text_and_is_no_fault_of_the_source(
    vendor: Vendor, source: Source
) -> None:
    """Zero dates stand in many an office's MySQL: the sheet said 暂不能采集 for them."""
    await fill(vendor)
    impossible = "0000-00-00" if vendor.config.dialect is Dialect.MYSQL else "infinity"
    await vendor.insert(CASES, case(900, "王㐂", impossible))
    found = await conformance.examine(source, tables(vendor)[:1])
    assert failed(found) == {}
    kinds = next(item for item in found if item.name == f"{CASES} 空值与类型").detail
    assert ("修改时间=datetime/str" in kinds) == (
        vendor.config.dialect in {Dialect.MYSQL, Dialect.POSTGRESQL}  # Kingbase's driver has a time for it
    )


async def test_a_key_that_is_not_unique_and_a_missing_column_are_found(
    vendor: Vendor, source: Source
) -> None:
    await fill(vendor)
    found = await conformance.examine(source, tables(vendor, key=["状态"])[:1])
    assert failed(found)[f"{CASES} 翻页"] == "主键不唯一"
    table = Table("case", TableMapping(CASES, ["编号"], {"case_no": "没有此字段"}), vendor.config)
    found = await conformance.examine(source, [table])
    assert "没有此字段" in failed(found)[f"{CASES} 字段"]
    assert [item.name for item in found if item.name.startswith(CASES)] == [f"{CASES} 字段"]


async def test_a_source_that_is_away_fails_in_every_line(vendor: Vendor, source: Source) -> None:
    await vendor.go_away()
    found = await conformance.examine(source, tables(vendor)[:1])
    assert next(iter(failed(found))) == f"{CASES} 字段"
    assert [item for item in found if item.ok] == [], "a refusal for that is none"
    await vendor.come_back()


@only_servers
async def test_an_account_that_might_write_is_found_and_its_session_does_not_write(vendor: Vendor) -> None:
    await fill(vendor)
    found = await conformance.examine(vendor.source(user=vendor.owner), tables(vendor)[:1])
    assert set(failed(found)) == {f"{CASES} 权限"}
    assert next(item for item in found if item.name == f"{CASES} 只读会话").detail.startswith("被会话拒绝")
