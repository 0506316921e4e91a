"""绩效: the ranking of a period, one unit's points with the cases behind every fault, and objections to a provisional result."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from aiohttp import hdrs, web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import scoring
from central.core import objection, score, wording
from central.core.access import Permission, allows
from central.core.asked_rules import UNENTERED
from central.core.measure import MEASURES
from central.core.objection import ObjectionState
from central.core.period import ended, parse
from central.core.release import method
from central.core.scope import EVERYTHING, Scope
from central.core.score import Level, Line, Score
from central.scoring import Sender
from central.store import scores
from central.store.scores import Fault
from central.web import score_runs
from central.web.listing import address
from central.web.page import HALL, USER, Route, facts_of, must_reach_all, render
from common.core.errors import UsageError
from common.core.instant import local_date

MOST = 60
"""Runs that the list of periods offers, and cases that one line shows."""
SHORTEST, LONGEST = 4, 200
NONE = "没有这条异议。请从绩效页进入。"
MOST_CASES = 100_000
"""Of a run that is made final on a page; the command line has no bound."""


async def show_scores(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    level = _level(request.query.get("level", Level.SITE.value))
    async with request.app[HALL].store.read() as conn:
        runs = await scores.runs(conn, MOST)
        row = next((one for one in runs if str(one.id) == request.query.get("run", "")), None)
        if row is None and runs:
            row = await scores.newest(conn, runs[0].period)
        found = [] if row is None else await scores.placed(conn, user.scope, row.id, level)
        today = local_date(facts.now_at, facts.zone)
        scheme = (
            await scores.scheme_on(conn, today.replace(day=1))
            if row is None
            else await scores.scheme(conn, row.scheme)
        )
        contested = [] if row is None else await scores.objections(conn, row.id)
        own = [one for one in contested if await scores.is_reached(conn, user.scope, one)]
        numbers = [await scores.number_of(conn, one.site, one.case_key, one.measure) for one in own]
    names = {site.id: site.name for site in facts.sites}
    waiting = [one for one in contested if one.state == ObjectionState.WAITING.value]
    groups: dict[str, list[tuple[int, Score]]] = {}
    for place, one in found:
        groups.setdefault(one.group, []).append((place, one))
    return render(
        request,
        "scores.html",
        runs=[(one, parse(one.period).word) for one in runs],
        row=row,
        holds=_holds(row, runs, today, len(waiting)) if user.scope == EVERYTHING else None,
        period=None if row is None else parse(row.period),
        levels=list(Level),
        level=level,
        groups=groups,
        scheme=scheme,
        method=method(scheme),
        made="" if row is None else wording.full(row.made_at, facts.zone, facts.now_at),
        objections=[
            (one, f"{names.get(one.site, one.site)} {number}", ObjectionState(one.state).word)
            for one, number in zip(own, numbers, strict=True)
        ],
        measures=MEASURES,
        running=score_runs.shown(request),
        ended=[
            one for one in ended(today) if one.name not in {each.period for each in runs if each.is_final}
        ],
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _holds(row: Row[Any] | None, runs: Sequence[Row[Any]], today: date, waiting: int) -> str | None:
    """Why a provisional result cannot be made final yet; empty: it can; None: there is nothing to make final."""
    if row is None or row.is_final or any(one.is_final and one.period == row.period for one in runs):
        return None
    try:
        objection.must_be_over(today, date.fromisoformat(row.object_until), waiting)
    except UsageError as error:
        return str(error)
    return ""


def _level(text: str) -> Level:
    if text not in set(Level):
        raise web.HTTPNotFound(text="没有这样的范围。请从绩效页进入。")
    return Level(text)


async def show_unit(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    number, place = int(request.match_info["run"]), int(request.match_info["place"])
    level = _level(request.match_info["level"])
    async with request.app[HALL].store.read() as conn:
        one = await scores.unit(conn, user.scope, number, level, place)
        if one is None:
            raise web.HTTPNotFound(text="没有这个单位的评分。请从绩效页进入。")
        row = await scores.run(conn, number)
        scheme = await scores.scheme(conn, row.scheme)
        contested = {
            (each.site, each.case_key, each.measure): ObjectionState(each.state).word
            for each in await scores.objections(conn, number)
        }
    today = local_date(facts.now_at, facts.zone)
    return render(
        request,
        "score.html",
        one=one,
        row=row,
        period=parse(row.period),
        lines=[("", line, _named(request, line)) for line in one.lines]
        + [("扣分", line, _named(request, line)) for line in one.penalties]
        + [("加分", line, _named(request, line)) for line in one.bonuses],
        spared=[
            (_address(request, name, site, key), no or key, MEASURES[name].name, why)
            for site, key, no, name, why in one.spared
        ],
        contested=contested,
        words={each.id: each.words for each in scheme.indicators}
        | {each.id: each.words for each in (*scheme.penalties, *scheme.bonuses)},
        may_object=not row.is_final and today <= date.fromisoformat(row.object_until),
        checked=wording.clock(facts.now_at, facts.zone),
    )


class Named(Struct, frozen=True):
    """The cases of one fault. `cases`: address (empty: not for this account), number, site and key of the first ones."""

    id: str
    name: str
    unit: str
    may_be_contested: bool
    count: int
    cases: list[tuple[str, str, str, str]]


def _named(request: web.Request, line: Line) -> list[Named]:
    found = []
    for name, cases in line.faults.items():
        one = MEASURES[name]
        shown = [(_address(request, name, site, key), no or key, site, key) for site, key, no in cases[:MOST]]
        found.append(Named(name, one.name, one.unit, one.fault, len(cases), shown))
    return found


def _address(request: web.Request, measure: str, site: str, key: str) -> str:
    """Where that which was counted is looked at; empty: not by this account."""
    number, _, part = key.partition(".")
    where, needs = {
        "complaint_slow": (f"/hall/complaints/{number}", Permission.VIEW_COMPLAINT)
        if part
        else (f"/hall/ratings/{number}", Permission.VIEW_RATING),
        "rating_of": (f"/hall/ratings/{number}", Permission.VIEW_RATING),
        "rating_bad": (f"/hall/ratings/{number}", Permission.VIEW_RATING),
        "absence": ("/hall/attendance", Permission.VIEW_FINDING),
        "clue": (f"/hall/rules/{UNENTERED}#clues", Permission.VIEW_FINDING),
        "arrival_late": (f"/hall/sites/{quote(site, safe='')}", Permission.VIEW_SITE),
    }.get(measure, (address(site, key), Permission.VIEW_CASE))
    return where if allows(request[USER].role, needs) else ""


async def contest(request: web.Request) -> web.Response:
    """The unit's objection to one fault of one of its cases."""
    form, hall, facts = await request.post(), request.app[HALL], facts_of(request)
    number, place = int(request.match_info["run"]), int(request.match_info["place"])
    level = _level(request.match_info["level"])
    site, key, name = (str(form.get(field, "")) for field in ("site", "key", "measure"))
    why = _why(str(form.get("why", "")))
    async with hall.store.write() as conn:
        one = await scores.unit(conn, request[USER].scope, number, level, place)
        if one is None or (site, key, name) not in score.named(one) or not MEASURES[name].fault:
            raise web.HTTPNotFound(text="这个单位的评分里没有这一项。请从绩效页进入。")
        today = local_date(facts.now_at, facts.zone)
        try:
            who = request[USER].name
            await scores.object_to(conn, Fault(number, site, key, name), today, who, why, hall.clock.wall())
        except UsageError as error:
            raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(request.path.removesuffix("/object"))


