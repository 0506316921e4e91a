"""投诉答复选登: what others have complained of, and what they were answered."""

import msgspec
from aiohttp import web

from central.core import excerpt
from central.core.excerpt import Excerpt
from central.door import paging
from central.door import store as rows
from central.door.case import LONGEST
from central.door.page import DOOR, Door, render

READ = 2_000


async def show(request: web.Request) -> web.Response:
    """The newest, or those with all the words that are searched for."""
    door = request.app[DOOR]
    await door.look()
    wanted = request.query.get("q", "").replace("\0", "").strip()[:LONGEST]
    found = await replies(door, wanted)
    shown = paging.page(request, found, lambda one: len(one.text) + len(one.reply))
    return await render(request, "complain_replies.html", asked=wanted, number=len(found), page=shown)


async def replies(door: Door, wanted: str) -> list[Excerpt]:
    async with door.store.read() as conn:
        bodies = await rows.excerpts(conn, READ)
    return excerpt.matching((msgspec.json.decode(body, type=Excerpt) for body in bodies), wanted)


ROUTES = [web.get("/p/complain/replies", show)]
