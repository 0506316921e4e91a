"""收件箱: what has come for the account that asks, newest first; opening the page is reading it."""

from typing import Any

from aiohttp import hdrs, web
from sqlalchemy import Row

from central.core import wording
from central.core.access import BOUND, Permission
from central.core.ladder import Level
from central.store import messages
from central.web.page import HALL, USER, Route, facts_of, render

LONGEST = 200


async def show_inbox(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        rows = await messages.inbox(conn, user.name, LONGEST)
    side = "unit" if user.role in BOUND else "hall"
    return render(
        request,
        "inbox.html",
        lines=[
            {
                "id": row.id,
                "when": wording.moment(row.changed_at, facts.zone, facts.now_at),
                "level": Level(row.level).word,
                "text": row.text,
                "href": _place(row, side),
                "is_new": row.read_wall is None,
            }
            for row in rows
        ],
        fresh=sum(row.read_wall is None for row in rows),
        longest=LONGEST,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _place(row: Row[Any], side: str) -> str:
    """Where it is dealt with; empty: nowhere on a page of its own."""
    if row.correction is not None:
        return f"/{side}/corrections/{row.correction}"
    kind, _, name = row.event.partition("/")
    if kind == "document" and row.level in {Level.ORDER, Level.URGING}:  # a letter to the office
        return f"/{side}/documents/{name.partition('/')[0]}"
    if kind == "complaint":
        return "/unit/complaints" if side == "unit" else f"/hall/complaints/{name.partition('/')[0]}"
    return "/unit/ratings" if row.level == Level.RATING and side == "unit" else ""


async def read_all(request: web.Request) -> web.Response:
    """What the page has shown is read."""
    newest = str((await request.post()).get("newest", ""))
    if newest.isascii() and newest.isdigit() and len(newest) < 19:
        hall = request.app[HALL]
        async with hall.store.write() as conn:
            await messages.read_upto(conn, request[USER].name, int(newest), hall.clock.wall())
    raise web.HTTPSeeOther("/hall/inbox")


ROUTES = [
    Route(hdrs.METH_GET, "/hall/inbox", show_inbox, Permission.ACCOUNT),
    Route(hdrs.METH_POST, "/hall/inbox", read_all, Permission.ACCOUNT),
]
