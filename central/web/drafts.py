"""Drafts of documents: a circular is asked for, anybody's draft is looked at, signed or thrown away."""

from typing import Any

from aiohttp import hdrs, web
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import briefing, circular, drafted, drafting, telling
from central.core import free, wording
from central.core.access import Permission, allows
from central.core.circular import Counted
from central.core.compose import Facts
from central.core.document import Act, Kind, refusal
from central.core.document_forms import FORMS
from central.core.scope import EVERYTHING
from central.store import audit, drafts
from central.web import correction_view as view
from central.web.correction import desk
from central.web.page import HALL, USER, Route, User, facts_of, number_of, render
from common.core.errors import RejectedError, UsageError


async def _counted(request: web.Request, name: str) -> Counted:
    """The table of a period in one picture, before the transaction that needs it: it takes a while. Raises UsageError."""
    async with request.app[HALL].store.read() as conn:
        await audit.freeze(conn)
        return await circular.count(conn, name, await desk(request, conn))


async def _today(request: web.Request, row: Row[Any]) -> Facts:
    """What a draft says as of today, read in one picture. Raises UsageError where there is no reason for it any more."""
    async with request.app[HALL].store.read() as conn:
        await audit.freeze(conn)
        return await drafted.today(conn, row, await desk(request, conn))


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
        edits = await drafting.edits(conn, row.id)
    sheet, missing = None, ""
    if row.code is None and row.ended_wall is None:
        try:
            said = await _today(request, row)
            async with request.app[HALL].store.read() as conn:
                sheet = view.sheet(await drafting.preview(conn, row, said, await desk(request, conn)))
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
        edits=[
            (edit.who, wording.full(edit.at, facts.zone, facts.now_at), changes) for edit, changes in edits
        ],
        written=free.of(drafting.facts_of(row)),
        may_edit=may
        and FORMS[kind].is_free
        and not refusal(FORMS[kind], Act.DRAFT, user.name, user.role, {}),
        refused=_refused(user, kind, done, {edit.who for edit, _ in edits}, is_own=view.is_own(user, row))
        if may
        else "只能查看",
        may_drop=may and (user.name == row.drafter or user.role in FORMS[kind].signs),
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _refused(user: User, kind: Kind, done: dict[Act, str], editors: set[str], *, is_own: bool) -> str:
    said = refusal(FORMS[kind], Act.SIGN, user.name, user.role, done)
    said = said or ("不能签发致本单位的文书" if is_own else "")
    return said or ("改动过草稿的人不能自己签发" if user.name in editors else "")


async def decide(request: web.Request) -> web.Response:
    """Sign, change, or throw away."""
    form, user, to = await request.post(), request[USER], request.match_info["to"]
    try:
        async with request.app[HALL].store.read() as conn:
            row = await _found(request, conn)
        if to == "edit":
            await _edit(request, row)
            raise web.HTTPSeeOther(f"/hall/documents/drafts/{row.id}")
        if to == "refuse":
            await _drop(request, row, str(form.get("why", "")).strip())
            raise web.HTTPSeeOther("/hall/documents")
        if view.is_own(user, row):
            raise web.HTTPConflict(text="不能签发致本单位的文书。请由另一位监察领导签发。")
        said = await _today(request, row)
        async with request.app[HALL].store.write() as conn:
            at = await desk(request, conn)
            seen = number_of(str(form.get("edits", ""))) or 0
            signed, code = await drafting.sign(conn, row.id, seen, user.name, user.role, said, at)
            if signed.kind == Kind.CIRCULAR:
                await circular.tell(conn, code, at)
            elif signed.kind == Kind.BRIEFING:
                await briefing.tell(conn, signed.subject, code, at)
            elif signed.site:
                await telling.of_letter(conn, signed, code, at)
    except (RejectedError, UsageError) as error:
        raise web.HTTPConflict(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/documents/{code}")


async def _edit(request: web.Request, row: Row[Any]) -> None:
    form, user = await request.post(), request[USER]
    lines = str(form.get("measures", "")).splitlines()
    said = free.tidy(str(form.get("reason", "")), tuple(lines))
    async with request.app[HALL].store.write() as conn:
        await drafting.edit(conn, row.id, said, user.name, user.role, await desk(request, conn))


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
    Route(hdrs.METH_POST, _ONE + "/{to:sign|edit|refuse}", decide, Permission.WORK_CORRECTION),
]
