"""投诉交办: the unit's side of complaints: what the hall has written for it, never the complainant's own words, and its answer."""

from datetime import date

from aiohttp import web

from central.complaint import Words
from central.core import wording
from central.core.access import Permission
from central.core.complaint import Actor, Event, State
from central.store import complaints as rows
from central.web.complaints import MOST, do, left
from central.web.page import HALL, USER, Route, facts_of, render


async def show_unit(request: web.Request) -> web.Response:
    """What was given to the unit, and how it was told to make haste."""
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        found = await rows.assigned(conn, user.scope, MOST)
        supervised = await rows.supervised(conn, [row.id for row in found])
    lines = [
        (
            row,
            State(row.state),
            wording.day_and_weekday(date.fromisoformat(row.due_day)) if row.due_day else "–",
            left(row.due_day, facts),
            [(wording.day(date.fromisoformat(one.day)), one.reason) for one in supervised.get(row.id, [])],
        )
        for row in found
    ]
    return render(
        request,
        "unit_complaints.html",
        ours=[line for line in lines if line[1] is State.ASSIGNED],
        others=[line for line in lines if line[1] is not State.ASSIGNED],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def answer_unit(request: web.Request) -> web.Response:
    """The unit reports what it has found and done."""
    number, user = int(request.match_info["number"]), request[USER]
    text = str((await request.post()).get("text", "")).strip()
    async with request.app[HALL].store.read() as conn:
        reached = {row.id: row for row in await rows.assigned(conn, user.scope, MOST)}
    row = reached.get(number)
    if row is None:
        raise web.HTTPNotFound(text="没有这件交办。请从本单位的投诉查找。")
    actor = Actor(user.name, user.role, frozenset({row.site, row.org}))
    await do(request, Event.ANSWER, actor, Words(text))
    raise web.HTTPSeeOther("/unit/complaints")


ROUTES = [
    Route("GET", "/unit/complaints", show_unit, Permission.ANSWER_COMPLAINT),
    Route("POST", r"/unit/complaints/{number:\d{1,9}}", answer_unit, Permission.ANSWER_COMPLAINT),
]
