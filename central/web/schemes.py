"""评分方案: its versions and how they differ, a change drafted in a form, tried on past periods, put into force by another person."""

from collections.abc import Mapping
from datetime import date, timedelta

from aiohttp import hdrs, web
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central import scoring
from central.core import scheme_form, wording
from central.core.access import Permission
from central.core.formula import FUNCTIONS
from central.core.item_draft import DraftState
from central.core.measure import MEASURES
from central.core.period import parse
from central.core.release import method
from central.core.scheme import Fault, Scheme, difference
from central.core.scheme_form import Filled
from central.core.scope import EVERYTHING
from central.scoring import Trial
from central.store import schemes, scores
from central.web.page import HALL, USER, Route, facts_of, must_reach_all, render
from common.core.errors import UsageError
from common.core.instant import local_date
from common.core.state import SiteKind

SHORTEST, LONGEST = 4, 200
MOST_RUNS, TRIED = 60, 6
"""Runs that are looked through, and the past periods that a change is tried on."""


class Tried(Struct, frozen=True):
    """A past period by another scheme, as far as the account reaches. `places`: sites whose place would be another."""

    run: int
    period: str
    sites: int
    moved: int
    places: int
    trials: list[Trial]


async def _tried(request: web.Request, conn: AsyncConnection, wanted: Scheme) -> list[Tried]:
    """On the newest periods of a month that were scored, newest first."""
    scope, found, seen = request[USER].scope, list[Tried](), set[str]()
    for row in await scores.runs(conn, MOST_RUNS):
        if row.period in seen or len(found) == TRIED:
            continue
        seen.add(row.period)
        run = await scores.newest(conn, row.period)
        assert run is not None
        every = await scoring.tried_sites(conn, run.id, wanted)
        mine = [one for one in every if scope.has_site(one.old.unit[0])]
        moving = [one for one in mine if one.moves]
        places = sum(one.old.rank != one.new.rank for one in moving)
        found.append(Tried(run.id, parse(row.period).word, len(mine), len(moving), places, moving))
    return found


def _today(request: web.Request) -> date:
    facts = facts_of(request)
    return local_date(facts.now_at, facts.zone)


def _when(request: web.Request, wall: int) -> str:
    facts = facts_of(request)
    return wording.full(wall, facts.zone, facts.now_wall)


async def show_list(request: web.Request) -> web.Response:
    async with request.app[HALL].store.read() as conn:
        made = await scores.schemes(conn)
        newest = await scores.scheme(conn)
        now = await scores.scheme_on(conn, _today(request).replace(day=1))
        waiting = await schemes.waiting(conn)
        versions = range(newest.version, 0, -1)
        old = await scores.scheme(conn, _version(request, "from", max(1, newest.version - 1), newest.version))
        new = await scores.scheme(conn, _version(request, "to", newest.version, newest.version))
        content = {number: await scores.scheme(conn, number) for number in versions}
    rows = {row.version: (row.who, row.why, _when(request, row.made_wall)) for row in made}
    return render(
        request,
        "schemes.html",
        versions=[(content[number], *rows.get(number, ("", "随软件提供", ""))) for number in versions],
        now=now,
        method=method(now),
        waiting=waiting,
        old=old,
        new=new,
        changes=difference(old, new),
    )


def _version(request: web.Request, name: str, default: int, newest: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= newest):
        raise web.HTTPNotFound(text="没有这一版评分方案。请从评分方案页进入。")
    return int(text)


async def show_form(request: web.Request) -> web.Response:
    async with request.app[HALL].store.read() as conn:
        now = await scores.scheme(conn)
    following = (_today(request).replace(day=1) + timedelta(days=32)).strftime("%Y-%m")
    cells = scheme_form.cells_of(now) | {"since": max(following, now.since)}
    return _form(request, cells, "", [], None)


def _form(
    request: web.Request, cells: Mapping[str, str], why: str, wrong: list[Fault], tried: list[Tried] | None
) -> web.Response:
    counts = {
        section: len({name.split("-")[1] for name in cells if name.startswith(f"{section}-")})
        for section in scheme_form.SECTIONS
    }
    said: dict[str, list[str]] = {}
    for fault in wrong:
        said.setdefault(fault.field, []).append(f"{fault.said}。{fault.hint}。")
    return render(
        request,
        "scheme_form.html",
        status=400 if wrong else 200,
        cells=cells,
        sections={name: counts[name] + scheme_form.SPARE for name in scheme_form.SECTIONS},
        filled=counts,
        fields=scheme_form.SECTIONS,
        words=scheme_form.WORDS,
        kinds=list(SiteKind),
        why=why,
        wrong=said,
        number=len(wrong),
        tried=tried,
        measures=MEASURES,
        functions=FUNCTIONS,
    )


