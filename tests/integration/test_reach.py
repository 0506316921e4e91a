"""What was said of another site, by citizens or by its own head, is neither shown to an account nor moved by it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from sqlalchemy import func, insert, select, update

from central.core.access import Role
from central.core.objection import ObjectionState
from central.core.rating import Level
from central.store import cameras, law, scope
from central.store import tables as t
from central.store.complaint_tables import complaint, complaint_event
from central.store.rating_tables import rating, rating_event, rating_window
from central.store.score_tables import objection
from common.core.camera import Aspect, View
from common.core.record import CameraState
from common.log import is_ours
from tests.contract.test_elsewhere import complain, rate
from tests.integration import city
from tests.integration.serving import Served, Window, text_of
from tests.sender import draft

pytestmark = pytest.mark.asyncio(loop_scope="module")
HERE, THERE, OFFICE = "s03", "s12", "石桥镇便民服务中心"
CODE = "7K3M-9QRT"
STATE = CameraState("c1", Aspect.VIEW, View.OK, city.FRIDAY, name="大厅东")
SAID = b"e" * 8, "s03", replace(draft(STATE, at=city.FRIDAY), seq=1), STATE


@asynccontextmanager
async def bound(hall: Served, role: Role, *sites: str) -> AsyncIterator[Window]:
    """A window of the account that reaches these sites alone."""
    async with hall.store.write() as conn:
        await scope.give(conn, role.value, list(sites), [])
    async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
        yield Window(hall, session)
    async with hall.store.write() as conn:
        await scope.give(conn, role.value, [], [])


async def kept(hall: Served, *tables: Any) -> list[str]:
    async with hall.store.read() as conn:
        return [str(row) for table in tables for row in await conn.execute(select(table))]


async def test_a_complaint_is_reached_with_its_unit_and_one_without_by_who_reaches_all(hall: Served) -> None:
    async with hall.store.write() as conn:
        calendar = await law.calendar(conn)
        for number, site in ((701, HERE), (702, "")):
            await complain(conn, calendar, number, "2026-06-10")
            mine = complaint.c.number == f"T{number}"
            told = {"site": site, "org": OFFICE if site else "", "unit": "石桥镇窗口", "text": "等了三个小时"}
            await conn.execute(update(complaint).where(mine).values(due_day="2026-06-12", **told))
        rows = await conn.execute(select(complaint.c.number, complaint.c.id))
        ids = {row.number: row.id for row in rows}
    given, waiting = (f"/hall/complaints/{ids[name]}" for name in ("T701", "T702"))
    before = await kept(hall, complaint, complaint_event)
    async with bound(hall, Role.SUPERVISOR, THERE) as own:
        for page in (given, waiting):
            assert (await own.get(page))[0] == 404
            said = {"csrf": "token", "entries": "0", "text": "经核实属实，予以受理"}
            assert (await own.post(f"{page}/act", None, event="accept", **said)).status == 404
            assert (await own.post(f"{page}/draft", None, kind="acceptance", **said)).status in {400, 404}
            assert (await own.post(f"{page}/case", None, **said)).status == 404
        for page in ("/hall/complaints", "/hall/queue"):
            html = (await own.get(page))[1]
            assert "T701" not in html
            assert "T702" not in html
    async with bound(hall, Role.COMPLAINTS, THERE) as own:
        reason = {"csrf": "token", "reason": "电话回访", "why": "电话核对办理情况"}
        assert (await own.post(f"{given}/person", None, **reason)).status == 404
        assert (await own.get(f"{given}/files/1"))[0] == 404
    assert await kept(hall, complaint, complaint_event) == before
    async with bound(hall, Role.SUPERVISOR, HERE) as own:
        assert (await own.get(given))[0] == 200
        assert (await own.get(waiting))[0] == 404
        assert "办理中1" in text_of((await own.get("/hall/complaints"))[1]).replace(" ", "")
        assert "T701" in (await own.get("/hall/queue"))[1]
    async with bound(hall, Role.SUPERVISOR) as own:
        assert [(await own.get(page))[0] for page in (given, waiting)] == [200, 200]


async def test_ratings_and_windows_of_another_site_are_not_there(hall: Served) -> None:
    async with hall.store.write() as conn:
        await rate(conn, await law.calendar(conn), 71, "2026-06-10", Level.POOR)
        mine = rating.c.number == "n71"
        await conn.execute(update(rating).where(mine).values(site=HERE, org=OFFICE, item="临时救助"))
        number = await conn.scalar(select(rating.c.id).where(mine))
        window = {"code": CODE, "site": HERE, "name": "8 号 医保", "org": OFFICE}
        await conn.execute(insert(rating_window).values(**window, is_open=True, is_told=False))
    before = await kept(hall, rating, rating_event, rating_window)
    page = f"/hall/ratings/{number}"
    async with bound(hall, Role.CENTRE, THERE) as own:
        assert (await own.get(page))[0] == 404
        said = {"csrf": "token", "entries": "0", "text": "恶意刷评，不计入"}
        assert (await own.post(f"{page}/act", None, event="aside", **said)).status == 404
        reason = {"csrf": "token", "reason": "电话回访", "why": "电话核对整改情况"}
        assert (await own.post(f"{page}/person", None, **reason)).status == 404
        assert (await own.post("/hall/ratings/windows/close", None, csrf="token", code=CODE)).status == 404
        for listed in ("/hall/ratings?show=all", "/hall/ratings/windows", "/hall/ratings/windows/print"):
            html = (await own.get(listed))[1]
            assert "临时救助" not in html
            assert "8 号 医保" not in html
            assert "石桥镇" not in text_of(html)
    assert await kept(hall, rating, rating_event, rating_window) == before
    async with bound(hall, Role.CENTRE, HERE) as own:
        assert (await own.get(page))[0] == 200
        assert "8 号 医保" in (await own.get("/hall/ratings/windows"))[1]


async def test_an_objection_of_another_site_is_not_decided(hall: Served) -> None:
    async with hall.store.write() as conn:
        fault = {"run": 71, "site": HERE, "case_key": "k", "measure": "overdue"}
        said = {"state": ObjectionState.WAITING.value, "who": "head", "why": "系统延迟", "made_wall": 0}
        number = await conn.scalar(insert(objection).values(fault | said).returning(objection.c.id))
    async with bound(hall, Role.CHIEF, THERE) as own:
        for to in ("grant", "refuse"):
            answer = await own.post(
                f"/hall/objections/{number}/{to}", None, csrf="token", why="经核实异议成立"
            )
            assert answer.status == 404
    async with hall.store.read() as conn:
        assert await conn.scalar(select(objection.c.state)) == ObjectionState.WAITING.value
    async with hall.store.write() as conn:
        await conn.execute(objection.delete())


async def test_who_reaches_a_part_decides_nothing_for_the_whole_city(hall: Served) -> None:
    for role, path, form in (
        (Role.CHIEF, "/hall/scores/1/final", {}),
        (Role.CHIEF, "/hall/schemes/drafts/1/approve", {}),
        (Role.CHIEF, "/hall/scores/run", {"period": "上个月"}),
        (Role.PUBLISHER, "/hall/publications", {"run": "1", "title": "六月绩效公告"}),
    ):
        async with bound(hall, role, HERE) as own:
            answer = await own.post(path, None, csrf="token", why="按规定办理", **form)
            assert (answer.status, "由能查看全市的人办理" in await answer.text()) == (403, True), path
        async with bound(hall, role) as own:
            answer = await own.post(path, None, csrf="token", why="按规定办理", **form)
            assert answer.status in {400, 404}, path


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 20, "-1", "²", "１"])
async def test_a_number_that_fits_no_column_is_the_senders_fault(hall: Served, number: str) -> None:
    """The longest no `int` takes, the others no database; what looks like a digit is none."""
    edges = {"kind": "zone", "id": "", "name": "", "left": number, "top": "1", "right": "2", "bottom": "3"}
    async with hall.store.write() as conn:
        await cameras.add(conn, [SAID])
    posts: list[tuple[Role, str, dict[str, str]]] = [
        (Role.SUPERVISOR, "/hall/corrections/batch", {"number": f"{number}:1"}),
        (Role.CHIEF, "/hall/documents/drafts/1/sign", {"edits": number}),
        (Role.HEAD, "/unit/acknowledge", {"number": f"{number}:1", "reason": "已安排办理"}),
        (Role.PUBLISHER, "/hall/publications", {"run": number, "title": "六月绩效公告"}),
        (Role.IT, "/hall/cameras/s03/c1/regions", edges),
    ]
    for role, path, form in posts:
        async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
            answer = await Window(hall, session).post(path, None, csrf="token", why="按规定办理", **form)
        assert answer.status in {400, 404}, (path, answer.status)


async def test_a_form_that_is_sent_twice_has_one_effect(hall: Served) -> None:
    survey = {"title": "办事环境大家谈", "intro": "请如实填写", "first": "2026-06-12", "last": "2026-06-30"}
    survey["questions"] = "单选 窗口的人耐心吗\n耐心\n不耐心"
    notice = {"title": "关于端午节放假的公告", "text": "端午节放假一天，窗口不对外服务。"}
    for role, path, form, table in (
        (Role.PUBLISHER, "/hall/notices", notice, t.metadata.tables["bulletin"]),
        (Role.PUBLISHER, "/hall/surveys", survey, t.metadata.tables["survey"]),
        (Role.IT, "/hall/sites/s03/doctor", {}, t.command),
    ):
        async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
            own = Window(hall, session)
            answers = [await own.post(path, None, csrf="token", **form) for _ in range(2)]
        assert [answer.status for answer in answers] == [303, 303], path
        assert answers[0].headers["Location"] == answers[1].headers["Location"]
        assert len(await kept(hall, table)) == 1, path


async def test_two_that_a_double_click_sends_at_one_instant_have_one_effect(hall: Served) -> None:
    bulletin = t.metadata.tables["bulletin"]
    async with aiohttp.ClientSession(cookies=await hall.session(Role.PUBLISHER)) as session:
        own = Window(hall, session)
        for turn in range(5):
            form = {"title": f"关于第 {turn} 次停电的公告", "text": "明日上午停电，窗口改在东侧大厅。"}
            sent = (own.post("/hall/notices", None, csrf="token", **form) for _ in range(4))
            answers = await asyncio.gather(*sent)
            assert {answer.status for answer in answers} == {303}
            assert len({answer.headers["Location"] for answer in answers}) == 1
            async with hall.store.read() as conn:
                mine = select(func.count()).where(bulletin.c.title == form["title"])
                assert await conn.scalar(mine) == 1


async def test_a_form_with_the_token_of_another_session_does_nothing(hall: Served) -> None:
    async with hall.store.read() as conn:
        before = await conn.scalar(select(func.count()).select_from(t.saved_view))
    other = await hall.session_of("chief", csrf="token-of-chief")
    assert other
    async with aiohttp.ClientSession(cookies=await hall.session(Role.SUPERVISOR)) as session:
        form = {"csrf": "token-of-chief", "list": "cases", "query": "light=red", "name": "红灯"}
        assert (await Window(hall, session).post("/hall/views", None, **form)).status == 403
    async with hall.store.read() as conn:
        assert await conn.scalar(select(func.count()).select_from(t.saved_view)) == before


async def test_what_is_no_http_is_answered_and_leaves_nothing_in_the_log(
    hall: Served, caplog: pytest.LogCaptureFixture
) -> None:
    server = logging.getLogger("aiohttp.server")
    server.addFilter(is_ours)
    try:
        host, port = hall.url.removeprefix("http://").split(":")
        for raw in (b"GET /login?name=" + b"1" * 9_000, b"GET / HTTP/9.9 \x00", b"GET /\r\nHost\x00: x"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(raw + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).split()[1] == b"400"
            writer.close()
        assert [line.message for line in caplog.records if line.name == "aiohttp.server"] == []
        server.error("ours", exc_info=ValueError("x"))
        assert [line.message for line in caplog.records if line.name == "aiohttp.server"] == ["ours"]
    finally:
        server.removeFilter(is_ours)
