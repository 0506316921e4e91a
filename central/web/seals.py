"""印章: the seals of the issuing organs: put up by one person, confirmed by another, in use, ended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import seal
from central.core import seal as rules
from central.core import wording
from central.core.access import Permission, allows
from central.core.hall import Facts
from central.core.scope import EVERYTHING
from central.paper import press
from central.seal import Picture, Who
from central.store import documents, seals
from central.web.page import HALL, USER, Route, User, facts_of, render
from common.core.errors import RejectedError, UsageError

LARGEST = rules.MOST_BYTES + 64 * 1024
_MOST_SAID = 400


class Line(Struct, frozen=True, kw_only=True):
    """One seal. `refused`: why the account may not confirm it."""

    id: int
    issuer: str
    millimetres: int
    state: str
    waits: bool
    in_force: bool
    uploaded: str
    confirmed: str
    ended: str
    refused: str
    may_end: bool


async def show_seals(request: web.Request) -> web.Response:
    facts, user = facts_of(request), _reaching(request)
    async with request.app[HALL].store.read() as conn:
        names = {row.id: row.name for row in await documents.issuers(conn)}
        rows = await seals.listed(conn)
    may = allows(user.role, Permission.WORK_CORRECTION)
    waiting = {row.issuer for row in rows if row.confirmed_wall is None and row.ended_wall is None}
    free = sorted((id_, name) for id_, name in names.items() if id_ not in waiting)
    return render(
        request,
        "seals.html",
        lines=[_line(row, names, user, facts, may=may) for row in rows],
        bare=sorted(
            name
            for id_, name in names.items()
            if not any(row.issuer == id_ and row.confirmed_wall and not row.ended_wall for row in rows)
        ),
        issuers=free,
        may=may,
        may_upload=may and not rules.upload_refusal(user.role),
        smallest=rules.SMALLEST,
        largest=rules.LARGEST,
        usual=rules.USUAL,
        fewest=rules.FEWEST_PIXELS,
        most=rules.MOST_PIXELS,
        kilobytes=rules.MOST_BYTES // 1024,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _line(row: Row[Any], names: dict[str, str], user: User, facts: Facts, *, may: bool) -> Line:
    def when(wall: int | None) -> str:
        return wording.full(wall, facts.zone, facts.now_wall) if wall else ""

    has_ended, in_force = row.ended_wall is not None, row.confirmed_wall is not None
    state = "使用中" if in_force else "待确认"
    return Line(
        id=row.id,
        issuer=names.get(row.issuer, row.issuer),
        millimetres=row.millimetres,
        state=("已停用" if in_force else "已退回") if has_ended else state,
        waits=not has_ended and not in_force,
        in_force=not has_ended and in_force,
        uploaded=f"{row.uploaded_by} {when(row.made_wall)} 上传：{row.why}",
        confirmed=f"{row.confirmed_by} {when(row.confirmed_wall)} 确认" if in_force else "",
        ended=f"{row.ended_by} {when(row.ended_wall)}：{row.ended_why}" if has_ended else "",
        refused=rules.confirm_refusal(user.name, user.role, row.uploaded_by) if may else "只能查看",
        may_end=may
        and not has_ended
        and not rules.end_refusal(user.name, user.role, row.uploaded_by, in_force=in_force),
    )


def _reaching(request: web.Request) -> User:
    """Raises HTTPNotFound: seals are of no site."""
    user = request[USER]
    if user.scope != EVERYTHING:
        raise web.HTTPNotFound(text="印章由能查看全市的人员管理。")
    return user


async def show_picture(request: web.Request) -> web.Response:
    """Only for who has to do with it: whoever has the picture can forge a paper."""
    user, hall = _reaching(request), request.app[HALL]
    async with hall.store.write() as conn:
        row = await seals.one(conn, int(request.match_info["number"]))
        body = await seal.picture(conn, row, user.name, hall.clock) if row is not None else None
    if body is None:
        raise web.HTTPNotFound(text="没有这枚印章的图片。")
    return web.Response(body=body, content_type="image/png", headers={hdrs.CACHE_CONTROL: "no-store"})


async def upload(request: web.Request) -> web.Response:
    form = await request.post()
    file, said = form.get("file"), str(form.get("millimetres", "")).strip()
    body = file.file.read() if isinstance(file, web.FileField) else b""
    wide = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 0
    is_drawn = not rules.fault(body, wide) and await asyncio.to_thread(press.can_draw, body)
    given = Picture(issuer=str(form.get("issuer", "")), body=body, millimetres=wide, is_drawn=is_drawn)
    return await _done(request, lambda conn, who: seal.upload(conn, given, who, request.app[HALL].clock))


async def decide(request: web.Request) -> web.Response:
    number, work = int(request.match_info["number"]), seal.end
    async with request.app[HALL].store.read() as conn:
        if await seals.one(conn, number) is None:
            raise web.HTTPNotFound(text="没有这枚印章。请从印章页办理。")
    if request.match_info["to"] == "confirm":
        work = seal.confirm
    return await _done(request, lambda conn, who: work(conn, number, who, request.app[HALL].clock))


async def _done(
    request: web.Request, work: Callable[[AsyncConnection, Who], Awaitable[object]]
) -> web.Response:
    user, why = _reaching(request), str((await request.post()).get("why", "")).strip()[:_MOST_SAID]
    try:
        async with request.app[HALL].store.write() as conn:
            await work(conn, Who(user.name, user.role, why))
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    except RejectedError as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther("/hall/documents/seals")


_ALL = "/hall/documents/seals"
ROUTES = [
    Route(hdrs.METH_GET, _ALL, show_seals, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_POST, _ALL, upload, Permission.WORK_CORRECTION, largest=LARGEST),
    Route(hdrs.METH_GET, _ALL + r"/{number:\d{1,9}}.png", show_picture, Permission.WORK_CORRECTION),
    Route(
        hdrs.METH_POST, _ALL + r"/{number:\d{1,9}}/{to:confirm|refuse}", decide, Permission.WORK_CORRECTION
    ),
]
