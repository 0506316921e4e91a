"""A cursor that no index carries is not read: each of its pages would be a search through the vendor's whole table."""

from pathlib import Path

import msgspec
import pytest

from agent.core.gentle import SMALL
from agent.core.query import Query, Row
from tests.contract.vendor import CASES, VENDORS, case
from tests.integration.test_collect import EAGER, Box, Site, puts, summary

MAPPING = """
version = 1
[source]
type = "{config.type}"
path = "{config.path}"
host = "{config.host}"
port = {config.port}
database = "{config.database}"
user = "{config.user}"
password_file = "{config.password_file}"
[table.case]
from = "{table}"
key = ["编号"]
cursor = {{columns = ["修改时间"]}}
columns = {{case_no = "编号", applicant = "申请人"}}
"""
ONCE = msgspec.structs.replace(EAGER, sweep_secs=3600, hot_secs=3600, page_rows=500, poll_secs=60)


class Asked:
    """Between box and source: pages by the cursor."""

    def __init__(self, box: Box) -> None:
        self.pages = 0
        source = box.collector._source
        self._fetch, source.fetch = source.fetch, self.fetch  # type: ignore[method-assign]

    async def fetch(self, query: Query) -> list[Row]:
        self.pages += query.index[:1] == ("修改时间",)
        return await self._fetch(query)


@pytest.mark.parametrize(
    "kind", ["sqlite", *(pytest.param(name, marks=pytest.mark.service) for name in ("mysql", "postgresql"))]
)
async def test_a_cursor_is_off_until_it_has_an_index(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    vendor = await VENDORS[kind](request, tmp_path)
    name, changed = vendor.quoted(CASES), vendor.quoted("修改时间")
    columns = {"编号": "VARCHAR(20)", "申请人": "VARCHAR(40)", "状态": "INTEGER", "修改时间": vendor.moment}
    await vendor.create(CASES, columns, "编号")
    many = 3 * SMALL
    stamps = [f"2026-06-12 {8 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(many)]
    await vendor.insert(CASES, *(case(number, at=at) for number, at in enumerate(stamps)))
    if vendor.config.user:
        await vendor.execute(f"ANALYZE {'TABLE ' if kind == 'mysql' else ''}{name}")
    (tmp_path / "mapping.toml").write_text(MAPPING.format(config=vendor.config, table=CASES), "utf-8")
    edit = f"UPDATE {name} SET {vendor.quoted('申请人')} = '{{}}', {changed} = '2026-06-12 09:00:00' "
    edit += f"WHERE {vendor.quoted('编号')} = '青云007'"

    async with Site(tmp_path, is_new=False).running(ONCE) as box:
        asked, lanes = Asked(box), box.collector._lanes["case"]
        assert len(await box.round()) == many, "the walk reads them"
        assert (asked.pages, box.state.without_index) == (0, [f"{CASES}.修改时间"])
        assert await box.round() == [], "a round of the hot lane; the next comes in an hour"
        await vendor.execute(edit.format("李"))
        found = await box.round()  # PostgreSQL says who wrote
        lanes.sweep_now()
        found += await box.round()
        assert summary(found) == puts("case", "青云007", version=2), "the walk finds what it would"
        assert asked.pages == 0
        await vendor.execute(f"CREATE INDEX changed ON {name} ({changed})")
        lanes.sweep_now()
        assert await box.round() == []
        assert box.state.without_index == []
        await vendor.execute(edit.format("赵").replace("09:00", "09:30"))
        assert summary(await box.round()) == puts("case", "青云007", version=3)
        assert asked.pages > 0
        await vendor.execute(f"DROP INDEX changed{f' ON {name}' if kind == 'mysql' else ''}")
        lanes.sweep_now()
        await box.round()
        assert box.state.without_index == [f"{CASES}.修改时间"]
