"""The pages of cameras on a running hall: what was said last, since when, and each fault with its begin and end."""

from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from msgspec.structs import replace

from central.core.access import Role
from central.core.trail import ACTS
from central.store import cameras, scope, seats, tickets, trail
from common.core.camera import Aspect, Seat, View
from common.core.instant import DAY, HOUR, MINUTE, SECOND
from common.core.record import CameraState, SeatState, Step
from common.core.state import StepKind
from tests.browser import browser
from tests.integration import city
from tests.integration.serving import Served, Window, text_of
from tests.sender import draft

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = city.FRIDAY
SAID = [
    ("s03", "c1", "大厅东", Aspect.VIEW, View.OK, NOW - 9 * DAY, ""),
    ("s03", "c1", "大厅东", Aspect.VIEW, View.COVERED, NOW - 5 * HOUR, "约 61% 被遮"),
    ("s03", "c1", "大厅东", Aspect.VIEW, View.OK, NOW - 4 * HOUR, ""),
    ("s03", "c1", "大厅东", Aspect.CLOCK, View.CLOCK, NOW - 3 * HOUR, "慢 40 秒"),
    ("s03", "c2", "", Aspect.VIEW, View.LEARNING, NOW - 2 * DAY, ""),
    ("s03", "c2", "", Aspect.VIEW, View.UNREACHABLE, NOW - 20 * MINUTE, "192.168.1.64:554 连接被拒绝"),
    ("s03", "old", "旧", Aspect.VIEW, View.REMOVED, NOW - 3 * DAY, ""),
    ("s12", "c1", "二楼 <b>", Aspect.VIEW, View.OK, NOW - DAY - HOUR, ""),
]


async def fill(hall: Served) -> None:
    said = []
    for seq, (site, camera, name, aspect, view, at, detail) in enumerate(SAID, 1):
        body = CameraState(camera, aspect, view, at, detail=detail, name=name)
        said.append((b"e" * 8, site, replace(draft(body, at=at), seq=seq), body))
    async with hall.store.write() as conn:
        await cameras.add(conn, said)
        await cameras.add(conn, said)  # delivered again: nothing changes


async def window(hall: Served, role: Role = Role.SUPERVISOR) -> Window:
    return Window(hall, aiohttp.ClientSession(cookies=await hall.session(role)))


async def test_the_list_says_how_each_camera_stands_and_since_when(hall: Served) -> None:
    await fill(hall)
    own = await window(hall)
    status, html = await own.get("/hall/cameras")
    text = text_of(html)
    assert status == 200
    assert "正常 2 故障 1 不能判断 0" in text
    assert "连不上 192.168.1.64:554 连接被拒绝" in text
    assert "时钟慢 40 秒" in text
    assert "旧" not in text
    assert "二楼 <b>" in text
    await own.session.close()


async def test_a_camera_shows_each_fault_once_and_what_helps_while_it_lasts(hall: Served) -> None:
    await fill(hall)
    own = await window(hall)
    text = text_of((await own.get("/hall/cameras/s03/c1"))[1])
    assert text.count("遮挡") == 1
    assert "1 小时 约 61% 被遮" in text
    assert "时钟不准" in text
    other = text_of((await own.get("/hall/cameras/s03/c2"))[1])
    assert "还没有" in other
    assert "请检查摄像机的电源、网线与地址" in other
    assert (await own.get("/hall/cameras/s03/none"))[0] == 404
    assert (await own.get("/hall/cameras/nowhere/c1"))[0] == 404
    await own.session.close()


async def test_an_account_sees_the_cameras_of_its_sites_alone(hall: Served) -> None:
    await fill(hall)
    async with hall.store.write() as conn:
        await scope.give(conn, Role.HEAD.value, ["s12"], [])
        await scope.give(conn, Role.CLERK.value, ["s15"], [])
    own = await window(hall, Role.HEAD)
    text = text_of((await own.get("/hall/cameras"))[1])
    assert "二楼" in text
    assert "大厅东" not in text
    assert (await own.get("/hall/cameras/s03/c1"))[0] == 404
    await own.session.close()
    none = await window(hall, Role.CLERK)
    assert "还没有摄像机" in text_of((await none.get("/hall/cameras"))[1])
    await none.session.close()


