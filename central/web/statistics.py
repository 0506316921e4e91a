"""统计: any dimensions by any figures over a period, with its comparison; the same table as page, CSV and workbook."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from urllib.parse import urlencode

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct

from central import statistics as tables
from central.core import chart, period, wording
from central.core.access import Permission, allows
from central.core.chart import Column
from central.core.figure import DEFINITIONS, FIGURES, TIMES, Dimension, Row, times
from central.core.figure_groups import GROUPS
from central.core.period import Period
from central.core.saved_view import Listing
from central.core.spreadsheet import Cell
from central.export import as_csv, as_xlsx
from central.statistics import MOST_DIMENSIONS, Asked, answer, asked_of, cells, heading, shown, typed
from central.store import audit, trail
from central.web.export import XLSX
from central.web.guard import Fault
from central.web.page import HALL, USER, Answer, Api, Handler, Parameter, Route, facts_of, render
from central.web.saved_views import offered
from common.core.errors import RejectedError, UsageError
from common.core.instant import from_us, local_date

MOST_CASES = 100_000
"""Above it a page would take too long; the command line has no bound."""
MOST_BARS = 30
COMMON = ("filed", "decided", "on_time", "promise_late", "median_days")
RELATIVE: dict[str, Callable[[Period], Period]] = {
    "本月": lambda month: month,
    "上月": period.before,
    "去年本月": lambda month: period.before(month, years=1),
}
"""Periods that move with the calendar, so that a saved view stays of use; each of this month."""
PERIODS = f"^(20[0-9]{{2}}(-(Q[1-4]|H[12]|0[1-9]|1[0-2]))?|{'|'.join(RELATIVE)})$"
VERSUS = {"": "不对比", "before": "与上期对比", "year": "与上年同期对比"}
Write = Callable[[Sequence[str], Sequence[str], Iterable[Sequence[Cell]]], bytes]


def _asked(request: web.Request) -> tuple[Asked, str]:
    """What the address asks for, and its comparison; a bare address asks for this month by site."""
    facts, query = facts_of(request), request.query
    month = period.parse(f"{from_us(facts.now_at, facts.zone):%Y-%m}")
    name = query.get("period", "").strip() or "本月"
    if name in RELATIVE:
        name = RELATIVE[name](month).name
    by = [one for one in query.getall("by", [Dimension.SITE.value]) if one]
    versus = query.get("versus", "")
    asked = asked_of(name, by, query.getall("f", COMMON), versus)
    if Dimension.PERSON in asked.dimensions and not allows(request[USER].role, Permission.VIEW_CASE):
        raise UsageError("您的角色不能按责任人统计", hint="请换一个维度")
    return asked, versus


def _may_take(request: web.Request, asked: Asked) -> bool:
    """Persons leave the hall with those alone who may export cases."""
    return Dimension.PERSON not in asked.dimensions or allows(request[USER].role, Permission.EXPORT_CASE)


def _must_be_theirs_to_take(request: web.Request, asked: Asked) -> None:
    if not _may_take(request, asked):
        raise UsageError("您的角色不能导出按责任人分的统计", hint="请在网页上看，或换一个维度")


async def _answer(request: web.Request, asked: Asked) -> tables.Answer:
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
    async with request.app[HALL].store.read() as conn:
        saved = await offered(conn, request, Listing.STATISTICS)
    return render(
        request,
        "statistics.html",
        status=400 if fault else 200,
        fault=fault,
        asked=asked,
        found=found,
        head=heading(asked),
        numeric=len(asked.dimensions) or 1,
        moments={place for place, one in enumerate(asked.dimensions) if one in TIMES},
        rows=[] if found is None else [cells(asked, row) for row in found.rows],
        total=None if found is None else cells(asked, found.total),
        bars=[] if found is None else _bars(found),
        columns=[] if found is None else _columns(found, local_date(facts.now_at, facts.zone)),
        may_take=_may_take(request, asked),
        meant=[(one.word, DEFINITIONS[one]) for one in asked.dimensions if one in DEFINITIONS],
        groups={word: [FIGURES[one] for one in ones] for word, ones in GROUPS.items()},
        most=MOST_DIMENSIONS,
        saved=saved,
        typed=request.query.get("period", "").strip() or asked.period.name,
        versus=versus,
        versuses=VERSUS,
        dimensions=list(Dimension),
        query=urlencode([*request.query.items()]),
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _columns(found: tables.Answer, today: date) -> list[Column]:
    """The first figure over time, where there is nothing but time to tell apart: from left to right, gaps where there was nothing."""
    asked = found.asked
    if len(asked.dimensions) != 1 or asked.dimensions[0] not in TIMES:
        return []
    rows = {row.place[0]: row for row in found.rows}
    names = [
        name for name in times(asked.dimensions[0], asked.period, today) if min(rows, default="~") <= name
    ]
    values = [
        (name, row.values[0] if row else None, row.before[0] if row and row.before else None)
        for name in names
        for row in [rows.get(name)]
    ]
    return chart.columns(values, shown)


def _bars(found: tables.Answer) -> list[tuple[str, str, str]]:
    """(place, width, value) of the first figure, in the order of the table."""
    if len(found.asked.dimensions) == 1 and found.asked.dimensions[0] in TIMES:
        return []
    first = [(" ".join(row.place), row.values[0]) for row in found.rows][:MOST_BARS]
    widths = [width for _, width in chart.bars(first)]
    return [(label, width, shown(value)) for (label, value), width in zip(first, widths, strict=True)]


def _as(kind: str, ending: str, write: Write) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        asked, found = await _told(request)
        notes = [*_notes(request, asked, found), *_definitions(asked)]
        rows = [typed(asked, row) for row in (*found.rows, found.total)]
        body = await asyncio.to_thread(write, notes, heading(asked), rows)
        return await _file(request, kind, ending, asked, len(found.rows) + 1, body)

    return handler


async def as_pdf(request: web.Request) -> web.Response:
    """The same table to be printed, with the sentence that says how whole the data was."""
    from central.paper.pdf import Sheet, Typesetter  # the typesetter is large, and seldom asked for

    asked, found = await _told(request)
    facts, fonts = facts_of(request), request.app[HALL].config.fonts_dir
    by = "、".join(one.word for one in asked.dimensions)
    sheet = Sheet(
        title=f"{asked.period.word}统计" + (f"（按{by}）" if by else ""),
        made=f"{from_us(facts.now_at, facts.zone):%Y-%m-%d}",
        notes=_notes(request, asked, found),
        head=heading(asked),
        rows=[cells(asked, row) for row in (*found.rows, found.total)],
        places=len(asked.dimensions) or 1,
        definitions=_definitions(asked),
    )
    try:
        body = await asyncio.to_thread(lambda: Typesetter(fonts).table(sheet))
    except RejectedError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    return await _file(request, "application/pdf", "pdf", asked, len(sheet.rows), body)


class Counted(Struct, frozen=True):
    """One figure: what it means, in which unit."""

    id: str
    name: str
    unit: str
    definition: str


class Line(Struct, frozen=True):
    """One row: where, each figure's value as the text of a decimal (null: it rests on nothing), and that of the period before."""

    place: list[str]
    values: list[str | None]
    before: list[str | None]


