"""A vendor's database with two tables, over every adapter, and an adapter on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.source.base import Source
from tests.contract.vendor import CASES, FILES, SERVERS, STEPS, VENDORS, Vendor


@pytest.fixture(params=[*FILES, *SERVERS])
async def vendor(request: pytest.FixtureRequest, tmp_path: Path) -> Vendor:
    made = await VENDORS[request.param](request, tmp_path)
    columns = {"编号": "VARCHAR(20)", "申请人": "VARCHAR(40)", "状态": "INTEGER", "修改时间": made.moment}
    await made.create(CASES, columns, "编号")
    await made.create(
        STEPS, {"编号": "VARCHAR(20)", "序 号": "INTEGER", "环节": "VARCHAR(40)"}, "编号", "序 号"
    )
    return made


@pytest.fixture
async def source(vendor: Vendor) -> AsyncIterator[Source]:
    made = vendor.source()
    yield made
    await made.close()
