"""The wall, and the stream that keeps it true."""

from aiohttp import web

from central.core.access import Permission
from central.core.dossier import Stage
from central.web import live
from central.web.guard import HEADERS
from central.web.page import HALL, USER, Route, render


async def enter(_request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/hall")


async def show_hall(request: web.Request) -> web.Response:
    """The first HTML is complete: a wall without scripts is right too, and reloads itself."""
    return render(request, "wall.html", theme="dark", stages=list(Stage))


async def stream(request: web.Request) -> web.StreamResponse:
    if request.query.get("topics", "hall") != "hall":
        raise web.HTTPBadRequest(text="没有这个主题")
    return await live.answer(request, request.app[HALL].wall, request[USER].name, HEADERS)


ROUTES = [
    Route("GET", "/", enter, Permission.VIEW_WALL),
    Route("GET", "/hall", show_hall, Permission.VIEW_WALL),
    Route("GET", "/api/v1/stream", stream, Permission.VIEW_WALL),
]
