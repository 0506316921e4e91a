"""Two addresses for programs: is the hall alive, and how do the sites stand. Without log-in only in the demonstration."""

from aiohttp import web

from central.core import site
from central.core.access import Permission
from central.core.hall import SiteFacts
from central.store import pages
from central.web import live
from central.web.page import HALL, Route
from common.core.instant import SECOND
from common.core.state import Light

OLDEST_SECS = 10.0


async def health(request: web.Request) -> web.Response:
    """200 while the wall's figures are fresh: database, producer and web server all work."""
    hall = request.app[HALL]
    age = live.age_secs(hall.wall, hall.clock)
    fresh = age < OLDEST_SECS
    return web.json_response({"ok": fresh, "age_s": round(age, 1)}, status=200 if fresh else 503)


async def overview(request: web.Request) -> web.Response:
    """Every site's link and lights, and the number of records and cases."""
    hall = request.app[HALL]
    facts = hall.wall.facts
    assert facts is not None
    now_wall, now_at = hall.clock.wall(), hall.clock.office()
    async with hall.store.read() as conn:
        records, cases = await pages.totals(conn)
    return web.json_response(
        {
            "now": now_at / SECOND,
            "sites": [_site(item, now_wall, now_at) for item in facts.sites],
            "totals": {"records": records, "cases": cases},
        }
    )


def _site(item: SiteFacts, now_wall: int, now_at: int) -> dict[str, object]:
    heard = item.signals.record_wall
    return {
        "id": item.id,
        "name": item.name,
        "link": site.derive(item.signals, now_wall, now_at).value,
        "last_record_age_s": None if heard is None else round((now_wall - heard) / SECOND, 1),
        "open": item.open,
        "yellow": item.lights.get(Light.YELLOW, 0),
        "red": item.lights.get(Light.RED, 0),
        "grey": item.lights.get(Light.GREY, 0),
    }


ROUTES = [
    Route("GET", "/healthz", health, Permission.VIEW_WALL),
    Route("GET", "/api/v1/overview", overview, Permission.VIEW_WALL),
]
