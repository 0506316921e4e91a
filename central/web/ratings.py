"""好差评: call-backs that are due, patterns to look at, what was set aside; one rating; the codes of windows; the office's side."""

from datetime import date, timedelta
from typing import Any

from aiohttp import hdrs, web
from msgspec import Struct
from sqlalchemy import Row

from central import rating
from central.complaint import Bench
from central.core import rating as core
from central.core import wording
from central.core.access import Permission, allows
from central.core.complaint import Actor
from central.core.hall import Facts
from central.core.rating import Event, Level, State
from central.door import seal
from central.store import law, pages, ratings, scope, trail
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from central.web.reveal import LONGEST, SHORTEST
from central.world import Moment
from common.core.errors import RejectedError, UsageError
from common.core.instant import day_ending, end_of_day, local_date

MOST = 200
SINCE_DAYS = 30
REASONS = ("电话回访", "核实评价的情况", "依法查询")
STALE = "这条评价刚刚有人办理过。没有执行，请看最新情况后再办理。"
TABS = (("", "待整改、待回访"), ("flagged", "异常"), ("aside", "不计入"), ("all", "全部"))


class View(Struct, frozen=True):
    """A line of the list."""

    id: int
    level: Level
    what: str
    where: str
    day: str
    state: str
    due: str
    left: str
    late: bool
    flags: list[str]
    aside: bool


def _view(row: Row[Any], facts: Facts, names: dict[str, str]) -> View:
    one = ratings.body_of(row)
    due = date.fromisoformat(row.due_day) if row.due_day else None
    left = (
        wording.time_left(end_of_day(due, facts.zone), facts.now_at, facts.zone, facts.slow.workday)
        if due
        else "–"
    )
    return View(
        id=row.id,
        level=Level(row.level),
        what=row.item or row.window,
        where=" ".join(name for name in (names.get(row.site, row.site), row.org) if name),
        day=wording.day(date.fromisoformat(row.day)),
        state=one.state.word,
        due=wording.day_and_weekday(due) if due else "–",
        left=left,
        late=bool(one.lapsed),
        flags=[flag.word for flag in ratings.flags_of(row)],
        aside=one.is_aside,
    )


def _names(facts: Facts) -> dict[str, str]:
    return {item.id: item.name for item in facts.sites}


class Tally(Struct, frozen=True):
    """Of a site in the last days: each level that counts, the mean of their points, how many are set aside."""

    site: str
    counts: dict[Level, int]
    mean: str
    aside: int


def _tallies(rows: Any, names: dict[str, str]) -> list[Tally]:
    found: dict[str, tuple[dict[Level, int], int]] = {}
    for row in rows:
        counts, aside = found.setdefault(row.site, (dict.fromkeys(Level, 0), 0))
        if row.is_aside:
            found[row.site] = counts, aside + row.number
        else:
            counts[Level(row.level)] += row.number
    told = []
    for site, (counts, aside) in sorted(found.items()):
        mean = core.average(counts)
        told.append(Tally(names.get(site, site), counts, "–" if mean is None else f"{mean:.1f}", aside))
    return told


