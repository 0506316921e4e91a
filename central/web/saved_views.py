"""常用查询: saved views of the lists, each with an address of its own."""

from aiohttp import web
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.access import Permission, allows
from central.core.saved_view import LONGEST_NAME, MOST, Listing, address, is_name, kept
from central.store import saved_views
from central.store.saved_views import New
from central.web.page import HALL, USER, Route, render
from common.core.errors import UsageError


class Offered(Struct, frozen=True):
    """The views of one list as its page shows them. `query`: what would be kept of the page as it is."""

    listing: Listing
    views: list[tuple[str, str, bool]]  # address, name, whether it is what the page shows
    query: str
    may_keep: bool


async def offered(conn: AsyncConnection, request: web.Request, listing: Listing) -> Offered:
    rows = await saved_views.seen_by(conn, request[USER].name, listing)
    query = kept(listing, request.query_string)
    views = [(address(listing, row.query), row.name, row.query == query) for row in rows]
    return Offered(listing, views, query, bool(query) and all(not same for _, _, same in views))


async def show_views(request: web.Request) -> web.Response:
    user = request[USER]
    async with request.app[HALL].store.read() as conn:
        rows = await saved_views.seen_by(conn, user.name)
    groups = [(listing, [row for row in rows if row.list == listing.value]) for listing in Listing]
    return render(request, "saved_views.html", groups=groups, most=MOST)


async def open_view(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    try:
        async with request.app[HALL].store.read() as conn:
            row = await saved_views.one(conn, number, request[USER].name)
    except UsageError as error:
        raise web.HTTPNotFound(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(address(Listing(row.list), row.query))


async def keep(request: web.Request) -> web.Response:
    """List, query and name -> kept; the list again with that filter."""
    form, hall, user = await request.post(), request.app[HALL], request[USER]
    if form.get("list") not in set(Listing):
        raise web.HTTPBadRequest(text="提交的内容不完整。请返回上一页，刷新后再试。")
    listing, name, is_shared = Listing(str(form["list"])), str(form.get("name", "")).strip(), "shared" in form
    if is_shared:
        _must_share(request)
    if not is_name(name):
        raise web.HTTPBadRequest(text=f"请写名称，1 至 {LONGEST_NAME} 个字。")
    query = kept(listing, str(form.get("query", "")))
    if not query:
        raise web.HTTPBadRequest(text="没有可保存的条件：请先在列表页选好条件（申请人不保存）。")
    new = New(owner=user.name, listing=listing, name=name, query=query, is_shared=is_shared)
    try:
        async with hall.store.write() as conn:
            await saved_views.keep(conn, new, hall.clock.wall())
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(address(listing, query))


async def share(request: web.Request) -> web.Response:
    form, hall = await request.post(), request.app[HALL]
    number, shared = int(request.match_info["number"]), form.get("shared") == "1"
    try:
        async with hall.store.write() as conn:
            await saved_views.share(conn, number, request[USER].name, hall.clock.wall(), shared=shared)
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther("/hall/views")


async def drop(request: web.Request) -> web.Response:
    hall, number = request.app[HALL], int(request.match_info["number"])
    try:
        async with hall.store.write() as conn:
            await saved_views.drop(conn, number, request[USER].name, hall.clock.wall())
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther("/hall/views")


def _must_share(request: web.Request) -> None:
    if not allows(request[USER].role, Permission.SHARE_VIEW):
        raise web.HTTPForbidden(text="常用查询由监察员或监察领导共享。")


_ONE = r"/hall/views/{number:\d{1,9}}"
ROUTES = [
    Route("GET", "/hall/views", show_views, Permission.VIEW_CASE),
    Route("POST", "/hall/views", keep, Permission.VIEW_CASE),
    Route("GET", _ONE, open_view, Permission.VIEW_CASE),
    Route("POST", f"{_ONE}/share", share, Permission.SHARE_VIEW),
    Route("POST", f"{_ONE}/drop", drop, Permission.VIEW_CASE),
]
