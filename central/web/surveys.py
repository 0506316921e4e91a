"""调查: build one, look at it as it will be, release, results; the drafter decides nothing."""

from contextlib import suppress
from datetime import date

from aiohttp import hdrs, web

from central import survey
from central.core import survey as core
from central.core import wording
from central.core.access import Permission, allows
from central.core.survey import Event, State, Survey
from central.store import surveys
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.errors import RejectedError, UsageError
from common.core.instant import local_date

MOST, MOST_WRITTEN = 100, 300
SHORTEST, LONGEST = 4, 200


async def show_surveys(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        rows = await surveys.listed(conn, MOST)
    return render(
        request,
        "surveys.html",
        rows=[(row, surveys.body_of(row), State(row.state).word) for row in rows],
        today=local_date(facts.now_at, facts.zone),
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def draft(request: web.Request) -> web.Response:
    posted, hall = await request.post(), request.app[HALL]
    form = {
        name: str(posted.get(name, "")).strip() for name in ("title", "intro", "first", "last", "questions")
    }
    days: list[date] = []
    with suppress(ValueError):
        days = [date.fromisoformat(form[name]) for name in ("first", "last")]
    if len(days) < len(("first", "last")):
        raise web.HTTPBadRequest(text="请填写开始和截止日期。")
    try:
        questions = core.parsed(form["questions"])
        body = Survey(
            title=form["title"], intro=form["intro"], questions=questions, first=days[0], last=days[1]
        )
        async with hall.store.write() as conn:
            number = await survey.draft(conn, body, request[USER].name, hall.clock.wall())
    except (RejectedError, UsageError) as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/surveys/{number}")


async def show_survey(request: web.Request) -> web.Response:
    facts, user, hall = facts_of(request), request[USER], request.app[HALL]
    async with hall.store.read() as conn:
        row = await surveys.one(conn, int(request.match_info["number"]))
        if row is None:
            raise web.HTTPNotFound(text="没有这个调查。请从调查列表进入。")
        body = surveys.body_of(row)
        answers, sources = await surveys.answers(conn, row.id)
    results = core.counted(body, answers, sources)
    today = local_date(hall.clock.office(), hall.zone)
    may = allows(user.role, Permission.RELEASE_PUBLICATION)
    state = State(row.state)
    is_open = state is State.RELEASED and today <= body.last
    return render(
        request,
        "survey.html",
        row=row,
        body=body,
        standing=state,
        results=None if is_open else results,
        written={} if is_open else core.written(body, answers),
        longest=MOST_WRITTEN,
        number=results.number,
        method=core.method(results),
        acts=[
            event
            for event in Event
            if may and not core.refusal(body, state, event, row.who, user.name, today)
        ],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def decide(request: web.Request) -> web.Response:
    form, hall = await request.post(), request.app[HALL]
    event = next((one for one in Event if one.value == form.get("event")), None)
    why, number = str(form.get("why", "")).strip(), int(request.match_info["number"])
    if event is None or not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请选择如何办理，并写明意见，{SHORTEST} 至 {LONGEST} 个字。")
    today, who = local_date(hall.clock.office(), hall.zone), request[USER].name
    try:
        async with hall.store.write() as conn:
            await survey.decide(conn, number, event, who, why, hall.clock.wall(), today)
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/surveys/{number}")


_ONE = r"/hall/surveys/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/surveys", show_surveys, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, "/hall/surveys", draft, Permission.DRAFT_PUBLICATION),
    Route(hdrs.METH_GET, _ONE, show_survey, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, f"{_ONE}/decide", decide, Permission.RELEASE_PUBLICATION),
]
