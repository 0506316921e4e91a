"""An account sees what it was given, by site and by office, and an address made up by hand shows no more."""

import re
from html import unescape

import aiohttp
import pytest
from sqlalchemy import delete, func, select, update

from central.core.access import Role
from central.store import scope
from central.store import tables as t
from common.core.errors import UsageError
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
OFFICE, BELOW = "民政局", "民政局救助科"


async def _window(hall: Served, role: Role, sites: list[str], offices: list[str]) -> Window:
    async with hall.store.write() as conn:
        await scope.give(conn, role.value, sites, offices)
    return Window(hall, aiohttp.ClientSession(cookies=await hall.session(role)))


async def _listed(own: Window) -> set[str]:
    """Every case that the account's lists show, page after page."""
    found: set[str] = set()
    path = "/hall/cases?state=all"
    while path:
        html = (await own.get(path))[1]
        found |= {unescape(href) for href in re.findall(r'class="cover" href="(/hall/cases/[^"]+)"', html)}
        more = re.search(r'href="([^"]+)">下一页', html)
        path = unescape(more[1]) if more else ""
    return found


async def test_an_office_without_a_reach_sees_no_case_and_no_site(hall: Served) -> None:
    own = await _window(hall, Role.CLERK, [], [])
    assert await _listed(own) == set()
    assert "没有待处置的红黄灯" in text_of((await own.get("/hall/queue"))[1])
    assert "还没有登记站点" in text_of((await own.get("/hall/sites"))[1])
    assert (await own.get("/hall/sites/s12"))[0] == 404
    await own.session.close()


@pytest.mark.parametrize("role", [Role.HEAD, Role.SUPERVISOR])
async def test_a_site_bounds_every_list_and_every_address(hall: Served, role: Role) -> None:
    own = await _window(hall, role, ["s12"], [])
    async with hall.store.read() as conn:
        count = await conn.scalar(select(func.count()).where(t.case.c.site == "s12"))
        other = (await conn.execute(select(t.case).where(t.case.c.site == "s03").limit(1))).one()
    found = await _listed(own)
    assert len(found) == count
    assert all(href.startswith("/hall/cases/s12/") for href in found)
    for path in (
        "/hall/sites/s03",
        f"/hall/cases/s03/{other.case_key}",
        f"/hall/cases/{other.case_no}",
    ):
        assert (await own.get(path))[0] == 404, path
    assert "没有符合条件的办件" in text_of((await own.get("/hall/cases?site=s03&state=all"))[1])
    html = (await own.get("/hall/sites"))[1]
    assert re.findall(r'href="/hall/sites/(\w+)"', html) == ["s12"]
    await own.session.close()
    async with hall.store.write() as conn:
        await scope.give(conn, role.value, [], [])


async def test_an_office_reaches_its_own_cases_and_those_below_it_and_no_others(hall: Served) -> None:
    async with hall.store.write() as conn:
        await scope.add_office(conn, OFFICE, "")
        await scope.add_office(conn, BELOW, OFFICE)
        keys = list(await conn.scalars(select(t.case.c.case_key).where(t.case.c.site == "s12").limit(3)))
        for key, office in zip(keys, (OFFICE, BELOW, None), strict=True):
            mine = t.case.c.site == "s12", t.case.c.case_key == key
            await conn.execute(update(t.case).where(*mine).values(org=office))
    own = await _window(hall, Role.HEAD, [], [OFFICE])
    assert {href.rsplit("/", 1)[1] for href in await _listed(own)} == set(keys[:2])
    assert (await own.get(f"/hall/cases/s12/{keys[1]}"))[0] == 200
    assert (await own.get(f"/hall/cases/s12/{keys[2]}"))[0] == 404
    await own.session.close()
    async with hall.store.write() as conn:
        await conn.execute(delete(t.org))


async def test_an_alarm_of_another_site_is_not_there_to_be_accepted(hall: Served) -> None:
    own = await _window(hall, Role.SUPERVISOR, ["s12"], [])
    assert (await own.post("/hall/sites/s09/alarms/1", csrf="token", why="已到现场核实")).status == 404
    await own.session.close()
    async with hall.store.write() as conn:
        await scope.give(conn, "supervisor", [], [])


async def test_a_misspelt_site_or_office_is_refused_instead_of_hiding_everything(hall: Served) -> None:
    with pytest.raises(UsageError, match="没有站点 s99"):
        async with hall.store.write() as conn:
            await scope.give(conn, "head", ["s99"], [])
    with pytest.raises(UsageError, match="没有机构 税务局"):
        async with hall.store.write() as conn:
            await scope.give(conn, "head", [], ["税务局"])
    with pytest.raises(UsageError, match="没有上级机构"):
        async with hall.store.write() as conn:
            await scope.add_office(conn, "某科", "税务局")
