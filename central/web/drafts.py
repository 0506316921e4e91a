"""Drafts of documents: a circular is asked for, anybody's draft is looked at, signed or thrown away."""

from typing import Any

from aiohttp import hdrs, web
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import circular, drafting
from central.core import wording
from central.core.access import Permission, allows
from central.core.circular import Counted
from central.core.document import Act, Kind, refusal
from central.core.document_forms import FORMS
from central.core.scope import EVERYTHING
from central.store import audit, drafts
from central.web import correction_view as view
from central.web.correction import desk
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.errors import RejectedError, UsageError


async def _counted(request: web.Request, name: str) -> Counted | None:
    """The table of a period in one picture, before the transaction that needs it: it takes a while. Raises UsageError."""
    if not name:
        return None
    async with request.app[HALL].store.read() as conn:
        await audit.freeze(conn)
        return await circular.count(conn, name, await desk(request, conn))


async def _found(request: web.Request, conn: AsyncConnection) -> Row[Any]:
    """Raises HTTPNotFound; only accounts that reach everything see drafts, which are of no site."""
    row = await drafts.one(conn, int(request.match_info["number"]))
    if row is None or request[USER].scope != EVERYTHING:
        raise web.HTTPNotFound(text="没有这份草稿。请从文书列表查找。")
    return row


async def ask(request: web.Request) -> web.Response:
    """Draft the circular of a period."""
    form, user = await request.post(), request[USER]
    name, reason, issuer = (str(form.get(field, "")).strip() for field in ("period", "reason", "issuer"))
    measures, copies = (
        tuple(line.strip() for line in str(form.get(field, "")).splitlines() if line.strip())
        for field in ("measures", "copies")
    )
    if user.role not in FORMS[Kind.CIRCULAR].drafts or user.scope != EVERYTHING:
        raise web.HTTPBadRequest(text="通报由能查看全市的监察员拟稿。")
    try:
        counted = await _counted(request, name or "空")
        assert counted is not None
        async with request.app[HALL].store.write() as conn:
            words = reason, measures, copies
            at = await desk(request, conn)
            number = await circular.draft(conn, name, words, issuer, user.name, counted, at)
    except (RejectedError, UsageError) as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/documents/drafts/{number}")


async def show_draft(request: web.Request) -> web.Response:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        row = await _found(request, conn)
    sheet, missing = None, ""
    if row.code is None and row.ended_wall is None:
        try:
            counted = await _counted(request, row.period)
            async with request.app[HALL].store.read() as conn:
                sheet = view.sheet(await drafting.preview(conn, row, counted, await desk(request, conn)))
        except UsageError as error:
            missing = f"{error}。{error.hint}"
    kind = Kind(row.kind)
    done = {Act.DRAFT: row.drafter}
    may = allows(user.role, Permission.WORK_CORRECTION)
    return render(
        request,
        "draft.html",
        row=row,
        kind=kind.word,
        sheet=sheet,
        missing=missing,
        made=wording.full(row.made_at, facts.zone, facts.now_at),
        ended=wording.full(row.ended_wall, facts.zone, facts.now_wall) if row.ended_wall else "",
        refused=refusal(FORMS[kind], Act.SIGN, user.name, user.role, done) if may else "只能查看",
        may_drop=may and (user.name == row.drafter or user.role in FORMS[kind].signs),
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def decide(request: web.Request) -> web.Response:
    """Sign, or throw away."""
    form, user, to = await request.post(), request[USER], request.match_info["to"]
    try:
        async with request.app[HALL].store.read() as conn:
            row = await _found(request, conn)
        if to == "refuse":
            await _drop(request, row, str(form.get("why", "")).strip())
            raise web.HTTPSeeOther("/hall/documents")
        counted = await _counted(request, row.period)
        async with request.app[HALL].store.write() as conn:
            at = await desk(request, conn)
            kind, code = await drafting.sign(conn, row.id, user.name, user.role, counted, at)
            if kind is Kind.CIRCULAR:
                await circular.tell(conn, code, at)
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/documents/{code}")


async def _drop(request: web.Request, row: Row[Any], why: str) -> None:
    user = request[USER]
    if user.name != row.drafter and user.role not in FORMS[Kind(row.kind)].signs:
        raise RejectedError("草稿由拟稿的人或有签发权限的人作废", hint="没有执行")
    async with request.app[HALL].store.write() as conn:
        await drafting.drop(conn, row.id, user.name, why, await desk(request, conn))


_ONE = r"/hall/documents/drafts/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_POST, "/hall/documents/circular", ask, Permission.WORK_CORRECTION),
    Route(hdrs.METH_GET, _ONE, show_draft, Permission.VIEW_CORRECTION),
    Route(hdrs.METH_POST, _ONE + "/{to:sign|refuse}", decide, Permission.WORK_CORRECTION),
]
