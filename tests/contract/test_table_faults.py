"""A table of a real server that cannot be read stops alone: the others are read on, and it is named."""

from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from agent.core import position
from common.core.errors import UnavailableError
from common.core.record import Case, decode_body
from tests.contract.vendor import Vendor, on_postgresql, only_servers
from tests.integration.test_collect import Box, Site

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
from = "c"
key = ["id"]
watch = ["v"]
columns = {{case_no = "id", finished_at = "f"}}
[table.step]
from = "s"
key = ["id"]
parent = "id"
columns = {{step_name = "h"}}
"""


async def filled(vendor: Vendor, folder: Path) -> Site:
    """Two sound tables, `c` and `s`, with a row each."""
    await vendor.create("c", {"id": "INTEGER", "v": "VARCHAR(20)", "f": vendor.moment}, "id")
    await vendor.create("s", {"id": "INTEGER", "h": "VARCHAR(20)"}, "id")
    await vendor.insert("c", (1, "x", "2026-06-12 08:00:00"))
    await vendor.insert("s", (1, "x"))
    (folder / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")
    return Site(folder, is_new=False)


async def told(box: Box) -> list[str]:
    return [f"{item.table} {item.key}" for item in await box.round()]


@only_servers
async def test_a_locked_table_stops_alone_is_named_and_goes_on_where_it_stood(
    vendor: Vendor, tmp_path: Path
) -> None:
    site = await filled(vendor, tmp_path)
    async with site.running() as box:
        assert len(await told(box)) == 2
        await vendor.insert("s", (2, "new"))
        async with vendor.locked("c"):
            assert await told(box) == ["step 2"]
            assert set(box.state.table_faults) == {"case"}
            assert "表 c：数据源正忙" in box.state.fault
            assert box.state.source_fault == ""
        await vendor.insert("c", (2, "x", None))
        assert await told(box) == ["case 2"]
        assert box.state.fault == ""
        await vendor.go_away()
        with pytest.raises(UnavailableError):  # of the source, so no table is blamed
            await box.round()
        assert box.state.table_faults == {}
        await vendor.come_back()


@pytest.mark.service
async def test_a_value_that_the_server_cannot_send_stops_its_table_alone(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    vendor = await on_postgresql(request, tmp_path)
    await vendor.server.execute(
        "CREATE DATABASE plain ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    vendor.config = msgspec.structs.replace(vendor.config, database="plain")
    site = await filled(vendor, tmp_path)
    async with site.running() as box:
        assert len(await told(box)) == 2
        await vendor.execute(
            r"INSERT INTO c VALUES (2, E'\xd6\xd0', NULL)"
        )  # GBK: no UTF-8 can be made of it
        await vendor.insert("s", (2, "new"))
        assert await told(box) == ["step 2"]
        assert "表 c：数据源出错" in box.state.fault
        await vendor.execute("DELETE FROM c WHERE id = 2")
        await box.round()
        assert box.state.fault == ""


@pytest.mark.service
async def test_a_typo_in_a_year_is_told_as_an_impossible_time(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    vendor = await on_postgresql(request, tmp_path)
    site = await filled(vendor, tmp_path)
    with_cursor = (
        site.folder.joinpath("mapping.toml")
        .read_text("utf-8")
        .replace("watch", 'cursor = {columns = ["f"]}\nwatch')
    )
    site.folder.joinpath("mapping.toml").write_text(with_cursor, "utf-8")
    await vendor.insert("c", (2, "x", "20240-06-01 10:00:00"), (3, "x", "infinity"))
    async with site.running() as box:
        said = {item.key: decode_body(item) for item in await box.round() if item.table == "case"}
        bodies = {key: body for key, body in said.items() if isinstance(body, Case)}
        assert {key: body.invalid for key, body in bodies.items()} == {
            "1": {},
            "2": {"finished_at": "20240-06-01 10:00:00"},
            "3": {"finished_at": "infinity"},
        }
        await box.round()  # that the table is small, the first walk has shown: its cursor needs no index
        high = position.decode((await box.buffer.positions())["case.f"])
        assert high == datetime.fromisoformat("2026-06-12 08:00:00")  # or nothing after it were ever read
        await vendor.execute("UPDATE c SET f = '9999-12-31 23:59:59.999999' WHERE id = 3")
        assert [item.key for item in await box.round()] == ["3"]
