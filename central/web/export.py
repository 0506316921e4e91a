"""The list of cases as a file: the filter of the page, masked like the page, with the note how whole it is."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from aiohttp import hdrs, web

from central.core import wording
from central.core.access import Permission
from central.export import as_csv, as_xlsx
from central.store import pages, trail
from central.web import cases
from central.web.listing import DEMANDS, Line, line
from central.web.page import HALL, USER, Handler, Route, facts_of, reached_sites
from common.core.instant import from_us

MOST = 5_000
HEAD = ("灯", "规则灯", "不符合的规则", "事项", "站点", "编号", "申请人", "责任人", "状态", "时限到", "剩余")
Write = Callable[[Sequence[str], Sequence[str], Iterable[Sequence[str]]], bytes]


def _as(kind: str, ending: str, write: Write) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        facts, hall, user = facts_of(request), request.app[HALL], request[USER]
        async with hall.store.read() as conn:
            wanted = await cases.wanted_of(conn, request)
            rows = await pages.list_cases(conn, user.scope, wanted, None, MOST + 1)
        said = cases.said(wanted, {item.id: item.name for item in reached_sites(request)})
        when = wording.full(facts.now_at, facts.zone, facts.now_at)
        count = f"共 {min(len(rows), MOST)} 件" + ("，其余未列，请缩小条件" if len(rows) > MOST else "")
        whole = hall.wall.state["k"]["partial"]["text"] or "各站点数据齐全"
        notes = [f"{said} · {when} · {count}", f"{whole}。个人信息已遮挡。{user.name} 导出"]
        table = [_row(line(row, facts), row.site_name) for row in rows[:MOST]]
        body = await asyncio.to_thread(write, notes, HEAD, table)
        async with hall.store.write() as conn:
            await trail.note(conn, hall.clock.wall(), user.name, "case.export", f"{ending}：{said}", count)
        name = f"cases-{from_us(facts.now_at, facts.zone):%Y%m%d-%H%M}.{ending}"
        answer = web.Response(body=body, content_type=kind)
        answer.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{name}"'
        answer.headers[hdrs.CACHE_CONTROL] = "no-store"
        return answer

    return handler


def _row(item: Line, site: str) -> tuple[str, ...]:
    number = "" if item.number == "没有编号" else item.number
    return (
        item.light.word,
        item.rule_light.word if item.rule_light else "",
        f"{item.rule} {DEMANDS.get(item.rule, '')}".strip(),
        item.item,
        site,
        number,
        item.applicant,
        item.responsible,
        item.status,
        item.due,
        item.left,
    )


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROUTES = [
    Route("GET", "/hall/cases.csv", _as("text/csv", "csv", as_csv), Permission.EXPORT_CASE),
    Route("GET", "/hall/cases.xlsx", _as(XLSX, "xlsx", as_xlsx), Permission.EXPORT_CASE),
]
