"""Two addresses for programs: is the hall alive, and how do the sites stand. Without log-in only in the demonstration."""

import msgspec
from aiohttp import web
from msgspec import Struct

from central.core import site
from central.core.access import Permission
from central.core.hall import SiteFacts
from central.store import pages
from central.web import live
from central.web.page import HALL, Answer, Api, Route
from common.core.instant import SECOND
from common.core.state import Light, Link

OLDEST_SECS = 10.0


class Health(Struct, frozen=True):
    """`age_s`: seconds since the tables were looked at."""

    ok: bool
    age_s: float


class Site(Struct, frozen=True):
    """A site's two axes: its link, and how many of its open cases have which light."""

    id: str
    name: str
    link: Link
    last_record_age_s: float | None
    open: int
    yellow: int
    red: int
    grey: int


class Totals(Struct, frozen=True):
    """What the hall holds."""

    records: int
    cases: int


class Overview(Struct, frozen=True):
    """`now`: office time, seconds since 1970 UTC."""

    now: float
    sites: list[Site]
    totals: Totals


async def health(request: web.Request) -> web.Response:
    """200 while the wall's figures are fresh: database, producer and web server all work."""
    hall = request.app[HALL]
    age = live.age_secs(hall.wall, hall.clock)
    fresh = age < OLDEST_SECS
    return _json(Health(fresh, round(age, 1)), 200 if fresh else 503)


async def overview(request: web.Request) -> web.Response:
    """Every site's link and lights, and the number of records and cases."""
    hall = request.app[HALL]
    facts = hall.wall.facts
    assert facts is not None
    now_wall, now_at = hall.clock.wall(), hall.clock.office()
    async with hall.store.read() as conn:
        records, cases = await pages.totals(conn)
    sites = [_site(item, now_wall, now_at) for item in facts.sites]
    return _json(Overview(now_at / SECOND, sites, Totals(records, cases)))


def _json(content: Struct, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")


def _site(item: SiteFacts, now_wall: int, now_at: int) -> Site:
    heard = item.signals.record_wall
    return Site(
        id=item.id,
        name=item.name,
        link=site.derive(item.signals, now_wall, now_at),
        last_record_age_s=None if heard is None else round((now_wall - heard) / SECOND, 1),
        open=item.open,
        yellow=item.lights.get(Light.YELLOW, 0),
        red=item.lights.get(Light.RED, 0),
        grey=item.lights.get(Light.GREY, 0),
    )


ROUTES = [
    Route("GET", "/healthz", health, Permission.VIEW_WALL),
    Route(
        "GET",
        "/api/v1/overview",
        overview,
        Permission.VIEW_WALL,
        api=Api("各站点的链路与灯，库中记录与办件的总数", (Answer(200, "全市，不分账号所及", Overview),)),
    ),
]
