"""Second factor, sessions that can be seen and ended, and the three administrators who need each other."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pyotp
import pytest
import pytest_asyncio
from sqlalchemy import select

from central import factor
from central.core.access import Role
from central.store import sessions, users
from central.store import tables as t
from central.web.guard import digest
from tests.integration import serving
from tests.integration.serving import OPERATIONS, Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = factor.key_of(OPERATIONS)
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest_asyncio.fixture(loop_scope="module")
async def strict(tmp_path: Path) -> AsyncIterator[Served]:
    """A hall in which the security administrator must have a second factor."""
    clock = serving.FridayClock()
    async with serving.serve(tmp_path, clock, fill=serving.nothing, second_factor=[Role.SECURITY]) as served:
        yield served


async def test_a_role_that_must_sets_up_a_factor_first_and_then_needs_it_and_no_code_twice(
    strict: Served,
) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        own = Window(strict, session)
        await own.post("/login", name="security", password=serving.PASSWORD)
        assert (await own.head("/hall")).headers["Location"] == "/account/factor"
        html = (await own.get("/account/factor"))[1]
        secret, csrf = _field(html, "secret"), _field(html, "csrf")
        assert "<svg" in html
        bad = await own.post("/account/factor", csrf=csrf, secret=secret, code="000000x")
        assert bad.status == 400
        code = pyotp.TOTP(secret).generate_otp(strict.clock.wall() // factor.STEP)
        assert (await own.post("/account/factor", csrf=csrf, secret=secret, code=code)).status == 303
        assert (await own.get("/hall"))[0] == 200
        again = await own.post("/account/factor", csrf=csrf, secret=secret, code=code)
        assert again.status == 400, "one in use is lifted by somebody else alone"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        own = Window(strict, session)
        answer = await own.post("/login", name="security", password=serving.PASSWORD)
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
        ticket = _field(await answer.text(), "ticket")
        used = await own.post("/login/code", ticket=ticket, code=code)
        assert used.status == 401, "the code that set it up was used by that"
        later = pyotp.TOTP(secret).generate_otp(strict.clock.wall() // factor.STEP + 1)
        assert (await own.post("/login/code", ticket="x" + ticket, code=later)).status == 401
        done = await own.post("/login/code", ticket=ticket, code=later)
        assert (done.status, done.headers["Location"]) == (303, "/hall")
        async with strict.store.read() as conn:
            kept = (await conn.execute(select(t.user.c.factor).where(t.user.c.name == "security"))).scalar()
        assert kept is not None
        assert secret.encode() not in kept


def _field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', html)
    assert found is not None
    return found[1]


async def test_guessing_codes_makes_one_wait_like_guessing_passwords(hall: Served, stranger: Window) -> None:
    async with hall.store.write() as conn:
        values = {"factor": factor.sealed(KEY, "leader", RFC_SECRET)}
        await conn.execute(t.user.update().where(t.user.c.name == "leader").values(values))
    answer = await stranger.post("/login", name="leader", password=serving.PASSWORD)
    ticket = _field(await answer.text(), "ticket")
    statuses = [(await stranger.post("/login/code", ticket=ticket, code="x")).status for _ in range(4)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    async with hall.store.write() as conn:
        await conn.execute(t.user.update().where(t.user.c.name == "leader").values(factor=None))


async def test_one_sees_where_one_is_logged_in_and_ends_the_other_windows_but_nobody_elses(
    hall: Served, stranger: Window
) -> None:
    others = await hall.session(Role.REVIEWER)
    foreign = await hall.session(Role.CHIEF)
    await stranger.post("/login", name="reviewer", password=serving.PASSWORD)
    html = (await stranger.get("/account"))[1]
    assert "2 处" in text_of(html)
    csrf = _field(html, "csrf")
    async with hall.store.read() as conn:
        row = (await conn.execute(select(t.session).where(t.session.c.user == "chief"))).first()
        assert row is not None
    assert (await stranger.post("/account/windows", csrf=csrf, id=row.token.hex())).status == 303
    assert (await stranger.post("/account/windows", csrf=csrf, id="nonsense")).status == 303
    assert await _status(hall, foreign, "/hall") == 200
    assert await _status(hall, others, "/hall") == 200
    await stranger.post("/account/windows", csrf=csrf, id="others")
    assert await _status(hall, others, "/hall") == 303
    assert (await stranger.get("/hall"))[0] == 200


async def _status(hall: Served, cookies: dict[str, str], path: str) -> int:
    async with aiohttp.ClientSession(cookies=cookies) as session:
        return (await Window(hall, session).get(path))[0]


async def test_an_account_needs_two_administrators_and_neither_serves_himself(hall: Served) -> None:
    async with (
        aiohttp.ClientSession(cookies=await hall.session(Role.ACCOUNTS)) as first,
        aiohttp.ClientSession(cookies=await hall.session(Role.SECURITY)) as second,
    ):
        system, security = Window(hall, first), Window(hall, second)
        made = await system.post(
            "/hall/admin/people", csrf="token", name="李梅", role="supervisor", site="s12"
        )
        words = text_of(await made.text())
        secret = re.search(r"用户 李梅 ： (\S+)", words)
        assert secret, words
        assert "李梅 监察员，只及站点 西城街道 待授权" in words
        assert secret[1] not in (await system.get("/hall/admin/people"))[1]
        one = "/hall/admin/people/%E6%9D%8E%E6%A2%85"
        assert await _logs_in(hall, "李梅", secret[1]) == 401
        assert (await system.post(f"{one}/approve", csrf="token")).status == 403
        assert (await security.post(f"{one}/change", csrf="token", role="chief")).status == 403
        assert (await security.post(f"{one}/approve", csrf="token")).status == 303
        assert (await security.post(f"{one}/approve", csrf="token")).status == 404, "nothing waits any more"
        assert await _logs_in(hall, "李梅", secret[1]) == 303
        assert "1 处" in text_of((await security.get(one))[1])
        assert (await security.post(f"{one}/logout", csrf="token")).status == 303
        assert "0 处" in text_of((await security.get(one))[1])
        assert (await system.post(f"{one}/change", csrf="token", role="chief")).status == 303
        assert await _logs_in(hall, "李梅", secret[1]) == 401, "another role is authorised anew"
        for own, who, act in ((system, "accounts", "reset"), (security, "security", "forget")):
            answer = await own.post(f"/hall/admin/people/{who}/{act}", csrf="token")
            assert answer.status == 400
        assert (await system.post("/hall/admin/people/nobody/disable", csrf="token")).status == 404
        assert (await system.post("/hall/admin/people", csrf="token", name="a", role="king")).status == 400
    async with hall.store.read() as conn:
        lines = (await conn.execute(select(t.audit_line).where(t.audit_line.c.subject == "李梅"))).all()
    acts = [line.act for line in lines if line.act.startswith("user.")]
    assert acts == ["user.add", "user.approve", "user.logout", "user.ask"]


async def _logs_in(hall: Served, name: str, secret: str) -> int:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        return (await Window(hall, session).post("/login", name=name, password=secret)).status


async def test_a_screen_shows_the_wall_for_ever_and_nothing_else_and_never_a_log_in_page(
    hall: Served,
) -> None:
    token = "wall-of-the-test"
    async with hall.store.write() as conn:
        await users.add_wall(conn, "一号屏", 0)
        await sessions.begin(conn, digest(token), "一号屏", "csrf", 0)  # as if it had been dark for years
        await sessions.end_stale(conn, hall.clock.wall())
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        own = Window(hall, session)
        answer = await own.head(f"/wall/{token}")
        assert (answer.status, answer.headers["Location"]) == (303, "/hall")
        answer = await own.head(f"/wall/{token}?scene=video,score&every=30&next=//elsewhere")
        assert answer.headers["Location"] == "/hall?scene=video,score&every=30"
        for path in (
            "/hall",
            "/hall?scene=video,score,sites&every=30",
            "/hall?scene=score",
            "/hall?scene=sites",
        ):
            assert (await own.get(path))[0] == 200, path
        for path in ("/hall?scene=nothing", "/hall?scene=video&every=1"):
            status, html = await own.get(path)
            assert (status, "scene" in html or "every" in html) == (400, True)
        for path in ("/hall/sites", "/hall/queue", "/hall/cases", "/account", "/password"):
            assert (await own.get(path))[0] == 403, path
        async with hall.store.write() as conn:
            await sessions.end_of(conn, "一号屏")
        for path in ("/hall", f"/wall/{token}", "/wall/nonsense"):
            status, html = await own.get(path)
            assert status == 401, path
            assert "大屏未授权" in text_of(html), path
            assert 'type="password"' not in html
    async with aiohttp.ClientSession(cookies=await hall.session(Role.CHIEF)) as session:
        cookie = "cookie-of-chief"
        assert (await Window(hall, session).head(f"/wall/{cookie}")).status == 401, "no way in for people"


async def test_what_a_stranger_sends_ends_in_a_page_and_never_in_a_fault(
    hall: Served, stranger: Window
) -> None:
    evil = "<script>alert(1)</script>"
    fields = {f"f{number}": "x" for number in range(3_000)}
    for form, allowed in (
        ({"name": "x" * 70_000, "password": "x"}, {413}),
        (fields, {401, 413}),
        ({"name": evil, "password": evil, "next": evil}, {401}),
        ({"name": "\0\ud7ff", "password": "\0"}, {400}),
    ):
        async with stranger.session.post(stranger.hall.url + "/login", data=form) as answer:
            html = await answer.text()
        assert answer.status in allowed, (answer.status, sorted(form)[:2])
        assert "<script>alert" not in html
    headers = {"User-Agent": evil}
    form = {"name": "publisher", "password": serving.PASSWORD}
    assert (await stranger.post("/login", headers, **form)).status == 303
    html = (await stranger.get("/account"))[1]
    assert "<script>alert" not in html
    assert "其他浏览器" in html
    for name in (evil, "a/../b", "a%0d%0ab", "x" * 2_000):
        async with aiohttp.ClientSession(cookies=await hall.session(Role.ACCOUNTS)) as session:
            own = Window(hall, session)
            answer = await own.post("/hall/admin/people", csrf="token", name=name, role="it")
            assert answer.status == 400, name
            assert (await own.get(f"/hall/admin/people/{quote(name, safe='')}"))[0] in {303, 404}, name
