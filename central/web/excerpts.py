"""投诉答复选登: redacted by who works complaints, looked at as it will be, released by another, taken back."""

from typing import Any

from aiohttp import hdrs, web
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import complaint
from central.core import excerpt as core
from central.core import wording
from central.core.access import Permission
from central.core.complaint import State
from central.core.release import ReleaseState
from central.core.scope import EVERYTHING
from central.store import complaints, excerpts, pages
from central.web.page import HALL, USER, Route, facts_of, render
from central.web.posted import Posted

MOST = 300


async def draft(request: web.Request) -> web.Response:
    """From a complaint that is closed, with its complainant's consent."""
    form, hall, user = await request.post(), request.app[HALL], request[USER]
    text, reply = (str(form.get(name, "")).strip() for name in ("text", "reply"))
    number = int(request.match_info["number"])
    async with hall.store.write() as conn:
        row = await complaints.lock_reached(conn, user.scope, number)
        if row is None:
            raise web.HTTPNotFound(text="没有这件投诉。请从投诉列表查找。")
        if not core.is_open_to(State(row.state), row.reply, may_publish=row.may_publish):
            raise web.HTTPConflict(text="这件投诉还没有答复办结，或投诉人没有同意公布，不能选登。")
        if {row.site, row.org} & user.home - {""}:
            raise web.HTTPConflict(text="不能办理对本单位的投诉。请由另一人拟选登。")
        if found := core.faults(text, reply, await _hidden(conn, row, hall.sign_secret)):
            raise web.HTTPBadRequest(text="；".join(found) + "。没有保存。")
        made = await excerpts.draft(conn, row, text, reply, user.name, hall.clock.wall())
        if made is None:
            raise web.HTTPConflict(
                text="这件投诉已经有待审核或已发布的选登。要改的，请审核员先不通过或撤回。"
            )
    raise web.HTTPSeeOther(f"/hall/complaints/{number}")


async def _hidden(conn: AsyncConnection, row: Row[Any], secret: bytes) -> core.Hidden:
    """Of the complaint `row` and the case that is linked with it, whoever may see that."""
    person = complaint.person_of(row, secret)
    case = await pages.one_case(conn, EVERYTHING, row.case_site, row.case_key) if row.case_key else None
    names = (person.name, (case.applicant or "") if case is not None else "")
    numbers = (row.number, row.case_no, (case.case_no or "") if case is not None else "")
    return core.Hidden(names, person.phone, numbers)


async def show_list(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        rows = await excerpts.listed(conn, MOST)
    return render(
        request,
        "excerpts.html",
        lines=[(row, ReleaseState(row.state)) for row in rows],
        checked=wording.clock(facts.now_at, facts.zone),
    )


_POSTED = Posted("excerpt.html", excerpts.one, excerpts.move, "没有这件选登。请从选登页进入。")
_ONE = r"/hall/excerpts/{number:\d{1,9}}"
ROUTES = [
    Route(hdrs.METH_POST, r"/hall/complaints/{number:\d{1,9}}/excerpt", draft, Permission.WORK_COMPLAINT),
    Route(hdrs.METH_GET, "/hall/excerpts", show_list, Permission.VIEW_PUBLICATION),
    Route(hdrs.METH_GET, _ONE, _POSTED.show, Permission.VIEW_PUBLICATION),
    Route(
        hdrs.METH_POST, _ONE + "/{to:release|refuse|withdraw}", _POSTED.decide, Permission.RELEASE_PUBLICATION
    ),
]
