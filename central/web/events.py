"""记事: what every site's box has noted of itself, of all sites one after the other: when did it start, and where else."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import hdrs, web
from sqlalchemy import Row

from central.core import wording
from central.core.access import Permission
from central.core.hall import Facts
from central.store import pages
from central.web.page import HALL, Route, facts_of, reached_sites, render
from common.core.happening import Happening
from common.core.instant import from_us
from common.core.record import Event, decode_body, decode_record
from common.core.text import one_line

PAGE = 50
_WORDS = {item.value: item.word for item in Happening}


async def show_events(request: web.Request) -> web.Response:
    """The newest of the sites in reach, or of one; `before`: older than this instant."""
    facts, asked = facts_of(request), request.query
    reached = {item.id: item.name for item in reached_sites(request)}
    site, before = asked.get("site", ""), asked.get("before", "")
    if site and site not in reached:
        raise web.HTTPNotFound(text="没有这个站点，请从站点列表进入。")
    if before and not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise web.HTTPBadRequest(text="地址里的时间读不懂。请回到第一页。")
    sites = [site] if site else list(reached)
    found: list[tuple[int, str, Row[Any]]] = []
    async with request.app[HALL].store.read() as conn:
        for one in sites:  # each by its index; all at once would sort the notes of years
            rows = await pages.site_events(conn, one, PAGE + 1, int(before) if before else None)
            found += [(row.cap_wall, one, row) for row in rows]
    found.sort(key=lambda each: each[0], reverse=True)
    last = found[PAGE - 1][0] if len(found) > PAGE else None
    shown = found if last is None else [each for each in found if each[0] >= last]  # of one instant: together
    return render(
        request,
        "events.html",
        lines=[{"site": one, "name": reached[one]} | said(row, facts) for _, one, row in shown],
        sites=list(reached.items()),
        site=site,
        first=_address({"site": site}) if before else "",
        following=_address({"site": site, "before": str(last)}) if last is not None else "",
        checked=wording.clock(facts.now_at, facts.zone),
    )


def said(row: Row[Any], facts: Facts) -> dict[str, str]:
    """When and what. A name that a newer box has given is shown as it is."""
    event = decode_body(decode_record(row.raw))
    assert isinstance(event, Event)
    return {
        "when": from_us(row.cap_wall, facts.zone).strftime("%m-%d %H:%M:%S"),
        "word": _WORDS.get(event.name, one_line(event.name)),
        "detail": one_line(event.detail),
    }


def _address(fields: Mapping[str, str]) -> str:
    query = urlencode({name: value for name, value in fields.items() if value})
    return f"/hall/events?{query}" if query else "/hall/events"


ROUTES = [Route(hdrs.METH_GET, "/hall/events", show_events, Permission.VIEW_SITE)]
