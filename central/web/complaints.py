"""投诉: the hall's list and one complaint, without who complained; that is shown by reason and audit alone."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import complaint, complaint_paper, linking
from central.complaint import Bench, Words
from central.core import complaint as complaints
from central.core import excerpt, wording
from central.core.access import Permission, Role, allows
from central.core.complaint import HEARD, LEVELS, Actor, Event, Side, State
from central.core.document import Kind
from central.core.hall import Facts
from central.core.release import ReleaseState
from central.core.scope import Scope
from central.core.similar import Brief, similar
from central.core.trail import Line
from central.store import complaints as rows
from central.store import documents, excerpts, law, trail
from central.store import scope as scopes
from central.web.correction import FILE_TYPES as TYPES
from central.web.correction import desk
from central.web.documents import handed
from central.web.listing import address
from central.web.page import HALL, USER, Route, User, facts_of, reached_sites, render
from central.web.reveal import LONGEST, SHORTEST
from central.world import Moment
from common.core.errors import RejectedError, UsageError
from common.core.instant import DAY, day_ending, end_of_day, local_date

MOST = 200
REASONS = ("与投诉人核实情况", "告知办理结果", "电话回访", "依法查询")
Look = Callable[[AsyncConnection, Scope, int], Awaitable[Row[Any] | None]]
STALE = "这件投诉刚刚有人办理过。没有执行，请看最新情况后再办理。"
TABS: tuple[tuple[str, str, tuple[State, ...]], ...] = (
    ("", "办理中", ()),
    ("received", "待受理", (State.RECEIVED,)),
    ("work", "已受理", (State.ACCEPTED, State.ASSIGNED, State.ANSWERED)),
    ("replied", "待评价", (State.REPLIED,)),
    ("over", "已办结", (State.CLOSED, State.REFUSED)),
)
_TURNS = (Event.ACCEPT, Event.REFUSE, Event.ASSIGN, Event.REPLY, Event.EXTEND, *HEARD)
"""Acts of whoever has the turn."""
_HALL_ACTS = (*_TURNS, Event.SUPERVISE)
SINCE = 60 * DAY
MOST_COMPARED, MOST_SIMILAR = 500, 5
"""Complaints of the last days are compared; so many are suggested."""


class View(Struct, frozen=True):
    """A line of the list."""

    id: int
    number: str
    topic: str
    unit: str
    state: str
    level: int
    turn: str
    due: str
    left: str
    late: bool
    mine: bool


def _actor(user: User) -> Actor:
    return Actor(user.name, user.role, user.home)


def _view(row: Row[Any], user: User, facts: Facts) -> View:
    one = rows.body_of(row)
    mine = any(not complaints.refusal(one, event, _actor(user), Side.HALL) for event in _TURNS)
    calls = complaints.owed(one)
    turn = "投诉人评价" if one.state is State.REPLIED else LEVELS[one.level].word
    if calls is not None:
        turn = f"{Role.COMPLAINTS.word}回访（第 {len(calls.tries) + 1} 次）"
    if one.state is State.ASSIGNED:
        turn = f"{row.org} 报结果"
    return View(
        id=row.id,
        number=row.number,
        topic=row.topic,
        unit=row.unit,
        state=one.state.word,
        level=one.level,
        turn="" if one.state in complaints.ENDS else turn,
        due=wording.day_and_weekday(date.fromisoformat(row.due_day)) if row.due_day else "–",
        left=left(row.due_day, facts),
        late=bool(one.lapsed),
        mine=mine,
    )


def left(due_day: str | None, facts: Facts) -> str:
    """The time until the end of that day, for people."""
    if not due_day:
        return "–"
    due_at = end_of_day(date.fromisoformat(due_day), facts.zone)
    return wording.time_left(due_at, facts.now_at, facts.zone, facts.slow.workday)


async def show_complaints(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    chosen = request.query.get("stage", "")
    states = next((states for name, _, states in TABS if name == chosen), ())
    async with request.app[HALL].store.read() as conn:
        found = await rows.listed(conn, user.scope, states, MOST + 1)
        counts = await rows.counts(conn, user.scope)
    tabs = [(name, word, sum(counts.get(state.value, 0) for state in states)) for name, word, states in TABS]
    open_ones = sum(number for state, number in counts.items() if State(state) not in complaints.ENDS)
    return render(
        request,
        "complaints.html",
        chosen=chosen,
        tabs=[("", tabs[0][1], open_ones), *tabs[1:]],
        lines=[_view(row, user, facts) for row in found[:MOST]],
        cut=len(found) > MOST,
        longest=MOST,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def show_complaint(request: web.Request) -> web.Response:
    facts, user, hall = facts_of(request), request[USER], request.app[HALL]
    async with hall.store.read() as conn:
        row = await _found(request, conn)
        events = await rows.events(conn, row.id)
        files = await rows.files(conn, row.id)
        offices = sorted(await scopes.tree(conn))
        near = await rows.lately(conn, user.scope, row.received_at - SINCE, MOST_COMPARED)
        calendar = await law.calendar(conn)
        sees = allows(user.role, Permission.REVEAL_COMPLAINANT)
        looked = await trail.about(conn, "complaint.reveal", row.number, 20) if sees else list[Line]()
        papers = await complaint_paper.of_complaint(conn, row)
        issuers = {one.id: one.name for one in await documents.issuers(conn)}
        offered = await linking.proposals(conn, row, user.scope, facts.zone)
        case = await linking.shown(conn, row, user.scope, sees=sees)
        published = [(one, ReleaseState(one.state)) for one in await excerpts.of(conn, row.id)]
    one = rows.body_of(row)
    may, today = allows(user.role, Permission.WORK_COMPLAINT), local_date(hall.clock.office(), hall.zone)
    return render(
        request,
        "complaint.html",
        row=row,
        one=one,
        told=_view(row, user, facts),
        acts=[
            event
            for event in _HALL_ACTS
            if may
            and not complaints.refusal(one, event, _actor(user), Side.HALL)
            and (event is not Event.EXTEND or complaints.may_extend(one, today, calendar))
            and (event is not Event.SUPERVISE or today not in one.supervised)
            and (event is not Event.UNREACHED or one.calls is None or today not in one.calls.tries)
        ],
        heard=HEARD,
        replied=(State.REPLIED, State.CLOSED),
        calls=one.calls,
        called_late=[wording.day_and_weekday(day) for day in one.calls.lapsed] if one.calls else [],
        similar=similar(Brief(row.id, row.number, row.topic, row.unit, row.case_no, row.text), near)[
            :MOST_SIMILAR
        ],
        case=case,
        offered=offered if not row.case_key else [],
        **_said(request),
        urged=[wording.day(day) for day in one.urged],
        supervised=[wording.day(day) for day in one.supervised],
        events=[
            (event, Event(event.event).word, wording.full(event.at, facts.zone, facts.now_at))
            for event in events
        ],
        role_word=lambda name: Role(name).word if name else "",
        files=files,
        Event=Event,
        excerpts=published,
        may_excerpt=may
        and excerpt.is_open_to(one.state, row.reply, may_publish=row.may_publish)
        and not {row.site, row.org} & user.home - {""}
        and not {ReleaseState.DRAFT, ReleaseState.RELEASED} & {state for _, state in published},
        papers=papers,
        issuers=sorted(issuers.items()),
        may=may,
        kind_word=lambda name: Kind(name).word,
        offices=offices,
        sites=[(item.id, item.name) for item in reached_sites(request)],
        lapsed=[wording.day_and_weekday(day) for day in one.lapsed],
        received=wording.full(row.received_at, facts.zone, facts.now_at),
        sees=sees,
        reasons=REASONS,
        looked=[
            (line.who, wording.full(line.at_wall, facts.zone, facts.now_wall), line.why) for line in looked
        ],
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _said(request: web.Request) -> dict[str, Any]:
    """What the lines of cases need."""
    zone, sees = facts_of(request).zone, allows(request[USER].role, Permission.VIEW_CASE)
    return {
        "filed": lambda case: (
            wording.day_and_weekday(day_ending(case.filed_at, zone)) if case.filed_at else "日期未填"
        ),
        "case_page": lambda case: address(case.site, case.case_key) if sees else "",
    }


async def _found(request: web.Request, conn: AsyncConnection, look: Look = rows.one) -> Row[Any]:
    """Raises HTTPNotFound for one that the account does not reach."""
    row = await look(conn, request[USER].scope, int(request.match_info["number"]))
    if row is None:
        raise web.HTTPNotFound(text="没有这件投诉。请从投诉列表查找。")
    return row


async def _bench(request: web.Request, conn: AsyncConnection) -> Bench:
    hall = request.app[HALL]
    now = Moment(hall.clock.office(), hall.clock.wall())
    return Bench(now, hall.zone, await law.calendar(conn), hall.sign_secret)


async def work(request: web.Request) -> web.Response:
    """One act of the hall. A form knows the newest entry it has seen."""
    form, number = await request.post(), int(request.match_info["number"])
    name = str(form.get("event", ""))
    if name not in {event.value for event in _HALL_ACTS}:
        raise web.HTTPBadRequest(text="请选择如何办理。")
    text, site, org = (str(form.get(field, "")).strip() for field in ("text", "site", "org"))
    if site and site not in {item.id for item in reached_sites(request)}:
        raise web.HTTPBadRequest(text="没有这个站点。")
    await do(request, Event(name), _actor(request[USER]), Words(text, site, org))
    raise web.HTTPSeeOther(f"/hall/complaints/{number}")


async def do(request: web.Request, event: Event, actor: Actor, words: Words) -> None:
    """One act of the hall or of the unit, on what the form has seen. Raises HTTPConflict with the reason where it may not happen."""
    seen = str((await request.post()).get("entries", ""))
    try:
        async with request.app[HALL].store.write() as conn:
            row = await _found(request, conn, rows.lock_reached)
            if str(row.entries) != seen:
                raise web.HTTPConflict(text=STALE)
            await complaint.act(conn, row, event, actor, words, await _bench(request, conn))
            await complaint_paper.draft_after(conn, row, event, actor.person, await desk(request, conn))
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error


async def draft(request: web.Request) -> web.Response:
    """A document to the complainant that is still owed, for another person's signature."""
    form, number = await request.post(), int(request.match_info["number"])
    kind = str(form.get("kind", ""))
    if kind not in set(Kind):
        raise web.HTTPBadRequest(text="请选择出具哪一种文书。")
    try:
        async with request.app[HALL].store.write() as conn:
            row = await _found(request, conn, rows.lock_reached)
            issuer, who = str(form.get("issuer", "")).strip(), request[USER].name
            await complaint_paper.draft(conn, row, Kind(kind), issuer, who, await desk(request, conn))
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/complaints/{number}")


