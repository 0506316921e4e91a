"""Home, search, guides and laws."""

from collections.abc import Iterable

from aiohttp import web

from central.core import guide as guides
from central.core.complaint import ACCEPT_DAYS
from central.core.consult import ANSWER_DAYS
from central.core.guide import Law, Spot
from central.core.item import Item, ItemKind
from central.door.page import DOOR, Shown, render

LONGEST = 60
MOST = 50
UNSHOWN = "这个事项现在没有公示的指南，为免误导，不显示旧的。请打 {helpline}，或到最近的便民服务中心询问。"


async def home(request: web.Request) -> web.Response:
    await request.app[DOOR].look()
    return await render(request, "home.html", accept_days=ACCEPT_DAYS, answer_days=ANSWER_DAYS)


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
        found=_found(asked, shown, _current(request, shown))[:MOST],
        laws=_found_laws(asked, shown)[:MOST],
    )


def _current(request: web.Request, shown: Shown) -> list[Item]:
    """What may be shown today, by name."""
    today = request.app[DOOR].today(shown)
    found = [guides.current(one.guide, today) for one in shown.guides.values()]
    return sorted((item for item in found if item is not None), key=lambda item: (item.name, item.code))


def _found(asked: str, shown: Shown, items: Iterable[Item]) -> list[Item]:
    ranked = []
    for item in items:
        words = " ".join((item.conditions, *item.materials))
        rank = guides.rank(asked, item.name, shown.guides[item.code].letters, words)
        if rank is not None:
            ranked.append((rank, item.name, item.code, item))
    return [item for *_, item in sorted(ranked, key=lambda one: one[:3])]


def _found_laws(asked: str, shown: Shown) -> list[Law]:
    ranked = [(guides.rank(asked, name, letters), name) for name, (_, letters) in shown.laws.items()]
    return [shown.laws[name][0] for rank, name in sorted((r, n) for r, n in ranked if r is not None)]


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
    item = guides.current(named.guide, door.today(shown))
    if item is None:
        text = UNSHOWN.format(helpline=door.config.helpline)
        return await render(request, "message.html", status=404, head="暂时没有这份指南", text=text)
    return await render(
        request,
        "guide.html",
        item=item,
        time=_time(item),
        spots=_places(named.guide.spots),
        measured=named.guide.measured,
        laws=guides.cited(item.basis),
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


async def show_laws(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    shown = await door.look()
    laws = [law for law, _ in shown.laws.values()]
    return await render(request, "laws.html", laws=laws, today=door.today(shown))


async def show_law(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    shown = await door.look()
    found = shown.laws.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound(text="没有这部法律法规。请从法律法规重新找。")
    return await render(request, "law.html", law=found[0], today=door.today(shown))


ROUTES = [
    web.get("/", to_home),
    web.get("/p", to_home),
    web.get("/p/", home),
    web.get("/p/search", search),
    web.get("/p/guides", show_guides),
    web.get("/p/guides/{code}", show_guide),
    web.get("/p/laws", show_laws),
    web.get("/p/laws/{name}", show_law),
]
