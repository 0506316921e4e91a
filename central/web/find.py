"""The one box of the frame: digits are a number, letters the initials of a site or an item, the rest a part of the name of either."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlencode

from aiohttp import web

from central.core import naming, pinyin
from central.core.access import Permission
from central.store import items, pages
from central.web.page import HALL, USER, Route, reached_sites, render

LONGEST = 100
_LETTERS = re.compile(r"[A-Za-z]{2,20}")


async def find(request: web.Request) -> web.Response:
    typed = request.query.get("q", "").replace("\0", "").strip()[:LONGEST]
    text = naming.narrow(typed)
    ids = {item.name: item.id for item in reached_sites(request)}
    if text in ids.values():
        raise web.HTTPSeeOther(_site(text))
    if _LETTERS.fullmatch(text) or any(text and text in name for name in ids):
        return await _by_name(request, text, ids)
    field = "no" if any(letter.isdigit() for letter in text) else "item"
    target = f"/hall/cases?{urlencode({field: typed, 'state': 'all'})}" if text else "/hall/cases"
    raise web.HTTPSeeOther(target)


async def _by_name(request: web.Request, text: str, ids: dict[str, str]) -> web.Response:
    """One place that answers is gone to at once. `ids`: name of a site -> the site."""
    async with request.app[HALL].store.read() as conn:
        names = set(await pages.item_names(conn, request[USER].scope))
        names |= {item.name for versions in (await items.catalogue(conn)).values() for item in versions}
    sites = [(name, _site(ids[name])) for name in _matching(text, ids)]
    matters = [(name, _item(name)) for name in _matching(text, names)]
    if len(sites) + len(matters) == 1:
        raise web.HTTPSeeOther((sites + matters)[0][1])
    return render(request, "find.html", text=text, sites=sites, items=matters)


def _matching(text: str, names: Iterable[str]) -> list[str]:
    if text.isascii():
        return pinyin.matching(text, names)
    return sorted(name for name in names if text in name)[: pinyin.MOST]


def _site(site: str) -> str:
    return f"/hall/sites/{quote(site, safe='')}"


def _item(name: str) -> str:
    return f"/hall/cases?{urlencode({'item': name, 'state': 'all'})}"


ROUTES = [Route("GET", "/hall/find", find, Permission.VIEW_CASE)]
