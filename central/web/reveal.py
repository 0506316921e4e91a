"""申请人: name and telephone of one case, unmasked, for those who may and say why; each look is a line of the audit."""

from aiohttp import web

from central.core import case as folding
from central.core import wording
from central.core.access import Permission
from central.store import cases, pages, trail
from central.web.listing import address
from central.web.page import HALL, USER, Route, facts_of, render

REASONS = ("核实疑点", "向申请人核实情况", "办理红灯", "办理投诉", "依法查询")
SHORTEST, LONGEST = 4, 200


async def reveal(request: web.Request) -> web.Response:
    form, hall, user, facts = await request.post(), request.app[HALL], request[USER], facts_of(request)
    reason, more = str(form.get("reason", "")), str(form.get("why", "")).strip()
    if reason not in REASONS or not SHORTEST <= len(more) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请选择原因，并写明情况，{SHORTEST} 至 {LONGEST} 个字。")
    site, key = (request.match_info[name].replace("\0", "") for name in ("site", "key"))
    async with hall.store.write() as conn:  # the line first: what is shown was written down
        row = await pages.one_case(conn, user.scope, site, key)
        if row is None:
            raise web.HTTPNotFound(text="没有这个办件。请从办件列表查找。")
        await trail.note(
            conn, hall.clock.wall(), user.name, "case.reveal", f"{site}/{key}", f"{reason}：{more}"
        )
        source = (await cases.source_rows(conn, site, [key])).get(key, [])
    told = folding.fold(key, source, facts.zone).facts
    return render(
        request,
        "reveal.html",
        item=row.item_name or "事项未填",
        number=row.case_no or "未填",
        back=address(site, key),
        applicant=told.applicant or row.applicant or "未记录",
        phone=told.phone or "未记录",
        why=f"{reason}：{more}",
        checked=wording.clock(facts.now_at, facts.zone),
    )


ROUTES = [Route("POST", "/hall/reveal/{site}/{key:.+}", reveal, Permission.REVEAL_PERSON)]
