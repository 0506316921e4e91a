"""The pages of cameras on a running hall: what was said last, since when, and each fault with its begin and end."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import numpy as np
import pytest
from msgspec.structs import replace
from sqlalchemy import update

from agent.camera import picture
from central.core.access import Role
from central.core.trail import ACTS
from central.store import cameras, commands, scope, seats, stills, tickets, trail
from central.store import tables as t
from common.core import media
from common.core.camera import Aspect, Mask, Occasion, Seat, View
from common.core.instant import DAY, HOUR, MINUTE, SECOND
from common.core.message import Drawn, DrawnSeat
from common.core.record import CameraState, SeatState, Step, Still
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
    assert "已 4 小时 2 次" in text, "the clock's fault is one of them, as on its own page"
    assert "旧" not in text
    assert "二楼 <b>" in text
    await own.session.close()


async def test_sites_with_a_fault_come_first(hall: Served) -> None:
    """Of eighteen sites the one with the dead camera is what somebody came for."""
    said = []
    for seq, (site, view) in enumerate((("s01", View.OK), ("s17", View.BLACK)), 1):
        body = CameraState("z1", Aspect.VIEW, view, NOW - HOUR)
        said.append((b"i" * 8, site, replace(draft(body, at=NOW - HOUR), seq=seq), body))
    async with hall.store.write() as conn:
        await cameras.add(conn, said)
    own = await window(hall)
    html = (await own.get("/hall/cameras"))[1]
    assert html.index('href="/hall/cameras/s17/z1"') < html.index('href="/hall/cameras/s01/z1"')
    gone = [
        (epoch, site, replace(row, seq=row.seq + 2), replace(body, view=View.REMOVED))
        for epoch, site, row, body in said
    ]
    async with hall.store.write() as conn:  # the lists of other tests are without them
        await cameras.add(conn, gone)
    await own.session.close()


async def test_a_camera_shows_each_fault_once_and_what_helps_while_it_lasts(hall: Served) -> None:
    await fill(hall)
    own = await window(hall)
    html = (await own.get("/hall/cameras/s03/c1"))[1]
    text = text_of(html)
    assert html.count("<b>遮挡</b>") == 1
    assert html.count('<a href="#f1" aria-label="遮挡">') == 1
    assert "1 小时 约 61% 被遮" in text
    assert "时钟不准" in text
    other = text_of((await own.get("/hall/cameras/s03/c2"))[1])
    assert "还没有" in other
    assert "请检查摄像机的电源、网线与地址" in other
    assert 'class="open"' in (await own.get("/hall/cameras/s03/c2"))[1]
    assert (await own.get("/hall/cameras/s03/none"))[0] == 404
    assert (await own.get("/hall/cameras/nowhere/c1"))[0] == 404
    await own.session.close()


async def test_a_day_of_a_camera_shows_its_own_findings_and_no_day_that_is_none(hall: Served) -> None:
    await fill(hall)
    own = await window(hall)
    path = "/hall/cameras/s03/c1?day="
    day = text_of((await own.get(path + "2026-06-12"))[1])
    assert "6月12日 周五" in day
    assert "约 61% 被遮" in day
    before = (await own.get(path + "2026-06-10"))[1]
    assert "这一天没有故障" in text_of(before)
    assert 'href="?day=2026-06-09"' in before
    assert 'href="?day=2026-06-11"' in before
    for wrong in ("2026-06-13", "2025-01-01", "yesterday", "2026-6-1"):
        assert (await own.get(path + wrong))[0] == 404, wrong
    await own.session.close()


async def test_an_end_that_nobody_saw_is_said_to_be_unknown_and_a_stop_between_joins(hall: Served) -> None:
    said = []
    told = [
        ("c7", View.COVERED, NOW - 6 * HOUR),
        ("c7", View.UNKNOWN, NOW - 5 * HOUR),
        ("c7", View.COVERED, NOW - 4 * HOUR),
        ("c7", View.OK, NOW - 3 * HOUR),
        ("c8", View.MOVED, NOW - 6 * HOUR),
        ("c8", View.UNKNOWN, NOW - 5 * HOUR),
        ("c8", View.OK, NOW - 4 * HOUR),
        *(
            (name, View.REMOVED, NOW - HOUR) for name in ("c7", "c8")
        ),  # the lists of other tests are without them
    ]
    for seq, (camera, view, at) in enumerate(told, 1):
        body = CameraState(camera, Aspect.VIEW, view, at)
        said.append((b"h" * 8, "s03", replace(draft(body, at=at), seq=seq), body))
    async with hall.store.write() as conn:
        await cameras.add(conn, said)
    own = await window(hall)
    joined = text_of((await own.get("/hall/cameras/s03/c7"))[1])
    assert "其间 1 小时没有人看" in joined
    assert "3 小时" in joined
    lost = text_of((await own.get("/hall/cameras/s03/c8"))[1])
    assert "不明，09:32 后没有人看" in lost
    assert "至少 1 小时" in lost
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


async def test_the_wall_shows_how_the_cameras_stand_faults_first_and_links_nowhere(hall: Served) -> None:
    await fill(hall)
    own = await window(hall, Role.WALL)
    status, html = await own.get("/hall?scene=video")
    text = text_of(html)
    assert status == 200
    assert "c2 连不上 大厅东 正常" in text
    assert "正常 2 · 故障 1 · 不能判断 0" in text
    assert "柳林镇 · c2 连不上 · 192.168.1.64:554 连接被拒绝 14:12 起，已 20 分" in text
    assert html.count('class="view"') == 2, "no tile without anything in it"
    assert "16 个站点没有登记摄像机：云溪镇、" in text
    assert "/hall/cameras" not in html
    assert "二楼 &lt;b&gt;" in html
    await own.session.close()


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
        sure = 80 if thing else 0
        box = None if region == "w4" else (310, 250, 500, 690)
        body = SeatState("c1", region, seat, at, thing, HOURS, 600, name=name, sure=sure, box=box)
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
    assert "座位上有放着不动的东西 其间 1 人等候 把握不大（模拟画面上 80% 判对）" in text
    assert text.count("判对）") == 1, "the other box did not say"
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
async def test_the_pages_of_attendance_and_cameras_keep_their_texts_in_their_places(
    hall: Served, width: int, tmp_path: Path
) -> None:
    await sit(hall)
    await fill(hall)
    async with browser(tmp_path) as tab:
        await tab.size(width, 1200)
        for name, value in (await hall.session(Role.SUPERVISOR)).items():
            await tab.cookie(name, value, hall.url)
        await tab.open(hall.url + "/hall/attendance")
        assert await tab.ask("document.documentElement.scrollWidth") <= width
        await tab.open(hall.url + "/hall/cameras")
        await tab.ask(
            "document.querySelector('.c-view small').textContent = '摄像机不接受这个账号或口令'.repeat(3)"
        )
        assert await tab.ask(
            "(small => small.scrollWidth <= small.clientWidth)(document.querySelector('.c-view small'))"
        )


JPEG = picture.jpeg(np.full((360, 640, 3), 90, np.uint8))
PLAIN = b"\xff\xd8 people \xff\xd9"
EPOCH = b"g" * 8
LATE = b"\xff\xd8 still at the site \xff\xd9"
MP4 = b"....ftyp a short clip"
NAKED = b"....ftyp a short clip with people"


async def take(hall: Served) -> None:
    """A masked one of a fault, one that is not masked, one whose picture has not come; a clip of the fault, one that is not
    masked."""
    begin = NOW - 5 * HOUR
    said = [
        (JPEG, "s03", begin + SECOND, Mask.PEOPLE, Occasion.FAULT, "covered", begin),
        (PLAIN, "s03", NOW - HOUR, Mask.NONE, Occasion.ORDER, "ab" * 16, 0),
        (LATE, "s12", NOW - 2 * HOUR, Mask.ALL, Occasion.SEAT, "w1", NOW - 3 * HOUR),
        (MP4, "s03", begin - 5 * SECOND, Mask.ALL, Occasion.FAULT, "covered", begin),
        (NAKED, "s03", NOW - HOUR, Mask.NONE, Occasion.ORDER, "cd" * 16, 0),
    ]
    async with hall.store.write() as conn:
        await scope.give(conn, Role.CHIEF.value, ["s03"], [])
        for seq, (body, site, at, mask, occasion, subject, since) in enumerate(said, 1):
            millis = 12_400 if body in {MP4, NAKED} else 0
            given = "c1", media.digest(body), len(body), at, mask, occasion, subject, since, at + SECOND
            still = Still(*given, 640, 360, millis)
            await stills.add(conn, [(EPOCH, site, replace(draft(still, at=at), seq=seq), still)])
            if body is not LATE and not await stills.is_held(conn, site, still.sha256):
                await stills.hold(conn, site, still.sha256, body, hall.clock.wall())


def place(seq: int, site: str = "s03") -> str:
    return f"/hall/evidence/{site}/{EPOCH.hex()}/{seq}"


async def looks(hall: Served, act: str, seq: int) -> list[tuple[str, str]]:
    async with hall.store.read() as conn:
        found = await trail.about(conn, act, f"s03/{EPOCH.hex()}/{seq}", 9)
    return [(line.who, line.why) for line in found]


async def test_a_masked_picture_is_shown_after_its_look_is_written_down(hall: Served) -> None:
    """C19"""
    await fill(hall)
    await take(hall)
    own = await window(hall)
    listed = text_of((await own.get("/hall/evidence"))[1])
    assert "按命令取证" in listed
    assert "图片还在站点" in listed
    status, html = await own.get(place(1))
    text = text_of(html)
    assert status == 200
    assert media.digest(JPEG).hex() in text
    assert "图片与记录中的指纹一致" in text
    assert "还没有人查看过" in text
    assert "摄像机时间 2026-06-12 09:32:07" in text
    assert f'src="{place(1)}/picture"' in html
    assert await looks(hall, "still.show", 1) == []
    for _ in range(2):  # the same look
        async with own.session.get(hall.url + place(1) + "/picture") as answer:
            assert (answer.status, answer.content_type) == (200, "image/jpeg")
            assert answer.headers["Cache-Control"] == "no-store"
            assert await answer.read() == JPEG
    assert await looks(hall, "still.show", 1) == [("supervisor", "人员区域已遮挡")]
    assert "supervisor" in text_of((await own.get(place(1)))[1])
    camera = (await own.get("/hall/cameras/s03/c1"))[1]
    assert f'src="{place(1)}/picture"' in camera
    assert f'<a class="more" href="{place(1)}">看图片</a>' in camera
    assert f'<a class="more" href="{place(4)}">看短片</a>' in camera
    assert f'<a href="{place(1)}" aria-label="09:32 摄像故障，看图片">' in camera
    assert (await own.get(place(3, "s12") + "/picture"))[0] == 404
    assert "图片还在站点，或已被站点放弃" in text_of((await own.get(place(3, "s12")))[1])
    await own.session.close()


async def test_a_picture_that_is_not_masked_needs_the_chief_and_a_reason(hall: Served) -> None:
    """C19"""
    await take(hall)
    own, chief = await window(hall), await window(hall, Role.CHIEF)
    assert (await own.get(place(2) + "/picture"))[0] == 403
    assert "由监察领导写明原因后查看" in text_of((await own.get(place(2)))[1])
    assert (await own.post(place(2) + "/reveal", csrf="token", why="核实投诉")).status == 403
    assert (await chief.get(place(2) + "/picture"))[0] == 403
    assert (await chief.post(place(2) + "/reveal", csrf="token", why="短")).status == 400
    assert await looks(hall, "still.reveal", 2) == []
    async with chief.session.post(
        hall.url + place(2) + "/reveal", data={"csrf": "token", "why": "核实投诉"}
    ) as answer:
        assert await answer.read() == PLAIN
    assert await looks(hall, "still.reveal", 2) == [("chief", "核实投诉")]
    await own.session.close()
    await chief.session.close()


async def test_a_clip_plays_on_its_page_and_one_that_is_not_masked_after_a_reason_alone(hall: Served) -> None:
    """C19: the reason is good for ten minutes and for who gave it, because a player asks for a clip more than once."""
    await fill(hall)
    await take(hall)
    own, chief = await window(hall), await window(hall, Role.CHIEF)
    html = (await own.get(place(4)))[1]
    assert f'<video class="still" src="{place(4)}/picture"' in html
    assert "短片 12 秒，拍于" in text_of(html)
    assert "短片与记录中的指纹一致" in text_of(html)
    async with own.session.get(hall.url + place(4) + "/picture") as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "video/mp4", MP4)
        policy = answer.headers["Content-Security-Policy"]
        assert "media-src" not in policy or "'self'" in policy
    assert await looks(hall, "still.show", 4) == [("supervisor", "全部遮挡")]
    assert "短片 12 秒" in text_of((await own.get("/hall/evidence"))[1])
    for each in (own, chief):
        assert (await each.get(place(5) + "/picture"))[0] == 403
        assert "<video" not in (await each.get(place(5)))[1]
    async with hall.store.write() as conn:
        subject, late = f"s03/{EPOCH.hex()}/5", hall.clock.wall() - 11 * MINUTE
        await trail.note(conn, late, "chief", "still.reveal", subject, "昨天的")
    assert (await chief.get(place(5) + "/picture"))[0] == 403
    assert (await own.post(place(5) + "/reveal", csrf="token", why="核实投诉")).status == 403
    assert (await chief.post(place(5) + "/reveal", csrf="token", why="核实投诉")).status == 303
    assert await looks(hall, "still.reveal", 5) == [("chief", "核实投诉"), ("chief", "昨天的")]
    assert "<video" in (await chief.get(place(5)))[1]
    async with chief.session.get(hall.url + place(5) + "/picture") as answer:
        assert await answer.read() == NAKED
    assert (await own.get(place(5) + "/picture"))[0] == 403
    await own.session.close()
    await chief.session.close()


async def test_a_picture_that_was_changed_is_never_shown(hall: Served) -> None:
    """C14"""
    await take(hall)
    own = await window(hall)
    async with hall.store.write() as conn:
        row = t.still_picture
        await conn.execute(update(row).where(row.c.sha256 == media.digest(JPEG)).values(body=PLAIN))
    status, html = await own.get(place(1) + "/picture")
    text = text_of((await own.get(place(1)))[1])
    async with hall.store.write() as conn:
        await conn.execute(update(row).where(row.c.sha256 == media.digest(JPEG)).values(body=JPEG))
    assert status == 409
    assert "people" not in html
    assert "图片与记录中的指纹不符，不作证据" in text
    await own.session.close()


async def test_a_still_is_ordered_with_a_reason_and_its_command_stands_in_the_audit(hall: Served) -> None:
    await fill(hall)
    await take(hall)
    own, chief = await window(hall), await window(hall, Role.CHIEF)
    path = "/hall/cameras/s03/c1/still"
    assert (await own.post(path, csrf="token", why="短")).status == 400
    assert (await own.post(path, csrf="token", why="巡查大厅", plain="1")).status == 403
    assert (await own.post("/hall/cameras/nowhere/c1/still", csrf="token", why="巡查大厅")).status == 404
    for _ in range(2):  # the same form, sent twice, is one order
        assert (await own.post(path, csrf="token", why="巡查大厅")).status == 303
    assert (await own.post(path, csrf="token", why="排队纠纷", clip="1")).status == 303
    assert (await chief.post(path, csrf="token", why="核实投诉", plain="1")).status == 303
    async with hall.store.read() as conn:
        rows = await commands.of(conn, "s03", "still", "c1", 9)
        noted = await trail.listed(conn, trail.Wanted(act="command.still"), 9)
    assert (len(rows), len(noted)) == (3, 3)
    assert {(row.args, row.who, row.why) for row in rows} == {
        ("{}", "supervisor", "巡查大厅"),
        ('{"clip": 1}', "supervisor", "排队纠纷"),
        ('{"plain": 1}', "chief", "核实投诉"),
    }
    assert {(line.who, line.why) for line in noted} == {
        ("supervisor", "巡查大厅"),
        ("supervisor", "短片：排队纠纷"),
        ("chief", "未遮挡：核实投诉"),
    }
    assert all(row.expires_wall - row.issued_wall == 10 * MINUTE for row in rows)
    assert "巡查大厅 · 等待站点" in text_of((await own.get("/hall/cameras/s03/c1"))[1])
    await own.session.close()
    await chief.session.close()


def drawing(**other: str) -> dict[str, str | list[str]]:
    """A form of one seat, one zone, one empty row."""
    form: dict[str, str | list[str]] = {
        "csrf": "token",
        "why": "新装摄像机",
        "kind": ["seat", "zone", "zone"],
        "id": ["w3", "", ""],
        "name": ["3 号窗口", "", ""],
        "left": ["400", "700", ""],
        "top": ["280", "400", ""],
        "right": ["620", "950", ""],
        "bottom": ["720", "600", ""],
    }
    for name, value in other.items():
        kept = form[name]
        form[name] = [value, *kept[1:]] if isinstance(kept, list) else value
    return form


async def sends(own: Window, path: str, **other: str) -> int:
    data = [
        (name, one)
        for name, all_ in drawing(**other).items()
        for one in ([all_] if isinstance(all_, str) else all_)
    ]
    async with own.session.post(own.hall.url + path, data=data, allow_redirects=False) as answer:
        return answer.status


async def test_regions_are_drawn_by_who_keeps_the_boxes_and_go_out_in_the_policy(hall: Served) -> None:
    """P-CFG-04"""
    await fill(hall)
    await sit(hall)
    await take(hall)
    async with hall.store.write() as conn:
        row = {"site": "s03", "bulk_bytes_per_sec": 4096, "who": "w", "why": "线路窄", "set_wall": 1}
        await commands.wish(conn, row)
    own, other = await window(hall, Role.IT), await window(hall)
    path = "/hall/cameras/s03/c1/regions"
    status, html = await own.get(path)
    assert status == 200
    assert f'src="{place(1)}/picture"' in html
    assert "<script>" not in html
    assert "style=" not in html
    assert re.findall(r'placeholder="(\d+)"', html) == ["310", "250", "500", "690"], (
        "of the box's own file, w3"
    )
    assert "虚线框是站点自己的文件" in text_of(html)
    assert (await other.get(path))[0] == 403
    for wrong in (
        {"why": "短"},
        {"left": "x"},
        {"left": "1001"},
        {"left": ""},
        {"left": "620"},
        {"id": "3 号"},
        {"id": ""},
    ):
        assert await sends(own, path, **wrong) == 400, wrong
    assert await sends(own, "/hall/cameras/s03/none/regions") == 404
    assert await sends(own, "/hall/cameras/nowhere/c1/regions") == 404
    assert await sends(other, path) == 403
    assert await sends(own, path) == 303
    async with hall.store.read() as conn:
        policy = commands.policy_of((await commands.wished(conn))["s03"])
        noted = await trail.about(conn, "policy.draw", "s03/c1", 9)
    seat = DrawnSeat("w3", (400, 280, 620, 720), "3 号窗口")
    assert policy.cameras == [Drawn("c1", [(700, 400, 950, 600)], [seat])]
    assert policy.bulk_bytes_per_sec == 4096, "what else was wished stays"
    assert [(line.who, line.why) for line in noted] == [
        ("it", f"第 {policy.version} 版：座位 1，隐私区域 1；新装摄像机")
    ]
    html = (await own.get(path))[1]
    assert 'value="620"' in html
    assert re.findall(r'placeholder="(\d+)"', html) == [], "what is drawn counts"
    assert "虚线框" not in text_of(html)
    assert "与要求不符" in text_of(html) or "站点没有报告" in text_of(html)
    body = SeatState("c1", "w3", Seat.ATTENDED, 1, False, HOURS, 600, box=seat.box)
    told = (b"f" * 8, "s03", replace(draft(body, at=MIDNIGHT + DAY), seq=90), body)
    async with hall.store.write() as conn:
        await seats.add(conn, [told])
        await commands.draw(conn, "s03", Drawn("c1", [], []), "it", "清空区域", 9)
    html = (await own.get(path))[1]
    assert 'value="w3"' in html, "the box still looks at it"
    assert re.findall(r'placeholder="(\d+)"', html) == [], (
        "the box has not heard yet: this is no seat of its own file"
    )
    await own.session.close()
    await other.session.close()


@pytest.mark.service
async def test_a_drag_on_the_still_writes_the_numbers_of_the_row_that_was_picked(
    hall: Served, tmp_path: Path
) -> None:
    await fill(hall)
    await take(hall)
    async with browser(tmp_path) as tab:
        await tab.size(1440, 1200)
        for name, value in (await hall.session(Role.IT)).items():
            await tab.cookie(name, value, hall.url)
        await tab.open(hall.url + "/hall/cameras/s03/c1/regions")
        await tab.until("document.images[0].naturalWidth === 640 && !document.querySelector('.pick').hidden")
        await tab.ask(
            "document.querySelectorAll('.edge').forEach(one => { one.value = one.placeholder = ''; })"
        )
        await tab.ask(
            "document.querySelectorAll('tr[data-kind=seat] .edge').forEach((one, at) => {"
            " if (at < 4) { one.placeholder = String(100 + 100 * at); one.dispatchEvent(new Event('input')); } })"
        )
        assert await tab.ask("document.querySelectorAll('#shapes .own').length") == 1, "shown, and not sent"
        await tab.ask(
            "(() => { const one = document.querySelectorAll('.edge')[2]; one.value = '350'; one.dispatchEvent(new Event('input')); })()"
        )
        assert await tab.ask("Array.from(document.querySelectorAll('.edge')).slice(0, 4).map(i => i.value)") == [
            "100", "200", "350", "400",
        ], "one number of the file's own was changed: the rest stays"  # fmt: skip
        await tab.ask(
            "document.querySelectorAll('.edge').forEach(one => { one.value = one.placeholder = ''; })"
        )
        await tab.ask("document.querySelectorAll('tr[data-kind=zone] .pick')[2].click()")
        box = await tab.ask(
            "(() => { const b = document.getElementById('draw').getBoundingClientRect();"
            " return [b.left, b.top, b.width, b.height]; })()"
        )
        for kind, share in (("mousePressed", 0.25), ("mouseMoved", 0.5), ("mouseReleased", 0.75)):
            x, y = box[0] + share * box[2], box[1] + (1 - share) * box[3]
            await tab.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1
            )
        rows = "Array.from(document.querySelectorAll('tr[data-kind=zone]')).map(r => Array.from(r.querySelectorAll('.edge')).map(i => i.value))"
        drawn = (await tab.ask(rows))[2]
        assert all(
            abs(int(value) - wanted) <= 5 for value, wanted in zip(drawn, (250, 250, 750, 750), strict=True)
        )
        assert await tab.ask("document.querySelectorAll('#shapes .picked').length") == 1
        assert await tab.ask("document.getElementById('tags').textContent") == "隐私区域 3"
        await tab.ask(
            "document.querySelector('[name=id]').focus()"
        )  # by keyboard alone, from the first seat on
        for typed in ("", "100", "200", "300", "600"):
            await tab.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
            if typed:
                await tab.call("Input.insertText", text=typed)
        assert await tab.ask("document.querySelector('#shapes .picked').getAttribute('height')") == "400"
        assert await tab.ask("document.querySelector('#tags span').style.left") == "10%"
        await tab.ask("window.scrollTo(0, 1e6)")
        assert await tab.ask("document.getElementById('draw').getBoundingClientRect().top") >= 0, (
            "still there"
        )
        assert await tab.ask("document.documentElement.scrollWidth") <= 1440