HOURS = [(9 * 60, 12 * 60), (13 * 60 + 30, 17 * 60)]
MIDNIGHT = NOW - 14 * HOUR - 32 * MINUTE - 5 * SECOND
SAT = [
    ("s03", "w3", "3 号窗口", Seat.ATTENDED, 540, False),
    ("s03", "w3", "3 号窗口", Seat.UNATTENDED, 570, True),
    ("s03", "w3", "3 号窗口", Seat.ATTENDED, 594, False),
    ("s03", "w4", "", Seat.UNKNOWN, 540, False),
    ("s12", "w1", "一楼 <b>", Seat.UNATTENDED, 540, False),
    ("s12", "w1", "一楼 <b>", Seat.ATTENDED, 570, False),
]


async def sit(hall: Served) -> None:
    said = []
    for seq, (site, region, name, seat, minute, thing) in enumerate(SAT, 1):
        at = MIDNIGHT + minute * MINUTE
        body = SeatState("c1", region, seat, at, thing, HOURS, 600, name=name)
        said.append((b"f" * 8, site, replace(draft(body, at=at), seq=seq), body))
    async with hall.store.write() as conn:
        await seats.add(conn, said)
        await seats.add(conn, said)
        waited = Step(case_key="1", kind=StepKind.TICKET, started_at="2026-06-12T09:40:00+08:00")
        await tickets.put(conn, "s03", {("step.ticket", "1"): waited}, ZoneInfo("Asia/Shanghai"))


async def rules(own: Window, path: str, ruling: str, why: str = "调取值班记录，外出未报备") -> int:
    """-> the status of the answer."""
    return (await own.post(path, csrf="token", why=why, ruling=ruling)).status


async def test_an_absence_is_a_proposal_until_one_person_says_what_it_was(hall: Served) -> None:
    """P-CAM-02"""
    await sit(hall)
    own = await window(hall)
    text = text_of((await own.get("/hall/attendance"))[1])
    assert "待核实 2" in text
    assert "确认脱岗 0" in text
    assert "3 号窗口" in text
    assert "24 分" in text
    assert "座位上有放着不动的东西 其间 1 人等候" in text
    assert text.count("人等候") == 1, "of the other site no queue is recorded"
    assert "无法判断" in text
    begin = MIDNIGHT + 570 * MINUTE
    path = f"/hall/attendance/s03/c1/w3/{begin}"
    assert await rules(own, path, "confirmed", "短") == 400
    assert await rules(own, path, "counted") == 400
    assert await rules(own, f"/hall/attendance/s03/c1/w3/{begin + 1}", "confirmed") == 404
    assert await rules(own, f"/hall/attendance/nowhere/c1/w3/{begin}", "confirmed") == 404
    assert await rules(own, path, "confirmed") == 303
    assert await rules(own, path, "rejected") == 404, "said once"
    text = text_of((await own.get("/hall/attendance"))[1])
    assert "待核实 1" in text
    assert "确认脱岗 1" in text
    assert "外出未报备" in text
    async with hall.store.read() as conn:
        lines = await trail.about(conn, "absence.confirmed", f"s03/c1/w3/{begin}", 5)
    assert [(line.why, line.act in ACTS) for line in lines] == [("24 分钟：调取值班记录，外出未报备", True)]
    await own.session.close()


async def test_absences_are_seen_in_reach_alone_and_ruled_on_by_supervisors_alone(hall: Served) -> None:
    await sit(hall)
    async with hall.store.write() as conn:
        await scope.give(conn, Role.CHIEF.value, ["s12"], [])
    own = await window(hall, Role.CHIEF)
    text = text_of((await own.get("/hall/attendance"))[1])
    assert "一楼 <b>" in text
    assert "3 号窗口" not in text
    path = f"/hall/attendance/s03/c1/w3/{MIDNIGHT + 570 * MINUTE}"
    assert await rules(own, path, "rejected") == 404
    await own.session.close()
    leader = await window(hall, Role.LEADER)
    text = text_of((await leader.get("/hall/attendance"))[1])
    assert "由监察员或监察领导核实" in text
    await leader.session.close()


@pytest.mark.service
@pytest.mark.parametrize("width", [390, 1920])
async def test_the_page_of_attendance_never_scrolls_sideways(
    hall: Served, width: int, tmp_path: Path
) -> None:
    await sit(hall)
    async with browser(tmp_path) as tab:
        await tab.size(width, 1200)
        for name, value in (await hall.session(Role.SUPERVISOR)).items():
            await tab.cookie(name, value, hall.url)
        await tab.open(hall.url + "/hall/attendance")
        assert await tab.ask("document.documentElement.scrollWidth") <= width
