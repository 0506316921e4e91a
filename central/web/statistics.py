"""统计: any dimensions by any figures over a period, with its comparison; the same table as page, CSV and workbook."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlencode

from aiohttp import hdrs, web

from central.core import chart, wording
from central.core.access import Permission
from central.core.figure import FIGURES, Dimension
from central.export import as_csv, as_xlsx
from central.statistics import Answer, Asked, answer, asked_of, cells, heading, shown
from central.store import audit, trail
from central.web.export import XLSX
from central.web.page import HALL, USER, Handler, Route, facts_of, render
from common.core.errors import UsageError
from common.core.instant import from_us

MOST_CASES = 100_000
"""Above it a page would take too long; the command line has no bound."""
MOST_BARS = 30
COMMON = ("filed", "decided", "on_time", "promise_late", "median_days")
VERSUS = {"": "不对比", "before": "与上期对比", "year": "与上年同期对比"}
Write = Callable[[Sequence[str], Sequence[str], Iterable[Sequence[str]]], bytes]


def _asked(request: web.Request) -> tuple[Asked, str]:
    """What the address asks for, and its comparison; a bare address asks for this month by site."""
    facts, query = facts_of(request), request.query
    name = query.get("period") or f"{from_us(facts.now_at, facts.zone):%Y-%m}"
    by = [one for one in query.getall("by", [Dimension.SITE.value]) if one]
    versus = query.get("versus", "")
    return asked_of(name, by, query.getall("f", COMMON), versus), versus


async def _answer(request: web.Request, asked: Asked) -> Answer:
    facts, user = facts_of(request), request[USER]
    async with request.app[HALL].store.read() as conn:
        await audit.freeze(conn)
        return await answer(conn, user.scope, asked, facts.zone, facts.now_at, MOST_CASES)


async def show(request: web.Request) -> web.Response:
    facts = facts_of(request)
    fault, found, versus = "", None, ""
    asked = asked_of(f"{from_us(facts.now_at, facts.zone):%Y-%m}", [Dimension.SITE.value], COMMON, "")
    try:
        asked, versus = _asked(request)
        found = await _answer(request, asked)
    except UsageError as error:
        fault = f"{error}。{error.hint}。"
    return render(
        request,
        "statistics.html",
        status=400 if fault else 200,
        fault=fault,
        asked=asked,
        found=found,
        head=heading(asked),
        numeric=len(asked.dimensions) or 1,
        rows=[] if found is None else [cells(asked, row) for row in found.rows],
        total=None if found is None else cells(asked, found.total),
        bars=[] if found is None else _bars(found),
        versus=versus,
        versuses=VERSUS,
        dimensions=list(Dimension),
        figures=FIGURES,
        query=urlencode([*request.query.items()]),
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _bars(found: Answer) -> list[tuple[str, str, str]]:
    """(place, width, value) of the first figure, in the order of the table."""
    first = [(" ".join(row.place), row.values[0]) for row in found.rows][:MOST_BARS]
    widths = [width for _, width in chart.bars(first)]
    return [(label, width, shown(value)) for (label, value), width in zip(first, widths, strict=True)]


def _as(kind: str, ending: str, write: Write) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        facts, hall, user = facts_of(request), request.app[HALL], request[USER]
        try:
            asked, _ = _asked(request)
            found = await _answer(request, asked)
        except UsageError as error:
            raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
        when = wording.full(facts.now_at, facts.zone, facts.now_at)
        lacking = f"数据不全：{'、'.join(found.lacking)}，合计可能偏低" if found.lacking else "各站点数据齐全"
        notes = [f"{asked.period.word} · {when} · {lacking}", f"{user.name} 导出"]
        notes += [f"{one.name}：{one.definition}" for one in asked.figures]
        table = [cells(asked, row) for row in (*found.rows, found.total)]
        body = await asyncio.to_thread(write, notes, heading(asked), table)
        async with hall.store.write() as conn:
            subject = f"{ending}：{asked.period.name}"
            await trail.note(
                conn, hall.clock.wall(), user.name, "statistics.export", subject, f"{len(table)} 行"
            )
        response = web.Response(body=body, content_type=kind)
        name = f"statistics-{asked.period.name}.{ending}"
        response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{name}"'
        response.headers[hdrs.CACHE_CONTROL] = "no-store"
        return response

    return handler


ROUTES = [
    Route("GET", "/hall/statistics", show, Permission.VIEW_STATISTICS),
    Route("GET", "/hall/statistics.csv", _as("text/csv", "csv", as_csv), Permission.VIEW_STATISTICS),
    Route("GET", "/hall/statistics.xlsx", _as(XLSX, "xlsx", as_xlsx), Permission.VIEW_STATISTICS),
]
