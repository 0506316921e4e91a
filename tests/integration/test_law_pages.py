"""The pages of the law: calendar, catalogue, and what the case page says of a case's limits and articles."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace
from sqlalchemy import delete, insert, select

from central import judge
from central.core.access import Role
from central.core.item import Item, RouteStep
from central.ingest import ingest_batches
from central.judge import Moment
from central.opening import open_batch
from central.store import items
from central.store import tables as t
from central.store.complaint_tables import complaint
from central.store.engine import Store
from central.welcome import introduce
from common.clock import Clock
from common.core.instant import HOUR, MINUTE
from common.core.record import Record, Step
from common.core.state import Light, Procedure, StepKind
from tests.contract.test_store import ZONE, at, box_row
from tests.integration.serving import FridayClock, Served, Window, serve, text_of
from tests.sender import SECRETS, SIGN_KEY, Sender, case, draft, passed

CASE = "/hall/cases/s01/7"
ITEM = Item(
    "SX1",
    "食品经营许可",
    20,
    10,
    route=[RouteStep("受理"), RouteStep("现场核查"), RouteStep("决定")],
    fees={"工本费": "10.00"},
    basis="食品安全法",
)


def step(key: str, **fields: object) -> Record:
    body = Step(case_key="7", **fields)  # type: ignore[arg-type]
    return draft(body, table="step", key=key)


async def fill(store: Store, clock: Clock) -> None:
    """One case with an extension in time, one too late, and a special procedure."""
    now = clock.office()
    async with store.write() as conn:
        await conn.execute(
            insert(t.site), [{"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}]
        )
        await conn.execute(insert(t.box), [box_row(1)])
        await items.add(conn, [ITEM], "w", "首次导入", clock.wall())
        newer = Item("SX1", "食品经营许可", 20, 5, version=2, valid_from=date(2027, 1, 1))
        await items.add(conn, [newer], "w", "提速", clock.wall())
        world = await judge.load_world(conn, ZONE)
    sender = Sender()
    sender.number(
        case("7", accepted_at="2026-05-20T09:00:00+08:00", item_code="SX1", channel="网上"),
        step("1", kind=StepKind.ACCEPT, step_name="受理", finished_at="2026-05-20T09:00:00+08:00"),
        step(
            "2",
            kind=StepKind.PAUSE,
            started_at="2026-05-25",
            procedure=Procedure.TEST,
            notified_at="2026-05-25",
        ),
        step("3", kind=StepKind.RESUME, started_at="2026-05-28"),
        step("4", kind=StepKind.EXTEND, finished_at="2026-06-02", notified_at="2026-06-02", days=5),
        step("5", kind=StepKind.EXTEND, finished_at="2026-06-03", notified_at="2026-06-03", days=5),
        step("6", kind=StepKind.FEE, amount="12.00", finished_at="2026-05-20"),
        passed(now - MINUTE),
    )
    async with store.write() as conn:
        await introduce(conn, "s01", sender.hello(), now)
    async with store.write() as conn:
        opened = [open_batch("s01", sender.payload(), SECRETS, SIGN_KEY)]
        await ingest_batches(conn, opened, world, Moment(now, clock.wall()))


@pytest.fixture
async def window(tmp_path: Path) -> AsyncIterator[Window]:
    async with serve(tmp_path, FridayClock(), fill=fill) as hall:
        yield_to = await _window(hall)
        yield yield_to
        await yield_to.session.close()


async def _window(hall: Served) -> Window:
    return Window(hall, aiohttp.ClientSession(cookies=await hall.session(Role.SUPERVISOR)))


async def test_the_case_page_names_each_day_and_article(window: Window) -> None:
    status, html = await window.get(CASE)
    words = text_of(html)
    async with window.hall.store.read() as conn:
        row = (
            await conn.execute(select(t.case.c.channel, t.case.c.charged).where(t.case.c.case_key == "7"))
        ).one()
    assert tuple(row) == ("网上", 1_200), "what statistics tell"
    assert status == 200
    for said in (
        "20 个工作日，依法延长 5 个工作日",
        "10 个工作日，依法延长 5 个工作日",
        "不计：延期（2026-06-03 才批准并告知）不在时限内，或不是第一次，不计（行政许可法 42）",
        "检测",
        "事项清单 SX1 第 1 版，承诺件，法定 20 个工作日，承诺 10 个工作日",
        "不符合 行政许可法 58、59 按公布的项目和标准收费 收费 12.00 元与清单标准不符",
        "无数据 行政许可法 32 受理、不予受理出具注明日期的书面凭证 业务系统未记录受理通知书的文号",
        "公示内容缺：条件、数量",
    ):
        assert said in words, said
    assert html.count(">检测<") >= 4  # two clocks, the working days from 26 to 28 May


async def test_a_broken_rule_lights_a_lamp_of_its_own_on_queue_list_and_case(window: Window) -> None:
    words = text_of((await window.get("/hall/queue"))[1])
    assert "规则亮灯 时限之外的不符合 1 件" in words
    assert "红灯(L58) 食品经营许可" in words
    assert "按公布的项目和标准收费" in words
    assert "红灯(L58)" in text_of((await window.get("/hall/cases?rule=red"))[1])
    assert "没有符合条件的办件" in text_of((await window.get("/hall/cases?rule=yellow"))[1])
    assert "红灯(L58)" in text_of((await window.get(CASE))[1]).split("编号")[0]


async def test_the_lamp_of_a_rule_stands_on_the_wall_the_sites_page_and_in_the_file(window: Window) -> None:
    assert "规则红灯 规 1" in text_of((await window.get("/hall/sites"))[1])
    words = text_of((await window.get("/hall"))[1])
    assert "红灯 超过时限 0 件，另有规则灯 1 件" in words
    assert "云溪镇 食品经营许可 尾号 SL7 规则 L58 亮红灯" in words
    words = text_of((await window.get("/hall/sites/s01"))[1])
    lit = words.split("亮灯与停表")[1].split("最近的灯")
    assert "红灯(L58) 食品经营许可" in lit[0]
    assert "按公布的项目和标准收费" in lit[1]
    status, text = await window.get("/hall/cases.csv")
    assert status == 200
    lines = [line.split(",") for line in text.splitlines()]
    place = next(number for number, line in enumerate(lines) if line[0] == "灯")
    assert lines[place][1:3] == ["规则灯", "不符合的规则"]
    assert lines[place + 1][1:3] == ["红灯", "L58 按公布的项目和标准收费"]


async def test_the_calendar_shows_a_year_and_says_what_is_not_published(window: Window) -> None:
    words = text_of((await window.get("/hall/calendar"))[1])
    for said in (
        "2026 年工作日",
        "248 个工作日，其中调休上班 6 天",
        "10月10日",
        "第 1 版",
        "chinesecalendar",
    ):
        assert said in words
    assert "还没有导入：按星期推定" in text_of((await window.get("/hall/calendar?year=2027"))[1])
    assert (await window.get("/hall/calendar?year=x%00"))[0] == 200


async def test_the_calendar_says_how_many_due_dates_were_moved_where_it_lists_some(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = {"version": 1, "site": "s01", "case_key": "7", "before_at": 0, "after_at": HOUR, "judged_wall": 0}
    rows = [moved | {"clock": kind, "cycle": 1} for kind in ("promise", "statute")]
    async with window.hall.store.write() as conn:
        await conn.execute(insert(t.due_change), rows)
    assert "最新一版移动的到期日 2 个 编号" in text_of((await window.get("/hall/calendar"))[1])
    monkeypatch.setattr("central.web.calendar.MOST", 1)
    words = text_of((await window.get("/hall/calendar"))[1])
    async with window.hall.store.write() as conn:
        await conn.execute(delete(t.due_change))
    assert "2 个，这里是前 1 个；全部见 mingcha calendar changes 1" in words


async def test_the_catalogue_shows_the_version_in_force_and_its_history(window: Window) -> None:
    words = text_of((await window.get("/hall/items"))[1])
    assert "SX1 食品经营许可 承诺件 20 10 第 1 版，共 2 版" in words
    status, html = await window.get("/hall/items/SX1")
    words = text_of(html)
    assert status == 200
    for said in ("受理；现场核查；决定", "工本费=10.00", "第 2 版 2027-01-01 起", "w：提速"):
        assert said in words
    assert (await window.get("/hall/items/%00"))[0] == 404
    sooner = replace(ITEM, basis="食品安全法（2021）", version=3, valid_from=date(2026, 6, 15))
    async with window.hall.store.write() as conn:
        await items.add(conn, [sooner], "w", "换依据", 1)
    words = text_of((await window.get("/hall/items/SX1"))[1])
    assert "w：换依据 依据： 食品安全法 → 食品安全法（2021）" in words, (
        "not against version 2, which begins later"
    )


def test_the_friday_of_the_test_city_lies_inside_the_case() -> None:
    assert at("2026-05-20T09:00") < FridayClock().office() < at("2026-07-01T00:00")


async def test_the_rules_show_what_was_broken_and_what_no_source_records(window: Window) -> None:
    status, html = await window.get("/hall/rules")
    words = text_of(html)
    assert status == 200
    for said in (
        "L58 行政许可法 58、59 按公布的项目和标准收费 1 0 督办通知书",
        "W-4 特别程序 1",
        "W-5 延期 1",
        "参数第 1 版 · 未经法律审核",
        "S-5 窗口在岗 有人等候时窗口有人 由摄像机提示，附叫号所记的等候人数，经人核实",
        "没有待认定的",
    ):
        assert said in words, said
    status, html = await window.get("/hall/rules/L58")
    assert status == 200
    assert "红灯 收费 12.00 元与清单标准不符" in text_of(html)
    assert f'href="{CASE}"' in html
    assert (await window.get("/hall/rules/L99"))[0] == 404


async def test_a_person_says_what_a_rule_that_needs_one_was(window: Window) -> None:
    hall = window.hall
    now = hall.clock.office()
    found = {"site": "s01", "case_key": "7", "rule": "S-2", "answer": "broken", "light": "yellow", "pack": 1}
    async with hall.store.write() as conn:
        await conn.execute(
            insert(t.ruling), [{**found, "why": "先后不对：06-02、06-01", "found_at": now, "found_wall": now}]
        )
    status, html = await window.get("/hall/rules/S-2")
    words = text_of(html)
    assert (status, "待核实 核实以前不计入评分" in words, "先后不对：06-02、06-01" in words) == (
        200,
        True,
        True,
    )
    place, form = "/hall/rules/S-2/examine", {"csrf": "token", "site": "s01", "key": "7", "said": "confirmed"}
    assert (await window.post(place, None, **form, why="短")).status == 400
    assert (await window.post(place, None, **{**form, "said": "maybe"}, why="日期填反了")).status == 400
    assert (await window.post(place, None, **{**form, "csrf": "x"}, why="日期填反了")).status == 403
    assert (await window.post(place, None, **form, why="日期填反了")).status == 303
    again = await window.post(place, None, **form, why="日期填反了")
    assert (again.status, "已由他人核实" in await again.text()) == (400, True)
    words = text_of((await window.get("/hall/rules/S-2"))[1])
    assert ("核实属实" in words, "待核实" in words) == (True, False)
    async with aiohttp.ClientSession(cookies=await hall.session(Role.LEADER)) as session:
        leader = Window(hall, session)
        assert (await leader.post(place, None, **form, why="日期填反了")).status == 403


async def test_a_person_says_what_a_clue_was_on_the_page_of_the_rule(window: Window) -> None:
    """Who sees complaints sees those of them; the leader, who does not, is shown none and says nothing."""
    hall = window.hall
    plain = dict.fromkeys(("topic", "unit", "brief", "answer", "reply", "org"), "")
    async with hall.store.write() as conn:
        values = {
            **plain, "number": "TS1", "case_no": "SL2026-99", "text": "一直没有消息", "site": "s01", "is_named": False, "may_publish": False,
            "sealed": b"", "body": b"{}", "state": "assigned", "level": 1, "is_open": True, "entries": 0, "told": 0, "received_at": at("2026-06-08T09:00"),
        }  # fmt: skip
        await conn.execute(insert(complaint).values(**values))
        await conn.execute(insert(t.site).values(id="s02", name="石桥镇", kind="township", position=1))
    page, place = "/hall/rules/S-1", "/hall/rules/S-1/clues"
    words = text_of((await window.get(page))[1])
    assert "1 条待核实" in words
    assert "石桥镇的数据还不齐全，只列到各站点数据齐到的那天" in words, (
        "nothing of it is claimed, which is said"
    )
    assert "投诉 TS1 所写的编号 SL2026-99，没有一个站点有；应在 2026-06-09 前录入" in words
    assert "所以没有“网上交了、窗口没录”这一种线索" in words
    form = {"csrf": "token", "site": "s01", "kind": "complaint", "subject": "1", "said": "confirmed"}
    assert (await window.post(place, None, **form, why="短")).status == 400
    assert (await window.post(place, None, **{**form, "said": "maybe"}, why="窗口承认")).status == 400
    assert (await window.post(place, None, **{**form, "subject": "2"}, why="窗口承认")).status == 400
    assert (await window.post(place, None, **{**form, "csrf": "x"}, why="窗口承认")).status == 403
    async with aiohttp.ClientSession(cookies=await hall.session(Role.LEADER)) as session:
        leader = Window(hall, session)
        assert "SL2026-99" not in text_of((await leader.get(page))[1])
        assert (await leader.post(place, None, **form, why="窗口承认")).status == 403
    assert (await window.post(place, None, **form, why="窗口承认")).status == 303
    assert (await window.post(place, None, **form, why="窗口承认")).status == 400, "said once"
    words = text_of((await window.get(page))[1])
    assert "没有待核实的线索" in words
    assert "投诉 1 云溪镇 属实 窗口承认（应在 2026-06-09 前录入）" in words
    assert "拟一份监察建议书" in words, "to the site, of what was confirmed"


async def test_the_forecast_names_what_time_alone_will_change(window: Window) -> None:
    status, html = await window.get("/hall/forecast")
    assert status == 200
    words = text_of(html)
    assert "三个工作日预告" in words
    assert "会转黄或到期的时限" in words


async def test_the_forecast_names_both_what_turns_yellow_and_what_then_falls_due(window: Window) -> None:
    """A clock that is only looked at again, because a plan of its case comes, does neither."""
    now = window.hall.clock.office()
    soon = [
        {"case_key": "7", "kind": kind, "cycle": 9, "light": Light.GREEN, "running": True, "stopped": False}
        | {"site": "s01", "provisional": False, "calendar_version": 1, "rev": 1, "start_day": None}
        | {"yellow_at": yellow, "due_at": due, "next_check_at": check}
        for kind, yellow, due, check in (
            ("step", now + HOUR, now + 2 * HOUR, now + HOUR),
            ("delivery", now + 300 * HOUR, now + 400 * HOUR, now + HOUR),
        )
    ]
    async with window.hall.store.write() as conn:
        await conn.execute(insert(t.clock), soon)
    words = text_of((await window.get("/hall/forecast"))[1])
    assert [words.count(f"{what} 食品经营许可 SL7 云溪镇 环节时限") for what in ("转黄", "到期")] == [1, 1]
    assert "送达时限" not in words
