"""The wall, and the stream that keeps it true."""

from aiohttp import web

from central.core import rotation
from central.core.access import Permission
from central.core.dossier import Stage
from central.web import live, scenes
from central.web.guard import HEADERS, Fault, is_in
from central.web.page import HALL, USER, Answer, Api, Parameter, Route, render
from common.core.errors import UsageError


async def enter(_request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/hall")


async def show_hall(request: web.Request) -> web.Response:
    """The first HTML is complete: a wall without scripts is right too, and goes to its next picture by itself."""
    try:
        turn = rotation.asked(request.query.get("scene", ""), request.query.get("every", ""))
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    shown = await scenes.content(request, turn)
    return render(request, "wall.html", theme="dark", stages=list(Stage), turn=turn, **shown)


async def stream(request: web.Request) -> web.StreamResponse:
    if request.query.get("topics", "hall") != "hall":
        raise web.HTTPBadRequest(text="没有这个主题")
    return await live.answer(
        request, request.app[HALL].wall, request[USER].name, HEADERS, lambda: is_in(request)
    )


ROUTES = [
    Route("GET", "/", enter, Permission.VIEW_WALL),
    Route("GET", "/hall", show_hall, Permission.VIEW_WALL),
    Route(
        "GET",
        "/api/v1/stream",
        stream,
        Permission.VIEW_WALL,
        api=Api(
            "大屏的现状，随后是每次变化（Server-Sent Events）",
            (
                Answer(
                    200,
                    "每条 data 是一个 JSON：seq 逐条加一，full 为真的是全部，其余只有变化",
                    live.Message,
                    media="text/event-stream",
                ),
                Answer(400, "没有这个主题", Fault),
                Answer(429, "这个账号开着的流太多", Fault),
            ),
            (Parameter("topics", "可不写", ("hall",)),),
        ),
    ),
]
