"""公布: a final result drafted for the public, looked at exactly as it will be, released by another person, taken back."""

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from sqlalchemy.ext.asyncio import AsyncConnection

from central import publishing
from central.core import published, release, wording
from central.core.access import Permission
from central.core.period import parse
from central.core.release import PUBLIC_LEVELS, ReleaseState
from central.core.score import Level
from central.scoring import Sender
from central.store import publications, scores
from central.web.page import HALL, USER, Route, facts_of, must_reach_all, number_of, render
from common.core.errors import RejectedError, UsageError

MOST = 60
SHORTEST, LONGEST = 4, 200
_LEVELS = {
    "sdi": PUBLIC_LEVELS,
    "sd": (Level.SITE, Level.DEPARTMENT),
    "si": (Level.SITE, Level.ITEM),
    "s": (Level.SITE,),
}
"""What may be published together: where something could be found by subtraction, one level less."""
_KINDS = {"csv": "text/csv", "json": "application/json"}


async def show_list(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        rows = await publications.listed(conn, MOST)
        finals = [row for row in await scores.runs(conn, MOST) if row.is_final]
    return render(
        request,
        "publications.html",
        rows=[(row, parse(row.period).word, ReleaseState(row.state).word) for row in rows],
        finals=[(row, parse(row.period).word) for row in finals],
        levels=[(place, "、".join(one.word for one in levels)) for place, levels in _LEVELS.items()],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def draft(request: web.Request) -> web.Response:
    form, hall, facts = await request.post(), request.app[HALL], facts_of(request)
    must_reach_all(request, "评比结果")
    run, title = number_of(str(form.get("run", ""))), str(form.get("title", "")).strip()
    if run is None or not SHORTEST <= len(title) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请选一次正式结果，标题 {SHORTEST} 至 {LONGEST} 个字。")
    sender = Sender(request[USER].name, why_of(str(form.get("why", ""))), facts.now_at, hall.clock.wall())
    try:
        async with hall.store.write() as conn:
            merges, levels = (
                form.get("merge") == "on",
                _LEVELS.get(str(form.get("levels", "")), PUBLIC_LEVELS),
            )
            number = await publishing.draft(conn, run, title, sender, merges=merges, levels=levels)
    except (UsageError, RejectedError) as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/publications/{number}")


async def show_one(request: web.Request) -> web.Response:
    facts, number = facts_of(request), int(request.match_info["number"])
    async with request.app[HALL].store.read() as conn:
        try:
            row = await publications.one(conn, number)
        except UsageError as error:
            raise web.HTTPNotFound(text="没有这份公布件。请从公布页进入。") from error
        files = await publications.files(conn, number)
    units = published.ranking(files["ranking.json"]).units
    levels = {level.word: published.grouped(units, level) for level in PUBLIC_LEVELS}
    return render(
        request,
        "publication.html",
        row=row,
        period=parse(row.period),
        standing=ReleaseState(row.state),
        levels=levels,
        files=sorted(files),
        words=files["README.txt"].decode(),
        is_own=row.who == request[USER].name,
        made=wording.full(row.made_wall, facts.zone, facts.now_wall),
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def download(request: web.Request) -> web.Response:
    number, name = int(request.match_info["number"]), request.match_info["name"]
    async with request.app[HALL].store.read() as conn:
        files = await publications.files(conn, number)
    if name not in files:
        raise web.HTTPNotFound(text="没有这个文件。请从公布件的页面下载。")
    response = web.Response(body=files[name], content_type=_KINDS.get(name.rpartition(".")[2], "text/plain"))
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{name}"'
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response


async def packet(request: web.Request) -> web.Response:
    """For the press: all files in one, of what stands released."""
    number = int(request.match_info["number"])
    async with request.app[HALL].store.read() as conn:
        try:
            row = await publications.one(conn, number)
        except UsageError as error:
            raise web.HTTPNotFound(text="没有这份公布件。请从公布页进入。") from error
        files = await publications.files(conn, number)
    if row.state != ReleaseState.RELEASED.value:
        raise web.HTTPConflict(text="这份公布件没有发布，或已撤回，没有新闻资料包。请在审核发布之后下载。")
    response = web.Response(body=release.packet(files, row.period), content_type="application/zip")
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{row.period}.zip"'
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response


async def decide(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    return await decided(request, lambda conn, *said: publications.move(conn, number, *said))


Move = Callable[[AsyncConnection, ReleaseState, str, str, int], Awaitable[None]]
"""Release, refuse or take back: to which state, by whom, why, when. Raises UsageError where that may not be now."""


async def decided(request: web.Request, move: Move) -> web.Response:
    """What one person has drafted another releases or refuses, or somebody takes back; then its page again."""
    form, hall, to = await request.post(), request.app[HALL], _STATES[request.match_info["to"]]
    why = why_of(str(form.get("why", "")))
    try:
        async with hall.store.write() as conn:
            await move(conn, to, request[USER].name, why, hall.clock.wall())
    except UsageError as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(request.path.rpartition("/")[0])


_STATES = {
    "release": ReleaseState.RELEASED,
    "refuse": ReleaseState.REFUSED,
    "withdraw": ReleaseState.WITHDRAWN,
}


def why_of(text: str) -> str:
    why = text.strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明原因，{SHORTEST} 至 {LONGEST} 个字。")
    return why


_ONE = r"/hall/publications/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_GET, "/hall/publications", show_list, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, "/hall/publications", draft, Permission.DRAFT_PUBLICATION),
    Route(hdrs.METH_GET, _ONE, show_one, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_GET, _ONE + "/files/{name}", download, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_GET, _ONE + "/packet.zip", packet, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_POST, _ONE + "/{to:release|refuse|withdraw}", decide, Permission.RELEASE_PUBLICATION),
]
