"""帮助 and 无障碍说明: how to use the pages, and what of them has been tested for whom, and what has not."""

from importlib.metadata import version

from aiohttp import web

from central.core.consult import ANSWER_DAYS
from central.door.page import DOOR, render


async def show_help(request: web.Request) -> web.Response:
    shown = await request.app[DOOR].look()
    return await render(request, "help.html", terms=shown.beat.terms, answer_days=ANSWER_DAYS)


async def show_access(request: web.Request) -> web.Response:
    shown = await request.app[DOOR].look()
    return await render(request, "access.html", release=version("mingcha"), terms=shown.beat.terms)


ROUTES = [web.get("/p/help", show_help), web.get("/p/access", show_access)]