async def _filled(request: web.Request) -> tuple[Filled, str]:
    form = await request.post()
    cells = {name: text for name, text in form.items() if isinstance(text, str)}
    async with request.app[HALL].store.read() as conn:
        now = await scores.scheme(conn)
    return scheme_form.read(cells, now.version), cells.get("why", "").replace("\0", "").strip()


async def attempt(request: web.Request) -> web.Response:
    """Nothing is kept: the form again, with what would move."""
    filled, why = await _filled(request)
    if filled.wrong:
        return _form(request, filled.cells, why, filled.wrong, None)
    async with request.app[HALL].store.read() as conn:
        return _form(request, filled.cells, why, [], await _tried(request, conn, filled.scheme))


async def propose(request: web.Request) -> web.Response:
    filled, why = await _filled(request)
    wrong = list(filled.wrong)
    if not SHORTEST <= len(why) <= LONGEST:
        wrong.append(Fault("why", "没有写明改动的原因", f"{SHORTEST} 至 {LONGEST} 个字"))
    if wrong:
        return _form(request, filled.cells, why, wrong, None)
    hall, user = request.app[HALL], request[USER].name
    try:
        async with hall.store.write() as conn:
            wall = hall.clock.wall()
            number = await schemes.add(conn, filled.scheme, user, why, wall, _today(request))
    except UsageError as error:
        return _form(request, filled.cells, why, [Fault("", str(error), error.hint)], None)
    raise web.HTTPSeeOther(f"/hall/schemes/drafts/{number}")


async def show_draft(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    async with request.app[HALL].store.read() as conn:
        row = await schemes.one(conn, number)
        if row is None:
            raise web.HTTPNotFound(text="没有这份方案。请从评分方案页进入。")
        wanted, newest = schemes.content(row), await scores.scheme(conn)
        before = await scores.scheme(conn, row.base)
        standing = DraftState(row.state)
        tried = await _tried(request, conn, wanted) if standing is DraftState.WAITING else []
    return render(
        request,
        "scheme_draft.html",
        row=row,
        wanted=wanted,
        before=before,
        changes=difference(before, wanted),
        is_old=standing is DraftState.WAITING and newest.version != row.base,
        is_over=standing is DraftState.WAITING and wanted.since < f"{_today(request):%Y-%m}",
        standing=standing,
        is_own=row.who == request[USER].name,
        sees_all=request[USER].scope == EVERYTHING,
        made=_when(request, row.made_wall),
        decided=_when(request, row.decided_wall) if row.decided_wall else "",
        tried=tried,
    )


async def decide(request: web.Request) -> web.Response:
    must_reach_all(request, "评分方案")
    to = DraftState.APPROVED if request.match_info["to"] == "approve" else DraftState.REFUSED
    return await _decide(request, to)


async def withdraw(request: web.Request) -> web.Response:
    return await _decide(request, DraftState.WITHDRAWN)


async def _decide(request: web.Request, to: DraftState) -> web.Response:
    form, hall, number = await request.post(), request.app[HALL], int(request.match_info["number"])
    why = str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明意见，{SHORTEST} 至 {LONGEST} 个字。")
    try:
        async with hall.store.write() as conn:
            user, wall = request[USER].name, hall.clock.wall()
            await schemes.decide(conn, number, to, user, why, wall, _today(request))
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/schemes/drafts/{number}")


_DRAFT = r"/hall/schemes/drafts/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/schemes", show_list, Permission.VIEW_SCHEME),
    Route(hdrs.METH_GET, "/hall/schemes/new", show_form, Permission.DRAFT_SCHEME),
    Route(hdrs.METH_POST, "/hall/schemes/try", attempt, Permission.DRAFT_SCHEME),
    Route(hdrs.METH_POST, "/hall/schemes", propose, Permission.DRAFT_SCHEME),
    Route(hdrs.METH_GET, _DRAFT, show_draft, Permission.VIEW_SCHEME),
    Route(hdrs.METH_POST, _DRAFT + "/{to:approve|refuse}", decide, Permission.APPROVE_SCHEME),
    Route(hdrs.METH_POST, _DRAFT + "/withdraw", withdraw, Permission.DRAFT_SCHEME),
]
