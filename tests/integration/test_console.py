"""What the console shows of the city, and how its lists are searched and paged."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote, unquote, urlencode

import aiohttp
import pytest
from sqlalchemy import func, insert, select, update

from central.core.access import Role
from central.store import alarms, commands
from central.store import tables as t
from central.web.page import HALL
from common.core.instant import DAY
from common.core.state import AlarmKind
from tests.integration import city
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

RED_CASE = "/hall/cases/s12/20260604121007"  # found late
PAUSED_CASE = "/hall/cases/s03/2026060403202"
GREY_CASE = "/hall/cases/s07/2026060407201"
PLACES = {"site": "s09", "key": "x", "no": "370220260604121007", "name": "tokens.css"}


async def heard_just_now(window: Window) -> None:
    async with window.hall.store.write() as conn:
        await city.hear(conn, window.hall.clock.wall())
    await window.hall.app[HALL].wall.look_once()


async def test_the_sites_page_has_light_and_link_of_all_sites(window: Window) -> None:
    await heard_just_now(window)
    status, html = await window.get("/hall/sites")
    words = text_of(html)
    assert status == 200
    assert all(name in words for name in city.NAMES)
    for said in (
        "补传中",
        "停采 12 分读不到源库",
        "离线 断线 2 小时 14 分",
        "计划维护至 15:00",
        "等待站点首次上线",
    ):
        assert said in words
    assert "18 个站点中 13 个齐全" in words
    assert len(re.findall(r'<tr data-v="\w+"', html)) == 18


async def test_a_site_page_says_why_and_when_it_is_whole_again(window: Window) -> None:
    words = text_of((await window.get("/hall/sites/s09"))[1])
    for said in (
        "线路已恢复，正在补传积压，数据齐到 12:20",
        "补传判定",
        "418 条待传，最早的在 2 小时 12 分前",
        "隔离的行 3 行",
        "死信 2 条",
        "number 12 in the place of 13",
        "已用 41%",
        "与中心一致",
        "6月11日 周四",
    ):
        assert said in words
    stopped = text_of((await window.get("/hall/sites/s14"))[1])
    assert "审批数据库拒绝连接：用户名或密码不对" in stopped
    assert "请核对数据源地址、账号、密码" in stopped
    never = text_of((await window.get("/hall/sites/s15"))[1])
    assert "站点机器还没有报告过" in never


async def test_a_site_page_keeps_the_three_conditions_apart(window: Window) -> None:
    words = text_of((await window.get("/hall/sites/s14"))[1])
    for said in ("三项状况", "线路", "数据源", "审批数据库拒绝连接", "两边对账", "站点说"):
        assert said in words
    assert "断线期间未知" in text_of((await window.get("/hall/sites/s07"))[1])


async def test_a_site_page_says_where_what_is_wished_is_not_in_use(hall: Served) -> None:
    """P-CFG-03"""
    row = {"site": "s03", "bulk_bytes_per_sec": 16384, "linger_ms": 0, "who": "w", "why": "y", "set_wall": 1}
    async with aiohttp.ClientSession(cookies=await hall.session(Role.LEADER)) as session:
        own = Window(hall, session)
        assert "上传要求" not in text_of((await own.get("/hall/sites/s03"))[1])
        async with hall.store.write() as conn:
            assert await commands.wish(conn, row) == 1
        words = text_of((await own.get("/hall/sites/s03"))[1])
    assert "要求第 1 版：补传 16,384 字节/秒，等候 0 毫秒；与要求不符：尚未送达，站点没有另作限制" in words


async def test_an_alarm_stays_on_the_page_until_a_supervisor_says_what_he_found(hall: Served) -> None:
    async with hall.store.write() as conn:
        for site, kind in (("s09", AlarmKind.FORK), ("s12", AlarmKind.LAG)):
            assert await alarms.sound(conn, site, kind, "ab", "缓存来自旧备份或克隆", hall.clock.wall())
        assert not await alarms.sound(conn, "s09", AlarmKind.FORK, "ab", "又一次", hall.clock.wall())
        number = (await alarms.listed(conn, "s09"))[0].id
    path = f"/hall/sites/s09/alarms/{number}"
    for role, form in ((Role.LEADER, False), (Role.SUPERVISOR, True)):
        async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
            own = Window(hall, session)
            html = (await own.get("/hall/sites/s09"))[1]
            assert "缓存来自旧备份或克隆" in html
            assert (path in html) is form
            assert "两边一致后自行消除" in (await own.get("/hall/sites/s12"))[1]
            for why, csrf, status in (
                ("换机前的备份", "", 403),
                ("好", "token", 400 if form else 403),
                ("换机前的备份", "token", 303 if form else 403),
            ):
                assert (await own.post(path, why=why, csrf=csrf)).status == status
            assert ("编号分叉" in (await own.get("/hall/sites/s09"))[1]) is not form
    async with hall.store.write() as conn:
        line = (await conn.execute(select(t.audit_line).order_by(t.audit_line.c.id.desc()))).first()
        assert line is not None
        assert (line.who, line.act, line.why) == ("supervisor", "alarm.accept", "换机前的备份")
        assert not await alarms.sound(conn, "s09", AlarmKind.FORK, "ab", "又一次", hall.clock.wall())
        assert await alarms.end(conn, "s12", AlarmKind.LAG, hall.clock.wall())
        assert await alarms.sound(conn, "s12", AlarmKind.LAG, "", "又一次", hall.clock.wall())
        assert await alarms.end(conn, "s12", AlarmKind.LAG, hall.clock.wall())


async def test_a_role_that_may_not_see_cases_sees_a_site_without_links_to_them(hall: Served) -> None:
    async with aiohttp.ClientSession(cookies=await hall.session(Role.CENTRE)) as session:
        status, html = await Window(hall, session).get("/hall/sites/s12")
    assert status == 200
    assert "/hall/cases" not in html
    assert "残疾人两项补贴" in html or "临时救助申请" in html


async def test_the_queue_is_every_open_light_red_first(hall: Served, window: Window) -> None:
    async with hall.store.read() as conn:
        query = select(t.case.c.light, func.count()).where(t.case.c.open).group_by(t.case.c.light)
        counts = {row[0]: row[1] for row in await conn.execute(query)}
    html = (await window.get("/hall/queue"))[1]
    lights = re.findall(r'<tr data-light="(\w+)"', html)
    assert lights == ["red"] * counts["red"] + ["yellow"] * counts["yellow"]
    assert html.count("补传判定") == 1


async def test_a_case_page_tells_the_whole_story(window: Window) -> None:
    words = text_of((await window.get(RED_CASE))[1])
    for said in (
        "红灯 超期 1 个工作日",
        "超过承诺时限（5 个工作日）",
        "时限到 6月11日 周四 24:00",
        "黄灯起点 6月10日 周三 00:00",
        "法定时限 正常",
        "承诺时限：黄灯 → 红灯 补传判定",
        "承诺时限到期",
        "现场踏勘与审查",
        "改过 1 次",
        "〔号码已遮挡〕",
    ):
        assert said in words


async def test_a_case_long_past_its_limit_counts_every_day_though_it_draws_only_some(
    hall: Served, window: Window
) -> None:
    """The figure beside a red light is evidence: the drawing stops ten days behind the limit, the count does not."""
    key = RED_CASE.rsplit("/", 1)[1]
    mine = t.clock.c.site == "s12", t.clock.c.case_key == key, t.clock.c.kind == "promise"

    async def moved(by: int) -> str:
        later = {"due_at": t.clock.c.due_at + by, "yellow_at": t.clock.c.yellow_at + by}
        async with hall.store.write() as conn:
            await conn.execute(update(t.clock).where(*mine).values(**later))
        return (await window.get(RED_CASE))[1]

    try:
        html = await moved(-28 * DAY)
        clock = next(part for part in html.split('class="clock') if "未画出" in part)
        words = text_of("<body" + clock)
        left_out = re.search(r"其后还有 (\d+) 天，未画出", words)
        used = re.search(r"已计入 (\d+)", words)
        assert left_out
        assert used
        drawn = len(re.findall('data-counts="yes"', clock))
        assert int(used[1]) > drawn
        assert int(left_out[1]) > int(used[1]) - drawn > 0
    finally:
        assert "未画出" not in await moved(28 * DAY)


async def test_a_clock_that_stands_still_names_no_end(window: Window) -> None:
    words = text_of((await window.get(PAUSED_CASE))[1])
    assert "依法停表（听证），期间不计入时限" in words
    assert "恢复后续算" in words
    assert "到期" not in words


async def test_a_case_without_whole_data_is_not_called_overdue(window: Window) -> None:
    for path in (GREY_CASE, "/hall/cases?light=grey"):
        words = text_of((await window.get(path))[1])
        assert "待数据" in words
        assert "超期" not in words
    html = (await window.get(GREY_CASE))[1]
    assert "应办结时间到期" in html
    assert 'data-v="red"' not in html
    assert 'data-light="red"' not in html


@pytest.mark.parametrize(
    "path",
    [
        "/hall/cases/s01/nothing",
        "/hall/cases/nothing/x",
        "/hall/cases/12345",
        "/hall/sites/s99",
        "/hall/cases/s01/a%00b",
    ],
)
async def test_what_does_not_exist_is_said_in_chinese(window: Window, path: str) -> None:
    status, html = await window.get(path)
    assert status == 404
    words = text_of(html)
    assert "没有找到" in words
    assert "404" not in words
    assert "Not Found" not in words


@pytest.mark.parametrize("path", ["/hall/", "/hall/sites/", "/hall/cases/?state=red"])
async def test_a_slash_at_the_end_leads_to_the_same_page(window: Window, path: str) -> None:
    answer = await window.head(path)
    assert (answer.status, answer.headers["Location"]) == (308, path.replace("/?", "?").rstrip("/"))


async def test_an_address_that_names_another_host_leads_nowhere(window: Window) -> None:
    for path in ("//evil.example/", "/%2F%2Fevil.example/", "//evil.example//"):
        assert (await window.get(path))[0] == 404


async def test_a_number_leads_to_its_case_and_an_ambiguous_one_to_a_list(
    hall: Served, window: Window
) -> None:
    answer = await window.head("/hall/cases/370220260604121007")
    assert answer.headers["Location"] == RED_CASE
    async with hall.store.write() as conn:
        twin = update(t.case).where(t.case.c.site == "s07", t.case.c.case_key == "2026060407201")
        await conn.execute(twin.values(case_no="37022026060403202"))
    location = (await window.head("/hall/cases/37022026060403202")).headers["Location"]
    assert location == "/hall/cases?no=37022026060403202&state=all"
    found = re.findall(r'class="cover" href="([^"]+)"', (await window.get(location))[1])
    assert set(found) == {PAUSED_CASE, GREY_CASE}


async def test_a_red_light_keeps_the_reason_it_was_lit_for(hall: Served, window: Window) -> None:
    key = RED_CASE.rsplit("/", 1)[1]
    async with hall.store.write() as conn:
        told = update(t.transition).where(t.transition.c.case_key == key, t.transition.c.after == "red")
        assert (await conn.execute(told.values(why="超过承诺时限，到期后核对仍未办结"))).rowcount
    assert "到期后核对仍未办结" in (await window.get(RED_CASE))[1]


async def test_all_pages_of_a_list_together_are_the_list(hall: Served, window: Window) -> None:
    for address, query in (
        ("/hall/cases?state=all", select(func.count()).select_from(t.case)),
        ("/hall/cases", select(func.count()).where(t.case.c.open)),
        ("/hall/cases?site=s18&state=all", select(func.count()).where(t.case.c.site == "s18")),
    ):
        found: list[str] = []
        path = address
        while path:
            html = (await window.get(path))[1]
            found += re.findall(r'class="cover" href="(/hall/cases/[^"]+)"', html)
            more = re.search(r'href="([^"]+)">下一页', html)
            path = unescape(more[1]) if more else ""
        async with hall.store.read() as conn:
            assert len(found) == await conn.scalar(query)
        assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("address", "column", "value"),
    [
        ("/hall/cases?light=yellow", t.case.c.light, "yellow"),
        ("/hall/cases?site=s12", t.case.c.site, "s12"),
        ("/hall/cases?item=%E5%9F%8E%E5%B8%82%E4%BD%8E%E4%BF%9D", t.case.c.item_name, "城市低保申请"),
        ("/hall/cases?no=604121007", t.case.c.case_no, "370220260604121007"),
        ("/hall/cases?no=６０４１２%201007", t.case.c.case_no, "370220260604121007"),
        ("/hall/cases?no=３７０２２０２６０６０４１２１００７", t.case.c.case_no, "370220260604121007"),
    ],
)
async def test_a_filter_of_the_address_restricts_the_list(
    hall: Served, window: Window, address: str, column: Any, value: str
) -> None:
    async with hall.store.read() as conn:
        count = await conn.scalar(select(func.count()).where(t.case.c.open, column == value))
    words = text_of((await window.get(address))[1])
    assert f"共 {count} 件" in words


@pytest.mark.parametrize(
    "query",
    [
        "after=garbage",
        "after=~~",
        "after=999999999999999999999~s~k",
        "after=%00",
        "light=purple",
        "no=%25",
        "no=%00",
        "item=_",
    ],
)
async def test_odd_addresses_open_the_list_all_the_same(window: Window, query: str) -> None:
    assert (await window.get(f"/hall/cases?{query}"))[0] == 200


async def test_the_search_box_tells_a_number_from_a_name(window: Window) -> None:
    assert (await window.head("/hall/find?q=1007")).headers["Location"] == "/hall/cases?no=1007&state=all"
    location = (await window.head("/hall/find?q=低保")).headers["Location"]
    assert location == "/hall/cases?item=%E4%BD%8E%E4%BF%9D&state=all"
    assert (await window.head("/hall/find?q=+")).headers["Location"] == "/hall/cases"


async def test_the_initials_of_a_name_lead_to_its_site_or_its_cases(window: Window) -> None:
    assert (await window.head("/hall/find?q=hfx")).headers["Location"] == "/hall/sites/s09"
    location = (await window.head("/hall/find?q=CSDBSQ")).headers["Location"]
    assert unquote(location) == "/hall/cases?item=城市低保申请&state=all"
    for written in ("禾丰", "s09", "ｈｆｘ"):
        place = (await window.head(f"/hall/find?q={quote(written)}")).headers["Location"]
        assert place == "/hall/sites/s09", "its name and its number lead there too"
    words = text_of((await window.get("/hall/find?q=sq"))[1])
    assert "城市低保申请" in words
    assert "没有站点或事项" in text_of((await window.get("/hall/find?q=zzzz"))[1])


@pytest.mark.parametrize("key", ["a/b", "甲 乙", "100%", "x?y#z", '["01","a/b"]', "a&b=c"])
async def test_a_case_opens_whatever_its_key_looks_like(hall: Served, window: Window, key: str) -> None:
    name = f"事项 {key}"
    row = {
        "site": "s05",
        "case_key": key,
        "item_name": name,
        "open": True,
        "deleted": False,
        "light": "none",
        "filed_at": 0,
        "rev": 1,
    }
    async with hall.store.write() as conn:
        await conn.execute(insert(t.case), row)
    listed = (await window.get("/hall/cases?" + urlencode({"item": name})))[1]
    links = re.findall(r'class="cover" href="([^"]+)"', listed)
    assert len(links) == 1
    status, html = await window.get(unescape(links[0]))
    assert status == 200
    assert name in text_of(html)


async def test_programs_read_both_axes_of_every_site(window: Window) -> None:
    await heard_just_now(window)
    async with window.session.get(window.hall.url + "/api/v1/overview") as answer:
        found = await answer.json()
    assert set(found) == {"now", "sites", "totals"}
    assert len(found["sites"]) == 18
    names = {"id", "name", "link", "last_record_age_s", "open", "yellow", "red", "grey"}
    assert all(set(site) == names for site in found["sites"])
    assert {site["link"] for site in found["sites"]} >= {
        "live",
        "catchup",
        "stopped",
        "offline",
        "maintenance",
        "never",
    }
    assert sum(site["red"] for site in found["sites"]) == 4
