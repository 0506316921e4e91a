"""What turns yellow or falls due in the next three working days, if nobody does anything."""

from datetime import date
from itertools import chain, groupby
from typing import Any

from aiohttp import web
from sqlalchemy import Row

from central.core import wording
from central.core.access import Permission
from central.core.hall import Facts
from central.store import forecast, law
from central.web.listing import address
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.instant import end_of_day, local_date
from common.core.state import ClockKind, Light

DAYS = 3
MOST = 500


async def show_forecast(request: web.Request) -> web.Response:
    facts = facts_of(request)
    today = local_date(facts.now_at, facts.zone)
    async with request.app[HALL].store.read() as conn:
        calendar = await law.calendar_if_any(conn)
        assert calendar is not None
        last = calendar.nth(today, DAYS)
        # A clock that falls due at the day's end is looked at an instant later.
        until = end_of_day(last, facts.zone) + 1
        found = await forecast.soon(conn, request[USER].scope, facts.now_at, until, MOST)
    told = [lines for row in found if (lines := _lines(row, facts, until))]
    lines = sorted(chain.from_iterable(told), key=lambda line: line["at"])
    days = [(day, list(rows)) for day, rows in groupby(lines, key=lambda line: line["day"])]
    return render(
        request,
        "forecast.html",
        days=days,
        count=len(told),
        is_cut=len(found) == MOST,
        last=last,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _lines(row: Row[Any], facts: Facts, until: int) -> list[dict[str, Any]]:
    """A clock may turn yellow and fall due within the days; one that is only looked at again does neither."""
    found = []
    if row.light != Light.YELLOW and facts.now_at <= row.yellow_at < min(until, row.due_at):
        found.append(_line(row, facts, row.yellow_at, local_date(row.yellow_at, facts.zone), "转黄"))
    if facts.now_at <= row.due_at < until:
        found.append(_line(row, facts, row.due_at, local_date(row.due_at - 1, facts.zone), "到期"))
    return found


def _line(row: Row[Any], facts: Facts, at: int, day: date, what: str) -> dict[str, Any]:
    return {
        "at": at,
        "day": day,
        "what": what,
        "href": address(row.site, row.case_key),
        "tail": wording.tail(row.case_no),
        "item": row.item_name or "事项未填",
        "site": row.site_name,
        "clock": ClockKind(row.kind).word,
        "due": wording.due(row.due_at, facts.zone),
    }


ROUTES = [Route("GET", "/hall/forecast", show_forecast, Permission.VIEW_CASE)]
