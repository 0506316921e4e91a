"""Search among cases: every filter stands in the address, 50 lines a page."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from msgspec.structs import replace
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import naming, wording
from central.core.access import Permission
from central.core.saved_view import Listing
from central.store import pages, trail
from central.store.pages import Filter, Place
from central.web.listing import line
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from central.web.saved_views import offered
from common.core.state import Light

PAGE = 50
LONGEST_TEXT = 100
SHORTEST_NAME = 2
_TOKEN = re.compile(r"[0-9a-f]{32}")


async def show_cases(request: web.Request) -> web.Response:
    after = _place(request.query.get("after", ""))
    facts, reached = facts_of(request), request[USER].scope
    async with request.app[HALL].store.read() as conn:
        wanted = await wanted_of(conn, request)
        rows = await pages.list_cases(conn, reached, wanted, after, PAGE + 1)
        # Counting every closed case would cost more than the list.
        count = None if wanted.closed_too else await pages.count_cases(conn, reached, wanted)
        views = await offered(conn, request, Listing.CASES)
    shown = rows[:PAGE]
    return render(
        request,
        "cases.html",
        wanted=wanted,
        rows=[(line(row, facts), row.site_name) for row in shown],
        count=count,
        sites=[(item.id, item.name) for item in reached_sites(request)],
        said=said(wanted, {item.id: item.name for item in reached_sites(request)}),
        query=urlencode([(name, text) for name, text in request.query.items() if name != "after"]),
        first=_page(request, None) if after else "",
        following=_page(request, shown[-1]) if len(rows) > PAGE else "",
        checked=wording.clock(facts.now_at, facts.zone),
        saved=views,
    )


async def wanted_of(conn: AsyncConnection, request: web.Request) -> Filter:
    """The filter that stands in the address."""
    wanted, printed = _filter(request.query), naming.as_printed(request.query.get("no", ""))
    for no in dict.fromkeys([wanted.no, _clean(printed)]):  # as it is written first: an office may number so
        if no and await pages.find_by_no(conn, request[USER].scope, no, 1):
            return replace(wanted, no=no, is_whole_no=True)  # by an index, where an end is searched for
    return replace(wanted, no=_clean(printed))


def _filter(query: Mapping[str, str]) -> Filter:
    """An unknown word in the address does not restrict."""
    names = ("site", "light", "rule", "no", "item")
    site, light, rule, no, item = (_clean(query.get(name, "")) for name in names)
    person = query.get("person", "")
    return Filter(
        site=site,
        light=light if light in set(Light) else "",
        rule=rule if rule in set(Light) else "",
        closed_too=query.get("state") == "all",
        no=no,
        item=item,
        person=bytes.fromhex(person) if _TOKEN.fullmatch(person) else b"",
    )


def _clean(text: str) -> str:
    """Without what PostgreSQL does not accept in a text."""
    return text.replace("\0", "").strip()[:LONGEST_TEXT]


def said(wanted: Filter, sites: dict[str, str]) -> str:
    """The filter as a sentence: a printed list says what it is a list of."""
    parts = [
        "在办和已办结的办件" if wanted.closed_too else "在办的办件",
        sites.get(wanted.site, wanted.site),
        Light(wanted.light).word if wanted.light else "",
        f"规则亮{Light(wanted.rule).word}" if wanted.rule else "",
        _number(wanted) if wanted.no else "",
        f"事项含“{wanted.item}”" if wanted.item else "",
        "所查申请人的" if wanted.person else "",
    ]
    return " · ".join(part for part in parts if part)


def _number(wanted: Filter) -> str:
    return f"编号 {wanted.no}" if wanted.is_whole_no else f"编号以 {wanted.no} 结尾"


def _place(text: str) -> Place | None:
    """`at~site~key` of the last line of the page before; nonsense means the first page."""
    at, _, rest = text.replace("\0", "").partition("~")
    site, _, key = rest.partition("~")
    return Place(int(at), site, key) if at.isascii() and at.isdigit() and len(at) < 19 else None


def _page(request: web.Request, last: Row[Any] | None) -> str:
    """The address of the same list from after `last` on, or from its beginning."""
    query = {name: text for name, text in request.query.items() if name != "after"}
    if last is not None:
        query["after"] = f"{last.at}~{last.site}~{last.case_key}"
    return f"{request.path}?{urlencode(query)}"


async def find_person(request: web.Request) -> web.Response:
    """Who is looked for travels in the body and leaves as a token: no name stands in an address, a history or a log."""
    form, hall, user = await request.post(), request.app[HALL], request[USER]
    text = _clean(str(form.get("person", "")))
    if len(text) < SHORTEST_NAME:
        raise web.HTTPBadRequest(text="请写申请人的全名，或全部手机号码。")
    async with hall.store.write() as conn:
        token = pages.person_token(conn, text).hex()
        await trail.note(conn, hall.clock.wall(), user.name, "case.person", token[:8], "")
    raise web.HTTPSeeOther(f"/hall/cases?{urlencode({'person': token, 'state': 'all'})}")


ROUTES = [
    Route("GET", "/hall/cases", show_cases, Permission.VIEW_CASE),
    Route("POST", "/hall/cases/person", find_person, Permission.VIEW_CASE),
]
