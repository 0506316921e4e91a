"""Logging in and out: what opens a session, what ends it, and what never does."""

import asyncio
import re
from urllib.parse import quote, unquote_plus

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select, update
from structlog.testing import capture_logs

from central.core.access import Role
from central.store import login_failures
from central.store import tables as t
from central.web.app import make_app
from central.web.login import UNKNOWN
from central.web.page import HALL
from tests.integration import serving
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_log_in_opens_a_session_and_goes_on_to_where_one_was_going(
    hall: Served, stranger: Window
) -> None:
    answer = await stranger.post("/login", name="chief", password=serving.PASSWORD, next="/hall/sites?x=1")
    assert (answer.status, answer.headers["Location"]) == (303, "/hall/sites?x=1")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert (await stranger.get("/hall/sites"))[0] == 200
    async with hall.store.read() as conn:
        tokens = (await conn.execute(select(t.session.c.token))).scalars().all()
    assert all(value.encode() not in tokens for value in cookie.split("=")[1:2])


ELSEWHERE = [
    "//evil.example/x", "///evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "hall", "",
    "/\t/evil.example/x", "/\r/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/\x0b/evil.example",
    "/\x85/evil.example", "/\x7f/evil.example", "/\t\\evil.example", "/hall\r\nSet-Cookie: a=b",
    "javascript:alert(1)", "http:/hall", "//[evil", "?/hall",
]  # fmt: skip
INSIDE = ["/hall/cases?q=a b&x=//evil.example", "/hall/sites/s01#/x", "/hall/cases?q=%E7%8E%8B"]


@pytest.mark.parametrize("target", ELSEWHERE)
async def test_log_in_leads_nowhere_else(stranger: Window, target: str) -> None:
    answer = await stranger.post("/login", name="leader", password=serving.PASSWORD, next=target)
    assert answer.headers["Location"] == "/hall"
    # and whoever is logged in already is not led there by a link
    answer = await stranger.head(f"/login?next={quote(target, safe='')}")
    assert answer.headers["Location"] == "/hall"
    answer = await stranger.post("/theme", csrf=_csrf((await stranger.get("/hall/sites"))[1]), back=target)
    assert answer.headers["Location"] == "/hall"


@pytest.mark.parametrize("target", INSIDE)
async def test_log_in_leads_to_any_address_of_the_hall(stranger: Window, target: str) -> None:
    for answer in (
        await stranger.post("/login", name="leader", password=serving.PASSWORD, next=target),
        await stranger.head(f"/login?next={quote(target, safe='')}"),
    ):
        assert unquote_plus(answer.headers["Location"]) == unquote_plus(target)


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(stranger: Window) -> None:
    wrong = await stranger.post("/login", name="auditor", password="x")
    unknown = await stranger.post("/login", name="nobody", password="x")
    assert (wrong.status, unknown.status) == (401, 401)
    assert (await wrong.text()).replace("auditor", "nobody") == await unknown.text()
    assert "Set-Cookie" not in wrong.headers


async def test_a_password_that_was_typed_for_a_name_is_kept_nowhere(hall: Served, stranger: Window) -> None:
    with capture_logs() as logs:
        for name in (*[serving.PASSWORD] * 3, "accounts"):
            assert (await stranger.post("/login", name=name, password="x")).status == 401
    said = [one["user"] for one in logs if one["event"] == "login.refused"]
    assert said == [*[UNKNOWN] * 3, "accounts"]
    async with hall.store.read() as conn:
        lines = [line for line in await conn.execute(select(t.audit_line)) if line.act == "login.refused"]
    assert [line.who for line in lines] == [UNKNOWN]
    assert serving.PASSWORD not in str(lines) + str(logs)


async def test_after_three_wrong_passwords_even_the_right_one_must_wait(
    hall: Served, stranger: Window
) -> None:
    await _guess(hall, stranger, "releaser")
    answer = await stranger.post("/login", name="releaser", password=serving.PASSWORD)
    assert answer.status == 429
    assert re.search(r"请 \d+ 秒后再试", text_of(await answer.text()))


async def _guess(hall: Served, stranger: Window, name: str) -> None:
    """Three wrong ones; then as if there had been nine, because two seconds are over before a busy machine asks again."""
    for _ in range(3):
        assert (await stranger.post("/login", name=name, password="x")).status == 401
    tries = t.login_failure.c.tries
    where = t.login_failure.c.who == login_failures.key(name, "127.0.0.1")
    async with hall.store.write() as conn:
        assert await conn.scalar(select(tries).where(where)) == 3
        await conn.execute(update(t.login_failure).where(where).values(tries=9))


