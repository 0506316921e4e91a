"""简报: what the hall drafts every month or quarter, who is told of it, and every one that has been."""

from datetime import date
from typing import Any

from aiohttp import hdrs, web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import briefing
from central.briefing import Plan
from central.core import briefing as core
from central.core import period, wording
from central.core.access import Permission, allows
from central.core.briefing import Every
from central.core.calendar import Calendar
from central.core.saved_view import Listing, address
from central.core.scope import EVERYTHING
from central.store import briefings, documents, law, saved_views
from central.web.correction import desk
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.errors import UsageError
from common.core.instant import local_date

MOST = 60
_USUAL = "usual"


class Line(Struct, frozen=True, kw_only=True):
    """A plan as the page shows it. `next_word`: the period that is told next, and from which day."""

    number: int
    name: str
    every: str
    table: str
    next_word: str
    fault: str
    is_read: bool


async def show(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        calendar = await law.calendar_if_any(conn)
        plans, past = await briefings.plans(conn), await briefings.listed(conn, MOST)
        mine = await briefings.read_by(conn, user.name)
        views = await saved_views.seen_by(conn, user.name, Listing.STATISTICS)
        issuers = {row.id: row.name for row in await documents.issuers(conn)}
    sees = user.scope == EVERYTHING
    today = local_date(facts.now_at, facts.zone)
    return render(
        request,
        "briefings.html",
        sees=sees,
        may=_may(request),
        plans=[_line(row, today, calendar, row.id in mine) for row in plans] if sees and calendar else [],
        past=[_past(row) for row in past] if sees else [],
        views=views,
        everys=list(Every),
        usual=_USUAL,
        issuers=sorted(issuers.items()),
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _may(request: web.Request) -> bool:
    user = request[USER]
    return allows(user.role, Permission.WORK_CORRECTION) and user.scope == EVERYTHING


def _line(row: Row[Any], today: date, calendar: Calendar, is_read: bool) -> Line:
    every = Every(row.every)
    of = core.current(every, today)
    return Line(
        number=row.id,
        name=row.name,
        every=every.word,
        table=address(Listing.STATISTICS, row.query),
        next_word=f"{of.word}，{wording.day(core.drafted_on(of, calendar))}起拟稿",
        fault=row.fault,
        is_read=is_read,
    )


def _past(row: Row[Any]) -> tuple[str, str, str, str, str]:
    """Period, about what, where it is, how it is called there, its state."""
    draft = f"/hall/documents/drafts/{row.id}"
    word = period.parse(row.period).word
    if row.code is not None:
        state = "已作废" if row.spoiled_wall is not None else "已印发"
        return word, row.name, f"/hall/documents/{row.code}", row.number_text, state
    return word, row.name, draft, "草稿", "草稿已作废" if row.ended_wall is not None else "待签发"


async def plan(request: web.Request) -> web.Response:
    form, user = await request.post(), request[USER]
    view, every, issuer = (str(form.get(name, "")).strip() for name in ("view", "every", "issuer"))
    if not _may(request):
        raise web.HTTPBadRequest(text="简报由能查看全市的监察员或监察领导安排。")
    if every not in set(Every):
        raise web.HTTPBadRequest(text="请选择每月或每季。")
    try:
        async with request.app[HALL].store.write() as conn:
            name, query = await _content(conn, view, user.name)
            new = Plan(name=name, every=Every(every), query=query, issuer=issuer)
            number = await briefing.make(conn, new, user.name, await desk(request, conn))
            await briefings.subscribe(conn, number, user.name, wanted=True)
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。没有执行。") from error
    raise web.HTTPSeeOther("/hall/statistics/briefings")


async def _content(conn: AsyncConnection, view: str, who: str) -> tuple[str, str]:
    """What it is about, and its table as a query. Raises UsageError."""
    if view == _USUAL:
        return core.USUAL_NAME, core.USUAL
    number = int(view) if view.isascii() and view.isdigit() and len(view) < 10 else 0
    row = await saved_views.one(conn, number, who)
    if row.list != Listing.STATISTICS:
        raise UsageError(f"“{row.name}”不是统计的常用查询", hint="请选固定内容，或先在统计页保存一个")
    return row.name, row.query


async def change(request: web.Request) -> web.Response:
    """Be told of it from now on, or no more."""
    number, to = int(request.match_info["number"]), request.match_info["reading"]
    if request[USER].scope != EVERYTHING:
        raise web.HTTPBadRequest(text="简报统计全市，能查看全市的人才能订阅。")
    async with request.app[HALL].store.write() as conn:
        found = await briefings.plan(conn, number)
        if found is None or found.ended_wall is not None:
            raise web.HTTPNotFound(text="没有这项简报，或已经停止。请从简报页进入。")
        await briefings.subscribe(conn, number, request[USER].name, wanted=to == "read")
    raise web.HTTPSeeOther("/hall/statistics/briefings")


async def end(request: web.Request) -> web.Response:
    if not _may(request):
        raise web.HTTPBadRequest(text="简报由能查看全市的监察员或监察领导停止。")
    try:
        async with request.app[HALL].store.write() as conn:
            at = await desk(request, conn)
            await briefing.end(conn, int(request.match_info["number"]), request[USER].name, at)
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther("/hall/statistics/briefings")


_ONE = r"/hall/statistics/briefings/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/statistics/briefings", show, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_POST, "/hall/statistics/briefings", plan, Permission.WORK_CORRECTION),
    Route(hdrs.METH_POST, _ONE + "/{reading:read|leave}", change, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_POST, f"{_ONE}/end", end, Permission.WORK_CORRECTION),
]
