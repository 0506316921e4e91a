"""The item catalogue: what is promised, and one item with its whole history."""

from collections.abc import Sequence

from aiohttp import web

from central import unit_paper
from central.core import wording
from central.core.access import Permission
from central.core.document import Kind
from central.core.hall import Facts
from central.core.item import Item, pinned
from central.core.sheet import COLUMNS, differences, written
from central.store import item_drafts, items
from central.web import letters
from central.web.correction import desk
from central.web.item_drafts import waits
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.instant import local_date


async def show_items(request: web.Request) -> web.Response:
    facts = facts_of(request)
    today = local_date(facts.now_at, facts.zone)
    async with request.app[HALL].store.read() as conn:
        found, waiting = await items.catalogue(conn), await item_drafts.waiting(conn)
    rows = [(now, len(versions)) for _, versions in sorted(found.items()) if (now := pinned(versions, today))]
    return render(
        request,
        "items.html",
        rows=rows,
        drafts=[waits(row) for row in waiting],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def show_item(request: web.Request) -> web.Response:
    facts = facts_of(request)
    code = request.match_info["code"].replace("\0", "")
    async with request.app[HALL].store.read() as conn:
        versions = (await items.catalogue(conn)).get(code, ())
        history = await items.history(conn, code)
        drafts = [waits(row) for row in await item_drafts.waiting(conn) if row.code == code]
        user, lacking = request[USER], _lacking(versions, facts)
        may = bool(lacking) and letters.may_draft(user, Kind.DISPLAY)
        offices = await unit_paper.handlers(conn, code, await desk(request, conn)) if may else []
        issuers = await letters.issuers(conn) if may else []
    now = pinned(versions, local_date(facts.now_at, facts.zone))
    if now is None:
        raise web.HTTPNotFound(text=f"事项清单里没有编码为“{code}”的事项。")
    shown = [(one.title, text) for one in COLUMNS if (text := written(one, getattr(now, one.field)))]
    former = {
        new.version: differences(pinned(versions[:place], new.valid_from), new)
        for place, new in enumerate(versions)
        if place
    }
    return render(
        request,
        "item.html",
        item=now,
        shown=shown,
        drafts=drafts,
        lacking=lacking,
        offices=offices,
        issuers=issuers,
        history=[
            (row, wording.full(row.made_wall, facts.zone, facts.now_wall), former.get(row.version, []))
            for row in history
        ],
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _lacking(versions: Sequence[Item], facts: Facts) -> list[str]:
    """What the version in force ought to display and does not."""
    now = pinned(versions, local_date(facts.now_at, facts.zone))
    return now.unpublished() if now is not None else []


ROUTES = [
    Route("GET", "/hall/items", show_items, Permission.VIEW_ITEM),
    Route("GET", "/hall/items/{code:.+}", show_item, Permission.VIEW_ITEM),
]