async def show_ratings(request: web.Request) -> web.Response:
    facts, reached = facts_of(request), request[USER].scope
    chosen = request.query.get("show", "")
    chosen = chosen if chosen in {name for name, _ in TABS} else ""
    today = local_date(facts.now_at, facts.zone)
    async with request.app[HALL].store.read() as conn:
        found = await ratings.listed(conn, reached, chosen, MOST + 1)
        tabs = [(name, word, await ratings.number_of(conn, reached, name)) for name, word in TABS]
        counted = await ratings.levels(conn, reached, today - timedelta(days=SINCE_DAYS - 1))
    names = _names(facts)
    return render(
        request,
        "ratings.html",
        chosen=chosen,
        tabs=tabs,
        lines=[_view(row, facts, names) for row in found[:MOST]],
        cut=len(found) > MOST,
        longest=MOST,
        levels=sorted(Level, reverse=True),
        tallies=_tallies(counted, names),
        since_days=SINCE_DAYS,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def show_rating(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        row = await ratings.one(conn, user.scope, int(request.match_info["number"]))
        if row is None:
            raise web.HTTPNotFound(text="没有这条评价。请从好差评列表查找。")
        events = await ratings.events(conn, row.id)
        looked = await trail.about(conn, "rating.reveal", f"评价 {row.id}", 20)
    one, today = ratings.body_of(row), local_date(facts.now_at, facts.zone)
    may = allows(user.role, Permission.WORK_RATING) and not {row.site, row.org} & user.home - {""}
    return render(
        request,
        "rating.html",
        row=row,
        told=_view(row, facts, _names(facts)),
        lapsed=[wording.day_and_weekday(day) for day in one.lapsed],
        rounds=one.rounds,
        acts=[
            event
            for event in core.CENTRE_ACTS
            if may
            and not core.refusal(one, event, Permission.WORK_RATING)
            and (event is not Event.UNREACHED or today not in one.tries)
        ],
        tries=len(one.tries),
        level_up=one.level_up,
        may=may and Level(row.level).is_bad,
        can_call=bool(row.case_key) or row.has_phone,
        reasons=REASONS,
        looked=[
            (line.who, wording.full(line.at_wall, facts.zone, facts.now_wall), line.why) for line in looked
        ],
        events=[
            (event, Event(event.event).word, wording.full(event.at, facts.zone, facts.now_at))
            for event in events
        ],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def _do(request: web.Request, number: int, event: Event, may: Permission, actor: Actor) -> None:
    form, hall = await request.post(), request.app[HALL]
    text, seen = str(form.get("text", "")).strip(), str(form.get("entries", ""))
    now = Moment(hall.clock.office(), hall.clock.wall())
    try:
        async with hall.store.write() as conn:
            row = await ratings.lock_reached(conn, request[USER].scope, number)
            if row is None:
                raise web.HTTPNotFound(text="没有这条评价。请从好差评列表查找。")
            if str(row.entries) != seen:
                raise web.HTTPConflict(text=STALE)
            bench = Bench(now, hall.zone, await law.calendar(conn), hall.sign_secret)
            await rating.act(conn, row, event, may, actor, text, bench)
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error


async def work(request: web.Request) -> web.Response:
    """One act of the centre. A form knows the newest entry it has seen."""
    number, user = int(request.match_info["number"]), request[USER]
    name = str((await request.post()).get("event", ""))
    if name not in {event.value for event in core.CENTRE_ACTS}:
        raise web.HTTPBadRequest(text="请选择如何办理。")
    await _do(request, number, Event(name), Permission.WORK_RATING, Actor(user.name, user.role, user.home))
    raise web.HTTPSeeOther(f"/hall/ratings/{number}")


async def reveal(request: web.Request) -> web.Response:
    """By what telephone somebody is called back, after the line of the audit is written in the same transaction."""
    form, hall, user, facts = await request.post(), request.app[HALL], request[USER], facts_of(request)
    reason, more = str(form.get("reason", "")), str(form.get("why", "")).strip()
    if reason not in REASONS or not SHORTEST <= len(more) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请选择原因，并写明情况，{SHORTEST} 至 {LONGEST} 个字。")
    async with hall.store.write() as conn:
        row = await ratings.one(conn, user.scope, int(request.match_info["number"]))
        if row is None or not Level(row.level).is_bad or {row.site, row.org} & user.home - {""}:
            raise web.HTTPNotFound(text="没有须回访的这条评价。请从好差评列表查找。")
        why = f"{reason}：{more}"
        await trail.note(conn, hall.clock.wall(), user.name, "rating.reveal", f"评价 {row.id}", why)
        now = Moment(facts.now_at, facts.now_wall)
        bench = Bench(now, hall.zone, await law.calendar(conn), hall.sign_secret)
        name, phone = await rating.phone_of(conn, row, bench)
    return render(
        request,
        "rater.html",
        row=row,
        name=name,
        phone=phone,
        why=why,
        checked=wording.clock(facts.now_at, facts.zone),
    )


# the office's side --------------------------------------------------------------------------------------------


async def show_unit(request: web.Request) -> web.Response:
    """Bad ratings of the own office: what was said, not by whom."""
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        found = await ratings.assigned(conn, user.scope, MOST)
    lines = [
        (row, Level(row.level).word, State(row.state), core.not_answered_by(ratings.body_of(row), user.role), wording.day(date.fromisoformat(row.day)), wording.day_and_weekday(date.fromisoformat(row.due_day)) if row.due_day else "–")
        for row in found
    ]  # fmt: skip
    return render(
        request,
        "unit_ratings.html",
        ours=[line for line in lines if line[2] is State.MENDING],
        others=[line for line in lines if line[2] is not State.MENDING],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def answer_unit(request: web.Request) -> web.Response:
    number, user = int(request.match_info["number"]), request[USER]
    async with request.app[HALL].store.read() as conn:
        reached = {row.id for row in await ratings.assigned(conn, user.scope, MOST)}
    if number not in reached:
        raise web.HTTPNotFound(text="没有这条差评。请从本单位的差评查找。")
    await _do(request, number, Event.MEND, Permission.ANSWER_RATING, Actor(user.name, user.role))
    raise web.HTTPSeeOther("/unit/ratings")


async def print_ticket(request: web.Request) -> web.Response:
    """The token of a case on a slip, for whoever stands at the window; who printed it is in the audit."""
    hall, user, facts = request.app[HALL], request[USER], facts_of(request)
    form = await request.post()
    site, key = (str(form.get(name, "")).replace("\0", "") for name in ("site", "key"))
    async with hall.store.write() as conn:
        row = await pages.one_case(conn, user.scope, site, key)
        if row is None:
            raise web.HTTPNotFound(text="没有这个办件。请从办件列表查找。")
        finished = day_ending(row.finished_at, facts.zone) if row.finished_at else None
        ticket = await rating.ticket_of(conn, row, row.site_name, finished)
        if ticket is None:
            raise web.HTTPConflict(text="这件还没有办结，或已经评价过，没有评价码。")
        await trail.note(conn, hall.clock.wall(), user.name, "rating.print", f"{site}/{key}", "窗口打印")
    token = seal.ticket(seal.key_of(hall.sign_secret), ticket.name)
    return render(
        request,
        "rating_slip.html",
        slips=[(ticket.item, ticket.place, token)],
        until=ticket.until,
        checked=wording.clock(facts.now_at, facts.zone),
    )


# windows ------------------------------------------------------------------------------------------------------


async def show_windows(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        rows = await ratings.windows(conn, request[USER].scope)
        offices = sorted(await scope.tree(conn))
    names = _names(facts)
    return render(
        request,
        "rating_windows.html",
        rows=[(row, names.get(row.site, row.site)) for row in rows],
        sites=[(item.id, item.name) for item in reached_sites(request)],
        offices=offices,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def add_window(request: web.Request) -> web.Response:
    form, hall, user = await request.post(), request.app[HALL], request[USER]
    site, name, org = (str(form.get(field, "")).strip() for field in ("site", "name", "org"))
    known = {item.id for item in reached_sites(request)}
    if site not in known or not 1 <= len(name) <= 30 or len(org) > 60:
        raise web.HTTPBadRequest(text="请选择站点，写明窗口名称，30 个字以内。")
    async with hall.store.write() as conn:
        if await ratings.open_window(conn, site, name) is not None:
            raise web.HTTPBadRequest(text=f"这个站点已经有在用的“{name}”。")
        code = rating.new_code()
        await ratings.add_window(conn, code, site, name, org)
        await trail.note(conn, hall.clock.wall(), user.name, "window.add", f"{site}/{name}", code)
    raise web.HTTPSeeOther("/hall/ratings/windows")


async def close_window(request: web.Request) -> web.Response:
    form, hall, user = await request.post(), request.app[HALL], request[USER]
    code = str(form.get("code", ""))
    async with hall.store.write() as conn:
        row = await ratings.close_window(conn, user.scope, code)
        if row is None:
            raise web.HTTPNotFound(text="没有在用的这个评价码。请刷新窗口列表。")
        await trail.note(conn, hall.clock.wall(), user.name, "window.close", f"{row.site}/{row.name}", code)
    raise web.HTTPSeeOther("/hall/ratings/windows")


async def print_windows(request: web.Request) -> web.Response:
    """A sheet to hang at each window that is in use."""
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        rows = await ratings.windows(conn, request[USER].scope)
    names = _names(facts)
    slips = [(row.name, names.get(row.site, row.site), row.code) for row in rows if row.is_open]
    return render(
        request,
        "rating_slip.html",
        slips=slips,
        until=None,
        checked=wording.clock(facts.now_at, facts.zone),
    )


_ONE = r"/hall/ratings/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/ratings", show_ratings, Permission.VIEW_RATING),
    Route(hdrs.METH_GET, "/hall/ratings/windows", show_windows, Permission.VIEW_RATING),
    Route(hdrs.METH_POST, "/hall/ratings/windows", add_window, Permission.WORK_RATING),
    Route(hdrs.METH_POST, "/hall/ratings/windows/close", close_window, Permission.WORK_RATING),
    Route(hdrs.METH_GET, "/hall/ratings/windows/print", print_windows, Permission.VIEW_RATING),
    Route(hdrs.METH_GET, _ONE, show_rating, Permission.VIEW_RATING),
    Route(hdrs.METH_POST, f"{_ONE}/act", work, Permission.WORK_RATING),
    Route(hdrs.METH_POST, f"{_ONE}/person", reveal, Permission.WORK_RATING),
    Route(hdrs.METH_GET, "/unit/ratings", show_unit, Permission.ANSWER_RATING),
    Route(hdrs.METH_POST, r"/unit/ratings/{number:\d{1,9}}", answer_unit, Permission.ANSWER_RATING),
    Route(hdrs.METH_POST, "/hall/ratings/ticket", print_ticket, Permission.VIEW_CASE),
]
