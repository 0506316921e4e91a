"""18 rows: who is blind, since when; light and link as two separate columns."""

from aiohttp import web

from central.core.access import Permission
from central.store import pages
from central.web.page import HALL, Route, reached_sites, render
from common.core.state import SiteKind


async def show_sites(request: web.Request) -> web.Response:
    hall = request.app[HALL]
    async with hall.store.read() as conn:
        kinds = await pages.kinds(conn)
        beats = await pages.heartbeats(conn)
    return render(
        request,
        "sites.html",
        tiles=[(item.id, hall.wall.state["s"][item.id]) for item in reached_sites(request)],
        kinds={site: SiteKind(kind).word for site, kind in kinds.items()},
        versions={site: beat.version for site, beat in beats.items()},
    )


ROUTES = [Route("GET", "/hall/sites", show_sites, Permission.VIEW_SITE)]
