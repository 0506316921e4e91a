"""A FLOAT is stored in 24 bits and written by MySQL with six digits: an edit in the seventh is told, and such a key is found."""

from pathlib import Path

import msgspec
import pytest

from tests.contract.vendor import VENDORS
from tests.integration.test_collect import EAGER, Site, puts, summary

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
from = "缴费"
key = ["编号"]
cursor = {{columns = ["改"]}}
watch = ["金额", "费率"]
columns = {{case_no = "编号"}}
"""
WALKING = msgspec.structs.replace(EAGER, hot_secs=0.05)


@pytest.mark.service
@pytest.mark.parametrize("kind", ["mysql", "postgresql", "kingbase"])
async def test_every_edit_of_a_float_is_told_and_a_float_that_is_a_key_stays_one(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    vendor = await VENDORS[kind](request, tmp_path)
    real = "FLOAT" if kind == "mysql" else "REAL"
    columns = {"编号": real, "金额": real, "费率": "DOUBLE PRECISION", "改": real}
    await vendor.create("缴费", columns, "编号")
    rows = [
        (0.1, 123456.25, 0.1, 5),
        (2.7, 2500000, 2.7, 16777215),
        (3, 0.1, 1e300, 7),
        (1e-7, 1e30, -0.5, 8),
    ]
    for row in rows:
        await vendor.execute(f"INSERT INTO {vendor.quoted('缴费')} VALUES ({', '.join(map(repr, row))})")
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")

    async def edit(column: str, value: float, place: float) -> None:
        await vendor.execute(
            f"UPDATE {vendor.quoted('缴费')} SET {vendor.quoted(column)} = {value!r} "
            f"WHERE {vendor.quoted('改')} = {place!r}"
        )

    async with Site(tmp_path, is_new=False).running(WALKING) as box:
        first = await box.round()
        keys = {index: item.key for index, item in enumerate(sorted(first, key=lambda item: float(item.key)))}
        assert len(first) == 4
        for _ in range(4):  # hot rounds by key, pages that are proven, hashed and vouched for
            assert await box.round() == []
        await edit("金额", 123455.75, 5)
        assert summary(await box.round()) == puts("case", keys[1], version=2)
        for _ in range(3):
            assert await box.round() == []
        await edit("金额", 2500002, 16777215)
        assert summary(await box.round()) == puts("case", keys[2], version=2)
        await edit("费率", 0.30000000000000004, 5)
        assert summary(await box.round()) == puts("case", keys[1], version=3)
        for _ in range(3):
            assert await box.round() == []
