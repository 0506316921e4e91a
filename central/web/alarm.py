"""A supervisor has looked into an alarm of a site and takes its data as it is: who, when and why stay on record."""

from urllib.parse import quote

from aiohttp import web

from central.core.access import Permission
from central.store import alarms
from central.web.page import HALL, USER, Route
from common.core.errors import UsageError

SHORTEST, LONGEST = 4, 400
NONE = "没有这项告警，或已由他人核实。请回到站点页刷新。"


async def accept(request: web.Request) -> web.Response:
    form = await request.post()
    why = str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明核实的结果，{SHORTEST} 至 {LONGEST} 个字。")
    site, number = request.match_info["site"], int(request.match_info["number"])
    hall = request.app[HALL]
    if not request[USER].scope.has_site(site):
        raise web.HTTPNotFound(text=NONE)
    try:
        async with hall.store.write() as conn:
            await alarms.accept(conn, number, request[USER].name, why, hall.clock.wall(), site)
    except UsageError as error:
        raise web.HTTPNotFound(text=NONE) from error
    raise web.HTTPSeeOther(f"/hall/sites/{quote(site, safe='')}")


ROUTES = [Route("POST", r"/hall/sites/{site}/alarms/{number:\d{1,9}}", accept, Permission.ACCEPT_ALARM)]
