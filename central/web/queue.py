"""待处置: every open red and yellow light, red first, then by the time that is left; broken rules; what did not arrive."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from sqlalchemy import Row

from central.core import wording
from central.core.access import Permission, allows
from central.core.articles import RULES
from central.core.hall import Facts
from central.core.message import State
from central.store import messages, pages
from central.web.listing import line
from central.web.messages import line as message_line
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.state import ClockKind, Light

MOST_FAILED = 20
DEMANDS = {rule.id: rule.demand for rule in RULES}
LONGEST = 100  # of one light; the list of cases has pages


async def show_queue(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        reached = request[USER].scope
        lights = (Light.RED, Light.YELLOW)
        undelivered: Sequence[Row[Any]] = ()
        if allows(request[USER].role, Permission.VIEW_CORRECTION):
            wanted = messages.Filter(state=State.FAILED, waits_only=True)
            undelivered = await messages.listed(conn, reached, wanted, MOST_FAILED + 1)
        ruled = await pages.ruled(conn, reached, LONGEST + 1)
        found = {light: await pages.queue(conn, reached, light, LONGEST + 1) for light in lights}
    groups = [(light, [_row(row, facts) for row in rows[:LONGEST]]) for light, rows in found.items() if rows]
    cut = {light for light, rows in found.items() if len(rows) > LONGEST}
    return render(
        request,
        "queue.html",
        groups=groups,
        cut=cut,
        ruled=[(line(row, facts), row.site_name, DEMANDS.get(row.rule, "")) for row in ruled[:LONGEST]],
        more_ruled=len(ruled) > LONGEST,
        undelivered=[message_line(row, facts) for row in undelivered[:MOST_FAILED]],
        more_undelivered=len(undelivered) > MOST_FAILED,
        longest=LONGEST,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _row(row: Row[Any], facts: Facts) -> dict[str, object]:
    return {
        "line": line(row, facts),
        "site": row.site_name,
        "limit": ClockKind(row.clock).word if row.clock else "时限",
        "late": bool(row.late),
    }


ROUTES = [Route("GET", "/hall/queue", show_queue, Permission.VIEW_CASE)]