async def paper(request: web.Request) -> web.Response:
    """A file of a document of the complaint."""
    async with request.app[HALL].store.write() as conn:
        row = await _found(request, conn)
        found = await documents.find(conn, request.match_info["code"])
        if found is None or found.subject != complaint_paper.subject_of(row.id):
            raise web.HTTPNotFound(text="没有这份文书。请从投诉页打开。")
        return await handed(request, conn, found, request.match_info["form"])


async def link(request: web.Request) -> web.Response:
    """With one of the proposed cases, or with none."""
    form, number, user, hall = (
        await request.post(),
        int(request.match_info["number"]),
        request[USER],
        request.app[HALL],
    )
    chosen = str(form.get("site", "")), str(form.get("case_key", ""))
    wall, secret = hall.clock.wall(), hall.sign_secret
    try:
        async with hall.store.write() as conn:
            row = await _found(request, conn, rows.lock_reached)
            if {row.site, row.org} & user.home - {""}:
                raise web.HTTPConflict(text="不能办理对本单位的投诉。请由另一人关联。")
            if not any(chosen):
                await linking.unlink(conn, row, user.name, wall)
            else:
                phone = complaint.person_of(row, secret).phone if await _has_looked(conn, row, user) else ""
                offered = await linking.proposals(conn, row, user.scope, hall.zone, phone)
                await linking.link(conn, row, chosen, offered, user.name, wall)
    except UsageError as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/complaints/{number}")