async def _objection(request: web.Request, conn: AsyncConnection) -> Row[Any]:
    """Raises HTTPNotFound for one that the account does not reach."""
    try:
        one = await scores.objection_of(conn, int(request.match_info["number"]))
    except UsageError as error:
        raise web.HTTPNotFound(text=NONE) from error
    if not await scores.is_reached(conn, request[USER].scope, one):
        raise web.HTTPNotFound(text=NONE)
    return one


async def show_objection(request: web.Request) -> web.Response:
    """如果异议成立: what would move, before it is decided."""
    number = int(request.match_info["number"])
    async with request.app[HALL].store.read() as conn:
        one = await _objection(request, conn)
        row = await scores.run(conn, one.run)
        moved = await _reached(conn, request[USER].scope, one.run, await scoring.preview(conn, number))
        no = await scores.number_of(conn, one.site, one.case_key, one.measure)
    return render(
        request,
        "objection.html",
        one=one,
        row=row,
        period=parse(row.period),
        measure=MEASURES[one.measure],
        standing=ObjectionState(one.state),
        case=_address(request, one.measure, one.site, one.case_key),
        number=no,
        place=next((site.name for site in facts_of(request).sites if site.id == one.site), one.site),
        moved=moved,
        is_own=one.who == request[USER].name,
    )


