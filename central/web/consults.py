"""咨询: questions by the day of their answer; one question, answered, drafted for the public, released by another."""

from datetime import date
from typing import Any

from aiohttp import hdrs, web
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import consult
from central.complaint import Bench
from central.consult import Words
from central.core import consult as core
from central.core import guide, wording
from central.core.access import Permission, allows
from central.core.consult import Event, State
from central.core.guide import Guide
from central.core.hall import Facts
from central.store import consults, items, law
from central.web.page import HALL, USER, Route, facts_of, render
from central.world import Moment
from common.core.errors import RejectedError, UsageError
from common.core.instant import end_of_day, local_date

MOST = 200
STALE = "这件咨询刚刚有人办理过。没有执行，请看最新情况后再办理。"


def _until(row: Row[Any], facts: Facts) -> tuple[str, str]:
    """The last day of the answer and what is left of it, for people; empty where nothing is owed."""
    if not row.due_day:
        return "", ""
    due = date.fromisoformat(row.due_day)
    left = wording.time_left(end_of_day(due, facts.zone), facts.now_at, facts.zone, facts.slow.workday)
    return wording.day_and_weekday(due), left


async def _names(conn: AsyncConnection, facts: Facts) -> dict[str, str]:
    """What the items that are asked about are called today."""
    today, catalogue = local_date(facts.now_at, facts.zone), await items.catalogue(conn)
    named = {code: guide.current(Guide(code, tuple(versions)), today) for code, versions in catalogue.items()}
    return {code: item.name for code, item in named.items() if item is not None}


async def show_consults(request: web.Request) -> web.Response:
    facts = facts_of(request)
    wanted = request.query.get("state", State.ASKED.value)
    chosen = next((state for state in State if state.value == wanted), State.ASKED)
    async with request.app[HALL].store.read() as conn:
        found = await consults.listed(conn, chosen, MOST + 1)
        counts, names = await consults.counts(conn), await _names(conn, facts)
    lines = []
    for row in found[:MOST]:
        due, left = _until(row, facts)
        asked = wording.full(row.received_at, facts.zone, facts.now_at)
        late = consults.body_of(row).lapsed is not None
        item = names.get(row.item_code, row.item_code)
        lines.append((row, item, asked, due or "–", left or "–", late))
    return render(
        request,
        "consults.html",
        chosen=chosen,
        tabs=[(state, counts.get(state.value, 0)) for state in State],
        lines=lines,
        cut=len(found) > MOST,
        longest=MOST,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def show_consult(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        row = await consults.one(conn, int(request.match_info["number"]))
        if row is None:
            raise web.HTTPNotFound(text="没有这件咨询。请从咨询列表查找。")
        events, names = await consults.events(conn, row.id), await _names(conn, facts)
    one, (due, left) = consults.body_of(row), _until(row, facts)
    rights = [
        may for may in (Permission.WORK_CONSULT, Permission.RELEASE_PUBLICATION) if allows(user.role, may)
    ]
    return render(
        request,
        "consult.html",
        row=row,
        standing=one.state,
        due=due,
        left=left,
        item=names.get(row.item_code, row.item_code),
        lapsed=wording.day_and_weekday(one.lapsed) if one.lapsed else "",
        acts=[event for event in Event for may in rights if not core.refusal(one, event, may, user.name)],
        Event=Event,
        longest=core.LONGEST,
        longest_answer=core.LONGEST_ANSWER,
        received=wording.full(row.received_at, facts.zone, facts.now_at),
        events=[
            (event, Event(event.event).word, wording.full(event.at, facts.zone, facts.now_at))
            for event in events
        ],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def work(request: web.Request) -> web.Response:
    return await _do(request, Permission.WORK_CONSULT, {Event.ANSWER, Event.DRAFT})


async def release(request: web.Request) -> web.Response:
    return await _do(request, Permission.RELEASE_PUBLICATION, {Event.RELEASE, Event.REFUSE, Event.WITHDRAW})


async def _do(request: web.Request, may: Permission, events: set[Event]) -> web.Response:
    """One act. A form knows the newest entry it has seen."""
    form, hall, number = await request.post(), request.app[HALL], int(request.match_info["number"])
    event = next((one for one in events if one.value == form.get("event")), None)
    if event is None:
        raise web.HTTPBadRequest(text="请选择如何办理。")
    words = Words(str(form.get("text", "")).strip(), str(form.get("question", "")).strip())
    now = Moment(hall.clock.office(), hall.clock.wall())
    try:
        async with hall.store.write() as conn:
            row = await consults.lock(conn, number)
            if row is None:
                raise web.HTTPNotFound(text="没有这件咨询。请从咨询列表查找。")
            if str(row.entries) != str(form.get("entries", "")):
                raise web.HTTPConflict(text=STALE)
            bench = Bench(now, hall.zone, await law.calendar(conn), hall.sign_secret)
            await consult.act(conn, row, event, may, request[USER].name, words, bench)
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/consults/{number}")


_ONE = r"/hall/consults/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/consults", show_consults, Permission.VIEW_CONSULT),
    Route(hdrs.METH_GET, _ONE, show_consult, Permission.VIEW_CONSULT),
    Route(hdrs.METH_POST, f"{_ONE}/act", work, Permission.WORK_CONSULT),
    Route(hdrs.METH_POST, f"{_ONE}/release", release, Permission.RELEASE_PUBLICATION),
]
