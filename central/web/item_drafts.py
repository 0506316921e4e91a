"""Changing the item catalogue: one person drafts, the page shows what differs, another person puts it into force."""

from datetime import date
from typing import Any

from aiohttp import web
from sqlalchemy import Row

from central.core import wording
from central.core.access import Permission
from central.core.item import Item, ItemKind
from central.core.item_draft import DraftState
from central.core.sheet import COLUMNS, differences, item_of, to_change, written
from central.store import item_drafts, items
from central.web.page import HALL, USER, Route, facts_of, render
from common.core.errors import UsageError
from common.core.instant import local_date

SHORTEST, LONGEST = 4, 200
LONG = {
    "route",
    "materials",
    "fees",
    "basis",
    "conditions",
    "quantity",
    "procedure",
    "sample",
    "persons",
    "deciders",
}
NOTES = {
    "promised_days": "工作日；即办件为 0",
    "extension_days": "工作日，行政许可法第四十二条",
    "lead_days": "工作日，到期前几日亮黄灯；空着为时限的一成，至少 1 日",
    "delivery_days": "工作日；业务系统记录送达的才填",
    "procedures": "用、分隔：听证、招标、拍卖、检验、检测、检疫、鉴定、专家评审",
    "route": "环节：工作日；环节？（可跳过）",
    "materials": "用；分隔",
    "fees": "名称=金额（元），用；分隔；不得收费的写 不收费；空着为没有载明，收费不核对",
    "persons": "姓名 电话，用；分隔",
    "deciders": "姓名，用；分隔，与业务系统所记一致；空着不核对",
    "valid_from": "空着即从审定次日起，当日受理的仍按现行版",
}


def _today(request: web.Request) -> date:
    facts = facts_of(request)
    return local_date(facts.now_at, facts.zone)


async def show_form(request: web.Request) -> web.Response:
    code = request.query.get("code", "").replace("\0", "")
    async with request.app[HALL].store.read() as conn:
        now = to_change((await items.catalogue(conn)).get(code, ()), _today(request))
    if code and now is None:
        raise web.HTTPNotFound(text=f"事项清单里没有编码为“{code}”的事项。")
    return _form(request, now, _cells(now) if now else {}, "", "")


def _cells(item: Item) -> dict[str, str]:
    """Its fields as they are written; the day is left open: the change begins when it is approved, or later."""
    return {one.field: written(one, getattr(item, one.field)) for one in COLUMNS if one.field != "valid_from"}


def _form(
    request: web.Request, now: Item | None, cells: dict[str, str], why: str, fault: str
) -> web.Response:
    return render(
        request,
        "item_form.html",
        status=400 if fault else 200,
        item=now,
        fields=[
            (one, cells.get(one.field, ""), NOTES.get(one.field, ""), one.field in LONG) for one in COLUMNS
        ],
        kinds=[kind.word for kind in ItemKind],
        why=why,
        faults=fault.splitlines(),
    )


async def propose(request: web.Request) -> web.Response:
    form, hall = await request.post(), request.app[HALL]
    cells = {one.field: str(form.get(one.field, "")).replace("\0", "") for one in COLUMNS}
    known, why = str(form.get("known", "")), str(form.get("why", "")).strip()
    async with hall.store.read() as conn:
        now = to_change((await items.catalogue(conn)).get(known, ()), _today(request))
    if now is not None:
        cells["code"] = now.code
    if not SHORTEST <= len(why) <= LONGEST:
        return _form(request, now, cells, why, f"请写明改动的原因，{SHORTEST} 至 {LONGEST} 个字。")
    try:
        item = item_of(cells)
        async with hall.store.write() as conn:
            user = request[USER].name
            number = await item_drafts.add(conn, item, _today(request), user, why, hall.clock.wall())
    except UsageError as error:
        return _form(request, now, cells, why, f"{error}。{error.hint}。")
    raise web.HTTPSeeOther(f"/hall/items-drafts/{number}")


async def show_draft(request: web.Request) -> web.Response:
    hall, number = request.app[HALL], int(request.match_info["number"])
    async with hall.store.read() as conn:
        row = await item_drafts.one(conn, number)
        if row is None:
            raise web.HTTPNotFound(text="没有这份改动。请从事项清单进入。")
        zone = facts_of(request).zone
        day = local_date(row.decided_wall, zone) if row.decided_wall else _today(request)
        before, newest = (
            await item_drafts.before(conn, row, day),
            len((await items.catalogue(conn)).get(row.code, ())),
        )
    item = item_drafts.content(row)
    return render(
        request,
        "item_draft.html",
        row=row,
        item=item,
        differences=differences(before, item),
        is_new=before is None,
        is_old=row.state == DraftState.WAITING and newest != row.base,
        begins=item.valid_from if before is None or item.valid_from != before.valid_from else None,
        standing=DraftState(row.state),
        is_own=row.who == request[USER].name,
        made=_when(request, row.made_wall),
        decided=_when(request, row.decided_wall) if row.decided_wall else "",
    )


def _when(request: web.Request, wall: int) -> str:
    facts = facts_of(request)
    return wording.full(wall, facts.zone, facts.now_wall)


async def approve(request: web.Request) -> web.Response:
    return await _decide(request, DraftState.APPROVED)


async def refuse(request: web.Request) -> web.Response:
    return await _decide(request, DraftState.REFUSED)


async def withdraw(request: web.Request) -> web.Response:
    return await _decide(request, DraftState.WITHDRAWN)


async def _decide(request: web.Request, to: DraftState) -> web.Response:
    form, hall, number = await request.post(), request.app[HALL], int(request.match_info["number"])
    why = str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明意见，{SHORTEST} 至 {LONGEST} 个字。")
    try:
        async with hall.store.write() as conn:
            user = request[USER].name
            await item_drafts.decide(conn, number, to, _today(request), user, why, hall.clock.wall())
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther(f"/hall/items-drafts/{number}")


def waits(row: Row[Any]) -> tuple[str, str, str]:
    """A waiting draft for the list: its address, the item's name, who drafted it."""
    return f"/hall/items-drafts/{row.id}", item_drafts.content(row).name, row.who


ROUTES = [
    Route("GET", "/hall/items-drafts/new", show_form, Permission.DRAFT_ITEM),
    Route("POST", "/hall/items-drafts", propose, Permission.DRAFT_ITEM),
    Route("GET", r"/hall/items-drafts/{number:\d{1,9}}", show_draft, Permission.VIEW_ITEM),
    Route("POST", r"/hall/items-drafts/{number:\d{1,9}}/approve", approve, Permission.APPROVE_ITEM),
    Route("POST", r"/hall/items-drafts/{number:\d{1,9}}/refuse", refuse, Permission.APPROVE_ITEM),
    Route("POST", r"/hall/items-drafts/{number:\d{1,9}}/withdraw", withdraw, Permission.DRAFT_ITEM),
]