Moved = list[tuple[Score, Score]]


async def _reached(conn: AsyncConnection, reached: Scope, run: int, moved: Moved) -> Moved:
    """Of what would move, the units in reach: an office is not told how the persons of another are scored."""
    if reached == EVERYTHING:
        return moved
    own = {(one.level, *one.unit) for level in Level for one in await scores.units(conn, reached, run, level)}
    return [pair for pair in moved if (pair[0].level, *pair[0].unit) in own]


async def decide(request: web.Request) -> web.Response:
    form, hall, number = await request.post(), request.app[HALL], int(request.match_info["number"])
    to = ObjectionState.GRANTED if request.match_info["to"] == "grant" else ObjectionState.REFUSED
    why = _why(str(form.get("why", "")))
    try:
        async with hall.store.write() as conn:
            await _objection(request, conn)
            user = request[USER]
            await scores.decide(conn, number, to, user.name, why, hall.clock.wall(), user.home)
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/objections/{number}")


async def finish(request: web.Request) -> web.Response:
    """Provisional -> final, where the window is over and nothing waits: the same facts without the faults that were objected to."""
    form, hall, facts = await request.post(), request.app[HALL], facts_of(request)
    must_reach_all(request, "定稿")
    number, why = int(request.match_info["run"]), _why(str(form.get("why", "")))
    sender = Sender(request[USER].name, why, facts.now_at, hall.clock.wall())
    async with hall.store.read() as conn:
        cases = sum(one.cases for one in await scores.units(conn, EVERYTHING, number, Level.SITE))
    if cases > MOST_CASES:
        raise web.HTTPBadRequest(
            text=f"这一次有 {cases:,} 个办件，网页上至多 {MOST_CASES:,} 个。请在市中心运行  mingcha score final {number} 。"
        )
    try:
        async with hall.store.write() as conn:
            made = await scoring.finish(conn, number, sender, facts.zone)
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/scores?run={made}")


def _why(text: str) -> str:
    why = text.strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明理由，{SHORTEST} 至 {LONGEST} 个字。")
    return why


_UNIT = r"/hall/scores/{run:\d{1,9}}/{level}/{place:\d{1,6}}"
_OBJECTION = r"/hall/objections/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/scores", show_scores, Permission.VIEW_SCORE),
    Route(hdrs.METH_GET, _UNIT, show_unit, Permission.VIEW_SCORE),
    Route(hdrs.METH_POST, f"{_UNIT}/object", contest, Permission.OBJECT_SCORE),
    Route(hdrs.METH_POST, r"/hall/scores/{run:\d{1,9}}/final", finish, Permission.DECIDE_SCORE),
    Route(hdrs.METH_GET, _OBJECTION, show_objection, Permission.VIEW_SCORE),
    Route(hdrs.METH_POST, _OBJECTION + "/{to:grant|refuse}", decide, Permission.DECIDE_SCORE),
]
