"""The pages over a real store: who may see which, and what no page ever shows."""

import re
from html import escape
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import select, update

from central.core.access import Permission, Role, allows
from central.store import tables as t
from central.web.page import HALL, PERMISSIONS, Route
from common.core.state import Light
from tests import bound
from tests.integration import city_cases, serving
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

RED_CASE = "/hall/cases/s12/20260604121007"  # found late
PAUSED_CASE = "/hall/cases/s03/2026060403202"
GREY_CASE = "/hall/cases/s07/2026060407201"
PLACES = {
    "run": "1",
    "level": "site",
    "place": "1",
    "to": "refuse",
    "site": "s09",
    "key": "x",
    "no": "370220260604121007",
    "name": "tokens.css",
    "number": "1",
    "code": "SX1",
    "token": "wall-x",
    "camera": "c1",
    "epoch": "0" * 16,
    "seq": "1",
    "region": "w1",
    "begin": "1",
    "rule": "L42",
    "form": "pdf",
    "digest": "0" * 64,
    "part": "form",
    "reading": "read",
}


# who may -----------------------------------------------------------------------------------------------------


def routes(hall: Served) -> list[tuple[str, str, Permission]]:
    found = []
    for route, permission in hall.app[PERMISSIONS].items():
        assert route.resource is not None
        pattern = re.sub(r":(?:[^{}]|{[^}]*})*}", "}", route.resource.canonical)
        found.append((route.method, pattern.format(**PLACES), permission))
    return found


async def test_no_route_exists_without_a_permission(hall: Served) -> None:
    assert {id(route) for route in hall.app.router.routes()} == {id(route) for route in hall.app[PERMISSIONS]}
    with pytest.raises(TypeError):
        Route("GET", "/x", lambda _: None)  # type: ignore[call-arg,arg-type,return-value]


async def test_every_route_is_open_to_exactly_the_roles_of_the_table(hall: Served) -> None:
    """Each role asks for each address and posts an empty form to each: refused is 403, and nothing else is.

    Who is let in is decided before a database is asked: on the second one it is enough that one who may and one who may not ask.
    """
    is_second, asked = hall.store.engine.dialect.name == "postgresql", set[tuple[str, str, bool]]()
    for role in Role:
        async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
            own = Window(hall, session)
            for method, path, permission in routes(hall):
                if (method, path) == ("POST", "/login"):  # makes everybody wait after three; `test_login.py`
                    continue
                if is_second and (method, path, allows(role, permission)) in asked:
                    continue
                asked.add((method, path, allows(role, permission)))
                answer = await own.head(path) if method == "GET" else await own.post(path, csrf="token")
                where = (role, method, path, answer.status)
                assert (answer.status == 403) is not allows(role, permission), where
                assert answer.status in {200, 303, 400, 401, 403, 404}, where
                if path == "/logout":
                    await hall.session(role)


async def test_a_refused_page_says_what_is_needed_and_whom_to_ask(hall: Served) -> None:
    async with aiohttp.ClientSession(cookies=await hall.session(Role.CENTRE)) as session:
        status, html = await Window(hall, session).get("/hall/queue")
    assert status == 403
    words = text_of(html)
    assert "您的角色是政务中心" in words
    assert "监察员、监察领导" in words
    assert "403" not in words


async def test_without_log_in_there_is_only_the_way_to_it(hall: Served, stranger: Window) -> None:
    for method, path, permission in routes(hall):
        answer = await stranger.head(path) if method == "GET" else await stranger.post(path)
        if permission is Permission.PUBLIC:
            assert answer.status in {200, 401, 404}, path  # no document of that code
        elif method == "GET" and not path.startswith(("/api/", "/healthz")):
            assert answer.headers["Location"].startswith("/login?next=/"), path
        else:
            assert answer.status == 401, path


async def test_the_way_to_the_log_in_keeps_the_whole_address(stranger: Window) -> None:
    wanted = "/hall/cases?light=red&site=s01&page=2"
    answer = await stranger.head(wanted)
    assert answer.status == 303
    html = (await stranger.get(answer.headers["Location"]))[1]
    assert f'value="{escape(wanted)}"' in html


async def test_a_form_that_is_out_of_date_is_not_called_a_question_of_role(hall: Served) -> None:
    async with aiohttp.ClientSession(cookies=await hall.session(Role.SUPERVISOR)) as session:
        url = f"{hall.url}/theme"
        async with session.post(url, data={"theme": "dark"}, allow_redirects=False) as answer:
            words = text_of(await answer.text())
    assert answer.status == 403
    assert "页面已过期" in words
    assert "角色" not in words


