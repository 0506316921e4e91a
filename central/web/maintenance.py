"""计划维护 of a site: set with a reason from when to when, ended early; shown where the site is shown."""

from contextlib import suppress
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import wording
from central.core.access import Permission
from central.core.hall import Facts
from central.core.maintenance import Window
from central.store import maintenance
from central.store.maintenance import Setting
from central.web.page import HALL, USER, Route, facts_of, reached_sites
from common.core.errors import UsageError
from common.core.instant import HOUR, from_us, to_us

SHORTEST, LONGEST = 4, 200
SHOWN = 8
_FORM = "%Y-%m-%dT%H:%M"
_FIRST = 1970
"""The first days of the calendar lie before it in another zone."""


class Line(Struct, frozen=True):
    """One maintenance as its site's page shows it. `state`: 维护中, 将于…开始, 已结束."""

    id: int
    span: str
    why: str
    who: str
    state: str
    is_open: bool
    end: str


class Shown(Struct, frozen=True):
    """All of a site, and what the form begins with."""

    lines: list[Line]
    begins: str
    ends: str


async def shown(conn: AsyncConnection, site: str, facts: Facts) -> Shown:
    lines = []
    for row in await maintenance.listed(conn, site, SHOWN):
        window = Window(row.from_at, row.until_at if row.ended_at is None else row.ended_at)
        is_open = window.until_at > max(facts.now_at, window.from_at)
        early = (
            f"{wording.full(row.ended_at, facts.zone, facts.now_at)} 由 {row.ended_by} 结束：{row.end_why}"
            if row.ended_at
            else ""
        )
        span = _span(Window(row.from_at, row.until_at), facts)
        lines.append(Line(row.id, span, row.why, row.who, _state(window, facts.now_at), is_open, early))
    local = from_us(facts.now_at, facts.zone)
    return Shown(lines, f"{local:{_FORM}}", f"{from_us(facts.now_at + 2 * HOUR, facts.zone):{_FORM}}")


def _state(window: Window, now_at: int) -> str:
    if window.has(now_at):
        return "维护中"
    if window.until_at <= window.from_at:
        return "已取消"
    return "未开始" if window.from_at > now_at else "已结束"


def _span(window: Window, facts: Facts) -> str:
    return f"{wording.full(window.from_at, facts.zone, facts.now_at)} 至 {window.end(facts.zone)}"


async def plan(request: web.Request) -> web.Response:
    form, facts = await request.post(), facts_of(request)
    by = await _by(request)
    wish = Window(
        _instant(str(form.get("from", "")), facts.zone), _instant(str(form.get("until", "")), facts.zone)
    )
    try:
        async with request.app[HALL].store.write() as conn:
            await maintenance.plan(conn, wish, by, _span(wish, facts))
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"没有设置：{error}。{error.hint}。") from error
    raise _back(by.site)


async def end(request: web.Request) -> web.Response:
    by, number = await _by(request), int(request.match_info["number"])
    try:
        async with request.app[HALL].store.write() as conn:
            await maintenance.end(conn, number, by)
    except UsageError as error:
        raise web.HTTPNotFound(text=f"{error}。{error.hint}。") from error
    raise _back(by.site)


async def _by(request: web.Request) -> Setting:
    site, clock = request.match_info["site"], request.app[HALL].clock
    found = next((item for item in reached_sites(request) if item.id == site), None)
    if found is None:
        raise web.HTTPNotFound(text="没有这个站点，请从站点列表进入。")
    if found.signals.retired_wall is not None:
        raise web.HTTPBadRequest(text="站点已停用，不需要安排维护。")
    why = str((await request.post()).get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明原因，{SHORTEST} 至 {LONGEST} 个字。")
    return Setting(site, request[USER].name, why, clock.office(), clock.wall())


def _instant(text: str, zone: ZoneInfo) -> int:
    with suppress(ValueError):
        local = datetime.strptime(text, _FORM).replace(tzinfo=zone)
        if local.year >= _FIRST:
            return to_us(local)
    raise web.HTTPBadRequest(text="请写明从何时至何时，例如 2026-06-12T14:30。")


def _back(site: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"/hall/sites/{quote(site, safe='')}#maintenance")


_PATH = "/hall/sites/{site}/maintenance"
ROUTES = [
    Route("POST", _PATH, plan, Permission.KEEP_BOX),
    Route("POST", _PATH + r"/{number:\d{1,9}}/end", end, Permission.KEEP_BOX),
]