async def test_a_restart_of_the_hall_frees_no_guesser(hall: Served, stranger: Window) -> None:
    await _guess(hall, stranger, "restarted")
    app = make_app(hall.store, hall.app[HALL].config, hall.clock, serving.OPERATIONS)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        answer = await client.post("/login", data={"name": "restarted", "password": "x"})
        assert answer.status == 429
        assert (await client.post("/login", data={"name": "another", "password": "x"})).status == 401
    async with hall.store.read() as conn:
        kept = (await conn.execute(select(t.login_failure.c.who))).scalars().all()
    assert not any(b"restarted" in who for who in kept), "what was typed as a name is not kept"


async def test_guesses_side_by_side_are_counted_too(stranger: Window) -> None:
    guesses = (stranger.post("/login", name="accounts", password="x") for _ in range(12))
    statuses = [answer.status for answer in await asyncio.gather(*guesses)]
    assert statuses.count(429) >= 6  # a busy machine takes so long that the first, short waits end meanwhile


async def test_a_first_password_opens_nothing_but_its_own_change(stranger: Window) -> None:
    answer = await stranger.post("/login", name="newcomer", password=serving.FIRST_PASSWORD)
    assert answer.headers["Location"] == "/password"
    assert (await stranger.head("/hall")).headers["Location"] == "/password"
    status, html = await stranger.get("/password")
    assert status == 200
    csrf = _csrf(html)
    bad = await stranger.post("/password", csrf=csrf, old=serving.FIRST_PASSWORD, new="short", again="other")
    assert bad.status == 400
    assert "有 3 处需要改" in text_of(await bad.text())
    new = "Qian-Shan-2026"
    done = await stranger.post("/password", csrf=csrf, old=serving.FIRST_PASSWORD, new=new, again=new)
    assert done.headers["Location"] == "/hall"
    assert (await stranger.get("/hall/sites"))[0] == 200


def _csrf(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found is not None
    return found[1]


async def test_a_changed_password_ends_the_sessions_of_the_other_windows(
    hall: Served, stranger: Window
) -> None:
    other = await hall.session(Role.COMPLAINTS)
    await stranger.post("/login", name="complaints", password=serving.PASSWORD)
    csrf = _csrf((await stranger.get("/password"))[1])
    new = "Qian-Shan-2026"
    await stranger.post("/password", csrf=csrf, old=serving.PASSWORD, new=new, again=new)
    async with aiohttp.ClientSession(cookies=other) as session:
        assert (await Window(hall, session).head("/hall")).status == 303
    assert (await stranger.head("/hall")).status == 200


async def test_a_forged_post_does_nothing(window: Window, stranger: Window) -> None:
    assert (await window.post("/logout")).status == 403
    assert (await window.post("/logout", csrf="guess")).status == 403
    assert (await window.head("/hall")).status == 200
    elsewhere = {"Origin": "https://evil.example"}
    answer = await stranger.post("/login", elsewhere, name="chief", password=serving.PASSWORD)
    assert answer.status == 403


async def test_a_cookie_planted_before_log_in_is_worth_nothing_after(hall: Served) -> None:
    planted = {"mc_session": "planted"}
    async with aiohttp.ClientSession(cookies=planted) as session:
        victim = Window(hall, session)
        answer = await victim.post("/login", name="centre", password=serving.PASSWORD)
        assert answer.status == 303
        assert "planted" not in answer.headers["Set-Cookie"]
    async with aiohttp.ClientSession(cookies=planted) as session:
        assert (await Window(hall, session).head("/hall")).status == 303


async def test_log_out_ends_the_session_and_not_only_the_cookie(hall: Served) -> None:
    cookies = await hall.session(Role.PUBLISHER)
    async with aiohttp.ClientSession(cookies=cookies) as session:
        assert (await Window(hall, session).post("/logout", csrf="token")).headers["Location"] == "/login"
    async with aiohttp.ClientSession(cookies=cookies) as session:
        assert (await Window(hall, session).head("/hall")).status == 303


async def test_the_theme_is_the_readers_choice_and_comes_back_to_the_page(window: Window) -> None:
    assert 'data-theme="light"' in (await window.get("/hall/sites"))[1]
    answer = await window.post("/theme", csrf="token", theme="dark", back="/hall/cases?light=red")
    assert answer.headers["Location"] == "/hall/cases?light=red"
    assert 'data-theme="dark"' in (await window.get("/hall/sites"))[1]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"no boundary at all"),
        ("application/x-www-form-urlencoded; charset=nope", b"name=a"),
        ("application/x-www-form-urlencoded", b"name=\xff\xfe"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"name=+2AA-&password=x"),
        ("application/x-www-form-urlencoded; charset=unicode_escape", rb"name=x&password=\udfff"),
    ],
)
async def test_a_body_that_is_no_form_is_the_senders_fault(stranger: Window, kind: str, body: bytes) -> None:
    url = stranger.hall.url + "/login"
    async with stranger.session.post(url, data=body, headers={"Content-Type": kind}) as answer:
        assert answer.status in {400, 401}
        assert "没有打开" not in await answer.text()