async def test_every_answer_carries_the_security_headers(window: Window) -> None:
    for path in (
        "/hall",
        "/hall/sites",
        "/nowhere",
        "/static/tokens.css",
        "/api/v1/overview",
        "/",
        "/api/v1/stream",
    ):
        headers = (await window.head(path)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self'; worker-src 'self'"), path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path


async def test_no_page_needs_a_script_or_style_inside_it(window: Window) -> None:
    for path in (
        "/hall",
        "/hall/sites",
        "/hall/sites/s09",
        "/hall/queue",
        "/hall/cases",
        RED_CASE,
        "/password",
    ):
        status, html = await window.get(path)
        assert status == 200, path
        assert re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", html) is None, path
        assert re.findall(r"<script[^>]*>[^<]", html) == [], path


async def test_a_page_shows_what_its_script_would_write_there(hall: Served, window: Window) -> None:
    """Otherwise a change of one value blanks or rewords what stood there; sites without any data have the words for nothing."""
    wall, found = hall.app[HALL].wall, []
    mine = ["/hall", "/hall/sites", "/hall/queue", "/hall/corrections", RED_CASE]
    mine += [f"/hall/sites/{site}" for site in wall.state["s"]]
    async with aiohttp.ClientSession(cookies=await hall.session(Role.IT)) as session:
        asked = [(window, path) for path in mine] + [(Window(hall, session), "/hall/admin/sites")]
        for own, path in asked:
            before = None
            while before != wall.state:  # looked at anew meanwhile
                before = wall.state
                status, html = await own.get(path)
            number, wrong = bound.faults(html, wall.state)
            assert (status, number > 3) == (200, True), path
            found += [f"{path} {one}" for one in wrong]
    assert found == []
    assert wall.state["s"]["s15"]["until"] == "–"


# what pages never show ---------------------------------------------------------------------------------------


async def test_personal_data_is_masked_on_every_page(window: Window) -> None:
    for path in (
        "/hall",
        "/hall/queue",
        "/hall/cases",
        "/hall/cases?state=all",
        "/hall/sites/s12",
        RED_CASE,
        PAUSED_CASE,
    ):
        html = (await window.get(path))[1]
        assert "秀英" not in html, path
        assert city_cases.PHONE not in html, path


async def test_the_wall_and_its_stream_hold_no_full_case_number(hall: Served, window: Window) -> None:
    async with hall.store.read() as conn:
        query = select(t.case.c.case_no, t.case.c.case_key).where(
            t.case.c.light.in_([Light.RED, Light.YELLOW])
        )
        numbers = [part for row in await conn.execute(query) for part in row if part]
    html = (await window.get("/hall"))[1]
    async with window.session.get(hall.url + "/api/v1/stream") as answer:
        message = (await answer.content.readuntil(b"\n\n")).decode()
    assert numbers
    for number in numbers:
        assert number not in html
        assert number not in message
    assert "秀英" not in message


async def test_markup_in_a_sites_data_stays_text(hall: Served, window: Window) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    where = (t.case.c.site == "s02") & (t.case.c.light == Light.RED)
    fields = dict.fromkeys(("item_name", "applicant", "org", "responsible", "case_no", "outcome"), evil)
    async with hall.store.write() as conn:
        key = await conn.scalar(select(t.case.c.case_key).where(where))
        await conn.execute(update(t.case).where(where).values(fields))
        await conn.execute(update(t.transition).where(t.transition.c.case_key == key).values(why=evil))
        await conn.execute(update(t.dead_letter).values(reason=evil))
    for path in (
        "/hall/queue",
        "/hall/cases",
        f"/hall/cases/s02/{key}",
        "/hall/sites/s02",
        "/hall/sites/s09",
    ):
        status, html = await window.get(path)
        assert status == 200
        assert "<script>alert" not in html
        assert "<img" not in html
    html = (await window.get("/hall/cases?no=%3Cscript%3Ealert&item=%22%3E%3Cimg%3E&site=%3Cimg%3E"))[1]
    assert "<script>alert" not in html
    assert "<img" not in html


async def test_pages_of_an_empty_hall_say_what_comes_first(tmp_path: Path) -> None:
    async with serving.serve(tmp_path, serving.FridayClock(), fill=serving.nothing) as served:
        cookies = await served.session(Role.SUPERVISOR)
        async with aiohttp.ClientSession(cookies=cookies) as session:
            own = Window(served, session)
            assert "还没有登记站点" in text_of((await own.get("/hall/sites"))[1])
            assert "没有待处置的红黄灯。14:32 核对。" in text_of((await own.get("/hall/queue"))[1])
            assert "没有符合条件的办件" in text_of((await own.get("/hall/cases"))[1])
            assert (await own.get("/hall"))[0] == 200


async def test_the_demonstration_alone_answers_programs_without_log_in(
    tmp_path: Path, stranger: Window
) -> None:
    assert (await stranger.head("/api/v1/overview")).status == 401
    assert (await stranger.head("/healthz")).status == 401
    async with (
        serving.serve(tmp_path, serving.demo_clock(), fill=serving.nothing) as served,
        aiohttp.ClientSession() as session,
    ):
        own = Window(served, session)
        assert (await own.head("/api/v1/overview")).status == 200
        assert (await own.head("/healthz")).status == 200
        assert (await own.head("/hall")).status == 303
