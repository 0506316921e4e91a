"""What turns yellow or falls due in the next three working days, if nobody does anything."""

from itertools import groupby
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
from common.core.state import ClockKind

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
    lines = [_line(row, facts) for row in found]
    days = [(day, list(rows)) for day, rows in groupby(lines, key=lambda line: line["day"])]
    return render(
        request,
        "forecast.html",
        days=days,
        count=len(lines),
        most=MOST,
        last=last,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _line(row: Row[Any], facts: Facts) -> dict[str, Any]:
    is_due = row.next_check_at > row.due_at
    at = row.due_at if is_due else row.next_check_at
    return {
        "day": local_date(at - 1 if is_due else at, facts.zone),
        "what": "到期" if is_due else "转黄",
        "href": address(row.site, row.case_key),
        "tail": wording.tail(row.case_no),
        "item": row.item_name or "事项未填",
        "site": row.site_name,
        "clock": ClockKind(row.kind).word,
        "due": wording.due(row.due_at, facts.zone),
    }


ROUTES = [Route("GET", "/hall/forecast", show_forecast, Permission.VIEW_CASE)]
