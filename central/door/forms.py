"""表格下载: the forms of the items as they are shown today, each with its filled sample; what has expired is not handed out."""

from urllib.parse import quote

from aiohttp import hdrs, web

from central.core import blank as blanks
from central.core import guide as guides
from central.core.blank import Blank, Paper, Standing
from central.core.item import Item
from central.door import store as rows
from central.door.page import DOOR, Shown, render

GONE = "没有这份表格，或它已经撤回。请从办事指南重新找。"
EXPIRED = "这份表格已随事项的版本过期，为免误用，不再提供。请从办事指南下载现行的表格。"


def of(shown: Shown, code: str, request: web.Request) -> list[Blank]:
    """The forms that go with what is shown of an item today."""
    return blanks.current(shown.blanks, shown.guides[code].guide, request.app[DOOR].today(shown))


async def show_list(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    shown = await door.look()
    found: list[tuple[Item, list[Blank]]] = []
    for code, named in shown.guides.items():
        item, mine = guides.current(named.guide, door.today(shown)), of(shown, code, request)
        if item is not None and mine:
            found.append((item, mine))
    found.sort(key=lambda one: (one[0].name, one[0].code))
    return await render(request, "forms.html", found=found)


async def _current(request: web.Request, number: int) -> tuple[Blank, Item]:
    """Raises HTTPNotFound for what is not there, or not any more."""
    door = request.app[DOOR]
    shown = await door.look()
    one = next((one for one in shown.blanks if one.number == number), None)
    if one is None:
        raise web.HTTPNotFound(text=GONE)
    named, today = shown.guides.get(one.item), door.today(shown)
    where = blanks.standing(one.version, named.guide if named is not None else None, today)
    item = guides.current(named.guide, today) if named is not None else None
    if where is Standing.EXPIRED:
        raise web.HTTPNotFound(text=EXPIRED)
    if where is Standing.COMING or item is None:
        raise web.HTTPNotFound(text=GONE)
    return one, item


async def show_one(request: web.Request) -> web.Response:
    one, item = await _current(request, int(request.match_info["number"]))
    return await render(request, "form.html", one=one, item=item)


async def download(request: web.Request) -> web.Response:
    """A file as it was released, never opened inside the page."""
    number, part, ending = (request.match_info[name] for name in ("number", "part", "ending"))
    one, _ = await _current(request, int(number))
    paper: Paper = one.form if part == "form" else one.sample
    async with request.app[DOOR].store.read() as conn:
        body = await rows.blank_file(conn, paper.digest) if paper.kind.value == ending else None
    if body is None:
        raise web.HTTPNotFound(text=GONE)
    response = web.Response(body=body, content_type=paper.kind.mime)
    name = f"{one.name}{'（填写样本）' if part == 'sample' else ''}.{ending}"
    plain = f"{part}-{number}.{ending}"
    response.headers[hdrs.CONTENT_DISPOSITION] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    response.headers[hdrs.ETAG] = f'"{paper.digest}"'
    return response


ROUTES = [
    web.get("/p/forms", show_list),
    web.get(r"/p/forms/{number:\d{1,9}}", show_one),
    web.get(r"/p/forms/files/{number:\d{1,9}}-{part:form|sample}.{ending:[a-z]{3,4}}", download),
]
