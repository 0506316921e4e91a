"""What people set in the console: saved views of its lists, and planned maintenance of sites."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from sqlalchemy import func, select

from central.core.access import Role
from central.store import tables as t
from central.web.page import HALL
from common.core.instant import HOUR, from_us
from tests.integration.serving import Served, Window, text_of

ZONE = ZoneInfo("Asia/Shanghai")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def of(hall: Served, role: Role) -> AsyncIterator[Window]:
    async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
        yield Window(hall, session)


async def trail(hall: Served, act: str) -> list[tuple[str, str, str]]:
    """(who, subject, why) of every line of this act."""
    async with hall.store.read() as conn:
        line = t.audit_line.c
        rows = await conn.execute(
            select(line.who, line.subject, line.why).where(line.act == act).order_by(line.id)
        )
        return [(row.who, row.subject, row.why) for row in rows]


async def test_a_filter_is_kept_under_a_name_and_opened_by_its_address(hall: Served, window: Window) -> None:
    path = "/hall/cases?light=yellow&site=s12&person=" + "0" * 32
    html = (await window.get(path))[1]
    query = re.search(r'name="query" value="([^"]*)"', html)
    assert query is not None
    form = {"list": "cases", "query": unescape(query[1]), "name": "十二站黄灯", "csrf": "token"}
    answer = await window.post("/hall/views", None, **form)
    assert answer.headers["Location"] == "/hall/cases?site=s12&light=yellow", "who was looked for is not kept"
    html = (await window.get(answer.headers["Location"]))[1]
    assert 'aria-current="true">十二站黄灯' in html
    assert "保存现在的条件" not in html, "it is kept already"
    number = re.findall(r'href="(/hall/views/\d+)"', (await window.get("/hall/views"))[1])[0]
    assert (await window.head(number)).headers["Location"] == "/hall/cases?site=s12&light=yellow"
    assert (await window.post("/hall/views", None, **form)).status == 400, "the name is taken"
    assert (await window.post("/hall/views", None, **form | {"list": "queue"})).status == 303
    for wrong in ({"name": " "}, {"name": "名" * 21}, {"query": "person=1"}, {"list": "x"}):
        assert (await window.post("/hall/views", None, **form | {"name": "又一个"} | wrong)).status == 400
    assert await trail(hall, "view.share") == [], "an account's own views are its own affair"


async def test_a_shared_view_is_everybodys_and_stands_in_the_audit(hall: Served, window: Window) -> None:
    form = {"list": "queue", "query": "kind=red", "name": "只看红灯", "csrf": "token"}
    async with of(hall, Role.LEADER) as other:
        assert (await other.post("/hall/views", None, **form, shared="1")).status == 403
        assert (await window.post("/hall/views", None, **form, shared="1")).status == 303
        async with hall.store.read() as conn:
            view = t.saved_view.c
            number = await conn.scalar(select(view.id).where(view.name == "只看红灯"))
            own = await conn.scalar(select(view.id).where(view.name == "十二站黄灯", view.list == "cases"))
        assert "只看红灯" in text_of((await other.get("/hall/queue"))[1])
        assert (await other.head(f"/hall/views/{number}")).headers["Location"] == "/hall/queue?kind=red"
        assert (await other.head(f"/hall/views/{own}")).status == 404
        for act in ("drop", "share"):
            assert (await other.post(f"/hall/views/{number}/{act}", csrf="token")).status in {400, 403}
        assert "十二站黄灯" not in (await other.get("/hall/views"))[1]
        async with of(hall, Role.CHIEF) as chief:
            assert (await chief.post(f"/hall/views/{number}/share", csrf="token", shared="0")).status == 303
        assert (await other.head(f"/hall/views/{number}")).status == 404
    assert await trail(hall, "view.share") == [("supervisor", f"queue/{number}", "只看红灯（kind=red）")]
    assert await trail(hall, "view.unshare") == [("chief", f"queue/{number}", "只看红灯（kind=red）")]


async def test_nobody_keeps_or_shares_more_than_twenty_of_a_list(hall: Served) -> None:
    before = len(await trail(hall, "view.unshare"))
    async with of(hall, Role.CHIEF) as chief:
        form = {"list": "cases", "query": "light=red", "csrf": "token", "shared": "1"}
        for number in range(20):
            assert (await chief.post("/hall/views", None, **form, name=f"第{number}个")).status == 303
        answer = await chief.post("/hall/views", None, **form, name="再一个")
        assert (answer.status, "最多保存 20 个" in await answer.text()) == (400, True)
        own = re.findall(r'action="(/hall/views/\d+)/drop"', (await chief.get("/hall/views"))[1])
        async with of(hall, Role.SUPERVISOR) as other:
            answer = await other.post("/hall/views", None, **form, name="共享的第二十一个")
            assert (answer.status, "最多共享 20 个" in await answer.text()) == (400, True)
        for path in own:
            assert (await chief.post(f"{path}/drop", csrf="token")).status == 303
    async with hall.store.read() as conn:
        query = select(func.count()).where(t.saved_view.c.is_shared | (t.saved_view.c.owner == "chief"))
        assert await conn.scalar(query) == 0
    assert len(await trail(hall, "view.unshare")) == before + 20


async def test_the_queue_shows_what_its_filter_asks_for(window: Window) -> None:
    whole = re.findall(r'<tr data-light="(\w+)"', (await window.get("/hall/queue"))[1])
    red = re.findall(r'<tr data-light="(\w+)"', (await window.get("/hall/queue?kind=red"))[1])
    assert red == [light for light in whole if light == "red"]
    html = (await window.get("/hall/queue?site=s12"))[1]
    assert 0 < len(re.findall(r"<tr data-light", html)) < len(whole)
    assert set(re.findall(r'class="cover" href="/hall/cases/(\w+)/', html)) == {"s12"}
    assert "没有符合条件的待处置事项" in text_of((await window.get("/hall/queue?site=nowhere&kind=rule"))[1])
    assert (
        re.findall(r'<tr data-light="(\w+)"', (await window.get("/hall/queue?kind=%00&site=%00"))[1]) == whole
    )


def _local(at: int) -> str:
    return f"{from_us(at, ZONE):%Y-%m-%dT%H:%M}"


async def _looked(hall: Served) -> None:
    """The wall has looked at the tables once more."""
    await hall.app[HALL].wall.look_once()


async def test_it_plans_a_sites_maintenance_and_everybody_sees_it_until_it_is_ended(
    hall: Served, window: Window
) -> None:
    now_at = hall.clock.office()
    path, why = "/hall/sites/s02/maintenance", "更换核心交换机"
    form = {"csrf": "token", "from": _local(now_at), "until": _local(now_at + 3 * HOUR), "why": why}
    assert "安排维护" not in (await window.get("/hall/sites/s02"))[1]
    assert (await window.post(path, None, **form)).status == 403, "a supervisor only sees it"
    async with of(hall, Role.IT) as own:
        for wrong, said in (
            ({"why": "换"}, "请写明原因"),
            ({"from": "今天"}, "请写明从何时至何时"),
            ({"from": "0001-01-01T00:00", "until": "0001-01-01T00:01"}, "请写明从何时至何时"),
            ({"from": "9999-12-31T23:58", "until": "9999-12-31T23:59"}, "没有设置"),
            ({"until": _local(now_at - HOUR)}, "结束时间应在开始时间之后"),
            ({"from": _local(now_at - HOUR)}, "不能补报"),
        ):
            answer = await own.post(path, None, **form | wrong)
            assert (answer.status, said in await answer.text()) == (400, True), said
        assert (await own.post(path, None, **form)).status == 303
        assert (await own.post(path, None, **form)).status == 400, "two at once"
        await _looked(hall)
        for page in ("/hall", "/hall/sites", "/hall/sites/s02"):
            assert f"计划维护至 {from_us(now_at + 3 * HOUR, ZONE):%H:%M}" in text_of(
                (await window.get(page))[1]
            ), page
        html = (await own.get("/hall/sites/s02"))[1]
        assert why in html
        end = re.search(rf'action="({path}/\d+/end)"', html)
        assert end is not None
        assert (await own.post(end[1].replace("s02", "s03"), csrf="token", why="提前完成了")).status == 404
        assert (await own.post(end[1], csrf="token", why="提前完成了")).status == 303
        assert (await own.post(end[1], csrf="token", why="提前完成了")).status == 404, "it is over"
        await _looked(hall)
        assert "计划维护至" not in text_of((await own.get("/hall/sites/s02"))[1])
        assert "由 it 结束：提前完成了" in text_of((await own.get("/hall/sites/s02"))[1])
        later = form | {"from": _local(now_at + 24 * HOUR), "until": _local(now_at + 30 * HOUR)}
        assert (await own.post(path, None, **later)).status == 303
        await _looked(hall)
        assert "未开始" in text_of((await window.get("/hall/sites/s02"))[1])
        assert "维护" not in text_of((await window.get("/hall/sites/s02"))[1]).partition("数据到达")[0]
    (who, site, said), _ = await trail(hall, "maintenance.set")
    assert (who, site) == ("it", "s02")
    assert said.endswith(f"：{why}")
    assert [line[0::2] for line in await trail(hall, "maintenance.end")] == [("it", "提前完成了")]
