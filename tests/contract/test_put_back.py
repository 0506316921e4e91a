"""A backup that is put back as administrators do it: the table dropped, created and filled; it lacks what came since."""

import asyncio
from pathlib import Path

import pytest

from common.core.record import Cause, Observation, Op
from common.core.record import decode_body as body_of
from common.core.state import Observed
from tests.contract.test_page_hash import MAPPING, ROWS, WALKING
from tests.contract.vendor import VENDORS
from tests.integration.test_collect import Site

COLUMNS = {
    "序 号": "INTEGER",
    **dict.fromkeys(("申请人", "备注", "意见"), "VARCHAR(40)"),
    "状态": "INTEGER",
    "时间": "VARCHAR(40)",
    "附件": "VARCHAR(40)",
}


@pytest.mark.service
@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
async def test_a_backup_that_lacks_the_newest_case_is_one_restored_source(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    vendor = await VENDORS[kind](request, tmp_path)
    await vendor.create("办件", COLUMNS, "序 号")
    await vendor.insert("办件", *ROWS[:-1])
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config), "utf-8")
    async with Site(tmp_path, is_new=False).running(WALKING) as box:
        await box.round()
        await vendor.insert("办件", ROWS[-1])
        assert [item.key for item in await box.round()] == ["12"]
        await box.round()
        await asyncio.sleep(1.1)  # one engine tells seconds apart, and no less
        await vendor.execute(f"DROP TABLE {vendor.quoted('办件')}")
        assert await box.round() == []
        assert box.state.table_faults
        await vendor.create("办件", COLUMNS, "序 号")
        await vendor.insert("办件", *ROWS[:-1])
        box.collector._retry_mono.clear()
        found = [item for _ in range(3) for item in await box.round()]
        assert [(item.key, item.op, item.cause) for item in found] == [("12", Op.DELETE, Cause.RESTORED)]
        bodies = [body_of(item) for item in await box.buffer.tail(0)]
        told = [(item.code, item.table) for item in bodies if isinstance(item, Observation)]
        assert told == [(Observed.SOURCE_RESTORED, "case")]
        await vendor.execute(f"DELETE FROM {vendor.quoted('办件')} WHERE {vendor.quoted('序 号')} = 11")
        assert [item.cause for item in await box.round()] == [Cause.SOURCE], "somebody's deletion"
