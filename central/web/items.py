"""The item catalogue: what is promised, and one item with its whole history."""

from aiohttp import web

from central.core import wording
from central.core.access import Permission
from central.core.item import pinned
from central.core.sheet import COLUMNS
from central.store import items
from central.web.page import HALL, Route, facts_of, render
from common.core.instant import local_date


async def show_items(request: web.Request) -> web.Response:
    facts = facts_of(request)
    today = local_date(facts.now_at, facts.zone)
    async with request.app[HALL].store.read() as conn:
        found = await items.catalogue(conn)
    rows = [(now, len(versions)) for _, versions in sorted(found.items()) if (now := pinned(versions, today))]
    return render(request, "items.html", rows=rows, checked=wording.clock(facts.now_at, facts.zone))


async def show_item(request: web.Request) -> web.Response:
    facts = facts_of(request)
    code = request.match_info["code"].replace("\0", "")
    async with request.app[HALL].store.read() as conn:
        versions = (await items.catalogue(conn)).get(code, ())
        history = await items.history(conn, code)
    now = pinned(versions, local_date(facts.now_at, facts.zone))
    if now is None:
        raise web.HTTPNotFound(text=f"事项清单里没有编码为“{code}”的事项。")
    values = [(column, getattr(now, column.field)) for column in COLUMNS]
    shown = [(one.title, one.write(value)) for one, value in values if value not in (None, "", [], {})]
    return render(
        request,
        "item.html",
        item=now,
        shown=shown,
        history=[(row, wording.full(row.made_wall, facts.zone, facts.now_wall)) for row in history],
        checked=wording.clock(facts.now_at, facts.zone),
    )


ROUTES = [
    Route("GET", "/hall/items", show_items, Permission.VIEW_CASE),
    Route("GET", "/hall/items/{code:.+}", show_item, Permission.VIEW_CASE),
]
