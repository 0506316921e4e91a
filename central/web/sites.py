"""18 rows: who is blind, since when; light and link as two separate columns."""

from aiohttp import web

from central.core.access import Permission
from central.store import pages
from central.web.page import HALL, Route, render
from common.core.state import SiteKind


async def show_sites(request: web.Request) -> web.Response:
    async with request.app[HALL].store.read() as conn:
        kinds = await pages.kinds(conn)
        beats = await pages.heartbeats(conn)
    return render(
        request,
        "sites.html",
        kinds={site: SiteKind(kind).word for site, kind in kinds.items()},
        versions={site: beat.version for site, beat in beats.items()},
    )


ROUTES = [Route("GET", "/hall/sites", show_sites, Permission.VIEW_SITE)]
