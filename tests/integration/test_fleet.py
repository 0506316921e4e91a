"""The boxes' page and a box's doctor in the hall, on both databases: figures, words of the terminal, who may ask."""

import html
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import delete, insert, select

from central.core.access import Role
from central.store import fleet
from central.store import tables as t
from central.web.page import HALL
from common import health
from common.core.checks import CHECKS
from common.core.instant import DAY, HOUR, MINUTE
from common.core.state import DoctorVerdict, Link
from common.health import Finding, Status
from tests.core.test_health import finding
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
IDS = [name for name in CHECKS if "-HALL-" not in name]
WELL = [finding(name, Status.OK) for name in IDS]
ILL = [
    finding("E-NET-03", Status.FAIL, "10.1.0.5:8883 <b>连接被拒绝</b>") if name == "E-NET-03" else finding(name, Status.OK)
    for name in IDS
]  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module")
async def keeper(hall: Served) -> AsyncIterator[Window]:
    """Who keeps the machines is logged in."""
    jar = aiohttp.CookieJar(unsafe=True)
    cookies = await hall.session(Role.IT)
    async with aiohttp.ClientSession(cookies=cookies, cookie_jar=jar) as session:
        yield Window(hall, session)


async def answered(hall: Served, number: str, verdict: str, run: list[Finding], age: int) -> None:
    """What a box has said to a command, `age` ago."""
    now = hall.clock.wall()
    row = {"id": number, "site": "s01", "act": "doctor", "args": "{}", "who": "王工", "why": "例行"}
    row |= {"subject": ""}
    detail = f"{verdict} 云溪镇的话\n{health.shortened(run)}"
    times = {"issued_wall": now - age, "expires_wall": now, "ended_wall": now - age}
    async with hall.store.write() as conn:
        await conn.execute(insert(t.command).values(**row, **times, outcome="done", detail=detail))


async def test_every_box_is_there_with_its_certificate_generation_doctor_and_command(
    hall: Served, keeper: Window
) -> None:
    now = hall.clock.wall()
    async with hall.store.write() as conn:
        leaf = {"site": "s01", "generation": 3, "key": b"k", "issued_wall": now}
        await conn.execute(delete(t.box).where(t.box.c.site == "s01"))
        await conn.execute(
            insert(t.box).values(
                site="s01", generation=3, sign_key=b"s" * 32, state="active", created_wall=now
            )
        )
        await conn.execute(insert(t.certificate).values(**leaf, serial="a1", ends_wall=now + DAY))
        await conn.execute(insert(t.certificate).values(**leaf, serial="a2", ends_wall=now + 5 * DAY + HOUR))
        order = {"id": "r1", "release": "1.2-b", "wait": 0, "who": "王工", "why": "例行", "created_wall": now}
        await conn.execute(insert(t.rollout).values(**order, state="halted", halted_why="", ended_wall=now))
        place = {"rollout": "r1", "site": "s01", "wave": 1, "release": "1.2-b", "arch": "x86_64", "job": b""}
        await conn.execute(
            insert(t.upgrade).values(**place, standing="rolled_back", why="没有动静", said="", ended_wall=now)
        )
    await answered(hall, "c1", "ok", WELL, 2 * HOUR)
    await answered(hall, "c2", "degraded", ILL, 7 * MINUTE // 2)
    async with hall.store.read() as conn:
        examined = await fleet.examined(conn)
    assert {site: item.verdict for site, item in examined.items()} == {"s01": DoctorVerdict.DEGRADED}
    code, page = await keeper.get("/hall/admin/sites")
    assert code == 200
    row = page[page.index("/hall/sites/s01") :].partition("</tr>")[0]
    words = text_of(f"<body{row}")
    for said in (
        "第 3 代",
        "5 天",
        "第 2 批",
        "已自动退回 1.2-b",
        "部分故障",
        "3 分前",
        "mingcha doctor --site s01",
        "mingcha site reissue s01",
    ):
        assert said in words, (said, words)
    assert 'data-copy="mingcha doctor --site s01"' in row
    assert len(re.findall(r"<tr>\s*<td class=\"c-name\"", page)) == 18
    tiles = hall.app[HALL].wall.state["s"]
    cut_off = {site for site, tile in tiles.items() if tile["link"] in {Link.OFFLINE, Link.STOPPED}}
    assert cut_off
    assert f"18 个站点，{len(cut_off | {'s01'})} 个要看一下" in text_of(page)


async def test_a_boxs_doctor_says_what_the_terminal_says_and_what_changed(
    hall: Served, keeper: Window
) -> None:
    await answered(hall, "d1", "ok", WELL, 2 * MINUTE)
    await answered(hall, "d2", "degraded", ILL, MINUTE)
    code, page = await keeper.get("/hall/sites/s01/doctor")
    assert code == 200
    assert "<b>连接被拒绝" not in page, "what a box says stays text"
    words = text_of(page)
    assert "10.1.0.5:8883 <b>连接被拒绝</b>" in words
    for name in IDS:
        assert name in words
        assert f"{CHECKS[name].group(name)}.{CHECKS[name].title}" in words
    assert CHECKS["E-NET-03"].remedy in words
    assert "网络.消息链路：正常 → 故障" in words
    assert words.index("E-NET-03") < words.index("E-SYS-01"), "the worst first"
    assert "还没有问过这台机器" in text_of((await keeper.get("/hall/sites/s02/doctor"))[1])
    assert (await keeper.get("/hall/sites/s99/doctor"))[0] == 404


async def test_asking_writes_one_command_in_the_askers_name_and_only_the_keepers_may(
    hall: Served, keeper: Window, window: Window
) -> None:
    before = await commands_of(hall)
    assert (await window.get("/hall/sites/s02/doctor"))[0] == 403
    assert (await window.get("/hall/admin/sites"))[0] == 403
    assert (await window.post("/hall/sites/s02/doctor", csrf="token")).status == 403
    assert (await keeper.post("/hall/sites/s99/doctor", csrf="token")).status == 404
    assert await commands_of(hall) == before
    answer = await keeper.post("/hall/sites/s02/doctor", csrf="token")
    assert (answer.status, answer.headers["Location"]) == (303, "/hall/sites/s02/doctor")
    assert await commands_of(hall) == [*before, ("s02", "doctor", "it")]
    assert "等应答" in html.unescape((await keeper.get("/hall/sites/s02/doctor"))[1])


async def commands_of(hall: Served) -> list[tuple[str, str, str]]:
    async with hall.store.read() as conn:
        rows = await conn.execute(select(t.command).order_by(t.command.c.issued_wall))
        return [(row.site, row.act, row.who) for row in rows]
