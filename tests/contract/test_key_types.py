"""Keys of days and hours: their rows stay the same rows for every lane, and one that is deleted is told alone."""

from pathlib import Path

import msgspec
import pytest

from common.core.record import Op
from tests.contract.vendor import VENDORS
from tests.integration.test_collect import EAGER, Site

MAPPING = """
version = 1
[source]
type = "{config.type}"
host = "{config.host}"
port = {config.port}
database = "{config.database}"
user = "{config.user}"
password_file = "password"
[table.case]
from = "办件"
key = ["编号"]
columns = {{case_no = "编号"}}
[table.step]
from = "过程"
key = ["编号", "日", "时", "刻"]
parent = "编号"
columns = {{step_name = "环节"}}
"""
WALKING = msgspec.structs.replace(EAGER, hot_secs=0.05, page_rows=4, poll_secs=3600)
MYSQL = [
    ("2026-06-01", "09:30:00", "2026-06-01 09:30:00"),
    ("2026-06-01", "09:30:00.5", "2026-06-01 09:30:00"),
    ("2026-06-01", "28:00:00", "0000-00-00 00:00:00"),
    ("0000-00-00", "09:30:00", "2026-06-01 09:30:00.250000"),
    ("2026-02-00", "00:00:00", "2026-06-01 23:59:59"),
    ("2026-06-02", "00:00:01", "2026-06-02 00:00:01"),
]
POSTGRESQL = [
    ("2026-06-01", "09:30:00", "2026-06-01 09:30:00"),
    ("2026-06-01", "09:30:00.5", "2026-06-01 09:30:00"),
    ("2026-06-01", "24:00:00", "infinity"),
    ("infinity", "09:30:00", "2026-06-01 09:30:00.250000"),
    ("0044-03-15 BC", "00:00:00", "20240-01-01 00:00:00"),
    ("2026-06-02", "00:00:01", "2026-06-02 00:00:01"),
]


@pytest.mark.service
@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
async def test_a_row_whose_key_is_a_time_stays_one_and_is_missed_alone(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    """Once the process ended at the first question by such a key."""
    vendor = await VENDORS[kind](request, tmp_path)
    times = MYSQL if kind == "mysql" else POSTGRESQL
    clock, moment = ("TIME(1)", "DATETIME(6)") if kind == "mysql" else ("TIME", "TIMESTAMP")
    await vendor.create("办件", {"编号": "INTEGER"}, "编号")
    columns = {"编号": "INTEGER", "日": "DATE", "时": clock, "刻": moment, "环节": "VARCHAR(20)"}
    await vendor.create("过程", columns, "编号", "日", "时", "刻")
    if kind == "mysql":
        await vendor.execute("SET SESSION sql_mode = ''")
    for number in (1, 2):
        await vendor.insert("办件", (number,))
        await vendor.insert("过程", *((number, *of, "审查") for of in times))
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")
    async with Site(tmp_path, is_new=False).running(WALKING) as box:
        first = await box.round()
        assert len(first) == 2 + 12

        async def later() -> list[tuple[str, str, Op]]:
            for lanes in box.collector._lanes.values():
                lanes._newest_mono = lanes._hot._due_mono = 0
            return [(item.table, item.key, item.op) for item in await box.round()]

        for _ in range(3):
            assert await later() == []
        assert not box.state.table_faults
        keys = [item.key for item in first if item.table == "step" and item.key.startswith('["2"')]
        for place, (day, hour, at) in enumerate(times):
            where = f"{vendor.quoted('日')} = '{day}' AND {vendor.quoted('时')} = '{hour}' AND {vendor.quoted('刻')} = '{at}'"
            await vendor.execute(
                f"DELETE FROM {vendor.quoted('过程')} WHERE {vendor.quoted('编号')} = 2 AND {where}"
            )
            ((table, key, op),) = await later()
            assert (table, op) == ("step", Op.DELETE), place
            keys.remove(key)
        assert keys == []
