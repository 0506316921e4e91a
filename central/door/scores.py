"""看评比: the published results of each period in plain words, and their files with sums."""

import re

import msgspec
from aiohttp import hdrs, web

from central.core import published
from central.core.published import Head, Published
from central.core.score import Level
from central.door import store as rows
from central.door.page import DOOR, render

MOST = 60
"""Lines of one group on a page; the rest is in the file."""
LEVELS = (Level.SITE, Level.DEPARTMENT, Level.ITEM)
_KINDS = {"csv": "text/csv", "json": "application/json"}
_WITHDRAWN = "这一期的结果已经撤回：{reason}。改正后会重新公布。"


async def show_list(request: web.Request) -> web.Response:
    shown = await request.app[DOOR].look()
    return await render(request, "scores.html", heads=published.newest(shown.releases)[:MOST])


async def show_period(request: web.Request) -> web.Response:
    """The release that stands; where it was taken back, why."""
    door = request.app[DOOR]
    shown = await door.look()
    period = request.match_info["period"]
    mine = [head for head in shown.releases if head.period == period]
    if not mine:
        raise web.HTTPNotFound(text="没有公布过这一期。请从评比结果重新找。")
    standing = published.newest(mine)
    if not standing:
        text = _WITHDRAWN.format(reason=max(mine, key=lambda head: head.number).reason)
        return await render(request, "message.html", status=404, head="已经撤回", text=text)
    one = await _whole(request, standing[0])
    wanted = request.match_info.get("level", Level.SITE.value)
    level = next((level for level in LEVELS if level.value == wanted), Level.SITE)
    groups = published.grouped(one.ranking.units, level)
    return await render(
        request,
        "score.html",
        one=one,
        level=level,
        levels=[each for each in LEVELS if any(unit.level is each for unit in one.ranking.units)],
        groups={name: units[:MOST] for name, units in groups.items()},
        cut=any(len(units) > MOST for units in groups.values()),
        earlier=[head for head in mine if head.number != one.head.number],
    )


async def _whole(request: web.Request, head: Head) -> Published:
    async with request.app[DOOR].store.read() as conn:
        body = await rows.release(conn, head.number)
    if not body:
        raise web.HTTPNotFound(text="这一期刚刚撤回。请从评比结果重新找。")
    return msgspec.json.decode(body, type=Published)


async def download(request: web.Request) -> web.Response:
    """A file as it was released."""
    await request.app[DOOR].look()
    number, name = int(request.match_info["number"]), request.match_info["name"]
    async with request.app[DOOR].store.read() as conn:
        body = await rows.release_file(conn, number, name)
    if body is None:
        raise web.HTTPNotFound(text="没有这个文件，或它已经撤回。请从评比结果下载。")
    response = web.Response(body=body, content_type=_KINDS.get(name.rpartition(".")[2], "text/plain"))
    safe = re.sub(r"[^A-Za-z0-9._-]", "", name)
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{number}-{safe}"'
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    response.enable_compression()
    return response


ROUTES = [
    web.get("/p/scores", show_list),
    web.get(r"/p/scores/files/{number:\d{1,9}}/{name}", download),
    web.get("/p/scores/{period}", show_period),
    web.get("/p/scores/{period}/{level}", show_period),
]