class Statistics(Struct, frozen=True):
    """The table of the page. `lacking`: sites whose data is not whole, so that totals may be too low."""

    period: str
    versus: str
    dimensions: list[str]
    figures: list[Counted]
    rows: list[Line]
    total: Line
    lacking: list[str]


async def for_programs(request: web.Request) -> web.Response:
    asked, found = await _told(request)
    body = Statistics(
        period=asked.period.name,
        versus=asked.versus.name if asked.versus else "",
        dimensions=[one.value for one in asked.dimensions],
        figures=[Counted(one.id, one.name, one.unit, one.definition) for one in asked.figures],
        rows=[_line(row) for row in found.rows],
        total=_line(found.total),
        lacking=found.lacking,
    )
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


def _line(row: Row) -> Line:
    values, before = (
        [None if one is None else str(one) for one in each] for each in (row.values, row.before)
    )
    return Line(list(row.place), values, before)


async def _told(request: web.Request) -> tuple[Asked, tables.Answer]:
    try:
        asked, _ = _asked(request)
        _must_be_theirs_to_take(request, asked)
        return asked, await _answer(request, asked)
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error


def _notes(request: web.Request, asked: Asked, found: tables.Answer) -> list[str]:
    facts = facts_of(request)
    when = wording.full(facts.now_at, facts.zone, facts.now_at)
    lacking = f"数据不全：{'、'.join(found.lacking)}，合计可能偏低" if found.lacking else "各站点数据齐全"
    return [f"{asked.period.word} · {when} · {lacking}", f"{request[USER].name} 导出"]


def _definitions(asked: Asked) -> list[str]:
    dimensions = [f"{one.word}：{DEFINITIONS[one]}" for one in asked.dimensions if one in DEFINITIONS]
    return [*dimensions, *(f"{one.name}：{one.definition}" for one in asked.figures)]


async def _file(
    request: web.Request, kind: str, ending: str, asked: Asked, rows: int, body: bytes
) -> web.Response:
    """The file as an answer; that it was taken is in the audit."""
    hall, user = request.app[HALL], request[USER]
    async with hall.store.write() as conn:
        subject = f"{ending}：{asked.period.name}"
        await trail.note(conn, hall.clock.wall(), user.name, "statistics.export", subject, f"{rows} 行")
    response = web.Response(body=body, content_type=kind)
    name = f"statistics-{asked.period.name}.{ending}"
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{name}"'
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response


ROUTES = [
    Route("GET", "/hall/statistics", show, Permission.VIEW_STATISTICS),
    Route("GET", "/hall/statistics.csv", _as("text/csv", "csv", as_csv), Permission.VIEW_STATISTICS),
    Route("GET", "/hall/statistics.pdf", as_pdf, Permission.VIEW_STATISTICS),
    Route("GET", "/hall/statistics.xlsx", _as(XLSX, "xlsx", as_xlsx), Permission.VIEW_STATISTICS),
    Route(
        "GET",
        "/api/v1/statistics",
        for_programs,
        Permission.VIEW_STATISTICS,
        api=Api(
            "统计：任意维度、指标与期间，与统计页同一口径",
            (
                Answer(200, "账号所及的范围内", Statistics),
                Answer(400, "看不懂所要的，或太大", Fault),
            ),
            (
                Parameter("period", "期间，省略为本月", pattern=PERIODS),
                Parameter("by", "按什么分，省略为站点", tuple(Dimension), most=MOST_DIMENSIONS),
                Parameter("f", "哪些指标，省略为常用的", tuple(FIGURES), most=len(FIGURES)),
                Parameter("versus", "与什么对比，省略为不对比", tuple(name for name in VERSUS if name)),
            ),
        ),
    ),
]
