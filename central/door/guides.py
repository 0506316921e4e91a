"""Home, search and guides."""

from collections.abc import Iterable

from aiohttp import web

from central.core import bulletin as bulletins
from central.core import guide as guides
from central.core import told
from central.core.consult import ANSWER_DAYS
from central.core.guide import Spot
from central.core.item import Item, ItemKind
from central.door import consult, forms, laws, replies
from central.door.page import DOOR, Shown, render

LONGEST = 60
MOST = 50
MOST_NOTICES = 3
"""Announcements on the first page."""
MOST_SAID = 5
"""Announcements, and answers to what others have asked and complained of, of what is searched for."""
UNSHOWN = "这个事项现在没有公示的指南，为免误导，不显示旧的。请打 {helpline}，或到最近的便民服务中心询问。"


async def home(request: web.Request) -> web.Response:
    shown = await request.app[DOOR].look()
    return await render(
        request,
        "home.html",
        terms=shown.beat.terms,
        answer_days=ANSWER_DAYS,
        notices=bulletins.newest(shown.bulletins, MOST_NOTICES),
    )


async def to_home(_request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/p/")


async def search(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    shown = await door.look()
    asked = request.query.get("q", "").replace("\0", "").strip()[:LONGEST]
    return await render(
        request,
        "search.html",
        asked=asked,
        found=_found(asked, request, shown)[:MOST],
        laws=laws.named(asked, shown)[:MOST],
        articles=await laws.found(request, shown, asked),
        notices=bulletins.titled(shown.bulletins, asked)[:MOST_SAID],
        answers=(await consult.answers(door, asked))[:MOST_SAID] if asked else [],
        replies=(await replies.replies(door, asked))[:MOST_SAID] if asked else [],
    )


def _current(request: web.Request, shown: Shown) -> list[Item]:
    """What may be shown today, by name."""
    today = request.app[DOOR].today(shown)
    found = [guides.current(one.guide, today) for one in shown.guides.values()]
    return sorted((item for item in found if item is not None), key=lambda item: (item.name, item.code))


def _found(asked: str, request: web.Request, shown: Shown) -> list[Item]:
    ranked = []
    for item in _current(request, shown):
        papers = (one.name for one in forms.of(shown, item.code, request))
        words = " ".join((item.conditions, *item.materials, *papers))
        rank = guides.rank(asked, item.name, shown.guides[item.code].letters, words)
        if rank is not None:
            ranked.append((rank, item.name, item.code, item))
    return [item for *_, item in sorted(ranked, key=lambda one: one[:3])]


async def show_guides(request: web.Request) -> web.Response:
    shown = await request.app[DOOR].look()
    return await render(request, "guides.html", found=_current(request, shown))


async def show_guide(request: web.Request) -> web.Response:
    """The version in force today; none, where it is not displayed: an older one would mislead."""
    door = request.app[DOOR]
    shown = await door.look()
    named = shown.guides.get(request.match_info["code"])
    if named is None:
        raise web.HTTPNotFound(text="没有这个事项。请从办事指南重新找。")
    today = door.today(shown)
    item, changes = guides.current(named.guide, today), guides.changes_on(named.guide, today)
    if item is None:
        text = UNSHOWN.format(helpline=door.config.helpline)
        return await render(request, "message.html", status=404, head="暂时没有这份指南", text=text)
    return await render(
        request,
        "guide.html",
        item=item,
        time=_time(item),
        changes=told.said_day(changes, today) if changes else "",
        spots=_places(named.guide.spots),
        measured=named.guide.measured,
        laws=laws.of_basis(request, shown, item.basis),
        forms=forms.of(shown, item.code, request),
    )


def _time(item: Item) -> str:
    if item.kind is ItemKind.ON_THE_SPOT:
        return "当场办"
    return f"{item.promised_days or item.legal_days} 个工作日"


def _places(spots: Iterable[Spot]) -> list[tuple[str, list[str]]]:
    """Each site once, with its offices."""
    found: dict[str, list[str]] = {}
    for spot in spots:
        found.setdefault(spot.site, []).extend([spot.office] if spot.office else [])
    return list(found.items())


ROUTES = [
    web.get("/", to_home),
    web.get("/p", to_home),
    web.get("/p/", home),
    web.get("/p/search", search),
    web.get("/p/guides", show_guides),
    web.get("/p/guides/{code}", show_guide),
]
