"""法规: a law with its force and its words: entered by one person, read through and released by another, as the public door shows it."""

from contextlib import suppress
from datetime import date

from aiohttp import hdrs, web

from central.core import law_text, wording
from central.core import statute as core
from central.core.access import Permission
from central.core.release import ReleaseState
from central.core.statute import Statute
from central.store import statutes
from central.web.page import HALL, USER, Route, facts_of, number_of, render
from central.web.posted import Posted
from common.core.errors import UsageError

MOST = 300
LARGEST = 4 * law_text.LARGEST + 64 * 1024
"""Bytes of a form with a text."""
_FIELDS = ("name", "number", "effective", "repealed", "since", "text")


async def show_list(request: web.Request) -> web.Response:
    return await _list(request, dict.fromkeys(_FIELDS, ""), "")


async def _list(request: web.Request, form: dict[str, str], fault: str) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        entered, drafts = await statutes.listed(conn), await statutes.drafts(conn, MOST)
        editions = await statutes.editions(conn)
    return render(
        request,
        "statutes.html",
        status=400 if fault else 200,
        entered=entered,
        with_text={name for name, _ in editions},
        lines=[(row, ReleaseState(row.state)) for row in drafts],
        form=form,
        fault=fault,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _day(text: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text)
    return None


async def draft(request: web.Request) -> web.Response:
    posted, hall = await request.post(), request.app[HALL]
    form = {name: str(posted.get(name, "")).strip() for name in _FIELDS}
    days = {name: _day(form[name]) for name in ("effective", "repealed", "since")}
    wrong = [name for name, day in days.items() if form[name] and day is None]
    if days["effective"] is None or wrong:
        return await _list(request, form, "请填写施行日期，如 2026-01-01。没有保存。")
    try:
        one = Statute(
            name=core.name_of(form["name"]),
            number=form["number"],
            effective=days["effective"],
            repealed=days["repealed"],
            since=days["since"],
            text=form["text"],
        )
        core.check(one)
    except UsageError as error:
        return await _list(request, form, f"{error}。{error.hint}。没有保存。")
    async with hall.store.write() as conn:
        number = await statutes.draft(conn, one, request[USER].name, hall.clock.wall())
    raise web.HTTPSeeOther(f"/hall/statutes/{number}")


async def show_one(request: web.Request) -> web.Response:
    """A page of its words at a time, as the public reads it."""
    async with request.app[HALL].store.read() as conn:
        row = await _POSTED.found(request, conn)
        before = await statutes.of_name(conn, row.name)
    one = statutes.drafted(row)
    articles = core.check(one)
    pages = law_text.pages(articles)
    place = min(max(number_of(request.query.get("page", "")) or 1, 1), max(len(pages), 1))
    return _POSTED.page(
        request,
        row,
        one=one,
        before=before,
        number=sum(1 for article in articles if article.number),
        last=articles[-1].label if articles else "",
        shown=pages[place - 1] if pages else [],
        place=place,
        pages=len(pages),
    )


_POSTED = Posted("statute.html", statutes.one_draft, statutes.decide, "没有这份法规草稿。请从法规页进入。")
_ONE = r"/hall/statutes/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/statutes", show_list, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, "/hall/statutes", draft, Permission.DRAFT_PUBLICATION, largest=LARGEST),
    Route(hdrs.METH_GET, _ONE, show_one, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, _ONE + "/{to:release|refuse}", _POSTED.decide, Permission.RELEASE_PUBLICATION),
]