async def _has_looked(conn: AsyncConnection, row: Row[Any], user: User) -> bool:
    """Whether the telephone has been shown to this person before, for a reason."""
    if not allows(user.role, Permission.REVEAL_COMPLAINANT):
        return False
    return any(
        line.who == user.name for line in await trail.about(conn, "complaint.reveal", row.number, MOST)
    )


async def reveal(request: web.Request) -> web.Response:
    """Who complained, and the cases of that telephone, after the line of the audit is written in the same transaction."""
    form, hall, user, facts = await request.post(), request.app[HALL], request[USER], facts_of(request)
    reason, more = str(form.get("reason", "")), str(form.get("why", "")).strip()
    if reason not in REASONS or not SHORTEST <= len(more) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请选择原因，并写明情况，{SHORTEST} 至 {LONGEST} 个字。")
    async with hall.store.write() as conn:
        row = await _found(request, conn)
        await trail.note(
            conn, hall.clock.wall(), user.name, "complaint.reveal", row.number, f"{reason}：{more}"
        )
        files = await rows.files(conn, row.id)
        person = complaint.person_of(row, hall.sign_secret)
        offered = await linking.proposals(conn, row, user.scope, facts.zone, person.phone)
    return render(
        request,
        "complainant.html",
        row=row,
        person=person,
        offered=[
            one for one in offered if (one.case.site, one.case.case_key) != (row.case_site, row.case_key)
        ],
        may=True,
        **_said(request),
        files=files,
        why=f"{reason}：{more}",
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def download(request: web.Request) -> web.Response:
    """What was attached, for who may know who complained; each look is a line of the audit."""
    hall, user, place = request.app[HALL], request[USER], int(request.match_info["place"])
    async with hall.store.write() as conn:
        row = await _found(request, conn)
        file = await rows.file(conn, row.id, place)
        if file is None:
            raise web.HTTPNotFound(text="没有这个附件。请从投诉页打开。")
        await trail.note(conn, hall.clock.wall(), user.name, "complaint.reveal", row.number, f"附件 {place}")
    body = complaint.file_of(row, file, hall.sign_secret)
    answer = web.Response(body=body, content_type=TYPES[file.kind])
    name = quote(f"{row.number}-{place}.{file.kind}", safe="")
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    answer.headers["Cache-Control"] = "no-store"
    return answer


_ONE = r"/hall/complaints/{number:\d{1,9}}"
ROUTES = [
    Route("GET", "/hall/complaints", show_complaints, Permission.VIEW_COMPLAINT),
    Route("GET", _ONE, show_complaint, Permission.VIEW_COMPLAINT),
    Route("POST", f"{_ONE}/act", work, Permission.WORK_COMPLAINT),
    Route("POST", f"{_ONE}/draft", draft, Permission.WORK_COMPLAINT),
    Route("GET", _ONE + "/documents/{code}.{form:pdf|docx}", paper, Permission.VIEW_COMPLAINT),
    Route("POST", f"{_ONE}/case", link, Permission.WORK_COMPLAINT),
    Route("POST", f"{_ONE}/person", reveal, Permission.REVEAL_COMPLAINANT),
    Route("GET", _ONE + r"/files/{place:\d{1,2}}", download, Permission.REVEAL_COMPLAINANT),
]
