"""The working-day calendar: a year's days, the versions with their notices, and which due dates a version moved."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any

from aiohttp import web
from sqlalchemy import Row

from central.core import wording
from central.core.access import Permission
from central.core.hall import Facts
from central.store import law
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.instant import local_date
from common.core.state import ClockKind

MOST = 500


async def show_calendar(request: web.Request) -> web.Response:
    facts = facts_of(request)
    today = local_date(facts.now_at, facts.zone)
    number = _year(request.query.get("year", ""), today.year)
    async with request.app[HALL].store.read() as conn:
        versions = await law.versions(conn)
        days = await law.year(conn, number)
        newest, scope = versions[0].version if versions else 0, request[USER].scope
        moved = await law.due_changes(conn, scope, newest, MOST)
        total_moved = await law.count_due_changes(conn, scope, newest) if len(moved) == MOST else len(moved)
    return render(
        request,
        "calendar.html",
        year=number,
        today=today,
        months=_months(days),
        total=sum(day.workday for day in days),
        made_up=[date.fromisoformat(day.day) for day in days if day.reason and day.workday],
        versions=versions,
        moved=[_moved(row, facts) for row in moved],
        total_moved=total_moved,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _year(text: str, this: int) -> int:
    """Nonsense in the address means this year."""
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else this


def _months(days: Sequence[Row[Any]]) -> list[tuple[int, int, list[tuple[date, bool, str]]]]:
    """Month, empty places before its first day in a week that begins on Monday, its days."""
    every = [(date.fromisoformat(row.day), bool(row.workday), row.reason) for row in days]
    grouped = [(month, list(found)) for month, found in groupby(every, key=lambda day: day[0].month)]
    return [(month, found[0][0].weekday(), found) for month, found in grouped]


def _moved(row: Row[Any], facts: Facts) -> dict[str, object]:
    return {
        "site": row.site,
        "case_key": row.case_key,
        "number": row.case_no or row.case_key,
        "clock": ClockKind(row.clock).word,
        "before": wording.due(row.before_at, facts.zone),
        "after": wording.due(row.after_at, facts.zone),
    }


ROUTES = [Route("GET", "/hall/calendar", show_calendar, Permission.VIEW_CASE)]
