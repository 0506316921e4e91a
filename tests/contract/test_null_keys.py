"""A row whose key is NULL, in a table that no primary key protects: it is told to nobody, so somebody must be told of it."""

from pathlib import Path

from common.core.record import Pass
from tests.contract.test_table_faults import MAPPING
from tests.contract.vendor import Vendor, only_servers
from tests.integration.test_collect import Box, Site

WITH_TWO = MAPPING.replace('["id"]\nwatch', '["id", "v"]\nparent = "id"\nwatch')


async def opened(vendor: Vendor, folder: Path, mapping: str) -> Site:
    for table, columns in (
        ("c", f"id VARCHAR(20), v VARCHAR(20), f {vendor.moment}"),
        ("s", "id INTEGER, h VARCHAR(20)"),
    ):
        await vendor.execute(f"CREATE TABLE {vendor.quoted(table)} ({columns})")
        await vendor.execute(f"GRANT SELECT ON {vendor.quoted(table)} TO {vendor.grantee}")
    await vendor.insert("c", ("1", "a", None), ("2", "b", None), ("3", "c", None))
    (folder / "mapping.toml").write_text(mapping.format(config=vendor.config), "utf-8")
    return Site(folder, is_new=False)


async def passes(box: Box) -> list[Pass]:
    return [item for item in await box.passes() if "case" in item.tables]


async def told(vendor: Vendor, site: Site, *row: str | None) -> None:
    async with site.running() as box:
        for _ in range(5):  # its pages are proven, and the server vouches for them
            await box.round()
        await vendor.insert("c", (*row, None))
        for _ in range(3):
            await box.round()
            assert box.state.quarantined == 1
        before = len(await passes(box))
        await vendor.execute("DELETE FROM c WHERE id IS NULL OR v IS NULL")
        await box.round()
        assert box.state.quarantined == 0
        await box.round()
        assert len(await passes(box)) > before, "meanwhile nobody said that the table is whole"


@only_servers
async def test_one_is_set_aside_as_long_as_it_is_there(vendor: Vendor, tmp_path: Path) -> None:
    await told(vendor, await opened(vendor, tmp_path, MAPPING), None, "x")


@only_servers
async def test_so_is_one_of_a_key_of_two_columns_behind_the_last_of_a_page(
    vendor: Vendor, tmp_path: Path
) -> None:
    await told(vendor, await opened(vendor, tmp_path, WITH_TWO), "3", None)
