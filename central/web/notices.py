"""公告: written by one person, looked at as it will be, released by another, taken back with a reason that stays visible."""

from typing import Any

from aiohttp import hdrs, web
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import bulletin as core
from central.core import wording
from central.core.access import Permission
from central.core.release import ReleaseState
from central.store import bulletins
from central.web.page import HALL, USER, Route, facts_of, render
from central.web.publications import decided

MOST = 300


async def show_list(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        rows = await bulletins.listed(conn, MOST)
    return render(
        request,
        "notices.html",
        lines=[(row, ReleaseState(row.state)) for row in rows],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def draft(request: web.Request) -> web.Response:
    form, hall = await request.post(), request.app[HALL]
    title, text = (core.clean(str(form.get(name, ""))) for name in ("title", "text"))
    title = title.replace("\n", " ")
    if found := core.faults(title, text):
        raise web.HTTPBadRequest(text="；".join(found) + "。没有保存。")
    async with hall.store.write() as conn:
        number = await bulletins.draft(conn, title, text, request[USER].name, hall.clock.wall())
    raise web.HTTPSeeOther(f"/hall/notices/{number}")


async def _found(request: web.Request, conn: AsyncConnection) -> Row[Any]:
    row = await bulletins.one(conn, int(request.match_info["number"]))
    if row is None:
        raise web.HTTPNotFound(text="没有这件公告。请从公告页进入。")
    return row


async def show_one(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        row = await _found(request, conn)
    return render(
        request,
        "notice.html",
        row=row,
        paragraphs=core.paragraphs(row.text),
        digest=core.digest_of(row.title, row.text),
        standing=ReleaseState(row.state),
        is_own=row.who == request[USER].name,
        made=wording.full(row.made_wall, facts.zone, facts.now_wall),
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def decide(request: web.Request) -> web.Response:
    async def move(conn: AsyncConnection, to: ReleaseState, who: str, why: str, wall: int) -> None:
        await bulletins.move(conn, await _found(request, conn), to, who, why, wall)

    return await decided(request, move)


_ONE = r"/hall/notices/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/notices", show_list, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, "/hall/notices", draft, Permission.DRAFT_PUBLICATION),
    Route(hdrs.METH_GET, _ONE, show_one, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, _ONE + "/{to:release|refuse|withdraw}", decide, Permission.RELEASE_PUBLICATION),
]
