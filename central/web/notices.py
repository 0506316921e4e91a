"""公告: written by one person, looked at as it will be, released by another, taken back with a reason that stays visible."""

from aiohttp import hdrs, web

from central.core import bulletin as core
from central.core import wording
from central.core.access import Permission
from central.core.release import ReleaseState
from central.store import bulletins
from central.web.page import HALL, USER, Route, facts_of, render
from central.web.posted import Posted

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


async def show_one(request: web.Request) -> web.Response:
    async with request.app[HALL].store.read() as conn:
        row = await _POSTED.found(request, conn)
    paragraphs, digest = core.paragraphs(row.text), core.digest_of(row.title, row.text)
    return _POSTED.page(request, row, paragraphs=paragraphs, digest=digest)


_POSTED = Posted("notice.html", bulletins.one, bulletins.move, "没有这件公告。请从公告页进入。")
_ONE = r"/hall/notices/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/notices", show_list, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, "/hall/notices", draft, Permission.DRAFT_PUBLICATION),
    Route(hdrs.METH_GET, _ONE, show_one, Permission.VIEW_PUBLICATION),
    Route(
        hdrs.METH_POST, _ONE + "/{to:release|refuse|withdraw}", _POSTED.decide, Permission.RELEASE_PUBLICATION
    ),
]
