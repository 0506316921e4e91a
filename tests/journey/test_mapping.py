"""A mapping that does not fit: said before anything starts, and later only the table or the row that it concerns."""

import asyncio

import pytest

from common.core import mask
from tests.journey.scene import command, events, finds, scene, until
from tests.journey.together import together

pytestmark = pytest.mark.service

ELEVEN_MISTAKES = """
version = 1
colour = "red"
[source]
type = "paradox"
[table.case]
from = "办件"
key = []
cursor = {columns = "修改时间"}
columns = {case_no = 5, status = "状态", birthday = "生日", received_at = {col = "收件", type = "workdays"}}
[table.step]
from = "办理过程"
key = ["编号"]
columns = {kind = {col = "类别", enum = {"1" = "no_such"}}}
[table.extra]
from = "附件"
key = ["编号"]
"""
PLACES = [
    "colour：未知的键",
    "source.type：应为 sqlite",
    "table.case.parent：缺少",
    "table.case.cursor.columns：应为列表",
    "table.case.columns.case_no：应为文字",
    "table.case.columns.status：缺少 enum",
    "table.case.columns.birthday：未知的字段",
    "table.case.columns.received_at.type：只用于期限字段",
    "table.step.parent：缺少",
    "table.step.columns.kind：'no_such' 不在可用值内",
    "table.extra：表名应为 case",
]


@together
async def test_all_mistakes_of_a_mapping_are_said_at_once_before_anything_starts() -> None:
    async with scene(start=False) as place:
        (place.agent.folder / "mapping.toml").write_text(ELEVEN_MISTAKES, "utf-8")
        config = ("--config", str(place.agent.config))
        started, checked = await asyncio.gather(
            command("mingcha-agent", "run", *config), command("mingcha-agent", "config", *config)
        )
        for code, out, err in (started, checked):
            assert (code, out) == (78, "")
            assert f"有 {len(PLACES)} 处错误" in err
            assert [place for place in PLACES if place not in err] == []
            assert "处理：请修改" in err
        box = await finds(place.agent, "E-SYS-09")
        assert box.code == 3
        assert [place for place in PLACES if place not in box.detail("E-SYS-09")] == []
        assert not (place.agent.folder / "data").exists()


@together
async def test_a_column_that_went_stops_its_table_alone_until_it_is_back() -> None:
    async with scene() as place:
        await place.settled()
        place.office.execute('ALTER TABLE "办件" RENAME COLUMN "申请人" TO "申请者"')
        stopped = await until("the table has stopped", lambda: events(place.agent, "table.stopped"))
        assert [line["table"] for line in stopped] == ["case"]
        place.office.execute("INSERT INTO \"办理过程\" VALUES ('SL00001', 2, '审查')")
        step = ("step", '["SL00001","2"]')

        async def arrived() -> bool:
            return step in await place.hall_rows()

        await until("the other table goes on", arrived)
        box = await finds(place.agent, "E-SRC-04")
        assert box.code == 2
        assert box.detail("E-SRC-04") == "办件 缺少字段 申请人"
        place.office.execute('ALTER TABLE "办件" RENAME COLUMN "申请者" TO "申请人"')
        place.office.receive()
        await place.settled()
        assert len(events(place.agent, "table.recovered")) == 1
        assert (await finds(place.agent)).code == 0


@together
async def test_a_row_without_a_meaning_is_set_aside_the_rest_goes_on_and_it_is_cured() -> None:
    async with scene() as place:
        bad = place.office.receive(status=5)
        place.office.receive()
        await place.settled()
        box = await finds(place.agent, "E-SRC-10")
        assert box.code == 1
        assert f"主键 {bad}" in box.detail("E-SRC-10")
        assert "状态" in box.detail("E-SRC-10")
        assert [line["key"] for line in events(place.agent, "row.quarantined")] == [mask.masked(bad)]
        place.office.execute(f'UPDATE "办件" SET "状态"=9 WHERE "编号"=\'{bad}\'')
        await place.settled()
        assert ("case", bad) in await place.hall_rows()
        assert (await finds(place.agent)).code == 0


@together
async def test_a_column_that_the_vendor_adds_is_said_once_everywhere_and_disturbs_nothing() -> None:
    async with scene() as place:
        await place.settled()
        place.office.execute('ALTER TABLE "办件" ADD COLUMN "备注" TEXT')
        (line,) = await until("it is in the log", lambda: events(place.agent, "column.appeared"))
        assert (line["table"], line["column"]) == ("case", "办件.备注")
        config = "--config", str(place.agent.config)

        async def shown() -> bool:
            return "业务库新增字段：办件.备注" in (await command("mingcha-agent", "status", *config))[1]

        await until("the status says it", shown)
        detail = (await finds(place.agent)).checks["E-SRC-04"]["detail"]
        assert detail.startswith("2 张表的字段都在；新增而未映射的：办件.备注（")
        hall = "--config", str(place.hall.config)

        async def found() -> str:
            out = (await command("mingcha", "finding", "list", *hall))[1]
            return out if "业务库新增字段：办件.备注" in out else ""

        await until("the hall says it", found)
        await place.stop(place.agent)
        await place.start(place.agent)
        place.office.execute("INSERT INTO \"办理过程\" VALUES ('SL00001', 2, '审查')")
        await place.settled()
        assert (await found()).count("业务库新增字段") == 1
        assert len(events(place.agent, "column.appeared")) == 1
